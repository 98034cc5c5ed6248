//! `fx.csv`: what a currency is worth, as an integer fraction.

use super::fault::{At, Report, shown};
use crate::domain::Currency;
use crate::stages::enrich::{FxFault, FxTable};

/// The first line of the file.
const HEADER: &str = "currency,numerator,denominator";
/// More digits than any rate needs; keeps `minor x numerator` within 128 bits.
const PART_MAX: u64 = 1_000_000_000_000;

/// Reads the table; the base currency is worth itself and must not stand in it.
pub(super) fn read(bytes: &[u8], base: Currency, report: &mut Report<'_>) -> FxTable {
    let mut rates = FxTable::new(base);
    let Ok(text) = std::str::from_utf8(bytes) else {
        report.fault(At::default(), "not UTF-8; save the file as UTF-8");
        return rates;
    };
    for (index, line) in text.lines().enumerate() {
        let at = At { line: index as u32 + 1, column: 1 };
        if index == 0 {
            if line != HEADER {
                report.fault(at, format!("the first line must be `{HEADER}`"));
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let added = match rate(line) {
            Err(message) => Err(message),
            Ok((currency, _)) if currency == base => {
                Err("the base currency is worth itself; remove the line".to_owned())
            }
            Ok((currency, rate)) => rates.add(currency, rate).map_err(|fault| match fault {
                FxFault::Twice => format!("{currency:?} stands twice"),
                FxFault::Zero | FxFault::Base => fault.to_string(),
            }),
        };
        if let Err(message) = added {
            report.fault(at, message);
        }
    }
    rates
}

/// Base minor units = minor units x numerator / denominator.
fn rate(line: &str) -> Result<(Currency, (u64, u64)), String> {
    let mut columns = line.split(',');
    let (Some(code), Some(numerator), Some(denominator), None) =
        (columns.next(), columns.next(), columns.next(), columns.next())
    else {
        return Err("three columns are wanted: currency, numerator, denominator".to_owned());
    };
    let currency = Currency::parse(code)
        .ok_or_else(|| format!("`{}` is not an ISO 4217 code such as USD", shown(code)))?;
    let part = |name: &str, text: &str| {
        let number = text.parse::<u64>().ok().filter(|number| (1..=PART_MAX).contains(number));
        number.ok_or_else(|| format!("the {name} must be a whole number from 1 to {PART_MAX}"))
    };
    Ok((currency, (part("numerator", numerator)?, part("denominator", denominator)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrong rate turns every limit into another one: nothing that is nearly a rate is taken.
    #[test]
    fn every_wrong_line_is_named() {
        let text = "currency,numerator,denominator\nUSD,7123,1000\n\n# a note\nusd,1,1\nEUR,0,1\n\
                    EUR,1\nCNY,1,1\nUSD,1,1\nJPY,481,-1\n";
        let mut faults = Vec::new();
        let mut report = Report { file: "fx.csv", faults: &mut faults };
        let rates = read(text.as_bytes(), Currency::CNY, &mut report);
        assert_eq!(rates.rates().count(), 1);
        let lines: Vec<u32> = faults.iter().map(|fault| fault.at.line).collect();
        assert_eq!(lines, [5, 6, 7, 8, 9, 10]);
    }
}
