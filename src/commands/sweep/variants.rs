//! The rule under every value of the constant, and which of them can share one walk.

use super::steps::{Range, Step, number_of};
use crate::bundle::{Bundle, constant_names, find_constant, with_constant};
use crate::commands::backtest::Rules;
use crate::commands::report::Fault;
use crate::lang::{Program, Where};
use crate::stages::features::{AggregateSpec, Function};
use crate::stages::rules::{Rule, RuleIndex};

/// The rules with one value of the constant.
pub(super) struct Variant {
    pub(super) step: Step,
    pub(super) rules: Rules,
}

/// All variants of a sweep.
pub(super) struct Variants {
    /// The swept rule's place, the same in every variant.
    pub(super) rule: RuleIndex,
    pub(super) all: Vec<Variant>,
    /// Where the constant stands, `card.yaml:14`.
    pub(super) place: String,
    /// Its value now.
    pub(super) current: String,
    pub(super) current_number: Option<f64>,
    /// Other rules that read it: they stay as they are.
    pub(super) others: Vec<String>,
}

impl Variants {
    /// Compiles the rules once a step, or says why there is nothing to sweep.
    pub(super) fn of(rules: &Rules, id: &str, range: &Range) -> Result<Self, Fault> {
        let set = rules.bundle.rules.rules();
        let Some(at) = set.iter().position(|rule| rule.id == id) else {
            let near = crate::lang::nearest(id, set.iter().map(|rule| &*rule.id));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(Fault::Wrong(format!("no rule has the id {id:?}{hint}")));
        };
        let rule = RuleIndex(at as u16); // a set has fewer than 65,536
        let file = &*set[at].place.file;
        let name = &range.name;
        let Some(place) = find_constant(&rules.files, file, name) else {
            let own = constant_names(&rules.files, file);
            let shared = constant_names(&rules.files, "bundle.yaml");
            let near = crate::lang::nearest(name, own.iter().chain(&shared).map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            return Err(Fault::Wrong(format!(
                "{name:?} is no single value among the constants of {file} or bundle.yaml{hint}"
            )));
        };
        let steps = range.steps(&place.text, &rules.bundle).map_err(Fault::Wrong)?;
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            let files = with_constant(&rules.files, &place, &step.text);
            all.push(Variant { step, rules: Rules::compile(files, None)? });
        }
        let when = |bundle: &Bundle, at: usize| bundle.rules.rules()[at].when.clone();
        let reads =
            |at: usize| all.iter().any(|one| !when(&one.rules.bundle, at).is_same(&set[at].when));
        let moves = |one: &Variant| !has_same_state(&one.rules.bundle, &rules.bundle);
        if !reads(at) && !all.iter().any(moves) {
            return Err(Fault::Wrong(format!(
                "rule {id} does not depend on `{name}`; its condition is: {}",
                set[at].when.source().split_whitespace().collect::<Vec<_>>().join(" ")
            )));
        }
        let others = (0..set.len()).filter(|other| *other != at && reads(*other));
        Ok(Self {
            rule,
            others: others.map(|other| set[other].id.clone()).collect(),
            place: format!("{}:{}", place.file, place.at.line),
            current_number: number_of(&place.text),
            current: place.text,
            all,
        })
    }

    /// The swept rule of a variant.
    pub(super) fn rule(&self, at: usize) -> &Rule {
        self.all[at].rules.bundle.rules.rule(self.rule)
    }

    /// Which variants compute the same columns: each group needs one walk, because what an engine
    /// keeps and derives does not depend on a rule's constants.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (at, one) in self.all.iter().enumerate() {
            let same = groups
                .iter_mut()
                .find(|group| has_same_state(&self.all[group[0]].rules.bundle, &one.rules.bundle));
            match same {
                Some(group) => group.push(at),
                None => groups.push(vec![at]),
            }
        }
        groups
    }
}

/// Whether two bundles that differ in one constant fill every column alike.
fn has_same_state(one: &Bundle, other: &Bundle) -> bool {
    let aggregates = one.aggregates.iter().zip(&other.aggregates);
    let derived = one.derived.iter().zip(&other.derived);
    aggregates.into_iter().all(|(one, other)| is_same_aggregate(&one.0, &other.0))
        && derived.into_iter().all(|(one, other)| one.program.is_same(&other.program))
}

/// A constant reaches an aggregate through its conditions alone.
fn is_same_aggregate(one: &AggregateSpec, other: &AggregateSpec) -> bool {
    let filters = match (&one.filter, &other.filter) {
        (Some(one), Some(other)) => is_same_where(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    filters
        && match (&one.function, &other.function) {
            (Function::Rate(one), Function::Rate(other)) => is_same_where(one, other),
            _ => true,
        }
}

fn is_same_where(one: &Where, other: &Where) -> bool {
    let all = |ones: &[Where], others: &[Where]| {
        ones.len() == others.len()
            && ones.iter().zip(others).all(|(one, other)| is_same_where(one, other))
    };
    let same = |one: &Program, other: &Program| one.is_same(other);
    match (one, other) {
        (Where::And(ones), Where::And(others)) | (Where::Or(ones), Where::Or(others)) => {
            all(ones, others)
        }
        (Where::Event { program: a, wanted: x }, Where::Event { program: b, wanted: y }) => {
            x == y && same(a, b)
        }
        (Where::State { bit: a, wanted: x }, Where::State { bit: b, wanted: y }) => {
            (a, x) == (b, y)
        }
        _ => false,
    }
}
