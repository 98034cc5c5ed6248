//! Numbers as people read them.

use crate::bundle::Bundle;

/// `1234567` as `1,234,567`.
pub(in crate::commands) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 input`, `1,234 inputs`.
pub(in crate::commands) fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// Minor units of a bundle's base currency, with its code.
pub(in crate::commands) fn money(minor: i64, bundle: &Bundle) -> String {
    bundle.shown(crate::domain::Value::Money(minor))
}

/// Minor units of a currency with its code, as a bill says it: `12.70 CNY`, `127 JPY`.
pub(in crate::commands) fn amount(minor: i64, currency: &str) -> String {
    let decimals = decimals(currency);
    let scale = 10_u64.pow(decimals);
    let sign = if minor < 0 { "-" } else { "" };
    let (major, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
    match decimals {
        0 => format!("{sign}{major} {currency}"),
        wide => format!("{sign}{major}.{rest:0wide$} {currency}", wide = wide as usize),
    }
}

/// Decimals of a currency (ISO 4217): two, but for these.
fn decimals(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Minor units as whole major units: `1,234`.
pub(in crate::commands) fn money_text(minor: i64, decimals: u8) -> String {
    let scale = 10_u64.pow(u32::from(decimals.min(9)));
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", grouped((minor.unsigned_abs() + scale / 2) / scale))
}

#[cfg(test)]
mod tests {
    use super::amount;

    /// An amount is shown as a bill says it: whoever reads 5000 for 50.00 asks the wrong question.
    #[test]
    fn an_amount_is_shown_as_on_a_bill() {
        for (minor, currency, shown) in [
            (1_270, "CNY", "12.70 CNY"),
            (5, "USD", "0.05 USD"),
            (-5, "USD", "-0.05 USD"),
            (127, "JPY", "127 JPY"),
            (1_270, "KWD", "1.270 KWD"),
        ] {
            assert_eq!(amount(minor, currency), shown);
        }
    }
}
