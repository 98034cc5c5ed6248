//! Phone numbers by numbering plan (DOMAIN section 2).

use super::apply::{HIDDEN_MIN, ends};
use super::writer::Text;

/// Writes a number as its plan's mask says.
pub(super) fn number(out: &mut Text<'_>, value: &str) {
    let (code, national) = calling_code(value);
    if national.chars().count() < HIDDEN_MIN {
        // Too little is left to hide behind a code: not a number, or not a whole one.
        return ends(out, value, 0, 0);
    }
    out.push(code);
    let (first, last) = shown(code, national);
    ends(out, national, first, last);
}

/// Splits off a calling code whose numbering plan we know.
fn calling_code(value: &str) -> (&str, &str) {
    let known = ["+86", "+852", "+853", "+886"].into_iter().find(|code| value.starts_with(code));
    // Codes are ASCII, so their length is a character's edge.
    value.split_at(known.map_or(0, str::len))
}

/// Characters shown at either end of a national number.
fn shown(code: &str, national: &str) -> (usize, usize) {
    let count = national.len();
    let starts = |digits: &str| national.starts_with(digits);
    match code {
        "+86" if count == 11 && starts("1") => (3, 4),
        "+852" | "+853" => (2, 2),
        "+886" => (2, 3),
        "" if count == 11 && starts("1") => (3, 4),
        "" if count == 9 && starts("9") || count == 10 && starts("09") => (2, 3),
        // A landline of the mainland: 010 and 02x, all others have four digits.
        "" if (11..=12).contains(&count) && starts("0") => {
            let area = if starts("01") || starts("02") { 3 } else { 4 };
            (area, 4)
        }
        _ => (2, 2),
    }
}
