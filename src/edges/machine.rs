//! The machine around a pipeline: its clock, and the memory of raw card numbers.

use std::sync::Arc;
use std::time::Instant;

use crate::domain::{CardDigits, Input, Past, Sensitive, Source, Token};
use crate::engine::{Clock, Surroundings};
use crate::journal::{Appended, JournalError};

use super::card_sequence::CardSequence;
use super::past::{Fingerprints, Memory};

/// A real machine: time passes, and card numbers are remembered for ten minutes.
pub struct Machine {
    started: Option<Instant>,
    cards: CardSequence,
    past: Option<Memory>,
}

impl Machine {
    /// With a running clock.
    pub fn new() -> Self {
        Self { started: Some(Instant::now()), cards: CardSequence::new(), past: None }
    }

    /// Where time is not measured, so that two runs over one file give the same bytes.
    pub fn untimed() -> Self {
        Self { started: None, cards: CardSequence::new(), past: None }
    }

    /// That also knows what the journal says of events which the engine has forgotten.
    #[must_use]
    pub fn with_past(self, past: Memory) -> Self {
        Self { past: Some(past), ..self }
    }
}

impl Machine {
    /// The fingerprints that it asks, for the thread that writes them.
    pub fn fingerprints(&self) -> Option<Arc<Fingerprints>> {
        self.past.as_ref().map(Memory::fingerprints)
    }
}

fn since(started: Option<Instant>) -> u64 {
    // 584 years fit.
    started.map_or(0, |started| started.elapsed().as_nanos() as u64)
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Surroundings for Machine {
    fn now_ns(&self) -> u64 {
        since(self.started)
    }

    fn clock(&self) -> Clock {
        let started = self.started;
        Arc::new(move || since(started))
    }

    fn at_the_edge(&mut self, card: &Sensitive<CardDigits>, input: &mut Input) {
        self.cards.observe(card, input);
    }

    fn past(&mut self, token: Token) -> Result<Option<Past>, JournalError> {
        self.past.as_ref().map_or(Ok(None), |past| past.find(token))
    }

    fn amended(&mut self, event: Token) -> Result<Option<Past>, JournalError> {
        self.past.as_ref().map_or(Ok(None), |past| past.find_amended(event))
    }

    fn source(&mut self, name: Token) -> Result<Option<Source>, JournalError> {
        self.past.as_ref().map_or(Ok(None), |past| past.source(name))
    }

    fn appended(&mut self, input: &Input, at: &Appended) {
        if let Some(past) = &mut self.past {
            past.note(input, at.segment, at.offset);
        }
    }
}
