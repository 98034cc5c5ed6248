//! The report as a document for people.

use super::compare::Comparison;
use super::rebuild::tell;
use super::report::Report;
use super::what_if::{Slice, WhatIf};
use crate::commands::backtest::percent;
use crate::commands::report::{Cell, Document, Line, Table, Tone, counted, grouped};

/// The report in words and tables.
pub(super) fn of(report: &Report) -> Document {
    let how = match (&report.event, report.mode) {
        (_, "what_if") => "decided again under another bundle",
        _ => "decided again under the bundle and plan of then",
    };
    let lead = format!("{}, {}: {how}", report.journal, report.range);
    let mut document = Document::new("Replay", lead);
    verdict(&mut document, report);
    if let Some(event) = &report.event {
        sides(&mut document, event, "The event's two sides");
    }
    let first = report.first_difference.as_ref();
    if let Some(first) = first.filter(|_| report.event.is_none()) {
        let name = format!("The first difference: input {}", grouped(first.seq));
        sides(&mut document, first, &name);
    }
    more(&mut document, report);
    if let Some(what_if) = report.what_if.as_ref().filter(|what_if| what_if.decisions > 1) {
        changes(&mut document, what_if);
    }
    facts(&mut document, report);
    document
}

fn verdict(document: &mut Document, report: &Report) {
    let inputs = counted(report.inputs, "input");
    if let Some(what_if) = &report.what_if {
        let WhatIf { decisions, changed, stricter, milder, other, .. } = *what_if;
        let share = percent(changed as f64 / decisions.max(1) as f64);
        let text = format!(
            "{} of {} change ({share}): {} stricter, {} milder, {} in follow-ups \
             only; {} keep their answer with another score or reason",
            grouped(changed),
            counted(decisions, "decision"),
            grouped(stricter),
            grouped(milder),
            grouped(changed - stricter - milder),
            grouped(other),
        );
        let tone = if report.is_clean() { Tone::Good } else { Tone::Warning };
        document.verdict(text, tone);
    } else if report.inputs == 0 {
        document.verdict("no input arrived in this stretch", Tone::Warning);
    } else if report.is_clean() {
        let text = format!(
            "clean: {inputs} applied again, every body byte for byte the one in the journal"
        );
        document.verdict(text, Tone::Good);
    } else {
        let text = format!("{} of {inputs} differ", grouped(report.differences));
        document.verdict(text, Tone::Bad);
    }
    let here = report.engine_semantics;
    for other in report.semantics.iter().filter(|other| other.version != here) {
        document.note(format!(
            "{} inputs were decided by engine semantics {}, this is {here}: bodies may differ by \
             design, {} do",
            grouped(other.inputs),
            other.version,
            grouped(other.differences)
        ));
    }
}

/// Both sides of one input, and the input.
fn sides(document: &mut Document, one: &Comparison, name: &str) {
    document.heading(name);
    document.lines(vec![
        Line::new("event", one.event_id.clone()),
        Line::new("received", one.received_at.clone()),
    ]);
    let mut table = Table::new(&["field", "journal", "replay"]);
    for field in &one.fields {
        let tone = if field.differs { Tone::Bad } else { Tone::Plain };
        let side = |text: &str| Cell::toned(if text.is_empty() { "-" } else { text }, tone);
        table.row([Cell::from(field.name), side(&field.journal), side(&field.replay)]);
    }
    document.table(table);
    document.heading(format!("The input {} that led there", grouped(one.seq)));
    let lines = one.record.input().into_iter().map(|(name, value)| Line::new(name, value));
    document.lines(lines.collect());
}

/// Further differences in short: one row a field.
fn more(document: &mut Document, report: &Report) {
    if report.more_differences.is_empty() {
        return;
    }
    document.heading("Further differences");
    let mut table = Table::new(&[">input", "event", "field", "journal", "replay"]);
    const SHOWN: usize = 20;
    for one in report.more_differences.iter().take(SHOWN) {
        // The bytes say nothing here that the other fields do not say better.
        let fields = one.fields.iter().filter(|field| field.differs);
        for field in fields.filter(|field| !field.name.contains("bytes")) {
            table.row([
                Cell::from(one.seq),
                Cell::from(&*one.event_id),
                Cell::from(field.name),
                Cell::from(&*field.journal),
                Cell::from(&*field.replay),
            ]);
        }
    }
    document.table(table);
    let shown = 1 + report.more_differences.len().min(SHOWN) as u64;
    if report.differences > shown {
        let rest = grouped(report.differences - shown);
        document.note(format!("and {rest} more; --csv and --json hold the first hundred"));
    }
}

