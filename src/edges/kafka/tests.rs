//! The loop against librdkafka's own mock cluster, with a handler that remembers like a journal.
//!
//! A real broker is tried in `tests/integration`; here are the orders of events that a real one
//! rarely shows.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Headers as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

use super::settings::tests::settings;
use super::*;
use crate::domain::{EventTime, MissingTables, Placeholders, Seq, Source, Stage};
use crate::journal::{JournalId, OpenPart};
use crate::stages::decode::{Dropped, Encoded};
use crate::telemetry::{InputResult, Telemetry, Unready};

impl Sendable for &[u8] {
    fn as_bytes(&self) -> &[u8] {
        self
    }
}

/// What survives a crash of the fake engine.
#[derive(Default)]
struct Journal {
    /// Its name.
    id: Option<JournalId>,
    seqs: HashMap<Vec<u8>, u64>,
    positions: BTreeMap<(u16, i32), i64>,
    /// What people ask for.
    asked: VecDeque<String>,
    changes: BTreeMap<u64, String>,
    /// A guard asks for something after so many events.
    guards_after: Option<usize>,
    /// Amendments whose event never came, to be given up with the next message.
    expired: Vec<Source>,
    /// The flush with this number fails: the engine crashes there.
    fails_at: Option<usize>,
    flushes: usize,
}

impl Journal {
    fn next_seq(&self) -> u64 {
        (self.seqs.len() + self.changes.len()) as u64 + 1
    }

    /// Makes a change, whoever asks for it.
    fn change(&mut self, text: String) -> Changed {
        let seq = self.next_seq();
        let changed = changed(seq, &text);
        self.changes.insert(seq, text);
        changed
    }
}

fn changed(seq: u64, text: &str) -> Changed {
    Changed::new(Seq(seq), "control.test", OpenPart::of(text.as_bytes()))
}

/// Decides by numbering: the answer to a message is its own bytes.
struct Fake {
    journal: Arc<Mutex<Journal>>,
    decision: Vec<u8>,
    recalled: VecDeque<Changed>,
}

/// Admits a message as its bytes.
struct Copying;

impl Admit for Copying {
    type Admitted = Vec<u8>;

    fn admit(&self, message: Encoded<'_>, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(message.bytes);
    }
}

impl Handler for Fake {
    type Admission = Copying;
    type Decision<'a> = &'a [u8];
    type Audit<'a> = &'a [u8];

    fn admission(&self) -> Arc<Copying> {
        Arc::new(Copying)
    }

    fn process(
        &mut self,
        bytes: &mut Box<Vec<u8>>,
        received_at: EventTime,
        source: Source,
    ) -> Result<Answer<'_, &[u8], &[u8]>, HandlerError> {
        assert!(received_at > EventTime::MIN);
        let bytes = &bytes[..];
        let mut journal = self.journal.lock().unwrap();
        let is_bad = bytes.starts_with(b"bad");
        let next = journal.next_seq();
        let is_known = journal.seqs.contains_key(bytes);
        if !is_bad && !is_known {
            journal.positions.insert((source.topic, source.partition), source.offset + 1);
        }
        let seq = (!is_bad).then(|| Seq(*journal.seqs.entry(bytes.to_vec()).or_insert(next)));
        self.decision.clear();
        self.decision.extend_from_slice(bytes);
        let result = match (is_bad, is_known) {
            (true, _) => InputResult::Rejected,
            (false, true) => InputResult::Repeated,
            (false, false) => InputResult::Decided,
        };
        Ok(Answer {
            result,
            seq,
            key: &self.decision,
            decision: (!is_bad).then_some(&self.decision[..]),
            audit: (!is_bad).then_some(&self.decision[..]),
            rejected: is_bad.then_some(Rejected::because("not_json")),
            decided: None,
            missing: MissingTables::default(),
            known_as: "e",
            placeholders: Placeholders::default(),
            dropped: Dropped::default(),
            stage_ns: [0; Stage::COUNT],
        })
    }

    fn take_expired(&mut self) -> Vec<Source> {
        std::mem::take(&mut self.journal.lock().unwrap().expired)
    }

    fn change(&mut self, _now: EventTime, room: usize) -> Result<Vec<Changed>, HandlerError> {
        let mut changes: Vec<_> = self.recalled.drain(..room.min(self.recalled.len())).collect();
        let mut journal = self.journal.lock().unwrap();
        if journal.guards_after == Some(journal.seqs.len()) {
            journal.guards_after = None;
            changes.push(journal.change("guard".to_owned()));
        }
        if self.recalled.is_empty() && changes.len() < room {
            let asked = journal.asked.pop_front();
            changes.extend(asked.map(|text| journal.change(text)));
        }
        Ok(changes)
    }

    fn recall(&mut self, from: Option<Seq>, until: Seq) -> Result<(), HandlerError> {
        let journal = self.journal.lock().unwrap();
        let range = from.unwrap_or_default().0..until.0;
        self.recalled = journal.changes.range(range).map(|(at, text)| changed(*at, text)).collect();
        Ok(())
    }

    fn recalls_from(&self) -> Option<Seq> {
        self.recalled.front().map(Changed::seq)
    }

    fn flush(&mut self) -> Result<u64, HandlerError> {
        let mut journal = self.journal.lock().unwrap();
        journal.flushes += 1;
        if journal.fails_at == Some(journal.flushes) {
            return Err(HandlerError::DiskFull("the disk is full".to_owned()));
        }
        Ok(0)
    }

    fn next_seq(&self) -> Seq {
        Seq(self.journal.lock().unwrap().next_seq())
    }

    fn journal(&self) -> Option<JournalId> {
        self.journal.lock().unwrap().id
    }

    fn positions(&self) -> Vec<Source> {
        let journal = self.journal.lock().unwrap();
        let position = |(&(topic, partition), &offset): (&(u16, i32), &i64)| Source {
            topic,
            partition,
            offset,
        };
        journal.positions.iter().map(position).collect()
    }
}

