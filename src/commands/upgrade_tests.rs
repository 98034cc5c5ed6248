//! Journals that the versions of engine semantics 3 and 2 have written go on, also where their beginning
//! is gone.
//!
//! `tests/fixtures/journal-semantics-3` was made by that version, with segments of 2 KiB and the bundle of
//! `snapshot-v1`: 75 lines of the generator (seed 3), a snapshot, 20 lines more. `next.jsonl` are the 20
//! lines that follow, `before.jsonl` the last 20 of those in it. The keys guard nothing else.
//!
//! `tests/fixtures/journal-semantics-2` was made by the last version of those semantics, under its own `rules`,
//! with segments of 4 KiB: 400 lines, of which most are of one card, so that its windows reach past its
//! events into panes; a snapshot, 12 lines more. Of the 42 segments the first 32 were deleted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::{replay, score};
use crate::domain::{Applied, Control, Seq};
use crate::engine::ENGINE_SEMANTICS;
use crate::journal::{Item, Reader};

#[derive(clap::Parser)]
enum Cli {
    Score(score::Args),
    Replay(replay::Args),
}

/// The segment that names its bundle again, as the first of those that are kept must.
const KEPT_FROM: u64 = 52;
/// The first input of a later version.
const NEXT: Seq = Seq(96);
/// The same after the journal of semantics 2.
const NEXT_AFTER_2: Seq = Seq(413);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A service's directory with the journal of then, as far as it is kept.
struct Home(tempfile::TempDir);

impl Home {
    fn new(of: &str, bundle: &Path, limits: (u32, u32), is_kept: impl Fn(&str) -> bool) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.at("journal")).unwrap();
        let fixture = fixtures().join(of);
        for file in fs::read_dir(&fixture).unwrap() {
            let name = file.unwrap().file_name().into_string().unwrap();
            if name.contains(".tg") && is_kept(&name) {
                fs::copy(fixture.join(&name), home.at("journal").join(&name)).unwrap();
            }
        }
        fs::copy(fixture.join("keys"), home.at("keys")).unwrap();
        fs::set_permissions(home.at("keys"), fs::Permissions::from_mode(0o600)).unwrap();
        let (recent, waiting) = limits;
        let config = format!(
            "keys.file = \"keys\"\nbundle.dir = \"{}\"\njournal.dir = \"journal\"\n[limits]\n\
             entities_max = 1_000\nrecent_events = {recent}\nwaiting_outcomes = {waiting}\n",
            bundle.display()
        );
        fs::write(home.at("t.toml"), config).unwrap();
        home
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, words: &[&str]) -> String {
        let (journal, config) = (self.at("journal"), self.at("t.toml"));
        let at = ["--journal", journal.to_str().unwrap(), "--config", config.to_str().unwrap()];
        let all = [&["tidegate"], words, &at].concat();
        let code = match Cli::try_parse_from(all).unwrap() {
            Cli::Score(args) => score::run(&args),
            Cli::Replay(args) => replay::run(&args),
        };
        format!("{code:?}")
    }

    /// Inputs from a number on, with what each was.
    fn inputs(&self, from: Seq) -> Vec<(Seq, Option<Control>, Applied)> {
        let mut reader = Reader::open(self.at("journal")).unwrap().unwrap();
        let mut inputs = Vec::new();
        while let Some(item) = reader.read().unwrap() {
            if let Item::Entry(entry) = item
                && entry.seq >= from
            {
                inputs.push((entry.seq, entry.input.control.as_deref().cloned(), entry.applied));
            }
        }
        inputs
    }

    /// The lines that follow are decided, the change of versions is an input before them, a second start
    /// changes nothing more, and replay agrees with everything.
    fn check(&self, of: &str, (next, from, has_snapshot): (Seq, u32, bool), what: &str) {
        let ok = format!("{:?}", std::process::ExitCode::SUCCESS);
        let (events, out) = (fixtures().join(of).join("next.jsonl"), self.at("out"));
        let score = ["score", "--in", events.to_str().unwrap(), "--out", out.to_str().unwrap()];
        assert_eq!(self.run(&score), ok, "{what}");
        let first = fs::read(&out).unwrap();
        let inputs = self.inputs(next);
        let (seq, upgrade, _) = &inputs[0];
        let Some(Control::Upgrade(upgrade)) = upgrade else { panic!("{what}: {upgrade:?}") };
        assert_eq!((*seq, upgrade.from, upgrade.to), (next, from, ENGINE_SEMANTICS), "{what}");
        assert_eq!(upgrade.snapshot.is_some(), has_snapshot, "{what}");
        let decided = inputs.iter().filter(|(.., one)| matches!(one, Applied::Decided { .. }));
        let lines = first.iter().filter(|byte| **byte == b'\n').count();
        assert!(lines >= 10 && decided.count() == lines, "{what}: {lines} answers");
        assert_eq!(self.run(&["replay"]), ok, "{what}");
        assert_eq!(self.run(&score), ok, "{what}: once more");
        assert_eq!(fs::read(&out).unwrap(), first, "{what}: the same answers");
        let upgrades = self.inputs(next).into_iter();
        let upgrades = upgrades.filter(|(_, one, _)| matches!(one, Some(Control::Upgrade(_))));
        assert_eq!(upgrades.count(), 1, "{what}");
        assert_eq!(self.run(&["replay"]), ok, "{what}: after a second start");
    }
}

/// With and without the beginning and the snapshot.
#[test]
fn a_journal_of_an_older_version_goes_on() {
    for (what, has_beginning, has_snapshot) in [
        ("all of it", true, true),
        ("no snapshot", true, false),
        ("no beginning", false, true),
        ("segments of an archive", false, false),
    ] {
        let bundle = fixtures().join("snapshot-v1/bundle");
        let of = "journal-semantics-3";
        let home = Home::new(of, &bundle, (4_000, 1_000), |name| match name.strip_suffix(".tgj") {
            Some(number) => has_beginning || number.parse::<u64>().unwrap() >= KEPT_FROM,
            None => has_snapshot,
        });
        home.check(of, (NEXT, 3, has_snapshot), what);
    }
}

/// A retry of what an older version has decided says all that the first try said, and has its answer:
/// the older record knows the payment by the hash of the whole message.
#[test]
fn what_an_older_version_decided_is_recognised() {
    let of = "journal-semantics-3";
    let home = Home::new(of, &fixtures().join("snapshot-v1/bundle"), (4_000, 1_000), |_| true);
    let (events, out) = (fixtures().join(of).join("before.jsonl"), home.at("out"));
    let score = ["score", "--in", events.to_str().unwrap(), "--out", out.to_str().unwrap()];
    // A conflict would be a line without an answer, and end with 1.
    assert_eq!(home.run(&score), format!("{:?}", std::process::ExitCode::SUCCESS));
    let answers = fs::read(&out).unwrap().iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(answers, 14);
    assert_eq!(home.inputs(NEXT).len(), 1, "the change of versions is all that is new");
}

/// Two changes of semantics at once, and a snapshot of before events had a bit for each of their numbers:
/// it holds keys with more events than are kept exactly.
#[test]
fn a_journal_of_the_version_before_that_goes_on() {
    let of = "journal-semantics-2";
    let home = Home::new(of, &fixtures().join(of).join("rules"), (1_000, 100), |_| true);
    home.check(of, (NEXT_AFTER_2, 2, true), of);
}
