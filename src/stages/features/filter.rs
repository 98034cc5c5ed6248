//! `where` clauses as tests on flag bits: what is known of an event fits in 32 of them.
//!
//! The low bits hold what outcomes and labels say (they change later); above them stand the leaves,
//! conditions over the event alone (they never change); from the top down the marks of `distinct`.

use crate::domain::{Amendment, OutcomeResult, Refusal, Truth};
use crate::lang::{StateBit, Where};

use super::plan::Leaf;

/// Flag bits of outcome and label.
pub(super) const STATE_BITS: u32 = 12;
const OUTCOME_MASK: u32 = (1 << StateBit::LabelKnown as u32) - 1;
const LABEL_MASK: u32 = (1 << STATE_BITS) - 1 - OUTCOME_MASK;
const _: () = assert!(StateBit::ALL.len() == STATE_BITS as usize);

/// The flags after an amendment: the latest outcome and the latest label each stand alone.
pub(super) fn amended(flags: u32, amendment: Amendment) -> u32 {
    let on = |bit| 1_u32 << bit as u32;
    match amendment {
        Amendment::Outcome { result, refusal } => {
            let result = match result {
                OutcomeResult::Approved => on(StateBit::OutcomeApproved),
                OutcomeResult::Refused => on(StateBit::OutcomeRefused),
                OutcomeResult::NotSent => on(StateBit::OutcomeNotSent),
                OutcomeResult::Reversed => on(StateBit::OutcomeReversed),
            };
            let class = match refusal {
                Some(Refusal::InvalidCard) => on(StateBit::InvalidCard),
                Some(Refusal::InvalidCredential) => on(StateBit::InvalidCredential),
                Some(Refusal::Funds) => on(StateBit::Funds),
                Some(Refusal::LostOrStolen) => on(StateBit::LostOrStolen),
                Some(Refusal::Other) | None => 0,
            };
            flags & !OUTCOME_MASK | result | class | on(StateBit::OutcomeKnown)
        }
        Amendment::Label { truth, .. } => {
            let truth = match truth {
                Truth::Fraud => on(StateBit::LabelFraud),
                Truth::Legitimate => on(StateBit::LabelLegitimate),
            };
            flags & !LABEL_MASK | truth | on(StateBit::LabelKnown)
        }
    }
}

/// A disjunction of tests `flags & mask == value`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Filter {
    terms: Vec<(u32, u32)>,
}

/// More alternatives than an analyst writes; it bounds the cost of an aggregate.
const TERMS_MAX: usize = 16;

impl Filter {
    /// Every event passes.
    pub(super) fn all() -> Self {
        Self { terms: vec![(0, 0)] }
    }

    pub(super) fn bit(bit: u32) -> Self {
        Self::term(1 << bit, 1 << bit)
    }

    /// The flags in a mask have this value.
    pub(super) fn term(mask: u32, value: u32) -> Self {
        Self { terms: vec![(mask, value)] }
    }

    /// The same tests, none of which asks for a bit.
    pub(super) fn without(&self, bit: u32) -> Self {
        let keep = !(1 << bit);
        Self { terms: self.terms.iter().map(|(mask, value)| (mask & keep, value & keep)).collect() }
    }

    /// Whether no outcome or label can change who passes.
    pub(super) fn is_settled(&self) -> bool {
        self.terms.iter().all(|(mask, _)| mask & ((1 << STATE_BITS) - 1) == 0)
    }

    /// Whether an event with these flags passes.
    pub(super) fn passes(&self, flags: u32) -> bool {
        self.terms.iter().any(|(mask, value)| flags & mask == *value)
    }

    /// The tests: an event passes that one of them takes.
    pub(super) fn terms(&self) -> &[(u32, u32)] {
        &self.terms
    }

    /// Every bit that is asked for.
    pub(super) fn bits(&self) -> u32 {
        self.terms.iter().fold(0, |bits, (mask, _)| bits | mask)
    }

