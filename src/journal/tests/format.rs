//! The files: `record.proto` describes them, and yesterday's still read.

use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};

use super::*;

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

/// `record.proto` is the format: a protobuf library knows every field of every record we write.
#[test]
fn the_proto_file_is_the_format() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/tidegate/v1/record.proto");
    let pool = DescriptorPool::from_file_descriptor_set(protox::compile([file], [folder]).unwrap());
    let descriptor = pool.unwrap().get_message_by_name("tidegate.v1.Record").unwrap();
    let dir = fixture_source();
    let path = &segment_files(dir.path())[0];
    let mut reader = super::super::segment::SegmentReader::open(
        &Directory::from(path.parent().unwrap()),
        path,
        0,
    )
    .unwrap();
    let mut records = 0;
    while let super::super::segment::Step::Frame(range) = reader.next().unwrap() {
        let payload = reader.payload(range);
        assert_all_known(&DynamicMessage::decode(descriptor.clone(), payload).unwrap());
        records += 1;
    }
    assert_eq!(records, 6);
}

/// A journal with one of each record; the same bytes each time.
fn fixture_source() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), opening(1)).unwrap();
    let files = vec![BundleFile { path: "policy.yaml".to_owned(), content: b"bands: []".to_vec() }];
    let reasons = vec![(ReasonId(1), "card_testing".to_owned())];
    let hash = BundleHash([5; 32]);
    writer.activate(StoredBundle { hash, files, reasons, ..StoredBundle::default() }).unwrap();
    for owned in &samples(4) {
        append(&mut writer, owned, Some(&fixture_event()));
    }
    writer.close().unwrap();
    dir
}

fn fixture_event() -> EventBytes {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let event = arbitrary::event().new_tree(&mut runner).unwrap().current();
    let mut bytes = EventBytes::new();
    encode(&Message::Event(event), &mut bytes);
    bytes
}

fn fixture_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/journal-v1")
}

/// A description of everything that a journal holds, in the clear.
fn describe(dir: &Path) -> String {
    let mut reader = Reader::open(dir).unwrap().unwrap();
    let mut unsealer = Unsealer::new(vec![key(1)]);
    let mut unsealed = Unsealed::new();
    let mut text = String::new();
    while let Some(item) = reader.read().unwrap() {
        let line = match item {
            Item::Entry(entry) => {
                let features: Vec<_> = entry.features().values().map(Result::unwrap).collect();
                let facts: Vec<_> = crate::domain::Fact::ALL
                    .iter()
                    .filter_map(|fact| match fact.field_type() {
                        FieldType::Text => entry.input.facts.text(*fact).map(str::to_owned),
                        _ => entry.input.facts.bits(*fact).map(|bits| bits.to_string()),
                    })
                    .collect();
                format!(
                    "{:?} {:?} {:?} {:?} {facts:?} {features:?}",
                    entry.seq, entry.applied, entry.fired, entry.input.event
                )
            }
            other => format!("{other:?}"),
        };
        text.push_str(&line);
        if line.starts_with("Seq") {
            unsealer.open(&reader.sealed(), &mut unsealed).unwrap();
            let parts = unsealed.parts();
            text.push_str(&format!(" {:?} {:?}", parts.event, parts.payer));
        }
        text.push('\n');
    }
    text
}

/// A journal that version 1 wrote reads for ever: the committed file gives the committed text.
/// (`TIDEGATE_WRITE_FIXTURES=1` writes both anew, for a format version that is not yet released.)
#[test]
fn version_1_still_reads() {
    let fixture = fixture_dir();
    let text = fixture.join("expected.txt");
    if std::env::var_os("TIDEGATE_WRITE_FIXTURES").is_some() {
        let source = fixture_source();
        fs::create_dir_all(&fixture).unwrap();
        for path in segment_files(source.path()) {
            fs::copy(&path, fixture.join(path.file_name().unwrap())).unwrap();
        }
        fs::write(&text, describe(&fixture)).unwrap();
    }
    assert_eq!(describe(&fixture), fs::read_to_string(text).unwrap());
}
