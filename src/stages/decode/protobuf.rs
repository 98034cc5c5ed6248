//! How a protobuf message is walked: numbers to fields, values by type, each field once.
//!
//! Stricter than the format: a field that comes twice would be two messages to two readers. The schema
//! bounds the nesting, at four levels.

use std::borrow::Cow;

use crate::domain::{Attribute, AttributeValue, EventTime};
use crate::wire::{MessageReader, WireError, WireValue};

use super::attributes;
use super::block::{Block, Member, Word};
use super::draft::{Draft, Said};
use super::faults::Faults;
use super::forbidden::is_forbidden;
use super::{Decoded, Field, FieldSet, Reject, RejectReason};

/// What is known while a message is read.
#[derive(Default)]
struct Reading {
    /// Fields so far.
    seen: FieldSet,
    /// Fields with a value so far: what the whitelist is asked about.
    present: FieldSet,
    /// Fields of a number that the schema does not know.
    unknown: u32,
    /// Malformed fields so far.
    faults: Faults,
}

/// Reads one `tidegate.v1.Message`.
pub(super) fn read(bytes: &[u8]) -> Result<Decoded<'_>, Reject> {
    let (mut draft, mut reading) = (Draft::new(), Reading::default());
    walk(&mut draft, bytes, &mut reading)?;
    draft.finish(reading.present, &reading.faults, (reading.unknown, FieldSet::EMPTY))
}

/// Reads as much of a refused message as there is to be read.
pub(super) fn read_into<'a>(draft: &mut Draft<'a>, bytes: &'a [u8]) {
    // Why it ends is known already.
    let _ = walk(draft, bytes, &mut Reading::default());
}

fn walk<'a>(draft: &mut Draft<'a>, bytes: &'a [u8], reading: &mut Reading) -> Result<(), Reject> {
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
            1 => read_block(draft, bytes, reading)?,
            2 => {
                draft.kind = Some(Said::Outcome);
                read_block(&mut OutcomeOf(draft), bytes, reading)?;
            }
            _ => {
                draft.kind = Some(Said::Label);
                read_block(&mut LabelOf(draft), bytes, reading)?;
            }
        }
    }
    Ok(())
}

/// An outcome, whose fields have numbers of their own.
struct OutcomeOf<'c, 'a>(&'c mut Draft<'a>);

/// A label, likewise.
struct LabelOf<'c, 'a>(&'c mut Draft<'a>);

macro_rules! amendment {
    ($block:ident, $($number:literal => $field:ident),+) => {
        impl<'de> Block<'de> for $block<'_, 'de> {
            const KEYS: &'static [&'static str] = Draft::KEYS;

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

/// Reads a message into a block.
fn read_block<'a, B: Block<'a>>(
    block: &mut B,
    bytes: &'a [u8],
    reading: &mut Reading,
) -> Result<(), Reject> {
    block.assume_zeros();
    let mut fields = MessageReader::new(bytes);
    while let Some((number, value)) = fields.field().map_err(malformed)? {
        let Some(field) = B::numbered(number) else {
            reading.unknown = reading.unknown.saturating_add(1);
            continue;
        };
        let name = block.named(field);
        if !reading.seen.insert(name) && name != Field::Attributes {
            reading.faults.note_twice(name);
            continue;
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
    /// What a value that is not of its type is refused or dropped for.
    #[cold]
    fn untyped(&self, error: WireError) -> Reject {
        let reason = match error {
            WireError::NotUtf8 { .. } => RejectReason::NotUtf8,
            WireError::OutOfRange { .. } => RejectReason::NumberOutOfRange,
            _ => RejectReason::WrongType,
        };
        Reject { found: self.found(reason), ..Reject::at(reason, self.name) }
    }

    /// What came, where its type is at fault.
    fn found(&self, reason: RejectReason) -> Option<&'static str> {
        (reason == RejectReason::WrongType).then_some(match self.value {
            WireValue::Varint(_) => "a varint",
            WireValue::Fixed64(_) => "64 bits",
            WireValue::Bytes(_) => "bytes",
            WireValue::Fixed32(_) => "32 bits",
        })
    }

    /// The value if it is one of the field's type.
    fn typed<T>(&mut self, read: Result<T, WireError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                let reject = self.untyped(error);
                self.reading.faults.note(self.name, reject);
                None
            }
        }
    }

    /// The bytes of a nested message.
    fn nested(&mut self) -> Option<&'a [u8]> {
        self.typed(self.value.bytes(self.name.name()))
    }

    /// A varint.
    fn number(&mut self) -> Option<u64> {
        let number = self.typed(self.value.uint(self.name.name()))?;
        self.reading.present.insert(self.name);
        Some(number)
    }
}

