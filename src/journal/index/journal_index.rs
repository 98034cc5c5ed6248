//! The indexes of a whole journal: kept ones are taken, missing ones made, and all are asked at
//! once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build::{Builder, Place};
use super::key::Key;
use super::layout::NO_DECISION;
use super::side_file::{SideFile, Useless};
use crate::domain::{Action, EventTime, Seq};
use crate::journal::directory::Directory;
use crate::journal::disk::DiskFile;
use crate::journal::frame::{self, HEAD, Parsed};
use crate::journal::notes::read_bundle;
use crate::journal::record::{Record, RecordKind};
use crate::journal::segment::{SegmentReader, fill};
use crate::journal::{JournalError, ReadEntry, StoredBundle};
use crate::wire::{MessageReader, WireError};

/// Indexes of every segment of a journal.
pub struct JournalIndex {
    dir: Directory,
    parts: Vec<Part>,
    entry: ReadEntry,
    buffer: Vec<u8>,
}

/// A stretch of records of one segment.
struct Part {
    segment: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where its index is or would be.
    path: PathBuf,
    index: SideFile,
}

/// What is looked for: every condition must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Of each list at least one key.
    pub keys: Vec<Vec<Key>>,
    /// Arrived at or after.
    pub from: Option<EventTime>,
    /// Arrived before.
    pub to: Option<EventTime>,
    /// The decision's action.
    pub action: Option<Action>,
    /// The decision's score, both ends included.
    pub score: Option<(u16, u16)>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// The input's number.
    pub seq: Seq,
    /// Which of the index's parts.
    part: usize,
    /// Where its frame begins in the segment.
    offset: u64,
}

/// The end of an index's name; the rest is its segment's.
pub const EXTENSION: &str = "tgx";
/// Of the newest segment, so much may lie behind the index before it is made again.
const TAIL_MAX: u64 = 16 << 20;
/// Bytes read for one record at first: most records are smaller.
const RECORD_GUESS: usize = 4 << 10;

impl JournalIndex {
    /// Opens the indexes of a journal and makes those that are missing or of no use; they are kept
    /// where the directory can be written to. `making` is told how many segments are done, of how
    /// many. A journal without segments has an empty index.
    pub fn open(
        dir: impl Into<Directory>,
        mut making: impl FnMut(usize, usize),
    ) -> Result<Self, JournalError> {
        let dir = dir.into();
        let segments = dir.segments()?;
        let count = segments.len();
        let mut parts = Vec::with_capacity(count + 1);
        for (at, (first_record, path)) in segments.into_iter().enumerate() {
            let place = if at + 1 == count { Place::Newest } else { Place::Closed };
            let (before, next) = (parts.len(), parts.last().map(Part::next_seq));
            open_segment(&dir, &path, first_record, place, &mut parts)?;
            let begins = parts.get(before).map(|part: &Part| part.index.head.first_seq);
            if next.is_some() && next != begins {
                let what = "its first input's number";
                return Err(JournalError::Gap { path, what });
            }
            making(at + 1, count);
        }
        Ok(Self { dir, parts, entry: ReadEntry::new(), buffer: Vec::new() })
    }

    /// Inputs that are indexed.
    pub fn inputs(&self) -> u64 {
        self.parts.iter().map(|part| u64::from(part.index.head.inputs)).sum()
    }

    /// The bundles of the journal, in the order in which they became active.
    pub fn bundles(&mut self) -> Result<Vec<StoredBundle>, JournalError> {
        let mut bundles = Vec::new();
        for part in &self.parts {
            for (_, offset) in &part.index.head.bundles {
                read_frame(part, *offset, &mut self.buffer, |record, payload| match record.kind {
                    RecordKind::Bundle => {
                        bundles.push(read_bundle(MessageReader::new(payload))?);
                        Ok(())
                    }
                    _ => Err(WireError::Missing { field: "bundle" }),
                })?;
            }
        }
        Ok(bundles)
    }

    /// Where the records stand that may be what is wanted, in their order. Keys are 64 bits of
    /// what they stand for: look at the records.
    pub fn find(&mut self, wanted: &Wanted) -> Result<Vec<Position>, JournalError> {
        let mut found = Vec::new();
        for at in 0..self.parts.len() {
            let before = found.len();
            if find_in(&self.parts[at], at, wanted, &mut found).is_err() {
                // A block of it is damaged: the segment itself is asked once more.
                found.truncate(before);
                self.parts[at].remake(&self.dir)?;
                let whole = find_in(&self.parts[at], at, wanted, &mut found);
                whole.map_err(|Useless| self.parts[at].damaged())?;
            }
        }
        Ok(found)
    }

