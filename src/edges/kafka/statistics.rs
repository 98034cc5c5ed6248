//! The client's statistics: how far behind we are, and whether a broker answers.
//!
//! The client makes them on the engine's thread as a JSON text; they are parsed elsewhere.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::telemetry::{CommitResult, GaugeName, LogEvent, Telemetry, Unready, emit};

use super::contexts::lock;
use super::watch::Name;

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
    /// How far each partition is read, as the newest of them said.
    readings: Mutex<BTreeMap<Name, Reading>>,
}

/// How far a partition is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Reading {
    /// The next offset that is fetched; negative where the client does not know.
    next: i64,
    /// Messages that were fetched and not taken.
    waits: u64,
    /// The position that the group was told; negative before.
    committed: i64,
}

impl Reading {
    fn position(&self) -> i64 {
        let waits = i64::try_from(self.waits).unwrap_or(0);
        if self.next < 0 { self.next } else { (self.next - waits).max(0) }
    }
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
        self.note_readings(&statistics, telemetry);
        // What is not known now is what was known last: a metric that goes away alarms nobody.
        for (name, topic) in &statistics.topics {
            for (number, partition) in &topic.partitions {
                let Some(lag) = lag_of(partition).filter(|_| *number >= 0) else { continue };
                let labels = [name.as_str(), &number.to_string()];
                telemetry.registry.gauge(GaugeName::ConsumerLag, &labels).set(lag as f64);
            }
        }
    }

    /// The next offset that is taken of a partition: what was fetched and waits is not read yet. Negative
    /// where the client does not know.
    pub(super) fn reading(&self, name: &Name) -> Option<i64> {
        lock(&self.readings).get(name).map(Reading::position)
    }

    /// Partitions are another's: what was known of them is not true any more.
    pub(super) fn forget(&self, telemetry: &Telemetry) {
        lock(&self.readings).clear();
        telemetry.registry.forget(GaugeName::ConsumerLag);
    }

    /// The client calls nobody back for a commit: that one was made shows in what it knows committed.
    fn note_readings(&self, statistics: &rdkafka::Statistics, telemetry: &Telemetry) {
        let mut readings = lock(&self.readings);
        let mut is_told = false;
        for (topic, partitions) in &statistics.topics {
            for (number, partition) in &partitions.partitions {
                let reading = Reading {
                    next: partition.next_offset,
                    waits: u64::try_from(partition.fetchq_cnt).unwrap_or(0),
                    committed: partition.committed_offset,
                };
                let before = readings.insert((topic.clone(), *number), reading);
                let before = before.map_or(-1, |before| before.committed);
                is_told |= reading.committed >= 0 && before != reading.committed;
            }
        }
        if is_told {
            telemetry.meters.commit(CommitResult::Done);
        }
    }
}

/// Messages between the last one taken and the newest; `None` where the client does not know. Control
/// records, which end transactions, are none: once all is taken that was fetched, and everything was
/// fetched, nothing is left.
fn lag_of(partition: &rdkafka::statistics::Partition) -> Option<i64> {
    let end = [partition.ls_offset, partition.hi_offset].into_iter().find(|end| *end >= 0)?;
    if partition.fetchq_cnt == 0 && partition.next_offset >= end {
        return Some(0);
    }
    Some(partition.consumer_lag).filter(|lag| *lag >= 0)
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::Partition;

    use super::*;

    /// What was fetched and lies with the client is not read: a client that gives nothing out stands still.
    #[test]
    fn what_waits_is_not_read() {
        for (next, waits, expected) in
            [(100, 0, 100), (100, 100, 0), (100, 30, 70), (-1001, 0, -1001), (5, 9, 0)]
        {
            let reading = Reading { next, waits, committed: -1 };
            assert_eq!(reading.position(), expected, "{next} {waits}");
        }
    }

    /// The record that ends a transaction is none of those that wait.
    #[test]
    fn nothing_is_left_once_all_was_fetched_and_taken() {
        let partition = |next_offset, fetchq_cnt, (ls_offset, hi_offset), consumer_lag| Partition {
            next_offset,
            fetchq_cnt,
            ls_offset,
            hi_offset,
            consumer_lag,
            ..Partition::default()
        };
        for (partition, expected) in [
            (partition(101, 0, (101, 101), 1), Some(0)),
            (partition(101, 3, (101, 101), 4), Some(4)),
            (partition(90, 0, (101, 101), 12), Some(12)),
            (partition(101, 0, (-1, 101), 1), Some(0)),
            (partition(101, 0, (101, 300), 1), Some(0)),
            (partition(-1001, 0, (101, 101), -1), None),
            (partition(0, 0, (-1, -1), -1), None),
        ] {
            assert_eq!(lag_of(&partition), expected, "{partition:?}");
        }
    }
}
