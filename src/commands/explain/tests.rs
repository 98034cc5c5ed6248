//! The story: its windows are those of a brute-force filter, its rules those of a plain evaluation,
//! and nothing personal is in it.

use std::collections::{BTreeMap, BTreeSet};

use super::story::{Rule, Window};
use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::commands::replay::Origin;
use crate::commands::report::fixture::{Fixture, limits};
use crate::domain::{Amendment, EntityKind, FeatureVector, OutcomeResult, Refusal, Token, What};
use crate::journal::{Item, ReadEntry, Reader};
use crate::lang::{Place, Scope, StateBit, StateBits, Truth};
use crate::stages::features::{AggregateSpec, Function};

fn entries(journal: &std::path::Path) -> Vec<ReadEntry> {
    let mut reader = Reader::open(journal).unwrap().unwrap();
    let mut all = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Entry(entry) = item {
            all.push(entry.clone());
        }
    }
    all
}

/// What became of each event before an input, by token: the last outcome and the last label.
fn states(before: &[ReadEntry]) -> BTreeMap<Token, StateBits> {
    type Known = (Option<(OutcomeResult, Option<Refusal>)>, Option<crate::domain::Truth>);
    let mut known: BTreeMap<Token, Known> = BTreeMap::new();
    for entry in before {
        match entry.input.what {
            What::Amend { target, amendment: Amendment::Outcome { result, refusal } } => {
                known.entry(target).or_default().0 = Some((result, refusal));
            }
            What::Amend { target, amendment: Amendment::Label { truth, .. } } => {
                known.entry(target).or_default().1 = Some(truth);
            }
            _ => {
                let is_reversal =
                    entry.input.facts.text(crate::domain::Fact::Kind) == Some("reversal");
                if let Some(original) = entry.input.original.filter(|_| is_reversal) {
                    known.entry(original).or_default().0 = Some((OutcomeResult::Reversed, None));
                }
            }
        }
    }
    let bits = |(outcome, label): Known| {
        let mut bits = StateBits::default();
        if let Some((result, refusal)) = outcome {
            bits = bits.with(StateBit::OutcomeKnown).with(match result {
                OutcomeResult::Approved => StateBit::OutcomeApproved,
                OutcomeResult::Refused => StateBit::OutcomeRefused,
                OutcomeResult::NotSent => StateBit::OutcomeNotSent,
                OutcomeResult::Reversed => StateBit::OutcomeReversed,
            });
            bits = match refusal {
                Some(Refusal::InvalidCard) => bits.with(StateBit::InvalidCard),
                Some(Refusal::InvalidCredential) => bits.with(StateBit::InvalidCredential),
                Some(Refusal::Funds) => bits.with(StateBit::Funds),
                Some(Refusal::LostOrStolen) => bits.with(StateBit::LostOrStolen),
                _ => bits,
            };
        }
        match label {
            Some(crate::domain::Truth::Fraud) => {
                bits.with(StateBit::LabelKnown).with(StateBit::LabelFraud)
            }
            Some(crate::domain::Truth::Legitimate) => {
                bits.with(StateBit::LabelKnown).with(StateBit::LabelLegitimate)
            }
            None => bits,
        }
    };
    known.into_iter().map(|(token, known)| (token, bits(known))).collect()
}

/// The events of a window by looking at every record before the event.
fn by_brute_force(
    all: &[ReadEntry],
    at: usize,
    spec: &AggregateSpec,
    (after, until): (i64, i64),
    bundle: &Bundle,
) -> Vec<u64> {
    let event = &all[at];
    let Some(subject) = event.input.tokens.get(spec.at.unwrap_or(spec.by)) else {
        return Vec::new();
    };
    let states = states(&all[..at]);
    let mut found = Vec::new();
    for past in &all[..=at] {
        let is_event = !matches!(past.input.what, What::Amend { .. });
        let time = past.input.counted_at().as_ms();
        let is_itself = past.seq == event.seq;
        let excluded = spec.excluding_current || matches!(spec.function, Function::SinceLast);
        if !is_event
            || past.input.tokens.get(spec.by) != Some(subject)
            || time <= after
            || time > until
            || is_itself && excluded
        {
            continue;
        }
        let mut row = FeatureVector::new(bundle.schema.columns());
        row.start(&past.input.facts);
        let state = states.get(&past.input.event).copied().unwrap_or_default();
        let has_value = match spec.function {
            Function::Mean(field)
            | Function::Min(field)
            | Function::Max(field)
            | Function::Stddev(field)
            | Function::First(field)
            | Function::Last(field) => row.has(field),
            _ => true,
        };
        if has_value && spec.filter.as_ref().is_none_or(|filter| filter.holds(&row, state)) {
            found.push((time, past.seq.0));
        }
    }
    found.sort_unstable();
    if matches!(spec.function, Function::SinceLast) {
        found.drain(..found.len().saturating_sub(1));
    }
    found.into_iter().map(|(_, seq)| seq).collect()
}

