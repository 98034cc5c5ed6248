//! What people change meanwhile: lists, the bundle in force, a rule. Some of it is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use crate::bundle::{Bundle, shipped_files};
use crate::domain::{
    Activation, BundleDigest, Control, EntityKind, EventTime, Ground, ListAddition, ListEntry,
    ListRemoval, ListSource, Proposal, Provenance, RuleDiff, Seq, SwitchedOff, Token,
};
use crate::edges::admin::{Change, Done, OrderSender};
use crate::engine::Engine;

use super::broker::CARDS;
use super::dice::Dice;
use super::world::Shared;

const FEATURES: &str = r#"
- {name: card_count, aggregate: count, by: card, over: 1h}
- {name: card_sum, aggregate: sum(amount_base), by: card, over: 1h, where: '!outcome.reversed'}
- {name: card_merchants, aggregate: distinct(merchant), by: card, over: 1d}
- {name: merchant_frauds, aggregate: rate(label.fraud), by: merchant, over: 7d}
- {name: account_mean, aggregate: mean(amount_base), by: account, over: 1d, excluding_current: true}
"#;
/// Other windows: some are gone, some are new, some are of kinds that kept none.
const OTHER_FEATURES: &str = r#"
- {name: card_count, aggregate: count, by: card, over: 3h}
- {name: card_sum, aggregate: sum(amount_base), by: card, over: 1h, where: '!outcome.reversed'}
- {name: card_minor, aggregate: sum(amount_minor), by: card, over: 1d}
- {name: merchant_frauds, aggregate: rate(label.fraud), by: merchant, over: 7d}
- {name: merchant_cards, aggregate: distinct(card), by: merchant, over: 2h, where: '!outcome.reversed'}
"#;
const RULES: &str = r#"
rules:
  - {id: A, name: A, when: card_count > 3, then: {action: challenge, points: 300}, reason: {code: a, text: A.}}
  - {id: B, name: B, when: 'merchant_frauds > 0.2', then: {points: 250}, reason: {code: b, text: B.}}
  - {id: C, name: C, when: 'card_sum > money("60.00 CNY")', then: {action: decline, points: 100}, guard: {declines_per_minute: 2}, reason: {code: c, text: C.}}
  - {id: L, name: L, when: 'in_list("stolen", card)', then: {block: true}, reason: {code: l, text: L.}}
"#;

/// A bundle with its files.
pub(super) type Rules = (Arc<Bundle>, BTreeMap<String, Vec<u8>>);

