//! What becomes of closed segments: their fingerprints and indexes are written, they are archived, and
//! the old ones go. On a thread of its own, one step at a time, so that nothing here delays a decision.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::Seq;
use crate::engine::Shelf;
use crate::journal::{
    Beginning, Directory, INDEX_EXTENSION, JournalError, ReadEntry, index_closed,
};
use crate::telemetry::{LogEvent, emit};

use super::noted;
use super::past::{Fingerprints, Names};

/// What stands for a file's path in the archive's command: a segment's index, then the segment.
pub const SEGMENT: &str = "{segment}";
/// Says up to which record everything is archived.
const ARCHIVED: &str = "ARCHIVED";
const DAY_MS: i64 = 86_400_000;
/// How much this thread gives way to others.
const NICENESS: i32 = 5;

/// What becomes of closed segments.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// A program with its arguments, called for each one's index and then for itself; empty: there is
    /// no archive.
    pub archive_command: Vec<String>,
    /// Older ones are deleted; 0 keeps them for ever.
    pub keep_days: u32,
    /// Events that arrived so many days before the newest are not looked up any more; 0: all that
    /// are kept are.
    pub remember_days: u32,
}

/// Sees to the closed segments of a journal until told to stop.
pub fn tend(
    dir: PathBuf,
    settings: Settings,
    fingerprints: Option<Arc<Fingerprints>>,
    stop: Arc<AtomicBool>,
) -> io::Result<()> {
    let mut tending = Tending::new(dir, settings, fingerprints);
    let run = move || {
        if cfg!(target_os = "linux") {
            // On a busy machine the stream comes first. Linux means this thread alone; a refusal
            // leaves us no worse off.
            let _ = rustix::process::setpriority_process(None, NICENESS);
        }
        let mut said = String::new();
        while !stop.load(Ordering::Relaxed) {
            match tending.turn(now_ms()) {
                Ok(()) => said.clear(),
                // Said once while it stays the same; tried again every time.
                Err(error) => {
                    let text = error.to_string();
                    if text != said {
                        emit(&LogEvent::JournalLags { fault: &error });
                        said = text;
                    }
                }
            }
            thread::sleep(Duration::from_secs(1));
        }
    };
    thread::Builder::new().name("segments".to_owned()).spawn(run).map(drop)
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Why closed segments are not seen to.
#[derive(Debug, thiserror::Error)]
enum TendError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{path}: cannot {what}: {source}")]
    Io { path: PathBuf, what: &'static str, source: io::Error },
    #[error("{segment}: the archive's command ended with {status}; it is tried again")]
    Archive { segment: PathBuf, status: std::process::ExitStatus },
}

struct Tending {
    dir: PathBuf,
    journal: Directory,
    settings: Settings,
    fingerprints: Option<Arc<Fingerprints>>,
    /// The archive's program at work.
    archiving: Option<Archiving>,
    archive_after: Option<Instant>,
    /// The newest segment when all was last seen to.
    seen: Option<u64>,
    /// The first record whose segment may lack its index.
    indexed_to: u64,
    /// Reading every header takes a while: not every second.
    look_at_age: Option<Instant>,
}

/// A file on its way to the archive.
struct Archiving {
    child: Child,
    file: PathBuf,
    /// The segment that goes after its index; `None` when the file is the segment.
    segment: Option<PathBuf>,
    /// The record after it.
    next: u64,
}

impl Tending {
    fn new(dir: PathBuf, settings: Settings, fingerprints: Option<Arc<Fingerprints>>) -> Self {
        let journal = Directory::from(&dir);
        Self {
            dir,
            journal,
            settings,
            fingerprints,
            archiving: None,
            archive_after: None,
            seen: None,
            indexed_to: 0,
            look_at_age: None,
        }
    }

    fn turn(&mut self, now_ms: i64) -> Result<(), TendError> {
        let indexed = self.index();
        let archived = self.archive();
        let newest = self.journal.segments()?.last().map(|(first, _)| *first);
        if let Some(fingerprints) = self.fingerprints.as_ref().filter(|_| self.seen != newest) {
            fingerprints.cover()?;
            if self.settings.remember_days > 0 {
                fingerprints.forget_older(self.settings.remember_days)?;
            }
            self.seen = newest;
        }
        if self.look_at_age.is_none_or(|at| Instant::now() >= at) {
            self.look_at_age = Some(Instant::now() + Duration::from_secs(60));
            self.delete_old(now_ms)?;
        }
        indexed.and(archived)
    }

    /// Makes one index that is missing. A segment whose index cannot be made is left to whoever
    /// asks for it, and to the next start: the archive does not wait for it.
    fn index(&mut self) -> Result<(), TendError> {
        let segments = self.journal.segments()?;
        let after = segments.iter().map(|(first, _)| *first).find(|first| *first > self.indexed_to);
        // What is read for the index is all that its fingerprints need: a segment is read once.
        let mut names = Names::default();
        let visit = |entry: &ReadEntry, at| names.note(Names::of(&entry.input), at);
        match index_closed(&self.journal, self.indexed_to, visit) {
            Ok(done) => self.indexed_to = done,
            Err(error) => {
                self.indexed_to = after.unwrap_or(self.indexed_to);
                return Err(error.into());
            }
        }
        let fingerprints = self.fingerprints.as_ref();
        fingerprints.map_or(Ok(()), |fingerprints| fingerprints.keep(names, self.indexed_to))?;
        Ok(())
    }

    /// Looks after the archive's program, and starts it for the next segment.
    fn archive(&mut self) -> Result<(), TendError> {
        if self.settings.archive_command.is_empty() {
            return Ok(());
        }
        if let Some(Archiving { child, file, .. }) = &mut self.archiving {
            let what = "wait for the archive's command";
            let Some(status) = child.try_wait().map_err(fault(file, what))? else {
                return Ok(());
            };
            // It was there a moment ago.
            let Some(Archiving { file, segment, next, .. }) = self.archiving.take() else {
                return Ok(());
            };
            if !status.success() {
                self.archive_after = Some(Instant::now() + Duration::from_secs(10));
                return Err(TendError::Archive { segment: file, status });
            }
            match segment {
                Some(segment) => return self.start_archiving(segment, None, next),
                None => self.note_archived(next)?,
            }
        }
        if self.archive_after.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let done = self.archived_to();
        let segments = self.journal.segments()?;
        let waiting = segments.windows(2).find(|two| two[0].0 >= done);
        let Some([(first, path), (next, _)]) = waiting else { return Ok(()) };
        if *first >= self.indexed_to {
            return Ok(());
        }
        let index = path.with_extension(INDEX_EXTENSION);
        match index.exists() {
            true => self.start_archiving(index, Some(path.clone()), *next),
            false => self.start_archiving(path.clone(), None, *next),
        }
    }

    fn start_archiving(
        &mut self,
        file: PathBuf,
        segment: Option<PathBuf>,
        next: u64,
    ) -> Result<(), TendError> {
        let Some((program, arguments)) = self.settings.archive_command.split_first() else {
            return Ok(());
        };
        let name = file.to_string_lossy();
        let child = Command::new(program)
            .args(arguments.iter().map(|argument| argument.replace(SEGMENT, &name)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fault(Path::new(program), "start the archive's command"))?;
        self.archiving = Some(Archiving { child, file, segment, next });
        Ok(())
    }

    fn archived_to(&self) -> u64 {
        // Without a note that can be believed everything is archived once more.
        noted::read(&self.dir.join(ARCHIVED)).unwrap_or(0)
    }

    fn note_archived(&self, next: u64) -> Result<(), TendError> {
        let path = self.dir.join(ARCHIVED);
        noted::write(&path, next).map_err(fault(&path, "note what is archived"))
    }

    /// Deletes from the oldest on, up to the first segment that somebody needs.
    fn delete_old(&self, now_ms: i64) -> Result<(), TendError> {
        if self.settings.keep_days == 0 {
            return Ok(());
        }
        let needed = Shelf::of(&self.dir).kept().first().map(|oldest| oldest.next);
        let is_archiving = !self.settings.archive_command.is_empty();
        let archived = if is_archiving { self.archived_to() } else { u64::MAX };
        let before_ms = now_ms - i64::from(self.settings.keep_days) * DAY_MS;
        let beginnings = self.journal.beginnings()?;
        let count = deletable(&beginnings, needed, archived, before_ms);
        // First nobody asks for them any more.
        if let (Some(fingerprints), Some(first), 1..) =
            (&self.fingerprints, beginnings.get(count), count)
        {
            fingerprints.forget_before(first.first_record)?;
        }
        for beginning in &beginnings[..count] {
            let path = &beginning.path;
            fs::remove_file(path).map_err(fault(path, "delete the old segment"))?;
            emit(&LogEvent::SegmentDeleted { file: &path.display() });
        }
        if let Some(first) = beginnings.get(count) {
            self.delete_indexes_before(&first.path)?;
        }
        Ok(())
    }
}

impl Tending {
    /// Deletes the indexes of segments that are gone, also those that a crash left behind.
    fn delete_indexes_before(&self, first: &Path) -> Result<(), TendError> {
        let what = "delete the index of an old segment";
        for file in fs::read_dir(&self.dir).map_err(fault(&self.dir, what))? {
            let path = file.map_err(fault(&self.dir, what))?.path();
            // Names are numbers of one length: their order is that of the segments.
            let is_index = path.extension().is_some_and(|end| end == INDEX_EXTENSION);
            let is_named =
                |stem: &str| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit());
            let is_ours = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_named);
            if is_index && is_ours && path.file_stem() < first.file_stem() {
                fs::remove_file(&path).map_err(fault(&path, what))?;
            }
        }
        Ok(())
    }
}

