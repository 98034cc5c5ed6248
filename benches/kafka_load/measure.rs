//! The two measurements: how many events a second, and how long each takes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::clients::{Cluster, end_offsets, written_since};
use super::payloads::Payloads;
use super::reader::{self, Answers, STILL_SENDING};
use super::sender::{self, Pace, Schedule};
use super::{Failure, RunId};

/// Left out of every figure: connections, metadata, the first segments, a cold JVM.
pub const WARM_UP: Duration = Duration::from_secs(3);

/// Events sent but not yet decided while saturating: enough to keep the subject busy between two
/// looks at the decisions topic, little enough that the end is not far.
const AHEAD_MAX: u64 = 60_000;

/// Distinct events when no file is given.
const SYNTHETIC_EVENTS: u32 = 50_000;

/// What is loaded, and with what.
#[derive(Clone)]
pub struct Load {
    pub cluster: Cluster,
    pub run: RunId,
    pub events_topic: String,
    pub decisions_topic: String,
    /// A file of JSON lines; without one, synthetic events.
    pub payloads: Option<PathBuf>,
    pub linger_ms: u32,
    pub duration: Duration,
}

/// A subject at its limit.
pub struct Throughput {
    pub events_per_second: f64,
    pub answers: Answers,
}

impl Load {
    fn payloads(&self) -> Result<Payloads, Failure> {
        match &self.payloads {
            Some(path) => Payloads::from_file(path, self.run),
            None => Payloads::synthetic(SYNTHETIC_EVENTS, self.run),
        }
    }

    /// Keeps the subject saturated, counts decisions by the end of their topic (reading them
    /// would take a share of the same cores), then reads them all to see that each came once.
    pub fn throughput(&self) -> Result<Throughput, Failure> {
        let observer = self.cluster.observer()?;
        let since = end_offsets(&observer, &self.decisions_topic)?;
        let producer = self.cluster.producer(self.linger_ms)?;
        let mut payloads = self.payloads()?;
        let answered = AtomicU64::new(0);
        let count = || -> Result<u64, Failure> {
            let written = written_since(&observer, &self.decisions_topic, &since)?;
            answered.store(written, Ordering::Relaxed);
            Ok(written)
        };
        let begin = Instant::now() + WARM_UP;
        let until = begin + self.duration;
        let pace = Pace::Saturating { ahead_max: AHEAD_MAX, answered: &answered };
        let (sent, events_per_second) = thread::scope(|scope| -> Result<_, Failure> {
            let sending = scope
                .spawn(|| sender::send(&producer, &self.events_topic, &mut payloads, pace, until));
            let mut first = None;
            let mut rate = 0.0;
            while Instant::now() < until {
                thread::sleep(Duration::from_millis(50));
                let written = count()?;
                let now = Instant::now();
                if now >= begin {
                    let (then, before) = *first.get_or_insert((now, written));
                    let seconds = now.duration_since(then).as_secs_f64();
                    rate = (written - before) as f64 / seconds.max(1e-9);
                }
            }
            let sent = sending.join().map_err(|_| "the sender panicked")??;
            Ok((sent, rate))
        })?;
        let consumer = self.cluster.consumer(&self.decisions_topic, &since)?;
        let expected = AtomicU64::new(sent);
        let answers = reader::read(&consumer, self.run, None, WARM_UP, &expected)?;
        Ok(Throughput { events_per_second, answers })
    }

    /// Sends `rate` events a second on a fixed schedule and reads their decisions as they come.
    pub fn latency(&self, rate: u32) -> Result<Answers, Failure> {
        let observer = self.cluster.observer()?;
        let since = end_offsets(&observer, &self.decisions_topic)?;
        let consumer = self.cluster.consumer(&self.decisions_topic, &since)?;
        let producer = self.cluster.producer(self.linger_ms)?;
        let mut payloads = self.payloads()?;
        let expected = AtomicU64::new(STILL_SENDING);
        let schedule = Schedule { start: Instant::now(), rate };
        let until = schedule.start + WARM_UP + self.duration;
        thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let pace = Pace::Scheduled(schedule);
                let topic = &self.events_topic;
                let sent = sender::send(&producer, topic, &mut payloads, pace, until);
                // On failure too: the reader must not wait for what will never be sent.
                expected.store(*sent.as_ref().unwrap_or(&0), Ordering::Relaxed);
                sent
            });
            let answers = reader::read(&consumer, self.run, Some(schedule), WARM_UP, &expected);
            sending.join().map_err(|_| "the sender panicked")??;
            answers
        })
    }
}
