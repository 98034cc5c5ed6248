//! Custom fields: an object of scalars, in the order they came, and what holds for one in any form.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::domain::{Attribute, AttributeValue, Field};

use super::faults::Faults;
use super::reader::{
    Number, Reading, Scalar, Skipped, There, Value, found, there_unless_an_object,
};
use super::{Reject, RejectReason};

/// More than a bundle would declare; it also bounds the search for duplicates.
const ATTRIBUTES_MAX: usize = 32;

/// Longest name of an attribute, in bytes.
const NAME_MAX: usize = 64;

/// Reads `attributes`.
pub(super) struct Attributes<'c, 'de> {
    pub(super) reading: &'c mut Reading,
    pub(super) into: &'c mut Vec<Attribute<'de>>,
    pub(super) depth: u8,
}

/// Reads the name of one.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Attributes<'_, 'de> {
    type Value = There;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_, 'de> {
    type Value = There;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    there_unless_an_object!();

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<There, A::Error> {
        let Self { reading, into, depth } = self;
        reading.enter::<A::Error>(depth)?;
        while let Some(name) = map.next_key_seed(Name)? {
            if reading.forbids(&name) {
                let reject = Reject::at(RejectReason::ForbiddenData, Field::Attributes);
                return Err(reading.stop(reject));
            }
            let value = map.next_value_seed(Scalar { reading, depth: depth + 1 })?;
            add(name, value_of(value), into, &mut reading.faults);
        }
        Ok(There::Read)
    }
}

/// Adds one to those before it, if it may be among them.
pub(super) fn add<'a>(
    name: Cow<'a, str>,
    value: Result<Option<AttributeValue<'a>>, Reject>,
    into: &mut Vec<Attribute<'a>>,
    faults: &mut Faults,
) {
    const AT: Field = Field::Attributes;
    if let Some(before) = into.iter().position(|attribute| attribute.name == name) {
        faults.note_doubled(&name);
        into.remove(before);
        return;
    }
    if faults.is_doubled(&name) {
        return;
    }
    let fault = match value {
        Ok(None) => return,
        Err(reject) => reject,
        Ok(Some(_)) if into.len() == ATTRIBUTES_MAX => {
            Reject::at(RejectReason::TooManyAttributes, AT)
        }
        Ok(Some(_)) if name.is_empty() || name.len() > NAME_MAX => {
            Reject::at(RejectReason::BadFormat, AT)
        }
        Ok(Some(value)) => {
            into.push(Attribute { name, value });
            return;
        }
    };
    faults.note(AT, fault);
}

/// The text of one, within its limit.
pub(super) fn text(text: Cow<'_, str>) -> Result<AttributeValue<'_>, Reject> {
    if text.len() > Field::Attributes.max_bytes() {
        return Err(Reject::at(RejectReason::FieldTooLong, Field::Attributes));
    }
    Ok(AttributeValue::Text(text))
}

/// The value of one; `null` is absent.
fn value_of(value: Value<'_>) -> Result<Option<AttributeValue<'_>>, Reject> {
    Ok(Some(match value {
        Value::Absent => return Ok(None),
        Value::Flag(flag) => AttributeValue::Flag(flag),
        Value::Number(Number::Signed(number)) => AttributeValue::Integer(number),
        Value::Number(Number::Unsigned(number)) => match i64::try_from(number) {
            Ok(number) => AttributeValue::Integer(number),
            Err(_) => {
                return Err(Reject::at(RejectReason::NumberOutOfRange, Field::Attributes));
            }
        },
        Value::Number(Number::Float(number)) => AttributeValue::Number(number),
        Value::Text(value) => text(value)?,
        other @ (Value::Array | Value::Object) => {
            return Err(Reject::untyped(Field::Attributes, found(&other)));
        }
    }))
}
