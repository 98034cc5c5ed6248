//! Snapshots around a bundle that brings other windows: before it, while they are carried over, after.

use super::*;
use crate::domain::{Activation, Ground, RuleDiff};

/// The test bundle with other windows: some are gone, some are new over columns that are kept, some
/// ask for columns, conditions and kinds that nobody kept before; rings are larger, and smaller. The
/// bands of the score have other names.
static OTHER: LazyLock<Arc<Bundle>> = LazyLock::new(|| {
    let mut files: BTreeMap<String, Vec<u8>> = bundle_files();
    let features = String::from_utf8(files["features.yaml"].clone()).unwrap();
    let wider = "features:\n\
        \x20 - {name: other_mean_24h, aggregate: mean(amount_base), by: merchant, over: 24h}\n\
        \x20 - {name: other_sum_9h, aggregate: sum(amount_base), by: merchant, over: 9h, where: '!outcome.reversed'}\n\
        \x20 - {name: other_minor_3h, aggregate: sum(amount_minor), by: merchant, over: 3h}\n\
        \x20 - {name: other_models_3h, aggregate: distinct(device_model), by: card, over: 3h}\n\
        \x20 - {name: other_phones_7d, aggregate: distinct(phone), by: ip, over: 7d, where: 'amount_minor > 500000'}\n\
        \x20 - {name: other_count_30d, aggregate: count, by: ip, over: 30d}\n\
        \x20 - {name: other_documents_1h, aggregate: distinct(card), by: id_document, over: 1h}\n";
    let features = features.replacen("features:\n", wider, 1).replace("kept_24h", "left_24h");
    let features: String = features
        .lines()
        .filter(|line| !line.contains("spread_24h") && !line.contains("first_24h"))
        .flat_map(|line| [line, "\n"])
        .collect();
    files.insert("features.yaml".to_owned(), features.into_bytes());
    let policy = String::from_utf8(files["policy.yaml"].clone()).unwrap();
    let policy = policy.replace("name: low,", "name: calm,").replace("name: medium, ", "");
    files.insert("policy.yaml".to_owned(), policy.into_bytes());
    Arc::new(Bundle::compile(&files).unwrap_or_else(|faults| panic!("{}", faults[0])))
});

fn bundle(at: usize) -> &'static Arc<Bundle> {
    if at.is_multiple_of(2) { &BUNDLE } else { &OTHER }
}

fn activation(n: u64, from: usize, after: &Input) -> Input {
    let activation = Activation {
        bundle: bundle(from + 1).hash,
        before: bundle(from).hash,
        ground: Ground::RolledBack { by: "operator".to_owned() },
        diff: RuleDiff::default(),
    };
    let mut input = stream::control(1_000_000 + n, Control::Activate(activation));
    (input.received_at, input.occurred_at) = (after.received_at, after.received_at);
    input
}

/// Applies an input, and puts the bundle in force that it activates.
fn go(engine: &mut Engine, input: &Input) -> Produced {
    let produced = apply(engine, input);
    for bundle in [&*BUNDLE, &*OTHER] {
        engine.follow(bundle);
    }
    produced
}

fn can_switch(engine: &Engine, input: &Input) -> bool {
    let Some(Control::Activate(activation)) = input.control.as_deref() else { return true };
    let next = [&*BUNDLE, &*OTHER].into_iter().find(|b| b.hash == activation.bundle).unwrap();
    let prepared = engine.standing().prepare(Arc::clone(next), &BTreeMap::new()).unwrap();
    activation.before == engine.bundle().hash && engine.check_switch(&prepared).is_ok()
}

/// The snapshot under the bundle that it was taken under.
fn load_as_it_was(bytes: &[u8]) -> Result<Engine, SnapshotFault> {
    let head = verify(bytes, bytes.len() as u64)?;
    let bundle = [&*BUNDLE, &*OTHER].into_iter().find(|b| b.hash == head.bundle.0).unwrap();
    let mut engine = Engine::new(Arc::clone(bundle), &engine().limits).unwrap();
    engine.load_snapshot(bytes, bytes.len() as u64).map(|_| engine)
}

