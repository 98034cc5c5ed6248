//! Whether what the broker has is read: asked beside the stream, by a client of its own.
//!
//! A client may stand still and say nothing: its idea of the topic is another one than the broker's (a
//! disk that was wiped, a topic that was made again), or it cannot read what comes next. So what a
//! partition has is asked of the broker, and compared with how far the reading client has come. Who
//! stands still while there is more makes the service unready, by name; the engine's thread is asked
//! to look again at what stands there, then to begin with a fresh client.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use crate::telemetry::{GaugeName, LogEvent, Telemetry, Unready, emit};

use super::contexts::{ConsumerSide, lock};
use super::statistics::Statistics;

/// A partition by name.
pub(super) type Name = (String, i32);

/// How often the broker is asked.
const EVERY: Duration = Duration::from_secs(3);
/// How long one question may take.
const ASK: Duration = Duration::from_secs(5);
/// How long a partition may stand still while the broker has more.
const STALLED: Duration = Duration::from_secs(10);
/// How long before a fresh client is tried, and the longest pause between two.
const RENEW: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(1_200));

/// What the engine's thread is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// Nothing.
    Nothing = 0,
    /// To look again at what stands behind its partitions.
    Proof = 1,
    /// To begin with a fresh client.
    Renewal = 2,
}

/// What both threads know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// What is assigned; nothing is expected of a partition that is not.
    assigned: Mutex<Vec<Name>>,
    is_paused: AtomicBool,
    wanted: AtomicU8,
    is_over: AtomicBool,
    /// What the reading client said last.
    said: Mutex<String>,
}

impl Shared {
    /// These are read from now on.
    pub(super) fn set_assigned(&self, assigned: Vec<Name>) {
        *lock(&self.assigned) = assigned;
    }

    /// Whether reading rests by our own will.
    pub(super) fn set_paused(&self, is_paused: bool) {
        self.is_paused.store(is_paused, Ordering::Relaxed);
    }

    /// The reading client cannot take a message.
    pub(super) fn say(&self, what: &str) {
        what.clone_into(&mut lock(&self.said));
    }

    /// What is asked for, once.
    pub(super) fn take_wanted(&self) -> Wanted {
        match self.wanted.swap(0, Ordering::Relaxed) {
            0 => Wanted::Nothing,
            1 => Wanted::Proof,
            _ => Wanted::Renewal,
        }
    }

    /// Asks for something, unless for more already.
    pub(super) fn want(&self, wanted: Wanted) {
        self.wanted.fetch_max(wanted as u8, Ordering::Relaxed);
    }
}

/// The thread that asks.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to watch the topics of a group.
    pub(super) fn start(
        config: ClientConfig,
        (topics, group): (Vec<String>, String),
        (telemetry, statistics): (Telemetry, Arc<Statistics>),
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let mut watcher = Watcher {
            config,
            topics,
            group,
            telemetry,
            statistics,
            shared: Arc::clone(&shared),
            client: None,
            progress: BTreeMap::new(),
            pause: RENEW.0,
            renewed_at: None,
            short_since: None,
        };
        let run = move || watcher.run();
        let thread = thread::Builder::new().name("kafka-watch".to_owned()).spawn(run)?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It may be in the middle of a question: whoever stops need not wait for it.
            if thread.is_finished() {
                let _ = thread.join();
            }
        }
    }
}

/// How far the reading client has come with a partition.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// The next offset that it gives out; negative where it does not know.
    next: i64,
    since: Instant,
}

/// A partition that is not read as it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trouble {
    /// The broker has more, and nothing comes.
    Stalled {
        /// Where it stands.
        next: i64,
        /// The offset after the broker's last message.
        end: i64,
    },
    /// The broker's log ends before our position: what is written next would be passed over.
    PastEnd {
        /// Where we stand.
        next: i64,
        /// The offset after the broker's last message.
        end: i64,
    },
}

/// What is wrong with a partition that has stood still for so long.
pub(super) fn trouble(next: i64, (first, end): (i64, i64), still: Duration) -> Option<Trouble> {
    if next > end {
        Some(Trouble::PastEnd { next, end })
    } else if still >= STALLED && next.max(first) < end {
        Some(Trouble::Stalled { next, end })
    } else {
        None
    }
}

