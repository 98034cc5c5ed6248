//! How a protobuf message is walked: numbers to fields, values by type, each field once.
//!
//! Stricter than the format: a field that comes twice would be two messages to two readers, and a
//! field of an unknown number may hold anything. The schema bounds the nesting, at four levels.

use std::borrow::Cow;

use crate::domain::{Attribute, AttributeValue, EventTime};
use crate::wire::{MessageReader, WireError, WireValue};

use super::attributes;
use super::block::{Block, Member, Word};
use super::draft::{Draft, Said};
use super::{Decoded, Field, FieldSet, Reject, RejectReason};

/// What is known while a message is read.
#[derive(Default)]
struct Reading {
    /// Fields so far.
    seen: FieldSet,
    /// Fields with a value so far: what the whitelist is asked about.
    present: FieldSet,
}

/// Reads one `tidegate.v1.Message`.
pub(super) fn read(bytes: &[u8]) -> Result<Decoded<'_>, Reject> {
    let (mut draft, mut reading) = (Draft::new(), Reading::default());
    let mut fields = MessageReader::new(bytes);
    let mut is_read = false;
    while let Some((number, value)) = fields.field().map_err(malformed)? {
        let (1..=3) = number else { return Err(Reject::whole(RejectReason::UnknownField)) };
        if std::mem::replace(&mut is_read, true) {
            return Err(Reject::whole(RejectReason::DuplicateField));
        }
        let WireValue::Bytes(bytes) = value else {
            return Err(Reject::whole(RejectReason::WrongType));
        };
        match number {
            1 => read_block(&mut draft, None, bytes, &mut reading)?,
            2 => {
                draft.kind = Some(Said::Outcome);
                read_block(&mut OutcomeOf(&mut draft), None, bytes, &mut reading)?;
            }
            _ => {
                draft.kind = Some(Said::Label);
                read_block(&mut LabelOf(&mut draft), None, bytes, &mut reading)?;
            }
        }
    }
    draft.finish(reading.present, 0)
}

/// An outcome, whose fields have numbers of their own.
struct OutcomeOf<'c, 'a>(&'c mut Draft<'a>);

/// A label, likewise.
struct LabelOf<'c, 'a>(&'c mut Draft<'a>);

macro_rules! amendment {
    ($block:ident, $($number:literal => $field:ident),+) => {
        impl<'de> Block<'de> for $block<'_, 'de> {
            fn field(key: &str) -> Option<Field> {
                Draft::field(key)
            }

            fn numbered(number: u32) -> Option<Field> {
                match number { $($number => Some(Field::$field),)+ _ => None }
            }

            fn read<M: Member<'de>>(&mut self, member: M) -> Result<(), M::Error> {
                self.0.read(member)
            }
        }
    };
}
amendment!(OutcomeOf, 1 => Of, 2 => Result, 3 => Code, 4 => OccurredAt);
amendment!(LabelOf, 1 => Of, 2 => Truth, 3 => Source, 4 => OccurredAt);

/// Reads a message into a block; `within` is the field that it is the value of.
fn read_block<'a, B: Block<'a>>(
    block: &mut B,
    within: Option<Field>,
    bytes: &'a [u8],
    reading: &mut Reading,
) -> Result<(), Reject> {
    block.assume_zeros();
    let mut fields = MessageReader::new(bytes);
    while let Some((number, value)) = fields.field().map_err(malformed)? {
        let Some(field) = B::numbered(number) else { return Err(unknown_field(within)) };
        let name = block.named(field);
        if !reading.seen.insert(name) && name != Field::Attributes {
            return Err(Reject::at(RejectReason::DuplicateField, name));
        }
        block.read(Value { reading, field, name, value })?;
    }
    Ok(())
}

/// The bytes are no protobuf message; where they cease to be one says nothing to a client.
#[cold]
const fn malformed(_: WireError) -> Reject {
    Reject::whole(RejectReason::MalformedProtobuf)
}

#[cold]
fn unknown_field(within: Option<Field>) -> Reject {
    let reason = RejectReason::UnknownField;
    within.map_or(Reject::whole(reason), |field| Reject::at(reason, field))
}

/// A value whose number was read.
struct Value<'c, 'a> {
    reading: &'c mut Reading,
    /// The field, as the block knows it.
    field: Field,
    /// The field, as the schema knows it.
    name: Field,
    value: WireValue<'a>,
}

impl<'a> Value<'_, 'a> {
    /// Refuses because the value is not of its type.
    #[cold]
    fn untyped(&mut self, error: WireError) -> Reject {
        self.stop(match error {
            WireError::NotUtf8 { .. } => RejectReason::NotUtf8,
            WireError::OutOfRange { .. } => RejectReason::NumberOutOfRange,
            _ => RejectReason::WrongType,
        })
    }

    /// A varint.
    fn number(&mut self) -> Result<u64, Reject> {
        let number = self.value.uint(self.name.name()).map_err(|error| self.untyped(error))?;
        self.reading.present.insert(self.name);
        Ok(number)
    }
}

