//! Rows of a table in a CSV file: its header names the columns, as the table does and in its order.

use super::Part;
use super::Reading;
use super::cell::{Column, Conditions};
use super::rows::{ROWS_MAX, Usual};
use crate::bundle::effect::FOLLOW_UPS;
use crate::bundle::fault::{At, Report, shown};
use crate::bundle::letters;
use crate::bundle::read::{Text, plain_int};
use crate::domain::{Action, Effect, FollowUps, Force};

/// What a CSV file may say of a row beside its cells.
const EFFECTS: [&str; 3] = ["action", "points", "follow_ups"];

/// Where in a line each thing stands, and how long a line is.
struct Header {
    /// Of each column of the table; none where an old file does not name it.
    columns: Vec<Option<usize>>,
    /// Of each effect that the file gives.
    effects: Vec<(&'static str, usize)>,
    cells: usize,
}

/// Reads the rows of a file: a header with the table's columns and any of [`EFFECTS`], then a line
/// for each row.
pub(super) fn read(
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
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            report.fault(At::default(), format!("not CSV: {error}"));
            return Vec::new();
        }
    };
    let Some(header) = Header::read(&header, columns, &mut report) else { return Vec::new() };
    let (mut parts, mut lines) = (Vec::new(), 0);
    for (index, record) in reader.records().enumerate() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                report.fault(At { line: index as u32 + 2, column: 1 }, format!("not CSV: {error}"));
                return parts;
            }
        };
        lines += 1;
        let line = record.position().map_or(0, |position| line_of(bytes, position));
        let at = At { line, column: 1 };
        if index >= ROWS_MAX {
            report.fault(at, format!("more than {ROWS_MAX} rows; split the table"));
            return parts;
        }
        if record.len() != header.cells {
            let message = format!("{} cells for a header of {}", record.len(), header.cells);
            let hint = "a cell that asks nothing is `any`, one with a `,` in it stands in quotes";
            report.misleads(at, format!("{message}; {hint}"));
        }
        let said = header.effects.iter().map(|(key, place)| (*key, record.get(*place)));
        let said: Vec<(&str, &str)> =
            said.map(|(key, value)| (key, value.unwrap_or_default())).collect();
        let mut conditions = Conditions::default();
        for (column, place) in columns.iter().zip(&header.columns) {
            let text = place.and_then(|place| record.get(place)).unwrap_or_default();
            letters::check(text, at, &mut report);
            conditions.add(column, Text { at, text }, reading, &mut report);
        }
        let when = conditions.compile(at, reading, &mut report);
        let effect = effect(&said, usual, at, &mut report);
        if let (Some(when), Some(effect)) = (when, effect) {
            // A rule stands where its table does; what is wrong in a row was said with its line.
            parts.push(Part { name: format!("row{}", index + 1), at: usual.at, when, effect });
        }
    }
    if lines == 0 {
        report.misleads(At { line: 1, column: 1 }, "a table without rows says nothing; remove it");
    }
    parts
}

/// The line on which a record begins: its position is behind the one before, which may leave the
/// second half of a line's end, and blank lines, still to be passed over.
fn line_of(bytes: &[u8], position: &csv::Position) -> u32 {
    let rest = bytes.get(position.byte() as usize..).unwrap_or_default();
    let passed = rest.iter().take_while(|byte| matches!(**byte, b'\r' | b'\n'));
    (position.line() as usize + passed.filter(|byte| **byte == b'\n').count()) as u32
}

impl Header {
    /// Finds every column by its name.
    fn read(
        header: &csv::StringRecord,
        columns: &[Column],
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let at = At { line: 1, column: 1 };
        let before = report.faults.len();
        let mut found =
            Self { columns: vec![None; columns.len()], effects: Vec::new(), cells: header.len() };
        for (place, name) in header.iter().enumerate() {
            letters::check(name, at, report);
            let column = columns.iter().position(|column| column.named == name);
            let effect = EFFECTS.into_iter().find(|effect| *effect == name);
            let is_twice = header.iter().take(place).any(|known| known == name);
            match (column, effect) {
                _ if is_twice => {
                    report.misleads(at, format!("`{}` stands twice; remove one", shown(name)));
                }
                (Some(column), _) => found.columns[column] = Some(place), // one for each column
                (None, Some(effect)) => found.effects.push((effect, place)),
                (None, None) => {
                    let known = columns.iter().map(|column| column.named.as_str()).chain(EFFECTS);
                    let faults = report.faults.len();
                    report.unknown(at, "column of the table", name, known);
                    report.faults[faults..].iter_mut().for_each(|fault| fault.tolerated = true);
                }
            }
        }
        for (column, place) in columns.iter().zip(&found.columns) {
            if place.is_none() {
                let message = format!("the header has no column `{}`", shown(&column.named));
                report.misleads(at, format!("{message}; name every column of the table"));
            }
        }
        let in_order = found.columns.iter().enumerate().all(|(at, place)| *place == Some(at));
        if report.faults.len() > before {
            return Self::by_place(header, columns, at, report);
        }
        if in_order {
            return Some(found);
        }
        let names: Vec<&str> = columns.iter().map(|column| column.named.as_str()).collect();
        let message =
            "the columns stand in another order than the table's, so one could be taken for";
        report.misleads(at, format!("{message} another; write them as `{}`", names.join(",")));
        Self::by_place(header, columns, at, report)
    }

    /// What a header that is refused meant before it was: the table's columns at their places, then
    /// effects.
    fn by_place(
        header: &csv::StringRecord,
        columns: &[Column],
        at: At,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let after = header.iter().enumerate().skip(columns.len());
        let effects: Option<Vec<_>> = after
            .map(|(place, name)| Some((EFFECTS.into_iter().find(|one| *one == name)?, place)))
            .collect();
        match effects {
            Some(effects) if header.len() >= columns.len() => {
                let columns = (0..columns.len()).map(Some).collect();
                Some(Self { columns, effects, cells: header.len() })
            }
            _ => {
                let message = format!("the header has the {} columns of the table", columns.len());
                report.fault(at, format!("{message}, then any of {}", EFFECTS.join(", ")));
                None
            }
        }
    }
}

fn effect(said: &[(&str, &str)], usual: &Usual, at: At, report: &mut Report<'_>) -> Option<Effect> {
    if usual.effect.is_none() && said.iter().all(|(_, value)| value.is_empty()) {
        report.misleads(at, "the row asks for nothing; give it an effect, or the table a `then`");
    }
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
