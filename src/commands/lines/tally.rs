//! What became of the lines, by count.

use std::collections::BTreeMap;

use super::refused::RefusedLine;
use crate::commands::report::grouped;
use crate::domain::{Action, Applied, Fact, Facts};
use crate::engine::Outcome;
use crate::stages::decode::Dropped;

/// What was done, by count. The names are those of `--json` and stay.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub(in crate::commands) struct Tally {
    pub(in crate::commands) lines: u64,
    pub(in crate::commands) decided: u64,
    pub(in crate::commands) approve: u64,
    pub(in crate::commands) challenge: u64,
    pub(in crate::commands) decline: u64,
    pub(in crate::commands) repeated: u64,
    pub(in crate::commands) conflicts: u64,
    pub(in crate::commands) observed: u64,
    pub(in crate::commands) amended: u64,
    pub(in crate::commands) parked: u64,
    pub(in crate::commands) rejected: u64,
    /// By the reason's stable name.
    pub(in crate::commands) rejected_by: BTreeMap<&'static str, u64>,
    /// Amounts of which no rate says what they are worth, by currency.
    pub(in crate::commands) no_rate_by: BTreeMap<String, u64>,
    /// The first lines of each reason.
    pub(in crate::commands) refused: BTreeMap<&'static str, Vec<RefusedLine>>,
    /// Fields that could not be read and were dropped, by name.
    pub(in crate::commands) malformed: BTreeMap<&'static str, u64>,
    /// Lines with fields that the schema or the bundle does not know, by the known name that was
    /// probably meant.
    pub(in crate::commands) unknown_fields: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one line's outcome.
    pub(super) fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Rejected(reject) => {
                *self.rejected_by.entry(reject.reason.name()).or_default() += 1;
                &mut self.rejected
            }
            Outcome::Applied(applied) => match applied {
                Applied::Decided { body, .. } => {
                    let action = match body.action {
                        Action::Approve => &mut self.approve,
                        Action::Challenge => &mut self.challenge,
                        Action::Decline => &mut self.decline,
                    };
                    *action += 1;
                    &mut self.decided
                }
                Applied::Repeated { .. } | Applied::AlreadyCounted { .. } => &mut self.repeated,
                Applied::Conflict { .. } => &mut self.conflicts,
                Applied::Observed { .. } => &mut self.observed,
                Applied::Amended { .. } => &mut self.amended,
                Applied::Parked { .. } => &mut self.parked,
                // No line is one.
                Applied::Controlled { .. } => return,
            },
        };
        *counter += 1;
    }

    /// Counts a currency that has no rate, of an event that was counted for the first time.
    pub(super) fn count_currency(&mut self, outcome: &Outcome, facts: &Facts) {
        let is_first =
            matches!(outcome, Outcome::Applied(Applied::Decided { .. } | Applied::Observed { .. }));
        if let (true, false, Some(code)) =
            (is_first, facts.has(Fact::AmountBase), facts.text(Fact::Currency))
        {
            match self.no_rate_by.get_mut(code) {
                Some(count) => *count += 1,
                None => _ = self.no_rate_by.insert(code.to_owned(), 1),
            }
        }
    }

    /// Whether every line was taken: one that got no answer, or was not counted, is a finding.
    pub(in crate::commands) const fn is_clean(&self) -> bool {
        self.rejected == 0 && self.conflicts == 0
    }

    /// Counts what the door dropped of one line for its form or name.
    pub(super) fn count_dropped(&mut self, dropped: &Dropped) {
        for field in dropped.malformed.iter() {
            *self.malformed.entry(field.name()).or_default() += 1;
        }
        for nearest in dropped.nearest() {
            *self.unknown_fields.entry(nearest).or_default() += 1;
        }
    }

    /// The first refused lines of each reason: where each stands and why.
    pub(in crate::commands) fn refused_lines(&self) -> impl Iterator<Item = String> + '_ {
        self.refused.values().flatten().map(|RefusedLine { line, says, event_id, .. }| {
            let of = if event_id.is_empty() { String::new() } else { format!(" ({event_id})") };
            format!("  line {line}{of}: {says}")
        })
    }

    /// What is worth a line for people, each where there is any.
    pub(in crate::commands) fn report(&self) {
        for (count, what) in [
            (self.repeated, "repeated: decided already, not counted again"),
            (self.conflicts, "conflicts: the id came before with other content"),
            (self.observed, "events counted without a decision"),
            (self.amended, "outcomes and labels applied"),
            (self.parked, "outcomes and labels of events that are not known"),
            (self.rejected, "rejected at the door"),
        ] {
            if count > 0 {
                eprintln!("{:>10}  {what}", grouped(count));
            }
        }
        for (reason, count) in &self.rejected_by {
            eprintln!("{:>14}  {reason}", grouped(*count));
        }
        for (currency, count) in &self.no_rate_by {
            eprintln!("{:>10}  in {currency}, which has no exchange rate", grouped(*count));
        }
        for line in self.refused_lines() {
            eprintln!("{line}");
        }
        for (field, count) in &self.malformed {
            eprintln!("{:>10}  with a malformed `{field}`: dropped, and decided", grouped(*count));
        }
        for (nearest, count) in &self.unknown_fields {
            let meant = match *nearest {
                "unknown" => "nothing like it is known".to_owned(),
                "attributes" => "an attribute that the bundle does not declare".to_owned(),
                nearest => format!("`{nearest}` was probably meant"),
            };
            eprintln!("{:>10}  with an unknown field: {meant}", grouped(*count));
        }
    }
}
