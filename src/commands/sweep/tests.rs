//! A sweep against backtests: each value must give what the rules with that value give.

use super::*;
use crate::bundle::{find_constant, shipped_files, with_constant};
use crate::commands::report::fixture::{Fixture, limits};
use crate::commands::report::html;

fn args(fixture: &Fixture, rule: &str, constant: &str) -> Args {
    #[derive(clap::Parser)]
    struct Only {
        #[command(flatten)]
        args: Args,
    }
    let dir = fixture.path().display().to_string();
    let words = ["x", rule, "--constant", constant, "--journal", &dir, "--max-fpr", "5%"];
    <Only as clap::Parser>::try_parse_from(words).unwrap().args
}

fn swept(fixture: &Fixture, rule: &str, constant: &str) -> Report {
    let args = args(fixture, rule, constant);
    let mut history = args.history.open().unwrap();
    history.limits = limits();
    let rules = Rules::open(None).unwrap();
    let variants = Variants::of(&rules, rule, &args.constant).unwrap();
    let mut report = measured(&history, &variants, (None, Unlabelled::Legitimate)).unwrap();
    report.max_false_positive_rate = args.max_fpr;
    report.choose();
    report
}

/// Hits of a rule by the plainest way: the files with that value, an engine, a loop.
fn hits(fixture: &Fixture, rule: &str, constant: &str, value: &str) -> u64 {
    let file = if rule.starts_with('D') { "device.yaml" } else { "geo.yaml" };
    let files = shipped_files();
    let place = find_constant(&files, file, constant).unwrap();
    let files = with_constant(&files, &place, value);
    let bundle = std::sync::Arc::new(crate::bundle::Bundle::compile(&files).unwrap());
    let mut engine = crate::engine::Engine::new(bundle, &limits()).unwrap();
    let mut reader = crate::journal::Reader::open(fixture.path()).unwrap().unwrap();
    let mut count = 0;
    while let Some(item) = reader.read().unwrap() {
        let crate::journal::Item::Entry(entry) = item else { continue };
        let applied = engine.apply(&entry.input, &mut crate::engine::Unhurried);
        if matches!(applied, crate::domain::Applied::Decided { .. }) {
            let rules = &engine.bundle().rules;
            let fired = engine.hits().fired.iter();
            count += fired.filter(|hit| rules.rule(**hit).id == rule).count() as u64;
        }
    }
    count
}

/// One walk gives for every value what an engine with that value gives.
#[test]
fn every_value_is_what_its_own_rules_say() {
    let fixture = Fixture::small();
    let report = swept(&fixture, "D2", "d2_review=1..4/1");
    assert_eq!((report.passes, report.points.len()), (1, 4));
    for point in &report.points {
        let expected = hits(&fixture, "D2", "d2_review", &point.value);
        assert_eq!(point.hits, expected, "{}", point.value);
    }
    assert!(report.points[0].hits > report.points[3].hits, "{:?}", report.points);
    assert!(report.points[2].is_current && !report.points[1].is_current);
    let page = html(&report.document());
    let csv = report.csv();
    assert_eq!(csv.lines().count(), 5);
    for shown in [sonic_rs::to_string(&report).unwrap(), page, csv] {
        fixture.assert_nothing_personal(&shown);
    }
}

/// A constant that windows read needs a walk a value, and is still right.
#[test]
fn a_constant_of_the_windows_takes_walks_of_its_own() {
    let fixture = Fixture::of(600, &[shipped_files()]);
    let report = swept(&fixture, "A5", "near_limit=30000..50000/10000");
    assert_eq!(report.passes, 3);
}

/// The best value catches most within the limit; where none catches anything, none is named.
#[test]
fn the_best_value_keeps_the_limit() {
    let point = |value: &str, fraud, legitimate| Point {
        value: value.to_owned(),
        fraud,
        legitimate,
        false_positive_rate: Share::of(legitimate, 1_000),
        ..Point::default()
    };
    let all = vec![point("1", 9, 100), point("2", 8, 20), point("3", 8, 10), point("4", 2, 0)];
    for (limit, best) in [(0.5, Some("1")), (0.05, Some("3")), (0.0, Some("4"))] {
        let mut report = Report { points: all.clone(), fraud: 10, ..Report::default() };
        report.max_false_positive_rate = Some(limit);
        report.choose();
        assert_eq!(report.best.as_deref(), best, "{limit}");
    }
    let mut report = Report { points: vec![point("1", 0, 0)], ..Report::default() };
    report.max_false_positive_rate = Some(0.1);
    report.choose();
    assert!(!report.is_clean());
}

/// Slips are named, with the nearest name.
#[test]
fn what_cannot_be_swept_says_why() {
    let rules = Rules::open(None).unwrap();
    let refused = |rule: &str, range: &str| {
        let range = range.parse().unwrap();
        Variants::of(&rules, rule, &range).err().map(|fault| fault.to_string()).unwrap()
    };
    for (rule, range, wanted) in [
        ("K77", "k7_large=1..2/1", "did you mean K7"),
        ("K7", "k7_larg=1..2/1", "did you mean k7_large?"),
        ("K7", "d2_review=1..2/1", "among the constants of card.yaml"),
        ("K7", "k1_cards=1..2/1", "does not depend on `k1_cards`"),
        ("K7", "k7_large=0..0.003/0.001", "2 digits after the point"),
    ] {
        let message = refused(rule, range);
        assert!(message.contains(wanted), "{message}");
    }
    for (text, expected) in [("0.5%", Some(0.005)), ("0.01", Some(0.01)), ("2", None), ("x", None)]
    {
        assert_eq!(share(text).ok(), expected, "{text}");
    }
}

/// A sweep over a file of which a line was refused says so, as a backtest does.
#[test]
fn a_refused_line_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let events = dir.path().join("events.jsonl");
    std::fs::write(&events, "not json\n").unwrap();
    let words = ["x", "K7", "--constant", "k7_large=200..400/200", "--events"];
    let command = <Args as clap::Args>::augment_args(clap::Command::new("x"));
    let found = command.try_get_matches_from([&words[..], &[events.to_str().unwrap()]].concat());
    let args = <Args as clap::FromArgMatches>::from_arg_matches(&found.unwrap()).unwrap();
    assert_eq!(run(&args), 1);
    let report = sweep(&args).unwrap();
    assert_eq!(report.refusals.by.into_iter().collect::<Vec<_>>(), [("malformed_json", 1)]);
    assert_eq!(report.refusals.first["malformed_json"][0].line, 1);
}
