//! Which operator meets which types.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, operators as names};

use crate::lang::{Arithmetic, Constant, Node, NodeKind, Relation, Type};

use super::{Checker, dotted};

/// The arithmetic with this name in the syntax tree.
pub(super) fn arithmetic(name: &str) -> Option<Arithmetic> {
    Some(match name {
        names::ADD => Arithmetic::Add,
        names::SUBSTRACT => Arithmetic::Subtract,
        names::MULTIPLY => Arithmetic::Multiply,
        names::DIVIDE => Arithmetic::Divide,
        names::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}

impl Checker<'_> {
    /// `a && b && c` or `a || b || c`, whose tree the parser has balanced, as one flat list.
    pub(super) fn junction(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Node> {
        let mut terms = Vec::new();
        let mut waiting: Vec<&IdedExpr> = call.args.iter().rev().collect();
        while let Some(term) = waiting.pop() {
            match &term.expr {
                Expr::Call(inner)
                    if inner.func_name == call.func_name && inner.target.is_none() =>
                {
                    waiting.extend(inner.args.iter().rev());
                }
                _ => terms.push(term),
            }
        }
        // Every term is checked before the first fault ends the check.
        let nodes: Vec<_> = terms.iter().map(|term| self.node_of(term, Type::Bool)).collect();
        let nodes = nodes.into_iter().collect::<Option<Vec<_>>>()?;
        let kind = match call.func_name == names::LOGICAL_AND {
            true => NodeKind::And(nodes),
            false => NodeKind::Or(nodes),
        };
        Some(self.make(expr, Type::Bool, kind))
    }

    pub(super) fn conditional(
        &mut self,
        expr: &IdedExpr,
        [condition, then, otherwise]: [&IdedExpr; 3],
    ) -> Option<Node> {
        let condition = self.node_of(condition, Type::Bool);
        let (left, right) = (self.node(then), self.node(otherwise));
        let (condition, left, right) = (condition?, left?, right?);
        let node_type = left.node_type;
        if node_type != right.node_type {
            let (left, right) = (node_type.name(), right.node_type.name());
            let message = format!("both values of `? :` have one type: {left} and {right} differ");
            return self.fault(expr, message);
        }
        let kind = NodeKind::If {
            condition: Box::new(condition),
            then: Box::new(left),
            otherwise: Box::new(right),
        };
        Some(self.make(expr, node_type, kind))
    }

    pub(super) fn negate(&mut self, expr: &IdedExpr, one: &IdedExpr) -> Option<Node> {
        let node = self.node(one)?;
        match node.node_type {
            node_type @ (Type::Int | Type::Float | Type::Money | Type::Duration) => {
                let node = self.make(expr, node_type, NodeKind::Negate(Box::new(node)));
                self.folded(expr, node)
            }
            other => self.fault(expr, format!("{} has no sign", other.name())),
        }
    }

    pub(super) fn compare(
        &mut self,
        expr: &IdedExpr,
        relation: Relation,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<Node> {
        let (left, right) = (self.node(left), self.node(right));
        let (mut left, mut right) = (left?, right?);
        let mut relation = relation;
        let (l, r) = (left.node_type, right.node_type);
        let numbers = matches!((l, r), (Type::Int, Type::Float) | (Type::Float, Type::Int));
        if l != r && !numbers {
            return self.not_comparable(expr, &left, &right);
        }
        let ordered = !matches!(relation, Relation::Equal | Relation::NotEqual);
        if ordered && matches!(l, Type::Bool | Type::Id) {
            return self.fault(expr, format!("{} has no order: use `==` or `!=`", l.name()));
        }
        if left.constant().is_some() && right.constant().is_none() {
            std::mem::swap(&mut left, &mut right);
            relation = relation.flipped();
        }
        if left.node_type == Type::Float {
            int_to_float(&mut right);
        }
        let kind = NodeKind::Compare { relation, left: Box::new(left), right: Box::new(right) };
        Some(self.make(expr, Type::Bool, kind))
    }

    fn not_comparable<T>(&mut self, expr: &IdedExpr, left: &Node, right: &Node) -> Option<T> {
        let (l, r) = (left.node_type, right.node_type);
        let message = format!("cannot compare {} with {}", l.name(), r.name());
        let number = match (l, r) {
            (Type::Money, Type::Int | Type::Float) => Some(right),
            (Type::Int | Type::Float, Type::Money) => Some(left),
            _ => None,
        };
        let Some(number) = number else {
            return self.fault(expr, message);
        };
        let decimals = usize::from(self.scope.base_decimals.min(4));
        let amount = match number.constant() {
            Some(Constant::Int(number)) => format!("{number}.{:0>decimals$}", ""),
            Some(Constant::Float(number)) => format!("{number:.decimals$}"),
            _ => format!("1000.{:0>decimals$}", ""),
        };
        let currency = self.scope.base_currency.as_str();
        let meant = format!("money(\"{} {currency}\")", amount.trim_end_matches('.'));
        self.fault_suggesting(expr, format!("{message}: money has a currency"), Some(meant))
    }

    pub(super) fn one_of(
        &mut self,
        expr: &IdedExpr,
        value: &IdedExpr,
        list: &IdedExpr,
    ) -> Option<Node> {
        let value = self.node(value);
        let constants = match &list.expr {
            Expr::List(literal) => self.list(literal),
            _ => match dotted(list).and_then(|name| self.scope.constants.get(&name)) {
                Some(constant @ Constant::List(..)) => Some(constant.clone()),
                _ => {
                    let message = "after `in` stands a list: `[\"a\", \"b\"]` or a constant list";
                    self.fault(list, message.into())
                }
            },
        };
        let (value, Some(Constant::List(list_type, mut constants))) = (value?, constants) else {
            return None;
        };
        let (v, l) = (value.node_type, list_type);
        let numbers = matches!((v, l), (Type::Int, Type::Float) | (Type::Float, Type::Int));
        if !constants.is_empty() && v != l && !numbers {
            let message = format!("cannot look for {} among {}", v.name(), l.name());
            return self.fault(expr, message);
        }
        if v == Type::Float {
            constants.iter_mut().for_each(constant_to_float);
        }
        let kind = NodeKind::OneOf { value: Box::new(value), list: constants };
        Some(self.make(expr, Type::Bool, kind))
    }

    pub(super) fn arithmetic(
        &mut self,
        expr: &IdedExpr,
        operator: Arithmetic,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<Node> {
        let (left, right) = (self.node(left), self.node(right));
        let (left, right) = (left?, right?);
        let (l, r) = (left.node_type, right.node_type);
        let Some(node_type) = result_type(operator, l, r) else {
            let hint = match (l, r) {
                (Type::Text, Type::Text) => ": texts are not joined here",
                (Type::Int, Type::Float) | (Type::Float, Type::Int) => {
                    ": write 2.0 for 2, or double(x)"
                }
                (Type::Money, Type::Float) | (Type::Float, Type::Money) => {
                    ": double(x) gives the minor units as a number"
                }
                (Type::Money, Type::Int) | (Type::Int, Type::Money) => {
                    ": money meets money, or is multiplied by an int"
                }
                _ => "",
            };
            let message = format!("no such operation on {} and {}{hint}", l.name(), r.name());
            return self.fault(expr, message);
        };
        let kind = NodeKind::Arithmetic { operator, left: Box::new(left), right: Box::new(right) };
        let node = self.make(expr, node_type, kind);
        self.folded(expr, node)
    }
}

/// The type of an operation's result, if there is such an operation.
const fn result_type(operator: Arithmetic, left: Type, right: Type) -> Option<Type> {
    use Type as T;
    Some(match (operator, left, right) {
        (Arithmetic::Remainder, T::Int, T::Int) => T::Int,
        (Arithmetic::Remainder, ..) => return None,
        (_, T::Int, T::Int) => T::Int,
        (_, T::Float, T::Float) => T::Float,
        (Arithmetic::Add | Arithmetic::Subtract, T::Money, T::Money) => T::Money,
        (Arithmetic::Multiply, T::Money, T::Int) | (Arithmetic::Multiply, T::Int, T::Money) => {
            T::Money
        }
        (Arithmetic::Divide, T::Money, T::Money) => T::Float,
        (Arithmetic::Add | Arithmetic::Subtract, T::Duration, T::Duration) => T::Duration,
        (Arithmetic::Add | Arithmetic::Subtract, T::Timestamp, T::Duration) => T::Timestamp,
        (Arithmetic::Add, T::Duration, T::Timestamp) => T::Timestamp,
        (Arithmetic::Subtract, T::Timestamp, T::Timestamp) => T::Duration,
        _ => return None,
    })
}

/// Makes an int constant a float, where a float holds it exactly.
fn int_to_float(node: &mut Node) {
    if let NodeKind::Constant(constant) = &mut node.kind {
        constant_to_float(constant);
        if let Constant::Float(_) = constant {
            node.node_type = Type::Float;
        }
    }
}

fn constant_to_float(constant: &mut Constant) {
    /// Every whole number up to here has a double of its own.
    const EXACT: u64 = 1 << 53;
    if let Constant::Int(number) = constant
        && number.unsigned_abs() <= EXACT
    {
        *constant = Constant::Float(*number as f64);
    }
}
