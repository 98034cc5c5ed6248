//! Two conditions that differ in numbers only: which, and from what to what?

use crate::bundle::Bundle;
use crate::domain::{FieldId, Value};
use crate::lang::{Constant, Node, NodeKind, Relation, duration_text};
use crate::stages::features::{AggregateSpec, DistinctOf, Function, Over};

/// A number that has changed, as `from 5 card_merchants_1h (...), was 8`.
pub(super) type Said = String;

/// The changed numbers of two conditions that are otherwise the same; `None` when they differ in
/// more. Columns are compared by name: two bundles number them differently.
pub(super) fn changed(
    (old_bundle, old): (&Bundle, &Node),
    (new_bundle, new): (&Bundle, &Node),
) -> Option<Vec<Said>> {
    let mut pair = Pair { old: old_bundle, new: new_bundle, said: Vec::new() };
    pair.walk(old, new)?;
    Some(pair.said)
}

struct Pair<'b> {
    old: &'b Bundle,
    new: &'b Bundle,
    said: Vec<Said>,
}

impl Pair<'_> {
    fn walk(&mut self, old: &Node, new: &Node) -> Option<()> {
        if old.node_type != new.node_type {
            return None;
        }
        match (&old.kind, &new.kind) {
            (NodeKind::Constant(was), NodeKind::Constant(is)) => {
                if was != is {
                    let (is, was) = (constant(self.new, is), constant(self.old, was));
                    self.said.push(format!("with {is}, was {was}"));
                }
            }
            (NodeKind::Column(old), NodeKind::Column(new))
            | (NodeKind::Has(old), NodeKind::Has(new)) => {
                (name(self.old, *old) == name(self.new, *new)).then_some(())?;
            }
            (
                NodeKind::Compare { relation: was, left: old_left, right: old_right },
                NodeKind::Compare { relation: is, left, right },
            ) => {
                let mut inner = Pair { old: self.old, new: self.new, said: Vec::new() };
                inner.walk(old_left, left)?;
                match (&left.kind, old_right.constant(), right.constant()) {
                    (NodeKind::Column(field), Some(old), Some(new)) => {
                        if old != new || was != is {
                            let text = self.compared(*field, (*is, new), (*was, old));
                            inner.said.push(text);
                        }
                    }
                    _ if was == is => inner.walk(old_right, right)?,
                    _ => return None,
                }
                self.said.extend(inner.said);
            }
            (
                NodeKind::OneOf { value: old_value, list: old_list },
                NodeKind::OneOf { value, list },
            ) => {
                self.walk(old_value, value)?;
                self.list(old_list, list);
            }
            (old_kind, new_kind) => {
                (shape(old_kind) == shape(new_kind)).then_some(())?;
                let (old, new) = (old.children(), new.children());
                (old.len() == new.len()).then_some(())?;
                for (old, new) in old.into_iter().zip(new) {
                    self.walk(old, new)?;
                }
            }
        }
        Some(())
    }

    fn compared(
        &self,
        field: FieldId,
        (is, new): (Relation, &Constant),
        (was, old): (Relation, &Constant),
    ) -> Said {
        let (now, before) = (constant(self.new, new), constant(self.old, old));
        let before = if is == was { before } else { format!("{} {before}", word(was)) };
        let what = described(self.new, field);
        format!("{} {now} {what}, was {before}", word(is))
    }

    fn list(&mut self, old: &[Constant], new: &[Constant]) {
        let missing = |from: &[Constant], of: &[Constant], bundle: &Bundle| {
            let gone = of.iter().filter(|one| !from.contains(one));
            gone.map(|one| constant(bundle, one)).collect::<Vec<_>>().join(", ")
        };
        let (added, gone) = (missing(old, new, self.new), missing(new, old, self.old));
        if !added.is_empty() {
            self.said.push(format!("also for {added}"));
        }
        if !gone.is_empty() {
            self.said.push(format!("no longer for {gone}"));
        }
    }
}

