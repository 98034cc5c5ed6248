//! Decision tables and scorecards: rows and bins that become rules like any other.
//!
//! A row's condition is its cells joined by `&&`, so tables and scorecards compile to the same
//! clauses as rules, carry cases, and are named one by one: `TABLE/row3`, `SCORE/a1b2`.

mod said;
mod cell;
mod rows;
mod csv_rows;
mod scorecard;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::cases::{self, Case, Expect};
use super::desk::{Constants, Desk};
use super::effect::ReasonTable;
use super::fault::{At, Report};
use super::read::Fields;
use super::rules::{RawRule, Scope};
use super::yaml::Node;
use crate::domain::Effect;
use crate::lang::Program;

/// What a file's tables are read with.
pub(super) struct Reading<'a> {
    pub(super) desk: &'a Desk<'a>,
    pub(super) constants: &'a Constants,
    /// The bundle's files, for rows in CSV.
    pub(super) files: &'a BTreeMap<String, Vec<u8>>,
}

/// Reads the tables and the scorecards of one file, as rules.
pub(super) fn read(
    (tables, scorecards): (&[Node], &[Node]),
    reading: &Reading<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Vec<RawRule> {
    let mut rules = Vec::new();
    for node in tables {
        rules.extend(rows::read(node, reading, reasons, report).unwrap_or_default());
    }
    for node in scorecards {
        rules.extend(scorecard::read(node, reading, reasons, report).unwrap_or_default());
    }
    rules
}

/// One row or bin on its way to a rule.
struct Part {
    /// Its name within the table: `row3`.
    name: String,
    at: At,
    when: Program,
    effect: Effect,
}

/// What a table and a scorecard have in common.
struct Whole<'a> {
    id: &'a str,
    name: &'a str,
    scope: Scope,
}

impl Whole<'_> {
    /// The rules of the parts, each with the cases of all: it fires where a case names it.
    fn rules(self, parts: Vec<Part>, cases: &[(Case, Vec<String>)]) -> Vec<RawRule> {
        let mut rules = Vec::with_capacity(parts.len());
        for part in parts {
            let own = cases.iter().map(|(case, fires)| {
                let is_named = fires.contains(&part.name);
                let expect = if is_named { Expect::Fires } else { case.expect };
                Case { expect, ..case.clone() }
            });
            rules.push(RawRule {
                id: format!("{}/{}", self.id, part.name),
                at: part.at,
                name: format!("{}, {}", self.name, part.name),
                when: part.when,
                effect: part.effect,
                scope: self.scope.clone(),
                cases: own.collect(),
            });
        }
        rules
    }
}

/// The cases of a table: each names the rows that fire; all others are silent, or cannot tell.
fn cases_of(
    fields: &mut Fields<'_>,
    names: &[String],
    reading: &Reading<'_>,
    report: &mut Report<'_>,
) -> Vec<(Case, Vec<String>)> {
    let mut all: Vec<(Case, Vec<String>)> = Vec::new();
    for node in fields.list("cases") {
        let Some(mut fields) = Fields::of(node, "a case of a table", report) else { continue };
        let expected = fields.need("expect", report).map(|_| fields.list("expect"));
        let case = cases::read_one(&mut fields, node, (reading.desk, reading.constants), report);
        fields.finish(report);
        let mut fires = Vec::new();
        for name in expected.unwrap_or_default() {
            let Some(name) = super::read::text(name, report) else { continue };
            match names.iter().find(|known| *known == name.text) {
                Some(known) => fires.push(known.clone()),
                None => report.unknown(name.at, "row", name.text, names.iter().map(String::as_str)),
            }
        }
        let Some(case) = case else { continue };
        if all.iter().any(|(known, _)| known.name == case.name) {
            report.fault(case.at, "another case of this table has this name");
        }
        all.push((case, fires));
    }
    all
}
