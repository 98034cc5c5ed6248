//! History and then decisions: as if one process had seen both; and what is refused.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser as _;
use tempfile::TempDir;

use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::commands::assemble::{Assembly, assemble};
use crate::commands::prepare::{Prepared, prepare};
use crate::edges::keys::{Keys, generate};
use crate::engine::{Pace, Pipeline};
use crate::generator::{Generator, Settings};

#[derive(clap::Parser)]
enum Cli {
    Import(Args),
    Score(crate::commands::score::Args),
}

/// A directory with keys and a configuration, and a stream in two parts.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        let mut options = fs::OpenOptions::new();
        let mut keys =
            options.write(true).create_new(true).mode(0o600).open(desk.at("keys")).unwrap();
        keys.write_all(generate().unwrap().as_bytes()).unwrap();
        desk.write(
            "t.toml",
            "keys.file = \"keys\"\njournal.segment_mb = 1\n[limits]\nentities_max = 50_000\n\
             recent_events = 20_000\nwaiting_outcomes = 1_000\n",
        );
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
    }

    /// Writes a stream in two files and gives their lines.
    fn stream(&self) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let settings = Settings {
            events: 2_400,
            customers: 300,
            fraud_share: 0.1,
            rate_per_s: 0.05,
            ..Settings::default()
        };
        let mut generator = Generator::new(settings);
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        while generator.next_into(&mut line).is_some() {
            lines.push(line.clone());
        }
        let after = lines.split_off(1_600);
        self.write("history.jsonl", lines.join(&b'\n'));
        self.write("today.jsonl", after.join(&b'\n'));
        (lines, after)
    }

    fn import(&self, events: &str, rest: &[&str]) -> Result<Tally, ImportError> {
        let events = self.text(events);
        let words = [&["tidegate", "import", "--events", &events], rest].concat();
        match Cli::try_parse_from(words).unwrap() {
            Cli::Import(args) => import(&args),
            Cli::Score(_) => unreachable!("it says import"),
        }
    }

    fn import_configured(&self, events: &str) -> Result<Tally, ImportError> {
        self.import(events, &["--config", &self.text("t.toml")])
    }
}

/// Every decision of the second part by one process that has observed the first.
fn observed_then_decided(config: &Path, history: &[Vec<u8>], today: &[Vec<u8>]) -> Vec<u8> {
    let Prepared { config, means, profile } = prepare(config).unwrap_or_else(|_| panic!("clean"));
    let assembly = Assembly {
        bundle: Arc::clone(&means.bundle),
        bundle_files: &means.bundle_files,
        keys: &means.keys,
        journal: None,
        door: config.limits.door,
        times: config.limits.time,
        limits: config.limits.engine,
        profile,
        pace: Pace::Unhurried,
    };
    let (mut pipeline, _): (Pipeline<_>, _) = assemble(assembly).unwrap();
    let (tables, keys) = (means.tables.current(), means.keys.token_keys());
    let mut out = Vec::new();
    let parts = [(history, Intent::Observe), (today, Intent::Decide)];
    for (line, intent) in
        parts.iter().flat_map(|(lines, intent)| lines.iter().map(|l| (l, *intent)))
    {
        let step = pipeline.process(line, (None, None), intent, (&tables, &keys)).unwrap();
        if let (Some(decision), Intent::Decide) = (step.decision, intent) {
            out.extend_from_slice(decision.as_bytes());
            out.push(b'\n');
        }
    }
    out
}

