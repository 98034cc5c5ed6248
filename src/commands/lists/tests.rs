//! Lists through the commands: the next event sees them, replay and a restart agree.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Parser as _;
use tempfile::TempDir;

use crate::bundle::shipped_files;
use crate::commands::{lists, replay, score};
use crate::edges::keys::generate;
use crate::generator::{Generator, Settings};

#[derive(clap::Parser)]
enum Cli {
    Score(score::Args),
    Lists(lists::Args),
    Replay(replay::Args),
}

/// A directory with keys, rules that ask a list, and a configuration.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
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
        fs::write(desk.at("rules/bundle.yaml"), manifest + lists).unwrap();
        let rule = "rules:\n- id: LIST1\n  name: a stolen card\n  when: in_list(\"stolen\", card)\n  \
                    then: {block: true}\n  reason: {code: stolen, text: The card is stolen}\n";
        fs::write(desk.at("rules/lists.yaml"), rule).unwrap();
        desk.write(
            "t.toml",
            "keys.file = \"keys\"\nbundle.dir = \"rules\"\n[limits]\nentities_max = 50_000\n\
             recent_events = 20_000\nwaiting_outcomes = 1_000\n",
        );
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
    }

    /// Runs a command line, whose words that begin with `@` are names in the directory; `+` is a
    /// space.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.at(name).display().to_string(),
            None => word.replace('+', " "),
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
fn payments() -> (Vec<Vec<u8>>, Vec<String>) {
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

fn time_of(line: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(line).unwrap();
    json["occurred_at"].as_str().unwrap().to_owned()
}

/// R13 and the law of inputs: a card is declined from the event after the change on and no more
/// after its removal; the journal, read back, makes every answer again; nothing of it is a raw
/// value.
#[test]
fn a_listed_card_is_declined_from_the_next_event_on() {
    let desk = Desk::new();
    let (lines, cards) = payments();
    let third = lines.len() / 3;
    // Somebody who pays in each part.
    let pays = |part: &[String], card: &String| part.contains(card);
    let parts: Vec<&[String]> = cards.chunks(third).take(3).collect();
    let card = parts[0]
        .iter()
        .find(|card| parts[1..].iter().all(|part| pays(part, card)))
        .expect("somebody pays in each part");
    for (name, part) in ["a", "b", "c"].iter().zip(lines.chunks(third)) {
        desk.write(name, part.join(&b'\n'));
    }
    desk.write("cards.csv", format!("value\n{card}\n"));
    let why = "--source investigation --reason case+7 --approver somebody+else --appeal desk+3 \
               --config @t.toml";
    let score = |part: &str| {
        desk.run(&format!(
            "score --in @{part} --out @{part}.out --config @t.toml --journal @journal"
        ))
    };
    let ok = format!("{:?}", std::process::ExitCode::SUCCESS);
    assert_eq!(score("a"), ok);
    let at = time_of(&lines[third]);
    let import = format!(
        "lists import stolen --file @cards.csv --expires 2090-01-01T00:00:00Z --at {at} {why}"
    );
    assert_eq!(desk.run(&import), ok);
    assert_eq!(score("b"), ok);
    let declined = |part: &str| {
        let text = fs::read_to_string(desk.at(&format!("{part}.out"))).unwrap();
        text.matches("\"stolen\"").count()
    };
    let uses = |part: &[String]| part.iter().filter(|number| *number == card).count();
    assert_eq!((declined("a"), declined("b")), (0, uses(parts[1])));
    // The same entry leaves by its token, as a report would show it.
    let keys = crate::edges::keys::Keys::from_file(&desk.at("keys")).unwrap().token_keys();
    let token = keys.card(card).unwrap().display(keys.version());
    assert!(matches!(
        lists::values::token(&token, crate::domain::EntityKind::Card, &keys),
        Ok(found) if Some(found) == keys.card(card)
    ));
    assert_eq!(desk.run("replay --journal @journal --config @t.toml"), ok);
    for file in fs::read_dir(desk.at("journal")).unwrap() {
        // The index of fingerprints is a directory; what it holds are tokens.
        let Ok(bytes) = fs::read(file.unwrap().path()) else { continue };
        assert!(!bytes.windows(card.len()).any(|window| window == card.as_bytes()));
    }
    // A model's score is no reason, one person is not two, an unknown list is none.
    let refused = format!("{:?}", std::process::ExitCode::from(2));
    let with = |from: &str, to: &str| desk.run(&import.replace(from, to));
    assert_eq!(with("--source investigation", "--source model_score"), refused);
    let me = crate::commands::control::user().unwrap();
    assert_eq!(with("somebody+else", &me), refused);
    assert_eq!(with("import stolen", "import stolem"), refused);
}
