//! What a record is found by: 64 bits made of what it is and which one.

use crate::domain::{EntityKind, ReasonId, Token};
use crate::journal::{BundleRef, ReadEntry};

/// What a record is found by.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(pub(super) u64);

impl Key {
    /// The records of an entity. A device has none: its token is made by matching.
    pub fn entity(kind: EntityKind, token: Token) -> Self {
        Self(mixed(token.short() ^ mixed(u64::from(kind as u8))))
    }

    /// The records of an event id: the event's own, its outcomes and labels.
    pub fn event(id: &str) -> Self {
        // FNV-1a: ids are short, and the mixing after it spreads them.
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mixed(hash ^ mixed(0x100)))
    }

    /// The decisions with a reason of a bundle.
    pub const fn reason(bundle: BundleRef, reason: ReasonId) -> Self {
        Self(mixed(mixed(0x200 | (bundle.0 as u64) << 32) ^ reason.0 as u64))
    }

    /// The decisions for which a rule of a bundle held, with effect or without.
    pub const fn rule(bundle: BundleRef, rule: u16) -> Self {
        Self(mixed(mixed(0x300 | (bundle.0 as u64) << 32) ^ rule as u64))
    }

    /// Everything that a record is found by.
    pub(super) fn of(entry: &ReadEntry, mut visit: impl FnMut(Self)) {
        for kind in EntityKind::ALL {
            if let Some(token) = entry.input.tokens.get(kind) {
                visit(Self::entity(kind, token));
            }
        }
        visit(Self::event(&entry.input.event_id));
        if let Some(body) = entry.body() {
            for reason in body.reasons.as_slice() {
                visit(Self::reason(entry.bundle, *reason));
            }
        }
        for rule in entry.fired.iter().chain(&entry.shadow) {
            visit(Self::rule(entry.bundle, *rule));
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of
/// the result. Part of the format.
const fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}
