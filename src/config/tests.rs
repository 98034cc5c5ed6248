//! Faults as an operator meets them: all at once, with the line and a way out.

use super::*;

/// The faults of a text, one a line, in the order of the file.
fn faults(text: &str) -> String {
    match Config::parse(Path::new("t.toml"), text) {
        Ok(_) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(faults(text), expected.join("\n"), "{text}");
}

/// The shipped file is the defaults: it must hold every key, and an empty file must do.
#[test]
fn an_empty_file_is_the_shipped_one() {
    check("", &[]);
    check(SHIPPED, &[]);
    let config = Config::parse(Path::new("t.toml"), "").unwrap();
    assert_eq!(config.kafka.topics, ["tidegate.payments"]);
    assert_eq!(config.kafka.outputs.decisions, "tidegate.decisions");
    assert_eq!(config.kafka.transactional_id, None);
    assert_eq!(config.snapshots, snapshots::Settings::default());
    assert_eq!(config.limits.time, crate::stages::decode::TimeLimits::default());
    assert_eq!(config.keys, KeysFrom::Env("TIDEGATE_KEYS".to_owned()));
}

/// The container's configuration and the alerts beside it speak of what there is.
#[test]
fn what_is_deployed_is_known() {
    check(include_str!("../../deploy/tidegate.toml"), &[]);
    let rendered = crate::telemetry::Telemetry::new(&[], &[]);
    let mut known: Vec<&str> =
        crate::telemetry::CounterName::ALL.iter().map(|name| name.name()).collect();
    known.extend(crate::telemetry::GaugeName::ALL.iter().map(|name| name.name()));
    let summaries = rendered.render();
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    for (file, text) in [
        ("alerts.yml", include_str!("../../deploy/prometheus/alerts.yml")),
        ("alerts_test.yml", include_str!("../../deploy/prometheus/alerts_test.yml")),
    ] {
        for word in text.split(|c| !is_name(c)).filter(|word| word.starts_with("tidegate_")) {
            let is_known = known.contains(&word) || summaries.contains(&format!("# TYPE {word} "));
            assert!(is_known, "{word} is in {file} and nowhere else");
        }
    }
}

/// One fault a run makes an operator run ten times.
#[test]
fn every_fault_is_reported_at_once() {
    check(
        "[kafka]\nbrokers = [\"10.0.0.1:9092\"]\nlinger_ms = 5000\ngruop = \"x\"\nstart = 3\n\
         compression = \"lzma\"\n\n[http]\nlisten = \"0.0.0.0:80\"\n[tabels]\n",
        &[
            "t.toml:2: kafka.brokers: \"10.0.0.1:9092\" is not this machine: personal data must \
             be encrypted on the way; set protocol = \"tls\" or \"sasl_tls\" in [kafka.security]",
            "t.toml:3: kafka.linger_ms: is 5000, must be 0 to 1000",
            "t.toml:4: kafka.gruop: is not a known key; did you mean `group`?",
            "t.toml:5: kafka.start: must be a text in quotes, is an integer",
            "t.toml:6: kafka.compression: is \"lzma\", must be one of none, gzip, snappy, lz4, \
             zstd (did you mean \"lz4\"?)",
            "t.toml:9: http.listen: \"0.0.0.0:80\" is open to others and not encrypted: listen \
             on 127.0.0.1",
            "t.toml:10: tabels: is not a known key; did you mean `tables`?",
        ],
    );
}

/// A broken line hides others: the parser goes on, and what it cannot read is not blamed twice.
#[test]
fn syntax_errors_name_their_lines() {
    let found = faults("linger_ms = \nx = 'y\n[http]\nlisten = \"127.0.0.1:1\"\n");
    assert!(found.starts_with("t.toml:1: "), "{found}");
    assert!(found.contains("\nt.toml:2: "), "{found}");
    assert!(faults("\u{0}\u{1}").starts_with("t.toml:1: "));
    assert!(faults("[kafka\n").starts_with("t.toml:1: "));
}

const SINKS: &str = "[[sink]]\nkind = \"decision\"\ntopic = \"d\"\nrecipient = \"r\"\n\
                     profile = \"default\"\n";
const DEAD: &str = "[[sink]]\nkind = \"dead_letter\"\ntopic = \"x\"\nrecipient = \"r\"\n\
                    purpose = \"operations\"\ncountry = \"CN\"\n";

/// R7, R19: what leaves the country or its purpose leaves with a recorded basis, or not at all.
#[test]
fn a_sink_abroad_or_off_purpose_needs_its_basis() {
    let sink = |rest: &str| format!("{SINKS}{rest}{DEAD}");
    let needs = "needs its recorded basis: add [sink.basis] with purpose, types, consent and \
                 agreement";
    check(&sink("purpose = \"risk_control\"\ncountry = \"CN\"\n"), &[]);
    check(
        &sink("purpose = \"risk_control\"\ncountry = \"SG\"\n"),
        &[&format!("t.toml:7: sink[0].country: \"SG\": a sink abroad {needs} (R19)")],
    );
    check(
        &sink("purpose = \"research\"\ncountry = \"CN\"\n"),
        &[&format!(
            "t.toml:6: sink[0].purpose: is not what the data was collected for: it {needs}"
        )],
    );
    let basis = "[sink.basis]\npurpose = \"p\"\ntypes = [\"masked card\"]\nconsent = \"c\"\n\
                 agreement = \"a\"\n";
    check(&sink(&format!("purpose = \"research\"\ncountry = \"SG\"\n{basis}")), &[]);
    check(
        &sink("purpose = \"research\"\ncountry = \"SG\"\n[sink.basis]\npurpose = \"p\"\n"),
        &[
            "t.toml:8: sink[0].basis.types: is missing",
            "t.toml:8: sink[0].basis.consent: is missing",
            "t.toml:8: sink[0].basis.agreement: is missing",
        ],
    );
    check(
        &sink(&format!("purpose = \"marketing\"\ncountry = \"CN\"\n{basis}")),
        &["t.toml:6: sink[0].purpose: is marketing: risk data is not exportable to it (R7)"],
    );
    // One fault does not hide the other.
    check(
        &sink("purpose = \"marketing\"\ncountry = \"SG\"\n"),
        &[
            "t.toml:6: sink[0].purpose: is marketing: risk data is not exportable to it (R7)",
            &format!("t.toml:7: sink[0].country: \"SG\": a sink abroad {needs} (R19)"),
        ],
    );
}

/// A topic that is read and written would decide its own decisions.
#[test]
fn topics_are_not_mixed_up() {
    check(
        "kafka.topics = [\"a\", \"a\", \"tidegate.audit\", \"b c\"]\n",
        &[
            "t.toml:1: kafka.topics: \"a\" is named twice",
            "t.toml:1: kafka.topics: \"tidegate.audit\" is also a sink: it would feed itself",
            "t.toml:1: kafka.topics: \"b c\" is no name of a topic: letters, digits, `.`, `_` \
             and `-` only",
        ],
    );
    check(DEAD, &["t.toml:1: sink: none of kind \"decision\": declare [[sink]] for it"]);
}

/// A password in the configuration ends in a repository.
#[test]
fn secrets_come_from_elsewhere() {
    check(
        "[kafka.security]\nprotocol = \"sasl_tls\"\npassword = \"p\"\n",
        &[
            "t.toml:1: kafka.security.username: is missing: sasl needs a user",
            "t.toml:1: kafka.security.password_file: is missing: sasl needs it, or password_env",
            "t.toml:3: kafka.security.password: does not stand in a file that is copied around: \
             use password_file",
        ],
    );
}

/// What the client would refuse at its start in words of OpenSSL's is refused by `check` in ours,
/// and so is a key that everyone on the machine can read.
#[test]
fn certificates_and_keys_are_looked_into() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        file.display().to_string()
    };
    let certificate = file("a.pem", "-----BEGIN CERTIFICATE-----\n", 0o644);
    let key = file("a.key", "-----BEGIN EC PRIVATE KEY-----\n", 0o600);
    let text = |ca: &str, certificate: &str, key: &str| {
        format!(
            "[kafka.security]\nprotocol = \"tls\"\nca_file = \"{ca}\"\n\
             certificate_file = \"{certificate}\"\nkey_file = \"{key}\"\n"
        )
    };
    check(&text(&certificate, &certificate, &key), &[]);
    let open = file("open.key", "-----BEGIN PRIVATE KEY-----\n", 0o640);
    let der = file("a.der", "\u{30}", 0o600);
    check(
        &text(&der, &certificate, &open),
        &[
            &format!("t.toml:3: kafka.security.ca_file: {der} holds no certificate in PEM form"),
            &format!(
                "t.toml:5: kafka.security.key_file: {open} is readable by others: chmod 600 it"
            ),
        ],
    );
}

