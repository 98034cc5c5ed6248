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

/// 2 where the caller named the wrong file, or what stands in it is not what it should be; 3 where the
/// system failed.
pub(in crate::commands) fn file_code(error: &io::Error) -> u8 {
    use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, NotFound, UnexpectedEof};
    match error.kind() {
        // The last three: a compressed file that was cut short or altered, a line that cannot be one.
        NotFound | IsADirectory | UnexpectedEof | InvalidData | InvalidInput => 2,
        _ => 3,
    }
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
            Self::File { error, .. } => file_code(error),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A script tells its own mistakes from the machine's: a damaged input is no failing disk.
    #[test]
    fn a_wrong_input_is_the_callers_affair() {
        let code = |kind: io::ErrorKind| Fault::file("x")(kind.into()).code();
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::IsADirectory] {
            assert_eq!(code(kind), 2, "{kind:?}");
        }
        let packed = zstd::encode_all(&b"text"[..], 1).unwrap();
        for broken in [&packed[..packed.len() - 2], b"\x1f\x8bnone"] {
            let text = crate::commands::lines::Text::of(broken, None);
            let read =
                text.and_then(|mut text| io::Read::read_to_end(&mut text.reader, &mut Vec::new()));
            assert_eq!(Fault::file("x")(read.unwrap_err()).code(), 2, "{broken:?}");
        }
        assert_eq!(
            (code(io::ErrorKind::StorageFull), code(io::ErrorKind::PermissionDenied)),
            (3, 3)
        );
    }
}
