//! What is done for a writer off its thread: the next segment's file is prepared, the last one is
//! closed, and what was written is put on the medium.
//!
//! A writer alone does this work itself, when it is due. With a [`Keeper`] a thread of an edge does
//! it, and the writer never waits for a disk's cache: it goes on with the segment that it has until
//! the next one is ready, however large that grows.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::JournalError;
use super::directory::Directory;
use super::disk::{DiskFile, DiskLock};

/// Does a writer's slow work on another thread: call [`turn`](Self::turn) whenever
/// [`wait`](Self::wait) says so, until it says [`Due::Over`].
#[derive(Clone, Debug)]
pub struct Keeper(pub(super) Arc<Shared>);

/// Whether there is work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Due {
    /// A [`turn`](Keeper::turn) has something to do.
    Now,
    /// Nothing came up while waiting.
    Nothing,
    /// The writer is gone and everything is done.
    Over,
}

/// What writer and keeper share.
#[derive(Debug)]
pub(super) struct Shared {
    dir: Directory,
    segment_bytes: u64,
    /// Records that are on the medium, counted over the journal.
    durable: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
    /// Held while a piece of work is done.
    working: Mutex<()>,
    /// The directory is ours until writer and keeper are gone.
    lock: Box<dyn DiskLock>,
}

#[derive(Debug)]
struct State {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Records with the operating system.
    written: u64,
    /// Records that somebody waits for.
    wanted: u64,
    /// Records on the medium.
    synced: u64,
    closing: Option<Closing>,
    prepared: Option<Prepared>,
    /// The writer has the prepared file in hand and it still has the name that the next one will
    /// have: preparing now would empty it.
    is_taken: bool,
    /// A thread does the work.
    is_attached: bool,
    is_over: bool,
    /// Something failed that can be tried again, but not at once.
    is_resting: bool,
    failed: Option<Failure>,
}

/// What failed for good.
#[derive(Clone, Debug)]
enum Failure {
    /// The medium did not take what was written.
    Sync { path: PathBuf, text: String },
    /// The file has lost its name.
    Gone { path: PathBuf },
    /// The lock file is another one, and another process holds it.
    Shared { path: PathBuf },
}

impl From<Failure> for JournalError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sync { path, text } => Self::SyncFailed { path, text },
            Failure::Gone { path } => Self::Gone { path },
            Failure::Shared { path } => Self::Locked { path },
        }
    }
}

/// A full segment that has a successor.
#[derive(Clone, Debug)]
struct Closing {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Where its records end.
    end: u64,
    /// Records up to there.
    records: u64,
    successor: Arc<dyn DiskFile>,
    /// The successor's name so far, and its name once nothing before it can be lost, nor its header.
    unfinished: PathBuf,
    finished: PathBuf,
}

/// A file with room, for the next segment.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: PathBuf,
}

/// What a full disk refuses first.
pub(super) const ALLOCATE: &str = "make room ahead for a segment";

enum Job {
    Close(Closing),
    Sync { file: Arc<dyn DiskFile>, path: PathBuf, records: u64 },
    Prepare,
}

impl Keeper {
    /// Records that are on the medium, counted over the journal from its beginning.
    pub fn durable(&self) -> u64 {
        self.0.durable()
    }

