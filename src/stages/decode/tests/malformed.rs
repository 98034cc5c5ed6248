//! A payment that can be decided is decided: what it does not need never refuses it.

use serde_json::{Value as Json, json};

use super::read;
use crate::domain::{Field, Message, PaymentEvent};
use crate::stages::decode::RejectReason;

fn base() -> Json {
    json!({
        "event_id": "evt-1", "kind": "payment", "service": "mobile_payment",
        "occurred_at": "2026-11-23T10:00:00+08:00", "amount": {"minor": 100, "currency": "CNY"},
        "payer": {"account_id": "a-1", "card": {"number": "6225881234567890"}, "phone": "13800138000"},
        "merchant": {"id": "m-1", "mcc": "5411"}, "terminal": {"id": "t-1", "type": "02"},
        "device": {"platform": "android", "memory_mb": 12288, "flags": {"rooted": false}},
        "network": {"ip": "203.0.113.9", "port": 443},
        "location": {"lat": 30.2, "lon": 120.1, "accuracy_m": 15, "datum": "gcj02"},
    })
}

/// An event with one member put at `path`, the objects on the way included.
fn with(path: &str, value: &Json) -> Vec<u8> {
    let mut event = base();
    let mut at = &mut event;
    for step in path.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[step];
    }
    *at = value.clone();
    event.to_string().into_bytes()
}

/// The fields that only hold the fields after them.
const NEEDED: &[Field] = &[
    Field::EventId,
    Field::Kind,
    Field::Service,
    Field::OccurredAt,
    Field::Amount,
    Field::AmountMinor,
    Field::AmountCurrency,
];

/// Every field of the schema, with a value of every type: a needed one refuses the message by its
/// name, any other is dropped and named, and nothing else of the event is.
#[test]
fn every_field_with_every_type() {
    let values =
        [json!(-7.5), json!("\u{1}"), json!(true), json!([1, [2]]), json!({"a": {"b": 1}})];
    for field in Field::ALL {
        for value in &values {
            let said = format!("{} {value}", field.name());
            match read(&with(field.name(), value)) {
                Err(reject) => {
                    assert!(NEEDED.contains(field), "{said}: {reject}");
                    assert!(reject.field.is_some_and(|at| at.starts_with(field.name())), "{said}");
                }
                Ok(decoded) => {
                    assert!(!NEEDED.contains(field), "{said}");
                    let malformed = decoded.dropped.malformed;
                    // A value of the field's own type is not malformed, but may stand alone in its
                    // object.
                    let object = field.name().split('.').next().unwrap();
                    assert!(malformed.iter().all(|at| at.name().starts_with(object)), "{said}");
                    let has_own_type = malformed.is_empty();
                    let wanted = field.wanted();
                    let may = match value {
                        Json::String(_) => wanted.starts_with("a text"),
                        Json::Bool(_) => wanted.starts_with("true"),
                        Json::Object(_) => wanted.starts_with("an object"),
                        Json::Number(_) => wanted.starts_with("a number"),
                        _ => false,
                    };
                    assert!(may || !has_own_type, "{said}");
                }
            }
        }
    }
}

