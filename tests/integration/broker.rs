//! A real broker: topics of a test's own, messages in, records out.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

/// How long a test waits for what must come. Generous: only a failure takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The broker that `./dev test` has started.
pub(crate) fn shared() -> String {
    std::env::var("TIDEGATE_TEST_KAFKA").expect(
        "there is no broker: run these tests through `./dev test`, or start one with \
         `deploy/kafka/start` and set TIDEGATE_TEST_KAFKA to its `bootstrap`",
    )
}

/// One test's topics on a broker.
pub(crate) struct Topics {
    pub(crate) bootstrap: String,
    /// Begins the name of every topic and group of this test.
    pub(crate) prefix: String,
    partitions: i32,
}

/// A record as a reader of committed records sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: String,
    pub(crate) seq: Option<u64>,
    pub(crate) payload: Vec<u8>,
}

impl Topics {
    /// Fresh topics on the shared broker.
    pub(crate) fn new(partitions: i32) -> Self {
        Self::on(shared(), partitions)
    }

    /// Fresh topics on some broker.
    pub(crate) fn on(bootstrap: String, partitions: i32) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("test-{}-{number}", std::process::id());
        let topics = Self { bootstrap, prefix, partitions };
        topics.create(&["in", "decisions", "audit", "dead"]);
        topics
    }

    /// Makes topics; one that is being deleted is waited for.
    pub(crate) fn create(&self, which: &[&str]) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        for which in which {
            let name = self.name(which);
            let new = NewTopic {
                name: &name,
                num_partitions: if *which == "in" { self.partitions } else { 1 },
                replication: TopicReplication::Fixed(1),
                config: Vec::new(),
            };
            let deadline = Instant::now() + PATIENCE;
            while let Err((_, code)) =
                block_on(admin.create_topics([&new], &options)).unwrap().remove(0)
            {
                assert!(Instant::now() < deadline, "{name}: {code:?}");
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }

    /// Deletes the source topic and makes it again, empty.
    pub(crate) fn recreate_source(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let name = self.name("in");
        block_on(admin.delete_topics(&[name.as_str()], &options)).unwrap()[0].as_ref().unwrap();
        self.create(&["in"]);
    }

    /// Adds partitions to the source topic.
    pub(crate) fn add_partitions(&mut self, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let name = self.name("in");
        let new = NewPartitions::new(&name, usize::try_from(partitions).unwrap());
        block_on(admin.create_partitions([&new], &options)).unwrap()[0].as_ref().unwrap();
        self.partitions = partitions;
    }

    /// The same topics, for a service that is told another address.
    pub(crate) fn reached_at(&self, bootstrap: &str) -> Self {
        let (prefix, partitions) = (self.prefix.clone(), self.partitions);
        Self { bootstrap: bootstrap.to_owned(), prefix, partitions }
    }

    pub(crate) fn name(&self, which: &str) -> String {
        format!("{}-{which}", self.prefix)
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("group.id", self.name("reader"));
        config
    }

    /// Sends messages to one partition, compressed in some way.
    pub(crate) fn produce_to<'a>(
        &self,
        (partition, codec): (i32, &str),
        messages: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) {
        let producer: BaseProducer = self
            .client()
            .set("message.timeout.ms", "120000")
            .set("compression.type", codec)
            .set("linger.ms", "50")
            .create()
            .unwrap();
        let topic = self.name("in");
        for (key, payload) in messages {
            let record = BaseRecord::to(&topic).partition(partition).key(key).payload(payload);
            producer.send(record).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// Sends messages; returns when the broker has all.
    pub(crate) fn produce<'a>(&self, messages: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        self.produce_as(None, messages);
    }

    /// The same, with a header `content-type`.
    pub(crate) fn produce_as<'a>(
        &self,
        content_type: Option<&str>,
        messages: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) {
        let producer: BaseProducer =
            self.client().set("message.timeout.ms", "120000").create().unwrap();
        let topic = self.name("in");
        for (key, payload) in messages {
            let mut record = BaseRecord::to(&topic).key(key).payload(payload);
            if let Some(value) = content_type {
                let header = Header { key: "content-type", value: Some(value) };
                record = record.headers(OwnedHeaders::new().insert(header));
            }
            producer.send(record).unwrap();
        }
        producer.flush(PATIENCE).unwrap();
    }

    /// The records of an output topic, once `enough` says so or patience ends; and what still
    /// comes in the half second after, to see what should not be there.
    pub(crate) fn read(&self, which: &str, enough: impl Fn(&[Record]) -> bool) -> Vec<Record> {
        let consumer: BaseConsumer = self
            .client()
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "50")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name(which), 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let (mut records, mut quiet_since) = (Vec::new(), Instant::now());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match consumer.poll(Duration::from_millis(50)) {
                Some(Ok(message)) => {
                    records.push(record(&message));
                    quiet_since = Instant::now();
                }
                _ if enough(&records) && quiet_since.elapsed() > Duration::from_millis(500) => {
                    break;
                }
                _ => {}
            }
        }
        records
    }

    /// The sum of the group's positions over the source topic's partitions.
    pub(crate) fn committed(&self) -> i64 {
        let mut config = self.client();
        let consumer: BaseConsumer = config.set("group.id", self.name("group")).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.name("in"), 0, self.partitions - 1);
        // A broker that has just started looks for the group's coordinator a moment longer.
        let deadline = Instant::now() + PATIENCE;
        let list = loop {
            match consumer.committed_offsets(list.clone(), PATIENCE) {
                Err(_) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                found => break found.unwrap(),
            }
        };
        let offset = |offset| match offset {
            Offset::Offset(offset) => offset,
            _ => 0,
        };
        list.elements().iter().map(|element| offset(element.offset())).sum()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

