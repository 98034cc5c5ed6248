//! Every metric and event name, as types.
//!
//! Labels come from closed vocabularies, so that no text of an event becomes one. The engine's
//! thread counts into handles made before it starts and times into histograms of its own: it takes
//! no lock and allocates nothing.

mod names;
mod registry;
mod meters;
mod latency;
mod share;
mod readiness;
mod events;
mod log;

pub use events::{LogEvent, emit};
pub use latency::{Latencies, LatencyRecorder, Timer};
pub use log::{Format, Level, hide_panic_payloads, init};
pub use meters::{Break, CommitResult, InputResult, Meters, Output, ReloadResult};
pub use names::{CounterName, GaugeName};
pub use readiness::{Readiness, Unready};
pub use registry::Registry;

use std::sync::Arc;
use std::time::SystemTime;

/// What a running service shows of itself; cheap to clone, shared by its threads.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Counters and gauges.
    pub registry: Arc<Registry>,
    /// Their handles.
    pub meters: Arc<Meters>,
    /// Latencies.
    pub latencies: Arc<Latencies>,
    /// Whether the service takes work, and why not.
    pub readiness: Arc<Readiness>,
}

impl Telemetry {
    /// Telemetry that has seen nothing yet and is not ready.
    ///
    /// `reject_reasons` and `fields` are the closed vocabularies of two labels; what is in neither
    /// counts as `other` and `unknown`.
    pub fn new(reject_reasons: &[&'static str], fields: &[&'static str]) -> Self {
        let registry = Arc::new(Registry::new());
        let meters = Arc::new(Meters::new(&registry, reject_reasons, fields));
        registry.gauge(GaugeName::PartitionsStalled, &[]).set(0.0);
        Self { registry, meters, latencies: Arc::default(), readiness: Arc::default() }
    }

    /// Begins the counters of looks at tables: one that is born with its first event has no increase
    /// that an alert could see.
    #[must_use]
    pub fn with_tables(self, tables: &[&'static str]) -> Self {
        for table in tables {
            for result in ReloadResult::ALL {
                self.reloads(table, *result).increment(0);
            }
        }
        self
    }

    /// Says which version has started, and when.
    #[must_use]
    pub fn started(self, version: &str, at: SystemTime) -> Self {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.registry.gauge(GaugeName::BuildInfo, &[version]).set(1.0);
        self.registry.gauge(GaugeName::StartTime, &[]).set(since.as_secs() as f64);
        self
    }

    /// Counts a look at a changed table; rare, so it looks its counter up.
    pub fn count_reload(&self, table: &'static str, result: ReloadResult) {
        self.reloads(table, result).increment(1);
    }

    fn reloads(&self, table: &'static str, result: ReloadResult) -> metrics::Counter {
        self.registry.counter(CounterName::Reloads, &[table, result.name()])
    }

    /// Everything in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut out = self.registry.render();
        self.latencies.render(&mut out);
        self.readiness.render(&mut out);
        out
    }
}
