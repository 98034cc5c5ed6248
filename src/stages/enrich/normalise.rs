//! One spelling for each value, so that an entity has one token however a client writes it.

use super::nobody::{self, Hiding};
use super::{identity, numbering};
use crate::domain::{Glyph, card_number_digits, phone_digits};

/// Room for a phone number: 15 digits by E.164, and some to spare.
pub(super) const PHONE: [u8; 24] = [0; 24];

/// Fills `buffer` with bytes; `None` when there is none, or more than anything of the kind has.
fn fill(buffer: &mut [u8], bytes: impl Iterator<Item = u8>) -> Option<&[u8]> {
    let mut len = 0;
    for byte in bytes {
        *buffer.get_mut(len)? = byte;
        len += 1;
    }
    // `len` counts the bytes written, so it is within the buffer.
    (len > 0).then_some(&buffer[..len])
}

/// Letters in upper case and digits, everything else dropped; at least one and at most `N`.
pub(super) fn upper_alphanumeric<'b, const N: usize>(
    text: &str,
    buffer: &'b mut [u8; N],
) -> Option<&'b [u8]> {
    fill(
        buffer,
        text.chars().filter_map(|c| match Glyph::of(c) {
            Glyph::Digit(value) => Some(b'0' + value),
            Glyph::Letter(letter) => Some(letter.to_ascii_uppercase()),
            _ => None,
        }),
    )
}

/// Digits of a card number; `None` for what can be nobody's.
pub(super) fn card<'b>(text: &str, buffer: &'b mut [u8; 19]) -> Option<&'b [u8]> {
    let digits = card_number_digits(text)?;
    let is_card =
        CARD_DIGITS.contains(&digits.len()) && !nobody::is_one_character(digits.as_bytes());
    is_card.then(|| fill(buffer, digits.bytes())).flatten()
}

/// Digits of a card number (ISO/IEC 7812-1), and the fewest that we know cards with.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// Digits of a phone number with its calling code: `8613712349050`. `None` for a masked one, and
/// where too little is there to be one person's.
pub(super) fn phone<'b>(text: &str, buffer: &'b mut [u8; PHONE.len()]) -> Option<&'b [u8]> {
    let written = phone_digits(text)?;
    let (code, national) = numbering::plan(&written)?;
    fill(buffer, code.bytes().chain(national.bytes()))
}

/// An identity number in upper case without what groups it; a resident's number of 15 digits in its
/// form of 18. `None` for what can be nobody's.
pub(super) fn id_document<'b>(text: &str, buffer: &'b mut [u8; ID]) -> Option<&'b [u8]> {
    if nobody::is_masked(final_x(text), Hiding::Number) || nobody::is_placeholder(text) {
        return None;
    }
    let mut letters = [0; ID];
    let (mut kept, mut ascii) = (0, 0);
    for c in text.chars() {
        let c = match Glyph::of(c) {
            Glyph::Digit(value) => char::from(b'0' + value),
            Glyph::Letter(letter) => char::from(letter.to_ascii_uppercase()),
            _ if is_x(c) => 'X',
            Glyph::Other(c) if c.is_alphanumeric() => c,
            _ => continue,
        };
        let room = letters.get_mut(kept..kept + c.len_utf8())?;
        c.encode_utf8(room);
        kept += c.len_utf8();
        ascii += usize::from(c.is_ascii());
    }
    // `kept` counts the bytes written.
    let letters = &mut letters[..kept];
    if ascii < kept
        && let Some(number) = labelled(letters)
    {
        return fill(buffer, number.into_iter());
    }
    if let Some(number) = identity::of_18(letters) {
        return fill(buffer, number.into_iter());
    }
    (!nobody::is_one_character(letters)).then(|| fill(buffer, letters.iter().copied())).flatten()
}

/// Room for an identity number.
pub(super) const ID: usize = 96;

/// A resident's number behind a label in another script: `身份证 110105...`.
fn labelled(letters: &[u8]) -> Option<[u8; 18]> {
    let mut number = [0; 18];
    let digits = letters.iter().filter(|byte| byte.is_ascii()).copied();
    let number = fill(&mut number, digits)?;
    let number: [u8; 18] = number.try_into().ok()?;
    identity::has_right_check(&number).then_some(number)
}

/// What looks like an X: the Roman numeral, the sign of multiplication, letters of other scripts.
const fn is_x(c: char) -> bool {
    matches!(c, 'Ⅹ' | 'ⅹ' | '×' | '✕' | '✖' | '╳' | '⨯' | 'Х' | 'х' | 'Χ' | 'χ')
}

/// A text up to its last character when that is one of many that look like an X.
fn final_x(text: &str) -> &str {
    let hidden = |c: char| matches!(Glyph::of(c), Glyph::Invisible | Glyph::Separator);
    text.trim_end_matches(hidden).trim_end_matches('×')
}

