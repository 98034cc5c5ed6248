//! How a JSON object is walked: keys to fields, values by type, everything bounded.
//!
//! Every value is asked for with `deserialize_any`, also where its type is known. The parser's
//! typed calls skip over a value of another type, and its skipping recurses without a bound
//! (sonic-rs 0.5.10, `skip_one`): 100,000 opening brackets would overflow the stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::{Attribute, EventTime, nearest};

use super::attributes::Attributes;
use super::block::{Block, Member, Word};
use super::blocks::ChangeDraft;
use super::faults::Faults;
use super::forbidden::is_forbidden;
use super::{Field, FieldSet, Reject, RejectReason};

/// Unknown names that are compared with the known ones, a message: more say nothing new.
const COMPARED_MAX: u32 = 16;
/// Longest unknown name that is compared, in bytes; no known one is half as long.
const COMPARED_BYTES_MAX: usize = 48;

/// What is known while a message is read.
pub(super) struct Reading {
    /// Deepest nesting taken; the message itself is depth 1.
    pub(super) depth_max: u8,
    /// Whether only an id is looked for, in what was refused already: then names refuse nothing.
    pub(super) is_search: bool,
    /// Fields named so far, `null` included.
    pub(super) seen: FieldSet,
    /// Fields with a value so far: what the whitelist is asked about.
    pub(super) present: FieldSet,
    /// Members that the schema does not know, at any level.
    pub(super) unknown: u32,
    /// The known names that some of those probably meant.
    pub(super) near: FieldSet,
    /// Malformed fields so far.
    pub(super) faults: Faults,
    /// Why reading stopped, when we stopped it and not the parser.
    pub(super) reject: Option<Reject>,
}

impl Reading {
    pub(super) fn new(depth_max: u8) -> Self {
        Self {
            depth_max,
            is_search: false,
            seen: FieldSet::EMPTY,
            present: FieldSet::EMPTY,
            unknown: 0,
            near: FieldSet::EMPTY,
            faults: Faults::default(),
            reject: None,
        }
    }

    /// Remembers why we stop; the error itself only unwinds the parser and says nothing.
    #[cold]
    pub(super) fn stop<E: Error>(&mut self, reject: Reject) -> E {
        self.reject.get_or_insert(reject);
        E::custom("refused")
    }

    /// Whether a name that the schema does not know means data that must not enter.
    pub(super) fn forbids(&self, name: &str) -> bool {
        !self.is_search && is_forbidden(name)
    }

    /// Counts a member that the schema does not know, unless its name is forbidden. `near` finds the
    /// known field that was probably meant.
    fn unknown<E: Error>(
        &mut self,
        key: &str,
        near: impl FnOnce(&str) -> Option<Field>,
    ) -> Result<(), E> {
        if self.forbids(key) {
            return Err(self.stop(Reject::whole(RejectReason::ForbiddenData)));
        }
        if self.unknown < COMPARED_MAX
            && key.len() <= COMPARED_BYTES_MAX
            && let Some(field) = near(key)
        {
            self.near.insert(field);
        }
        self.unknown = self.unknown.saturating_add(1);
        Ok(())
    }

    pub(super) fn enter<E: Error>(&mut self, depth: u8) -> Result<(), E> {
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
    /// A value of any type.
    fn value(&mut self) -> Result<Value<'de>, A::Error> {
        let depth = self.depth + 1;
        self.map.next_value_seed(Scalar { reading: &mut *self.reading, depth })
    }

    /// Notes that the value is of another type than the field's.
    #[cold]
    fn untyped(&mut self, found: &'static str) {
        self.reading.faults.note(self.name, Reject::untyped(self.name, found));
    }

    /// A number of any form.
    fn number(&mut self) -> Result<Option<Number>, A::Error> {
        match self.value()? {
            Value::Absent => return Ok(None),
            Value::Number(number) => {
                self.reading.present.insert(self.name);
                return Ok(Some(number));
            }
            other => self.untyped(found(&other)),
        }
        Ok(None)
    }

    /// Whether there was an object.
    fn there(&mut self, there: There) -> bool {
        match there {
            There::Absent => false,
            There::Read => {
                self.reading.present.insert(self.name);
                true
            }
            There::Untyped(found) => {
                self.untyped(found);
                false
            }
        }
    }
}

impl<'de, A: MapAccess<'de>> Member<'de> for JsonMember<'_, A> {
    type Error = A::Error;

    fn field(&self) -> Field {
        self.field
    }

    #[cold]
    fn fault_at(&mut self, field: Field, reason: RejectReason) {
        self.reading.faults.note(field, Reject::at(reason, field));
    }

    #[cold]
    fn fault(&mut self, reason: RejectReason) {
        self.fault_at(self.name, reason);
    }

    /// `null` is absent as well.
    fn text(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        match self.value()? {
            Value::Absent => {}
            Value::Text(text) if text.len() > self.name.max_bytes() => {
                self.fault(RejectReason::FieldTooLong);
            }
            Value::Text(text) => {
                if !text.is_empty() {
                    self.reading.present.insert(self.name);
                    return Ok(Some(text));
                }
            }
            other => self.untyped(found(&other)),
        }
        Ok(None)
    }

    fn natural(&mut self, reason: RejectReason) -> Result<Option<u64>, A::Error> {
        match self.number()? {
            None => {}
            Some(Number::Unsigned(number)) => return Ok(Some(number)),
            Some(_) => self.fault(reason),
        }
        Ok(None)
    }

