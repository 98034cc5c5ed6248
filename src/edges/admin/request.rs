//! What is said on the socket: requests and answers as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::handles::Handles;
use super::tokens::{RawValue, TokenText, read_token};
use crate::domain::{
    Control, EntityKind, EventTime, ListAddition, ListEntry, ListRemoval, ListSource, Provenance,
};
use crate::edges::list_proposals::{ListAct, Waiting};
use crate::wire::json_depth;

/// One request, one line.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// What is in force, and who asks.
    Hello,
    /// Values become tokens, under the keys that stay where they are.
    Tokens {
        /// Of which kind they are.
        kind: String,
        /// Personal values, or tokens as reports show them; at most [`super::VALUES_MAX`].
        values: Vec<RawValue>,
        /// Why, where tokens are wanted and not handles for a list's change: that is journaled, and
        /// there are few of them.
        #[serde(default)]
        look_up: Option<String>,
    },
    /// Entries come onto a list.
    ListAdd {
        /// Its name.
        list: String,
        /// Its kind.
        kind: String,
        /// Tokens with their ends.
        entries: Vec<EntryText>,
        /// Why.
        why: WhyText,
    },
    /// Entries leave a list.
    ListRemove {
        /// Its name.
        list: String,
        /// Its kind.
        kind: String,
        /// Tokens.
        tokens: Vec<String>,
        /// Why.
        why: WhyText,
    },
    /// The parts of a list's change are all there: it waits for another person.
    ListPropose {
        /// As the parts have it.
        batch: u64,
    },
    /// Which changes of lists wait.
    ListWaiting,
    /// Another person puts a change of a list in force.
    ListApprove {
        /// The beginning of its name.
        change: String,
        /// An Ed25519 signature as 128 hexadecimal digits, where a key approves.
        #[serde(default)]
        signature: Option<String>,
        /// RFC 3339: what was signed holds until then.
        #[serde(default)]
        expires: Option<String>,
    },
    /// A bundle is proposed.
    Propose {
        /// Its files.
        files: BTreeMap<String, String>,
    },
    /// A proposed bundle is approved.
    Approve {
        /// The beginning of its hash.
        bundle: String,
        /// An Ed25519 signature as 128 hexadecimal digits, where a key approves.
        #[serde(default)]
        signature: Option<String>,
        /// The input that proposed it, as it was signed.
        #[serde(default)]
        proposal: Option<u64>,
        /// RFC 3339: what was signed holds until then.
        #[serde(default)]
        expires: Option<String>,
    },
    /// An earlier bundle is put in force again.
    Rollback {
        /// The beginning of its hash.
        bundle: String,
    },
    /// A rule is switched off.
    SwitchOff {
        /// Its id.
        rule: String,
        /// Why.
        reason: String,
    },
}

/// Deepest nesting of a request; the deepest of those above has three.
const DEPTH_MAX: usize = 8;

/// A line is no request. What is wrong with it is not said: the parser's own words would quote it,
/// and it may hold personal values.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the request is no JSON object of a known shape")]
pub struct NoRequest;

impl Request {
    /// Reads a line.
    pub fn read(line: &[u8]) -> Result<Self, NoRequest> {
        if json_depth(line) > DEPTH_MAX {
            return Err(NoRequest);
        }
        sonic_rs::from_slice(line).map_err(|_| NoRequest)
    }

    /// What it changes, in a word; `None` for what only asks.
    pub(super) const fn changes(&self) -> Option<&'static str> {
        match self {
            Self::Hello | Self::ListWaiting => None,
            Self::Tokens { .. } => Some("token_look_up"),
            Self::ListPropose { .. } => Some("list_propose"),
            Self::ListApprove { .. } => Some("list_approve"),
            Self::ListAdd { .. } => Some("list_add"),
            Self::ListRemove { .. } => Some("list_remove"),
            Self::Propose { .. } => Some("propose"),
            Self::Approve { .. } => Some("approve"),
            Self::Rollback { .. } => Some("rollback"),
            Self::SwitchOff { .. } => Some("switch_off"),
        }
    }

    /// The list or the rule that it speaks of; a bundle's whole name is in the answer.
    pub(super) fn about<'a>(&'a self, answer: &'a Answer) -> &'a str {
        match self {
            Self::ListAdd { list, .. } | Self::ListRemove { list, .. } => list,
            Self::SwitchOff { rule, .. } => rule,
            Self::ListApprove { .. } => answer.change.as_deref().unwrap_or(""),
            Self::Tokens { kind, .. } => kind,
            _ => answer.bundle.as_deref().unwrap_or(""),
        }
    }
}

/// An entry of a list.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct EntryText {
    /// 32 hexadecimal digits.
    pub token: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// Why a list changes; who asks is known.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WhyText {
    /// Words.
    pub sources: Vec<String>,
    /// A sentence.
    pub reason: String,
    /// An approver is no word of who asks: another person approves. Who gives one is told so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// One person alone, by the emergency right that the bundle grants.
    #[serde(default)]
    pub emergency: bool,
    /// Where to object.
    pub appeal: String,
    /// Why a partner may say so.
    #[serde(default)]
    pub legal_basis: String,
    /// The same for every part of one change.
    pub batch: u64,
}

