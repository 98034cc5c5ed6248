//! Past the recent events: a retry gets its answer, an amendment its windows, also after a restart.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::domain::{Applied, Body, EntityKind, EventTime, Plan};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::engine::{Engine, EngineLimits, Fixed, Intent, Outcome, Pace, Parts, Pipeline, recover};
use crate::journal::{Durability, FreshRandom, Opening, Writer, index_closed};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::features::StateLimits;
use crate::stages::mask::Profile;

mod forgotten;

const FEATURES: &str = r#"
- {name: card_good, aggregate: sum(amount_base), by: card, over: 1d, where: '!outcome.reversed'}
- {name: card_frauds, aggregate: rate(label.fraud), by: card, over: 7d}
"#;
const RULES: &str = r#"
rules:
  - {id: A, name: A, when: 'card_good > money("50.00 CNY")', then: {action: decline, points: 300}, reason: {code: a, text: A.}}
  - {id: B, name: B, when: 'card_frauds > 0.0', then: {points: 250, action: challenge}, reason: {code: b, text: B.}}
"#;

/// More than a ring of recent events holds, and than a segment.
const RECENT: usize = 4_096;

pub(in crate::edges) struct Bench {
    pub(in crate::edges) dir: tempfile::TempDir,
    bundle: Arc<Bundle>,
    files: std::collections::BTreeMap<String, Vec<u8>>,
    keys: Keys,
    opened: u8,
    recent_events: u32,
}

impl Bench {
    pub(in crate::edges) fn new() -> Self {
        // As few as can be.
        Self::with(FEATURES, 1)
    }

    pub(in crate::edges) fn under(keys: Keys) -> Self {
        Self { keys, ..Self::new() }
    }

    fn with(features: &str, recent_events: u32) -> Self {
        let mut files = shipped_files();
        files.retain(|name, _| ["bundle.yaml", "policy.yaml"].contains(&name.as_str()));
        files.insert("features.yaml".to_owned(), features.as_bytes().to_vec());
        if features == FEATURES {
            files.insert("rules.yaml".to_owned(), RULES.as_bytes().to_vec());
        }
        let bundle = Arc::new(Bundle::compile(&files).unwrap());
        let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::demo());
        Self { dir, bundle, files, keys, opened: 0, recent_events }
    }

    fn engine(&self) -> Engine {
        let limits = EngineLimits {
            state: StateLimits {
                keys: [10_000; EntityKind::COUNT],
                devices: 1_000,
                ..StateLimits::default()
            },
            recent_events: self.recent_events,
            ..EngineLimits::default()
        };
        Engine::new(Arc::clone(&self.bundle), &limits).unwrap()
    }

    pub(in crate::edges) fn open(&mut self, namespace: &str) -> Pipeline<Machine> {
        let mut engine = self.engine();
        self.opened += 1;
        let opening = Opening {
            key: self.keys.seal_key(),
            token_key: self.keys.token_key(),
            software: "test".to_owned(),
            engine_semantics: crate::engine::ENGINE_SEMANTICS,
            opened_at: EventTime::MIN,
            segment_bytes: 60_000,
            fresh: FreshRandom::fixed(self.opened),
        };
        let writer = Writer::open(self.dir.path(), opening).unwrap();
        let fingerprints = Fingerprints::open(self.dir.path()).unwrap();
        let recovered = recover(&mut engine, self.dir.path()).unwrap();
        let parts = Parts {
            engine,
            journal: Some(writer),
            received_after: recovered.last_received_at.unwrap_or(EventTime::MIN),
            door: Door::default(),
            times: TimeLimits::default(),
            namespace: namespace.to_owned(),
            profile: Profile::shipped("default").unwrap(),
            durability: Durability::Written,
            pace: Pace::Unhurried,
            surroundings: Machine::untimed().with_past(Memory::new(fingerprints)),
        };
        Pipeline::new(parts, &self.files).unwrap()
    }

    pub(in crate::edges) fn give(
        &self,
        pipeline: &mut Pipeline<Machine>,
        json: &str,
    ) -> (Applied, Vec<u8>) {
        let (tables, keys) = (Tables::default(), self.keys.token_keys());
        let step = pipeline
            .process(json.as_bytes(), (None, None), Intent::Decide, (&tables, &keys))
            .unwrap();
        let Outcome::Applied(applied) = step.outcome else { panic!("{:?}", step.outcome) };
        let masked = step.decision.map(|masked| masked.as_bytes().to_vec());
        (applied, masked.unwrap_or_default())
    }
}

