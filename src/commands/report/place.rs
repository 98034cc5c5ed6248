//! Where an investigator looks: a stretch of time, the journal's end, the limits it ran under.

use std::path::{Path, PathBuf};

use super::Fault;
use crate::config::Config;
use crate::domain::{EventTime, Seq};
use crate::engine::EngineLimits;
use crate::journal::{Item, Reader};

/// A half-open stretch of arrival times; without an end it is open there.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(in crate::commands) struct Span {
    /// Begin with the first input that arrived at or after this moment (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(in crate::commands) from: Option<EventTime>,
    /// End before the first input that arrived at or after this moment (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(in crate::commands) to: Option<EventTime>,
}

impl Span {
    /// Whether a moment lies in it.
    #[cfg(test)]
    pub(in crate::commands) fn holds(&self, at: EventTime) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at < to)
    }

    /// A stretch that ends before it begins is a slip of the pen.
    pub(in crate::commands) fn check(&self) -> Result<(), Fault> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(Fault::Wrong(format!("--from {from} is not before --to {to}")))
            }
            _ => Ok(()),
        }
    }

    /// As a sentence's part.
    pub(in crate::commands) fn shown(&self) -> String {
        match (self.from, self.to) {
            (None, None) => "from the first input to the last".to_owned(),
            (Some(from), None) => format!("from {from} to the last input"),
            (None, Some(to)) => format!("from the first input to before {to}"),
            (Some(from), Some(to)) => format!("from {from} to before {to}"),
        }
    }
}

/// A moment as an argument.
pub(in crate::commands) fn moment(text: &str) -> Result<EventTime, String> {
    EventTime::parse_rfc3339(text)
        .map_err(|_| "must be a moment such as 2026-11-23T00:00:00+08:00".to_owned())
}

/// The limits that the journal was written under: they decide what a full table forgets.
#[derive(Clone, Debug, Default, clap::Args)]
pub(in crate::commands) struct Limits {
    /// The service's configuration, for its [limits]; without it those that are shipped
    #[arg(long, value_name = "FILE")]
    pub(in crate::commands) config: Option<PathBuf>,
}

impl Limits {
    /// The engine's limits.
    pub(in crate::commands) fn engine(&self) -> Result<EngineLimits, Fault> {
        let Some(file) = &self.config else { return Ok(EngineLimits::default()) };
        match Config::examine(file) {
            (Some(config), faults) if faults.0.is_empty() => Ok(config.limits.engine),
            (_, faults) => {
                let texts: Vec<_> = faults.0.iter().map(ToString::to_string).collect();
                Err(Fault::Wrong(texts.join("\n")))
            }
        }
    }
}

/// The number after the journal's last input.
pub(in crate::commands) fn journal_end(dir: &Path) -> Result<Seq, Fault> {
    let missing = || Fault::NoJournal(dir.to_owned());
    if !dir.is_dir() {
        return Err(missing());
    }
    let mut reader = Reader::open_newest(dir, 1)?.ok_or_else(missing)?;
    let mut end = reader.next_seq();
    while let Some(item) = reader.read()? {
        if let Item::Entry(entry) = item {
            end = Seq(entry.seq.0.saturating_add(1));
        }
    }
    Ok(end)
}
