//! A journal's directory: its segments in order, and the lock that keeps a second writer out.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::JournalError;
use super::disk::{Disk, DiskFile, DiskLock, RealDisk};
use super::segment::SegmentReader;
use crate::domain::Seq;

/// The end of a segment's name.
const EXTENSION: &str = "tgj";
/// The end of the name of a segment that is none yet.
const UNFINISHED: &str = "tgj.new";
/// Digits of a record number in a segment's name: all of a `u64`.
const DIGITS: usize = 20;

/// Where a segment begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Beginning {
    /// Its file.
    pub path: PathBuf,
    /// The number of its first record.
    pub first_record: u64,
    /// The number of its first input.
    pub first_seq: Seq,
    /// The stream's time then, in Unix milliseconds.
    pub created_at_ms: i64,
    /// The older segment that holds the bundle in force then; `None` where none is needed.
    pub bundle_in: Option<u64>,
}

/// Where a journal is: a directory of a disk. A path alone means the machine's own.
#[derive(Clone, Debug)]
pub struct Directory {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Directory {
    /// A directory of some disk.
    pub fn on(disk: Arc<dyn Disk>, path: impl Into<PathBuf>) -> Self {
        Self { disk, path: path.into() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its disk.
    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The name of the segment that begins with a record.
    pub fn segment_path(&self, first_record: u64) -> PathBuf {
        self.path.join(format!("{first_record:0DIGITS$}.{EXTENSION}"))
    }

    /// Its name while the segment before it is not closed yet.
    pub(super) fn unfinished_path(&self, first_record: u64) -> PathBuf {
        self.path.join(format!("{first_record:0DIGITS$}.{UNFINISHED}"))
    }

    /// The name of a file that becomes a segment: nothing under it was ever acknowledged.
    pub(super) fn prepared_path(&self) -> PathBuf {
        self.path.join(format!("next.{UNFINISHED}"))
    }

    /// The segments by the number of their first record, ascending.
    pub fn segments(&self) -> Result<Vec<(u64, PathBuf)>, JournalError> {
        let mut found = Vec::new();
        for path in self.list()? {
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(digits);
                let what = "its name is not twenty digits";
                let number = number.ok_or(JournalError::NotASegment { path: path.clone(), what });
                found.push((number?, path));
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// What each segment's header says of where it begins, ascending.
    pub fn beginnings(&self) -> Result<Vec<Beginning>, JournalError> {
        let beginning = |(first_record, path): (u64, PathBuf)| {
            let header = SegmentReader::open_header(self, &path, first_record)?.header;
            Ok(Beginning {
                path,
                first_record,
                first_seq: header.first_seq,
                created_at_ms: header.created_at_ms,
                bundle_in: header.active.map(|active| active.segment),
            })
        };
        self.segments()?.into_iter().map(beginning).collect()
    }

    /// Files that a crash kept from becoming segments.
    pub(super) fn unfinished(&self) -> Result<Vec<PathBuf>, JournalError> {
        let mut paths = self.list()?;
        // What has another name is not ours to remove.
        paths.retain(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let stem = name.strip_suffix(UNFINISHED).and_then(|stem| stem.strip_suffix('.'));
            stem.is_some_and(|stem| stem == "next" || digits(stem).is_some())
        });
        Ok(paths)
    }

    /// Creates the directory when it is not there, and takes the lock.
    pub(super) fn lock(&self) -> Result<Box<dyn DiskLock>, JournalError> {
        let what = "create the journal's directory";
        self.disk.create_dir(&self.path).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
                JournalError::NotADirectory { path: self.path.clone() }
            }
            _ => JournalError::io(&self.path, what)(source),
        })?;
        let path = self.lock_path();
        let lock = self.disk.lock(&path).map_err(JournalError::io(&path, "lock the journal"))?;
        lock.ok_or(JournalError::Locked { path })
    }

    /// The file whose lock a writer holds.
    pub(super) fn lock_path(&self) -> PathBuf {
        self.path.join("LOCK")
    }

    /// Makes a created, renamed or removed name last.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let what = "sync the journal's directory";
        self.disk.sync_dir(&self.path).map_err(JournalError::io(&self.path, what))
    }

    pub(super) fn open(&self, path: &Path) -> Result<Arc<dyn DiskFile>, JournalError> {
        self.disk.open(path).map_err(JournalError::io(path, "open the segment"))
    }

    pub(super) fn open_to_write(&self, path: &Path) -> Result<Arc<dyn DiskFile>, JournalError> {
        let what = "open the segment to mend it";
        self.disk.open_to_write(path).map_err(JournalError::io(path, what))
    }

    pub(super) fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, JournalError> {
        self.disk.create(path).map_err(JournalError::io(path, "create"))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), JournalError> {
        self.disk.rename(from, to).map_err(JournalError::io(from, "rename"))
    }

    pub(super) fn remove(&self, path: &Path) -> Result<(), JournalError> {
        self.disk.remove(path).map_err(JournalError::io(path, "remove"))
    }

    fn list(&self) -> Result<Vec<PathBuf>, JournalError> {
        self.disk.list(&self.path).map_err(JournalError::io(&self.path, "list the journal"))
    }
}

fn digits(stem: &str) -> Option<u64> {
    let is_number = stem.len() == DIGITS && stem.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { stem.parse().ok() } else { None }
}

impl From<&Path> for Directory {
    fn from(path: &Path) -> Self {
        Self::on(Arc::new(RealDisk), path)
    }
}

impl From<&PathBuf> for Directory {
    fn from(path: &PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<PathBuf> for Directory {
    fn from(path: PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<&Self> for Directory {
    fn from(directory: &Self) -> Self {
        directory.clone()
    }
}
