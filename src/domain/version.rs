//! Versions of software, as keys that compare as the versions do.

/// What orders a version among others: 128 bits, the first always one.
///
/// Numbers of any size and any count compare one by one, missing ones are zero (`1.2` is `1.2.0`),
/// and a version to come (`1.2-beta2`, `1.2-rc1`) stands before its release. Each number is written
/// with its own length before it, so a key has no fixed width for a part: what does not fit within
/// 128 bits (more than some thirty digits) is cut at the end, and such versions may be equal but
/// never change places. A beginning of a key orders as the key does, as far as it goes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct VersionKey(u128);

/// What comes after a number, in the order of what it does to a version.
const TO_COME: (u128, u32) = (0b0, 1);
const END: (u128, u32) = (0b10, 2);
const NEXT: (u128, u32) = (0b11, 2);

/// Words for a version to come, in the order in which they come.
const STAGES: [&[&str]; 5] = [
    &["dev", "snapshot", "nightly", "canary", "test", "debug"],
    &["alpha", "a"],
    &["beta", "b"],
    &["pre", "preview", "milestone", "m"],
    &["rc", "cr"],
];

impl VersionKey {
    /// The key of a version as people write it: `v2.10`, `2025.12.1`, `1.2.3-rc1`. `None` for a text
    /// that does not begin with a number.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let number = text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        let word = &text[..text.len() - number.len()];
        let is_version =
            ["", "v", "ver", "version"].iter().any(|one| word.eq_ignore_ascii_case(one));
        let mut rest = number.trim_start_matches([' ', '.']);
        if !is_version || !rest.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mut numbers = Numbers::default();
        numbers.push(take_number(&mut rest));
        let mut to_come = None;
        loop {
            let is_apart = rest.starts_with(['.', '-', '_', ' ']);
            let next = rest.trim_start_matches(['.', '-', '_', ' ']);
            let word_ends = next.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(next.len());
            let (word, after) = next.split_at(word_ends);
            if word.is_empty() {
                // What is said of the build (`+7`), or of anything else, is no part of the order.
                if !is_apart || !next.starts_with(|first: char| first.is_ascii_digit()) {
                    break;
                }
                rest = next;
                numbers.push(take_number(&mut rest));
                continue;
            }
            if !is_apart && word.len() == 1 && after.is_empty() {
                // `1.0.2b` comes after `1.0.2a`, and both after `1.0.2`.
                let letter = word.bytes().next().unwrap_or(b'a').to_ascii_lowercase();
                numbers.push(u128::from(letter - b'a') + 1);
                break;
            }
            let stage = STAGES
                .iter()
                .position(|words| words.iter().any(|known| known.eq_ignore_ascii_case(word)));
            to_come = stage.map(|stage| {
                let mut rest = after.trim_start_matches(['.', '-', '_', ' ']);
                (stage as u128, take_number(&mut rest))
            });
            break;
        }
        Some(Self::made(numbers.as_slice(), to_come))
    }

    /// The key of a version that was kept as three parts of ten bits, as far as those told: a part
    /// that had reached their end was any number from there on.
    pub fn of_three_tens(packed: u32) -> Option<Self> {
        const MOST: u32 = 1_023;
        let parts = [packed >> 20 & MOST, packed >> 10 & MOST, packed & MOST];
        let is_known = packed >> 30 == 0 && parts.iter().all(|part| *part < MOST);
        is_known.then(|| Self::made(&parts.map(u128::from), None))
    }

    fn made(numbers: &[u128], to_come: Option<(u128, u128)>) -> Self {
        let last = numbers.iter().rposition(|number| *number > 0).unwrap_or(0);
        let mut key = Bits { key: 1 << 127, used: 1 };
        for (index, number) in numbers.iter().take(last + 1).enumerate() {
            if index > 0 {
                key.put(NEXT);
            }
            key.put_number(*number);
        }
        match to_come {
            Some((stage, number)) => {
                key.put(TO_COME);
                key.put((stage, 3));
                key.put_number(number);
            }
            None => key.put(END),
        }
        Self(key.key)
    }

    /// All of its bits, the first one highest.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

/// The numbers of a version; no key has room for more of them.
#[derive(Default)]
struct Numbers {
    all: [u128; 32],
    count: usize,
}

impl Numbers {
    fn push(&mut self, number: u128) {
        if let Some(free) = self.all.get_mut(self.count) {
            *free = number;
            self.count += 1;
        }
    }

    fn as_slice(&self) -> &[u128] {
        self.all.get(..self.count).unwrap_or_default()
    }
}

