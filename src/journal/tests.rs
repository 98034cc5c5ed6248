//! The journal as a whole: what goes in comes back, also after a crash; what was altered is named.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::arbitrary::{Owned, columns, entry, key, numbered, opening};
use super::{
    Appended, BundleFile, BundleHash, BundleRef, Directory, Durability, Entry, Features, Hits,
    Item, JournalError, ReadEntry, Reader, StoredBundle, StoredValue, UnsealError, Unsealed,
    Unsealer, Writer,
};
use crate::domain::{Facts, FieldId, FieldType, Message, ReasonId, Seq};
use crate::wire::{EventBytes, arbitrary, decode, encode};

mod damage;
mod format;
mod recovery;
mod keeper;
mod seal;
mod index;

fn append(writer: &mut Writer, owned: &Owned, event: Option<&EventBytes>) -> Appended {
    let columns = columns();
    let seq = writer.next_seq();
    let entry = Entry {
        seq,
        input: &owned.input,
        applied: numbered(owned.applied, seq),
        device: owned.device,
        hits: Hits {
            fired: &owned.fired,
            shadow: &owned.shadow,
            undetermined: &owned.undetermined,
        },
        features: owned.row.as_ref().map(|row| Features { row, columns: &columns }),
        bundle: BundleRef(3),
        observed: &owned.observed,
    };
    writer.append(&entry, event).unwrap()
}

/// A value that both sides of a comparison can be turned into.
fn shown(value: StoredValue<'_>) -> String {
    match value {
        StoredValue::Float(value) => format!("{:016x}", value.to_bits()),
        other => format!("{other:?}"),
    }
}

fn features_of(owned: &Owned) -> Vec<(usize, String)> {
    let (Some(row), schema) = (&owned.row, super::arbitrary::schema()) else {
        return Vec::new();
    };
    let ids = (Facts::COLUMNS..row.columns()).map(|index| FieldId(index as u16));
    ids.filter(|id| row.has(*id))
        .map(|id| {
            let value = match schema.field(id).unwrap().field_type {
                FieldType::Bool => StoredValue::Bool(row.int(id) != 0),
                FieldType::Int | FieldType::Money => StoredValue::Int(row.int(id)),
                FieldType::Float => StoredValue::Float(row.float(id)),
                FieldType::Text => StoredValue::Text(row.text(id)),
                FieldType::Timestamp => StoredValue::Moment(row.int(id)),
                FieldType::Id => StoredValue::Id(row.bits(id)),
            };
            (id.index() - Facts::COLUMNS, shown(value))
        })
        .collect()
}

fn assert_same(read: &ReadEntry, owned: &Owned, seq: Seq) {
    assert_eq!(read.seq, seq);
    assert_eq!(read.input, owned.input);
    assert_eq!(read.applied, numbered(owned.applied, seq));
    assert_eq!(read.device, owned.device);
    assert_eq!(read.fired, owned.fired);
    assert_eq!(read.shadow, owned.shadow);
    assert_eq!(read.undetermined, owned.undetermined);
    assert_eq!(read.observed, owned.observed);
    assert_eq!((read.bundle, read.engine_semantics), (BundleRef(3), 1));
    let features = read.features().values().map(|column| {
        let (column, value) = column.unwrap();
        (column, shown(value))
    });
    assert_eq!(features.collect::<Vec<_>>(), features_of(owned));
    let marked = owned.row.iter().flat_map(|row| {
        (Facts::COLUMNS..row.columns())
            .filter(|index| row.is_approximate(FieldId(*index as u16)))
            .map(|index| (index - Facts::COLUMNS) as u16)
    });
    assert_eq!(read.approximate, marked.collect::<Vec<_>>());
}

/// The numbers of all inputs, read to the end.
fn read_all(dir: &Path) -> Result<Vec<Seq>, JournalError> {
    let mut reader = Reader::open(dir)?.expect("there is a journal");
    let mut seqs = Vec::new();
    while let Some(item) = reader.read()? {
        if let Item::Entry(entry) = item {
            seqs.push(entry.seq);
        }
    }
    Ok(seqs)
}

/// Some entries that are the same each time.
fn samples(count: usize) -> Vec<Owned> {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    (0..count).map(|_| entry().new_tree(&mut runner).unwrap().current()).collect()
}

