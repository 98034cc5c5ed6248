//! The protobuf door does what the JSON door does, and takes nothing that two readers could read
//! as two messages.

use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::transcode::Transcoder;
use crate::domain::Message;
use crate::stages::decode::{
    Decoded, Door, Encoded, Field, FieldSet, Reject, RejectReason, decode,
};
use crate::wire::{EventBytes, MessageReader, MessageWriter, encode};

fn read(bytes: &[u8]) -> Result<Decoded<'_>, Reject> {
    decode(Encoded::protobuf(bytes), &Door::default())
}

/// The corpus, by file name. A name begins with what must come out: `ok` or a reason.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/protobuf");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

/// The names of attributes in the order of a map, which is how both forms are made here.
fn sorted(json: &[u8]) -> Vec<u8> {
    let value: Json = serde_json::from_slice(json).unwrap();
    serde_json::to_vec(&value).unwrap()
}

/// Both doors say the same of one message, dropped fields and rejection included. An arrival and
/// unknown members come in JSON only.
#[track_caller]
fn check_twin(transcoder: &Transcoder, json: &[u8]) {
    let bytes = transcoder.transcode(json);
    let mut expected = decode(json, &Door::default());
    if let Ok(decoded) = &mut expected {
        decoded.received_at = None;
        decoded.dropped.unknown = 0;
    }
    assert_eq!(read(&bytes), expected, "{}", String::from_utf8_lossy(json));
}

/// What fuzzing and thinking have found stays found, and no reason that protobuf can give is
/// without a file.
#[test]
fn the_corpus_gives_what_its_names_say() {
    // JSON alone: the schema bounds the nesting here.
    let others = [RejectReason::MalformedJson, RejectReason::TooDeep];
    super::check_corpus(corpus(), read, &others);
}

/// The bytes of a client that was written against `event.proto` are pinned: a number that moved
/// would read every client's messages as something else.
#[test]
fn the_bytes_of_a_client_are_pinned() {
    let transcoder = Transcoder::new();
    let mut pinned = 0;
    for (name, json) in super::corpus() {
        if !name.starts_with("ok-") {
            continue;
        }
        check_twin(&transcoder, &sorted(&json));
        let file = name.replace(".json", ".pb");
        if let Some((_, bytes)) = corpus().into_iter().find(|(name, _)| *name == file) {
            assert_eq!(transcoder.transcode(&json), bytes, "{file}");
            pinned += 1;
        }
    }
    assert!(pinned >= 7, "{pinned} files are in both corpora");
}

/// A reject says where by our own names, and repeats nothing that the client sent.
#[test]
fn a_reject_never_quotes_the_message() {
    for (name, bytes) in corpus() {
        let Err(reject) = read(&bytes) else { continue };
        let said = format!("{reject} {reject:?}");
        for planted in ["6225881234567890", "zhang", "evt", "北京", "cvn"] {
            assert!(!said.contains(planted), "{name}: {said}");
        }
    }
}

