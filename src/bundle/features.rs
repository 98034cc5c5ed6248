//! `features.yaml`: aggregates over windows, typed and checked, and the texts of derived features.

use super::desk::{Constants, Desk, NAME_RULE, is_name};
use super::fault::{At, Report, shown};
use super::read::{Fields, Text, duration};
use super::yaml::{Node, Shape};
use crate::domain::{EntityKind, FieldId, FieldType};
use crate::lang::Constant;
use crate::stages::features::{AggregateSpec, DistinctOf, Function, Over, REACH_MAX_MS};

/// Most aggregates of a bundle.
pub(super) const AGGREGATES_MAX: usize = 2_048;

/// An aggregate before it has its column.
pub(super) struct Aggregate {
    /// Where it stands.
    pub(super) at: At,
    /// What it computes.
    pub(super) spec: AggregateSpec,
    /// The type of its value.
    pub(super) field_type: FieldType,
    /// One sentence, for editors and reports.
    pub(super) meaning: String,
}

/// A derived feature before it is compiled.
pub(super) struct DerivedText<'a> {
    /// Its name.
    pub(super) name: Text<'a>,
    /// Its expression.
    pub(super) text: Text<'a>,
    /// One sentence, if it was given.
    pub(super) meaning: Option<&'a str>,
}

/// What `features.yaml` declares.
#[derive(Default)]
pub(super) struct Declared<'a> {
    /// In the order of the file.
    pub(super) aggregates: Vec<Aggregate>,
    /// In the order of the file.
    pub(super) derived: Vec<DerivedText<'a>>,
    /// Those of the bundle and those of the file.
    pub(super) constants: Constants,
}

/// Reads the file: a list, or a map with `features` and `constants`. The desk's schema holds what
/// a window may look at: the facts.
pub(super) fn read<'a>(
    root: &'a Node,
    shared: &Constants,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Declared<'a> {
    let (items, constants) = match &root.shape {
        Shape::List(items) => (items.as_slice(), shared.clone()),
        _ => {
            let Some(mut fields) = Fields::of(root, "features.yaml", report) else {
                return Declared::default();
            };
            let constants = desk.constants(fields.get("constants"), shared, report);
            let items = fields.list("features");
            fields.finish(report);
            (items, constants)
        }
    };
    let mut declared = Declared { constants, ..Declared::default() };
    for item in items {
        feature(item, &mut declared, desk, report);
    }
    if declared.aggregates.len() > AGGREGATES_MAX {
        report.fault(root.at, format!("more than {AGGREGATES_MAX} aggregates; remove some"));
    }
    declared
}

fn feature<'a>(
    node: &'a Node,
    declared: &mut Declared<'a>,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) {
    let Some(mut fields) = Fields::of(node, "a feature", report) else { return };
    let name = fields.need_text("name", report).filter(|name| {
        let fine = is_name(name.text);
        if !fine {
            report.fault(name.at, NAME_RULE);
        }
        fine
    });
    let meaning = fields.text("meaning", report).map(|text| text.text);
    if let Some(text) = fields.text("derive", report) {
        fields.get("aggregate").inspect(|node| {
            report.fault(node.at, "a feature is either `derive` or `aggregate`, not both");
        });
        if let Some(name) = name {
            declared.derived.push(DerivedText { name, text, meaning });
        }
    } else {
        let what = fields.need_text("aggregate", report);
        let spec = spec(&mut fields, (name, what), &declared.constants, desk, report);
        if let Some((spec, field_type)) = spec {
            let meaning = meaning.map_or_else(|| described(what, &spec), str::to_owned);
            declared.aggregates.push(Aggregate { at: node.at, spec, field_type, meaning });
        }
    }
    fields.finish(report);
}

