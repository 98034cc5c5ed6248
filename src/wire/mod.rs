//! How values become bytes: protobuf primitives and the canonical form of an event; how deeply JSON
//! may lead a parser.
//!
//! Written by hand because the two generated routes fail us: they allocate per message, and they do
//! not promise the one canonical byte string that a content fingerprint is taken over. That the
//! bytes are the format which `proto/` describes is held by tests that read them with a protobuf
//! library.

mod error;
mod writer;
mod reader;
mod encode;
mod decode;
mod json_depth;
#[cfg(test)]
pub(crate) mod arbitrary;
#[cfg(test)]
mod tests;

pub(crate) use decode::read_attribute;
pub use decode::{EventParts, decode};
pub(crate) use encode::write_attribute;
pub use encode::{EventBytes, encode};
pub use error::WireError;
pub use json_depth::json_depth;
pub use reader::{MessageReader, WireValue, read_varint, unzigzag};
pub use writer::{MessageWriter, write_varint, zigzag};
