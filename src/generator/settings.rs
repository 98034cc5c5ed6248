//! What a stream should be like: sizes, rates and shares.

/// The shape of a generated stream. Shares lie in `[0, 1]`; what lies outside is clamped.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Everything follows from it: the same settings give the same bytes on every machine.
    pub seed: u64,
    /// Messages to write in all: events, outcomes, labels, copies and malformed lines.
    pub events: u64,
    /// Ordinary customers; raised to [`World::CUSTOMERS_MIN`](super::World::CUSTOMERS_MIN).
    pub customers: u32,
    /// Merchants; raised to [`World::PLACES_MIN`](super::World::PLACES_MIN).
    pub merchants: u32,
    /// Terminals; raised to the same minimum.
    pub terminals: u32,
    /// The stream's first moment, milliseconds since 1970-01-01T00:00:00Z.
    pub start_ms: i64,
    /// Messages per second of *event time*, on a day's average. It sets how long a history the
    /// stream spans, not how fast it is written. Keep `customers / rate_per_s` at 10,000 seconds or
    /// more, else ordinary people pay so often that they look like attackers. Typologies that take
    /// longer than `events / rate_per_s` are not planted.
    pub rate_per_s: f64,
    /// Planted events among all events (messages that are neither outcome nor label nor fault).
    pub fraud_share: f64,
    /// Ordinary events that arrive late, by seconds to hours.
    pub late_share: f64,
    /// Lines that are sent again, byte for byte, within a minute.
    pub duplicate_share: f64,
    /// Lines that are sent again under the same id with another amount.
    pub conflict_share: f64,
    /// Lines that no decoder may accept.
    pub malformed_share: f64,
    /// Events that move money and are followed by their outcome.
    pub outcome_share: f64,
    /// Ordinary events that move money and are labelled later, as legitimate.
    pub label_share: f64,
    /// Planted frauds that are labelled later, as fraud.
    pub fraud_label_share: f64,
}

impl Default for Settings {
    /// Some twelve days of one message a second in a city of fifty thousand customers.
    fn default() -> Self {
        Self {
            seed: 7,
            events: 1_000_000,
            customers: 50_000,
            merchants: 8_000,
            terminals: 12_000,
            // Monday, 2026-03-02T06:00:00+08:00.
            start_ms: 1_772_402_400_000,
            rate_per_s: 1.0,
            fraud_share: 0.01,
            late_share: 0.005,
            duplicate_share: 0.002,
            conflict_share: 0.0002,
            malformed_share: 0.001,
            outcome_share: 0.4,
            label_share: 0.005,
            fraud_label_share: 0.7,
        }
    }
}

impl Settings {
    /// The same settings with every share inside `[0, 1]` and the rate positive.
    pub(super) fn clamped(mut self) -> Self {
        for share in [
            &mut self.fraud_share,
            &mut self.late_share,
            &mut self.duplicate_share,
            &mut self.conflict_share,
            &mut self.malformed_share,
            &mut self.outcome_share,
            &mut self.label_share,
            &mut self.fraud_label_share,
        ] {
            *share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        }
        // Faults are drawn per line: at one half the stream is still a stream.
        self.malformed_share = self.malformed_share.min(0.5);
        self.duplicate_share = self.duplicate_share.min(0.5);
        self.conflict_share = self.conflict_share.min(0.5);
        self.fraud_share = self.fraud_share.min(0.5);
        self.rate_per_s = if self.rate_per_s > 1e-6 { self.rate_per_s.min(1e6) } else { 1.0 };
        self
    }

    /// The moment at which the stream is expected to end.
    pub(super) fn end_ms(&self) -> i64 {
        self.start_ms.saturating_add((self.events as f64 / self.rate_per_s * 1_000.0) as i64)
    }

    /// Ordinary events per millisecond that make `rate_per_s` messages with all that follows them.
    pub(super) fn ordinary_per_ms(&self) -> f64 {
        // About nine events in ten move money, and so may have an outcome.
        let followed = 1.0 + 0.85 * (self.outcome_share + self.label_share);
        let faults = 1.0 + self.duplicate_share + self.conflict_share + self.malformed_share;
        self.rate_per_s / 1_000.0 * (1.0 - self.fraud_share) / (followed * faults)
    }
}
