//! Keyed tokens: HMAC-SHA256 under one derived key for each purpose.
//!
//! A token joins events of one entity and cannot be turned back, not even by trying every card
//! number, without the key (DOMAIN section 2). Purposes are separated by key, so that a phone
//! number and an account id with the same digits never meet.

use std::fmt;
use std::net::IpAddr;

use super::nobody::Hiding;
use super::{hmac, normalise};
use crate::domain::{
    Content, DeviceIdentifier, EntityKind, Token, canonical_address, canonical_network,
};

/// What a token is made for. The label is part of the key: a changed label changes every token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Purpose {
    Event,
    Content,
    Card,
    Account,
    Ip,
    IpPrefix,
    Merchant,
    Terminal,
    Phone,
    IdDocument,
    Sim,
    Place,
    Payment,
}

impl Purpose {
    const LABELS: [&'static str; 13] = [
        "event",
        "content",
        "card",
        "account",
        "ip",
        "ip_prefix",
        "merchant",
        "terminal",
        "phone",
        "id_document",
        "sim",
        "place",
        "payment",
    ];
}

/// The token keys of one version, derived from one secret.
pub struct TokenKeys {
    version: u16,
    purposes: [hmac::Key; Purpose::LABELS.len()],
    identifiers: [hmac::Key; DeviceIdentifier::COUNT],
    check: [u8; 16],
}

impl TokenKeys {
    /// Derives the key of every purpose from a 256-bit secret.
    pub fn new(version: u16, secret: &[u8; 32]) -> Self {
        let root = hmac::Key::new(secret);
        let derive = |group: &str, label: &str| {
            let parts = ["tidegate/token/v1/", group, "/", label].map(str::as_bytes);
            hmac::Key::new(&root.sign_parts(&parts))
        };
        Self {
            version,
            purposes: Purpose::LABELS.map(|label| derive("entity", label)),
            identifiers: DeviceIdentifier::ALL.map(|which| derive("device", which.name())),
            check: *first_16(&derive_check(&root, version)).as_bytes(),
        }
    }

    /// The version that tokens are shown with.
    pub const fn version(&self) -> u16 {
        self.version
    }

    /// What may be shown of the secret: an HMAC of nothing but the version, under no key that makes
    /// tokens. It tells two secrets apart, and helps nobody to guess at a value behind a token.
    pub const fn check(&self) -> [u8; 16] {
        self.check
    }

    /// The token of an event id within its client's namespace.
    pub fn event(&self, namespace: &str, event_id: &str) -> Token {
        // No event id holds a NUL, so the two parts cannot be shifted against each other.
        let parts = [namespace.as_bytes(), &[0], event_id.as_bytes()];
        first_16(&self.key(Purpose::Event).sign_parts(&parts))
    }

