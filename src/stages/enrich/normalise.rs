//! One spelling for each value, so that an entity has one token however a client writes it.

use crate::domain::DeviceIdentifier;

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

/// The digits of a text, at least one and at most `N`.
pub(super) fn digits<'b, const N: usize>(text: &str, buffer: &'b mut [u8; N]) -> Option<&'b [u8]> {
    fill(buffer, text.bytes().filter(u8::is_ascii_digit))
}

/// Letters in upper case and digits, everything else dropped; at least one and at most `N`.
pub(super) fn upper_alphanumeric<'b, const N: usize>(
    text: &str,
    buffer: &'b mut [u8; N],
) -> Option<&'b [u8]> {
    let kept = text.bytes().filter(u8::is_ascii_alphanumeric);
    fill(buffer, kept.map(|byte| byte.to_ascii_uppercase()))
}

/// Digits of a phone number with its calling code: `8613712349050`.
///
/// A number without `+` or `00` is Chinese: a mobile number with or without 86, or a landline.
pub(super) fn phone<'b>(text: &str, buffer: &'b mut [u8; PHONE.len()]) -> Option<&'b [u8]> {
    let mut all = PHONE;
    let all = digits(text, &mut all)?;
    let is_foreign = text.trim_ascii_start().starts_with('+');
    let (code, rest): (&[u8], _) = match all {
        [b'0', b'0', rest @ ..] => (b"", rest),
        rest if is_foreign => (b"", rest),
        // 86 before a mobile number, the `+` left out.
        rest @ [b'8', b'6', b'1', ..] if rest.len() == 13 => (b"", rest),
        // The trunk zero of a landline is not part of its international form.
        rest => (b"86", rest.strip_prefix(b"0").unwrap_or(rest)),
    };
    if rest.is_empty() {
        return None;
    }
    fill(buffer, code.iter().chain(rest).copied())
}

/// A device identifier in upper case without separators; `None` for values that stand for
/// "unknown" and are shared by very many devices.
pub(super) fn device_identifier<'b>(
    which: DeviceIdentifier,
    raw: &str,
    buffer: &'b mut [u8; 128],
) -> Option<&'b [u8]> {
    let value = upper_alphanumeric(raw, buffer)?;
    let (first, rest) = value.split_first()?;
    let one_character = rest.iter().all(|byte| byte == first);
    (!one_character && !is_shared(which, value)).then_some(value)
}

/// Values that operating systems or emulators hand out in place of the real one.
fn is_shared(which: DeviceIdentifier, value: &[u8]) -> bool {
    // "unknown" and "null" are what a failed read prints.
    if matches!(value, b"UNKNOWN" | b"NULL" | b"NONE" | b"NIL" | b"UNDEFINED") {
        return true;
    }
    match which {
        // Android's answer to an application that may not know the address, from 6.0 on.
        DeviceIdentifier::Mac | DeviceIdentifier::BluetoothMac => value == b"020000000000",
        // The Android 2.2 bug, and the value of early emulators.
        DeviceIdentifier::AndroidId => {
            matches!(value, b"9774D56D682E549C" | b"DEAD00BEEF" | b"0123456789ABCDEF")
        }
        // The test numbers of emulators.
        DeviceIdentifier::Imei => {
            matches!(value, b"012345678912345" | b"004999010640000" | b"123456789012345")
        }
        DeviceIdentifier::MediaDrm
        | DeviceIdentifier::Idfv
        | DeviceIdentifier::Gsf
        | DeviceIdentifier::Oaid
        | DeviceIdentifier::Idfa => false,
    }
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

    /// One person has one phone, whatever the form asked for.
    #[test]
    fn phones_have_one_form() {
        fn check(raw: &str, expected: Option<&str>) {
            let mut buffer = PHONE;
            let text = phone(raw, &mut buffer).map(|value| std::str::from_utf8(value).unwrap());
            assert_eq!(text, expected, "{raw}");
        }
        check("13712349050", Some("8613712349050"));
        check("+86 137 1234 9050", Some("8613712349050"));
        check("8613712349050", Some("8613712349050"));
        check("0086-13712349050", Some("8613712349050"));
        check("010-62345678", Some("861062345678"));
        check("+852 9123 4585", Some("85291234585"));
        check("+", None);
        check("00", None);
        check("", None);
        check(&"9".repeat(30), None);
    }

    /// A value that a million phones share would join a million strangers into one device.
    #[test]
    fn shared_identifiers_are_not_identifiers() {
        fn check(which: DeviceIdentifier, raw: &str, expected: Option<&str>) {
            let mut buffer = [0; 128];
            let value = device_identifier(which, raw, &mut buffer);
            let text = value.map(|value| std::str::from_utf8(value).unwrap());
            assert_eq!(text, expected, "{which:?} {raw}");
        }
        use DeviceIdentifier::{AndroidId, BluetoothMac, Idfa, Imei, Mac, Oaid};
        check(Mac, "a4:5e:60:c1:02:9f", Some("A45E60C1029F"));
        check(Mac, "A4-5E-60-C1-02-9F", Some("A45E60C1029F"));
        check(Mac, "02:00:00:00:00:00", None);
        check(BluetoothMac, "02:00:00:00:00:00", None);
        check(Mac, "ff:ff:ff:ff:ff:ff", None);
        check(Idfa, "00000000-0000-0000-0000-000000000000", None);
        check(AndroidId, "9774d56d682e549c", None);
        check(Imei, "000000000000000", None);
        check(Oaid, "unknown", None);
        check(Oaid, "", None);
        check(Oaid, &"ab".repeat(65), None);
    }

    /// Cut at a character, lower case, nothing else changed.
    #[test]
    fn hosts_are_lowered_within_the_buffer() {
        assert_eq!(lower_into("MAIL.Example.COM", &mut [0; 64]), "mail.example.com");
        assert_eq!(lower_into("例例例", &mut [0; 7]), "例例");
    }
}
