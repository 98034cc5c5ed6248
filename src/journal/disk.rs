//! The one door to files: what the journal asks of a disk, and the real one.
//!
//! Everything that the journal does to files goes through it, so that a simulated disk can crash
//! between any two steps, lose what was not synced, fill up, or be slow.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Advice, FallocateFlags, OFlags, fadvise, fallocate};

/// A disk: names and files. What is not synced may be lost or torn by a crash of the machine.
pub trait Disk: Debug + Send + Sync {
    /// Creates a directory and those above it; one that is there is left alone.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes an exclusive lock under a name; it is held until dropped. `None`: another holds it.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;

    /// The files of a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// Creates an empty file, or empties the one that is there; to read and write.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// The same, for the eyes of the service's user alone.
    fn create_private(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.create(path)
    }

    /// Opens a file to read.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file to read and write.
    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name, replacing what has it. It lasts once the directory is synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes created, renamed and removed names last.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// A lock on a directory, held until dropped.
pub trait DiskLock: Debug + Send + Sync {
    /// Sees whether it still keeps others out. A lock file that somebody removed is made and locked
    /// again; `false` when another holds the one that stands there now.
    fn renew(&self) -> io::Result<bool> {
        Ok(true)
    }
}

/// An open file. Shared by threads: one may sync what another has written.
pub trait DiskFile: Debug + Send + Sync {
    /// Reads what is there, as far as one call goes; 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of it.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes room ahead: the file is so long, its new part zeros. A full disk shows here.
    fn allocate(&self, bytes: u64) -> io::Result<()>;

    /// Cuts or lengthens the file.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// Its length.
    fn size(&self) -> io::Result<u64>;

    /// Puts what was written on the medium.
    fn sync_data(&self) -> io::Result<()>;

    /// The same, and all that the file system knows of the file.
    fn sync_all(&self) -> io::Result<()>;

    /// What is read next comes from the medium and not from memory, where the system allows.
    fn forget(&self) {}

    /// What tells this file from every other that has or had its name: device and inode. `None`
    /// where the disk has no such thing.
    fn identity(&self) -> io::Result<Option<(u64, u64)>> {
        Ok(None)
    }
}

/// Reads a file from its beginning on.
#[derive(Debug)]
pub struct FromStart {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl FromStart {
    /// At the first byte of a file.
    pub const fn of(file: Arc<dyn DiskFile>) -> Self {
        Self { file, at: 0 }
    }
}

impl io::Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

/// What the journal says of people it says in tokens, and those are personal still: the service
/// writes, its group (investigators, auditors) reads, nobody else does.
const GROUP_MAY_ENTER: u32 = 0o750;
const GROUP_MAY_READ: u32 = 0o640;

/// Opens a file of a journal's directory, which is a plain file or is refused: a link could lead
/// anywhere, and opening a pipe waits for its other end for ever.
pub fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let refused = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let opened = options.custom_flags(flags).open(path);
    let file = opened.map_err(|error| match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::LOOP) => refused("it is a link: put the file itself there"),
        // A pipe without a reader, a socket, a directory.
        Some(rustix::io::Errno::NXIO | rustix::io::Errno::ISDIR) => refused(NOT_PLAIN),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(refused(NOT_PLAIN)) }
}

const NOT_PLAIN: &str = "it is not a plain file: move it out of the journal's directory";

/// The locks that a journal's directory is held by: that of the file `LOCK`, and that of the directory
/// itself, which nobody removes while a segment stands in it.
#[derive(Debug)]
struct RealLock {
    path: PathBuf,
    file: Mutex<File>,
    /// `None` on a file system that locks no directories.
    _dir: Option<File>,
}

impl RealLock {
    /// `None` when another holds one of the two.
    fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = Self::open(path)?;
        if !is_locked(&file)? {
            return Ok(None);
        }
        let dir = File::open(path.parent().unwrap_or(path))?;
        let dir = match dir.try_lock() {
            Ok(()) => Some(dir),
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(_)) => None,
        };
        Ok(Some(Self { path: path.to_owned(), file: Mutex::new(file), _dir: dir }))
    }

    fn open(path: &Path) -> io::Result<File> {
        open_plain(OpenOptions::new().create(true).truncate(false).write(true), path)
    }
}

/// Whether a process writes to the journal in a directory.
pub fn is_held(dir: &Path) -> bool {
    // What is not there, or not for our eyes, holds nothing that we could see.
    let held = |path: &Path| {
        File::open(path)
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    };
    held(&dir.join("LOCK")) || held(dir)
}

