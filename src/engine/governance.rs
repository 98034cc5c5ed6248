//! Who wanted which bundle, which one is in force, which rules were switched off: changed by inputs
//! alone, and part of every snapshot.

use super::snapshot::{read_text, write_text};
use crate::domain::{
    Activation, BundleDigest, EventTime, GuardMeasure, GuardTrip, Proposal, Seq, SwitchedOff, Token,
};
use crate::stages::features::{Misfit, Words};

/// Most proposals that wait for an approver: no one more is taken.
const PROPOSALS_MAX: usize = 256;
/// Most of them of one person, whose own oldest gives way.
const PERSON_PROPOSALS_MAX: usize = 8;
/// Most bundles that can be gone back to; the oldest gives way.
const KNOWN_MAX: usize = 256;
/// Most rules that are switched off.
const OFF_MAX: usize = 4_096;
/// Most rules of a bundle.
const RULES_MAX: usize = 1 << 16;

/// A proposal that waits for an approver.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Waiting {
    bundle: BundleDigest,
    proposer: String,
    /// The input that proposed it; 0 when a snapshot of before it was kept says so.
    seq: Seq,
}

/// What people have decided about rules.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Governance {
    /// The bundle that an activation put in force; `None` while there was no activation.
    pub(super) in_force: Option<BundleDigest>,
    proposals: Vec<Waiting>,
    /// Bundles that were in force, the newest last.
    known: Vec<BundleDigest>,
    /// Ids of rules that are switched off.
    off: Vec<String>,
    /// Ids of rules whose declines are reviews.
    fallen: Vec<String>,
    /// Ids of canaries that take effect for nobody.
    shadowed: Vec<String>,
    /// Since when rules are live as they are, of those that an activation brought or changed.
    since: Vec<(String, EventTime)>,
}

impl Governance {
    /// Who proposed a bundle.
    pub(super) fn proposer(&self, bundle: &BundleDigest) -> Option<&str> {
        self.waiting(bundle).map(|waiting| waiting.proposer.as_str())
    }

    /// The input that proposed a bundle.
    pub(super) fn proposal(&self, bundle: &BundleDigest) -> Option<Seq> {
        self.waiting(bundle).map(|waiting| waiting.seq)
    }

    fn waiting(&self, bundle: &BundleDigest) -> Option<&Waiting> {
        self.proposals.iter().rev().find(|waiting| waiting.bundle == *bundle)
    }

    /// Whether a bundle was in force.
    pub(super) fn was_in_force(&self, bundle: &BundleDigest) -> bool {
        self.known.contains(bundle)
    }

    /// Rules that are switched off.
    pub(super) fn off(&self) -> &[String] {
        &self.off
    }

    /// Whether one more rule can be switched off.
    pub(super) fn has_room(&self) -> bool {
        self.off.len() < OFF_MAX
    }

    /// Whether one more proposal of a person can wait without another one's giving way.
    pub(super) fn takes_proposal(&self, of: &str) -> bool {
        let own = self.proposals.iter().filter(|waiting| waiting.proposer == of).count();
        self.proposals.len() < PROPOSALS_MAX || own >= PERSON_PROPOSALS_MAX
    }

    /// A bundle that somebody else has proposed stays his proposal.
    pub(super) fn propose(&mut self, proposal: &Proposal, seq: Seq) {
        let Proposal { bundle, proposer, .. } = proposal;
        let own = |waiting: &Waiting| waiting.proposer == *proposer;
        self.proposals.retain(|waiting| !own(waiting) || waiting.bundle != *bundle);
        if self.proposals.iter().filter(|waiting| own(waiting)).count() >= PERSON_PROPOSALS_MAX
            && let Some(oldest) = self.proposals.iter().position(own)
        {
            self.proposals.remove(oldest);
        }
        if self.waiting(bundle).is_none() && self.proposals.len() < PROPOSALS_MAX {
            self.proposals.push(Waiting { bundle: *bundle, proposer: proposer.clone(), seq });
        }
    }

    /// Rules whose declines are reviews.
    pub(super) fn fallen(&self) -> &[String] {
        &self.fallen
    }

    /// Canaries that take effect for nobody.
    pub(super) fn shadowed(&self) -> &[String] {
        &self.shadowed
    }

    /// Since when a rule is live as it is; `None` while no activation brought or changed it.
    pub(super) fn since(&self, rule: &str) -> Option<EventTime> {
        self.since.iter().find(|(known, _)| known == rule).map(|(_, since)| *since)
    }

    pub(super) fn guard(&mut self, trip: &GuardTrip) {
        let list = match trip.measure {
            GuardMeasure::FallBack => &mut self.fallen,
            GuardMeasure::Shadow => &mut self.shadowed,
            GuardMeasure::Restore => {
                self.fallen.retain(|rule| !trip.rules.contains(rule));
                return;
            }
        };
        for rule in &trip.rules {
            if list.len() < RULES_MAX && !list.contains(rule) {
                list.push(rule.clone());
            }
        }
    }