/// The digits that a text begins with; more than 38 count as the greatest number.
fn take_number(text: &mut &str) -> u128 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let digit =
        |value: u128, byte: u8| value.saturating_mul(10).saturating_add(u128::from(byte - b'0'));
    digits.bytes().fold(0, digit).min(u128::MAX - 1)
}

/// Bits from the highest down.
struct Bits {
    key: u128,
    used: u32,
}

impl Bits {
    /// Appends the lowest bits of a value, as many as there is room for.
    fn put(&mut self, (value, count): (u128, u32)) {
        let room = 128 - self.used;
        let (value, count) =
            if count > room { (value >> (count - room), room) } else { (value, count) };
        if count > 0 {
            self.key |= value << (room - count);
            self.used += count;
        }
    }

    /// Appends a number after the length of it, and that after its own length, each longer one being
    /// the greater: so numbers compare whatever their lengths.
    fn put_number(&mut self, number: u128) {
        let (value, length) = below_its_first_bit(number.min(u128::MAX - 1) + 1);
        let (short, shorter) = below_its_first_bit(u128::from(length) + 1);
        self.put(((1 << (shorter + 1)) - 2, shorter + 1));
        self.put((short, shorter));
        self.put((value, length));
    }
}

/// A number above zero without its first bit, and how many bits that leaves.
const fn below_its_first_bit(number: u128) -> (u128, u32) {
    let length = number.ilog2();
    (number - (1 << length), length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A later version has a greater key: parts past any width, more of them, words before a
    /// release, and none of what people write beside the numbers.
    #[test]
    fn keys_rise_with_versions() {
        let rising = [
            "0",
            "0.0.1",
            "0.9.9",
            "1.2-SNAPSHOT",
            "1.2-alpha",
            "1.2.0-alpha2",
            "1.2-beta.1",
            "1.2b3",
            "1.2-rc1",
            "1.2.0-RC2",
            "1.2",
            "1.2a",
            "1.2b",
            "1.2.3-dev",
            "1.2.3",
            "1.2.3.0.1",
            "1.2.3.1",
            "v1.2.10-rc1",
            "1.2.10",
            "1.2.10-45",
            "1.2.10-46",
            "1.10.0",
            "2",
            "1022.9",
            "1023.0.1",
            "1024.0.0",
            "2025.12.1",
            "2026.11.23",
            "9999.0.1",
            "20261123.1",
            "20261123.1023",
            "20261123.1024",
            "4294967296",
            "18446744073709551616",
            "18446744073709551617",
        ];
        let keys: Vec<_> = rising.map(|text| (text, VersionKey::of(text).unwrap())).into();
        for pair in keys.windows(2) {
            assert!(pair[0].1 < pair[1].1, "{} {}", pair[0].0, pair[1].0);
        }
        for (one, other) in [
            ("1.2", "1.2.0.0"),
            ("v1.2", "V 1.2"),
            ("ver.1.2", "01.002"),
            ("1.2+7", "1.2+build8"),
            ("1.2-release", "1.2"),
            (" 1.2 ", "1.2"),
            ("1.2_3", "1.2.3"),
        ] {
            assert_eq!(VersionKey::of(one), VersionKey::of(other), "{one} {other}");
        }
        for none in ["", "beta", "v", "-1", "版本1"] {
            assert_eq!(VersionKey::of(none), None, "{none}");
        }
    }

    /// What was kept in three parts of ten bits is found again, but for a part at their end.
    #[test]
    fn packed_versions_become_keys() {
        let of = |a: u32, b: u32, c: u32| VersionKey::of_three_tens(a << 20 | b << 10 | c);
        assert_eq!(of(2, 0, 1_022), VersionKey::of("2.0.1022"));
        assert_eq!(of(1_023, 1, 1), None);
        assert_eq!(of(1, 1, 1_023), None);
        assert_eq!(VersionKey::of_three_tens(1 << 31), None);
    }

    proptest! {
        /// The oracle is a comparison of the numbers themselves.
        #[test]
        fn numbers_compare_as_numbers(
            one in prop::collection::vec(prop_oneof![0..3_u64, 1_020..1_030_u64, any::<u32>().prop_map(u64::from)], 1..4),
            other in prop::collection::vec(prop_oneof![0..3_u64, 1_020..1_030_u64, any::<u32>().prop_map(u64::from)], 1..4),
        ) {
            let text = |parts: &[u64]| parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
            let cut = |parts: &[u64]| {
                let last = parts.iter().rposition(|part| *part > 0).map_or(0, |last| last + 1);
                parts[..last].to_vec()
            };
            prop_assert_eq!(
                VersionKey::of(&text(&one)).cmp(&VersionKey::of(&text(&other))),
                cut(&one).cmp(&cut(&other))
            );
        }
    }
}
