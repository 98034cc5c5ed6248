//! Canaries: for whom a new rule is live, the same at every retry.

use crate::domain::Token;

use super::Mode;

/// A share of the subjects, in millionths. Invariant: at most all of them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Share(u32);

impl Share {
    /// All subjects.
    pub const ALL: u32 = 1_000_000;

    /// So many millionths; `None` when that is more than all.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm <= Self::ALL { Some(Self(ppm)) } else { None }
    }

    /// Millionths.
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

/// Where a subject stands among the millionths, under one bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Draw(u32);

impl Draw {
    /// Nobody's draw: among all, and in no share.
    pub(super) const NOBODY: Self = Self(u32::MAX - 1);

    /// Draws for a subject. All rules of a bundle share one draw, so a smaller share is part of
    /// every larger one; another bundle draws anew, so nobody is the canary for ever.
    pub(super) fn of(subject: Token, bundle: &[u8; 32]) -> Self {
        let mut hash = 0;
        for word in bundle.chunks_exact(8).chain(subject.as_bytes().chunks_exact(8)) {
            // `chunks_exact(8)` gives eight bytes.
            let word = word.iter().rev().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            hash = mixed(hash ^ word);
        }
        Self(((u128::from(hash) * u128::from(Share::ALL)) >> 64) as u32)
    }

    /// Whether the subject is below a rule's reach.
    pub(super) const fn is_in(self, reach: Reach) -> bool {
        self.0 < reach.0
    }
}

/// How far a rule reaches among the draws.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reach(u32);

impl Reach {
    /// Of a rule in this mode.
    pub(super) const fn of(mode: Mode) -> Self {
        match mode {
            Mode::Live => Self(u32::MAX),
            Mode::Canary(share) => Self(share.0),
            Mode::Shadow | Mode::Off => Self(0),
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of
/// the result.
const fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(number: u64) -> Token {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Token::from_bytes(bytes)
    }

    /// A canary of 5 % meets 5 % of the subjects, the same ones each time, others under another
    /// bundle.
    #[test]
    fn a_share_is_met_and_stays() {
        let share = Reach::of(Mode::Canary(Share::from_ppm(50_000).unwrap()));
        let chosen = |bundle: &[u8; 32]| -> Vec<u64> {
            (0..20_000).filter(|n| Draw::of(subject(*n), bundle).is_in(share)).collect()
        };
        let (one, other) = (chosen(&[1; 32]), chosen(&[2; 32]));
        assert!((900..1_100).contains(&one.len()), "{}", one.len());
        assert_eq!(one, chosen(&[1; 32]));
        let both = one.iter().filter(|n| other.contains(n)).count();
        assert!(both < 100, "{both}");
        // The draw is part of what a bundle did: it must not change between versions.
        assert_eq!(Draw::of(subject(7), &[1; 32]), Draw(461_987));
    }

    /// Nobody and everybody are exact.
    #[test]
    fn the_ends_are_exact() {
        let reach = |ppm| Reach::of(Mode::Canary(Share::from_ppm(ppm).unwrap()));
        let (none, all) = (reach(0), reach(Share::ALL));
        for number in 0..1_000 {
            let draw = Draw::of(subject(number), &[3; 32]);
            assert!(!draw.is_in(none) && draw.is_in(all));
        }
        assert_eq!(Share::from_ppm(Share::ALL + 1), None);
        assert!(!Draw::NOBODY.is_in(all) && Draw::NOBODY.is_in(Reach::of(Mode::Live)));
    }
}
