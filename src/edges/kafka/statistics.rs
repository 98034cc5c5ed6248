//! The client's statistics: how far behind we are, and whether a broker answers.
//!
//! The client makes them on the engine's thread as a JSON text; they are parsed elsewhere.

use std::sync::Mutex;

use crate::telemetry::{GaugeName, LogEvent, Telemetry, Unready, emit};

use super::contexts::lock;

/// The newest statistics that nobody has read yet.
#[derive(Debug, Default)]
pub struct Statistics(Mutex<Vec<u8>>);

impl Statistics {
    pub(super) fn put(&self, json: &[u8]) {
        let mut newest = lock(&self.0);
        newest.clear();
        newest.extend_from_slice(json);
    }

    /// Turns the newest statistics, if any, into gauges and readiness. To be called about once a
    /// second, from any thread but the engine's.
    pub fn publish(&self, telemetry: &Telemetry) {
        let json = std::mem::take(&mut *lock(&self.0));
        if json.is_empty() {
            return;
        }
        let Ok(statistics) = sonic_rs::from_slice::<rdkafka::Statistics>(&json) else { return };
        let is_up = statistics.brokers.values().any(|broker| broker.state == "UP");
        if is_up && telemetry.readiness.clear(Unready::BrokerUnreachable) {
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
