//! What currencies are worth, in integers: base minor units = minor units x numerator /
//! denominator.

use std::collections::BTreeMap;

use crate::domain::{Amount, Currency};

/// Why a rate is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FxFault {
    /// Nothing can be divided by it, or everything would be worth nothing.
    #[error("numerator and denominator must both be above zero")]
    Zero,
    /// The currency has a rate already.
    #[error("the currency has a rate already")]
    Twice,
    /// The base currency is worth itself.
    #[error(
        "the base currency's rate is 1/1 by definition; a table into another one than CNY says so in \
         a column `base`"
    )]
    Base,
}

/// Rates into one base currency.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FxTable {
    base: Currency,
    rates: BTreeMap<Currency, (u64, u64)>,
}

impl FxTable {
    /// A table with the base currency alone.
    pub const fn new(base: Currency) -> Self {
        Self { base, rates: BTreeMap::new() }
    }

    /// Adds a rate between minor units: for 1 USD = 7.1234 CNY, both with two decimals,
    /// 71234/10000; for 1 JPY (no decimals) = 0.0481 CNY, 481/100.
    pub fn add(&mut self, currency: Currency, rate: (u64, u64)) -> Result<(), FxFault> {
        if rate.0 == 0 || rate.1 == 0 {
            return Err(FxFault::Zero);
        }
        if currency == self.base {
            return if rate.0 == rate.1 { Ok(()) } else { Err(FxFault::Base) };
        }
        match self.rates.insert(currency, rate) {
            None => Ok(()),
            Some(_) => Err(FxFault::Twice),
        }
    }

    /// The currency that amounts are converted into.
    pub const fn base(&self) -> Currency {
        self.base
    }

    /// Whether what it converts into is worth the same in this currency: its base, or one that has
    /// the rate 1/1 in it.
    pub fn is_into(&self, base: Currency) -> bool {
        self.base == base || self.rates.get(&base).is_some_and(|rate| rate.0 == rate.1)
    }

    /// Every currency but the base one, with its rate, in the order of their codes.
    pub fn rates(&self) -> impl Iterator<Item = (Currency, (u64, u64))> {
        self.rates.iter().map(|(currency, rate)| (*currency, *rate))
    }

    /// Minor units of the base currency, rounded half up; `None` without a rate.
    ///
    /// Held at [`Amount::MINOR_MAX`], so that sums keep their bound: what is worth more is absurd
    /// and stays the largest amount there is.
    pub fn to_base(&self, amount: Amount) -> Option<u64> {
        let (numerator, denominator) = if amount.currency() == self.base {
            (1, 1)
        } else {
            *self.rates.get(&amount.currency())?
        };
        let (numerator, denominator) = (u128::from(numerator), u128::from(denominator));
        // Below 2^50 x 2^64: fits. The denominator is above zero, as `add` checked.
        let product = u128::from(amount.minor()) * numerator;
        let rounded = (product + denominator / 2) / denominator;
        Some(rounded.min(u128::from(Amount::MINOR_MAX)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact, in integers, with the currency's own decimals in the rate.
    #[test]
    fn amounts_are_converted_exactly() {
        let (usd, jpy) = (Currency::parse("USD").unwrap(), Currency::parse("JPY").unwrap());
        let mut table = FxTable::new(Currency::CNY);
        table.add(usd, (71_234, 10_000)).unwrap();
        table.add(jpy, (481, 100)).unwrap();
        let check = |minor, currency, expected| {
            let amount = Amount::from_minor(minor, currency).unwrap();
            assert_eq!(table.to_base(amount), expected, "{minor} {currency:?}");
        };
        check(100, usd, Some(712)); // 1.00 USD = 7.1234 CNY
        check(1_000, usd, Some(7_123));
        check(10_000, jpy, Some(48_100)); // 10,000 JPY = 481.00 CNY
        check(5, Currency::CNY, Some(5));
        check(Amount::MINOR_MAX, usd, Some(Amount::MINOR_MAX));
        check(1, Currency::parse("EUR").unwrap(), None);
    }

    /// A zero divides nothing, and a second rate would hide the first.
    #[test]
    fn senseless_rates_are_refused() {
        let usd = Currency::parse("USD").unwrap();
        let mut table = FxTable::new(Currency::CNY);
        assert_eq!(table.add(usd, (7, 0)), Err(FxFault::Zero));
        assert_eq!(table.add(usd, (0, 7)), Err(FxFault::Zero));
        assert_eq!(table.add(Currency::CNY, (2, 1)), Err(FxFault::Base));
        assert_eq!(table.add(usd, (7, 1)), Ok(()));
        assert_eq!(table.add(usd, (8, 1)), Err(FxFault::Twice));
    }
}
