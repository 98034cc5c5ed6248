//! The canonical form holds: it comes back, it is what the `.proto` says, and no bytes break it.

use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};

use super::arbitrary::{event, message};
use super::{EventBytes, EventParts, MessageReader, MessageWriter, decode, encode, read_varint};
use crate::domain::{EventTime, Kind, Message, PaymentEvent, Service};

fn parts(bytes: &EventBytes) -> EventParts<'_> {
    EventParts { event: bytes.event(), payer: bytes.payer(), payee: bytes.payee() }
}

fn pool() -> DescriptorPool {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/tidegate/v1/event.proto");
    let set = protox::compile([file], [folder]).expect("event.proto compiles");
    DescriptorPool::from_file_descriptor_set(set).expect("its descriptors are whole")
}

fn read_as(pool: &DescriptorPool, name: &str, bytes: &[u8]) -> DynamicMessage {
    let descriptor = pool.get_message_by_name(name).expect("the .proto declares it");
    DynamicMessage::decode(descriptor, bytes).expect("a protobuf library reads our bytes")
}

/// No unknown field, here or below: each number we write is declared, with the type we write.
fn assert_all_known(message: &DynamicMessage) {
    assert_eq!(message.unknown_fields().count(), 0, "{}", message.descriptor().full_name());
    for (_, value) in message.fields() {
        match value {
            Value::Message(inner) => assert_all_known(inner),
            Value::List(items) => {
                items.iter().filter_map(Value::as_message).for_each(assert_all_known);
            }
            _ => {}
        }
    }
}

proptest! {
    /// What is left of the custom fields is all that was there, and the other parts stay.
    #[test]
    fn attributes_that_are_not_kept_are_gone(mut event in event(), kept in any::<u8>()) {
        let mut bytes = EventBytes::new();
        encode(&Message::Event(event.clone()), &mut bytes);
        let is_kept = |name: &str| kept >> (name.len() % 8) & 1 == 1;
        event.attributes.retain(|one| is_kept(&one.name));
        bytes.keep_attributes(is_kept);
        let mut expected = EventBytes::new();
        encode(&Message::Event(event), &mut expected);
        prop_assert_eq!(bytes.canonical(), expected.canonical());
        prop_assert_eq!(
            (bytes.event(), bytes.payer(), bytes.payee()),
            (expected.event(), expected.payer(), expected.payee())
        );
    }

    /// What is sealed is what was said, for any text in any field, also in a reused buffer.
    #[test]
    fn a_message_comes_back(first in message(), second in message()) {
        let mut bytes = EventBytes::new();
        for message in [&first, &second] {
            encode(message, &mut bytes);
            prop_assert_eq!(&decode(parts(&bytes)).unwrap(), message);
        }
    }

    /// The fingerprint is taken over these bytes: equal messages and only they share them.
    #[test]
    fn the_canonical_form_is_injective(first in message(), second in message()) {
        let (mut a, mut b) = (EventBytes::new(), EventBytes::new());
        encode(&first, &mut a);
        encode(&second, &mut b);
        prop_assert_eq!(a.canonical() == b.canonical(), first == second);
    }

    /// The `.proto` file is the format: a protobuf library knows every field we write, and writes
    /// the same bytes itself wherever no field is present and empty (which proto3 leaves out).
    #[test]
    fn the_proto_file_is_the_format(event in event()) {
        let pool = pool();
        let mut bytes = EventBytes::new();
        encode(&Message::Event(event), &mut bytes);
        for (name, part) in [
            ("tidegate.v1.Message", bytes.event()),
            ("tidegate.v1.Payer", bytes.payer()),
            ("tidegate.v1.Payee", bytes.payee()),
        ] {
            let theirs = read_as(&pool, name, part);
            assert_all_known(&theirs);
            prop_assert!(theirs.encoded_len() <= part.len());
            if theirs.encoded_len() == part.len() {
                prop_assert_eq!(theirs.encode_to_vec(), part);
            }
        }
    }

    /// Any bytes give a message or an error: a sealed part may have been written by anyone who
    /// ever held the key.
    #[test]
    fn no_bytes_panic(
        event in prop::collection::vec(any::<u8>(), 0..200),
        payer in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let _ = decode(EventParts { event: &event, payer: &payer, payee: &event });
    }

    /// A truncated or flipped message gives another message or an error, never a panic.
    #[test]
    fn damage_is_survived(message in message(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = EventBytes::new();
        encode(&message, &mut bytes);
        let mut event = bytes.event().to_vec();
        let at = at.index(event.len());
        let _ = decode(EventParts { event: &event[..at], ..parts(&bytes) });
        event[at] ^= 1_u8 << bit;
        let _ = decode(EventParts { event: &event, ..parts(&bytes) });
    }

    /// Numbers come back at every length of varint.
    #[test]
    fn numbers_come_back(value in any::<u64>(), shift in 0..64) {
        let value = value >> shift;
        let mut out = Vec::new();
        super::write_varint(&mut out, value);
        let mut rest = out.as_slice();
        prop_assert_eq!(read_varint(&mut rest), Ok(value));
        prop_assert!(rest.is_empty());
        prop_assert_eq!(super::zigzag(super::unzigzag(value)), value);
    }
}

/// The parts that erasure forgets must not be in the part that stays: payer and payee are nowhere
/// but in their own bytes, and nothing is written for a party that is not there.
#[test]
fn parties_stand_in_their_own_parts() {
    let time = EventTime::from_ms(1_800_000_000_000).unwrap();
    let mut event = PaymentEvent::new("e1", Kind::Payment, Service::MobilePayment, time);
    event.payer.name = Some(crate::domain::Sensitive::new("张三".into()));
    let mut bytes = EventBytes::new();
    encode(&Message::Event(event), &mut bytes);
    let name = "张三".as_bytes();
    assert!(bytes.payer().windows(name.len()).any(|window| window == name));
    assert!(!bytes.event().windows(name.len()).any(|window| window == name));
    assert!(bytes.payee().is_empty());
    let erased = decode(EventParts { payer: &[], ..parts(&bytes) }).unwrap();
    assert!(matches!(erased, Message::Event(event) if event.payer.name.is_none()));
}

/// A length is written in the fewest bytes at every size of payload around the edges of a varint:
/// a second form would give one event two fingerprints.
#[test]
fn lengths_are_canonical() {
    for length in [0, 1, 127, 128, 129, 16_383, 16_384, 16_385, 2_097_152] {
        let payload: Vec<u8> = (0..length).map(|index| index as u8).collect();
        let (mut patched, mut direct) = (Vec::new(), Vec::new());
        MessageWriter::new(&mut patched).message(3, |w| w.raw().extend_from_slice(&payload));
        MessageWriter::new(&mut direct).bytes(3, &payload);
        assert_eq!(patched, direct, "payload of {length} bytes");
        let (number, value) = MessageReader::new(&patched).field().unwrap().unwrap();
        assert_eq!((number, value.bytes("payload").unwrap()), (3, payload.as_slice()));
    }
}

/// Over-long and over-wide numbers are refused: they would be a second form of a number.
#[test]
fn hostile_numbers_are_refused() {
    use super::WireError::{TooLong, Truncated};
    for (bytes, expected) in [
        (vec![], Truncated),
        (vec![0x80], Truncated),
        (vec![0xff; 9], Truncated),
        (vec![0xff; 11], TooLong),
        ([vec![0xff; 9], vec![2]].concat(), TooLong),
    ] {
        assert_eq!(read_varint(&mut bytes.as_slice()), Err(expected), "{bytes:?}");
    }
}