/// A cluster, a journal and, from time to time, an edge.
struct World {
    cluster: MockCluster<'static, DefaultProducerContext>,
    journal: Arc<Mutex<Journal>>,
    producer: BaseProducer,
}

impl World {
    fn new(partitions: i32) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("in", partitions, 1).unwrap();
        for topic in ["decisions", "audit", "dead"] {
            cluster.create_topic(topic, 1, 1).unwrap();
        }
        let producer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()
            .unwrap();
        let world = Self { cluster, journal: Arc::default(), producer };
        world.journal.lock().unwrap().id = Some(JournalId::from_bytes([1; 16]));
        world
    }

    /// Another directory, or one that lacks its volume: an empty journal in the same place.
    fn exchange_journal(&self) {
        let id = Some(JournalId::from_bytes([2; 16]));
        *self.journal.lock().unwrap() = Journal { id, ..Journal::default() };
    }

    fn settings(&self) -> Settings {
        settings(&self.cluster.bootstrap_servers())
    }

    fn produce(&self, messages: impl IntoIterator<Item = String>) {
        for message in messages {
            let record = BaseRecord::to("in").key(&message).payload(&message);
            self.producer.send(record).unwrap();
        }
        self.producer.flush(Duration::from_secs(30)).unwrap();
    }

    fn start(&self, settings: Settings) -> Running {
        let telemetry = Telemetry::new(&["not_json"], &[]);
        let handler = Fake {
            journal: Arc::clone(&self.journal),
            decision: Vec::new(),
            recalled: VecDeque::new(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let edge = Edge::open(settings, handler, telemetry.clone(), Arc::clone(&stop)).unwrap();
        let statistics = edge.statistics();
        let thread = std::thread::spawn(move || edge.run().map(|_| ()));
        Running { telemetry, statistics, stop, thread: Some(thread) }
    }

    /// Everything in a topic as (seq, payload), once `enough` are there.
    fn read(&self, topic: &str, enough: usize) -> Vec<(Option<u64>, String)> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let mut records = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        // A little longer than enough, to see what should not be there.
        let mut quiet = 0;
        while Instant::now() < deadline && (records.len() < enough || quiet < 3) {
            let Some(message) = consumer.poll(Duration::from_millis(100)) else {
                quiet += 1;
                continue;
            };
            quiet = 0;
            let Ok(message) = message else { continue };
            let seq = message.headers().map(|headers| {
                let header = headers.get(0);
                assert_eq!(header.key, "seq");
                std::str::from_utf8(header.value.unwrap()).unwrap().parse().unwrap()
            });
            let payload = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
            records.push((seq, payload));
        }
        records
    }

    /// The group's positions in the source topic.
    fn committed(&self, partitions: i32) -> Vec<Option<i64>> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "group")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range("in", 0, partitions - 1);
        let list = consumer.committed_offsets(list, Duration::from_secs(30)).unwrap();
        list.elements()
            .iter()
            .map(|element| match element.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            })
            .collect()
    }
}

