//! What does this message say? Bytes to a payment event or a typed rejection.
//!
//! Strict and total: every byte string gives a [`Message`] or a [`Reject`], and nothing panics.
//! A field that is given twice, has a value of another type, a number out of range, a text over its
//! limit or an unknown word is *malformed*. A payment that can be decided is decided: only what the
//! decision needs (id, kind, service, time, the amount where money moves; of an outcome or label what
//! it says of which event) refuses the message when it is malformed. Any other field is dropped and
//! named ([`Dropped::malformed`]); a consent that cannot be read counts as refused. Refused are also:
//! bytes over the door's size, text that is not UTF-8, anything but exactly one JSON object or protobuf
//! message, nesting over the door's depth, and any name, known to the schema or not, that means C3
//! data. One event has one content fingerprint in both forms: what a field may hold, and what may
//! pass, is said once for both. Choices:
//! - `null`, an empty text and a zero count are absent, because the protobuf form cannot tell them
//!   apart.
//! - Unknown members of JSON are dropped and counted, and only their names are looked at; the same
//!   unknown key twice is two unknown members. So are protobuf fields of an unknown number, whose
//!   bytes nobody looks at.
//! - Separators in card and phone numbers are taken out, v4-in-v6 addresses become v4: one thing
//!   has one token.

mod reject;
mod faults;
mod clock;
mod forbidden_names;
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

use std::borrow::Cow;

use serde::de::DeserializeSeed;

use crate::domain::{EventTime, Message};

pub use crate::domain::{Field, FieldSet};
pub use clock::{TimeLimits, check_time};
pub use reject::{Reject, RejectReason};

use draft::Draft;
use reader::{Object, Reading, There};

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
    /// Whether a member that the schema or the bundle does not know refuses the message.
    pub refuses_unknown: bool,
}

impl Door {
    /// The deepest nesting that any door takes, more than twice what an event has. Without
    /// optimisation a level takes some 12 KiB of stack, and a thread may have 256.
    pub const DEPTH_LIMIT: u8 = 12;
}

impl Default for Door {
    fn default() -> Self {
        Self { bytes_max: 16 * 1_024, depth_max: 8, refuses_unknown: false }
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
    /// Malformed, in or outside the row.
    pub malformed: FieldSet,
    /// Members that the schema does not know.
    pub unknown: u32,
    /// The known fields that some of those were probably meant to be.
    pub near: FieldSet,
}

impl Dropped {
    /// What the unknown members were probably meant to be, by name; `unknown` where nobody can say.
    pub fn nearest(&self) -> impl Iterator<Item = &'static str> {
        let none = (self.unknown > 0 && self.near.is_empty()).then_some("unknown");
        self.near.iter().map(Field::name).chain(none)
    }

    /// What a door that takes no unknown member refuses the message for.
    pub fn refusal(&self, door: &Door) -> Option<Reject> {
        let reason = RejectReason::UnknownField;
        (door.refuses_unknown && self.unknown > 0).then(|| {
            let nearest = self.near.iter().next();
            nearest.map_or(Reject::whole(reason), |field| Reject::at(reason, field))
        })
    }

    /// Whether everything passed.
    pub const fn is_empty(&self) -> bool {
        self.known.is_empty()
            && self.refused.is_empty()
            && self.malformed.is_empty()
            && self.unknown == 0
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
    let decoded = match form {
        Form::Json => read_json(bytes, door),
        Form::Protobuf => protobuf::read(bytes),
    }?;
    match decoded.dropped.refusal(door) {
        Some(reject) => Err(reject),
        None => Ok(decoded),
    }
}

/// The id that a refused message says it has, or that it speaks of, wherever one can be read: whoever
/// looks into the refusal finds the payment by it. Never personal, by its form.
#[cold]
pub fn event_id<'a>(message: impl Into<Encoded<'a>>, door: &Door) -> Option<String> {
    let Encoded { bytes, form } = message.into();
    let mut draft = Draft::new();
    match form {
        Form::Json => {
            let whole = bytes.utf8_chunks().next()?.valid();
            let mut reading = Reading::new(door.depth_max.min(Door::DEPTH_LIMIT));
            reading.is_search = true;
            let mut parser = sonic_rs::Deserializer::from_str(whole);
            // Up to where it ceases to be a message.
            let _ = Object { block: &mut draft, reading: &mut reading, depth: 1 }
                .deserialize(&mut parser);
        }
        Form::Protobuf => protobuf::read_into(&mut draft, bytes),
    }
    draft.event_id.or(draft.of).map(Cow::into_owned)
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
        Ok(There::Read) => {
            draft.finish(reading.present, &reading.faults, (reading.unknown, reading.near))
        }
        Ok(There::Absent) => Err(not_an_object("null")),
        Ok(There::Untyped(found)) => Err(not_an_object(found)),
        // Our own reason, else the parser's place. Its message is never looked at, because it quotes
        // the input.
        Err(error) => Err(reading.reject.unwrap_or_else(|| Reject {
            at_byte: Some(error.offset().min(bytes.len())),
            ..Reject::whole(RejectReason::MalformedJson)
        })),
    }
}

#[cold]
const fn not_an_object(found: &'static str) -> Reject {
    Reject {
        wanted: Some("an object"),
        found: Some(found),
        ..Reject::whole(RejectReason::WrongType)
    }
}
