//! The one door to files: what the journal asks of a disk, and the real one.
//!
//! Everything that the journal does to files goes through it, so that a simulated disk can crash
//! between any two steps, lose what was not synced, fill up, or be slow.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate};

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
pub trait DiskLock: Debug + Send + Sync {}

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

/// The disk of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(GROUP_MAY_ENTER).create(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(true).read(true).write(true);
        Ok(Arc::new(options.mode(GROUP_MAY_READ).open(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(true).read(true).write(true).mode(0o600);
        Ok(Arc::new(options.open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().read(true).write(true).open(path)?))
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

impl DiskLock for File {}

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
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

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
