//! Amounts in a currency without a rate: no rule over the base currency can speak of them, so the
//! policy does, and sums that lack them say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bundle::{Bundle, shipped_files};
use crate::domain::{
    Action, Applied, Body, DecisionFlags, EntityKind, EventTime, Fact, FollowUps, Input, Token,
};
use crate::engine::{Engine, EngineLimits, Unhurried};

const START: i64 = 1_798_556_400_000;
const HOUR: i64 = 3_600_000;

fn engine(files: &BTreeMap<String, Vec<u8>>) -> Engine {
    let limits = EngineLimits { recent_events: 1_000, ..EngineLimits::default() };
    let bundle = Bundle::compile(files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    Engine::new(Arc::new(bundle), &limits).unwrap()
}

/// Decides a transfer of 6,000,000.00 of an account, worth `base` if anything.
fn decide(engine: &mut Engine, n: u64, at_ms: i64, account: u64, base: Option<i64>) -> Body {
    let mut input = Input::new();
    input.event = Token::from_words([n, 7]);
    input.occurred_at = EventTime::from_ms(START + at_ms).unwrap();
    input.received_at = input.occurred_at;
    input.tokens.set(EntityKind::Account, Token::from_words([account, 1]));
    let facts = &mut input.facts;
    facts.set_text(Fact::Kind, "transfer");
    facts.set_text(Fact::Service, "internet_payment");
    facts.set_int(Fact::OccurredAt, input.occurred_at.as_ms());
    facts.set_text(Fact::Currency, if base.is_some() { "CNY" } else { "CNH" });
    facts.set_int(Fact::AmountMinor, 600_000_000);
    if let Some(base) = base {
        facts.set_int(Fact::AmountBase, base);
    }
    match engine.apply(&input, &mut Unhurried) {
        Applied::Decided { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

fn gives_the_reason(engine: &Engine, body: &Body) -> bool {
    body.reasons.as_slice().iter().any(|id| engine.reason(*id).0 == "no_exchange_rate")
}

fn is_incomplete(engine: &Engine, column: &str) -> bool {
    let column = engine.bundle().schema.get(column).unwrap().id;
    assert!(engine.row().has(column));
    engine.row().is_incomplete(column)
}

/// Millions in a currency that nobody gave a rate are looked at, and declined from the fourth a day
/// on; the payer's sums say that they lack them until they have left the window, and no other's do.
#[test]
fn millions_without_a_rate_do_not_pass_unseen() {
    let mut engine = engine(&shipped_files());
    let first = decide(&mut engine, 1, 0, 1, Some(100));
    assert!(!first.flags.contains(DecisionFlags::INCOMPLETE));
    assert!(!is_incomplete(&engine, "account_moved_24h"));
    for n in 2..=5 {
        let body = decide(&mut engine, n, n as i64 * HOUR, 1, None);
        assert!(body.flags.contains(DecisionFlags::INCOMPLETE), "{n}");
        assert!(body.follow_ups.contains(FollowUps::REVIEW), "{n}");
        assert_eq!(body.action, if n < 5 { Action::Approve } else { Action::Decline }, "{n}");
        assert!(gives_the_reason(&engine, &body), "{n}");
    }
    let later = decide(&mut engine, 6, 6 * HOUR, 1, Some(100));
    assert!(later.flags.contains(DecisionFlags::INCOMPLETE));
    assert!(is_incomplete(&engine, "account_moved_24h"));
    assert!(!is_incomplete(&engine, "account_cash_day"), "a transfer is no withdrawal");
    let other = decide(&mut engine, 7, 6 * HOUR, 2, Some(100));
    assert!(!other.flags.contains(DecisionFlags::INCOMPLETE));
    decide(&mut engine, 8, 30 * HOUR, 1, Some(100));
    assert!(
        !is_incomplete(&engine, "account_moved_24h"),
        "the last one left the window an hour ago"
    );
}

/// A bundle that says nothing of it has a person look at it; what can never hold is refused.
#[test]
fn every_bundle_has_an_answer() {
    let without = |replaced: &str| {
        let mut files = shipped_files();
        let policy = String::from_utf8(files["policy.yaml"].clone()).unwrap();
        let from = policy.find("  no_rate:\n").unwrap();
        let to = policy.find("  # The answer when there was no time").unwrap();
        let policy = format!("{}{replaced}{}", &policy[..from], &policy[to..]);
        files.insert("policy.yaml".to_owned(), policy.into_bytes());
        files
    };
    let mut engine = engine(&without(""));
    let body = decide(&mut engine, 1, 0, 1, None);
    assert_eq!((body.action, body.follow_ups), (Action::Approve, FollowUps::REVIEW));
    assert!(gives_the_reason(&engine, &body));
    let limit = "  no_rate: {reason: night, decline_above: {amount_minor: 599_999_999}}\n";
    let mut engine = self::engine(&without(limit));
    assert_eq!(decide(&mut engine, 1, 0, 1, None).action, Action::Decline);
    for (replaced, named) in [
        ("  no_rate: {reason: night}\n", "pass unseen"),
        ("  no_rate: {action: decline}\n", "`reason` is missing"),
        ("  no_rate: {action: decline, reason: night, decline_above: {kind: 3}}\n", "int column"),
        ("  no_rate: {action: decline, reason: night, decline_above: 3}\n", "must be a map"),
    ] {
        let faults = Bundle::compile(&without(replaced)).err().unwrap_or_default();
        assert!(faults.iter().any(|fault| fault.message.contains(named)), "{named}: {faults:?}");
    }
}
