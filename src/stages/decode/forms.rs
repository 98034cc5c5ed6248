//! The forms that texts have to have: event ids, digits, codes.

use std::borrow::Cow;

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

/// A card number: 12 to 19 digits. Spaces and hyphens, as people write them, are taken out.
pub(super) fn card_number(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = without_separators(text, false);
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    (digits && (12..=19).contains(&text.len())).then_some(text)
}

/// A phone number: 5 to 20 digits with an optional `+` before them, separators taken out, so that
/// one number has one token.
pub(super) fn phone(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = without_separators(text, true);
    let digits = text.strip_prefix('+').unwrap_or(&text);
    let form = (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    form.then_some(text)
}

/// Allocates only when there is a separator to take out.
fn without_separators(text: Cow<'_, str>, parentheses: bool) -> Cow<'_, str> {
    let separator = |c: char| matches!(c, ' ' | '-') || parentheses && matches!(c, '(' | ')' | '.');
    if text.contains(separator) {
        Cow::Owned(text.chars().filter(|c| !separator(*c)).collect())
    } else {
        text
    }
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
        check(card_number, "6225.8812.3456.7890", None);
        check(card_number, "六225881234567890", None);
        check(phone, "13800138000", Some("13800138000"));
        check(phone, "+86 (0)138-0013.8000", Some("+86013800138000"));
        check(phone, "1380013800x", None);
        check(phone, "138+0013800", None);
        check(phone, "1234", None);
    }
}
