//! One record as a row of a table, for people.

use std::io::{self, Write};

use super::changed::told;
use super::line::{follow_ups, result, what};
use super::names::Names;
use crate::commands::report::amount as shown;
use crate::domain::{Fact, Input};
use crate::journal::ReadEntry;

/// The table's head.
pub(super) fn write_head(out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{:>10}  {:<24}  {:<24}  {:<30}  {:>14}  {:<20}  {:>5}  reasons",
        "seq", "received", "event", "kind", "amount", "decision", "score"
    )
}

/// One record's row.
pub(super) fn write_row(out: &mut dyn Write, entry: &ReadEntry, names: &Names) -> io::Result<()> {
    let input = &entry.input;
    let (decision, score, reasons) = match entry.body() {
        Some(body) => {
            let words = std::iter::once(body.action.name()).chain(follow_ups(body));
            let reasons = body.reasons.as_slice().iter().map(|id| names.reason(*id));
            let decision = words.collect::<Vec<_>>().join("+");
            (decision, body.score.to_string(), reasons.collect::<Vec<_>>().join(" "))
        }
        None => {
            let what = input.control.as_deref().map(told).unwrap_or_default();
            (result(&entry.applied).0.to_owned(), String::new(), what)
        }
    };
    writeln!(
        out,
        "{:>10}  {:<24}  {:<24}  {:<30}  {:>14}  {:<20}  {:>5}  {}",
        entry.seq.0,
        input.received_at.to_string(),
        printable(&input.event_id),
        kind(input),
        amount(input),
        decision,
        score,
        printable(&reasons)
    )
}

/// What happened through which service; for an amendment what became known.
fn kind(input: &Input) -> String {
    let text = |fact: Fact| input.facts.text(fact).unwrap_or_default();
    match (text(Fact::Kind), text(Fact::Service)) {
        ("", _) => what(&input.what).to_owned(),
        (kind, "") => printable(kind),
        (kind, service) => printable(&format!("{kind}/{service}")),
    }
}

/// The amount in its own currency.
fn amount(input: &Input) -> String {
    match (input.facts.int(Fact::AmountMinor), input.facts.text(Fact::Currency)) {
        (Some(minor), Some(currency)) => shown(minor, &printable(currency)),
        _ => String::new(),
    }
}

/// Text of a file that anyone may have written must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
