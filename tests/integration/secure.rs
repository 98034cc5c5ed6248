//! A broker that is encrypted and asks who one is: reached, and refused with a clear word.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use crate::broker::{OwnBroker, Topics};
use crate::events::{are_all_answered, borrowed, check_answers, payments};
use crate::service::Home;

/// The password that `deploy/kafka/start --secure` gives the user `tidegate`.
const PASSWORD: &str = "tidegate-secret";

/// A service's home that goes to the broker's secure listener with a password.
fn home(broker: &OwnBroker, mechanism: &str, password: &str) -> Home {
    let mut home = Home::new();
    let file = home.dir.path().join("password");
    let mut options = std::fs::OpenOptions::new();
    let mut secret = options.write(true).create_new(true).mode(0o600).open(&file).unwrap();
    secret.write_all(password.as_bytes()).unwrap();
    home.kafka = format!(
        "[kafka.security]\nprotocol = \"sasl_tls\"\nmechanism = \"{mechanism}\"\n\
         username = \"tidegate\"\npassword_file = \"{}\"\nca_file = \"{}\"",
        file.display(),
        broker.certificate().display()
    );
    home
}

/// Both mechanisms over TLS carry the main job; a wrong password is said, by the service's own
/// readiness and in the log, and it goes on trying: whoever corrects the broker's side needs no
/// restart, and nothing restarts it in a loop.
#[test]
fn an_encrypted_broker_is_reached_by_those_it_knows() {
    let broker = OwnBroker::start_secure();
    for mechanism in ["SCRAM-SHA-512", "PLAIN"] {
        let topics = Topics::on(broker.bootstrap.clone(), 1);
        let events = payments("secure", 200);
        topics.produce(borrowed(&events));
        let home = home(&broker, mechanism, PASSWORD);
        let service = home.start(&topics.reached_at(&broker.secure));
        let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
        check_answers(&decisions, &events);
        let (status, log) = service.stop();
        assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
        assert_eq!(topics.committed(), 200);
    }

    let topics = Topics::on(broker.bootstrap.clone(), 1);
    let home = home(&broker, "SCRAM-SHA-512", "not-the-password");
    let mut service = home.start(&topics.reached_at(&broker.secure));
    service.wait_for_line("SASL authentication error");
    service.wait_until(|service| {
        let (status, body) = service.get("/readyz");
        status.contains("503") && body.contains("broker_unreachable")
    });
    let (status, log) = service.stop();
    let log = log.join("\n");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("not-the-password"), "the log shows the password");
}