pub(in crate::edges) fn payment(number: usize, minor: u32) -> String {
    let card = 6_225_881_234_500_000_u64 + number as u64 % 2_000;
    format!(
        "{{\"event_id\":\"e{number}\",\"kind\":\"payment\",\"service\":\"mobile_payment\",\
         \"occurred_at\":\"2026-11-23T10:00:00Z\",\"amount\":{{\"minor\":{minor},\
         \"currency\":\"CNY\"}},\"payer\":{{\"card\":{{\"number\":\"{card}\"}}}}}}"
    )
}

fn label(number: usize) -> String {
    format!(
        "{{\"kind\":\"label\",\"of\":\"e{number}\",\"truth\":\"fraud\",\"source\":\"chargeback\",\
         \"occurred_at\":\"2026-11-23T10:00:00Z\"}}"
    )
}

fn body(applied: Applied) -> Body {
    match applied {
        Applied::Decided { body, .. } | Applied::Repeated { body, .. } => body,
        other => panic!("{other:?}"),
    }
}

/// An engine that applies the journal's inputs says the same: what was looked up is part of them.
fn check_replay(bench: &Bench, dir: &Path) {
    let mut engine = bench.engine();
    let mut reader = Reader::open(dir).unwrap().unwrap();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Entry(entry) = item {
            let again = engine.apply(&entry.input, &mut Fixed(Plan::Full));
            assert_eq!(again, entry.applied, "{:?}", entry.seq);
        }
    }
}

/// The engine has forgotten the first events, the journal has not: the same answer to a retry, a
/// conflict for other content, nothing counted, and amendments find their windows.
#[test]
fn the_journal_remembers_what_the_engine_has_forgotten() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    let first: Vec<_> = (0..20).map(|n| bench.give(&mut pipeline, &payment(n, 3_000))).collect();
    let (labelled, _) = bench.give(&mut pipeline, &label(11));
    assert!(matches!(labelled, Applied::Amended { .. }));
    for number in 20..RECENT + 1_100 {
        bench.give(&mut pipeline, &payment(number, 100));
    }
    for restarted in [false, true] {
        if restarted {
            pipeline.close().unwrap();
            pipeline = bench.open("");
        }
        let next = pipeline.engine().next_seq();
        for (number, before) in first.iter().enumerate() {
            let (again, masked) = bench.give(&mut pipeline, &payment(number, 3_000));
            assert!(matches!(again, Applied::Repeated { .. }), "e{number}: {again:?}");
            assert_eq!((body(again), &masked), (body(before.0), &before.1));
            let (other, _) = bench.give(&mut pipeline, &payment(number, 3_001));
            assert!(matches!(other, Applied::Conflict { .. }), "e{number}: {other:?}");
        }
        assert_eq!(pipeline.engine().next_seq(), next, "nothing was counted");
        // The fraud of e3, or after the restart of e4, makes its card answer differently.
        let number = if restarted { 4 } else { 3 };
        let (amended, _) = bench.give(&mut pipeline, &label(number));
        assert!(matches!(amended, Applied::Amended { .. }), "{amended:?}");
        let (once_more, _) = bench.give(&mut pipeline, &label(number));
        assert!(matches!(once_more, Applied::AlreadyCounted { .. }), "{once_more:?}");
        let fresh = 100_000 + number;
        let marked = body(bench.give(&mut pipeline, &payment(fresh, 100)).0);
        let plain = body(bench.give(&mut pipeline, &payment(fresh + 2, 100)).0);
        assert!(marked.points > plain.points, "{marked:?} {plain:?}");
    }
    pipeline.close().unwrap();
    check_replay(&bench, bench.dir.path());
}

