//! Values that name nobody: masked ones, and what is sent in place of a value. Strangers share them,
//! so none may become an entity.

use crate::domain::Glyph;

/// Words that stand for "no value", in lower case, letters and digits alone.
const WORDS: [&str; 42] = [
    "na",
    "nan",
    "nil",
    "null",
    "none",
    "undefined",
    "undef",
    "unknown",
    "unavailable",
    "notavailable",
    "notapplicable",
    "notprovided",
    "notset",
    "notfound",
    "notsupported",
    "unsupported",
    "denied",
    "permissiondenied",
    "nopermission",
    "accessdenied",
    "unauthorized",
    "restricted",
    "forbidden",
    "missing",
    "empty",
    "blank",
    "default",
    "anonymous",
    "guest",
    "hidden",
    "masked",
    "redacted",
    "removed",
    "deleted",
    "objectobject",
    "error",
    "invalid",
    "dummy",
    "placeholder",
    "unspecified",
    "tbd",
    "void",
];

/// The same in Chinese.
const CHINESE: [&str; 14] = [
    "无",
    "空",
    "未知",
    "未填",
    "未提供",
    "未授权",
    "暂无",
    "没有",
    "不详",
    "不知道",
    "拒绝",
    "匿名",
    "默认",
    "保密",
];

/// Values that very many devices share (operating systems and emulators hand them out), upper case.
const SHARED: [&str; 10] = [
    // Android's answer to an application that may not know the address, from 6.0 on.
    "020000000000",
    // The Android 2.2 bug, and values of early emulators.
    "9774D56D682E549C",
    "DEAD00BEEF",
    "0123456789ABCDEF",
    "1234567890ABCDEF",
    // Test numbers of emulators.
    "012345678912345",
    "012345678901234",
    "004999010640000",
    "123456789012345",
    "358240051111110",
];

/// The first eight bytes of digests of nothing: of the empty text, and of what stands for no value.
const DIGESTS: [u64; 46] = [
    0xd41d_8cd9_8f00_b204,
    0xcfcd_2084_95d5_65ef,
    0x37a6_259c_c0c1_dae2,
    0x6c3e_226b_4d47_95d5,
    0xad92_1d60_4863_6625,
    0x334c_4a4c_42fd_b79d,
    0x5e54_3256_c480_ac57,
    0x5284_047f_4ffb_4e04,
    0x9f89_c84a_559f_5736,
    0x0f60_7264_fc63_18a9,
    0xe3f5_536a_1418_11db,
    0x528c_8e6c_d4a3_c659,
    0x35b9_ab5a_36f3_234d,
    0xcf95_dc53_f383_f9a8,
    0xcd9e_459e_a708_a948,
    0xda39_a3ee_5e6b_4b0d,
    0xb658_9fc6_ab0d_c82c,
    0x2be8_8ca4_242c_76e8,
    0xeef1_9c54_306d_aa69,
    0x50d8_b4a9_41c2_6b89,
    0x71f8_e797_6e4c_bc45,
    0xd5d4_cd07_616a_5428,
    0xc02c_705e_9858_8f72,
    0xb602_d594_afd2_b0b3,
    0xc197_6429_369b_fe06,
    0x6024_a02e_a557_7bcb,
    0x85cc_e830_32eb_6bd3,
    0xc231_1e92_660d_e47b,
    0x41e2_9575_c736_1b29,
    0x91d3_d1f8_6024_e49f,
    0xe3b0_c442_98fc_1c14,
    0x5fec_eb66_ffc8_6f38,
    0x7423_4e98_afe7_498f,
    0xfb32_9000_228c_c5a2,
    0xb23a_6a84_39c0_dde5,
    0x140b_edbf_9c3f_6d56,
    0xeb04_5d78_d273_1073,
    0x14bd_cd6f_d641_80af,
    0x12b9_377c_be7e_5c94,
    0xc248_c629_af1f_e0a8,
    0xfb98_1315_8e02_5b24,
    0x38fb_dde9_8433_0e50,
    0xf7b1_1509_f4d6_75c3,
    0x4d85_3cd5_e7d6_88e7,
    0x84e0_c0ea_faa9_5a34,
    0x8f00_b204_e980_0998,
];

/// Bytes of values that nothing hides in: letters and digits of ASCII but for an x, and what joins them.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let this = byte as u8;
        plain[byte] = matches!(this, b'-' | b'_' | b':' | b' ')
            || this.is_ascii_alphanumeric() && !matches!(this, b'x' | b'X');
        byte += 1;
    }
    plain
};

/// Whether a value consists of such bytes alone, as nearly every one does: it is whole, of one piece,
/// and shows at once that it is.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| PLAIN[usize::from(byte)])
}

