//! Lines that got no answer: where each stands and why, never what it says.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::Serialize;

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
    /// A line that did not pass the door.
    pub(super) fn rejected(line: u64, reject: &Reject, event_id: &str) -> Self {
        let (reason, says) = (reject.reason.name(), reject.to_string());
        Self { line, reason, event_id: event_id.to_owned(), says }
    }

    /// A line with the id of another payment.
    pub(super) fn conflict(line: u64, event_id: &str) -> Self {
        let says = "conflict: the id came before with another payment; give this one its own id";
        let says = says.to_owned();
        Self { line, reason: "conflict", event_id: event_id.to_owned(), says }
    }
}

/// The first lines of each reason, and all of them in a file where one is wanted.
#[derive(Debug, Default)]
pub(super) struct Refused {
    first: BTreeMap<&'static str, Vec<RefusedLine>>,
    all: Option<BufWriter<File>>,
}

impl Refused {
    /// Keeps the first lines, and writes every one to a file as a JSON line.
    pub(super) fn new(path: Option<&Path>) -> io::Result<Self> {
        let all = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Self { first: BTreeMap::new(), all })
    }

    pub(super) fn note(&mut self, refused: RefusedLine) -> io::Result<()> {
        if let Some(all) = &mut self.all {
            // Numbers and the product's own words: nothing that could fail to become JSON.
            writeln!(all, "{}", sonic_rs::to_string(&refused).unwrap_or_default())?;
        }
        let first = self.first.entry(refused.reason).or_default();
        if first.len() < SHOWN {
            first.push(refused);
        }
        Ok(())
    }

    /// Everything is written; the first lines of each reason.
    pub(super) fn finish(self) -> io::Result<BTreeMap<&'static str, Vec<RefusedLine>>> {
        self.all.map_or(Ok(()), |mut all| all.flush())?;
        Ok(self.first)
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
        let first = refused.finish().unwrap();
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
