//! What was sent and what came back: counts, latencies, and the truth held against the answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::generator::{Fault, Message, Truth};

/// The part of a masked decision that the tally looks at.
#[derive(Deserialize)]
struct Decision<'a> {
    event_id: &'a str,
    action: &'a str,
    follow_ups: Vec<&'a str>,
    #[serde(borrow)]
    reasons: Vec<Reason<'a>>,
}

#[derive(Deserialize)]
struct Reason<'a> {
    code: &'a str,
}

#[derive(Deserialize)]
struct DeadLetter<'a> {
    reason: &'a str,
}

/// What is known of an event that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    plant: Option<(&'static str, u32)>,
    is_planted: bool,
    is_answered: bool,
}

/// A campaign of one typology.
#[derive(Clone, Copy, Debug, Default)]
struct Campaign {
    at_or_above: bool,
    is_fraud: bool,
    flagged: bool,
}

pub(super) struct Tally {
    /// Messages that will be sent.
    pub(super) total: u64,
    sent_messages: u64,
    all_sent: bool,
    events: HashMap<String, Sent>,
    campaigns: BTreeMap<(&'static str, u32), Campaign>,
    /// Events that can be decided once each.
    to_decide: u64,
    pub(super) decided: u64,
    repeats: u64,
    pub(super) actions: BTreeMap<String, u64>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) dead: BTreeMap<String, u64>,
    clean: u64,
    clean_stopped: u64,
    clean_reviewed: u64,
    /// Microseconds from sending to reading the decision.
    pub(super) latency: Histogram<u64>,
    pub(super) samples: VecDeque<String>,
}

/// Decisions shown at a time.
const SAMPLES: usize = 3;

impl Tally {
    pub(super) fn new(total: u64) -> Self {
        Self {
            total,
            sent_messages: 0,
            all_sent: false,
            events: HashMap::new(),
            campaigns: BTreeMap::new(),
            to_decide: 0,
            decided: 0,
            repeats: 0,
            actions: BTreeMap::new(),
            reasons: BTreeMap::new(),
            dead: BTreeMap::new(),
            clean: 0,
            clean_stopped: 0,
            clean_reviewed: 0,
            // One microsecond to ten minutes; the bounds are constants, so this cannot fail.
            latency: Histogram::new_with_bounds(1, 600_000_000, 3).expect("constant bounds"),
            samples: VecDeque::new(),
        }
    }

    pub(super) fn sent(&mut self, truth: &Truth) {
        self.sent_messages += 1;
        if let Some(plant) = truth.planted {
            let campaign = self.campaigns.entry((plant.typology, plant.campaign)).or_default();
            campaign.at_or_above |= plant.at_or_above;
            campaign.is_fraud |= plant.fraud;
        }
        let is_event = matches!(truth.message, Message::Event(_));
        let is_new = !matches!(truth.fault, Some(Fault::Malformed(_) | Fault::Conflict));
        if !is_event || !is_new {
            return;
        }
        let sent = Sent {
            at: Instant::now(),
            plant: truth.planted.map(|plant| (plant.typology, plant.campaign)),
            is_planted: truth.planted.is_some(),
            is_answered: false,
        };
        if self.events.insert(truth.event_id.to_string(), sent).is_none() {
            self.to_decide += 1;
        }
    }

    pub(super) fn sent_all(&mut self) {
        self.all_sent = true;
    }

    pub(super) fn is_sent(&self) -> bool {
        self.all_sent
    }

    /// Every event that can be decided has been.
    pub(super) fn is_complete(&self) -> bool {
        self.all_sent && self.decided >= self.to_decide
    }

    pub(super) fn answered(&self) -> u64 {
        self.decided + self.repeats + self.dead.values().sum::<u64>()
    }

