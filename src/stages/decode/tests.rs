//! What the door must do with whole messages: the corpus, the second opinion, the small stack.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::domain::{AttributeValue, Kind, PaymentEvent, Sensitive, Service};

mod malformed;
mod protobuf;
pub(crate) mod transcode;

fn read(bytes: &[u8]) -> Result<Decoded<'_>, Reject> {
    decode(bytes, &Door::default())
}

/// The event of a message that must be one.
fn event(bytes: &[u8]) -> (PaymentEvent<'_>, Dropped) {
    match read(bytes) {
        Ok(Decoded { message: Message::Event(event), dropped, .. }) => (event, dropped),
        other => panic!("not an event: {other:?}"),
    }
}

/// The corpus, by file name. A name begins with what must come out: `ok`, `malformed` (an event
/// without a field) or the reason of a refusal.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/decode");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn file(name: &str) -> Vec<u8> {
    corpus().into_iter().find(|(file, _)| file == name).expect("a file of the corpus").1
}

/// What fuzzing and thinking have found stays found: each file of the corpus gives what its name
/// says, and no reason is without a file.
#[test]
fn the_corpus_gives_what_its_names_say() {
    // Protobuf alone, which has its own corpus.
    let others = [RejectReason::MalformedProtobuf, RejectReason::UnknownField];
    check_corpus(corpus(), read, &others);
}

/// Each file gives what its name says, and every reason has one, but for `others` and those of the
/// clock.
fn check_corpus(
    corpus: Vec<(String, Vec<u8>)>,
    read: impl Fn(&[u8]) -> Result<Decoded<'_>, Reject>,
    others: &[RejectReason],
) {
    let mut met = BTreeSet::from([RejectReason::TimeAhead, RejectReason::TimeStale]);
    // What is wrong with fields that no decision needs.
    met.extend([
        RejectReason::BadFormat,
        RejectReason::BadIp,
        RejectReason::BadLocation,
        RejectReason::NumberOutOfRange,
        RejectReason::TooManyAttributes,
    ]);
    met.extend(others);
    let mut wrong = Vec::new();
    for (name, bytes) in corpus {
        let expected = name.split(['-', '.']).next().unwrap();
        let outcome = match read(&bytes) {
            Ok(decoded) if decoded.dropped.malformed.is_empty() => "ok",
            Ok(_) => "malformed",
            Err(reject) => {
                met.insert(reject.reason);
                reject.reason.name()
            }
        };
        // `any` is for what a fuzzer found: it must give something, whatever it is.
        if expected != outcome && expected != "any" {
            wrong.push(format!("{name}: {outcome}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for reason in RejectReason::ALL {
        assert!(met.contains(reason), "{reason} has no file");
    }
}

/// An independent parser that accepts nothing but JSON must accept whatever we accept: a lenient
/// door is one that two systems read differently.
#[test]
fn what_we_accept_is_json_to_serde_json_too() {
    for (name, bytes) in corpus() {
        if read(&bytes).is_ok() {
            serde_json::from_slice::<serde_json::Value>(&bytes).expect(&name);
        }
    }
}

/// A full event is read to the last field, and nothing of it is copied.
#[test]
fn a_full_event_is_read_and_borrowed() {
    let bytes = file("ok-full-mobile_payment.json");
    let (event, dropped) = event(&bytes);
    assert_eq!((event.kind, event.service), (Kind::Payment, Service::MobilePayment));
    assert_eq!(event.occurred_at.to_string(), "2026-11-23T02:00:00.123Z");
    assert_eq!(event.amount.map(|amount| amount.minor()), Some(12_850));
    let name = event.payer.name.as_ref().map(Sensitive::expose);
    assert!(matches!(name, Some(Cow::Borrowed("张三丰"))));
    assert_eq!(event.device.memory_mb, Some(12_288));
    assert_eq!(event.device.flags.mock_location, Some(false));
    assert_eq!(event.network.port, Some(51_515));
    assert_eq!(event.location.map(|location| *location.lat.expose()), Some(39.90105));
    assert_eq!(event.verification.map(|verification| verification.passed), Some(true));
    assert_eq!(event.account_change.as_deref(), Some("phone"));
    let values: Vec<_> = event.attributes.into_iter().map(|attribute| attribute.value).collect();
    assert_eq!(
        values,
        [
            AttributeValue::Text("app".into()),
            AttributeValue::Integer(3),
            AttributeValue::Number(0.15),
            AttributeValue::Flag(false),
        ]
    );
    let names: Vec<_> = dropped.known.iter().map(Field::name).collect();
    let outside = [
        "payer.email",
        "payee.name",
        "payee.id_number",
        "payee.phone",
        "payee.email",
        "terminal.iccid",
        "terminal.cell",
    ];
    assert_eq!(names, outside);
    assert_eq!((dropped.refused.is_empty(), dropped.unknown), (true, 0));
}

/// What is dropped is counted and really gone; what stays, stays (R1).
#[test]
fn a_field_outside_the_row_is_gone() {
    for service in Service::ALL {
        let bytes = file(&format!("ok-full-{}.json", service.name()));
        let (event, dropped) = event(&bytes);
        let row = whitelist::row(*service).allowed;
        let check = |field: Field, kept: bool| {
            assert_eq!(kept, row.contains(field), "{} {field:?}", service.name());
            assert_eq!(kept, !dropped.known.contains(field), "{} {field:?}", service.name());
        };
        check(Field::PayerName, event.payer.name.is_some());
        check(Field::PayerEmail, event.payer.email.is_some());
        check(Field::PayerCardNumber, event.payer.card.is_some());
        check(Field::PayeeName, event.payee.name.is_some());
        check(Field::Location, event.location.is_some());
        check(Field::DeviceIdfa, event.device.idfa.is_some());
        check(Field::DeviceOaid, event.device.oaid.is_some());
        check(Field::DeviceImei, event.device.imei.is_some());
        check(Field::TerminalIccid, event.terminal.iccid.is_some());
        check(Field::NetworkIp, event.network.ip.is_some());
    }
}

/// `service` may come last: the whitelist waits for it.
#[test]
fn the_order_of_keys_does_not_matter() {
    let bytes = file("ok-full-digital_tv.json");
    let serde_json::Value::Object(members) = serde_json::from_slice(&bytes).unwrap() else {
        panic!("the corpus holds objects")
    };
    let reversed: Vec<_> = members
        .iter()
        .rev()
        .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key.as_str())))
        .collect();
    let reversed = format!("{{{}}}", reversed.join(","));
    let (mut there, mut here) = (event(&bytes), event(reversed.as_bytes()));
    // `serde_json` sorts the names of attributes, whose order is theirs.
    there.0.attributes.sort_by(|one, other| one.name.cmp(&other.name));
    here.0.attributes.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(there, here);
}

