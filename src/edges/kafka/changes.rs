//! Audit records of changes by people and guards: no message brings them, and none brings them back.
//!
//! A message that was not acknowledged comes again, and its audit record with it. For changes the
//! group keeps a number beside every position instead: below it the audit records of all changes are
//! acknowledged. So a start reads the journal from there and sends again what it finds, byte for byte,
//! also what was changed on the journal itself while no service ran.

use std::fmt;
use std::ops::Range;

use crate::domain::Seq;
use crate::journal::{Directory, Item, JournalError, JournalId, OpenPart, Reader};

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
    /// The journal whose numbers these are; `None` where an earlier version told them.
    pub(super) journal: Option<JournalId>,
    /// The number that came next when a topic was last made again, 0 if none ever was: places of records
    /// before it are those of another log.
    pub(super) replaced: Seq,
}

impl Told {
    /// As it is told when changes from a number on may not be out, or when all are.
    pub(super) fn new(next: Seq, changes_from: Option<Seq>, journal: Option<JournalId>) -> Self {
        let changes = changes_from.map_or(next, |from| from.min(next));
        Self { next, changes, journal, replaced: Seq(0) }
    }

    /// The same, after a topic was made again at a number.
    pub(super) const fn after(self, replaced: Seq) -> Self {
        Self { replaced, ..self }
    }

    /// Reads what `Display` wrote. One number is what was told before changes had audit records, two
    /// before the journal was named. What a later version may add behind is left alone.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let next = words.next()?.parse().map(Seq).ok()?;
        let changes = words.next().map_or(Some(next), |word| word.parse().map(Seq).ok())?;
        let journal = words.next().map(journal_named);
        if journal == Some(None) {
            return None;
        }
        // A word that is no number is a later version's.
        let replaced = words.next().and_then(|word| word.parse().ok()).map_or(Seq(0), Seq);
        Some(Self { next, changes, journal: journal.flatten(), replaced })
    }
}

/// A journal by its name of 32 hexadecimal digits.
fn journal_named(word: &str) -> Option<JournalId> {
    let is_name = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_name.then(|| u128::from_str_radix(word, 16).ok()).flatten()?;
    Some(JournalId::from_bytes(number.to_be_bytes()))
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, changes, journal, replaced } = self;
        write!(f, "{} {}", next.0, changes.0)?;
        let Some(journal) = journal else { return Ok(()) };
        write!(f, " {journal:?}")?;
        if *replaced > Seq(0) { write!(f, " {}", replaced.0) } else { Ok(()) }
    }
}

/// From which number on changes were perhaps not sent, as the partitions' positions say: the number
/// only grows, so the newest of them holds. `None` when nothing was told of this journal, or when it
/// has lost its end since.
pub(super) fn perhaps_unsent(
    told: impl Iterator<Item = Told>,
    journal: Option<JournalId>,
    next: Seq,
) -> Option<Seq> {
    let is_ours = |told: &Told| told.journal.is_none() || told.journal == journal;
    let newest = told.filter(is_ours).reduce(|a, b| Told {
        next: a.next.max(b.next),
        changes: a.changes.max(b.changes),
        journal,
        replaced: a.replaced.max(b.replaced),
    })?;
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

    const NAME: &str = "000102030405060708090a0b0c0d0eff";

    fn journal() -> JournalId {
        journal_named(NAME).unwrap()
    }

    /// What is told is read back, also by a version that knows more.
    #[test]
    fn what_was_told_is_read_back() {
        for (from, changes) in [(None, 9), (Some(4), 4), (Some(9), 9), (Some(12), 9)] {
            let one = Told::new(Seq(9), from.map(Seq), Some(journal()));
            let text = format!("9 {changes} {NAME}");
            assert_eq!((one.to_string(), told(&text)), (text.clone(), one));
            assert_eq!(told(&format!("{text} and more")), one);
            let after = one.after(Seq(7));
            assert_eq!(
                (after.to_string(), told(&format!("{text} 7"))),
                (format!("{text} 7"), after)
            );
        }
        for text in ["", "x", "1 ", " 1", "1 2 3", "-1", "1 2 +00102030405060708090a0b0c0d0eff"] {
            assert_eq!(Told::parse(text), None, "{text:?}");
        }
    }

    /// What earlier versions told: one number, or two.
    #[test]
    fn what_an_earlier_version_told_is_understood() {
        for (text, next, changes) in [("9", 9, 9), ("9 4", 9, 4)] {
            assert_eq!(told(text), Told::new(Seq(next), Some(Seq(changes)), None));
        }
    }

    /// A partition that rests was told long ago; a journal that is shorter than what was told is
    /// not believed.
    #[test]
    fn the_newest_number_holds_where_the_journal_has_it() {
        let from = |texts: &[&str], next| {
            let told = texts.iter().map(|text| told(text));
            perhaps_unsent(told, Some(journal()), Seq(next)).map(|seq| seq.0)
        };
        assert_eq!(from(&[], 9), None);
        assert_eq!(from(&["5", "9 7"], 9), Some(7));
        assert_eq!(from(&["5", "9"], 20), Some(9));
        assert_eq!(from(&["5", "9 7"], 8), None);
        let (ours, other) = (format!("9 7 {NAME}"), "99 98 f00102030405060708090a0b0c0d0eff");
        assert_eq!(from(&[&ours, other], 9), Some(7));
        assert_eq!(from(&[other], 200), None);
    }
}
