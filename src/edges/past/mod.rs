//! What the journal knows of events that the engine has forgotten.
//!
//! The engine remembers the newest events. For those before, each closed segment has its
//! fingerprints in a [`run`]; small runs are merged into larger ones, so that a question asks few
//! files, and nearly always none: the filters are in memory. Records since the last closed segment
//! are noted in memory as they are appended. Nothing here is a second truth: whatever is missing or
//! damaged is made again from the segments.

mod memory;
mod run;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::domain::{EventTime, Input, Token};
use crate::journal::{Directory, Item, JournalError, Reader};

use super::noted;
pub use memory::Memory;
use memory::amendments_of;
use run::{Entry, Position, Run, Span};

/// The fingerprints of a journal, shared by the thread that asks and the one that writes them.
#[derive(Debug)]
pub struct Fingerprints {
    journal: Directory,
    dir: PathBuf,
    runs: ArcSwap<Vec<Arc<Run>>>,
    /// Held while runs are written; the record before which events are forgotten.
    writing: Mutex<u64>,
    /// The record before which nothing is looked up: its segments are gone, or going.
    kept_from: AtomicU64,
}

/// The file that says before which record events are forgotten, though their segments are kept.
const FORGOTTEN: &str = "FORGOTTEN";
const DAY_MS: i64 = 86_400_000;

/// As many neighbouring runs of about one size become one.
const MERGE: usize = 4;
/// A run is not merged beyond this: the merge holds it in memory, 32 bytes an event.
const RUN_MAX: u64 = 16 << 20;

impl Fingerprints {
    /// Opens the fingerprints beside a journal whose writer is open, and writes those that are missing
    /// or damaged.
    pub fn open(journal: &Path) -> Result<Arc<Self>, JournalError> {
        let dir = journal.join("fingerprints");
        fs::create_dir_all(&dir).map_err(fault(&dir, "create the directory of fingerprints"))?;
        if fs::symlink_metadata(&dir).is_ok_and(|about| about.is_symlink()) {
            let source = io::Error::other("it is a link: files there may be somebody else's");
            let what = "keep fingerprints in";
            return Err(JournalError::Io { path: dir, what, source });
        }
        let mut runs: Vec<Arc<Run>> = Vec::new();
        for entry in fs::read_dir(&dir).map_err(fault(&dir, "list the fingerprints"))? {
            let path = entry.map_err(fault(&dir, "list the fingerprints"))?.path();
            if !Run::is_ours(&path) {
                continue;
            }
            let run = match path.extension().is_some_and(|extension| extension == "tgf") {
                true => Run::open(&path).map_err(fault(&path, "read the fingerprints"))?,
                false => None,
            };
            match run {
                Some(run) => runs.push(Arc::new(run)),
                None => fs::remove_file(&path).map_err(fault(&path, "remove the fingerprints"))?,
            }
        }
        // A crash between a merge and its end leaves both: the larger one has all.
        let all = runs.clone();
        runs.retain(|run| {
            !all.iter().any(|other| other.span != run.span && other.span.holds(run.span))
        });
        runs.sort_by_key(|run| run.span.first);
        // Without the note, or with one that says nothing, more is remembered than asked.
        let forgotten = noted::read(&dir.join(FORGOTTEN)).unwrap_or(0);
        let journal = Directory::from(journal);
        let oldest = journal.segments()?.first().map_or(0, |(first, _)| *first);
        let fingerprints = Self {
            journal,
            dir,
            runs: ArcSwap::from_pointee(runs),
            writing: Mutex::new(forgotten),
            kept_from: AtomicU64::new(oldest.max(forgotten)),
        };
        fingerprints.catch_up()?;
        Ok(Arc::new(fingerprints))
    }

    /// Writes the runs of segments that were closed since, and merges what has become many.
    pub fn cover(&self) -> Result<(), JournalError> {
        self.catch_up()?;
        self.merge()
    }

    /// The first record that no run covers.
    pub fn covered_to(&self) -> u64 {
        self.runs.load().last().map_or(0, |run| run.span.end)
    }

    /// Whether the segment that begins with this record can be read.
    fn keeps(&self, segment: u64) -> bool {
        segment >= self.kept_from.load(Ordering::Relaxed)
    }

    /// Keeps the names of a closed segment that somebody read for another purpose, up to the record
    /// after it.
    pub fn keep(&self, names: Names, end: u64) -> Result<(), JournalError> {
        let forgotten = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if end <= *forgotten || names.0.is_empty() {
            return Ok(());
        }
        let first = names.0[0].1.segment;
        let runs = self.runs.load();
        if !is_covered(&runs, first) {
            let mut all = runs.to_vec();
            all.push(self.write(Span { first, end }, names)?);
            self.put(all);
        }
        Ok(())
    }

    /// Writes a run.
    fn write(&self, span: Span, Names(mut entries): Names) -> Result<Arc<Run>, JournalError> {
        entries.sort_unstable_by_key(order);
        let written = Run::write(&self.dir, span, &entries);
        Ok(Arc::new(written.map_err(fault(&self.dir, "write the fingerprints"))?))
    }

    fn put(&self, mut runs: Vec<Arc<Run>>) {
        runs.sort_by_key(|run| run.span.first);
        self.runs.store(Arc::new(runs));
    }

