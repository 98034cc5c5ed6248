//! What another bundle would have decided: answers that change, counted by what an analyst asks.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::Bundle;
use crate::commands::audit::line::follow_ups;
use crate::commands::audit::names::Names;
use crate::domain::{Body, Fact};
use crate::journal::ReadEntry;

/// What another bundle would have decided.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct WhatIf {
    /// The other bundle's hash.
    pub(super) bundle: String,
    /// Decisions that were compared.
    pub(super) decisions: u64,
    /// Decisions whose action or follow-ups change.
    pub(super) changed: u64,
    /// Of those, with a more severe action.
    pub(super) stricter: u64,
    /// With a milder one.
    pub(super) milder: u64,
    /// Decisions with the same answer and another score, points, reasons or flags.
    pub(super) other: u64,
    /// Changed decisions by answer then and answer now, the most frequent first.
    pub(super) transitions: Vec<Transition>,
    /// Reasons that changed decisions gain or lose.
    pub(super) reasons: Vec<ReasonChange>,
    /// By service.
    pub(super) services: Vec<Slice>,
    /// By amount in the bundle's base currency.
    pub(super) amounts: Vec<Slice>,
    /// By day of arrival in the bundle's zone.
    pub(super) days: Vec<Slice>,
    /// The first changed decisions of each transition.
    pub(super) examples: Vec<Example>,
}

/// How many decisions went from one answer to another.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Transition {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) decisions: u64,
}

/// How often a reason comes or goes.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct ReasonChange {
    pub(super) reason: String,
    pub(super) gained: u64,
    pub(super) lost: u64,
}

/// Decisions that share something.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Slice {
    pub(super) name: String,
    pub(super) decisions: u64,
    pub(super) changed: u64,
    pub(super) stricter: u64,
    pub(super) milder: u64,
}

/// One changed decision.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Example {
    pub(super) seq: u64,
    pub(super) event_id: String,
    pub(super) received_at: String,
    pub(super) service: String,
    pub(super) amount: Option<String>,
    pub(super) then: Side,
    pub(super) now: Side,
}

/// One side of an example.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Side {
    pub(super) answer: String,
    pub(super) score: u16,
    pub(super) reasons: Vec<String>,
}

/// Examples of one transition.
const EXAMPLES_EACH: u64 = 3;
/// Major units at which an amount band ends, exclusive.
const BANDS: [i64; 4] = [100, 1_000, 10_000, 100_000];

/// Counts as decisions come.
pub(super) struct Tally<'b> {
    bundle: &'b Bundle,
    report: WhatIf,
    transitions: BTreeMap<(String, String), u64>,
    reasons: BTreeMap<String, ReasonChange>,
    services: BTreeMap<String, Slice>,
    amounts: BTreeMap<usize, Slice>,
    days: BTreeMap<i64, Slice>,
}

impl<'b> Tally<'b> {
    pub(super) fn new(bundle: &'b Bundle) -> Self {
        Self {
            report: WhatIf { bundle: bundle.name(), ..WhatIf::default() },
            bundle,
            transitions: BTreeMap::new(),
            reasons: BTreeMap::new(),
            services: BTreeMap::new(),
            amounts: BTreeMap::new(),
            days: BTreeMap::new(),
        }
    }

    /// Takes a decision: the journal's side and the other bundle's.
    pub(super) fn take(&mut self, entry: &ReadEntry, then: &Body, now: &Body, names: &Names) {
        self.report.decisions += 1;
        let change = Change::of(then, now);
        for slice in self.slices(entry) {
            slice.decisions += 1;
            slice.changed += u64::from(change.answer);
            slice.stricter += u64::from(now.action > then.action);
            slice.milder += u64::from(now.action < then.action);
        }
        // Reasons are numbered by their bundle: between two bundles only codes compare.
        let (then, now) = (self.then(then, names), self.now(now));
        if !change.answer {
            let same = change.rest == Rest::Same && then.reasons == now.reasons;
            self.report.other += u64::from(!same);
            return;
        }
        self.report.changed += 1;
        self.report.stricter += u64::from(change.is_stricter);
        self.report.milder += u64::from(change.is_milder);
        self.note_reasons(&then, &now);
        let key = (then.answer.clone(), now.answer.clone());
        let count = self.transitions.entry(key).or_default();
        *count += 1;
        if *count <= EXAMPLES_EACH {
            let example = self.example(entry, then, now);
            self.report.examples.push(example);
        }
    }

