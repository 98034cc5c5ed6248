//! Logs that are not what they were: another codec, another topic under the same name, more partitions.

use crate::broker::{OwnBroker, Topics};
use crate::events::{are_all_answered, borrowed, check_answers, payments};
use crate::service::Home;

/// Producers choose the codec: whatever a client library offers is read.
#[test]
fn every_codec_is_read() {
    let (topics, home) = (Topics::new(1), Home::new());
    let events = payments("codec", 250);
    for (codec, part) in ["zstd", "lz4", "gzip", "snappy", "none"].iter().zip(events.chunks(50)) {
        topics.produce_to((0, codec), borrowed(part));
    }
    let service = home.start(&topics);
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    assert_eq!(service.stop().0.code(), Some(0));
}

/// A topic that was deleted and made again while nobody looked: its payments are other ones, though
/// their places were read before. They are decided, and the service says what has happened.
#[test]
fn a_topic_that_was_made_again_is_read_from_its_beginning() {
    let (topics, home) = (Topics::new(2), Home::new());
    let events = payments("again", 600);
    let (before, after) = events.split_at(300);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));

    topics.recreate_source();
    topics.produce(borrowed(after));
    let mut service = home.start(&topics);
    service.wait_for_line("another log than was read");
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    assert_eq!(decisions.len(), events.len());
    check_answers(&decisions, &events);
    assert!(service.get("/readyz").1.contains("\"code\":\"replaced\""));
    assert_eq!(service.stop().0.code(), Some(0));
    assert_eq!(topics.committed(), 300);

    // From then on it is the one that was read.
    let service = home.start(&topics);
    service.wait_until_ready();
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!log.iter().any(|line| line.contains("another log")), "{}", log.join("\n"));
    assert_eq!(topics.read("decisions", |records| records.len() >= 600).len(), 600);
}

/// The same while it runs.
#[test]
fn a_topic_that_is_made_again_meanwhile_is_read_from_its_beginning() {
    let (topics, home) = (Topics::new(1), Home::new());
    let events = payments("meanwhile", 300);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    service.wait_until_ready();
    topics.recreate_source();
    topics.produce(borrowed(after));
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    service.wait_until_ready();
    assert_eq!(service.stop().0.code(), Some(0));
}

/// A broker that loses its disk while the service runs: it says so, and reads on by itself once there
/// is something to read.
#[test]
fn a_broker_that_lost_its_disk_is_read_again() {
    let mut broker = OwnBroker::start();
    let topics = Topics::on(broker.bootstrap.clone(), 1);
    let home = Home::new();
    let events = payments("wiped", 300);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    service.wait_until_ready();
    broker.stop();
    broker.wipe();
    broker.start_again();
    service.wait_until(|service| service.get("/readyz").0.contains("503"));
    topics.create(&["in", "decisions", "audit", "dead"]);
    topics.produce(borrowed(after));
    let decisions = topics.read("decisions", |records| are_all_answered(records, after));
    check_answers(&decisions, after);
    service.wait_until_ready();
    assert_eq!(service.stop().0.code(), Some(0));
}

/// Partitions that are added while the group exists are read from their first message, and soon; one
/// instance alone is not taken for two.
#[test]
fn added_partitions_are_read_from_their_beginning() {
    let (mut topics, mut home) = (Topics::new(1), Home::new());
    home.kafka = "start = \"latest\"\n".to_owned();
    let service = home.start(&topics);
    service.wait_until_ready();
    let events = payments("added", 60);
    let parts: Vec<_> = events.chunks(20).collect();
    topics.produce_to((0, "lz4"), borrowed(parts[0]));
    topics.read("decisions", |records| are_all_answered(records, parts[0]));
    topics.add_partitions(3);
    topics.produce_to((1, "lz4"), borrowed(parts[1]));
    topics.produce_to((2, "lz4"), borrowed(parts[2]));
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    service.wait_until_ready();
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!log.join("\n").contains("another instance reads some"), "{}", log.join("\n"));

    // Added while nobody looks: who comes back under its name is given what it had.
    topics.add_partitions(4);
    let more = payments("more", 20);
    topics.produce_to((3, "lz4"), borrowed(&more));
    let service = home.start(&topics);
    topics.read("decisions", |records| records.len() >= events.len() + more.len());
    service.wait_until_ready();
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0));
    assert!(!log.join("\n").contains("another instance reads some"), "{}", log.join("\n"));
}
