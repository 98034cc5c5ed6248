//! The decoder: any bytes give a message or a reject, and a message is fit for what follows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::domain::{Body, EventTime, Message, PaymentEvent, Seq};
use tidegate::stages::decode::{Decoded, Door, Field, FieldSet, decode, event_id, whitelist};
use tidegate::stages::mask::{Answer, Masked, Profile, Shown, render, show};

fuzz_target!(|bytes: &[u8]| {
    match decode(bytes, &Door::default()) {
        Ok(Decoded { message, dropped, .. }) => {
            serde_json::from_slice::<serde_json::Value>(bytes).expect("what we accept is JSON");
            if let Message::Event(event) = message {
                // Nothing that could not be read is left.
                assert!(event.network.ip.is_none() || !dropped.malformed.contains(Field::NetworkIp));
                let row = whitelist::row(event.service).allowed;
                assert!(dropped.known.intersection(row).is_empty());
                assert!(event.location.is_none() || row.contains(Field::Location));
                assert!(!event.kind.moves_money() || event.amount.is_some());
                masks_to_json(&event);
            }
        }
        Err(reject) => {
            assert!(!reject.to_string().is_empty());
            assert!(reject.at_byte.is_none_or(|at| at <= bytes.len()));
            assert!(event_id(bytes, &Door::default()).is_none_or(|id| id.len() <= 64));
        }
    }
});

fn masks_to_json(event: &PaymentEvent<'_>) {
    let answer = Answer {
        seq: Seq(1),
        body: &Body::default(),
        reasons: &[],
        malformed: FieldSet::EMPTY,
        malformed_attributes: &[],
        bundle: "",
        semantics: 1,
        received_at: EventTime::MIN,
        score_band_name: "",
    };
    let mut out = Masked::new();
    let profile = Profile::shipped("default").expect("it is shipped");
    let mut shown = Shown::new();
    show(event, &profile, &mut shown);
    render(&shown, &answer, &mut out);
    serde_json::from_slice::<serde_json::Value>(out.as_bytes()).expect("what we write is JSON");
}