    /// Where a decision is counted: its service, its amount's band, its day.
    fn slices(&mut self, entry: &ReadEntry) -> [&mut Slice; 3] {
        let facts = &entry.input.facts;
        let service = facts.text(Fact::Service).unwrap_or("unknown");
        // Looked up first, so that a known name costs no allocation.
        if !self.services.contains_key(service) {
            let slice = Slice { name: service.to_owned(), ..Slice::default() };
            self.services.insert(service.to_owned(), slice);
        }
        let scale = 10_i64.pow(u32::from(self.bundle.base_decimals.min(9)));
        let band = facts
            .int(Fact::AmountBase)
            .map_or(0, |minor| 1 + BANDS.iter().take_while(|end| minor >= **end * scale).count());
        let currency = self.bundle.base_currency.as_str();
        let amount = self
            .amounts
            .entry(band)
            .or_insert_with(|| Slice { name: band_name(band, currency), ..Slice::default() });
        let start = self.bundle.zone.day_start_ms(entry.input.received_at);
        let zone = &self.bundle.zone;
        let day = self
            .days
            .entry(start)
            .or_insert_with(|| Slice { name: day_name(start, zone), ..Slice::default() });
        // It was put there above.
        let service = self.services.get_mut(service).expect("inserted above");
        [service, amount, day]
    }

    fn then(&self, body: &Body, names: &Names) -> Side {
        let reasons = body.reasons.as_slice().iter().map(|id| names.reason(*id)).collect();
        Side { answer: answer(body), score: body.score, reasons }
    }

    fn now(&self, body: &Body) -> Side {
        let code = |id: &crate::domain::ReasonId| {
            let known = self.bundle.reasons.get(usize::from(id.0));
            known.map_or_else(|| format!("reason_{}", id.0), |(code, _)| code.clone())
        };
        let reasons = body.reasons.as_slice().iter().map(code).collect();
        Side { answer: answer(body), score: body.score, reasons }
    }

    fn note_reasons(&mut self, then: &Side, now: &Side) {
        for reason in now.reasons.iter().filter(|reason| !then.reasons.contains(reason)) {
            self.reasons.entry(reason.clone()).or_default().gained += 1;
        }
        for reason in then.reasons.iter().filter(|reason| !now.reasons.contains(reason)) {
            self.reasons.entry(reason.clone()).or_default().lost += 1;
        }
    }

    fn example(&self, entry: &ReadEntry, then: Side, now: Side) -> Example {
        let facts = &entry.input.facts;
        let amount = facts.int(Fact::AmountBase);
        Example {
            seq: entry.seq.0,
            event_id: entry.input.event_id.clone(),
            received_at: entry.input.received_at.to_string(),
            service: facts.text(Fact::Service).unwrap_or_default().to_owned(),
            amount: amount.map(|minor| crate::commands::report::money(minor, self.bundle)),
            then,
            now,
        }
    }

    /// The counts, each list in its order.
    pub(super) fn finish(self) -> WhatIf {
        let mut report = self.report;
        report.transitions = self
            .transitions
            .into_iter()
            .map(|((from, to), decisions)| Transition { from, to, decisions })
            .collect();
        report.transitions.sort_by_key(|transition| std::cmp::Reverse(transition.decisions));
        report.reasons = self
            .reasons
            .into_iter()
            .map(|(reason, change)| ReasonChange { reason, ..change })
            .collect();
        report.reasons.sort_by_key(|change| std::cmp::Reverse(change.gained + change.lost));
        report.services = self.services.into_values().collect();
        report.amounts = self.amounts.into_values().collect();
        report.days = self.days.into_values().collect();
        report
    }
}

/// What is different between two bodies.
struct Change {
    /// Action or follow-ups.
    answer: bool,
    is_stricter: bool,
    is_milder: bool,
    rest: Rest,
}

/// Whether what stands beside the answer is the same, reasons left out.
#[derive(Eq, PartialEq)]
enum Rest {
    Same,
    Different,
}

impl Change {
    fn of(then: &Body, now: &Body) -> Self {
        let reasons = then.reasons;
        let rest = if (Body { reasons, ..*now }) == *then { Rest::Same } else { Rest::Different };
        Self {
            answer: (then.action, then.follow_ups) != (now.action, now.follow_ups),
            is_stricter: now.action > then.action,
            is_milder: now.action < then.action,
            rest,
        }
    }
}

/// Action and follow-ups in one word: `approve+review`.
fn answer(body: &Body) -> String {
    let words = std::iter::once(body.action.name()).chain(follow_ups(body));
    words.collect::<Vec<_>>().join("+")
}

fn band_name(band: usize, currency: &str) -> String {
    let end = |at: usize| crate::commands::report::grouped(BANDS[at].unsigned_abs());
    match band {
        0 => "no amount".to_owned(),
        1 => format!("below {} {currency}", end(0)),
        // Bands are numbered by how many ends an amount has reached.
        last if last > BANDS.len() => format!("from {} {currency}", end(BANDS.len() - 1)),
        between => format!("{} to {} {currency}", end(between - 2), end(between - 1)),
    }
}

/// The date on the wall at a day's beginning.
fn day_name(start_ms: i64, zone: &crate::domain::Zone) -> String {
    let local = crate::domain::EventTime::from_ms(start_ms)
        .and_then(|start| crate::domain::EventTime::from_ms(zone.local_ms(start)));
    // The local wall clock, written as if it were UTC: its date is the day's.
    local.map_or_else(|_| start_ms.to_string(), |local| local.to_string()[..10].to_owned())
}
