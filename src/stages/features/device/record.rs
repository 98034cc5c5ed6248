//! What is kept of a device: tokens of its identifiers and hashes of its attributes.

use crate::domain::{DeviceIdentifier, EntityKind, Fact, Input, Seq, Token, VersionKey};
use crate::stages::features::hash::hash_text;
use crate::stages::features::panes::mix;

/// Attributes that are compared, beside the identifiers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Attribute {
    Model = 0,
    Brand = 1,
    Cpu = 2,
    Memory = 3,
    Screen = 4,
    OsVersion = 5,
    Carrier = 6,
    Place = 7,
    Language = 8,
    TimeZone = 9,
}

pub(super) const ATTRIBUTES: usize = 10;

/// One device as one event shows it, or as all events so far did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Fingerprint {
    identifiers: [u64; DeviceIdentifier::COUNT],
    attributes: [u32; ATTRIBUTES],
    /// One bit an identifier, then one an attribute.
    present: u32,
}

impl Fingerprint {
    /// The fingerprint of an event; `None` when it has neither identifier nor bucket.
    pub(super) fn of(input: &Input) -> Option<Self> {
        let mut print = Self::default();
        for which in DeviceIdentifier::ALL {
            if let Some(token) = input.device.get(which) {
                print.identifiers[which as usize] = token;
                print.present |= 1 << which as u32;
            }
        }
        let facts = &input.facts;
        let text = |fact| facts.text(fact).map(|text| hash_text(text) as u32);
        let int = |fact| facts.int(fact).map(|value| value as u32);
        print.set(Attribute::Model, text(Fact::DeviceModel));
        print.set(Attribute::Brand, text(Fact::DeviceBrand));
        print.set(Attribute::Cpu, text(Fact::DeviceCpu));
        print.set(Attribute::Memory, int(Fact::DeviceMemoryMb));
        print.set(Attribute::Screen, text(Fact::DeviceScreen));
        print.set(Attribute::OsVersion, facts.text(Fact::DeviceOsVersion).and_then(version));
        print.set(Attribute::Carrier, text(Fact::NetworkCarrier));
        let prefix = input.tokens.get(EntityKind::IpPrefix).map(|token| token.short() as u32);
        print.set(Attribute::Place, prefix);
        print.set(Attribute::Language, text(Fact::DeviceLanguage));
        print.set(Attribute::TimeZone, text(Fact::DeviceTimeZone));
        (print.has_identifier() || print.bucket().is_some()).then_some(print)
    }

    fn set(&mut self, which: Attribute, value: Option<u32>) {
        if let Some(value) = value {
            self.attributes[which as usize] = value;
            self.present |= 1 << (DeviceIdentifier::COUNT as u32 + which as u32);
        }
    }

    pub(super) const fn has_identifier(&self) -> bool {
        self.present & ((1 << DeviceIdentifier::COUNT) - 1) != 0
    }

    /// Which identifiers it has, one bit each.
    pub(super) const fn identifiers(&self) -> u16 {
        (self.present & ((1 << DeviceIdentifier::COUNT) - 1)) as u16
    }

    /// Which identifiers have the same value in both, one bit each.
    pub(super) fn identifiers_shared_with(&self, other: &Self) -> u16 {
        let pairs = self.identifiers.iter().zip(&other.identifiers).enumerate();
        let equal = pairs.fold(0, |bits, (at, (a, b))| bits | u16::from(a == b) << at);
        equal & self.identifiers() & other.identifiers()
    }

    pub(super) fn identifier(&self, which: DeviceIdentifier) -> Option<u64> {
        (self.present >> which as u32 & 1 == 1).then(|| self.identifiers[which as usize])
    }

    pub(super) fn attribute(&self, which: Attribute) -> Option<u32> {
        let bit = DeviceIdentifier::COUNT as u32 + which as u32;
        let value = (self.present >> bit & 1 == 1).then(|| self.attributes[which as usize])?;
        if which == Attribute::OsVersion { of_now(value) } else { Some(value) }
    }

    /// Model, processor, screen and memory as one number, when all are known.
    pub(super) fn bucket(&self) -> Option<u64> {
        [Attribute::Model, Attribute::Cpu, Attribute::Screen, Attribute::Memory]
            .into_iter()
            .try_fold(0_u64, |hash, which| {
                let value = self.attribute(which)?;
                Some(mix(hash.rotate_left(7) ^ u64::from(value)))
            })
    }

