//! Changes that people make: which are refused before they are numbered, and what the others do.

use std::fmt;

use super::Engine;
use crate::domain::{Control, EntityKind, EventTime, Input, Provenance, ProvenanceFault, Seq};

/// Most entries of one change: a larger one comes in parts, so that no event waits for it.
pub const ENTRIES_MAX: usize = 1_024;

/// Why a change is not made. It holds names of the bundle and of people, never an entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The bundle in force declares no such list.
    NoSuchList {
        /// The name.
        list: String,
    },
    /// The list is of another kind.
    OtherKind {
        /// The name.
        list: String,
        /// What its entries are.
        kind: EntityKind,
    },
    /// There is nothing to change, or too much at once.
    Entries,
    /// An entry ends before it begins.
    Ended,
    /// Its reason or the people who answer for it.
    Provenance(ProvenanceFault),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchList { list } => {
                write!(f, "the bundle in force has no list `{list}`: declare it in bundle.yaml")
            }
            Self::OtherKind { list, kind } => {
                write!(f, "the list `{list}` is of kind {}", kind.name())
            }
            Self::Entries => write!(f, "a change has 1 to {ENTRIES_MAX} entries"),
            Self::Ended => f.write_str("an entry would have ended already: give a later expiry"),
            Self::Provenance(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<ProvenanceFault> for Refusal {
    fn from(fault: ProvenanceFault) -> Self {
        Self::Provenance(fault)
    }
}

impl Engine {
    /// Whether a change may become an input now.
    pub fn check_control(&self, control: &Control, now: EventTime) -> Result<(), Refusal> {
        match control {
            Control::ListAdd(addition) => {
                let about = (addition.list.as_str(), addition.kind, addition.entries.len());
                self.check_list(about, &addition.provenance)?;
                let has_ended = addition.entries.iter().any(|entry| entry.expires_at <= now);
                if has_ended { Err(Refusal::Ended) } else { Ok(()) }
            }
            Control::ListRemove(removal) => {
                let about = (removal.list.as_str(), removal.kind, removal.tokens.len());
                self.check_list(about, &removal.provenance)
            }
            Control::Propose(_) | Control::Activate(_) | Control::SwitchOff(_) => Ok(()),
        }
    }

    fn check_list(
        &self,
        (list, kind, entries): (&str, EntityKind, usize),
        provenance: &Provenance,
    ) -> Result<(), Refusal> {
        let name = || list.to_owned();
        let spec = self.bundle.lists.iter().find(|spec| spec.name == list);
        let spec = spec.ok_or_else(|| Refusal::NoSuchList { list: name() })?;
        if spec.kind != kind {
            return Err(Refusal::OtherKind { list: name(), kind: spec.kind });
        }
        if !(1..=ENTRIES_MAX).contains(&entries) {
            return Err(Refusal::Entries);
        }
        Ok(provenance.check()?)
    }

    /// What a person changed, from the next input on. Total: what was numbered is applied.
    pub(super) fn control(&mut self, input: &Input, seq: Seq) {
        match input.control.as_deref() {
            Some(Control::ListAdd(addition)) => {
                self.lists.lists.add(addition, seq, input.received_at);
            }
            Some(Control::ListRemove(removal)) => {
                self.lists.lists.remove(removal, input.received_at);
            }
            Some(Control::Propose(_) | Control::Activate(_) | Control::SwitchOff(_)) | None => {}
        }
    }
}
