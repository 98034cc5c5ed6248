//! One walk for many variants: the engine computes the columns of an event once, and every variant
//! of the rule is asked over that row.

use super::variants::Variants;
use crate::commands::backtest::{Class, Count, Onlooker, Sight, Unlabelled, Witness, acts};
use crate::domain::{Standing, Token, Truth as Label};
use crate::lang::Truth;
use crate::stages::rules::{Rule, Warmth};

/// What is kept of a decision until all labels are known.
#[derive(Clone, Copy)]
struct Row {
    amount: i64,
    truth: Option<Label>,
    /// The first word of its bits in [`Looker::holds`]; `u32::MAX` when no variant holds.
    holds: u32,
    /// Another rule that acts holds as well.
    is_shared: bool,
}

/// Asks the variants of one group.
pub(super) struct Looker<'a> {
    variants: &'a Variants,
    /// The variants of this walk.
    group: &'a [usize],
    witness: Witness<'a>,
    rows: Vec<Row>,
    /// One bit a variant of the group, in whole words a decision.
    holds: Vec<u64>,
}

/// What one variant picked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Picked {
    pub(super) count: Count,
    /// Frauds that no other rule which acts holds on.
    pub(super) unique: u64,
}

impl<'a> Looker<'a> {
    pub(super) fn new(variants: &'a Variants, group: &'a [usize], witness: Witness<'a>) -> Self {
        Self { variants, group, witness, rows: Vec::new(), holds: Vec::new() }
    }

    /// Counts: all decisions, and what each variant of the group picked.
    pub(super) fn finish(self, unlabelled: Unlabelled) -> (Count, Vec<Picked>, u64) {
        let (mut all, mut picked) = (Count::default(), vec![Picked::default(); self.group.len()]);
        for row in &self.rows {
            let class = unlabelled.class(row.truth);
            all.take(class, row.amount);
            if row.holds == u32::MAX {
                continue;
            }
            for (at, one) in picked.iter_mut().enumerate() {
                let word = self.holds.get(row.holds as usize + at / 64).copied().unwrap_or(0);
                if word >> (at % 64) & 1 == 1 {
                    one.count.take(class, row.amount);
                    one.unique += u64::from(class == Class::Fraud && !row.is_shared);
                }
            }
        }
        (all, picked, self.witness.unmatched())
    }

    /// Whether the rule is asked of such an event at all, whatever its mode.
    fn is_asked(rule: &Rule, sight: &Sight<'_>) -> bool {
        let warming = sight.engine.warming();
        let warms = |field: &crate::domain::FieldId| {
            let word = warming.get(field.index() / 64).copied().unwrap_or(0);
            word >> (field.index() % 64) & 1 == 1
        };
        rule.services.contains(sight.service)
            && rule.kinds.contains(sight.kind)
            && rule.valid_from.is_none_or(|from| sight.occurred_at >= from)
            && rule.valid_until.is_none_or(|until| sight.occurred_at < until)
            && !(rule.warmth == Warmth::Required && rule.when.fields().iter().any(warms))
    }
}

impl Onlooker for Looker<'_> {
    fn decided(&mut self, sight: &Sight<'_>) {
        let (truth, _) = self.witness.truth(sight, self.rows.len() as u32);
        let (mut holds, mut is_shared) = (u32::MAX, false);
        let begins = self.holds.len();
        // All variants look at the same events: only the condition differs.
        if Self::is_asked(self.variants.rule(self.group[0]), sight) {
            self.holds.resize(begins + self.group.len().div_ceil(64), 0);
            let mut any = false;
            for (at, variant) in self.group.iter().enumerate() {
                if self.variants.rule(*variant).when.truth(sight.engine.row()) == Truth::True {
                    self.holds[begins + at / 64] |= 1 << (at % 64);
                    any = true;
                }
            }
            if any {
                let hits = sight.engine.hits();
                let rules = &sight.engine.bundle().rules;
                let mut spoke = hits.fired.iter().chain(&hits.shadow);
                is_shared = spoke.any(|one| *one != self.variants.rule && acts(rules.rule(*one)));
                holds = begins as u32;
            } else {
                self.holds.truncate(begins);
            }
        }
        self.rows.push(Row { amount: sight.amount.unwrap_or(0), truth, holds, is_shared });
    }

    fn labelled(&mut self, target: Token, truth: Label, standing: Standing) {
        let row = self.witness.labelled(target, truth, standing);
        if let Some(row) = row.and_then(|row| self.rows.get_mut(row as usize)) {
            row.truth = Some(truth);
        }
    }

    fn wants_labels(&self) -> bool {
        self.witness.listens()
    }
}
