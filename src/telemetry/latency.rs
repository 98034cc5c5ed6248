//! Latencies: exact histograms, filled by the engine's thread without a lock.
//!
//! Once a second the engine hands over a full set and takes an empty one; whoever collects merges
//! it into the last minute. If nobody collects, the engine goes on filling the set it has.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::domain::Stage;

/// What is timed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Timer {
    /// One stage of one event.
    Stage(Stage),
    /// One flush of the journal.
    Flush,
    /// From taking a message up to handing its answer to the producer: includes waiting for the
    /// rest of its batch and for the flush.
    Event,
    /// From the broker's time stamp of a message to the same moment; across two clocks.
    Transit,
}

impl Timer {
    const COUNT: usize = Stage::COUNT + 3;

    /// All of them, in the order of their places.
    fn all() -> impl Iterator<Item = Self> {
        Stage::ALL.into_iter().map(Self::Stage).chain([Self::Flush, Self::Event, Self::Transit])
    }

    const fn place(self) -> usize {
        match self {
            Self::Stage(stage) => stage as usize,
            Self::Flush => Stage::COUNT,
            Self::Event => Stage::COUNT + 1,
            Self::Transit => Stage::COUNT + 2,
        }
    }

    /// The metric's name.
    const fn name(self) -> &'static str {
        match self {
            Self::Stage(_) => "tidegate_stage_seconds",
            Self::Flush => "tidegate_flush_seconds",
            Self::Event => "tidegate_event_seconds",
            Self::Transit => "tidegate_transit_seconds",
        }
    }

    const fn help(self) -> &'static str {
        match self {
            Self::Stage(_) => "Time in each stage, per event; quantiles over the last minute",
            Self::Flush => "Time of a flush of the journal; quantiles over the last minute",
            Self::Event => {
                "From taking a message to handing over its answer; quantiles over the last minute"
            }
            Self::Transit => {
                "From the message's time stamp to handing over its answer; quantiles over the last \
                 minute"
            }
        }
    }
}

/// Longer is counted as this: a minute, in nanoseconds.
const MAX_NS: u64 = 60_000_000_000;
/// Two digits: a quantile is at most 1% off.
const DIGITS: u8 = 2;
/// How long a set is filled before it is handed over.
const HAND_OVER: Duration = Duration::from_secs(1);
/// The window of the quantiles, as slices of [`SLICE`].
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_secs(5);

struct Set {
    histograms: Vec<Histogram<u32>>,
    sums_ns: [u64; Timer::COUNT],
}

impl Set {
    fn new() -> Self {
        let histogram = Histogram::new_with_max(MAX_NS, DIGITS);
        let histogram = histogram.expect("the bounds are constants that the histogram accepts");
        Self { histograms: vec![histogram; Timer::COUNT], sums_ns: [0; Timer::COUNT] }
    }

    fn record(&mut self, timer: Timer, ns: u64) {
        let place = timer.place();
        if let Some(histogram) = self.histograms.get_mut(place) {
            histogram.saturating_record(ns);
            self.sums_ns[place] = self.sums_ns[place].saturating_add(ns);
        }
    }

    fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.histograms.iter_mut().zip(&other.histograms) {
            // Both have the same bounds: adding cannot fail.
            let _ = mine.add(theirs);
        }
        for (mine, theirs) in self.sums_ns.iter_mut().zip(other.sums_ns) {
            *mine = mine.saturating_add(theirs);
        }
    }

    fn clear(&mut self) {
        self.histograms.iter_mut().for_each(Histogram::reset);
        self.sums_ns = [0; Timer::COUNT];
    }
}

/// What the engine's thread writes to.
pub struct LatencyRecorder {
    set: Box<Set>,
    since: Instant,
    shared: Arc<Latencies>,
}

impl LatencyRecorder {
    /// A recorder whose sets go to `shared`.
    pub fn new(shared: Arc<Latencies>) -> Self {
        Self { set: Box::new(Set::new()), since: Instant::now(), shared }
    }

    /// Counts one duration in nanoseconds.
    pub fn record(&mut self, timer: Timer, ns: u64) {
        self.set.record(timer, ns);
    }

    /// Hands the set over when it is a second old and somebody took the last one. Never waits.
    pub fn tick(&mut self, now: Instant) {
        if now.duration_since(self.since) < HAND_OVER {
            return;
        }
        let Ok(mut exchange) = self.shared.exchange.try_lock() else { return };
        if let Some(empty) = exchange.empty.take() {
            exchange.full = Some(std::mem::replace(&mut self.set, empty));
            self.since = now;
        }
    }
}

/// Where full sets are handed over, and what they add up to.
pub struct Latencies {
    exchange: Mutex<Exchange>,
    collected: Mutex<Collected>,
}

struct Exchange {
    full: Option<Box<Set>>,
    empty: Option<Box<Set>>,
}

struct Collected {
    /// The slices of the last minute; the newest is at `newest`.
    slices: Vec<Set>,
    newest: usize,
    since: Instant,
    counts: [u64; Timer::COUNT],
    sums_ns: [u64; Timer::COUNT],
}

impl Default for Latencies {
    fn default() -> Self {
        let collected = Collected {
            slices: (0..SLICES).map(|_| Set::new()).collect(),
            newest: 0,
            since: Instant::now(),
            counts: [0; Timer::COUNT],
            sums_ns: [0; Timer::COUNT],
        };
        let exchange = Exchange { full: None, empty: Some(Box::new(Set::new())) };
        Self { exchange: Mutex::new(exchange), collected: Mutex::new(collected) }
    }
}

