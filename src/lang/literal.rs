//! Literals that CEL writes as calls on a text: money, durations, moments.

use crate::domain::{Amount, Currency, EventTime};

/// Reads `1000.00 CNY` as minor units of the base currency, exactly.
///
/// `decimals` are the minor digits of the base currency; the error is a sentence.
pub(super) fn parse_money(text: &str, base: Currency, decimals: u8) -> Result<i64, String> {
    let Some((number, code)) = text.split_once(' ') else {
        return Err(format!("money needs its currency, as in `1000.00 {}`", base.as_str()));
    };
    if Currency::parse(code) != Some(base) {
        return Err(format!("money is in the base currency here, which is {}", base.as_str()));
    }
    let (negative, digits) = match number.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, number),
    };
    let (major, minor) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !major.is_empty()
        && major.bytes().chain(minor.bytes()).all(|byte| byte.is_ascii_digit())
        && (digits.len() == major.len() || !minor.is_empty());
    if !is_number {
        return Err("an amount is digits with an optional decimal part, as in `1000.00`".into());
    }
    if minor.len() > usize::from(decimals) {
        return Err(format!("{} has {decimals} decimals at most", base.as_str()));
    }
    let scale = (0..usize::from(decimals) - minor.len()).map(|_| b'0');
    let value = major.bytes().chain(minor.bytes()).chain(scale).try_fold(0_i64, |value, byte| {
        value.checked_mul(10)?.checked_add(i64::from(byte - b'0')).filter(|v| *v <= MONEY_MAX)
    });
    match value {
        Some(value) => Ok(if negative { -value } else { value }),
        None => Err("the amount is larger than any sum we keep".into()),
    }
}

/// The sum of a largest ring at the largest amount: no window's value is above it.
const MONEY_MAX: i64 = Amount::MINOR_MAX as i64 * 4_096;

/// Reads a duration as milliseconds: numbers with units `d h m s ms`, greatest first or not, with
/// decimals and one leading sign (`1h30m`, `-1.5s`). `None` when it is no duration, finer than a
/// millisecond, or longer than 64 bits hold.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    // Billionths of a millisecond would overflow sooner than 64 bits of milliseconds.
    let mut total_ns: i128 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (whole, tail) = rest.split_at(digits);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => {
                let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
                tail.split_at(digits)
            }
            None => ("", tail),
        };
        if whole.len() + fraction.len() == 0 || whole.len() > 18 || fraction.len() > 9 {
            return None;
        }
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let unit_ns: i128 = match &tail[..unit_end] {
            "d" => 86_400_000_000_000,
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            "ns" => 1,
            _ => return None,
        };
        let number = |digits: &str| {
            digits.bytes().fold(0_i128, |value, byte| value * 10 + i128::from(byte - b'0'))
        };
        total_ns += number(whole) * unit_ns;
        // At most nine digits, so the power is within range; what it does not divide is finer
        // than a nanosecond.
        let share = number(fraction) * unit_ns;
        let scale = 10_i128.pow(fraction.len() as u32);
        if share % scale != 0 {
            return None;
        }
        total_ns += share / scale;
        rest = &tail[unit_end..];
    }
    if total_ns % 1_000_000 != 0 {
        return None;
    }
    let total_ms = i64::try_from(total_ns / 1_000_000).ok()?;
    Some(if negative { -total_ms } else { total_ms })
}

/// Writes milliseconds as CEL writes a duration: `90s`, `-1.5s`.
pub fn duration_text(ms: i64) -> String {
    let (seconds, rest) = (ms.unsigned_abs() / 1_000, ms.unsigned_abs() % 1_000);
    let sign = if ms < 0 { "-" } else { "" };
    let fraction = format!(".{rest:03}");
    format!("{sign}{seconds}{}s", fraction.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads RFC 3339 as milliseconds since the Unix epoch, within the years that events may have.
pub(super) fn parse_timestamp(text: &str) -> Result<i64, String> {
    EventTime::parse_rfc3339(text)
        .map(EventTime::as_ms)
        .map_err(|_| "a moment is RFC 3339 within the years 2000 to 2099".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit is what was written, to the last cent, or a fault: never rounded.
    #[test]
    fn money_is_exact() {
        let cny = |text| parse_money(text, Currency::CNY, 2).ok();
        assert_eq!(cny("1000.00 CNY"), Some(100_000));
        assert_eq!(cny("0.01 CNY"), Some(1));
        assert_eq!(cny("-12.5 CNY"), Some(-1_250));
        assert_eq!(cny("7 CNY"), Some(700));
        for bad in [
            "7",
            "7CNY",
            "7 USD",
            "7. CNY",
            ".5 CNY",
            "1,000.00 CNY",
            "0.001 CNY",
            "1e3 CNY",
            "--1 CNY",
            " 1 CNY",
            "1  CNY",
            "99999999999999999999 CNY",
            "９ CNY",
            "",
        ] {
            assert_eq!(cny(bad), None, "{bad}");
        }
        let jpy = Currency::parse("JPY").unwrap();
        assert_eq!(parse_money("500 JPY", jpy, 0), Ok(500));
        assert!(parse_money("500.0 JPY", jpy, 0).is_err());
    }

    /// Durations follow CEL's grammar, with days, to the millisecond.
    #[test]
    fn durations_are_exact() {
        for (text, expected) in [
            ("1h", Some(3_600_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5s", Some(1_500)),
            ("-10ms", Some(-10)),
            ("7d", Some(604_800_000)),
            ("1000us", Some(1)),
            ("1us", None),
            ("0.0001s", None),
            ("1", None),
            ("h", None),
            ("", None),
            ("-", None),
            ("1 h", None),
            ("1.h", Some(3_600_000)),
            ("999999999999999999d", None),
            ("1é", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
