//! Exchange rates of a bundle: in force from the first input after its activation, and not before.

use std::collections::BTreeMap;
use std::sync::Arc;

use tempfile::TempDir;

use crate::bundle::{Bundle, shipped_files};
use crate::commands::assemble::{Assembled, Assembly, assemble_all};
use crate::domain::{
    Activation, Control, EventTime, Fact, FieldId, Ground, Proposal, RuleDiff, Seq,
};
use crate::edges::admin::{Answer, Change, Office, People};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::edges::tables::TableKind;
use crate::engine::{
    ControlError, Engine, EngineLimits, Intent, Pace, Pipeline, Refusal, Unhurried,
};
use crate::journal::{Durability, Item, Reader};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::features::StateLimits;
use crate::stages::mask::Profile;

type Files = BTreeMap<String, Vec<u8>>;

const FEATURES: &str = "features:
  - {name: spent_1d, aggregate: sum(amount_base), by: account, over: 1d}
  - {name: kept_1d, aggregate: sum(amount_base), by: account, over: 1d, where: '!outcome.reversed'}
";

/// A small bundle in which a dollar is worth so many yuan.
fn files(yuan: u64) -> Files {
    let mut files = shipped_files();
    files.retain(|name, _| ["bundle.yaml", "policy.yaml"].contains(&name.as_str()));
    files.insert("features.yaml".to_owned(), FEATURES.into());
    let rates = format!("currency,numerator,denominator\nUSD,{yuan},1\n");
    files.insert("fx.csv".to_owned(), rates.into());
    files
}

fn limits() -> EngineLimits {
    let state = StateLimits { keys: [64; 10], devices: 64, ..StateLimits::default() };
    EngineLimits { state, recent_events: 64, ..EngineLimits::default() }
}

/// A service with its office, as far as rates go.
struct Shop {
    pipeline: Pipeline<Machine>,
    office: Office,
    tables: Tables,
    keys: Keys,
    now: EventTime,
}

/// What an event was worth, and what its account's windows came to with it.
#[derive(Debug, Eq, PartialEq)]
struct Worth {
    base: i64,
    spent: i64,
    kept: i64,
}

impl Shop {
    /// Over a journal, with a bundle that the configuration names.
    fn open(dir: &TempDir, files: &Files) -> Self {
        let keys = Keys::demo();
        let bundle = Bundle::compile(files).unwrap_or_else(|faults| panic!("{}", faults[0]));
        let Assembled { pipeline, files, .. } = assemble_all(Assembly {
            bundle: Arc::new(bundle),
            bundle_files: files,
            keys: &keys,
            journal: Some((dir.path().to_owned(), 1 << 20, Durability::Written)),
            door: Door::default(),
            times: TimeLimits::default(),
            limits: limits(),
            profile: Profile::shipped("default").unwrap(),
            pace: Pace::Unhurried,
        })
        .unwrap();
        let engine = pipeline.engine();
        let in_force = Arc::clone(engine.bundle());
        let office = Office::new(People::default(), dir.path(), engine.standing(), in_force);
        office.store().put(&engine.bundle().hash, &files).unwrap();
        let now = EventTime::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
        Self { pipeline, office, tables: Tables::default(), keys, now }
    }

    /// A hundred dollars of one account.
    fn pay(&mut self, id: &str) -> Worth {
        self.take(&format!(
            r#"{{"event_id":"{id}","kind":"payment","service":"internet_payment","occurred_at":
                "2026-11-23T12:00:00Z","amount":{{"minor":10000,"currency":"USD"}},"payer":
                {{"account_id":"acc-1"}}}}"#
        ));
        let engine = self.pipeline.engine();
        let column = |name: &str| engine.row().int(engine.bundle().schema.get(name).unwrap().id);
        let base = engine.row().int(FieldId::of_fact(Fact::AmountBase));
        Worth { base, spent: column("spent_1d"), kept: column("kept_1d") }
    }

    fn take(&mut self, line: &str) {
        let keys = self.keys.token_keys();
        let lookups = (&self.tables, &keys);
        let step = self.pipeline.process(line.as_bytes(), (None, None), Intent::Decide, lookups);
        assert!(step.unwrap().seq().is_some(), "it passes the door");
        self.pipeline.flush().unwrap();
    }

    fn ask(
        &mut self,
        what: impl FnOnce(&Office, &mut dyn FnMut(Change) -> Sent) -> Result<Answer, String>,
    ) -> Result<Answer, String> {
        let Self { pipeline, office, keys, now, .. } = self;
        let keys = keys.token_keys();
        let answer = what(office, &mut |change| {
            let made = match change {
                Change::Control(control) => pipeline.control(control, *now, &keys),
                Change::Activate(activation, prepared) => {
                    pipeline.activate(activation, *prepared, *now, &keys).map(|(seq, _)| seq)
                }
            };
            made.map_err(|error| error.to_string())
        });
        pipeline.flush().unwrap();
        answer
    }

    fn propose(&mut self, files: &Files) -> Result<String, String> {
        let answer = self.ask(|office, send| office.propose(files, "li", send))?;
        Ok(answer.bundle.unwrap())
    }

    fn approve(&mut self, bundle: &str) -> Result<Answer, String> {
        self.ask(|office, send| office.approve(bundle, "wang", (None, EventTime::MIN), send))
    }
}

