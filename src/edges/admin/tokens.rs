//! Personal values that become tokens in the service: who changes a list needs no key, and the key
//! leaves the service for nobody.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::domain::{EntityKind, Token};
use crate::stages::enrich::TokenKeys;

/// Most values of one request.
pub const VALUES_MAX: usize = 4_096;

/// A value on its way from whoever typed it to the keys: never printed, and wiped when dropped.
pub struct RawValue(Zeroizing<String>);

impl RawValue {
    /// Takes a value over.
    pub fn new(text: &str) -> Self {
        Self::of(text.to_owned())
    }

    /// Takes a text over without a copy of it.
    pub fn of(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it is a token as reports show it, which its owner knows already.
    pub(super) fn is_shown_token(&self, keys: &TokenKeys) -> bool {
        matches!(shown_token(&self.0, keys.version()), Ok(Some(_)))
    }

    /// The token that stands for the value, or why there is none: without the value.
    pub fn token(&self, kind: EntityKind, keys: &TokenKeys) -> Result<Token, String> {
        token(&self.0, kind, keys)
    }
}

impl fmt::Debug for RawValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RawValue(..)")
    }
}

impl Serialize for RawValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::of)
    }
}

/// What one value came to.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenText {
    /// 32 hexadecimal digits.
    Token(String),
    /// The same, of a handle that stands for the token.
    Handle(String),
    /// Why there is none.
    Fault(String),
}

impl TokenText {
    /// What a value came to, as it is said.
    pub fn of(token: &Result<Token, String>) -> Self {
        match token {
            Ok(token) => Self::Token(format!("{token:?}")),
            Err(fault) => Self::Fault(fault.clone()),
        }
    }

    /// The same, read.
    pub fn read(&self) -> Result<Token, String> {
        match self {
            Self::Token(text) | Self::Handle(text) => read_token(text),
            Self::Fault(fault) => Err(fault.clone()),
        }
    }
}

/// 32 hexadecimal digits as a token.
pub(super) fn read_token(text: &str) -> Result<Token, String> {
    let bits = (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok()).flatten();
    bits.map(|bits| Token::from_bytes(bits.to_be_bytes()))
        .ok_or_else(|| "a token is 32 hexadecimal digits".to_owned())
}

/// What a kind takes. It is read as an event's own fields are, so that both have one token.
const fn wanted(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Card => {
            "12 to 19 digits, not masked, and not as a spreadsheet rounds them (6.22588E+15)"
        }
        EntityKind::Account | EntityKind::Payee => "an account's id, not masked",
        EntityKind::Device => "the token that decisions on the device show, `v1:` and 32 digits",
        EntityKind::Ip => "one address of IPv4 or IPv6, without port or length",
        EntityKind::IpPrefix => {
            "an address, or a network such as 81.2.69.0/24: of v4 /8 or longer, of v6 /32 to /64 or \
             /112 and longer"
        }
        EntityKind::Merchant => "a merchant's code, not masked",
        EntityKind::Terminal => "a terminal's serial number or code, not masked",
        EntityKind::Phone => "a phone number with its area or country, not masked",
        EntityKind::IdDocument => "the number of an identity document, not masked",
    }
}

/// The token of a raw value, or of a token as reports show it (`v1:` and 32 hexadecimal digits).
fn token(text: &str, kind: EntityKind, keys: &TokenKeys) -> Result<Token, String> {
    if let Some(token) = shown_token(text, keys.version())? {
        return Ok(token);
    }
    keys.entity(kind, text)
        .ok_or_else(|| format!("this is no value of kind {}: {}", kind.name(), wanted(kind)))
}

