//! Malformed fields: noted while a message is read, and judged once its kind is known. What the
//! decision needs refuses the message; anything else is dropped and named.

use crate::domain::{Field, FieldSet};

use super::{Reject, RejectReason};

/// What is wrong with a message's fields so far. Nothing is allocated while there is nothing.
#[derive(Default)]
pub(super) struct Faults {
    fields: FieldSet,
    /// Those of them that came more than once.
    twice: FieldSet,
    /// Each field's first fault, in the order of the message.
    first: Vec<(Field, Reject)>,
    /// Names of attributes that came more than once: nobody can say which of them holds.
    doubled: Vec<Box<str>>,
}

impl Faults {
    /// Notes a field's fault, unless it has one already.
    #[cold]
    pub(super) fn note(&mut self, field: Field, reject: Reject) {
        if self.fields.insert(field) {
            self.first.push((field, reject));
        }
    }

    /// Notes a field that came again.
    #[cold]
    pub(super) fn note_twice(&mut self, field: Field) {
        self.twice.insert(field);
        self.note(field, Reject::at(RejectReason::DuplicateField, field));
    }

    /// Notes an attribute that came again.
    #[cold]
    pub(super) fn note_doubled(&mut self, name: &str) {
        self.note(Field::Attributes, Reject::at(RejectReason::DuplicateField, Field::Attributes));
        if !self.is_doubled(name) {
            self.doubled.push(name.into());
        }
    }

    /// The malformed fields.
    pub(super) const fn fields(&self) -> FieldSet {
        self.fields
    }

    /// Whether an attribute came more than once.
    pub(super) fn is_doubled(&self, name: &str) -> bool {
        self.doubled.iter().any(|doubled| **doubled == *name)
    }

    /// Whether a field came more than once.
    pub(super) const fn came_twice(&self, field: Field) -> bool {
        self.twice.contains(field)
    }

    /// The first fault of a field that is needed.
    pub(super) fn of(&self, needed: FieldSet) -> Result<(), Reject> {
        let first = self.first.iter().find(|(field, _)| needed.contains(*field));
        first.map_or(Ok(()), |(_, reject)| Err(*reject))
    }
}
