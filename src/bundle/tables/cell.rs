//! One cell of a table: the condition that what it says becomes.

use super::Reading;
use super::said::{self, Said};
use crate::bundle::fault::{At, Fault, Report};
use crate::bundle::read::Text;
use crate::bundle::{letters, values};
use crate::lang::{Constant, Expected, Program, Type};

/// A column: an expression and its type.
pub(super) struct Column {
    /// The expression as the table names it: what the header of a CSV file calls the column.
    pub(super) named: String,
    text: String,
    of: Type,
}

impl Column {
    /// Compiles the expression of a column, to know its type.
    pub(super) fn read(
        text: Text<'_>,
        reading: &Reading<'_>,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let program = reading.desk.compile(text, Expected::Anything, reading.constants, report)?;
        let is_name = text.text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
        let named = text.text.trim().to_owned();
        let text = if is_name { text.text.to_owned() } else { format!("({})", text.text) };
        Some(Self { named, text, of: program.node().node_type })
    }
}

/// The conditions of a row, with the place of the cell that each came from.
#[derive(Default)]
pub(super) struct Conditions {
    text: String,
    /// Where in the text, in characters, a cell's own part begins, where the cell stands, and whether
    /// its own fault is noted.
    cells: Vec<(usize, At, bool)>,
    /// What is wrong with cells that had a meaning before it was refused.
    misread: Vec<Fault>,
    /// Some cell says nothing, and is not `any`.
    has_blank: bool,
}

impl Conditions {
    /// Adds what a cell says of its column.
    pub(super) fn add(
        &mut self,
        column: &Column,
        cell: Text<'_>,
        reading: &Reading<'_>,
        report: &mut Report<'_>,
    ) {
        letters::check_value(cell.text, cell.at, report);
        let faults_before = self.misread.len();
        let condition = match said::read(cell.text) {
            Ok(Said::Any) => None,
            Ok(Said::Nothing) => {
                self.has_blank = true;
                None
            }
            Ok(said) => match column.condition(&said, reading) {
                Ok(condition) => Some(condition),
                Err(message) => self.refuse(column, cell, reading, (message, report)),
            },
            Err(message) => self.refuse(column, cell, reading, (message, report)),
        };
        let Some(condition) = condition else { return };
        if !self.text.is_empty() {
            self.text.push_str(" && ");
        }
        let is_misread = self.misread.len() > faults_before;
        self.cells.push((self.text.chars().count(), cell.at, is_misread));
        self.text.push_str(&condition);
    }

    /// Notes what is wrong with a cell, and what it meant before that was refused.
    fn refuse(
        &mut self,
        column: &Column,
        cell: Text<'_>,
        reading: &Reading<'_>,
        (message, report): (String, &mut Report<'_>),
    ) -> Option<String> {
        let message = format!("`{}`: {message}", column.named);
        self.misread.push(Fault::new(report.file, cell.at, message));
        column.as_it_was(cell.text.trim(), reading)
    }

    /// Compiles the row; a fault points at the cell that it comes from.
    pub(super) fn compile(
        self,
        at: At,
        reading: &Reading<'_>,
        report: &mut Report<'_>,
    ) -> Option<Program> {
        if self.cells.is_empty() && self.misread.is_empty() && self.has_blank {
            let message = "no cell says anything, so this holds for every event";
            report.misleads(at, format!("{message}; write `any` in every cell if it is meant"));
        }
        let text = if self.text.is_empty() { "true" } else { &self.text };
        let mut faults = Vec::new();
        let mut inner = Report { file: report.file, faults: &mut faults };
        let start = At { line: 1, column: 1 };
        let whole = Text { at: start, text };
        let program =
            reading.desk.compile(whole, Expected::Condition, reading.constants, &mut inner);
        for fault in faults {
            let offset = fault.at.column.saturating_sub(1) as usize;
            let cell = self.cells.iter().rev().find(|(from, ..)| *from <= offset);
            let (at, is_misread) = cell.map_or((at, false), |(_, at, misread)| (*at, *misread));
            // A cell's own fault says more than what its old meaning comes to.
            if !is_misread {
                report.faults.push(Fault { at, ..fault });
            }
        }
        let tolerated = program.is_some();
        report.faults.extend(self.misread.into_iter().map(|one| Fault { tolerated, ..one }));
        program
    }
}

impl Column {
    /// The condition that a cell's words become; the error is a sentence.
    fn condition(&self, said: &Said<'_>, reading: &Reading<'_>) -> Result<String, String> {
        let name = &self.text;
        match said {
            Said::Any | Said::Nothing => Ok("true".to_owned()),
            Said::Missing(true) => Ok(format!("!has({name})")),
            Said::Missing(false) => Ok(format!("has({name})")),
            Said::Relation(relation, value) => {
                let value = self.operand(value, reading)?;
                self.orders(relation)?;
                Ok(format!("{name} {relation} {value}"))
            }
            Said::Range(low, high) => {
                self.orders("..")?;
                let (low, high) = (self.operand(low, reading)?, self.operand(high, reading)?);
                if self.is_empty(&low, &high, reading) {
                    return Err("the range is empty: it is from the first, below the second".into());
                }
                Ok(format!("{name} >= {low} && {name} < {high}"))
            }
            Said::OneOf(values, wanted) if self.of == Type::Bool => self.truth(values, *wanted),
            Said::OneOf(values, wanted) => match values.as_slice() {
                [one] => {
                    let relation = if *wanted { "==" } else { "!=" };
                    Ok(format!("{name} {relation} {}", self.operand(one, reading)?))
                }
                many => {
                    let all: Result<Vec<String>, String> =
                        many.iter().map(|value| self.operand(value, reading)).collect();
                    let list = format!("{name} in [{}]", all?.join(", "));
                    Ok(if *wanted { list } else { format!("!({list})") })
                }
            },
        }
    }

