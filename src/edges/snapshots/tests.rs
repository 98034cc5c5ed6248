//! A journal with snapshots beside it, killed, damaged and mixed up, against one uninterrupted run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::engine::{
    ENGINE_SEMANTICS, EngineLimits, Intent, Pace, Parts, Pipeline, Recovered, SnapshotFault,
    Windows, recover, restore_at,
};
use crate::generator::{Generator, Settings as World};
use crate::journal::{Durability, FreshRandom, Opening, Writer as JournalWriter};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::mask::Profile;

static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(shipped_files);
static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| Arc::new(Bundle::shipped()));

fn engine() -> Engine {
    let limits = EngineLimits { recent_events: 5_000, ..EngineLimits::default() };
    Engine::new(Arc::clone(&BUNDLE), &limits).unwrap()
}

/// Some hundred events of a small world.
fn lines() -> Vec<Vec<u8>> {
    let mut generator = Generator::new(World {
        events: 600,
        customers: 60,
        merchants: 20,
        terminals: 20,
        ..World::default()
    });
    let mut line = Vec::new();
    std::iter::from_fn(|| generator.next_into(&mut line).map(|_| line.clone())).collect()
}

/// A process over a journal, until it is dropped: a kill.
struct Process {
    pipeline: Pipeline<Machine>,
    keeper: Keeper,
    recovered: Recovered,
    keys: Keys,
    tables: Tables,
}

impl Process {
    fn start(dir: &Path) -> Self {
        let keys = Keys::demo();
        let opening = Opening {
            key: keys.seal_key(),
            token_key: keys.token_key(),
            software: "test".to_owned(),
            engine_semantics: ENGINE_SEMANTICS,
            opened_at: EventTime::MIN,
            segment_bytes: 1 << 20,
            fresh: FreshRandom::draw().unwrap(),
        };
        let journal = JournalWriter::open(dir, opening).unwrap();
        let mut engine = engine();
        let recovered = recover(&mut engine, dir).unwrap();
        let settings = Settings { every_events: 100, every: Duration::MAX, anchor_days: 0 };
        let journal_id = recovered.journal.unwrap();
        let keeper = Keeper::start(dir, journal_id, settings, &engine, recovered.restored).unwrap();
        keeper.discard(&recovered.passed_over);
        let parts = Parts {
            engine,
            journal: Some(journal),
            received_after: recovered.last_received_at.unwrap_or(EventTime::MIN),
            door: Door::default(),
            times: TimeLimits::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").unwrap(),
            durability: Durability::Written,
            pace: Pace::Unhurried,
            surroundings: Machine::untimed(),
        };
        let pipeline = Pipeline::new(parts, &FILES).unwrap();
        Self { pipeline, keeper, recovered, keys, tables: Tables::default() }
    }

    /// Decides lines; their masked answers.
    fn take(&mut self, lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let keys = self.keys.token_keys();
        let mut answers = Vec::new();
        for line in lines {
            self.keeper.turn(self.pipeline.engine_mut());
            let lookups = (&self.tables, &keys);
            let step = self.pipeline.process(line, (None, None), Intent::Decide, lookups).unwrap();
            answers.extend(step.decision.map(|decision| decision.as_bytes().to_vec()));
            self.pipeline.flush().unwrap();
        }
        answers
    }

    /// Waits until the snapshot under way is kept.
    fn wait(&mut self) {
        while self.keeper.state != State::Waiting {
            self.keeper.idle(self.pipeline.engine_mut());
            std::thread::yield_now();
        }
    }

    fn stop(mut self) {
        self.keeper.finish(self.pipeline.engine_mut());
        self.pipeline.close().unwrap();
    }
}

fn snapshots(dir: &Path) -> Vec<PathBuf> {
    Shelf::of(dir).kept().into_iter().map(|kept| kept.path).collect()
}