fn changes(document: &mut Document, what_if: &WhatIf) {
    if !what_if.transitions.is_empty() {
        document.heading("Answers, then and now");
        let mut table = Table::new(&["then", "now", ">decisions"]);
        for one in &what_if.transitions {
            table.row([Cell::from(&*one.from), Cell::from(&*one.to), Cell::from(one.decisions)]);
        }
        document.table(table);
    }
    if !what_if.reasons.is_empty() {
        document.heading("Reasons of changed decisions");
        let mut table = Table::new(&["reason", ">gained", ">lost"]);
        for one in &what_if.reasons {
            table.row([Cell::from(&*one.reason), Cell::from(one.gained), Cell::from(one.lost)]);
        }
        document.table(table);
    }
    for (name, slices) in [
        ("By service", &what_if.services),
        ("By amount", &what_if.amounts),
        ("By day of arrival", &what_if.days),
    ] {
        document.heading(name);
        document.table(slice_table(slices));
    }
    examples(document, what_if);
}

fn slice_table(slices: &[Slice]) -> Table {
    let mut table = Table::new(&["", ">decisions", ">changed", ">share", ">stricter", ">milder"]);
    for one in slices {
        let share = percent(one.changed as f64 / one.decisions.max(1) as f64);
        let tone = if one.changed > 0 { Tone::Strong } else { Tone::Quiet };
        table.row([
            Cell::from(&*one.name),
            Cell::from(one.decisions),
            Cell::toned(grouped(one.changed), tone),
            Cell::toned(share, tone),
            Cell::from(one.stricter),
            Cell::from(one.milder),
        ]);
    }
    table
}

fn examples(document: &mut Document, what_if: &WhatIf) {
    if what_if.examples.is_empty() {
        return;
    }
    document.heading("Examples");
    let mut table = Table::new(&[">input", "event", "amount", "then", "now", "reasons"]);
    for one in &what_if.examples {
        let gained = one.now.reasons.iter().filter(|reason| !one.then.reasons.contains(reason));
        let lost = one.then.reasons.iter().filter(|reason| !one.now.reasons.contains(reason));
        let reasons = gained
            .map(|reason| format!("+{reason}"))
            .chain(lost.map(|reason| format!("-{reason}")))
            .collect::<Vec<_>>()
            .join(" ");
        table.row([
            Cell::from(one.seq),
            Cell::from(&*one.event_id),
            Cell::from(one.amount.clone().unwrap_or_default()),
            Cell::from(format!("{} {}", one.then.answer, one.then.score)),
            Cell::from(format!("{} {}", one.now.answer, one.now.score)),
            Cell::from(reasons),
        ]);
    }
    document.table(table);
}

fn facts(document: &mut Document, report: &Report) {
    document.heading("What was run");
    let mut lines = vec![
        Line::new("inputs applied again", grouped(report.inputs)),
        Line::under(1, "decisions", grouped(report.decisions)),
        Line::under(1, "outcomes and labels", grouped(report.amendments)),
        Line::under(1, "history without a decision", grouped(report.observed)),
        Line::new("counted for the state before", grouped(report.counted_before)),
    ];
    for bundle in &report.bundles {
        let count = counted(bundle.inputs, "input");
        lines.push(Line::new("decided then by", format!("{}, {count}", short(&bundle.name))));
    }
    if let Some(what_if) = &report.what_if {
        lines.push(Line::new("decided now by", short(&what_if.bundle)));
    }
    lines.push(Line::new("engine semantics", report.engine_semantics.to_string()));
    if report.event.is_none() {
        let speed = grouped((report.inputs as f64 / report.elapsed_s.max(1e-9)) as u64);
        lines.push(Line::new("time", format!("{:.2} s, {speed} inputs/s", report.elapsed_s)));
    }
    document.lines(lines);
    tell(document, &report.begun);
}

/// The first twelve digits of a bundle's hash name it among people.
fn short(name: &str) -> &str {
    name.get(..19).unwrap_or(name)
}