/// Any text gives a configuration or faults.
#[test]
fn no_text_is_a_panic() {
    for text in [
        "kafka = 1\nsink = 2\njournal = [1]\n",
        "sink = [1, {}]\n",
        "[kafka]\nbrokers = []\ntopics = [\"\"]\nlinger_ms = -1\nmessage_kb = 1.5\n",
        "limits.event_kb = 99999999999999999999999999999999999999999999\n",
        "http.listen = \"\"\n",
        "keys.file = \"a\"\nkeys.env = \"b\"\n",
    ] {
        assert_ne!(faults(text), "", "{text}");
    }
}

/// Who deletes or archives must not lose what the service still needs.
#[test]
fn the_journals_keys_are_checked() {
    check(
        "[journal]\nkeep_days = 3\narchive_command = [\"cp\", \"x\"]\non_disk_full = \"halt\"\n",
        &[
            "t.toml:2: journal.keep_days: is not above limits.horizon_days: a retry would be decided \
             twice",
            "t.toml:3: journal.archive_command: begins with \"cp\": write the program's whole path",
            "t.toml:4: journal.on_disk_full: is \"halt\", must be one of stop, fallback",
        ],
    );
    check(
        "[journal]\narchive_command = [\"/bin/true\", \"segment\"]\n",
        &["t.toml:2: journal.archive_command: names no segment: give \"{segment}\" as an argument"],
    );
    check("[journal]\narchive_command = [\"/bin/true\", \"{segment}\"]\nkeep_days = 8\n", &[]);
}
