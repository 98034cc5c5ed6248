//! What becomes known after an event: its outcome within seconds, its label within days.

use super::draft::{Draft, Fate, Told};
use super::lines::Amendment;
use super::rng::Rng;
use super::settings::Settings;

/// Purpose of the random numbers of amendments.
const SALT: u64 = 0x616D_656E;
const MINUTE_MS: f64 = 60_000.0;
const DAY_MS: f64 = 86_400_000.0;

/// Decides what is told of an event, and when.
#[derive(Debug)]
pub(super) struct Amender {
    rng: Rng,
    outcome_share: f64,
    label_share: f64,
    fraud_label_share: f64,
}

impl Amender {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            rng: Rng::of(settings.seed, SALT, 0),
            outcome_share: settings.outcome_share,
            label_share: settings.label_share,
            fraud_label_share: settings.fraud_label_share,
        }
    }

    /// The outcome of an event that moves money and its delay in milliseconds, if it is told. A
    /// planted event's always is, unless outcomes are off.
    pub(super) fn outcome(&mut self, draft: &Draft) -> Option<(i64, Amendment)> {
        let always = draft.plant.is_some() || draft.told == Told::Always;
        let told = draft.kind.moves_money()
            && (self.rng.chance(self.outcome_share) || (always && self.outcome_share > 0.0));
        let delay_ms = self.rng.between(150, 2_500);
        let what = match draft.fate {
            Fate::Approved => Amendment::Approved,
            Fate::Refused(code) => Amendment::Refused(code),
            Fate::NotSent => Amendment::NotSent,
            Fate::Reversed => Amendment::Reversed,
        };
        told.then_some((delay_ms, what))
    }

    /// The label of an event that moves money and its delay in milliseconds, if it ever gets one.
    pub(super) fn label(&mut self, draft: &Draft) -> Option<(i64, Amendment)> {
        let fraud = draft.plant.is_some_and(|plant| plant.fraud);
        let share = if fraud { self.fraud_label_share } else { self.label_share };
        if !draft.kind.moves_money() || !self.rng.chance(share) {
            return None;
        }
        let (source, low, high) = match self.rng.below(10) {
            0..3 => ("issuer_alert", 5.0 * MINUTE_MS, 120.0 * MINUTE_MS),
            3..6 => ("customer_report", 30.0 * MINUTE_MS, 3.0 * DAY_MS),
            6..8 => ("investigation", 0.5 * DAY_MS, 4.0 * DAY_MS),
            _ => ("chargeback", 2.0 * DAY_MS, 10.0 * DAY_MS),
        };
        let delay_ms = self.rng.log_uniform(low, high) as i64;
        let what = if fraud { Amendment::Fraud(source) } else { Amendment::Legitimate(source) };
        Some((delay_ms, what))
    }
}
