//! The whole event in process, in P: bytes to masked decision and sealed journal append, the
//! shipped bundle, a world of generated people.
//!
//! ```text
//! cargo bench --bench pipeline -- [--events N] [--warm N] [--customers N]
//! ```
//!
//! P drifts by a factor of two within minutes on shared machines, so it is measured again beside
//! every two thousand events, and the figure is the median of the pairs' ratios. Prints further the
//! latency at half that load (open loop, from the intended start) with the slowest events by stage,
//! what memory a live card takes, and a hash of all decisions, so that two builds that disagree are
//! seen.

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]

mod p;
mod subject;

/// What the program itself runs on.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::hint::black_box;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tidegate::domain::{EntityKind, Stage};
use tidegate::generator::{Generator, Settings};

use subject::{Subject, argument};

/// Nanoseconds that P takes now: the median of short runs.
#[inline(never)] // Seen by name in instruction counts.
fn p_ns() -> f64 {
    let runs = (0..9).map(|_| {
        let started = Instant::now();
        for _ in 0..40 {
            black_box(p::parse(black_box(p::EVENT)));
        }
        started.elapsed().as_nanos() as f64 / 40.0
    });
    Spread::of(runs.collect()).median
}

/// The middle and the edges of a sample.
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        Self { low: at(0.1), median: at(0.5), high: at(0.9) }
    }
}

/// Full speed, each stretch of lines beside a measurement of P: P and the ratio.
#[inline(never)] // Seen by name in instruction counts.
fn full_speed(subject: &mut Subject, lines: &[Vec<u8>]) -> (Spread, Spread) {
    let (mut units, mut ratios) = (Vec::new(), Vec::new());
    for stretch in lines.chunks(2_000) {
        let before = p_ns();
        let started = Instant::now();
        subject.take(stretch);
        let per_event = started.elapsed().as_nanos() as f64 / stretch.len() as f64;
        let p = f64::midpoint(before, p_ns());
        units.push(p);
        ratios.push(per_event / p);
    }
    (Spread::of(units), Spread::of(ratios))
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0)
}

fn main() {
    let tiny = std::env::args().any(|argument| argument == "--test");
    let events = argument("--events", if tiny { 2_000 } else { 400_000 });
    let warm = argument("--warm", if tiny { 2_000 } else { 3_000_000 });
    let customers = argument("--customers", if tiny { 1_000 } else { 1_000_000 }) as u32;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let settings = Settings {
        events: warm + 2 * events,
        customers,
        merchants: (customers / 10).max(500),
        terminals: (customers / 10).max(500),
        // One event a customer in four hours: their habits, at any number of customers.
        rate_per_s: f64::from(customers) / 14_400.0,
        ..Settings::default()
    };
    let mut generator = Generator::new(settings);
    let mut subject = Subject::new(dir.path(), &generator);
    let demands = subject.pipeline.engine_mut().demands();
    let _memory = tidegate::edges::memory::keep_ready(demands).expect("a thread");
    let mut next = |count: u64| -> Vec<Vec<u8>> {
        let mut line = Vec::new();
        (0..count).map_while(|_| generator.next_into(&mut line).map(|_| line.clone())).collect()
    };
    for _ in 0..warm.div_ceil(10_000) {
        let lines = next(warm.min(10_000));
        subject.take(&lines);
    }

    let lines = next(events);
    let bytes: usize = lines.iter().map(Vec::len).sum();
    let (resident_before, started) = (resident_kb(), Instant::now());
    subject.stage_ns = [0; Stage::COUNT];
    let (p, ratio) = full_speed(&mut subject, &lines);
    let per_event = started.elapsed().as_nanos() as f64 / lines.len() as f64;
    let resident_after = resident_kb();
    println!(
        "P                       {:.0} ns (a tenth below {:.0}, a tenth above {:.0})",
        p.median, p.low, p.high
    );
    println!(
        "whole event             {:.1} P (a tenth below {:.1}, a tenth above {:.1}), {:.0}/s with \
         P measured between ({} lines of {} bytes)",
        ratio.median,
        ratio.low,
        ratio.high,
        1e9 / per_event,
        lines.len(),
        bytes / lines.len().max(1)
    );

    for stage in Stage::ALL {
        let ns = subject.stage_ns[stage as usize] as f64 / lines.len() as f64;
        println!("  {:<22}{:.1} P", stage.name(), ns / p.median);
    }

    if argument("--latency", 1) == 0 {
        return;
    }
    let lines = next(events);
    let HalfLoad { latency, slowest, idle, busy } =
        half_load(&mut subject, &lines, ratio.median * p.median);
    let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1_000.0;
    println!(
        "latency at half load    p50 {:.1} us, p99 {:.1}, p99.9 {:.1} ({:.0} x p50), max {:.1}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(0.999) / at(0.5).max(0.001),
        latency.max() as f64 / 1_000.0
    );
    println!(
        "pauses of 1 ms and more {:.1}/s while this thread only waits (longest {:.1} ms), {:.1}/s \
         at work (longest {:.1} ms)",
        idle.per_s(),
        idle.longest_ns as f64 / 1e6,
        busy.per_s(),
        busy.longest_ns as f64 / 1e6
    );
    for Slow { took_ns, number, stage_ns } in slowest {
        let stages = stage_ns.map(|ns| format!("{:.0}", f64::from(ns) / 1_000.0)).join(" ");
        println!("  event {number:>7} took {:.0} us; by stage {stages}", took_ns as f64 / 1_000.0);
    }
    let (memory, recent_bytes) = subject.pipeline.engine().memory();
    for kind in EntityKind::ALL {
        let k = kind.index();
        let keys = u64::from(memory.keys[k]).max(1);
        println!(
            "{:<12} {:>9} live, {:>10} observations, {:>4} bytes a key (row {}, ring {})",
            kind.name(),
            memory.keys[k],
            memory.observations[k],
            (memory.row_bytes[k] + memory.ring_bytes[k]) / keys,
            memory.row_bytes[k] / keys,
            memory.ring_bytes[k] / keys,
        );
    }
    println!(
        "devices {} in {} MB; rings and panes {} MB of {} MB; recent events {} MB",
        memory.devices,
        memory.device_bytes >> 20,
        memory.arena_bytes >> 20,
        memory.arena_reserved_bytes >> 20,
        recent_bytes >> 20
    );
    println!(
        "resident {} MB, {} KB more after the run",
        resident_after >> 10,
        resident_after.saturating_sub(resident_before)
    );
    println!("decisions {} hash {:016x}", subject.decided, subject.hash);
}

