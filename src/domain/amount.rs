//! Money: an exact count of minor units in one currency. No floats, no conversion.

use std::fmt;

/// An ISO 4217 code. Invariant: three upper-case ASCII letters.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The renminbi, the base currency of the shipped bundle.
    pub const CNY: Self = Self(*b"CNY");

    /// Reads a code; anything but three upper-case letters is `None`.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        // Upper-case ASCII letters by the invariant, so this cannot fail.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount of money in one currency.
///
/// Invariant: `minor <= Amount::MINOR_MAX`, so that an `i64` holds the sum of every ring we keep
/// and an `i128` the sum of every window.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Amount {
    minor: u64,
    currency: Currency,
}

/// The amount is above [`Amount::MINOR_MAX`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AmountTooLarge;

impl Amount {
    /// Ten trillion major units at two decimals: above any real payment, below `2^50`.
    pub const MINOR_MAX: u64 = 1_000_000_000_000_000;

    /// Checks the bound once, here, so that no later stage has to.
    pub const fn from_minor(minor: u64, currency: Currency) -> Result<Self, AmountTooLarge> {
        if minor <= Self::MINOR_MAX { Ok(Self { minor, currency }) } else { Err(AmountTooLarge) }
    }

    /// The count of minor units.
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// The currency that the units are of.
    pub const fn currency(self) -> Currency {
        self.currency
    }
}

// An `i64` sum over the largest ring (4,096 observations) cannot overflow.
const _: () = assert!((Amount::MINOR_MAX as u128) * 4_096 < i64::MAX as u128);

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound is what every later sum relies on, so its edge is held exactly.
    #[test]
    fn an_amount_is_bounded() {
        assert!(Amount::from_minor(Amount::MINOR_MAX, Currency::CNY).is_ok());
        assert_eq!(Amount::from_minor(Amount::MINOR_MAX + 1, Currency::CNY), Err(AmountTooLarge));
    }

    /// A currency is three capital letters, by character: no lower case, no look-alikes.
    #[test]
    fn a_currency_is_three_capital_letters() {
        for (code, ok) in
            [("CNY", true), ("cny", false), ("CN", false), ("CNYX", false), ("ЖЖ", false)]
        {
            assert_eq!(Currency::parse(code).is_some(), ok, "{code}");
        }
    }
}