/// What kind of node it is, with what makes two of a kind differ beside their parts.
fn shape(kind: &NodeKind) -> String {
    match kind {
        NodeKind::State(bit) => format!("{bit:?}"),
        NodeKind::Arithmetic { operator, .. } => format!("{operator:?}"),
        NodeKind::Text { test, .. } => format!("{test:?}"),
        NodeKind::Matches { pattern, .. } => format!("matches {}", pattern.regex().as_str()),
        NodeKind::Part { part, zone, .. } => format!("{part:?} {}", zone.name()),
        NodeKind::WholeUnits { unit_ms, .. } => format!("units {unit_ms}"),
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}

const fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::Equal => "at",
        Relation::NotEqual => "other than",
        Relation::Less => "below",
        Relation::LessOrEqual => "up to",
        Relation::Greater => "above",
        Relation::GreaterOrEqual => "from",
    }
}

/// A constant as an analyst writes it.
pub(super) fn constant(bundle: &Bundle, constant: &Constant) -> String {
    match constant {
        Constant::Bool(value) => value.to_string(),
        Constant::Int(value) => value.to_string(),
        Constant::Float(value) => value.to_string(),
        Constant::Text(text) => format!("{text:?}"),
        Constant::Money(minor) => bundle.shown(Value::Money(*minor)),
        Constant::Timestamp(ms) => bundle.shown(Value::Timestamp(*ms)),
        Constant::Duration(ms) => duration_text(*ms),
        Constant::List(_, items) => {
            let items: Vec<_> = items.iter().map(|item| self::constant(bundle, item)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn name(bundle: &Bundle, field: FieldId) -> &str {
    bundle.schema.field(field).map_or("", |field| field.name.as_str())
}

/// A column by its name, and what its window counts.
fn described(bundle: &Bundle, field: FieldId) -> String {
    let name = name(bundle, field);
    let spec = bundle.aggregates.iter().find(|(_, own)| *own == field).map(|(spec, _)| spec);
    match spec {
        Some(spec) => format!("{name} ({})", counted(bundle, spec)),
        None => name.to_owned(),
    }
}

/// `cards in 1 h by device`.
pub(super) fn counted(bundle: &Bundle, spec: &AggregateSpec) -> String {
    let of = |field: &FieldId| name(bundle, *field).to_owned();
    let what = match &spec.function {
        Function::Count => "events".to_owned(),
        Function::Sum(field) => format!("sum of {}", of(field)),
        Function::Mean(field) => format!("mean of {}", of(field)),
        Function::Min(field) => format!("least {}", of(field)),
        Function::Max(field) => format!("greatest {}", of(field)),
        Function::Stddev(field) => format!("deviation of {}", of(field)),
        Function::Distinct(DistinctOf::Entity(kind)) => format!("different {}s", kind.name()),
        Function::Distinct(DistinctOf::Field(field)) => format!("different {}", of(field)),
        Function::First(field) => format!("first {}", of(field)),
        Function::Last(field) => format!("last {}", of(field)),
        Function::SinceLast => "ms since the last".to_owned(),
        Function::Rate(_) => "share of events".to_owned(),
    };
    let over = match spec.over {
        Over::Rolling(3_600_000) => "an hour".to_owned(),
        Over::Rolling(ms) if ms % 86_400_000 == 0 => format!("{} days", ms / 86_400_000),
        Over::Rolling(ms) if ms % 3_600_000 == 0 => format!("{} hours", ms / 3_600_000),
        Over::Rolling(ms) if ms % 60_000 == 0 => format!("{} minutes", ms / 60_000),
        Over::Rolling(ms) => format!("{} s", ms / 1_000),
        Over::CalendarDay => "a calendar day".to_owned(),
        Over::CalendarMonth => "a calendar month".to_owned(),
    };
    format!("{what} in {over} by {}", spec.by.name())
}
