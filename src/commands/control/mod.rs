//! How a person's change reaches the engine: through the service's admin socket while it runs, else
//! straight into the journal.

mod direct;
#[cfg(test)]
pub(in crate::commands) mod fixture;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::assemble::now;
use super::lines::{JournalAt, Setting, Through};
use super::report::Fault;
use crate::bundle::Bundle;
use crate::domain::{Control, EntityKind, EventTime};
use crate::edges::admin::{Answer, Client, ClientError, EntryText, Request, WhyText};
use crate::stages::enrich::TokenKeys;

use direct::Direct;

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
        let setting = self.setting()?;
        let socket = setting.admin.socket.as_deref();
        let client = socket.map(Client::connect).transpose().map_err(fault)?.flatten();
        Ok(match client {
            None => Way::Direct(Box::new(Direct::open(setting, self.at)?)),
            Some(mut client) => {
                let hello = client.ask(&Request::Hello).map_err(fault)?;
                let keys = setting.means.keys.token_keys();
                Way::Socket(Box::new(Socket { client, hello, keys }))
            }
        })
    }

    /// Keys, rules and the journal's place, for who only looks.
    pub(in crate::commands) fn setting(&self) -> Result<Setting, Fault> {
        let at = self.journal.as_deref().map_or(JournalAt::Configured, JournalAt::Dir);
        self.through.open(at).map_err(|error| Fault::Wrong(error.to_string()))
    }
}

/// An open way to the engine.
pub(in crate::commands) enum Way {
    /// A service runs.
    Socket(Box<Socket>),
    /// No service holds the journal.
    Direct(Box<Direct>),
}

/// A running service.
pub(in crate::commands) struct Socket {
    client: Client,
    hello: Answer,
    keys: TokenKeys,
}

impl Way {
    /// Who makes the change.
    pub(in crate::commands) fn person(&self) -> String {
        match self {
            Self::Socket(socket) => socket.hello.person.clone().unwrap_or_default(),
            Self::Direct(_) => user(),
        }
    }

    /// A number for everything that is changed now.
    pub(in crate::commands) fn batch(&self) -> u64 {
        self.now().as_ms().cast_unsigned()
    }

    /// The keys that make tokens.
    pub(in crate::commands) fn keys(&self) -> &TokenKeys {
        match self {
            Self::Socket(socket) => &socket.keys,
            Self::Direct(direct) => direct.keys(),
        }
    }

    /// Now, as an input would be stamped.
    pub(in crate::commands) fn now(&self) -> EventTime {
        match self {
            Self::Socket(_) => now(),
            Self::Direct(direct) => direct.now(),
        }
    }

    /// What the entries of a list of the bundle in force are.
    pub(in crate::commands) fn list_kind(&self, list: &str) -> Result<EntityKind, Fault> {
        match self {
            Self::Direct(direct) => list_kind(direct.bundle(), list),
            Self::Socket(socket) => {
                let lists = &socket.hello.lists;
                let found = lists.iter().find(|(name, _)| name == list);
                found
                    .and_then(|(_, kind)| EntityKind::parse(kind))
                    .ok_or_else(|| unknown_list(list, lists.iter().map(|(name, _)| name.as_str())))
            }
        }
    }

    /// Changes a list.
    pub(in crate::commands) fn send(&mut self, control: Control) -> Result<(), Fault> {
        match self {
            Self::Direct(direct) => direct.send(control),
            Self::Socket(socket) => {
                let request = request_of(&control);
                socket.client.ask(&request).map(drop).map_err(fault)
            }
        }
    }

    /// Asks for something else.
    pub(in crate::commands) fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        match self {
            Self::Direct(direct) => direct.ask(request),
            Self::Socket(socket) => socket.client.ask(request).map_err(fault),
        }
    }

    /// Everything sent is kept.
    pub(in crate::commands) fn finish(self) -> Result<(), Fault> {
        match self {
            Self::Direct(direct) => direct.finish(),
            // The service answers when its journal has it.
            Self::Socket(_) => Ok(()),
        }
    }
}

/// The name of the user who runs this command; his number where the system knows no name.
pub(in crate::commands) fn user() -> String {
    crate::edges::users::name(rustix::process::getuid().as_raw())
}

/// What the entries of a bundle's list are.
pub(in crate::commands) fn list_kind(
    bundle: &Arc<Bundle>,
    list: &str,
) -> Result<EntityKind, Fault> {
    let found = bundle.lists.iter().find(|spec| spec.name == list);
    let names = bundle.lists.iter().map(|spec| spec.name.as_str());
    found.map(|spec| spec.kind).ok_or_else(|| unknown_list(list, names))
}

fn unknown_list<'a>(list: &str, known: impl Iterator<Item = &'a str>) -> Fault {
    let names: Vec<&str> = known.collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Fault::Wrong(format!("the bundle in force declares no list `{list}`; it declares {known}"))
}

/// The directory of a setting's journal.
pub(in crate::commands) fn journal_of(setting: &Setting) -> Result<&Path, Fault> {
    let journal = setting.journal.as_ref().map(|(dir, ..)| dir.as_path());
    journal.ok_or_else(|| Fault::Wrong("no journal is named".to_owned()))
}

fn fault(error: ClientError) -> Fault {
    match error {
        ClientError::Refused(text) => Fault::Wrong(text),
        ClientError::Broken(error) => Fault::File { path: "the admin socket".to_owned(), error },
    }
}

/// A list's change as it goes over the socket. Other changes have requests of their own.
fn request_of(control: &Control) -> Request {
    let hex = |token: crate::domain::Token| format!("{token:?}");
    match control {
        Control::ListAdd(addition) => Request::ListAdd {
            list: addition.list.clone(),
            kind: addition.kind.name().to_owned(),
            entries: addition
                .entries
                .iter()
                .map(|entry| EntryText {
                    token: hex(entry.token),
                    expires_at: entry.expires_at.to_string(),
                })
                .collect(),
            why: WhyText::of(&addition.provenance),
        },
        Control::ListRemove(removal) => Request::ListRemove {
            list: removal.list.clone(),
            kind: removal.kind.name().to_owned(),
            tokens: removal.tokens.iter().map(|token| hex(*token)).collect(),
            why: WhyText::of(&removal.provenance),
        },
        Control::Propose(_) | Control::Activate(_) | Control::SwitchOff(_) | Control::Guard(_) => {
            Request::Hello
        }
    }
}
