//! Sends events on a schedule, or as fast as they are answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::BaseRecord;

use super::Failure;
use super::clients::{LoadProducer, finish};
use super::payloads::Payloads;

/// When each event is meant to leave: event `i` at `start + i / rate`, whatever happens to the
/// ones before it. Latency counts from there, so that a stall is seen by all whom it delays.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    pub start: Instant,
    pub rate: u32,
}

impl Schedule {
    /// Time from the start to the intended send time of an event.
    pub fn intended(self, index: u64) -> Duration {
        Duration::from_nanos((u128::from(index) * 1_000_000_000 / u128::from(self.rate)) as u64)
    }

    /// Events whose time has come.
    fn due(self) -> u64 {
        (self.start.elapsed().as_nanos() * u128::from(self.rate) / 1_000_000_000) as u64
    }
}

/// How many events may leave.
#[derive(Clone, Copy, Debug)]
pub enum Pace<'a> {
    /// Open loop.
    Scheduled(Schedule),
    /// At most `ahead_max` more than `answered`.
    Saturating { ahead_max: u64, answered: &'a AtomicU64 },
}

impl Pace<'_> {
    fn allowed(&self) -> u64 {
        match self {
            Self::Scheduled(schedule) => schedule.due(),
            Self::Saturating { ahead_max, answered } => {
                answered.load(Ordering::Relaxed) + ahead_max
            }
        }
    }

    /// How long to sleep when nothing may leave: spinning would take a core from the subject.
    fn nap(&self) -> Duration {
        match self {
            // Longer than an event's interval at high rates: what came due meanwhile leaves at once.
            Self::Scheduled(_) => Duration::from_micros(100),
            // The subject has a large part of `ahead_max` to work on meanwhile.
            Self::Saturating { .. } => Duration::from_millis(2),
        }
    }
}

/// Partitions are chosen by key, as a gateway would by payer.
const KEYS: u64 = 4_096;

/// Sends until `until`, then waits for the last acknowledgement. Returns how many were sent.
pub fn send(
    producer: &LoadProducer,
    topic: &str,
    payloads: &mut Payloads,
    pace: Pace<'_>,
    until: Instant,
) -> Result<u64, Failure> {
    let mut sent = 0_u64;
    while Instant::now() < until {
        let allowed = pace.allowed().min(sent + 1_024);
        if sent == allowed {
            producer.poll(Duration::ZERO);
            std::thread::sleep(pace.nap());
        }
        while sent < allowed {
            let key = (sent % KEYS).to_be_bytes();
            let event = payloads.event(sent);
            match producer.send(BaseRecord::to(topic).key(&key).payload(event)) {
                Ok(()) => sent += 1,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(1));
                    break;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        producer.poll(Duration::ZERO);
    }
    finish(producer)?;
    Ok(sent)
}
