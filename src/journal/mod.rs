//! The only truth: segments, records, seal, recovery.
//!
//! ```text
//!  Entry ─▶ open part ─┐                                      ┌─▶ Reader ─▶ ReadEntry ─▶ engine
//!          EventBytes ─┴▶ seal ─▶ frame ─▶ batch ─▶ segment ──┤
//!                                                             └─▶ Unsealer ─▶ EventParts
//! ```
//!
//! [`Writer`] appends what the engine did with each input and writes a batch at once; opening it
//! recovers the newest segment to its last whole record. [`Reader`] gives everything back in order,
//! also while a writer runs. [`Keeper`] does the slow part of a writer's work on another thread.
//! Personal values stand in the sealed blocks alone, and come back through one door, [`Unsealer`].
//! `proto/tidegate/v1/record.proto` describes every byte.

mod error;
mod frame;
mod header;
mod words;
mod row;
mod entry;
mod read_entry;
mod body;
mod control;
mod notes;
mod record;
mod seal;
mod unseal;
mod disk;
mod directory;
mod segment;
mod tail;
mod keys_fit;
mod recover;
mod keeper;
mod writer;
mod reader;
mod look_up;
mod index;
#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;

pub use body::body_bytes;
pub use directory::{Beginning, Directory};
pub use disk::{Disk, DiskFile, DiskLock, FromStart, RealDisk, is_held, open_plain};
pub use entry::{Columns, Entry, Features, Hits};
pub use error::JournalError;
pub use index::{EXTENSION as INDEX_EXTENSION, JournalIndex, Key, Position, Wanted, index_closed};
pub use keeper::{Due, Keeper};
#[cfg(test)]
pub(crate) use keys_fit::without_key_checks;
pub use keys_fit::{KeyUse, Proof, check_keys};
pub use look_up::read_record;
pub use notes::{ActiveBundle, BundleFile, BundleHash, BundleRef, Start, StoredBundle};
pub use read_entry::ReadEntry;
pub use reader::{Item, Reader};
pub use recover::{Cut, check_segments};
pub use row::{StoredRow, StoredValue};
pub use seal::{FreshRandom, JournalId, KeyCheck, SealKey, TokenKeyName};
pub use unseal::{Sealed, UnsealError, Unsealed, Unsealer};
pub use writer::{Appended, Durability, OpenPart, Opening, Writer};
