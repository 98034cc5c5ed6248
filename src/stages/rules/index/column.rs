//! One column's constants, and for each place among them the clauses that a value there falsifies.
//!
//! With `n` keys a value has `2 n + 1` places: below the first, on it, between it and the second,
//! and so on. A column with so many keys that its rows would be large keeps one row for several
//! neighbouring places, of what all of them falsify, and lists for each place what it adds.

use crate::domain::{FeatureVector, FieldId};
use crate::lang::Relation;

use super::Marks;
use super::clauses::{Kind, Test, float_key};
use super::computed::Bits;

/// Most bytes of one column's rows, unless one row alone is larger.
const ROWS_MAX_BYTES: usize = 512 << 10;

/// A column with its rows.
#[derive(Clone, Debug)]
pub(super) struct Column {
    field: FieldId,
    keys: Keys,
    /// Words of a row.
    words: usize,
    /// A row stands for `1 << shift` places.
    shift: u32,
    rows: Box<[u64]>,
    /// What each place falsifies beside its row, when rows stand for several: the place's part of
    /// `added` begins at its number here.
    added_first: Box<[u32]>,
    added: Box<[u32]>,
    /// The clauses that are undetermined without a value.
    undetermined: Box<[u64]>,
    /// The clauses that ask for a value to be there.
    present: Bits,
}

/// What a column's values are compared with, sorted.
#[derive(Clone, Debug)]
enum Keys {
    Whole(Box<[i64]>),
    Float(Box<[i64]>),
    Bool(Box<[i64]>),
    Text(Box<[Box<str>]>),
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
            return Self::Text(texts.into());
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
            Self::Text(texts) => texts.len(),
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
            Self::Text(texts) => place_of_text(texts, row.text(field)),
        }
    }

    /// The places that a test falsifies, as half-open ranges in order.
    fn falsified(&self, test: &Test) -> Vec<(usize, usize)> {
        let end = self.places();
        let on: Vec<usize> = match (self, test) {
            (Self::Text(texts), Test::OneOfTexts(wanted, _)) => {
                wanted.iter().map(|text| place_of_text(texts, text)).collect()
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

#[inline]
fn place_of_text(texts: &[Box<str>], value: &str) -> usize {
    let below = texts.partition_point(|text| **text < *value);
    2 * below + usize::from(texts.get(below).is_some_and(|text| **text == *value))
}

impl Column {
    /// Whether some clauses of a word read it.
    pub(super) fn uses(&self, word: usize, of: u64) -> bool {
        // Without a value every clause that reads it is undetermined, or asks for its presence.
        self.undetermined[word] & of != 0 || self.present.meets(word, of) || {
            // `!has(x)` is falsified by every value: it stands in every row.
            self.rows.get(word).is_some_and(|first| first & of != 0)
        }
    }

    #[cfg(test)]
    pub(super) fn shift(&self) -> u32 {
        self.shift
    }

    /// Falsifies what the row's value falsifies.
    #[inline]
    pub(super) fn mark(&self, row: &FeatureVector, marks: &mut Marks) {
        if !row.has(self.field) {
            join(&mut marks.missing, &self.undetermined);
            self.present.set_in(&mut marks.falsified);
            return;
        }
        let place = self.keys.place(row, self.field);
        let first = (place >> self.shift) * self.words;
        // A row for every place, by `finish`.
        join(&mut marks.falsified, &self.rows[first..first + self.words]);
        if self.shift > 0 {
            let added = self.added_first[place] as usize..self.added_first[place + 1] as usize;
            for bit in &self.added[added] {
                marks.falsify(*bit);
            }
        }
    }
}

#[inline]
fn join(marks: &mut [u64], words: &[u64]) {
    for (mark, word) in marks.iter_mut().zip(words) {
        *mark |= word;
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

    /// Lays out the rows, each of so many words.
    pub(super) fn finish(self, words: usize) -> Column {
        let keys = Keys::of(self.kind, &self.tests);
        let places = keys.places();
        let mut shift = 0;
        while shift < usize::BITS - 1 && (places >> shift) * words * 8 > ROWS_MAX_BYTES {
            shift += 1;
        }
        let mut rows = vec![0; ((places - 1 >> shift) + 1) * words];
        let mut added: Vec<(u32, u32)> = Vec::new();
        let mut undetermined = vec![0; words];
        let mut present = Bits::default();
        for (bit, test) in &self.tests {
            let (word, mask) = (*bit as usize / 64, 1_u64 << (bit % 64));
            match test {
                Test::Present(true) => present.add(*bit),
                Test::Present(false) => {}
                _ => undetermined[word] |= mask,
            }
            for (start, end) in keys.falsified(test) {
                let mut place = start;
                while place < end {
                    let next = ((place >> shift) + 1) << shift;
                    let is_whole = place.is_multiple_of(1 << shift) && next.min(places) <= end;
                    if is_whole {
                        rows[(place >> shift) * words + word] |= mask;
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
        Column {
            field: self.field,
            keys,
            words,
            shift,
            rows: rows.into(),
            added_first,
            added: added.iter().map(|(_, bit)| *bit).collect(),
            undetermined: undetermined.into(),
            present,
        }
    }
}
