//! Cards tried in sequence (K4): needs raw digits, so it stands at the edge and only its result is
//! an input.
//!
//! Numbers are kept in memory, without their check digit, for as long as they can count: never
//! written, printed or sent.

use std::fmt;

use crate::domain::{CardDigits, EventTime, Fact, Input, Sensitive};

/// The newest card numbers of the busiest issuers.
pub struct CardSequence {
    /// Sets of four issuers; an issuer belongs to one set, and the set forgets its oldest.
    sets: Vec<[Issuer; CardSequence::WAYS]>,
}

/// The newest distinct numbers of one issuer.
#[derive(Default)]
struct Issuer {
    /// First eight digits; zero when free.
    bin: u32,
    newest_ms: i64,
    /// Numbers without their check digit, each with the last time it was seen.
    seen: Vec<(u64, i64)>,
    /// The low halves of these numbers: most cards have no neighbour, and that is seen by them alone.
    lows: Vec<u32>,
    /// Where the next number goes once the ring is full.
    next: usize,
}

impl CardSequence {
    /// How far apart two numbers are neighbours, the check digit ignored.
    pub const DISTANCE_MAX: u64 = 20;
    /// How long a number counts.
    pub const WINDOW_MS: i64 = 10 * 60_000;
    const SETS: usize = 1_024;
    const WAYS: usize = 4;
    /// Numbers kept of an issuer: at most 20 MiB in all.
    const RING: usize = 256;

    /// Nothing seen yet.
    pub fn new() -> Self {
        Self { sets: (0..Self::SETS).map(|_| Default::default()).collect() }
    }

    /// Counts the event's card and puts the result into its input. For events in the order in which
    /// they will be numbered.
    pub fn observe(&mut self, card: &Sensitive<CardDigits>, input: &mut Input) {
        if let Some(count) = self.count(*card.expose(), input.received_at) {
            input.facts.set_int(Fact::CardSequence10m, count);
        }
    }

    /// Distinct cards near this one in the last ten minutes, itself included.
    fn count(&mut self, card: CardDigits, at: EventTime) -> Option<i64> {
        let (bin, body) = (card.first_eight(), card.without_check_digit());
        let now_ms = at.as_ms();
        let issuer = self.issuer(bin)?;
        issuer.newest_ms = issuer.newest_ms.max(now_ms);
        if issuer.has_none_near(body) {
            issuer.add(body, now_ms);
            return Some(1);
        }
        issuer.see(body, now_ms);
        let near = issuer.seen.iter().filter(|(other, seen_ms)| {
            other.abs_diff(body) <= Self::DISTANCE_MAX && now_ms - seen_ms < Self::WINDOW_MS
        });
        Some(near.count() as i64)
    }

    fn issuer(&mut self, bin: u32) -> Option<&mut Issuer> {
        // Fibonacci hashing: the high bits of the product spread neighbouring BINs.
        let hash = u64::from(bin).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let set = self.sets.get_mut(hash as usize % Self::SETS)?;
        let place = set.iter().position(|issuer| issuer.bin == bin);
        let issuer = match place {
            Some(place) => set.get_mut(place)?,
            None => {
                let oldest = set.iter_mut().min_by_key(|issuer| (issuer.newest_ms, issuer.bin))?;
                let (mut seen, mut lows) =
                    (std::mem::take(&mut oldest.seen), std::mem::take(&mut oldest.lows));
                seen.clear();
                lows.clear();
                *oldest = Issuer { bin, seen, lows, ..Issuer::default() };
                oldest
            }
        };
        Some(issuer)
    }
}

impl Issuer {
    /// Notes a number: a card seen again is one card, with its last time.
    fn see(&mut self, body: u64, now_ms: i64) {
        if let Some((_, seen_ms)) = self.seen.iter_mut().find(|(other, _)| *other == body) {
            *seen_ms = now_ms.max(*seen_ms);
        } else {
            self.add(body, now_ms);
        }
    }

    /// Whether no number is near this one, itself included. One that is near has low bits that are; all
    /// are compared, without a branch each.
    fn has_none_near(&self, body: u64) -> bool {
        const REACH: u32 = CardSequence::DISTANCE_MAX as u32;
        let from = (body as u32).wrapping_sub(REACH);
        !self.lows.iter().fold(false, |any, low| any | (low.wrapping_sub(from) <= 2 * REACH))
    }

