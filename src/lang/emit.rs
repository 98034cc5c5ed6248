//! From a typed tree to a program.

use super::code::{
    Code, FloatOp, Floats, Root, Terms, TextOp, Texts, TruthOp, Truths, WholeOp, Wholes,
};
use super::{Arithmetic, Constant, Node, NodeKind, Relation, Type};

impl Code {
    /// Compiles a typed tree. Trees come from the checker, which has matched every operator with
    /// its types and bounded the depth; a tree of another origin that does not fit compiles to
    /// constants, never to a panic.
    pub(super) fn of(node: &Node) -> Self {
        let mut code = Self {
            truths: Vec::new(),
            wholes: Vec::new(),
            floats: Vec::new(),
            texts: Vec::new(),
            terms: Vec::new(),
            root: Root::Truth(Truths(0)),
        };
        code.root = match node.node_type {
            Type::Bool => Root::Truth(code.truth(node)),
            Type::Float => Root::Float(code.float(node)),
            Type::Text => Root::Text(code.text(node)),
            Type::Int | Type::Money | Type::Timestamp | Type::Duration | Type::Id => {
                Root::Whole(code.whole(node))
            }
        };
        code
    }

    fn truth(&mut self, node: &Node) -> Truths {
        let op = match &node.kind {
            NodeKind::Constant(Constant::Bool(value)) => TruthOp::Constant(*value),
            NodeKind::Column(field) => TruthOp::Column(*field),
            NodeKind::Has(field) => TruthOp::Has(*field),
            NodeKind::Not(one) => TruthOp::Not(self.truth(one)),
            NodeKind::And(terms) => TruthOp::And(self.terms(terms)),
            NodeKind::Or(terms) => TruthOp::Or(self.terms(terms)),
            NodeKind::If { condition, then, otherwise } => {
                let condition = self.truth(condition);
                TruthOp::If(condition, self.truth(then), self.truth(otherwise))
            }
            NodeKind::Compare { relation, left, right } => self.compare(*relation, left, right),
            NodeKind::OneOf { value, list } => self.one_of(value, list),
            NodeKind::Text { test, text, argument } => {
                let text = self.text(text);
                TruthOp::TextTest { test: *test, text, argument: self.text(argument) }
            }
            NodeKind::Matches { text, pattern } => {
                TruthOp::Matches { text: self.text(text), pattern: Box::new(pattern.clone()) }
            }
            _ => TruthOp::Constant(false),
        };
        self.truths.push(op);
        Truths(self.truths.len() as u32 - 1)
    }

    fn terms(&mut self, nodes: &[Node]) -> Terms {
        let terms: Vec<_> = nodes.iter().map(|node| self.truth(node)).collect();
        let first = self.terms.len() as u32;
        self.terms.extend(terms);
        Terms { first, count: nodes.len() as u32 }
    }

    fn compare(&mut self, relation: Relation, left: &Node, right: &Node) -> TruthOp {
        let equal = relation == Relation::Equal;
        match (&left.kind, right.constant(), left.node_type, right.node_type) {
            (NodeKind::Column(field), Some(constant), l, r) if l == r => match constant {
                Constant::Float(constant) => {
                    return TruthOp::FloatColumn { field: *field, relation, constant: *constant };
                }
                Constant::Text(text)
                    if matches!(relation, Relation::Equal | Relation::NotEqual) =>
                {
                    return TruthOp::TextColumn { field: *field, equal, constant: text.clone() };
                }
                _ => {
                    if let Some(constant) = constant.whole() {
                        return TruthOp::WholeColumn { field: *field, relation, constant };
                    }
                }
            },
            _ => {}
        }
        match (left.node_type, right.node_type) {
            (Type::Bool, _) => {
                let left = self.truth(left);
                TruthOp::Truths { equal, left, right: self.truth(right) }
            }
            (Type::Text, _) => {
                let left = self.text(left);
                TruthOp::Texts { relation, left, right: self.text(right) }
            }
            (Type::Float, Type::Float) => {
                let left = self.float(left);
                TruthOp::Floats { relation, left, right: self.float(right) }
            }
            (Type::Float, _) => {
                // Left is computed first all the same: only errors could tell, and of two errors
                // either may be reported.
                let right = self.whole(right);
                TruthOp::Mixed {
                    relation: relation.flipped(),
                    left: right,
                    right: self.float(left),
                }
            }
            (_, Type::Float) => {
                let left = self.whole(left);
                TruthOp::Mixed { relation, left, right: self.float(right) }
            }
            _ => {
                let left = self.whole(left);
                TruthOp::Wholes { relation, left, right: self.whole(right) }
            }
        }
    }

