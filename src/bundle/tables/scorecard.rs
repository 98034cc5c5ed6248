//! `scorecards:` of a file of rules: points for each bin of each attribute.

use super::cell::{Column, Conditions};
use super::{Part, RawRule, Reading, Whole, cases_of};
use crate::bundle::effect::{ReasonTable, points};
use crate::bundle::fault::Report;
use crate::bundle::read::{Fields, text};
use crate::bundle::rules::{Scope, id_is_fine};
use crate::bundle::yaml::Node;
use crate::domain::{Effect, ReasonId};

/// Reads one scorecard as rules; a bin without points is no rule.
pub(super) fn read(
    node: &Node,
    reading: &Reading<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Option<Vec<RawRule>> {
    let mut fields = Fields::of(node, "a scorecard", report)?;
    let id = fields.need_text("id", report).filter(|id| id_is_fine(*id, report));
    let name = fields.need_text("name", report);
    let reason = fields.need("reason", report).and_then(|node| reasons.read(node, report));
    let scope = Scope::read(&mut fields, report);
    fields.need("attributes", report);
    let mut parts = Vec::new();
    for (index, node) in fields.list("attributes").iter().enumerate() {
        let reason = reason.unwrap_or_default();
        parts.extend(attribute(index + 1, node, reason, reading, report).unwrap_or_default());
    }
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    let cases = cases_of(&mut fields, &names, reading, report);
    fields.finish(report);
    reason?;
    let whole = Whole { id: id?.text, name: name?.text, scope: scope? };
    Some(whole.rules(parts, &cases))
}

fn attribute(
    number: usize,
    node: &Node,
    reason: ReasonId,
    reading: &Reading<'_>,
    report: &mut Report<'_>,
) -> Option<Vec<Part>> {
    let mut fields = Fields::of(node, "an attribute of a scorecard", report)?;
    let value = fields.need_text("value", report);
    fields.need("bins", report);
    let bins = fields.list("bins");
    fields.finish(report);
    let column = Column::read(value?, reading, report)?;
    let mut parts = Vec::with_capacity(bins.len());
    for (index, node) in bins.iter().enumerate() {
        let Some(mut fields) = Fields::of(node, "a bin", report) else { continue };
        let cell = fields.need("when", report).and_then(|node| text(node, report));
        fields.need("points", report);
        let points = points(&mut fields, report);
        fields.finish(report);
        let Some(cell) = cell else { continue };
        let mut conditions = Conditions::default();
        conditions.add(&column, cell, reading, report);
        let when = conditions.compile(node.at, reading, report);
        if let Some(when) = when.filter(|_| points != 0) {
            let name = format!("a{number}b{}", index + 1);
            let effect = Effect { points, reason, ..Effect::default() };
            parts.push(Part { name, at: node.at, when, effect });
        }
    }
    Some(parts)
}
