//! Where an event stands in the journal, and what became known of it later.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::story::{Later, PastEvent};
use crate::bundle::Bundle;
use crate::commands::audit::line::{Json, amendment};
use crate::commands::audit::names::Names;
use crate::commands::replay::visit_event;
use crate::commands::report::{Fault, money};
use crate::domain::{Amendment, EventTime, Fact, Seq, Standing, What, has_personal_digits};
use crate::journal::{Item, ReadEntry, Reader};

/// The event's record, with the names of the bundle in force there.
pub(super) struct Found {
    pub(super) entry: ReadEntry,
    pub(super) names: Names,
    /// Its outcomes and labels, in the order in which they came.
    pub(super) later: Vec<Later>,
}

/// Finds an event by its id, and everything that speaks of it, by the indexes of the segments.
pub(super) fn find(journal: &Path, id: &str) -> Result<Found, Fault> {
    if !journal.is_dir() {
        return Err(Fault::NoJournal(journal.to_owned()));
    }
    let (mut found, mut later, mut amendments) = (None, Vec::new(), Vec::new());
    visit_event(journal, id, |entry| {
        match entry.input.what {
            What::Amend { amendment, .. } => {
                later.push(later_of(entry));
                amendments.push((entry.seq, amendment, entry.input.standing(amendment)));
            }
            _ if found.is_none() => found = Some(entry.clone()),
            _ => {}
        }
        Ok(())
    })?;
    supersede(&mut later, &amendments);
    let unknown = || {
        let token = match has_personal_digits(id) {
            true => {
                "; an id with digits like a card's or a phone's stands there as its token, `v1:...`"
            }
            false => "",
        };
        Fault::Wrong(format!(
            "no event {id} in this journal{token}; `tidegate audit find` looks by card, merchant, \
             rule, reason, score and time"
        ))
    };
    let entry = found.ok_or_else(unknown)?;
    let names = names_at(journal, entry.seq)?;
    Ok(Found { entry, names, later })
}

/// The names of the bundle in force at an input: only its segment is read.
fn names_at(journal: &Path, seq: Seq) -> Result<Names, Fault> {
    let missing = || Fault::NoJournal(journal.to_owned());
    let mut reader = Reader::open_from(journal, seq)?.ok_or_else(missing)?;
    let mut names = Names::at_start(&reader)?;
    loop {
        match reader.read()? {
            Some(Item::Bundle(bundle)) => names.take(bundle),
            Some(Item::Start(_)) => {}
            // The reader passes over the inputs before.
            Some(Item::Entry(_)) | None => return Ok(names),
        }
    }
}

fn later_of(entry: &ReadEntry) -> Later {
    let said = amendment(&entry.input);
    // The target is the event itself: what is left is what was said.
    let said = said.iter().flat_map(|map| map.iter()).filter(|(name, _)| name != "target");
    let words: Vec<String> =
        said.map(|(name, value): &(String, Json)| format!("{name} {value}")).collect();
    Later {
        seq: entry.seq.0,
        occurred_at: entry.input.occurred_at.to_string(),
        received_at: entry.input.received_at.to_string(),
        what: words.join(", "),
        superseded_by: None,
    }
}

/// Says of each amendment, in the order in which they came, which other one holds in its place.
fn supersede(later: &mut [Later], amendments: &[(Seq, Amendment, Standing)]) {
    let is_label = |amendment: &Amendment| matches!(amendment, Amendment::Label { .. });
    for (one, (seq, amendment, _)) in later.iter_mut().zip(amendments) {
        let alike =
            amendments.iter().filter(|(_, other, _)| is_label(other) == is_label(amendment));
        let holding = alike.max_by_key(|(seq, _, standing)| (*standing, *seq));
        one.superseded_by = holding.map(|(seq, ..)| seq.0).filter(|holding| *holding != seq.0);
    }
}

/// What the story tells of the events with these numbers, all of which stand before `until`.
pub(super) fn past_events(
    journal: &Path,
    wanted: &BTreeSet<u64>,
    until: Seq,
    bundle: &Bundle,
) -> Result<BTreeMap<u64, PastEvent>, Fault> {
    let mut events = BTreeMap::new();
    let Some(first) = wanted.first() else { return Ok(events) };
    let missing = || Fault::NoJournal(journal.to_owned());
    let mut reader = Reader::open_from(journal, Seq(*first))?.ok_or_else(missing)?;
    while let Some(item) = reader.read()? {
        let Item::Entry(entry) = item else { continue };
        if entry.seq > until {
            break;
        }
        if wanted.contains(&entry.seq.0) {
            events.insert(entry.seq.0, past_event(entry, bundle));
        }
    }
    Ok(events)
}

fn past_event(entry: &ReadEntry, bundle: &Bundle) -> PastEvent {
    let facts = &entry.input.facts;
    let occurred_at: EventTime = entry.input.occurred_at;
    PastEvent {
        seq: entry.seq.0,
        occurred_at: occurred_at.to_string(),
        event_id: entry.input.event_id.clone(),
        kind: facts.text(Fact::Kind).unwrap_or_default().to_owned(),
        amount: facts.int(Fact::AmountBase).map(|minor| money(minor, bundle)),
        amount_minor: facts.int(Fact::AmountMinor),
        amount_base: facts.int(Fact::AmountBase),
        currency: facts.text(Fact::Currency).map(str::to_owned),
        action: entry.body().map(|body| body.action.name()),
    }
}