/// One of the slowest events.
struct Slow {
    took_ns: u64,
    number: usize,
    stage_ns: [u32; Stage::COUNT],
}

/// How often a thread stood still for a millisecond and more: between two looks at the clock, or
/// within one event's work.
#[derive(Default)]
struct Pauses {
    of_ns: u64,
    count: u64,
    longest_ns: u64,
}

impl Pauses {
    const LEAST_NS: u64 = 1_000_000;

    fn note(&mut self, ns: u64) {
        self.of_ns += ns;
        self.count += u64::from(ns >= Self::LEAST_NS);
        self.longest_ns = self.longest_ns.max(ns);
    }

    fn per_s(&self) -> f64 {
        self.count as f64 / (self.of_ns as f64 / 1e9).max(1e-9)
    }
}

/// What half load shows.
struct HalfLoad {
    latency: Histogram<u64>,
    slowest: Vec<Slow>,
    idle: Pauses,
    busy: Pauses,
}

/// Open loop: each line has its intended start, and waits for nobody. A thread that waits for the next
/// start sees how often this machine stops it, whatever it does.
fn half_load(subject: &mut Subject, lines: &[Vec<u8>], per_event: f64) -> HalfLoad {
    let mut latency = Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("constant bounds");
    let mut slowest: Vec<Slow> = Vec::new();
    let (mut idle, mut busy) = (Pauses::default(), Pauses::default());
    let (tables, keys) = (subject.tables.current().clone(), subject.keys.token_keys());
    let started = Instant::now();
    for (number, line) in lines.iter().enumerate() {
        let due = Duration::from_nanos((number as f64 * per_event * 2.0) as u64);
        let mut begun = started.elapsed();
        while begun < due {
            std::hint::spin_loop();
            let now = started.elapsed();
            idle.note((now - begun).as_nanos() as u64);
            begun = now;
        }
        let stage_ns = subject.take_one(line, &tables, &keys);
        subject.pipeline.flush().expect("the journal's disk");
        let ended = started.elapsed();
        latency.saturating_record((ended - due).as_nanos() as u64);
        let took_ns = (ended - begun).as_nanos() as u64;
        busy.note(took_ns);
        if slowest.len() < 8 || slowest.last().is_some_and(|last| took_ns > last.took_ns) {
            slowest.push(Slow { took_ns, number, stage_ns });
            slowest.sort_by_key(|slow| std::cmp::Reverse(slow.took_ns));
            slowest.truncate(8);
        }
    }
    HalfLoad { latency, slowest, idle, busy }
}
