//! Rules against rules: which says nothing that another does not say already?

use std::collections::BTreeMap;

use super::clauses::Clause;
use super::{Finding, FindingKind};
use crate::domain::{Action, FieldId, Force, Kind, Service};
use crate::stages::rules::{Mode, Rule, Warmth};

/// Clauses by a column that they look at, so that not every pair of rules is compared.
pub(super) struct Shelf<'r> {
    rules: &'r [Rule],
    clauses: &'r [Option<Vec<Clause>>],
    by_column: BTreeMap<Option<FieldId>, Vec<(usize, usize)>>,
}

impl<'r> Shelf<'r> {
    /// Each clause stands under its rarest column: whatever implies it looks at that one too.
    pub(super) fn new(rules: &'r [Rule], clauses: &'r [Option<Vec<Clause>>]) -> Self {
        let mut uses: BTreeMap<FieldId, usize> = BTreeMap::new();
        for clause in clauses.iter().flatten().flatten() {
            clause.values.keys().for_each(|field| *uses.entry(*field).or_default() += 1);
        }
        let mut by_column: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (rule, own) in clauses.iter().enumerate() {
            for (index, clause) in own.iter().flatten().enumerate() {
                let rarest = clause.values.keys().min_by_key(|field| uses.get(field));
                by_column.entry(rarest.copied()).or_default().push((rule, index));
            }
        }
        Self { rules, clauses, by_column }
    }

    /// What is to be said of one rule against all others.
    pub(super) fn finding(&self, rule: usize) -> Option<Finding> {
        let own = self.clauses.get(rule)?.as_deref().filter(|own| !own.is_empty())?;
        let mut covered_by: Option<Vec<usize>> = None;
        for clause in own {
            let found = self.above(rule, clause);
            covered_by = Some(match covered_by {
                None => found,
                Some(known) => known.into_iter().filter(|one| found.contains(one)).collect(),
            });
        }
        let others = covered_by.unwrap_or_default();
        others.into_iter().find_map(|other| self.judge(rule, other))
    }

    /// The rules that hold wherever a clause does, in their order.
    fn above(&self, rule: usize, clause: &Clause) -> Vec<usize> {
        let columns = clause.values.keys().map(|field| Some(*field)).chain([None]);
        let mut found = Vec::new();
        for shelf in columns.filter_map(|column| self.by_column.get(&column)) {
            for (other, index) in shelf.iter().filter(|(other, _)| *other != rule) {
                let clauses = self.clauses[*other].as_deref().unwrap_or_default(); // as in `new`
                if clauses.get(*index).is_some_and(|general| clause.implies(general)) {
                    found.push(*other);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn judge(&self, rule: usize, other: usize) -> Option<Finding> {
        // Both are indexes into `rules`.
        let (own, above) = (&self.rules[rule], &self.rules[other]);
        if !speaks_for(above, own) {
            return None;
        }
        let is_mutual = speaks_for(own, above) && self.implies(other, rule);
        let id = &above.id;
        let (kind, message) = match above.effect.force {
            _ if is_mutual && rule < other => return None,
            _ if is_mutual && adds_nothing(own, above) => (
                FindingKind::Duplicate,
                format!("asks the same as {id} and adds nothing to it; remove one of the two"),
            ),
            _ if is_mutual => (
                FindingKind::Duplicate,
                format!("asks the same as {id}; make one rule of the two, or say how they differ"),
            ),
            Force::HardBlock if own.effect.force != Force::HardBlock => (
                FindingKind::Unreachable,
                format!("is never reached: wherever it holds, {id} blocks before it"),
            ),
            Force::Allow if own.effect.force == Force::Weighed => (
                FindingKind::Unreachable,
                format!("has no effect: wherever it holds, {id} allows and silences it"),
            ),
            _ if adds_nothing(own, above) => (
                FindingKind::Covered,
                format!("adds nothing: wherever it holds, {id} holds and asks for as much"),
            ),
            _ => return None,
        };
        Some(Finding::of_rule(kind, own, message).with(id))
    }

    /// Whether `other` holds wherever `rule` does.
    fn implies(&self, rule: usize, other: usize) -> bool {
        let of = |index: usize| self.clauses[index].as_deref().unwrap_or_default();
        of(rule).iter().all(|clause| of(other).iter().any(|general| clause.implies(general)))
    }
}

/// Whether a rule is asked wherever another is: services, kinds, times, mode and warmth.
fn speaks_for(above: &Rule, own: &Rule) -> bool {
    let scope = Service::ALL
        .iter()
        .all(|service| !own.services.contains(*service) || above.services.contains(*service))
        && Kind::ALL.iter().all(|kind| !own.kinds.contains(*kind) || above.kinds.contains(*kind));
    let from = above.valid_from.is_none_or(|from| own.valid_from.is_some_and(|own| own >= from));
    let until =
        above.valid_until.is_none_or(|until| own.valid_until.is_some_and(|own| own <= until));
    let warm = above.warmth == Warmth::Any || own.warmth == above.warmth;
    above.mode == Mode::Live && own.mode != Mode::Off && scope && from && until && warm
}

/// Whether the other asks for at least as much.
fn adds_nothing(own: &Rule, above: &Rule) -> bool {
    let (own, above) = (own.effect, above.effect);
    let is_worst = above.action == Some(Action::Decline);
    own.force == above.force
        && own.action <= above.action
        && own.follow_ups.union(above.follow_ups) == above.follow_ups
        && (is_worst || own.points <= 0 || own == above)
}
