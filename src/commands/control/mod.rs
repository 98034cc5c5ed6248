//! How a person's change reaches the engine: through the service's admin socket while it runs, else
//! straight into the journal.

mod direct;
mod person;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lines::{JournalAt, Setting, Through};
use super::report::Fault;
use crate::bundle::Bundle;
use crate::domain::{Control, EntityKind, EventTime, Seq};
use crate::stages::enrich::TokenKeys;

use direct::Direct;

pub(in crate::commands) use person::user;

/// Which journal a change is for.
#[derive(clap::Args, Clone, Debug)]
pub(in crate::commands) struct At {
    /// Instead of --config: the journal's directory; needs --keys
    #[arg(long, value_name = "DIR", required_unless_present = "config")]
    #[arg(requires = "keys", conflicts_with = "config")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    through: Through,
    /// When the change is made, where no service runs; else now. For journals of another time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<EventTime>,
}

/// A moment as an argument.
pub(in crate::commands) fn moment(text: &str) -> Result<EventTime, String> {
    EventTime::parse_rfc3339(text)
        .map_err(|_| "must be a moment such as 2027-12-31T00:00:00+08:00".to_owned())
}

impl At {
    /// Loads keys and rules and opens the way.
    pub(in crate::commands) fn open(&self) -> Result<Way, Fault> {
        let person = user()?;
        let setting = self.setting()?;
        let direct = Direct::open(setting, self.at)?;
        Ok(Way { person, batch: direct.now().as_ms().cast_unsigned(), direct })
    }

    /// Keys, rules and the journal's place, for who only looks.
    pub(in crate::commands) fn setting(&self) -> Result<Setting, Fault> {
        let at = self.journal.as_deref().map_or(JournalAt::Configured, JournalAt::Dir);
        self.through.open(at).map_err(|error| Fault::Wrong(error.to_string()))
    }
}

/// An open way to the engine.
pub(in crate::commands) struct Way {
    person: String,
    batch: u64,
    direct: Direct,
}

impl Way {
    /// Who makes the change.
    pub(in crate::commands) fn person(&self) -> &str {
        &self.person
    }

    /// A number for everything that is changed now.
    pub(in crate::commands) const fn batch(&self) -> u64 {
        self.batch
    }

    /// The keys that make tokens.
    pub(in crate::commands) fn keys(&self) -> &TokenKeys {
        self.direct.keys()
    }

    /// Now, as an input would be stamped.
    pub(in crate::commands) fn now(&self) -> EventTime {
        self.direct.now()
    }

    /// What the entries of a list of the bundle in force are.
    pub(in crate::commands) fn list_kind(&self, list: &str) -> Result<EntityKind, Fault> {
        list_kind(self.direct.bundle(), list)
    }

    /// Makes a change: the number of its input.
    pub(in crate::commands) fn send(&mut self, control: Control) -> Result<Seq, Fault> {
        self.direct.send(control)
    }

    /// Everything sent is kept.
    pub(in crate::commands) fn finish(self) -> Result<(), Fault> {
        self.direct.finish()
    }
}

/// What the entries of a bundle's list are.
pub(in crate::commands) fn list_kind(
    bundle: &Arc<Bundle>,
    list: &str,
) -> Result<EntityKind, Fault> {
    let found = bundle.lists.iter().find(|spec| spec.name == list);
    found.map(|spec| spec.kind).ok_or_else(|| {
        let names: Vec<&str> = bundle.lists.iter().map(|spec| spec.name.as_str()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Fault::Wrong(format!("the bundle declares no list `{list}`; it declares {known}"))
    })
}

/// The directory of a setting's journal.
pub(in crate::commands) fn journal_of(setting: &Setting) -> Result<&Path, Fault> {
    let journal = setting.journal.as_ref().map(|(dir, ..)| dir.as_path());
    journal.ok_or_else(|| Fault::Wrong("no journal is named".to_owned()))
}
