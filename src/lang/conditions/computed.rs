//! A condition that no row can answer: computed once, for all clauses that ask it.

use crate::domain::FeatureVector;
use crate::lang::{Program, Truth};

use super::Marks;
use super::bits::Bits;

/// A computed condition and the clauses that ask it.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    program: Program,
    /// Clauses that ask for true.
    wants_true: Bits,
    /// Clauses that ask for false.
    wants_false: Bits,
}

impl Computed {
    pub(super) fn new(program: Program) -> Self {
        Self { program, wants_true: Bits::default(), wants_false: Bits::default() }
    }

    pub(super) fn add(&mut self, bit: u32, wanted: bool) {
        if wanted { self.wants_true.add(bit) } else { self.wants_false.add(bit) }
    }

    /// Whether some clauses of a word ask it.
    pub(super) fn uses(&self, word: usize, of: u64) -> bool {
        self.wants_true.meets(word, of) || self.wants_false.meets(word, of)
    }

    /// Computes it, unless all clauses that ask it are falsified already.
    pub(super) fn mark(&self, row: &FeatureVector, marks: &mut Marks) {
        let falsified = &mut marks.falsified;
        if !self.wants_true.any_clear_in(falsified) && !self.wants_false.any_clear_in(falsified) {
            return;
        }
        match self.program.truth(row) {
            Truth::True => self.wants_false.set_in(falsified),
            Truth::False => self.wants_true.set_in(falsified),
            Truth::Undetermined => {
                self.wants_true.set_in(&mut marks.missing);
                self.wants_false.set_in(&mut marks.missing);
            }
        }
    }
}
