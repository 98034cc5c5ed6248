//! What people change stands in the audit topic: who, what and why, in order with the decisions.

use std::collections::BTreeMap;

use tidegate::journal::{Item, Reader};

use crate::broker::{Record, Topics};
use crate::events::{SECRETS, are_all_answered, borrowed, check_no_secret, payments};
use crate::service::{Home, approver, hex};

/// Puts a card on a list, for a case: proposed by this user, approved by a key.
fn list_a_card(home: &Home, topics: &Topics, case: &str) {
    let file = home.dir.path().join("cards.csv");
    std::fs::write(&file, format!("value\n{}\n", SECRETS[0])).unwrap();
    let words = [
        ["lists", "import", "stolen_cards", "--file", file.to_str().unwrap()],
        ["--source", "chargeback", "--reason", case, "--appeal"],
        ["desk 3", "--expires", "2090-01-01T00:00:00Z", "--legal-basis", "contract 7"],
    ];
    let said = home.tell(topics, &words.concat());
    let (_, change) = said.split_once("tidegate lists approve ").unwrap();
    let (change, text) = change.split_once("\n").unwrap();
    let (_, text) = text.split_once("line ends included:\n").unwrap();
    let (_, expires) = text.trim_end().rsplit_once("expires ").unwrap();
    let signature = hex(approver().sign(text.as_bytes()).as_ref());
    let approve = ["lists", "approve", change, "--signature", &signature, "--expires", expires];
    home.tell(topics, &approve);
}

/// The audit topic is the journal's open parts, all of them, to the byte. Gives its changes.
fn check_audit(home: &Home, audit: &[Record]) -> Vec<String> {
    let mut records: BTreeMap<u64, &Record> = BTreeMap::new();
    for record in audit {
        check_no_secret("an audit record", &record.payload);
        let first = *records.entry(record.seq.unwrap()).or_insert(record);
        assert_eq!(record, first, "a repeat is the same");
    }
    let mut reader = Reader::open(home.journal_dir()).unwrap().unwrap();
    let (mut count, mut changes) = (0, Vec::new());
    while let Some(item) = reader.read().unwrap() {
        let Item::Entry(entry) = item else { continue };
        let (seq, key, is_change) =
            (entry.seq.0, entry.input.event_id.clone(), entry.input.control.is_some());
        let record = records.get(&seq).unwrap_or_else(|| panic!("{key} ({seq}) is not there"));
        assert_eq!((&record.key, &*record.payload), (&key, reader.open_part().as_bytes()));
        count += 1;
        changes.extend(is_change.then_some(key));
    }
    assert_eq!(count, records.len(), "nothing else is there");
    changes
}

/// Changes over the socket, changes on the journal itself while no service runs, and a kill between:
/// every record of the journal is sent.
fn run_with_changes(topics: &Topics, home: &Home) -> Vec<Record> {
    let events = payments("changed", 200);
    let (before, after) = events.split_at(100);
    let service = home.start(topics);
    service.wait_until_ready();
    list_a_card(home, topics, "case 1");
    topics.produce(borrowed(before));
    topics.read("decisions", |records| are_all_answered(records, before));
    home.tell(topics, &["rules", "off", "K1", "--reason", "too loud"]);
    service.kill();
    list_a_card(home, topics, "case 2");
    topics.produce(borrowed(after));
    let service = home.start(topics);
    let audit = topics.read("audit", |records| {
        are_all_answered(records, &events[..]) && {
            let lists = records.iter().filter(|record| record.key == "control.list_add");
            lists.map(|record| record.seq).collect::<std::collections::BTreeSet<_>>().len() == 2
        }
    });
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    let changes = check_audit(home, &audit);
    assert_eq!(changes, ["control.list_add", "control.switch_off", "control.list_add"]);
    audit
}

/// The main way, and a crash: at least once, a repeat is the same to the byte.
#[test]
fn changes_are_in_the_audit_topic() {
    let (topics, mut home) = (Topics::new(2), Home::new());
    home.has_socket = true;
    run_with_changes(&topics, &home);
}

/// With transactions a reader of committed records sees them in their order; what was changed after
/// the first message, once.
#[test]
fn with_transactions_changes_come_in_order() {
    let (topics, mut home) = (Topics::new(2), Home::new());
    home.has_socket = true;
    home.kafka = "transactions = true\n".to_owned();
    let audit = run_with_changes(&topics, &home);
    let seqs: Vec<u64> = audit.iter().map(|record| record.seq.unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
}