fn seqs(from: u64, to: u64) -> Vec<Seq> {
    (from..=to).map(Seq).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Everything that the engine needs to run again comes back, over rotations and in a reused
    /// buffer, and the sealed event opens to what was said.
    #[test]
    fn what_goes_in_comes_back(
        entries in prop::collection::vec((entry(), prop::option::of(arbitrary::message().boxed())).boxed(), 1..12),
        segment_bytes in select_size(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), super::Opening { segment_bytes, ..opening(1) })
            .unwrap();
        let mut bytes = EventBytes::new();
        for (owned, message) in &entries {
            if let Some(message) = message {
                encode(message, &mut bytes);
            }
            append(&mut writer, owned, message.as_ref().map(|_| &bytes));
        }
        writer.flush(Durability::Written).unwrap();

        let mut reader = Reader::open(dir.path()).unwrap().unwrap();
        let mut unsealer = Unsealer::new(vec![key(1)]);
        let mut unsealed = Unsealed::new();
        let mut expected = entries.iter().zip(1_u64..);
        while let Some(item) = reader.read().unwrap() {
            let Item::Entry(read) = item else { continue };
            let ((owned, message), seq) = expected.next().unwrap();
            assert_same(read, owned, Seq(seq));
            unsealer.open(&reader.sealed(), &mut unsealed).unwrap();
            match message {
                Some(message) => prop_assert_eq!(&decode(unsealed.parts()).unwrap(), message),
                None => prop_assert!(unsealed.parts().event.is_empty()),
            }
        }
        prop_assert!(expected.next().is_none());
        prop_assert_eq!(unsealer.opened(), entries.len() as u64);
    }
}

fn select_size() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![300_u64, 2_000, 1 << 20])
}

/// A bundle is written once for each time it becomes active, not at each start, and can be found
/// from any segment: replay needs nothing but the journal.
#[test]
fn a_bundle_is_found_from_later_segments() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = |byte| StoredBundle {
        hash: BundleHash([byte; 32]),
        files: vec![BundleFile { path: "policy.yaml".to_owned(), content: vec![byte; 500] }],
        reasons: vec![(ReasonId(4), "card_testing".to_owned())],
        ..StoredBundle::default()
    };
    let samples = samples(3);
    let small = |byte| super::Opening { segment_bytes: 400, ..opening(byte) };
    let mut writer = Writer::open(dir.path(), small(1)).unwrap();
    assert_eq!(writer.activate(bundle(7)).unwrap(), BundleRef(0));
    append(&mut writer, &samples[0], None);
    assert_eq!(writer.activate(bundle(8)).unwrap(), BundleRef(1));
    append(&mut writer, &samples[1], None);
    writer.close().unwrap();
    let mut writer = Writer::open(dir.path(), small(2)).unwrap();
    assert_eq!(writer.activate(bundle(8)).unwrap(), BundleRef(1), "it is in force already");
    append(&mut writer, &samples[2], None);
    writer.close().unwrap();

    let reader = Reader::open_from(dir.path(), Seq(3)).unwrap().unwrap();
    let active = reader.bundle_at_segment_start().unwrap();
    let read = reader.read_active_bundle(active).unwrap();
    let expected = StoredBundle { next_seq: Seq(2), bundle: BundleRef(1), ..bundle(8) };
    assert_eq!(read, expected);
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    let mut bundles = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Bundle(bundle) = item {
            bundles.push(bundle.hash.0[0]);
        }
    }
    assert_eq!(bundles, [7, 8]);
}

/// The bundle in force stands within the newest segments, so that old ones need not be kept for it.
#[test]
fn a_bundle_is_written_again_after_many_segments() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = StoredBundle {
        hash: BundleHash([7; 32]),
        files: vec![BundleFile { path: "policy.yaml".to_owned(), content: vec![7; 50] }],
        ..StoredBundle::default()
    };
    let samples = samples(60);
    let mut appended = samples.iter();
    for byte in 1..=3 {
        let small = super::Opening { segment_bytes: 400, ..opening(byte) };
        let mut writer = Writer::open(dir.path(), small).unwrap();
        assert_eq!(writer.activate(bundle.clone()).unwrap(), BundleRef(0), "the same number");
        appended.by_ref().take(20).for_each(|owned| {
            append(&mut writer, owned, None);
        });
        writer.close().unwrap();
    }
    assert_eq!(read_all(dir.path()).unwrap(), seqs(1, 60));
    let beginnings = Directory::from(dir.path()).beginnings().unwrap();
    assert!(beginnings.len() > 40);
    let mut alone = 0;
    for (index, beginning) in beginnings.iter().enumerate().skip(1) {
        let reader = Reader::open_segment(&Directory::from(dir.path()), beginning.first_record);
        let mut reader = reader.unwrap();
        let read = match beginning.bundle_in {
            Some(bundle_in) => {
                let at = beginnings.iter().position(|other| other.first_record == bundle_in);
                let at = at.unwrap();
                assert!(index - at <= 17, "segment {index} needs the bundle of segment {at}");
                reader.read_active_bundle(reader.bundle_at_segment_start().unwrap()).unwrap()
            }
            None => {
                alone += 1;
                let Some(Item::Bundle(first)) = reader.read().unwrap() else {
                    panic!("segment {index} needs no other and does not begin with a bundle")
                };
                first
            }
        };
        assert_eq!((read.bundle, read.files), (BundleRef(0), bundle.files.clone()));
    }
    assert!(alone >= 2, "every sixteenth segment stands without those before it");
}

