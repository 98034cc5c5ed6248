//! What people put in force: by two, between two inputs, kept by the journal, and over the socket.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::direct::Direct;
use super::fixture::{Desk, payments, time_of};
use crate::commands::assemble::{Assembled, Assembly, assemble_all};
use crate::commands::lines::{JournalAt, Setting, Through};
use crate::commands::prepare::prepare;
use crate::domain::{EventTime, Seq};
use crate::edges::admin::{
    self, Answer, ApproverKey, Client, ClientError, Office, People, RawValue, Request, Role,
    TokenText, bundle_approval, list_approval,
};
use crate::edges::bundle_files;
use crate::engine::Pace;
use crate::journal::JournalId;
use crate::stages::enrich::TokenKeys;

fn setting(desk: &Desk) -> Setting {
    let through = Through::configured(&desk.at("t.toml"));
    through.open(JournalAt::Configured).unwrap_or_else(|error| panic!("{error}"))
}

fn texts(dir: &Path) -> BTreeMap<String, String> {
    let files = bundle_files::read(dir).unwrap().into_iter();
    files.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

/// The rules of the desk with one more.
fn with_one_more(desk: &Desk) -> BTreeMap<String, String> {
    let mut files = texts(&desk.at("rules"));
    let rule = "rules:\n- id: NEW1\n  name: every amount\n  when: has(amount_base)\n  then: {points: \
                1}\n  reason: {code: every_amount, text: There is an amount}\n";
    files.insert("new.yaml".to_owned(), rule.to_owned());
    files
}

/// A person approves.
fn approval(bundle: &str) -> Request {
    let (bundle, signature) = (bundle.to_owned(), None);
    Request::Approve { bundle, signature, proposal: None, expires: None }
}

fn digits(answer: &Answer) -> String {
    answer.bundle.clone().unwrap()
}

/// Two people put a bundle in force between two inputs; a restart goes on with it whatever the
/// configuration names, one person goes back, a rule is switched off, and the journal makes every
/// answer again, also without a snapshot.
#[test]
fn two_people_put_a_bundle_in_force() {
    let desk = Desk::new();
    let (lines, _) = payments();
    let parts: Vec<_> = lines.chunks(lines.len().div_ceil(4)).collect();
    let ok = format!("{:?}", ExitCode::SUCCESS);
    let score = |at: usize| {
        desk.write("in", parts[at].join(&b'\n'));
        let line = "score --in @in --out @out --config @t.toml --journal @journal";
        assert_eq!(desk.run(line), ok);
        fs::read_to_string(desk.at("out")).unwrap()
    };
    let open = |at: usize| {
        let at = EventTime::parse_rfc3339(&time_of(&parts[at][0])).unwrap();
        Direct::open(setting(&desk), Some(at)).unwrap_or_else(|fault| panic!("{fault}"))
    };
    let first = score(0);
    assert!(!first.contains("every_amount"));

    let files = with_one_more(&desk);
    let mut direct = open(1);
    let before = direct.bundle().name();
    let proposal = Request::Propose { files: files.clone() };
    assert!(direct.ask_as(&proposal, "zhao").is_err(), "he is no analyst");
    let proposed = direct.ask_as(&proposal, "li").unwrap();
    assert_eq!(proposed.added, ["NEW1"]);
    assert!(proposed.removed.is_empty() && proposed.changed.is_empty());
    let approve = approval(&digits(&proposed)[..19]);
    let same = direct.ask_as(&approve, "li").unwrap_err().to_string();
    assert!(same.contains("another person"), "{same}");
    assert_eq!(direct.bundle().name(), before);
    // Who waits for an approver is known after a restart.
    direct.finish().unwrap();
    let mut direct = open(1);
    direct.ask_as(&approve, "wang").unwrap();
    assert_eq!(direct.bundle().name(), digits(&proposed));
    direct.finish().unwrap();
    assert!(score(1).contains("every_amount"));

    // The segments alone, as an archive has them, are enough to replay and to go on.
    fs::create_dir(desk.at("archived")).unwrap();
    for file in fs::read_dir(desk.at("journal")).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|end| end == "tgj") {
            fs::copy(&file, desk.at("archived").join(file.file_name().unwrap())).unwrap();
        }
    }
    assert_eq!(desk.run("replay --journal @archived"), ok);
    desk.write("in", parts[2].join(&b'\n'));
    let line = "score --in @in --out @out --config @t.toml --journal @archived";
    assert_eq!(desk.run(line), ok);
    assert!(fs::read_to_string(desk.at("out")).unwrap().contains("every_amount"));

    // Other windows are carried over, and what they lack is marked.
    let mut direct = open(2);
    let mut wider = files.clone();
    wider.get_mut("features.yaml").unwrap().push_str(
        "\n  - {name: a_new_window, aggregate: sum(amount_minor), by: account, over: 11h}\n",
    );
    let rule = "rules:\n- id: NEW3\n  name: by a new window\n  when: a_new_window > 0\n  then: \
                {points: 1}\n  reason: {code: new_window, text: There is a sum}\n";
    wider.insert("newer.yaml".to_owned(), rule.to_owned());
    let proposed = direct.ask_as(&Request::Propose { files: wider }, "li").unwrap();
    assert_eq!((&*proposed.added, &*proposed.changed), (&["NEW3".to_owned()][..], &[][..]));
    let approve = approval(&digits(&proposed));
    direct.ask_as(&approve, "wang").unwrap();
    // The name of a file would become a path: with the analyst's role alone nothing is written
    // outside of the store.
    let outside = desk.at("outside.yaml").display().to_string();
    for name in ["../../../outside.yaml", "../x.yaml", ".x.yaml", "a/b.yaml", &outside] {
        let mut leading_out = files.clone();
        leading_out.insert(name.to_owned(), "rules: []\n".to_owned());
        let refused = direct.ask_as(&Request::Propose { files: leading_out }, "li");
        let fault = refused.unwrap_err().to_string();
        assert!(fault.contains("is no name of a bundle's file"), "{fault}");
    }
    assert!(!desk.at("outside.yaml").exists() && !desk.at("journal/x.yaml").exists());
    // A rule that excludes itself compiles, has no failing case, and cannot be meant.
    let mut senseless = files.clone();
    senseless.insert(
        "senseless.yaml".to_owned(),
        "rules:\n- id: NEVER\n  name: Never\n  when: amount_minor > 5 && amount_minor < 3\n  \
         then: {points: 1}\n  reason: {code: never, text: Never.}\n"
            .to_owned(),
    );
    let refused = direct.ask_as(&Request::Propose { files: senseless }, "li");
    let fault = refused.unwrap_err().to_string();
    assert!(fault.contains("NEVER") && fault.contains("senseless.yaml:2"), "{fault}");
    let off =
        |rule: &str| Request::SwitchOff { rule: rule.to_owned(), reason: "a test".to_owned() };
    assert!(direct.ask_as(&off("NEW2"), "zhao").is_err());
    // The reason stays in the journal and goes to the audit topic.
    let reason = "stops the card 6225881234567890".to_owned();
    let named = Request::SwitchOff { rule: "NEW1".to_owned(), reason };
    let fault = direct.ask_as(&named, "zhao").unwrap_err().to_string();
    assert!(fault.contains("`reason` holds a number") && !fault.contains("6225"), "{fault}");
    direct.ask_as(&off("NEW1"), "zhao").unwrap();
    assert!(direct.ask_as(&off("NEW1"), "zhao").is_err(), "it is off already");
    direct.finish().unwrap();
    let decided = score(2);
    assert!(!decided.contains("every_amount"), "the rule is switched off");
    assert!(decided.contains("new_window") && decided.contains("warming"), "{decided}");

    let mut direct = open(3);
    assert!(direct.ask_as(&Request::Rollback { bundle: "00000000".to_owned() }, "zhao").is_err());
    direct.ask_as(&Request::Rollback { bundle: before.clone() }, "zhao").unwrap();
    assert_eq!(direct.bundle().name(), before);
    direct.finish().unwrap();
    assert!(!score(3).contains("every_amount"));
    assert_eq!(desk.run("replay --journal @journal --config @t.toml"), ok);
    // The journal alone knows what is in force.
    for file in fs::read_dir(desk.at("journal")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tgs") {
            fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(desk.run("replay --journal @journal --config @t.toml"), ok);
    assert_eq!(open(3).bundle().name(), before);
}

