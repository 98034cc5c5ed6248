//! Digits in a text that could be a person's: a card, a mobile phone, an identity number. A text that
//! others read shows stars in their place.

use std::borrow::Cow;
use std::ops::Range;

use super::Glyph;
use super::spelling::glyphs;

/// A text with a star in place of each digit that could be a person's. Without any, which is nearly
/// always, the text itself.
pub fn withhold_digits(text: &str) -> Cow<'_, str> {
    let spans = spans(text, Look::ForAny);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let is_hidden = |at: usize| spans.iter().any(|span| span.contains(&at));
    let star = |(c, (at, glyph)): (char, (usize, Glyph))| match glyph {
        Glyph::Digit(_) if is_hidden(at) => '*',
        _ => c,
    };
    Cow::Owned(text.chars().zip(glyphs(text)).map(star).collect())
}

/// Whether a code holds what could be a card number, a mobile phone's or an identity number. A tenth
/// of all long numbers could be one.
pub fn has_personal_digits(code: &str) -> bool {
    !spans(code, Look::ForAny).is_empty()
}

/// Whether a code of a merchant or a terminal is what cards' numbers look like: such codes are numbers
/// of another length.
pub fn is_like_a_card(code: &str) -> bool {
    !spans(code, Look::ForCards).is_empty()
}

/// What is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Look {
    ForAny,
    /// Cards of sixteen or nineteen digits, and mobile phones.
    ForCards,
}

/// Fewest digits of any of them.
const DIGITS_MIN: usize = 11;
/// Most digits that are looked at; what is longer is hidden as a whole.
const DIGITS_MAX: usize = 64;

/// Digits that stand together, with one mark between them at most.
struct Run {
    /// Those up to [`DIGITS_MAX`], and where each stands in the text.
    digits: [u8; DIGITS_MAX],
    places: [usize; DIGITS_MAX],
    /// How many there are, and where the last one stands.
    len: usize,
    last: usize,
    /// Where digits begin behind a mark.
    edges: [u8; DIGITS_MAX + 1],
    edges_len: usize,
}

fn spans(text: &str, look: Look) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if may_hold(text) {
        look_through((text, look), &mut found);
    }
    found
}

fn look_through((text, look): (&str, Look), found: &mut Vec<Range<usize>>) {
    let mut run = Run::new();
    let mut is_marked = false;
    for (at, glyph) in glyphs(text) {
        match glyph {
            Glyph::Digit(value) => {
                run.push(value, at, is_marked);
                is_marked = false;
                continue;
            }
            Glyph::Invisible => continue,
            Glyph::Dash | Glyph::Separator | Glyph::Plus if !is_marked && run.len > 0 => {
                is_marked = true;
                continue;
            }
            Glyph::Other('_' | ':' | '/') if !is_marked && run.len > 0 => {
                is_marked = true;
                continue;
            }
            Glyph::Letter(b'x' | b'X') | Glyph::Other('×' | 'Ⅹ' | 'ⅹ') | Glyph::Star => {
                run.identity_with_x(found);
            }
            _ => {}
        }
        run.look(look, found);
        run.clear();
        is_marked = false;
    }
    run.look(look, found);
}

/// Whether there are enough characters that could be digits.
fn may_hold(text: &str) -> bool {
    if text.len() < DIGITS_MIN {
        return false;
    }
    // Counted without a branch, many bytes at once: few texts have so many digits at all.
    let could_be = |byte: &u8| byte.is_ascii_digit() || *byte >= FIRST_OF_SEVERAL;
    text.as_bytes().iter().filter(|byte| could_be(byte)).count() >= DIGITS_MIN
        && (!text.is_ascii() || has_run(text.as_bytes()))
}

/// From this one on a byte of UTF-8 begins a character of several bytes.
const FIRST_OF_SEVERAL: u8 = 0xc0;