    /// Waits for work.
    pub fn wait(&self, timeout: Duration) -> Due {
        let mut state = self.0.state();
        if !state.is_due() && !state.is_over {
            state = match self.0.changed.wait_timeout(state, timeout) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        match state.is_due() {
            true => Due::Now,
            false if state.is_over => Due::Over,
            false => Due::Nothing,
        }
    }

    /// Does one piece of work, if there is one. What failed and can be tried again is due after
    /// [`try_again`](Self::try_again).
    pub fn turn(&self) -> Result<(), JournalError> {
        self.0.turn()
    }

    /// Sees whether the segment that is written is still where it is called. Nothing is answered any
    /// more once it is not: its records would be in nobody's journal.
    pub fn look(&self) -> Result<(), JournalError> {
        self.0.look()
    }

    /// What failed is due again.
    pub fn try_again(&self) {
        self.0.state().is_resting = false;
    }
}

impl Shared {
    pub(super) fn new(
        (dir, lock): (Directory, Box<dyn DiskLock>),
        segment_bytes: u64,
        (file, path): (Arc<dyn DiskFile>, PathBuf),
        records: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            dir,
            segment_bytes,
            durable: AtomicU64::new(records),
            state: Mutex::new(State {
                file,
                path,
                written: records,
                wanted: records,
                synced: records,
                closing: None,
                prepared: None,
                is_taken: false,
                is_attached: false,
                is_over: false,
                is_resting: false,
                failed: None,
            }),
            changed: Condvar::new(),
            working: Mutex::new(()),
            lock,
        })
    }

    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    pub(super) fn attach(&self) {
        self.state().is_attached = true;
    }

    pub(super) fn is_attached(&self) -> bool {
        self.state().is_attached
    }

    /// The writer goes; what is due is still done.
    pub(super) fn release(&self) {
        let mut state = self.state();
        state.is_over = true;
        drop(state);
        self.changed.notify_all();
    }

    /// What failed for good is said at every question.
    pub(super) fn check(&self) -> Result<(), JournalError> {
        self.state().failed.clone().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Records are with the operating system; with `sync` somebody waits for the medium.
    pub(super) fn note_written(&self, records: u64, sync: bool) {
        let mut state = self.state();
        state.written = records;
        if sync {
            state.wanted = records;
            if state.is_attached {
                drop(state);
                self.changed.notify_all();
            }
        }
    }

    /// The file for the next segment, when the one before is closed and a file is ready.
    pub(super) fn take_prepared(&self) -> Option<Prepared> {
        let mut state = self.state();
        if state.closing.is_some() {
            return None;
        }
        let prepared = state.prepared.take();
        state.is_taken = prepared.is_some();
        prepared
    }

    /// It could not be used after all.
    pub(super) fn put_back(&self, prepared: Prepared) {
        let mut state = self.state();
        state.is_taken = false;
        // A failure after the change of files leaves it in use.
        if !std::ptr::addr_eq(Arc::as_ptr(&state.file), Arc::as_ptr(&prepared.file)) {
            state.prepared = Some(prepared);
        }
    }

    /// The writer has gone on to another file.
    pub(super) fn succeed(
        &self,
        file: Arc<dyn DiskFile>,
        first_record: u64,
        (end, unfinished): (u64, PathBuf),
    ) {
        let finished = self.dir.segment_path(first_record);
        let mut state = self.state();
        state.is_taken = false;
        let successor = Arc::clone(&file);
        let old_file = std::mem::replace(&mut state.file, file);
        let old_path = std::mem::replace(&mut state.path, finished.clone());
        state.closing = Some(Closing {
            file: old_file,
            path: old_path,
            end,
            records: first_record,
            successor,
            unfinished,
            finished,
        });
        drop(state);
        self.changed.notify_all();
    }

    /// Does all that is due, on the writer's own thread.
    pub(super) fn settle(&self) -> Result<(), JournalError> {
        self.check()?;
        loop {
            let mut state = self.state();
            state.is_resting = false;
            if !state.is_urgent() {
                return Ok(());
            }
            drop(state);
            self.turn()?;
        }
    }

    /// Gives a closed segment's successor its name, if that is still to be done; on the caller's
    /// thread, or by waiting for the one that does it.
    pub(super) fn finish_closing(&self) -> Result<(), JournalError> {
        self.check()?;
        loop {
            let mut state = self.state();
            state.is_resting = false;
            if state.closing.is_none() {
                return Ok(());
            }
            drop(state);
            self.turn()?;
            self.check()?;
        }
    }

    /// Creates a file with room for a segment.
    pub(super) fn prepare(&self) -> Result<Prepared, JournalError> {
        let path = self.dir.prepared_path();
        let file = self.dir.create(&path)?;
        file.allocate(self.segment_bytes).map_err(JournalError::io(&path, ALLOCATE))?;
        file.sync_all().map_err(JournalError::io(&path, "sync"))?;
        Ok(Prepared { file, path })
    }

    /// Waits until so many records are on the medium, or for so long.
    pub(super) fn wait_durable(&self, records: u64, timeout: Duration) {
        let state = self.state();
        if self.durable() < records && state.failed.is_none() {
            let _ = self.changed.wait_timeout(state, timeout);
        }
    }

    fn turn(&self) -> Result<(), JournalError> {
        let _working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(job) = self.state().job() else { return Ok(()) };
        let done = match job {
            Job::Close(closing) => self.close(&closing),
            Job::Sync { file, path, records } => {
                let synced = file.sync_data().map_err(|error| self.sync_failed(path, &error));
                synced.map(|()| self.publish(records))
            }
            Job::Prepare => self.prepare().map(|prepared| self.state().prepared = Some(prepared)),
        };
        if done.is_err() {
            self.state().is_resting = true;
        }
        done
    }

    /// Gives back the room beyond a segment's last record and puts all of it on the medium, and the
    /// header of its successor; then that gets its name. So a name says that there is a segment, and
    /// that nothing before it can be lost.
    fn close(&self, closing: &Closing) -> Result<(), JournalError> {
        let Closing { file, path, end, records, successor, unfinished, finished } = closing;
        file.set_len(*end).map_err(JournalError::io(path, "close"))?;
        file.sync_all().map_err(|error| self.sync_failed(path.clone(), &error))?;
        successor.sync_all().map_err(|error| self.sync_failed(finished.clone(), &error))?;
        self.dir.rename(unfinished, finished)?;
        let named = self.dir.disk().sync_dir(self.dir.path());
        named.map_err(|error| self.sync_failed(self.dir.path().to_owned(), &error))?;
        self.state().closing = None;
        self.publish(*records);
        Ok(())
    }

    fn publish(&self, records: u64) {
        let mut state = self.state();
        state.synced = state.synced.max(records);
        self.durable.store(state.synced, Ordering::Release);
        drop(state);
        self.changed.notify_all();
    }

    /// After a failed sync the system may have dropped what it could not write: no later sync can
    /// be believed.
    fn sync_failed(&self, path: PathBuf, error: &io::Error) -> JournalError {
        self.fail(Failure::Sync { path, text: error.to_string() })
    }

    fn fail(&self, failure: Failure) -> JournalError {
        self.state().failed = Some(failure.clone());
        self.changed.notify_all();
        failure.into()
    }

    /// Whether the segment that is written is still where it is called, and the journal still ours.
    pub(super) fn look(&self) -> Result<(), JournalError> {
        // Names change only while this is held.
        let _working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_at_names()
    }

    /// The same, unless a piece of work is under way: for the writer, which waits for no disk.
    pub(super) fn glance(&self) -> Result<(), JournalError> {
        match self.working.try_lock() {
            Ok(_working) => self.look_at_names(),
            Err(TryLockError::Poisoned(_working)) => self.look_at_names(),
            Err(TryLockError::WouldBlock) => Ok(()),
        }
    }

    fn look_at_names(&self) -> Result<(), JournalError> {
        let files = {
            let state = self.state();
            if state.failed.is_some() {
                return Ok(());
            }
            match &state.closing {
                None => vec![(Arc::clone(&state.file), state.path.clone(), None)],
                Some(closing) => vec![
                    (Arc::clone(&closing.file), closing.path.clone(), None),
                    // A close that did not come to its end may have named it already.
                    (
                        Arc::clone(&closing.successor),
                        closing.finished.clone(),
                        Some(closing.unfinished.clone()),
                    ),
                ],
            }
        };
        for (file, path, other) in files {
            if !self.is_called(&*file, &path)
                && !other.is_some_and(|other| self.is_called(&*file, &other))
            {
                return Err(self.fail(Failure::Gone { path }));
            }
        }
        match self.lock.renew() {
            Ok(false) => Err(self.fail(Failure::Shared { path: self.dir.lock_path() })),
            // That it cannot be asked, for whatever reason, does not say that another has it.
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Whether a path leads to a file, and not to nothing or to another one.
    fn is_called(&self, file: &dyn DiskFile, path: &Path) -> bool {
        use io::ErrorKind::{InvalidInput, NotADirectory, NotFound};
        match self.dir.disk().open(path) {
            Ok(other) => match (file.identity(), other.identity()) {
                (Ok(Some(file)), Ok(Some(other))) => file == other,
                _ => true,
            },
            // That it cannot be opened to read, for another reason, does not say that it is gone.
            Err(error) => !matches!(error.kind(), NotFound | NotADirectory | InvalidInput),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether an answer waits for it.
    fn is_urgent(&self) -> bool {
        let closes = self.closing.is_some();
        self.failed.is_none()
            && (closes && !self.is_resting || !closes && self.wanted > self.synced)
    }

    fn is_due(&self) -> bool {
        self.is_urgent() || self.wants_file()
    }

    fn wants_file(&self) -> bool {
        let wants = self.is_attached && !self.is_over && self.prepared.is_none() && !self.is_taken;
        wants && self.failed.is_none() && !self.is_resting
    }

    fn job(&self) -> Option<Job> {
        if let Some(closing) = self.closing.as_ref().filter(|_| self.is_urgent()) {
            return Some(Job::Close(closing.clone()));
        }
        if self.is_urgent() {
            let (file, path) = (Arc::clone(&self.file), self.path.clone());
            return Some(Job::Sync { file, path, records: self.written });
        }
        self.wants_file().then_some(Job::Prepare)
    }
}
