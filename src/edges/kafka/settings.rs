//! What the operator may choose about Kafka, and how it becomes properties of the client.

use std::time::Duration;

use crate::stages::decode::Form;

use super::{DiskPolicy, Security};

/// Settings of the Kafka edge. `deploy/default.toml` holds the defaults and says why.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port` of each bootstrap broker.
    pub brokers: Vec<String>,
    /// The topics read. A topic's index here is its number in the journal.
    pub topics: Vec<String>,
    /// In which form payments come.
    pub format: Format,
    /// The consumer group.
    pub group: String,
    /// The name of this instance within the group: who comes with it takes over at once, whether
    /// restarted or beside us. `None`: a group of equals, which waits for a dead one's session.
    pub instance: Option<String>,
    /// The operator says that this journal goes on for the group, whoever did before.
    pub adopt: bool,
    /// The name shown to the broker.
    pub client_id: String,
    /// Where to begin when neither the group nor the journal knows.
    pub start: Start,
    /// Most messages between two flushes of the journal.
    pub batch_messages: usize,
    /// How long the producer waits for a request to fill.
    pub linger_ms: u64,
    /// How requests are compressed.
    pub compression: Compression,
    /// Outputs without an acknowledgement before reading pauses; it resumes at half.
    pub unacknowledged_max: usize,
    /// Between two commits of positions.
    pub commit_interval: Duration,
    /// How long the broker may hold a fetch that finds nothing.
    pub fetch_wait_ms: u64,
    /// How long the client waits before it fetches again after its queue was full.
    pub fetch_backoff_ms: u64,
    /// How much the client may fetch ahead.
    pub fetch_queue_kb: u64,
    /// The largest message read or written.
    pub message_kb: u64,
    /// Whether messages of open transactions are read.
    pub isolation: Isolation,
    /// How long the broker waits for a silent instance before it gives its partitions away.
    pub session_timeout_ms: u64,
    /// The name under which outputs and positions are committed together; `None`: no transactions.
    pub transactional_id: Option<String>,
    /// Most messages in one transaction.
    pub transaction_messages: usize,
    /// How long a stop waits for acknowledgements.
    pub stop_timeout: Duration,
    /// How the broker is reached and proven.
    pub security: Security,
    /// What to do about a full or slow disk.
    pub disk: DiskPolicy,
    /// Where outputs go.
    pub outputs: Outputs,
}

/// The topics written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outputs {
    /// Masked decisions.
    pub decisions: String,
    /// Open parts of the journal's records; `None`: not published.
    pub audit: Option<String>,
    /// What could not become an event.
    pub dead_letters: String,
}

/// In which form payments come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON, every message.
    Json,
    /// Protobuf, every message.
    Protobuf,
    /// As each message's header `content-type` says.
    Auto,
}

impl Format {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 3] =
        [("json", Self::Json), ("protobuf", Self::Protobuf), ("auto", Self::Auto)];

    /// What a header `content-type` says of its message: protobuf where it names protobuf, with or
    /// without parameters, and JSON for anything else, since most clients send no header.
    pub(super) fn of_content_type(value: Option<&[u8]>) -> Form {
        let kind = value.unwrap_or_default().split(|byte| *byte == b';').next();
        let kind = kind.unwrap_or_default().trim_ascii();
        let names: [&[u8]; 2] = [b"application/x-protobuf", b"application/protobuf"];
        if names.iter().any(|name| kind.eq_ignore_ascii_case(name)) {
            Form::Protobuf
        } else {
            Form::Json
        }
    }
}

/// Where to begin when no position is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// With the oldest message.
    Earliest,
    /// With what comes from now on.
    Latest,
}

impl Start {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 2] =
        [("earliest", Self::Earliest), ("latest", Self::Latest)];
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Deflate.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4: the cheapest that pays.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 5] = [
        ("none", Self::None),
        ("gzip", Self::Gzip),
        ("snappy", Self::Snappy),
        ("lz4", Self::Lz4),
        ("zstd", Self::Zstd),
    ];
}

/// Whether messages of open transactions are read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Isolation {
    /// Only what is committed.
    ReadCommitted,
    /// Everything.
    ReadUncommitted,
}

impl Isolation {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 2] =
        [("read_committed", Self::ReadCommitted), ("read_uncommitted", Self::ReadUncommitted)];
}

