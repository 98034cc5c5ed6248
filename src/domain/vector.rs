//! What the rules see: one row over the whole schema, facts first, then what the bundle declares.

use super::{Facts, FieldId};

/// A value of one column, as rules and reports read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite float.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Minor units of the base currency.
    Money(i64),
    /// Milliseconds since the Unix epoch.
    Timestamp(i64),
    /// An opaque id.
    Id(u64),
}

/// A row over a [`super::Schema`]: 64-bit slots, presence, and the marks of inexact values.
///
/// Filled once per event and reused: nothing is allocated in steady state.
#[derive(Clone, Debug, Default)]
pub struct FeatureVector {
    slots: Vec<u64>,
    present: Vec<u64>,
    approximate: Vec<u64>,
    incomplete: Vec<u64>,
    text: String,
}

impl FeatureVector {
    /// An empty row of this many columns.
    pub fn new(columns: usize) -> Self {
        let words = columns.div_ceil(64);
        Self {
            slots: vec![0; columns],
            present: vec![0; words],
            approximate: vec![0; words],
            incomplete: vec![0; words],
            text: String::with_capacity(512),
        }
    }

    /// Starts a row: the facts fill the first columns, the others are missing.
    ///
    /// The row has at least [`Facts::COLUMNS`] columns, by its schema.
    pub fn start(&mut self, facts: &Facts) {
        self.slots[..Facts::COLUMNS].copy_from_slice(facts.slots());
        self.present.fill(0);
        self.approximate.fill(0);
        self.incomplete.fill(0);
        let present = facts.present();
        self.present[0] = present as u64;
        self.present[1] = (present >> 64) as u64;
        self.text.clear();
        self.text.push_str(facts.text_buffer());
    }

    /// Whether the column has a value.
    pub fn has(&self, id: FieldId) -> bool {
        self.present[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }

    /// The 64 bits of the column; meaningless when it is missing.
    pub fn bits(&self, id: FieldId) -> u64 {
        self.slots[id.index()]
    }

    /// The column as a whole number; meaningless when it is missing.
    pub fn int(&self, id: FieldId) -> i64 {
        self.bits(id).cast_signed()
    }

    /// The column as a float; meaningless when it is missing.
    pub fn float(&self, id: FieldId) -> f64 {
        f64::from_bits(self.bits(id))
    }

    /// The column as text; empty when it is missing.
    pub fn text(&self, id: FieldId) -> &str {
        if !self.has(id) {
            return "";
        }
        let bits = self.bits(id);
        let start = (bits >> 32) as usize;
        self.text.get(start..start + (bits & 0xffff_ffff) as usize).unwrap_or("")
    }

    /// Sets the bits of a column.
    pub fn set_bits(&mut self, id: FieldId, bits: u64) {
        self.slots[id.index()] = bits;
        self.present[id.index() / 64] |= 1 << (id.index() % 64);
    }

    /// Sets a whole number, amount or moment.
    pub fn set_int(&mut self, id: FieldId, value: i64) {
        self.set_bits(id, value.cast_unsigned());
    }

    /// Sets a boolean.
    pub fn set_bool(&mut self, id: FieldId, value: bool) {
        self.set_bits(id, u64::from(value));
    }

    /// Sets a float; one that is not finite stays missing.
    pub fn set_float(&mut self, id: FieldId, value: f64) {
        if value.is_finite() {
            self.set_bits(id, value.to_bits());
        }
    }

    /// Sets a text.
    pub fn set_text(&mut self, id: FieldId, value: &str) {
        let start = self.text.len() as u64;
        self.text.push_str(value);
        self.set_bits(id, start << 32 | value.len() as u64);
    }

    /// Marks a column's value as taken from panes, not from single events.
    pub fn mark_approximate(&mut self, id: FieldId) {
        self.approximate[id.index() / 64] |= 1 << (id.index() % 64);
    }

    /// Whether the column's value is approximate.
    pub fn is_approximate(&self, id: FieldId) -> bool {
        self.approximate[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }

    /// Whether any column's value is approximate.
    pub fn any_approximate(&self) -> bool {
        self.approximate.iter().any(|word| *word != 0)
    }

    /// Marks a column's value as lacking amounts that have no rate into the base currency.
    pub fn mark_incomplete(&mut self, id: FieldId) {
        self.incomplete[id.index() / 64] |= 1 << (id.index() % 64);
    }

    /// Whether the column's value lacks amounts.
    pub fn is_incomplete(&self, id: FieldId) -> bool {
        self.incomplete[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }

    /// Whether any column's value lacks amounts.
    pub fn any_incomplete(&self) -> bool {
        self.incomplete.iter().any(|word| *word != 0)
    }

    /// One bit a column, 64 columns a word.
    pub fn present_words(&self) -> &[u64] {
        &self.present
    }

    /// Slots of the row.
    pub fn columns(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fact, Schema};

    /// A row starts from the facts and forgets the event before: a stale value would be a decision
    /// about somebody else.
    #[test]
    fn a_row_forgets_the_event_before() {
        let mut schema = Schema::of_facts();
        let count = schema.add("count", crate::domain::FieldType::Int, "").unwrap();
        let mut row = FeatureVector::new(schema.columns());
        let mut facts = Facts::new();
        facts.set_text(Fact::IpCountry, "CN");
        row.start(&facts);
        row.set_int(count, 7);
        row.mark_approximate(count);
        assert_eq!(row.text(FieldId::of_fact(Fact::IpCountry)), "CN");
        assert!(row.has(count) && row.any_approximate());
        row.start(&Facts::new());
        assert!(!row.has(count) && !row.any_approximate());
        assert_eq!(row.text(FieldId::of_fact(Fact::IpCountry)), "");
    }
}