/// A service that was started on imported history must decide as one that had been there all the
/// time; only its answers of that time do not exist.
#[test]
fn imported_history_counts_as_if_it_had_been_seen() {
    let desk = Desk::new();
    let (history, today) = desk.stream();
    let tally = desk.import_configured("history.jsonl").unwrap();
    assert_eq!((tally.lines, tally.decided), (1_600, 0));
    assert!(tally.observed > 1_000 && tally.amended > 100, "{tally:?}");
    let kept = fs::read_dir(desk.at("journal")).unwrap();
    let names: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_string_lossy().ends_with(".tgs")), "{names:?}");

    let (today_file, out) = (desk.text("today.jsonl"), desk.text("out.jsonl"));
    let (config, journal) = (desk.text("t.toml"), desk.text("journal"));
    let words = ["tidegate", "score", "--in", &today_file, "--out", &out, "--config", &config];
    let words = [&words[..], &["--journal", &journal]].concat();
    let Cli::Score(args) = Cli::try_parse_from(words).unwrap() else { unreachable!("score") };
    assert_eq!(
        format!("{:?}", crate::commands::score::run(&args)),
        "ExitCode(unix_exit_status(0))"
    );

    let expected = observed_then_decided(&desk.at("t.toml"), &history, &today);
    let given = fs::read(desk.at("out.jsonl")).unwrap();
    assert!(expected.iter().filter(|byte| **byte == b'\n').count() > 400);
    // Bodies, not whole lines: an assertion must not print what a payment holds.
    assert!(given == expected, "the decisions differ");
}

/// Somebody runs it twice, or again after the power failed: nothing may count double.
#[test]
fn an_import_run_again_counts_nothing_twice() {
    let desk = Desk::new();
    desk.stream();
    let first = desk.import_configured("history.jsonl").unwrap();
    let again = desk.import_configured("history.jsonl").unwrap();
    assert_eq!((again.observed, again.amended), (0, 0));
    assert!(again.repeated >= first.observed + first.amended, "{again:?}");
}

/// A payment of its own, at a moment.
fn payment(number: usize, occurred_at: &str) -> String {
    format!(
        "{{\"event_id\":\"p{number}\",\"kind\":\"payment\",\"service\":\"internet_payment\",\
         \"occurred_at\":\"{occurred_at}\",\"amount\":{{\"minor\":100,\"currency\":\"CNY\"}}}}"
    )
}

/// One line of a broken clock, wherever it stands in a file, is refused alone: with a journal it
/// would have made everything after it too old, for ever.
#[test]
fn a_line_from_the_future_holds_up_no_other() {
    for at in [0, 2, 4] {
        let desk = Desk::new();
        let mut lines: Vec<String> =
            (0..4).map(|n| payment(n, &format!("2026-03-10T10:0{n}:00+08:00"))).collect();
        lines.insert(at, payment(9, "2090-01-01T00:00:00Z"));
        desk.write("history.jsonl", lines.join("\n"));
        desk.write("more.jsonl", payment(5, "2026-03-10T10:05:00+08:00"));
        let tally = desk.import_configured("history.jsonl").unwrap();
        assert_eq!((tally.observed, tally.rejected), (4, 1), "line {at}: {tally:?}");
        assert_eq!(tally.rejected_by.get("time_ahead"), Some(&1), "line {at}: {tally:?}");

        let (config, journal, out) = (desk.text("t.toml"), desk.text("journal"), desk.text("out"));
        for (file, decided) in [("history.jsonl", 0), ("more.jsonl", 1)] {
            let input = desk.text(file);
            let words = ["tidegate", "score", "--in", &input, "--out", &out, "--config", &config];
            let words = [&words[..], &["--journal", &journal]].concat();
            let Cli::Score(args) = Cli::try_parse_from(words).unwrap() else { unreachable!() };
            crate::commands::score::run(&args);
            let answers = fs::read_to_string(&out).unwrap();
            assert_eq!(answers.lines().count(), decided, "line {at}, {file}");
        }
        let tally =
            desk.import("more.jsonl", &["--config", &config, "--until", "2026-01-01T00:00:00Z"]);
        assert!(tally.unwrap_err().to_string().contains("time_ahead"), "until is a bound");
    }
}

/// A machine whose clock stands ten days ahead for a moment decides what comes after it as well: it
/// is its clock that says what is too old, and not the greatest time that it ever showed.
#[test]
fn a_clock_that_steps_back_makes_nothing_too_old() {
    let bundle = Arc::new(Bundle::shipped());
    let (keys, files) = (Keys::demo(), shipped_files());
    let (mut pipeline, _) = assemble(Assembly {
        bundle,
        bundle_files: &files,
        keys: &keys,
        journal: None,
        door: crate::stages::decode::Door::default(),
        times: crate::stages::decode::TimeLimits::default(),
        limits: crate::commands::report::fixture::limits(),
        profile: crate::stages::mask::Profile::shipped("default").unwrap(),
        pace: Pace::Unhurried,
    })
    .unwrap();
    let (tables, keys) = (crate::stages::enrich::Tables::default(), keys.token_keys());
    let days = ["2026-03-10", "2026-03-20", "2026-03-10", "2026-03-11"];
    for (number, day) in days.iter().enumerate() {
        let moment = format!("{day}T10:0{number}:00Z");
        let arrival = (Some(EventTime::parse_rfc3339(&moment).unwrap()), None);
        let line = payment(number, &moment);
        let step = pipeline.process(line.as_bytes(), arrival, Intent::Decide, (&tables, &keys));
        assert!(step.unwrap().body().is_some(), "{moment}");
    }
}

