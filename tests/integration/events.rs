//! Payments of now, with personal values that must not come out again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::broker::Record;

/// Keys of the tests only.
pub(crate) const KEYS: &str = "[token]
version = 1
key = \"5d1f0c3a9b7e4826d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7\"
[[journal]]
id = 1
key = \"a1b2c3d4e5f60718293a4b5c6d7e8f90112233445566778899aabbccddeeff01\"
";

/// Values that no topic, log or metric may show.
pub(crate) const SECRETS: [&str; 4] =
    ["6225881234567890", "13712349050", "11010519491231002X", "zhang.san@example.com"];

/// A payment's id and its JSON.
pub(crate) type Event = (String, Vec<u8>);

/// Payments that happen now, over a few hundred accounts.
pub(crate) fn payments(name: &str, count: usize) -> Vec<Event> {
    let [card, phone, id_number, email] = SECRETS;
    let now = jiff::Timestamp::now();
    let payment = |number: usize| {
        let id = format!("{name}-{number}");
        let account = number % 300;
        let minor = 100 + number * 37 % 50_000;
        let mut json = String::new();
        write!(
            json,
            "{{\"event_id\":\"{id}\",\"kind\":\"payment\",\"service\":\"mobile_payment\",\
             \"occurred_at\":\"{now:.3}\",\"amount\":{{\"minor\":{minor},\"currency\":\"CNY\"}},\
             \"payer\":{{\"account_id\":\"acct-{account}\",\"card\":{{\"number\":\"{card}\"}},\
             \"phone\":\"{phone}\",\"id_number\":\"{id_number}\",\"email\":\"{email}\"}},\
             \"merchant\":{{\"id\":\"m-{}\",\"mcc\":\"5411\"}}}}",
            number % 17
        )
        .unwrap();
        (id, json.into_bytes())
    };
    (0..count).map(payment).collect()
}

/// What `Topics::produce` takes.
pub(crate) fn borrowed(events: &[Event]) -> impl Iterator<Item = (&str, &[u8])> {
    events.iter().map(|(id, json)| (id.as_str(), json.as_slice()))
}

/// Whether every event has an answer.
pub(crate) fn are_all_answered(records: &[Record], events: &[Event]) -> bool {
    records.len() >= events.len() && by_key(records).len() >= events.len()
}

fn by_key(records: &[Record]) -> BTreeMap<&str, &Record> {
    records.iter().map(|record| (record.key.as_str(), record)).collect()
}

/// Every event has an answer under a number of its own, and a repeat is the same to the byte.
pub(crate) fn check_answers(records: &[Record], events: &[Event]) {
    let answers = by_key(records);
    for (id, _) in events {
        assert!(answers.contains_key(id.as_str()), "{id} has no answer");
    }
    assert_eq!(answers.len(), events.len(), "answers to events that were not sent");
    let mut by_seq: BTreeMap<u64, &str> = BTreeMap::new();
    for record in records {
        let first = answers[record.key.as_str()];
        assert_eq!(record, first, "{} was answered twice, differently", record.key);
        let seq = record.seq.expect("an answer has a number");
        let key = *by_seq.entry(seq).or_insert(&record.key);
        assert_eq!(key, record.key, "two events under the number {seq}");
    }
    assert_eq!(by_seq.len(), events.len(), "an event was counted twice");
}

/// No personal value of an event is in the text.
pub(crate) fn check_no_secret(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{place} shows a personal value");
    }
}
