//! Who an entity is: a keyed token in place of the personal value.

use std::fmt;

/// What a window is kept for.
///
/// The discriminants are the journal's numbers: never reused, new kinds are appended.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum EntityKind {
    /// The payer's card number.
    Card = 0,
    /// The payer's account.
    Account = 1,
    /// A device, as device matching identifies it.
    Device = 2,
    /// An IP address.
    Ip = 3,
    /// The /24 of a v4 address, the /48 of a v6 address.
    IpPrefix = 4,
    /// A merchant.
    Merchant = 5,
    /// A terminal: its serial number, else its id ("one terminal = one serial").
    Terminal = 6,
    /// The payee: its account, else its card. Shares the token space of accounts (cards), so that
    /// money that came in can be met with money that goes out.
    Payee = 7,
    /// The payer's phone number.
    Phone = 8,
    /// The payer's identity document.
    IdDocument = 9,
}

impl EntityKind {
    /// How many kinds there are.
    pub const COUNT: usize = 10;

    /// Every kind, in the order of its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Card,
        Self::Account,
        Self::Device,
        Self::Ip,
        Self::IpPrefix,
        Self::Merchant,
        Self::Terminal,
        Self::Payee,
        Self::Phone,
        Self::IdDocument,
    ];

    /// The name in bundles, commands and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Account => "account",
            Self::Device => "device",
            Self::Ip => "ip",
            Self::IpPrefix => "ip_prefix",
            Self::Merchant => "merchant",
            Self::Terminal => "terminal",
            Self::Payee => "payee",
            Self::Phone => "phone",
            Self::IdDocument => "id_document",
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind's place in arrays over all kinds.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A keyed, irreversible stand-in for a personal value: the first 16 bytes of an HMAC-SHA256.
///
/// 128 bits: two values of one kind meet with probability below 2^-60 at ten billion entities.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token([u8; 16]);

impl Token {
    /// Wraps the bytes of a finished HMAC.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, for hashing and storage.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The first eight bytes as a number: wide enough to compare within one window.
    pub const fn short(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The token as two words, for state and snapshots.
    pub const fn to_words(self) -> [u64; 2] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes([i, j, k, l, m, n, o, p])]
    }

    /// The token of [`to_words`](Self::to_words).
    pub const fn from_words([low, high]: [u64; 2]) -> Self {
        let ([a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]) =
            (low.to_le_bytes(), high.to_le_bytes());
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// The form in reports, `v{key}:{hex}` (DOMAIN section 2).
    pub fn display(&self, key_version: u16) -> String {
        format!("v{key_version}:{self:?}")
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays over kinds are indexed by the discriminant: the two orders must agree.
    #[test]
    fn kinds_stand_in_the_order_of_their_numbers() {
        for (index, kind) in EntityKind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), index);
            assert_eq!(EntityKind::parse(kind.name()), Some(kind));
        }
    }

    /// Reports and lists show tokens in this form; it is stable.
    #[test]
    fn a_token_is_shown_with_its_key_version() {
        let token = Token::from_bytes(*b"0123456789abcdef");
        assert_eq!(token.display(3), "v3:30313233343536373839616263646566");
        assert_eq!(Token::from_words(token.to_words()), token);
    }
}
