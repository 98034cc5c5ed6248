//! A card's number as a number: what neighbours among cards are told by.

/// The digits of a card number. Keep it in a [`Sensitive`](super::Sensitive): it is
/// the number.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct CardDigits {
    value: u64,
    count: u32,
}

impl CardDigits {
    /// How many digits a card's number has.
    const COUNT: std::ops::RangeInclusive<u32> = 12..=19;

    /// Of a text with separators or without; `None` when it is no card number.
    pub fn parse(number: &str) -> Option<Self> {
        let (mut value, mut count) = (0_u64, 0);
        for digit in number.bytes().filter(u8::is_ascii_digit) {
            value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            count += 1;
        }
        Self::COUNT.contains(&count).then_some(Self { value, count })
    }

    /// The first eight digits, which name the issuer.
    pub fn first_eight(self) -> u32 {
        // At least twelve digits, and eight digits fit.
        (self.value / 10_u64.pow(self.count - 8)) as u32
    }

    /// All digits but the last.
    pub const fn without_check_digit(self) -> u64 {
        self.value / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: text, first eight digits and all but the last.
    #[test]
    fn numbers_are_read_and_nonsense_is_not() {
        for (text, expected) in [
            ("6225881200000018", Some((62_258_812, 622_588_120_000_001))),
            ("6225 8812-0000 0018", Some((62_258_812, 622_588_120_000_001))),
            ("000000001234", Some((0, 123))),
            ("9999999999999999999", Some((99_999_999, 999_999_999_999_999_999))),
            ("", None),
            ("12345678901", None),
            ("99999999999999999999999", None),
            ("00000000000000000000000000000000000001", None),
        ] {
            let card = CardDigits::parse(text);
            let found = card.map(|card| (card.first_eight(), card.without_check_digit()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
