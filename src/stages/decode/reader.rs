//! How a JSON object is walked: keys to fields, values by type, everything bounded.
//!
//! Every value is asked for with `deserialize_any`, also where its type is known. The parser's
//! typed calls skip over a value of another type, and its skipping recurses without a bound
//! (sonic-rs 0.5.10, `skip_one`): 100,000 opening brackets would overflow the stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::{Attribute, EventTime};

use super::attributes::Attributes;
use super::block::{Block, Member, Word};
use super::blocks::ChangeDraft;
use super::forbidden::is_forbidden;
use super::{Field, FieldSet, Reject, RejectReason};

/// What is known while a message is read.
pub(super) struct Reading {
    /// Deepest nesting taken; the message itself is depth 1.
    pub(super) depth_max: u8,
    /// Fields named so far, `null` included.
    pub(super) seen: FieldSet,
    /// Fields with a value so far: what the whitelist is asked about.
    pub(super) present: FieldSet,
    /// Members that the schema does not know, at any level.
    pub(super) unknown: u32,
    /// The field being read: where a wrong type lies.
    pub(super) at: Option<Field>,
    /// Why reading stopped, when we stopped it and not the parser.
    pub(super) reject: Option<Reject>,
}

impl Reading {
    pub(super) const fn new(depth_max: u8) -> Self {
        Self {
            depth_max,
            seen: FieldSet::EMPTY,
            present: FieldSet::EMPTY,
            unknown: 0,
            at: None,
            reject: None,
        }
    }

    /// Remembers why we stop; the error itself only unwinds the parser and says nothing.
    #[cold]
    pub(super) fn stop<E: Error>(&mut self, reject: Reject) -> E {
        self.reject.get_or_insert(reject);
        E::custom("refused")
    }

    /// Counts a member that the schema does not know, unless its name is forbidden.
    fn unknown<E: Error>(&mut self, key: &str) -> Result<(), E> {
        if is_forbidden(key) {
            return Err(self.stop(Reject::whole(RejectReason::ForbiddenData)));
        }
        self.unknown = self.unknown.saturating_add(1);
        Ok(())
    }

    fn enter<E: Error>(&mut self, depth: u8) -> Result<(), E> {
        if depth > self.depth_max {
            return Err(self.stop(Reject::whole(RejectReason::TooDeep)));
        }
        Ok(())
    }
}

/// A member whose key was read and whose value is next.
struct JsonMember<'c, A> {
    map: &'c mut A,
    reading: &'c mut Reading,
    /// The field, as the block knows it.
    field: Field,
    /// The field, as the schema knows it.
    name: Field,
    depth: u8,
}

impl<'de, A: MapAccess<'de>> JsonMember<'_, A> {
    /// A number of any form.
    fn number(&mut self) -> Result<Option<Number>, A::Error> {
        match self.map.next_value_seed(Scalar)? {
            Value::Absent => Ok(None),
            Value::Number(number) => {
                self.reading.present.insert(self.name);
                Ok(Some(number))
            }
            Value::Flag(_) | Value::Text(_) => Err(self.stop(RejectReason::WrongType)),
        }
    }
}

impl<'de, A: MapAccess<'de>> Member<'de> for JsonMember<'_, A> {
    type Error = A::Error;

    fn field(&self) -> Field {
        self.field
    }

    #[cold]
    fn refuse(&mut self, reject: Reject) -> A::Error {
        self.reading.stop(reject)
    }

    #[cold]
    fn stop(&mut self, reason: RejectReason) -> A::Error {
        self.reading.stop(Reject::at(reason, self.name))
    }

    /// `null` is absent as well.
    fn text(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        self.map.next_value_seed(Text { reading: &mut *self.reading, field: self.name })
    }

    fn natural(&mut self, reason: RejectReason) -> Result<Option<u64>, A::Error> {
        match self.number()? {
            None => Ok(None),
            Some(Number::Unsigned(number)) => Ok(Some(number)),
            Some(_) => Err(self.stop(reason)),
        }
    }

    /// The parser gives finite numbers only.
    fn float(&mut self, _: RejectReason) -> Result<Option<f64>, A::Error> {
        Ok(self.number()?.map(Number::as_f64))
    }

    fn flag(&mut self) -> Result<Option<bool>, A::Error> {
        match self.map.next_value_seed(Scalar)? {
            Value::Absent => Ok(None),
            Value::Flag(flag) => {
                self.reading.present.insert(self.name);
                Ok(Some(flag))
            }
            Value::Number(_) | Value::Text(_) => Err(self.stop(RejectReason::WrongType)),
        }
    }