/// Fingerprints are a cache: damaged, missing or half-merged ones are made again.
#[test]
fn fingerprints_are_made_again() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    for number in 0..RECENT + 200 {
        bench.give(&mut pipeline, &payment(number, 100));
    }
    pipeline.close().unwrap();
    let dir = bench.dir.path().join("fingerprints");
    let find = |bench: &mut Bench| {
        let mut pipeline = bench.open("");
        let (again, _) = bench.give(&mut pipeline, &payment(0, 100));
        pipeline.close().unwrap();
        assert!(matches!(again, Applied::Repeated { .. }), "{again:?}");
    };
    find(&mut bench);
    let files = || -> Vec<PathBuf> {
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    assert!(files().len() > 4);
    for (index, path) in files().into_iter().enumerate() {
        if index % 2 == 0 {
            fs::remove_file(path).unwrap();
        } else {
            fs::write(path, b"TGFPRN\r\nrubbish").unwrap();
        }
    }
    find(&mut bench);
    let fingerprints = Fingerprints::open(bench.dir.path()).unwrap();
    let before = files().len();
    for _ in 0..10 {
        fingerprints.cover().unwrap();
    }
    assert!(files().len() < before, "neighbours were merged");
    find(&mut bench);
}

/// Files that are not ours, links, and what links lead to are neither read nor removed.
#[test]
fn strange_files_beside_fingerprints_stay() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    for number in 0..200 {
        bench.give(&mut pipeline, &payment(number, 100));
    }
    pipeline.close().unwrap();
    let dir = bench.dir.path().join("fingerprints");
    let theirs = bench.dir.path().join("theirs");
    fs::write(&theirs, "theirs").unwrap();
    let strange = ["notes.txt", "a.tgf", "x-y.tgf.new", "subdirectory"].map(|name| dir.join(name));
    strange[..3].iter().for_each(|path| fs::write(path, "theirs").unwrap());
    fs::create_dir(&strange[3]).unwrap();
    let link = dir.join(format!("{:020}-{:020}.tgf", 7, 9));
    std::os::unix::fs::symlink(&theirs, &link).unwrap();
    bench.open("").close().unwrap();
    assert!(strange.iter().chain([&theirs]).all(|path| path.exists()));
    assert!(link.is_symlink());

    let elsewhere = bench.dir.path().join("elsewhere");
    fs::rename(&dir, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &dir).unwrap();
    let refused = Fingerprints::open(bench.dir.path()).map(drop).unwrap_err();
    assert!(refused.to_string().contains("it is a link"), "{refused}");
}

/// Two clients may use one id: to each its own event.
#[test]
fn a_namespace_keeps_ids_apart() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("one");
    let (first, _) = bench.give(&mut pipeline, &payment(1, 100));
    pipeline.close().unwrap();
    let mut pipeline = bench.open("two");
    let (second, _) = bench.give(&mut pipeline, &payment(1, 200));
    assert!(matches!((first, second), (Applied::Decided { .. }, Applied::Decided { .. })));
    let (again, _) = bench.give(&mut pipeline, &payment(1, 200));
    assert!(matches!(again, Applied::Repeated { .. }));
}

/// A retry is refused after the horizon and windows end before it: what is older takes no memory,
/// though its segments are kept, and is not read again at the next start.
#[test]
fn old_fingerprints_are_forgotten_with_time() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    let later = |number| payment(number, 100).replace("2026-11-23T", "2027-01-10T");
    for number in 0..600 {
        bench.give(&mut pipeline, &payment(number, 100));
    }
    for number in 600..1_200 {
        bench.give(&mut pipeline, &later(number));
    }
    pipeline.close().unwrap();
    let spans = |fingerprints: &Fingerprints| -> Vec<Span> {
        fingerprints.runs.load().iter().map(|run| run.span).collect()
    };
    let fingerprints = Fingerprints::open(bench.dir.path()).unwrap();
    let before = spans(&fingerprints);
    fingerprints.forget_older(49).unwrap();
    assert_eq!(spans(&fingerprints), before, "48 days are not 49");
    fingerprints.forget_older(45).unwrap();
    let after = spans(&fingerprints);
    assert!(after.len() < before.len() && !after.is_empty(), "{before:?} {after:?}");
    assert!(before.ends_with(&after), "the newest stay");
    fingerprints.cover().unwrap();
    let again = Fingerprints::open(bench.dir.path()).unwrap();
    assert!(again.runs.load().iter().all(|run| run.span.first >= after[0].first), "not made again");
    let mut pipeline = bench.open("");
    let (known, _) = bench.give(&mut pipeline, &later(700));
    assert!(matches!(known, Applied::Repeated { .. }), "{known:?}");
}

