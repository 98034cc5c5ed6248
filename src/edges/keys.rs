//! The keys: from a file that only its owner may read, or from the environment. All faults at once.
//!
//! ```toml
//! [token]                 # makes the tokens that join events of one person
//! version = 1
//! key = "64 hexadecimal digits"
//!
//! [[journal]]             # seals; the first is in use, later ones open what is older
//! id = 1
//! key = "64 hexadecimal digits"
//! ```

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::journal::{KeyCheck, SealKey, TokenKeyName};
use crate::stages::enrich::TokenKeys;

/// Bytes of every key.
const KEY_BYTES: usize = 32;
/// A key file is a few lines; what is larger is another file.
const FILE_BYTES_MAX: u64 = 64 << 10;

type Secret = Zeroizing<[u8; KEY_BYTES]>;

/// The demo's keys: printed here for everyone to read, and so refused for anything but a demo.
const DEMO_TOKEN: [u8; KEY_BYTES] = *b"tidegate demo token key, public.";
const DEMO_JOURNAL: [u8; KEY_BYTES] = *b"tidegate demo seal key, public!!";

/// The keys of one process. `Debug` shows versions and ids and nothing else; the bytes leave memory
/// with the value.
pub struct Keys {
    token_version: u16,
    token: Secret,
    /// The first seals; all of them open. Never empty.
    journal: Vec<(u32, Secret)>,
}

impl Keys {
    /// The published keys of the demo. What they make is not protected.
    pub fn demo() -> Self {
        Self {
            token_version: 1,
            token: Zeroizing::new(DEMO_TOKEN),
            journal: vec![(1, Zeroizing::new(DEMO_JOURNAL))],
        }
    }

    /// Reads a key file. Refuses one that others may read, and keys that are no secret.
    pub fn from_file(path: &Path) -> Result<Self, KeysError> {
        let from = || KeysFrom::File(path.to_owned());
        let text =
            read_private(path).map_err(|fault| KeysError { from: from(), faults: vec![fault] })?;
        Self::parse(&text).map_err(|faults| KeysError { from: from(), faults })
    }

    /// Reads the same text from an environment variable.
    pub fn from_env(name: &str) -> Result<Self, KeysError> {
        let from = || KeysFrom::Environment(name.to_owned());
        let text = std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| KeysError { from: from(), faults: vec![KeyFault::NotSet] })?;
        Self::parse(&text).map_err(|faults| KeysError { from: from(), faults })
    }

    /// The keys that tokens are made with.
    pub fn token_keys(&self) -> TokenKeys {
        TokenKeys::new(self.token_version, &self.token)
    }

    /// The version of the token key.
    pub const fn token_version(&self) -> u16 {
        self.token_version
    }

    /// How a journal's headers name the key that makes tokens.
    pub fn token_key(&self) -> TokenKeyName {
        TokenKeyName { version: self.token_version, check: KeyCheck(self.token_keys().check()) }
    }

    /// The key that seals.
    pub fn seal_key(&self) -> SealKey {
        let (id, secret) = self.journal.first().expect("there is one, by every constructor");
        SealKey::new(*id, secret.clone())
    }

    /// Every key that opens.
    pub fn seal_keys(&self) -> Vec<SealKey> {
        self.journal.iter().map(|(id, secret)| SealKey::new(*id, secret.clone())).collect()
    }

    pub(super) fn parse(text: &str) -> Result<Self, Vec<KeyFault>> {
        // The parser's own message quotes the line, which holds a key: only its place is told.
        let raw: RawKeys = toml::from_str(text).map_err(|error| {
            let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
            vec![KeyFault::Syntax { line: before.matches('\n').count() + 1 }]
        })?;
        let mut faults = Vec::new();
        let token = check(raw.token.key, "token.key", &mut faults);
        if raw.token.version == 0 {
            faults.push(KeyFault::Zero { name: "token.version" });
        }
        let mut journal: Vec<(u32, Secret)> = Vec::new();
        for raw in raw.journal {
            if raw.id == 0 {
                faults.push(KeyFault::Zero { name: "journal.id" });
            }
            if journal.iter().any(|(id, _)| *id == raw.id) {
                faults.push(KeyFault::Twice { id: raw.id });
            }
            journal.extend(check(raw.key, "journal.key", &mut faults).map(|key| (raw.id, key)));
        }
        if let Some(token) = &token
            && journal.iter().any(|(_, key)| key == token)
        {
            faults.push(KeyFault::Same);
        }
        match token {
            Some(token) if faults.is_empty() && !journal.is_empty() => {
                Ok(Self { token_version: raw.token.version, token, journal })
            }
            _ => {
                if journal.is_empty() && faults.is_empty() {
                    faults.push(KeyFault::NoJournalKey);
                }
                Err(faults)
            }
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.journal.iter().map(|(id, _)| id).collect();
        write!(f, "Keys(token v{}, journal {ids:?}, ***)", self.token_version)
    }
}