impl<'a> Member<'a> for Value<'_, 'a> {
    type Error = Reject;

    fn field(&self) -> Field {
        self.field
    }

    #[cold]
    fn refuse(&mut self, reject: Reject) -> Reject {
        reject
    }

    #[cold]
    fn stop(&mut self, reason: RejectReason) -> Reject {
        Reject::at(reason, self.name)
    }

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, Reject> {
        let text = self.value.text(self.name.name()).map_err(|error| self.untyped(error))?;
        if text.len() > self.name.max_bytes() {
            return Err(self.stop(RejectReason::FieldTooLong));
        }
        if text.is_empty() {
            return Ok(None);
        }
        self.reading.present.insert(self.name);
        Ok(Some(Cow::Borrowed(text)))
    }

    fn natural(&mut self, _: RejectReason) -> Result<Option<u64>, Reject> {
        self.number().map(Some)
    }

    fn float(&mut self, reason: RejectReason) -> Result<Option<f64>, Reject> {
        let WireValue::Fixed64(bits) = self.value else {
            return Err(self.stop(RejectReason::WrongType));
        };
        let number = f64::from_bits(bits);
        if !number.is_finite() {
            return Err(self.stop(reason));
        }
        self.reading.present.insert(self.name);
        Ok(Some(number))
    }

    fn flag(&mut self) -> Result<Option<bool>, Reject> {
        let flag = self.value.flag(self.name.name()).map_err(|error| self.untyped(error))?;
        self.reading.present.insert(self.name);
        Ok(Some(flag))
    }

    fn either(&mut self, _: [&str; 2]) -> Result<Option<bool>, Reject> {
        self.flag()
    }

    /// The number 0 is every vocabulary's word for none.
    fn word<W: Word>(&mut self, reason: RejectReason) -> Result<Option<W>, Reject> {
        match self.number()? {
            0 => Ok(None),
            number => W::numbered(number).map(Some).ok_or_else(|| self.stop(reason)),
        }
    }

    /// The moment 0 is absent, and long before any event.
    fn time(&mut self) -> Result<Option<EventTime>, Reject> {
        match self.number()?.cast_signed() {
            0 => Ok(None),
            ms => EventTime::from_ms(ms).map(Some).map_err(|_| self.stop(RejectReason::BadTime)),
        }
    }

    fn object<B: Block<'a>>(&mut self, block: &mut B) -> Result<bool, Reject> {
        let WireValue::Bytes(bytes) = self.value else {
            return Err(self.stop(RejectReason::WrongType));
        };
        self.reading.present.insert(self.name);
        read_block(block, Some(self.name), bytes, self.reading)?;
        Ok(true)
    }

    fn change(&mut self) -> Result<Option<Cow<'a, str>>, Reject> {
        self.name = Field::AccountChangeWhat;
        let what = self.text()?;
        if what.is_some() {
            self.reading.present.insert(Field::AccountChange);
        }
        Ok(what)
    }

    fn attributes(&mut self, into: &mut Vec<Attribute<'a>>) -> Result<(), Reject> {
        let WireValue::Bytes(bytes) = self.value else {
            return Err(self.stop(RejectReason::WrongType));
        };
        let (mut name, mut value) = (None, None);
        let mut fields = MessageReader::new(bytes);
        while let Some((number, said)) = fields.field().map_err(malformed)? {
            let is_twice = match number {
                1 => name.replace(said).is_some(),
                2..=5 => value.replace((number, said)).is_some(),
                _ => return Err(self.stop(RejectReason::UnknownField)),
            };
            if is_twice {
                return Err(self.stop(RejectReason::DuplicateField));
            }
        }
        let name = name.map_or(Ok(""), |name| name.text("name"));
        let name = name.map_err(|error| self.untyped(error))?;
        attributes::check_name(name, into).map_err(|reason| self.stop(reason))?;
        if let Some((number, value)) = value {
            let value = self.attribute_value(number, value)?;
            into.push(Attribute { name: Cow::Borrowed(name), value });
            self.reading.present.insert(Field::Attributes);
        }
        Ok(())
    }
}

impl<'a> Value<'_, 'a> {
    fn attribute_value(
        &mut self,
        number: u32,
        value: WireValue<'a>,
    ) -> Result<AttributeValue<'a>, Reject> {
        let field = self.name.name();
        let value = match number {
            2 => {
                let text = value.text(field).map_err(|error| self.untyped(error))?;
                return attributes::text(Cow::Borrowed(text)).map_err(|reason| self.stop(reason));
            }
            3 => value.int(field).map(AttributeValue::Integer),
            4 => value.double(field).map(AttributeValue::Number),
            _ => value.flag(field).map(AttributeValue::Flag),
        };
        value.map_err(|error| self.untyped(error))
    }
}
