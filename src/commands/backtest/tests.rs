//! A backtest against a plain loop over the same journal, and its answers in every form.

use std::collections::BTreeMap;

use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::commands::report::fixture::{Fixture, limits, rules_with};
use crate::commands::report::html;
use crate::domain::{Amendment, Applied, EventTime, Plan, Truth, What};
use crate::engine::{Engine, Fixed};
use crate::journal::{Item, ReadEntry, Reader};
use crate::stages::rules::RuleIndex;

fn history(fixture: &Fixture, from: Option<EventTime>, to: Option<EventTime>) -> History {
    let mut history = HistoryArgs::parse_journal(&fixture.path());
    history.span = crate::commands::report::Span { from, to };
    let mut history = history.open().unwrap();
    history.limits = limits();
    history
}

impl HistoryArgs {
    fn parse_journal(dir: &std::path::Path) -> Self {
        Self::parse(&["--journal", &dir.display().to_string()])
    }

    fn parse(words: &[&str]) -> Self {
        parsed::<Self>(words)
    }
}

/// The arguments of a command, as they are typed.
fn parsed<A: clap::Args>(words: &[&str]) -> A {
    let mut command = A::augment_args(clap::Command::new("x"));
    let matches = command.try_get_matches_from_mut([&["x"], words].concat());
    A::from_arg_matches(&matches.unwrap()).unwrap()
}

fn rules(files: BTreeMap<String, Vec<u8>>) -> Rules {
    Rules::compile(files, None).unwrap()
}

fn entries(fixture: &Fixture) -> Vec<ReadEntry> {
    let mut reader = Reader::open(fixture.path()).unwrap().unwrap();
    let mut all = Vec::new();
    while let Some(item) = reader.read().unwrap() {
        if let Item::Entry(entry) = item {
            all.push(entry.clone());
        }
    }
    all
}

/// Everything counted once more by the plainest loop there is: an engine over all inputs, and for
/// each decision of the stretch the last label that anybody ever gave it.
#[test]
fn a_backtest_counts_what_a_plain_loop_counts() {
    // A shadow rule is measured like any other.
    let shadowed =
        rules_with("device.yaml", "  - id: D4.rooted\n", "  - id: D4.rooted\n    mode: shadow\n");
    let fixture = Fixture::of(2_400, &[shipped_files()]);
    let all = entries(&fixture);
    let (from, to) = (all[600].input.received_at, all[2_000].input.received_at);
    let new = rules(shadowed.clone());
    let history = history(&fixture, Some(from), Some(to));
    let report = measured(&history, (&new, None), (None, Unlabelled::Legitimate)).unwrap();

    let bundle = std::sync::Arc::new(Bundle::compile(&shadowed).unwrap());
    let mut engine = Engine::new(bundle, &limits()).unwrap();
    let mut labels = BTreeMap::new();
    for entry in &all {
        if let What::Amend { target, amendment: Amendment::Label { truth, .. } } = entry.input.what
        {
            labels.insert(target, truth);
        }
    }
    let (mut decisions, mut frauds, mut flagged, mut changed) = (0, 0, 0, 0);
    let mut rooted = (0, 0);
    for entry in &all {
        let applied = engine.apply(&entry.input, &mut Fixed(Plan::Full));
        let at = entry.input.received_at;
        let Applied::Decided { body, .. } = applied else { continue };
        if at < from || at >= to {
            continue;
        }
        decisions += 1;
        let is_fraud = labels.get(&entry.input.event) == Some(&Truth::Fraud);
        frauds += u64::from(is_fraud);
        flagged += u64::from(Answer::of(&body).is_flagged());
        let then = entry.body().unwrap();
        let same = (then.action, then.follow_ups) == (body.action, body.follow_ups);
        changed += u64::from(!same);
        let holds = |rule: &RuleIndex| engine.bundle().rules.rule(*rule).id == "D4.rooted";
        if engine.hits().shadow.iter().any(holds) {
            rooted = (rooted.0 + 1, rooted.1 + u64::from(is_fraud));
        }
    }
    assert!(frauds > 5 && flagged > 10 && rooted.0 > 5, "{frauds} {flagged} {rooted:?}");
    assert_eq!((report.decisions, report.truth.fraud), (decisions, frauds));
    assert_eq!(report.answers[2].hits, flagged);
    let rule = report.rules.iter().find(|rule| rule.measure.name == "D4.rooted").unwrap();
    assert_eq!((rule.mode, rule.measure.hits, rule.measure.fraud), ("shadow", rooted.0, rooted.1));
    assert_eq!(rule.by_day.iter().sum::<u64>(), rooted.0);
    assert_eq!(report.transitions.iter().map(|one| one.decisions).sum::<u64>(), changed);
    let of_days: u64 = report.days.iter().map(|day| day.decisions).sum();
    let of_services: u64 = report.services.iter().map(|service| service.decisions).sum();
    assert_eq!((of_days, of_services), (decisions, decisions));
    let last = report.scores.last().unwrap();
    assert_eq!(last.fraud + last.legitimate, decisions);
}