/// Old segments are deleted while a run that was merged still names their events, and a chargeback
/// may speak of one of them: it waits like that of any unknown event, and stops nothing.
#[test]
fn what_is_deleted_is_not_asked_for() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    for number in 0..4_000 {
        bench.give(&mut pipeline, &payment(number, 100));
    }
    pipeline.close().unwrap();
    let fingerprints = Fingerprints::open(bench.dir.path()).unwrap();
    (0..10).for_each(|_| fingerprints.cover().unwrap());
    let segments = fingerprints.journal.segments().unwrap();
    let spans: Vec<Span> = fingerprints.runs.load().iter().map(|run| run.span).collect();
    assert!(spans[0].first == 0 && spans[0].end > segments[1].0, "merged: {spans:?}");
    for restarted in [false, true] {
        let memory = Memory::new(match restarted {
            false => Arc::clone(&fingerprints),
            true => Fingerprints::open(bench.dir.path()).unwrap(),
        });
        if !restarted {
            // The segment with the first events goes, the run that names it stays.
            let (kept_from, _) = segments[1];
            fingerprints.forget_before(kept_from).unwrap();
            fs::remove_file(&segments[0].1).unwrap();
        }
        let tokens = bench.keys.token_keys();
        let name = |number: u32| tokens.event("", &format!("e{number}"));
        assert_eq!(memory.find(name(0)).unwrap(), None);
        assert_eq!(memory.find_amended(name(0)).unwrap(), None);
        assert!(memory.find_amended(name(3_000)).unwrap().is_some());
    }
    let mut pipeline = bench.open("");
    let (waits, _) = bench.give(&mut pipeline, &label(0));
    assert!(matches!(waits, Applied::Parked { .. }), "{waits:?}");
}

/// A segment is read once, for its index; what its fingerprints hold then is what its own reading
/// would have given, and it is not read again for them.
#[test]
fn an_index_gives_the_names_of_its_segment() {
    let mut bench = Bench::new();
    let mut pipeline = bench.open("");
    for number in 0..1_500 {
        bench.give(&mut pipeline, &payment(number, 100));
        bench.give(&mut pipeline, &label(number));
    }
    pipeline.close().unwrap();
    let fingerprints = Fingerprints::open(bench.dir.path()).unwrap();
    let all = fingerprints.runs.load().to_vec();
    let (journal, mut from, mut read) = (Directory::from(bench.dir.path()), 0, 0);
    fingerprints.put(Vec::new());
    loop {
        let mut names = Names::default();
        let next = index_closed(&journal, from, |entry, at| {
            names.note(Names::of(&entry.input), at);
        })
        .unwrap();
        if next == from {
            break;
        }
        assert_eq!(names.0, fingerprints.scan(from).unwrap().0);
        read += names.0.len();
        fingerprints.keep(names, next).unwrap();
        from = next;
    }
    assert!(read > 3_500, "{read} names: of events, of labels, and of what these speak of");
    let spans = |runs: &[Arc<Run>]| runs.iter().map(|run| run.span).collect::<Vec<_>>();
    let before = spans(&fingerprints.runs.load());
    assert_eq!(before, spans(&all));
    fingerprints.catch_up().unwrap();
    assert_eq!(spans(&fingerprints.runs.load()), before);
}