/// How many segments may go, from the oldest on. A snapshot needs every input from `needed` on; the
/// inputs that are kept need the bundle that they were made under, so only a segment that begins with
/// its bundle can become the first.
fn deletable(
    beginnings: &[Beginning],
    needed: Option<Seq>,
    archived: u64,
    before_ms: i64,
) -> usize {
    let Some(needed) = needed else { return 0 };
    let may_be_first = |first: &Beginning| {
        first.created_at_ms < before_ms
            && first.first_seq <= needed
            && first.first_record <= archived
            && first.bundle_in.is_none_or(|bundle| bundle >= first.first_record)
    };
    beginnings.iter().rposition(may_be_first).unwrap_or(0)
}

fn fault(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> TendError {
    let path = path.to_owned();
    move |source| TendError::Io { path, what, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::past::tests::{Bench, payment};
    use crate::journal::{Item, JournalIndex, Reader};

    fn beginning(first_record: u64, created_at_ms: i64, bundle_in: u64) -> Beginning {
        Beginning {
            path: PathBuf::new(),
            first_record,
            first_seq: Seq(first_record + 1),
            created_at_ms,
            bundle_in: Some(bundle_in),
        }
    }

    /// Age alone deletes nothing: not what a snapshot starts from, not what is in no archive, not
    /// the bundle of what stays, and never the newest segment.
    #[test]
    fn what_is_needed_is_never_deleted() {
        let segments = [
            beginning(0, 0, 0),
            beginning(10, 10, 0),
            beginning(20, 20, 10),
            beginning(30, 30, 10),
        ];
        let check = |needed: Option<u64>, archived, before_ms, expected| {
            let count = deletable(&segments, needed.map(Seq), archived, before_ms);
            assert_eq!(count, expected, "{needed:?} {archived} {before_ms}");
        };
        check(Some(100), u64::MAX, 100, 0); // the bundle of each stands in the one before
        let [first, second, mut third, fourth] = segments;
        third.bundle_in = None;
        let segments = [first, second, third, Beginning { bundle_in: Some(20), ..fourth }];
        let check = |needed: Option<u64>, archived, before_ms, expected| {
            let count = deletable(&segments, needed.map(Seq), archived, before_ms);
            assert_eq!(count, expected, "{needed:?} {archived} {before_ms}");
        };
        check(Some(100), u64::MAX, 100, 2); // the third begins with its bundle
        check(Some(100), u64::MAX, 15, 0);
        let segments = segments.map(|segment| Beginning { bundle_in: None, ..segment });
        let check = |needed: Option<u64>, archived, before_ms, expected| {
            let count = deletable(&segments, needed.map(Seq), archived, before_ms);
            assert_eq!(count, expected, "{needed:?} {archived} {before_ms}");
        };
        check(Some(100), u64::MAX, 100, 3);
        check(None, u64::MAX, 100, 0);
        check(Some(100), u64::MAX, 15, 1);
        check(Some(11), u64::MAX, 100, 1);
        check(Some(10), u64::MAX, 100, 0);
        check(Some(100), 20, 100, 2);
        check(Some(100), 0, 100, 0);
    }

    /// Every closed segment goes to the archive once, in order, and a failure is tried again.
    #[test]
    fn closed_segments_are_archived_in_order() {
        let (dir, archive) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for first in [0, 10, 20] {
            fs::write(dir.path().join(format!("{first:020}.tgj")), format!("{first}")).unwrap();
        }
        let to = archive.path().display().to_string();
        let command = |program: &str| vec![program.to_owned(), SEGMENT.to_owned(), to.clone()];
        let settings =
            |program| Settings { archive_command: command(program), ..Settings::default() };
        let wait = |tending: &mut Tending| loop {
            let result = tending.archive();
            if result.is_err() || tending.archiving.is_none() {
                return result;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let mut broken = Tending::new(dir.path().to_owned(), settings("/bin/false"), None);
        broken.indexed_to = u64::MAX;
        assert!(matches!(wait(&mut broken), Err(TendError::Archive { .. })));
        assert_eq!(broken.archived_to(), 0);
        let mut tending = Tending::new(dir.path().to_owned(), settings("/bin/cp"), None);
        assert!(wait(&mut tending).is_ok() && tending.archived_to() == 0, "no index was tried yet");
        tending.indexed_to = u64::MAX;
        wait(&mut tending).unwrap();
        assert_eq!(tending.archived_to(), 20);
        let mut names: Vec<_> =
            fs::read_dir(archive.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [format!("{:020}.tgj", 0).as_str(), format!("{:020}.tgj", 10).as_str()]);
    }

    /// The names in a directory that end so, in order.
    fn names(dir: &Path, end: &str) -> Vec<String> {
        let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|other| other == end));
        let mut names: Vec<_> =
            files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// A real journal: each closed segment has its index before anybody asks for it, both go to the
    /// archive, and both are deleted when they are old and nothing needs them; what is left is
    /// whole.
    #[test]
    fn an_index_goes_where_its_segment_goes() {
        let mut bench = Bench::new();
        let mut pipeline = bench.open("");
        for number in 0..6_000 {
            bench.give(&mut pipeline, &payment(number, 100));
        }
        pipeline.close().unwrap();
        let (dir, archive) = (bench.dir.path().to_owned(), tempfile::tempdir().unwrap());
        let to = archive.path().display().to_string();
        let archive_command = vec!["/bin/cp".to_owned(), SEGMENT.to_owned(), to];
        let settings = Settings { archive_command, keep_days: 1, remember_days: 0 };
        let mut tending = Tending::new(dir.clone(), settings, None);
        let segments = names(&dir, "tgj");
        let (newest, closed) = segments.split_last().unwrap();
        assert!(closed.len() > 20, "{} segments", closed.len());
        while tending.archived_to() < newest.parse().unwrap() {
            tending.turn(0).unwrap();
        }
        assert_eq!(names(&dir, "tgx"), closed);
        assert_eq!(names(archive.path(), "tgj"), closed);
        assert_eq!(names(archive.path(), "tgx"), closed);
        let index = |name: &String| fs::read(dir.join(format!("{name}.tgx"))).unwrap();
        let made: Vec<_> = closed.iter().map(index).collect();
        let inputs = JournalIndex::open(&dir, |_, _| {}).unwrap().inputs();
        let kept: Vec<_> = closed.iter().map(index).collect();
        assert!(made == kept && inputs == 6_000, "nothing was left to make");

        // A snapshot of everything: only the names of snapshots are looked at here.
        fs::write(Shelf::of(&dir).path(Seq(6_001)), b"").unwrap();
        tending.look_at_age = None;
        tending.turn(now_ms() + 3 * DAY_MS).unwrap();
        let left = names(&dir, "tgj");
        assert!(left.len() < closed.len() && left.len() > 1, "{left:?}");
        assert_eq!(names(&dir, "tgx").first(), left.first());
        let mut reader = Reader::open(&dir).unwrap().unwrap();
        assert!(matches!(reader.read().unwrap(), Some(Item::Bundle(_))));
        let mut inputs = 0;
        while reader.read().unwrap().is_some() {
            inputs += 1;
        }
        assert!(inputs > 0);
        assert_eq!(JournalIndex::open(&dir, |_, _| {}).unwrap().inputs(), inputs);
    }
}
