//! Who may do what: users of the machine and keys, by role.

use ring::signature::{ED25519, UnparsedPublicKey};

/// What somebody may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// Changes lists, proposes bundles.
    Analyst,
    /// Changes lists, approves bundles.
    Approver,
    /// Goes back to an earlier bundle, switches rules off.
    Operator,
}

impl Role {
    /// Each with its name in the configuration.
    pub const NAMED: [(&'static str, Self); 3] =
        [("analyst", Self::Analyst), ("approver", Self::Approver), ("operator", Self::Operator)];

    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(_, role)| *role == self).map_or("", |(name, _)| name)
    }
}

/// A key that approves in a person's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApproverKey {
    /// The person.
    pub name: String,
    /// An Ed25519 public key.
    pub key: [u8; 32],
}

impl ApproverKey {
    /// `name:` and 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, digits) = text.split_once(':')?;
        let digits = digits.trim();
        if name.trim().is_empty() || digits.len() != 64 {
            return None;
        }
        let mut key = [0; 32];
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self { name: name.trim().to_owned(), key })
    }
}

/// Everybody who may do anything.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct People {
    /// Users, by name or by number, each with a role.
    pub users: Vec<(String, Role)>,
    /// Keys that approve.
    pub keys: Vec<ApproverKey>,
}

impl People {
    /// Whether somebody has one of these roles.
    pub fn may(&self, person: &str, roles: &[Role]) -> bool {
        self.users.iter().any(|(name, role)| name == person && roles.contains(role))
    }

    /// Whether somebody has any role.
    pub fn knows(&self, person: &str) -> bool {
        self.users.iter().any(|(name, _)| name == person)
    }

    /// The person whose key made a signature.
    pub fn signer(&self, message: &[u8], signature: &[u8; 64]) -> Option<&str> {
        let made = |known: &&ApproverKey| {
            UnparsedPublicKey::new(&ED25519, known.key).verify(message, signature).is_ok()
        };
        self.keys.iter().find(made).map(|known| known.name.as_str())
    }
}
