//! C3 data by its names: what must never enter (DOMAIN section 2), refused and not silently
//! dropped, so that the sender learns of it.
//!
//! A name is read without case and separators. Four lists, from strict to wide, because a wide
//! match on a short word (`otp` in `footprint`) would refuse honest payments.

/// Names that mean C3 data only when they stand alone: `expire` may be an order's elsewhere.
const WHOLE: &[&str] = &[
    "exp",
    "expire",
    "expired",
    "expires",
    "expiration",
    "thru",
    "csc",
    "track",
    "tracks",
    "expyymm",
    "指纹",
    "人脸",
    "虹膜",
    "声纹",
];

/// Words that mean C3 data wherever they stand in a name: `card_cvv`, `userPin`, `login-otp`.
const WORDS: &[&str] = &[
    "cvv",
    "cvv1",
    "cvn",
    "cvn1",
    "cvc",
    "cvc1",
    "cav2",
    "icvv",
    "pin",
    "pins",
    "epb",
    "otp",
    "totp",
    "hotp",
    "pwd",
    "passcode",
    "expiry",
    "biometric",
    "biometrics",
];

/// Letters that mean C3 data when they begin at a word: `face_image`, but not `surface_image`.
const PHRASES: &[&str] = &[
    // expiry
    "expdate",
    "expmonth",
    "expyear",
    "expiredate",
    "expiremonth",
    "expireyear",
    "expirationdate",
    "expirationmonth",
    "expirationyear",
    "validthru",
    "validthrough",
    "cardexp",
    "cardvalidity",
    // track and chip
    "track1",
    "track2",
    "track3",
    "trackone",
    "tracktwo",
    "trackthree",
    "trackdata",
    "trackinfo",
    "stripedata",
    "chipdata",
    "iccdata",
    "emvdata",
    // biometrics
    "fingerprintimage",
    "fingerprintdata",
    "fingerprinttemplate",
    "faceimage",
    "facedata",
    "facephoto",
    "facefeature",
    "facetemplate",
    "irisimage",
    "irisdata",
    "voiceprint",
    "palmprint",
];

/// Letters that mean C3 data anywhere in a name: long enough to be no accident.
const STEMS: &[&str] = &[
    "cvv2",
    "cvn2",
    "cvc2",
    "cardcvv",
    "cardcvn",
    "cardcvc",
    "cardverification",
    "securitycode",
    "expirydate",
    "expirymonth",
    "expiryyear",
    "cardexpiry",
    "有效期",
    "pinblock",
    "pincode",
    "pindata",
    "cardpin",
    "encryptedpin",
    "password",
    "passwd",
    "passphrase",
    "loginpwd",
    "paypwd",
    "tradepwd",
    "userpwd",
    "密码",
    "keyboardcipher",
    "keyboardencrypt",
    "magstripedata",
    "magneticdata",
    "磁道",
    "smscode",
    "smsotp",
    "smsverif",
    "verificationcode",
    "verifycode",
    "onetimecode",
    "dynamiccode",
    "验证码",
    "校验码",
    "biometricdata",
    "biometrictemplate",
];

/// Longest name looked at, in characters; a longer one is looked at up to there.
const NAME_MAX: usize = 128;

/// Whether a field's name means data that must never enter.
///
/// Off the hot path, so it may allocate: only names that the schema does not know are asked about.
pub(super) fn is_forbidden(name: &str) -> bool {
    let mut squashed = String::with_capacity(name.len().min(NAME_MAX));
    let mut word_starts = Vec::new();
    let mut before = '_';
    for c in name.chars().take(NAME_MAX) {
        if c.is_alphanumeric() {
            let camel = before.is_lowercase() && c.is_uppercase();
            if camel || !before.is_alphanumeric() {
                word_starts.push(squashed.len());
            }
            squashed.push(folded(c));
        }
        before = c;
    }
    let word_ends = word_starts.iter().copied().skip(1).chain([squashed.len()]);
    let mut words = word_starts.iter().copied().zip(word_ends);
    // Every start and end is a length that `squashed` had, hence a character's edge.
    WHOLE.contains(&squashed.as_str())
        || WORDS.contains(&squashed.as_str())
        || STEMS.iter().any(|stem| squashed.contains(stem))
        || words.any(|(start, end)| {
            WORDS.contains(&&squashed[start..end])
                || PHRASES.iter().any(|phrase| squashed[start..].starts_with(phrase))
        })
}

/// Lower case, with full-width letters and digits narrowed: they read the same to a person.
fn folded(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    narrow.to_lowercase().next().unwrap_or(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::decode::Field;

    /// The door must catch every spelling of a forbidden name that integrators really use.
    #[test]
    fn forbidden_names_are_caught_in_any_spelling() {
        for name in [
            "cvv",
            "CVV2",
            "cvn2",
            "CVC",
            "card_cvv",
            "cardCvv2",
            "card-cvn",
            "c_v_v",
            "pin",
            "PIN",
            "pin_block",
            "pinBlock",
            "userPin",
            "track1",
            "track_2",
            "Track2Data",
            "track_data",
            "expiry",
            "exp_date",
            "expDate",
            "EXPIRE",
            "card_expiry",
            "cardcvv2",
            "expirationDate",
            "exp_month",
            "valid_thru",
            "password",
            "pass_word",
            "PASSWD",
            "login_pwd",
            "otp",
            "sms_code",
            "smsCode",
            "verification_code",
            "verifyCode",
            "fingerprint_image",
            "face_image",
            "faceImage",
            "biometric_template",
            "keyboard_ciphertext",
            "支付密码",
            "卡片有效期",
            "短信验证码",
            "ＣＶＶ",
            "c.v.v.2",
        ] {
            assert!(is_forbidden(name), "{name}");
        }
    }

    /// An honest name refused would stop honest payments.
    #[test]
    fn honest_names_pass() {
        for name in [
            "footprint",
            "shopping_cart",
            "pinned",
            "opinion",
            "hotpot",
            "expires_at",
            "time_expire",
            "order_expire_time",
            "interface_data",
            "surface_image",
            "auth_code",
            "tracking_number",
            "device_fingerprint",
            "fingerprint",
            "channel",
            "coupon",
            "scene",
            "city_code",
            "",
            "_",
            "soundtrack1",
            "surprise_factor",
            "cid",
        ] {
            assert!(!is_forbidden(name), "{name}");
        }
        for field in Field::ALL {
            for part in field.name().split('.') {
                assert!(!is_forbidden(part), "{part}");
            }
        }
    }
}
