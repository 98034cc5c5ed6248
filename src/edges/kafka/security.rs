//! How the broker is reached and proven: TLS, SASL, and secrets that are never printed.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::settings::Property;

/// How the broker is reached and proven.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// Whether the channel is encrypted and who we say we are.
    pub protocol: Protocol,
    /// How a password is proven.
    pub mechanism: Mechanism,
    /// The user, with `sasl_*`; with GSSAPI the principal.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The principal's keys, with GSSAPI; `None`: the system's own.
    pub keytab_file: Option<PathBuf>,
    /// Certificates that the broker's must come from; `None`: the system's store.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

/// Whether the channel is encrypted, and whether we name ourselves by SASL.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Protocol {
    /// Neither.
    #[default]
    Plaintext,
    /// Encrypted.
    Tls,
    /// Named.
    SaslPlaintext,
    /// Both.
    SaslTls,
}

impl Protocol {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("plaintext", Self::Plaintext),
        ("tls", Self::Tls),
        ("sasl_plaintext", Self::SaslPlaintext),
        ("sasl_tls", Self::SaslTls),
    ];

    /// Whether others on the wire can read along.
    pub const fn is_plaintext(self) -> bool {
        matches!(self, Self::Plaintext | Self::SaslPlaintext)
    }

    /// Whether a user and a password are needed.
    pub const fn is_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslTls)
    }

    const fn property(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslTls => "sasl_ssl",
        }
    }
}

/// How a password is proven.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mechanism {
    /// Salted challenge and response over SHA-512.
    #[default]
    ScramSha512,
    /// The same over SHA-256.
    ScramSha256,
    /// The password itself.
    Plain,
    /// A ticket of Kerberos; only in a build with the cargo feature `gssapi`.
    Gssapi,
}

impl Mechanism {
    /// Each choice with its name, which is also the client's.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("SCRAM-SHA-512", Self::ScramSha512),
        ("SCRAM-SHA-256", Self::ScramSha256),
        ("PLAIN", Self::Plain),
        ("GSSAPI", Self::Gssapi),
    ];

    /// Whether a password is proven.
    pub const fn has_password(self) -> bool {
        !matches!(self, Self::Gssapi)
    }

    fn property(self) -> &'static str {
        Self::NAMED.iter().find(|(_, value)| *value == self).map_or("", |(name, _)| name)
    }
}

impl Security {
    pub(super) fn properties(&self) -> Vec<Property> {
        let mut properties = vec![("security.protocol", self.protocol.property().to_owned())];
        if self.protocol.is_sasl() {
            properties.push(("sasl.mechanism", self.mechanism.property().to_owned()));
            let username = self.username.clone();
            if self.mechanism.has_password() {
                properties.extend(username.map(|name| ("sasl.username", name)));
                properties.extend(self.password.clone().map(|secret| ("sasl.password", secret.0)));
            } else {
                properties.extend(username.map(|name| ("sasl.kerberos.principal", name)));
                let keytab = self.keytab_file.as_deref().map(|file| file.to_string_lossy());
                properties.extend(keytab.map(|file| ("sasl.kerberos.keytab", file.into_owned())));
            }
        }
        if !self.protocol.is_plaintext() {
            let path = |path: &Path| path.to_string_lossy().into_owned();
            properties.extend(self.ca_file.as_deref().map(|ca| ("ssl.ca.location", path(ca))));
            let certificate = self.certificate_file.as_deref();
            properties.extend(certificate.map(|file| ("ssl.certificate.location", path(file))));
            properties.extend(self.key_file.as_deref().map(|key| ("ssl.key.location", path(key))));
        }
        properties
    }
}

/// Whether `host:port` can only be this machine. A name other than `localhost` may be anywhere.
pub fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Whether others than its owner may do anything with a file.
pub fn is_exposed(file: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

/// A password: read once, handed to the client, never printed.
#[derive(Clone, Default)]
pub struct Secret(String);

/// Why a secret could not be read. Names the place, never the value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("{} is readable by others: chmod 600 it", .file.display())]
    Exposed {
        /// The file.
        file: PathBuf,
    },
    /// The variable is not set.
    #[error("the environment variable {name} is not set")]
    Unset {
        /// The variable.
        name: String,
    },
    /// There is nothing in it.
    #[error("{place} is empty")]
    Empty {
        /// The file or the variable.
        place: String,
    },
}

impl Secret {
    /// Reads the first line of a file that only its owner may read.
    pub fn from_file(file: &Path) -> Result<Self, SecretError> {
        let unreadable = |source| SecretError::Unreadable { file: file.to_path_buf(), source };
        if is_exposed(file).map_err(unreadable)? {
            return Err(SecretError::Exposed { file: file.to_path_buf() });
        }
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        Self::new(text.lines().next().unwrap_or(""), file.display().to_string())
    }

    /// Reads an environment variable.
    pub fn from_env(name: &str) -> Result<Self, SecretError> {
        let text = std::env::var(name).map_err(|_| SecretError::Unset { name: name.to_owned() })?;
        Self::new(&text, name.to_owned())
    }

    fn new(text: &str, place: String) -> Result<Self, SecretError> {
        if text.is_empty() { Err(SecretError::Empty { place }) } else { Ok(Self(text.to_owned())) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plaintext is allowed to this machine only; a name that merely looks local is not it.
    #[test]
    fn only_this_machine_is_loopback() {
        for yes in ["127.0.0.1:9092", "localhost:9092", "[::1]:9092", "127.8.9.1:1"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["10.0.0.1:9092", "kafka:9092", "localhost.example:1", "0.0.0.0:1", "[::]:1"] {
            assert!(!is_loopback(no), "{no}");
        }
    }

    /// A secret in a log line or a file that everyone reads is no secret.
    #[test]
    fn a_secret_is_neither_printed_nor_taken_from_an_open_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        std::fs::write(&file, "hunter2\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Secret::from_file(&file), Err(SecretError::Exposed { .. })));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let secret = Secret::from_file(&file).unwrap();
        assert_eq!(secret.0, "hunter2");
        let security = Security { password: Some(secret), ..Security::default() };
        assert!(!format!("{security:#?}").contains("hunter2"));
    }
}