    fn one_of(&mut self, value: &Node, list: &[Constant]) -> TruthOp {
        let floats = || {
            list.iter().filter_map(|constant| match constant {
                Constant::Float(value) => Some(*value),
                _ => None,
            })
        };
        let wholes = || list.iter().filter_map(Constant::whole);
        match value.node_type {
            Type::Text => {
                let texts = list.iter().filter_map(|constant| match constant {
                    Constant::Text(text) => Some(text.clone()),
                    _ => None,
                });
                let mut list: Vec<_> = texts.collect();
                list.sort_unstable();
                TruthOp::TextOneOf { value: self.text(value), list: list.into() }
            }
            Type::Float if wholes().next().is_some() => {
                // A list of ints of which some have no exact float: compared one by one, exactly.
                let exact = floats().map(|value| value as i64);
                let list = exact.chain(wholes()).collect();
                TruthOp::FloatAmongInts { value: self.float(value), list }
            }
            Type::Float => {
                TruthOp::FloatOneOf { value: self.float(value), list: floats().collect() }
            }
            Type::Bool => {
                let has = |wanted| list.contains(&Constant::Bool(wanted));
                let value = self.truth(value);
                let always = self.push_truth(TruthOp::Constant(has(true)));
                let never = self.push_truth(TruthOp::Constant(has(false)));
                TruthOp::If(value, always, never)
            }
            _ if floats().next().is_some() => {
                TruthOp::MixedOneOf { value: self.whole(value), list: floats().collect() }
            }
            _ => {
                let mut list: Vec<_> = wholes().collect();
                list.sort_unstable();
                TruthOp::WholeOneOf { value: self.whole(value), list: list.into() }
            }
        }
    }

    fn push_truth(&mut self, op: TruthOp) -> Truths {
        self.truths.push(op);
        Truths(self.truths.len() as u32 - 1)
    }

    fn whole(&mut self, node: &Node) -> Wholes {
        let op = match &node.kind {
            NodeKind::Constant(constant) => WholeOp::Constant(constant.whole().unwrap_or(0)),
            NodeKind::Column(field) => WholeOp::Column(*field),
            NodeKind::If { condition, then, otherwise } => {
                let condition = self.truth(condition);
                let then = self.whole(then);
                WholeOp::If(condition, then, self.whole(otherwise))
            }
            NodeKind::Arithmetic { operator, left, right } => {
                let left = self.whole(left);
                let right = self.whole(right);
                match node.node_type {
                    Type::Timestamp => WholeOp::Moment(*operator, left, right),
                    _ => WholeOp::Arithmetic(*operator, left, right),
                }
            }
            NodeKind::Negate(one) => WholeOp::Negate(self.whole(one)),
            NodeKind::Absolute(one) => WholeOp::Absolute(self.whole(one)),
            NodeKind::Least(left, right) => {
                let left = self.whole(left);
                WholeOp::Least(left, self.whole(right))
            }
            NodeKind::Greatest(left, right) => {
                let left = self.whole(left);
                WholeOp::Greatest(left, self.whole(right))
            }
            NodeKind::Convert(one) => match one.node_type {
                Type::Float => WholeOp::FromFloat(self.float(one)),
                Type::Timestamp => WholeOp::FlooredUnits(self.whole(one), 1_000),
                _ => WholeOp::Units(self.whole(one), 1),
            },
            NodeKind::WholeUnits { duration, unit_ms } => {
                WholeOp::Units(self.whole(duration), *unit_ms)
            }
            NodeKind::Size(text) => WholeOp::Size(self.text(text)),
            NodeKind::Part { part, moment, zone } => WholeOp::Part {
                part: *part,
                moment: self.whole(moment),
                zone: Box::new(zone.clone()),
            },
            _ => WholeOp::Constant(0),
        };
        self.wholes.push(op);
        Wholes(self.wholes.len() as u32 - 1)
    }

    fn float(&mut self, node: &Node) -> Floats {
        let op = match &node.kind {
            NodeKind::Constant(Constant::Float(value)) => FloatOp::Constant(*value),
            NodeKind::Column(field) => FloatOp::Column(*field),
            NodeKind::If { condition, then, otherwise } => {
                let condition = self.truth(condition);
                let then = self.float(then);
                FloatOp::If(condition, then, self.float(otherwise))
            }
            NodeKind::Arithmetic { operator: Arithmetic::Divide, left, right }
                if left.node_type == Type::Money =>
            {
                let left = self.whole(left);
                FloatOp::Ratio(left, self.whole(right))
            }
            NodeKind::Arithmetic { operator, left, right } => {
                let left = self.float(left);
                FloatOp::Arithmetic(*operator, left, self.float(right))
            }
            NodeKind::Negate(one) => FloatOp::Negate(self.float(one)),
            NodeKind::Absolute(one) => FloatOp::Absolute(self.float(one)),
            NodeKind::Least(left, right) => {
                let left = self.float(left);
                FloatOp::Least(left, self.float(right))
            }
            NodeKind::Greatest(left, right) => {
                let left = self.float(left);
                FloatOp::Greatest(left, self.float(right))
            }
            NodeKind::Convert(one) => FloatOp::FromWhole(self.whole(one)),
            NodeKind::Distance(places) => {
                FloatOp::Distance([0, 1, 2, 3].map(|at: usize| self.float(&places[at])))
            }
            _ => FloatOp::Constant(0.0),
        };
        self.floats.push(op);
        Floats(self.floats.len() as u32 - 1)
    }

    fn text(&mut self, node: &Node) -> Texts {
        let op = match &node.kind {
            NodeKind::Constant(Constant::Text(text)) => TextOp::Constant(text.clone()),
            NodeKind::Column(field) => TextOp::Column(*field),
            NodeKind::If { condition, then, otherwise } => {
                let condition = self.truth(condition);
                let then = self.text(then);
                TextOp::If(condition, then, self.text(otherwise))
            }
            _ => TextOp::Constant("".into()),
        };
        self.texts.push(op);
        Texts(self.texts.len() as u32 - 1)
    }
}