    pub(super) fn activate(&mut self, activation: &Activation, at: EventTime) {
        for bundle in [activation.before, activation.bundle] {
            self.known.retain(|known| *known != bundle);
            if self.known.len() >= KNOWN_MAX {
                self.known.remove(0);
            }
            self.known.push(bundle);
        }
        self.proposals.retain(|waiting| waiting.bundle != activation.bundle);
        self.in_force = Some(activation.bundle);
        // A rule that was switched off stays so until somebody has changed it.
        let diff = &activation.diff;
        let is_same = |rule: &str| {
            let is_it = |known: &String| known == rule;
            !diff.changed.iter().any(is_it) && !diff.removed.iter().any(is_it)
        };
        self.off.retain(|rule| is_same(rule));
        self.fallen.retain(|rule| is_same(rule));
        self.shadowed.retain(|rule| is_same(rule));
        self.since.retain(|(rule, _)| is_same(rule));
        // At most twice what a bundle can hold: what a snapshot reads.
        self.since.truncate(RULES_MAX);
        let fresh = diff.added.iter().chain(&diff.changed).take(RULES_MAX);
        self.since.extend(fresh.map(|rule| (rule.clone(), at)));
    }

    pub(super) fn switch_off(&mut self, off: &SwitchedOff) {
        if self.has_room() && !self.off.contains(&off.rule) {
            self.off.push(off.rule.clone());
        }
    }
}

/// Snapshots: little, and written as a whole.
impl Governance {
    pub(super) fn write(&self, out: &mut Vec<u64>) {
        out.push(u64::from(self.in_force.is_some()));
        write_digest(&self.in_force.unwrap_or_default(), out);
        out.push(self.proposals.len() as u64);
        for waiting in &self.proposals {
            write_digest(&waiting.bundle, out);
            write_text(&waiting.proposer, out);
        }
        out.push(self.known.len() as u64);
        self.known.iter().for_each(|bundle| write_digest(bundle, out));
        for rules in [&self.off, &self.fallen, &self.shadowed] {
            out.push(rules.len() as u64);
            rules.iter().for_each(|rule| write_text(rule, out));
        }
        out.push(self.since.len() as u64);
        for (rule, since) in &self.since {
            write_text(rule, out);
            out.push(since.as_ms().cast_unsigned());
        }
        out.extend(self.proposals.iter().map(|waiting| waiting.seq.0));
    }

    /// Reads it; a format of before numbers of proposals has none.
    pub(super) fn read(words: &mut Words<'_>, has_numbers: bool) -> Result<Self, Misfit> {
        let is_in_force = words.at_most(1)? == 1;
        let in_force = Some(read_digest(words)?).filter(|_| is_in_force);
        let mut read = Self { in_force, ..Self::default() };
        for _ in 0..words.at_most(PROPOSALS_MAX as u64)? {
            let (bundle, proposer) = (read_digest(words)?, read_text(words)?);
            read.proposals.push(Waiting { bundle, proposer, seq: Seq(0) });
        }
        for _ in 0..words.at_most(KNOWN_MAX as u64)? {
            read.known.push(read_digest(words)?);
        }
        for rules in [&mut read.off, &mut read.fallen, &mut read.shadowed] {
            for _ in 0..words.at_most(RULES_MAX as u64)? {
                rules.push(read_text(words)?);
            }
        }
        for _ in 0..words.at_most(2 * RULES_MAX as u64)? {
            let (rule, ms) = (read_text(words)?, words.one()?.cast_signed());
            let since = EventTime::from_ms(ms);
            let since = since.map_err(|_| Misfit("a rule is live since a time that is none"))?;
            read.since.push((rule, since));
        }
        if has_numbers {
            for waiting in &mut read.proposals {
                waiting.seq = Seq(words.one()?);
            }
        }
        Ok(read)
    }
}

fn write_digest(digest: &BundleDigest, out: &mut Vec<u64>) {
    for half in digest.as_chunks::<16>().0 {
        out.extend(Token::from_bytes(*half).to_words());
    }
}

fn read_digest(words: &mut Words<'_>) -> Result<BundleDigest, Misfit> {
    let mut digest = BundleDigest::default();
    for half in digest.as_chunks_mut::<16>().0 {
        *half = *Token::from_words([words.one()?, words.one()?]).as_bytes();
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn propose(governance: &mut Governance, number: u64, proposer: &str) {
        let mut bundle = BundleDigest::default();
        bundle[..8].copy_from_slice(&number.to_le_bytes());
        let diff = crate::domain::RuleDiff::default();
        governance.propose(&Proposal { bundle, proposer: proposer.to_owned(), diff }, Seq(number));
    }

    /// However much somebody proposes, what another one proposed waits for its approver.
    #[test]
    fn nobody_evicts_another_ones_proposal() {
        let mut governance = Governance::default();
        propose(&mut governance, 1, "li");
        (2..200).for_each(|number| propose(&mut governance, number, "wang"));
        propose(&mut governance, 1, "wang");
        let mut first = BundleDigest::default();
        first[0] = 1;
        assert_eq!(governance.proposer(&first), Some("li"));
        let own = |waiting: &&Waiting| waiting.proposer == "wang";
        let own = governance.proposals.iter().filter(own).count();
        assert!((1..=PERSON_PROPOSALS_MAX).contains(&own), "{own}");
        for person in 0..100 {
            let name = format!("person {person}");
            for number in 0..20 {
                propose(&mut governance, 1_000 * (person + 1) + number, &name);
            }
        }
        assert_eq!(governance.proposals.len(), PROPOSALS_MAX);
        assert_eq!(governance.proposer(&first), Some("li"));
        assert!(!governance.takes_proposal("somebody new"));
        assert!(governance.takes_proposal("person 3"), "his own oldest gives way");
    }
}