    /// Begins the keyed hash of what a payment is.
    pub(super) fn payment(&self) -> hmac::Signer<'_> {
        self.key(Purpose::Payment).begin()
    }

    /// The keyed hash of a canonical message.
    pub fn content(&self, canonical: &[u8]) -> Content {
        Content(*self.sign(Purpose::Content, canonical).as_bytes())
    }

    /// The token of a raw value, as events of that kind get it: for lists, registers and subjects.
    ///
    /// `None` when the value cannot be of the kind, and always for devices: they are named by
    /// matching, not by a value. A payee is named by its account; its card by `EntityKind::Card`.
    pub fn entity(&self, kind: EntityKind, raw: &str) -> Option<Token> {
        match kind {
            EntityKind::Card => self.card(raw),
            EntityKind::Account | EntityKind::Payee => self.account(raw),
            EntityKind::Device => None,
            EntityKind::Ip => raw.trim().parse().ok().map(|address| self.ip(address)),
            EntityKind::IpPrefix => self.network(raw),
            EntityKind::Merchant => self.merchant(raw),
            EntityKind::Terminal => self.terminal(raw),
            EntityKind::Phone => self.phone(raw),
            EntityKind::IdDocument => self.id_document(raw),
        }
    }

    /// The token of a card number: its digits. `None` for a masked one, as for whatever below names
    /// nobody: strangers would share the token.
    pub fn card(&self, number: &str) -> Option<Token> {
        let mut buffer = [0; 19];
        normalise::card(number, &mut buffer).map(|digits| self.sign(Purpose::Card, digits))
    }

    /// The token of an account id, of a payer or a payee.
    pub fn account(&self, id: &str) -> Option<Token> {
        self.named(Purpose::Account, Hiding::Number, id)
    }

    /// The token of an address; a v4 address written as v6 is the v4 address.
    pub fn ip(&self, address: IpAddr) -> Token {
        match canonical_address(address) {
            IpAddr::V4(v4) => self.sign(Purpose::Ip, &v4.octets()),
            IpAddr::V6(v6) => self.sign(Purpose::Ip, &v6.octets()),
        }
    }

    /// The token of an address's /24 (v4) or /48 (v6).
    pub fn ip_prefix(&self, address: IpAddr) -> Token {
        match canonical_address(address) {
            IpAddr::V4(v4) => self.sign(Purpose::IpPrefix, &v4.octets()[..3]),
            IpAddr::V6(v6) => self.sign(Purpose::IpPrefix, &v6.octets()[..6]),
        }
    }

    /// The token of a v6 address's /64; a v4 address has none.
    pub fn subnet(&self, address: IpAddr) -> Option<Token> {
        match canonical_address(address) {
            IpAddr::V4(_) => None,
            IpAddr::V6(v6) => Some(self.sign(Purpose::IpPrefix, &v6.octets()[..8])),
        }
    }

    /// The token of a network by which an event is known: its /24 (v4), /48 or /64 (v6), `81.2.69.0/24`,
    /// or its address alone, `81.2.69.160` or `81.2.69.160/32`, whose token is the address's.
    fn network(&self, raw: &str) -> Option<Token> {
        let (address, bits) = match raw.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (raw.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        match canonical_network(address, bits.unwrap_or(whole)) {
            (address @ IpAddr::V4(_), 24) | (address @ IpAddr::V6(_), 48) => {
                Some(self.ip_prefix(address))
            }
            (address @ IpAddr::V6(_), 64) => self.subnet(address),
            (address @ IpAddr::V4(_), 32) | (address @ IpAddr::V6(_), 128) => {
                Some(self.ip(address))
            }
            _ => None,
        }
    }

    /// The token of a merchant code.
    pub fn merchant(&self, id: &str) -> Option<Token> {
        self.named(Purpose::Merchant, Hiding::Name, id)
    }

    /// The token of a terminal's serial number or code.
    pub fn terminal(&self, serial_or_id: &str) -> Option<Token> {
        self.named(Purpose::Terminal, Hiding::Name, serial_or_id)
    }

    /// The token of a phone number, in whichever of its usual spellings.
    pub fn phone(&self, number: &str) -> Option<Token> {
        let mut buffer = normalise::PHONE;
        normalise::phone(number, &mut buffer).map(|digits| self.sign(Purpose::Phone, digits))
    }

    /// The token of an identity number, in whichever script and of either length.
    pub fn id_document(&self, number: &str) -> Option<Token> {
        let mut buffer = [0; normalise::ID];
        let id = normalise::id_document(number, &mut buffer)?;
        Some(self.sign(Purpose::IdDocument, id))
    }

    /// The short token of one device identifier; `None` for the values that many devices share.
    pub fn device_identifier(&self, which: DeviceIdentifier, raw: &str) -> Option<u64> {
        let mut buffer = [0; 128];
        let value = normalise::device_identifier(raw, &mut buffer)?;
        // There is a key for every identifier, in the order of their numbers.
        Some(first_16(&self.identifiers[which as usize].sign(value)).short())
    }

    /// The short token of a SIM's number.
    pub fn sim(&self, iccid: &str) -> Option<u64> {
        let mut buffer = [0; 128];
        let digits = normalise::device_identifier(iccid, &mut buffer)?;
        Some(self.sign(Purpose::Sim, digits).short())
    }

    /// The short token of a position in millionths of a degree, as it was reported.
    pub fn place(&self, lat_udeg: i32, lon_udeg: i32) -> u64 {
        let (lat, lon) = (lat_udeg.to_le_bytes(), lon_udeg.to_le_bytes());
        let bytes = [lat[0], lat[1], lat[2], lat[3], lon[0], lon[1], lon[2], lon[3]];
        self.sign(Purpose::Place, &bytes).short()
    }

    fn named(&self, purpose: Purpose, hiding: Hiding, raw: &str) -> Option<Token> {
        let mut buffer = [0; normalise::NAME];
        normalise::named(raw, hiding, &mut buffer).map(|value| self.sign(purpose, value))
    }

    fn sign(&self, purpose: Purpose, value: &[u8]) -> Token {
        first_16(&self.key(purpose).sign(value))
    }

    const fn key(&self, purpose: Purpose) -> &hmac::Key {
        &self.purposes[purpose as usize]
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys(v{})", self.version)
    }
}

fn derive_check(root: &hmac::Key, version: u16) -> [u8; 32] {
    root.sign_parts(&[b"tidegate/token/v1/check/", &version.to_le_bytes()])
}

