//! Every script keeps its promise; intensities are measured again from the lines themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::scene::{Cast, Scene, Side};
use super::{HOUR, TABLES};
use crate::generator::rng::Rng;
use crate::generator::{Generator, Plant, Settings, World};

/// The lines of one campaign, in order of arrival.
type Campaign = Vec<Value>;

/// Whole campaigns by number, from a stream without faults.
fn campaigns() -> BTreeMap<u32, (Plant, Campaign)> {
    let settings = Settings {
        events: 80_000,
        customers: 20_000,
        rate_per_s: 0.1,
        fraud_share: 0.1,
        outcome_share: 0.0,
        label_share: 0.0,
        fraud_label_share: 0.0,
        late_share: 0.0,
        duplicate_share: 0.0,
        conflict_share: 0.0,
        malformed_share: 0.0,
        ..Settings::default()
    };
    // What began in the last five days may not have ended: it is left out.
    let last_ms = settings.start_ms + 4 * 86_400_000;
    let mut generator = Generator::new(settings);
    let (mut line, mut found) = (Vec::new(), BTreeMap::<u32, (Plant, Campaign)>::new());
    while let Some(truth) = generator.next_into(&mut line) {
        let Some(plant) = truth.planted else { continue };
        if truth.arrived_ms > last_ms && !found.contains_key(&plant.campaign) {
            continue;
        }
        let value = serde_json::from_slice(&line).expect("a good line is JSON");
        found.entry(plant.campaign).or_insert((plant, Vec::new())).1.push(value);
    }
    found
}

/// How many different values stand at this place.
fn distinct(lines: &[Value], pointer: &str) -> f64 {
    lines
        .iter()
        .filter_map(|line| line.pointer(pointer))
        .map(Value::to_string)
        .collect::<BTreeSet<_>>()
        .len() as f64
}

fn yuan(line: &Value) -> f64 {
    line["amount"]["minor"].as_f64().expect("a movement of money has an amount") / 100.0
}

fn sum(lines: &[Value]) -> f64 {
    lines.iter().map(yuan).sum()
}

fn seconds(line: &Value) -> f64 {
    let at: jiff::Timestamp =
        line["occurred_at"].as_str().expect("every event has a time").parse().expect("RFC 3339");
    at.as_millisecond() as f64 / 1_000.0
}

fn span(lines: &[Value]) -> f64 {
    seconds(&lines[lines.len() - 1]) - seconds(&lines[0])
}

/// Distance between the positions of two lines in metres; both are shifted alike.
fn distance(a: &Value, b: &Value) -> f64 {
    use crate::generator::world::place::Place;
    let place = |line: &Value| {
        let degrees = |name| line["location"][name].as_f64().expect("the campaign sends positions");
        Place::from_degrees(degrees("lat"), degrees("lon"))
    };
    place(a).distance_m(place(b))
}

/// The intensity as the lines show it; `None` for what has no number.
fn measured(plant: &Plant, lines: &[Value]) -> Option<f64> {
    let last = &lines[lines.len() - 1];
    let first = &lines[0];
    let cards = || distinct(lines, "/payer/card/number");
    Some(match (plant.typology, plant.variant) {
        ("K1", _) => cards() / 10.0,
        ("K2", _) => lines.len() as f64 / 6.0,
        ("K4" | "K5", _) => lines.len() as f64 / 5.0,
        ("K6", "hour") => (lines.len() - 1) as f64 / 3.0,
        ("K6", "day") => (lines.len() - 1) as f64 / 5.0,
        ("K7", _) => yuan(last) / 1_000.0,
        ("K10", _) => distinct(lines, "/merchant/id") / 5.0,
        ("K11", _) => sum(lines) / 4_500.0,
        ("A1", _) => sum(lines) / 50_000.0,
        ("A2", _) => sum(lines) / 2_000_000.0,
        ("A3", _) => sum(lines) / 500_000.0,
        ("A4", _) => sum(lines) * 7.1042 / 200_000.0,
        ("A5", _) => lines.iter().filter(|l| (40e3..50e3).contains(&yuan(l))).count() as f64 / 3.0,
        ("A6", _) => (lines.len() - 2) as f64 / 10.0,
        ("A7", _) => (lines.len() - 1) as f64 / 10.0,
        ("A8", _) => lines.len() as f64 / 10.0,
        ("D1", _) => yuan(last) / 2_000.0,
        ("D2", "block") => distinct(lines, "/payer/account_id") / 5.0,
        ("D3", _) => lines.len() as f64 / 4.0,
        ("D6", _) => 60.0 / span(lines),
        ("D8", _) => 72.0 * 3_600.0 / span(lines),
        ("D9" | "D11", _) => yuan(last) / 1_000.0,
        ("D10", "address") => lines.len() as f64 / 10.0,
        ("D10", _) => lines.len() as f64 / 5.0,
        ("G1", _) => distance(first, last) / 1_000.0 / (span(lines) / 3_600.0) / 1_000.0,
        ("G4", "cards") => cards() / 5.0,
        ("G4", "addresses") => distinct(lines, "/network/ip") / 5.0,
        ("G5", "identical") => lines.len() as f64 / 20.0,
        ("G8", "static_code") => sum(lines) / 500.0,
        ("G8", "prepaid_anonymous") => yuan(last) / 1_000.0,
        ("M6", _) => yuan(last) / 20_000.0,
        ("M11", _) => cards() / 50.0,
        ("T10", _) => lines.len() as f64 / 50.0,
        ("T6", _) => distinct(lines, "/merchant/id") / 2.0,
        _ => return None,
    })
}

