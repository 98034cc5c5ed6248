//! The report as CSV: differences field by field, or the counts of a what-if.

use super::report::Report;
use crate::commands::report::push_row as row;

/// The report's rows.
pub(super) fn of(report: &Report) -> String {
    let mut out = String::new();
    match &report.what_if {
        None => {
            row(&mut out, &["seq", "event_id", "received_at", "field", "journal", "replay"]);
            let first = report.first_difference.iter();
            for one in first.chain(&report.more_differences) {
                let seq = one.seq.to_string();
                for field in one.fields.iter().filter(|field| field.differs) {
                    let at = [&*seq, &one.event_id, &one.received_at];
                    let sides = [field.name, &field.journal, &field.replay];
                    row(&mut out, &[at.as_slice(), sides.as_slice()].concat());
                }
            }
        }
        Some(what_if) => {
            let head = ["by", "name", "decisions", "changed", "stricter", "milder"];
            row(&mut out, &head);
            for one in &what_if.transitions {
                let name = format!("{} to {}", one.from, one.to);
                let count = one.decisions.to_string();
                row(&mut out, &["transition", &name, "", &count, "", ""]);
            }
            for one in &what_if.reasons {
                let (gained, lost) = (one.gained.to_string(), one.lost.to_string());
                row(&mut out, &["reason gained", &one.reason, "", &gained, "", ""]);
                row(&mut out, &["reason lost", &one.reason, "", &lost, "", ""]);
            }
            let slices = [
                ("service", &what_if.services),
                ("amount", &what_if.amounts),
                ("day", &what_if.days),
            ];
            for (by, slices) in slices {
                for one in slices {
                    let counts = [one.decisions, one.changed, one.stricter, one.milder];
                    let [a, b, c, d] = counts.map(|count| count.to_string());
                    row(&mut out, &[by, &one.name, &a, &b, &c, &d]);
                }
            }
        }
    }
    out
}
