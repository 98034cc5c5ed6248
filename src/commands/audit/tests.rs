//! The tail: every fact by its name, every token in its form, and never a raw value.

use std::fs;

use super::*;
use crate::domain::{
    Action, Applied, Body, DeviceIdentifier, EntityKind, EventTime, Fact, FollowUps, Input,
    Observed, ReasonId, Token,
};
use crate::edges::keys::Keys;
use crate::journal::{
    BundleHash, Durability, Entry, FreshRandom, Hits, KeyCheck, Opening, StoredBundle,
    TokenKeyName, Writer,
};

fn journal(inputs: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let opened_at = EventTime::from_ms(1_800_000_000_000).unwrap();
    let opening = Opening {
        key: Keys::demo().seal_key(),
        token_key: TokenKeyName { version: 3, check: KeyCheck([3; 16]) },
        software: "tidegate".to_owned(),
        engine_semantics: 1,
        opened_at,
        segment_bytes: 1 << 16,
        fresh: FreshRandom::draw().unwrap(),
    };
    let mut writer = Writer::open(dir.path(), opening).unwrap();
    let reasons = vec![(ReasonId(2), "card_testing".to_owned())];
    let hash = BundleHash([0xab; 32]);
    let bundle =
        writer.activate(StoredBundle { hash, reasons, ..StoredBundle::default() }).unwrap();
    for number in 1..=inputs {
        let mut input = Input::new();
        input.received_at = opened_at;
        input.occurred_at = opened_at;
        input.key_version = 3;
        input.event_id = format!("event-{number}");
        input.tokens.set(EntityKind::Card, Token::from_bytes([0x11; 16]));
        input.device.set(DeviceIdentifier::Mac, 0x22);
        input.facts.set_text(Fact::Kind, "payment");
        input.facts.set_int(Fact::AmountMinor, 1_250);
        input.facts.set_text(Fact::Currency, "CNY");
        input.facts.set_bool(Fact::IpTor, true);
        let mut body = Body { action: Action::Decline, score: 930, ..Body::default() };
        body.follow_ups = FollowUps::REVIEW;
        body.reasons.push(ReasonId(2));
        let entry = Entry {
            seq: Seq(number),
            input: &input,
            applied: Applied::Decided { seq: Seq(number), body },
            device: None,
            hits: Hits { fired: &[4], ..Hits::default() },
            features: None,
            bundle,
            observed: &Observed::default(),
        };
        writer.append(&entry, None).unwrap();
    }
    writer.flush(Durability::Written).unwrap();
    dir
}

fn tail(dir: &std::path::Path) -> Tail {
    Tail { journal: dir.to_owned(), follow: false, from: None, lines: 20, json: true }
}

fn shown(tail: &Tail) -> String {
    let mut out = Vec::new();
    show(tail, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The line is what scripts and a console read: names and forms are stable.
#[test]
fn a_line_says_everything_by_name() {
    let dir = journal(1);
    let line: serde_json::Value = serde_json::from_str(&shown(&tail(dir.path()))).unwrap();
    for (path, expected) in [
        ("/seq", "1"),
        ("/event_id", "\"event-1\""),
        ("/entities/card", "\"v3:11111111111111111111111111111111\""),
        ("/device_ids/mac", "\"v3:0000000000000022\""),
        ("/facts/amount_minor", "1250"),
        ("/facts/ip_tor", "true"),
        ("/result", "\"decided\""),
        ("/decision/action", "\"decline\""),
        ("/decision/follow_ups", "[\"review\"]"),
        ("/decision/reasons", "[\"card_testing\"]"),
        // This version cannot compile the bundle, which has no files: a band goes by its number.
        ("/decision/band_name", "\"0\""),
        ("/fired", "[\"rule_4\"]"),
        ("/bundle/number", "0"),
        ("/received_at", "\"2027-01-15T08:00:00.000Z\""),
    ] {
        assert_eq!(line.pointer(path).unwrap().to_string(), expected, "{path}");
    }
    let hash = line.pointer("/bundle/hash").unwrap().as_str().unwrap();
    assert_eq!(hash, "ab".repeat(32));
}

/// The newest records are shown, or those from a number on; the table says the same in short.
#[test]
fn the_tail_is_the_newest() {
    let dir = journal(30);
    let seqs = |tail: &Tail| -> Vec<u64> {
        let text = shown(tail);
        let line = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(|text| line(text)["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(seqs(&tail(dir.path())), (11..=30).collect::<Vec<_>>());
    assert_eq!(seqs(&Tail { lines: 2, ..tail(dir.path()) }), [29, 30]);
    assert_eq!(seqs(&Tail { from: Some(29), ..tail(dir.path()) }), [29, 30]);
    let table = shown(&Tail { json: false, lines: 1, ..tail(dir.path()) });
    let row = table.lines().nth(1).unwrap();
    for word in ["30", "event-30", "payment", "12.50 CNY", "decline+review", "930", "card_testing"]
    {
        assert!(row.contains(word), "{word}: {row}");
    }
}

/// Nothing there is the caller's mistake, damage is a finding, and each has its exit code.
#[test]
fn faults_have_their_codes() {
    let code = |dir: &std::path::Path| show(&tail(dir), &mut Vec::new()).unwrap_err().code();
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(code(empty.path()), 2);
    assert_eq!(code(&empty.path().join("none")), 2);
    let dir = journal(3);
    let path = dir.path().join("00000000000000000000.tgj");
    let mut bytes = fs::read(&path).unwrap();
    bytes[400] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(code(dir.path()), 1);
}
