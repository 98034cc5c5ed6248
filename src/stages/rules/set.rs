//! All rules of a bundle, in their order, asked about one event.

use thiserror::Error;

use crate::domain::{
    DecisionFlags, EventTime, FeatureVector, FieldId, Force, Kind, Plan, Service, Token,
};
use crate::lang::Truth;

use super::canary::Draw;
use super::{Hits, Mode, Rule, RuleIndex, Warmth};

/// All rules of a bundle.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    bundle: [u8; 32],
    /// The rules to ask by service and kind, in order; those that are off are in none.
    asked: Vec<Box<[RuleIndex]>>,
}

/// What the rules know of an event besides its row.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Through which service.
    pub service: Service,
    /// What happens.
    pub kind: Kind,
    /// When, for rules of limited validity.
    pub occurred_at: EventTime,
    /// Whose canaries are met: the payer's account, else the card. Without one, every canary is a
    /// shadow.
    pub subject: Option<Token>,
    /// Columns whose window is younger than its width: one bit a column, 64 columns a word.
    pub warming: &'a [u64],
    /// How much there is time for: with [`Plan::HardRules`] only hard blocks are asked.
    pub plan: Plan,
}

/// A bundle has more rules than have an index.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("a bundle has at most 65,535 rules, here are {count}")]
pub struct TooManyRules {
    /// How many there are.
    pub count: usize,
}

impl RuleSet {
    /// Sorts the rules by what they look at. `bundle` is the content hash that canaries draw by.
    pub fn new(rules: Vec<Rule>, bundle: [u8; 32]) -> Result<Self, TooManyRules> {
        if rules.len() > usize::from(u16::MAX) {
            return Err(TooManyRules { count: rules.len() });
        }
        let asked_in = |service: Service, kind: Kind| {
            let asked = rules.iter().enumerate().filter(|(_, rule)| {
                let looks = rule.services.contains(service) && rule.kinds.contains(kind);
                looks && rule.mode != Mode::Off
            });
            asked.map(|(index, _)| RuleIndex(index as u16)).collect()
        };
        let asked = Service::ALL
            .iter()
            .flat_map(|service| Kind::ALL.iter().map(|kind| asked_in(*service, *kind)))
            .collect();
        Ok(Self { rules, bundle, asked })
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with an index of this set.
    pub fn rule(&self, index: RuleIndex) -> &Rule {
        &self.rules[index.index()]
    }

    /// Asks every rule that looks at such an event.
    pub fn evaluate(&self, row: &FeatureVector, context: &Context<'_>, hits: &mut Hits) {
        hits.clear();
        let draw = context.subject.map(|subject| Draw::of(subject, &self.bundle));
        for index in self.asked(context.service, context.kind) {
            let rule = self.rule(*index);
            let reads_warming = || rule.when.fields().iter().any(|field| warms(context, *field));
            if !is_due(rule, context) {
                continue;
            }
            if rule.warmth == Warmth::Required && reads_warming() {
                hits.warming.push(*index);
                continue;
            }
            let takes_effect = match rule.mode {
                Mode::Live => true,
                Mode::Canary(share) => draw.is_some_and(|draw| draw.is_in(share)),
                Mode::Shadow | Mode::Off => false,
            };
            match (rule.when.truth(row), takes_effect) {
                (Truth::False, _) => {}
                (Truth::True, false) => hits.shadow.push(*index),
                (Truth::Undetermined, _) => hits.undetermined.push(*index),
                (Truth::True, true) => {
                    hits.fired.push(*index);
                    if reads_warming() {
                        hits.flags.add(DecisionFlags::WARMING);
                    }
                    if rule.when.fields().iter().any(|field| row.is_approximate(*field)) {
                        hits.flags.add(DecisionFlags::APPROXIMATE);
                    }
                }
            }
        }
    }

    fn asked(&self, service: Service, kind: Kind) -> &[RuleIndex] {
        // Kinds are numbered from 1 without a gap, which a test holds.
        let place = service.index() * Kind::ALL.len() + (kind as usize - 1);
        &self.asked[place]
    }
}

/// Whether the plan and the rule's validity let it speak.
fn is_due(rule: &Rule, context: &Context<'_>) -> bool {
    let planned = context.plan != Plan::HardRules || rule.effect.force == Force::HardBlock;
    planned
        && rule.valid_from.is_none_or(|from| context.occurred_at >= from)
        && rule.valid_until.is_none_or(|until| context.occurred_at < until)
}

fn warms(context: &Context<'_>, field: FieldId) -> bool {
    let word = context.warming.get(field.index() / 64).copied().unwrap_or(0);
    word >> (field.index() % 64) & 1 == 1
}
