//! Letters that nobody sees: a text with one in it looks like another text and never equals it.

use super::fault::{At, Report};

/// The first letter of a text that cannot be seen or is written in two parts, by its place in
/// characters, and what is wrong with it.
pub(super) fn unseen(text: &str) -> Option<(usize, String)> {
    if text.is_ascii() && !text.bytes().any(|byte| byte < b' ' && !b"\n\r\t".contains(&byte)) {
        return None;
    }
    let mut before = None;
    text.chars().enumerate().find_map(|(place, letter)| {
        let is_part = is_combining(letter) && before.is_some_and(char::is_alphanumeric);
        before = Some(letter);
        let code = u32::from(letter);
        if is_part {
            let what = "is a mark apart from its letter; write the two as one letter (Unicode NFC)";
            Some((place, format!("U+{code:04X} {what}")))
        } else {
            let name = invisible(letter)?;
            Some((place, format!("U+{code:04X} ({name}) cannot be seen; remove it")))
        }
    })
}

/// As [`unseen`], for texts that are compared or computed with: a space that is none counts too.
fn unseen_or_odd_space(text: &str) -> Option<(usize, String)> {
    let is_odd = |letter: &char| letter.is_whitespace() && !letter.is_ascii_whitespace();
    let space = text.chars().enumerate().find(|(_, letter)| is_odd(letter));
    let space = space.map(|(place, letter)| {
        let code = u32::from(letter);
        (place, format!("U+{code:04X} is not the space of the keyboard; write U+0020"))
    });
    unseen(text).into_iter().chain(space).min_by_key(|(place, _)| *place)
}

/// Notes the first such letter of a text that people read: a name, a reason, a key.
pub(super) fn check(text: &str, at: At, report: &mut Report<'_>) {
    note(unseen(text), text, at, report);
}

/// Notes the first such letter of a text that is compared: an expression, a cell, a given value.
pub(super) fn check_value(text: &str, at: At, report: &mut Report<'_>) {
    // What a reader of YAML has noted already is not noted again.
    if unseen(text).is_none() {
        note(unseen_or_odd_space(text), text, at, report);
    }
}

fn note(found: Option<(usize, String)>, text: &str, at: At, report: &mut Report<'_>) {
    let Some((place, message)) = found else { return };
    let before: String = text.chars().take(place).collect();
    let lines = before.matches('\n').count() as u32;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() as u32;
    report.misleads(At { line: at.line + lines, column: at.column + column }, message);
}

/// Marks that have a composed form with the letter before them: of Latin, Greek and Cyrillic
/// letters, the voicing of kana, the parts of Hangul.
const fn is_combining(letter: char) -> bool {
    matches!(
        letter as u32,
        0x0300..=0x036f
            | 0x1ab0..=0x1aff
            | 0x1dc0..=0x1dff
            | 0x20d0..=0x20ff
            | 0x3099..=0x309a
            | 0x1161..=0x11ff
            | 0xfe20..=0xfe2f
    )
}

/// What an invisible letter is called.
fn invisible(letter: char) -> Option<&'static str> {
    Some(match letter as u32 {
        0x00ad => "soft hyphen",
        0x034f => "combining grapheme joiner",
        0x061c | 0x200e | 0x200f => "direction mark",
        0x115f | 0x1160 | 0x3164 | 0xffa0 => "Hangul filler",
        0x17b4 | 0x17b5 => "Khmer inherent vowel",
        0x180b..=0x180f | 0xfe00..=0xfe0f | 0xe0100..=0xe01ef => "variation selector",
        0x200b => "zero width space",
        0x200c | 0x200d => "zero width joiner",
        0x2028 | 0x2029 => "line or paragraph separator",
        0x202a..=0x202e | 0x2066..=0x2069 => "direction override",
        0x2060..=0x2064 | 0x206a..=0x206f => "invisible operator",
        0xfeff => "byte order mark",
        0xfff9..=0xfffb => "interlinear annotation",
        0xe0000..=0xe007f => "tag",
        _ if letter.is_control() && !matches!(letter, '\n' | '\r' | '\t') => "control character",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever compares two texts by eye must be right: what looks alike is alike.
    #[test]
    fn what_cannot_be_seen_is_named() {
        #[track_caller]
        fn check(text: &str, expected: Option<(usize, &str)>) {
            let found = unseen_or_odd_space(text);
            match (&found, expected) {
                (None, None) => {}
                (Some((place, message)), Some((at, named))) => {
                    assert_eq!((*place, message.contains(named)), (at, true), "{message}");
                }
                _ => panic!("{text:?}: {found:?}"),
            }
        }
        check("kind == \"payment\"\n", None);
        check("上海 · Zürich · Ελλάδα", None);
        check("pay\u{200b}ment", Some((3, "U+200B (zero width space)")));
        check("\u{feff}kind", Some((0, "U+FEFF")));
        check("Zu\u{308}rich", Some((2, "U+0308")));
        check("か\u{3099}", Some((1, "U+3099")));
        check("a\u{a0}b", Some((1, "U+00A0")));
        check("上海\u{3000}", Some((2, "U+3000")));
        check("a\u{202e}b", Some((1, "direction override")));
        check("a\u{7}", Some((1, "control character")));
    }
}