/// A retry gets the bytes of the first answer, also when the rules call the score's bands otherwise by
/// now: from a snapshot, and from the journal alone.
#[test]
fn a_retry_is_told_the_band_as_it_was() {
    let desk = Desk::new();
    let (lines, _) = payments();
    let (early, late) = lines.split_at(lines.len() / 2);
    let score = |lines: &[Vec<u8>]| {
        desk.write("in", lines.join(&b'\n'));
        let line = "score --in @in --out @out --config @t.toml --journal @journal";
        assert_eq!(desk.run(line), format!("{:?}", ExitCode::SUCCESS));
        fs::read_to_string(desk.at("out")).unwrap()
    };
    let first = score(early);
    let policy = fs::read_to_string(desk.at("rules/policy.yaml")).unwrap();
    desk.write("rules/policy.yaml", policy.replace("name: low,", "name: calm,"));
    assert!(first.contains(r#""band":"low""#) && !first.contains("calm"));
    assert!(score(late).contains(r#""band":"calm""#));
    assert_eq!(score(early), first);
    for file in fs::read_dir(desk.at("journal")).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|end| end == "tgs") {
            fs::remove_file(file).unwrap();
        }
    }
    assert_eq!(score(early), first);
}

/// Over the socket the system says who asks; a key approves in a person's name; what is no request
/// is refused in a sentence that quotes nothing.
#[test]
fn the_socket_knows_who_asks() {
    let desk = Desk::new();
    let prepared = prepare(&desk.at("t.toml")).unwrap_or_else(|_| panic!("the desk is in order"));
    let Assembled { mut pipeline, files, recovered } = assemble_all(Assembly {
        bundle: Arc::clone(&prepared.means.bundle),
        bundle_files: &prepared.means.bundle_files,
        keys: &prepared.means.keys,
        journal: Some((desk.at("journal"), 1 << 20, prepared.config.journal.durability)),
        door: prepared.config.limits.door,
        times: prepared.config.limits.time,
        limits: prepared.config.limits.engine,
        profile: prepared.profile,
        pace: Pace::Unhurried,
    })
    .unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let mut key = [0; 32];
    key.copy_from_slice(pair.public_key().as_ref());
    let people = People {
        users: vec![(super::user(), Role::Analyst)],
        keys: vec![ApproverKey { name: "wang".to_owned(), key }],
    };
    let engine = pipeline.engine();
    let office =
        Office::new(people, &desk.at("journal"), engine.standing(), Arc::clone(engine.bundle()));
    let journal = recovered.journal.unwrap();
    let office = office.with_keys(prepared.means.keys.token_keys()).of_journal(Some(journal));
    let office = office.with_lists(engine.lists());
    office.store().put(&engine.bundle().hash, &files).unwrap();
    let (sender, mut orders) = admin::orders();
    let socket = desk.at("admin.sock");
    admin::serve(socket.clone(), office, sender).unwrap();
    let stop = AtomicBool::new(false);
    let keys = prepared.means.keys.token_keys();
    let now = crate::commands::assemble::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                if orders.turn(&mut pipeline, now, &keys).unwrap().is_some() {
                    let mark = pipeline.flush().unwrap();
                    orders.flushed(mark);
                    orders.kept(pipeline.kept().unwrap());
                } else {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        // The engine's thread ends also when an assertion fails here.
        let _stop = StopAtEnd(&stop);
        let mut client = Client::connect(&socket).unwrap().unwrap();
        let hello = client.ask(&Request::Hello).unwrap();
        assert_eq!(hello.person, Some(super::user()));
        assert!(hello.lists.contains(&("stolen".to_owned(), "card".to_owned())));
        let proposed = client.ask(&Request::Propose { files: with_one_more(&desk) }).unwrap();
        let bundle = digits(&proposed);
        assert!(matches!(client.ask(&approval(&bundle)), Err(ClientError::Refused(_))));
        let digest = |name: &str| {
            let mut digest = [0; 32];
            for (at, byte) in digest.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&name[7 + 2 * at..9 + 2 * at], 16).unwrap();
            }
            digest
        };
        let sign = |text: &str| -> String {
            pair.sign(text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
        };
        let (this, replaced) = (digest(&bundle), digest(&hello.bundle.unwrap()));
        let seq = Seq(proposed.seq.unwrap());
        let in_an_hour = |hours: i64| {
            let now = crate::commands::assemble::now().as_ms() / 1_000 * 1_000;
            EventTime::from_ms(now + hours * 3_600_000).unwrap()
        };
        let soon = in_an_hour(1);
        let approve = |text: &str, seq: Seq, expires: EventTime| Request::Approve {
            bundle: bundle.clone(),
            signature: Some(sign(text)),
            proposal: Some(seq.0),
            expires: Some(expires.to_string()),
        };
        let shown = proposed.to_sign.as_deref().unwrap();
        assert!(shown.contains(&bundle) && shown.contains(&format!("proposal {}\n", seq.0)));
        // Another journal, bundle, predecessor, proposal, time: a signature that anybody has seen puts
        // nothing in force again.
        let other = JournalId::from_bytes([7; 16]);
        let (late, past) = (in_an_hour(24 * 8), in_an_hour(-1));
        let text = |journal, this: &[u8; 32], replaced: &[u8; 32], seq, expires| {
            bundle_approval(journal, (this, replaced), seq, expires)
        };
        let bare = format!("tidegate approve bundle {bundle}\n");
        for (wrong, expires) in [
            (bare.clone(), soon),
            (text(other, &this, &replaced, seq, soon), soon),
            (text(journal, &[0; 32], &replaced, seq, soon), soon),
            (text(journal, &this, &this, seq, soon), soon),
            (text(journal, &this, &replaced, Seq(seq.0 + 1), soon), soon),
            (text(journal, &this, &replaced, seq, in_an_hour(2)), soon),
            (text(journal, &this, &replaced, seq, past), past),
            (text(journal, &this, &replaced, seq, late), late),
        ] {
            let asked = client.ask(&approve(&wrong, seq, expires));
            let Err(ClientError::Refused(why)) = asked else { panic!("{wrong}") };
            assert!(why.contains("sign"), "{why}");
        }
        let earlier = text(journal, &this, &replaced, Seq(seq.0 - 1), soon);
        let asked = client.ask(&approve(&earlier, Seq(seq.0 - 1), soon));
        let Err(ClientError::Refused(why)) = asked else { panic!("it is for another proposal") };
        assert!(why.contains("another proposal"), "{why}");
        let of_old = Request::Approve {
            bundle: bundle.clone(),
            signature: Some(sign(&bare)),
            proposal: None,
            expires: None,
        };
        let Err(ClientError::Refused(why)) = client.ask(&of_old) else { panic!("it is of old") };
        assert!(why.contains("bare hash"), "{why}");
        let right = text(journal, &this, &replaced, seq, soon);
        let answer = client.ask(&approve(&right, seq, soon)).unwrap();
        assert_eq!((answer.bundle.as_ref(), answer.added.len()), (Some(&bundle), 1));
        assert_eq!(client.ask(&Request::Hello).unwrap().bundle, Some(bundle.clone()));
        changes_a_list_without_a_key(&desk, &keys, (journal, &sign));
        for rubbish in ["secret-4711\n", "{\"do\":\"secret-4711\"}\n", "[]\n", "\n"] {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.write_all(rubbish.as_bytes()).unwrap();
            let mut said = String::new();
            BufReader::new(&stream).read_line(&mut said).unwrap();
            assert!(said.contains("\"ok\":false") && !said.contains("4711"), "{said}");
        }
    });
    assert!(Client::connect(&desk.at("nobody.sock")).unwrap().is_none());
}