/// Rules against themselves change nothing, against the journal's own neither; stricter ones only
/// in one direction. What is left out of the shares is still counted.
#[test]
fn transitions_and_unlabelled_events() {
    let fixture = Fixture::of(1_500, &[shipped_files()]);
    let same = rules(shipped_files());
    let history = history(&fixture, None, None);
    let of = |pair, unlabelled| measured(&history, pair, (None, unlabelled)).unwrap();
    let beside = of((&same, Some(&same)), Unlabelled::Legitimate);
    assert_eq!((beside.transitions.len(), beside.against.is_some()), (0, true));
    assert_eq!(of((&same, None), Unlabelled::Legitimate).transitions.len(), 0);

    let stricter = rules(rules_with(
        "policy.yaml",
        "up_to: 399, action: approve}\n    - {name: medium, up_to: 599, ",
        "up_to: 49, action: approve}\n    - {name: medium, up_to: 149, ",
    ));
    let report = of((&stricter, Some(&same)), Unlabelled::LeftOut);
    assert!(!report.transitions.is_empty());
    assert!(report.transitions.iter().all(|one| one.is_stricter), "{:?}", report.transitions);
    let truth = &report.truth;
    assert_eq!(truth.fraud + truth.legitimate + truth.unlabelled, report.decisions);
    assert!(truth.unlabelled > truth.legitimate, "{truth:?}");
}

/// A truth file of the generator finds its campaigns, and no form of the report shows a personal
/// value or is empty.
#[test]
fn every_form_is_drawn_and_shows_nobody() {
    let fixture = Fixture::small();
    let mut csv = "event_id,label\n".to_owned();
    for (at, entry) in entries(&fixture).iter().enumerate() {
        if matches!(entry.applied, Applied::Decided { .. }) && at % 7 == 0 {
            csv.push_str(&format!("{},fraud\n", entry.input.event_id));
        }
    }
    csv.push_str("nobody,legitimate\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), csv).unwrap();
    let labels = Labels::read(file.path()).unwrap();
    let shipped = rules(shipped_files());
    let history = history(&fixture, None, None);
    let report =
        measured(&history, (&shipped, None), (Some(&labels), Unlabelled::Legitimate)).unwrap();
    assert_eq!((report.truth.unmatched, report.truth.fraud + 1), (1, labels.len() as u64));
    let page = html(&document::of(&report));
    assert!(page.matches("<svg").count() >= 2, "{page}");
    let sheet = sheet::of(&report);
    let width = |line: &str| line.matches(',').count();
    assert!(sheet.lines().all(|line| width(line) == 18), "{sheet}");
    for shown in [sonic_rs::to_string(&report).unwrap(), page, sheet] {
        fixture.assert_nothing_personal(&shown);
    }
}

/// A journal whose oldest segments were deleted by age is measured from where it begins, and says
/// so; what is left is numbered as it was.
#[test]
fn a_journal_without_its_beginning_is_measured() {
    let fixture = Fixture::small();
    let shipped = rules(shipped_files());
    let whole = entries(&fixture);
    let mut files: Vec<_> = std::fs::read_dir(fixture.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgj"))
        .collect();
    files.sort();
    assert!(files.len() > 2);
    std::fs::remove_file(&files[0]).unwrap();
    let left = entries(&fixture);
    assert!(left.len() < whole.len());
    let history = history(&fixture, None, None);
    let report = measured(&history, (&shipped, None), (None, Unlabelled::Legitimate)).unwrap();
    assert_eq!(report.begins_with, Some(left[0].seq.0));
    assert_eq!((report.inputs, report.before), (left.len() as u64, 1));
    let decided = left[1..].iter().filter(|entry| entry.body().is_some()).count();
    assert_eq!(report.decisions, decided as u64);
    // Amendments still find their events: numbers agree, so the same labels count.
    assert!(report.truth.fraud > 0);
}

/// A form that the generator plants is worth nothing if it is not what its rule looks for: of each of
/// these the rule of its name speaks of every campaign above the threshold, and of none below. A phone
/// that was reset (D9) is not always known again: there it is enough that some are.
#[test]
fn what_is_planted_is_what_its_rule_looks_for() {
    let dir = tempfile::tempdir().unwrap();
    let [events, truth, tables] =
        ["events", "truth", "tables"].map(|name| dir.path().join(name).display().to_string());
    let (shape, to) =
        ("--events 12000 --rate 0.05 --customers 3000 --fraud 0.4 --late 0", |name| {
            ["--out", &events, "--truth", &truth, "--tables", name]
        });
    let words: Vec<&str> = shape.split(' ').chain(to(&tables)).collect();
    let code = crate::commands::generate::run(parsed(&words));
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::SUCCESS));
    let history = HistoryArgs::parse(&["--events", &events, "--tables", &tables]);
    let labels = Labels::read(std::path::Path::new(&truth)).unwrap();
    let (history, shipped) = (history.open().unwrap(), rules(shipped_files()));
    let report = measured(&history, (&shipped, None), (Some(&labels), Unlabelled::Legitimate));
    let plants = report.unwrap().plants.unwrap();
    for (typology, variant) in
        [("D7", ""), ("D9", ""), ("D11", ""), ("M10", "other_card"), ("T3", "address")]
    {
        let is_it =
            |one: &&report::Typology| (&*one.typology, &*one.variant) == (typology, variant);
        let one = plants.typologies.iter().find(is_it).expect("it is planted");
        let above = one.at.planted + one.above.planted;
        assert!(one.below.planted > 0 && above > 0, "{typology} {variant}: too short a stream");
        let least = if typology == "D9" { 1 } else { above };
        assert!(one.at.own_rule + one.above.own_rule >= least, "{typology} {variant}");
        assert_eq!(one.below.own_rule, 0, "{typology} {variant}");
    }
}