/// A smallest message, and one more field of the event.
fn with(more: impl FnOnce(&mut MessageWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    MessageWriter::new(&mut bytes).message(1, |w| {
        w.text(1, "evt-1");
        w.uint(2, 7);
        w.uint(3, 2);
        w.int(4, 1_795_445_651_123);
        more(w);
    });
    bytes
}

#[track_caller]
fn check(bytes: &[u8], expected: Result<(), (RejectReason, Option<&'static str>)>) {
    let got = read(bytes).map(|_| ()).map_err(|reject| (reject.reason, reject.field));
    assert_eq!(got, expected);
}

/// What the decision needs refuses; what it does not need is dropped and named.
#[test]
fn what_protobuf_leaves_open_is_not_taken() {
    use RejectReason::{
        DuplicateField, ForbiddenData, MalformedProtobuf, MissingField, NotUtf8, WrongType,
    };
    let dropped = |bytes: &[u8], expected: &[&str]| {
        let decoded = read(bytes).unwrap();
        let names: Vec<_> = decoded.dropped.malformed.iter().map(Field::name).collect();
        assert_eq!(names, expected);
        decoded.dropped.unknown
    };
    check(&with(|_| {}), Ok(()));
    check(&with(|w| w.text(1, "evt-2")), Err((DuplicateField, Some("event_id"))));
    check(&with(|w| w.uint(3, 2)), Err((DuplicateField, Some("service"))));
    assert_eq!(dropped(&with(|w| w.uint(99, 1)), &[]), 1);
    assert_eq!(dropped(&with(|w| w.message(14, |w| w.text(99, "x"))), &[]), 1);
    dropped(&with(|w| w.uint(6, 1)), &["original_event_id"]);
    dropped(&with(|w| w.bytes(9, b"\xff")), &["lawful_basis"]);
    dropped(&with(|w| w.uint(14, 5)), &["device"]);
    dropped(&with(|w| w.text(14, "x")), &["device"]);
    let payer = |w: &mut MessageWriter<'_>| w.message(10, |w| w.text(3, "a"));
    check(&with(payer), Ok(()));
    dropped(&with(|w| (payer(w), payer(w)).1), &["payer"]);
    let nan = |w: &mut MessageWriter<'_>| w.message(16, |w| w.double(1, f64::NAN));
    dropped(&with(nan), &["location.lat"]);
    let attribute = |name: &'static str, number: f64| {
        with(move |w| w.message(21, |w| (w.text(1, name), w.double(4, number)).1))
    };
    dropped(&attribute("share", f64::INFINITY), &["attributes"]);
    check(&attribute("cvn", 1.0), Err((ForbiddenData, Some("attributes"))));
    let flag = |w: &mut MessageWriter<'_>| w.message(17, |w| w.uint(1, 2));
    dropped(&with(flag), &["consent.device"]);
    check(&[], Err((MissingField, Some("kind"))));
    let twice = [with(|_| {}), with(|_| {})].concat();
    check(&twice, Err((DuplicateField, None)));
    check(br#"{"event_id":"evt-1"}"#, Err((MalformedProtobuf, None)));
    let mut untyped = Vec::new();
    MessageWriter::new(&mut untyped).message(1, |w| w.uint(1, 7));
    check(&untyped, Err((WrongType, Some("event_id"))));
    untyped.clear();
    MessageWriter::new(&mut untyped).message(1, |w| w.bytes(1, b"\xff"));
    check(&untyped, Err((NotUtf8, Some("event_id"))));
}

/// A zero that protobuf leaves out is a zero: the equator and a card check of nothing are sent so.
#[test]
fn zeros_that_are_left_out_are_zeros() {
    let transcoder = Transcoder::new();
    check_twin(
        &transcoder,
        json!({
            "event_id": "evt-1", "kind": "payment", "service": "mobile_payment",
            "occurred_at": "2026-11-23T10:00:00Z", "amount": {"minor": 0, "currency": "CNY"},
            "location": {"lat": 0.0, "lon": 0.0, "datum": "wgs84"},
            "verification": {"method": "sms", "result": "failed"},
        })
        .to_string()
        .as_bytes(),
    );
}

/// A full event of any service and kind with any members taken out, and any consent.
fn events() -> impl Strategy<Value = Json> {
    let full: Vec<Json> = super::corpus()
        .into_iter()
        .filter(|(name, _)| name.starts_with("ok-full-"))
        .map(|(_, bytes)| serde_json::from_slice(&bytes).unwrap())
        .collect();
    let kinds = prop::sample::select(crate::domain::Kind::ALL);
    let out = prop::collection::vec(any::<prop::sample::Index>(), 0..12);
    let consent = prop::array::uniform4(prop::option::of(any::<bool>()));
    (prop::sample::select(full), kinds, out, consent, 0..=Amounts::MOST).prop_map(
        |(mut event, kind, out, consent, minor)| {
            event["kind"] = json!(kind.name());
            event["amount"]["minor"] = json!(minor);
            let [device, location, bluetooth, network] = consent;
            event["consent"] = json!({
                "device": device, "location": location, "bluetooth": bluetooth, "network": network,
            });
            for place in out {
                take_out(&mut event, place);
            }
            event
        },
    )
}

/// Amounts on both sides of the largest one.
struct Amounts;

impl Amounts {
    const MOST: u64 = crate::domain::Amount::MINOR_MAX + 2;
}

/// Takes one member out, of the event or of an object in it.
fn take_out(event: &mut Json, place: prop::sample::Index) {
    let mut paths = Vec::new();
    for (key, value) in event.as_object().unwrap() {
        paths.push(format!("/{key}"));
        paths.extend(
            value.as_object().into_iter().flatten().map(|(inner, _)| format!("/{key}/{inner}")),
        );
    }
    if let Some((parent, key)) = paths[place.index(paths.len())].rsplit_once('/') {
        let parent = event.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().remove(key);
    }
}

/// Whether a member is missing that JSON must have and protobuf may leave out, because it may be zero.
fn may_be_left_out(read: &Result<Decoded<'_>, Reject>) -> bool {
    const ZEROS: &[Field] =
        &[Field::AmountMinor, Field::LocationLat, Field::LocationLon, Field::VerificationResult];
    match read {
        Ok(decoded) => !decoded.dropped.malformed.intersection(FieldSet::of(ZEROS)).is_empty(),
        Err(reject) => {
            reject.reason == RejectReason::MissingField
                && ZEROS.iter().any(|field| reject.field == Some(field.name()))
        }
    }
}

/// The message as a client would send it: the canonical form keeps payer and payee apart.
fn written(message: &Message<'_>) -> Vec<u8> {
    let (mut parts, mut out) = (EventBytes::new(), Vec::new());
    encode(message, &mut parts);
    if !matches!(message, Message::Event(_)) {
        return parts.event().to_vec();
    }
    let (number, event) = MessageReader::new(parts.event()).field().unwrap().unwrap();
    let event = event.bytes("event").unwrap();
    MessageWriter::new(&mut out).message(number, |w| {
        w.raw().extend_from_slice(event);
        w.bytes(10, parts.payer());
        w.bytes(11, parts.payee());
    });
    out
}

/// Messages near real ones: a corpus file with a few bytes changed, cut or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<_> = corpus().into_iter().map(|(_, bytes)| bytes).collect();
    let damage = prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6);
    (prop::sample::select(files), damage).prop_map(|(mut message, damage)| {
        for (place, how, byte) in damage {
            if message.is_empty() {
                break;
            }
            let place = place.index(message.len());
            match how {
                0 => message[place] = byte,
                1 => message.insert(place, byte),
                2 => drop(message.remove(place)),
                _ => message.truncate(place),
            }
        }
        message
    })
}

proptest! {
    /// One event is one event, whichever way it comes: the same fields kept, the same dropped, the
    /// same reason where it is refused.
    #[test]
    fn both_forms_give_the_same_event(event in events()) {
        let json = event.to_string();
        if !may_be_left_out(&decode(&json, &Door::default())) {
            thread_local!(static TRANSCODER: Transcoder = Transcoder::new());
            TRANSCODER.with(|transcoder| check_twin(transcoder, json.as_bytes()));
        }
    }

    /// Total: any bytes give a message or a reject, and a message is read as the same one from the
    /// canonical form that the journal seals.
    #[test]
    fn any_damage_gives_a_message_or_a_reject(bytes in damaged()) {
        if let Ok(Decoded { message, .. }) = read(&bytes) {
            let canonical = written(&message);
            let again = read(&canonical).unwrap();
            prop_assert_eq!(again.message, message);
            prop_assert!(again.dropped.is_empty());
        }
    }
}
