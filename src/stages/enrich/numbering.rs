//! Numbering plans: one form for each phone number, whatever was dialled to reach it.

use super::phone;

/// Digits of the shortest number that one person may have, without its calling code, where the
/// plan is not known. Shorter ones are service numbers, or lack their area.
const PERSONAL_MIN: usize = 9;
/// The longest number with its calling code (ITU-T E.164).
const E164_MAX: usize = 15;

/// The calling code and the national number of `+` and digits, or digits alone.
///
/// A number without `+` or `00` is the mainland's; a Taiwanese mobile number is told by its form.
pub(super) fn plan(written: &str) -> Option<(&str, &str)> {
    let (is_abroad, digits) = match written.strip_prefix('+') {
        Some(digits) => (true, digits),
        None => (written.starts_with("00"), written),
    };
    let bare = digits.trim_start_matches('0');
    let (code, national) = match bare.strip_prefix("86").filter(|_| is_abroad) {
        Some(national) => ("86", mainland(national).or_else(|| unknown(national))?),
        None if is_abroad => abroad(bare)?,
        None if digits.len() == 10 && digits.starts_with("09") => ("886", bare),
        None => ("86", mainland(bare).or_else(|| unknown(bare))?),
    };
    (!is_filler(national)).then_some((code, national))
}

/// What somebody types who has to type something.
fn is_filler(national: &str) -> bool {
    let first = national.as_bytes().first();
    national.bytes().all(|byte| Some(&byte) == first)
        || matches!(national, "1234567890" | "12345678901" | "13800138000")
}

/// A number of the mainland's plan, without trunk zero, repeated country code and carrier.
fn mainland(number: &str) -> Option<&str> {
    let number = number.trim_start_matches('0');
    if is_mainland(number) {
        return Some(number);
    }
    // Bounded: each round is shorter, and the text has at most as many digits as the door lets pass.
    number.strip_prefix("86").and_then(mainland).or_else(|| {
        [5, 6, 3]
            .into_iter()
            .filter_map(|length| number.split_at_checked(length))
            .find_map(|(carrier, rest)| is_carrier(carrier).then(|| mainland(rest)).flatten())
    })
}

/// Prefixes that choose who carries a call: IP telephony, long-distance carriers, second numbers.
fn is_carrier(prefix: &str) -> bool {
    let begins = |with: &[&str]| with.iter().any(|with| prefix.starts_with(with));
    match prefix.len() {
        5 => begins(&["179", "125", "101", "116", "118", "196", "197"]),
        6 => begins(&["1258", "1259"]),
        _ => begins(&["190", "193", "195", "196", "197"]),
    }
}

/// Whether a number is whole by the mainland's plan: a mobile one, one of a thing, a landline with
/// its area, or one that the called party pays.
fn is_mainland(number: &str) -> bool {
    let starts = |with: &str| number.starts_with(with);
    let subscriber = |area: usize| {
        number.as_bytes().get(area).is_some_and(|first| (b'2'..=b'9').contains(first))
    };
    match number.as_bytes() {
        [b'1', b'3'..=b'9', ..] if number.len() == 11 => true,
        [b'1', ..] if number.len() == 13 => starts("106") || starts("14"),
        [b'1', b'0', ..] | [b'2', ..] => number.len() == 10 && subscriber(2),
        _ if number.len() == 10 && (starts("400") || starts("800")) => true,
        [b'8', b'6', ..] => false,
        [b'3'..=b'9', ..] => matches!(number.len(), 10 | 11) && subscriber(3),
        _ => false,
    }
}

/// A number that no plan of ours knows, when it is long enough to be one person's.
fn unknown(number: &str) -> Option<&str> {
    let number = number.trim_start_matches('0');
    (PERSONAL_MIN..=E164_MAX).contains(&number.len()).then_some(number)
}

/// Calling codes behind which a zero is part of the number, or of no meaning.
const KEEP_ZERO: [&str; 8] = ["1", "7", "39", "225", "241", "242", "378", "379"];

/// A number with its calling code, without the trunk zero that is dialled only inside the country.
fn abroad(number: &str) -> Option<(&str, &str)> {
    let (code, national) = number.split_at(phone::code_length(number));
    let national = match national.strip_prefix('0') {
        Some(rest) if !KEEP_ZERO.contains(&code) => rest,
        _ => national,
    };
    (7..=E164_MAX).contains(&(code.len() + national.len())).then_some((code, national))
}
