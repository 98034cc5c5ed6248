//! `bundle.yaml`: what the whole bundle shares: zone, currency, constants, custom fields, capacity.

use super::desk::{Constants, Desk, NAME_RULE, is_name};
use super::fault::{At, Report, shown};
use super::lists::DeclaredList;
use super::read::{Fields, duration, int, word};
use super::yaml::{Node, Shape};
use crate::domain::{ArrivalRule, Currency, EntityKind, FieldType, Schema, Zone};

/// What `bundle.yaml` says.
pub(super) struct Manifest {
    /// Where days begin.
    pub(super) zone: Zone,
    /// Into which currency amounts are converted.
    pub(super) base_currency: Currency,
    /// Minor digits of the base currency.
    pub(super) base_decimals: u8,
    /// By which time windows count.
    pub(super) arrival: ArrivalRule,
    /// Constants that every file may use.
    pub(super) constants: Constants,
    /// Custom fields: name, type, meaning.
    pub(super) attributes: Vec<(String, FieldType, String, At)>,
    /// The lists that rules may ask.
    pub(super) lists: Vec<DeclaredList>,
    /// Events of a key that are kept exactly, by entity kind.
    pub(super) exact: [u32; EntityKind::COUNT],
}

/// Fewest events of a key that may be kept exactly (DESIGN section 6).
const EXACT_MIN: i64 = 64;
/// Most of them, as the rings are laid out for: a key under attack costs bounded time.
const EXACT_MAX: i64 = 4_096;
/// Longest `late_after`, in milliseconds: what is older is refused at the door.
const LATE_AFTER_MS_MAX: i64 = 7 * 86_400_000;
/// The times by which windows can count: whether it is that of arrival.
pub(super) const WINDOW_TIMES: [(&str, bool); 2] = [("occurred", false), ("received", true)];
/// Types that a message can carry in a custom field.
pub(super) const ATTRIBUTE_TYPES: [(&str, FieldType); 4] = [
    ("bool", FieldType::Bool),
    ("int", FieldType::Int),
    ("float", FieldType::Float),
    ("text", FieldType::Text),
];

/// Reads the file. Every key has a default, so that faults elsewhere can still be found.
pub(super) fn read(root: &Node, report: &mut Report<'_>) -> Manifest {
    let zone = Zone::parse("Asia/Shanghai").expect("the bundled database knows Shanghai");
    let mut manifest = Manifest {
        zone,
        base_currency: Currency::CNY,
        base_decimals: 2,
        arrival: ArrivalRule::default(),
        constants: Constants::new(),
        attributes: Vec::new(),
        lists: Vec::new(),
        exact: [EXACT_MIN as u32; EntityKind::COUNT],
    };
    let Some(mut fields) = Fields::of(root, "bundle.yaml", report) else { return manifest };
    if let Some(text) = fields.need_text("zone", report) {
        match Zone::parse(text.text) {
            Some(zone) => manifest.zone = zone,
            None => report.fault(
                text.at,
                format!("`{}` is not an IANA time zone such as Asia/Shanghai", shown(text.text)),
            ),
        }
    }
    if let Some(text) = fields.need_text("base_currency", report) {
        match Currency::parse(text.text) {
            Some(currency) => manifest.base_currency = currency,
            None => report.fault(text.at, "not an ISO 4217 code such as CNY"),
        }
    }
    if let Some(decimals) = fields.int("base_decimals", 0..=3, report) {
        manifest.base_decimals = decimals as u8; // 0 to 3 by the check
    }
    if let Some(node) = fields.get("window_time")
        && let Some(is_arrival) = word(node, "window_time", &WINDOW_TIMES, report)
    {
        manifest.arrival.counts_on_arrival = is_arrival;
    }
    if let Some(node) = fields.get("late_after")
        && let Some(late_after_ms) = duration(node, "late_after", report)
    {
        if late_after_ms > LATE_AFTER_MS_MAX {
            report.fault(node.at, "`late_after`: at most 7d; what is older is refused at the door");
        }
        manifest.arrival.late_after_ms = late_after_ms;
    }
    if let Some(node) = fields.get("attributes") {
        manifest.attributes = attributes(node, report);
    }
    if let Some(node) = fields.get("lists") {
        manifest.lists = super::lists::read(node, report);
    }
    if let Some(node) = fields.get("exact") {
        exact(node, &mut manifest.exact, report);
    }
    let node = fields.get("constants");
    fields.finish(report);
    let facts = Schema::of_facts();
    manifest.constants = manifest.desk(&facts).constants(node, &Constants::new(), report);
    manifest
}

impl Manifest {
    /// The desk for expressions over a schema.
    pub(super) fn desk<'a>(&'a self, schema: &'a Schema) -> Desk<'a> {
        Desk {
            schema,
            zone: &self.zone,
            base_currency: self.base_currency,
            base_decimals: self.base_decimals,
        }
    }
}

/// `channel: {type: text, meaning: "..."}` or `channel: text`.
fn attributes(node: &Node, report: &mut Report<'_>) -> Vec<(String, FieldType, String, At)> {
    let Shape::Map(entries) = &node.shape else {
        report.fault(node.at, "`attributes` must be a map from name to type");
        return Vec::new();
    };
    let mut attributes = Vec::new();
    for (key, value) in entries {
        let (field_type, meaning) = match &value.shape {
            Shape::Map(_) => {
                let Some(mut fields) = Fields::of(value, "an attribute", report) else { continue };
                let field_type = fields
                    .need("type", report)
                    .and_then(|node| word(node, "type", &ATTRIBUTE_TYPES, report));
                let meaning = fields.text("meaning", report).map(|text| text.text.to_owned());
                fields.finish(report);
                (field_type, meaning.unwrap_or_default())
            }
            Shape::Scalar(_) | Shape::List(_) => {
                (word(value, "type", &ATTRIBUTE_TYPES, report), String::new())
            }
        };
        if !is_name(&key.text) {
            report.fault(key.at, NAME_RULE);
        } else if let Some(field_type) = field_type {
            attributes.push((key.text.clone(), field_type, meaning, key.at));
        }
    }
    attributes
}

/// `card: 64`: a power of two, so that rings fit their capacity classes.
fn exact(node: &Node, exact: &mut [u32; EntityKind::COUNT], report: &mut Report<'_>) {
    let Shape::Map(entries) = &node.shape else {
        report.fault(node.at, "`exact` must be a map from entity kind to a number of events");
        return;
    };
    for (key, value) in entries {
        let Some(kind) = EntityKind::parse(&key.text) else {
            let names = EntityKind::ALL.map(EntityKind::name);
            report.unknown(key.at, "entity kind", &key.text, names);
            continue;
        };
        match int(value, kind.name(), EXACT_MIN..=EXACT_MAX, report) {
            Some(number) if (number as u64).is_power_of_two() => {
                exact[kind.index()] = number as u32;
            }
            Some(number) => {
                let near = (number as u64).next_power_of_two();
                report.fault(value.at, format!("must be a power of two, such as {near}"));
            }
            None => {}
        }
    }
}