    /// A new device's token: its strongest identifier, which is keyed already, or its bucket, and the
    /// number of the event that showed it first. The number keeps two devices apart that share an
    /// identifier and little else (a reset, a clone).
    pub(super) fn token(&self, seq: Seq) -> Token {
        let strongest = DeviceIdentifier::ALL.into_iter().find_map(|which| self.identifier(which));
        let name = mix(strongest.or(self.bucket()).unwrap_or(0));
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&name.to_le_bytes());
        bytes[8..].copy_from_slice(&mix(name ^ seq.0).to_le_bytes());
        Token::from_bytes(bytes)
    }

    /// Takes over what a newer fingerprint of the same device says.
    pub(super) fn learn(&mut self, newer: &Self) {
        for (place, (mine, theirs)) in
            self.identifiers.iter_mut().zip(&newer.identifiers).enumerate()
        {
            if newer.present >> place & 1 == 1 {
                *mine = *theirs;
            }
        }
        for (place, (mine, theirs)) in self.attributes.iter_mut().zip(&newer.attributes).enumerate()
        {
            if newer.present >> (DeviceIdentifier::COUNT + place) & 1 == 1 {
                *mine = *theirs;
            }
        }
        self.present |= newer.present;
    }
}

/// The beginning of a version's key: it orders as versions do, and ends in a tie where it is cut.
pub(super) fn version(text: &str) -> Option<u32> {
    VersionKey::of(text).map(kept)
}

const fn kept(key: VersionKey) -> u32 {
    (key.bits() >> 96) as u32
}

/// A version that was kept as three parts of ten bits, which no key looks like, as its key; none
/// where it does not tell.
fn of_now(kept_version: u32) -> Option<u32> {
    match kept_version >> 31 {
        1 => Some(kept_version),
        _ => VersionKey::of_three_tens(kept_version).map(kept),
    }
}

/// A known device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Record {
    pub(super) token: Token,
    pub(super) print: Fingerprint,
    /// Milliseconds since the Unix epoch of the newest event.
    pub(super) last_seen_ms: i64,
    /// Which of its identifiers lead to it, one bit each: another device may show the same.
    pub(super) leads: u16,
}

/// Words of a record in a snapshot.
pub(super) const RECORD_WORDS: usize = 2 + DeviceIdentifier::COUNT + ATTRIBUTES / 2 + 2;
const _: () = assert!(ATTRIBUTES.is_multiple_of(2));

impl Record {
    pub(super) fn to_words(self) -> [u64; RECORD_WORDS] {
        const PRINT: usize = 2 + DeviceIdentifier::COUNT;
        let mut words = [0; RECORD_WORDS];
        words[..2].copy_from_slice(&self.token.to_words());
        words[2..PRINT].copy_from_slice(&self.print.identifiers);
        let pairs = self.print.attributes.as_chunks::<2>().0;
        for (word, [low, high]) in words[PRINT..].iter_mut().zip(pairs) {
            *word = u64::from(*high) << 32 | u64::from(*low);
        }
        words[RECORD_WORDS - 2] = u64::from(self.leads) << 32 | u64::from(self.print.present);
        words[RECORD_WORDS - 1] = self.last_seen_ms.cast_unsigned();
        words
    }

    pub(super) fn from_words(words: &[u64; RECORD_WORDS]) -> Self {
        const PRINT: usize = 2 + DeviceIdentifier::COUNT;
        let mut print =
            Fingerprint { present: words[RECORD_WORDS - 2] as u32, ..Fingerprint::default() };
        print.identifiers.copy_from_slice(&words[2..PRINT]);
        for (pair, word) in print.attributes.as_chunks_mut::<2>().0.iter_mut().zip(&words[PRINT..])
        {
            *pair = [*word as u32, (*word >> 32) as u32];
        }
        Self {
            token: Token::from_words([words[0], words[1]]),
            print,
            last_seen_ms: words[RECORD_WORDS - 1].cast_signed(),
            leads: (words[RECORD_WORDS - 2] >> 32) as u16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An upgrade is a greater number whatever the parts' size; what a snapshot of before kept is
    /// the same version still.
    #[test]
    fn versions_of_systems_rise() {
        let rising =
            ["8.1", "10.0.19045", "10.0.22631", "14-beta", "14", "17.0.3", "1024", "2026.11"];
        let kept: Vec<u32> = rising.iter().map(|text| version(text).unwrap()).collect();
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]), "{kept:?}");
        for (packed, text) in [(14 << 20, "14"), (17 << 20 | 3, "17.0.3")] {
            let mut print = Fingerprint::default();
            print.set(Attribute::OsVersion, Some(packed));
            assert_eq!(print.attribute(Attribute::OsVersion), version(text), "{text}");
        }
        let mut print = Fingerprint::default();
        print.set(Attribute::OsVersion, Some(10 << 20 | 1_023));
        assert_eq!(print.attribute(Attribute::OsVersion), None);
    }
}
