//! A broker that is encrypted and asks who one is: reached, refused with a clear word, and reached
//! again once somebody has mended it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::broker::{OwnBroker, Topics};
use crate::events::{Event, are_all_answered, borrowed, check_answers, payments};
use crate::service::{Home, Service};

/// The password that `deploy/kafka/start --secure` gives the user `tidegate`.
const PASSWORD: &str = "tidegate-secret";

/// How a service goes to the secure listener.
struct Way<'a> {
    mechanism: &'a str,
    password: &'a str,
    /// Certificates of the authorities that it trusts.
    trusts: Vec<PathBuf>,
    /// More lines of `[kafka]`.
    more: &'a str,
}

impl Way<'_> {
    fn home(&self) -> Home {
        let mut home = Home::new();
        let file = home.dir.path().join("password");
        write_secret(&file, self.password.as_bytes());
        let ca_file = home.dir.path().join("ca.pem");
        let trusted: Vec<String> =
            self.trusts.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        std::fs::write(&ca_file, trusted.concat()).unwrap();
        home.kafka = format!(
            "{}\n[kafka.security]\nprotocol = \"sasl_tls\"\nmechanism = \"{}\"\n\
             username = \"tidegate\"\npassword_file = \"{}\"\nca_file = \"{}\"",
            self.more,
            self.mechanism,
            file.display(),
            ca_file.display()
        );
        home
    }
}

fn write_secret(file: &Path, text: &[u8]) {
    let mut options = std::fs::OpenOptions::new();
    let mut secret = options.write(true).create_new(true).mode(0o600).open(file).unwrap();
    secret.write_all(text).unwrap();
}

/// A service before a closed door, with payments that wait for it.
struct Waiting {
    topics: Topics,
    events: Vec<Event>,
    service: Service,
    /// What it may not show.
    password: String,
    _home: Home,
}

impl Waiting {
    fn start(broker: &OwnBroker, address: &str, name: &str, way: &Way<'_>) -> Self {
        let topics = Topics::on(broker.bootstrap.clone(), 1);
        let events = payments(name, 20);
        topics.produce(borrowed(&events));
        let home = way.home();
        let service = home.start(&topics.reached_at(address));
        Self { topics, events, service, password: way.password.to_owned(), _home: home }
    }

    /// It says in its log and in its readiness what to do, and has done nothing.
    fn check_refused(&mut self, code: &str, advice: &str) {
        self.service.wait_for_line(advice);
        self.service.wait_until(|service| {
            let (status, body) = service.get("/readyz");
            status.contains("503") && body.contains(code) && body.contains(advice)
        });
        assert_eq!(self.topics.committed(), 0);
        assert!(self.topics.read("decisions", |_| true).is_empty());
    }

    /// Nobody has touched it, and it works.
    fn check_mended(self) {
        let events = &self.events;
        let decisions = self.topics.read("decisions", |records| are_all_answered(records, events));
        check_answers(&decisions, events);
        self.service.wait_until_ready();
        let (status, log) = self.service.stop();
        let log = log.join("\n");
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(!log.contains(&self.password), "the log shows the password");
        assert_eq!(self.topics.committed(), 20);
    }
}

/// Every mechanism over TLS carries the main job.
#[test]
fn an_encrypted_broker_is_reached_by_those_it_knows() {
    let broker = OwnBroker::start_secure();
    for mechanism in ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] {
        let trusts = vec![broker.authority("ca")];
        let way = Way { mechanism, password: PASSWORD, trusts, more: "" };
        Waiting::start(&broker, &broker.secure, "known", &way).check_mended();
    }
    let trusts = vec![broker.authority("ca")];
    let way = Way { mechanism: "SCRAM-SHA-256", password: "not-it", trusts, more: "" };
    let mut stranger = Waiting::start(&broker, &broker.secure, "stranger", &way);
    stranger.check_refused("broker_login", "the broker refuses the login");
    let (status, log) = stranger.service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
}

/// A wrong password, an authority that is not trusted and a name that the certificate is not for:
/// each is said with what to do, nothing is lost or committed meanwhile, and when the broker's side
/// is corrected each goes on by itself, with transactions as well.
#[test]
fn whoever_is_refused_goes_on_when_the_broker_is_mended() {
    let mut broker = OwnBroker::start_secure();
    let by_address = broker.secure.replace("localhost", "127.0.0.1");
    broker.certify("other", "DNS:localhost,IP:127.0.0.1");
    broker.certify("ca", "DNS:localhost");
    let (ca, other) = (broker.authority("ca"), broker.authority("other"));
    let both = vec![ca, other.clone()];
    let transactions = "transactions = true";
    let way = |password, trusts, more| Way { mechanism: "PLAIN", password, trusts, more };
    let password = way("new-password", both.clone(), transactions);
    let mut password = Waiting::start(&broker, &broker.secure, "password", &password);
    let authority = way("new-password", vec![other], transactions);
    let mut authority = Waiting::start(&broker, &broker.secure, "authority", &authority);
    let mut name = Waiting::start(&broker, &by_address, "name", &way("new-password", both, ""));
    password.check_refused("broker_login", "the broker refuses the login");
    authority.check_refused("broker_certificate", "the broker's certificate is not trusted");
    name.check_refused("broker_certificate", "the broker's certificate is not trusted");
    broker.stop();
    broker.certify("other", "DNS:localhost,IP:127.0.0.1");
    broker.start_secure_again("new-password");
    for mended in [password, authority, name] {
        mended.check_mended();
    }
}
