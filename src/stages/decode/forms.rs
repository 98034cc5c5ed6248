//! The forms that texts have to have: event ids, digits, codes.

use std::borrow::Cow;

use crate::domain::{card_number_digits, phone_digits};

/// Whether a text is 1 to 64 of `A-Z a-z 0-9 . _ : -`. Its length is the field's limit.
pub(super) fn is_event_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

/// Whether a text is exactly `count` digits.
pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A card number: 12 to 19 digits of any script. What people group them with is taken out.
pub(super) fn card_number(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let digits = over(text, card_number_digits)?;
    (12..=19).contains(&digits.len()).then_some(digits)
}

/// A phone number: 5 to 26 digits, of any script and with whatever is dialled before the number,
/// with an optional `+` before them. Labels, separators and extensions are taken out.
pub(super) fn phone(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let number = over(text, phone_digits)?;
    (5..=26).contains(&number.trim_start_matches('+').len()).then_some(number)
}

/// What `read` makes of a text; the text itself, without a copy, where that is the same.
fn over<'a>(
    text: Cow<'a, str>,
    read: impl for<'t> Fn(&'t str) -> Option<Cow<'t, str>>,
) -> Option<Cow<'a, str>> {
    let changed = match read(&text)? {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    Some(changed.map_or(text, Cow::Owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One number written in two ways must become one number, else its windows split in two.
    #[test]
    fn separators_are_taken_out_and_nothing_else() {
        let check = |form: fn(Cow<'_, str>) -> Option<Cow<'_, str>>, text, expected| {
            assert_eq!(form(Cow::Borrowed(text)).as_deref(), expected, "{text}");
        };
        check(card_number, "6225881234567890", Some("6225881234567890"));
        check(card_number, "6225 8812-3456 7890", Some("6225881234567890"));
        check(card_number, "62258812345", None);
        check(card_number, "62258812345678901234", None);
        check(card_number, "6225881234567890=2512", None);
        check(card_number, "6225.8812.3456.7890", Some("6225881234567890"));
        check(card_number, "六225881234567890", None);
        check(phone, "13800138000", Some("13800138000"));
        check(phone, "+86 (0)138-0013.8000", Some("+86013800138000"));
        check(phone, "138****8000", None);
        check(phone, "13800138000 ext 5", Some("13800138000"));
        check(phone, "1234", None);
    }
}
