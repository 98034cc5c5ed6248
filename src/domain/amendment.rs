//! What becomes known of an event later, and which of two that say so holds.

use super::{EventTime, LabelSource, OutcomeResult, Refusal, Truth};

/// What became known of an event later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Amendment {
    /// What happened after the decision.
    Outcome {
        /// What.
        result: OutcomeResult,
        /// Why, when refused.
        refusal: Option<Refusal>,
    },
    /// The truth.
    Label {
        /// Fraud or not.
        truth: Truth,
        /// Who says so; `None` for one without a name of ours.
        source: Option<LabelSource>,
    },
}

/// When something became known of an event, by its own time, and how far its source is believed.
///
/// Of two outcomes, or two labels, of one event the greater standing holds, in whatever order they
/// arrive; of two equal ones that which arrives last. Both stay in the journal.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Standing(u64);

/// Bits below the time: ranks of sources.
const RANK_BITS: u32 = 4;
const _: () = assert!(EventTime::MAX_MS < 1 << (u64::BITS - RANK_BITS - 1));
const _: () = assert!((LabelSource::Investigation.rank() as u64) < 1 << RANK_BITS);

impl Standing {
    /// Of what was known before times were kept: it gives way to anything.
    pub const UNKNOWN: Self = Self(0);

    /// Of an amendment that tells of a moment.
    pub const fn of(amendment: Amendment, occurred_at: EventTime) -> Self {
        let rank = match amendment {
            Amendment::Label { source: Some(source), .. } => source.rank(),
            Amendment::Label { source: None, .. } | Amendment::Outcome { .. } => 0,
        };
        Self(occurred_at.as_ms().cast_unsigned() << RANK_BITS | rank as u64)
    }

    /// When it became known; `None` where that is not known.
    pub const fn occurred_at(self) -> Option<EventTime> {
        match EventTime::from_ms((self.0 >> RANK_BITS).cast_signed()) {
            Ok(at) => Some(at),
            Err(_) => None,
        }
    }

    /// Packs it.
    pub const fn to_word(self) -> u64 {
        self.0
    }

    /// Unpacks what [`Self::to_word`] gave.
    pub const fn from_word(word: u64) -> Self {
        Self(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A late "legitimate" must not undo a newer "fraud": the time of what is said decides, then who
    /// says it, and never the order of arrival.
    #[test]
    fn the_newer_word_holds() {
        let at = |ms: i64| EventTime::from_ms(1_800_000_000_000 + ms).unwrap();
        let label =
            |ms, source| Standing::of(Amendment::Label { truth: Truth::Fraud, source }, at(ms));
        let rising = [
            Standing::UNKNOWN,
            label(0, Some(LabelSource::Investigation)),
            label(1, None),
            label(1, Some(LabelSource::CustomerReport)),
            label(1, Some(LabelSource::IssuerAlert)),
            label(1, Some(LabelSource::Chargeback)),
            label(1, Some(LabelSource::Investigation)),
            label(2, None),
        ];
        assert!(rising.is_sorted_by(|a, b| a < b), "{rising:?}");
        assert_eq!(Standing::UNKNOWN.occurred_at(), None);
        for (standing, ms) in rising.iter().skip(1).zip([0, 1, 1, 1, 1, 1, 2]) {
            assert_eq!(standing.occurred_at(), Some(at(ms)));
            assert_eq!(Standing::from_word(standing.to_word()), *standing);
        }
    }
}
