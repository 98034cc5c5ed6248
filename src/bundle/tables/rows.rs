//! `tables:` of a file of rules, with rows in YAML or in a CSV file beside it.

use super::cell::{Column, Conditions};
use super::{Part, Reading, Whole, cases_of, csv_rows};
use crate::bundle::effect::{ReasonTable, effect};
use crate::bundle::fault::{At, Report, shown};
use crate::bundle::read::{Fields, text};
use crate::bundle::rules::{Scope, id_is_fine};
use crate::bundle::yaml::{Node, Shape};
use crate::domain::{Effect, ReasonId};

/// Most rows of a table.
pub(super) const ROWS_MAX: usize = 5_000;

/// Reads one table as rules.
pub(super) fn read(
    node: &Node,
    reading: &Reading<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Option<Vec<super::RawRule>> {
    let mut fields = Fields::of(node, "a table", report)?;
    let id = fields.need_text("id", report).filter(|id| id_is_fine(*id, report));
    let name = fields.need_text("name", report);
    fields.need("columns", report);
    let columns: Option<Vec<Column>> = fields
        .list("columns")
        .iter()
        .map(|node| Column::read(text(node, report)?, reading, report))
        .collect();
    let reason = fields.need("reason", report).and_then(|node| reasons.read(node, report));
    let own = fields.get("then");
    let default = own.and_then(|node| effect(node, reason.unwrap_or_default(), report));
    let scope = Scope::read(&mut fields, report);
    let rows = fields.need("rows", report);
    let mut parts = Vec::new();
    if let Some(columns) = &columns {
        distinct(columns, node.at, report);
    }
    if let (Some(columns), Some(rows)) = (&columns, rows) {
        let usual = Usual { effect: default, reason: reason.unwrap_or_default(), at: node.at };
        match &rows.shape {
            Shape::List(items) => {
                for (index, node) in items.iter().take(ROWS_MAX).enumerate() {
                    let row = yaml_row(index, node, columns, &usual, (reading, reasons), report);
                    parts.extend(row);
                }
                if items.is_empty() {
                    report.misleads(rows.at, "a table without rows says nothing; remove it");
                }
                if let Some(node) = items.get(ROWS_MAX) {
                    report.fault(node.at, format!("more than {ROWS_MAX} rows; split the table"));
                }
            }
            _ => {
                let file = text(rows, report)?;
                parts = csv_rows::read(file, columns, &usual, reading, report);
            }
        }
    }
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let cases = cases_of(&mut fields, &names, reading, report);
    fields.finish(report);
    let whole = Whole { id: id?.text, name: name?.text, scope: scope? };
    reason?;
    Some(whole.rules(parts, &cases))
}

/// A name means one column: two of one name would be told apart by their places alone.
fn distinct(columns: &[Column], at: At, report: &mut Report<'_>) {
    if columns.is_empty() {
        report.misleads(at, "a table without columns asks nothing; name some");
    }
    for (index, column) in columns.iter().enumerate() {
        if columns.iter().take(index).any(|known| known.named == column.named) {
            let message = format!("the column `{}` stands twice; remove one", shown(&column.named));
            report.misleads(at, message);
        }
    }
}

/// What holds for rows that say nothing else.
pub(super) struct Usual {
    pub(super) effect: Option<Effect>,
    pub(super) reason: ReasonId,
    pub(super) at: At,
}

fn yaml_row(
    index: usize,
    node: &Node,
    columns: &[Column],
    usual: &Usual,
    (reading, reasons): (&Reading<'_>, &mut ReasonTable),
    report: &mut Report<'_>,
) -> Option<Part> {
    let mut fields = Fields::of(node, "a row", report)?;
    fields.need("when", report);
    let cells = fields.list("when");
    let reason = fields.get("reason").map(|node| reasons.read(node, report));
    let reason = reason.unwrap_or(Some(usual.reason))?;
    let own = fields.get("then").map(|node| effect(node, reason, report));
    fields.finish(report);
    if cells.len() != columns.len() {
        let message = format!("{} cells for {} columns", cells.len(), columns.len());
        report.fault(node.at, message);
        return None;
    }
    let mut conditions = Conditions::default();
    for (column, cell) in columns.iter().zip(cells) {
        conditions.add(column, text(cell, report)?, reading, report);
    }
    let when = conditions.compile(node.at, reading, report);
    let effect = match own {
        Some(own) => own?,
        None => match usual.effect {
            Some(effect) => Effect { reason, ..effect },
            None => {
                report.fault(node.at, "`then` is missing; add it to the row or to the table");
                return None;
            }
        },
    };
    Some(Part { name: format!("row{}", index + 1), at: node.at, when: when?, effect })
}