struct Watcher {
    config: ClientConfig,
    topics: Vec<String>,
    group: String,
    telemetry: Telemetry,
    statistics: Arc<Statistics>,
    shared: Arc<Shared>,
    /// Made when it is needed, and not kept once it has failed or found something: what is found is
    /// seen again by a fresh one.
    client: Option<BaseConsumer<ConsumerSide>>,
    progress: BTreeMap<Name, Progress>,
    /// Between two fresh clients.
    pause: Duration,
    renewed_at: Option<Instant>,
    /// Since when there are more partitions than we read.
    short_since: Option<Instant>,
}

impl Watcher {
    fn run(&mut self) {
        while !self.shared.is_over.load(Ordering::Relaxed) {
            thread::park_timeout(EVERY);
            if self.shared.is_over.load(Ordering::Relaxed) {
                break;
            }
            if self.look().is_err() {
                // That no broker answers is said by the reading client.
                self.client = None;
            }
        }
        if let Some(client) = self.client.take() {
            client.context().close();
        }
    }

    fn look(&mut self) -> KafkaResult<()> {
        let assigned = lock(&self.shared.assigned).clone();
        let total = self.count_partitions()?;
        self.judge_share(assigned.len(), total);
        if assigned.is_empty() {
            // That is said elsewhere; and what stood still before it does until it comes on.
            return Ok(());
        }
        self.note_progress(&assigned);
        let still = self.standing_still();
        let mut troubles = Vec::new();
        for (name, progress) in still {
            let extent = self.client()?.fetch_watermarks(&name.0, name.1, ASK)?;
            let found = trouble(progress.next, extent, progress.since.elapsed());
            troubles.extend(found.map(|trouble| (name, progress.since.elapsed(), trouble)));
        }
        self.tell(&troubles);
        Ok(())
    }