/// The stream with activations put in after some of its inputs.
fn with_activations(inputs: Vec<Input>, places: &[usize]) -> Vec<Input> {
    let mut all = Vec::new();
    let mut count = 0;
    for (at, input) in inputs.into_iter().enumerate() {
        all.push(input);
        if places.contains(&at) {
            let after = all[all.len() - 1].clone();
            all.push(activation(at as u64, count, &after));
            count += 1;
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The law of recovery, over bundles with other windows: a snapshot before an activation, in the
    /// middle of the carrying or after it goes on to the same bits as the engine that went through.
    #[test]
    fn a_restored_engine_carries_over_what_the_other_does(
        steps in stream::steps(),
        places in proptest::collection::vec(0..300_usize, 1..5),
        at in 1..250_usize,
        words in 1..600_usize,
    ) {
        let inputs = with_activations(stream::inputs(&steps), &places);
        let mut whole = engine();
        // What the engine would refuse never becomes an input.
        let mut taken: Vec<(Input, Produced)> = Vec::new();
        let mut taking: Option<Taking> = None;
        let (mut is_done, mut from) = (false, 0);
        for input in inputs {
            if !can_switch(&whole, &input) {
                continue;
            }
            let produced = go(&mut whole, &input);
            taken.push((input, produced));
            match &mut taking {
                None if taken.len() >= at => {
                    (taking, from) = (Some(Taking::begin(&mut whole)), taken.len());
                }
                Some(taking) => is_done = is_done || taking.go_on(&mut whole, words),
                None => {}
            }
        }
        let mut taking = match taking {
            Some(taking) => taking,
            None => {
                from = taken.len();
                Taking::begin(&mut whole)
            }
        };
        while !is_done {
            is_done = taking.go_on(&mut whole, words);
        }
        let mut restored =
            load_as_it_was(&taking.bytes).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        for (at, (input, expected)) in taken[from..].iter().enumerate() {
            let found = go(&mut restored, input);
            prop_assert_eq!(&found, expected, "input {} after the barrier", at);
        }
        prop_assert!(take(&mut restored) == take(&mut whole), "their next snapshots differ");
    }
}

/// A decision that read a window which is not filled yet says so, and one that did not does not.
#[test]
fn what_is_carried_over_is_not_warming_and_what_is_new_is() {
    let mut engine = engine();
    let inputs = stream::plain(200);
    for input in &inputs[..150] {
        go(&mut engine, input);
    }
    let change = activation(1, 0, &inputs[149]);
    assert!(can_switch(&engine, &change));
    go(&mut engine, &change);
    assert_eq!(engine.bundle().hash, OTHER.hash);
    let decided = inputs[150..].iter().find(|input| input.what == What::Decide).unwrap();
    go(&mut engine, decided);
    let warming = |engine: &Engine, name: &str| {
        let id = engine.bundle().schema.get(name).unwrap().id;
        engine.warming()[id.index() / 64] >> (id.index() % 64) & 1 == 1
    };
    // The stream is shorter than a day: only what is not younger than it can be whole.
    let span = decided.occurred_at.as_ms() - inputs[0].occurred_at.as_ms();
    assert!(span > 60 * 60_000 && span < 3 * 60 * 60_000, "{span}");
    for (name, is_warming) in [
        ("card_merchants_1h", false),
        ("card_payments_10m", false),
        ("other_documents_1h", true),
        ("other_minor_3h", true),
        ("other_sum_9h", true),
    ] {
        assert_eq!(warming(&engine, name), is_warming, "{name}");
    }
}

/// Whoever asks again is told what the band was called when the answer was given, also after a
/// restart: a retry's bytes are those of the first answer.
#[test]
fn a_repeated_answer_names_its_band_as_it_was() {
    let mut engine = engine();
    let inputs = stream::plain(60);
    let first = inputs.iter().find(|input| input.what == What::Decide).unwrap();
    let (answered, change) = (go(&mut engine, first), activation(1, 0, first));
    go(&mut engine, &change);
    let band = |produced: &Produced| produced.answered.clone().unwrap().2;
    let later = inputs.iter().rfind(|input| input.what == What::Decide).unwrap();
    let others = band(&go(&mut engine, later));
    assert_eq!((band(&answered), others), ("low".to_owned(), "calm".to_owned()));
    let mut restored = load_as_it_was(&take(&mut engine)).unwrap();
    for engine in [&mut engine, &mut restored] {
        for (input, name) in [(first, "low"), (later, "calm")] {
            let again = go(engine, input);
            assert!(matches!(again.applied, Applied::Repeated { .. }), "{again:?}");
            assert_eq!(band(&again), name);
        }
    }
}
