//! Whether a rule nearly fired: one number stood in the way alone, and lay close to its threshold.
//!
//! What an investigator asks is "how little would have changed the answer?". So all but one
//! comparison held, and that one lacks at most a fifth of its threshold, or one event of a count.
//! A rule that lacks two things, or a plain yes, was not near: every payment lacks a yes of most rules.

use super::condition::truth;
use crate::domain::{FeatureVector, Value};
use crate::lang::{Node, NodeKind, Program, Relation, Truth, Type};

/// How near a number has to be to its threshold, as a share of it.
const NEAR: f64 = 0.2;
/// Counts up to this are near when they lack one, however large a share that is; below, a first or
/// second event would be near to everything.
const STEP_FROM: i64 = 3;

/// The comparison that a rule lacked.
pub(super) struct Near<'p> {
    /// The comparison.
    pub(super) lacking: &'p Node,
    /// The number, and the threshold that it is held against.
    pub(super) sides: (&'p Node, &'p Node),
    /// How far the number is from the threshold, as a share of that.
    pub(super) distance: f64,
}

impl Near<'_> {
    /// How far off it was, in words.
    pub(super) fn off(&self) -> String {
        match self.distance {
            0.0 => "on the threshold".to_owned(),
            far if far > NEAR => "one short".to_owned(),
            far => format!("{:.0} % off", far * 100.0),
        }
    }
}

/// Looks at a rule that did not hold.
pub(super) fn near<'p>(program: &'p Program, row: &FeatureVector) -> Option<Near<'p>> {
    let mut found = Vec::new();
    alone(program, program.node(), row, &mut found);
    found.into_iter().min_by(|one, other| one.distance.total_cmp(&other.distance))
}

/// The near comparisons each of which, had it held, would have made a condition hold.
fn alone<'p>(program: &'p Program, node: &'p Node, row: &FeatureVector, found: &mut Vec<Near<'p>>) {
    match &node.kind {
        NodeKind::And(all) => {
            let mut failing = all.iter().filter(|one| truth(program, one, row) != Truth::True);
            if let (Some(only), None) = (failing.next(), failing.next()) {
                alone(program, only, row, found);
            }
        }
        NodeKind::Or(any) => any.iter().for_each(|one| alone(program, one, row, found)),
        NodeKind::Compare { relation, left, right } => {
            let sides = (&**left, &**right);
            if let Some(distance) = distance(program, *relation, sides, row) {
                found.push(Near { lacking: node, sides, distance });
            }
        }
        _ => {}
    }
}

/// How far a failing comparison is from holding, when that is near. Equality has no distance, nor has
/// a threshold of zero: everything that never happened would be near to its first time.
fn distance(
    program: &Program,
    relation: Relation,
    (left, right): (&Node, &Node),
    row: &FeatureVector,
) -> Option<f64> {
    let is_above = match relation {
        Relation::Greater | Relation::GreaterOrEqual => true,
        Relation::Less | Relation::LessOrEqual => false,
        _ => return None,
    };
    let (value, threshold) = (number(program, left, row)?, number(program, right, row)?);
    if threshold.as_f64() == 0.0 {
        return None;
    }
    let far = (value.as_f64() - threshold.as_f64()).abs() / threshold.as_f64().abs();
    let lacks_one = match (value, threshold) {
        (Number::Count(value), Number::Count(threshold)) => {
            let needed = threshold + i64::from(matches!(relation, Relation::Greater));
            is_above && needed >= STEP_FROM && value.checked_add(1) == Some(needed)
        }
        _ => false,
    };
    (far.is_finite() && (far <= NEAR && !is_first(value, relation) || lacks_one)).then_some(far)
}

/// Whether a count is below the least that one event more can be near to.
fn is_first(value: Number, relation: Relation) -> bool {
    let is_above = matches!(relation, Relation::Greater | Relation::GreaterOrEqual);
    matches!(value, Number::Count(count) if is_above && count.saturating_add(1) < STEP_FROM)
}

/// A quantity.
#[derive(Clone, Copy)]
enum Number {
    Count(i64),
    Other(f64),
}

impl Number {
    const fn as_f64(self) -> f64 {
        match self {
            Self::Count(value) => value as f64,
            Self::Other(value) => value,
        }
    }
}

/// A quantity as a number. Ids and moments are none: a share of them says nothing.
fn number(program: &Program, node: &Node, row: &FeatureVector) -> Option<Number> {
    if matches!(node.node_type, Type::Timestamp | Type::Id) {
        return None;
    }
    match program.part(node).value(row).ok()? {
        Value::Int(value) => Some(Number::Count(value)),
        Value::Money(value) => Some(Number::Other(value as f64)),
        Value::Float(value) => Some(Number::Other(value)),
        Value::Bool(_) | Value::Text(_) | Value::Timestamp(_) | Value::Id(_) => None,
    }
}