/// Each refusal names what to do, and leaves no journal behind that was not there.
#[test]
fn what_cannot_be_imported_is_refused_with_a_sentence() {
    let desk = Desk::new();
    desk.write("garbage.jsonl", "{\"event_id\":\nnot json\n\n");
    desk.write("empty.jsonl", "");
    let check = |events: &str, rest: &[&str], code: u8, says: &str| {
        let error = desk.import(events, rest).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(error.code(), code, "{error}");
    };
    let config = desk.text("t.toml");
    let own = ["--config", config.as_str()];
    check("absent.jsonl", &own, 2, "absent.jsonl: No such file");
    assert!(!desk.at("journal").exists());
    check("garbage.jsonl", &own, 2, "is an event: 2 malformed_json\n  line 1: malformed_json");
    assert_eq!(desk.import("empty.jsonl", &own).unwrap(), Tally::default());

    desk.write("broken.toml", "keys.file = \"absent\"\n[jurnal]\ndir = \"x\"\n");
    let broken = desk.text("broken.toml");
    check("empty.jsonl", &["--config", &broken], 2, "broken.toml:2: jurnal: is not a known key");
    check("empty.jsonl", &["--config", &broken], 2, "absent: cannot be");
    let (journal, rules) = (desk.text("other"), desk.text("no-rules"));
    let keyless = ["--journal", &journal, "--keys", &broken, "--rules", &rules];
    check("empty.jsonl", &keyless, 2, "no-rules");
    assert!(!desk.at("other").exists());
}

/// The service and an import would number two inputs alike.
#[test]
fn a_journal_in_use_is_left_alone() {
    let desk = Desk::new();
    desk.write("empty.jsonl", "");
    let keys = Keys::from_file(&desk.at("keys")).unwrap();
    let files = shipped_files();
    let (_service, _) = assemble(Assembly {
        bundle: Arc::new(Bundle::shipped()),
        bundle_files: &files,
        keys: &keys,
        journal: Some((desk.at("journal"), 1 << 20, crate::journal::Durability::Written)),
        door: crate::stages::decode::Door::default(),
        times: crate::stages::decode::TimeLimits::default(),
        limits: crate::commands::report::fixture::limits(),
        profile: crate::stages::mask::Profile::shipped("default").unwrap(),
        pace: Pace::Unhurried,
    })
    .unwrap();
    let error = desk.import_configured("empty.jsonl").unwrap_err();
    assert_eq!(error.code(), 3);
    assert!(error.to_string().contains("stop it, import, and start it again"), "{error}");
}

/// Two places for one thing leave open which one holds.
#[test]
fn flags_that_contradict_each_other_are_refused() {
    for words in [
        "import --events x",
        "import --config c",
        "import --events x --journal j",
        "import --events x --journal j --config c",
        "import --events x --keys k",
        "import --events x --config c --keys k",
        "import --events x --config c --rules r",
        "score --config c --keys k",
        "score --config c --tables t",
        "score --journal j",
    ] {
        let words = ["tidegate"].into_iter().chain(words.split(' '));
        assert!(Cli::try_parse_from(words.clone()).is_err(), "{words:?}");
    }
    for words in [
        "import --events x --config c --json",
        "import --events - --journal j --keys k --rules r --tables t",
        "score --config c --journal j",
        "score --keys k --journal j --rules r",
        "score",
    ] {
        let words = ["tidegate"].into_iter().chain(words.split(' '));
        assert!(Cli::try_parse_from(words.clone()).is_ok(), "{words:?}");
    }
}
