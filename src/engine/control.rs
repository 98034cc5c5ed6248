//! Changes that people make: which are refused before they are numbered, and what the others do.

use std::fmt;

use super::Engine;
use crate::bundle::ListSpec;
use crate::domain::{
    Action, Activation, Control, Currency, DecisionFlags, Effect, EntityKind, EventTime, FollowUps,
    Force, Ground, Input, ListAddition, ListEntry, Provenance, ProvenanceFault, Seq, Signature,
};
use crate::stages::rules::{Hits, RuleIndex};

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
    /// The bundle is live already.
    InForce,
    /// The list's change is one person's word, and the bundle grants no emergency right for it.
    OnePerson {
        /// The list.
        list: String,
    },
    /// An entry by one person ends too late.
    EmergencyEnds {
        /// The list.
        list: String,
        /// How long such an entry may stand.
        minutes: i64,
    },
    /// An entry by one person stands already.
    EmergencyStands {
        /// The list.
        list: String,
    },
    /// The signature is good no more.
    SignatureEnded,
    /// The signature is for another proposal of the bundle.
    OtherProposal,
    /// More bundles wait for an approver than there is room for.
    TooManyProposals,
    /// Nobody proposed the bundle.
    NotProposed,
    /// The bundle was proposed by another one than the activation says.
    OtherProposer,
    /// One person cannot be both.
    SamePerson,
    /// The bundle was never in force, so that two people have to agree.
    NeverInForce,
    /// Another bundle went live meanwhile.
    OtherBefore,
    /// The bundle in force has no such rule.
    NoSuchRule {
        /// The id.
        rule: String,
    },
    /// The rule is switched off already.
    AlreadyOff {
        /// The id.
        rule: String,
    },
    /// More rules are switched off than a bundle should have.
    TooManyOff,
    /// The windows of an earlier bundle are still on their way into those of the one in force.
    StillCarrying,
    /// More different numbers are summed than an event is remembered with.
    TooManyNumbers {
        /// What the bundle sums.
        needed: usize,
        /// What there is room for.
        room: usize,
    },
    /// Its amounts are of another currency than those that the windows hold.
    OtherBaseCurrency {
        /// The bundle's.
        wanted: Currency,
        /// The windows'.
        held: Currency,
    },
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
            Self::InForce => f.write_str("this bundle is live already"),
            Self::OnePerson { list } => write!(
                f,
                "one person alone cannot change the list `{list}`: propose it without --emergency, \
                 and another person approves it; `emergency: 24h` of the list in bundle.yaml lets one \
                 person add what ends by itself"
            ),
            Self::EmergencyEnds { list, minutes } => write!(
                f,
                "what one person adds to `{list}` in an emergency ends within {minutes} minutes: give \
                 an earlier expiry"
            ),
            Self::EmergencyStands { list } => write!(
                f,
                "a value stands on `{list}` already: one person alone neither renews nor shortens it"
            ),
            Self::SignatureEnded => f.write_str("the signature has ended: sign again"),
            Self::OtherProposal => f.write_str(
                "the signature is for another proposal of this bundle: sign the text that \
                 `tidegate rules activate` has printed last",
            ),
            Self::TooManyProposals => {
                f.write_str("too many proposals wait for an approver: approve some first")
            }
            Self::NotProposed => f.write_str(
                "nobody has proposed this bundle: `tidegate rules activate DIR` does, by another \
                 person than who approves",
            ),
            Self::OtherProposer => f.write_str("somebody else has proposed this bundle"),
            Self::SamePerson => {
                f.write_str("who proposed a bundle cannot approve it: another person has to")
            }
            Self::NeverInForce => f.write_str(
                "this bundle was never live: propose it by `tidegate rules activate DIR`",
            ),
            Self::OtherBefore => {
                f.write_str("another bundle went live meanwhile: look at the difference again")
            }
            Self::NoSuchRule { rule } => write!(f, "the bundle in force has no rule `{rule}`"),
            Self::AlreadyOff { rule } => write!(f, "the rule `{rule}` is switched off already"),
            Self::TooManyOff => {
                f.write_str("too many rules are switched off: activate a bundle without them")
            }
            Self::StillCarrying => f.write_str(
                "the windows of four earlier bundles are still being carried over into those of \
                 the one in force, a few with every event: try again when more events have come, \
                 or keep features.yaml as it is",
            ),
            Self::TooManyNumbers { needed, room } => write!(
                f,
                "the bundle's features sum {needed} different columns, and events are remembered \
                 with {room}: sum fewer, or restart the service with the new bundle, which counts \
                 the journal again"
            ),
            Self::OtherBaseCurrency { wanted, held } => write!(
                f,
                "the bundle counts in {}, and the windows hold amounts in {}, which no rate makes \
                 comparable: keep base_currency as it is, or begin a journal of its own with the \
                 bundle; other exchange rates alone can be activated",
                wanted.as_str(),
                held.as_str()
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<ProvenanceFault> for Refusal {
    fn from(fault: ProvenanceFault) -> Self {
        Self::Provenance(fault)
    }
}

/// Rules of the bundle in force that do not stand as they are written, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Standings {
    off: Vec<RuleIndex>,
    fallen: Vec<RuleIndex>,
    shadowed: Vec<RuleIndex>,
}

