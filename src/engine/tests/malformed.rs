//! A field that cannot be read costs its own value and nothing else: the payment is decided, the answer
//! and the rules say what was missing.

use std::sync::Arc;

use super::forms::pipeline;
use crate::bundle::Bundle;
use crate::domain::{Action, Fact};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::engine::{Intent, Outcome};
use crate::stages::enrich::Tables;

/// An event with more members.
fn line(id: &str, more: &str) -> String {
    format!(
        r#"{{"event_id":"{id}","kind":"payment","service":"mobile_payment",
        "occurred_at":"2026-11-23T10:00:00Z","amount":{{"minor":100,"currency":"CNY"}}{more}}}"#
    )
}

struct Said {
    document: serde_json::Value,
    count: Option<i64>,
    network: Option<bool>,
    luhn: Option<bool>,
    unknown: u32,
    attributes: usize,
}

fn said(lines: &[String]) -> Vec<Said> {
    let (keys, tables) = (Keys::demo().token_keys(), Tables::default());
    let mut pipeline = pipeline(&Arc::new(Bundle::shipped()), Machine::untimed());
    let mut all = Vec::new();
    for line in lines {
        let step = pipeline.process(line, (None, None), Intent::Decide, (&tables, &keys)).unwrap();
        assert!(matches!(step.outcome, Outcome::Applied(_)), "{line}: {:?}", step.outcome);
        let facts = &step.input.facts;
        all.push(Said {
            document: serde_json::from_slice(step.decision.unwrap().as_bytes()).unwrap(),
            count: facts.int(Fact::MalformedFields),
            network: facts.bool(Fact::MalformedNetwork),
            luhn: facts.bool(Fact::CardLuhnValid),
            unknown: step.dropped.unknown,
            attributes: step.input.attributes.len(),
        });
    }
    all
}

/// The answer names each field, and the facts count them and say where; the same message again gets
/// the same bytes.
#[test]
fn the_answer_and_the_facts_say_what_could_not_be_read() {
    let lines = [
        line("e-1", ""),
        line("e-2", r#","network":{"ip":"unknown"},"payer":{"card":{"number":"1234"}},"device":5"#),
    ];
    let all = said(&[&lines[..], &lines[..]].concat());
    let [clean, malformed, .., again] = &all[..] else { panic!("four answers") };
    assert_eq!((clean.count, clean.network, clean.luhn), (Some(0), Some(false), None));
    assert_eq!(clean.document["malformed"], serde_json::json!([]));
    let names = serde_json::json!(["payer.card.number", "device", "network.ip"]);
    assert_eq!(malformed.document["malformed"], names);
    let flags = malformed.document["flags"].as_array().unwrap();
    assert!(flags.contains(&"malformed".into()), "{flags:?}");
    assert_eq!(
        (malformed.count, malformed.network, malformed.luhn),
        (Some(3), Some(true), Some(false))
    );
    assert!(Action::parse(malformed.document["action"].as_str().unwrap()).is_some());
    assert_eq!(again.document, malformed.document);
}

/// A custom field that the bundle declares with another type is malformed, one that it does not declare
/// is unknown; neither is kept.
#[test]
fn custom_fields_are_what_the_bundle_declares() {
    let attributes = r#","attributes":{"channel":"app","basket_items":"5","note":"x","cart":1}"#;
    let all = said(&[line("e-1", attributes)]);
    assert_eq!(all[0].document["malformed"], serde_json::json!(["attributes.basket_items"]));
    assert_eq!((all[0].count, all[0].unknown, all[0].attributes), (Some(1), 2, 1));
}