impl<'a> Member<'a> for Value<'_, 'a> {
    type Error = Reject;

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

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, Reject> {
        let Some(text) = self.typed(self.value.text(self.name.name())) else { return Ok(None) };
        if text.len() > self.name.max_bytes() {
            self.fault(RejectReason::FieldTooLong);
            return Ok(None);
        }
        if text.is_empty() {
            return Ok(None);
        }
        self.reading.present.insert(self.name);
        Ok(Some(Cow::Borrowed(text)))
    }

    fn natural(&mut self, _: RejectReason) -> Result<Option<u64>, Reject> {
        Ok(self.number())
    }

    fn float(&mut self, reason: RejectReason) -> Result<Option<f64>, Reject> {
        let WireValue::Fixed64(bits) = self.value else {
            let fault = self.untyped(WireError::WrongType { field: self.name.name() });
            self.reading.faults.note(self.name, fault);
            return Ok(None);
        };
        let number = f64::from_bits(bits);
        if !number.is_finite() {
            self.fault(reason);
            return Ok(None);
        }
        self.reading.present.insert(self.name);
        Ok(Some(number))
    }

    fn flag(&mut self) -> Result<Option<bool>, Reject> {
        let flag = self.typed(self.value.flag(self.name.name()));
        if flag.is_some() {
            self.reading.present.insert(self.name);
        }
        Ok(flag)
    }

    fn either(&mut self, _: [&str; 2]) -> Result<Option<bool>, Reject> {
        self.flag()
    }

    /// The number 0 is every vocabulary's word for none.
    fn word<W: Word>(&mut self, reason: RejectReason) -> Result<Option<W>, Reject> {
        let Some(number) = self.number().filter(|number| *number != 0) else { return Ok(None) };
        let word = W::numbered(number);
        if word.is_none() {
            self.fault(reason);
        }
        Ok(word)
    }

    /// The moment 0 is absent, and long before any event.
    fn time(&mut self) -> Result<Option<EventTime>, Reject> {
        let Some(ms) = self.number().filter(|number| *number != 0) else { return Ok(None) };
        let time = EventTime::from_ms(ms.cast_signed()).ok();
        if time.is_none() {
            self.fault(RejectReason::BadTime);
        }
        Ok(time)
    }

    /// Bytes that are no message are a malformed field: their end is known all the same.
    fn object<B: Block<'a>>(&mut self, block: &mut B) -> Result<bool, Reject> {
        let Some(bytes) = self.nested() else { return Ok(false) };
        self.reading.present.insert(self.name);
        match read_block(block, bytes, self.reading) {
            Err(reject) if reject.reason == RejectReason::MalformedProtobuf => {
                self.fault(RejectReason::MalformedProtobuf);
                Ok(false)
            }
            read => read.map(|()| true),
        }
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
        let Some(bytes) = self.nested() else { return Ok(()) };
        let (mut name, mut value) = (None, None);
        let mut fields = MessageReader::new(bytes);
        loop {
            let (number, said) = match fields.field() {
                Ok(None) => break,
                Ok(Some(field)) => field,
                Err(_) => {
                    self.fault(RejectReason::MalformedProtobuf);
                    return Ok(());
                }
            };
            let is_twice = match number {
                1 => name.replace(said).is_some(),
                2..=5 => value.replace((number, said)).is_some(),
                _ => {
                    self.reading.unknown = self.reading.unknown.saturating_add(1);
                    false
                }
            };
            if is_twice {
                // Of two names only one would be looked at.
                self.fault(RejectReason::DuplicateField);
                return Ok(());
            }
        }
        let Some(name) = self.typed(name.map_or(Ok(""), |name| name.text("name"))) else {
            return Ok(());
        };
        if is_forbidden(name) {
            return Err(Reject::at(RejectReason::ForbiddenData, self.name));
        }
        let value = value.map(|(number, value)| self.attribute_value(number, value)).transpose();
        attributes::add(Cow::Borrowed(name), value, into, &mut self.reading.faults);
        if !into.is_empty() {
            self.reading.present.insert(Field::Attributes);
        }
        Ok(())
    }
}

impl<'a> Value<'_, 'a> {
    fn attribute_value(
        &self,
        number: u32,
        value: WireValue<'a>,
    ) -> Result<AttributeValue<'a>, Reject> {
        let field = self.name.name();
        let value = match number {
            2 => {
                let text = value.text(field).map_err(|error| self.untyped(error))?;
                return attributes::text(Cow::Borrowed(text));
            }
            3 => value.int(field).map(AttributeValue::Integer),
            4 => value.double(field).map(AttributeValue::Number),
            _ => value.flag(field).map(AttributeValue::Flag),
        };
        value.map_err(|error| self.untyped(error))
    }
}