/// Events late in a journal with as many entities as there are.
fn chosen(all: &[ReadEntry], count: usize) -> Vec<usize> {
    let entities = |entry: &ReadEntry| {
        EntityKind::ALL.iter().filter(|kind| entry.input.tokens.get(**kind).is_some()).count()
    };
    let mut decided: Vec<usize> =
        (all.len() / 2..all.len()).filter(|at| all[*at].body().is_some()).collect();
    // Those with a decision to tell of first, then those with many windows.
    decided.sort_by_key(|at| {
        let entry = &all[*at];
        std::cmp::Reverse((entry.fired.len().min(2), entities(entry), entry.seq.0))
    });
    decided.truncate(count);
    decided
}

/// An investigator trusts the list of events behind a number: it is neither too long nor too short.
#[test]
fn the_events_behind_a_value_are_those_of_the_journal() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let all = entries(&journal);
    let bundle = Bundle::compile(&shipped_files()).unwrap();
    let (mut windows, mut listed) = (0, 0);
    for at in chosen(&all, 4) {
        let story =
            tell::story(&journal, &all[at].input.event_id, (&limits(), Origin::default())).unwrap();
        assert!(story.reproduced);
        for (spec, field) in &bundle.aggregates {
            if spec.by == EntityKind::Device {
                // A device's token is made by matching and not in the record.
                continue;
            }
            let name = &bundle.schema.field(*field).unwrap().name;
            let feature = story.features.iter().find(|feature| feature.name == *name).unwrap();
            let window: &Window = feature.window.as_ref().unwrap();
            let ms = |text: &str| crate::domain::EventTime::parse_rfc3339(text).unwrap().as_ms();
            let bounds = (ms(&window.after), ms(&window.until));
            let expected = by_brute_force(&all, at, spec, bounds, &bundle);
            assert_eq!(window.events, expected, "{name} of {}", story.event_id);
            if matches!(spec.function, Function::Count)
                && story.record.entities().iter().count() > 0
            {
                let value = feature.value.as_deref().unwrap_or("0");
                assert_eq!(value, window.events.len().to_string(), "{name}");
            }
            windows += 1;
            listed += window.events.len();
        }
        for seq in story.features.iter().filter_map(|f| f.window.as_ref()).flat_map(|w| &w.events) {
            assert!(story.events.contains_key(seq));
        }
    }
    assert!(windows > 100 && listed > 200, "{windows} windows, {listed} events");
}

