//! How a person's change reaches the engine: through the service's admin socket while it runs, else
//! straight into the journal.

mod direct;
#[cfg(test)]
pub(in crate::commands) mod fixture;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod rates_tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::assemble::now;
use super::lines::{JournalAt, LinesError, Setting, Through};
use super::prepare::{Finding, bundle};
use super::report::Fault;
use crate::bundle::Bundle;
use crate::config::Config;
use crate::domain::{Control, EntityKind, EventTime, Token};
use crate::edges::admin::{
    Answer, Client, ClientError, EntryText, Haste, RawValue, Request, TokenText, VALUES_MAX,
    WhyText,
};

use crate::engine::EngineLimits;

use direct::Direct;

/// Which journal a change is for.
#[derive(clap::Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("place").args(["config", "journal"]).required(true)))]
pub(in crate::commands) struct At {
    /// Instead of --config: the journal's directory; needs --keys
    #[arg(long, value_name = "DIR", requires = "keys", conflicts_with = "config")]
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
    /// Opens the way: to the service, for which nothing but its configuration is read, else to the
    /// journal, with keys, rules and tables.
    pub(in crate::commands) fn open(&self) -> Result<Way, Fault> {
        if let Some(mut client) = self.service()? {
            let hello = client.ask(&Request::Hello).map_err(fault)?;
            return Ok(Way::Socket(Box::new(Socket { client, hello, handles: BTreeSet::new() })));
        }
        Ok(Way::Direct(Box::new(Direct::open(self.setting()?, self.at)?)))
    }

    /// The service, when one runs. A faulty configuration is for [`At::setting`] to name.
    pub(in crate::commands) fn service(&self) -> Result<Option<Client>, Fault> {
        let config = self.through.config().and_then(|file| Config::examine(file).0);
        let Some(socket) = config.and_then(|config| config.admin.socket) else { return Ok(None) };
        Client::connect(&socket).map_err(|error| match error {
            ClientError::Broken(error) => Fault::Wrong(format!(
                "{}: {error}: the service's group may use it (`id` shows yours)",
                socket.display()
            )),
            refused @ ClientError::Refused(_) => fault(refused),
        })
    }

    /// What looking takes: rules, limits and the journal's place, and no key.
    pub(in crate::commands) fn looking(&self) -> Result<Looking, Fault> {
        let (mut findings, mut journal) = (Vec::new(), self.journal.clone());
        let (mut rules, mut limits) = (self.through.rules(), EngineLimits::default());
        if let Some(file) = self.through.config() {
            let (config, faults) = Config::examine(file);
            findings.extend(faults.0.into_iter().map(Finding::from));
            if let Some(config) = config {
                (rules, limits) = (config.bundle, config.limits.engine);
                journal = Some(config.journal.dir);
            }
        }
        let bundle = bundle(&rules).map_err(|faults| findings.extend(faults)).ok();
        match (bundle, journal) {
            (Some((bundle, _)), Some(journal)) if findings.is_empty() => {
                Ok(Looking { bundle: Arc::new(bundle), limits, journal })
            }
            _ => Err(Fault::Wrong(LinesError::Setting(findings).to_string())),
        }
    }

    /// Keys, rules and the journal's place.
    pub(in crate::commands) fn setting(&self) -> Result<Setting, Fault> {
        let at = self.journal.as_deref().map_or(JournalAt::Configured, JournalAt::Dir);
        self.through.open(at).map_err(|error| Fault::Wrong(error.to_string()))
    }
}

/// What looking takes.
pub(in crate::commands) struct Looking {
    /// The configured rules: what is in force the journal says.
    pub(in crate::commands) bundle: Arc<Bundle>,
    pub(in crate::commands) limits: EngineLimits,
    pub(in crate::commands) journal: PathBuf,
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
    /// What stands for tokens that only the service knows.
    handles: BTreeSet<[u8; 16]>,
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

    /// The token of each value, or why it has none. Values are forgotten.
    pub(in crate::commands) fn tokens(
        &mut self,
        kind: EntityKind,
        values: Vec<RawValue>,
    ) -> Result<Vec<Result<Token, String>>, Fault> {
        match self {
            Self::Direct(direct) => {
                Ok(values.iter().map(|value| value.token(kind, direct.keys())).collect())
            }
            Self::Socket(socket) => {
                let texts = tokens(&mut socket.client, kind, values, None)?;
                let handles = &mut socket.handles;
                let read = |text: &TokenText| {
                    let token = text.read()?;
                    match text {
                        TokenText::Handle(_) => handles.insert(*token.as_bytes()),
                        _ => handles.remove(token.as_bytes()),
                    };
                    Ok(token)
                };
                Ok(texts.iter().map(read).collect())
            }
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

    /// A part of a list's change.
    pub(in crate::commands) fn list_part(
        &mut self,
        part: Control,
        haste: Haste,
    ) -> Result<(), Fault> {
        match self {
            Self::Direct(direct) => direct.list_part(part, haste),
            Self::Socket(socket) => {
                let request = request_of(&part, haste, &socket.handles);
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

/// The tokens that a service makes of values, looked up for a reason; else handles of tokens.
pub(in crate::commands) fn tokens(
    client: &mut Client,
    kind: EntityKind,
    values: Vec<RawValue>,
    look_up: Option<&str>,
) -> Result<Vec<TokenText>, Fault> {
    let (mut tokens, mut values) = (Vec::with_capacity(values.len()), values.into_iter());
    loop {
        let part: Vec<RawValue> = values.by_ref().take(VALUES_MAX).collect();
        if part.is_empty() {
            return Ok(tokens);
        }
        let asked = part.len();
        let (kind, look_up) = (kind.name().to_owned(), look_up.map(str::to_owned));
        let request = Request::Tokens { kind, values: part, look_up };
        let answer = client.ask(&request).map_err(fault)?;
        if answer.tokens.len() != asked {
            return Err(Fault::Wrong("the service answered for other values".to_owned()));
        }
        tokens.extend(answer.tokens);
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

fn fault(error: ClientError) -> Fault {
    match error {
        ClientError::Refused(text) => Fault::Wrong(text),
        ClientError::Broken(error) => Fault::File { path: "the admin socket".to_owned(), error },
    }
}

/// A list's change as it goes over the socket. Other changes have requests of their own.
fn request_of(control: &Control, haste: Haste, handles: &BTreeSet<[u8; 16]>) -> Request {
    let hex = |token: Token| match handles.contains(token.as_bytes()) {
        true => format!("h{token:?}"),
        false => format!("{token:?}"),
    };
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
            why: WhyText::of(&addition.provenance, haste),
        },
        Control::ListRemove(removal) => Request::ListRemove {
            list: removal.list.clone(),
            kind: removal.kind.name().to_owned(),
            tokens: removal.tokens.iter().map(|token| hex(*token)).collect(),
            why: WhyText::of(&removal.provenance, haste),
        },
        Control::Propose(_)
        | Control::Activate(_)
        | Control::SwitchOff(_)
        | Control::Guard(_)
        | Control::LookUp(_)
        | Control::Upgrade(_) => Request::Hello,
    }
}
