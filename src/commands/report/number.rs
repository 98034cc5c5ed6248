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

/// Minor units as whole major units: `1,234`.
pub(in crate::commands) fn money_text(minor: i64, decimals: u8) -> String {
    let scale = 10_u64.pow(u32::from(decimals.min(9)));
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", grouped((minor.unsigned_abs() + scale / 2) / scale))
}
