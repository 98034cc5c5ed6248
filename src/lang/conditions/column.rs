//! One column's constants, and for each place among them the clauses that a value there falsifies.
//!
//! With `n` keys a value has `2 n + 1` places: below the first, on it, between it and the second,
//! and so on. A column with so many keys that its rows would be large keeps one row for several
//! neighbouring places, of what all of them falsify, and lists for each place what it adds.

use std::cmp::Ordering;

use crate::domain::{FeatureVector, FieldId};
use crate::lang::Relation;

use super::Marks;
use super::bits::{Bits, Rows};
use super::clauses::{Kind, Test, float_key};

/// Most bytes of one column's rows, unless one row alone is larger.
const ROWS_MAX_BYTES: usize = 512 << 10;

/// A column and where its rows are.
#[derive(Clone, Debug)]
pub(super) struct Column {
    field: FieldId,
    keys: Keys,
    /// A row stands for `1 << shift` places.
    shift: u32,
    /// The row of the clauses that are undetermined without a value; those of the places follow.
    first_row: u32,
    /// What each place falsifies beside its row, when rows stand for several: the place's part of
    /// `added` begins at its number here.
    added_first: Box<[u32]>,
    added: Box<[u32]>,
    /// The clauses that ask for a value to be there.
    present: Bits,
}

/// What a column's values are compared with, sorted.
#[derive(Clone, Debug)]
enum Keys {
    Whole(Box<[i64]>),
    Float(Box<[i64]>),
    Bool(Box<[i64]>),
    Text(Texts),
}

/// Sorted texts, and the first bytes of each as a number: most values differ there.
#[derive(Clone, Debug)]
struct Texts {
    prefixes: Box<[u64]>,
    texts: Box<[Box<str>]>,
}

impl Keys {
    fn of(kind: Kind, tests: &[(u32, Test)]) -> Self {
        if kind == Kind::Text {
            let texts = tests.iter().flat_map(|(_, test)| match test {
                Test::OneOfTexts(texts, _) => texts.as_slice(),
                _ => &[],
            });
            let mut texts: Vec<_> = texts.cloned().collect();
            texts.sort_unstable();
            texts.dedup();
            let prefixes = texts.iter().map(|text| prefix(text)).collect();
            return Self::Text(Texts { prefixes, texts: texts.into() });
        }
        let keys = tests.iter().flat_map(|(_, test)| match test {
            Test::Compare(_, key) => std::slice::from_ref(key),
            Test::OneOf(keys, _) => keys.as_slice(),
            Test::OneOfTexts(..) | Test::Present(_) => &[],
        });
        let mut keys: Vec<_> = keys.copied().collect();
        keys.sort_unstable();
        keys.dedup();
        match kind {
            Kind::Float => Self::Float(keys.into()),
            Kind::Bool => Self::Bool(keys.into()),
            Kind::Whole | Kind::Text => Self::Whole(keys.into()),
        }
    }

    fn places(&self) -> usize {
        let keys = match self {
            Self::Whole(keys) | Self::Float(keys) | Self::Bool(keys) => keys.len(),
            Self::Text(texts) => texts.texts.len(),
        };
        2 * keys + 1
    }

    /// The place of a row's value, which is there.
    #[inline]
    fn place(&self, row: &FeatureVector, field: FieldId) -> usize {
        match self {
            Self::Whole(keys) => place_of(keys, row.int(field)),
            Self::Float(keys) => place_of(keys, float_key(row.float(field))),
            Self::Bool(keys) => place_of(keys, i64::from(row.int(field) != 0)),
            Self::Text(texts) => texts.place(row.text(field)),
        }
    }

    /// The places that a test falsifies, as half-open ranges in order.
    fn falsified(&self, test: &Test) -> Vec<(usize, usize)> {
        let end = self.places();
        let on: Vec<usize> = match (self, test) {
            (Self::Text(texts), Test::OneOfTexts(wanted, _)) => {
                wanted.iter().map(|text| texts.place(text)).collect()
            }
            (Self::Whole(keys) | Self::Float(keys) | Self::Bool(keys), Test::OneOf(wanted, _)) => {
                wanted.iter().map(|key| place_of(keys, *key)).collect()
            }
            (
                Self::Whole(keys) | Self::Float(keys) | Self::Bool(keys),
                Test::Compare(relation, key),
            ) => {
                let on = place_of(keys, *key);
                return match relation {
                    Relation::Less => vec![(on, end)],
                    Relation::LessOrEqual => vec![(on + 1, end)],
                    Relation::Greater => vec![(0, on + 1)],
                    Relation::GreaterOrEqual => vec![(0, on)],
                    Relation::Equal => vec![(0, on), (on + 1, end)],
                    Relation::NotEqual => vec![(on, on + 1)],
                };
            }
            // Any value falsifies the wish for none.
            (_, Test::Present(false)) => return vec![(0, end)],
            _ => Vec::new(),
        };
        match test {
            Test::OneOf(_, true) | Test::OneOfTexts(_, true) => {
                let starts = std::iter::once(0).chain(on.iter().map(|on| on + 1));
                let ends = on.iter().copied().chain(std::iter::once(end));
                starts.zip(ends).filter(|(start, end)| start < end).collect()
            }
            _ => on.into_iter().map(|on| (on, on + 1)).collect(),
        }
    }
}

