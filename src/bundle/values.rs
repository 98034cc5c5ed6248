//! Which values can a column have? A comparison with any other never holds, so nobody means it.
//!
//! Known are the closed vocabularies of facts and built-in features, the forms that enrich writes
//! (four digits, two capital letters), and that texts have a greatest length. A comparison that is
//! always false, or with `!=` always true, is silent for ever: no case and no backtest shows it.

use super::fault::{Report, shown};
use crate::domain::{Currency, EntryMode, Fact, Facts, FieldId, Kind, Schema, Service};
use crate::lang::{self, Constant, Node, NodeKind, Relation, Span, Where};
use crate::stages::enrich::mcc;
use crate::stages::features::Builtin;

/// The values of a text column.
enum Values {
    /// These words.
    Words(Vec<&'static str>),
    /// A form, and what it is called.
    Form(fn(&str) -> bool, &'static str),
}

/// What is known of a column's values.
fn values(column: &str) -> Option<Values> {
    let fact = Fact::ALL.iter().find(|fact| fact.name() == column);
    Some(match fact {
        Some(Fact::Kind) => Values::Words(Kind::ALL.iter().map(|one| one.name()).collect()),
        Some(Fact::Service) => Values::Words(Service::ALL.iter().map(|one| one.name()).collect()),
        Some(Fact::EntryMode) => {
            Values::Words(EntryMode::ALL.iter().map(|one| one.name()).collect())
        }
        Some(Fact::CardType) => Values::Words(vec!["debit", "credit", "prepaid"]),
        Some(Fact::PayerAgeBand) => {
            Values::Words(vec!["under_18", "18_24", "25_44", "45_64", "65_plus"])
        }
        Some(Fact::MerchantMccGroup) => Values::Words(mcc::GROUPS.to_vec()),
        Some(Fact::MerchantMcc) => Values::Form(digits::<4>, "four digits, such as 0742"),
        Some(Fact::CardBin) => Values::Form(digits::<6>, "six digits"),
        Some(Fact::TerminalType) => Values::Form(digits::<2>, "two digits, such as 04"),
        Some(Fact::TerminalNetworkCode) => Values::Form(digits::<3>, "three digits, such as 460"),
        Some(Fact::Currency) => {
            Values::Form(|text| Currency::parse(text).is_some(), "three capital letters, as in USD")
        }
        Some(Fact::CardCountry | Fact::PayerPhoneCountry | Fact::IpCountry) => {
            Values::Form(two_capitals, "two capital letters, as in CN")
        }
        Some(Fact::PayerEmailDomain) => {
            Values::Form(domain, "a domain in small letters, without @, as in 163.com")
        }
        Some(_) => return None,
        None if column == Builtin::DeviceMatch.name() => {
            Values::Words(vec!["same", "probable", "new"])
        }
        None if column == Builtin::DeviceReason.name() => {
            Values::Words(vec!["reset", "upgrade", "clone", ""])
        }
        None => return None,
    })
}

fn digits<const COUNT: usize>(text: &str) -> bool {
    text.len() == COUNT && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn two_capitals(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn domain(text: &str) -> bool {
    !text.is_empty() && !text.contains(['@', ' ']) && !text.chars().any(char::is_uppercase)
}

/// Whether texts of a column can be ordered: digits of one length stand in the order of numbers.
pub(super) fn is_ordered(column: &str) -> bool {
    matches!(values(column), Some(Values::Form(form, _)) if form("00") || form("000")
        || form("0000") || form("000000"))
}

/// Why a text column never has a value; `None` when it may.
pub(super) fn never(column: &str, text: &str) -> Option<String> {
    let wanted = match values(column) {
        Some(Values::Words(words)) if words.contains(&text) => return None,
        Some(Values::Words(words)) => match lang::nearest(text, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let words: Vec<&str> = words.into_iter().filter(|one| !one.is_empty()).collect();
                format!("it is one of: {}", words.join(", "))
            }
        },
        Some(Values::Form(is_fine, _)) if is_fine(text) => return None,
        Some(Values::Form(_, form)) => format!("it has {form}"),
        None if text.len() > Facts::TEXT_MAX => {
            format!("texts are cut to {} bytes", Facts::TEXT_MAX)
        }
        None => return None,
    };
    Some(format!("`{column}` is never `{}`: {wanted}", shown(text)))
}

/// Each comparison of an expression that never holds, or always: its place and a sentence.
pub(super) fn impossible(node: &Node, schema: &Schema) -> Vec<(Span, String)> {
    let mut found = Vec::new();
    walk(node, schema, &mut found);
    found
}

/// As [`impossible`], of what a filter asks of the facts.
pub(super) fn impossible_in(filter: &Where, schema: &Schema, found: &mut Vec<(Span, String)>) {
    match filter {
        Where::And(parts) | Where::Or(parts) => {
            parts.iter().for_each(|part| impossible_in(part, schema, found));
        }
        Where::Event { program, .. } => walk(program.node(), schema, found),
        Where::State { .. } => {}
    }
}

fn walk(node: &Node, schema: &Schema, found: &mut Vec<(Span, String)>) {
    match &node.kind {
        NodeKind::Compare { relation: Relation::Equal | Relation::NotEqual, left, right } => {
            let message = right.constant().and_then(|value| unequal(left, value, schema));
            found.extend(message.map(|message| (right.span, message)));
        }
        NodeKind::OneOf { value, list } => {
            let messages = list.iter().filter_map(|one| unequal(value, one, schema));
            found.extend(messages.map(|message| (node.span, message)));
        }
        _ => {}
    }
    node.children().into_iter().for_each(|child| walk(child, schema, found));
}

/// Why a part never equals a constant.
fn unequal(part: &Node, value: &Constant, schema: &Schema) -> Option<String> {
    match (&part.kind, value) {
        (NodeKind::Column(id), Constant::Text(text)) => never(name(*id, schema)?, text),
        (_, Constant::Float(value)) if part.node_type == lang::Type::Int => {
            let is_whole = value.is_finite() && value.fract() == 0.0;
            (!is_whole).then(|| format!("a whole number is never {value:?}"))
        }
        _ => None,
    }
}

fn name(id: FieldId, schema: &Schema) -> Option<&str> {
    schema.field(id).map(|field| field.name.as_str())
}

/// Notes what never holds in an expression that stands in a file.
pub(super) fn note(
    found: Vec<(Span, String)>,
    (text, place): (&str, &lang::Place),
    report: &mut Report<'_>,
) {
    for (span, message) in found {
        let fault = lang::Fault::of_part(place, text, span, message);
        let at = super::fault::At { line: fault.line, column: fault.column };
        report.misleads(at, fault.message);
    }
}
