//! What a character stands for in a number that people write: digits of any script, the many
//! spaces and dashes, what is put in place of a digit to hide it, and what nobody sees.

use std::borrow::Cow;

/// A character, by what it means in a number or a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Glyph {
    /// A digit, of whatever script.
    Digit(u8),
    /// A letter of ASCII; full-width ones are the same.
    Letter(u8),
    /// A plus sign.
    Plus,
    /// A hyphen or dash.
    Dash,
    /// Any other mark that groups digits: spaces, dots, brackets.
    Separator,
    /// Stands where a digit was hidden.
    Star,
    /// Takes no room: zero-width, marks of direction.
    Invisible,
    /// Anything else.
    Other(char),
}

/// The zeros of Unicode's decimal digits past ASCII (general category Nd), in order; nine more
/// follow each. The last five are styles of one script.
const ZEROS: [char; 65] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// Numerals of Chinese, by their value: how a number is written where digits are looked for.
const NUMERALS: [(char, u8); 21] = [
    ('〇', 0),
    ('零', 0),
    ('幺', 1),
    ('一', 1),
    ('壹', 1),
    ('二', 2),
    ('贰', 2),
    ('三', 3),
    ('叁', 3),
    ('四', 4),
    ('肆', 4),
    ('五', 5),
    ('伍', 5),
    ('六', 6),
    ('陆', 6),
    ('七', 7),
    ('柒', 7),
    ('八', 8),
    ('捌', 8),
    ('九', 9),
    ('玖', 9),
];

/// What each character of ASCII stands for.
static ASCII: [Glyph; 128] = {
    let mut glyphs = [Glyph::Plus; 128];
    let mut byte = 0;
    while byte < 128 {
        glyphs[byte] = Glyph::of_ascii(byte as u8);
        byte += 1;
    }
    glyphs
};

impl Glyph {
    /// What a character stands for.
    #[inline]
    pub fn of(c: char) -> Self {
        ASCII.get(c as usize).map_or_else(|| Self::past_ascii(c), |glyph| *glyph)
    }

    const fn of_ascii(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit(byte - b'0'),
            b'a'..=b'z' | b'A'..=b'Z' => Self::Letter(byte),
            b'+' => Self::Plus,
            b'-' => Self::Dash,
            b'*' => Self::Star,
            b' ' | b'.' | b'(' | b')' | b'\t' => Self::Separator,
            _ => Self::Other(byte as char),
        }
    }

    #[cold]
    fn past_ascii(c: char) -> Self {
        match c {
            // Full-width ASCII stands for ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                char::from_u32(u32::from(c) - 0xfee0).map_or(Self::Other(c), Self::of)
            }
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0001}'..='\u{e007f}'
            | '\u{20e3}' => Self::Invisible,
            '\u{2010}'..='\u{2015}'
            | '\u{2043}'
            | '\u{2212}'
            | '\u{30fc}'
            | '\u{fe58}'
            | '\u{fe63}' => Self::Dash,
            '\u{3010}' | '\u{3011}' | '\u{3002}' => Self::Separator,
            // What stands in place of hidden digits: asterisks, bullets, blocks, ellipses.
            '\u{d7}'
            | '\u{2022}'
            | '\u{2026}'
            | '\u{204e}'
            | '\u{2055}'
            | '\u{2217}'
            | '\u{25cf}'
            | '\u{25e6}'
            | '\u{26ab}'
            | '\u{2b24}'
            | '\u{2580}'..='\u{25a9}'
            | '\u{25cb}'
            | '\u{25fc}'
            | '\u{25fe}'
            | '\u{2b1b}'
            | '\u{2731}'..='\u{273d}'
            | '\u{fe61}' => Self::Star,
            c if c.is_whitespace() => Self::Separator,
            c => Self::numeral(c),
        }
    }

    fn numeral(c: char) -> Self {
        let zero = ZEROS.partition_point(|zero| *zero <= c).checked_sub(1).map(|at| ZEROS[at]);
        if let Some(value) = zero.map(|zero| u32::from(c) - u32::from(zero)).filter(|v| *v < 10) {
            return Self::Digit(value as u8);
        }
        // Digits in circles and brackets and above the line: ① ⑴ ⒈ ❶ ² ₂.
        let styled = match c {
            '\u{2460}'..='\u{2468}' => Some(u32::from(c) - 0x245f),
            '\u{2474}'..='\u{247c}' => Some(u32::from(c) - 0x2473),
            '\u{2488}'..='\u{2490}' => Some(u32::from(c) - 0x2487),
            '\u{2776}'..='\u{277e}' => Some(u32::from(c) - 0x2775),
            '\u{2080}'..='\u{2089}' => Some(u32::from(c) - 0x2080),
            '\u{2074}'..='\u{2079}' => Some(u32::from(c) - 0x2070),
            '\u{24ea}' | '\u{2070}' => Some(0),
            '\u{b9}' => Some(1),
            '\u{b2}' => Some(2),
            '\u{b3}' => Some(3),
            _ => None,
        };
        styled.map_or(Self::Other(c), |value| Self::Digit(value as u8))
    }
}

