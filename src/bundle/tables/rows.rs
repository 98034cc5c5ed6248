//! `tables:` of a file of rules, with rows in YAML or in a CSV file beside it.

use super::cell::{Column, Conditions};
use super::{Part, Reading, Whole, cases_of};
use crate::bundle::effect::{FOLLOW_UPS, ReasonTable, effect};
use crate::bundle::fault::{At, Report};
use crate::bundle::read::{Fields, Text, plain_int, text};
use crate::bundle::rules::{Scope, id_is_fine};
use crate::bundle::yaml::{Node, Shape};
use crate::domain::{Action, Effect, FollowUps, Force, ReasonId};

/// Most rows of a table.
const ROWS_MAX: usize = 5_000;
/// What a CSV file may say of a row beside its cells.
const EFFECTS: [&str; 3] = ["action", "points", "follow_ups"];

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
    if let (Some(columns), Some(rows)) = (&columns, rows) {
        let usual = Usual { effect: default, reason: reason.unwrap_or_default(), at: node.at };
        match &rows.shape {
            Shape::List(items) => {
                for (index, node) in items.iter().take(ROWS_MAX).enumerate() {
                    let row = yaml_row(index, node, columns, &usual, (reading, reasons), report);
                    parts.extend(row);
                }
                if let Some(node) = items.get(ROWS_MAX) {
                    report.fault(node.at, format!("more than {ROWS_MAX} rows; split the table"));
                }
            }
            _ => {
                let file = text(rows, report)?;
                parts = csv_rows(file, columns, &usual, reading, report);
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

/// What holds for rows that say nothing else.
struct Usual {
    effect: Option<Effect>,
    reason: ReasonId,
    at: At,
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
        conditions.add(column, text(cell, report)?, reading);
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

/// A header with the columns, as the table names them, then `action`, `points`, `follow_ups`.
fn csv_rows(
    file: Text<'_>,
    columns: &[Column],
    usual: &Usual,
    reading: &Reading<'_>,
    report: &mut Report<'_>,
) -> Vec<Part> {
    let Some((name, bytes)) = reading.files.get_key_value(file.text) else {
        let known = reading.files.keys().map(String::as_str).filter(|name| name.ends_with(".csv"));
        report.unknown(file.at, "CSV file of this bundle", file.text, known);
        return Vec::new();
    };
    let mut report = Report { file: name, faults: &mut *report.faults };
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(&**bytes);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(error) => {
            report.fault(At::default(), format!("not CSV: {error}"));
            return Vec::new();
        }
    };
    let at = At { line: 1, column: 1 };
    let after = header.get(columns.len()..).unwrap_or_default();
    if header.len() < columns.len() || after.iter().any(|one| !EFFECTS.contains(&one.as_str())) {
        let message = format!(
            "the header has {} columns of the table, then any of {}",
            columns.len(),
            EFFECTS.join(", ")
        );
        report.fault(at, message);
        return Vec::new();
    }
    let mut parts = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.fault(At { line: index as u32 + 2, column: 1 }, format!("not CSV: {error}"));
                return parts;
            }
        };
        let line = record.position().map_or(0, |position| position.line() as u32);
        let at = At { line, column: 1 };
        if index >= ROWS_MAX {
            report.fault(at, format!("more than {ROWS_MAX} rows; split the table"));
            return parts;
        }
        let cell = |index: usize| record.get(index).unwrap_or_default();
        let mut conditions = Conditions::default();
        for (index, column) in columns.iter().enumerate() {
            conditions.add(column, Text { at, text: cell(index) }, reading);
        }
        let said: Vec<(&str, &str)> = after
            .iter()
            .enumerate()
            .map(|(index, key)| (key.as_str(), cell(columns.len() + index)))
            .collect();
        let when = conditions.compile(at, reading, &mut report);
        let effect = csv_effect(&said, usual, at, &mut report);
        if let (Some(when), Some(effect)) = (when, effect) {
            // A rule stands where its table does; what is wrong in a row was said with its line.
            parts.push(Part { name: format!("row{}", index + 1), at: usual.at, when, effect });
        }
    }
    parts
}

fn csv_effect(
    said: &[(&str, &str)],
    usual: &Usual,
    at: At,
    report: &mut Report<'_>,
) -> Option<Effect> {
    let mut effect = usual.effect.unwrap_or_default();
    effect.reason = usual.reason;
    for (key, value) in said.iter().filter(|(_, value)| !value.is_empty()) {
        match *key {
            "action" => match (*value, Action::ALL.into_iter().find(|one| one.name() == *value)) {
                (_, Some(action)) => effect.action = Some(action),
                ("block", _) => {
                    (effect.action, effect.force) = (Some(Action::Decline), Force::HardBlock)
                }
                ("allow", _) => {
                    (effect.action, effect.force) = (Some(Action::Approve), Force::Allow)
                }
                (other, None) => {
                    let known = Action::ALL.map(Action::name).into_iter().chain(["block", "allow"]);
                    report.unknown(at, "`action`", other, known);
                    return None;
                }
            },
            "points" => match plain_int(value).filter(|points| (-1_000..=1_000).contains(points)) {
                Some(points) => effect.points = points as i32,
                None => {
                    report.fault(at, "`points` must be a whole number from -1000 to 1000");
                    return None;
                }
            },
            _ => {
                effect.follow_ups = FollowUps::default();
                for word in value.split_whitespace() {
                    match FOLLOW_UPS.iter().find(|(name, _)| *name == word) {
                        Some((_, one)) => effect.follow_ups = effect.follow_ups.union(*one),
                        None => {
                            let known = FOLLOW_UPS.map(|(name, _)| name);
                            report.unknown(at, "`follow_ups`", word, known);
                            return None;
                        }
                    }
                }
            }
        }
    }
    Some(effect)
}
