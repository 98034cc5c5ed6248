//! Lines that got no answer: where each stands and why, never what it says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

use crate::commands::report::{Line, grouped};
use crate::domain::Applied;
use crate::engine::{Outcome, Step};
use crate::stages::decode::Reject;

/// Lines that are shown for each reason.
const SHOWN: usize = 3;

/// One line that was refused.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(in crate::commands) struct RefusedLine {
    /// Its number in the file, from 1.
    pub(in crate::commands) line: u64,
    /// The reason's stable name.
    pub(in crate::commands) reason: &'static str,
    /// The event that it is about, where its id could be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(in crate::commands) event_id: String,
    /// Where in the line, what was wanted and what to do: of the product's own words alone.
    pub(in crate::commands) says: String,
}

impl RefusedLine {
    /// What became of a line, where it got no answer.
    pub(in crate::commands) fn of(line: u64, step: &Step<'_>) -> Option<Self> {
        match &step.outcome {
            Outcome::Rejected(reject) => Some(Self::rejected(line, reject, step.event_id)),
            Outcome::Applied(Applied::Conflict { .. }) => Some(Self::conflict(line, step.event_id)),
            Outcome::Applied(_) => None,
        }
    }

    /// A line that did not pass the door.
    fn rejected(line: u64, reject: &Reject, event_id: &str) -> Self {
        let (reason, says) = (reject.reason.name(), reject.to_string());
        Self { line, reason, event_id: event_id.to_owned(), says }
    }

    /// A line with the id of another payment.
    fn conflict(line: u64, event_id: &str) -> Self {
        let says = "conflict: the id came before with another payment; give this one its own id";
        let says = says.to_owned();
        Self { line, reason: "conflict", event_id: event_id.to_owned(), says }
    }
}

/// Lines without an answer, by the reason's stable name: how many, and the first of each.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub(in crate::commands) struct Refusals {
    /// How many.
    #[serde(rename = "refused_by")]
    pub(in crate::commands) by: BTreeMap<&'static str, u64>,
    /// The first of each.
    #[serde(rename = "refused")]
    pub(in crate::commands) first: BTreeMap<&'static str, Vec<RefusedLine>>,
}

impl Refusals {
    /// Whether every line got its answer.
    pub(in crate::commands) fn is_empty(&self) -> bool {
        self.by.is_empty()
    }

    /// For a report: each reason with its count, under it the first lines. Ids of events are left to
    /// the file of all refused lines, since a report is handed on.
    pub(in crate::commands) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (reason, count) in &self.by {
            lines.push(Line::under(1, format!("refused, {reason}"), grouped(*count)));
            for refused in self.first.get(reason).into_iter().flatten() {
                lines.push(Line::under(2, format!("line {}", refused.line), &*refused.says));
            }
        }
        lines
    }
}

/// Gathers them, and writes all to a file where one is wanted.
#[derive(Debug, Default)]
pub(in crate::commands) struct Refused {
    found: Refusals,
    all: Option<BufWriter<File>>,
}

impl Refused {
    /// Keeps the first lines, and writes every one to a file as a JSON line.
    pub(in crate::commands) fn new(path: Option<&Path>) -> io::Result<Self> {
        let all = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Self { found: Refusals::default(), all })
    }

    /// Notes a line.
    pub(in crate::commands) fn note(&mut self, refused: RefusedLine) -> io::Result<()> {
        if let Some(all) = &mut self.all {
            // Numbers and the product's own words: nothing that could fail to become JSON.
            writeln!(all, "{}", sonic_rs::to_string(&refused).unwrap_or_default())?;
        }
        *self.found.by.entry(refused.reason).or_default() += 1;
        let first = self.found.first.entry(refused.reason).or_default();
        if first.len() < SHOWN {
            first.push(refused);
        }
        Ok(())
    }

    /// Everything is written; what there was.
    pub(in crate::commands) fn finish(self) -> io::Result<Refusals> {
        self.all.map_or(Ok(()), |mut all| all.flush())?;
        Ok(self.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::decode::RejectReason;

    /// The first three of each reason are shown, all stand in the file.
    #[test]
    fn a_few_are_shown_and_all_are_written() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut refused = Refused::new(Some(file.path())).unwrap();
        for line in 1..=5 {
            let reject = Reject::whole(RejectReason::TooLarge);
            refused.note(RefusedLine::rejected(line, &reject, "")).unwrap();
        }
        refused.note(RefusedLine::conflict(6, "e-1")).unwrap();
        let Refusals { by, first } = refused.finish().unwrap();
        assert_eq!((by["too_large"], by["conflict"]), (5, 1));
        let lines = |reason: &str| -> Vec<u64> { first[reason].iter().map(|it| it.line).collect() };
        assert_eq!((lines("too_large"), lines("conflict")), (vec![1, 2, 3], vec![6]));
        let written = std::fs::read_to_string(file.path()).unwrap();
        let written: Vec<serde_json::Value> =
            written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(written.len(), 6);
        assert_eq!((&written[4]["line"], &written[4]["reason"]), (&5.into(), &"too_large".into()));
        assert_eq!(written[5]["event_id"], "e-1");
    }
}