/// The characters of a text as what they stand for. Where there is no digit at all Chinese numerals
/// are digits; beside digits they are words.
pub(super) fn glyphs(text: &str) -> impl Iterator<Item = (usize, Glyph)> {
    // In ASCII there are no numerals to tell from words.
    let has_digits =
        text.is_ascii() || text.chars().any(|c| matches!(Glyph::of(c), Glyph::Digit(_)));
    text.char_indices().map(move |(at, c)| {
        let glyph = Glyph::of(c);
        let numeral = NUMERALS.iter().find(|(known, _)| !has_digits && *known == c);
        (at, numeral.map_or(glyph, |(_, value)| Glyph::Digit(*value)))
    })
}

/// The digits of a card number, taken out of what groups them; `None` for a text that holds
/// anything else (stars, letters, an exponent): what is left of such a one is another number.
pub fn card_number_digits(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(text));
    }
    let mut digits = String::with_capacity(text.len());
    for (_, glyph) in glyphs(text) {
        match glyph {
            Glyph::Digit(value) => digits.push(char::from(b'0' + value)),
            Glyph::Dash | Glyph::Separator | Glyph::Invisible => {}
            _ => return None,
        }
    }
    Some(Cow::Owned(digits))
}

/// The first phone number of a text, as `+` (where it has one) and ASCII digits: without a label
/// before it (`tel:`), an extension behind it (`ext 5`, `转5`, `-8001`), a second number, and all
/// that groups digits. `None` for a masked one, and where there are no digits.
pub fn phone_digits(text: &str) -> Option<Cow<'_, str>> {
    let bare = text.strip_prefix('+').unwrap_or(text);
    if !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Cow::Borrowed(text));
    }
    let mut found = Written::default();
    let mut rest =
        glyphs(text).map(|(_, glyph)| glyph).filter(|g| *g != Glyph::Invisible).peekable();
    while let Some(glyph) = rest.next() {
        match glyph {
            Glyph::Digit(value) => found.digit(value),
            Glyph::Plus if found.digits.is_empty() => found.digits.push('+'),
            Glyph::Plus | Glyph::Separator | Glyph::Invisible => {}
            Glyph::Dash => found.dash(),
            Glyph::Star => return None,
            Glyph::Letter(_) | Glyph::Other(_) if found.count == 0 => {}
            // Behind a whole number begins something else; a run of one sign hides digits.
            Glyph::Letter(b'x' | b'X') | Glyph::Other('#' | '?' | '_')
                if rest.peek().is_some_and(|next| is_same(*next, glyph)) =>
            {
                return None;
            }
            Glyph::Letter(_) | Glyph::Other(_) if found.count >= WHOLE => break,
            Glyph::Letter(_) | Glyph::Other(_) => return None,
        }
    }
    found.finish()
}

/// Digits of the shortest number that is whole without an area code.
const WHOLE: usize = 7;
/// Digits of the longest extension.
const EXTENSION_MAX: usize = 5;
/// Digits of a mainland mobile number: no longer one is cut into a number and an extension.
const MOBILE_DIGITS: usize = 11;