    fn truth(&self, values: &[&str], wanted: bool) -> Result<String, String> {
        let is_true = match values {
            ["yes" | "true"] => true,
            ["no" | "false"] => false,
            _ => return Err("it is true or false; write `yes`, `no`, `missing` or `any`".into()),
        };
        Ok(if is_true == wanted { self.text.clone() } else { format!("!{}", self.text) })
    }

    /// Whether the column's values stand in an order that a cell may speak of.
    fn orders(&self, relation: &str) -> Result<(), String> {
        let is_equality = matches!(relation, "==" | "!=");
        if is_equality || self.of != Type::Text || values::is_ordered(&self.named) {
            return Ok(());
        }
        Err(format!(
            "`{relation}` on a text goes letter by letter (\"10\" before \"9\"); list values"
        ))
    }

    /// Whether both ends of a range are known and nothing lies between them.
    fn is_empty(&self, low: &str, high: &str, reading: &Reading<'_>) -> bool {
        let constant = |text: &str| {
            let mut faults = Vec::new();
            let mut scratch = Report { file: "", faults: &mut faults };
            let text = Text { at: At::default(), text };
            reading.desk.constant(text, reading.constants, &mut scratch)
        };
        match (constant(low), constant(high)) {
            (Some(Constant::Float(low)), Some(Constant::Float(high))) => low >= high,
            (Some(Constant::Text(low)), Some(Constant::Text(high))) => low >= high,
            (Some(low), Some(high)) => low.whole().zip(high.whole()).is_some_and(|(l, h)| l >= h),
            _ => false,
        }
    }

    /// A value as its column has it: words are texts, numbers of money are amounts of the base
    /// currency. The error is a sentence.
    fn operand(&self, text: &str, reading: &Reading<'_>) -> Result<String, String> {
        let text = text.trim();
        if reading.constants.contains_key(text) {
            return Ok(text.to_owned());
        }
        match self.of {
            Type::Text => text_operand(text),
            Type::Money if is_number(text) => Ok(self.amount(text, reading)),
            _ if is_number(text) => Ok(text.replace('_', "")),
            _ if is_simple(text) => Ok(text.to_owned()),
            // Whatever it is, it is one value, and no part of what stands around it.
            _ => Ok(format!("({text})")),
        }
    }

    fn amount(&self, text: &str, reading: &Reading<'_>) -> String {
        format!("money(\"{} {}\")", text.replace('_', ""), reading.desk.base_currency.as_str())
    }

    /// The condition that a cell with this text was before what it says was refused; `None` where it
    /// was any value.
    fn as_it_was(&self, written: &str, reading: &Reading<'_>) -> Option<String> {
        if matches!(written, "~" | "null") {
            return None;
        }
        let name = &self.text;
        let operand = |text: &str| {
            let text = text.trim();
            match self.of {
                _ if reading.constants.contains_key(text) => text.to_owned(),
                Type::Text if !text.starts_with(['"', '\'']) => format!("{text:?}"),
                Type::Money if is_number(text) => self.amount(text, reading),
                _ => text.to_owned(),
            }
        };
        let relation = [">=", "<=", "==", "!=", ">", "<"]
            .into_iter()
            .find_map(|relation| Some((relation, written.strip_prefix(relation)?)));
        Some(match (relation, written.split_once(".."), written.contains(" | ")) {
            (Some((relation, value)), ..) => format!("{name} {relation} {}", operand(value)),
            (None, Some((low, high)), _) if !written.starts_with(['"', '\'']) => {
                format!("{name} >= {} && {name} < {}", operand(low), operand(high))
            }
            (None, _, true) => {
                let all: Vec<String> = written.split(" | ").map(operand).collect();
                format!("{name} in [{}]", all.join(", "))
            }
            _ => match written.strip_prefix('!') {
                Some(value) => format!("{name} != {}", operand(value)),
                None => format!("{name} == {}", operand(written)),
            },
        })
    }
}

/// A text as CEL writes it: what stands in quotes is taken as it stands.
fn text_operand(text: &str) -> Result<String, String> {
    let mut letters = text.chars();
    match (letters.next(), letters.next_back()) {
        (Some(first @ ('"' | '\'')), Some(last)) if first == last => Ok(text.to_owned()),
        _ if text.contains('"') || text.starts_with('\'') => {
            Err("a quoted text stands alone between its quotes".to_owned())
        }
        _ => Ok(quoted(text)),
    }
}

/// A text in quotes as CEL reads it: every letter as it is, but for those that would end it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\"))
}

/// Digits as people write them: `-5`, `1_000.00`.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b"._".contains(&byte))
}

/// A name, a literal or one call: what needs no brackets of its own.
fn is_simple(text: &str) -> bool {
    let is_word =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    let is_quoted = text.starts_with(['"', '\'']);
    let is_call = text.split_once('(').is_some_and(|(name, rest)| {
        is_word(name) && rest.strip_suffix(')').is_some_and(|inner| !inner.contains(['(', ')']))
    });
    is_quoted || is_call || is_word(text)
}
