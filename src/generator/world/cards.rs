//! Cards: the BIN table that we ship, and valid numbers under it.

use super::checksums::{luhn_digit, scatter};
use crate::generator::rng::Rng;

/// The shipped BIN table, the same bytes that the enrich stage loads.
pub const BIN_TABLE_CSV: &str = include_str!("../../../deploy/tables/bin.csv");

/// What a card is, as the BIN table says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CardType {
    /// Spends what is there.
    Debit,
    /// Spends what is lent.
    Credit,
    /// Spends what was loaded.
    Prepaid,
}

/// One issuer's range.
#[derive(Clone, Copy, Debug)]
struct Bin {
    digits: &'static [u8],
    card_type: CardType,
    domestic: bool,
    /// Length of the numbers under this BIN, 16 to 19.
    length: usize,
}

/// A card number: 16 to 19 ASCII digits, Luhn-valid unless a plant broke it on purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pan {
    digits: [u8; 19],
    length: u8,
}

impl Pan {
    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        // `length` is at most 19 by construction.
        &self.digits[..usize::from(self.length)]
    }

    /// The same number with its check digit moved on by one, so that Luhn fails.
    pub fn broken(mut self) -> Self {
        let last = &mut self.digits[usize::from(self.length) - 1];
        *last = b'0' + (*last - b'0' + 1) % 10;
        self
    }
}

/// The BIN table, sorted into the groups that people's cards are drawn from.
#[derive(Debug)]
pub(super) struct Cards {
    seed: u64,
    debit: Vec<Bin>,
    credit: Vec<Bin>,
    prepaid: Vec<Bin>,
    foreign: Vec<Bin>,
}

/// Purpose of the random stream of card numbers.
const SALT: u64 = 0x6361_7264;

impl Cards {
    /// Reads the shipped table; a row that does not fit is a fault of the repository, and skipped
    /// rows are caught by the test below.
    pub(super) fn new(seed: u64) -> Self {
        let rows: Vec<Bin> = BIN_TABLE_CSV.lines().skip(1).filter_map(parse).collect();
        let of = |card_type: CardType| -> Vec<Bin> {
            rows.iter().filter(|bin| bin.domestic && bin.card_type == card_type).copied().collect()
        };
        Self {
            seed,
            debit: of(CardType::Debit),
            credit: of(CardType::Credit),
            prepaid: of(CardType::Prepaid),
            foreign: rows.iter().filter(|bin| !bin.domestic).copied().collect(),
        }
    }

    /// The number of a person's card in `slot` (0..4): 0 the everyday debit card, 1 a credit card,
    /// 2 a prepaid card, 3 a spare that only plants use.
    pub(super) fn number(&self, person: u32, slot: u32) -> Pan {
        let ordinal = u64::from(person) * 4 + u64::from(slot & 3);
        let mut rng = Rng::of(self.seed, SALT, ordinal);
        let group = match slot & 3 {
            0 => &self.debit,
            2 => &self.prepaid,
            _ if rng.chance(0.03) => &self.foreign,
            1 => &self.credit,
            _ if rng.chance(0.5) => &self.credit,
            _ => &self.debit,
        };
        issue(&rng.pick(group), |digits| scatter(ordinal, digits, self.seed ^ SALT))
    }

    /// A number that nobody holds: Luhn-valid, drawn at random under a credit BIN.
    pub(super) fn invented(&self, rng: &mut Rng) -> Pan {
        let bin = rng.pick(&self.credit);
        let body = rng.word();
        issue(&bin, |digits| body % 10_u64.pow(digits))
    }

    /// The `nth` neighbour of a place under one credit BIN: Luhn-valid, one apart before the check
    /// digit.
    pub(super) fn neighbour(&self, first: u64, nth: u64) -> Pan {
        let bin = &self.credit[(first % self.credit.len() as u64) as usize];
        // A thousand short of the end of the range: neighbours do not wrap around.
        issue(bin, |digits| (first >> 16) % (10_u64.pow(digits) - 1_000) + nth)
    }
}

/// Writes BIN, body and check digit; `body` is told how many digits it has.
fn issue(bin: &Bin, body: impl FnOnce(u32) -> u64) -> Pan {
    let mut digits = [b'0'; 19];
    let (prefix, length) = (bin.digits.len(), bin.length);
    digits[..prefix].copy_from_slice(bin.digits);
    let mut rest = body((length - 1 - prefix) as u32);
    for place in (prefix..length - 1).rev() {
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits[length - 1] = luhn_digit(&digits[..length - 1]);
    Pan { digits, length: length as u8 }
}

fn parse(line: &'static str) -> Option<Bin> {
    let mut columns = line.split(',');
    let digits = columns.next()?.as_bytes();
    let brand = columns.next()?;
    let card_type = match columns.next()? {
        "debit" => CardType::Debit,
        "credit" => CardType::Credit,
        "prepaid" => CardType::Prepaid,
        _ => return None,
    };
    let country = columns.nth(1)?;
    // Debit cards of UnionPay have 19 digits, a few banks 17 or 18; everything else has 16.
    let last = usize::from(digits.last()? - b'0');
    let length = match (brand, card_type, last) {
        ("unionpay", CardType::Debit, 8) => 18,
        ("unionpay", CardType::Debit, 5) => 17,
        ("unionpay", CardType::Debit, _) => 19,
        _ => 16,
    };
    Some(Bin { digits, card_type, domestic: country == "CN", length })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row of the shipped table is used, and every number is valid and issued once.
    #[test]
    fn numbers_are_valid_and_distinct() {
        let cards = Cards::new(7);
        let rows = BIN_TABLE_CSV.lines().count() - 1;
        let parsed = [&cards.debit, &cards.credit, &cards.prepaid, &cards.foreign];
        assert_eq!(parsed.iter().map(|group| group.len()).sum::<usize>(), rows);
        let mut seen: Vec<Pan> = (0..5_000).map(|n| cards.number(n / 4, n % 4)).collect();
        for pan in &seen {
            let digits = pan.as_bytes();
            assert!((16..=19).contains(&digits.len()));
            let (check, body) = digits.split_last().expect("a number has digits");
            assert_eq!(luhn_digit(body), *check);
            assert_ne!(pan.broken(), *pan);
        }
        seen.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        seen.dedup();
        assert_eq!(seen.len(), 5_000);
    }
}