/// The bundle of the configuration, one with other rules and guards, and one with other windows.
pub(super) fn bundles() -> Vec<Rules> {
    let other_rules = RULES.replace("card_count > 3", "card_count > 2").replace("60.00", "45.00");
    let guarded = "\nguards: {declines_per_minute: 3}\n";
    [(FEATURES, RULES, ""), (FEATURES, &other_rules, guarded), (OTHER_FEATURES, RULES, "")]
        .into_iter()
        .map(|(features, rules, policy)| {
            let mut files = shipped_files();
            files.retain(|name, _| ["bundle.yaml", "policy.yaml"].contains(&name.as_str()));
            let mut edit = |name: &str, edit: &dyn Fn(String) -> String| {
                let text = String::from_utf8(files[name].clone()).unwrap();
                files.insert(name.to_owned(), edit(text).into_bytes());
            };
            let list = "\nlists:\n  stolen: {kind: card, purpose: block}\n";
            edit("bundle.yaml", &|text| text.replacen("\nlists:\n", list, 1));
            edit("policy.yaml", &|text| text + policy);
            files.insert("features.yaml".to_owned(), features.as_bytes().to_vec());
            files.insert("rules.yaml".to_owned(), rules.as_bytes().to_vec());
            let bundle = Bundle::compile(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
            (Arc::new(bundle), files)
        })
        .collect()
}

/// The people at one running service.
pub(super) struct People {
    sender: OrderSender,
    asked: Vec<Receiver<Done>>,
}

impl People {
    pub(super) fn new(sender: OrderSender) -> Self {
        Self { sender, asked: Vec::new() }
    }

    /// Somebody asks for something.
    pub(super) fn ask(
        &mut self,
        shared: &Shared,
        dice: &mut Dice,
        (engine, now): (&Engine, EventTime),
    ) {
        match dice.below(8) {
            0..3 => self.post(Change::Control(list_change(shared, dice, now))),
            3 => {
                let rule = ["A", "B", "C", "unknown"][dice.place(4)].to_owned();
                let (by, reason) = ("zhao".to_owned(), "too loud".to_owned());
                self.post(Change::Control(Control::SwitchOff(SwitchedOff { rule, by, reason })));
            }
            4 => {
                let by = Ground::RolledBack { by: "zhao".to_owned() };
                self.activate(shared, dice, (engine, by));
            }
            _ => {
                let (proposer, approver) = ("li".to_owned(), ["wang", "li"][dice.place(2)]);
                let bundle = shared.bundles[dice.place(shared.bundles.len())].0.hash;
                let proposal = Proposal { bundle, proposer, diff: diff() };
                self.post(Change::Control(Control::Propose(proposal)));
                let (proposer, approver) = (String::new(), approver.to_owned());
                let ground = Ground::Approved { proposer, approver, signature: None };
                // Sometimes one that waits since long, or that nobody proposed.
                if dice.once_in(3) {
                    self.activate(shared, dice, (engine, ground));
                } else {
                    self.activate_this(shared, bundle, (engine, ground));
                }
            }
        }
    }

    fn activate(&mut self, shared: &Shared, dice: &mut Dice, why: (&Engine, Ground)) {
        let bundle = shared.bundles[dice.place(shared.bundles.len())].0.hash;
        self.activate_this(shared, bundle, why);
    }

    fn activate_this(
        &mut self,
        shared: &Shared,
        bundle: BundleDigest,
        (engine, ground): (&Engine, Ground),
    ) {
        let (next, files) = shared.rules(&bundle);
        let prepared = engine.standing().prepare(Arc::clone(next), files).unwrap();
        let activation = Activation { bundle, before: engine.bundle().hash, ground, diff: diff() };
        self.post(Change::Activate(activation, Box::new(prepared)));
    }

    fn post(&mut self, change: Change) {
        self.asked.extend(self.sender.post(change));
    }

    /// The numbers of the changes that people have been told of since the last call.
    pub(super) fn hear(&mut self) -> Vec<Seq> {
        let mut made = Vec::new();
        self.asked.retain(|answer| match answer.try_recv() {
            Ok(done) => {
                made.extend(done.map(|(seq, _)| seq));
                false
            }
            Err(TryRecvError::Empty) => true,
            Err(TryRecvError::Disconnected) => false,
        });
        made
    }
}

fn diff() -> RuleDiff {
    RuleDiff { changed: vec!["C".to_owned()], ..RuleDiff::default() }
}

fn list_change(shared: &Shared, dice: &mut Dice, now: EventTime) -> Control {
    let (list, kind) = ("stolen".to_owned(), EntityKind::Card);
    let provenance = Provenance {
        sources: vec![ListSource::Investigation],
        reason: "case 17".to_owned(),
        creator: "li".to_owned(),
        approver: "wang".to_owned(),
        appeal: "desk 3".to_owned(),
        ..Provenance::default()
    };
    let tokens: Vec<Token> =
        (0..1 + dice.below(3)).map(|_| shared.card(dice.below(CARDS))).collect();
    if dice.once_in(3) {
        return Control::ListRemove(ListRemoval { list, kind, tokens, provenance });
    }
    // Some end while the course goes on, and some have ended already.
    let expires_at = EventTime::from_ms(now.as_ms() + dice.below(60_000) as i64 - 2_000).unwrap();
    let entry = |token| ListEntry { token, expires_at };
    let entries = tokens.into_iter().map(entry).collect();
    Control::ListAdd(ListAddition { list, kind, entries, provenance })
}
