//! What a card is, by the first digits of its number: the longest known prefix of 4 to 10 digits.

use std::collections::HashMap;

use super::{Name, Names};

/// A card product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bin<'a> {
    /// Brand: unionpay, visa, ...
    pub brand: Option<&'a str>,
    /// debit, credit or prepaid.
    pub card_type: Option<&'a str>,
    /// Issuer.
    pub issuer: Option<&'a str>,
    /// ISO 3166 code of the issuer's country.
    pub country: Option<&'a str>,
}

/// Card products by prefix.
#[derive(Debug, Default)]
pub struct BinTable {
    /// Per prefix length, longest first.
    by_length: [HashMap<u64, Row>; Self::LENGTHS],
    names: Names,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    brand: Name,
    card_type: Name,
    issuer: Name,
    country: Name,
}

impl BinTable {
    /// Digits of the shortest and of the longest prefix.
    pub const DIGITS: (usize, usize) = (4, 10);
    const LENGTHS: usize = Self::DIGITS.1 - Self::DIGITS.0 + 1;

    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a prefix. `false` when it is already there or is no prefix of 4 to 10 digits.
    pub fn add(&mut self, prefix: &str, bin: Bin<'_>) -> bool {
        let Some((by_length, key)) = slot(prefix.as_bytes())
            .and_then(|index| Some((self.by_length.get_mut(index)?, number(prefix.as_bytes())?)))
        else {
            return false;
        };
        let mut name = |text: Option<&str>| self.names.intern(text.unwrap_or(""));
        let row = Row {
            brand: name(bin.brand),
            card_type: name(bin.card_type),
            issuer: name(bin.issuer),
            country: name(bin.country),
        };
        by_length.insert(key, row).is_none()
    }

    /// Gives the memory of loading back.
    pub fn seal(&mut self) {
        self.names.seal();
    }

    /// The product of a card number given as digits.
    pub fn look_up(&self, digits: &[u8]) -> Option<Bin<'_>> {
        for (index, by_length) in self.by_length.iter().enumerate() {
            if by_length.is_empty() {
                continue;
            }
            let row = digits
                .get(..Self::DIGITS.1 - index)
                .and_then(number)
                .and_then(|prefix| by_length.get(&prefix));
            if let Some(row) = row {
                return Some(Bin {
                    brand: self.names.get(row.brand),
                    card_type: self.names.get(row.card_type),
                    issuer: self.names.get(row.issuer),
                    country: self.names.get(row.country),
                });
            }
        }
        None
    }
}

/// Where prefixes of this length stand.
fn slot(prefix: &[u8]) -> Option<usize> {
    let (min, max) = BinTable::DIGITS;
    (min..=max).contains(&prefix.len()).then(|| max - prefix.len())
}

/// At most ten digits as a number.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An issuer's range carries a product of another type: the longest prefix knows best.
    #[test]
    fn the_longest_prefix_wins() {
        let bin = |issuer| Bin {
            brand: Some("unionpay"),
            card_type: Some("debit"),
            issuer: Some(issuer),
            country: None,
        };
        let mut table = BinTable::new();
        assert!(table.add("622588", bin("a bank")));
        assert!(table.add("62258812", bin("another")));
        assert!(!table.add("622588", bin("again")));
        assert!(!table.add("622", bin("short")));
        assert!(!table.add("62258x", bin("letters")));
        table.seal();
        let issuer = |digits: &str| table.look_up(digits.as_bytes()).and_then(|bin| bin.issuer);
        assert_eq!(issuer("6225881234567890"), Some("another"));
        assert_eq!(issuer("6225889934567890"), Some("again"));
        assert_eq!(issuer("4111111111111111"), None);
        assert_eq!(issuer("6225"), None);
    }
}