/// New keys, as the text of a key file.
pub fn generate() -> Result<Zeroizing<String>, KeysError> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    let random = || -> Result<Zeroizing<String>, KeysError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new()
            .fill(bytes.as_mut_slice())
            .map_err(|_| KeysError { from: KeysFrom::System, faults: vec![KeyFault::NoRandom] })?;
        let mut hex = Zeroizing::new(String::with_capacity(2 * KEY_BYTES));
        bytes.iter().for_each(|byte| {
            for digit in [byte >> 4, byte & 15] {
                hex.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        });
        Ok(hex)
    };
    for (section, key) in [
        (
            "# Keys of Tidegate. Whoever has them can read sealed events and find people by their\n\
             # tokens; whoever loses them can do neither. Keep a copy apart from the journal.\n\n\
             [token]\nversion = 1\nkey = \"",
            random()?,
        ),
        ("\n[[journal]]\nid = 1\nkey = \"", random()?),
    ] {
        text.push_str(section);
        text.push_str(&key);
        text.push_str("\"\n");
    }
    Ok(text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    token: RawToken,
    #[serde(default)]
    journal: Vec<RawJournal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    version: u16,
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawJournal {
    id: u32,
    key: String,
}

/// A key from its digits, unless it is no secret.
fn check(hex: String, name: &'static str, faults: &mut Vec<KeyFault>) -> Option<Secret> {
    let hex = Zeroizing::new(hex);
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    let digits = hex.as_bytes();
    if digits.len() != 2 * KEY_BYTES || !digits.iter().all(u8::is_ascii_hexdigit) {
        faults.push(KeyFault::NotAKey { name });
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |value, digit| {
            let digit = char::from(*digit).to_digit(16).expect("a hexadecimal digit, above");
            value << 4 | digit as u8
        });
    }
    if key.iter().all(|byte| *byte == key[0]) {
        faults.push(KeyFault::NoSecret { name });
        return None;
    }
    if *key == DEMO_TOKEN || *key == DEMO_JOURNAL {
        faults.push(KeyFault::Demo { name });
        return None;
    }
    Some(key)
}

/// Reads a file that only its owner may touch.
fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    let io = |error: io::Error| KeyFault::Io(error.kind());
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Open { mode });
    }
    if !metadata.is_file() || metadata.len() > FILE_BYTES_MAX {
        return Err(KeyFault::NotAKeyFile);
    }
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

fn why_unreadable(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => {
            "there is no such file; `tidegate keys init --out FILE` makes one".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "it belongs to another user, the service's: who changes rules or lists while the \
             service runs needs no key"
                .to_owned()
        }
        kind => kind.to_string(),
    }
}

/// Where keys were looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeysFrom {
    /// This file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// The operating system's randomness.
    System,
}

impl fmt::Display for KeysFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::System => f.write_str("the operating system"),
        }
    }
}

/// Why there are no keys: every fault, none of which shows a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeysError {
    /// Where they were looked for.
    pub from: KeysFrom,
    /// What is wrong there.
    pub faults: Vec<KeyFault>,
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let line_end = if index == 0 { "" } else { "\n" };
            write!(f, "{line_end}{}: {fault}", self.from)?;
        }
        Ok(())
    }
}

impl std::error::Error for KeysError {}

