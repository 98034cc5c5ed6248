//! The main way: events in, each answered once, faults named, nothing shown that must not be.

use crate::broker::Topics;
use crate::events::{are_all_answered, borrowed, check_answers, check_no_secret, payments};
use crate::service::Home;

/// Every event has one masked decision and one audit record under the same number, and after a
/// polite stop the group knows that all is done.
#[test]
fn each_event_is_decided_once() {
    let (topics, home) = (Topics::new(3), Home::new());
    let events = payments("once", 2_000);
    topics.produce(borrowed(&events));
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    assert_eq!(decisions.len(), events.len(), "without a crash nothing is repeated");
    let audit = topics.read("audit", |records| records.len() >= events.len());
    let numbers = |records: &[crate::broker::Record]| -> std::collections::BTreeSet<_> {
        records.iter().map(|record| (record.key.clone(), record.seq)).collect()
    };
    assert_eq!(numbers(&audit), numbers(&decisions));
    service.wait_until_ready();
    service.wait_until(|service| service.get("/metrics").1.contains("quantile=\"0.99\""));
    let metrics = service.get("/metrics").1;
    assert!(metrics.contains("tidegate_inputs_total{result=\"decided\"} 2000\n"), "{metrics}");
    for record in decisions.iter().chain(&audit) {
        check_no_secret("a record", &record.payload);
        check_no_secret("a key", record.key.as_bytes());
    }
    check_no_secret("the metrics", metrics.as_bytes());
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    check_no_secret("the log", log.join("\n").as_bytes());
    assert_eq!(topics.committed(), 2_000);
}

/// A retry gets the same answer; the same id with other content is reported and not scored.
#[test]
fn a_retry_gets_the_same_bytes_and_a_conflict_none() {
    let (topics, home) = (Topics::new(1), Home::new());
    let events = payments("retry", 50);
    topics.produce(borrowed(&events));
    topics.produce(borrowed(&events));
    let mut other = payments("retry", 1);
    let json = String::from_utf8(other[0].1.clone()).unwrap();
    other[0].1 = json.replace("\"minor\":100", "\"minor\":101").into_bytes();
    topics.produce(borrowed(&other));
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| records.len() >= 100);
    assert_eq!(decisions.len(), 100);
    check_answers(&decisions, &events);
    let letters = topics.read("dead", |records| !records.is_empty());
    assert_eq!(letters.len(), 1);
    let letter: serde_json::Value = serde_json::from_slice(&letters[0].payload).unwrap();
    assert_eq!(letter["reason"], "conflict");
    assert_eq!(service.stop().0.code(), Some(0));
}

/// What cannot become an event is named by its place and never quoted; the stream goes on.
#[test]
fn dead_letters_name_the_place_and_show_no_value() {
    let (topics, home) = (Topics::new(1), Home::new());
    let good = payments("good", 1);
    let json = String::from_utf8(good[0].1.clone()).unwrap();
    let deep = "[".repeat(10_000);
    let bad: Vec<(&str, Vec<u8>, &str)> = vec![
        ("truncated", json.as_bytes()[..json.len() / 2].to_vec(), "malformed_json"),
        ("not utf-8", [b"{\"6225881234567890\":\"", &[0xff][..], b"\"}"].concat(), "not_utf8"),
        ("deep", format!("{{\"payer\":{deep}}}").into_bytes(), ""),
        ("empty", Vec::new(), "malformed_json"),
        ("huge", json.replace("5411", &"6225881234567890".repeat(4_000)).into_bytes(), "too_large"),
        ("typed", json.replace("\"payment\"", "13712349050").into_bytes(), "wrong_type"),
        ("twice", json.replace("{\"minor\"", "{\"minor\":1,\"minor\"").into_bytes(), ""),
        ("forbidden", json.replace("\"phone\"", "\"cvn\"").into_bytes(), "forbidden_data"),
    ];
    topics.produce(bad.iter().map(|(key, bytes, _)| (*key, bytes.as_slice())));
    topics.produce(borrowed(&good));
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| !records.is_empty());
    check_answers(&decisions, &good);
    let letters = topics.read("dead", |records| records.len() >= bad.len());
    assert_eq!(letters.len(), bad.len());
    for (offset, (letter, (name, _, reason))) in letters.iter().zip(&bad).enumerate() {
        check_no_secret("a dead letter", &letter.payload);
        let letter: serde_json::Value = serde_json::from_slice(&letter.payload).unwrap();
        let keys = letter.as_object().unwrap().keys().map(String::as_str);
        let always = ["field", "offset", "partition", "reason", "received_at", "topic"];
        let known = ["at_byte", "event_id", "wanted"];
        let others: Vec<&str> = keys.into_iter().filter(|key| !known.contains(key)).collect();
        assert_eq!(others, always, "{name}");
        assert_eq!(letter.get("at_byte").is_some(), *reason == "malformed_json", "{name}");
        assert_eq!(letter["offset"], offset, "{name}");
        assert_eq!(letter["topic"], topics.name("in").as_str());
        if !reason.is_empty() {
            assert_eq!(letter["reason"], *reason, "{name}");
        }
    }
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    check_no_secret("the log", log.join("\n").as_bytes());
    assert_eq!(topics.committed(), bad.len() as i64 + 1);
}
