//! What fails in the middle: the process, the broker. Nothing is lost, nothing counted twice.

use std::time::{Duration, Instant};

use crate::broker::{OwnBroker, PATIENCE, Topics};
use crate::events::{Event, are_all_answered, borrowed, check_answers, payments};
use crate::service::Home;

/// Kills the service three times while it works, then lets it finish.
fn run_with_kills(topics: &Topics, home: &Home, events: &[Event]) {
    let parts = events.chunks(events.len().div_ceil(3));
    let mut answered = 0;
    for part in parts {
        topics.produce(borrowed(part));
        let service = home.start(topics);
        // Somewhere in this part: some answers are out, some are not, commits lag behind.
        let target = answered + part.len() / 3;
        topics.read("decisions", |records| records.len() >= target);
        answered += part.len() / 3;
        service.kill();
    }
    let service = home.start(topics);
    let decisions = topics.read("decisions", |records| are_all_answered(records, events));
    check_answers(&decisions, events);
    let audit = topics.read("audit", |records| are_all_answered(records, events));
    check_answers(&audit, events);
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    assert_eq!(topics.committed(), events.len() as i64);
}

/// `kill -9` at any moment: every event has its decision, a repeat is byte-identical under the
/// same number, and none is counted twice.
#[test]
fn a_killed_service_goes_on_where_it_was() {
    let (topics, mut home) = (Topics::new(2), Home::new());
    // Small batches and rare commits leave much to repeat.
    home.kafka = "batch_messages = 16\ncommit_interval_ms = 2000\n".to_owned();
    let events = payments("killed", 6_000);
    run_with_kills(&topics, &home, &events);
}

/// Kills at random moments while events keep coming, as often as asked (`./dev kill-test --rounds N`
/// sets TIDEGATE_KILL_ROUNDS): every answer that left is in the journal, under its number, once.
#[test]
#[ignore = "as long as one likes: ./dev kill-test runs it"]
fn killed_again_and_again() {
    let rounds: usize =
        std::env::var("TIDEGATE_KILL_ROUNDS").map_or(20, |text| text.parse().unwrap());
    let (topics, mut home) = (Topics::new(3), Home::new());
    home.kafka = "batch_messages = 16\ncommit_interval_ms = 1000\n".to_owned();
    home.journal = "durability = \"synced\"\nsegment_mb = 1\n".to_owned();
    let events = payments("again", rounds * ROUND);
    let begin = Instant::now();
    for (round, part) in events.chunks(ROUND).enumerate() {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for burst in part.chunks(ROUND / 8) {
                    topics.produce(borrowed(burst));
                    std::thread::sleep(Duration::from_millis(random_below(120)));
                }
            });
            let service = home.start(&topics);
            std::thread::sleep(Duration::from_millis(random_below(2_500)));
            service.kill();
        });
        if round % 10 == 9 {
            println!("{} kills, {} s", round + 1, begin.elapsed().as_secs());
        }
    }
    let service = home.start(&topics);
    // Most of the work may be left to this last life: it gets the time that it takes.
    let deadline = begin.elapsed() + PATIENCE * 5;
    while topics.committed() < events.len() as i64 && begin.elapsed() < deadline {
        std::thread::sleep(Duration::from_secs(1));
    }
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    let audit = topics.read("audit", |records| are_all_answered(records, &events));
    check_answers(&audit, &events);
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
    assert_eq!(topics.committed(), events.len() as i64);
    let repeats = decisions.len() - events.len();
    check_journal(&home, &decisions, events.len());
    println!("{rounds} kills, {} events, {repeats} answers repeated: all well", events.len());
}

/// Events to a kill.
const ROUND: usize = 400;

/// A number below a bound, of this moment: which moment a kill meets is chance anyway.
fn random_below(bound: u64) -> u64 {
    use std::hash::{BuildHasher as _, Hasher as _};
    std::collections::hash_map::RandomState::new().build_hasher().finish() % bound
}

/// Every answer stands in the journal under its number, and every event was counted once.
fn check_journal(home: &Home, decisions: &[crate::broker::Record], events: usize) {
    use tidegate::journal::{Item, Reader};
    let mut seqs = std::collections::HashMap::new();
    let mut reader = Reader::open(home.journal_dir()).unwrap().unwrap();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Entry(entry) = item {
            let before = seqs.insert(entry.input.event_id.clone(), entry.seq.0);
            assert_eq!(before, None, "{} was counted twice", entry.input.event_id);
        }
    }
    assert_eq!(seqs.len(), events);
    for decision in decisions {
        assert_eq!(seqs.get(&decision.key).copied(), decision.seq, "{}", decision.key);
    }
}

/// With transactions the same reader sees each decision once and not at least once.
#[test]
fn with_transactions_a_killed_service_repeats_nothing() {
    let (topics, mut home) = (Topics::new(2), Home::new());
    home.kafka = "transactions = true\ntransaction_messages = 50\n".to_owned();
    let events = payments("transactions", 3_000);
    // `committed` counts messages: the markers of transactions are not on the source topic.
    run_with_kills(&topics, &home, &events);
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    assert_eq!(decisions.len(), events.len());
}

/// A second process with the same name: one of the two goes on, and the other says why it ends.
#[test]
fn a_second_process_takes_over() {
    let topics = Topics::new(2);
    let (one, two) = (Home::new(), Home::new());
    let first = one.start(&topics);
    first.wait_until_ready();
    let second = two.start(&topics);
    let (status, log) = first.wait();
    assert_eq!(status.code(), Some(3));
    assert!(log.join("\n").contains("has taken over"), "{}", log.join("\n"));
    second.wait_until_ready();
    let events = payments("over", 20);
    topics.produce(borrowed(&events));
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    assert_eq!(second.stop().0.code(), Some(0));
}

/// A broker that goes away and comes back: not ready meanwhile, nothing lost, ready by itself.
#[test]
fn a_restarted_broker_is_waited_for() {
    let mut broker = OwnBroker::start();
    let topics = Topics::on(broker.bootstrap.clone(), 2);
    let home = Home::new();
    let events = payments("restart", 2_000);
    let (before, after) = events.split_at(1_000);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    service.wait_until_ready();
    broker.stop();
    service.wait_until(|service| service.get("/readyz").1.contains("broker_unreachable"));
    broker.start_again();
    topics.produce(borrowed(after));
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    service.wait_until_ready();
    // Gone for good: a stop ends all the same, and what it leaves is with the journal.
    broker.stop();
    let begin = Instant::now();
    let (status, log) = service.stop();
    assert!(status.code().is_some(), "it ended by itself: {}", log.join("\n"));
    assert!(begin.elapsed() < PATIENCE, "{}", log.join("\n"));
}