/// One thing that is wrong with keys.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// The file cannot be read.
    #[error("cannot be read: {}", why_unreadable(*.0))]
    Io(io::ErrorKind),
    /// The variable is not set.
    #[error("is not set; put the text of a key file into it, or name a key file")]
    NotSet,
    /// Others may read or write it.
    #[error("others than its owner may use it (mode {mode:04o}): chmod 600 it, and renew its keys")]
    Open {
        /// Its permission bits.
        mode: u32,
    },
    /// A directory, a device, or far too large.
    #[error("is not a key file")]
    NotAKeyFile,
    /// Not the table that a key file is.
    #[error(
        "line {line}: not understood; a key file has [token] with version and key, and [[journal]] \
         with id and key"
    )]
    Syntax {
        /// Where.
        line: usize,
    },
    /// Not the digits of a key.
    #[error("{name} is not 64 hexadecimal digits (32 bytes)")]
    NotAKey {
        /// Which.
        name: &'static str,
    },
    /// One byte over and over.
    #[error("{name} is one byte over and over, which is no secret: `tidegate keys init` makes one")]
    NoSecret {
        /// Which.
        name: &'static str,
    },
    /// The demo's.
    #[error("{name} is the demo's published key: `tidegate keys init` makes one of your own")]
    Demo {
        /// Which.
        name: &'static str,
    },
    /// A number that must not be zero.
    #[error("{name} must not be 0")]
    Zero {
        /// Which.
        name: &'static str,
    },
    /// Two journal keys with one id.
    #[error("journal id {id} is given twice")]
    Twice {
        /// The id.
        id: u32,
    },
    /// No `[[journal]]`.
    #[error("there is no [[journal]] key")]
    NoJournalKey,
    /// One key for both purposes.
    #[error("the token key and a journal key are the same: each needs its own")]
    Same,
    /// The operating system's randomness failed.
    #[error("gave no random bytes")]
    NoRandom,
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hex(key: &[u8; KEY_BYTES]) -> String {
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn text(token: &str, journal: &str) -> String {
        format!(
            "[token]\nversion = 1\nkey = \"{token}\"\n[[journal]]\nid = 1\nkey = \"{journal}\"\n"
        )
    }

    fn check(text: &str, expected: &[&str]) {
        let faults = Keys::parse(text).err().unwrap_or_default();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
        for (fault, expected) in faults.iter().zip(expected) {
            assert!(fault.contains(expected), "{fault}: {expected}");
        }
    }

    /// A service must not start with keys that anyone has, and says all that is wrong at once,
    /// without showing a digit of a key.
    #[test]
    fn keys_that_are_no_secret_are_refused() {
        let good = "0123456789abcdef".repeat(4);
        let other = "fedcba9876543210".repeat(4);
        check(&text(&good, &other), &[]);
        check(&text(&good, &good), &["the same"]);
        check(&text(&"00".repeat(32), &"ab".repeat(32)), &["token.key is one byte", "journal.key"]);
        check(&text(&good[1..], "xyz"), &["token.key is not 64", "journal.key is not 64"]);
        check(&text(&hex(&DEMO_TOKEN), &hex(&DEMO_JOURNAL)), &["demo's", "demo's"]);
        check(&text(&good, &other).replace("id = 1", "id = 0"), &["journal.id must not be 0"]);
        check(&format!("[token]\nversion = 1\nkey = \"{good}\"\n"), &["no [[journal]]"]);
        check(&text(&good, &other).replace("version", "vresion"), &["line 2"]);
        check("", &["line 1"]);
        let twice = format!(
            "{}[[journal]]\nid = 1\nkey = \"{}\"\n",
            text(&good, &other),
            "1f".repeat(16) + &"2e".repeat(16)
        );
        check(&twice, &["journal id 1 is given twice"]);
    }

    /// What `keys init` writes is what a service takes; two of them never meet.
    #[test]
    fn generated_keys_are_taken() {
        let (first, second) = (generate().unwrap(), generate().unwrap());
        assert!(first != second);
        let keys = Keys::parse(&first).unwrap();
        assert_eq!((keys.token_version(), keys.seal_key().id()), (1, 1));
        assert_eq!(format!("{keys:?}"), "Keys(token v1, journal [1], ***)");
    }

    /// A key file that others may read has leaked already.
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        fs::write(&path, generate().unwrap().as_str()).unwrap();
        for (mode, taken) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Keys::from_file(&path).is_ok(), taken, "mode {mode:o}");
        }
        let error = Keys::from_file(&dir.path().join("none")).unwrap_err().to_string();
        assert!(error.ends_with("`tidegate keys init --out FILE` makes one"), "{error}");
    }

    /// No message quotes the line that holds a key.
    #[test]
    fn a_broken_line_is_not_quoted() {
        let error = Keys::parse("[token]\nversion = 1\nkey = \"5ec2e7\nid = 1").unwrap_err();
        assert!(!format!("{error:?}").contains("5ec2e7"), "{error:?}");
    }
}