    fn client(&mut self) -> KafkaResult<&BaseConsumer<ConsumerSide>> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let side = ConsumerSide::new(self.telemetry.clone(), Arc::default());
                BaseConsumer::from_config_and_context(&self.config, side)?
            }
        };
        Ok(&*self.client.insert(client))
    }

    fn note_progress(&mut self, assigned: &[Name]) {
        self.progress.retain(|name, _| assigned.contains(name));
        let is_paused = self.shared.is_paused.load(Ordering::Relaxed);
        for name in assigned {
            // Before the client has told of it nothing can be said.
            let Some(next) = self.statistics.reading(name) else { continue };
            let now = Progress { next, since: Instant::now() };
            let known = self.progress.entry(name.clone()).or_insert(now);
            // To know less than before is no progress, nor is what was fetched and is never given out.
            if (known.next != next && next >= 0) || is_paused {
                *known = now;
            }
        }
    }

    /// Partitions that have not come on since the last look.
    fn standing_still(&self) -> Vec<(Name, Progress)> {
        let is_still = |(_, progress): &(&Name, &Progress)| progress.since.elapsed() > EVERY / 2;
        let owned = |(name, progress): (&Name, &Progress)| (name.clone(), *progress);
        self.progress.iter().filter(is_still).map(owned).collect()
    }

    /// How many partitions our topics have, and whether there is one that does not exist.
    fn count_partitions(&mut self) -> KafkaResult<usize> {
        let (mut total, mut missing) = (0, Vec::new());
        // What it has to say is said by the reading client as well. All of it is taken: what is left
        // would be told later, when it is not true any more.
        while self.client()?.poll(Duration::ZERO).is_some() {}
        for topic in self.topics.clone() {
            let metadata = self.client()?.fetch_metadata(Some(&topic), ASK)?;
            for found in metadata.topics() {
                let code = found.error().map(RDKafkaErrorCode::from);
                if code == Some(RDKafkaErrorCode::UnknownTopicOrPartition) {
                    missing.push(topic.clone());
                }
                total += found.partitions().len();
            }
        }
        let readiness = &self.telemetry.readiness;
        if missing.is_empty() {
            readiness.clear(Unready::TopicMissing);
        } else if readiness.set_at(Unready::TopicMissing, &missing.join(", ")) {
            emit(&LogEvent::TopicMissing { topics: &missing.join(", ") });
        }
        self.telemetry.meters.partitions_total.set(total as f64);
        Ok(total)
    }

    /// Partitions that we do not read are another instance's, or were added a moment ago.
    fn judge_share(&mut self, assigned: usize, total: usize) {
        let readiness = &self.telemetry.readiness;
        if assigned >= total || assigned == 0 {
            self.short_since = None;
            readiness.clear(Unready::PartitionsAdded);
            if assigned > 0 {
                readiness.clear(Unready::SharedGroup);
            }
            return;
        }
        let since = *self.short_since.get_or_insert_with(Instant::now);
        let group = self.group.clone();
        let members = self.client().and_then(|client| members(client, &group));
        let readiness = &self.telemetry.readiness;
        if members.is_ok_and(|members| members == 1) {
            readiness.clear(Unready::SharedGroup);
            if readiness.set(Unready::PartitionsAdded) {
                emit(&LogEvent::PartitionsAdded { assigned, total });
            }
            if since.elapsed() >= RENEW.0 {
                self.short_since = None;
                self.shared.want(Wanted::Renewal);
            }
        } else if readiness.set(Unready::SharedGroup) {
            emit(&LogEvent::SharedGroup { assigned, total });
        }
    }

    /// Says what is found, and asks for what may mend it.
    fn tell(&mut self, troubles: &[(Name, Duration, Trouble)]) {
        let gauge = self.telemetry.registry.gauge(GaugeName::PartitionsStalled, &[]);
        gauge.set(troubles.len() as f64);
        let readiness = &self.telemetry.readiness;
        let Some(((topic, partition), _, first)) = troubles.first() else {
            if readiness.clear(Unready::PartitionStalled) {
                emit(&LogEvent::ReadingAgain);
            }
            self.pause = RENEW.0;
            lock(&self.shared.said).clear();
            return;
        };
        let (Trouble::Stalled { next, end } | Trouble::PastEnd { next, end }) = *first;
        let said = lock(&self.shared.said).clone();
        let mut place =
            format!("{topic}, partition {partition}: reading stands at offset {next}, ");
        place += &format!("the broker's messages end at {end}");
        if troubles.len() > 1 {
            place += &format!("; {} more partitions", troubles.len() - 1);
        }
        if !said.is_empty() {
            place += &format!(" (the client says: {said})");
        }
        if readiness.set_at(Unready::PartitionStalled, &place) {
            emit(&LogEvent::Stalled {
                topic,
                partition: *partition,
                offset: next,
                end,
                said: &said,
            });
        }
        // A fresh client sees it again, or not.
        self.client = None;
        let longest = troubles.iter().map(|(_, still, _)| *still).max().unwrap_or_default();
        let rests = self.renewed_at.is_none_or(|at| at.elapsed() >= self.pause);
        if longest >= RENEW.0 && rests {
            (self.renewed_at, self.pause) = (Some(Instant::now()), (self.pause * 2).min(RENEW.1));
            self.shared.want(Wanted::Renewal);
        } else if matches!(first, Trouble::PastEnd { .. }) {
            self.shared.want(Wanted::Proof);
        }
    }
}

/// How many members a group has.
pub(super) fn members(client: &BaseConsumer<ConsumerSide>, group: &str) -> KafkaResult<usize> {
    let list = client.fetch_group_list(Some(group), ASK)?;
    Ok(list.groups().iter().map(|group| group.members().len()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A partition at rest is well when it has come to the broker's end; a log that ends before our
    /// position is wrong at once.
    #[test]
    fn a_partition_that_stands_still_is_in_trouble_where_there_is_more() {
        let (short, long) = (Duration::from_secs(1), STALLED);
        for (next, extent, still, expected) in [
            (10, (0, 10), long, None),
            (10, (0, 20), short, None),
            (10, (0, 20), long, Some(Trouble::Stalled { next: 10, end: 20 })),
            (10, (0, 5), short, Some(Trouble::PastEnd { next: 10, end: 5 })),
            (10, (0, 0), short, Some(Trouble::PastEnd { next: 10, end: 0 })),
            // The client does not know where it is, and there is nothing to read.
            (-1001, (0, 0), long, None),
            (-1001, (20, 20), long, None),
            (-1001, (0, 5), long, Some(Trouble::Stalled { next: -1001, end: 5 })),
        ] {
            assert_eq!(trouble(next, extent, still), expected, "{next} in {extent:?}");
        }
    }
}