/// Whoever measures rules on a file that was damaged on its way is told which lines were not measured:
/// by number and reason, never by value, and by the exit code; as `score` says it of the same file.
#[test]
fn refused_lines_are_told_where_they_stand() {
    let line = |id: &str, rest: &str| {
        format!(
            "{{\"event_id\":\"{id}\",\"kind\":\"payment\",\"service\":\"internet_payment\",\
             \"occurred_at\":\"2026-03-10T10:00:00+08:00\",\
             \"amount\":{{\"minor\":{rest},\"currency\":\"CNY\"}}}}"
        )
    };
    let (good, text) = (line("e1", "100"), line("e2", "\"6225881234567890\""));
    let lines = [&*good, "", "{\"event_id\":", &*text, &*text, &*text, &*text, &*line("e1", "200")];
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (events, rejects, page) = (at("events.jsonl.zst"), at("rejects"), at("page.html"));
    let whole = format!("\u{feff}{}", lines.join("\n"));
    std::fs::write(&events, zstd::encode_all(whole.as_bytes(), 1).unwrap()).unwrap();
    let words = ["--events", &events, "--rejects", &rejects];
    let code = run(&parsed::<Args>(&[&words[..], &["--html", &page]].concat()));
    assert_eq!(code, 1);

    let history = HistoryArgs::parse(&words).open().unwrap();
    let shipped = rules(shipped_files());
    let truth = (None, Unlabelled::Legitimate);
    let report = measured(&history, (&shipped, Some(&shipped)), truth).unwrap();
    assert_eq!((report.inputs, report.decisions, report.rejected), (7, 1, 5));
    let by: Vec<_> = report.refusals.by.into_iter().collect();
    assert_eq!(by, [("conflict", 1), ("malformed_json", 1), ("wrong_type", 4)]);
    let shown: Vec<u64> = report.refusals.first["wrong_type"].iter().map(|one| one.line).collect();
    assert_eq!(shown, [4, 5, 6]);

    let named = std::fs::read_to_string(&rejects).unwrap();
    let numbers: Vec<u64> = named
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["line"].as_u64())
        .map(Option::unwrap)
        .collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8]);
    let page = std::fs::read_to_string(&page).unwrap();
    for says in ["line 4", "amount.minor", "line 3"] {
        assert!(page.contains(says), "{says}");
    }
    for text in [page, named] {
        assert!(!text.contains("6225881234567890"), "a value");
    }
    let clean = at("clean.jsonl");
    std::fs::write(&clean, &good).unwrap();
    assert_eq!(run(&parsed::<Args>(&["--events", &clean])), 0);
}