/// Reads every key even after a fault, so that all faults of a feature are found at once.
fn spec(
    fields: &mut Fields<'_>,
    (name, what): (Option<Text<'_>>, Option<Text<'_>>),
    constants: &Constants,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Option<(AggregateSpec, FieldType)> {
    let faults_before = report.faults.len();
    let kinds = EntityKind::ALL.map(|kind| (kind.name(), kind));
    let function = what.and_then(|what| function(what, constants, desk, report));
    if fields.get("by").is_none() {
        fields.need("by", report);
    }
    let by = fields.word("by", &kinds, report);
    let at = fields.word("at", &kinds, report);
    let over = window(fields, report);
    let delay = fields.get("delay");
    let delay_ms = delay.and_then(|node| duration(node, "delay", report)).unwrap_or(0);
    let filter_text = fields.text("where", report);
    let filter = filter_text.and_then(|text| desk.compile_where(text, constants, report));
    let excluding_current = fields.bool("excluding_current", report).unwrap_or(false);
    let default = fields.get("default");

    if let (Some(by), Some(looked_up)) = (by, at)
        && !shares_tokens(by, looked_up)
    {
        let message = "`at` joins payee with account or card only: other kinds share no tokens";
        report.fault(fields.at, message);
    }
    if let Some(over) = over {
        check_reach(over, delay_ms, fields.at, report);
    }
    if excluding_current && delay_ms > 0 {
        let message = "a delayed window never holds the current event; drop `excluding_current`";
        report.fault(fields.at, message);
    }
    let (function, field_type) = function?;
    let default = match default {
        None => None,
        Some(node) => Some(default_value(node, (&function, field_type), constants, desk, report)?),
    };
    let filter = if filter_text.is_some() { Some(filter?) } else { None };
    if report.faults.len() > faults_before {
        return None;
    }
    let spec = AggregateSpec {
        name: name?.text.to_owned(),
        function,
        by: by?,
        at,
        over: over?,
        delay_ms,
        filter,
        excluding_current,
        default,
    };
    Some((spec, field_type))
}

/// `over: 1h`, `over: day`, `over: month`.
fn window(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Over> {
    let node = fields.need("over", report)?;
    match &node.shape {
        Shape::Scalar(scalar) if scalar.text == "day" => Some(Over::CalendarDay),
        Shape::Scalar(scalar) if scalar.text == "month" => Some(Over::CalendarMonth),
        _ => duration(node, "over", report).map(Over::Rolling),
    }
}

/// Payee tokens are those of accounts and cards (DESIGN section 4); no other kinds meet.
const fn shares_tokens(by: EntityKind, at: EntityKind) -> bool {
    use EntityKind::{Account, Card, Payee};
    matches!((by, at), (Payee, Account | Card) | (Account | Card, Payee))
}

fn check_reach(over: Over, delay_ms: i64, at: At, report: &mut Report<'_>) {
    match over {
        Over::Rolling(width_ms) if width_ms.saturating_add(delay_ms) > REACH_MAX_MS => {
            report.fault(at, "`over` and `delay` together reach further back than 45d");
        }
        Over::CalendarDay | Over::CalendarMonth if delay_ms > 0 => {
            report.fault(at, "a calendar window takes no `delay`; use a duration for `over`");
        }
        _ => {}
    }
}

/// `sum(amount_base)`, `rate(label.fraud)`, `count`.
fn function(
    text: Text<'_>,
    constants: &Constants,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Option<(Function, FieldType)> {
    const NAMES: [&str; 11] = [
        "count",
        "sum",
        "mean",
        "min",
        "max",
        "stddev",
        "distinct",
        "first",
        "last",
        "since_last",
        "rate",
    ];
    let (name, argument) = match text.text.split_once('(') {
        None => (text.text.trim(), None),
        Some((name, rest)) => {
            let Some(inner) = rest.trim_end().strip_suffix(')') else {
                report.fault(text.at, "the closing `)` is missing");
                return None;
            };
            (name.trim(), Some(inner).filter(|inner| !inner.trim().is_empty()))
        }
    };
    let column = text.text.find('(').unwrap_or(0) as u32 + 1;
    let at = At { column: text.at.column + column, ..text.at };
    match (name, argument) {
        ("count", None) => Some((Function::Count, FieldType::Int)),
        ("since_last", None) => Some((Function::SinceLast, FieldType::Int)),
        ("count" | "since_last", Some(_)) => {
            report.fault(at, format!("`{name}` takes nothing; use `where` to choose events"));
            None
        }
        ("rate", Some(condition)) => {
            let text = Text { at, text: condition };
            let condition = desk.compile_where(text, constants, report)?;
            Some((Function::Rate(condition), FieldType::Float))
        }
        ("distinct", Some(of)) => distinct(of.trim(), at, desk, report),
        (_, Some(of)) if NAMES.contains(&name) => {
            let (field, field_type) = column_of(of.trim(), at, desk, report)?;
            of_column(name, field, field_type, at, report)
        }
        (_, None) if NAMES.contains(&name) => {
            report.fault(text.at, format!("`{name}` of what? Write it in parentheses"));
            None
        }
        _ => {
            report.unknown(text.at, "aggregate", name, NAMES);
            None
        }
    }
}

fn column_of(
    name: &str,
    at: At,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Option<(FieldId, FieldType)> {
    match desk.schema.get(name) {
        Some(field) => Some((field.id, field.field_type)),
        None => {
            let facts = desk.schema.fields().map(|field| field.name.as_str());
            report.unknown(at, "fact", name, facts);
            None
        }
    }
}

fn distinct(
    of: &str,
    at: At,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Option<(Function, FieldType)> {
    if let Some(kind) = EntityKind::parse(of) {
        return Some((Function::Distinct(DistinctOf::Entity(kind)), FieldType::Int));
    }
    match desk.schema.get(of) {
        Some(field)
            if matches!(field.field_type, FieldType::Text | FieldType::Id | FieldType::Int) =>
        {
            Some((Function::Distinct(DistinctOf::Field(field.id)), FieldType::Int))
        }
        Some(field) => {
            let name = field.field_type.name();
            report
                .fault(at, format!("`{of}` is {name}; `distinct` counts text, int, id, entities"));
            None
        }
        None => {
            let kinds = EntityKind::ALL.map(EntityKind::name);
            let facts = desk.schema.fields().map(|field| field.name.as_str());
            report.unknown(at, "entity kind or fact", of, kinds.into_iter().chain(facts));
            None
        }
    }
}

/// The function over a column, and its type. A mean or deviation of money is a float in minor
/// units: money cannot be fractional.
fn of_column(
    name: &str,
    field: FieldId,
    field_type: FieldType,
    at: At,
    report: &mut Report<'_>,
) -> Option<(Function, FieldType)> {
    let whole = match field_type {
        FieldType::Int | FieldType::Money => Some(field_type),
        // Booleans are counted: their sum is a count, their mean a share.
        FieldType::Bool if matches!(name, "sum" | "mean") => Some(FieldType::Int),
        _ => None,
    };
    let Some(whole) = whole else {
        let has = field_type.name();
        let message = format!("`{name}` wants an int or money fact, this one is {has}");
        report.fault(at, message);
        return None;
    };
    Some(match name {
        "sum" => (Function::Sum(field), whole),
        "mean" => (Function::Mean(field), FieldType::Float),
        "stddev" => (Function::Stddev(field), FieldType::Float),
        "min" => (Function::Min(field), whole),
        "max" => (Function::Max(field), whole),
        "first" => (Function::First(field), whole),
        // The caller has matched every other name.
        _ => (Function::Last(field), whole),
    })
}

/// The value of an empty window, in the unit of the feature.
fn default_value(
    node: &Node,
    (function, field_type): (&Function, FieldType),
    constants: &Constants,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Option<f64> {
    use Function::{Count, Distinct, Rate, Sum};
    if matches!(function, Count | Sum(_) | Distinct(_) | Rate(_)) {
        report.fault(node.at, "an empty window is 0 here already; drop `default`");
        return None;
    }
    let text = super::read::text(node, report)?;
    match (desk.constant(text, constants, report)?, field_type) {
        (Constant::Int(value), FieldType::Int | FieldType::Float) => Some(value as f64),
        (Constant::Float(value), FieldType::Float) => Some(value),
        (Constant::Money(minor), FieldType::Money | FieldType::Float) => Some(minor as f64),
        _ => {
            let want = field_type.name();
            report.fault(text.at, format!("`default` must be a constant of type {want}"));
            None
        }
    }
}

/// A sentence for a feature that was given none.
fn described(what: Option<Text<'_>>, spec: &AggregateSpec) -> String {
    let over = match spec.over {
        Over::Rolling(ms) if ms % 86_400_000 == 0 => format!("{} d", ms / 86_400_000),
        Over::Rolling(ms) if ms % 3_600_000 == 0 => format!("{} h", ms / 3_600_000),
        Over::Rolling(ms) if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        Over::Rolling(ms) => format!("{} s", ms / 1_000),
        Over::CalendarDay => "the calendar day".to_owned(),
        Over::CalendarMonth => "the calendar month".to_owned(),
    };
    let what = shown(what.map_or("", |what| what.text));
    format!("{what} by {} over {over}.", spec.by.name())
}