    /// Reads the record at a position.
    pub fn read(&mut self, at: Position) -> Result<&ReadEntry, JournalError> {
        // A position comes from `find` of this index.
        let part = &self.parts[at.part];
        let entry = &mut self.entry;
        read_frame(part, at.offset, &mut self.buffer, |record, payload| match record.kind {
            RecordKind::Open => entry.read(MessageReader::new(payload)),
            _ => Err(WireError::Missing { field: "open" }),
        })?;
        if self.entry.seq != at.seq {
            // The checksums of an index hold for whatever was written: the record knows better.
            let what = "it names the record of another input (deleted, it is made again)";
            return Err(JournalError::Damaged { path: part.path.clone(), offset: at.offset, what });
        }
        Ok(&self.entry)
    }
}

/// Makes the index of the oldest closed segment at or after a record that lacks one, and keeps it.
/// Gives the first record of the segment after that; the same number when there is nothing to do.
///
/// What cannot be kept is said: whoever asks meanwhile makes the index for itself. Whoever visits sees
/// the names of every input on the way, with the place of its record: segment and offset.
pub fn index_closed(
    dir: &Directory,
    from: u64,
    mut visit: impl FnMut(&ReadEntry, (u64, u64)),
) -> Result<u64, JournalError> {
    let segments = dir.segments()?;
    let mut done = from;
    for two in segments.windows(2) {
        let [(first_record, path), (next, _)] = two else { continue };
        if *first_record < from {
            continue;
        }
        done = *next;
        let reader = SegmentReader::open(dir, path, *first_record)?;
        let side = path.with_extension(EXTENSION);
        let length = reader.file().size().map_err(JournalError::io(path, "inspect"))?;
        let kept = dir.disk().open(&side).ok().and_then(|file| SideFile::open(file, &side).ok());
        let is_whole =
            |kept: &SideFile| kept.head.is_of(&reader.header) && kept.head.covered == length;
        if !kept.as_ref().is_some_and(is_whole) {
            let mut visit = |entry: &ReadEntry, at| visit(entry, (*first_record, at));
            let bytes = build(dir, &reader, Place::Closed, &mut visit)?;
            keep(dir, &side, &bytes).map_err(JournalError::io(&side, "keep the index"))?;
            break;
        }
    }
    Ok(done)
}

/// Opens one segment's index, or makes it. The newest segment may be more than its index covers.
fn open_segment(
    dir: &Directory,
    path: &Path,
    first_record: u64,
    place: Place,
    parts: &mut Vec<Part>,
) -> Result<(), JournalError> {
    let mut reader = SegmentReader::open(dir, path, first_record)?;
    let file = dir.open(path)?;
    let length = file.size().map_err(JournalError::io(path, "inspect"))?;
    let side = path.with_extension(EXTENSION);
    let part = |index| Part {
        segment: path.to_owned(),
        file: Arc::clone(&file),
        path: side.clone(),
        index,
    };
    let kept = dir.disk().open(&side).ok().and_then(|file| SideFile::open(file, &side).ok());
    let kept = kept.filter(|kept| kept.head.is_of(&reader.header) && kept.head.covered <= length);
    match kept {
        Some(kept) if kept.head.covered == length => parts.push(part(kept)),
        Some(kept) if place == Place::Newest => {
            // What was written since: its records alone, in memory.
            let next = Seq(kept.head.first_seq.0.saturating_add(u64::from(kept.head.inputs)));
            let covered = kept.head.covered;
            let tail = Builder::at(&reader.header, next, covered).read(
                &mut reader,
                place,
                &mut |_, _| {},
            )?;
            if reader.offset() - covered > TAIL_MAX {
                parts.push(part(make(dir, &reader, &side, place)?));
            } else {
                parts.push(part(kept));
                let index = SideFile::in_memory(tail.finish(), &side);
                parts.push(part(index.map_err(|Useless| unmade(&side))?));
            }
        }
        _ => parts.push(part(make(dir, &reader, &side, place)?)),
    }
    Ok(())
}

/// Makes the index of a whole segment, and keeps it where that is possible.
fn make(
    dir: &Directory,
    reader: &SegmentReader,
    side: &Path,
    place: Place,
) -> Result<SideFile, JournalError> {
    let bytes = build(dir, reader, place, &mut |_, _| {})?;
    // A journal on a read-only copy is asked all the same: its index is not kept then.
    let _ = keep(dir, side, &bytes);
    SideFile::in_memory(bytes, side).map_err(|Useless| unmade(side))
}