/// A refusal drops its group, silence drops nothing (R3), and a default basis is stated (R4).
#[test]
fn only_an_explicit_refusal_drops_a_group() {
    let bytes = file("ok-refused-consent.json");
    let (refusing, dropped) = event(&bytes);
    assert_eq!(refusing.device, crate::domain::Device::default());
    assert_eq!(refusing.network, crate::domain::Network::default());
    assert_eq!(refusing.location, None);
    assert!(dropped.refused.contains(Field::Location));
    assert!(!dropped.known.contains(Field::Location));
    let silent = String::from_utf8(bytes).unwrap().replace("\"consent\":", "\"silent\":");
    let (silent, dropped) = event(silent.as_bytes());
    assert!(silent.device.imei.is_some() && silent.network.ip.is_some());
    assert!(dropped.refused.is_empty());
    let bytes = file("ok-minimal.json");
    assert_eq!(event(&bytes).0.lawful_basis.as_deref(), Some("contract"));
}

/// Bluetooth alone, and the device with it.
#[test]
fn a_bluetooth_address_needs_both_consents() {
    for (consent, bluetooth, mac) in [
        (r#"{}"#, true, true),
        (r#"{"bluetooth":false}"#, false, true),
        (r#"{"device":false}"#, false, false),
        (r#"{"device":null,"bluetooth":true}"#, true, true),
    ] {
        let bytes = format!(
            r#"{{"device":{{"mac":"a4:5e:60:c1:02:03","bluetooth_mac":"a4:5e:60:c1:02:04"}},
            "consent":{consent},"event_id":"e","kind":"login","service":"mobile_payment",
            "occurred_at":"2026-11-23T10:00:00Z"}}"#
        );
        let (event, _) = event(bytes.as_bytes());
        assert_eq!(event.device.bluetooth_mac.is_some(), bluetooth, "{consent}");
        assert_eq!(event.device.mac.is_some(), mac, "{consent}");
    }
}

/// An amendment has its own fields: what else it carries is dropped and counted.
#[test]
fn amendments_keep_their_own_fields_only() {
    let bytes = br#"{"kind":"outcome","of":"e","result":"reversed","occurred_at":
        "2026-11-23T10:00:00Z","payer":{"name":"\u5f20\u4e09"},"event_id":"x","odd":1}"#;
    let Ok(Decoded { message: Message::Outcome(outcome), dropped, .. }) = read(bytes) else {
        panic!("not an outcome")
    };
    assert_eq!((outcome.of.as_ref(), outcome.code), ("e", None));
    let names: Vec<_> = dropped.known.iter().map(Field::name).collect();
    assert_eq!(names, ["event_id", "payer.name"]);
    assert_eq!(dropped.unknown, 1);
}

/// A reject says where by our own names, and repeats nothing that the client sent.
#[test]
fn a_reject_never_quotes_the_message() {
    for (name, bytes) in corpus() {
        let Err(reject) = read(&bytes) else { continue };
        let said = format!("{reject} {reject:?}");
        for planted in ["6225881234567890", "2512", "123456", "zhang", "swipe", "54a1", "evt"] {
            assert!(!said.contains(planted), "{name}: {said}");
        }
    }
    let reject = read(br#"{"event_id":"no spaces here"}"#).unwrap_err();
    assert_eq!(
        reject.to_string(),
        "bad_event_id at `event_id`: an event id is 1 to 64 of A-Z a-z 0-9 . _ : -; change its form"
    );
}

/// The parser's own skipping recurses without a bound. Ours must refuse long before a small
/// thread's stack ends, wherever the brackets stand, and the deepest door must fit as well.
#[test]
fn deep_nesting_is_refused_on_a_small_stack() {
    let bombs = || {
        let arrays = "[".repeat(100_000);
        let objects = r#"{"a":"#.repeat(100_000);
        [
            "",
            "{\"x\":",
            "{\"payer\":",
            "{\"payer\":{\"card\":",
            "{\"event_id\":",
            "{\"amount\":",
            "{\"attributes\":{\"a\":",
            "{\"consent\":{\"device\":",
            "{\"location\":{\"lat\":",
        ]
        .into_iter()
        .flat_map(|before| [format!("{before}{arrays}"), format!("{before}{objects}")])
        .collect::<Vec<_>>()
    };
    let small = std::thread::Builder::new().stack_size(256 * 1_024);
    let small = small.spawn(move || {
        for depth_max in [8, u8::MAX] {
            let door = Door { bytes_max: usize::MAX, depth_max, ..Door::default() };
            for bomb in bombs() {
                let reason = decode(bomb.as_bytes(), &door).unwrap_err().reason;
                assert!(matches!(reason, RejectReason::TooDeep | RejectReason::WrongType));
            }
        }
    });
    small.unwrap().join().unwrap();
}

/// The depth is held exactly: the message is 1, and 8 levels are the default.
#[test]
fn the_default_depth_is_eight() {
    for (levels, expected) in [(7, Ok(())), (8, Err(RejectReason::TooDeep))] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let bytes = format!(
            r#"{{"x":{open}{close},"event_id":"e","kind":"login","service":"mobile_payment",
            "occurred_at":"2026-11-23T10:00:00Z"}}"#
        );
        let got = read(bytes.as_bytes()).map(|_| ()).map_err(|reject| reject.reason);
        assert_eq!(got, expected, "{levels}");
    }
}

/// Messages near real ones: a corpus file with a few bytes changed, cut or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<_> = corpus().into_iter().map(|(_, bytes)| bytes).collect();
    let bytes = prop::sample::select(b"\"\\{}[]:,0123456789.eE+-ntf\xff\x00\xe5 ".to_vec());
    let damage = prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, bytes), 1..6);
    (prop::sample::select(files), damage).prop_map(|(mut message, damage)| {
        for (place, how, byte) in damage {
            if message.is_empty() {
                break;
            }
            let place = place.index(message.len());
            match how {
                0 => message[place] = byte,
                1 => message.insert(place, byte),
                2 => {
                    message.remove(place);
                }
                _ => message.truncate(place),
            }
        }
        message
    })
}

proptest! {
    /// Total: any bytes give a message or a reject, and what we accept is JSON.
    #[test]
    fn any_damage_gives_a_message_or_a_reject(bytes in damaged()) {
        if read(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        }
    }
}