    /// The parser gives finite numbers only.
    fn float(&mut self, _: RejectReason) -> Result<Option<f64>, A::Error> {
        Ok(self.number()?.map(Number::as_f64))
    }

    fn flag(&mut self) -> Result<Option<bool>, A::Error> {
        match self.value()? {
            Value::Absent => return Ok(None),
            Value::Flag(flag) => {
                self.reading.present.insert(self.name);
                return Ok(Some(flag));
            }
            other => self.untyped(found(&other)),
        }
        Ok(None)
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
        Ok(self.there(there))
    }

    fn change(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        let mut change = ChangeDraft::default();
        self.object(&mut change)?;
        Ok(change.what)
    }

    fn attributes(&mut self, into: &mut Vec<Attribute<'de>>) -> Result<(), A::Error> {
        let depth = self.depth + 1;
        let attributes = Attributes { reading: &mut *self.reading, into, depth };
        if let There::Untyped(found) = self.map.next_value_seed(attributes)? {
            self.untyped(found);
        }
        if !into.is_empty() {
            self.reading.present.insert(Field::Attributes);
        }
        Ok(())
    }
}

/// Whether an object was where one is wanted.
pub(super) enum There {
    Absent,
    Read,
    /// This type was, and its value is behind us.
    Untyped(&'static str),
}

/// What a visitor of an object says of everything else: it is passed over, and its type remembered.
macro_rules! there_unless_an_object {
    () => {
        fn visit_unit<E: Error>(self) -> Result<There, E> {
            Ok(There::Absent)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<There, E> {
            Ok(There::Untyped("a boolean"))
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<There, E> {
            Ok(There::Untyped("a number"))
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<There, E> {
            Ok(There::Untyped("a number"))
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<There, E> {
            Ok(There::Untyped("a number"))
        }

        fn visit_str<E: Error>(self, _: &str) -> Result<There, E> {
            Ok(There::Untyped("a text"))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<There, A::Error> {
            let Self { reading, depth, .. } = self;
            Skipped { reading, depth }.visit_seq(seq)?;
            Ok(There::Untyped("an array"))
        }
    };
}
pub(super) use there_unless_an_object;

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

/// A value; of an object or an array only that it was one.
pub(super) enum Value<'de> {
    Absent,
    Flag(bool),
    Number(Number),
    Text(Cow<'de, str>),
    Array,
    Object,
}

/// The type of a value, for whoever sent it.
pub(super) const fn found(value: &Value<'_>) -> &'static str {
    match value {
        Value::Absent => "null",
        Value::Flag(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::Text(_) => "a text",
        Value::Array => "an array",
        Value::Object => "an object",
    }
}

/// Reads a value that should be neither object nor array; those are passed over.
pub(super) struct Scalar<'c> {
    pub(super) reading: &'c mut Reading,
    /// The depth of the value, should it be nested.
    pub(super) depth: u8,
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
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

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        let Self { reading, depth } = self;
        Skipped { reading, depth }.visit_seq(seq)?;
        Ok(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Self { reading, depth } = self;
        Skipped { reading, depth }.visit_map(map)?;
        Ok(Value::Object)
    }
}

/// Reads an object into a block.
pub(super) struct Object<'c, B> {
    pub(super) block: &'c mut B,
    pub(super) reading: &'c mut Reading,
    pub(super) depth: u8,
}

impl<'de, B: Block<'de>> DeserializeSeed<'de> for Object<'_, B> {
    type Value = There;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<There, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, B: Block<'de>> Visitor<'de> for Object<'_, B> {
    type Value = There;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    there_unless_an_object!();

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<There, A::Error> {
        let Self { block, reading, depth } = self;
        reading.enter(depth)?;
        loop {
            let near = |key: &str| probably_meant(&*block, key);
            let key = map.next_key_seed(Key { reading, of: B::field, near })?;
            let Some(key) = key else { return Ok(There::Read) };
            let Some(field) = key else {
                map.next_value_seed(Skipped { reading, depth: depth + 1 })?;
                continue;
            };
            let name = block.named(field);
            if !reading.seen.insert(name) {
                reading.faults.note_twice(name);
                map.next_value_seed(Skipped { reading, depth: depth + 1 })?;
                continue;
            }
            block.read(JsonMember { map: &mut map, reading, field, name, depth })?;
        }
    }
}

/// The field of a block that an unknown name was probably meant to be.
#[cold]
fn probably_meant<'de, B: Block<'de>>(block: &B, name: &str) -> Option<Field> {
    let key = nearest(name, B::KEYS.iter().copied())?;
    B::field(key).map(|field| block.named(field))
}

/// Reads a key.
struct Key<'c, N> {
    reading: &'c mut Reading,
    of: fn(&str) -> Option<Field>,
    near: N,
}

impl<'de, N: FnOnce(&str) -> Option<Field>> DeserializeSeed<'de> for Key<'_, N> {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<N: FnOnce(&str) -> Option<Field>> Visitor<'_> for Key<'_, N> {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let field = (self.of)(key);
        if field.is_none() {
            self.reading.unknown(key, self.near)?;
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
        let unknown = |_: &str| None;
        while map.next_key_seed(Key { reading, of: unknown, near: unknown })?.is_some() {
            map.next_value_seed(Skipped { reading, depth: depth + 1 })?;
        }
        Ok(())
    }
}