/// The bytes of the index of a whole segment.
fn build(
    dir: &Directory,
    reader: &SegmentReader,
    place: Place,
    visit: &mut dyn FnMut(&ReadEntry, u64),
) -> Result<Vec<u8>, JournalError> {
    // A fresh reader stands behind the header; one that has read on knows the header's end no more.
    let first_record = reader.header.first_record;
    let mut fresh = SegmentReader::open(dir, reader.path(), first_record)?;
    let start = fresh.offset();
    let builder = Builder::at(&fresh.header, fresh.header.first_seq, start);
    Ok(builder.read(&mut fresh, place, visit)?.finish())
}

/// Writes an index under another name first, so that a crash leaves none that is half.
fn keep(dir: &Directory, side: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = side.with_extension("tgx.new");
    let file = dir.disk().create(&unfinished)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    dir.disk().rename(&unfinished, side)
}

fn unmade(side: &Path) -> JournalError {
    let what = "the index that was just made cannot be read";
    JournalError::Damaged { path: side.to_owned(), offset: 0, what }
}

impl Part {
    /// The number after its last input.
    fn next_seq(&self) -> Seq {
        let head = &self.index.head;
        Seq(head.first_seq.0.saturating_add(u64::from(head.inputs)))
    }

    /// Makes the index again after a block of it was found damaged.
    fn remake(&mut self, dir: &Directory) -> Result<(), JournalError> {
        let first_record = self.index.head.first_record;
        let reader = SegmentReader::open(dir, &self.segment, first_record)?;
        let first_seq = self.index.head.first_seq;
        if first_seq == reader.header.first_seq {
            self.index = make(dir, &reader, &self.path, Place::Newest)?;
        }
        Ok(())
    }

    fn damaged(&self) -> JournalError {
        let what = "its index is damaged and could not be made again";
        JournalError::Damaged { path: self.path.clone(), offset: 0, what }
    }
}

fn find_in(
    part: &Part,
    number: usize,
    wanted: &Wanted,
    found: &mut Vec<Position>,
) -> Result<(), Useless> {
    let (index, path) = (&part.index, part.path.as_path());
    let from = wanted.from.map_or(i64::MIN, EventTime::as_ms);
    let to = wanted.to.map_or(i64::MAX, EventTime::as_ms);
    let stretch = match (wanted.from, wanted.to) {
        (None, None) => 0..index.head.inputs,
        _ => index.arrived(from..to, path)?,
    };
    let mut candidates: Option<Vec<u32>> = None;
    for keys in &wanted.keys {
        let mut any = Vec::new();
        for key in keys {
            any.extend(index.inputs(*key, path)?);
        }
        any.sort_unstable();
        any.dedup();
        candidates = Some(match candidates {
            None => any,
            Some(mut both) => {
                both.retain(|input| any.binary_search(input).is_ok());
                both
            }
        });
    }
    let first_seq = index.head.first_seq.0;
    let mut take = |input: u32, row: super::layout::IndexRow| {
        let action = wanted.action.is_none_or(|action| row.action == action as u8);
        let score = wanted.score.is_none_or(|(least, most)| {
            row.action != NO_DECISION && (least..=most).contains(&row.score)
        });
        if action && score {
            let seq = Seq(first_seq.saturating_add(u64::from(input)));
            found.push(Position { seq, part: number, offset: row.offset });
        }
    };
    match candidates {
        None => index.rows(stretch, path, take),
        Some(inputs) => {
            for input in inputs.into_iter().filter(|input| stretch.contains(input)) {
                take(input, index.row(input, path)?);
            }
            Ok(())
        }
    }
}

/// Reads one record at its offset.
fn read_frame(
    part: &Part,
    offset: u64,
    buffer: &mut Vec<u8>,
    mut read: impl FnMut(&Record, &[u8]) -> Result<(), WireError>,
) -> Result<(), JournalError> {
    let path = &part.segment;
    buffer.resize(RECORD_GUESS.max(HEAD), 0);
    let mut length = fill(&*part.file, path, buffer, offset)?;
    let payload = loop {
        match frame::parse(&buffer[..length]) {
            Parsed::Whole(payload) => break payload,
            Parsed::Short(needed) if needed > length && length == buffer.len() => {
                buffer.resize(needed, 0);
                length = fill(&*part.file, path, buffer, offset)?;
            }
            _ => {
                let what = "no whole record stands where the index says";
                return Err(JournalError::Damaged { path: path.clone(), offset, what });
            }
        }
    };
    let payload = &buffer[payload];
    let record = Record::read(payload);
    let done = record.and_then(|record| read(&record, &payload[record.body.clone()]));
    done.map_err(|source| JournalError::Record { path: path.clone(), offset, source })
}
