//! Kafka clients set up so that they do not distort what is measured, and the topics of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use super::Failure;

/// How long a broker may take to answer a question that is not part of the measurement.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Counts deliveries that failed for good: a run that lost a message measured nothing.
#[derive(Default)]
pub struct Deliveries {
    failed: AtomicU64,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A producer whose failed deliveries are counted.
pub type LoadProducer = BaseProducer<Deliveries>;

/// One Kafka cluster, known by its bootstrap address.
#[derive(Clone, Debug)]
pub struct Cluster {
    bootstrap: String,
}

impl Cluster {
    /// `bootstrap` is `HOST:PORT[,HOST:PORT...]`.
    pub fn at(bootstrap: impl Into<String>) -> Self {
        Self { bootstrap: bootstrap.into() }
    }

    /// Where it was said to be.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config.set("socket.nagle.disable", "true");
        config
    }

    /// An idempotent producer, lz4, that waits `linger_ms` for a batch to fill.
    pub fn producer(&self, linger_ms: u32) -> Result<LoadProducer, Failure> {
        let mut config = self.config();
        config.set("enable.idempotence", "true");
        config.set("compression.type", "lz4");
        config.set("linger.ms", linger_ms.to_string());
        // A report per delivered message costs as much as sending it.
        config.set("delivery.report.only.error", "true");
        Ok(config.create_with_context(Deliveries::default())?)
    }

    /// A consumer of all partitions of `topic` from the given offsets; no group, no commits.
    pub fn consumer(&self, topic: &str, from: &[i64]) -> Result<BaseConsumer, Failure> {
        let mut config = self.config();
        // Never joined: librdkafka wants the name to exist.
        config.set("group.id", "load");
        config.set("enable.auto.commit", "false");
        // The defaults (500 and 1000) stall a stream that pauses, for half a second and a second.
        config.set("fetch.wait.max.ms", "10");
        config.set("fetch.queue.backoff.ms", "2");
        let consumer: BaseConsumer = config.create()?;
        let mut partitions = TopicPartitionList::new();
        for (partition, offset) in from.iter().enumerate() {
            partitions.add_partition_offset(topic, partition as i32, Offset::Offset(*offset))?;
        }
        consumer.assign(&partitions)?;
        Ok(consumer)
    }

    /// A client that only asks questions.
    pub fn observer(&self) -> Result<BaseConsumer, Failure> {
        let mut config = self.config();
        config.set("group.id", "load");
        Ok(config.create()?)
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>, Failure> {
        Ok(self.config().create()?)
    }

    /// Makes the topics and waits until they have leaders.
    pub fn create_topics(&self, names: &[&str], partitions: i32) -> Result<(), Failure> {
        let topics: Vec<NewTopic<'_>> = names
            .iter()
            .map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)))
            .collect();
        let admin = self.admin()?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_TIMEOUT));
        let made = runtime()?.block_on(admin.create_topics(&topics, &options))?;
        for outcome in made {
            outcome.map_err(|(topic, code)| format!("could not create topic {topic}: {code}"))?;
        }
        let observer = self.observer()?;
        for name in names {
            // The first question after the creation may still meet a partition without a leader.
            let mut tries = 0;
            while let Err(failure) = end_offsets(&observer, name) {
                tries += 1;
                if tries == 50 {
                    return Err(failure);
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        Ok(())
    }

    /// Removes the topics; the broker frees their disk space a minute later.
    pub fn delete_topics(&self, names: &[&str]) -> Result<(), Failure> {
        let admin = self.admin()?;
        runtime()?.block_on(admin.delete_topics(names, &AdminOptions::new()))?;
        Ok(())
    }
}

/// The admin client answers in futures; a measurement waits for them in place.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?)
}

/// The offset after the last message of each partition of `topic`.
pub fn end_offsets(observer: &BaseConsumer, topic: &str) -> Result<Vec<i64>, Failure> {
    let metadata = observer.fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    if count == 0 {
        return Err(format!("the cluster has no topic {topic}: create it first").into());
    }
    (0..count as i32)
        .map(|partition| Ok(observer.fetch_watermarks(topic, partition, ANSWER_TIMEOUT)?.1))
        .collect()
}

/// Messages written to the partitions of `topic` after the offsets `since`.
pub fn written_since(observer: &BaseConsumer, topic: &str, since: &[i64]) -> Result<u64, Failure> {
    let mut written = 0;
    for (partition, from) in since.iter().enumerate() {
        let (_, end) = observer.fetch_watermarks(topic, partition as i32, ANSWER_TIMEOUT)?;
        written += (end - from).max(0) as u64;
    }
    Ok(written)
}

/// Sends what is queued; an error when a message could not be delivered.
pub fn finish(producer: &LoadProducer) -> Result<(), Failure> {
    producer.flush(Duration::from_secs(30))?;
    match producer.context().failed.load(Ordering::Relaxed) {
        0 => Ok(()),
        failed => Err(format!("{failed} messages could not be delivered").into()),
    }
}
