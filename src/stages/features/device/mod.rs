//! Which device is this? Matching by identifiers and attributes, none of which is always there.
//!
//! Candidates share a strong identifier or the bucket (model, processor, screen, memory); each is
//! scored by DOMAIN section 6 (`score = Σ wᵢ sᵢ / Σ wᵢ` over fields present on both sides).
//! `>= 0.85` is the same device, `>= 0.60` probably the same (linked), below is a new one. What very
//! many devices share cannot make an identity: a full bucket names no candidate, and without a
//! strong identifier in common the best answer is "probable".

mod record;
mod similarity;
mod store;

use crate::domain::{Input, Seq, Token};

use super::epoch::{Granular, StoreId};
use super::supply::Demand;

use record::Fingerprint;
use similarity::{Comparison, compare};
use store::Store;

/// Score from which two fingerprints are the same device.
const SAME: f64 = 0.85;
/// Score from which they probably are.
const PROBABLE: f64 = 0.60;

/// How a device was recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Recognition {
    /// The device's token: what its windows are kept under.
    pub(super) token: Token,
    /// same, probable or new.
    pub(super) kind: Match,
    /// Similarity to what was known, 1 for a new device.
    pub(super) confidence: f64,
    /// How many fields differ from what was known.
    pub(super) changed: u32,
    /// Why they differ.
    pub(super) reason: Change,
}

/// The verdict of matching.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Match {
    Same,
    Probable,
    New,
}

impl Match {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Probable => "probable",
            Self::New => "new",
        }
    }
}

/// What explains the changed fields (DOMAIN section 6, the table of stability).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Change {
    None,
    /// Software identifiers changed, the hardware did not.
    Reset,
    /// The system's version rose.
    Upgrade,
    /// The identifiers are the same and the hardware is not.
    Clone,
}

impl Change {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Reset => "reset",
            Self::Upgrade => "upgrade",
            Self::Clone => "clone",
        }
    }
}

/// All known devices.
#[derive(Debug)]
pub(super) struct Devices {
    store: Store,
}

impl Devices {
    pub(super) fn new(capacity: u32, store: StoreId) -> Self {
        Self { store: Store::new(capacity, store) }
    }

    /// Asks for memory to be made ready.
    pub(super) fn demands(&mut self) -> [Demand; 3] {
        self.store.demands()
    }

    /// What a snapshot copies.
    pub(super) fn granular(&mut self) -> &mut dyn Granular {
        &mut self.store
    }

    /// After a load: makes what follows from the records.
    pub(super) fn finish_load(&mut self) {
        self.store.finish_load();
    }

    pub(super) fn live(&self) -> u32 {
        self.store.live()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// Reads what [`Self::recognise`] will read first, and gives the device that it will probably
    /// find. Changes nothing.
    pub(super) fn approach(&self, input: &Input) -> Option<Token> {
        self.store.approach(input).map(|id| self.store.record(id).token)
    }

    /// Recognises the device of an event and learns what is new of it. `None` when the event says
    /// too little to tell a device: no identifier, and no bucket or one that too many share.
    pub(super) fn recognise(&mut self, input: &Input, seq: Seq) -> Option<Recognition> {
        let print = Fingerprint::of(input)?;
        let best = self.best_candidate(&print);
        if let Some((id, comparison)) = best
            && comparison.score >= PROBABLE
        {
            let kind = if comparison.score >= SAME { Match::Same } else { Match::Probable };
            self.store.learn(id, &print, input.occurred_at);
            return Some(Recognition {
                token: self.store.record(id).token,
                kind,
                confidence: comparison.score,
                changed: comparison.changed,
                reason: comparison.reason,
            });
        }
        if !print.has_identifier() && self.store.is_crowded(&print) {
            return None;
        }
        let token = print.token(seq);
        self.store.add(token, &print, input.occurred_at);
        Some(Recognition {
            token,
            kind: Match::New,
            confidence: best.map_or(0.0, |(_, comparison)| comparison.score),
            changed: 0,
            reason: Change::None,
        })
    }

    /// The candidate with the highest score; the older record wins a tie. Where identifiers name the
    /// device, nobody is asked who only looks like it.
    fn best_candidate(&self, print: &Fingerprint) -> Option<(u32, Comparison)> {
        let mut best: Option<(u32, Comparison)> = None;
        let mut weigh = |id| {
            let comparison = compare(&self.store.record(id).print, print);
            let better = best.as_ref().is_none_or(|(other, known)| {
                match comparison.score.total_cmp(&known.score) {
                    std::cmp::Ordering::Greater => true,
                    std::cmp::Ordering::Equal => id < *other,
                    std::cmp::Ordering::Less => false,
                }
            });
            if better {
                best = Some((id, comparison));
            }
            best.as_ref().is_some_and(|(_, best)| best.score >= SAME)
        };
        let mut is_found = false;
        self.store.led_to(print, |id| is_found = weigh(id));
        if !is_found {
            self.store.alike(print, |id| {
                weigh(id);
            });
        }
        best
    }
}

#[cfg(test)]
mod tests;