/// Every rule is told of once, where a plain evaluation puts it, and nothing personal is shown.
#[test]
fn rules_stand_where_they_belong() {
    let fixture = Fixture::small();
    let journal = fixture.path();
    let all = entries(&journal);
    let bundle = Bundle::compile(&shipped_files()).unwrap();
    let ids =
        |rules: &[Rule]| -> BTreeSet<String> { rules.iter().map(|rule| rule.id.clone()).collect() };
    let named = |rules: &[u16]| -> BTreeSet<String> {
        rules.iter().map(|rule| bundle.rules.rules()[usize::from(*rule)].id.clone()).collect()
    };
    let at = chosen(&all, 1)[0];
    let entry = &all[at];
    let story =
        tell::story(&journal, &entry.input.event_id, (&limits(), Origin::default())).unwrap();
    let rules = &story.rules;
    assert_eq!(ids(&rules.fired), named(&entry.fired));
    assert_eq!(ids(&rules.undetermined), named(&entry.undetermined));
    assert!(rules.undetermined.iter().all(|rule| !rule.missing.is_empty()), "{rules:?}");
    let decision = story.decision.as_ref().unwrap();
    let sum: i32 = decision.arithmetic.rules.iter().map(|one| one.points).sum();
    assert_eq!(sum + decision.arithmetic.policy, entry.body().unwrap().points);
    let score = decision.arithmetic.score;
    assert!((decision.arithmetic.band_from..=decision.arithmetic.band_to).contains(&score));
    // The policy's name of the band, wherever the band is shown.
    let policy = bundle.policy.of(crate::commands::audit::line::service(&entry.input));
    let band = policy.bands.iter().find(|band| score <= band.up_to).unwrap();
    assert_eq!(decision.arithmetic.band_name, band.name);
    let record = sonic_rs::to_string(&story.record).unwrap();
    assert!(record.contains(&format!(r#""band_name":"{}""#, band.name)), "{record}");
    let everything = document::of(&story, Detail::Everything);
    let range = format!("{}, scores {}", band.name, decision.arithmetic.band_from);
    assert!(format!("{everything:?}").contains(&range));
    let shown = [
        sonic_rs::to_string(&story).unwrap(),
        html(&everything),
        format!("{:?}", document::of(&story, Detail::WhatMatters)),
    ];
    for shown in shown {
        assert!(shown.contains(&rules.fired[0].id));
        fixture.assert_nothing_personal(&shown);
    }
    let unknown = tell::story(&journal, "nobody", (&limits(), Origin::default())).unwrap_err();
    assert_eq!(unknown.code(), 2);
}

fn program(text: &str) -> crate::lang::Program {
    let place = Place { file: "test".into(), line: 1, column: 1 };
    let scope = Scope {
        schema: &crate::domain::Schema::of_facts(),
        constants: &BTreeMap::new(),
        zone: &crate::domain::Zone::parse("Asia/Shanghai").unwrap(),
        base_currency: crate::domain::Currency::parse("CNY").unwrap(),
        base_decimals: 2,
    };
    crate::lang::compile(text, &place, &scope, crate::lang::Expected::Condition).unwrap()
}

/// What "nearly" means, at its edges: a rule just outside must not be told of, or the list is noise.
#[test]
fn nearly_is_one_number_close_to_its_threshold() {
    let mut facts = crate::domain::Facts::new();
    facts.set_int(crate::domain::Fact::IpAsn, 80);
    facts.set_int(crate::domain::Fact::DeviceCores, 2);
    facts.set_int(crate::domain::Fact::DeviceMemoryMb, 0);
    facts.set_bool(crate::domain::Fact::IpTor, true);
    let mut row = FeatureVector::new(crate::domain::Facts::COLUMNS);
    row.start(&facts);
    for (text, expected) in [
        ("ip_asn >= 100", Some(0.2)),
        ("ip_asn >= 101", None),
        ("ip_asn > 80", Some(0.0)),
        ("ip_asn <= 70", Some(10.0 / 70.0)),
        ("ip_tor && ip_asn >= 1000", None),
        ("ip_tor && ip_asn >= 90", Some(10.0 / 90.0)),
        ("ip_tor && !ip_tor", None),
        ("!ip_tor", None),
        ("ip_asn == 81", None),
        // Two things in the way, however close each is.
        ("ip_asn >= 100 && ip_asn < 70", None),
        ("!ip_tor && ip_asn >= 100", None),
        // Of alternatives the nearest; one of them may lack two things.
        ("ip_asn >= 1000 || ip_asn >= 90", Some(10.0 / 90.0)),
        ("ip_asn >= 90 && !ip_tor || ip_asn >= 100", Some(0.2)),
        // What is unknown is not nearly known.
        ("ip_asn >= 90 && ip_proxy", None),
        // One event short of three is near, of two it is what everybody is.
        ("device_cores >= 3", Some(1.0 / 3.0)),
        ("device_cores > 2", Some(0.0)),
        ("device_cores >= 4", None),
        ("device_memory_mb > 0", None),
        ("device_memory_mb >= 1", None),
    ] {
        let program = program(text);
        assert_ne!(program.truth(&row), Truth::True, "{text}");
        let found = near::near(&program, &row).map(|near| (near.distance * 1e6).round());
        assert_eq!(found, expected.map(|far: f64| (far * 1e6).round()), "{text}");
    }
}

/// A story told from a snapshot is the story told from the first input, and an investigator sees
/// which it was.
#[test]
fn a_story_from_a_snapshot_is_the_same() {
    let fixture = Fixture::with_snapshots(1_200, &[shipped_files()], 400);
    let journal = fixture.path();
    let all = entries(&journal);
    let id = &all.iter().rev().find(|entry| entry.body().is_some()).unwrap().input.event_id;
    let told = |origin| tell::story(&journal, id, (&limits(), origin)).unwrap();
    let (near, far) = (told(Origin::Snapshot), told(Origin::FirstInput));
    assert!(near.begun.snapshot.is_some() && near.begun.counted < far.begun.counted);
    let page = html(&document::of(&near, Detail::WhatMatters));
    assert!(page.contains(near.begun.snapshot.as_deref().unwrap()), "{page}");
    let begun = near.begun.clone();
    let same = Story { begun, ..far };
    assert_eq!(sonic_rs::to_string(&same).unwrap(), sonic_rs::to_string(&near).unwrap());
}