/// Whether a value stands for no value, whatever its field.
pub(super) fn is_placeholder(text: &str) -> bool {
    // With another digit than zero among them letters of ASCII are no word and no zero.
    if text.is_ascii() && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        let bytes = text.as_bytes();
        let may_end_in_one = matches!(bytes, [.., b'1' | ..=b' ']);
        return may_end_in_one && text.trim() == "-1" || is_digest_of_ascii(bytes);
    }
    any_is_placeholder(text)
}

/// What a byte of ASCII is in a digest: a hexadecimal digit's value, or one of these.
const NO_DIGIT: u8 = 16;
const NO_LETTER: u8 = 17;

static HEX: [u8; 256] = {
    let mut hex = [NO_LETTER; 256];
    let mut byte = 0;
    while byte < 256 {
        let this = byte as u8;
        if this.is_ascii_alphanumeric() {
            hex[byte] = match this {
                b'0'..=b'9' => this - b'0',
                b'a'..=b'f' => this - b'a' + 10,
                b'A'..=b'F' => this - b'A' + 10,
                _ => NO_DIGIT,
            };
        }
        byte += 1;
    }
    hex
};

/// [`is_digest`] of the letters and digits of a text of ASCII.
fn is_digest_of_ascii(text: &[u8]) -> bool {
    if text.len() < DIGEST_LENGTHS[0] {
        return false;
    }
    let (mut head, mut taken) = (0_u64, 0);
    for byte in text {
        match HEX[usize::from(*byte)] {
            NO_DIGIT => return false,
            NO_LETTER => {}
            digit => {
                head = head << 4 | u64::from(digit);
                taken += 1;
                if taken == 16 {
                    break;
                }
            }
        }
    }
    let count = || text.iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    DIGESTS.contains(&head) && DIGEST_LENGTHS.contains(&count())
}

fn any_is_placeholder(text: &str) -> bool {
    let mut letters = [0_u8; 72];
    let (mut len, mut others) = (0, 0);
    for c in text.chars() {
        let byte = match Glyph::of(c) {
            Glyph::Digit(value) => b'0' + value,
            Glyph::Letter(letter) => letter.to_ascii_lowercase(),
            Glyph::Other(c) if c.is_alphanumeric() => {
                others += 1;
                continue;
            }
            _ => continue,
        };
        // Longer than a SHA-512 in hexadecimal digits is nothing that we know.
        if let Some(place) = letters.get_mut(len) {
            *place = byte;
        }
        len += 1;
    }
    if others > 0 {
        return len == 0 && is_chinese_placeholder(text);
    }
    let Some(letters) = letters.get(..len) else { return false };
    let is_zero = letters.iter().all(|byte| *byte == b'0');
    is_zero || text.trim() == "-1" || is_word(letters) || is_digest(letters)
}

fn is_word(letters: &[u8]) -> bool {
    letters.len() <= 16 && WORDS.iter().any(|word| word.as_bytes() == letters)
}

/// Whether a device's identifier, in upper case without separators, is one that many devices have.
pub(super) fn is_shared(identifier: &[u8]) -> bool {
    is_one_character(identifier) || SHARED.iter().any(|shared| shared.as_bytes() == identifier)
}

/// Whether a value repeats one character, as a field does that somebody had to fill.
pub(super) fn is_one_character(value: &[u8]) -> bool {
    value.split_first().is_some_and(|(first, rest)| rest.iter().all(|byte| byte == first))
}

/// Digits of a digest: the middle of an MD5, MD5, SHA-1, SHA-256.
const DIGEST_LENGTHS: [usize; 4] = [16, 32, 40, 64];

fn is_digest(letters: &[u8]) -> bool {
    DIGEST_LENGTHS.contains(&letters.len())
        && letters
            .get(..16)
            .and_then(|head| std::str::from_utf8(head).ok())
            .and_then(|head| u64::from_str_radix(head, 16).ok())
            .is_some_and(|head| DIGESTS.contains(&head))
}

fn is_chinese_placeholder(text: &str) -> bool {
    let letters = |c: &char| c.is_alphabetic();
    CHINESE.iter().any(|word| word.chars().eq(text.chars().filter(letters)))
}

/// Signs of a mask, by how sure one is that an unmasked value has none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hiding {
    /// One star is enough: numbers, codes, people's accounts.
    Number,
    /// Names that somebody chose, in which one star may stand for itself.
    Name,
}

/// Runs of a letter x that hide something.
const CROSSES: usize = 4;

/// Whether a number was rounded by a spreadsheet (`6.22588E+15`): strangers share what is left.
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.trim().split_once(['e', 'E']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match mantissa.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let signed = exponent.strip_prefix('+');
    digits(whole)
        && fraction.is_none_or(digits)
        // `12E5` may be somebody's name.
        && (fraction.is_some() || signed.is_some())
        && digits(signed.unwrap_or(exponent))
}

