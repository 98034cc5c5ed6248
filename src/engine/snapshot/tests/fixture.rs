//! Files of every format version that is still read, and what a fuzzer has found.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn fixture_dir() -> PathBuf {
    fixtures().join("snapshot-v1")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A bundle of its own beside the file: the shipped one goes on changing.
fn fixture_engine() -> Engine {
    engine_of(&fixture_bundle())
}

fn fixture_bundle() -> BTreeMap<String, Vec<u8>> {
    let files: BTreeMap<String, Vec<u8>> = fs::read_dir(fixture_dir().join("bundle"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files
}

fn engine_of(files: &BTreeMap<String, Vec<u8>>) -> Engine {
    let bundle = Bundle::compile(files).unwrap_or_else(|faults| panic!("{}", faults[0]));
    let limits = EngineLimits { recent_events: 64, ..engine().limits };
    Engine::new(Arc::new(bundle), &limits).unwrap()
}

/// The answers that are remembered, and what is known of the stream: it follows from the file
/// alone, whatever later versions compute.
fn describe(engine: &mut Engine) -> String {
    let (memory, _) = engine.memory();
    let mut text = format!(
        "next {:?}\npositions {:?}\nkeys {:?}\nobservations {:?}\ndevices {}\nparked {}\n",
        engine.next_seq(),
        engine.positions(),
        memory.keys,
        memory.observations,
        memory.devices,
        engine.parked(),
    );
    for input in &stream::plain(80) {
        let again = engine.recent.find(input.event).map(|known| (known.seq, known.body));
        text.push_str(&format!("{again:?}\n"));
    }
    text
}

/// Version 1 loads: the committed file gives the committed text.
/// (`TIDEGATE_WRITE_FIXTURES=1` writes both anew, for a format version that is not yet released.)
#[test]
fn version_1_still_loads() {
    let (file, text) = (fixture_dir().join("state.tgs"), fixture_dir().join("expected.txt"));
    if std::env::var_os("TIDEGATE_WRITE_FIXTURES").is_some() {
        let mut engine = fixture_engine();
        for input in &stream::plain(80) {
            apply(&mut engine, input);
        }
        let mut late = Input::new();
        late.received_at = EventTime::from_ms(1_800_000_000_000).unwrap();
        late.what = What::Amend {
            target: Token::from_bytes([9; 16]),
            amendment: Amendment::Label { truth: Truth::Fraud, source: None },
        };
        apply(&mut engine, &late);
        fs::write(&file, take(&mut engine)).unwrap();
        fs::write(&text, describe(&mut engine)).unwrap();
    }
    let bytes = fs::read(&file).unwrap();
    assert_eq!(verify(bytes.as_slice(), bytes.len() as u64).unwrap().journal, JOURNAL);
    let mut engine = fixture_engine();
    // Semantics and layout may have moved on; the format is what is held here.
    let snapshot = Snapshot::open(bytes.as_slice(), bytes.len() as u64).unwrap();
    snapshot.load(&mut engine).unwrap();
    assert_eq!(describe(&mut engine), fs::read_to_string(&text).unwrap());
}

/// Version 4 kept the flags of large rings as columns: whoever goes on from one of its files answers
/// as an engine that saw the whole stream, outcomes of events in those rings included.
#[test]
fn version_4_still_loads() {
    let bytes = fs::read(fixtures().join("snapshot-v4/state.tgs")).unwrap();
    let snapshot = Snapshot::open(bytes.as_slice(), bytes.len() as u64).unwrap();
    let (mut restored, mut whole) = (fixture_engine(), fixture_engine());
    snapshot.load(&mut restored).unwrap();
    let mut inputs = stream::plain(800);
    for input in &inputs[..700] {
        apply(&mut whole, input);
    }
    let mut refused = Input::new();
    refused.received_at = inputs[700].received_at;
    refused.what = What::Amend {
        target: inputs[690].event,
        amendment: Amendment::Outcome { result: OutcomeResult::Reversed, refusal: None },
    };
    inputs.insert(710, refused);
    assert!(whole.memory().0.observations[EntityKind::Card.index()] > 5 * 32, "no ring is large");
    for input in &inputs[700..] {
        go_on_alike((&mut restored, &mut whole), input);
    }
}

/// The bundle of version 7's file: windows of every operation on cards, which are hot.
fn hot_bundle() -> BTreeMap<String, Vec<u8>> {
    let mut files = fixture_bundle();
    let features = String::from_utf8(files["features.yaml"].clone()).unwrap();
    let more = "features:\n\
        \x20 - {name: card_spend_3h, aggregate: sum(amount_base), by: card, over: 3h}\n\
        \x20 - {name: card_refused_3h, aggregate: rate(outcome.refused), by: card, over: 3h}\n\
        \x20 - {name: card_most_3h, aggregate: max(amount_base), by: card, over: 3h}\n\
        \x20 - {name: card_least_3h, aggregate: min(amount_base), by: card, over: 3h}\n\
        \x20 - {name: card_spread_3h, aggregate: stddev(amount_base), by: card, over: 3h}\n\
        \x20 - {name: card_first_day, aggregate: first(amount_base), by: card, over: day}\n\
        \x20 - {name: card_last_3h, aggregate: last(amount_base), by: card, over: 3h}\n\
        \x20 - {name: card_before_1h, aggregate: count, by: card, over: 1h, delay: 2h}\n";
    let features = features.replacen("features:\n", more, 1);
    files.insert("features.yaml".to_owned(), features.into_bytes());
    files
}

/// Version 7 had coarse panes: who goes on from one of its files, under the layout that it names,
/// counts hot keys as an engine that saw the whole stream, to what those panes could tell; all else is
/// the same, and what they could not tell is warming.
#[test]
fn version_7_still_loads() {
    let bytes = fs::read(fixtures().join("snapshot-v7/state.tgs")).unwrap();
    let snapshot = Snapshot::open(bytes.as_slice(), bytes.len() as u64).unwrap();
    let (mut restored, mut whole) = (engine_of(&hot_bundle()), engine_of(&hot_bundle()));
    assert_eq!(snapshot.check(&restored), Ok(()));
    assert_ne!(snapshot.head.layout, restored.layout);
    snapshot.load(&mut restored).unwrap();
    let inputs = stream::plain(1_000);
    for input in &inputs[..900] {
        apply(&mut whole, input);
    }
    let mut counts = 0;
    for input in &inputs[900..] {
        go_on_alike((&mut restored, &mut whole), input);
        for name in ["card_count_24h", "card_spend_3h"] {
            let id = whole.bundle().schema.get(name).unwrap().id;
            let count = |engine: &Engine| engine.row().has(id).then(|| engine.row().int(id) as f64);
            if let (Some(found), Some(wanted)) = (count(&restored), count(&whole)) {
                assert!((found - wanted).abs() <= wanted / 20.0 + 2.0, "{name}: {found}, {wanted}");
                counts += 1;
            }
        }
    }
    assert!(counts > 50, "{counts} counts");
    // And the next snapshot is one of today.
    let bytes = take(&mut restored);
    let mut again = engine_of(&hot_bundle());
    again.load_snapshot(bytes.as_slice(), bytes.len() as u64).unwrap();
    assert!(take(&mut again) == take(&mut restored), "their next snapshots differ");
}

/// Both answer an input, alike but for what is approximate.
fn go_on_alike((restored, whole): (&mut Engine, &mut Engine), input: &Input) {
    let (found, wanted) = (apply(restored, input), apply(whole, input));
    assert_eq!(found.row.len(), wanted.row.len());
    for (at, (found, wanted)) in found.row.iter().zip(&wanted.row).enumerate() {
        assert_eq!(found.2, wanted.2, "column {at} is approximate for one");
        assert!(found.2 || found == wanted, "column {at}: {found:?}, {wanted:?}");
    }
}

/// A file of before bands had names is of bundles that had none: their answers go on to be repeated
/// with numbers, whatever the bundle in force calls its bands.
#[test]
fn version_1_knows_bands_by_number() {
    let mut files = fixture_bundle();
    let policy = String::from_utf8(files["policy.yaml"].clone()).unwrap();
    let policy = policy.replace("{up_to: 1000,", "{name: top, up_to: 1000,");
    let policy = policy.replace("{up_to: 399,", "{name: low, up_to: 399,");
    files.insert("policy.yaml".to_owned(), policy.into_bytes());
    let mut engine = engine_of(&files);
    let bytes = fs::read(fixture_dir().join("state.tgs")).unwrap();
    let snapshot = Snapshot::open(bytes.as_slice(), bytes.len() as u64).unwrap();
    snapshot.load(&mut engine).unwrap();
    let inputs = stream::plain(200);
    let is_known =
        |input: &&Input| engine.recent.find(input.event).is_some_and(|it| it.body.is_some());
    let known: Vec<&Input> = inputs[..80].iter().filter(is_known).collect();
    let old: Vec<Produced> = known.into_iter().map(|input| apply(&mut engine, input)).collect();
    assert!(old.iter().all(|one| matches!(one.applied, Applied::Repeated { .. })));
    let band = |produced: &Produced| produced.answered.clone().unwrap().2;
    assert!(old.len() > 5 && old.iter().all(|one| band(one) == "0"), "{old:?}");
    let new = inputs[190..].iter().find(|input| input.what == What::Decide).unwrap();
    assert_eq!(band(&apply(&mut engine, new)), "low");
}

/// What fuzzing and thinking have found stays found: each file is answered without a panic, and one
/// whose name begins with `ok` is whole.
#[test]
fn the_corpus_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/snapshot");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let whole = verify(bytes.as_slice(), bytes.len() as u64);
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(whole.is_ok(), name.starts_with("ok"), "{name}: {whole:?}");
        let mut engine = fixture_engine();
        if let Ok(snapshot) = Snapshot::open(bytes.as_slice(), bytes.len() as u64) {
            let _ = snapshot.load(&mut engine);
        }
    }
}