/// The name of a choice in its table.
fn name_of<T: PartialEq>(named: &[(&'static str, T)], choice: &T) -> &'static str {
    // Every table names every variant; the tests of the tables' types hold it.
    named.iter().find(|(_, value)| value == choice).map_or("", |(name, _)| *name)
}

/// One property of librdkafka.
pub(super) type Property = (&'static str, String);

/// How a group shares partitions out, in order of preference: for one member they come to the same. A
/// member whose `instance` joins again gets what it had, also where partitions were added meanwhile,
/// unless what it prefers has changed.
pub(super) const STRATEGIES: [&str; 2] = ["range,roundrobin", "roundrobin,range"];

impl Settings {
    /// Properties of the consumer.
    pub(super) fn consumer(&self) -> Vec<Property> {
        let mut properties = self.shared();
        properties.extend([
            ("group.id", self.group.clone()),
            ("enable.auto.commit", "false".to_owned()),
            ("enable.auto.offset.store", "false".to_owned()),
            // A position that the broker does not have is looked into, and never set by the client.
            ("auto.offset.reset", "error".to_owned()),
            // Added partitions are found by it; the client's own default is five minutes.
            ("topic.metadata.refresh.interval.ms", "5000".to_owned()),
            ("isolation.level", name_of(&Isolation::NAMED, &self.isolation).to_owned()),
            // One instance takes all partitions: cooperative hand-over would only add rounds.
            ("partition.assignment.strategy", STRATEGIES[0].to_owned()),
            ("session.timeout.ms", self.session_timeout_ms.to_string()),
            // Rebalances are rare and all in one hand: no reason to be patient with them.
            ("heartbeat.interval.ms", (self.session_timeout_ms / 15).to_string()),
            ("fetch.wait.max.ms", self.fetch_wait_ms.to_string()),
            ("fetch.queue.backoff.ms", self.fetch_backoff_ms.to_string()),
            ("queued.max.messages.kbytes", self.fetch_queue_kb.to_string()),
            ("fetch.message.max.bytes", (self.message_kb * 1024).to_string()),
            ("statistics.interval.ms", "1000".to_owned()),
        ]);
        properties.extend(self.instance.clone().map(|name| ("group.instance.id", name)));
        properties
    }

    /// Properties of the producer.
    pub(super) fn producer(&self) -> Vec<Property> {
        let mut properties = self.shared();
        properties.extend([
            ("enable.idempotence", "true".to_owned()),
            ("linger.ms", self.linger_ms.to_string()),
            ("compression.type", name_of(&Compression::NAMED, &self.compression).to_owned()),
            // One batch of inputs gives at most two outputs each on top of what was unacknowledged.
            ("queue.buffering.max.messages", (self.unacknowledged_max * 2 + 20_000).to_string()),
            // The queue is bounded by messages: bytes must not be the tighter bound.
            ("queue.buffering.max.kbytes", "2097151".to_owned()),
            ("message.max.bytes", (self.message_kb * 1024).to_string()),
            // Java's partitioner, so that other producers of these topics agree on partitions.
            ("partitioner", "murmur2_random".to_owned()),
        ]);
        match &self.transactional_id {
            Some(id) => properties.push(("transactional.id", id.clone())),
            // Without transactions an output is retried for as long as it takes: reading pauses
            // meanwhile, and nothing is lost. A transaction has its own end.
            None => properties.push(("message.timeout.ms", "0".to_owned())),
        }
        properties
    }

    fn shared(&self) -> Vec<Property> {
        let mut properties = vec![
            ("bootstrap.servers", self.brokers.join(",")),
            ("client.id", self.client_id.clone()),
            ("socket.nagle.disable", "true".to_owned()),
            ("socket.keepalive.enable", "true".to_owned()),
            ("reconnect.backoff.ms", "50".to_owned()),
            ("reconnect.backoff.max.ms", "2000".to_owned()),
        ];
        properties.extend(self.security.properties());
        properties
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::edges::kafka::OnDiskFull;

    /// Settings against a broker in the same process.
    pub(in crate::edges::kafka) fn settings(brokers: &str) -> Settings {
        Settings {
            brokers: brokers.split(',').map(ToOwned::to_owned).collect(),
            topics: vec!["in".to_owned()],
            format: Format::Json,
            group: "group".to_owned(),
            instance: None,
            adopt: false,
            client_id: "test".to_owned(),
            start: Start::Earliest,
            batch_messages: 64,
            linger_ms: 0,
            compression: Compression::Lz4,
            unacknowledged_max: 1_000,
            commit_interval: Duration::from_millis(20),
            fetch_wait_ms: 10,
            fetch_backoff_ms: 1,
            fetch_queue_kb: 65_536,
            message_kb: 1_024,
            isolation: Isolation::ReadCommitted,
            session_timeout_ms: 6_000,
            transactional_id: None,
            transaction_messages: 100,
            stop_timeout: Duration::from_secs(10),
            security: Security::default(),
            disk: DiskPolicy { on_full: OnDiskFull::Stop, slow: Duration::from_secs(60) },
            outputs: Outputs {
                decisions: "decisions".to_owned(),
                audit: Some("audit".to_owned()),
                dead_letters: "dead".to_owned(),
            },
        }
    }

    fn value<'a>(properties: &'a [Property], name: &str) -> Option<&'a str> {
        properties.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// The client's own defaults of these lose or repeat work, or stall for a second.
    #[test]
    fn the_settings_that_hurt_are_set() {
        let settings = settings("127.0.0.1:9092");
        let consumer = settings.consumer();
        assert_eq!(value(&consumer, "enable.auto.commit"), Some("false"));
        assert_eq!(value(&consumer, "isolation.level"), Some("read_committed"));
        assert_eq!(value(&consumer, "fetch.queue.backoff.ms"), Some("1"));
        assert_eq!(value(&consumer, "auto.offset.reset"), Some("error"));
        let producer = settings.producer();
        assert_eq!(value(&producer, "enable.idempotence"), Some("true"));
        assert_eq!(value(&producer, "linger.ms"), Some("0"));
        assert_eq!(value(&producer, "message.timeout.ms"), Some("0"));
    }

    /// A client that says what it sends is believed; one that says nothing speaks JSON.
    #[test]
    fn a_header_chooses_the_form() {
        for (value, form) in [
            (None, Form::Json),
            (Some("application/json"), Form::Json),
            (Some("application/x-protobuf"), Form::Protobuf),
            (Some("application/protobuf"), Form::Protobuf),
            (Some("Application/X-Protobuf; messageType=tidegate.v1.Message"), Form::Protobuf),
            (Some("application/x-protobufs"), Form::Json),
        ] {
            assert_eq!(Format::of_content_type(value.map(str::as_bytes)), form, "{value:?}");
        }
    }

    /// A transaction whose messages never time out would be refused by the client at the start.
    #[test]
    fn a_transaction_ends() {
        let settings =
            Settings { transactional_id: Some("t".to_owned()), ..settings("127.0.0.1:9092") };
        assert_eq!(value(&settings.producer(), "message.timeout.ms"), None);
        assert_eq!(value(&settings.producer(), "transactional.id"), Some("t"));
    }
}