    /// Notes a number that is not there.
    fn add(&mut self, body: u64, now_ms: i64) {
        if self.seen.len() < CardSequence::RING {
            self.seen.push((body, now_ms));
            self.lows.push(body as u32);
        } else if let (Some(oldest), Some(low)) =
            (self.seen.get_mut(self.next), self.lows.get_mut(self.next))
        {
            (*oldest, *low) = ((body, now_ms), body as u32);
            self.next = (self.next + 1) % CardSequence::RING;
        }
    }
}

impl Default for CardSequence {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CardSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardSequence(***)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> EventTime {
        EventTime::from_ms(1_700_000_000_000 + second * 1_000).unwrap()
    }

    fn card(number: &str) -> CardDigits {
        CardDigits::parse(number).unwrap()
    }

    /// Each line: second, card number, expected count.
    fn check(steps: &[(i64, &str, i64)]) {
        let mut cards = CardSequence::new();
        for (second, number, expected) in steps {
            assert_eq!(
                cards.count(card(number), at(*second)),
                Some(*expected),
                "{second} {number}"
            );
        }
    }

    /// A generator of numbers walks upwards, its check digits jump: neighbours are told without
    /// them, for ten minutes, up to twenty apart, within one issuer, each card once.
    #[test]
    fn neighbours_are_counted_for_ten_minutes() {
        check(&[
            (0, "6225881200000018", 1),
            (1, "6225881200000026", 2),
            (2, "6225881200000034", 3),
            (3, "6225881200000034", 3),   // the same card again
            (4, "6225881200000216", 4),   // 20 from the first
            (5, "6225881200000224", 4),   // 21 from the first, near the three others
            (6, "6225889900000042", 1),   // another issuer
            (600, "6225881200000042", 5), // the first has just left
            (10_000, "6225881200000018", 1),
        ]);
    }

    /// Memory is bounded: very many issuers and numbers leave the newest in place.
    #[test]
    fn the_newest_survive_a_flood() {
        let mut cards = CardSequence::new();
        for issuer in 0..50_000_i64 {
            cards.count(card(&format!("{:08}00000018", 40_000_000 + issuer)), at(issuer));
        }
        assert_eq!(cards.count(card("4004999900000026"), at(50_000)), Some(2));
        for body in 0..1_000_i64 {
            cards.count(card(&format!("62258812{body:07}8")), at(50_001));
        }
        assert_eq!(cards.count(card("6225881200010008"), at(50_001)), Some(21));
        let kept: usize = cards.sets.iter().flatten().map(|issuer| issuer.seen.len()).sum();
        assert!(kept <= CardSequence::SETS * CardSequence::WAYS + CardSequence::RING);
    }

    proptest! {
        /// Against counting all numbers one by one, among them long ones whose low halves are alike and
        /// which are far apart.
        #[test]
        fn neighbours_are_those_that_are_near(
            steps in proptest::collection::vec((0_u64..3, 0_u64..60, 0_i64..40), 1..200),
        ) {
            let (mut cards, mut plain, mut second) = (CardSequence::new(), Vec::new(), 0);
            for (far, near, later) in steps {
                second += later;
                // 18 digits and a check digit: eight of the issuer, ten that go past 32 bits.
                let body = 622_588_120_000_000_000_u64 + (far << 32) + near;
                plain.retain(|(other, _)| *other != body);
                plain.push((body, second));
                let expected = plain.iter().filter(|(other, seen)| {
                    other.abs_diff(body) <= CardSequence::DISTANCE_MAX && second - seen < 600
                });
                let count = cards.count(card(&format!("{body}8")), at(second));
                prop_assert_eq!(count, Some(expected.count() as i64));
            }
        }
    }

    /// Numbers never show.
    #[test]
    fn nothing_is_shown() {
        let mut cards = CardSequence::new();
        cards.count(card("6225881200000018"), at(0));
        assert_eq!(format!("{cards:?}"), "CardSequence(***)");
    }
}
