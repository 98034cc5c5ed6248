//! Which records speak of whom, without reading them all: a side file a segment, made from it.
//!
//! ```text
//!  00000000000000000000.tgj   the segment
//!  00000000000000000000.tgx   its index: head │ sorted (key, input) in blocks │ one row an input
//! ```
//!
//! An index is made when its segment is closed, by the thread that sees to closed segments, and by
//! whoever asks before that. It is derived: when it is missing, damaged or of another segment it is made again, and
//! nothing is lost with it. It holds no more than the segment's open part does: keys are made of
//! tokens. A key may by chance stand for two things, so whoever asks looks at the records found.

mod key;
mod layout;
mod build;
mod side_file;
mod journal_index;

pub use journal_index::{EXTENSION, JournalIndex, Position, Wanted, index_closed};
pub use key::Key;
