//! Why the journal could not be written or read: what, where, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::wire::WireError;

/// Why the journal could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused.
    #[error("{path}: cannot {what}: {source}")]
    Io {
        /// On which file.
        path: PathBuf,
        /// What was tried, as a verb.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Another process writes to this journal.
    #[error(
        "{path}: another process writes to this journal; stop it, or give this one a directory of \
         its own"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file stands where the directory should, or above it.
    #[error("{path}: a file stands where the journal's directory should: give it another name")]
    NotADirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A file in the directory that is not a segment but is named like one.
    #[error("{path}: not a journal segment ({what}); move it out of the journal's directory")]
    NotASegment {
        /// Which file.
        path: PathBuf,
        /// What gave it away.
        what: &'static str,
    },
    /// A segment of a later format.
    #[error("{path}: journal format version {version}; this Tidegate reads up to {known}: upgrade")]
    NewerVersion {
        /// Which file.
        path: PathBuf,
        /// The version found.
        version: u32,
        /// The newest version that we know.
        known: u32,
    },
    /// Bytes that were whole once and are not any more.
    #[error("{path}: damaged at byte {offset}: {what}; restore this file from a copy")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What was found there.
        what: &'static str,
    },
    /// A record whose checksum holds and whose content does not.
    #[error("{path}: the record at byte {offset} cannot be understood: {source}")]
    Record {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// Why.
        source: WireError,
    },
    /// Two neighbouring segments that do not fit.
    #[error(
        "{path}: does not continue the segment before it ({what}): a segment is missing or foreign; \
         put back what was moved, or restore it from the archive or a copy"
    )]
    Gap {
        /// The later segment.
        path: PathBuf,
        /// Which of its numbers does not fit.
        what: &'static str,
    },
    /// The engine's numbering and the journal's differ.
    #[error("input number {given} was appended where {expected} comes next")]
    OutOfOrder {
        /// The number given.
        given: u64,
        /// The number that comes next.
        expected: u64,
    },
    /// A sync failed: what was written may be lost, and no later sync can be believed.
    #[error(
        "{path}: the disk did not take what was written ({text}); nothing more is answered: see to \
         the disk and start again, the journal is then read as far as it is whole"
    )]
    SyncFailed {
        /// Which file.
        path: PathBuf,
        /// The system's word for it.
        text: String,
    },
    /// The segment that is written has lost its name.
    #[error(
        "{path}: it is not there any more: somebody moved or deleted the journal while it was \
         written; nothing more is answered: put it back and start again"
    )]
    Gone {
        /// Which file.
        path: PathBuf,
    },
    /// The keys given are not those of this journal, though they go by the same number.
    #[error(
        "{path}: this journal is written under another {which} than the one given, which is called \
         version {version} too: events would be decided twice and lists be empty; give the key file \
         that the journal was begun with, or another directory"
    )]
    OtherKey {
        /// A segment that says so.
        path: PathBuf,
        /// `token key` or `journal key`.
        which: &'static str,
        /// Its version, or its id.
        version: u32,
    },
    /// Tokens of one journal are made under one key.
    #[error(
        "{path}: this journal's tokens are made under version {known} of the token key, and version \
         {given} is given: under it events would be decided twice and lists be empty; give the key \
         file with version {known}, or another directory"
    )]
    OtherTokenVersion {
        /// A segment that says so.
        path: PathBuf,
        /// The journal's.
        known: u16,
        /// The key file's.
        given: u16,
    },
    /// A record larger than any that we read back.
    #[error("a record of {bytes} bytes is larger than the journal's limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The seal refused to work; the record was not written.
    #[error("the event could not be sealed; nothing was written")]
    Seal,
    /// The operating system's source of randomness failed.
    #[error("the operating system gave no random bytes, without which nothing can be sealed")]
    NoRandom,
}

impl JournalError {
    /// Whether room on the disk would mend it.
    pub fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// Whether the keys given are not this journal's: the caller can correct that.
    pub const fn is_other_key(&self) -> bool {
        matches!(self, Self::OtherKey { .. } | Self::OtherTokenVersion { .. })
    }

    /// For `map_err` on file operations.
    pub(super) fn io(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, what, source }
    }
}
