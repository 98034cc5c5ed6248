//! The cases that a rule carries: given values, and what the rule must say to them.

use super::desk::{Constants, Desk};
use super::events;
use super::fault::{At, Report};
use super::read::{Fields, text};
use super::yaml::{Node, Shape};
use crate::domain::{
    EventTime, Facts, FeatureVector, FieldId, FieldType, Schema, SchemaField, Service,
};
use crate::lang::Constant;

/// Most cases of a rule.
const CASES_MAX: usize = 256;

/// What a rule must say to a case.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expect {
    /// It fires.
    Fires,
    /// It stays silent.
    Silent,
    /// It cannot tell, because a value is missing.
    Undetermined,
    /// It does not fire, for whatever reason: what the case of a table wants of rows it does not name.
    Quiet,
}

impl Expect {
    /// Whether what a rule said is what was expected of it.
    pub fn is_met_by(self, got: Self) -> bool {
        self == got || self == Self::Quiet && got != Self::Fires
    }

    /// The names in bundles and reports.
    pub const NAMED: [(&'static str, Self); 3] =
        [("fires", Self::Fires), ("silent", Self::Silent), ("undetermined", Self::Undetermined)];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fires => "fires",
            Self::Silent => "silent",
            Self::Undetermined => "undetermined",
            Self::Quiet => "not firing",
        }
    }
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, unique within its rule.
    pub name: String,
    /// Where it stands.
    pub at: At,
    /// The values that the row has; every other column is missing.
    pub given: Vec<(FieldId, Given)>,
    /// A short history in JSON, one event each, the last of which is asked about; empty when the
    /// case gives values.
    pub events: Vec<String>,
    /// What the rule must say.
    pub expect: Expect,
}

/// A given value.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// True or false.
    Bool(bool),
    /// An int, money, a moment or an id, by the column's type.
    Whole(i64),
    /// A float.
    Float(f64),
    /// A text.
    Text(String),
}

impl Case {
    /// The row that the case describes.
    pub fn row(&self, schema: &Schema) -> FeatureVector {
        let mut row = FeatureVector::new(schema.columns());
        row.start(&Facts::new());
        // Nobody stands on a list unless the case says so.
        for column in super::lists::answers(schema) {
            row.set_bool(column, false);
        }
        for (id, value) in &self.given {
            match value {
                Given::Bool(value) => row.set_bool(*id, *value),
                Given::Whole(value) => row.set_int(*id, *value),
                Given::Float(value) => row.set_float(*id, *value),
                Given::Text(value) => row.set_text(*id, value),
            }
        }
        row
    }
}

/// Reads the cases of one rule. The desk's schema is the bundle's whole one.
pub(super) fn read(
    items: &[Node],
    desk: &Desk<'_>,
    constants: &Constants,
    report: &mut Report<'_>,
) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    if let Some(node) = items.get(CASES_MAX) {
        report.fault(node.at, format!("more than {CASES_MAX} cases in one rule; remove some"));
    }
    for node in items.iter().take(CASES_MAX) {
        let Some(mut fields) = Fields::of(node, "a case", report) else { continue };
        let case = read_one(&mut fields, node, (desk, constants), report);
        let expect = fields
            .need("expect", report)
            .and_then(|node| super::read::word(node, "expect", &Expect::NAMED, report));
        fields.finish(report);
        if let (Some(case), Some(expect)) = (case, expect) {
            if cases.iter().any(|known| known.name == case.name) {
                report.fault(node.at, "another case of this rule has this name");
            }
            cases.push(Case { expect, ..case });
        }
    }
    cases
}

/// Reads all of a case but what it expects.
pub(super) fn read_one(
    fields: &mut Fields<'_>,
    node: &Node,
    (desk, constants): (&Desk<'_>, &Constants),
    report: &mut Report<'_>,
) -> Option<Case> {
    let name = fields.need_text("name", report);
    let (mut given, mut history) = (Vec::new(), &[][..]);
    match (fields.get("given"), fields.get("events")) {
        (Some(node), None) => given = values(node, desk, constants, report),
        (None, Some(_)) => history = fields.list("events"),
        _ => report.fault(node.at, "a case has either `given` or `events`"),
    }
    let services: Vec<(&str, Service)> =
        Service::ALL.iter().map(|service| (service.name(), *service)).collect();
    let service = fields.word("service", &services, report);
    let events = events::read(history, service, desk, report);
    if let Some(service) = service {
        let id = FieldId::of_fact(crate::domain::Fact::Service);
        given.push((id, Given::Text(service.name().to_owned())));
    }
    let name = name?.text.to_owned();
    Some(Case { name, at: node.at, given, events, expect: Expect::Quiet })
}

fn values(
    node: &Node,
    desk: &Desk<'_>,
    constants: &Constants,
    report: &mut Report<'_>,
) -> Vec<(FieldId, Given)> {
    let Shape::Map(entries) = &node.shape else {
        report.fault(node.at, "`given` must be a map from column to value");
        return Vec::new();
    };
    let mut given = Vec::with_capacity(entries.len() + 1);
    for (key, node) in entries {
        match desk.schema.get(&key.text) {
            Some(field) => {
                if let Some(value) = value(node, field, desk, constants, report) {
                    given.push((field.id, value));
                }
            }
            None => {
                let names = desk.schema.fields().map(|field| field.name.as_str());
                report.unknown(key.at, "column", &key.text, names);
            }
        }
    }
    given
}

fn value(
    node: &Node,
    field: &SchemaField,
    desk: &Desk<'_>,
    constants: &Constants,
    report: &mut Report<'_>,
) -> Option<Given> {
    let text = text(node, report)?;
    let field_type = field.field_type;
    match field_type {
        FieldType::Text if text.text.len() <= Facts::TEXT_MAX => {
            let is_plain = matches!(&node.shape, Shape::Scalar(scalar) if scalar.plain);
            if is_plain && matches!(text.text, "" | "~" | "null" | "Null" | "NULL") {
                let message = "nothing is null here: a column that is not given has no value";
                report.misleads(text.at, format!("{message}; remove it, or quote the text"));
            } else if let Some(message) = super::values::never(&field.name, text.text) {
                report.misleads(text.at, message);
            }
            super::letters::check_value(text.text, text.at, report);
            return Some(Given::Text(text.text.to_owned()));
        }
        FieldType::Text => {
            report.fault(text.at, format!("longer than {} bytes; shorten it", Facts::TEXT_MAX));
            return None;
        }
        FieldType::Timestamp => {
            let time = EventTime::parse_rfc3339(text.text).ok();
            if time.is_none() {
                report.fault(text.at, "must be a moment such as 2026-11-23T02:30:00+08:00");
            }
            return time.map(|time| Given::Whole(time.as_ms()));
        }
        _ => {}
    }
    match (field_type, desk.constant(text, constants, report)?) {
        (FieldType::Bool, Constant::Bool(value)) => Some(Given::Bool(value)),
        (FieldType::Int | FieldType::Id, Constant::Int(value))
        | (FieldType::Int, Constant::Duration(value))
        | (FieldType::Money, Constant::Money(value)) => Some(Given::Whole(value)),
        (FieldType::Float, Constant::Float(value)) => Some(Given::Float(value)),
        (FieldType::Float, Constant::Int(value)) => Some(Given::Float(value as f64)),
        _ => {
            report
                .fault(text.at, format!("the column is {}; give such a value", field_type.name()));
            None
        }
    }
}
