//! How long a record takes: to encode its event, to append it (encode, seal, checksum, write), and
//! to read it back, against P. Prints what a record of the bench event weighs.

#![allow(clippy::print_stdout, reason = "the size is this program's result")]

mod p;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use hdrhistogram::Histogram;
use tidegate::domain::{
    Action, Applied, Body, Content, DeviceIdentifier, EntityKind, EventTime, Fact, FeatureVector,
    FieldId, FieldType, Input, Observed, ReasonId, Schema, Seq, Source, Token,
};
use tidegate::journal::{
    BundleRef, Columns, Due, Durability, Entry, Features, FreshRandom, Hits, Item, KeyCheck,
    Opening, Reader, SealKey, TokenKeyName, Writer,
};
use tidegate::stages::decode::{Door, decode};
use tidegate::wire::{EventBytes, encode};

/// Records to one write: what a busy stream gathers.
const BATCH: u64 = 32;
/// Features of the bench bundle, beside the facts.
const FEATURES: u16 = 70;

/// The input that enrich makes of a full mobile payment, with every usual fact.
fn input() -> Input {
    let mut input = Input::new();
    input.received_at = EventTime::from_ms(1_795_445_651_123).expect("a moment of 2026");
    input.occurred_at = EventTime::from_ms(1_795_445_650_456).expect("a moment of 2026");
    input.source = Some(Source { topic: 0, partition: 3, offset: 12_345_678 });
    input.event_id = "pay-20261123-00018423".to_owned();
    let mut bytes = random_bytes();
    input.event = Token::from_bytes(bytes());
    input.content = Content(bytes());
    for kind in EntityKind::ALL {
        if !matches!(kind, EntityKind::Terminal | EntityKind::Payee | EntityKind::Device) {
            input.tokens.set(kind, Token::from_bytes(bytes()));
        }
    }
    for which in [
        DeviceIdentifier::MediaDrm,
        DeviceIdentifier::AndroidId,
        DeviceIdentifier::Gsf,
        DeviceIdentifier::Oaid,
        DeviceIdentifier::Mac,
    ] {
        input.device.set(which, Token::from_bytes(bytes()).short());
    }
    for (fact, text) in TEXTS {
        input.facts.set_text(*fact, text);
    }
    for (fact, number) in NUMBERS {
        input.facts.set_int(*fact, *number);
    }
    for fact in FLAGS {
        input.facts.set_bool(*fact, false);
    }
    input.facts.set_int(Fact::OccurredAt, input.occurred_at.as_ms());
    input.facts.set_float(Fact::IpGpsDistanceKm, 12.345_678);
    input.facts.set_id(Fact::LocationExact, 0x0123_4567_89ab_cdef);
    input.key_version = 1;
    input
}

/// Sixteen bytes that do not compress, and the same in every run.
fn random_bytes() -> impl FnMut() -> [u8; 16] {
    let mut state = 0x9E37_79B9_7F4A_7C15_u128;
    move || {
        state = state.wrapping_mul(0xDA94_2042_E4DD_58B5_DA94_2042_E4DD_58B5).wrapping_add(1);
        state.to_le_bytes()
    }
}

const TEXTS: &[(Fact, &str)] = &[
    (Fact::Kind, "payment"),
    (Fact::Service, "mobile_payment"),
    (Fact::EntryMode, "online"),
    (Fact::LawfulBasis, "contract"),
    (Fact::Currency, "CNY"),
    (Fact::CardBin, "622848"),
    (Fact::CardBrand, "unionpay"),
    (Fact::CardType, "debit"),
    (Fact::CardCountry, "CN"),
    (Fact::CardIssuer, "ABC"),
    (Fact::PayerAgeBand, "25_44"),
    (Fact::PayerPhoneCountry, "CN"),
    (Fact::PayerEmailDomain, "163.com"),
    (Fact::MerchantMcc, "5411"),
    (Fact::MerchantMccGroup, "grocery"),
    (Fact::MerchantCity, "Hangzhou"),
    (Fact::MerchantProvince, "Zhejiang"),
    (Fact::DevicePlatform, "android"),
    (Fact::DeviceBrand, "Xiaomi"),
    (Fact::DeviceModel, "2211133C"),
    (Fact::DeviceOsVersion, "14"),
    (Fact::DeviceAppVersion, "8.3.1"),
    (Fact::DeviceCpu, "SM8550"),
    (Fact::DeviceScreen, "1080x2400"),
    (Fact::DeviceLanguage, "zh-CN"),
    (Fact::DeviceTimeZone, "Asia/Shanghai"),
    (Fact::IpCountry, "CN"),
    (Fact::IpCity, "Hangzhou"),
    (Fact::NetworkType, "cellular"),
    (Fact::NetworkCarrier, "China Mobile"),
];

