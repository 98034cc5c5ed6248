//! A condition as clauses: when does it hold, column by column?
//!
//! Decided are comparisons of one column with constants, `in`, `has` and truths. Everything else
//! (columns against columns, arithmetic, patterns, times of day) is a question of its own: equal
//! questions are seen as equal, but what they ask is not looked into.

use std::collections::{BTreeMap, BTreeSet};

use super::space::{ALL, Values, of_float};
use crate::domain::{FieldId, FieldType, Schema};
use crate::lang::{Constant, Node, NodeKind, Program, Relation, Type};
use crate::stages::features::{AggregateSpec, Function};

/// Most clauses of a condition that are reasoned about.
const CLAUSES_MAX: usize = 128;

/// What must hold together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Clause {
    /// By column.
    pub(super) values: BTreeMap<FieldId, Values>,
    /// Questions that are not looked into, each with the answer that is needed.
    pub(super) questions: BTreeSet<(String, bool)>,
}

impl Clause {
    /// Both; `None` when they exclude each other.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut both = self.clone();
        for (field, values) in &other.values {
            let met = match both.values.get(field) {
                Some(known) => known.and(values),
                None => values.clone(),
            };
            if met.is_empty() {
                return None;
            }
            both.values.insert(*field, met);
        }
        for (question, answer) in &other.questions {
            if both.questions.contains(&(question.clone(), !answer)) {
                return None;
            }
            both.questions.insert((question.clone(), *answer));
        }
        Some(both)
    }

    /// Whether the other holds wherever this one does.
    pub(super) fn implies(&self, other: &Self) -> bool {
        let within = |(field, values): (&FieldId, &Values)| {
            self.values.get(field).is_some_and(|own| own.is_within(values))
        };
        other.values.iter().all(within) && other.questions.is_subset(&self.questions)
    }
}

/// When a condition holds, or when it is determinately false; `None` when it has too many clauses.
pub(super) fn clauses(
    program: &Program,
    ranges: &BTreeMap<FieldId, Values>,
    wanted: bool,
) -> Option<Vec<Clause>> {
    let found = Splitter { program, ranges }.split(program.node(), wanted)?;
    Some(simplified(found))
}

/// Clauses that another one holds for are left out.
fn simplified(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut kept: Vec<Clause> = Vec::with_capacity(clauses.len());
    for clause in clauses {
        if !kept.iter().any(|known| clause.implies(known)) {
            kept.retain(|known| !known.implies(&clause));
            kept.push(clause);
        }
    }
    kept
}

struct Splitter<'a> {
    program: &'a Program,
    ranges: &'a BTreeMap<FieldId, Values>,
}

impl Splitter<'_> {
    fn split(&self, node: &Node, wanted: bool) -> Option<Vec<Clause>> {
        match &node.kind {
            NodeKind::Constant(Constant::Bool(value)) => {
                Some(if *value == wanted { vec![Clause::default()] } else { Vec::new() })
            }
            NodeKind::Not(one) => self.split(one, !wanted),
            NodeKind::And(terms) if wanted => self.all(terms, wanted),
            NodeKind::Or(terms) if !wanted => self.all(terms, wanted),
            NodeKind::And(terms) | NodeKind::Or(terms) => {
                let mut any = Vec::new();
                for term in terms {
                    any.extend(self.split(term, wanted)?);
                    if any.len() > CLAUSES_MAX {
                        return None;
                    }
                }
                Some(any)
            }
            NodeKind::If { condition, then, otherwise } => {
                let mut any = product(&self.split(condition, true)?, &self.split(then, wanted)?)?;
                let other = (self.split(condition, false)?, self.split(otherwise, wanted)?);
                any.extend(product(&other.0, &other.1)?);
                (any.len() <= CLAUSES_MAX).then_some(any)
            }
            _ => Some(self.leaf(node, wanted)),
        }
    }

    fn all(&self, terms: &[Node], wanted: bool) -> Option<Vec<Clause>> {
        let mut all = vec![Clause::default()];
        for term in terms {
            all = product(&all, &self.split(term, wanted)?)?;
        }
        Some(all)
    }

    fn leaf(&self, node: &Node, wanted: bool) -> Vec<Clause> {
        let mut clause = Clause::default();
        match of_column(node, wanted) {
            Some((field, values)) => {
                // What a window can never give is no value.
                let values = match self.ranges.get(&field) {
                    Some(range) if values != Values::Absent => values.and(range),
                    _ => values,
                };
                if values.is_empty() {
                    return Vec::new();
                }
                clause.values.insert(field, values);
            }
            None => {
                clause.questions.insert((self.program.meaning(node), wanted));
                // An answer needs the columns that it is made of.
                for field in node.fields() {
                    if !asks_presence(node, field) {
                        clause.values.insert(field, Values::Any);
                    }
                }
            }
        }
        vec![clause]
    }
}

/// Whether a part asks if a column is there, so that its absence is no error.
fn asks_presence(node: &Node, field: FieldId) -> bool {
    matches!(node.kind, NodeKind::Has(id) if id == field)
        || matches!(node.kind, NodeKind::If { .. } | NodeKind::And(_) | NodeKind::Or(_))
        || node.children().into_iter().any(|child| asks_presence(child, field))
}