    fn catch_up(&self) -> Result<(), JournalError> {
        let forgotten = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let segments = self.journal.segments()?;
        let runs = self.runs.load();
        let mut fresh = Vec::new();
        for (index, (first, _)) in segments.iter().enumerate() {
            // The newest segment is being written.
            let Some((end, _)) = segments.get(index + 1) else { break };
            if is_covered(&runs, *first) || *end <= *forgotten {
                continue;
            }
            fresh.push(self.write(Span { first: *first, end: *end }, self.scan(*first)?)?);
        }
        if !fresh.is_empty() {
            let mut all = runs.to_vec();
            all.append(&mut fresh);
            self.put(all);
        }
        Ok(())
    }

    /// The names in one segment.
    fn scan(&self, first: u64) -> Result<Names, JournalError> {
        let mut names = Names::default();
        let mut reader = Reader::open_segment(&self.journal, first)?.names_only();
        while let Some(item) = reader.read()? {
            let Item::Entry(entry) = item else { continue };
            let known_by = Names::of(&entry.input);
            let (segment, offset) = reader.position();
            if segment != first {
                break;
            }
            names.note(known_by, (segment, offset));
        }
        Ok(names)
    }

    fn merge(&self) -> Result<(), JournalError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = self.runs.load().to_vec();
        let tier = |run: &Arc<Run>| run.count.max(1).ilog(MERGE as u64);
        let is_ripe = |group: &&[Arc<Run>]| {
            let total: u64 = group.iter().map(|run| run.count).sum();
            let neighbours = group.windows(2).all(|two| two[0].span.end == two[1].span.first);
            total <= RUN_MAX && neighbours && group.iter().all(|run| tier(run) <= tier(&group[0]))
        };
        let Some(group) = runs.windows(MERGE).find(is_ripe) else { return Ok(()) };
        let mut entries = Vec::new();
        for run in group {
            entries.append(&mut run.entries().map_err(fault(&run.path, "read the fingerprints"))?);
        }
        entries.sort_unstable_by_key(order);
        let span = Span { first: group[0].span.first, end: group[MERGE - 1].span.end };
        let merged = Run::write(&self.dir, span, &entries);
        let merged = Arc::new(merged.map_err(fault(&self.dir, "write the fingerprints"))?);
        let mut all: Vec<Arc<Run>> =
            runs.iter().filter(|run| !span.holds(run.span)).cloned().collect();
        all.push(merged);
        self.put(all);
        group.iter().try_for_each(|run| {
            fs::remove_file(&run.path).map_err(fault(&run.path, "remove the fingerprints"))
        })
    }

    /// Forgets what arrived so many days before the newest event: a retry of it is refused at the
    /// door, and no window holds it. Its segments may be kept.
    pub fn forget_older(&self, days: u32) -> Result<(), JournalError> {
        let Some(newest) = self.newest_arrival()? else { return Ok(()) };
        let Ok(limit) = EventTime::from_ms(newest.as_ms() - i64::from(days) * DAY_MS) else {
            return Ok(());
        };
        // Whatever stands before this segment arrived before the limit.
        let Some(reader) = Reader::open_before(&self.journal, limit)? else { return Ok(()) };
        let (record, _) = reader.position();
        {
            let mut forgotten = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            if record <= *forgotten {
                return Ok(());
            }
            *forgotten = record;
            let note = self.dir.join(FORGOTTEN);
            noted::write(&note, record).map_err(fault(&note, "note what is forgotten"))?;
        }
        self.forget_before(record)
    }

    /// When the first event of the newest segment that has one arrived.
    fn newest_arrival(&self) -> Result<Option<EventTime>, JournalError> {
        let latest = EventTime::from_ms(EventTime::MAX_MS - 1).unwrap_or(EventTime::MIN);
        let Some(mut reader) = Reader::open_before(&self.journal, latest)? else {
            return Ok(None);
        };
        loop {
            match reader.read()? {
                Some(Item::Entry(entry)) => return Ok(Some(entry.input.received_at)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// Forgets what stands before a record: its segments are about to go, or too old to be asked for.
    pub fn forget_before(&self, record: u64) -> Result<(), JournalError> {
        // A run may hold more than what is forgotten of it.
        self.kept_from.fetch_max(record, Ordering::Relaxed);
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.runs.load().iter().cloned().partition(|run| run.span.end <= record);
        self.runs.store(Arc::new(kept));
        gone.iter().try_for_each(|run| {
            fs::remove_file(&run.path).map_err(fault(&run.path, "remove the fingerprints"))
        })
    }
}

/// What the inputs of one segment are known by.
#[derive(Debug, Default)]
pub struct Names(Vec<Entry>);

impl Names {
    /// What an input is known by: its own name, and the event that it amends.
    pub fn of(input: &Input) -> (Token, Option<Token>) {
        (input.name(), input.amends().map(|(event, _)| event))
    }

    /// Notes an input whose record stands there: segment and offset.
    pub fn note(&mut self, (name, amended): (Token, Option<Token>), (segment, offset): (u64, u64)) {
        let at = Position { segment, offset };
        self.0.push((name, at));
        self.0.extend(amended.map(|event| (amendments_of(event), at)));
    }
}

fn is_covered(runs: &[Arc<Run>], first: u64) -> bool {
    runs.iter().any(|run| run.span.first <= first && first < run.span.end)
}

/// By token, and one token's by their place: an event may be amended more than once.
fn order((token, at): &Entry) -> ([u8; 16], Position) {
    (*token.as_bytes(), *at)
}

fn fault(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> JournalError {
    let path = path.to_owned();
    move |source| JournalError::Io { path, what, source }
}

#[cfg(test)]
pub(in crate::edges) mod tests;
