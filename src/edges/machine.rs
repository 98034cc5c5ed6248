//! The machine around a pipeline: its clock, and the memory of raw card numbers.

use std::time::Instant;

use crate::domain::{Input, Message};
use crate::engine::Surroundings;

use super::card_sequence::CardSequence;

/// A real machine: time passes, and card numbers are remembered for ten minutes.
pub struct Machine {
    started: Option<Instant>,
    cards: CardSequence,
}

impl Machine {
    /// With a running clock.
    pub fn new() -> Self {
        Self { started: Some(Instant::now()), cards: CardSequence::new() }
    }

    /// Where time is not measured, so that two runs over one file give the same bytes.
    pub fn untimed() -> Self {
        Self { started: None, cards: CardSequence::new() }
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Surroundings for Machine {
    fn now_ns(&self) -> u64 {
        // 584 years fit.
        self.started.map_or(0, |started| started.elapsed().as_nanos() as u64)
    }

    fn at_the_edge(&mut self, message: &Message<'_>, input: &mut Input) {
        self.cards.observe(message, input);
    }
}
