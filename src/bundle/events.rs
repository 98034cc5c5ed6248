//! The short histories of cases: events as messages have them, with what a case need not say.

use super::desk::Desk;
use super::fault::Report;
use super::read::duration;
use super::yaml::{Key, Node, Shape};
use crate::domain::{EventTime, Service};

/// Most events of one case.
const EVENTS_MAX: usize = 256;
/// Noon of a Monday in Shanghai: no case is at night by accident.
const START: &str = "2026-11-23T12:00:00+08:00";

/// Events as JSON, in their order. `after` is the time since the event before; `event_id`, `kind`,
/// `service`, `occurred_at` and `amount` are given where a case leaves them out.
pub(super) fn read(
    items: &[Node],
    service: Option<Service>,
    desk: &Desk<'_>,
    report: &mut Report<'_>,
) -> Vec<String> {
    if let Some(node) = items.get(EVENTS_MAX) {
        report.fault(node.at, format!("more than {EVENTS_MAX} events in one case; remove some"));
    }
    let mut at_ms = EventTime::parse_rfc3339(START).map_or(0, EventTime::as_ms);
    let mut events = Vec::with_capacity(items.len());
    for (index, node) in items.iter().take(EVENTS_MAX).enumerate() {
        let Shape::Map(entries) = &node.shape else {
            report.fault(node.at, format!("an event must be a map, this is {}", node.kind()));
            continue;
        };
        let entry = |name: &str| entries.iter().find(|(key, _)| key.text == name);
        if let Some((_, after)) = entry("after") {
            at_ms = at_ms.saturating_add(duration(after, "after", report).unwrap_or(0));
        }
        let Ok(at) = EventTime::from_ms(at_ms) else {
            report.fault(node.at, "`after` leaves the years that events may have");
            continue;
        };
        let kind = entry("kind").map(|(_, node)| &node.shape);
        let is_amendment = matches!(kind, Some(Shape::Scalar(kind))
            if matches!(kind.text.as_str(), "outcome" | "label"));
        let mut fields = Vec::with_capacity(entries.len() + 5);
        let mut given = |name: &str, value: String| {
            if entry(name).is_none() {
                fields.push(format!("{}:{value}", quoted(name)));
            }
        };
        given("occurred_at", quoted(&at.to_string()));
        if !is_amendment {
            given("event_id", quoted(&format!("case-{}", index + 1)));
            given("kind", quoted("payment"));
            let service = service.unwrap_or(Service::InternetPayment);
            given("service", quoted(service.name()));
            let code = quoted(desk.base_currency.as_str());
            given("amount", format!("{{\"minor\":10000,\"currency\":{code}}}"));
        }
        let own = entries.iter().filter(|(key, _)| key.text != "after");
        fields.extend(own.map(|(key, node)| field(key, node)));
        events.push(format!("{{{}}}", fields.join(",")));
    }
    events
}

fn field(key: &Key, node: &Node) -> String {
    format!("{}:{}", quoted(&key.text), json(node))
}

/// YAML as JSON; its depth is bounded by the reader.
fn json(node: &Node) -> String {
    match &node.shape {
        Shape::Scalar(scalar) if scalar.plain && is_json(&scalar.text) => scalar.text.clone(),
        Shape::Scalar(scalar) => quoted(&scalar.text),
        Shape::List(items) => {
            format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(","))
        }
        Shape::Map(entries) => {
            let fields = entries.iter().map(|(key, node)| field(key, node));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
    }
}

/// Whether a plain text is a truth or a number of JSON.
fn is_json(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = match digits.split_once('.') {
        Some((whole, part)) => is_whole(whole) && !part.is_empty() && all_digits(part),
        None => is_whole(digits),
    };
    matches!(text, "true" | "false" | "null") || is_number
}

fn is_whole(digits: &str) -> bool {
    digits == "0" || !digits.is_empty() && !digits.starts_with('0') && all_digits(digits)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn quoted(text: &str) -> String {
    sonic_rs::to_string(text).unwrap_or_else(|_| "\"\"".to_owned())
}