/// Whether the lock could be had.
fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

impl DiskLock for RealLock {
    fn renew(&self) -> io::Result<bool> {
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let there = Self::open(&self.path)?;
        if there.identity()? == held.identity()? {
            return Ok(true);
        }
        let is_ours = is_locked(&there)?;
        if is_ours {
            *held = there;
        }
        Ok(is_ours)
    }
}

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        create_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        Ok(RealLock::take(path)?.map(|lock| Box::new(lock) as Box<dyn DiskLock>))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        create_plain(path, GROUP_MAY_READ)
    }

    fn create_private(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        create_plain(path, 0o600)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(open_plain(OpenOptions::new().read(true), path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(open_plain(OpenOptions::new().read(true).write(true), path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

/// A link in the file's place is refused, and what it leads to is not emptied.
fn create_plain(path: &Path, mode: u32) -> io::Result<Arc<dyn DiskFile>> {
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(true).read(true).write(true).mode(mode);
    Ok(Arc::new(open_plain(options, path)?))
}

/// Creates a directory and those above it, and makes each new name last: a synced file in a directory
/// whose own name a power cut takes is lost with it.
fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = match dir.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    create_dir(above)?;
    match fs::DirBuilder::new().mode(GROUP_MAY_ENTER).create(dir) {
        // Somebody else did, a moment ago.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
        created => created?,
    }
    match File::open(above) {
        Ok(above) => above.sync_all(),
        // Whoever may make names there but not list them cannot sync it either.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error),
    }
}

impl DiskFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match std::os::unix::fs::FileExt::read_at(self, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, bytes, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        match fallocate(self, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // A file system that cannot: the length alone.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.set_len(bytes),
            Err(error) => Err(error.into()),
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        Self::set_len(self, bytes)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn forget(&self) {
        let _ = fadvise(self, 0, None, Advice::DontNeed);
    }

    fn identity(&self) -> io::Result<Option<(u64, u64)>> {
        let about = self.metadata()?;
        Ok(Some((about.dev(), about.ino())))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A pipe under a segment's name must not make a start wait for ever, and a link must not lead out
    /// of the directory, to be read or to be emptied.
    #[test]
    fn nothing_but_a_plain_file_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("file"), "kept").unwrap();
        fs::create_dir(at("directory")).unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        for name in ["directory", "link", "pipe"] {
            let refused = [
                RealDisk.open(&at(name)).map(drop),
                RealDisk.open_to_write(&at(name)).map(drop),
                RealDisk.create(&at(name)).map(drop),
                RealDisk.lock(&at(name)).map(drop),
            ];
            for refused in refused {
                let error = refused.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name}: {error}");
            }
        }
        assert_eq!(fs::read(at("file")).unwrap(), b"kept");
    }

    /// A lock file that is removed lets nobody in: the directory is locked as well, and the file is
    /// made again.
    #[test]
    fn a_removed_lock_file_lets_nobody_in() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("LOCK");
        let held = RealDisk.lock(&path).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        assert!(RealDisk.lock(&path).unwrap().is_none(), "the directory is locked");
        fs::remove_file(&path).unwrap();
        assert!(held.renew().unwrap());
        assert!(path.exists(), "it is made again");
        // Whoever locks the file alone, as versions of before do.
        fs::remove_file(&path).unwrap();
        let other = File::create(&path).unwrap();
        other.try_lock().unwrap();
        assert!(!held.renew().unwrap(), "another holds it");
        drop(other);
        assert!(held.renew().unwrap());
    }

    /// Directories above are made too.
    #[test]
    fn a_directory_is_made_with_those_above() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("a/b/c");
        RealDisk.create_dir(&deep).unwrap();
        RealDisk.create_dir(&deep).unwrap();
        assert!(deep.is_dir());
    }

    /// Tokens are personal data too: whoever shares the machine with the service reads none.
    #[test]
    fn a_stranger_reads_no_journal() {
        let directory = tempfile::tempdir().unwrap();
        let (dir, file) = (directory.path().join("journal"), directory.path().join("journal/a"));
        RealDisk.create_dir(&dir).unwrap();
        RealDisk.create(&file).unwrap();
        for path in [dir, file] {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o027, 0, "{}: {mode:o}", path.display());
        }
    }
}
