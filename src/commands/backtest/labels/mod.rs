//! What is known to be fraud, from a file: a table of labels, or the generator's truth.
//!
//! Two forms, told apart by the first character:
//! - CSV with a header; the columns `event_id` and `label` (`fraud` or `legitimate`) are read,
//!   others are not;
//! - JSON, one object a line: `{"event_id": "...", "label": "fraud"}`, or the lines of
//!   `tidegate generate --truth`, whose `plant` says what was planted and how strongly.
//!
//! Either may be gzip or zstd, and may begin with a byte order mark.
//!
//! A file measures the rules and nothing else: windows that count labels see those of the history,
//! when they came.

mod csv;
mod fault;
mod json;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::{BufRead, ErrorKind};
use std::path::Path;

use fault::Faults;

use crate::commands::lines::Text;
use crate::commands::report::Fault;
use crate::domain::Truth;

/// Longest event id that the door lets in, so that a longer one is a mistake.
const ID_MAX_BYTES: usize = 64;

/// What is known of one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) struct Known {
    /// Whether it is fraud.
    pub(in crate::commands) truth: Truth,
    /// The campaign it belongs to, an index into [`Labels::campaigns`].
    pub(in crate::commands) campaign: Option<u32>,
}

/// A planted campaign.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::commands) struct Campaign {
    /// Of DOMAIN section 4, such as `K1`.
    pub(in crate::commands) typology: String,
    /// Which form of it; else empty.
    pub(in crate::commands) variant: String,
    /// At 1.0 the rule's threshold is met exactly.
    pub(in crate::commands) intensity: f64,
    /// The campaign reaches the threshold, so a rule should speak at some event of it.
    pub(in crate::commands) at_or_above: bool,
    /// Somebody is being robbed.
    pub(in crate::commands) fraud: bool,
}

/// All that a file says.
#[derive(Debug, Default)]
pub(in crate::commands) struct Labels {
    by_id: HashMap<Box<str>, Known>,
    /// Planted campaigns, in the order of the file.
    pub(in crate::commands) campaigns: Vec<Campaign>,
    numbers: HashMap<u64, u32>,
    /// The file tells the truth of the whole history: what it does not name is legitimate.
    pub(in crate::commands) is_complete: bool,
}

impl Labels {
    /// Reads a file, or names every fault in it with its line.
    pub(in crate::commands) fn read(path: &Path) -> Result<Self, Fault> {
        let name = path.display().to_string();
        let text = Text::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::Wrong(format!("{name}: no such file")),
            ErrorKind::IsADirectory => {
                Fault::Wrong(format!("{name}: a directory; name the file in it"))
            }
            _ => Fault::file(&*name)(error),
        })?;
        Self::of(text.reader, &name)
    }

    /// The same of anything that can be read; `name` stands before every fault.
    fn of(mut source: impl BufRead, name: &str) -> Result<Self, Fault> {
        let start = source.fill_buf().map_err(Fault::file(name))?;
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        let is_json = first == Some(&b'{');
        let (mut labels, mut faults) = (Self::default(), Faults::of(name));
        if is_json {
            json::read(source, &mut labels, &mut faults)?;
        } else {
            csv::read(source, &mut labels, &mut faults)?;
        }
        faults.finish()?;
        Ok(labels)
    }

    /// What is known of an event.
    pub(in crate::commands) fn get(&self, event_id: &str) -> Option<Known> {
        self.by_id.get(event_id).copied()
    }

    /// How many events it knows.
    pub(in crate::commands) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Notes a label, unless the file has said something else of the event before.
    fn note(&mut self, event_id: &str, known: Known, line: u64, faults: &mut Faults<'_>) {
        if !is_id(event_id) {
            faults.note(line, "`event_id` must be 1 to 64 of A-Z, a-z, 0-9 and `._:-`");
            return;
        }
        match self.by_id.get(event_id) {
            Some(before) if *before != known => {
                faults.note(line, "says something else of an event than an earlier line does");
            }
            Some(_) => {}
            None => {
                self.by_id.insert(event_id.into(), known);
            }
        }
    }

    /// The place of a campaign by its number; a new one is added.
    fn campaign(&mut self, number: u64, campaign: Campaign) -> Result<u32, &'static str> {
        let next = self.campaigns.len() as u32;
        let at = *self.numbers.entry(number).or_insert(next);
        // `at` is `next` or an earlier length.
        match self.campaigns.get(at as usize) {
            None => self.campaigns.push(campaign),
            Some(before) if *before == campaign => {}
            Some(_) => return Err("describes its campaign otherwise than an earlier line does"),
        }
        Ok(at)
    }
}

/// What the door takes for an event id.
fn is_id(text: &str) -> bool {
    (1..=ID_MAX_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}

/// The truth by its word.
fn truth(word: &str) -> Option<Truth> {
    match word {
        "fraud" => Some(Truth::Fraud),
        "legitimate" => Some(Truth::Legitimate),
        _ => None,
    }
}

const LABEL_RULE: &str = "`label` must be `fraud` or `legitimate`";
