//! A desk for tests: keys, rules that ask a list, a configuration, a stream of payments.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Parser as _;
use tempfile::TempDir;

use super::direct::Direct;
use crate::bundle::shipped_files;
use crate::commands::lines::{JournalAt, Through};
use crate::commands::{lists, replay, score};
use crate::edges::admin::{Request, WaitingText};
use crate::edges::keys::generate;
use crate::generator::{Generator, Settings};

#[derive(clap::Parser)]
enum Cli {
    Score(score::Args),
    Lists(lists::Args),
    Replay(replay::Args),
}

/// A directory with keys, rules that ask a list, and a configuration.
pub(in crate::commands) struct Desk(TempDir);

impl Desk {
    /// An empty journal beside it.
    pub(in crate::commands) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let mut options = fs::OpenOptions::new();
        let mut keys = options.write(true).create_new(true).mode(0o600).open(desk.at("keys"));
        keys.as_mut().unwrap().write_all(generate().unwrap().as_bytes()).unwrap();
        fs::create_dir(desk.at("rules")).unwrap();
        for (name, content) in shipped_files() {
            fs::write(desk.at("rules").join(name), content).unwrap();
        }
        let manifest = fs::read_to_string(desk.at("rules/bundle.yaml")).unwrap();
        let lists = "\nlists:\n  stolen: {kind: card, purpose: block}\n";
        let manifest = manifest.replacen("\nlists:\n", lists, 1);
        fs::write(desk.at("rules/bundle.yaml"), manifest).unwrap();
        let rule = "rules:\n- id: LIST1\n  name: a stolen card\n  when: in_list(\"stolen\", card)\n  \
                    then: {block: true}\n  reason: {code: stolen, text: The card is stolen}\n";
        fs::write(desk.at("rules/lists.yaml"), rule).unwrap();
        desk.write(
            "t.toml",
            "keys.file = \"keys\"\nbundle.dir = \"rules\"\njournal.dir = \"journal\"\n\
             journal.segment_mb = 1\nadmin.analysts = [\"li\", \"USER\"]\n\
             admin.approvers = [\"wang\", \"li\"]\nadmin.operators = [\"zhao\"]\n[limits]\nentities_max = 50_000\n\
             recent_events = 20_000\nwaiting_outcomes = 1_000\n"
                .replace("USER", &super::user()),
        );
        desk
    }

    /// A name in the directory.
    pub(in crate::commands) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(in crate::commands) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
    }

    /// Changes at a moment, on the journal itself.
    #[track_caller]
    pub(in crate::commands) fn direct(&self, at: crate::domain::EventTime) -> Direct {
        let through = Through::configured(&self.at("t.toml"));
        let setting = through.open(JournalAt::Configured).unwrap();
        Direct::open(setting, Some(at)).unwrap()
    }

    /// Everything that waits goes on its list, or off, by the word of another person.
    #[track_caller]
    pub(in crate::commands) fn approve_lists(&self, person: &str, at: &str) -> Result<(), String> {
        let through = Through::configured(&self.at("t.toml"));
        let setting = through.open(JournalAt::Configured).map_err(|error| error.to_string())?;
        let at = crate::domain::EventTime::parse_rfc3339(at).unwrap();
        let mut direct = Direct::open(setting, Some(at)).map_err(|fault| fault.to_string())?;
        let waiting = direct.ask_as(&Request::ListWaiting, person).unwrap().waiting;
        assert!(!waiting.is_empty());
        for WaitingText { change, .. } in waiting {
            let approve = Request::ListApprove { change, signature: None, expires: None };
            direct.ask_as(&approve, person).map_err(|fault| fault.to_string())?;
        }
        direct.finish().map_err(|fault| fault.to_string())
    }

    /// Runs a command line, whose words that begin with `@` are names in the directory; `~` is a
    /// space.
    #[track_caller]
    pub(in crate::commands) fn run(&self, line: &str) -> String {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.at(name).display().to_string(),
            None => word.replace('~', " "),
        };
        let words = line.split(' ').map(word);
        let code = match Cli::try_parse_from(std::iter::once("tidegate".to_owned()).chain(words)) {
            Ok(Cli::Score(args)) => score::run(&args),
            Ok(Cli::Lists(args)) => lists::run(&args),
            Ok(Cli::Replay(args)) => replay::run(&args),
            Err(error) => panic!("{error}"),
        };
        format!("{code:?}")
    }
}

/// Payments with a card, oldest first: lines, and the number of each.
pub(in crate::commands) fn payments() -> (Vec<Vec<u8>>, Vec<String>) {
    let settings = Settings { events: 240, customers: 40, rate_per_s: 0.05, ..Settings::default() };
    let mut generator = Generator::new(settings);
    let (mut line, mut lines, mut cards) = (Vec::new(), Vec::new(), Vec::new());
    while generator.next_into(&mut line).is_some() {
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(&line) else { continue };
        let number = json["payer"]["card"]["number"].as_str();
        if let (Some("payment"), Some(number)) = (json["kind"].as_str(), number) {
            lines.push(line.clone());
            cards.push(number.to_owned());
        }
    }
    (lines, cards)
}

/// When a line's event happened.
pub(in crate::commands) fn time_of(line: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(line).unwrap();
    let at = json["occurred_at"].as_str().unwrap();
    // In UTC: in a command line of these tests `+` is a space.
    crate::domain::EventTime::parse_rfc3339(at).unwrap().to_string()
}
