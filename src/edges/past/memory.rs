//! Asks for past events: the runs, and what was appended since the last of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::run::Position;
use super::{Fingerprints, fault};
use crate::domain::{Amendment, EntityKind, Input, Past, Source, Standing, Token, What};
use crate::journal::{BundleHash, JournalError, ReadEntry, read_record};

/// What the journal knows of inputs that the engine has forgotten.
#[derive(Debug)]
pub struct Memory {
    fingerprints: Arc<Fingerprints>,
    /// Segments that no run covers yet, the newest last.
    fresh: Vec<Fresh>,
}

/// The records of one segment, as they are appended.
#[derive(Debug, Default)]
struct Fresh {
    segment: u64,
    /// Where the record of an input begins.
    names: HashMap<Token, u64>,
    /// The newest amendment of an event, as its place in `amendments` and one more.
    newest: HashMap<Token, u32>,
    /// Kept whole, since a record that was only just appended cannot be read yet.
    amendments: Vec<Kept>,
}

/// An amendment's record.
#[derive(Clone, Copy, Debug)]
struct Kept {
    offset: u64,
    spoken: Spoken,
    /// The amendment of the same event before this one, as in `newest`.
    before: u32,
}

/// What was said of an event.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    amendment: Amendment,
    standing: Standing,
    /// By a reversal, which does not wait for an event that has not come.
    is_reversal: bool,
}

impl Spoken {
    fn by(input: &Input) -> Option<(Token, Self)> {
        let (target, amendment) = input.amends()?;
        let is_reversal = !matches!(input.what, What::Amend { .. });
        let standing = input.standing(amendment);
        Some((target, Self { amendment, standing, is_reversal }))
    }
}

impl Fresh {
    fn clear(&mut self) {
        self.names.clear();
        self.newest.clear();
        self.amendments.clear();
    }

    fn note(&mut self, input: &Input, offset: u64) {
        self.names.insert(input.name(), offset);
        if let Some((target, spoken)) = Spoken::by(input) {
            let newest = self.newest.entry(target).or_default();
            self.amendments.push(Kept { offset, spoken, before: *newest });
            *newest = self.amendments.len() as u32;
        }
    }

    /// The amendments of an event, the newest first.
    fn amendments_of(&self, event: Token) -> impl Iterator<Item = (Position, Spoken)> {
        let mut place = self.newest.get(&event).copied().unwrap_or_default();
        std::iter::from_fn(move || {
            let kept = self.amendments.get(place.checked_sub(1)? as usize)?;
            place = kept.before;
            Some((Position { segment: self.segment, offset: kept.offset }, kept.spoken))
        })
    }
}

/// Amendments of one event that are read of each run to learn its outcome and its label: more than
/// one of each is rare, and many are hostile.
const AMENDMENTS_MAX: usize = 64;

/// The name under which runs keep the amendments of an event, beside its own. Tokens are keyed
/// hashes: that another event has this one does not happen.
pub(super) fn amendments_of(event: Token) -> Token {
    Token::from_bytes(event.as_bytes().map(|byte| byte ^ 0xA3))
}

impl Memory {
    /// Over the fingerprints of a journal.
    pub const fn new(fingerprints: Arc<Fingerprints>) -> Self {
        Self { fingerprints, fresh: Vec::new() }
    }

    /// The fingerprints that it asks.
    pub fn fingerprints(&self) -> Arc<Fingerprints> {
        Arc::clone(&self.fingerprints)
    }

    /// The record of an input was appended.
    pub fn note(&mut self, input: &Input, segment: u64, offset: u64) {
        if self.fresh.last().is_none_or(|newest| newest.segment != segment) {
            let covered = self.fingerprints.covered_to();
            let mut empty = Fresh::default();
            // The memory of a segment that a run covers by now serves the new one.
            self.fresh.retain_mut(|fresh| {
                let is_covered = fresh.segment < covered;
                if is_covered {
                    empty = std::mem::take(fresh);
                }
                !is_covered
            });
            empty.clear();
            self.fresh.push(Fresh { segment, ..empty });
        }
        if let Some(fresh) = self.fresh.last_mut() {
            fresh.note(input, offset);
        }
    }

    /// What the journal says of an input, if it has it.
    pub fn find(&self, name: Token) -> Result<Option<Past>, JournalError> {
        let Some(at) = self.position(name)? else { return Ok(None) };
        Ok(self.read_named(at, name)?.map(past))
    }

    /// What the journal says of an event, with its outcome and label so far.
    pub fn find_amended(&self, event: Token) -> Result<Option<Past>, JournalError> {
        let Some(at) = self.position(event)? else { return Ok(None) };
        let Some(record) = self.read_named(at, event)? else { return Ok(None) };
        Ok(Some(Past { amendments: self.amendments(event, at)?, ..past(record) }))
    }

