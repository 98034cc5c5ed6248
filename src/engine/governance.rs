//! Who wanted which bundle, which one is in force, which rules were switched off: changed by inputs
//! alone, and part of every snapshot.

use super::snapshot::{read_text, write_text};
use crate::domain::{Activation, BundleDigest, Proposal, SwitchedOff, Token};
use crate::stages::features::{Misfit, Words};

/// Most proposals that wait for an approver; the oldest gives way.
const PROPOSALS_MAX: usize = 64;
/// Most bundles that can be gone back to; the oldest gives way.
const KNOWN_MAX: usize = 256;
/// Most rules that are switched off.
const OFF_MAX: usize = 4_096;

/// What people have decided about rules.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Governance {
    /// The bundle that an activation put in force; `None` while there was no activation.
    pub(super) in_force: Option<BundleDigest>,
    proposals: Vec<(BundleDigest, String)>,
    /// Bundles that were in force, the newest last.
    known: Vec<BundleDigest>,
    /// Ids of rules that are switched off.
    off: Vec<String>,
}

impl Governance {
    /// Who proposed a bundle.
    pub(super) fn proposer(&self, bundle: &BundleDigest) -> Option<&str> {
        let found = self.proposals.iter().rev().find(|(known, _)| known == bundle);
        found.map(|(_, proposer)| proposer.as_str())
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

    pub(super) fn propose(&mut self, proposal: &Proposal) {
        self.proposals.retain(|(known, _)| *known != proposal.bundle);
        if self.proposals.len() >= PROPOSALS_MAX {
            self.proposals.remove(0);
        }
        self.proposals.push((proposal.bundle, proposal.proposer.clone()));
    }

    pub(super) fn activate(&mut self, activation: &Activation) {
        for bundle in [activation.before, activation.bundle] {
            self.known.retain(|known| *known != bundle);
            if self.known.len() >= KNOWN_MAX {
                self.known.remove(0);
            }
            self.known.push(bundle);
        }
        self.proposals.retain(|(known, _)| *known != activation.bundle);
        self.in_force = Some(activation.bundle);
        // A rule that was switched off stays so until somebody has changed it.
        let diff = &activation.diff;
        self.off.retain(|rule| !diff.changed.contains(rule) && !diff.removed.contains(rule));
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
        for (bundle, proposer) in &self.proposals {
            write_digest(bundle, out);
            write_text(proposer, out);
        }
        out.push(self.known.len() as u64);
        self.known.iter().for_each(|bundle| write_digest(bundle, out));
        out.push(self.off.len() as u64);
        self.off.iter().for_each(|rule| write_text(rule, out));
    }

    pub(super) fn read(words: &mut Words<'_>) -> Result<Self, Misfit> {
        let is_in_force = words.at_most(1)? == 1;
        let in_force = Some(read_digest(words)?).filter(|_| is_in_force);
        let mut read = Self { in_force, ..Self::default() };
        for _ in 0..words.at_most(PROPOSALS_MAX as u64)? {
            read.proposals.push((read_digest(words)?, read_text(words)?));
        }
        for _ in 0..words.at_most(KNOWN_MAX as u64)? {
            read.known.push(read_digest(words)?);
        }
        for _ in 0..words.at_most(OFF_MAX as u64)? {
            read.off.push(read_text(words)?);
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
