//! Lists through the commands: the next event sees them, replay and a restart agree.

use std::fs;

use crate::commands::control::fixture::{Desk, payments, time_of};
use crate::domain::EntityKind;
use crate::edges::admin::RawValue;

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
    let why = "--source investigation --reason case~7 --appeal desk~3 --config @t.toml";
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
    // Who asks is analyst alone; li may approve, and wang does.
    let alone = desk.approve_lists(&crate::commands::control::user(), &at).unwrap_err();
    assert!(alone.contains("no role that approves changes of lists"), "{alone}");
    desk.approve_lists("wang", &at).unwrap();
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
    let shown = RawValue::new(&token).token(EntityKind::Card, &keys);
    assert_eq!(shown.ok(), keys.card(card));
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
    assert_eq!(with("import stolen", "import stolem"), refused);
}

/// What the bundle grants to one person ends by itself: nothing longer, nothing that stands already,
/// and nothing that is taken away.
#[test]
fn one_person_alone_adds_what_ends_by_itself() {
    let desk = Desk::new();
    let manifest = fs::read_to_string(desk.at("rules/bundle.yaml")).unwrap();
    let granted = manifest.replacen("purpose: block}", "purpose: block, emergency: 24h}", 1);
    assert_ne!(manifest, granted);
    desk.write("rules/bundle.yaml", granted);
    desk.write("cards.csv", "value\n6225881234567890\n");
    let import = |list: &str, expires: &str, more: &str| {
        desk.run(&format!(
            "lists import {list} --file @cards.csv --expires {expires} --at 2026-11-23T00:00:00Z \
             --source customer_report --reason case~7 --appeal desk~3 --config @t.toml{more}"
        ))
    };
    let ok = format!("{:?}", std::process::ExitCode::SUCCESS);
    let refused = format!("{:?}", std::process::ExitCode::from(2));
    let (soon, later) = ("2026-11-23T23:00:00Z", "2026-11-24T01:00:00Z");
    assert_eq!(import("stolen", later, " --emergency"), refused, "it ends too late");
    assert_eq!(import("stolen_cards", soon, " --emergency"), refused, "nobody grants it");
    assert_eq!(import("stolen", soon, " --emergency"), ok);
    let sooner = "2026-11-23T00:01:00Z";
    assert_eq!(import("stolen", sooner, " --emergency"), refused, "it would be shortened");
    assert_eq!(import("stolen", later, ""), ok, "it waits");
    desk.approve_lists("wang", "2026-11-23T00:00:01Z").unwrap();
}

/// What should leave a list has to stand there: nothing of it is refused, some of it is said.
#[test]
fn what_is_not_on_a_list_cannot_leave_it() {
    use crate::domain::{Control, EventTime, ListRemoval, Provenance};
    use crate::edges::admin::{Haste, Request};

    let desk = Desk::new();
    let why = "--source appeal --reason case~7 --appeal desk~3 --config @t.toml";
    desk.write("cards.csv", "value\n6225881234567890\n");
    let import = format!(
        "lists import stolen --file @cards.csv --expires 2090-01-01T00:00:00Z --at \
         2026-11-23T00:00:00Z {why}"
    );
    assert_eq!(desk.run(&import), format!("{:?}", std::process::ExitCode::SUCCESS));
    desk.approve_lists("wang", "2026-11-23T00:00:00Z").unwrap();
    let keys = crate::edges::keys::Keys::from_file(&desk.at("keys")).unwrap().token_keys();
    let [there, gone] =
        ["6225881234567890", "4111111111111111"].map(|card| keys.card(card).unwrap());
    let propose = |batch: u64, tokens: &[crate::domain::Token]| {
        let at = EventTime::parse_rfc3339("2026-11-23T01:00:00Z").unwrap();
        let mut direct = desk.direct(at);
        let provenance = Provenance {
            sources: vec![crate::domain::ListSource::Appeal],
            reason: "appeal 17".to_owned(),
            creator: crate::commands::control::user(),
            appeal: "desk 3".to_owned(),
            batch,
            ..Provenance::default()
        };
        let (list, tokens) = ("stolen".to_owned(), tokens.to_vec());
        let removal = ListRemoval { list, kind: EntityKind::Card, tokens, provenance };
        direct.list_part(Control::ListRemove(removal), Haste::Waits).unwrap();
        let answer = direct.ask(&Request::ListPropose { batch });
        direct.finish().unwrap();
        answer.map(|answer| answer.findings).map_err(|fault| fault.to_string())
    };
    let fault = propose(1, &[gone]).unwrap_err();
    assert!(fault.contains("nothing of it stands on `stolen`"), "{fault}");
    assert_eq!(propose(2, &[there, gone]).unwrap(), ["1 of 2 do not stand on `stolen`"]);
    assert_eq!(propose(3, &[there]).unwrap(), [""; 0]);
}