impl Engine {
    /// Whether a change may become an input now.
    pub fn check_control(&self, control: &Control, now: EventTime) -> Result<(), Refusal> {
        match control {
            Control::ListAdd(addition) => {
                let about = (addition.list.as_str(), addition.kind, addition.entries.len());
                let spec = self.check_list(about, &addition.provenance)?;
                self.check_emergency(addition, spec.emergency_ms, now)?;
                let has_ended = addition.entries.iter().any(|entry| entry.expires_at <= now);
                if has_ended { Err(Refusal::Ended) } else { Ok(()) }
            }
            Control::ListRemove(removal) => {
                let about = (removal.list.as_str(), removal.kind, removal.tokens.len());
                self.check_list(about, &removal.provenance)?;
                match removal.provenance.approver.is_empty() {
                    true => Err(Refusal::OnePerson { list: removal.list.clone() }),
                    false => Ok(()),
                }
            }
            Control::Propose(proposal) if proposal.bundle == self.bundle.hash => {
                Err(Refusal::InForce)
            }
            Control::Propose(proposal) if !self.governance.takes_proposal(&proposal.proposer) => {
                Err(Refusal::TooManyProposals)
            }
            Control::Propose(_) | Control::Guard(_) | Control::Upgrade(_) => Ok(()),
            Control::Activate(activation) => self.check_activation(activation, now),
            Control::LookUp(asked) => Ok(asked.check()?),
            Control::SwitchOff(off) => {
                let rule = off.rule.clone();
                if self.bundle.rules.rules().iter().all(|known| known.id != rule) {
                    return Err(Refusal::NoSuchRule { rule });
                }
                if self.governance.off().contains(&rule) {
                    return Err(Refusal::AlreadyOff { rule });
                }
                off.check()?;
                if self.governance.has_room() { Ok(()) } else { Err(Refusal::TooManyOff) }
            }
        }
    }

    fn check_activation(&self, activation: &Activation, now: EventTime) -> Result<(), Refusal> {
        if activation.bundle == self.bundle.hash {
            return Err(Refusal::InForce);
        }
        if activation.before != self.bundle.hash {
            return Err(Refusal::OtherBefore);
        }
        match &activation.ground {
            Ground::Approved { proposer, approver, signature } => {
                if let Some(signature) = signature {
                    self.check_signature(&activation.bundle, signature, now)?;
                }
                match self.governance.proposer(&activation.bundle) {
                    None => Err(Refusal::NotProposed),
                    Some(known) if known != proposer => Err(Refusal::OtherProposer),
                    Some(_) if proposer == approver => Err(Refusal::SamePerson),
                    Some(_) => Ok(()),
                }
            }
            Ground::RolledBack { .. } if self.governance.was_in_force(&activation.bundle) => Ok(()),
            Ground::RolledBack { .. } => Err(Refusal::NeverInForce),
        }
    }

    /// A signature is for one proposal, and for a time.
    fn check_signature(
        &self,
        bundle: &crate::domain::BundleDigest,
        signature: &Signature,
        now: EventTime,
    ) -> Result<(), Refusal> {
        if signature.expires_at <= now {
            return Err(Refusal::SignatureEnded);
        }
        match self.governance.proposal(bundle) {
            None => Err(Refusal::NotProposed),
            Some(seq) if seq != signature.proposal => Err(Refusal::OtherProposal),
            Some(_) => Ok(()),
        }
    }

    /// Who proposed a bundle that waits for its approver.
    pub fn proposer(&self, bundle: &crate::domain::BundleDigest) -> Option<&str> {
        self.governance.proposer(bundle)
    }

    /// Notes which rules of the bundle in force do not stand as they are written.
    pub(super) fn mark_off(&mut self) {
        let named = |ids: &[String]| -> Vec<RuleIndex> {
            if ids.is_empty() {
                return Vec::new();
            }
            let rules = self.bundle.rules.rules().iter().enumerate();
            let found = rules.filter(|(_, rule)| ids.contains(&rule.id));
            found.map(|(at, _)| RuleIndex(at as u16)).collect()
        };
        let governance = &self.governance;
        self.standings = Standings {
            off: named(governance.off()),
            fallen: named(governance.fallen()),
            shadowed: named(governance.shadowed()),
        };
    }

