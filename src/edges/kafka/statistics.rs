//! The client's statistics: how far behind we are, and whether a broker answers.
//!
//! The client makes them on the engine's thread as a JSON text; they are parsed elsewhere.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::telemetry::{GaugeName, LogEvent, Telemetry, Unready, emit};

use super::contexts::lock;

/// How long a broker must not have refused us before a connection that is up counts as mended:
/// longer than the client's pause between two tries, since another broker may be up meanwhile.
const MENDED: Duration = Duration::from_secs(3);

/// Reasons that go when a broker is up and none refuses us.
const REFUSALS: [Unready; 3] =
    [Unready::BrokerLogin, Unready::BrokerCertificate, Unready::BrokerTls];

/// The newest statistics that nobody has read yet.
#[derive(Debug, Default)]
pub struct Statistics {
    newest: Mutex<Vec<u8>>,
    refused_at: Mutex<Option<Instant>>,
}

impl Statistics {
    pub(super) fn put(&self, json: &[u8]) {
        let mut newest = lock(&self.newest);
        newest.clear();
        newest.extend_from_slice(json);
    }

    /// A broker has refused us just now.
    pub(super) fn note_refusal(&self) {
        *lock(&self.refused_at) = Some(Instant::now());
    }

    fn is_refused(&self) -> bool {
        lock(&self.refused_at).is_some_and(|at| at.elapsed() < MENDED)
    }

    /// Turns the newest statistics, if any, into gauges and readiness. To be called about once a
    /// second, from any thread but the engine's.
    pub fn publish(&self, telemetry: &Telemetry) {
        let json = std::mem::take(&mut *lock(&self.newest));
        if json.is_empty() {
            return;
        }
        let Ok(statistics) = sonic_rs::from_slice::<rdkafka::Statistics>(&json) else { return };
        let is_up = statistics.brokers.values().any(|broker| broker.state == "UP");
        let mut is_back = is_up && telemetry.readiness.clear(Unready::BrokerUnreachable);
        if is_up && !self.is_refused() {
            for refusal in REFUSALS {
                is_back |= telemetry.readiness.clear(refusal);
            }
        }
        if is_back {
            emit(&LogEvent::BrokerBack);
        }
        telemetry.registry.forget(GaugeName::ConsumerLag);
        for (name, topic) in &statistics.topics {
            for (number, partition) in &topic.partitions {
                if *number < 0 || partition.consumer_lag < 0 {
                    continue;
                }
                let labels = [name.as_str(), &number.to_string()];
                let gauge = telemetry.registry.gauge(GaugeName::ConsumerLag, &labels);
                gauge.set(partition.consumer_lag as f64);
            }
        }
    }
}