/// Whether so many digits of ASCII stand together, with one mark between two at most, that there is
/// anything to be looked at.
fn has_run(text: &[u8]) -> bool {
    let (mut run, mut is_marked) = (0, false);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                (run, is_marked) = (run + 1, false);
                if run >= DIGITS_MIN {
                    return true;
                }
            }
            b'-' | b'+' | b' ' | b'.' | b'(' | b')' | b'\t' | b'_' | b':' | b'/'
                if !is_marked && run > 0 =>
            {
                is_marked = true;
            }
            _ => (run, is_marked) = (0, false),
        }
    }
    false
}

impl Run {
    const fn new() -> Self {
        Self {
            digits: [0; DIGITS_MAX],
            places: [0; DIGITS_MAX],
            len: 0,
            last: 0,
            edges: [0; DIGITS_MAX + 1],
            edges_len: 0,
        }
    }

    const fn clear(&mut self) {
        (self.len, self.edges_len) = (0, 0);
    }

    fn push(&mut self, value: u8, at: usize, is_marked: bool) {
        if let (Some(digit), Some(place)) =
            (self.digits.get_mut(self.len), self.places.get_mut(self.len))
        {
            (*digit, *place) = (value, at);
            if is_marked || self.len == 0 {
                self.push_edge();
            }
        }
        self.len += 1;
        self.last = at;
    }

    /// An edge in front of the digit that comes next. There is one more place than digits.
    fn push_edge(&mut self) {
        if let Some(edge) = self.edges.get_mut(self.edges_len) {
            *edge = self.len as u8; // at most DIGITS_MAX
            self.edges_len += 1;
        }
    }

    /// Looks at all that lies between two edges.
    fn look(&mut self, look: Look, found: &mut Vec<Range<usize>>) {
        if self.len < DIGITS_MIN {
            return;
        }
        if self.len > DIGITS_MAX {
            found.push(self.places[0]..self.last + 1);
            return;
        }
        self.push_edge();
        let (digits, edges) = (&self.digits[..self.len], &self.edges[..self.edges_len]);
        for (number, from) in edges.iter().enumerate() {
            for to in &edges[number + 1..] {
                let span = usize::from(*from)..usize::from(*to);
                if is_personal(&digits[span.clone()], look) {
                    self.hide(span, found);
                }
            }
        }
        // A card that something is written in front of or behind, without a mark.
        for pair in edges.windows(2) {
            let (from, to) = (usize::from(pair[0]), usize::from(pair[1]));
            if to - from > 19 {
                for length in [16, 19] {
                    for card in [from..from + length, to - length..to] {
                        if is_issued(&digits[card.clone()]) {
                            self.hide(card, found);
                        }
                    }
                }
            }
        }
    }

    /// An identity number whose check character is an X. What is longer than what is looked at is hidden
    /// in any case.
    fn identity_with_x(&self, found: &mut Vec<Range<usize>>) {
        let Some(digits) = self.digits.get(..self.len) else { return };
        if let Some((_, number)) = digits.split_last_chunk::<17>()
            && check_of(number) == 10
        {
            self.hide(self.len - 17..self.len, found);
        }
    }

    fn hide(&self, digits: Range<usize>, found: &mut Vec<Range<usize>>) {
        if let (Some(first), Some(last)) =
            (self.places.get(digits.start), self.places.get(digits.end - 1))
        {
            found.push(*first..*last + 1);
        }
    }
}

fn is_personal(digits: &[u8], look: Look) -> bool {
    if is_mobile(digits) {
        return true;
    }
    match look {
        Look::ForCards => matches!(digits.len(), 16 | 19) && is_issued(digits),
        Look::ForAny => {
            (12..=19).contains(&digits.len()) && luhn_valid(digits) || is_identity(digits)
        }
    }
}

/// Valid, and of an industry that issues cards (ISO/IEC 7812-1: 2 to 6).
fn is_issued(digits: &[u8]) -> bool {
    digits.first().is_some_and(|first| (2..=6).contains(first)) && luhn_valid(digits)
}