    pub(super) fn decided(&mut self, payload: &[u8]) {
        let Ok(decision) = sonic_rs::from_slice::<Decision<'_>>(payload) else { return };
        let Some(known) = self.events.get_mut(decision.event_id) else { return };
        let sent = *known;
        known.is_answered = true;
        if sent.is_answered {
            self.repeats += 1;
            return;
        }
        let us = sent.at.elapsed().as_micros() as u64;
        self.decided += 1;
        self.latency.saturating_record(us.max(1));
        *self.actions.entry(decision.action.to_owned()).or_default() += 1;
        for reason in &decision.reasons {
            *self.reasons.entry(reason.code.to_owned()).or_default() += 1;
        }
        let stopped = decision.action != "approve";
        let reviewed = !decision.follow_ups.is_empty();
        if let Some(campaign) = sent.plant.and_then(|key| self.campaigns.get_mut(&key)) {
            campaign.flagged |= stopped || reviewed || !decision.reasons.is_empty();
        }
        if !sent.is_planted {
            self.clean += 1;
            self.clean_stopped += u64::from(stopped);
            self.clean_reviewed += u64::from(reviewed && !stopped);
        }
        if stopped || self.decided.is_multiple_of(500) {
            self.samples.push_back(String::from_utf8_lossy(payload).into_owned());
            if self.samples.len() > SAMPLES {
                self.samples.pop_front();
            }
        }
    }

    pub(super) fn dead_letter(&mut self, payload: &[u8]) {
        let reason = sonic_rs::from_slice::<DeadLetter<'_>>(payload);
        let reason = reason.map_or("unreadable", |letter| letter.reason);
        *self.dead.entry(reason.to_owned()).or_default() += 1;
    }

    pub(super) fn summary(&self, elapsed: Duration) -> Summary {
        let mut typologies: BTreeMap<&'static str, Typology> = BTreeMap::new();
        for ((name, _), campaign) in &self.campaigns {
            let entry = typologies.entry(name).or_default();
            entry.fraud |= campaign.is_fraud;
            let (planted, flagged) = if campaign.at_or_above {
                (&mut entry.planted_at_or_above, &mut entry.flagged_at_or_above)
            } else {
                (&mut entry.planted_below, &mut entry.flagged_below)
            };
            *planted += 1;
            *flagged += u64::from(campaign.flagged);
        }
        let share = |part: u64| {
            if self.clean == 0 { 0.0 } else { part as f64 / self.clean as f64 }
        };
        Summary {
            messages: self.sent_messages,
            decided: self.decided,
            undecided: self.to_decide.saturating_sub(self.decided),
            repeats: self.repeats,
            seconds: elapsed.as_secs_f64(),
            per_second: self.decided as f64 / elapsed.as_secs_f64().max(0.001),
            latency_p50_us: self.latency.value_at_quantile(0.5),
            latency_p99_us: self.latency.value_at_quantile(0.99),
            latency_p999_us: self.latency.value_at_quantile(0.999),
            actions: self.actions.clone(),
            reasons: self.reasons.clone(),
            dead_letters: self.dead.clone(),
            clean_events: self.clean,
            clean_stopped_share: share(self.clean_stopped),
            clean_reviewed_share: share(self.clean_reviewed),
            typologies,
        }
    }
}

/// The end of a demo.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) messages: u64,
    pub(super) decided: u64,
    pub(super) undecided: u64,
    pub(super) repeats: u64,
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    pub(super) latency_p50_us: u64,
    pub(super) latency_p99_us: u64,
    pub(super) latency_p999_us: u64,
    pub(super) actions: BTreeMap<String, u64>,
    pub(super) reasons: BTreeMap<String, u64>,
    pub(super) dead_letters: BTreeMap<String, u64>,
    pub(super) clean_events: u64,
    /// Clean events that were challenged or declined.
    pub(super) clean_stopped_share: f64,
    /// Clean events that passed and were put before a person.
    pub(super) clean_reviewed_share: f64,
    pub(super) typologies: BTreeMap<&'static str, Typology>,
}

/// Campaigns of one typology, on both sides of the rule's threshold.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Typology {
    pub(super) fraud: bool,
    pub(super) planted_at_or_above: u64,
    pub(super) flagged_at_or_above: u64,
    pub(super) planted_below: u64,
    pub(super) flagged_below: u64,
}