#[inline]
fn place_of(keys: &[i64], value: i64) -> usize {
    let below = keys.partition_point(|key| *key < value);
    2 * below + usize::from(keys.get(below) == Some(&value))
}

impl Texts {
    fn place(&self, value: &str) -> usize {
        let start = prefix(value);
        let mut below = self.prefixes.partition_point(|prefix| *prefix < start);
        while self.prefixes.get(below) == Some(&start) {
            match (*self.texts[below]).cmp(value) {
                Ordering::Less => below += 1,
                Ordering::Equal => return 2 * below + 1,
                Ordering::Greater => break,
            }
        }
        2 * below
    }
}

/// The first eight bytes, zeros behind the last: in the order of the texts, as far as it tells.
fn prefix(text: &str) -> u64 {
    let bytes = text.as_bytes();
    if let Some(first) = bytes.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut padded = [0; 8];
    padded[..bytes.len()].copy_from_slice(bytes); // fewer than eight
    u64::from_be_bytes(padded)
}

impl Column {
    /// Whether some clauses of a word read it.
    pub(super) fn uses(&self, word: usize, of: u64, rows: &Rows) -> bool {
        // Without a value every clause that reads it is undetermined, or asks for its presence;
        // `!has(x)` is falsified by every value: it stands in every row.
        let [lacking, first] = [self.first_row, self.first_row + 1].map(|row| rows.word(row, word));
        (lacking | first) & of != 0 || self.present.meets(word, of)
    }

    #[cfg(test)]
    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    /// Notes the row that the value picks.
    #[inline]
    pub(super) fn mark(&self, row: &FeatureVector, marks: &mut Marks) {
        if !row.has(self.field) {
            marks.lacking.push(self.first_row);
            self.present.set_in(&mut marks.falsified);
            return;
        }
        let place = self.keys.place(row, self.field);
        marks.falsifying.push(self.first_row + 1 + (place >> self.shift) as u32);
        if self.shift > 0 {
            // One number for each place and one more, by `finish`.
            let added = self.added_first[place] as usize..self.added_first[place + 1] as usize;
            for bit in &self.added[added] {
                marks.falsify(*bit);
            }
        }
    }
}

/// Collects what is asked of a column.
#[derive(Debug)]
pub(super) struct Builder {
    field: FieldId,
    kind: Kind,
    tests: Vec<(u32, Test)>,
}

impl Builder {
    pub(super) fn new(field: FieldId) -> Self {
        Self { field, kind: Kind::Whole, tests: Vec::new() }
    }

    pub(super) fn field(&self) -> FieldId {
        self.field
    }

    /// Adds a clause's question; bits come in order.
    pub(super) fn add(&mut self, bit: u32, kind: Kind, test: Test) {
        // A question for presence knows no type.
        if !matches!(test, Test::Present(_)) {
            self.kind = kind;
        }
        self.tests.push((bit, test));
    }

    /// Lays out the column's rows behind those of the columns before it.
    pub(super) fn finish(self, rows: &mut Rows) -> Column {
        let keys = Keys::of(self.kind, &self.tests);
        let places = keys.places();
        let mut shift = 0;
        while shift < usize::BITS - 1 && (places >> shift) * rows.row_bytes() > ROWS_MAX_BYTES {
            shift += 1;
        }
        let first_row = rows.add(2 + ((places - 1) >> shift));
        let mut added: Vec<(u32, u32)> = Vec::new();
        let mut present = Bits::default();
        for (bit, test) in &self.tests {
            match test {
                Test::Present(true) => present.add(*bit),
                Test::Present(false) => {}
                _ => rows.set(first_row, *bit),
            }
            for (start, end) in keys.falsified(test) {
                let mut place = start;
                while place < end {
                    let next = ((place >> shift) + 1) << shift;
                    let is_whole = place.is_multiple_of(1 << shift) && next.min(places) <= end;
                    if is_whole {
                        rows.set(first_row + 1 + (place >> shift) as u32, *bit);
                    } else {
                        added.extend((place..next.min(end)).map(|place| (place as u32, *bit)));
                    }
                    place = next;
                }
            }
        }
        added.sort_unstable();
        added.dedup();
        let first = |place: usize| added.partition_point(|(at, _)| (*at as usize) < place) as u32;
        let added_first = if shift > 0 { (0..=places).map(first).collect() } else { [].into() };
        let added = added.iter().map(|(_, bit)| *bit).collect();
        Column { field: self.field, keys, shift, first_row, added_first, added, present }
    }
}
