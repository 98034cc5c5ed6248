//! Walks a tree of literals to its value, within a bounded number of steps and bytes.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, MapExpr, operators as names};

use crate::domain::Zone;
use crate::lang::Relation;
use crate::lang::syntax::Syntax;

use super::names::{dotted, type_named};
use super::value::{CelMap, CelValue};
use super::{Error, literals, operators};

/// Most parts that are computed: macros within macros multiply.
const STEPS_MAX: u64 = 5_000_000;
/// Most bytes that texts, lists and maps may take together, as they are made.
const BYTES_MAX: u64 = 256 << 20;
/// Heaviest value that is answered, by [`CelValue::weight`].
const WEIGHT_MAX: usize = 1 << 20;

const TOO_LARGE: &str = "the value grows too large";

pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    pub(super) syntax: &'a Syntax,
    pub(super) zone: Option<&'a Zone>,
    /// Variables of the macros around, the innermost last.
    pub(super) bound: Vec<(&'a str, CelValue)>,
    steps_left: u64,
    bytes_left: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str, syntax: &'a Syntax, zone: Option<&'a Zone>) -> Self {
        let (steps_left, bytes_left) = (STEPS_MAX, BYTES_MAX);
        Self { text, syntax, zone, bound: Vec::new(), steps_left, bytes_left }
    }

    /// An error at a node.
    pub(super) fn error(&self, expr: &IdedExpr, message: impl Into<String>) -> Error {
        Error { at: self.syntax.place(expr).anchor.start, message: message.into() }
    }

    /// The value, or the error of having none, at a node.
    pub(super) fn at<T>(&self, expr: &IdedExpr, result: Result<T, String>) -> Result<T, Error> {
        result.map_err(|message| self.error(expr, message))
    }

    /// Pays for a value that is made anew.
    pub(super) fn pay(&mut self, expr: &IdedExpr, bytes: usize) -> Result<(), Error> {
        match self.bytes_left.checked_sub(bytes as u64) {
            Some(left) => {
                self.bytes_left = left;
                Ok(())
            }
            None => Err(self.error(expr, TOO_LARGE)),
        }
    }

    /// Pays for work that is as long as so many steps.
    pub(super) fn spend(&mut self, expr: &IdedExpr, steps: usize) -> Result<(), Error> {
        match self.steps_left.checked_sub(steps as u64) {
            Some(left) => {
                self.steps_left = left;
                Ok(())
            }
            None => {
                // A macro goes on after an error: the rounds to come must cost nothing.
                self.steps_left = 0;
                Err(self.error(expr, "the expression takes too long"))
            }
        }
    }

    /// The value of a node. Recursion is bounded by the depth of the syntax tree.
    pub(super) fn value(&mut self, expr: &'a IdedExpr) -> Result<CelValue, Error> {
        self.spend(expr, 1)?;
        match &expr.expr {
            Expr::Literal(literal) => self.literal(expr, literal),
            Expr::Ident(_) | Expr::Select(_) => self.name(expr),
            Expr::Call(call) => self.call(expr, call),
            Expr::List(list) => {
                self.pay(expr, list.elements.len() * size_of::<CelValue>())?;
                let items = list.elements.iter().map(|one| self.value(one));
                Ok(CelValue::List(items.collect::<Result<_, _>>()?))
            }
            Expr::Map(map) => self.map(expr, map),
            // `names::check` has refused them.
            Expr::Struct(_) | Expr::Comprehension(_) | Expr::Unspecified => {
                Err(self.error(expr, "this has no meaning here"))
            }
        }
    }

    /// The value of all, which must be one that can be written.
    pub(super) fn answer(&mut self) -> Result<CelValue, Error> {
        let syntax = self.syntax;
        let root = &syntax.root;
        let value = self.value(root)?;
        match value.weight(WEIGHT_MAX) < WEIGHT_MAX {
            true => Ok(value),
            false => Err(self.error(root, TOO_LARGE)),
        }
    }

    fn literal(&mut self, expr: &IdedExpr, literal: &LiteralValue) -> Result<CelValue, Error> {
        Ok(match literal {
            LiteralValue::Boolean(value) => CelValue::Bool(*value.inner()),
            LiteralValue::Int(value) => CelValue::Int(*value.inner()),
            LiteralValue::UInt(value) => CelValue::UInt(*value.inner()),
            LiteralValue::Double(value) => CelValue::Double(*value.inner()),
            LiteralValue::Null => CelValue::Null,
            LiteralValue::String(_) | LiteralValue::Bytes(_) => {
                let written = self.syntax.written(expr, self.text);
                self.pay(expr, written.len())?;
                let value = literals::read(written);
                return value.ok_or_else(|| self.error(expr, "an escape without meaning"));
            }
        })
    }

    /// A variable of a macro, the name of a type, or a field of a map.
    fn name(&mut self, expr: &'a IdedExpr) -> Result<CelValue, Error> {
        if let Expr::Ident(name) = &expr.expr
            && let Some((_, value)) = self.bound.iter().rev().find(|(bound, _)| bound == name)
        {
            return Ok(value.clone());
        }
        if let Some(name) = dotted(expr).as_deref().and_then(type_named) {
            return Ok(CelValue::Type(name));
        }
        let Expr::Select(select) = &expr.expr else {
            return Err(self.error(expr, "there is no such name"));
        };
        match self.value(&select.operand)? {
            CelValue::Map(map) => {
                let value = map.get(&CelValue::text(&select.field)).cloned();
                value.ok_or_else(|| self.error(expr, format!("no such key: `{}`", select.field)))
            }
            other => {
                let message = format!("no such overload: {} has no fields", other.type_name());
                Err(self.error(expr, message))
            }
        }
    }

    fn map(&mut self, expr: &IdedExpr, map: &'a MapExpr) -> Result<CelValue, Error> {
        self.pay(expr, map.entries.len() * size_of::<(CelValue, CelValue)>())?;
        let mut entries: Vec<(CelValue, CelValue)> = Vec::with_capacity(map.entries.len());
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
            let key = self.value(&entry.key)?;
            match &key {
                CelValue::Bool(_) | CelValue::Int(_) | CelValue::UInt(_) | CelValue::Text(_) => {}
                other => {
                    let message = format!("unsupported key type: {}", other.type_name());
                    return Err(self.error(&entry.key, message));
                }
            }
            // Quadratic in the entries of one literal, which its tokens bound.
            if entries.iter().any(|(known, _)| known.equals(&key)) {
                return Err(self.error(&entry.key, format!("repeated key: {key}")));
            }
            let value = self.value(&entry.value)?;
            entries.push((key, value));
        }
        Ok(CelValue::Map(CelMap(entries.into())))
    }

    fn call(&mut self, expr: &'a IdedExpr, call: &'a CallExpr) -> Result<CelValue, Error> {
        if call.target.is_some() {
            return self.method(expr, call);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (names::LOGICAL_AND, [left, right]) => self.joined(left, right, false),
            (names::LOGICAL_OR, [left, right]) => self.joined(left, right, true),
            (names::CONDITIONAL, [condition, then, otherwise]) => match self.value(condition)? {
                CelValue::Bool(true) => self.value(then),
                CelValue::Bool(false) => self.value(otherwise),
                other => Err(self.overload(condition, &[&other])),
            },
            (operator, [one]) if matches!(operator, names::LOGICAL_NOT | names::NEGATE) => {
                let value = self.value(one)?;
                let result = match (operator, &value) {
                    (names::LOGICAL_NOT, CelValue::Bool(value)) => Ok(CelValue::Bool(!value)),
                    (names::NEGATE, CelValue::Double(value)) => Ok(CelValue::Double(-value)),
                    (names::NEGATE, CelValue::Int(value)) => match value.checked_neg() {
                        Some(value) => Ok(CelValue::Int(value)),
                        None => Err(operators::OVERFLOW.to_owned()),
                    },
                    _ => return Err(self.overload(expr, &[&value])),
                };
                self.at(expr, result)
            }
            (_, [left, right]) => match operators::binary(&call.func_name) {
                Some(operator) => self.binary(expr, operator, left, right),
                None => self.function(expr, &call.args),
            },
            _ => self.function(expr, &call.args),
        }
    }

    fn binary(
        &mut self,
        expr: &IdedExpr,
        operator: operators::Binary,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
    ) -> Result<CelValue, Error> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        self.pay(expr, operators::growth(operator, &left, &right))?;
        let most = usize::try_from(self.steps_left).unwrap_or(usize::MAX).saturating_add(1);
        self.spend(expr, operators::steps(operator, &left, &right, most))?;
        match operators::compute(operator, &left, &right) {
            None => Err(self.overload(expr, &[&left, &right])),
            Some(result) => self.at(expr, result),
        }
    }

    /// `&&` (ended by false) or `||` (ended by true): what is no truth yields to what ends it.
    fn joined(
        &mut self,
        left: &'a IdedExpr,
        right: &'a IdedExpr,
        ends: bool,
    ) -> Result<CelValue, Error> {
        let first = self.truth(left);
        if matches!(first, Ok(value) if value == ends) {
            return Ok(CelValue::Bool(ends));
        }
        let second = self.truth(right);
        if matches!(second, Ok(value) if value == ends) {
            return Ok(CelValue::Bool(ends));
        }
        first.and(second).map(CelValue::Bool)
    }

    /// A node that must be true or false.
    pub(super) fn truth(&mut self, expr: &'a IdedExpr) -> Result<bool, Error> {
        match self.value(expr)? {
            CelValue::Bool(value) => Ok(value),
            other => Err(self.overload(expr, &[&other])),
        }
    }

    /// No operation takes values of such types.
    pub(super) fn overload(&self, expr: &IdedExpr, values: &[&CelValue]) -> Error {
        let names: Vec<_> = values.iter().map(|value| value.type_name()).collect();
        self.error(expr, format!("no such overload on {}", names.join(" and ")))
    }
}

/// The relation with this name in the syntax tree.
pub(super) fn relation(name: &str) -> Option<Relation> {
    Some(match name {
        names::EQUALS => Relation::Equal,
        names::NOT_EQUALS => Relation::NotEqual,
        names::LESS => Relation::Less,
        names::LESS_EQUALS => Relation::LessOrEqual,
        names::GREATER => Relation::Greater,
        names::GREATER_EQUALS => Relation::GreaterOrEqual,
        _ => return None,
    })
}
