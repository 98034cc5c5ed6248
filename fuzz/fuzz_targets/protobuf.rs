//! The decoder's other form: any bytes give a message or a reject, and a message, written in its
//! canonical form, is read as the same one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate::domain::Message;
use tidegate::stages::decode::{Decoded, Door, Encoded, Field, decode, event_id, whitelist};
use tidegate::wire::{EventBytes, MessageReader, MessageWriter, encode};

fuzz_target!(|bytes: &[u8]| {
    match decode(Encoded::protobuf(bytes), &Door::default()) {
        Ok(Decoded { message, dropped, .. }) => {
            if let Message::Event(event) = &message {
                let row = whitelist::row(event.service).allowed;
                assert!(dropped.known.intersection(row).is_empty());
                assert!(event.location.is_none() || row.contains(Field::Location));
                assert!(!event.kind.moves_money() || event.amount.is_some());
            }
            // A basis that was not stated is written, so that it may be a little longer.
            let door = Door { bytes_max: usize::MAX, ..Door::default() };
            let again = written(&message);
            let again = decode(Encoded::protobuf(&again), &door).expect("what we write is read");
            assert!(again.message == message);
            assert!(again.dropped.is_empty());
        }
        Err(reject) => {
            assert!(!reject.to_string().is_empty());
            let id = event_id(Encoded::protobuf(bytes), &Door::default());
            assert!(id.is_none_or(|id| id.len() <= 64));
        }
    }
});

/// The message as a client would send it: the canonical form keeps payer and payee apart.
fn written(message: &Message<'_>) -> Vec<u8> {
    let (mut parts, mut out) = (EventBytes::new(), Vec::new());
    encode(message, &mut parts);
    if !matches!(message, Message::Event(_)) {
        return parts.event().to_vec();
    }
    let field = MessageReader::new(parts.event()).field().expect("we wrote it");
    let (number, event) = field.expect("there is one");
    let event = event.bytes("event").expect("it is a message");
    MessageWriter::new(&mut out).message(number, |w| {
        w.raw().extend_from_slice(event);
        w.bytes(10, parts.payer());
        w.bytes(11, parts.payee());
    });
    out
}