    /// The same tests with conditions at other bits; `None` when one has no place. What outcomes and
    /// labels say stays where it is.
    pub(super) fn moved(&self, place: impl Fn(u32) -> Option<u32>) -> Option<Self> {
        let word = |word: u32| {
            let state = word & ((1 << STATE_BITS) - 1);
            (STATE_BITS..32)
                .filter(|bit| word >> bit & 1 == 1)
                .try_fold(state, |moved, bit| Some(moved | 1 << place(bit)?))
        };
        let term = |(mask, value): &(u32, u32)| Some((word(*mask)?, word(*value)?));
        Some(Self { terms: self.terms.iter().map(term).collect::<Option<_>>()? })
    }

    pub(super) fn and(&self, other: &Self) -> Result<Self, String> {
        let mut terms = Vec::new();
        for (mask_a, value_a) in &self.terms {
            for (mask_b, value_b) in &other.terms {
                let common = mask_a & mask_b;
                if value_a & common == value_b & common {
                    push_term(&mut terms, (mask_a | mask_b, value_a | value_b));
                }
            }
        }
        Self::bounded(terms)
    }

    pub(super) fn or(&self, other: &Self) -> Result<Self, String> {
        let mut terms = self.terms.clone();
        other.terms.iter().for_each(|term| push_term(&mut terms, *term));
        Self::bounded(terms)
    }

    fn bounded(terms: Vec<(u32, u32)>) -> Result<Self, String> {
        if terms.len() <= TERMS_MAX {
            Ok(Self { terms })
        } else {
            Err(format!("the condition has more than {TERMS_MAX} alternatives: split the feature"))
        }
    }
}

fn push_term(terms: &mut Vec<(u32, u32)>, term: (u32, u32)) {
    if !terms.contains(&term) {
        terms.push(term);
    }
}

/// Hands out the flag bits of one kind.
#[derive(Debug)]
pub(super) struct FilterBuilder {
    /// Global leaf and its bit.
    leaf_bits: Vec<(usize, u32)>,
    next: u32,
    top: u32,
}

impl Default for FilterBuilder {
    fn default() -> Self {
        Self { leaf_bits: Vec::new(), next: STATE_BITS, top: 32 }
    }
}

impl FilterBuilder {
    pub(super) fn leaf_bits(&self) -> Vec<(usize, u32)> {
        self.leaf_bits.clone()
    }

    pub(super) fn take_from_top(&mut self) -> Result<u32, String> {
        self.check_room()?;
        self.top -= 1;
        Ok(self.top)
    }

    fn check_room(&self) -> Result<(), String> {
        if self.next < self.top {
            Ok(())
        } else {
            Err("the windows of one kind share 20 conditions and distinct columns: \
                 reuse some"
                .to_owned())
        }
    }

    pub(super) fn leaf_bit(&mut self, leaf: Leaf, leaves: &mut Vec<Leaf>) -> Result<u32, String> {
        let global = match leaves.iter().position(|other| other.is_same(&leaf)) {
            Some(at) => at,
            None if leaves.len() < 64 => {
                leaves.push(leaf);
                leaves.len() - 1
            }
            None => return Err("a bundle has at most 64 conditions over events".to_owned()),
        };
        if let Some((_, bit)) = self.leaf_bits.iter().find(|(other, _)| *other == global) {
            return Ok(*bit);
        }
        self.check_room()?;
        let bit = self.next;
        self.next += 1;
        self.leaf_bits.push((global, bit));
        Ok(bit)
    }

    pub(super) fn build(
        &mut self,
        clause: &Where,
        leaves: &mut Vec<Leaf>,
    ) -> Result<Filter, String> {
        match clause {
            Where::And(parts) => parts
                .iter()
                .try_fold(Filter::all(), |all, part| all.and(&self.build(part, leaves)?)),
            Where::Or(parts) => parts.iter().try_fold(Filter { terms: Vec::new() }, |any, part| {
                any.or(&self.build(part, leaves)?)
            }),
            Where::State { bit, wanted } => {
                let mask = 1_u32 << *bit as u32;
                Ok(Filter { terms: vec![(mask, if *wanted { mask } else { 0 })] })
            }
            Where::Event { program, wanted } => {
                let leaf = Leaf::Holds { program: program.clone(), wanted: *wanted };
                Ok(Filter::bit(self.leaf_bit(leaf, leaves)?))
            }
        }
    }
}
