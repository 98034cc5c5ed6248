//! Reads decisions: how long each took from its intended send time, and which came not once.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rdkafka::Message;
use rdkafka::consumer::BaseConsumer;

use super::sender::Schedule;
use super::{Failure, RunId};

/// The number of events to wait for is not known before the sender has finished.
pub const STILL_SENDING: u64 = u64::MAX;

/// Without a decision for this long after the last event was sent, none will come.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came back.
pub struct Answers {
    /// Microseconds from the intended send time to the moment the decision was read.
    pub latency_us: Histogram<u64>,
    /// Event ids with no decision.
    pub missing: u64,
    /// Decisions beyond the first of their event id.
    pub repeated: u64,
    /// Messages that carry no event id of this run.
    pub foreign: u64,
}

/// Reads decisions until every one of `expected` events has one, or no more come.
///
/// With a schedule, latency is recorded for events that were meant to leave after `warm_up`.
pub fn read(
    consumer: &BaseConsumer,
    run: RunId,
    schedule: Option<Schedule>,
    warm_up: Duration,
    expected: &AtomicU64,
) -> Result<Answers, Failure> {
    let prefix = run.prefix();
    let mut counts: Vec<u8> = Vec::new();
    let mut distinct = 0_u64;
    let mut answers = Answers {
        // Up to ten minutes, three significant digits: a few hundred kilobytes.
        latency_us: Histogram::new_with_bounds(1, 600_000_000, 3)?,
        missing: 0,
        repeated: 0,
        foreign: 0,
    };
    let mut last = Instant::now();
    loop {
        let total = expected.load(Ordering::Relaxed);
        if distinct >= total || (total != STILL_SENDING && last.elapsed() > PATIENCE) {
            answers.missing = total.saturating_sub(distinct);
            return Ok(answers);
        }
        let Some(message) = consumer.poll(Duration::from_millis(20)) else { continue };
        let message = message?;
        last = Instant::now();
        let Some(index) = index_of(message.payload().unwrap_or_default(), &prefix) else {
            answers.foreign += 1;
            continue;
        };
        if let Some(schedule) = schedule {
            let intended = schedule.intended(index);
            if intended >= warm_up {
                let took = last.duration_since(schedule.start).saturating_sub(intended);
                answers.latency_us.saturating_record(took.as_micros() as u64);
            }
        }
        let place = index as usize;
        if place >= counts.len() {
            counts.resize(place + 1, 0);
        }
        if counts[place] == 0 {
            distinct += 1;
        } else {
            answers.repeated += 1;
        }
        counts[place] = 1;
    }
}

/// The index in the first event id of this run that the message mentions.
fn index_of(payload: &[u8], prefix: &[u8; RunId::PREFIX_LEN]) -> Option<u64> {
    let at = payload.windows(prefix.len()).position(|window| window == prefix)? + prefix.len();
    let digits = payload.get(at..at + RunId::INDEX_LEN)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
