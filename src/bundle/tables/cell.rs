//! One cell of a table: what it says of its column, and the condition that it becomes.

use super::Reading;
use crate::bundle::fault::{At, Fault, Report};
use crate::bundle::read::Text;
use crate::lang::{Expected, Program, Type};

/// A column: an expression and its type.
pub(super) struct Column {
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
        let text = if is_name { text.text.to_owned() } else { format!("({})", text.text) };
        Some(Self { text, of: program.node().node_type })
    }
}

/// The conditions of a row, with the place of the cell that each came from.
#[derive(Default)]
pub(super) struct Conditions {
    text: String,
    /// Where in the text, in characters, a cell's own part begins, and where the cell stands.
    cells: Vec<(usize, At)>,
}

/// `a..b`, `>= a`, `a | b`, `!a`, `a`; `any`, `-` and nothing are any value.
impl Conditions {
    /// Adds what a cell says of its column.
    pub(super) fn add(&mut self, column: &Column, cell: Text<'_>, reading: &Reading<'_>) {
        let written = cell.text.trim();
        if matches!(written, "" | "-" | "any" | "~" | "null") {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str(" && ");
        }
        let before = self.text.chars().count();
        let name = &column.text;
        let operand = |text: &str| operand(text.trim(), column.of, reading);
        let relation = [">=", "<=", "==", "!=", ">", "<"]
            .into_iter()
            .find_map(|relation| Some((relation, written.strip_prefix(relation)?)));
        let own = match (relation, written.split_once(".."), written.contains(" | ")) {
            _ if column.of == Type::Bool && matches!(written, "yes" | "true") => name.clone(),
            _ if column.of == Type::Bool && matches!(written, "no" | "false") => format!("!{name}"),
            _ if written == "missing" => format!("!has({name})"),
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
        };
        self.cells.push((before, cell.at));
        self.text.push_str(&own);
    }

    /// Compiles the row; a fault points at the cell that it comes from.
    pub(super) fn compile(
        self,
        at: At,
        reading: &Reading<'_>,
        report: &mut Report<'_>,
    ) -> Option<Program> {
        let text = if self.text.is_empty() { "true" } else { &self.text };
        let mut faults = Vec::new();
        let mut inner = Report { file: report.file, faults: &mut faults };
        let start = At { line: 1, column: 1 };
        let whole = Text { at: start, text };
        let program =
            reading.desk.compile(whole, Expected::Condition, reading.constants, &mut inner);
        for fault in faults {
            let offset = fault.at.column.saturating_sub(1) as usize;
            let cell = self.cells.iter().rev().find(|(from, _)| *from <= offset);
            let at = cell.map_or(at, |(_, at)| *at);
            report.faults.push(Fault { at, ..fault });
        }
        program
    }
}

/// A value as its column has it: words are texts, numbers of money are amounts of the base currency.
fn operand(text: &str, of: Type, reading: &Reading<'_>) -> String {
    let is_number = || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    match of {
        _ if reading.constants.contains_key(text) => text.to_owned(),
        Type::Text if !text.starts_with(['"', '\'']) => format!("{text:?}"),
        Type::Money if is_number() => {
            format!("money(\"{text} {}\")", reading.desk.base_currency.as_str())
        }
        _ => text.to_owned(),
    }
}