/// A mainland mobile number, bare or behind 0, 86 or 0086.
fn is_mobile(digits: &[u8]) -> bool {
    let bare = match digits.len() {
        11 => digits,
        12 => digits.strip_prefix(&[0]).unwrap_or_default(),
        13 => digits.strip_prefix(&[8, 6]).unwrap_or_default(),
        15 => digits.strip_prefix(&[0, 0, 8, 6]).unwrap_or_default(),
        _ => &[],
    };
    matches!(bare, [1, 3..=9, ..])
}

/// A resident's number (GB 11643): a day of birth and a right check digit.
fn is_identity(digits: &[u8]) -> bool {
    let Some((digits, [last])) = digits.split_first_chunk::<17>() else { return false };
    let two = |at: usize| digits[at] * 10 + digits[at + 1];
    let is_born = matches!(two(6), 18..=20) && (1..=12).contains(&two(10));
    is_born && (1..=31).contains(&two(12)) && check_of(digits) == *last
}

/// ISO 7064 MOD 11-2; 10 stands for X.
fn check_of(digits: &[u8; 17]) -> u8 {
    let weighed = digits.iter().enumerate().map(|(place, digit)| {
        // The weight of a place is 2 to the power of its distance from the end, modulo 11.
        u32::from(*digit) * ((1_u32 << (17 - place)) % 11)
    });
    ((12 - weighed.sum::<u32>() % 11) % 11) as u8
}

/// ISO/IEC 7812-1: every second digit from the right doubled, the sum a multiple of ten.
pub fn luhn_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(*digit) << (place & 1);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Nothing is found where a glance says that there is nothing.
        #[test]
        fn a_glance_misses_nothing(
            text in prop_oneof!["[0-9 x/_:.-]{0,40}", "[0-9]{9,12}[a-z.-]{1,2}[0-9]{1,12}", "[ -~]{0,60}", "[0-9一二三零×无 ]{0,24}"]
        ) {
            for look in [Look::ForAny, Look::ForCards] {
                let mut found = Vec::new();
                look_through((&text, look), &mut found);
                prop_assert_eq!(spans(&text, look), found, "{}", text);
            }
        }
    }

    /// What could be a person's is hidden in every spelling; what everybody may read stays as it is.
    #[test]
    fn what_could_be_a_persons_is_hidden() {
        let check = |text, expected| assert_eq!(withhold_digits(text), expected, "{text}");
        check("个体户张三 13700000000", "个体户张三 ***********");
        check("4111111111111111", "****************");
        check("call +86 137-0000-0000 now", "call +** ***-****-**** now");
        check("card 4111 1111 1111 1111!", "card **** **** **** ****!");
        check("４１１１１１１１１１１１１１１１", "****************");
        check("a4111111111111111b", "a****************b");
        check("4111_1111_1111_1111", "****_****_****_****");
        check("13700000000/13800000000", "***********/***********");
        check("7 4111111111111111 7", "7 **************** 7");
        check("电话一三七零零零零零零零零", "电话***********");
        check("id 11010519491231002X", "id *****************X");
        check("id 440524188001010014", "id ******************");
        check("202611234111111111111111", "20261123****************");
        check("4\u{200b}111111111111111", "*\u{200b}***************");
        for text in [
            "",
            "Mate 60 Pro",
            "SM-G9980",
            "2026-11-23 14:54:11",
            "v1.2.3-20261123",
            "10.0.19045.3693",
            "order 1234567890",
            "4111111111111112",
            "北京海淀店",
            "192.168.1.1",
            "622588",
        ] {
            check(text, text);
        }
    }

    /// A code of fifteen digits is a merchant's, whatever its check digit says; a card's number and a
    /// phone's are not.
    #[test]
    fn codes_are_not_taken_for_cards() {
        for (code, expected) in [
            ("378282246310005", false), // fifteen digits
            ("4111111111111111", true),
            ("8888000000000007", false), // no issuer
            ("13700000000", true),
            ("M001", false),
        ] {
            assert_eq!(is_like_a_card(code), expected, "{code}");
        }
        assert!(has_personal_digits("order-378282246310005"));
        assert!(!has_personal_digits("e-20261123-000001"));
    }
}