/// A name that somebody chose for an account, a merchant or a terminal: as it is, without what
/// nobody sees. `None` for what can be nobody's.
pub(super) fn named<'b>(
    text: &str,
    hiding: Hiding,
    buffer: &'b mut [u8; NAME],
) -> Option<&'b [u8]> {
    if nobody::is_masked(text, hiding) || nobody::is_placeholder(text) {
        return None;
    }
    if text.is_ascii() {
        let text = text.trim().trim_ascii().as_bytes();
        let value = buffer.get_mut(..text.len())?;
        value.copy_from_slice(text);
        return Some(value);
    }
    let seen = |c: &char| !matches!(Glyph::of(*c), Glyph::Invisible);
    let mut len = 0;
    for c in text.trim().chars().filter(seen) {
        c.encode_utf8(buffer.get_mut(len..len + c.len_utf8())?);
        len += c.len_utf8();
    }
    Some(buffer[..len].trim_ascii())
}

/// Room for a name: the longest that passes the door, and some to spare for lists.
pub(super) const NAME: usize = 256;

/// An e-mail address in lower case; `None` for what can be nobody's.
pub(super) fn email<'b>(text: &str, buffer: &'b mut [u8; NAME]) -> Option<&'b [u8]> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let is_nobodys = |part: &str| nobody::is_placeholder(part);
    let value = named(text, Hiding::Number, buffer)?.len();
    if is_nobodys(local) || is_nobodys(domain) {
        return None;
    }
    let value = &mut buffer[..value];
    value.make_ascii_lowercase();
    Some(value)
}

/// A device identifier in upper case without separators; of several in one text, the first. `None`
/// for values that stand for "unknown" and are shared by very many devices.
pub(super) fn device_identifier<'b>(raw: &str, buffer: &'b mut [u8; 128]) -> Option<&'b [u8]> {
    if nobody::is_masked(raw, Hiding::Number) {
        return None;
    }
    let is_value = |piece: &&str| !nobody::is_placeholder(piece);
    let first = if nobody::is_plain(raw) {
        Some(raw).filter(is_value)?
    } else {
        raw.split([',', '/', ';', '|', '，', '；']).find(is_value)?
    };
    let value = upper_alphanumeric(first, buffer)?;
    (!nobody::is_shared(value)).then_some(value)
}