/// Whoever writes to the socket need not have tried anything: a bundle whose case by events fails is
/// not proposed, as one whose case by values does.
#[test]
fn cases_by_events_are_played_before_a_bundle_is_proposed() {
    let desk = Desk::new();
    let mut direct = Direct::open(setting(&desk), None).unwrap_or_else(|fault| panic!("{fault}"));
    let card = "payer: {card: {number: \"6225881234567890\"}}";
    let rule = |expected| {
        format!(
            "rules:\n  - id: X1\n    name: x\n    when: card_payments_10m >= 2\n    then: {{points: \
             1}}\n    reason: night\n    cases:\n      - name: twice\n        expect: {expected}\n        \
             events: [{{{card}}}, {{{card}, after: 5m}}]\n"
        )
    };
    let mut propose = |expected| {
        let mut files = texts(&desk.at("rules"));
        files.insert("z.yaml".to_owned(), rule(expected));
        direct.ask(&Request::Propose { files }).map(drop).map_err(|fault| fault.to_string())
    };
    assert_eq!(propose("fires"), Ok(()));
    let said = propose("silent").unwrap_err();
    assert!(said.contains("rule X1, case \"twice\""), "{said}");
}

/// Who changes a list through the service needs no key, which only the service's user may read: its
/// configuration is enough, and the service makes the tokens.
fn changes_a_list_without_a_key(
    desk: &Desk,
    keys: &TokenKeys,
    (journal, sign): (JournalId, &dyn Fn(&str) -> String),
) {
    desk.write(
        "keyless.toml",
        "keys.file = \"nobody-may-read-this\"\nadmin.socket = \"admin.sock\"\n\
         admin.analysts = [\"li\"]\njournal.dir = \"journal\"\nbundle.dir = \"rules\"\n",
    );
    let card = "6225881234567890";
    desk.write("cards.csv", format!("value\n{card}\n4111111111111111\n"));
    let import = "lists import stolen --file @cards.csv --expires 2090-01-01T00:00:00Z --source \
                  investigation --reason case~7 --appeal desk~3 --config @keyless.toml";
    assert_eq!(desk.run(import), format!("{:?}", ExitCode::SUCCESS));
    let mut client = Client::connect(&desk.at("admin.sock")).unwrap().unwrap();
    let waiting = client.ask(&Request::ListWaiting).unwrap().waiting;
    assert_eq!((waiting.len(), waiting[0].count), (1, 2));
    let change = waiting[0].change.clone();
    let expires = EventTime::from_ms(crate::commands::assemble::now().as_ms() + 60_000).unwrap();
    let approve = |text: Option<String>| Request::ListApprove {
        change: change.clone(),
        signature: text.map(|text| sign(&text)),
        expires: Some(expires.to_string()),
    };
    let other = list_approval(JournalId::from_bytes([7; 16]), &change, expires);
    for wrong in [None, Some(other), Some(list_approval(journal, "another", expires))] {
        assert!(matches!(client.ask(&approve(wrong)), Err(ClientError::Refused(_))));
    }
    let right = approve(Some(list_approval(journal, &change, expires)));
    let approved = client.ask(&right).unwrap();
    assert_eq!(approved.count, Some(2));
    assert!(matches!(client.ask(&right), Err(ClientError::Refused(_))), "once");

    // A word is no approver, and a right that the bundle does not grant is none.
    let add = |more: &str| {
        let line = format!(
            "{{\"do\":\"list_add\",\"list\":\"stolen\",\"kind\":\"card\",\"entries\":[{{\"token\":\
             \"{}\",\"expires_at\":\"2090-01-01T00:00:00Z\"}}],\"why\":{{\"sources\":\
             [\"investigation\"],\"reason\":\"r\",\"appeal\":\"a\",\"batch\":1{more}}}}}\n",
            "ab".repeat(16)
        );
        let mut stream = UnixStream::connect(desk.at("admin.sock")).unwrap();
        stream.write_all(line.as_bytes()).unwrap();
        let mut said = String::new();
        BufReader::new(&stream).read_line(&mut said).unwrap();
        said
    };
    for word in ["nobody", "root ", "-", "wang"] {
        let said = add(&format!(",\"approver\":\"{word}\""));
        assert!(said.contains("\"ok\":false") && said.contains("another person"), "{said}");
    }
    let said = add(",\"emergency\":true");
    assert!(said.contains("one person alone cannot change"), "{said}");
    assert!(add("").contains("\"ok\":true"));

    desk.write("cards.csv", "value\nsecret-4711\n");
    assert_eq!(desk.run(import), format!("{:?}", ExitCode::from(2)));
    let tokens = |value: &str, look_up: Option<&str>| Request::Tokens {
        kind: "card".to_owned(),
        values: vec![RawValue::new(value), RawValue::new("secret-4711")],
        look_up: look_up.map(str::to_owned),
    };
    assert!(!format!("{:?}", tokens(card, None)).contains(card));
    // For a list's change there are handles, which say nothing to anybody else; for a reason tokens,
    // of which the journal tells, and few.
    let answer = client.ask(&tokens(card, None)).unwrap();
    assert!(matches!(answer.tokens[0], TokenText::Handle(_)));
    assert_ne!(answer.tokens[0].read().ok(), keys.card(card));
    let TokenText::Fault(fault) = &answer.tokens[1] else { panic!("no card") };
    assert!(!fault.contains("4711"), "{fault}");
    for reason in ["", "card 6225881234567890"] {
        assert!(client.ask(&tokens(card, Some(reason))).is_err(), "{reason}");
    }
    let answer = client.ask(&tokens(card, Some("case 7"))).unwrap();
    assert_eq!(answer.tokens[0].read().ok(), keys.card(card));
    assert!(answer.seq > approved.seq, "it is an input");
    let shown = keys.card(card).unwrap().display(keys.version());
    let answer = client.ask(&tokens(&shown, None)).unwrap();
    assert_eq!(answer.tokens[0].read().ok(), keys.card(card), "it is known already");
    let again = (0..100).find_map(|_| client.ask(&tokens(card, Some("case 7"))).err());
    let Some(ClientError::Refused(why)) = again else { panic!("there is a limit") };
    assert!(why.contains("too many"), "{why}");
}

struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A rule that suddenly declines everybody asks for reviews instead, and declines again when it is
/// calm; volume buys no passage through a hard block. What the guard did is an input of its own: the
/// payment that comes after it has its answer, and replay and a journal read back agree.
#[test]
fn a_rule_that_declines_too_much_falls_back_to_review() {
    let desk = Desk::new();
    let rule = |id: &str, then: &str, when: &str| {
        format!(
            "- id: {id}\n  name: {id}\n  when: {when}\n  then: {then}\n  guard: \
             {{declines_per_minute: 1}}\n  reason: {{code: code_{id}, text: A test}}\n"
        )
    };
    let rules = format!(
        "rules:\n{}{}",
        rule("soft", "{action: decline}", "amount_base >= money(\"0.01 CNY\")"),
        rule("hard", "{block: true}", "amount_base >= money(\"150.00 CNY\")"),
    );
    fs::write(desk.at("rules/guarded.yaml"), rules).unwrap();
    let (lines, _) = payments();
    desk.write("in", lines.join(&b'\n'));
    let ok = format!("{:?}", ExitCode::SUCCESS);
    let line = "score --in @in --out @out --config @t.toml --journal @journal";
    assert_eq!(desk.run(line), ok);
    let out = fs::read_to_string(desk.at("out")).unwrap();
    let decisions: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids = |all: &[serde_json::Value]| -> Vec<String> {
        all.iter().map(|one| one["event_id"].to_string()).collect()
    };
    let asked: Vec<serde_json::Value> =
        lines.iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(ids(&decisions), ids(&asked));
    let has = |decision: &serde_json::Value, word: &str| decision.to_string().contains(word);
    let (hard, soft): (Vec<_>, Vec<_>) =
        decisions.iter().partition(|decision| has(decision, "code_hard"));
    assert!(hard.len() > 10 && hard.iter().all(|decision| decision["action"] == "decline"));
    let (declined, passed): (Vec<_>, Vec<_>) =
        soft.iter().copied().partition(|decision| decision["action"] == "decline");
    assert!(!declined.is_empty() && !passed.is_empty());
    assert!(passed.iter().all(|decision| has(decision, "\"review\"")), "{passed:?}");
    let changes: Vec<bool> = soft.iter().map(|it| it["action"] == "decline").collect();
    let again = changes.windows(2).any(|pair| !pair[0] && pair[1]);
    assert!(again, "it declines again after a calm minute: {changes:?}");
    assert_eq!(desk.run("replay --journal @journal --config @t.toml"), ok);
}
