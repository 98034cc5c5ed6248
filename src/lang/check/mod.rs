//! From a syntax tree to a typed tree: names become columns, every operator meets its types.
//!
//! A fault in one part does not hide a fault in another: each part that is wrong is `None` and is
//! said once, and what stands above it is silent.

mod calls;
mod fold;
mod lists;
mod operators;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, ListExpr, LiteralValue, operators as names};

pub(super) use calls::METHODS;

use super::suggest::nearest;
use super::syntax::{NodePlace, Syntax};
use super::{Constant, Fault, Node, NodeKind, Place, Relation, Scope, StateBit, Type};

/// Where an expression stands, which decides the names beyond the scope's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Room {
    /// A rule or a derived value: a row is all there is.
    Row,
    /// A feature's `where:`, which may ask what became of the event.
    Where,
}

/// Checks a whole expression; the error holds every fault.
pub(super) fn check(
    text: &str,
    place: &Place,
    scope: &Scope<'_>,
    room: Room,
) -> Result<Node, Vec<Fault>> {
    let syntax = Syntax::parse(text, place)?;
    let mut checker = Checker::new(text, place, scope, room, &syntax);
    match checker.node(&syntax.root) {
        Some(node) if checker.faults.is_empty() => Ok(node),
        _ => Err(checker.faults),
    }
}

/// Checks an expression that is a constant or a list of constants.
pub(super) fn check_constant(
    text: &str,
    place: &Place,
    scope: &Scope<'_>,
) -> Result<Constant, Vec<Fault>> {
    let syntax = Syntax::parse(text, place)?;
    let mut checker = Checker::new(text, place, scope, Room::Row, &syntax);
    let constant = match &syntax.root.expr {
        Expr::List(list) => checker.list(list),
        Expr::Ident(name) if scope.constants.contains_key(name) => {
            scope.constants.get(name).cloned()
        }
        _ => checker.node(&syntax.root).and_then(|node| match node.kind {
            NodeKind::Constant(constant) => Some(constant),
            _ => checker.fault(&syntax.root, "a constant does not depend on an event".into()),
        }),
    };
    match constant {
        Some(constant) if checker.faults.is_empty() => Ok(constant),
        _ => Err(checker.faults),
    }
}

struct Checker<'a> {
    text: &'a str,
    place: &'a Place,
    scope: &'a Scope<'a>,
    room: Room,
    syntax: &'a Syntax,
    faults: Vec<Fault>,
    patterns: usize,
    /// Terms that lists have become.
    terms: usize,
    /// Variables of `exists` and `all` with their elements, the innermost last.
    bound: Vec<(String, Constant)>,
}

impl<'a> Checker<'a> {
    fn new(
        text: &'a str,
        place: &'a Place,
        scope: &'a Scope<'a>,
        room: Room,
        syntax: &'a Syntax,
    ) -> Self {
        let (faults, bound) = (Vec::new(), Vec::new());
        Self { text, place, scope, room, syntax, faults, patterns: 0, terms: 0, bound }
    }

    fn at(&self, expr: &IdedExpr) -> NodePlace {
        self.syntax.place(expr)
    }

