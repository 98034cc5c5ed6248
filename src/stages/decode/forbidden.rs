//! C3 data by its names: what must never enter (DOMAIN section 2), refused and not silently
//! dropped, so that the sender learns of it.
//!
//! A name is read without case and separators. Four lists, from strict to wide, because a wide
//! match on a short word (`otp` in `footprint`) would refuse honest payments.

use super::forbidden_names::{PHRASES, STEMS, WHOLE, WORDS};

/// Last words of a name that speaks of a check and does not hold what was checked: `cvv_result`,
/// `cvcCheck`, `otp_verified`, `password_changed_at`.
const HARMLESS_LAST: &[&str] = &[
    "result",
    "results",
    "check",
    "checked",
    "checks",
    "verified",
    "passed",
    "status",
    "present",
    "provided",
    "match",
    "matched",
    "attempts",
    "failures",
    "retries",
    "changed",
    "at",
    "enabled",
    "required",
    "indicator",
];

/// Longest name looked at, in characters; a longer one is looked at up to there.
const NAME_MAX: usize = 128;

/// Whether a field's name means data that must never enter.
///
/// Off the hot path, so it may allocate: only names that the schema does not know are asked about.
pub(super) fn is_forbidden(name: &str) -> bool {
    let Words { squashed, parts, humps } = Words::of(name);
    let word_of = |starts: &[usize], at: usize| {
        let end = starts.get(at + 1).copied().unwrap_or(squashed.len());
        // Every start is a length that `squashed` had, hence a character's edge.
        starts.get(at).map_or("", |start| &squashed[*start..end])
    };
    let words = || {
        let of =
            |starts| (0..).map(move |at| word_of(starts, at)).take_while(|word| !word.is_empty());
        of(&parts).chain(of(&humps))
    };
    let last = word_of(&humps, humps.len().saturating_sub(1));
    if humps.len() > 1 && HARMLESS_LAST.contains(&last) {
        return false;
    }
    let is_word = |word: &str| {
        WORDS.contains(&word)
            || WORDS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    WHOLE.contains(&squashed.as_str())
        || is_word(&squashed)
        || words().any(is_word)
        || STEMS.iter().any(|stem| squashed.contains(stem))
        || parts
            .iter()
            .chain(&humps)
            .any(|start| PHRASES.iter().any(|phrase| squashed[*start..].starts_with(phrase)))
}

/// A name without case and separators, and where its words begin.
struct Words {
    squashed: String,
    /// Words between separators.
    parts: Vec<usize>,
    /// Words between separators and humps, acronyms apart: `CVVCode` is `cvv` and `code`.
    humps: Vec<usize>,
}

impl Words {
    fn of(name: &str) -> Self {
        let mut words = Self { squashed: String::new(), parts: Vec::new(), humps: Vec::new() };
        let mut before = '_';
        let mut chars = name.chars().take(NAME_MAX).peekable();
        while let Some(c) = chars.next() {
            if c.is_alphanumeric() {
                let at = words.squashed.len();
                let is_apart = !before.is_alphanumeric();
                let begins = (before.is_lowercase() || before.is_numeric()) && c.is_uppercase();
                let ends_an_acronym = before.is_uppercase()
                    && c.is_uppercase()
                    && chars.peek().is_some_and(|next| next.is_lowercase());
                if is_apart {
                    words.parts.push(at);
                }
                if is_apart || begins || ends_an_acronym {
                    words.humps.push(at);
                }
                words.squashed.push(folded(c));
            }
            before = c;
        }
        words
    }
}

/// Lower case, with full-width letters and digits narrowed and accents taken off: they read the same
/// to a person.
fn folded(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '²' => '2',
        '³' => '3',
        _ => c,
    };
    match narrow.to_lowercase().next().unwrap_or(narrow) {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' | 'ı' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ş' => 's',
        'ğ' => 'g',
        plain => plain,
    }
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
            "cvd",
            "cvdValue",
            "cvd_code",
            "cv2",
            "CV2",
            "cvNumber",
            "card_cvNumber",
            "cardCode",
            "x_card_code",
            "CVVCode",
            "CVV2Code",
            "cvvcode",
            "icvv",
            "OTPCode",
            "otpcode",
            "loginOTP",
            "smsOTPValue",
            "verification_value",
            "magStripe",
            "mag_stripe_data",
            "magneticStripe",
            "card.cvc",
            "encryptedSecurityCode",
            "encryptedExpiryMonth",
            "expirationMonth",
            "x_exp_date",
            "ccExpMonth",
            "cardExpiration",
            "validDate",
            "cardValidDate",
            "phoneVerifyCode",
            "smsVerifyCode",
            "checkCode",
            "validateCode",
            "dynamicPassword",
            "one_time_passcode",
            "oneTimePin",
            "mPIN",
            "tpin",
            "mTAN",
            "PINBlock",
            "encPinBlk",
            "trk2",
            "trackII",
            "TRACK2",
            "faceTemplate",
            "faceEmbedding",
            "fingerprintTemplate",
            "irisCode",
            "安全码",
            "卡安全碼",
            "动态口令",
            "动态密码",
            "交易密码",
            "卡背面后三位",
            "二磁道数据",
            "人脸图像",
            "指纹模板",
            "有效日期",
            "セキュリティコード",
            "有効期限",
            "暗証番号",
            "비밀번호",
            "유효기간",
            "пароль",
            "срок_действия",
            "Sicherheitscode",
            "Prüfziffer",
            "mot_de_passe",
            "code_sécurité",
            "código_de_seguridad",
            "contraseña",
            "senha",
            "anquanma",
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
            "postal_code",
            "postalCode",
            "zipCode",
            "country_code",
            "countryCode",
            "currency_code",
            "reason_code",
            "response_code",
            "authorizationCode",
            "product_code",
            "branch_code",
            "bank_code",
            "swift_code",
            "qr_code",
            "barcode",
            "discard_code",
            "mcc",
            "cvv_result",
            "cvcCheck",
            "CVVResult",
            "cvIndicator",
            "otp_verified",
            "pin_verified",
            "password_changed_at",
            "expires_in",
            "discount_expires",
            "coupon_valid_date",
            "description",
            "shipping",
            "shippingMethod",
            "spinner",
            "pinterest",
            "mapping",
            "typing_speed",
            "stripe_id",
            "tracker",
            "trackingId",
            "tracking_code",
            "surface",
            "interface",
            "type_face",
            "cart_value",
            "recipient",
            "tangent",
            "standard",
            "canal",
            "设备指纹",
            "收货地址",
            "订单号",
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