/// Whether part of a value is hidden, so that strangers may share what is left.
pub(super) fn is_masked(text: &str, hiding: Hiding) -> bool {
    !is_plain(text) && any_is_masked(text, hiding)
}

fn any_is_masked(text: &str, hiding: Hiding) -> bool {
    let (mut stars, mut run, mut last, mut has_digit) = (0, 0, None, false);
    let mut crosses_max = 0;
    for c in text.chars() {
        let glyph = match Glyph::of(c) {
            Glyph::Letter(b'X' | b'x') => Glyph::Letter(b'x'),
            Glyph::Other('#' | '?') | Glyph::Star => Glyph::Star,
            glyph => glyph,
        };
        has_digit |= matches!(glyph, Glyph::Digit(_));
        run = if last == Some(glyph) { run + 1 } else { 1 };
        last = Some(glyph);
        let weight = match Glyph::of(c) {
            Glyph::Star if hiding == Hiding::Number => 2,
            _ => 1,
        };
        match glyph {
            Glyph::Star => stars = stars.max(run * weight),
            Glyph::Letter(b'x') => crosses_max = crosses_max.max(run),
            _ => {}
        }
        // Four dots in a row hide as stars do.
        if c == '.' && run >= CROSSES {
            return true;
        }
    }
    stars >= 2
        || (crosses_max >= CROSSES && has_digit)
        || hiding == Hiding::Number && is_rounded(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is seen at a glance is what a look at every character finds.
        #[test]
        fn a_glance_and_a_look_agree(
            text in prop_oneof![
                "[ -~]{0,20}",
                "[xX*.0-9a-fe+-]{0,70}",
                "[0a-c -]{0,5}(n/a|null|none)?[0 ]{0,3}",
                "(d41d8cd9-8f00B204 ?|cfcd208495d565ef)[0-9a-f-]{0,1}([0-9a-f]{16})?",
                ".{0,12}",
            ]
        ) {
            prop_assert_eq!(is_placeholder(&text), any_is_placeholder(&text), "{}", text);
            for hiding in [Hiding::Number, Hiding::Name] {
                prop_assert_eq!(is_masked(&text, hiding), any_is_masked(&text, hiding), "{}", text);
            }
        }
    }

    /// What is sent for want of a value, in the spellings that clients have for it, and values that
    /// only look a little like it.
    #[test]
    fn words_for_nothing_are_no_values() {
        for text in [
            "",
            " ",
            "-",
            "--",
            "N/A",
            "n.a.",
            "null",
            "NULL",
            "(null)",
            "<nil>",
            "None",
            "undefined",
            "unknown",
            "ＵＮＫＮＯＷＮ",
            "Permission denied",
            "not_available",
            "[object Object]",
            "-1",
            "0",
            "00000000-0000-0000-0000-000000000000",
            "０００",
            "无",
            "（未知）",
            "暂无",
            "NaN",
            "d41d8cd98f00b204e9800998ecf8427e",
            "D41D8CD9-8F00-B204-E980-0998ECF8427E",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "8f00b204e9800998",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "5284047f4ffb4e04824a2fd1d1f0cd62",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "1",
            "M001",
            "acct-0001",
            "nobody@example.com",
            "none1",
            "d41d8cd98f00b204",
            "unknown-7",
            "d41d8cd98f00b204e9800998ecf8427e00",
            "王无",
            "空军123",
            "0001",
        ] {
            let is_prefix = text == "d41d8cd98f00b204"; // also cut to half its length
            assert_eq!(is_placeholder(text), is_prefix, "{text}");
        }
    }

    /// Stars in every shape hide digits; a star in a name that somebody chose may be part of it.
    #[test]
    fn masks_are_seen_in_every_shape() {
        use Hiding::{Name, Number};
        for text in [
            "622588******7890",
            "6225********1234",
            "110105********002X",
            "138****8000",
            "86xxxxxxxxxxxxx",
            "622588XXXXXX7890",
            "6225••••••••1234",
            "6225………1234",
            "＊＊＊＊1234",
            "6225####1234",
            "z***@163.com",
            "6225....1234",
            "6225××××1234",
            "110105■■■■■■■■002X",
        ] {
            assert!(is_masked(text, Number) && is_masked(text, Name), "{text}");
        }
        assert!(is_masked("11010519491231002*", Number));
        assert!(!is_masked("SHOP*7", Name));
        for text in
            ["11010519491231002X", "6225 8812 3456 7890", "acct-0001", "xx-1", "a..b", "a_1__b"]
        {
            assert!(!is_masked(text, Number), "{text}");
        }
    }
}