    /// The anchor's text: a name as it was written.
    fn written(&self, expr: &IdedExpr) -> &'a str {
        self.syntax.written(expr, self.text)
    }

    /// Says a fault at a node. `None`, so that it can end a check.
    fn fault<T>(&mut self, expr: &IdedExpr, message: String) -> Option<T> {
        self.fault_suggesting(expr, message, None)
    }

    fn fault_suggesting<T>(
        &mut self,
        expr: &IdedExpr,
        message: String,
        suggestion: Option<String>,
    ) -> Option<T> {
        if self.faults.len() < FAULTS_MAX {
            let place = self.at(expr);
            // A name with dots is one name.
            let whole = matches!(expr.expr, Expr::Select(_));
            let offset = if whole { place.span.start } else { place.anchor.start } as usize;
            let fault = Fault::at(self.place, self.text, offset, message);
            self.faults.push(fault.suggesting(suggestion));
        }
        None
    }

    fn make(&self, expr: &IdedExpr, node_type: Type, kind: NodeKind) -> Node {
        Node { kind, node_type, span: self.at(expr).span }
    }

    /// A node of any type. Recursion is bounded by the depth of the syntax tree.
    fn node(&mut self, expr: &IdedExpr) -> Option<Node> {
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(_) | Expr::Select(_) => self.name(expr),
            Expr::Call(call) if call.target.is_some() => self.method(expr, call),
            Expr::Call(call) => self.operator_or_call(expr, call),
            Expr::List(_) => self.fault(expr, "a list stands only after `in`".into()),
            Expr::Map(_) => self.fault(expr, "there are no maps here".into()),
            Expr::Struct(_) => self.fault(expr, "there are no messages here".into()),
            Expr::Comprehension(_) | Expr::Unspecified => {
                self.fault(expr, "this has no meaning here".into())
            }
        }
    }

    /// A node of one type, or a fault that names both.
    fn node_of(&mut self, expr: &IdedExpr, wanted: Type) -> Option<Node> {
        let node = self.node(expr)?;
        if node.node_type == wanted {
            return Some(node);
        }
        let message =
            format!("{} is needed here, this is {}", wanted.name(), node.node_type.name());
        self.fault(expr, message)
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Option<Node> {
        let constant = match literal {
            LiteralValue::Boolean(value) => Constant::Bool(*value.inner()),
            LiteralValue::Int(value) => Constant::Int(*value.inner()),
            LiteralValue::UInt(value) => match i64::try_from(*value.inner()) {
                Ok(value) => Constant::Int(value),
                Err(_) => return self.fault(expr, "whole numbers have 63 bits here".into()),
            },
            LiteralValue::Double(value) => Constant::Float(*value.inner()),
            LiteralValue::String(value) => Constant::Text(value.inner().into()),
            LiteralValue::Bytes(_) => return self.fault(expr, "there are no bytes here".into()),
            LiteralValue::Null => {
                let message = "nothing is null here: ask with `has(x)` whether x has a value";
                return self.fault(expr, message.into());
            }
        };
        Some(self.constant(expr, constant))
    }

    /// A constant node. Lists are told apart by the caller.
    fn constant(&self, expr: &IdedExpr, constant: Constant) -> Node {
        let node_type = constant.value_type().unwrap_or(Type::Bool);
        self.make(expr, node_type, NodeKind::Constant(constant))
    }

    /// A name, dots included: a column, a constant or what became of the event.
    fn name(&mut self, expr: &IdedExpr) -> Option<Node> {
        let Some(name) = dotted(expr) else {
            return self.fault(expr, "a name stands before a dot".into());
        };
        if let Some(element) = self.element(&name).cloned() {
            return Some(self.constant(expr, element));
        }
        if let Some(field) = self.scope.schema.get(&name) {
            return Some(self.make(expr, Type::of(field.field_type), NodeKind::Column(field.id)));
        }
        match self.scope.constants.get(&name) {
            Some(Constant::List(..)) => {
                return self.fault(expr, format!("`{name}` is a list: it stands only after `in`"));
            }
            Some(constant) => return Some(self.constant(expr, constant.clone())),
            None => {}
        }
        match (StateBit::parse(&name), self.room) {
            (Some(bit), Room::Where) => Some(self.make(expr, Type::Bool, NodeKind::State(bit))),
            (Some(_), Room::Row) => {
                let message = format!("`{name}` is known only in the `where:` of a feature");
                self.fault(expr, message)
            }
            (None, _) => self.unknown_name(expr, &name),
        }
    }

    fn unknown_name<T>(&mut self, expr: &IdedExpr, name: &str) -> Option<T> {
        let states = match self.room {
            Room::Where => StateBit::ALL,
            Room::Row => &[],
        };
        let names = self.scope.names().chain(states.iter().map(|bit| bit.name()));
        let suggestion = nearest(name, names);
        let message = match calls::is_function(name) {
            true => format!("`{name}` is a function: call it"),
            false => format!("there is no column or constant `{}`", clipped(name)),
        };
        self.fault_suggesting(expr, message, suggestion)
    }

    fn operator_or_call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<Node> {
        let arguments = call.args.as_slice();
        let relation = match call.func_name.as_str() {
            names::EQUALS => Some(Relation::Equal),
            names::NOT_EQUALS => Some(Relation::NotEqual),
            names::LESS => Some(Relation::Less),
            names::LESS_EQUALS => Some(Relation::LessOrEqual),
            names::GREATER => Some(Relation::Greater),
            names::GREATER_EQUALS => Some(Relation::GreaterOrEqual),
            _ => None,
        };
        match (call.func_name.as_str(), arguments) {
            (names::LOGICAL_AND | names::LOGICAL_OR, _) => self.junction(expr, call),
            (names::LOGICAL_NOT, [one]) => {
                let node = self.node_of(one, Type::Bool)?;
                Some(self.make(expr, Type::Bool, NodeKind::Not(Box::new(node))))
            }
            (names::CONDITIONAL, [condition, then, otherwise]) => {
                self.conditional(expr, [condition, then, otherwise])
            }
            (names::NEGATE, [one]) => self.negate(expr, one),
            (names::IN, [value, list]) => self.one_of(expr, value, list),
            (names::INDEX, _) => self.fault(expr, "nothing can be indexed here".into()),
            (_, [left, right]) if let Some(relation) = relation => {
                self.compare(expr, relation, left, right)
            }
            (operator, [left, right]) if let Some(operator) = operators::arithmetic(operator) => {
                self.arithmetic(expr, operator, left, right)
            }
            _ => self.function(expr, arguments),
        }
    }

    /// The constants of a list literal, of one type.
    fn list(&mut self, list: &ListExpr) -> Option<Constant> {
        let mut list_type = None;
        let mut constants = Vec::with_capacity(list.elements.len());
        for element in &list.elements {
            let Some(node) = self.node(element) else { continue };
            let NodeKind::Constant(constant) = node.kind else {
                self.fault::<()>(element, "the elements of a list are constants".into());
                continue;
            };
            let wanted = *list_type.get_or_insert(node.node_type);
            if node.node_type != wanted {
                let (wanted, got) = (wanted.name(), node.node_type.name());
                let message = format!("a list holds one type: this is {got} among {wanted}");
                self.fault::<()>(element, message);
            }
            constants.push(constant);
        }
        (constants.len() == list.elements.len())
            .then(|| Constant::List(list_type.unwrap_or(Type::Int), constants))
    }
}

/// More faults than these in one expression have one cause.
const FAULTS_MAX: usize = 50;

/// The name that an expression spells, dots included; `None` when it is no name.
fn dotted(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", dotted(&select.operand)?, select.field))
        }
        _ => None,
    }
}

/// A name as a message shows it.
fn clipped(name: &str) -> String {
    match name.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}