    /// Where the message of an input came from, if the journal has it and knows.
    pub fn source(&self, name: Token) -> Result<Option<Source>, JournalError> {
        let Some(at) = self.position(name)? else { return Ok(None) };
        Ok(self.read_named(at, name)?.and_then(|(entry, _)| entry.input.source))
    }

    fn position(&self, name: Token) -> Result<Option<Position>, JournalError> {
        for Fresh { segment, names, .. } in self.fresh.iter().rev() {
            if let Some(offset) = names.get(&name) {
                return Ok(Some(Position { segment: *segment, offset: *offset }));
            }
        }
        for run in self.fingerprints.runs.load().iter().rev() {
            let found = run.find(name).map_err(fault(&run.path, "read the fingerprints"))?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The outcome and the label that hold of an event whose record stands there: the newest by their
    /// own time, wherever their records stand.
    fn amendments(
        &self,
        event: Token,
        at: Position,
    ) -> Result<Vec<(Amendment, Standing)>, JournalError> {
        let mut found = Holding::of(at);
        let mut oldest_fresh = None;
        for fresh in self.fresh.iter().rev() {
            oldest_fresh = Some(fresh.segment);
            fresh.amendments_of(event).take(AMENDMENTS_MAX).for_each(|one| found.hear(one));
        }
        for run in self.fingerprints.runs.load().iter().rev() {
            let places = run.find_all(amendments_of(event), AMENDMENTS_MAX);
            for place in places.map_err(fault(&run.path, "read the fingerprints"))?.iter().rev() {
                // A segment may be in a run since it was noted here.
                if oldest_fresh.is_some_and(|oldest| place.segment >= oldest) {
                    continue;
                }
                let Some((entry, _)) = self.read(*place)? else { continue };
                let spoken = Spoken::by(&entry.input).filter(|(target, _)| *target == event);
                spoken.into_iter().for_each(|(_, spoken)| found.hear((*place, spoken)));
            }
        }
        Ok(found.amendments())
    }

    /// The record of an input at a place. Fingerprints are a copy: what the record says holds.
    fn read_named(
        &self,
        at: Position,
        name: Token,
    ) -> Result<Option<(ReadEntry, BundleHash)>, JournalError> {
        let record = self.read(at)?;
        match &record {
            Some((entry, _)) if entry.input.name() != name => Err(JournalError::Damaged {
                path: self.fingerprints.dir.clone(),
                offset: 0,
                what: "the fingerprints name the record of another event (deleted, they are made again)",
            }),
            _ => Ok(record),
        }
    }

    /// The record at a place, unless its segment went because it is old.
    fn read(&self, at: Position) -> Result<Option<(ReadEntry, BundleHash)>, JournalError> {
        let Fingerprints { journal, .. } = &*self.fingerprints;
        if !self.fingerprints.keeps(at.segment) {
            return Ok(None);
        }
        match read_record(journal, at.segment, at.offset) {
            Ok(record) => Ok(Some(record)),
            // It went meanwhile.
            Err(_) if !self.fingerprints.keeps(at.segment) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What holds of an event, heard from the newest record on.
struct Holding {
    event: Position,
    outcome: Option<(Amendment, Standing)>,
    label: Option<(Amendment, Standing)>,
}

impl Holding {
    const fn of(event: Position) -> Self {
        Self { event, outcome: None, label: None }
    }

    /// Takes one more in, which arrived before those so far: of equal standing they hold.
    fn hear(&mut self, (at, spoken): (Position, Spoken)) {
        let Spoken { amendment, standing, .. } = spoken;
        if at > self.event || !spoken.is_reversal {
            let said = match amendment {
                Amendment::Outcome { .. } => &mut self.outcome,
                Amendment::Label { .. } => &mut self.label,
            };
            if said.is_none_or(|(_, held)| standing > held) {
                *said = Some((amendment, standing));
            }
        }
    }

    fn amendments(self) -> Vec<(Amendment, Standing)> {
        self.outcome.into_iter().chain(self.label).collect()
    }
}

fn past((entry, bundle): (ReadEntry, BundleHash)) -> Past {
    let body = entry.body().copied();
    let mut tokens = entry.input.tokens;
    if let Some(device) = entry.device {
        tokens.set(EntityKind::Device, device);
    }
    let input = entry.input;
    Past {
        seq: entry.seq,
        content: input.content,
        occurred_at: input.counted_at(),
        received_at: input.received_at,
        body,
        bundle: bundle.0,
        tokens,
        facts: input.facts,
        amendments: Vec::new(),
    }
}
