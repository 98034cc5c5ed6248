//! Custom fields: an object of scalars, in the order they came, and what holds for one in any form.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};

use crate::domain::{Attribute, AttributeValue};

use super::forbidden::is_forbidden;
use super::reader::{Number, Reading, Scalar, Value};
use super::{Field, Reject, RejectReason};

/// More than a bundle would declare; it also bounds the search for duplicates.
const ATTRIBUTES_MAX: usize = 32;

/// Longest name of an attribute, in bytes.
const NAME_MAX: usize = 64;

/// Reads `attributes`.
pub(super) struct Attributes<'c> {
    pub(super) reading: &'c mut Reading,
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

impl<'de> DeserializeSeed<'de> for Attributes<'_> {
    type Value = Vec<Attribute<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Attributes<'_> {
    type Value = Vec<Attribute<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let reading = self.reading;
        let refused = |reading: &mut Reading, reason| {
            reading.stop::<A::Error>(Reject::at(reason, Field::Attributes))
        };
        if self.depth > reading.depth_max {
            return Err(refused(reading, RejectReason::TooDeep));
        }
        let mut attributes: Vec<Attribute<'de>> = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            if let Err(reason) = check_name(&name, &attributes) {
                return Err(refused(reading, reason));
            }
            match value(map.next_value_seed(Scalar)?) {
                Ok(Some(value)) => attributes.push(Attribute { name, value }),
                Ok(None) => {}
                Err(reason) => return Err(refused(reading, reason)),
            }
        }
        if !attributes.is_empty() {
            reading.present.insert(Field::Attributes);
        }
        Ok(attributes)
    }
}

/// Whether an attribute of this name may follow those before it.
pub(super) fn check_name(name: &str, before: &[Attribute<'_>]) -> Result<(), RejectReason> {
    if is_forbidden(name) {
        Err(RejectReason::ForbiddenData)
    } else if before.len() == ATTRIBUTES_MAX {
        Err(RejectReason::TooManyAttributes)
    } else if name.is_empty() || name.len() > NAME_MAX {
        Err(RejectReason::BadFormat)
    } else if before.iter().any(|attribute| attribute.name == name) {
        Err(RejectReason::DuplicateField)
    } else {
        Ok(())
    }
}

/// The text of one, within its limit.
pub(super) fn text(text: Cow<'_, str>) -> Result<AttributeValue<'_>, RejectReason> {
    if text.len() > Field::Attributes.max_bytes() {
        return Err(RejectReason::FieldTooLong);
    }
    Ok(AttributeValue::Text(text))
}

/// The value of one; `null` is absent.
fn value(value: Value<'_>) -> Result<Option<AttributeValue<'_>>, RejectReason> {
    Ok(Some(match value {
        Value::Absent => return Ok(None),
        Value::Flag(flag) => AttributeValue::Flag(flag),
        Value::Number(Number::Signed(number)) => AttributeValue::Integer(number),
        Value::Number(Number::Unsigned(number)) => {
            let number = i64::try_from(number).map_err(|_| RejectReason::NumberOutOfRange)?;
            AttributeValue::Integer(number)
        }
        Value::Number(Number::Float(number)) => AttributeValue::Number(number),
        Value::Text(value) => text(value)?,
    }))
}