impl Latencies {
    /// Takes what the engine has handed over. To be called about once a second.
    pub fn collect(&self, now: Instant) {
        let mut collected = lock(&self.collected);
        collected.turn(now);
        let Some(mut set) = lock(&self.exchange).full.take() else { return };
        collected.take(&set);
        set.clear();
        lock(&self.exchange).empty = Some(set);
    }

    /// Prometheus summaries at the end of `out`.
    pub(super) fn render(&self, out: &mut String) {
        let collected = lock(&self.collected);
        let mut window = Set::new();
        collected.slices.iter().for_each(|slice| window.add(slice));
        let mut described = "";
        for timer in Timer::all() {
            let name = timer.name();
            if name != described {
                // Writing to a string cannot fail.
                let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} summary", timer.help());
                described = name;
            }
            collected.render(timer, &window, out);
        }
    }
}

impl Collected {
    fn turn(&mut self, now: Instant) {
        while now.duration_since(self.since) >= SLICE {
            self.newest = (self.newest + 1) % SLICES;
            self.since += SLICE;
            // A long silence clears every slice once, not once per slice that passed.
            if now.duration_since(self.since) >= SLICE * SLICES as u32 {
                self.slices.iter_mut().for_each(Set::clear);
                self.since = now;
            }
            if let Some(slice) = self.slices.get_mut(self.newest) {
                slice.clear();
            }
        }
    }

    fn take(&mut self, set: &Set) {
        if let Some(slice) = self.slices.get_mut(self.newest) {
            slice.add(set);
        }
        for (count, histogram) in self.counts.iter_mut().zip(&set.histograms) {
            *count += histogram.len();
        }
        for (sum, more) in self.sums_ns.iter_mut().zip(set.sums_ns) {
            *sum = sum.saturating_add(more);
        }
    }

    fn render(&self, timer: Timer, window: &Set, out: &mut String) {
        let (name, place) = (timer.name(), timer.place());
        let stage = match timer {
            Timer::Stage(stage) => format!("stage=\"{}\"", stage.name()),
            _ => String::new(),
        };
        let comma = if stage.is_empty() { "" } else { "," };
        if let Some(histogram) = window.histograms.get(place) {
            for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
                let seconds = seconds(histogram.value_at_quantile(quantile));
                let _ = writeln!(out, "{name}{{{stage}{comma}quantile=\"{quantile}\"}} {seconds}");
            }
        }
        let labels = if stage.is_empty() { stage } else { format!("{{{stage}}}") };
        let _ = writeln!(out, "{name}_sum{labels} {}", seconds(self.sums_ns[place]));
        let _ = writeln!(out, "{name}_count{labels} {}", self.counts[place]);
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// A panic elsewhere must not take the metrics with it: sets are whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latencies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(latencies: &Latencies, series: &str) -> f64 {
        let mut out = String::new();
        latencies.render(&mut out);
        let line = out.lines().find(|line| line.starts_with(series)).unwrap();
        line.rsplit_once(' ').unwrap().1.parse().unwrap()
    }

    /// What the engine recorded is what Prometheus reads, to the histogram's 1%.
    #[test]
    fn recorded_durations_come_out_as_quantiles() {
        let latencies = Arc::new(Latencies::default());
        let mut recorder = LatencyRecorder::new(Arc::clone(&latencies));
        for us in 1..=1_000 {
            recorder.record(Timer::Stage(Stage::Rules), us * 1_000);
        }
        recorder.record(Timer::Event, u64::MAX);
        let later = Instant::now() + HAND_OVER;
        recorder.tick(later);
        latencies.collect(later);
        let near = |series: &str, expected: f64| {
            let value = value(&latencies, series);
            assert!((value / expected - 1.0).abs() < 0.02, "{series}: {value}, not {expected}");
        };
        near("tidegate_stage_seconds{stage=\"rules\",quantile=\"0.5\"}", 500e-6);
        near("tidegate_stage_seconds{stage=\"rules\",quantile=\"0.999\"}", 999e-6);
        near("tidegate_stage_seconds{stage=\"rules\",quantile=\"1\"}", 1e-3);
        near("tidegate_stage_seconds_sum{stage=\"rules\"}", 0.5005);
        near("tidegate_stage_seconds_count{stage=\"rules\"}", 1_000.0);
        near("tidegate_event_seconds{quantile=\"1\"}", 60.0);
    }

    /// Nobody may be there to collect: the engine goes on, and nothing is lost or counted twice.
    #[test]
    fn nothing_is_lost_while_nobody_collects() {
        let latencies = Arc::new(Latencies::default());
        let mut recorder = LatencyRecorder::new(Arc::clone(&latencies));
        let start = Instant::now();
        for second in 1..=10 {
            recorder.record(Timer::Flush, 1_000);
            recorder.tick(start + HAND_OVER * second);
        }
        latencies.collect(start);
        recorder.tick(start + HAND_OVER * 20);
        latencies.collect(start);
        assert!((value(&latencies, "tidegate_flush_seconds_count") - 10.0).abs() < 0.5);
    }

    /// A spike leaves the quantiles after a minute and stays in the sum.
    #[test]
    fn quantiles_forget_after_a_minute() {
        let latencies = Arc::new(Latencies::default());
        let mut recorder = LatencyRecorder::new(Arc::clone(&latencies));
        let start = Instant::now();
        recorder.record(Timer::Flush, 1_000_000_000);
        recorder.tick(start + HAND_OVER);
        latencies.collect(start);
        assert!(value(&latencies, "tidegate_flush_seconds{quantile=\"1\"}") > 0.9);
        latencies.collect(start + Duration::from_secs(90));
        assert!(value(&latencies, "tidegate_flush_seconds{quantile=\"1\"}") < 1e-6);
        assert!(value(&latencies, "tidegate_flush_seconds_sum") > 0.9);
    }
}
