//! A recorder behind the `metrics` facade: counters and gauges, rendered as Prometheus' text.
//!
//! Latencies are not here: they are exact histograms of their own (`latency`).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, SharedString, Unit,
};

use super::{CounterName, GaugeName};

/// All series. Handles count without it; it is locked to make one and to render.
#[derive(Default)]
pub struct Registry {
    families: Mutex<BTreeMap<String, Family>>,
}

#[derive(Default)]
struct Family {
    help: String,
    kind: Type,
    /// By rendered labels, so that the output is sorted.
    series: BTreeMap<String, Arc<AtomicU64>>,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum Type {
    #[default]
    Counter,
    /// Holds the bits of an `f64`, as the facade stores it.
    Gauge,
}

impl Registry {
    /// A registry that knows the meaning of every name and has no series.
    pub fn new() -> Self {
        let registry = Self::default();
        for name in CounterName::ALL {
            registry.describe(name.name(), name.help(), Type::Counter);
        }
        for name in GaugeName::ALL {
            registry.describe(name.name(), name.help(), Type::Gauge);
        }
        registry
    }

    /// The counter of these label values, in the order of the name's labels.
    pub fn counter(&self, name: CounterName, values: &[&str]) -> Counter {
        self.register_counter(&key(name.name(), name.labels(), values), &METADATA)
    }

    /// The gauge of these label values, in the order of the name's labels.
    pub fn gauge(&self, name: GaugeName, values: &[&str]) -> Gauge {
        self.register_gauge(&key(name.name(), name.labels(), values), &METADATA)
    }

    /// Drops a gauge's series: a partition that is no longer ours has no lag.
    pub fn forget(&self, name: GaugeName) {
        if let Some(family) = self.lock().get_mut(name.name()) {
            family.series.clear();
        }
    }

    /// Every series in Prometheus' text format, sorted.
    pub fn render(&self) -> String {
        let mut out = String::new();
        for (name, family) in self.lock().iter() {
            if family.series.is_empty() {
                continue;
            }
            let kind = if family.kind == Type::Counter { "counter" } else { "gauge" };
            // Writing to a string cannot fail.
            let _ = writeln!(out, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
            for (labels, cell) in &family.series {
                let bits = cell.load(Ordering::Relaxed);
                let _ = match family.kind {
                    Type::Counter => writeln!(out, "{name}{labels} {bits}"),
                    Type::Gauge => writeln!(out, "{name}{labels} {}", f64::from_bits(bits)),
                };
            }
        }
        out
    }

    fn describe(&self, name: &str, help: &str, kind: Type) {
        let mut families = self.lock();
        let family = families.entry(name.to_owned()).or_default();
        help.clone_into(&mut family.help);
        family.kind = kind;
    }

    fn cell(&self, key: &Key, kind: Type) -> Arc<AtomicU64> {
        let mut families = self.lock();
        let family = families.entry(key.name().to_owned()).or_default();
        family.kind = kind;
        Arc::clone(family.series.entry(labels(key)).or_default())
    }

    /// A panic elsewhere must not take the metrics with it: counters are whole at any time.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Family>> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const METADATA: Metadata<'static> = Metadata::new("tidegate", Level::INFO, None);

fn key(name: &'static str, labels: &'static [&'static str], values: &[&str]) -> Key {
    debug_assert_eq!(labels.len(), values.len(), "{name}: a value for each label");
    let pairs = labels.iter().zip(values);
    let labels: Vec<Label> =
        pairs.map(|(label, value)| Label::new(*label, (*value).to_owned())).collect();
    Key::from_parts(name, labels)
}

fn labels(key: &Key) -> String {
    let mut out = String::new();
    for label in key.labels() {
        out.push(if out.is_empty() { '{' } else { ',' });
        let value = label.value().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(out, "{}=\"{value}\"", label.key());
    }
    if !out.is_empty() {
        out.push('}');
    }
    out
}

impl Recorder for Registry {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(key.as_str(), &description, Type::Counter);
    }

    fn describe_gauge(&self, key: KeyName, _: Option<Unit>, description: SharedString) {
        self.describe(key.as_str(), &description, Type::Gauge);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key, Type::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key, Type::Gauge))
    }

    /// Latencies have histograms of their own.
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("families", &self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prometheus drops a whole scrape for one malformed line.
    #[test]
    fn series_are_rendered_with_help_type_and_escaped_labels() {
        let registry = Registry::new();
        registry.counter(CounterName::Inputs, &["decided"]).increment(2);
        registry.counter(CounterName::Inputs, &["decided"]).increment(1);
        registry.gauge(GaugeName::ConsumerLag, &["a\"b\\", "0"]).set(7.5);
        assert_eq!(
            registry.render(),
            "# HELP tidegate_consumer_lag Messages between the last one taken and the newest\n\
             # TYPE tidegate_consumer_lag gauge\n\
             tidegate_consumer_lag{topic=\"a\\\"b\\\\\",partition=\"0\"} 7.5\n\
             # HELP tidegate_inputs_total Messages taken, by what became of them\n\
             # TYPE tidegate_inputs_total counter\n\
             tidegate_inputs_total{result=\"decided\"} 3\n"
        );
    }

    /// A partition that was given away must not show its last lag for ever.
    #[test]
    fn a_forgotten_gauge_is_gone() {
        let registry = Registry::new();
        registry.gauge(GaugeName::ConsumerLag, &["a", "0"]).set(1.0);
        registry.forget(GaugeName::ConsumerLag);
        assert_eq!(registry.render(), "");
    }
}
