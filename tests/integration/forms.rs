//! Protobuf in: the same payments as in JSON, and a client that sends the other form is told so.

use crate::broker::Topics;
use crate::events::{are_all_answered, borrowed, check_answers, check_no_secret, payments};
use crate::service::Home;

#[path = "../../src/stages/decode/tests/transcode.rs"]
mod transcode;

const PROTOBUF: &str = "application/x-protobuf";

/// With `auto` each message says its form: a payment that came in JSON and comes again in protobuf
/// gets the same bytes for an answer, and one that says the wrong form becomes a dead letter.
#[test]
fn each_message_says_its_form() {
    let (topics, mut home) = (Topics::new(1), Home::new());
    home.kafka = "format = \"auto\"".to_owned();
    let transcoder = transcode::Transcoder::new();
    let events = payments("forms", 60);
    let bytes: Vec<(String, Vec<u8>)> =
        events.iter().map(|(id, json)| (id.clone(), transcoder.transcode(json))).collect();
    topics.produce(borrowed(&events[..40]));
    topics.produce_as(Some(PROTOBUF), borrowed(&bytes[20..]));
    topics.produce_as(Some("application/json"), borrowed(&events[50..]));
    topics.produce_as(Some(PROTOBUF), borrowed(&events[..1]));
    topics.produce(borrowed(&bytes[..1]));
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| records.len() >= 90);
    assert!(are_all_answered(&decisions, &events));
    assert_eq!(decisions.len(), 90, "each message has its answer");
    check_answers(&decisions, &events);
    let letters = topics.read("dead", |records| records.len() >= 2);
    let reason = |at: usize| {
        check_no_secret("a dead letter", &letters[at].payload);
        let letter: serde_json::Value = serde_json::from_slice(&letters[at].payload).unwrap();
        letter["reason"].as_str().unwrap().to_owned()
    };
    // Protobuf is hardly ever text.
    assert_eq!([reason(0), reason(1)], ["malformed_protobuf", "not_utf8"]);
    assert_eq!(service.stop().0.code(), Some(0));
}

/// With `protobuf` no header is needed.
#[test]
fn a_topic_of_protobuf_needs_no_header() {
    let (topics, mut home) = (Topics::new(1), Home::new());
    home.kafka = "format = \"protobuf\"".to_owned();
    let transcoder = transcode::Transcoder::new();
    let mut events = payments("proto", 20);
    for (_, bytes) in &mut events {
        *bytes = transcoder.transcode(bytes);
    }
    topics.produce(borrowed(&events));
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    assert_eq!(service.stop().0.code(), Some(0));
    assert_eq!(topics.committed(), 20);
}