/// Killed at any moment, damaged or not, a process goes on with the answers of one that never
/// stopped: from the newest snapshot that is whole and of this past, and from the journal.
#[test]
fn a_killed_process_goes_on_as_if_nothing_had_happened() {
    let lines = lines();
    let whole = tempfile::tempdir().unwrap();
    let expected = Process::start(whole.path()).take(&lines);
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path());
    let mut answers = process.take(&lines[..120]);
    process.wait();
    answers.extend(process.take(&lines[120..250]));
    process.wait();
    drop(process);

    // The newest is damaged in the middle: named, and the one before serves.
    let kept = snapshots(dir.path());
    assert_eq!(kept.len(), 2, "the newest two are kept");
    let mut bytes = fs::read(&kept[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&kept[1], bytes).unwrap();
    let mut process = Process::start(dir.path());
    let passed = &process.recovered.passed_over;
    assert!(matches!(passed[..], [ref one] if one.path == kept[1]
        && matches!(one.fault, SnapshotFault::Damaged { .. })));
    assert_eq!(process.recovered.restored, Some(Shelf::of(dir.path()).kept()[0].next));
    assert!(process.recovered.inputs < 250);
    answers.extend(process.take(&lines[250..400]));
    process.stop();

    assert!(!kept[1].exists(), "the damaged one is gone once a newer one is proven");

    // After a polite stop nothing is counted again.
    let process = Process::start(dir.path());
    assert_eq!(process.recovered.inputs, 0);
    drop(process);
    // Without any snapshot the journal is enough.
    snapshots(dir.path()).iter().for_each(|path| fs::remove_file(path).unwrap());
    let mut process = Process::start(dir.path());
    assert_eq!((process.recovered.restored, process.recovered.passed_over.len()), (None, 0));
    answers.extend(process.take(&lines[400..]));
    assert!(answers == expected);
}

/// A snapshot of a future that the journal lost, or of another journal, would count inputs that
/// never were.
#[test]
fn a_snapshot_of_another_past_is_passed_over() {
    let lines = lines();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut process = Process::start(one.path());
    process.take(&lines[..120]);
    process.stop();
    Process::start(other.path()).take(&lines[..20]);
    let newest = snapshots(one.path()).pop().unwrap();
    let name = newest.file_name().unwrap();
    fs::copy(&newest, other.path().join(name)).unwrap();
    let fault = |dir: &Path| recover(&mut engine(), dir).unwrap().passed_over[0].fault;
    assert_eq!(fault(other.path()), SnapshotFault::OtherJournal);

    // The journal loses its newest inputs and goes on with others under the same numbers.
    let segment = |dir: &Path| {
        let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|e| e == "tgj")).max().unwrap()
    };
    let lost = tempfile::tempdir().unwrap();
    let mut process = Process::start(lost.path());
    process.take(&lines[..60]);
    let short = fs::read(segment(lost.path())).unwrap();
    process.take(&lines[60..130]);
    process.stop();
    fs::write(segment(lost.path()), short).unwrap();
    assert_eq!(fault(lost.path()), SnapshotFault::NotInJournal);
    let mut process = Process::start(lost.path());
    assert_eq!(process.recovered.restored, None);
    process.keeper.settings.every_events = u64::MAX;
    process.take(&lines[200..350]);
    process.pipeline.flush().unwrap();
    assert_eq!(fault(lost.path()), SnapshotFault::NotInJournal, "other inputs stand there now");
}

/// Replay of a past moment begins at the nearest snapshot before it.
#[test]
fn an_engine_is_restored_at_or_before_an_input() {
    let lines = lines();
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path());
    process.take(&lines[..160]);
    process.wait();
    process.take(&lines[160..320]);
    process.stop();
    let kept = Shelf::of(dir.path()).kept();
    let newest = kept.last().unwrap().next;
    for (at, expected) in [
        (newest, Some(newest)),
        (Seq(newest.0 - 1), Some(kept[0].next)),
        (Seq(kept[0].next.0 - 1), None),
    ] {
        let mut engine = engine();
        let recovered = restore_at(&mut engine, dir.path(), (at, Windows::OfBundle)).unwrap();
        assert_eq!(recovered.restored, expected);
        assert_eq!(engine.next_seq(), expected.unwrap_or(Seq(1)));
    }
}

/// The newest two stay, and the first of every day that is not too old; what a crash left unproven
/// goes at the next start.
#[test]
fn anchors_stay_for_their_days() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path());
    process.take(&lines()[..60]);
    process.stop();
    let shelf = Shelf::of(dir.path());
    let newest = shelf.kept().pop().unwrap();
    let day = |kept: &crate::engine::Kept| shelf.head(kept).unwrap().last.received_at;
    // Names alone order snapshots; the days stand within. All of one day: one anchor.
    for next in 1..6 {
        fs::copy(&newest.path, shelf.path(Seq(next))).unwrap();
    }
    assert_eq!(shelf.kept().iter().map(day).max(), Some(day(&newest)));
    let numbers = |kept: Vec<crate::engine::Kept>| -> Vec<u64> {
        kept.into_iter().map(|kept| kept.next.0).collect()
    };
    assert_eq!(numbers(shelf.surplus(30)), [2, 3, 4]);
    fs::write(shelf.path(Seq(2)), b"no snapshot").unwrap();
    assert_eq!(numbers(shelf.surplus(30)), [2, 3, 4]);
    fs::write(shelf.unproven(Seq(9)), b"half").unwrap();
    drop(Process::start(dir.path()));
    assert!(!shelf.unproven(Seq(9)).exists());
}
