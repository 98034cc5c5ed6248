//! The desk at which expressions are compiled: the one place that calls `lang` for a bundle.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::{At, Fault, Report};
use super::read::{Text, plain_int, text};
use super::yaml::{Node, Shape};
use super::{letters, values};
use crate::domain::{Currency, Schema, Zone};
use crate::lang::{self, Constant, Expected, Place, Program, Scope, Where};

/// Named constants.
pub(super) type Constants = BTreeMap<String, Constant>;

/// What every expression of a bundle may speak of, but for the constants of its file.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    /// The columns.
    pub(super) schema: &'a Schema,
    /// Where a time of day is read.
    pub(super) zone: &'a Zone,
    /// The currency of money literals.
    pub(super) base_currency: Currency,
    /// Its minor digits.
    pub(super) base_decimals: u8,
}

impl Desk<'_> {
    fn scope<'a>(&'a self, constants: &'a Constants) -> Scope<'a> {
        Scope {
            schema: self.schema,
            constants,
            zone: self.zone,
            base_currency: self.base_currency,
            base_decimals: self.base_decimals,
        }
    }

    /// Compiles an expression; faults go to the report.
    pub(super) fn compile(
        &self,
        text: Text<'_>,
        expected: Expected,
        constants: &Constants,
        report: &mut Report<'_>,
    ) -> Option<Program> {
        letters::check_value(text.text, text.at, report);
        let place = place(text, report.file);
        let program =
            taken(lang::compile(text.text, &place, &self.scope(constants), expected), report)?;
        let impossible = values::impossible(program.node(), self.schema);
        values::note(impossible, (text.text, &place), report);
        Some(program)
    }

    /// Compiles a condition over a single event, its outcome and its label.
    pub(super) fn compile_where(
        &self,
        text: Text<'_>,
        constants: &Constants,
        report: &mut Report<'_>,
    ) -> Option<Where> {
        letters::check_value(text.text, text.at, report);
        let place = place(text, report.file);
        let filter = taken(lang::compile_where(text.text, &place, &self.scope(constants)), report)?;
        let mut impossible = Vec::new();
        values::impossible_in(&filter, self.schema, &mut impossible);
        values::note(impossible, (text.text, &place), report);
        Some(filter)
    }

    /// Compiles a constant.
    pub(super) fn constant(
        &self,
        text: Text<'_>,
        constants: &Constants,
        report: &mut Report<'_>,
    ) -> Option<Constant> {
        let place = place(text, report.file);
        taken(lang::compile_constant(text.text, &place, &self.scope(constants)), report)
    }

    /// An amount of the base currency, written `money("1000.00 CNY")` or named by a constant.
    pub(super) fn money(
        &self,
        node: &Node,
        constants: &Constants,
        report: &mut Report<'_>,
    ) -> Option<i64> {
        let text = text(node, report)?;
        match self.constant(text, constants, report)? {
            Constant::Money(minor) => Some(minor),
            _ => {
                let code = self.base_currency.as_str();
                let message = format!("must be an amount such as `money(\"1000.00 {code}\")`");
                report.fault(text.at, message);
                None
            }
        }
    }

    /// The constants of a file, with those of the bundle before them.
    pub(super) fn constants(
        &self,
        node: Option<&Node>,
        shared: &Constants,
        report: &mut Report<'_>,
    ) -> Constants {
        let mut all = shared.clone();
        let Some(node) = node else { return all };
        let Shape::Map(entries) = &node.shape else {
            report.fault(node.at, "`constants` must be a map from name to value");
            return all;
        };
        for (key, value) in entries {
            if !is_name(&key.text) {
                report.fault(key.at, NAME_RULE);
            } else if self.schema.get(&key.text).is_some() {
                let message = format!("`{}` is a column; choose another name", key.text);
                report.fault(key.at, message);
            } else if shared.contains_key(&key.text) {
                let message = format!("`{}` is a constant of bundle.yaml already", key.text);
                report.fault(key.at, message);
            } else if let Some(constant) = self.value(value, shared, report) {
                all.insert(key.text.clone(), constant);
            }
        }
        all
    }

    /// A constant's value: an expression when written plainly, a text when quoted, or a list.
    fn value(&self, node: &Node, shared: &Constants, report: &mut Report<'_>) -> Option<Constant> {
        match &node.shape {
            Shape::Scalar(scalar) if !scalar.plain => {
                Some(Constant::Text(scalar.text.as_str().into()))
            }
            // Whole numbers as YAML readers write them, `60_000`, which CEL does not know.
            Shape::Scalar(scalar) if let Some(number) = plain_int(&scalar.text) => {
                Some(Constant::Int(number))
            }
            Shape::Scalar(_) => self.constant(text(node, report)?, shared, report),
            Shape::List(items) => {
                let values: Option<Vec<Constant>> =
                    items.iter().map(|item| self.value(item, shared, report)).collect();
                let values = values?;
                let first = values.first().and_then(Constant::value_type);
                let uniform = values.iter().all(|value| value.value_type() == first);
                match first {
                    Some(first) if uniform => Some(Constant::List(first, values)),
                    _ => {
                        report.fault(node.at, "a list holds single values, all of one type");
                        None
                    }
                }
            }
            Shape::Map(_) => {
                report.fault(node.at, "a constant is a single value or a list");
                None
            }
        }
    }
}

/// What a name of a feature, a constant or an attribute may look like.
pub(super) const NAME_RULE: &str =
    "a name is a small letter followed by at most 63 of a-z, 0-9 and _, and no word of CEL";

/// Words that CEL keeps for itself.
const RESERVED: [&str; 23] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "has",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "money",
    "namespace",
    "null",
    "outcome",
    "label",
    "package",
    "return",
    "true",
    "while",
];

/// Whether something may be called so.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !RESERVED.contains(&name)
}

/// The place of an expression.
fn place(text: Text<'_>, file: &str) -> Place {
    let At { line, column } = text.at;
    Place { file: Arc::from(file), line, column }
}

/// The value, or its faults in the report.
fn taken<T>(result: Result<T, Vec<lang::Fault>>, report: &mut Report<'_>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(faults) => {
            report.faults.extend(faults.into_iter().map(Fault::of_expression));
            None
        }
    }
}