const NUMBERS: &[(Fact, i64)] = &[
    (Fact::AmountMinor, 12_850),
    (Fact::AmountBase, 12_850),
    (Fact::CardSequence10m, 1),
    (Fact::MerchantAgeDays, 812),
    (Fact::DeviceCores, 8),
    (Fact::DeviceMemoryMb, 11_264),
    (Fact::DeviceEmulatorSigns, 0),
    (Fact::IpRadiusKm, 50),
    (Fact::IpAsn, 9_808),
    (Fact::LatMdeg, 30_274),
    (Fact::LonMdeg, 120_155),
    (Fact::LocationAccuracyM, 25),
];

const FLAGS: &[Fact] = &[
    Fact::IsResubmission,
    Fact::HasOriginal,
    Fact::CardLuhnValid,
    Fact::PayerIdValid,
    Fact::MerchantKnown,
    Fact::DeviceIsMerchants,
    Fact::DevicePresent,
    Fact::DeviceEmulator,
    Fact::DeviceRooted,
    Fact::DeviceHooked,
    Fact::DeviceDebug,
    Fact::DeviceCloned,
    Fact::DeviceMockLocation,
    Fact::IpPresent,
    Fact::IpHosting,
    Fact::IpProxy,
    Fact::IpVpn,
    Fact::IpTor,
    Fact::IpMobile,
    Fact::IpCgnat,
    Fact::IpPrivate,
    Fact::LocationPresent,
];

/// A card with some history: counts, sums, moments, and a dozen means and ratios.
fn features(input: &Input) -> (FeatureVector, Columns) {
    let mut schema = Schema::of_facts();
    let field_type = |index: u16| if index % 6 == 5 { FieldType::Float } else { FieldType::Int };
    let ids: Vec<FieldId> = (0..FEATURES)
        .filter_map(|index| schema.add(&format!("feature_{index}"), field_type(index), ""))
        .collect();
    let mut row = FeatureVector::new(schema.columns());
    row.start(&input.facts);
    for (index, id) in (0..FEATURES).zip(ids) {
        match index % 6 {
            5 => row.set_float(id, f64::from(index) / 7.0),
            0 | 1 => row.set_int(id, i64::from(index) % 9),
            2 => row.set_int(id, i64::from(index) * 12_850),
            _ => row.set_int(id, 0),
        }
    }
    (row, Columns::of(&schema))
}

fn writer(dir: &std::path::Path) -> Writer {
    let opening = Opening {
        key: SealKey::new(1, zeroize::Zeroizing::new([7; 32])),
        token_key: TokenKeyName { version: 1, check: KeyCheck([1; 16]) },
        software: "bench".to_owned(),
        engine_semantics: 1,
        opened_at: EventTime::MIN,
        segment_bytes: 64 << 20,
        fresh: FreshRandom::draw().expect("the system gives random bytes"),
    };
    Writer::open(dir, opening).expect("the bench's directory is writable")
}

/// Appends the same event under the next number, and writes when a batch is full.
fn append(writer: &mut Writer, mut entry: Entry<'_>, event: &EventBytes) {
    let seq = writer.next_seq();
    entry.seq = seq;
    writer.append(&entry, Some(event)).expect("the record is well formed");
    if seq.0.is_multiple_of(BATCH) {
        writer.flush(Durability::Written).expect("the disk has room");
    }
}

/// How long a batch waits from its flush until its answers may leave: a journal with its keeper, a
/// batch every half millisecond.
fn print_latencies(dir: &std::path::Path, entry: Entry<'_>, event: &EventBytes) {
    for (durability, name) in [(Durability::Written, "written"), (Durability::Synced, "synced")] {
        let mut writer = writer(&dir.join(name));
        let keeper = writer.keeper();
        let thread = std::thread::spawn(move || {
            loop {
                match keeper.wait(Duration::from_secs(1)) {
                    Due::Over => return,
                    Due::Nothing => {}
                    Due::Now => keeper.turn().expect("the disk has room"),
                }
            }
        });
        let mut waits =
            Histogram::<u64>::new_with_bounds(1, 60_000_000_000, 3).expect("constant bounds");
        for _ in 0..4_000 {
            for _ in 0..BATCH {
                let mut entry = entry;
                entry.seq = writer.next_seq();
                writer.append(&entry, Some(event)).expect("the record is well formed");
            }
            let begin = Instant::now();
            writer.flush(durability).expect("the disk has room");
            while writer.kept(durability).expect("the disk works") < writer.next_record() {
                writer.wait_kept(durability, Duration::from_millis(1));
            }
            waits.saturating_record(begin.elapsed().as_nanos() as u64);
            std::thread::sleep(Duration::from_micros(500));
        }
        drop(writer);
        thread.join().expect("the keeper ends with its writer");
        let us = |quantile| waits.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "{name}: p50 {:.1} us, p99 {:.1}, p99.9 {:.1} from the flush of {BATCH} records",
            us(0.5),
            us(0.99),
            us(0.999)
        );
    }
}