fn event(bytes: &[u8], of: impl FnOnce(&PaymentEvent<'_>), malformed: &[&str]) {
    let decoded = read(bytes).unwrap();
    let names: Vec<_> = decoded.dropped.malformed.iter().map(Field::name).collect();
    assert_eq!(names, malformed, "{}", String::from_utf8_lossy(bytes));
    let Message::Event(event) = &decoded.message else { panic!("an event") };
    of(event);
}

/// Values that careless clients and fraudsters send: gone, and what stood beside them stays.
#[test]
fn what_cannot_be_read_is_gone_and_the_rest_stays() {
    let check = |path: &str, value: Json, of: fn(&PaymentEvent<'_>)| {
        event(&with(path, &value), of, &[path]);
    };
    for ip in ["unknown", "1.2.3.4:5678", "fe80::1%eth0", "10.0.0.0/8", "1.2.3"] {
        check("network.ip", json!(ip), |event| {
            assert!(event.network.ip.is_none() && event.network.port == Some(443));
        });
    }
    check("network.port", json!(70_000), |event| {
        assert!(event.network.port.is_none() && event.network.ip.is_some());
    });
    check("payer.email", json!("x".repeat(300)), |event| assert!(event.payer.account_id.is_some()));
    check("merchant.mcc", json!(5411), |event| {
        assert!(event.merchant.mcc.is_none() && event.merchant.id.is_some());
    });
    check("payer.card.number", json!("1234"), |event| {
        assert!(event.payer.card.is_none() && event.payer.account_id.is_some());
    });
    check("location.datum", json!("WGS84"), |event| assert!(event.location.is_none()));
    check("location.accuracy_m", json!(-1), |event| {
        assert!(event.location.is_some_and(|place| place.accuracy_m.is_none()));
    });
    check("device.flags.rooted", json!("no"), |event| {
        assert!(event.device.flags.rooted.is_none() && event.device.platform.is_some());
    });
    check("attempt_of", json!("no spaces"), |event| assert!(event.attempt_of.is_none()));
    check("attributes", json!([]), |event| assert!(event.attributes.is_empty()));
    event(
        &with("attributes", &json!({"a": {"b": 1}, "b": "x".repeat(300), "c": 3})),
        |event| assert_eq!(event.attributes.len(), 1),
        &["attributes"],
    );
}

/// Of a field that is given twice nobody can say which value holds.
#[test]
fn what_comes_twice_is_gone() {
    let check = |from: &str, to: &str, of: fn(&PaymentEvent<'_>), malformed: &[&str]| {
        let bytes = base().to_string().replacen(from, to, 1);
        event(bytes.as_bytes(), of, malformed);
    };
    check(
        r#""payer":"#,
        r#""payer":{"account_id":"b"},"payer":"#,
        |event| assert!(event.payer.account_id.is_none() && event.payer.card.is_none()),
        &["payer"],
    );
    check(
        r#""ip":"#,
        r#""ip":"198.51.100.7","ip":"#,
        |event| assert!(event.network.ip.is_none() && event.network.port.is_some()),
        &["network.ip"],
    );
    check(
        r#""payer":"#,
        r#""attributes":{"a":1,"b":2,"a":3},"payer":"#,
        |event| assert_eq!(event.attributes.len(), 1),
        &["attributes"],
    );
    let twice = base().to_string().replacen(r#""kind":"#, r#""kind":"login","kind":"#, 1);
    let reject = read(twice.as_bytes()).unwrap_err();
    assert_eq!((reject.reason, reject.field), (RejectReason::DuplicateField, Some("kind")));
}

/// A consent that nobody can read may be a refusal (R3).
#[test]
fn an_unreadable_consent_counts_as_refused() {
    let gone = |event: &PaymentEvent<'_>| {
        assert!(event.location.is_none() && event.device.platform.is_some());
    };
    event(&with("consent.location", &json!("yes")), gone, &["consent.location"]);
    let all = |event: &PaymentEvent<'_>| {
        assert!(event.location.is_none() && event.device.platform.is_none());
        assert!(event.network.ip.is_none());
    };
    event(&with("consent", &json!("yes")), all, &["consent"]);
}

/// The amount is needed where money moves and nowhere else, and an amendment needs what it says.
#[test]
fn the_kind_says_what_is_needed() {
    let mut login = base();
    login["kind"] = json!("login");
    login["amount"] = json!({"minor": -1, "currency": "CNY"});
    let bytes = login.to_string();
    event(bytes.as_bytes(), |event| assert!(event.amount.is_none()), &["amount.minor"]);
    let outcome = json!({
        "kind": "outcome", "of": "evt-1", "result": "refused", "code": ["51"], "event_id": 5,
        "occurred_at": "2026-11-23T10:00:00Z", "amount": "none",
    });
    assert!(matches!(
        read(outcome.to_string().as_bytes()).unwrap().message,
        Message::Outcome(crate::domain::Outcome { code: None, .. })
    ));
    let mut label = json!({
        "kind": "label", "of": "evt-1", "truth": "fraud", "source": "chargeback",
        "occurred_at": "2026-11-23T10:00:00Z",
    });
    for field in ["of", "truth", "occurred_at"] {
        let good = std::mem::replace(&mut label[field], json!(5));
        let reject = read(label.to_string().as_bytes()).unwrap_err();
        assert_eq!((reject.reason, reject.field), (RejectReason::WrongType, Some(field)));
        label[field] = good;
    }
}

/// Whoever is told that something is wrong is told where, what was wanted and what came.
#[test]
fn a_reject_says_what_was_wanted_and_what_came() {
    let said = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert_eq!(
        said(&with("amount.minor", &json!("12"))),
        "wrong_type at `amount.minor`: the value has another type than the field; send the field's; \
         wanted: a whole number from 0 to 10^15; found: a text"
    );
    let reject = read(br#"{"event_id":"evt-1",}"#).unwrap_err();
    assert_eq!((reject.reason, reject.at_byte), (RejectReason::MalformedJson, Some(20)));
}

/// A refused message is found by its id, wherever that can be read.
#[test]
fn the_id_of_a_refused_message_is_found() {
    let id = |bytes: &[u8]| crate::stages::decode::event_id(bytes, &super::Door::default());
    let check = |bytes: &[u8], expected: Option<&str>| {
        assert!(read(bytes).is_err());
        assert_eq!(id(bytes).as_deref(), expected, "{}", String::from_utf8_lossy(bytes));
    };
    check(br#"{"event_id":"evt-1","kind":"payment"}"#, Some("evt-1"));
    check(br#"{"event_id":"evt-1","cvv":"123"}"#, Some("evt-1"));
    check(br#"{"cvv":"123","event_id":"evt-1"}"#, Some("evt-1"));
    check(br#"{"event_id":"evt-1","kind":}"#, Some("evt-1"));
    check(b"{\"event_id\":\"evt-1\",\"kind\":\"\xff\"}", Some("evt-1"));
    check(br#"{"kind":"outcome","of":"evt-1"}"#, Some("evt-1"));
    check(br#"{"event_id":"no spaces"}"#, None);
    check(br#"["event_id","evt-1"]"#, None);
    check(b"\xff", None);
}