/// The answer to one request, one line.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Answer {
    /// Whether it was done.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The number of the input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The bundle that is in force, or that was spoken of: `sha256:` and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The lists of the bundle in force, with their kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<(String, String)>,
    /// What each value came to, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<TokenText>,
    /// Rules that are new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Rules that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Rules that are others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// A change of a list that waits or was approved: 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// How many entries it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Changes of lists that wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<WaitingText>,
    /// The text over which an approver's key makes its signature, with line ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_sign: Option<String>,
    /// What the look over a proposed bundle found and let pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

impl Answer {
    /// Reads what a service answered; `None` when it is no answer.
    pub(super) fn read(line: &str) -> Option<Self> {
        let is_flat = json_depth(line.as_bytes()) <= DEPTH_MAX;
        is_flat.then(|| sonic_rs::from_str(line).ok()).flatten()
    }

    /// It was not done.
    pub fn refused(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::default() }
    }
}

impl WhyText {
    fn read(&self, creator: &str) -> Result<Provenance, String> {
        let source = |word: &String| {
            ListSource::parse(word).ok_or_else(|| "`sources` holds an unknown word".to_owned())
        };
        if self.approver.is_some() {
            return Err(
                "`approver` is no word of who asks: leave it out, and another person approves the \
                 change (`tidegate lists approve`)"
                    .to_owned(),
            );
        }
        Ok(Provenance {
            sources: self.sources.iter().map(source).collect::<Result<_, _>>()?,
            reason: self.reason.clone(),
            creator: creator.to_owned(),
            approver: String::new(),
            appeal: self.appeal.clone(),
            legal_basis: self.legal_basis.clone(),
            batch: self.batch,
        })
    }

    /// As it goes over the socket.
    pub fn of(provenance: &Provenance, haste: Haste) -> Self {
        let Provenance { sources, reason, appeal, legal_basis, batch, .. } = provenance.clone();
        let sources = sources.iter().map(|source| source.name().to_owned()).collect();
        let emergency = haste == Haste::Emergency;
        Self { sources, reason, approver: None, emergency, appeal, legal_basis, batch }
    }
}

/// Whether a list's change waits for another person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Haste {
    /// It waits.
    Waits,
    /// One person alone makes it, where the bundle grants that.
    Emergency,
}

/// A change of a list that waits, as an approver has to see it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WaitingText {
    /// Its name: 64 hexadecimal digits.
    pub change: String,
    /// The list.
    pub list: String,
    /// `add` or `remove`.
    pub act: ListAct,
    /// How many entries.
    pub count: u64,
    /// Who proposed it.
    pub creator: String,
    /// When, in RFC 3339.
    pub at: String,
    /// Words.
    pub sources: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where to object.
    pub appeal: String,
    /// Why a partner may say so.
    pub legal_basis: String,
}

impl WaitingText {
    /// As it is said.
    pub(super) fn of(waiting: &Waiting) -> Self {
        let Waiting { id, proposal, count } = waiting;
        let why = proposal.provenance.clone();
        Self {
            change: id.clone(),
            list: proposal.list.clone(),
            act: proposal.act,
            count: *count,
            creator: why.creator,
            at: proposal.at.to_string(),
            sources: why.sources.iter().map(|source| source.name().to_owned()).collect(),
            reason: why.reason,
            appeal: why.appeal,
            legal_basis: why.legal_basis,
        }
    }
}

/// A list's change as a request says it, in a person's name.
pub(super) fn list_change(
    request: &Request,
    person: &str,
    handles: &Handles,
) -> Result<Option<(Control, Haste)>, String> {
    let read_token = |text: &String| match text.strip_prefix('h') {
        Some(digits) => handles
            .open(person, read_token(digits)?)
            .ok_or_else(|| "there are no handles here".to_owned()),
        None => read_token(text),
    };
    let haste = |why: &WhyText| if why.emergency { Haste::Emergency } else { Haste::Waits };
    let kind = |word: &str| {
        EntityKind::parse(word).ok_or_else(|| "`kind` is no kind of entity".to_owned())
    };
    Ok(match request {
        Request::ListAdd { list, kind: word, entries, why } => {
            let entry = |entry: &EntryText| {
                let expires_at = EventTime::parse_rfc3339(&entry.expires_at)
                    .map_err(|_| "`expires_at` is no moment in RFC 3339".to_owned())?;
                Ok(ListEntry { token: read_token(&entry.token)?, expires_at })
            };
            let addition = ListAddition {
                list: list.clone(),
                kind: kind(word)?,
                entries: entries.iter().map(entry).collect::<Result<_, String>>()?,
                provenance: why.read(person)?,
            };
            Some((Control::ListAdd(addition), haste(why)))
        }
        Request::ListRemove { list, kind: word, tokens, why } => {
            let removal = ListRemoval {
                list: list.clone(),
                kind: kind(word)?,
                tokens: tokens.iter().map(read_token).collect::<Result<_, String>>()?,
                provenance: why.read(person)?,
            };
            Some((Control::ListRemove(removal), haste(why)))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line of anybody in the service's group reaches the parser: whatever it is, the service
    /// lives on. `tests/corpus/admin` holds what fuzzing and thinking have found; a name begins with
    /// what must come out. The stack is that of a small thread, so that depth shows.
    #[test]
    fn any_line_is_a_request_or_refused() {
        let folder =
            std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/admin");
        let read_all = move || {
            let mut count = 0;
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                let read = Request::read(&std::fs::read(entry.path()).unwrap());
                assert_eq!(read.is_ok(), name.starts_with("ok-"), "{name}");
                count += 1;
            }
            assert!(count >= 14, "{count} lines");
        };
        let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(read_all);
        thread.unwrap().join().unwrap();
    }
}