type Sent = Result<Seq, String>;

/// Rates change daily: those of a bundle hold from the first input after its activation, whatever
/// was proposed before and whatever the configuration names after a restart. Windows keep what they
/// summed, and an outcome takes back what its event was worth then.
#[test]
fn rates_hold_from_the_activation_on() {
    let dir = tempfile::tempdir().unwrap();
    let worth = |base, spent, kept| Worth { base, spent, kept };
    let mut shop = Shop::open(&dir, &files(7));
    assert_eq!(shop.pay("e1"), worth(70_000, 70_000, 70_000));
    let bundle = shop.propose(&files(8)).unwrap();
    assert_eq!(shop.pay("e2"), worth(70_000, 140_000, 140_000));
    let approved = shop.approve(&bundle).unwrap();
    assert_eq!(approved.findings, ["exchange rates change: USD is worth 8/1, was 7/1"]);
    assert_eq!(shop.pay("e3"), worth(80_000, 220_000, 220_000));
    shop.take(
        r#"{"kind":"outcome","of":"e1","result":"reversed","occurred_at":"2026-11-23T12:00:01Z"}"#,
    );
    assert_eq!(shop.pay("e4"), worth(80_000, 300_000, 230_000));
    drop(shop);

    let mut shop = Shop::open(&dir, &files(7));
    assert_eq!(shop.pay("e5"), worth(80_000, 380_000, 310_000));
    let before = shop.pipeline.engine().bundle().hash;
    // A file of the operator's stands before the rates of any bundle.
    let content = b"currency,numerator,denominator\nUSD,9,1\n".to_vec();
    TableKind::Fx.put(content, &shop.keys.token_keys(), &mut shop.tables).unwrap();
    assert_eq!(shop.pay("e6"), worth(90_000, 470_000, 400_000));
    shop.ask(|office, send| {
        let first = office.stored(&Bundle::compile(&files(7)).unwrap().name())?;
        let by = "zhao".to_owned();
        office.activate(first, Ground::RolledBack { by }, send)
    })
    .unwrap();
    assert_ne!(shop.pipeline.engine().bundle().hash, before);
    assert_eq!(shop.pay("e7"), worth(90_000, 560_000, 490_000));
    shop.tables = Tables::default();
    assert_eq!(shop.pay("e8"), worth(70_000, 630_000, 560_000));
    let next = shop.pipeline.engine().next_seq();
    drop(shop);

    // What an amount was worth is part of its input: counting again asks no rate, of any bundle.
    let bundle = Arc::new(Bundle::compile(&files(1)).unwrap());
    let mut engine = Engine::new(bundle, &limits()).unwrap();
    let mut reader = Reader::open(dir.path()).unwrap().unwrap();
    while let Some(item) = reader.read().unwrap() {
        let Item::Entry(entry) = item else { continue };
        engine.apply(&entry.input, &mut Unhurried);
    }
    let spent = engine.bundle().schema.get("spent_1d").unwrap().id;
    assert_eq!((engine.next_seq(), engine.row().int(spent)), (next, 630_000));
}

/// Sums in two currencies would be one number in a window: another base currency is refused, when
/// it is proposed and by the engine itself.
#[test]
fn another_base_currency_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(&dir, &files(7));
    let dollars = |mut files: Files| {
        for content in files.values_mut() {
            *content = String::from_utf8_lossy(content).replace("CNY", "USD").into_bytes();
        }
        files.insert("fx.csv".to_owned(), b"currency,numerator,denominator\nCNY,1,7\n".to_vec());
        files
    };
    let refused = shop.propose(&dollars(files(7))).unwrap_err();
    assert!(refused.contains("counts in USD") && refused.contains("in CNY"), "{refused}");
    assert!(refused.contains("keep base_currency"), "{refused}");
    // An office may know less than the engine.
    let bundle = Arc::new(Bundle::compile(&dollars(files(7))).unwrap());
    let (hash, before) = (bundle.hash, shop.pipeline.engine().bundle().hash);
    let prepared = shop.pipeline.engine().standing().prepare(bundle, &files(7)).unwrap();
    let (keys, diff) = (shop.keys.token_keys(), RuleDiff::default());
    let proposal = Proposal { bundle: hash, proposer: "li".to_owned(), diff: diff.clone() };
    shop.pipeline.control(Control::Propose(proposal), shop.now, &keys).unwrap();
    let (proposer, approver) = (String::new(), "wang".to_owned());
    let ground = Ground::Approved { proposer, approver, signature: None };
    let activation = Activation { bundle: hash, before, ground, diff };
    let refused = shop.pipeline.activate(activation, prepared, shop.now, &keys);
    let is_refused =
        matches!(refused, Err(ControlError::Refused(Refusal::OtherBaseCurrency { .. })));
    assert!(is_refused && shop.pipeline.engine().bundle().hash == before);
}
