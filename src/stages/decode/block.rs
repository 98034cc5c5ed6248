//! What each object of a message holds, said once for both forms: a key for JSON, a number for
//! protobuf, and how the value is read.
//!
//! A [`Block`] is one object, a [`Member`] is one of its values before anything is known of it.
//! The forms differ in what a member is; what is asked of it, and every limit, is the same.

use std::borrow::Cow;

use crate::domain::{
    Attribute, Datum, EntryMode, EventTime, OutcomeResult, Sensitive, Service, Truth,
};

use super::forms;
use super::{Field, RejectReason};

/// An object of the message with known members.
pub(super) trait Block<'de> {
    /// Every key, for whoever mistypes one.
    const KEYS: &'static [&'static str];

    /// The field that a key names.
    fn field(key: &str) -> Option<Field>;

    /// The field that has a number.
    fn numbered(number: u32) -> Option<Field>;

    /// The same field under the name it has here: one shape serves payer and payee.
    fn named(&self, field: Field) -> Field {
        field
    }

    /// Protobuf leaves zeros out: what must be there and may be zero is zero until it comes.
    fn assume_zeros(&mut self) {}

    /// Reads one member's value.
    fn read<M: Member<'de>>(&mut self, member: M) -> Result<(), M::Error>;
}

/// Declares a block: each key and number, the field, and how its value is read. What has no number
/// comes in JSON only. A last line `zeros` says what protobuf leaves out.
macro_rules! block {
    ($block:ty, |$me:ident, $member:ident| {
        $($key:literal $(, $number:literal)? => $field:ident: $read:expr;)+
        $(zeros => $zeros:expr;)?
    }) => {
        impl<'de> Block<'de> for $block {
            const KEYS: &'static [&'static str] = &[$($key,)+];

            fn field(key: &str) -> Option<Field> {
                match key { $($key => Some(Field::$field),)+ _ => None }
            }

            fn numbered(number: u32) -> Option<Field> {
                match number { $($($number => Some(Field::$field),)?)+ _ => None }
            }

            $(fn assume_zeros(&mut self) {
                let $me = self;
                $zeros;
            })?

            fn read<M: Member<'de>>(&mut self, mut $member: M) -> Result<(), M::Error> {
                let $me = self;
                match $member.field() {
                    $(Field::$field => $read,)+
                    // `field` and `numbered` give no other.
                    _ => {}
                }
                Ok(())
            }
        }
    };
}
pub(super) use block;

/// A word of a closed vocabulary: a text in JSON, a number in protobuf.
pub(super) trait Word: Sized {
    /// The word with this name.
    fn named(name: &str) -> Option<Self>;

    /// The word with this number.
    fn numbered(number: u64) -> Option<Self>;
}

macro_rules! words {
    ($($word:ty),+) => {
        $(impl Word for $word {
            fn named(name: &str) -> Option<Self> {
                Self::parse(name)
            }

            fn numbered(number: u64) -> Option<Self> {
                Self::from_number(number)
            }
        })+
    };
}
words!(Service, EntryMode, Datum, OutcomeResult, Truth);

