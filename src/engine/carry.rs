//! Another bundle's windows: what was counted under the one before is carried over, in pieces.
//!
//! The state does it for its rows (`stages/features/carry`). Here is the rest: what is remembered of
//! each event, so that an outcome finds its totals, is renewed a few events at a time.

use super::snapshot::LastInput;
use super::{Engine, Prepared, Refusal, check_currency};
use crate::domain::EventTime;
use crate::stages::features::{CarryFault, FeatureState, Footprint, Misfit, PanesAre, Words};

/// Remembered events that are looked at with every event while old ones are about.
const RENEWED_AN_EVENT: usize = 8;
/// Numbers that an event is remembered with at least: room for bundles to come.
pub(super) const NUMBERS_MIN: usize = 4;
/// How far a client's clock runs ahead at most: how young an event may be that was counted before
/// the first snapshot that says so.
const AHEAD_MS: i64 = 5 * 60_000;

/// Which remembered events may still be as an earlier bundle wrote them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Renewal {
    next: usize,
    until: usize,
}

impl Engine {
    /// Whether the windows can be carried over to a bundle.
    pub(super) fn check_switch(&self, prepared: &Prepared) -> Result<(), Refusal> {
        check_currency(&self.bundle, &prepared.bundle)?;
        if self.layout == prepared.layout {
            return Ok(());
        }
        let (needed, room) = (prepared.plan.numbers(), self.recent.numbers());
        if needed > room {
            return Err(Refusal::TooManyNumbers { needed, room });
        }
        let checked = self.state.check_carry(&self.plan, &prepared.plan);
        checked.map_err(|CarryFault::StillCarrying| Refusal::StillCarrying)
    }

    /// Carries the windows over to a plan that takes the place of the one in force.
    pub(super) fn carry(&mut self, prepared: &Prepared) {
        if self.layout == prepared.layout {
            return;
        }
        let received_at = self.last_received_at().unwrap_or(EventTime::MIN);
        self.state.carry(&self.plan, &prepared.plan, received_at);
        self.layout = prepared.layout;
        self.renewal = Renewal { next: 0, until: self.recent.len() };
    }

    /// Renews a few remembered events.
    pub(super) fn renew_some(&mut self) {
        if !self.state.has_old_footprints() {
            return;
        }
        let Renewal { next, until } = self.renewal;
        let end = until.min(next + RENEWED_AN_EVENT);
        for row in next..end {
            self.recent.footprint(row, &mut self.other);
            if self.state.renew(&mut self.other) {
                self.recent.set_footprint(row, &self.other);
            }
        }
        self.renewal.next = end;
        if end >= until {
            self.state.forget_old_footprints();
        }
    }

    pub(super) fn write_carried(&self, out: &mut Vec<u64>) {
        out.extend([self.renewal.next as u64, self.renewal.until as u64]);
        self.state.write_carried(out);
    }

    /// What [`Self::write_carried`] wrote; snapshots that know nothing of it end before.
    pub(super) fn read_carried(
        &self,
        state: &mut FeatureState,
        (last, remembered): (&LastInput, usize),
        words: &mut Words<'_>,
        panes: PanesAre,
    ) -> Result<Renewal, Misfit> {
        if words.0.is_empty() {
            let until_ms = last.received_at.as_ms() + AHEAD_MS;
            state.counted_until(until_ms);
            state.has_presence_from(&self.plan, until_ms);
            return Ok(Renewal::default());
        }
        let mut place = || words.at_most(remembered as u64).map(|at| at as usize);
        let renewal = Renewal { next: place()?, until: place()? };
        state.read_carried(&self.plan, words, panes)?;
        Ok(renewal)
    }

    /// Words of what is remembered of an event's numbers, under the bundle in force.
    pub(super) fn footprint_words(numbers: usize) -> usize {
        Footprint::words(numbers.max(NUMBERS_MIN))
    }
}
