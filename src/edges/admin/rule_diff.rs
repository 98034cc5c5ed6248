//! What changes from one bundle to another, rule by rule: by what rules mean, not by how columns are
//! numbered.

use std::collections::BTreeMap;

use crate::bundle::Bundle;
use crate::domain::{Effect, FieldId, ReasonId, RuleDiff};
use crate::stages::rules::Rule;

/// Rules that come, go and change.
pub(super) fn rule_diff(before: &Bundle, after: &Bundle) -> RuleDiff {
    let (before, after) = (definitions(before), definitions(after));
    let lacks = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        of.keys().filter(|id| !other.contains_key(*id)).cloned().collect()
    };
    let is_other =
        |(id, now): &(&String, &String)| before.get(*id).is_some_and(|then| then != *now);
    RuleDiff {
        added: lacks(&after, &before),
        removed: lacks(&before, &after),
        changed: after.iter().filter(is_other).map(|(id, _)| id.clone()).collect(),
    }
}

/// Everything that decides what a rule does, by its id: constants by value, columns by name, and
/// what is computed for those that the bundle declares.
fn definitions(bundle: &Bundle) -> BTreeMap<String, String> {
    let columns = columns(bundle);
    bundle
        .rules
        .rules()
        .iter()
        .map(|rule| {
            let asked = rule.when.fields().iter().filter_map(|field| columns.get(field));
            let asked: Vec<&str> = asked.map(String::as_str).collect();
            (rule.id.clone(), format!("{} {asked:?}", definition(bundle, rule)))
        })
        .collect()
}

fn definition(bundle: &Bundle, rule: &Rule) -> String {
    let effect = Effect { reason: ReasonId(0), ..rule.effect };
    let scope = (rule.services, rule.kinds, rule.warmth, rule.valid_from, rule.valid_until);
    let when = named(bundle, &format!("{:?}", rule.when.node()));
    format!("{when} {effect:?} {} {:?} {scope:?}", rule.reason_code, rule.mode)
}

/// What fills each declared column. A derived one stands after those that it reads.
fn columns(bundle: &Bundle) -> BTreeMap<FieldId, String> {
    let mut columns = BTreeMap::new();
    for (spec, field) in &bundle.aggregates {
        // Windows see facts only, which are numbered alike in every bundle.
        columns.insert(*field, format!("{spec:?}"));
    }
    for derived in &bundle.derived {
        let read = derived.program.fields().iter().filter_map(|field| columns.get(field));
        let read: Vec<&str> = read.map(String::as_str).collect();
        let node = named(bundle, &format!("{:?}", derived.program.node()));
        let text = format!("{node} {read:?}");
        columns.insert(derived.field, text);
    }
    columns
}

/// A text with columns by their names.
fn named(bundle: &Bundle, text: &str) -> String {
    const MARK: &str = "FieldId(";
    let mut parts = text.split(MARK);
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(')').unwrap_or((part, ""));
        let field = number.trim().parse().ok().and_then(|id| bundle.schema.field(FieldId(id)));
        named.push_str(field.map_or(number, |field| field.name.as_str()));
        named.push_str(rest);
    }
    named
}