/// A member whose value is next.
pub(super) trait Member<'de>: Sized {
    /// What ends the reading of a message.
    type Error;

    /// The field, as the block knows it.
    fn field(&self) -> Field;

    /// Notes that a field's value is malformed: this member's, or of an object what it lacks.
    fn fault_at(&mut self, field: Field, reason: RejectReason);

    /// Notes that this member's value is malformed; it is absent then.
    fn fault(&mut self, reason: RejectReason);

    /// A text within its field's limit; the empty text is absent.
    fn text(&mut self) -> Result<Option<Cow<'de, str>>, Self::Error>;

    /// A whole number that is not negative; anything else is malformed for the reason.
    fn natural(&mut self, reason: RejectReason) -> Result<Option<u64>, Self::Error>;

    /// A finite number; what is not finite is malformed for the reason.
    fn float(&mut self, reason: RejectReason) -> Result<Option<f64>, Self::Error>;

    /// True or false.
    fn flag(&mut self) -> Result<Option<bool>, Self::Error>;

    /// One of two words in JSON, the first of which is true in protobuf.
    fn either(&mut self, words: [&str; 2]) -> Result<Option<bool>, Self::Error>;

    /// A word of a vocabulary.
    fn word<W: Word>(&mut self, reason: RejectReason) -> Result<Option<W>, Self::Error>;

    /// A moment: RFC 3339 in JSON, milliseconds in protobuf.
    fn time(&mut self) -> Result<Option<EventTime>, Self::Error>;

    /// An object; whether there was one.
    fn object<B: Block<'de>>(&mut self, block: &mut B) -> Result<bool, Self::Error>;

    /// What an account change changes: an object around a text in JSON, the text in protobuf.
    fn change(&mut self) -> Result<Option<Cow<'de, str>>, Self::Error>;

    /// Custom fields: all of them in JSON, the next one in protobuf.
    fn attributes(&mut self, into: &mut Vec<Attribute<'de>>) -> Result<(), Self::Error>;

    /// A text that means something else.
    fn parsed<T>(
        &mut self,
        parse: impl FnOnce(&str) -> Option<T>,
        reason: RejectReason,
    ) -> Result<Option<T>, Self::Error> {
        let Some(text) = self.text()? else { return Ok(None) };
        let parsed = parse(&text);
        if parsed.is_none() {
            self.fault(reason);
        }
        Ok(parsed)
    }

    /// A text of a form, as it came.
    fn text_if(
        &mut self,
        is_formed: impl FnOnce(&str) -> bool,
        reason: RejectReason,
    ) -> Result<Option<Cow<'de, str>>, Self::Error> {
        match self.text()? {
            Some(text) if !is_formed(&text) => {
                self.fault(reason);
                Ok(None)
            }
            text => Ok(text),
        }
    }

    /// The id of an event.
    fn id(&mut self) -> Result<Option<Cow<'de, str>>, Self::Error> {
        self.text_if(forms::is_event_id, RejectReason::BadEventId)
    }

    /// A personal text.
    fn secret(&mut self) -> Result<Option<Sensitive<Cow<'de, str>>>, Self::Error> {
        Ok(self.text()?.map(Sensitive::new))
    }

    /// A personal text of a form.
    fn formed(
        &mut self,
        form: fn(Cow<'de, str>) -> Option<Cow<'de, str>>,
    ) -> Result<Option<Sensitive<Cow<'de, str>>>, Self::Error> {
        let Some(text) = self.text()? else { return Ok(None) };
        let formed = form(text);
        if formed.is_none() {
            self.fault(RejectReason::BadFormat);
        }
        Ok(formed.map(Sensitive::new))
    }

    /// A code of so many digits.
    fn digits(&mut self, count: usize) -> Result<Option<Cow<'de, str>>, Self::Error> {
        self.text_if(|text| forms::is_digits(text, count), RejectReason::BadFormat)
    }

    /// A count; 0 is absent, as it is in the protobuf form: there is no device without cores.
    fn count<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, Self::Error> {
        match self.natural(RejectReason::NumberOutOfRange)? {
            None | Some(0) => Ok(None),
            Some(count) => {
                let count = T::try_from(count).ok();
                if count.is_none() {
                    self.fault(RejectReason::NumberOutOfRange);
                }
                Ok(count)
            }
        }
    }

    /// An object that is checked as a whole once it is read.
    fn whole<B: Block<'de> + Default, T>(
        &mut self,
        finish: impl FnOnce(B) -> Result<T, (Field, RejectReason)>,
    ) -> Result<Option<T>, Self::Error> {
        let mut block = B::default();
        if !self.object(&mut block)? {
            return Ok(None);
        }
        Ok(match finish(block) {
            Ok(whole) => Some(whole),
            Err((field, reason)) => {
                self.fault_at(field, reason);
                None
            }
        })
    }
}