fn first_16(tag: &[u8; 32]) -> Token {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&tag[..16]);
    Token::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::new(1, &[7; 32])
    }

    /// Two spellings of one value are one entity, or a fraudster has as many windows as spellings.
    #[test]
    fn spellings_of_one_value_are_one_entity() {
        #[track_caller]
        fn check(kind: EntityKind, spellings: &[&str]) {
            let tokens: Vec<_> = spellings.iter().map(|raw| keys().entity(kind, raw)).collect();
            assert!(tokens[0].is_some(), "{kind:?}");
            assert!(tokens.iter().all(|token| *token == tokens[0]), "{kind:?}: {tokens:?}");
        }
        check(
            EntityKind::Card,
            &["6225881234567890", "6225 8812 3456 7890", "6225-8812-3456-7890"],
        );
        check(
            EntityKind::Phone,
            &["13712349050", "+8613712349050", "86 137-1234-9050", "008613712349050"],
        );
        check(EntityKind::IdDocument, &["11010519491231002x", " 11010519491231002X "]);
        check(EntityKind::Ip, &["81.2.69.142", "::ffff:81.2.69.142"]);
        check(EntityKind::IpPrefix, &["81.2.69.0/24", "81.2.69.7/24", "::ffff:81.2.69.0/120"]);
        check(EntityKind::IpPrefix, &["2001:db8:1:2::3/48", "2001:db8:1:ffff::/48"]);
        check(EntityKind::IpPrefix, &["2001:db8:1:2::3/64", "2001:db8:1:2:ffff::/64"]);
        check(EntityKind::IpPrefix, &["81.2.69.142", "81.2.69.142/32", "64:ff9b::81.2.69.142"]);
        check(EntityKind::Merchant, &["M001", " M001"]);
    }

    /// Equal digits of two kinds, two clients, or two keys are different entities; account and
    /// payee share a space, so that money that came in meets money that goes out.
    #[test]
    fn purposes_and_keys_are_separate_spaces() {
        let keys = keys();
        let raw = "13712349050";
        assert_ne!(keys.entity(EntityKind::Phone, raw), keys.entity(EntityKind::Account, raw));
        assert_ne!(keys.entity(EntityKind::Card, raw), keys.entity(EntityKind::Account, raw));
        assert_eq!(keys.entity(EntityKind::Payee, raw), keys.entity(EntityKind::Account, raw));
        assert_ne!(keys.event("a", "b1"), keys.event("ab", "1"));
        assert_ne!(TokenKeys::new(1, &[8; 32]).account(raw), keys.account(raw));
        let mac = "AA:BB:CC:DD:EE:01";
        assert_ne!(
            keys.device_identifier(DeviceIdentifier::Mac, mac),
            keys.device_identifier(DeviceIdentifier::BluetoothMac, mac)
        );
    }

    /// Tokens live in journals for years: these come from an independent HMAC (Python's `hmac`)
    /// and may not change.
    #[test]
    fn tokens_are_stable() {
        let keys = keys();
        let card = keys.card("6225881234567890").unwrap();
        assert_eq!(format!("{card:?}"), "a03ae651d8a70464a61b165ce1d85817");
        assert_eq!(format!("{:?}", keys.event("gw", "e-1")), "3b3c145f1afe2b06b09a6ee96d607038");
    }

    /// A journal's header shows the check: it says which secret and version, and is no token.
    #[test]
    fn a_check_tells_secrets_apart() {
        let check = keys().check();
        assert_eq!(check, TokenKeys::new(1, &[7; 32]).check());
        assert_ne!(check, TokenKeys::new(2, &[7; 32]).check());
        assert_ne!(check, TokenKeys::new(1, &[8; 32]).check());
    }

    /// What cannot be a value of the kind is nobody, not the entity of the empty string.
    #[test]
    fn an_impossible_value_is_nobody() {
        for (kind, raw) in [
            (EntityKind::Card, ""),
            (EntityKind::Card, "12345678901234567890"),
            (EntityKind::Card, "622588******7890"),
            (EntityKind::Account, "138****8000"),
            (EntityKind::Merchant, "N/A"),
            (EntityKind::Terminal, "00000000"),
            (EntityKind::IdDocument, "110105********002X"),
            (EntityKind::Account, "  "),
            (EntityKind::Ip, "300.1.1.1"),
            (EntityKind::Phone, "+"),
            (EntityKind::IdDocument, "-"),
            (EntityKind::Device, "anything"),
        ] {
            assert_eq!(keys().entity(kind, raw), None, "{kind:?}");
        }
    }

    /// The keys are a secret: what a log could show of them is their version.
    #[test]
    fn debug_shows_the_version_only() {
        assert_eq!(format!("{:?}", keys()), "TokenKeys(v1)");
    }
}
