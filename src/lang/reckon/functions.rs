//! Functions and methods of CEL.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr};

use crate::lang::{Pattern, TimePart};

use super::macros::Macro;
use super::value::CelValue as V;
use super::walk::Walk;
use super::{Error, convert, times};

impl<'a> Walk<'a> {
    /// `name(..)`.
    pub(super) fn function(
        &mut self,
        expr: &'a IdedExpr,
        args: &'a [IdedExpr],
    ) -> Result<V, Error> {
        let name = self.syntax.written(expr, self.text);
        match (name, args) {
            ("has", [IdedExpr { expr: Expr::Select(select), .. }]) => {
                match self.value(&select.operand)? {
                    V::Map(map) => Ok(V::Bool(map.get(&V::text(&select.field)).is_some())),
                    other => Err(self.overload(expr, &[&other])),
                }
            }
            ("size", [one]) => self.size(expr, one),
            ("type", [one]) => Ok(V::Type(self.value(one)?.type_name())),
            ("dyn", [one]) => self.value(one),
            ("matches", [text, pattern]) => self.matches(expr, text, pattern),
            (_, [one]) => {
                let value = self.value(one)?;
                self.pay(expr, convert::growth(&value))?;
                match convert::convert(name, &value) {
                    Some(result) => self.at(expr, result),
                    None => Err(self.overload(expr, &[&value])),
                }
            }
            _ => {
                Err(self.error(expr, format!("`{name}` does not take {} argument(s)", args.len())))
            }
        }
    }

    /// `x.name(..)`.
    pub(super) fn method(&mut self, expr: &'a IdedExpr, call: &'a CallExpr) -> Result<V, Error> {
        let name = self.syntax.written(expr, self.text);
        let args = call.args.as_slice();
        let Some(target) = call.target.as_deref() else {
            return Err(self.error(expr, "a value is missing before the dot"));
        };
        match (Macro::named(name), name, args) {
            (Some(found), ..) => self.comprehension(expr, found, target, args),
            (None, "size", []) => self.size(expr, target),
            (None, "matches", [pattern]) => self.matches(expr, target, pattern),
            (None, "startsWith" | "endsWith" | "contains", [argument]) => {
                let (text, argument) = (self.value(target)?, self.value(argument)?);
                let (V::Text(text), V::Text(argument)) = (&text, &argument) else {
                    return Err(self.overload(expr, &[&text, &argument]));
                };
                Ok(V::Bool(match name {
                    "startsWith" => text.starts_with(&**argument),
                    "endsWith" => text.ends_with(&**argument),
                    _ => text.contains(&**argument),
                }))
            }
            (None, _, [] | [_]) if let Some(part) = TimePart::named(name) => {
                self.part(expr, part, target, args.first())
            }
            _ => {
                let message = format!("`{name}` does not take {} argument(s)", args.len());
                Err(self.error(expr, message))
            }
        }
    }

    fn size(&mut self, expr: &IdedExpr, one: &'a IdedExpr) -> Result<V, Error> {
        let value = self.value(one)?;
        let size = match &value {
            V::Text(text) => text.chars().count(),
            V::Bytes(bytes) => bytes.len(),
            V::List(items) => items.len(),
            V::Map(map) => map.entries().len(),
            other => return Err(self.overload(expr, &[other])),
        };
        Ok(V::Int(size as i64))
    }

    fn matches(
        &mut self,
        expr: &IdedExpr,
        text: &'a IdedExpr,
        pattern: &'a IdedExpr,
    ) -> Result<V, Error> {
        let (text, pattern) = (self.value(text)?, self.value(pattern)?);
        let (V::Text(text), V::Text(pattern)) = (&text, &pattern) else {
            return Err(self.overload(expr, &[&text, &pattern]));
        };
        // Compiling one costs as much as a thousand steps.
        self.pay(expr, 1 << 14)?;
        let compiled = Pattern::compile(pattern);
        let compiled = self.at(expr, compiled)?;
        Ok(V::Bool(compiled.regex().is_match(text)))
    }

    fn part(
        &mut self,
        expr: &IdedExpr,
        part: TimePart,
        target: &'a IdedExpr,
        zone: Option<&'a IdedExpr>,
    ) -> Result<V, Error> {
        let value = self.value(target)?;
        let zone = zone.map(|zone| self.value(zone)).transpose()?;
        let result = match (&value, &zone) {
            (V::Timestamp(ns), None) => times::part(part, *ns, None, self.zone),
            (V::Timestamp(ns), Some(V::Text(zone))) => times::part(part, *ns, Some(zone), None),
            (V::Duration(ns), None) if let Some(units) = times::units(part, *ns) => Ok(units),
            (_, None) => return Err(self.overload(expr, &[&value])),
            (_, Some(zone)) => return Err(self.overload(expr, &[&value, zone])),
        };
        self.at(expr, result.map(V::Int))
    }
}
