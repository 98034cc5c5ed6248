//! The whole stream: same bytes, right shares, valid lines, everything planted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;

/// Runs a stream to its end and hands every line with its truth to `look`.
fn run(settings: Settings, mut look: impl FnMut(&[u8], &Truth)) -> Generator {
    let mut generator = Generator::new(settings);
    let mut line = Vec::new();
    while let Some(truth) = generator.next_into(&mut line) {
        look(&line, &truth);
    }
    generator
}

/// CRC32C and length of a stream with its line ends and truths: what a golden value compares.
fn print_of(settings: Settings) -> (u32, usize) {
    let (mut crc, mut length, mut truth_line) = (0, 0, Vec::new());
    let mut number = 0;
    run(settings, |line, truth| {
        number += 1;
        truth_line.clear();
        truth.push_json(number, &mut truth_line);
        crc = crc32c::crc32c_append(crc, line);
        crc = crc32c::crc32c_append(crc, b"\n");
        crc = crc32c::crc32c_append(crc, &truth_line);
        length += line.len() + 1;
    });
    (crc, length)
}

fn short(events: u64) -> Settings {
    Settings { events, customers: 5_000, ..Settings::default() }
}

/// Replays, benches and other people's tests name a seed and mean these bytes, on any machine.
#[test]
fn a_seed_means_the_same_bytes_everywhere() {
    let settings = Settings { events: 10_000, ..Settings::default() };
    assert_eq!(print_of(settings.clone()), print_of(settings.clone()));
    assert_ne!(print_of(settings.clone()).0, print_of(Settings { seed: 8, ..settings.clone() }).0);
    assert_eq!(print_of(settings), GOLDEN, "the stream has changed: say so in the changelog");
}

/// CRC32C and bytes of the first 10,000 lines of seed 7 at the default settings.
const GOLDEN: (u32, usize) = (1_830_447_748, 7_345_265);

/// Every well-formed line is JSON whose keys the schema knows: a typo here would silently become
/// a dropped field there.
#[test]
fn lines_are_json_in_the_words_of_the_proto() {
    let proto = include_str!("../../proto/tidegate/v1/event.proto");
    let words: BTreeSet<&str> =
        proto.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    // What JSON names differently: times, and the object forms of single fields.
    let json_only = ["occurred_at", "what"];
    let mut seen = BTreeSet::new();
    run(short(30_000), |line, truth| {
        if matches!(truth.fault, Some(Fault::Malformed(_))) {
            return;
        }
        let value: Value = serde_json::from_slice(line).expect("a good line is JSON");
        assert!(line.len() < 2_000);
        collect_keys(&value, &mut seen);
        let id = if value["kind"] == truth.message.name() && value.get("of").is_some() {
            &value["of"]
        } else {
            &value["event_id"]
        };
        assert_eq!(id.as_str(), Some(truth.event_id.to_string().as_str()));
        assert_eq!(value["kind"], truth.message.name());
    });
    for key in &seen {
        assert!(words.contains(key.as_str()) || json_only.contains(&key.as_str()), "{key}");
    }
    assert!(seen.len() > 70, "nearly every field appears: {}", seen.len());
}

fn collect_keys(value: &Value, seen: &mut BTreeSet<String>) {
    let Value::Object(fields) = value else { return };
    for (key, inner) in fields {
        seen.insert(key.clone());
        // Custom fields have names of their own.
        if key != "attributes" {
            collect_keys(inner, seen);
        }
    }
}

/// Lines come in order of arrival, and shares are what was asked for.
#[test]
fn order_and_shares_are_as_asked() {
    let settings = Settings {
        late_share: 0.03,
        duplicate_share: 0.02,
        malformed_share: 0.01,
        conflict_share: 0.005,
        ..short(60_000)
    };
    let mut last_ms = settings.start_ms;
    let (mut faults, mut messages, mut total) = (BTreeMap::new(), BTreeMap::new(), 0_u32);
    let mut services = BTreeSet::new();
    run(settings, |line, truth| {
        assert!(truth.arrived_ms >= last_ms, "arrival never goes back");
        last_ms = truth.arrived_ms;
        total += 1;
        *messages.entry(truth.message.name()).or_insert(0_u32) += 1;
        let fault = match truth.fault {
            None => "none",
            Some(Fault::Late { .. }) => "late",
            Some(Fault::Duplicate) => "duplicate",
            Some(Fault::Conflict) => "conflict",
            Some(Fault::Malformed(_)) => "malformed",
        };
        *faults.entry(fault).or_insert(0_u32) += 1;
        if fault == "none" && line.windows(10).any(|window| window == b"\"service\":") {
            let value: Value = serde_json::from_slice(line).expect("a good line is JSON");
            services.insert(value["service"].to_string());
        }
    });
    let share = |name: &str| f64::from(faults[name]) / f64::from(total);
    assert!((0.015..0.035).contains(&share("late")), "late {}", share("late"));
    assert!((0.017..0.023).contains(&share("duplicate")), "copies {}", share("duplicate"));
    assert!((0.008..0.012).contains(&share("malformed")), "malformed {}", share("malformed"));
    assert!((0.002..0.006).contains(&share("conflict")), "conflicts {}", share("conflict"));
    assert_eq!(services.len(), 5);
    assert_eq!(messages.len(), 13, "eleven kinds and two amendments: {messages:?}");
    let outcomes = f64::from(messages["outcome"]) / f64::from(total);
    assert!((0.2..0.32).contains(&outcomes), "outcomes {outcomes}");
}

