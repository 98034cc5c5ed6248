//! Whether this journal is the one that the group's positions belong to.
//!
//! A position says "everything before is done", and only the journal that did it can prove that. Under
//! another journal (a wrong directory, a volume that is not mounted) the same events would be counted
//! into empty windows and answered again, otherwise; under one that has lost its end, those that are
//! not in it. So each position carries the journal's name and how far it had come, and a start that
//! does not fit is refused before it disturbs anyone, unless the operator says otherwise.

use std::fmt;

use crate::domain::Seq;
use crate::journal::JournalId;

use super::changes::Told;

/// How a journal does not fit what the group was told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Misfit {
    /// The positions are another journal's.
    Other,
    /// The journal ends before the number that it was told with.
    Behind,
}

/// How this journal, whose next input gets the number `next`, does not fit; `None` when it does.
/// Positions that say nothing (somebody set them by hand) are believed. So are those of a journal
/// that had nothing in it yet, whichever it was.
pub(super) fn misfit(told: &Told, journal: Option<JournalId>, next: Seq) -> Option<Misfit> {
    const FIRST: Seq = Seq(1);
    let journal = journal.filter(|_| told.next > FIRST)?;
    if told.journal.is_some_and(|theirs| theirs != journal) {
        Some(Misfit::Other)
    } else {
        (told.next > next).then_some(Misfit::Behind)
    }
}

/// A journal that may not go on for a group.
#[derive(Debug, Eq, PartialEq)]
pub struct Unfit {
    /// How.
    pub misfit: Misfit,
    /// The group.
    pub group: String,
    /// The position that says so: topic and partition.
    pub place: (String, i32),
    /// The number that came next in the journal that it was told with.
    pub told: Seq,
    /// Ours.
    pub next: Seq,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, place: (topic, partition), told, next, .. } = self;
        let place = format!("group {group:?}, topic {topic:?}, partition {partition}");
        match self.misfit {
            Misfit::Other => write!(
                f,
                "the journal in [journal] dir is not the one that the group's positions belong to \
                 ({place}: another journal, which had come to input {}; this one to {}). Nothing \
                 was read. Is another directory named, or a volume not mounted?",
                told.0 - 1,
                next.0.saturating_sub(1),
            )?,
            Misfit::Behind => write!(
                f,
                "the journal in [journal] dir ends with input {}, and the group was told of input {} \
                 ({place}). Nothing was read. It has lost its end (a power cut under durability = \
                 \"written\"), or is an older copy.",
                next.0.saturating_sub(1),
                told.0 - 1,
            )?,
        }
        f.write_str(
            " To go on with this journal all the same, start once with `run --adopt`: events that it \
             does not have may be answered once more, and not as before",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the same journal, at least as long as the group was told, goes on.
    #[test]
    fn a_journal_fits_that_has_all_that_was_told() {
        let [ours, other] = [1, 2].map(|byte| JournalId::from_bytes([byte; 16]));
        let told = |next, journal| Told::new(Seq(next), None, journal);
        for (was, next, expected) in [
            (told(9, Some(ours)), 9, None),
            (told(9, Some(ours)), 12, None),
            (told(9, Some(ours)), 8, Some(Misfit::Behind)),
            (told(9, Some(other)), 8, Some(Misfit::Other)),
            (told(9, Some(other)), 12, Some(Misfit::Other)),
            // Nothing was in it.
            (told(1, Some(other)), 1, None),
            // An earlier version did not name the journal.
            (told(9, None), 9, None),
            (told(9, None), 1, Some(Misfit::Behind)),
        ] {
            assert_eq!(misfit(&was, Some(ours), Seq(next)), expected, "{was:?}, {next}");
        }
        assert_eq!(misfit(&told(9, Some(other)), None, Seq(1)), None);
    }
}
