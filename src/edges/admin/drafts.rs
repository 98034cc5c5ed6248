//! A list's change while it comes in parts: entries of one person, until they are proposed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{Control, EntityKind, EventTime, ListEntry, Provenance};
use crate::edges::list_proposals::{ENTRIES_MAX, ListAct};

/// Whoever sends nothing for so long has given up.
const IDLE: Duration = Duration::from_secs(600);

/// One change of each person, and all of them together within the bound of one.
#[derive(Debug, Default)]
pub(super) struct Drafts(Mutex<BTreeMap<String, Draft>>);

/// What has come of a change so far.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) list: String,
    pub(super) kind: EntityKind,
    pub(super) act: ListAct,
    pub(super) provenance: Provenance,
    pub(super) entries: Vec<ListEntry>,
    touched: Instant,
}

impl Drafts {
    /// Adds a part. One of another change begins anew.
    pub(super) fn add(&self, person: &str, part: Control, now: Instant) -> Result<(), String> {
        let Some(mut part) = Draft::of(part, now) else {
            return Err("this is no change of a list".to_owned());
        };
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.retain(|_, draft| now.saturating_duration_since(draft.touched) < IDLE);
        if drafts.get(person).is_some_and(|draft| !draft.is_of(&part)) {
            drafts.remove(person);
        }
        let held: usize = drafts.values().map(|draft| draft.entries.len()).sum();
        if held + part.entries.len() > ENTRIES_MAX {
            drafts.remove(person);
            return Err(format!(
                "more than {ENTRIES_MAX} entries are being given at once: split the change, or try \
                 again in ten minutes"
            ));
        }
        match drafts.get_mut(person) {
            Some(draft) => {
                draft.entries.append(&mut part.entries);
                draft.touched = now;
            }
            None => {
                drafts.insert(person.to_owned(), part);
            }
        }
        Ok(())
    }

    /// Takes what a person has given under a number: in the order of tokens, each once, the last one
    /// counting.
    pub(super) fn take(&self, person: &str, batch: u64) -> Option<Draft> {
        let mut drafts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = drafts.get(person).is_some_and(|draft| draft.provenance.batch == batch);
        let mut draft = is_it.then(|| drafts.remove(person)).flatten()?;
        drop(drafts);
        // Stable: of equals the last one came last.
        draft.entries.sort_by_key(|entry| *entry.token.as_bytes());
        draft.entries.reverse();
        draft.entries.dedup_by_key(|entry| entry.token);
        draft.entries.reverse();
        Some(draft)
    }
}

impl Draft {
    fn of(part: Control, touched: Instant) -> Option<Self> {
        Some(match part {
            Control::ListAdd(addition) => Self {
                list: addition.list,
                kind: addition.kind,
                act: ListAct::Add,
                provenance: addition.provenance,
                entries: addition.entries,
                touched,
            },
            Control::ListRemove(removal) => {
                let entry = |token| ListEntry { token, expires_at: EventTime::MIN };
                Self {
                    list: removal.list,
                    kind: removal.kind,
                    act: ListAct::Remove,
                    provenance: removal.provenance,
                    entries: removal.tokens.into_iter().map(entry).collect(),
                    touched,
                }
            }
            _ => return None,
        })
    }

    fn is_of(&self, part: &Self) -> bool {
        (&self.list, self.kind, self.act, &self.provenance)
            == (&part.list, part.kind, part.act, &part.provenance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ListAddition, Token};

    /// Parts of one change become one, the later entry of a token counts, and another change of the
    /// same person takes its place.
    #[test]
    fn parts_become_one_change() {
        let drafts = Drafts::default();
        let now = Instant::now();
        let part = |batch, entries: &[(u8, i64)]| {
            let entry = |(token, second): &(u8, i64)| ListEntry {
                token: Token::from_bytes([*token; 16]),
                expires_at: EventTime::from_ms(1_800_000_000_000 + second).unwrap(),
            };
            Control::ListAdd(ListAddition {
                list: "stolen".to_owned(),
                kind: EntityKind::Card,
                entries: entries.iter().map(entry).collect(),
                provenance: Provenance { batch, ..Provenance::default() },
            })
        };
        drafts.add("li", part(1, &[(9, 0), (3, 1)]), now).unwrap();
        drafts.add("li", part(1, &[(3, 2), (5, 0)]), now).unwrap();
        drafts.add("wang", part(1, &[(7, 0)]), now).unwrap();
        assert!(drafts.take("li", 2).is_none());
        let draft = drafts.take("li", 1).unwrap();
        let tokens: Vec<u8> = draft.entries.iter().map(|one| one.token.as_bytes()[0]).collect();
        assert_eq!(tokens, [3, 5, 9]);
        assert_eq!(draft.entries[0].expires_at.as_ms() % 1_000, 2);
        assert!(drafts.take("li", 1).is_none());

        drafts.add("li", part(3, &[(1, 0)]), now).unwrap();
        drafts.add("li", part(4, &[(2, 0)]), now).unwrap();
        assert_eq!(drafts.take("li", 4).unwrap().entries.len(), 1);
        drafts.add("chen", part(5, &[(1, 0)]), now + IDLE).unwrap();
        assert!(drafts.take("wang", 1).is_none(), "it was given up");
    }
}