fn shown_token(text: &str, version: u16) -> Result<Option<Token>, String> {
    let Some((before, hex)) = text.strip_prefix('v').and_then(|rest| rest.split_once(':')) else {
        return Ok(None);
    };
    let Ok(of) = before.parse::<u16>() else { return Ok(None) };
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    if of != version {
        return Err(format!("a token of key version {of}; the keys are version {version}"));
    }
    read_token(hex).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::Keys;

    /// A list takes what an event could say of somebody: rounded, masked and short values would stand for
    /// strangers, or for nobody.
    #[test]
    fn a_value_that_is_nobodys_is_refused() {
        use EntityKind as Kind;
        let keys = Keys::demo().token_keys();
        for (kind, wrong) in [
            (Kind::Card, "6.22588E+15"),
            (Kind::Card, "6,22588E+15"),
            (Kind::Card, "622588******7890"),
            (Kind::Card, "62258812"),
            (Kind::Card, "0000000000000000"),
            (Kind::Card, "62258812345678901234"),
            (Kind::Phone, "137****0000"),
            (Kind::Phone, "1.37E+10"),
            (Kind::Phone, "86xxxxxxxxxxxxx"),
            (Kind::Phone, "12345"),
            (Kind::IdDocument, "110105********002X"),
            (Kind::IdDocument, "1.10105E+17"),
            (Kind::IdDocument, "N/A"),
            (Kind::Account, "*****0001"),
            (Kind::Account, "null"),
            (Kind::Account, "6.22588E+15"),
            (Kind::Payee, "N/A"),
            (Kind::Merchant, "unknown"),
            (Kind::Terminal, ""),
            (Kind::Ip, "203.0.113.9:443"),
            (Kind::Ip, "203.0.113.0/24"),
            (Kind::Ip, "203.0.113.*"),
            (Kind::IpPrefix, "203.0.113.0/28"),
            (Kind::IpPrefix, "203.0.0.0/16"),
            (Kind::IpPrefix, "203.0.113"),
            (Kind::Device, "86000000"),
        ] {
            let fault = RawValue::new(wrong).token(kind, &keys).expect_err(wrong);
            assert!(fault.contains(kind.name()), "{wrong}: {fault}");
        }
        let token = |kind, text: &str| RawValue::new(text).token(kind, &keys).unwrap();
        for (kind, text, same) in [
            (Kind::Ip, "::ffff:203.0.113.9", "203.0.113.9"),
            (Kind::Ip, "64:ff9b::203.0.113.9", "203.0.113.9"),
            (Kind::IpPrefix, "64:ff9b::203.0.113.0/120", "203.0.113.0/24"),
            (Kind::IpPrefix, "203.0.113.9", "203.0.113.9/32"),
            (Kind::Card, "6225 8812 3456 7890", "６２２５８８１２３４５６７８９０"),
            (Kind::Phone, "+86 137 0000 0000", "13700000000"),
        ] {
            assert_eq!(token(kind, text), token(kind, same), "{text}");
        }
        assert_eq!(token(Kind::IpPrefix, "203.0.113.9"), token(Kind::Ip, "203.0.113.9"));
    }

    /// Neither what is printed of a value nor what is wrong with it shows it, and a token that a
    /// report showed stands for itself.
    #[test]
    fn a_value_is_never_shown() {
        let keys = Keys::demo().token_keys();
        let card = "6225881234567890";
        let token = RawValue::new(card).token(EntityKind::Card, &keys).unwrap();
        let shown = token.display(keys.version());
        assert_eq!(RawValue::new(&shown).token(EntityKind::Card, &keys), Ok(token));
        for (text, kind) in [(card, EntityKind::Ip), ("wang@163.com", EntityKind::Card)] {
            let value = RawValue::new(text);
            let fault = value.token(kind, &keys).unwrap_err();
            let said = format!("{value:?} {fault} {:?}", TokenText::of(&Err(fault.clone())));
            assert!(!said.contains(text), "{said}");
        }
        let other = shown.replacen("v1:", "v9:", 1);
        let fault = RawValue::new(&other).token(EntityKind::Card, &keys).unwrap_err();
        assert!(fault.contains("version 9"), "{fault}");
    }
}
