//! The other side of a snapshot: seal, write, sync, read back, name, tidy up. A thread does it, one
//! step after the other; in the simulator the dice say when.

use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::domain::Seq;
use crate::engine::{Sealer, Shelf, preamble, verify};
use crate::journal::{DiskFile, FromStart};

/// Bytes after which what was written is synced: a disk that has little to do at once does not make
/// the journal wait.
const SYNC_EVERY: u64 = 16 << 20;
/// How much the writer's thread gives way to others.
const NICENESS: i32 = 5;
/// Empty buffers that are kept for the engine's thread.
const SPARES_MAX: usize = 64;
/// Words of a new buffer: what a store hands over, and a large frame more.
const BUFFER_WORDS: usize = 3 << 13;

enum Job {
    Discard(Vec<PathBuf>),
    Begin(Seq),
    Frames(Vec<u64>),
    Close,
    Abandon,
}

/// What became of a snapshot.
pub(super) enum Written {
    /// It is proven and has its name.
    Kept { next: Seq, bytes: u64, took: Duration },
    /// It is not there.
    Failed { text: String },
    /// It was given up before.
    Abandoned,
}

/// The engine's side of the writer.
pub(super) struct Writer {
    jobs: Sender<Job>,
    outcomes: Receiver<Written>,
    spares: Receiver<Vec<u64>>,
    shared: Arc<Shared>,
    /// `None` where somebody else takes the turns.
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Words handed over and not yet written.
    waiting: AtomicU64,
    /// The snapshot under way cannot be written any more.
    has_failed: AtomicBool,
}

impl Writer {
    /// A writer whose work a thread does.
    pub(super) fn start(shelf: Shelf, anchor_days: u32) -> io::Result<Self> {
        let (writer, mut worker) = Self::new(shelf, anchor_days);
        let work = move || {
            if cfg!(target_os = "linux") {
                // On a busy machine the stream comes first. Linux means this thread alone; a
                // refusal leaves us no worse off.
                let _ = rustix::process::setpriority_process(None, NICENESS);
            }
            while let Ok(job) = worker.jobs.recv() {
                worker.take(job);
            }
        };
        let thread = std::thread::Builder::new().name("snapshots".to_owned()).spawn(work)?;
        Ok(Self { thread: Some(thread), ..writer })
    }

    /// A writer, and its work for whoever takes the turns.
    pub(super) fn new(shelf: Shelf, anchor_days: u32) -> (Self, Worker) {
        // What a crash left behind was never proven.
        let disk = shelf.dir().disk();
        shelf.leftovers().iter().for_each(|path| drop(disk.remove(path)));
        let (jobs, taken) = mpsc::channel();
        let (told, outcomes) = mpsc::channel();
        let (returned, spares) = mpsc::sync_channel(SPARES_MAX);
        let shared = Arc::new(Shared::default());
        let (current, lost) = (None, Vec::new());
        let desk = Desk { shelf, anchor_days, shared: Arc::clone(&shared), current, lost };
        let worker = Worker { jobs: taken, outcomes: told, spares: returned, desk };
        (Self { jobs, outcomes, spares, shared, thread: None }, worker)
    }

    pub(super) fn discard(&self, paths: Vec<PathBuf>) {
        self.send(Job::Discard(paths));
    }

    pub(super) fn begin(&self, next: Seq) {
        self.shared.has_failed.store(false, Ordering::Relaxed);
        self.send(Job::Begin(next));
    }

    pub(super) fn put(&self, frames: Vec<u64>) {
        self.shared.waiting.fetch_add(frames.len() as u64, Ordering::Relaxed);
        self.send(Job::Frames(frames));
    }

    pub(super) fn close(&self) {
        self.send(Job::Close);
    }

    pub(super) fn abandon(&self) {
        self.send(Job::Abandon);
    }

    fn send(&self, job: Job) {
        // The thread lives as long as this side; if it has panicked there is no snapshot.
        if self.jobs.send(job).is_err() {
            self.shared.has_failed.store(true, Ordering::Relaxed);
        }
    }

    /// An empty buffer.
    pub(super) fn spare(&self) -> Vec<u64> {
        self.spares.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER_WORDS))
    }

    /// Words handed over and not yet written.
    pub(super) fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Whether the snapshot under way is lost.
    pub(super) fn has_failed(&self) -> bool {
        self.shared.has_failed.load(Ordering::Relaxed)
    }

    /// What became of the snapshot, once it is known.
    pub(super) fn outcome(&self) -> Option<Written> {
        match self.outcomes.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => {
                Some(Written::Failed { text: "its thread has ended".to_owned() })
            }
        }
    }

    /// Waits for the thread, which has nothing left to do.
    pub(super) fn end(self) {
        let Self { jobs, thread, .. } = self;
        drop(jobs);
        let _ = thread.map(JoinHandle::join);
    }

    /// Ends without waiting.
    pub(super) fn leave(self) {
        self.abandon();
    }
}

/// The thread's side.
pub(in crate::edges) struct Worker {
    jobs: Receiver<Job>,
    outcomes: Sender<Written>,
    spares: SyncSender<Vec<u64>>,
    desk: Desk,
}

