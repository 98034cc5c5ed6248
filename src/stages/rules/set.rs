//! All rules of a bundle, in their order, asked about one event.

use thiserror::Error;

use crate::domain::{DecisionFlags, EventTime, FeatureVector, FieldId, Kind, Plan, Service, Token};
use crate::lang::{Conditions, Subset, Truth};

use super::canary::{Draw, Reach};
use super::{Hits, Mode, Rule, RuleIndex, Share, Warmth};

/// All rules of a bundle.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    /// The reach of each rule, beside each other: most that fire need nothing else of their rule.
    reaches: Vec<Reach>,
    bundle: [u8; 32],
    conditions: Conditions,
    /// The rules to ask under any plan, and those of them to ask when only hard blocks are.
    asked: [Asked; 2],
}

/// The rules to ask by what happens; those that are off are never asked.
#[derive(Clone, Debug)]
struct Asked {
    subsets: Vec<Subset>,
    /// The place of the subset for each service and kind.
    place: Vec<u8>,
    /// Rules that do not speak on warming windows, and those of limited validity, in order: whether
    /// they are asked depends on the event.
    careful: Vec<RuleIndex>,
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
    /// How much there is time for: with [`Plan::HardRules`] only hard effects are asked for.
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
        let conditions = Conditions::new(rules.iter().map(|rule| (&rule.when, true)));
        let asked = [Plan::Full, Plan::HardRules].map(|plan| Asked::new(&rules, &conditions, plan));
        let reaches = rules.iter().map(|rule| Reach::of(rule.mode)).collect();
        Ok(Self { rules, reaches, bundle, conditions, asked })
    }

    /// Whether a canary of this share meets a subject.
    pub fn meets(&self, subject: Token, share: Share) -> bool {
        Draw::of(subject, &self.bundle).is_in(Reach::of(Mode::Canary(share)))
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
        let draw = context.subject.map_or(Draw::NOBODY, |subject| Draw::of(subject, &self.bundle));
        let asked = &self.asked[usize::from(context.plan == Plan::HardRules)];
        let subset = asked.about(context.service, context.kind);
        let Hits { fired, shadow, undetermined, warming, flags, marks } = hits;
        self.conditions.start(subset, marks);
        for index in &asked.careful {
            let rule = self.rule(*index);
            if !rule.is_valid(context.occurred_at) {
                self.conditions.exclude(index.index(), marks);
            } else if rule.warmth == Warmth::Required && context.warms(rule) {
                self.conditions.exclude(index.index(), marks);
                if rule.looks_at(context.service, context.kind) {
                    warming.push(*index);
                }
            }
        }
        let any_warming = context.warming.iter().any(|word| *word != 0);
        let any_approximate = row.any_approximate();
        self.conditions.ask(row, subset, marks, |at, truth| {
            // At most as many as have an index.
            let index = RuleIndex(at as u16);
            if truth != Truth::True {
                undetermined.push(index);
                return;
            }
            // The conditions are those of these rules.
            if !draw.is_in(self.reaches[index.index()]) {
                shadow.push(index);
                return;
            }
            fired.push(index);
            if any_warming && context.warms(self.rule(index)) {
                flags.add(DecisionFlags::WARMING);
            }
            if any_approximate && reads_approximate(self.rule(index), row) {
                flags.add(DecisionFlags::APPROXIMATE);
            }
        });
    }
}

impl Asked {
    fn new(rules: &[Rule], conditions: &Conditions, plan: Plan) -> Self {
        let is_planned = |rule: &Rule| {
            let planned = plan != Plan::HardRules || rule.effect.is_hard();
            planned && rule.mode != Mode::Off
        };
        let mut subsets: Vec<Subset> = Vec::new();
        let mut place = Vec::with_capacity(Service::ALL.len() * Kind::ALL.len());
        for (service, kind) in Service::ALL
            .iter()
            .flat_map(|service| Kind::ALL.iter().map(move |kind| (service, kind)))
        {
            let subset = conditions.subset(|at| {
                let rule = &rules[at]; // the conditions are those of these rules
                is_planned(rule) && rule.looks_at(*service, *kind)
            });
            let known = subsets.iter().position(|known| *known == subset);
            // At most one for each service and kind, which are fewer than 256.
            place.push(known.unwrap_or(subsets.len()) as u8);
            if known.is_none() {
                subsets.push(subset);
            }
        }
        let depends = |rule: &Rule| {
            rule.warmth == Warmth::Required
                || rule.valid_from.is_some()
                || rule.valid_until.is_some()
        };
        let careful = rules.iter().enumerate();
        let careful = careful.filter(|(_, rule)| is_planned(rule) && depends(rule));
        let careful = careful.map(|(at, _)| RuleIndex(at as u16)).collect();
        Self { subsets, place, careful }
    }

    fn about(&self, service: Service, kind: Kind) -> &Subset {
        // Kinds are numbered from 1 without a gap, which a test holds.
        let place = service.index() * Kind::ALL.len() + (kind as usize - 1);
        &self.subsets[usize::from(self.place[place])]
    }
}

impl Rule {
    fn looks_at(&self, service: Service, kind: Kind) -> bool {
        self.services.contains(service) && self.kinds.contains(kind)
    }

    fn is_valid(&self, at: EventTime) -> bool {
        self.valid_from.is_none_or(|from| at >= from)
            && self.valid_until.is_none_or(|until| at < until)
    }
}

fn reads_approximate(rule: &Rule, row: &FeatureVector) -> bool {
    rule.when.fields().iter().any(|field| row.is_approximate(*field))
}

impl Context<'_> {
    /// Whether a column that the rule reads is warming.
    fn warms(&self, rule: &Rule) -> bool {
        let is_warming = |field: &FieldId| {
            let word = self.warming.get(field.index() / 64).copied().unwrap_or(0);
            word >> (field.index() % 64) & 1 == 1
        };
        rule.when.fields().iter().any(is_warming)
    }
}
