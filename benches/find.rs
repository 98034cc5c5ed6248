//! How long `audit find` looks for a card in a large journal, and what the index of a segment costs.
//!
//! ```text
//! cargo bench --bench find -- [--records N] [--cards N]
//! ```
//!
//! A journal of records of one card each, spread evenly; segments of some 250,000 records, as in a
//! service. Its indexes are made as the service makes them, when a segment is closed. Then: opening
//! them all and finding one card, each time anew, as the command does; its records are read and
//! held against the count that is known.

#![allow(clippy::print_stdout, reason = "the figures are this program's result")]

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tidegate::domain::{
    Applied, Body, Content, EntityKind, EventTime, Fact, Input, Observed, Seq, Token,
};
use tidegate::journal::{
    BundleRef, Directory, Durability, Entry, FreshRandom, Hits, JournalIndex, Key, KeyCheck,
    Opening, SealKey, TokenKeyName, Wanted, Writer, index_closed,
};

/// A number from the command line: `NAME VALUE`.
fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name).skip(1);
    arguments.next().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// Records of a segment, about.
const SEGMENT: u64 = 250_000;
/// Records to one write.
const BATCH: u64 = 256;

/// A token that does not compress, of a kind and a number.
fn token(kind: u64, number: u64) -> Token {
    let mixed = (u128::from(number) << 8 | u128::from(kind)) + 1;
    Token::from_bytes(mixed.wrapping_mul(0xDA94_2042_E4DD_58B5_DA94_2042_E4DD_58B5).to_le_bytes())
}

/// Writes the journal; bytes of a record.
fn write(dir: &Path, records: u64, cards: u64) -> u64 {
    let mut input = Input::new();
    input.occurred_at = EventTime::from_ms(1_795_445_650_456).expect("a moment of 2026");
    input.facts.set_text(Fact::Kind, "payment");
    input.facts.set_text(Fact::Service, "mobile_payment");
    input.facts.set_int(Fact::AmountBase, 12_850);
    let observed = Observed::default();
    let mut writer: Option<Writer> = None;
    for number in 0..records {
        input.received_at =
            EventTime::from_ms(1_795_445_650_456 + number as i64).expect("a moment of 2026");
        input.event_id = format!("pay-{number:010}");
        input.event = token(0, number);
        input.content = Content(*token(1, number).as_bytes());
        for (kind, of) in [
            (EntityKind::Card, number % cards),
            (EntityKind::Account, number % cards),
            (EntityKind::Merchant, number % (cards / 10).max(1)),
            (EntityKind::Ip, number % (cards / 2).max(1)),
            (EntityKind::IpPrefix, number % (cards / 20).max(1)),
            (EntityKind::Phone, number % cards),
        ] {
            input.tokens.set(kind, token(10 + kind as u64, of));
        }
        let writer = writer.get_or_insert_with(|| {
            let opening = Opening {
                key: SealKey::new(1, zeroize::Zeroizing::new([7; 32])),
                token_key: TokenKeyName { version: 1, check: KeyCheck([1; 16]) },
                software: "bench".to_owned(),
                engine_semantics: 1,
                opened_at: EventTime::MIN,
                // A record of this bench is a quarter of a service's.
                segment_bytes: SEGMENT * 250,
                fresh: FreshRandom::draw().expect("the system gives random bytes"),
            };
            Writer::open(dir, opening).expect("the bench's directory is writable")
        });
        let seq = Seq(number + 1);
        let entry = Entry {
            seq,
            input: &input,
            applied: Applied::Decided { seq, body: Body::default() },
            device: None,
            hits: Hits { fired: &[3, 17], shadow: &[], undetermined: &[] },
            features: None,
            bundle: BundleRef(0),
            observed: &observed,
        };
        writer.append(&entry, None).expect("the record is well formed");
        if number % BATCH == BATCH - 1 {
            writer.flush(Durability::Written).expect("the disk has room");
        }
    }
    let writer = writer.expect("there is a record");
    let bytes = writer.appended_bytes() / records;
    writer.close().expect("the disk has room");
    bytes
}

fn main() {
    let tiny = std::env::args().any(|argument| argument == "--test");
    let records = argument("--records", if tiny { 5_000 } else { 10_000_000 });
    let cards = argument("--cards", records / 10).max(1);
    let dir = tempfile::tempdir().expect("a directory for the bench");
    let bytes = write(dir.path(), records, cards);
    println!("a journal               {records} records of {bytes} bytes, {cards} cards");

    let directory = Directory::from(dir.path());
    let mut times =
        Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).expect("constant bounds");
    let mut done = 0;
    loop {
        let started = Instant::now();
        let next = index_closed(&directory, done, |_, _| {}).expect("the bench's own journal");
        if next == done {
            break;
        }
        done = next;
        times.saturating_record(started.elapsed().as_millis() as u64);
    }
    // The newest segment's is made by whoever asks first, if it is large.
    let started = Instant::now();
    let mut index = JournalIndex::open(dir.path(), |_, _| {}).expect("the bench's own journal");
    let (newest, inputs) = (started.elapsed(), index.inputs());
    assert_eq!(inputs, records, "every record is indexed");
    println!(
        "an index a segment      {} closed: median {} ms each; the newest {} ms",
        times.len(),
        times.value_at_quantile(0.5),
        newest.as_millis()
    );

    let mut waits =
        Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).expect("constant bounds");
    let mut worst = Duration::ZERO;
    for turn in 0..if tiny { 3 } else { 100 } {
        let card = turn * 7_919 % cards;
        let started = Instant::now();
        index = JournalIndex::open(dir.path(), |_, _| {}).expect("the bench's own journal");
        let key = Key::entity(EntityKind::Card, token(10 + EntityKind::Card as u64, card));
        let wanted = Wanted { keys: vec![vec![key]], ..Wanted::default() };
        let found = index.find(&wanted).expect("the bench's own journal");
        for position in &found {
            let entry = index.read(*position).expect("the bench's own journal");
            assert_eq!((entry.seq.0 - 1) % cards, card, "another card's record");
        }
        let took = started.elapsed();
        let expected = (records - card).div_ceil(cards);
        assert_eq!(found.len() as u64, expected, "records of card {card}");
        waits.saturating_record(took.as_micros() as u64);
        worst = worst.max(took);
    }
    println!(
        "find a card             p50 {:.1} ms, p99 {:.1}, worst {:.1}: open, find, read {} records",
        waits.value_at_quantile(0.5) as f64 / 1_000.0,
        waits.value_at_quantile(0.99) as f64 / 1_000.0,
        worst.as_secs_f64() * 1_000.0,
        records / cards
    );
}