/// Windows in which a campaign must lie whole, in seconds, and what it must keep constant.
fn frame(typology: &str, variant: &str) -> (f64, &'static [&'static str]) {
    match typology {
        "D10" if variant == "address" => (3_600.0, &["/network/ip"]),
        "K1" => (600.0, &["/merchant/id"]),
        "K5" => (600.0, &["/merchant/id", "/payer/card/number", "/amount/minor"]),
        "K10" => (3_600.0, &["/payer/card/number"]),
        "K11" => (1_800.0, &["/merchant/id", "/payer/card/number"]),
        "A2" => (86_400.0, &["/merchant/id"]),
        "A1" | "A3" | "A4" => (86_400.0, &["/payer/account_id"]),
        "A5" => (72.0 * 3_600.0, &["/payer/account_id"]),
        "D10" => (3_600.0, &["/payer/account_id"]),
        "G4" => (3_600.0, &[]),
        "T6" => (86_400.0, &["/terminal/serial"]),
        "M11" => (86_400.0, &["/merchant/id"]),
        "T10" => (86_400.0, &["/payee/account_id"]),
        _ => (f64::MAX, &[]),
    }
}

/// Whoever tunes a rule by the truth file must be able to believe it.
#[test]
fn intensities_are_what_the_lines_show() {
    let (mut compared, mut typologies) = (0, BTreeSet::new());
    for (plant, lines) in campaigns().values() {
        let (window, constant) = frame(plant.typology, plant.variant);
        assert!(span(lines) <= window, "{plant:?} takes {} s", span(lines));
        for pointer in constant {
            assert!(distinct(lines, pointer) <= 1.0, "{plant:?} varies {pointer}");
        }
        let Some(seen) = measured(plant, lines) else { continue };
        let off = (seen / plant.intensity - 1.0).abs();
        assert!(off < 0.02, "{plant:?}: the lines show {seen}");
        assert!(seen >= 0.999 || !plant.at_or_above, "{plant:?}: the lines show {seen}");
        compared += 1;
        typologies.insert((plant.typology, plant.variant));
    }
    assert!(compared > 150 && typologies.len() >= 26, "{compared} of {typologies:?}");
}

/// Plays every script on both sides many times: intensities must lie on the side that was asked
/// for, events inside the span, and a decisive event must exist exactly when the rule should
/// speak.
#[test]
fn every_script_keeps_its_side_and_its_span() {
    let settings = Settings::default();
    let world = World::new(&settings);
    let (mut rng, mut cast) = (Rng::of(1, 2, 3), Cast::default());
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for turn in 0..40 {
        for typology in TABLES.iter().flat_map(|table| table.iter()) {
            let side = if turn % 2 == 0 { Side::Below } else { Side::AtOrAbove };
            let mut scene = Scene::new(&world, &mut rng, &mut cast, (typology, side));
            let start_ms = settings.start_ms + turn * 5 * HOUR;
            scene.begin(1, start_ms);
            (typology.script)(&mut scene);
            let drafts = scene.finish();
            let name = format!("{} {} {side:?}", typology.id, typology.variant);
            let plants: Vec<_> = drafts.iter().filter_map(|draft| draft.plant).collect();
            assert!(!plants.is_empty(), "{name} plants nothing");
            for plant in &plants {
                assert_eq!(plant.intensity >= 1.0, side == Side::AtOrAbove, "{name}");
                assert_eq!(plant.at_or_above, side == Side::AtOrAbove, "{name}");
                assert!(plant.intensity > 0.0 && plant.intensity < 60.0, "{name}");
            }
            let decisive = plants.iter().any(|plant| plant.decisive);
            assert_eq!(decisive, side == Side::AtOrAbove, "{name}");
            for draft in &drafts {
                let after = draft.at_ms - start_ms;
                assert!((0..=typology.span_ms).contains(&after), "{name}: {after} ms");
            }
            *seen.entry(typology.id).or_default() += 1;
        }
    }
    let wanted = "K1 K2 K3 K4 K5 K6 K7 K8 K10 K11 K12 M1 M2 M3 M4 M5 M6 M10 M11 T1 T2 T3 T4 T6 T8 T9 T10 A1 A2 A3 A4 A5 A6 \
                  A7 A8 D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 G1 G2 G3 G4 G5 G6 G7 G8";
    for id in wanted.split_whitespace() {
        assert!(seen.contains_key(id), "{id} is not planted");
    }
}