/// What a record costs in P, all in: sealed, with its checksum, written with its batch. The best of
/// some turns of each, which follow one another so that a slow machine is slow for both.
fn print_append(dir: &std::path::Path, entry: Entry<'_>, event: &EventBytes, bytes: usize) {
    const RECORDS: u32 = 50_000;
    let mut writer = writer(&dir.join("amortised"));
    let best = |best: f64, started: Instant| {
        best.min(started.elapsed().as_nanos() as f64 / f64::from(RECORDS))
    };
    let (mut unit, mut record) = (f64::MAX, f64::MAX);
    for _ in 0..10 {
        let started = Instant::now();
        (0..RECORDS).for_each(|_| {
            black_box(p::parse(black_box(p::EVENT)));
        });
        unit = best(unit, started);
        let started = Instant::now();
        (0..RECORDS).for_each(|_| append(&mut writer, entry, event));
        record = best(record, started);
    }
    let units = record / unit;
    println!(
        "append: {record:.0} ns a record = {units:.2} P, {:.2} P a KiB (P is {unit:.0} ns)",
        units * 1_024.0 / bytes as f64
    );
}

fn journal(c: &mut Criterion) {
    let decoded = decode(p::EVENT, &Door::default()).expect("the bench event is a valid event");
    let mut event = EventBytes::new();
    encode(&decoded.message, &mut event);
    let input = input();
    let (row, columns) = features(&input);
    let mut body = Body { action: Action::Challenge, score: 640, points: 35, ..Body::default() };
    body.reasons.push(ReasonId(17));
    let observed = Observed { stage_ns: [900, 700, 1_200, 300, 90, 0, 0], budget_left_us: 4_800 };
    let entry = Entry {
        seq: Seq(1),
        input: &input,
        applied: Applied::Decided { seq: Seq(1), body },
        device: None,
        hits: Hits { fired: &[3, 17], shadow: &[21], undetermined: &[5] },
        features: Some(Features { row: &row, columns: &columns }),
        bundle: BundleRef(1),
        observed: &observed,
    };
    let dir = tempfile::tempdir().expect("a directory for the bench");
    let mut sized = writer(&dir.path().join("size"));
    let first = sized.append(&entry, Some(&event)).expect("the record is well formed");
    let open = sized.open_part(&first).map_or(0, |part| part.as_bytes().len());
    let (parts, sealed) = (event.canonical().len() - 12, sized.pending_bytes() - open);
    println!(
        "a record: {} bytes; open part {open}, {sealed} around an event of {parts}",
        sized.pending_bytes()
    );

    let bytes = sized.pending_bytes();
    if !std::env::args().any(|argument| argument == "--test") {
        print_append(dir.path(), entry, &event, bytes);
        print_latencies(dir.path(), entry, &event);
    }

    let mut group = c.benchmark_group("journal");
    group.bench_function("P", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    group.bench_function("encode the event", |b| {
        b.iter(|| {
            encode(black_box(&decoded.message), &mut event);
            black_box(event.canonical().len())
        });
    });
    let mut appending = writer(&dir.path().join("append"));
    group.bench_function("append", |b| b.iter(|| append(&mut appending, entry, &event)));
    let mut reading = writer(&dir.path().join("read"));
    (0..10_000).for_each(|_| append(&mut reading, entry, &event));
    reading.flush(Durability::Written).expect("the disk has room");
    group.bench_function("read 10,000", |b| {
        let open = || Reader::open(dir.path().join("read")).ok().flatten();
        b.iter_batched(
            open,
            |reader| {
                let mut reader = reader.expect("the bench's own journal");
                let mut entries = 0;
                while let Some(item) = reader.read().expect("the bench's own journal") {
                    entries += u32::from(matches!(item, Item::Entry(_)));
                    if entries == 10_000 {
                        break;
                    }
                }
                black_box(entries)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("P again", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
