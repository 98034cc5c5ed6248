//! What a snapshot costs the stream, and how soon a killed process is back.
//!
//! ```text
//! cargo bench --bench snapshot -- [--events N] [--warm N] [--customers N] [--tail N]
//! ```
//!
//! Latency at half load (open loop, from the intended start) without a snapshot, while one is taken
//! after the other, and without again, since the machine drifts; then the size of a snapshot, and the
//! time from a kill to readiness: load, and a tail of the journal.

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]

mod subject;

/// What the program itself runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tidegate::domain::EntityKind;
use tidegate::edges::snapshots::{Keeper, Settings as Schedule};
use tidegate::engine::Shelf;
use tidegate::generator::{Generator, Settings};

use subject::{Subject, argument};

fn keeper(subject: &Subject, dir: &Path, every_events: u64) -> Keeper {
    let journal = subject.recovered.journal.expect("there is a journal");
    let schedule = Schedule { every_events, every: Duration::MAX, anchor_days: 0 };
    let engine = subject.pipeline.engine();
    Keeper::start(&dir.join("journal"), journal, schedule, engine, Some(engine.next_seq()))
        .expect("a thread")
}

fn main() {
    let tiny = std::env::args().any(|argument| argument == "--test");
    let events = argument("--events", if tiny { 2_000 } else { 300_000 });
    let warm = argument("--warm", if tiny { 2_000 } else { 3_000_000 });
    let tail = argument("--tail", if tiny { 500 } else { 100_000 });
    let customers = argument("--customers", if tiny { 1_000 } else { 1_000_000 }) as u32;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings = Settings {
        events: warm + 4 * events + tail,
        customers,
        merchants: (customers / 10).max(500),
        terminals: (customers / 10).max(500),
        rate_per_s: f64::from(customers) / 14_400.0,
        ..Settings::default()
    };
    let mut generator = Generator::new(settings);
    let mut subject = Subject::new(dir.path(), &generator);
    let mut next = |count: u64| -> Vec<Vec<u8>> {
        let mut line = Vec::new();
        (0..count).map_while(|_| generator.next_into(&mut line).map(|_| line.clone())).collect()
    };
    for _ in 0..warm.div_ceil(10_000) {
        let lines = next(warm.min(10_000));
        subject.take(&lines);
    }
    let lines = next(events);
    let started = Instant::now();
    subject.take(&lines);
    let per_event = started.elapsed().as_nanos() as f64 / lines.len() as f64;
    println!("at full speed           {per_event:.0} ns an event");

    let lines = next(events);
    report("without a snapshot", &half_load(&mut subject, &lines, per_event, None));
    let mut keeper = keeper(&subject, dir.path(), 1);
    let lines = next(events);
    let while_taken = half_load(&mut subject, &lines, per_event, Some(&mut keeper));
    report("while one is taken", &while_taken);
    keeper.finish(subject.pipeline.engine_mut());
    let lines = next(events);
    report("without a snapshot", &half_load(&mut subject, &lines, per_event, None));

    let last = self::keeper(&subject, dir.path(), u64::MAX);
    let lines = next(1_000);
    subject.take(&lines);
    let started = Instant::now();
    last.finish(subject.pipeline.engine_mut());
    let took = started.elapsed();
    let shelf = Shelf::of(dir.path().join("journal"));
    let newest = shelf.kept().pop().expect("one was taken");
    let size = std::fs::metadata(&newest.path).map_or(0, |file| file.len());
    println!("a snapshot              {} MB, {:.2} s at a stop", size >> 20, took.as_secs_f64());
    let lines = next(tail);
    subject.take(&lines);
    let next_seq = subject.pipeline.engine().next_seq();
    let cards = subject.pipeline.engine().memory().0.keys[EntityKind::Card.index()];
    drop(subject);

    recover(dir.path(), &cards);
    let generator = Generator::new(Settings { customers: 1_000, ..Settings::default() });
    let subject = Subject::new(dir.path(), &generator);
    assert_eq!(subject.pipeline.engine().next_seq(), next_seq, "nothing is lost");
}

/// From nothing to ready, with and without the tail.
fn recover(dir: &Path, cards: &u32) {
    use std::sync::Arc;
    use tidegate::bundle::Bundle;
    use tidegate::domain::Seq;
    use tidegate::engine::{Engine, EngineLimits, Windows, recover, restore_at};
    let (bundle, journal) = (Arc::new(Bundle::shipped()), dir.join("journal"));
    let engine =
        || Engine::new(Arc::clone(&bundle), &EngineLimits::default()).expect("the shipped bundle");
    let started = Instant::now();
    let mut loaded = engine();
    let newest = (Seq(u64::MAX), Windows::OfBundle);
    let restored = restore_at(&mut loaded, &journal, newest).expect("a journal").restored;
    let load = started.elapsed();
    drop(loaded);
    let started = Instant::now();
    let mut back = engine();
    let recovered = recover(&mut back, &journal).expect("a journal");
    println!(
        "ready after a kill      {:.2} s with {cards} live cards: load {:.2} s, then {} inputs",
        started.elapsed().as_secs_f64(),
        load.as_secs_f64(),
        recovered.inputs
    );
    assert_eq!(recovered.restored, restored);
}

fn report(what: &str, [latency, work]: &[Histogram<u64>; 2]) {
    for (what, times) in [(what, latency), ("  of that, work", work)] {
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{what:<24}p50 {:.1} us, p99 {:.1}, p99.9 {:.1}, max {:.1}",
            at(0.5),
            at(0.99),
            at(0.999),
            times.max() as f64 / 1_000.0
        );
    }
}

/// Open loop: each line has its intended start, and waits for nobody. From that start to the end,
/// and from the real start to the end.
fn half_load(
    subject: &mut Subject,
    lines: &[Vec<u8>],
    per_event: f64,
    mut keeper: Option<&mut Keeper>,
) -> [Histogram<u64>; 2] {
    let mut times = [(); 2]
        .map(|()| Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("constant bounds"));
    let (tables, keys) = (subject.tables.current().clone(), subject.keys.token_keys());
    let started = Instant::now();
    for (number, line) in lines.iter().enumerate() {
        let due = Duration::from_nanos((number as f64 * per_event * 2.0) as u64);
        while started.elapsed() < due {
            std::hint::spin_loop();
        }
        let begun = started.elapsed();
        if let Some(keeper) = &mut keeper {
            keeper.turn(subject.pipeline.engine_mut());
        }
        subject.take_one(line, &tables, &keys);
        subject.pipeline.flush().expect("the journal's disk");
        let ended = started.elapsed();
        for (times, since) in times.iter_mut().zip([due, begun]) {
            times.saturating_record((ended - since).as_nanos() as u64);
        }
    }
    times
}
