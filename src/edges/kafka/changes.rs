//! Audit records of changes by people and guards: no message brings them, and none brings them back.
//!
//! A message that was not acknowledged comes again, and its audit record with it. For changes the
//! group keeps a number beside every position instead: below it the audit records of all changes are
//! acknowledged. So a start reads the journal from there and sends again what it finds, byte for byte,
//! also what was changed on the journal itself while no service ran.

use std::fmt;
use std::ops::Range;

use crate::domain::Seq;
use crate::journal::{Directory, Item, JournalError, OpenPart, Reader};

use super::Sendable;

/// The audit record of a change. It holds names, reasons and tokens: who changed what, and no value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Changed {
    seq: Seq,
    key: String,
    open: Vec<u8>,
}

impl Changed {
    /// Of the open part of a change's record; `key` is its input's id.
    pub fn new(seq: Seq, key: &str, open: OpenPart<'_>) -> Self {
        Self { seq, key: key.to_owned(), open: open.as_bytes().to_vec() }
    }

    /// The input's number.
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// The key of what is sent: what kind of change it is.
    pub const fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }
}

impl Sendable for Changed {
    fn as_bytes(&self) -> &[u8] {
        &self.open
    }
}

/// What the group is told beside a position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Told {
    /// The number that came next.
    pub(super) next: Seq,
    /// Below this number every change's audit record was acknowledged.
    pub(super) changes: Seq,
}

impl Told {
    /// As it is told when changes from a number on may not be out, or when all are.
    pub(super) fn new(next: Seq, changes_from: Option<Seq>) -> Self {
        Self { next, changes: changes_from.map_or(next, |from| from.min(next)) }
    }

    /// Reads what `Display` wrote. One number is what was told before changes had audit records.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (next, changes) = text.split_once(' ').unwrap_or((text, text));
        Some(Self { next: next.parse().map(Seq).ok()?, changes: changes.parse().map(Seq).ok()? })
    }
}

/// The second number only where it says something: an earlier version reads the first alone.
impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, changes } = self;
        if changes == next {
            write!(f, "{}", next.0)
        } else {
            write!(f, "{} {}", next.0, changes.0)
        }
    }
}

/// From which number on changes were perhaps not sent, as the partitions' positions say: the number
/// only grows, so the newest of them holds. `None` when nothing was told, or by another journal's
/// numbers: of one that has lost its end since, or is not this one.
pub(super) fn perhaps_unsent(told: impl Iterator<Item = Told>, next: Seq) -> Option<Seq> {
    let newest =
        told.reduce(|a, b| Told { next: a.next.max(b.next), changes: a.changes.max(b.changes) })?;
    (newest.next <= next).then_some(newest.changes)
}

/// Changes of the journal, read back one by one: there may be more than memory should hold.
pub(super) struct Recall {
    reader: Reader,
    range: Range<Seq>,
}

impl Recall {
    /// Changes with these numbers, all of which the journal has on disk.
    pub(super) fn open(dir: &Directory, range: Range<Seq>) -> Result<Option<Self>, JournalError> {
        if range.is_empty() {
            return Ok(None);
        }
        let reader = Reader::open_from(dir, range.start)?;
        Ok(reader.map(|reader| Self { reader, range }))
    }

    /// The number from which on changes were not given yet.
    pub(super) const fn from(&self) -> Seq {
        self.range.start
    }

    /// The next one, oldest first.
    pub(super) fn next(&mut self) -> Result<Option<Changed>, JournalError> {
        while self.reader.next_seq() < self.range.end
            && let Some(item) = self.reader.read()?
        {
            let Item::Entry(entry) = item else { continue };
            if entry.input.control.is_none() {
                continue;
            }
            let (seq, key) = (entry.seq, entry.input.event_id.clone());
            self.range.start = Seq(seq.0 + 1);
            return Ok(Some(Changed::new(seq, &key, self.reader.open_part())));
        }
        self.range.start = self.range.end;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Told {
        Told::parse(text).unwrap()
    }

    /// What an earlier version told is understood, and what it would read is the same.
    #[test]
    fn what_was_told_is_read_back() {
        for (next, from, text) in
            [(9, None, "9"), (9, Some(4), "9 4"), (9, Some(9), "9"), (9, Some(12), "9")]
        {
            let one = Told::new(Seq(next), from.map(Seq));
            assert_eq!((one.to_string().as_str(), told(text)), (text, one));
        }
        for text in ["", "x", "1 ", " 1", "1 2 3", "-1"] {
            assert_eq!(Told::parse(text), None, "{text:?}");
        }
    }

    /// A partition that rests was told long ago; a journal that is shorter than what was told is
    /// not believed.
    #[test]
    fn the_newest_number_holds_where_the_journal_has_it() {
        let from = |texts: &[&str], next| {
            perhaps_unsent(texts.iter().map(|text| told(text)), Seq(next)).map(|seq| seq.0)
        };
        assert_eq!(from(&[], 9), None);
        assert_eq!(from(&["5", "9 7"], 9), Some(7));
        assert_eq!(from(&["5", "9"], 20), Some(9));
        assert_eq!(from(&["5", "9 7"], 8), None);
    }
}