    fn either(&mut self, [first, second]: [&str; 2]) -> Result<Option<bool>, A::Error> {
        let parse = |text: &str| (text == first || text == second).then_some(text == first);
        self.parsed(parse, RejectReason::UnknownWord)
    }

    fn word<W: Word>(&mut self, reason: RejectReason) -> Result<Option<W>, A::Error> {
        self.parsed(W::named, reason)
    }

    fn time(&mut self) -> Result<Option<EventTime>, A::Error> {
        self.parsed(|text| EventTime::parse_rfc3339(text).ok(), RejectReason::BadTime)
    }

    fn object<B: Block<'de>>(&mut self, block: &mut B) -> Result<bool, A::Error> {
        let depth = self.depth + 1;
        let object = Object { block, reading: &mut *self.reading, depth };
        let there = self.map.next_value_seed(object)?;
        self.reading.at = Some(self.name);
        if there {
            self.reading.present.insert(self.name);
        }
        Ok(there)
    }

    fn change(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        let mut change = ChangeDraft::default();
        self.object(&mut change)?;
        Ok(change.what)
    }

    fn attributes(&mut self, into: &mut Vec<Attribute<'de>>) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        *into = self.map.next_value_seed(Attributes { reading: &mut *self.reading, depth })?;
        Ok(())
    }
}

/// A JSON number as the parser reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    /// Whole, not negative.
    Unsigned(u64),
    /// Whole, negative.
    Signed(i64),
    /// With a fraction or an exponent, or beyond 64 bits; finite.
    Float(f64),
}

impl Number {
    /// The number as a float.
    pub(super) const fn as_f64(self) -> f64 {
        match self {
            Self::Unsigned(number) => number as f64,
            Self::Signed(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// A value that is neither object nor array.
pub(super) enum Value<'de> {
    Absent,
    Flag(bool),
    Number(Number),
    Text(Cow<'de, str>),
}

/// Reads a value that is neither object nor array.
pub(super) struct Scalar;

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Absent)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Unsigned(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Signed(number)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Float(number)))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }
}

/// Reads a text within its field's limit.
struct Text<'c> {
    reading: &'c mut Reading,
    field: Field,
}

impl Text<'_> {
    fn taken<E: Error>(self, length: usize) -> Result<bool, E> {
        if length > self.field.max_bytes() {
            return Err(self.reading.stop(Reject::at(RejectReason::FieldTooLong, self.field)));
        }
        if length > 0 {
            self.reading.present.insert(self.field);
        }
        Ok(length > 0)
    }
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(self.taken(text.len())?.then_some(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(self.taken(text.len())?.then(|| Cow::Owned(text.to_owned())))
    }
}

/// Reads an object into a block.
pub(super) struct Object<'c, B> {
    pub(super) block: &'c mut B,
    pub(super) reading: &'c mut Reading,
    pub(super) depth: u8,
}

impl<'de, B: Block<'de>> DeserializeSeed<'de> for Object<'_, B> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<bool, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, B: Block<'de>> Visitor<'de> for Object<'_, B> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Self { block, reading, depth } = self;
        reading.enter(depth)?;
        while let Some(key) = map.next_key_seed(Key { reading, of: B::field })? {
            let Some(field) = key else {
                map.next_value_seed(Skipped { reading, depth: depth + 1 })?;
                continue;
            };
            let name = block.named(field);
            reading.at = Some(name);
            if !reading.seen.insert(name) {
                return Err(reading.stop(Reject::at(RejectReason::DuplicateField, name)));
            }
            block.read(JsonMember { map: &mut map, reading, field, name, depth })?;
        }
        reading.at = None;
        Ok(true)
    }
}

/// Reads a key.
struct Key<'c> {
    reading: &'c mut Reading,
    of: fn(&str) -> Option<Field>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let field = (self.of)(key);
        if field.is_none() {
            self.reading.at = None;
            self.reading.unknown(key)?;
        }
        Ok(field)
    }
}

/// Reads a value that is not kept, because a forbidden name may hide in it.
pub(super) struct Skipped<'c> {
    pub(super) reading: &'c mut Reading,
    pub(super) depth: u8,
}

impl<'de> DeserializeSeed<'de> for Skipped<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skipped<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { reading, depth } = self;
        reading.enter(depth)?;
        while seq.next_element_seed(Skipped { reading, depth: depth + 1 })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { reading, depth } = self;
        reading.enter(depth)?;
        while map.next_key_seed(Key { reading, of: |_| None })?.is_some() {
            map.next_value_seed(Skipped { reading, depth: depth + 1 })?;
        }
        Ok(())
    }
}
