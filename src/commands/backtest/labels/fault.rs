//! What is wrong with a file of labels: every line, by its number and never by its content.

use crate::commands::report::{Fault, grouped};

/// After so many a reader knows enough; the rest is counted.
const SHOWN_MAX: usize = 20;

/// Gathers the faults of one file.
pub(super) struct Faults<'a> {
    name: &'a str,
    shown: Vec<String>,
    count: u64,
}

impl<'a> Faults<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        Self { name, shown: Vec::new(), count: 0 }
    }

    /// Notes a fault in a line, counted from 1.
    pub(super) fn note(&mut self, line: u64, what: &str) {
        self.count += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(format!("{}:{line}: {what}", self.name));
        }
    }

    /// All of them as one, if there are any.
    pub(super) fn finish(mut self) -> Result<(), Fault> {
        if self.count == 0 {
            return Ok(());
        }
        let more = self.count - self.shown.len() as u64;
        if more > 0 {
            self.shown.push(format!("{}: and {} more", self.name, grouped(more)));
        }
        Err(Fault::Wrong(self.shown.join("\n")))
    }
}
