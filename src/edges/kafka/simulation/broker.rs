//! A broker in memory and the clients that send to it: retries, conflicts, rubbish, outcomes and
//! labels before and after their payments, over partitions that come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::domain::Seq;
use crate::telemetry::Output;

use super::super::changes::Told;
use super::super::ledger::Ticket;
use super::dice::Dice;

/// The simulated broker.
#[derive(Debug)]
pub(super) struct Broker {
    /// Messages by partition.
    pub(super) log: Vec<Vec<Vec<u8>>>,
    /// Logs that had the name before: partition and messages.
    former: Vec<(usize, Vec<Vec<u8>>)>,
    /// What the group was told: the offset, and the numbers beside it.
    pub(super) committed: Vec<Option<(i64, Told)>>,
    /// What has arrived, in the order of arrival.
    pub(super) outputs: Vec<Sent>,
    /// Ids of events that ask for a decision.
    pub(super) events: BTreeSet<String>,
}

/// An output on its way or there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Sent {
    pub(super) ticket: Ticket,
    pub(super) output: Output,
    pub(super) seq: Option<Seq>,
    pub(super) key: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// How many cards the clients have.
pub(super) const CARDS: u64 = 5;

/// A card's number.
pub(super) fn card(of: u64) -> String {
    format!("622588123456789{of}")
}

/// Begin of the simulated time, Unix milliseconds.
pub(super) const BEGIN_MS: i64 = 1_795_000_000_000;

impl Broker {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let partitions = 1 + dice.place(3);
        let mut broker = Self {
            log: vec![Vec::new(); partitions],
            former: Vec::new(),
            committed: vec![None; partitions],
            outputs: Vec::new(),
            events: BTreeSet::new(),
        };
        let count = 20 + dice.below(50);
        let mut sent: Vec<String> = Vec::new();
        for number in 0..count {
            let message = match dice.below(10) {
                0 if !sent.is_empty() => sent[dice.place(sent.len())].clone(),
                1 if !sent.is_empty() => {
                    // The same id, another amount: whichever comes first is decided.
                    let other = sent[dice.place(sent.len())].clone();
                    other.replace("\"minor\":1", "\"minor\":2")
                }
                2 => amendment(dice, count),
                3 if dice.once_in(3) => "{\"kind\":\"payment\",".to_owned(),
                _ => {
                    broker.events.insert(format!("e{number}"));
                    payment(dice, number)
                }
            };
            sent.push(message.clone());
            broker.log[dice.place(partitions)].push(message.into_bytes());
        }
        broker
    }

    /// Deletes a topic and makes it again under its name: the same messages, in another order. The group
    /// forgets its position, or a tool has kept it.
    pub(super) fn make_again(&mut self, dice: &mut Dice) {
        let partition = dice.place(self.log.len());
        let log = &self.log[partition];
        if log.is_empty() {
            return;
        }
        let mut other = log.clone();
        other.rotate_left(dice.place(log.len()));
        // Two logs with one event in one place cannot be told apart by that place.
        let is_alike =
            |log: &Vec<Vec<u8>>| log.iter().zip(&other).any(|(was, is)| about(was) == about(is));
        let mut former = self.former.iter().filter(|(of, _)| *of == partition);
        if is_alike(log) || former.any(|(_, log)| is_alike(log)) {
            return;
        }
        let former = std::mem::replace(&mut self.log[partition], other);
        self.former.push((partition, former));
        if dice.once_in(2) {
            self.committed[partition] = None;
        }
    }

    /// Whether the group knows that everything is done.
    pub(super) fn is_done(&self) -> bool {
        let told = |(log, told): (&Vec<Vec<u8>>, &Option<(i64, Told)>)| {
            log.is_empty() || told.is_some_and(|(offset, _)| offset == log.len() as i64)
        };
        self.log.iter().zip(&self.committed).all(told)
    }

    /// Decisions by event: the first that arrived, and every other one equals it.
    pub(super) fn decisions(&self) -> Result<BTreeMap<String, (Seq, Vec<u8>)>, String> {
        let mut decisions: BTreeMap<String, (Seq, Vec<u8>)> = BTreeMap::new();
        for sent in self.outputs.iter().filter(|sent| sent.output == Output::Decision) {
            let key = String::from_utf8_lossy(&sent.key).into_owned();
            let this = (sent.seq.unwrap_or_default(), sent.payload.clone());
            let first = decisions.entry(key.clone()).or_insert_with(|| this.clone());
            if *first != this {
                return Err(format!("{key} was answered twice, and not the same"));
            }
        }
        Ok(decisions)
    }
}

/// What a message says up to what may differ between two of one event.
fn about(message: &[u8]) -> &[u8] {
    let end = message.windows(8).position(|window| window == b"\"kind\":\"");
    let end = end.filter(|end| *end > 1).unwrap_or(message.len());
    &message[..end]
}

fn time(dice: &mut Dice) -> String {
    let ms = BEGIN_MS - dice.below(3_600_000) as i64;
    let at = jiff::Timestamp::from_millisecond(ms).unwrap();
    format!("{at:.3}")
}

fn payment(dice: &mut Dice, number: u64) -> String {
    let mut json = String::new();
    let (account, merchant) = (dice.below(CARDS), dice.below(3));
    let kind = if dice.once_in(8) && number > 0 { "reversal" } else { "payment" };
    write!(
        json,
        "{{\"event_id\":\"e{number}\",\"kind\":\"{kind}\",\"service\":\"mobile_payment\",\
         \"occurred_at\":\"{}\",\"amount\":{{\"minor\":1{:03},\"currency\":\"CNY\"}},",
        time(dice),
        dice.below(1_000),
    )
    .unwrap();
    if kind == "reversal" {
        write!(json, "\"original_event_id\":\"e{}\",", dice.below(number)).unwrap();
    }
    write!(
        json,
        "\"payer\":{{\"account_id\":\"a{account}\",\"card\":{{\"number\":\"{}\"}}}},\
         \"merchant\":{{\"id\":\"m{merchant}\",\"mcc\":\"5411\"}}}}",
        card(account)
    )
    .unwrap();
    json
}

fn amendment(dice: &mut Dice, count: u64) -> String {
    let of = dice.below(count);
    let at = time(dice);
    if dice.once_in(2) {
        let truth = if dice.once_in(2) { "fraud" } else { "legitimate" };
        format!(
            "{{\"kind\":\"label\",\"of\":\"e{of}\",\"truth\":\"{truth}\",\
             \"source\":\"chargeback\",\"occurred_at\":\"{at}\"}}"
        )
    } else {
        let result = if dice.once_in(2) { "approved" } else { "reversed" };
        format!(
            "{{\"kind\":\"outcome\",\"of\":\"e{of}\",\"result\":\"{result}\",\
             \"occurred_at\":\"{at}\"}}"
        )
    }
}