/// A domain or host in lower case, cut to `N` bytes at a character, written into `buffer`.
pub(super) fn lower_into<'b, const N: usize>(text: &str, buffer: &'b mut [u8; N]) -> &'b str {
    let mut end = text.len().min(N);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // `end <= N` and `end <= text.len()`.
    let out = &mut buffer[..end];
    out.copy_from_slice(&text.as_bytes()[..end]);
    out.make_ascii_lowercase();
    // Cut at a character and changed in ASCII letters only, so it is still UTF-8.
    std::str::from_utf8(out).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A normal form as text.
    fn text(value: Option<&[u8]>) -> Option<String> {
        value.map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    /// One person has one phone, whatever the form asked for and whoever carries the call.
    #[test]
    fn phones_have_one_form() {
        fn check(spellings: &[&str], expected: Option<&str>) {
            for raw in spellings {
                assert_eq!(text(phone(raw, &mut { PHONE })).as_deref(), expected, "{raw}");
            }
        }
        check(
            &[
                "13712349050",
                "+86 137 1234 9050",
                "8613712349050",
                "0086-13712349050",
                "86-13712349050",
                "(+86)13712349050",
                "+86(0)13712349050",
                "+860 13712349050",
                "013712349050",
                "+86+8613712349050",
                "17951 13712349050",
                "1795113712349050",
                "1259313712349050",
                "17911-0137-1234-9050",
                "10193 86 137 1234 9050",
                "125831 13712349050",
                "193 13712349050",
                "+0086 13712349050",
                "00 86 137 1234 9050",
                "86 0137 1234 9050",
                "+86 0137 1234 9050",
                "+8617951 13712349050",
                "１３７１２３４９０５０",
                "٠١٣٧١٢٣٤٩٠٥٠",
                "一三七一二三四九零五零",
                "tel:13712349050",
                "13712349050 ext 5",
                "13712349050/13800000000",
                "\u{202d}13712349050\u{202c}",
            ],
            Some("8613712349050"),
        );
        check(
            &[
                "010-62345678",
                "+86 10 62345678",
                "+86 010 62345678",
                "0086 10 62345678",
                "86 10 62345678",
                "8601062345678",
                "861062345678",
                "(010)62345678",
                "17951 010 62345678",
                "010-62345678-8001",
                "10 62345678",
                "010 6234 5678 转 12",
            ],
            Some("861062345678"),
        );
        check(&["0755-23456789", "+8675523456789", "+86 (0755) 2345 6789"], Some("8675523456789"));
        check(&["0312-2345678", "863122345678", "00860312 2345678"], Some("863122345678"));
        check(&["4008123456", "+86 400 812 3456", "400-812-3456"], Some("864008123456"));
        check(&["+852 9123 4585", "0085291234585", "00852-91234585"], Some("85291234585"));
        check(&["0912345856", "+886 912 345 856", "+8860912345856"], Some("886912345856"));
        check(
            &["+44 (0)20 7946 0018", "0044 20 7946 0018", "+44 20 7946 0018"],
            Some("442079460018"),
        );
        check(&["+39 06 698 12345"], Some("390669812345")); // the zero is part of the number
        check(
            &[
                "+",
                "00",
                "",
                "12345",
                "+8612345",
                "62345678",
                "95588",
                "00000000000",
                "11111111111",
                "+86 000",
                "138****8000",
                "138xxxx8000",
                "unknown",
                "无",
                "12345678901",
                "+852",
            ],
            None,
        );
        check(&[&"9".repeat(30), &"123456789".repeat(3)], None);
    }

    /// One person has one identity number: in every script, with every X, in both lengths.
    #[test]
    fn identity_numbers_have_one_form() {
        fn check(spellings: &[&str], expected: Option<&str>) {
            for raw in spellings {
                let found = text(id_document(raw, &mut [0; ID]));
                assert_eq!(found.as_deref(), expected, "{raw}");
            }
        }
        check(
            &[
                "11010519491231002X",
                "11010519491231002x",
                "11010519491231002Ⅹ",
                "11010519491231002ⅹ",
                "１１０１０５１９４９１２３１００２Ｘ",
                "11010519491231002×",
                "11010519491231002Х",
                "110105 19491231 002X",
                "110105-19491231-002X",
                "11010519491231002X\u{200b}",
                "\u{202a}11010519491231002X",
                "身份证：11010519491231002X",
                "110105491231002",
            ],
            Some("11010519491231002X"),
        );
        check(&["A1234567", "a 123456(7)"], Some("A1234567"));
        check(&["军字第1234567号"], Some("军字第1234567号"));
        check(
            &[
                "110105********002X",
                "11010519491231002*",
                "110105xxxxxxxx002X",
                "110105××××××××002×",
                "N/A",
                "null",
                "无",
                "000000000000000000",
                "111111111111111111",
                "-",
                "",
            ],
            None,
        );
        // Fifteen digits that name no place or no day are no resident's.
        check(&["990105491231002"], Some("990105491231002"));
        check(&["110105491331002"], Some("110105491331002"));
    }

    /// What somebody chose as a name stays as it is; what stands for none is none.
    #[test]
    fn names_are_kept_and_placeholders_are_not() {
        let name = |raw, hiding| text(named(raw, hiding, &mut [0; NAME]));
        assert_eq!(name(" M\u{200b}001\u{3000}", Hiding::Name).as_deref(), Some("M001"));
        assert_eq!(name("ａcct", Hiding::Number).as_deref(), Some("ａcct"));
        for nobodys in ["N/A", " ", "000000", "6225********1234", "z***@163.com", "default"] {
            assert_eq!(name(nobodys, Hiding::Number), None, "{nobodys}");
        }
        let address = |raw| text(email(raw, &mut [0; NAME]));
        assert_eq!(address(" Con.Sumer@163.COM ").as_deref(), Some("con.sumer@163.com"));
        for nobodys in ["null@163.com", "z***@163.com", "wang", "a@unknown", "@"] {
            assert_eq!(address(nobodys), None, "{nobodys}");
        }
    }

    /// A value that a million phones share would join a million strangers into one device.
    #[test]
    fn shared_identifiers_are_not_identifiers() {
        fn check(raw: &str, expected: Option<&str>) {
            assert_eq!(text(device_identifier(raw, &mut [0; 128])).as_deref(), expected, "{raw}");
        }
        check("a4:5e:60:c1:02:9f", Some("A45E60C1029F"));
        check("A4-5E-60-C1-02-9F", Some("A45E60C1029F"));
        check("a45e.60c1.029f", Some("A45E60C1029F"));
        check("a4:5e:60:c1:02:9f,11:22:33:44:55:66", Some("A45E60C1029F"));
        check("860000000000001/860000000000002", Some("860000000000001"));
        check("unknown,860000000000002", Some("860000000000002"));
        for nobodys in [
            "02:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "00000000-0000-0000-0000-000000000000",
            "9774d56d682e549c",
            "000000000000000",
            "unknown",
            "",
            "denied",
            "86xxxxxxxxxxxxx",
            "d41d8cd98f00b204e9800998ecf8427e",
            "86**********123",
            "Permission denied",
        ] {
            check(nobodys, None);
        }
        check(&"ab".repeat(65), None);
    }

    /// Digits of cards in any spelling; what is left of a masked number is nobody's.
    #[test]
    fn cards_are_their_digits() {
        let check = |raw, expected: Option<&str>| {
            assert_eq!(text(card(raw, &mut [0; 19])).as_deref(), expected, "{raw}");
        };
        check("6225 8812 3456 7890", Some("6225881234567890"));
        check("６２２５８８１２３４５６７８９０", Some("6225881234567890"));
        for nobodys in ["622588******7890", "6.22588E+15", "0000000000000000", "62258812", "N/A"] {
            check(nobodys, None);
        }
    }

    /// Cut at a character, lower case, nothing else changed.
    #[test]
    fn hosts_are_lowered_within_the_buffer() {
        assert_eq!(lower_into("MAIL.Example.COM", &mut [0; 64]), "mail.example.com");
        assert_eq!(lower_into("例例例", &mut [0; 7]), "例例");
    }
}
