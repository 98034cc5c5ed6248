//! A condition as clauses: an "or" of "ands" of literals, negation pushed into the literals.
//!
//! The three values of CEL (true, false, error) form a distributive lattice in which negation obeys
//! De Morgan (Kleene's strong logic), so the rewriting is exact, errors included.

use std::collections::BTreeMap;

use crate::domain::FieldId;
use crate::lang::{Constant, Node, NodeKind, Program, Relation, Type};

/// Literals that must all hold.
pub(super) type Clause = Vec<Literal>;

/// One question about one column.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) subject: Subject,
    pub(super) test: Test,
}

/// What a literal looks at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    /// A column of the row.
    Field(FieldId, Kind),
    /// A condition that is computed, by its place among those of the set.
    Computed(usize),
}

/// How a column's slot becomes a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The slot is the key.
    Whole,
    /// The slot is a double.
    Float,
    /// The slot is zero or not.
    Bool,
    /// The slot is text.
    Text,
}

/// What a literal asks.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// The value stands so to a key.
    Compare(Relation, i64),
    /// The value is one of these keys, sorted, or (`false`) none.
    OneOf(Vec<i64>, bool),
    /// The value is one of these texts, sorted, or (`false`) none.
    OneOfTexts(Vec<Box<str>>, bool),
    /// There is a value, or (`false`) none. Never an error.
    Present(bool),
}

impl Test {
    /// What a test of a bool asks for.
    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::OneOf(_, true))
    }

    /// A test of a bool.
    fn truth(wanted: bool) -> Self {
        Self::OneOf(vec![1], wanted)
    }
}

/// Most clauses that a part of a condition may become; past it the part is computed.
const CLAUSES_MAX: usize = 16;

/// Turns conditions into clauses, and collects what has to be computed, each once.
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// What is computed, in the order in which it was met.
    pub(super) programs: Vec<Program>,
    known: BTreeMap<String, usize>,
}

impl Literals {
    /// The clauses of a condition, or (`wanted` is false) of its negation: none when it never holds.
    pub(super) fn clauses_of(&mut self, condition: &Program, wanted: bool) -> Vec<Clause> {
        self.clauses(condition, condition.node(), wanted)
    }

    /// The clauses of a part, or (`wanted` is false) of its negation.
    fn clauses(&mut self, of: &Program, node: &Node, wanted: bool) -> Vec<Clause> {
        match &node.kind {
            NodeKind::Constant(Constant::Bool(value)) => {
                if *value == wanted {
                    vec![Vec::new()]
                } else {
                    Vec::new()
                }
            }
            NodeKind::Not(one) => self.clauses(of, one, !wanted),
            NodeKind::And(terms) if wanted => self.all(of, terms, wanted),
            NodeKind::Or(terms) if !wanted => self.all(of, terms, wanted),
            NodeKind::And(terms) | NodeKind::Or(terms) => {
                let any = terms.iter().flat_map(|term| self.clauses(of, term, wanted));
                let any: Vec<_> = any.collect();
                if any.len() > CLAUSES_MAX { self.computed(of, node, wanted) } else { any }
            }
            _ => match literal(node, wanted) {
                Some(literal) => vec![vec![literal]],
                None => self.computed(of, node, wanted),
            },
        }
    }

    /// Clauses that hold when every term does.
    fn all(&mut self, of: &Program, terms: &[Node], wanted: bool) -> Vec<Clause> {
        let mut all: Vec<Clause> = vec![Vec::new()];
        for term in terms {
            let mut its = self.clauses(of, term, wanted);
            if all.len() * its.len() > CLAUSES_MAX {
                its = self.computed(of, term, wanted);
            }
            all = all
                .iter()
                .flat_map(|clause| {
                    its.iter().map(|more| clause.iter().chain(more).cloned().collect())
                })
                .collect();
        }
        all
    }

    /// One literal over a condition of its own.
    fn computed(&mut self, of: &Program, node: &Node, wanted: bool) -> Vec<Clause> {
        let program = of.part(node);
        let next = self.programs.len();
        let at = *self.known.entry(program.canonical()).or_insert(next);
        if at == next {
            self.programs.push(program);
        }
        vec![vec![Literal { subject: Subject::Computed(at), test: Test::truth(wanted) }]]
    }
}

/// A question that a column's rows can answer.
fn literal(node: &Node, wanted: bool) -> Option<Literal> {
    let (field, kind, test) = match &node.kind {
        NodeKind::Column(field) => (*field, Kind::Bool, Test::truth(wanted)),
        NodeKind::Has(field) => (*field, Kind::Whole, Test::Present(wanted)),
        NodeKind::Compare { relation, left, right } => {
            let relation = if wanted { *relation } else { relation.negated() };
            let (field, kind) = column(left)?;
            (field, kind, compare(relation, kind, left.node_type, right)?)
        }
        NodeKind::OneOf { value, list } => {
            let (field, kind) = column(value)?;
            (field, kind, one_of(kind, value.node_type, list, wanted)?)
        }
        _ => return None,
    };
    Some(Literal { subject: Subject::Field(field, kind), test })
}

fn column(node: &Node) -> Option<(FieldId, Kind)> {
    let NodeKind::Column(field) = node.kind else { return None };
    let kind = match node.node_type {
        Type::Bool => Kind::Bool,
        Type::Float => Kind::Float,
        Type::Text => Kind::Text,
        Type::Int | Type::Money | Type::Timestamp | Type::Duration | Type::Id => Kind::Whole,
    };
    Some((field, kind))
}

fn compare(relation: Relation, kind: Kind, value_type: Type, right: &Node) -> Option<Test> {
    let constant = right.constant().filter(|constant| constant.value_type() == Some(value_type))?;
    let equal = match relation {
        Relation::Equal => Some(true),
        Relation::NotEqual => Some(false),
        _ => None,
    };
    if let Constant::Text(text) = constant {
        return Some(Test::OneOfTexts(vec![text.clone()], equal?));
    }
    let key = key(kind, constant)?;
    Some(match equal {
        Some(is_in) => Test::OneOf(vec![key], is_in),
        None => Test::Compare(relation, key),
    })
}

fn one_of(kind: Kind, value_type: Type, list: &[Constant], wanted: bool) -> Option<Test> {
    if list.iter().any(|constant| constant.value_type() != Some(value_type)) {
        return None;
    }
    if kind == Kind::Text {
        let texts = list.iter().filter_map(|constant| match constant {
            Constant::Text(text) => Some(text.clone()),
            _ => None,
        });
        let mut texts: Vec<_> = texts.collect();
        texts.sort_unstable();
        return Some(Test::OneOfTexts(texts, wanted));
    }
    let mut keys = list.iter().map(|constant| key(kind, constant)).collect::<Option<Vec<_>>>()?;
    keys.sort_unstable();
    Some(Test::OneOf(keys, wanted))
}

/// A constant's key; NaN has none, since it stands nowhere among the others.
fn key(kind: Kind, constant: &Constant) -> Option<i64> {
    match (kind, constant) {
        (Kind::Bool, Constant::Bool(value)) => Some(i64::from(*value)),
        (Kind::Float, Constant::Float(value)) if !value.is_nan() => Some(float_key(*value)),
        (
            Kind::Whole,
            Constant::Int(n) | Constant::Money(n) | Constant::Timestamp(n) | Constant::Duration(n),
        ) => Some(*n),
        _ => None,
    }
}

/// A number's place among all doubles but NaN, as a whole number; both zeros have one place.
pub(super) fn float_key(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}