fn is_same(one: Glyph, other: Glyph) -> bool {
    match (one, other) {
        (Glyph::Letter(one), Glyph::Letter(other)) => one.eq_ignore_ascii_case(&other),
        (one, other) => one == other,
    }
}

/// A number on its way from a text.
#[derive(Default)]
struct Written {
    digits: String,
    count: usize,
    /// Digits between the last two dashes, and behind the last one.
    group_before: usize,
    group: usize,
}

impl Written {
    fn digit(&mut self, value: u8) {
        self.digits.push(char::from(b'0' + value));
        self.count += 1;
        self.group += 1;
    }

    fn dash(&mut self) {
        if self.group > 0 {
            (self.group_before, self.group) = (self.group, 0);
        }
    }

    fn finish(mut self) -> Option<Cow<'static, str>> {
        let is_extension =
            self.group_before >= WHOLE && self.group <= EXTENSION_MAX && self.count > MOBILE_DIGITS;
        if is_extension {
            self.digits.truncate(self.digits.len() - self.group);
        }
        (self.count > 0).then_some(Cow::Owned(self.digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One digit is one digit in every script that has its own, and nothing else is a digit.
    #[test]
    fn digits_of_any_script_are_digits() {
        for (text, value) in [("7７٧۷७๗𝟕𝟽⑦❼⁷", 7), ("0０٠०𝟎⓪", 0)] {
            for c in text.chars() {
                assert_eq!(Glyph::of(c), Glyph::Digit(value), "{c}");
            }
        }
        for zero in ZEROS {
            let nine = char::from_u32(u32::from(zero) + 9).unwrap();
            assert_eq!((Glyph::of(zero), Glyph::of(nine)), (Glyph::Digit(0), Glyph::Digit(9)));
        }
        assert!(ZEROS.is_sorted());
        for c in ['x', 'Ⅹ', '张', '三', '○', '*', '•', '×', '½', '/'] {
            assert!(!matches!(Glyph::of(c), Glyph::Digit(_)), "{c}");
        }
    }

    /// A card number is digits and what groups them: with anything else the digits that are left
    /// are those of another number.
    #[test]
    fn a_card_is_digits_and_what_groups_them() {
        let check =
            |text, expected| assert_eq!(card_number_digits(text).as_deref(), expected, "{text}");
        check("6225881234567890", Some("6225881234567890"));
        check("6225 8812-3456\u{a0}7890", Some("6225881234567890"));
        check("６２２５８８１２３４５６７８９０", Some("6225881234567890"));
        check("\u{202d}6225.8812.3456.7890\u{202c}", Some("6225881234567890"));
        check("622588******7890", None);
        check("622588XXXXXX7890", None);
        check("6.22588E+15", None);
        check("6225881234567890=2512", None);
    }

    /// The number is what is dialled, without labels, extensions and second numbers; where digits
    /// are hidden there is none.
    #[test]
    fn the_first_number_of_a_text_is_read() {
        let check = |text, expected| assert_eq!(phone_digits(text).as_deref(), expected, "{text}");
        for text in [
            "13700000000",
            "137-0000-0000",
            "137.0000.0000",
            "１３７００００００００",
            "\u{202d}13700000000\u{202c}",
            "tel:13700000000",
            "手机 13700000000",
            "张三 13700000000",
            "一三七零零零零〇〇〇〇",
            "13700000000 ext 5",
            "13700000000x5",
            "13700000000-1234",
            "13700000000转8001",
            "13700000000/13800000000",
            "13700000000,13800000000",
        ] {
            check(text, Some("13700000000"));
        }
        check("+86 (0)138-0013.8000", Some("+86013800138000"));
        check("(+86)13700000000", Some("+8613700000000"));
        check("+86+8613700000000", Some("+868613700000000"));
        check("010-62345678-802", Some("01062345678"));
        check("86-10-62345678", Some("861062345678"));
        check("1371234-5678", Some("13712345678"));
        for masked in ["138****8000", "138xxxx8000", "138••••8000", "1380000####", "138********"]
        {
            check(masked, None);
        }
        for none in ["", "+", "unknown", "电话"] {
            check(none, None);
        }
    }
}
