//! Why a snapshot is passed over.

use std::io;

use crate::stages::features::Misfit;

/// Why a snapshot cannot be used. None is fatal: the one before it is tried, then the journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotFault {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::ErrorKind),
    /// It does not begin as a snapshot does.
    #[error("it is no snapshot: it does not begin with TGSNAP")]
    NotASnapshot,
    /// Written by a later Tidegate.
    #[error("its format version is {version}; this Tidegate reads up to {}", super::VERSION)]
    NewerVersion {
        /// The version found.
        version: u64,
    },
    /// It ends too early.
    #[error("it ends at byte {offset}, in the middle: it was cut short")]
    Truncated {
        /// Where.
        offset: u64,
    },
    /// Its bytes are not those that were written.
    #[error("it is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where the damaged frame begins.
        offset: u64,
        /// What shows it.
        what: &'static str,
    },
    /// Its checksums hold, and its content is not ours.
    #[error("its content cannot be: {0}")]
    Misfit(#[from] Misfit),
    /// It was taken beside another journal.
    #[error("it belongs to another journal")]
    OtherJournal,
    /// The version of the engine that took it is newer, or too old to go on from.
    #[error(
        "it was taken by engine semantics {theirs}; this is {ours} and goes on from {} and later",
        crate::engine::OLDEST_SEMANTICS
    )]
    OtherSemantics {
        /// The snapshot's.
        theirs: u32,
        /// Ours.
        ours: u32,
    },
    /// The bundle keeps other windows now, or the limits have changed.
    #[error("the windows or limits that it was taken with are not those of today")]
    OtherLayout,
    /// It has seen inputs that the journal does not hold.
    #[error("the journal does not hold the input that it ends with: it is of a lost future")]
    NotInJournal,
}

impl SnapshotFault {
    /// Whether no Tidegate will ever use the file: it is damaged, or of inputs that never were.
    /// What fits another journal, version or bundle may be wanted again.
    pub const fn is_for_good(&self) -> bool {
        match self {
            Self::NotASnapshot
            | Self::Truncated { .. }
            | Self::Damaged { .. }
            | Self::Misfit(_)
            | Self::NotInJournal => true,
            Self::Unreadable(_)
            | Self::NewerVersion { .. }
            | Self::OtherJournal
            | Self::OtherSemantics { .. }
            | Self::OtherLayout => false,
        }
    }
}

impl From<io::Error> for SnapshotFault {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error.kind())
    }
}
