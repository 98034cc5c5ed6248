//! Why an investigator's command has no answer, and the exit code that says whose affair it is.

use std::io;
use std::path::PathBuf;

use crate::journal::JournalError;
use crate::wire::WireError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::commands) enum Fault {
    /// The directory holds no journal.
    #[error("{0}: no journal here (a journal is a directory of .tgj files)")]
    NoJournal(PathBuf),
    /// It cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record's columns cannot be read.
    #[error("a record's features cannot be read: {0}")]
    Features(#[from] WireError),
    /// The caller's mistake.
    #[error("{0}")]
    Wrong(String),
    /// The disk's or the terminal's.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
}

impl Fault {
    /// For `map_err` on file operations.
    pub(in crate::commands) fn file(path: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// 1: the journal was altered; 2: wrong usage or input; 3: something outside failed.
    pub(in crate::commands) fn code(&self) -> u8 {
        match self {
            Self::NoJournal(_) | Self::Wrong(_) => 2,
            Self::Journal(error) => match error {
                JournalError::Damaged { .. }
                | JournalError::Record { .. }
                | JournalError::Gap { .. } => 1,
                error if error.is_other_key() => 2,
                JournalError::NotASegment { .. } | JournalError::NewerVersion { .. } => 2,
                _ => 3,
            },
            Self::Features(_) => 1,
            // A name that was mistyped.
            Self::File { error, .. } if error.kind() == io::ErrorKind::NotFound => 2,
            Self::File { .. } => 3,
        }
    }

    /// Says it in a command's name, and gives the exit code. A reader that closes the pipe early has
    /// seen enough: that is no fault.
    pub(in crate::commands) fn told(&self, command: &str) -> u8 {
        if let Self::File { error, .. } = self
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return 0;
        }
        eprintln!("tidegate {command}: {self}");
        self.code()
    }
}