impl Worker {
    /// Does one piece of work, if there is one.
    #[cfg(test)]
    pub(in crate::edges) fn turn(&mut self) {
        if let Ok(job) = self.jobs.try_recv() {
            self.take(job);
        }
    }

    fn take(&mut self, job: Job) {
        let (outcome, spare) = self.desk.take(job);
        if let Some(outcome) = outcome {
            let _ = self.outcomes.send(outcome);
        }
        if let Some(spare) = spare {
            // More than are wanted are let go.
            let _ = self.spares.try_send(spare);
        }
    }
}

/// Where a snapshot is written.
struct Desk {
    shelf: Shelf,
    anchor_days: u32,
    shared: Arc<Shared>,
    current: Option<Current>,
    /// Files that nobody will use.
    lost: Vec<PathBuf>,
}

/// The snapshot being written, or why it cannot be.
struct Current {
    next: Seq,
    file: Result<Arc<dyn DiskFile>, String>,
    sealer: Sealer,
    bytes: u64,
    unsynced: u64,
    began: Instant,
}

impl Desk {
    fn take(&mut self, job: Job) -> (Option<Written>, Option<Vec<u64>>) {
        match job {
            Job::Discard(paths) => {
                self.lost = paths;
                (None, None)
            }
            Job::Begin(next) => {
                self.current = Some(Current::begin(&self.shelf, next));
                (None, None)
            }
            Job::Frames(mut frames) => {
                let words = frames.len() as u64;
                if let Some(current) = &mut self.current {
                    current.put(&mut frames);
                    self.shared.has_failed.store(current.file.is_err(), Ordering::Relaxed);
                }
                self.shared.waiting.fetch_sub(words, Ordering::Relaxed);
                frames.clear();
                (None, Some(frames))
            }
            Job::Close => {
                let current = self.current.take();
                (current.map(|current| self.close(current)), None)
            }
            Job::Abandon => {
                let outcome = self.current.take().map(|current| {
                    self.remove(&self.shelf.unproven(current.next));
                    current.file.err().map_or(Written::Abandoned, |text| Written::Failed { text })
                });
                (outcome, None)
            }
        }
    }

    fn close(&mut self, current: Current) -> Written {
        let (next, began) = (current.next, current.began);
        let path = self.shelf.unproven(next);
        let (dir, disk) = (self.shelf.dir().path(), self.shelf.dir().disk());
        let kept = current.close(&self.shelf, &path).and_then(|bytes| {
            disk.rename(&path, &self.shelf.path(next)).map_err(|error| text("name it", &error))?;
            disk.sync_dir(dir).map_err(|error| text("sync its directory", &error))?;
            Ok(bytes)
        });
        match kept {
            Ok(bytes) => {
                // Only now, with a newer one proven.
                let new = self.shelf.path(next);
                let lost: Vec<_> = self.lost.drain(..).filter(|path| *path != new).collect();
                lost.iter().for_each(|path| self.remove(path));
                let surplus = self.shelf.surplus(self.anchor_days);
                surplus.iter().for_each(|kept| self.remove(&kept.path));
                Written::Kept { next, bytes, took: began.elapsed() }
            }
            Err(text) => {
                self.remove(&path);
                Written::Failed { text }
            }
        }
    }

    /// What cannot be removed takes room and is tried again with the next snapshot.
    fn remove(&self, path: &Path) {
        let _ = self.shelf.dir().disk().remove(path);
    }
}

impl Current {
    fn begin(shelf: &Shelf, next: Seq) -> Self {
        let file = shelf.dir().disk().create_private(&shelf.unproven(next));
        let file = file.map_err(|error| text("create it", &error));
        let (sealer, began) = (Sealer::default(), Instant::now());
        let mut current = Self { next, file, sealer, bytes: 0, unsynced: 0, began };
        current.write(&preamble());
        current
    }

    fn put(&mut self, frames: &mut [u64]) {
        self.sealer.seal(frames);
        self.write(frames);
    }

    fn write(&mut self, words: &[u64]) {
        let Ok(file) = &self.file else { return };
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let mut written =
            file.write_all_at(bytes, self.bytes).map_err(|error| text("write it", &error));
        self.bytes += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if written.is_ok() && self.unsynced >= SYNC_EVERY {
            self.unsynced = 0;
            written = file.sync_data().map_err(|error| text("sync it", &error));
        }
        if let Err(text) = written {
            self.file = Err(text);
        }
    }

    /// Writes the trailer, syncs, and reads the whole file back from the disk.
    fn close(mut self, shelf: &Shelf, path: &Path) -> Result<u64, String> {
        let trailer = self.sealer.trailer();
        self.write(&trailer);
        let (file, bytes) = (self.file?, self.bytes);
        file.sync_all().map_err(|error| text("sync it", &error))?;
        file.forget();
        drop(file);
        let again = shelf.dir().disk().open(path).map_err(|error| text("read it back", &error))?;
        let head = verify(BufReader::with_capacity(1 << 20, FromStart::of(again)), bytes);
        let head =
            head.map_err(|fault| format!("what was written is not what is read: {fault}"))?;
        if head.next == self.next { Ok(bytes) } else { Err("it is another's".to_owned()) }
    }
}

fn text(what: &str, error: &io::Error) -> String {
    format!("cannot {what}: {error}")
}
