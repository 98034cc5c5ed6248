//! A journal's directory: its segments in order, and the lock that keeps a second writer out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use super::JournalError;

/// The end of a segment's name.
const EXTENSION: &str = "tgj";
/// Digits of a record number in a segment's name: all of a `u64`.
const DIGITS: usize = 20;

/// The name of the segment that begins with a record.
pub(super) fn segment_path(dir: &Path, first_record: u64) -> PathBuf {
    dir.join(format!("{first_record:0DIGITS$}.{EXTENSION}"))
}

/// The segments of a directory by the number of their first record, ascending.
pub(super) fn segments(dir: &Path) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let mut found = Vec::new();
    let listing = fs::read_dir(dir).map_err(JournalError::io(dir, "list the journal"))?;
    for file in listing {
        let path = file.map_err(JournalError::io(dir, "list the journal"))?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(record_number);
            let what = "its name is not twenty digits";
            found.push((
                number.ok_or(JournalError::NotASegment { path: path.clone(), what })?,
                path,
            ));
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn record_number(stem: &str) -> Option<u64> {
    let digits = stem.len() == DIGITS && stem.bytes().all(|byte| byte.is_ascii_digit());
    if digits { stem.parse().ok() } else { None }
}

/// Creates the directory when it is not there, and takes the lock. It is held until dropped.
pub(super) fn lock(dir: &Path) -> Result<File, JournalError> {
    fs::create_dir_all(dir).map_err(JournalError::io(dir, "create the journal's directory"))?;
    let path = dir.join("LOCK");
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(JournalError::io(&path, "open the lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path }),
        Err(TryLockError::Error(source)) => {
            Err(JournalError::Io { path, what: "lock the journal", source })
        }
    }
}

/// Makes a created, renamed or removed name last.
pub(super) fn sync(dir: &Path) -> Result<(), JournalError> {
    let what = "sync the journal's directory";
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(JournalError::io(dir, what))
}
