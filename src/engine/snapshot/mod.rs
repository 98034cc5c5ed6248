//! All that the engine knows, as a file: taken while the stream goes on, and read back.
//!
//! ```text
//!  barrier ─▶ head ─┐                              ┌─▶ verify: every byte, nothing else
//!  granules ────────┴▶ frames ─▶ seal ─▶ file ─────┤
//!  (copied before their first change, or in turn)  └─▶ load ─▶ indexes made again ─▶ engine
//! ```
//!
//! The file is words of 64 bits, least byte first: magic and version; the head's frame; frames of
//! granules in any order, each once; the trailer, which counts them. Every frame has a CRC32C, so a
//! flip, a cut and a frame too few or too many are all seen. A snapshot is a cache: it names its
//! journal, and whatever does not fit is passed over for an older one, or for the journal itself.

mod fault;
mod frame;
mod head;
mod rest;
mod take;
mod load;
mod shelf;
#[cfg(test)]
pub(super) mod tests;

pub use fault::SnapshotFault;
pub use frame::{Sealer, preamble};
pub use head::{Head, LastInput};
pub use load::verify;
pub use shelf::{Kept, Shelf};
pub use take::Copying;

pub(super) use load::Snapshot;
pub(super) use rest::{Rest, read_text, write_text};

/// The format that this version writes, and those before it that are still read: the first had no
/// lists, the second could not say what was carried over from other windows, the fourth kept flags of
/// large rings as columns and knew no names of bands, the seventh had coarse panes and did not know
/// since when outcomes and labels hold. (No two differ in one bit alone: a flipped one names none of
/// them.)
pub(super) const VERSION: u32 = 8;
pub(super) const VERSIONS: [u32; 5] = [1, 2, 4, 7, VERSION];
/// From this one on an event has a bit for each of its numbers that is there.
pub(super) const VERSION_OF_PRESENCE: u32 = 4;
/// From this one on large rings keep flags in planes.
pub(super) const VERSION_OF_PLANES: u32 = 7;
/// From this one on outcomes and labels are kept with their standing.
pub(super) const VERSION_OF_STANDINGS: u32 = 8;
/// From this one on panes are as fine as their window, and values are sampled.
pub(super) const VERSION_OF_FINE_PANES: u32 = 8;