struct Running {
    telemetry: Telemetry,
    statistics: Arc<Statistics>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Result<(), EdgeError>>>,
}

impl Running {
    fn join(mut self) -> Result<(), EdgeError> {
        self.thread.take().unwrap().join().unwrap()
    }

    fn stop(self) -> Result<(), EdgeError> {
        self.stop.store(true, Ordering::Relaxed);
        self.join()
    }

    fn wait_until(&self, what: &str, condition: impl Fn(&Telemetry) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(300);
        while !condition(&self.telemetry) {
            assert!(Instant::now() < deadline, "waited five minutes for: {what}");
            self.statistics.publish(&self.telemetry);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn has(telemetry: &Telemetry, line: &str) -> bool {
        telemetry.render().lines().any(|have| have == line)
    }
}

fn names(from: usize, to: usize) -> impl Iterator<Item = String> {
    (from..to).map(|number| format!("event-{number}"))
}

/// Every name has an answer, and repeats are the same bytes under the same number.
fn check_each_decided(records: &[(Option<u64>, String)], count: usize) {
    let mut seqs: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for (seq, payload) in records {
        let known = *seqs.entry(payload).or_insert(*seq);
        assert_eq!(known, *seq, "{payload} came again under another number");
    }
    let expected: std::collections::BTreeSet<String> = names(0, count).collect();
    assert!(seqs.keys().copied().eq(expected.iter().map(String::as_str)));
}

/// The main way: everything that comes in is answered, and the group knows it after a stop.
#[test]
fn each_message_is_decided_and_committed() {
    let world = World::new(3);
    world.produce(names(0, 500));
    world.produce(["bad".to_owned(), "bad again".to_owned()]);
    let edge = world.start(world.settings());
    let decisions = world.read("decisions", 500);
    assert_eq!(decisions.len(), 500);
    check_each_decided(&decisions, 500);
    assert_eq!(world.read("audit", 500).len(), 500);
    let letters = world.read("dead", 2);
    assert_eq!(letters.len(), 2);
    for (seq, letter) in &letters {
        assert_eq!(*seq, None);
        let letter: serde_json::Value = serde_json::from_str(letter).unwrap();
        assert_eq!((&letter["topic"], &letter["reason"]), (&"in".into(), &"not_json".into()));
    }
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    edge.wait_until("lag", |telemetry| {
        (0..3).all(|partition| {
            let labels = format!("{{topic=\"in\",partition=\"{partition}\"}} 0");
            Running::has(telemetry, &format!("tidegate_consumer_lag{labels}"))
        })
    });
    edge.wait_until("a commit", |telemetry| {
        !Running::has(telemetry, "tidegate_commits_total{result=\"done\"} 0")
    });
    edge.stop().unwrap();
    let total: i64 = world.committed(3).into_iter().flatten().sum();
    assert_eq!(total, 502);
}

/// A crash between the journal and the broker: what the journal did not confirm was not sent, and
/// the next run answers everything, the repeats with the same number.
#[test]
fn a_crash_loses_nothing_and_repeats_the_same() {
    let world = World::new(2);
    world.produce(names(0, 300));
    world.journal.lock().unwrap().fails_at = Some(3);
    let settings = Settings { commit_interval: Duration::from_secs(3_600), ..world.settings() };
    let edge = world.start(settings);
    assert!(matches!(edge.join(), Err(EdgeError::Handler(_))));
    let before = world.read("decisions", 0);
    assert!(before.len() < 300, "the batch whose flush failed was not sent");
    let edge = world.start(world.settings());
    let decisions = world.read("decisions", before.len() + 300);
    check_each_decided(&decisions, 300);
    assert_eq!(world.journal.lock().unwrap().seqs.len(), 300, "none is counted twice");
    edge.stop().unwrap();
}

/// A group that has forgotten its positions does not begin at the beginning of time.
#[test]
fn the_journal_knows_where_to_begin_when_the_group_does_not() {
    let world = World::new(1);
    world.produce(names(0, 100));
    world.journal.lock().unwrap().positions.insert((0, 0), 90);
    let edge = world.start(world.settings());
    let decisions = world.read("decisions", 10);
    assert_eq!(decisions.len(), 10);
    assert_eq!(decisions[0].1, "event-90");
    edge.stop().unwrap();
}

/// The journal is the only truth: what the group believes done and the journal has lost (a power
/// cut, a restored copy) is read again. Messages that leave no trace in it are not: a stop between
/// them and the next event must not repeat their dead letters for ever.
#[test]
fn a_group_is_set_back_only_when_the_journal_has_lost_something() {
    let world = World::new(1);
    world.produce(names(0, 20));
    world.produce(["bad".to_owned()]);
    let edge = world.start(world.settings());
    assert_eq!((world.read("decisions", 20).len(), world.read("dead", 1).len()), (20, 1));
    edge.stop().unwrap();
    assert_eq!(world.committed(1), [Some(21)]);

    let edge = world.start(world.settings());
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    assert_eq!((world.read("decisions", 20).len(), world.read("dead", 1).len()), (20, 1));
    edge.stop().unwrap();

    world.journal.lock().unwrap().positions.insert((0, 0), 15);
    world.journal.lock().unwrap().seqs.retain(|_, seq| *seq <= 15);
    let unfit = world.start(world.settings()).join().unwrap_err();
    assert!(unfit.to_string().contains("ends with input 15, and the group was told of input 20"));
    let edge = world.start(Settings { adopt: true, ..world.settings() });
    let decisions = world.read("decisions", 25);
    assert_eq!((decisions.len(), world.read("dead", 2).len()), (25, 2));
    check_each_decided(&decisions, 20);
    edge.stop().unwrap();
}

/// A journal that is not the group's is refused before anything is read or joined, and goes on only
/// when the operator says so; from then on it is the group's.
#[test]
fn another_journal_is_refused() {
    let world = World::new(2);
    world.produce(names(0, 20));
    let edge = world.start(world.settings());
    assert_eq!(world.read("decisions", 20).len(), 20);
    edge.stop().unwrap();
    world.exchange_journal();
    world.produce(names(20, 25));
    for transactional_id in [None, Some("tidegate".to_owned())] {
        let edge = world.start(Settings { transactional_id, ..world.settings() });
        let unfit = edge.join().unwrap_err();
        assert!(matches!(&unfit, EdgeError::Unfit(_)), "{unfit}");
        assert!(unfit.to_string().contains("--adopt"), "{unfit}");
    }
    assert_eq!(world.read("decisions", 20).len(), 20, "nothing was read");
    for adopt in [true, false] {
        let edge = world.start(Settings { adopt, ..world.settings() });
        check_each_decided(&world.read("decisions", 25), 25);
        edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
        edge.stop().unwrap();
    }
}

/// An amendment that gave up waiting leaves as a dead letter with the message that it gave up at: a stop
/// right after that message does not lose it.
#[test]
fn an_expired_amendment_leaves_before_a_stop() {
    let world = World::new(1);
    world.journal.lock().unwrap().expired = vec![Source { topic: 0, partition: 0, offset: 7 }];
    world.produce(names(0, 1));
    let edge = world.start(world.settings());
    edge.wait_until("decided", |t| Running::has(t, "tidegate_inputs_total{result=\"decided\"} 1"));
    edge.stop().unwrap();
    assert_eq!(world.committed(1), [Some(1)]);
    let letters = world.read("dead", 1);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = &letters[0].1;
    assert!(letter.contains("event_unknown") && letter.contains("\"offset\":7"), "{letter}");
}

/// A service that refuses all that comes is alive, reads and decides nothing: it must say so.
#[test]
fn refusing_everything_makes_unready() {
    let world = World::new(1);
    world.produce((0..100).map(|n| format!("bad{n}")));
    let edge = world.start(world.settings());
    edge.wait_until("unready", |t| t.readiness.holds(Unready::EverythingRefused));
    world.produce(names(0, 1));
    edge.wait_until("ready", |t| t.readiness.is_ready());
    edge.stop().unwrap();
}

/// A partition that is not read though the broker has more of it is named, with its place, and read
/// again once it can be: whatever keeps the client from it.
#[test]
fn a_partition_that_stands_still_is_named() {
    let world = World::new(1);
    world.produce(names(0, 20));
    let edge = world.start(world.settings());
    assert_eq!(world.read("decisions", 20).len(), 20);
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR;
    world.cluster.request_errors(RDKafkaApiKey::Fetch, &vec![refused; 1_000_000]);
    world.produce(names(20, 30));
    edge.wait_until("stalled", |t| t.readiness.holds(Unready::PartitionStalled));
    let said = edge.telemetry.readiness.to_json();
    let place = "in, partition 0: reading stands at offset 20, the broker's messages end at 30";
    assert!(said.contains(place), "{said}");
    world.cluster.clear_request_errors(RDKafkaApiKey::Fetch);
    check_each_decided(&world.read("decisions", 30), 30);
    edge.wait_until("ready again", |telemetry| telemetry.readiness.is_ready());
    edge.stop().unwrap();
}

/// A broker that goes and comes back: not ready meanwhile, nothing lost, ready again by itself.
#[test]
fn a_lost_broker_is_waited_for() {
    let world = World::new(1);
    world.produce(names(0, 50));
    let edge = world.start(world.settings());
    assert_eq!(world.read("decisions", 50).len(), 50);
    world.cluster.broker_down(1).unwrap();
    edge.wait_until("unready", |t| t.readiness.holds(Unready::BrokerUnreachable));
    world.cluster.broker_up(1).unwrap();
    world.produce(names(50, 100));
    check_each_decided(&world.read("decisions", 100), 100);
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    edge.stop().unwrap();
}

/// A broker that is slow to acknowledge must not fill the memory: reading pauses and goes on.
#[test]
fn reading_pauses_while_outputs_wait() {
    let world = World::new(1);
    world.produce(names(0, 400));
    let settings = Settings { unacknowledged_max: 20, batch_messages: 8, ..world.settings() };
    world.cluster.broker_round_trip_time(1, Duration::from_millis(50)).unwrap();
    let edge = world.start(settings);
    check_each_decided(&world.read("decisions", 400), 400);
    let paused = |telemetry: &Telemetry| {
        let text = telemetry.render();
        let line = text.lines().find(|line| line.starts_with("tidegate_pauses_total ")).unwrap();
        line != "tidegate_pauses_total 0"
    };
    edge.wait_until("a pause", paused);
    edge.stop().unwrap();
    assert_eq!(world.committed(1), [Some(400)]);
}

/// Two instances would split the windows: both say so.
#[test]
fn a_shared_group_is_not_ready() {
    let world = World::new(4);
    let one = world.start(world.settings());
    one.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    let two = world.start(world.settings());
    for edge in [&one, &two] {
        edge.wait_until("shared", |t| t.readiness.holds(Unready::SharedGroup));
    }
    one.stop().unwrap();
    two.wait_until("ready alone", |telemetry| telemetry.readiness.is_ready());
    two.stop().unwrap();
}

/// Who reads the audit topic sees who changed what in order with the decisions, also what was changed
/// while no message came; and not again after a polite stop, since the group was told.
#[test]
fn changes_are_sent_in_their_order() {
    let world = World::new(1);
    world.journal.lock().unwrap().asked.push_back("first".to_owned());
    world.journal.lock().unwrap().guards_after = Some(5);
    world.produce(names(0, 20));
    let edge = world.start(world.settings());
    assert_eq!(world.read("audit", 22).len(), 22);
    world.journal.lock().unwrap().asked.push_back("idle".to_owned());
    assert_eq!(world.read("audit", 23).len(), 23);
    edge.stop().unwrap();
    let edge = world.start(world.settings());
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    world.journal.lock().unwrap().asked.push_back("again".to_owned());
    let audit = world.read("audit", 24);
    edge.stop().unwrap();
    assert!(audit.iter().map(|(seq, _)| *seq).eq((1..=24).map(Some)), "{audit:?}");
    let changes: Vec<_> =
        audit.iter().filter(|(_, text)| !text.starts_with("event")).cloned().collect();
    let journal = world.journal.lock().unwrap();
    let expected = journal.changes.iter().map(|(seq, text)| (Some(*seq), text.clone()));
    assert!(expected.eq(changes), "{:?}", journal.changes);
    assert_eq!(world.read("decisions", 20).len(), 20, "a change has no decision");
}

/// No message brings a change again: what a stop or a crash left unsent, and what was changed while
/// no service ran, is found in the journal.
#[test]
fn changes_that_were_not_acknowledged_are_sent_again() {
    let world = World::new(1);
    world.produce(names(0, 20));
    let settings = Settings { stop_timeout: Duration::from_millis(500), ..world.settings() };
    let edge = world.start(settings);
    assert_eq!(world.read("audit", 20).len(), 20);
    edge.wait_until("ready", |telemetry| telemetry.readiness.is_ready());
    edge.wait_until("a commit", |_| world.committed(1) == [Some(20)]);
    world.cluster.broker_down(1).unwrap();
    world.journal.lock().unwrap().asked.push_back("unsent".to_owned());
    edge.wait_until("a change", |_| world.journal.lock().unwrap().changes.len() == 1);
    assert!(matches!(edge.stop(), Err(EdgeError::StopTimeout { unacknowledged: 1 })));
    world.cluster.broker_up(1).unwrap();
    world.journal.lock().unwrap().change("alone".to_owned());
    let edge = world.start(world.settings());
    let audit = world.read("audit", 22);
    edge.stop().unwrap();
    let text = |text: &str| text.to_owned();
    assert_eq!(audit[20..], [(Some(21), text("unsent")), (Some(22), text("alone"))]);
}

/// A change while no message comes finds no room: it waits for some, and the service goes on. Whether
/// a full disk ends it is for the next message to say.
#[test]
fn a_full_disk_does_not_end_the_service_over_a_change() {
    let world = World::new(1);
    world.journal.lock().unwrap().asked.push_back("waits".to_owned());
    world.journal.lock().unwrap().fails_at = Some(1);
    let edge = world.start(world.settings());
    assert_eq!(world.read("audit", 1), [(Some(1), "waits".to_owned())]);
    assert_eq!(world.journal.lock().unwrap().flushes, 2);
    edge.stop().unwrap();
}

/// A transaction that fails takes its changes with it, and no message brings them again.
#[test]
fn a_given_up_transaction_recalls_its_changes() {
    let world = World::new(1);
    world.produce(names(0, 100));
    world.journal.lock().unwrap().guards_after = Some(10);
    // As often as it needs, until a transaction holds the tenth message and the change after it.
    let refused = RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION;
    world.cluster.request_errors(RDKafkaApiKey::TxnOffsetCommit, &[refused; 4]);
    let settings = Settings { transactional_id: Some("tidegate".to_owned()), ..world.settings() };
    let edge = world.start(settings);
    edge.wait_until("rewinds", |t| Running::has(t, "tidegate_rewinds_total 4"));
    check_each_decided(&world.read("decisions", 101), 100);
    // The mock cluster shows aborted records too.
    let audit = world.read("audit", 101);
    let guards = audit.iter().filter(|(_, text)| text == "guard");
    let seqs: Vec<_> = guards.map(|(seq, _)| *seq).collect();
    assert!(seqs.len() > 1 && seqs.iter().all(|seq| *seq == Some(11)), "{seqs:?}");
    edge.stop().unwrap();
}

/// A transaction that fails is taken again, with the same answers. (The mock cluster shows aborted
/// records and forgets a transaction's positions: that each is seen once is for the real broker.)
#[test]
fn a_given_up_transaction_is_taken_again() {
    let world = World::new(2);
    world.produce(names(0, 300));
    world.cluster.request_errors(
        RDKafkaApiKey::TxnOffsetCommit,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
        ],
    );
    let settings = Settings { transactional_id: Some("tidegate".to_owned()), ..world.settings() };
    let edge = world.start(settings);
    edge.wait_until("a rewind", |t| Running::has(t, "tidegate_rewinds_total 1"));
    check_each_decided(&world.read("decisions", 301), 300);
    edge.stop().unwrap();
    assert_eq!(world.journal.lock().unwrap().seqs.len(), 300, "none is counted twice");
}
