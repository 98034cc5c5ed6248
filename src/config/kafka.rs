//! `[kafka]` and `[kafka.security]`.

use std::time::Duration;

use crate::edges::kafka::{
    Compression, DiskPolicy, Format, Isolation, Mechanism, OnDiskFull, Outputs, Protocol, Secret,
    Security, Settings, Start, is_exposed, is_loopback,
};

use super::section::Section;

pub(super) fn read(mut section: Section<'_, '_>, outputs: Outputs) -> Settings {
    let brokers = section.texts("brokers");
    for broker in &brokers {
        let port = broker.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            section.fault("brokers", format!("{broker:?} must be host:port"));
        }
    }
    let topics = section.texts("topics");
    check_topics(&section, &topics, &outputs);
    let security = read_security(section.section("security"));
    let remote = brokers.iter().find(|broker| !is_loopback(broker));
    if let Some(broker) = remote
        && security.protocol.is_plaintext()
    {
        let message = format!(
            "{broker:?} is not this machine: personal data must be encrypted on the way; \
             set protocol = \"tls\" or \"sasl_tls\" in [kafka.security]"
        );
        section.fault("brokers", message);
    }
    let transactions = section.flag("transactions");
    let transactional_id = section.text("transactional_id");
    let settings = Settings {
        brokers,
        topics,
        format: section.choice("format", &Format::NAMED).unwrap_or(Format::Json),
        group: section.text("group"),
        instance: Some(section.text("instance")),
        // Said once, at the command line, and never by a file that stays.
        adopt: false,
        client_id: section.text("client_id"),
        start: section.choice("start", &Start::NAMED).unwrap_or(Start::Earliest),
        batch_messages: section.integer("batch_messages", 1..=10_000) as usize,
        linger_ms: section.integer("linger_ms", 0..=1_000),
        compression: section.choice("compression", &Compression::NAMED).unwrap_or(Compression::Lz4),
        unacknowledged_max: section.integer("unacknowledged_max", 1_000..=1_000_000) as usize,
        commit_interval: Duration::from_millis(section.integer("commit_interval_ms", 10..=60_000)),
        fetch_wait_ms: section.integer("fetch_wait_ms", 1..=10_000),
        fetch_backoff_ms: section.integer("fetch_backoff_ms", 0..=10_000),
        fetch_queue_kb: section.integer("fetch_queue_kb", 64..=2_097_151),
        message_kb: section.integer("message_kb", 8..=65_536),
        isolation: section
            .choice("isolation", &Isolation::NAMED)
            .unwrap_or(Isolation::ReadCommitted),
        session_timeout_ms: section.integer("session_timeout_ms", 6_000..=300_000),
        transactional_id: transactions.then_some(transactional_id),
        transaction_messages: section.integer("transaction_messages", 1..=100_000) as usize,
        stop_timeout: Duration::from_millis(section.integer("stop_timeout_ms", 100..=600_000)),
        security,
        // Set from what [journal] says.
        disk: DiskPolicy { on_full: OnDiskFull::Stop, slow: Duration::from_secs(1) },
        outputs,
    };
    section.finish();
    settings
}

/// A topic that is both read and written would feed the engine its own answers for ever.
fn check_topics(section: &Section<'_, '_>, topics: &[String], outputs: &Outputs) {
    let written = [Some(&outputs.decisions), outputs.audit.as_ref(), Some(&outputs.dead_letters)];
    for (index, topic) in topics.iter().enumerate() {
        if let Some(fault) = topic_fault(topic) {
            section.fault("topics", format!("{topic:?} {fault}"));
        }
        if topics.iter().take(index).any(|other| other == topic) {
            section.fault("topics", format!("{topic:?} is named twice"));
        }
        if written.contains(&Some(topic)) {
            section.fault("topics", format!("{topic:?} is also a sink: it would feed itself"));
        }
    }
    if topics.len() > usize::from(u16::MAX) {
        section.fault("topics", "are more than 65,535");
    }
}

/// Kafka's own rule for names of topics.
pub(super) fn topic_fault(topic: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if topic.len() > 249 {
        Some("is longer than the 249 characters that Kafka allows")
    } else if matches!(topic, "." | "..") || !topic.bytes().all(plain) {
        Some("is no name of a topic: letters, digits, `.`, `_` and `-` only")
    } else {
        None
    }
}

fn read_security(mut section: Section<'_, '_>) -> Security {
    section.refuse("password", "does not stand in a file that is copied around: use password_file");
    let password = read_password(&mut section);
    let security = Security {
        protocol: section.choice("protocol", &Protocol::NAMED).unwrap_or_default(),
        mechanism: section.choice("mechanism", &Mechanism::NAMED).unwrap_or_default(),
        username: section.optional_text("username"),
        password,
        keytab_file: section.optional_path("keytab_file"),
        ca_file: section.optional_path("ca_file"),
        certificate_file: section.optional_path("certificate_file"),
        key_file: section.optional_path("key_file"),
    };
    if security.protocol.is_sasl() {
        if security.username.is_none() && !section.is_given("username") {
            section.fault("username", "is missing: sasl needs a user");
        }
        let has_password = security.mechanism.has_password();
        if has_password && !section.is_given("password_file") && !section.is_given("password_env") {
            section.fault("password_file", "is missing: sasl needs it, or password_env");
        }
    }
    if security.certificate_file.is_some() != security.key_file.is_some() {
        section.fault("certificate_file", "and key_file belong together");
    }
    check_pem(&section, &security);
    let files = [
        ("ca_file", &security.ca_file),
        ("certificate_file", &security.certificate_file),
        ("key_file", &security.key_file),
        ("keytab_file", &security.keytab_file),
    ];
    for (key, file) in files {
        if let Some(file) = file
            && let Err(error) = std::fs::File::open(file)
        {
            section.fault(key, format!("{}: {error}", file.display()));
        }
    }
    section.finish();
    security
}

/// What the client would refuse at its start with a sentence of OpenSSL's, or take from a file that
/// everyone reads.
fn check_pem(section: &Section<'_, '_>, security: &Security) {
    let files = [
        ("ca_file", &security.ca_file, "CERTIFICATE-----"),
        ("certificate_file", &security.certificate_file, "CERTIFICATE-----"),
        ("key_file", &security.key_file, "PRIVATE KEY-----"),
    ];
    for (key, file, what) in files {
        let Some(file) = file else { continue };
        // What cannot be read is said by the caller.
        let Ok(bytes) = std::fs::read(file) else { continue };
        if !String::from_utf8_lossy(&bytes).contains(what) {
            let what = what.trim_end_matches('-').to_lowercase();
            section.fault(key, format!("{} holds no {what} in PEM form", file.display()));
        }
        if key == "key_file" && is_exposed(file).unwrap_or(false) {
            let message = format!("{} is readable by others: chmod 600 it", file.display());
            section.fault(key, message);
        }
    }
}

fn read_password(section: &mut Section<'_, '_>) -> Option<Secret> {
    let file = section.optional_path("password_file");
    let env = section.optional_text("password_env");
    let (key, read) = match (&file, &env) {
        (Some(_), Some(_)) => {
            section.fault("password_env", "and password_file: only one of them");
            return None;
        }
        (Some(file), None) => ("password_file", Secret::from_file(file)),
        (None, Some(name)) => ("password_env", Secret::from_env(name)),
        (None, None) => return None,
    };
    read.map_err(|error| section.fault(key, error.to_string())).ok()
}
