//! What does this message say? Bytes to a payment event or a typed rejection.
//!
//! Strict and total: every byte string gives a [`Message`] or a [`Reject`], and nothing panics.
//! Refused are: bytes over the door's size, text that is not UTF-8, anything but exactly one JSON
//! object or protobuf message, a known field given twice, a value of another type, a number out of
//! range, a text over its field's limit, an unknown word, nesting over the door's depth, and any
//! name, known to the schema or not, that means C3 data. One event has one content fingerprint in
//! both forms: what a field may hold, and what may pass, is said once for both. Choices:
//! - `null`, an empty text and a zero count are absent, because the protobuf form cannot tell them
//!   apart.
//! - Unknown members of JSON are dropped and counted, and only their names are looked at; the same
//!   unknown key twice is two unknown members. A protobuf field of an unknown number is refused: a
//!   number does not say whether it holds C3 data.
//! - Separators in card and phone numbers are taken out, v4-in-v6 addresses become v4: one thing
//!   has one token.

mod fields;
mod reject;
mod clock;
mod forbidden;
mod forms;
mod block;
mod blocks;
mod reader;
mod attributes;
mod draft;
mod protobuf;
pub mod whitelist;
mod admit;
#[cfg(test)]
pub(crate) mod tests;

use serde::de::DeserializeSeed;

use crate::domain::{EventTime, Message};

pub use clock::{TimeLimits, check_time};
pub use fields::{Field, FieldSet};
pub use reject::{Reject, RejectReason};

use draft::Draft;
use reader::{Object, Reading};

/// In which form a message comes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// One JSON object.
    Json,
    /// One `tidegate.v1.Message` of `proto/tidegate/v1/event.proto`.
    Protobuf,
}

/// A message as it came.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// What they are.
    pub form: Form,
}

impl<'a> Encoded<'a> {
    /// A message in protobuf.
    pub const fn protobuf(bytes: &'a [u8]) -> Self {
        Self { bytes, form: Form::Protobuf }
    }
}

/// Files and most clients speak JSON.
impl<'a, B: AsRef<[u8]> + ?Sized> From<&'a B> for Encoded<'a> {
    fn from(bytes: &'a B) -> Self {
        Self { bytes: bytes.as_ref(), form: Form::Json }
    }
}

/// How much a message may ask of us.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Door {
    /// Largest message, in bytes.
    pub bytes_max: usize,
    /// Deepest nesting of objects and arrays; the message itself is 1. At most
    /// [`Door::DEPTH_LIMIT`], whatever is asked: the reader is recursive.
    pub depth_max: u8,
}

impl Door {
    /// The deepest nesting that any door takes, more than twice what an event has. Without
    /// optimisation a level takes some 12 KiB of stack, and a thread may have 256.
    pub const DEPTH_LIMIT: u8 = 12;
}

impl Default for Door {
    fn default() -> Self {
        Self { bytes_max: 16 * 1_024, depth_max: 8 }
    }
}

/// A message and what was taken out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<'a> {
    /// The message.
    pub message: Message<'a>,
    /// When it arrived, as a file of recorded events says. A live edge stamps its own.
    pub received_at: Option<EventTime>,
    /// What did not pass.
    pub dropped: Dropped,
}

/// Fields that came and were not kept: names and counts, never values.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Dropped {
    /// Outside the row of the service, or of the amendment (R1).
    pub known: FieldSet,
    /// Inside the row, but consent was refused (R3).
    pub refused: FieldSet,
    /// Members that the schema does not know.
    pub unknown: u32,
}

impl Dropped {
    /// Whether everything passed.
    pub const fn is_empty(&self) -> bool {
        self.known.is_empty() && self.refused.is_empty() && self.unknown == 0
    }
}

/// Reads one message, in JSON unless told otherwise.
///
/// Allocates nothing unless a text has escapes or separators in it, or there are attributes.
pub fn decode<'a>(message: impl Into<Encoded<'a>>, door: &Door) -> Result<Decoded<'a>, Reject> {
    let Encoded { bytes, form } = message.into();
    if bytes.len() > door.bytes_max {
        return Err(Reject::whole(RejectReason::TooLarge));
    }
    match form {
        Form::Json => read_json(bytes, door),
        Form::Protobuf => protobuf::read(bytes),
    }
}

fn read_json<'a>(bytes: &'a [u8], door: &Door) -> Result<Decoded<'a>, Reject> {
    // Checked here and not by the parser: then no text that it lends us can be anything else.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Err(Reject::whole(RejectReason::NotUtf8));
    };
    let mut reading = Reading::new(door.depth_max.min(Door::DEPTH_LIMIT));
    let mut draft = Draft::new();
    let mut parser = sonic_rs::Deserializer::from_str(text);
    let message = Object { block: &mut draft, reading: &mut reading, depth: 1 };
    let read = message.deserialize(&mut parser).and_then(|there| parser.end().map(|()| there));
    match read {
        Ok(true) => draft.finish(reading.present, reading.unknown),
        Ok(false) => Err(Reject::whole(RejectReason::WrongType)),
        Err(error) => Err(why(&reading, error.is_unmatched_type())),
    }
}

/// Why reading stopped: our own reason, else the parser's kind of error. Its message is never
/// looked at, because it quotes the input.
#[cold]
fn why(reading: &Reading, wrong_type: bool) -> Reject {
    match (reading.reject, reading.at) {
        (Some(reject), _) => reject,
        (None, Some(field)) if wrong_type => Reject::at(RejectReason::WrongType, field),
        (None, None) if wrong_type => Reject::whole(RejectReason::WrongType),
        (None, _) => Reject::whole(RejectReason::MalformedJson),
    }
}