/// A copy is a copy to the byte, a conflict is not, and every way of being malformed occurs.
#[test]
fn copies_are_identical_and_all_faults_occur() {
    let settings = Settings {
        duplicate_share: 0.02,
        conflict_share: 0.01,
        malformed_share: 0.01,
        ..short(20_000)
    };
    let mut first: BTreeMap<(EventId, &str), Vec<u8>> = BTreeMap::new();
    let (mut copies, mut kinds) = (0, BTreeSet::new());
    run(settings, |line, truth| {
        let key = (truth.event_id, truth.message.name());
        match truth.fault {
            Some(Fault::Duplicate) => {
                copies += 1;
                // An event has one outcome, so id and message name one line.
                assert_eq!(first.get(&key).map(Vec::as_slice), Some(line));
            }
            Some(Fault::Conflict) => assert_ne!(first.get(&key).map(Vec::as_slice), Some(line)),
            Some(Fault::Malformed(how)) => {
                kinds.insert(how);
            }
            None | Some(Fault::Late { .. }) => {
                first.insert(key, line.to_vec());
            }
        }
    });
    assert!(copies > 300);
    assert_eq!(kinds.len(), Malformed::ALL.len());
}

/// What the leak scan searches for is what the lines contain, else it would find nothing.
#[test]
fn secrets_are_what_the_lines_say() {
    let mut text = String::new();
    let settings = Settings { events: 600, customers: 100, ..Settings::default() };
    let generator = run(settings, |line, _| text.push_str(&String::from_utf8_lossy(line)));
    let world = generator.world();
    let mut found = BTreeMap::new();
    for person in 0..world.customers() {
        for (kind, value) in world.secrets(person) {
            if text.contains(&value) {
                *found.entry(format!("{kind:?}")).or_insert(0_u32) += 1;
            }
        }
    }
    assert_eq!(found.len(), 6, "every kind of secret occurs: {found:?}");
    assert!(found["Card"] > 80 && found["Phone"] > 60, "{found:?}");
}

/// A million customers must not cost a million structs.
#[test]
fn a_large_world_starts_at_once() {
    let settings = Settings { customers: 1_000_000, events: 100, ..Settings::default() };
    let mut lines = 0;
    run(settings, |_, _| lines += 1);
    assert_eq!(lines, 100);
}

/// A rule is tried only with what is planted: every typology occurs on both sides of its threshold,
/// and planted events are as frequent as asked.
#[test]
fn everything_is_planted_on_both_sides() {
    let mut seen: BTreeMap<(&str, &str), [u32; 2]> = BTreeMap::new();
    let (mut planted, mut events, mut labels) = (0_u32, 0_u32, 0_u32);
    let settings =
        Settings { fraud_share: 0.05, rate_per_s: 0.1, customers: 20_000, ..short(60_000) };
    let mut campaigns = BTreeSet::new();
    run(settings, |line, truth| {
        labels += u32::from(truth.message == Message::Label && line.contains(&b'f'));
        if truth.fault.is_some() || !matches!(truth.message, Message::Event(_)) {
            return;
        }
        events += 1;
        let Some(plant) = truth.planted else { return };
        planted += 1;
        campaigns.insert(plant.campaign);
        assert_eq!(plant.at_or_above, plant.intensity >= 1.0);
        let sides = seen.entry((plant.typology, plant.variant)).or_default();
        sides[usize::from(plant.at_or_above)] += 1;
    });
    for (typology, sides) in &seen {
        assert!(sides[0] > 0 && sides[1] > 0, "{typology:?} {sides:?}");
    }
    assert_eq!(seen.len(), plants::rows(), "all rows of the table: {seen:?}");
    let share = f64::from(planted) / f64::from(events);
    assert!((0.04..0.06).contains(&share), "planted {share}");
    assert!(campaigns.len() > 200);
    assert!(labels > 500, "planted frauds are labelled: {labels}");
}
