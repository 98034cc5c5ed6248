//! Whether a rule nearly fired: all conditions but one held, or only numbers stood in the way and
//! each lay within a fifth of its threshold.

use super::condition::{conjuncts, truth};
use crate::domain::{FeatureVector, Value};
use crate::lang::{Node, NodeKind, Program, Truth, Type};

/// How near a number has to be to its threshold, as a share of it.
pub(super) const NEAR: f64 = 0.2;

/// Why a rule that did not fire is worth a look.
pub(super) struct Near<'p> {
    /// The conditions that fail.
    pub(super) failing: Vec<&'p Node>,
    /// How many there are in all.
    pub(super) of: usize,
    /// How far the furthest failing number is from its threshold; `None` when something else than
    /// a number fails.
    pub(super) distance: Option<f64>,
}

/// Looks at a rule that did not hold.
pub(super) fn near<'p>(program: &'p Program, row: &FeatureVector) -> Option<Near<'p>> {
    let all = conjuncts(program);
    let mut failing = Vec::new();
    for node in &all {
        match truth(program, node, row) {
            Truth::True => {}
            Truth::False => failing.push(*node),
            Truth::Undetermined => return None,
        }
    }
    let distances = failing.iter().map(|node| distance(program, node, row));
    let distance =
        distances.collect::<Option<Vec<_>>>().map(|all| all.into_iter().fold(0.0, f64::max));
    let one_fails = failing.len() == 1 && all.len() > 1;
    let within = !failing.is_empty() && distance.is_some_and(|distance| distance <= NEAR);
    (one_fails || within).then_some(Near { failing, of: all.len(), distance })
}

/// How far a failing comparison of numbers is from holding, as a share of its right side; of
/// alternatives the nearest counts, of several that all must hold the furthest.
fn distance(program: &Program, node: &Node, row: &FeatureVector) -> Option<f64> {
    let of = |node: &Node| distance(program, node, row);
    match &node.kind {
        NodeKind::Compare { left, right, .. } => {
            let (left, right) = (number(program, left, row)?, number(program, right, row)?);
            let far = (left - right).abs() / right.abs().max(f64::MIN_POSITIVE);
            far.is_finite().then_some(far)
        }
        NodeKind::Or(any) => any.iter().filter_map(of).reduce(f64::min),
        NodeKind::And(all) => {
            let failing = all.iter().filter(|one| truth(program, one, row) != Truth::True);
            let far = failing.map(of).collect::<Option<Vec<_>>>()?;
            far.into_iter().reduce(f64::max)
        }
        _ => None,
    }
}

/// A quantity as a number. Ids and moments are none: a share of them says nothing.
fn number(program: &Program, node: &Node, row: &FeatureVector) -> Option<f64> {
    if matches!(node.node_type, Type::Timestamp | Type::Id) {
        return None;
    }
    match program.part(node).value(row).ok()? {
        Value::Int(value) | Value::Money(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        Value::Bool(_) | Value::Text(_) | Value::Timestamp(_) | Value::Id(_) => None,
    }
}
