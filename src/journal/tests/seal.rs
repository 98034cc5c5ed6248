//! The seal: what is sealed is not to be found, opens in its own record alone, and under its key.

use std::collections::BTreeSet;

use super::*;
use crate::domain::{EventTime, Kind, PaymentEvent, Sensitive, Service};
use crate::wire::MessageReader;

const CARD: &str = "6228480402564890018";

fn event() -> EventBytes {
    let time = EventTime::from_ms(1_800_000_000_000).unwrap();
    let mut event = PaymentEvent::new("e1", Kind::Payment, Service::MobilePayment, time);
    event.payer.card = Some(crate::domain::Card { number: Sensitive::new(CARD.into()) });
    event.payee.account_id = Some(Sensitive::new("account-of-the-payee".into()));
    let mut bytes = EventBytes::new();
    encode(&Message::Event(event), &mut bytes);
    bytes
}

/// Appends the same event twice; gives both records' sealed parts opened under `keys`.
fn open_all(dir: &Path, keys: Vec<super::super::SealKey>) -> Vec<Result<(), UnsealError>> {
    let mut reader = Reader::open(dir).unwrap().unwrap();
    let mut unsealer = Unsealer::new(keys);
    let mut unsealed = Unsealed::new();
    let mut results = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        if matches!(item, Item::Entry(_)) {
            results.push(unsealer.open(&reader.sealed(), &mut unsealed));
            let empty = unsealed.parts().event.is_empty() && unsealed.parts().payer.is_empty();
            assert_eq!(empty, results.last().is_some_and(Result::is_err));
        }
    }
    results
}

fn sealed_twice() -> (tempfile::TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), opening(1)).unwrap();
    for owned in &samples(2) {
        append(&mut writer, owned, Some(&event()));
    }
    writer.close().unwrap();
    let bytes = fs::read(&segment_files(dir.path())[0]).unwrap();
    (dir, bytes)
}

/// Nonce and cipher text, without its tag, of each block of a record.
fn blocks(record: &[u8]) -> Vec<[Vec<u8>; 2]> {
    let mut reader = MessageReader::new(record);
    let mut texts = Vec::new();
    while let Some((number, value)) = reader.field().unwrap() {
        if number == 4 {
            let mut block = value.message("sealed").unwrap();
            let (mut nonce, mut text) = (Vec::new(), Vec::new());
            while let Some((number, value)) = block.field().unwrap() {
                match number {
                    5 => nonce = value.bytes("nonce").unwrap().to_vec(),
                    6 => text = value.bytes("ciphertext").unwrap().to_vec(),
                    _ => {}
                }
            }
            text.truncate(text.len() - super::super::seal::TAG);
            texts.push([nonce, text]);
        }
    }
    texts
}

/// Nothing of a sealed value stands in the file, and the same event sealed twice shares no cipher
/// text: equal payments would be seen without any key.
#[test]
fn nothing_shows_through_the_seal() {
    let (dir, bytes) = sealed_twice();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!holds(CARD.as_bytes()) && !holds(b"account-of-the-payee"));
    assert!(!holds(event().payer()));
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    let (mut nonces, mut texts) = (BTreeSet::new(), BTreeSet::new());
    let mut entries = 0;
    while let Some(item) = reader.read().unwrap() {
        if matches!(item, Item::Entry(_)) {
            entries += 1;
            for [nonce, text] in blocks(reader.sealed().record) {
                nonces.insert(nonce);
                texts.insert(text);
            }
        }
    }
    let counts = (entries, nonces.len(), texts.len());
    assert_eq!(counts, (2, 6, 6), "event, payer and payee, each time another nonce and text");
}

/// Another key of the same number, or no key of the number, opens nothing and says which.
#[test]
fn another_key_opens_nothing() {
    let (dir, _) = sealed_twice();
    let other = super::super::SealKey::new(1, zeroize::Zeroizing::new([8; 32]));
    assert_eq!(open_all(dir.path(), vec![key(1)]), [Ok(()), Ok(())]);
    assert_eq!(open_all(dir.path(), vec![other]), [Err(UnsealError::DoesNotOpen); 2]);
    let unknown = Err(UnsealError::UnknownKey { key_id: 1 });
    assert_eq!(open_all(dir.path(), vec![key(2)]), [unknown, unknown]);
    assert_eq!(format!("{:?}", key(1)), "SealKey(id 1, ***)");
}

/// A block under another record, another event, another journal or another place does not open:
/// the associated data binds all of them.
#[test]
fn a_moved_block_does_not_open() {
    let (dir, _) = sealed_twice();
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    while !matches!(reader.read().unwrap(), Some(Item::Entry(_))) {}
    let sealed = reader.sealed();
    let mut unsealer = Unsealer::new(vec![key(1)]);
    let mut check = |change: &dyn Fn(&mut super::super::seal::Binding), opens: bool| {
        let mut moved = sealed;
        change(&mut moved.binding);
        let opened = unsealer.open(&moved, &mut Unsealed::new());
        assert_eq!(opened.is_ok(), opens, "{opened:?}");
    };
    check(&|_| {}, true);
    check(&|binding| binding.seq = Seq(2), false);
    check(&|binding| binding.event = crate::domain::Token::from_bytes([1; 16]), false);
    check(&|binding| binding.content = crate::domain::Content([1; 16]), false);
    check(&|binding| binding.journal = super::super::JournalId([2; 16]), false);
    // Payer and payee exchanged: the kind is bound too.
    let mut record = sealed.record.to_vec();
    let swap = |from: u8, to: u8| [8, from, 16, 1].map(|byte| if byte == from { to } else { byte });
    let at = record.windows(4).position(|window| window == [8, 2, 16, 1]).unwrap();
    record[at..at + 4].copy_from_slice(&swap(2, 3));
    let moved = super::super::Sealed { record: &record, ..sealed };
    let opened = Unsealer::new(vec![key(1)]).open(&moved, &mut Unsealed::new());
    assert_eq!(opened, Err(UnsealError::DoesNotOpen));
}

/// A journal that is gone on with twice, from a copy, gives one number to two events: they are
/// sealed under two keys, so that no nonce is used twice with one.
#[test]
fn each_opening_has_a_key_of_its_own() {
    let base = tempfile::tempdir().unwrap();
    Writer::open(base.path(), opening(1)).unwrap().close().unwrap();
    let sealed = [2, 3].map(|fresh| {
        let dir = tempfile::tempdir().unwrap();
        for path in segment_files(base.path()) {
            fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
        let mut writer = Writer::open(dir.path(), opening(fresh)).unwrap();
        append(&mut writer, &samples(1)[0], Some(&event()));
        writer.close().unwrap();
        let mut reader = Reader::open(dir.path()).unwrap().unwrap();
        while !matches!(reader.read().unwrap(), Some(Item::Entry(_))) {}
        blocks(reader.sealed().record)
    });
    let [first, second] = &sealed;
    for ([nonce, text], [same_nonce, other_text]) in first.iter().zip(second) {
        assert_eq!(nonce, same_nonce, "the counter begins anew");
        assert_ne!(text, other_text, "and so the key must be another");
    }
}
