//! The report as one CSV table: every row says by what it counts.

use super::report::{Measure, Report};
use super::share::Share;
use crate::commands::report::push_row;

const COLUMNS: [&str; 19] = [
    "by",
    "name",
    "mode",
    "decisions",
    "hits",
    "fraud",
    "legitimate",
    "precision",
    "precision_low",
    "precision_high",
    "recall",
    "recall_low",
    "recall_high",
    "false_positive_rate",
    "false_positive_rate_low",
    "false_positive_rate_high",
    "amount_caught_minor",
    "unique_fraud",
    "changed",
];

/// The report's rows.
pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    push_row(&mut out, &COLUMNS);
    for one in &report.answers {
        push(&mut out, "answer", one, ["", &report.decisions.to_string(), "", ""]);
    }
    for rule in &report.rules {
        let (decisions, unique) = (report.decisions.to_string(), rule.unique_fraud.to_string());
        push(&mut out, "rule", &rule.measure, [rule.mode, &decisions, &unique, ""]);
    }
    for (by, slices) in [("service", &report.services), ("day", &report.days)] {
        for slice in slices {
            let (decisions, changed) = (slice.decisions.to_string(), slice.changed.to_string());
            push(&mut out, by, &slice.flagged, ["", &decisions, "", &changed]);
        }
    }
    for one in &report.transitions {
        let measure = Measure {
            name: format!("{} to {}", one.from, one.to),
            hits: one.decisions,
            fraud: one.fraud,
            legitimate: one.legitimate,
            ..Measure::default()
        };
        push(&mut out, "transition", &measure, ["", "", "", &one.decisions.to_string()]);
    }
    for one in &report.overlaps {
        let name = format!("{} and {}", one.one, one.other);
        let measure = Measure { name, hits: one.hits, ..Measure::default() };
        push(&mut out, "overlap", &measure, ["", "", "", ""]);
    }
    for one in report.plants.iter().flat_map(|plants| &plants.typologies) {
        for (name, band) in [("below", one.below), ("at", one.at), ("above", one.above)] {
            let measure = Measure {
                name: [&*one.typology, &one.variant, name].join(" ").replace("  ", " "),
                hits: band.flagged,
                recall: Share::of(band.flagged, band.planted),
                ..Measure::default()
            };
            push(&mut out, "plant", &measure, ["", &band.planted.to_string(), "", ""]);
        }
    }
    out
}

fn push(out: &mut String, by: &str, one: &Measure, [mode, decisions, unique, changed]: [&str; 4]) {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    let share = |share: &Share| [share.value, share.low, share.high].map(number);
    let [precision, recall] = [share(&one.precision), share(&one.recall)];
    let wrong = share(&one.false_positive_rate);
    let counts = [one.hits, one.fraud, one.legitimate].map(|count| count.to_string());
    let mut values = vec![by, &one.name, mode, decisions];
    values.extend(counts.iter().map(String::as_str));
    values.extend([&precision, &recall, &wrong].into_iter().flatten().map(String::as_str));
    let amount = one.amount_caught.to_string();
    values.extend([amount.as_str(), unique, changed]);
    push_row(out, &values);
}