/// The audit topic carries exactly the open part that stands in the file, for each record of a
/// batch after its flush; a handle of an older batch gives nothing rather than another's bytes.
#[test]
fn the_open_part_is_what_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let small = super::Opening { segment_bytes: 1_000, ..opening(1) };
    let mut writer = Writer::open(dir.path(), small).unwrap();
    let samples = samples(6);
    let handles: Vec<_> = samples.iter().map(|owned| append(&mut writer, owned, None)).collect();
    writer.flush(Durability::Written).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    for handle in &handles {
        while !matches!(reader.read().unwrap(), Some(Item::Entry(_))) {}
        let sent = writer.open_part(handle).unwrap();
        assert_eq!(sent.as_bytes(), reader.open_part().as_bytes());
    }
    append(&mut writer, &samples[0], None);
    assert!(writer.open_part(&handles[0]).is_none());
}

/// Reading from a number gives the inputs from it on, whichever segment holds it.
#[test]
fn reading_begins_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let small = super::Opening { segment_bytes: 1_500, ..opening(1) };
    let mut writer = Writer::open(dir.path(), small).unwrap();
    samples(30).iter().for_each(|owned| {
        append(&mut writer, owned, None);
    });
    writer.close().unwrap();
    assert!(fs::read_dir(dir.path()).unwrap().count() > 5, "there are several segments");
    for from in 0..=31 {
        let mut reader = Reader::open_from(dir.path(), Seq(from)).unwrap().unwrap();
        let mut read = Vec::new();
        while let Some(item) = reader.read().unwrap() {
            if let Item::Entry(entry) = item {
                read.push(entry.seq);
            }
        }
        assert_eq!(read, seqs(from.max(1), 30), "from {from}");
    }
    for count in [0, 1, 7, 30, 99] {
        let mut reader = Reader::open_newest(dir.path(), count).unwrap().unwrap();
        let mut read = 0;
        while let Some(item) = reader.read().unwrap() {
            read += u64::from(matches!(item, Item::Entry(_)));
        }
        assert_eq!(read, count.min(30), "the newest {count}");
    }
}

/// A reader beside a running writer sees each flushed record once, across rotations, and nothing
/// that is not flushed.
#[test]
fn a_reader_follows_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let small = super::Opening { segment_bytes: 1_500, ..opening(1) };
    let mut writer = Writer::open(dir.path(), small).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    for (owned, seq) in samples(30).iter().zip(1..) {
        append(&mut writer, owned, None);
        let mut read = Vec::new();
        for flushed in [false, true] {
            while let Some(item) = reader.read().unwrap() {
                if let Item::Entry(entry) = item {
                    read.push(entry.seq);
                }
            }
            if !flushed {
                assert_eq!(read, [], "not flushed yet");
                writer.flush(Durability::Written).unwrap();
            }
        }
        assert_eq!(read, [Seq(seq)]);
    }
}

/// The engine's numbers and the journal's are one: a gap or a repeat is refused and not written.
#[test]
fn a_wrong_number_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), opening(1)).unwrap();
    let owned = &samples(1)[0];
    append(&mut writer, owned, None);
    let entry = Entry {
        seq: Seq(1),
        input: &owned.input,
        applied: owned.applied,
        device: None,
        hits: Hits::default(),
        features: None,
        bundle: BundleRef(0),
        observed: &owned.observed,
    };
    let refused = writer.append(&entry, None).unwrap_err();
    assert_eq!(refused.to_string(), "input number 1 was appended where 2 comes next");
    writer.close().unwrap();
    assert_eq!(read_all(dir.path()).unwrap(), seqs(1, 1));
}

fn segment_files(dir: &Path) -> Vec<PathBuf> {
    Directory::from(dir).segments().unwrap().into_iter().map(|(_, path)| path).collect()
}