fn record(message: &rdkafka::message::BorrowedMessage<'_>) -> Record {
    let seq = message.headers().and_then(|headers| {
        let header = headers.iter().find(|header| header.key == "seq")?;
        std::str::from_utf8(header.value?).ok()?.parse().ok()
    });
    Record {
        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
        seq,
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// A broker of a test's own, for tests that stop it.
pub(crate) struct OwnBroker {
    pub(crate) bootstrap: String,
    /// The listener with TLS and SASL, of a broker that was started with one.
    pub(crate) secure: String,
    dir: tempfile::TempDir,
    port: String,
}

impl OwnBroker {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With a second listener that is encrypted and asks for a password.
    pub(crate) fn start_secure() -> Self {
        Self::start_with(&["--secure"])
    }

    fn start_with(options: &[&str]) -> Self {
        let (dir, nothing) = (tempfile::tempdir().unwrap(), String::new);
        let mut broker = Self { bootstrap: nothing(), secure: nothing(), dir, port: nothing() };
        broker.launch(options);
        broker
    }

    /// Starts it on the same data and the same port.
    pub(crate) fn start_again(&mut self) {
        self.launch(&[]);
    }

    fn launch(&mut self, options: &[&str]) {
        let mut command = Command::new(script("start"));
        command.arg("--dir").arg(self.dir.path()).args(options);
        if !self.port.is_empty() {
            command.args(["--port", &self.port]);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let said = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        self.bootstrap = said("bootstrap=").unwrap().to_owned();
        self.secure = said("secure=").unwrap_or_default().to_owned();
        self.port = self.bootstrap.rsplit_once(':').unwrap().1.to_owned();
    }

    /// Starts it again on the same data and ports, with another password for PLAIN.
    pub(crate) fn start_secure_again(&mut self, password: &str) {
        let port = self.secure.rsplit_once(':').unwrap().1.to_owned();
        self.launch(&["--secure", "--secure-port", &port, "--password", password]);
    }

    /// The certificate of an authority of the broker's; its own is `ca`.
    pub(crate) fn authority(&self, name: &str) -> PathBuf {
        self.dir.path().join(name).with_extension("crt")
    }

    /// Gives the secure listener, from its next start on, a certificate from another authority.
    pub(crate) fn certify(&self, authority: &str, names: &str) {
        let mut command = Command::new(script("certify"));
        command.arg("--dir").arg(self.dir.path()).args(["--ca", authority, "--names", names]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Loses everything that it had, with its disk.
    pub(crate) fn wipe(&self) {
        std::fs::remove_dir_all(self.dir.path().join("data")).unwrap();
    }

    pub(crate) fn stop(&self) {
        let status =
            Command::new(script("stop")).arg("--dir").arg(self.dir.path()).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // Perhaps the test has stopped it: then there is nothing to stop.
        let _ = Command::new(script("stop")).arg("--dir").arg(self.dir.path()).output();
    }
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka").join(name)
}