    /// Takes what rules that are switched off said out of the hits.
    pub(super) fn silence(&mut self) {
        let Self { standings: Standings { off, shadowed, .. }, hits, .. } = self;
        if off.is_empty() && shadowed.is_empty() {
            return;
        }
        let fired = hits.fired.len();
        if !shadowed.is_empty() {
            let Hits { fired, shadow, .. } = hits;
            fired.retain(|rule| {
                let is_shadow = shadowed.binary_search(rule).is_ok();
                if is_shadow {
                    shadow.push(*rule);
                }
                !is_shadow
            });
            shadow.sort_unstable();
        }
        for rules in [&mut hits.fired, &mut hits.shadow, &mut hits.undetermined, &mut hits.warming]
        {
            rules.retain(|rule| off.binary_search(rule).is_err());
        }
        if hits.fired.len() != fired {
            self.mark_again();
        }
    }

    /// What a rule asks for now: the declines of one that has fallen back are reviews.
    pub(super) fn effect_of(&self, rule: RuleIndex) -> Effect {
        let effect = self.bundle.rules.rule(rule).effect;
        let declines = effect.action == Some(Action::Decline) && effect.force != Force::HardBlock;
        if declines && self.standings.fallen.binary_search(&rule).is_ok() {
            let follow_ups = effect.follow_ups.union(FollowUps::REVIEW);
            return Effect { action: None, follow_ups, points: 0, ..effect };
        }
        effect
    }

    /// The marks that the rules left on a decision, once some of them are gone.
    pub(super) fn mark_again(&mut self) {
        let Self { bundle, row, warming, hits, .. } = self;
        let is_warming = |field: &crate::domain::FieldId| {
            warming
                .get(field.index() / 64)
                .is_some_and(|word| word >> (field.index() % 64) & 1 == 1)
        };
        hits.flags = DecisionFlags::default();
        for rule in &hits.fired {
            let fields = bundle.rules.rule(*rule).when.fields();
            if fields.iter().any(is_warming) {
                hits.flags.add(DecisionFlags::WARMING);
            }
            if fields.iter().any(|field| row.is_approximate(*field)) {
                hits.flags.add(DecisionFlags::APPROXIMATE);
            }
        }
    }

    fn check_list(
        &self,
        (list, kind, entries): (&str, EntityKind, usize),
        provenance: &Provenance,
    ) -> Result<&ListSpec, Refusal> {
        let name = || list.to_owned();
        let spec = self.bundle.lists.iter().find(|spec| spec.name == list);
        let spec = spec.ok_or_else(|| Refusal::NoSuchList { list: name() })?;
        if spec.kind != kind {
            return Err(Refusal::OtherKind { list: name(), kind: spec.kind });
        }
        if !(1..=ENTRIES_MAX).contains(&entries) {
            return Err(Refusal::Entries);
        }
        provenance.check()?;
        Ok(spec)
    }

    /// What one person may add alone: entries that end soon by themselves, and none that stands
    /// already, which would be a way to shorten it or to renew it for ever.
    fn check_emergency(
        &self,
        addition: &ListAddition,
        emergency_ms: Option<i64>,
        now: EventTime,
    ) -> Result<(), Refusal> {
        if !addition.provenance.approver.is_empty() {
            return Ok(());
        }
        let list = || addition.list.clone();
        let ms = emergency_ms.ok_or_else(|| Refusal::OnePerson { list: list() })?;
        let ends_late = |entry: &ListEntry| entry.expires_at.as_ms() - now.as_ms() > ms;
        if addition.entries.iter().any(ends_late) {
            return Err(Refusal::EmergencyEnds { list: list(), minutes: ms / 60_000 });
        }
        let stands = |entry: &ListEntry| {
            self.lists.lists.find(&addition.list, addition.kind, entry.token, now).is_some()
        };
        if addition.entries.iter().any(stands) {
            return Err(Refusal::EmergencyStands { list: list() });
        }
        Ok(())
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
            Some(Control::Propose(proposal)) => self.governance.propose(proposal, seq),
            // Who holds the bundle itself puts it in place: the pipeline, recovery, replay.
            Some(Control::Activate(activation)) => {
                self.governance.activate(activation, input.received_at);
                self.mark_off();
            }
            Some(Control::SwitchOff(off)) => {
                self.governance.switch_off(off);
                self.mark_off();
            }
            Some(Control::Guard(trip)) => {
                self.governance.guard(trip);
                self.mark_off();
            }
            // A look-up changes nothing; an upgrade says which engine makes the state.
            Some(Control::LookUp(_) | Control::Upgrade(_)) | None => {}
        }
    }
}
