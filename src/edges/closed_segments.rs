//! What becomes of closed segments: their fingerprints are written, they are archived, and the old
//! ones go. On a thread of its own, one step at a time, so that nothing here delays a decision.

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
use crate::journal::{Beginning, Directory, JournalError};
use crate::telemetry::{LogEvent, emit};

use super::past::Fingerprints;

/// What stands for a segment's path in the archive's command.
pub const SEGMENT: &str = "{segment}";
/// Says up to which record everything is archived.
const ARCHIVED: &str = "ARCHIVED";
const DAY_MS: i64 = 86_400_000;

/// What becomes of closed segments.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// A program with its arguments, called for each; empty: there is no archive.
    pub archive_command: Vec<String>,
    /// Older ones are deleted; 0 keeps them for ever.
    pub keep_days: u32,
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
    /// The archive's program at work, with its segment and the record after that.
    archiving: Option<(Child, PathBuf, u64)>,
    archive_after: Option<Instant>,
    /// The newest segment when all was last seen to.
    seen: Option<u64>,
    /// Reading every header takes a while: not every second.
    look_at_age: Option<Instant>,
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
            look_at_age: None,
        }
    }

    fn turn(&mut self, now_ms: i64) -> Result<(), TendError> {
        let archived = self.archive();
        let newest = self.journal.segments()?.last().map(|(first, _)| *first);
        if let Some(fingerprints) = self.fingerprints.as_ref().filter(|_| self.seen != newest) {
            fingerprints.cover()?;
            self.seen = newest;
        }
        if self.look_at_age.is_none_or(|at| Instant::now() >= at) {
            self.look_at_age = Some(Instant::now() + Duration::from_secs(60));
            self.delete_old(now_ms)?;
        }
        archived
    }

    /// Looks after the archive's program, and starts it for the next segment.
    fn archive(&mut self) -> Result<(), TendError> {
        let Some((program, arguments)) = self.settings.archive_command.split_first() else {
            return Ok(());
        };
        if let Some((child, segment, next)) = &mut self.archiving {
            let what = "wait for the archive's command";
            let Some(status) = child.try_wait().map_err(fault(segment, what))? else {
                return Ok(());
            };
            let (segment, next) = (segment.clone(), *next);
            self.archiving = None;
            if !status.success() {
                self.archive_after = Some(Instant::now() + Duration::from_secs(10));
                return Err(TendError::Archive { segment, status });
            }
            self.note_archived(next)?;
        }
        if self.archive_after.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        let done = self.archived_to();
        let segments = self.journal.segments()?;
        let waiting = segments.windows(2).find(|two| two[0].0 >= done);
        let Some([(_, path), (next, _)]) = waiting else { return Ok(()) };
        let name = path.to_string_lossy();
        let child = Command::new(program)
            .args(arguments.iter().map(|argument| argument.replace(SEGMENT, &name)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(fault(Path::new(program), "start the archive's command"))?;
        self.archiving = Some((child, path.clone(), *next));
        Ok(())
    }

    fn archived_to(&self) -> u64 {
        let text = fs::read_to_string(self.dir.join(ARCHIVED)).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }

    fn note_archived(&self, next: u64) -> Result<(), TendError> {
        let path = self.dir.join(ARCHIVED);
        let unfinished = path.with_extension("new");
        fs::write(&unfinished, format!("{next}\n"))
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(fault(&path, "note what is archived"))
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
        for beginning in &beginnings[..count] {
            let path = &beginning.path;
            fs::remove_file(path).map_err(fault(path, "delete the old segment"))?;
            emit(&LogEvent::SegmentDeleted { file: &path.display() });
        }
        match (&self.fingerprints, beginnings.get(count)) {
            (Some(fingerprints), Some(first)) if count > 0 => {
                Ok(fingerprints.forget_before(first.first_record)?)
            }
            _ => Ok(()),
        }
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
        let settings = |program| Settings { archive_command: command(program), keep_days: 0 };
        let wait = |tending: &mut Tending| loop {
            let result = tending.archive();
            if result.is_err() || tending.archiving.is_none() {
                return result;
            }
            thread::sleep(Duration::from_millis(1));
        };
        let mut broken = Tending::new(dir.path().to_owned(), settings("/bin/false"), None);
        assert!(matches!(wait(&mut broken), Err(TendError::Archive { .. })));
        assert_eq!(broken.archived_to(), 0);
        let mut tending = Tending::new(dir.path().to_owned(), settings("/bin/cp"), None);
        wait(&mut tending).unwrap();
        assert_eq!(tending.archived_to(), 20);
        let mut names: Vec<_> =
            fs::read_dir(archive.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [format!("{:020}.tgj", 0).as_str(), format!("{:020}.tgj", 10).as_str()]);
    }
}
