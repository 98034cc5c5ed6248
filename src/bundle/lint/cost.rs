//! What asking the rules costs at worst, in nanoseconds, and whether the ledger can pay it.
//!
//! The model: a question of one column and constants is answered by the index (about 1 ns, and it is
//! shared); every other operation is computed when its rule is asked. The figures are upper bounds
//! of what `benches/rules` measures on the reference machine, doubled for a slower one: they are to
//! refuse what cannot be right, not to predict.

use super::{Finding, FindingKind};
use crate::domain::{Facts, Kind, Service, Stage};
use crate::lang::{Constant, Node, NodeKind};
use crate::stages::decide::Ledger;
use crate::stages::rules::{Mode, Rule};

/// Asking a rule at all, whatever it asks: validity, mode, warmth.
const RULE_NS: u64 = 1;
/// A comparison of a column with a constant.
const INDEXED_NS: u64 = 1;
/// The same with a text.
const INDEXED_TEXT_NS: u64 = 2;
/// An arithmetic, a comparison of two columns, a look at a truth.
const STEP_NS: u64 = 6;
/// A part of a date: the zone is looked up.
const CALENDAR_NS: u64 = 120;
/// A step of a search or a comparison of texts.
const TEXT_NS: u64 = 25;
/// A pattern, for each byte of the longest text: lazily built automata run at a few bytes a ns, and
/// fall back to slower ones where they grow too large.
const PATTERN_BYTE_NS: u64 = 20;
/// A distance on the sphere.
const DISTANCE_NS: u64 = 250;

/// The share of the ledger above which one rule is named.
const SHARE_MAX: u64 = 10;

/// What one rule costs at worst, in nanoseconds.
pub(super) fn of_rule(rule: &Rule) -> u64 {
    RULE_NS + of_node(rule.when.node())
}

fn of_node(node: &Node) -> u64 {
    // What the index answers is one look, its column included.
    match &node.kind {
        NodeKind::Compare { left, right, .. } if matches!(left.kind, NodeKind::Column(_)) => {
            match right.constant() {
                Some(Constant::Text(_)) => return INDEXED_TEXT_NS,
                Some(_) => return INDEXED_NS,
                None => {}
            }
        }
        NodeKind::And(terms) | NodeKind::Or(terms) => return terms.iter().map(of_node).sum(),
        _ => {}
    }
    let parts: u64 = node.children().into_iter().map(of_node).sum();
    parts
        + match &node.kind {
            NodeKind::Constant(_) => 0,
            NodeKind::Column(_) | NodeKind::Has(_) | NodeKind::State(_) => INDEXED_NS,
            NodeKind::And(_) | NodeKind::Or(_) | NodeKind::Not(_) => 0,
            NodeKind::Compare { .. } => STEP_NS,
            NodeKind::OneOf { list, .. } => TEXT_NS * u64::from(list.len().max(2).ilog2()) / 5,
            NodeKind::Text { .. } | NodeKind::Size(_) => TEXT_NS + Facts::TEXT_MAX as u64 / 4,
            NodeKind::Matches { .. } => PATTERN_BYTE_NS * Facts::TEXT_MAX as u64,
            NodeKind::Part { .. } => CALENDAR_NS,
            NodeKind::Distance(_) => DISTANCE_NS,
            NodeKind::If { .. }
            | NodeKind::Arithmetic { .. }
            | NodeKind::Negate(_)
            | NodeKind::Convert(_)
            | NodeKind::WholeUnits { .. }
            | NodeKind::Least(..)
            | NodeKind::Greatest(..)
            | NodeKind::Absolute(_) => STEP_NS,
        }
}

/// What the rules of one service and kind cost at worst together, where that is most.
pub(super) fn most(rules: &[Rule]) -> (u64, Service, Kind) {
    let costs: Vec<u64> = rules.iter().map(of_rule).collect();
    let pairs =
        Service::ALL.iter().flat_map(|service| Kind::ALL.iter().map(move |kind| (*service, *kind)));
    let of_pair = |(service, kind): (Service, Kind)| {
        let asked = rules.iter().zip(&costs).filter(|(rule, _)| {
            rule.mode != Mode::Off && rule.services.contains(service) && rule.kinds.contains(kind)
        });
        (asked.map(|(_, cost)| *cost).sum(), service, kind)
    };
    let first = (0, Service::InternetPayment, Kind::Payment);
    pairs.map(of_pair).fold(first, |most, one| if one.0 > most.0 { one } else { most })
}

/// The sentence that refuses a bundle whose rules cannot be asked in time.
pub(super) fn refusal(rules: &[Rule], ledger: &Ledger) -> Option<String> {
    let (ns, service, kind) = most(rules);
    let owned_us = u64::from(ledger.stage_us[Stage::Rules as usize]);
    if ns <= owned_us * 1_000 {
        return None;
    }
    let worst = rules.iter().max_by_key(|rule| of_rule(rule))?;
    Some(format!(
        "the rules asked of a {} through {} take {} µs at worst, the ledger grants `rules` {owned_us} \
         µs; the dearest is {} with {} µs: make it cheaper or own more",
        kind.name(),
        service.name(),
        ns.div_ceil(1_000),
        worst.id,
        of_rule(worst).div_ceil(1_000),
    ))
}

/// Rules that take a large share of the ledger alone.
pub(super) fn findings(rules: &[Rule], ledger: &Ledger) -> Vec<Finding> {
    let owned_ns = u64::from(ledger.stage_us[Stage::Rules as usize]) * 1_000;
    let dear = rules.iter().filter(|rule| of_rule(rule) * 100 > owned_ns * SHARE_MAX);
    let finding = |rule: &Rule| {
        let message = format!(
            "takes {:.1} µs at worst, more than {SHARE_MAX}% of what the ledger grants all rules",
            of_rule(rule) as f64 / 1_000.0,
        );
        Finding::of_rule(FindingKind::Costly, rule, message)
    };
    dear.map(finding).collect()
}