fn product(left: &[Clause], right: &[Clause]) -> Option<Vec<Clause>> {
    if left.len() * right.len() > CLAUSES_MAX * CLAUSES_MAX {
        return None;
    }
    let pairs = left.iter().flat_map(|left| right.iter().filter_map(|right| left.and(right)));
    let all: Vec<Clause> = pairs.collect();
    (all.len() <= CLAUSES_MAX).then_some(all)
}

/// A question that one column answers, and the values of which it is so.
fn of_column(node: &Node, wanted: bool) -> Option<(FieldId, Values)> {
    match &node.kind {
        NodeKind::Column(field) => Some((*field, Values::points([i128::from(wanted)], true))),
        NodeKind::Has(field) => Some((*field, if wanted { Values::Any } else { Values::Absent })),
        NodeKind::Compare { relation, left, right } => {
            let NodeKind::Column(field) = left.kind else { return None };
            let relation = if wanted { *relation } else { negated(*relation) };
            let values = compared(left.node_type, relation, right.constant()?)?;
            Some((field, values))
        }
        NodeKind::OneOf { value, list } => {
            let NodeKind::Column(field) = value.kind else { return None };
            Some((field, among(value.node_type, list, wanted)?))
        }
        _ => None,
    }
}

const fn negated(relation: Relation) -> Relation {
    match relation {
        Relation::Equal => Relation::NotEqual,
        Relation::NotEqual => Relation::Equal,
        Relation::Less => Relation::GreaterOrEqual,
        Relation::LessOrEqual => Relation::Greater,
        Relation::Greater => Relation::LessOrEqual,
        Relation::GreaterOrEqual => Relation::Less,
    }
}

fn compared(column: Type, relation: Relation, constant: &Constant) -> Option<Values> {
    Some(match (column, constant) {
        (Type::Float, Constant::Float(bound)) => Values::numbers(relation, of_float(*bound)),
        (Type::Float, _) | (_, Constant::Bool(_)) if column != Type::Bool => return None,
        (Type::Bool, Constant::Bool(value)) => {
            let value = *value == (relation == Relation::Equal);
            Values::points([i128::from(value)], true)
        }
        (Type::Text, Constant::Text(text)) => match relation {
            Relation::Equal => Values::Among(BTreeSet::from([text.clone()])),
            Relation::NotEqual => Values::Except(BTreeSet::from([text.clone()])),
            _ => return None,
        },
        (_, Constant::Float(bound)) => whole_against(relation, *bound)?,
        (_, constant) => Values::numbers(relation, i128::from(constant.whole()?)),
    })
}

/// A whole column against a float: `x > 6.5` is `x >= 7`.
fn whole_against(relation: Relation, bound: f64) -> Option<Values> {
    if bound.is_nan() || bound.abs() > 1e19 {
        return None;
    }
    let (floor, is_whole) = (bound.floor() as i128, bound.fract() == 0.0);
    Some(match relation {
        _ if is_whole => Values::numbers(relation, floor),
        Relation::Equal => Values::Numbers(Vec::new()),
        Relation::NotEqual => Values::Numbers(vec![ALL]),
        Relation::Less | Relation::LessOrEqual => Values::numbers(Relation::LessOrEqual, floor),
        Relation::Greater | Relation::GreaterOrEqual => Values::numbers(Relation::Greater, floor),
    })
}

fn among(column: Type, list: &[Constant], wanted: bool) -> Option<Values> {
    if column == Type::Text {
        let text = |constant: &Constant| match constant {
            Constant::Text(text) => Some(text.clone()),
            _ => None,
        };
        let texts = list.iter().map(text).collect::<Option<BTreeSet<_>>>()?;
        return Some(if wanted { Values::Among(texts) } else { Values::Except(texts) });
    }
    let number = |constant: &Constant| match (column, constant) {
        (Type::Float, Constant::Float(value)) => Some(of_float(*value)),
        (Type::Float, _) | (_, Constant::Float(_)) => None,
        (_, Constant::Bool(value)) => Some(i128::from(*value)),
        (_, constant) => constant.whole().map(i128::from),
    };
    let points = list.iter().map(number).collect::<Option<Vec<_>>>()?;
    Some(Values::points(points, wanted))
}

/// What windows can give at all: counts are not negative, rates lie between 0 and 1.
pub(super) fn ranges(
    aggregates: &[(AggregateSpec, FieldId)],
    schema: &Schema,
) -> BTreeMap<FieldId, Values> {
    let mut ranges = BTreeMap::new();
    for (spec, field) in aggregates {
        let range = match &spec.function {
            Function::Count | Function::Distinct(_) | Function::SinceLast => (0, ALL.1),
            Function::Rate(_) => (of_float(0.0), of_float(1.0)),
            _ => continue,
        };
        ranges.insert(*field, Values::Numbers(vec![range]));
    }
    for field in schema.fields().filter(|field| field.field_type == FieldType::Bool) {
        ranges.insert(field.id, Values::Numbers(vec![(0, 1)]));
    }
    ranges
}
