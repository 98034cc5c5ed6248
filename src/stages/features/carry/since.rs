//! Since when what a kind keeps is whole: what an aggregate may be believed by.

use super::map::KindMap;
use crate::stages::features::plan::{Aggregate, Column, FeaturePlan, KindPlan, Op};

/// Per kind, from which moment on its rings and panes hold every event with everything that the plan
/// asks. Empty lists: from the beginning.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::stages::features) struct Since {
    /// Events at or before this moment may be missing altogether.
    pub(super) kept_ms: Option<i64>,
    /// Per wide column after the time.
    pub(super) wide_ms: Vec<i64>,
    /// Per narrow column after number and flags.
    pub(super) narrow_ms: Vec<i64>,
    /// Per condition's bit, in the order of the plan.
    pub(super) bits_ms: Vec<i64>,
    /// Per total of the panes.
    pub(super) panes_ms: Vec<i64>,
}

/// A change of plans, as far as it decides what is whole.
#[derive(Clone, Copy, Debug)]
pub(in crate::stages::features) struct Whole {
    /// No event that was counted under the old plan is younger.
    pub(in crate::stages::features) counted_until_ms: i64,
    /// What was dropped as out of reach is older than this less the old plan's reach.
    pub(in crate::stages::features) dropped_until_ms: i64,
}

/// Of what was never missing.
pub(super) const ALWAYS: i64 = i64::MIN;

impl Since {
    /// After a change of plans.
    pub(super) fn after(
        &self,
        map: &KindMap,
        (old, new): (&FeaturePlan, &FeaturePlan),
        kind: usize,
        whole: Whole,
    ) -> Self {
        let (old, new) = (&old.kinds[kind], &new.kinds[kind]);
        let now = whole.counted_until_ms;
        let kept_ms = match old.windows.is_empty() {
            // Before the first event there is nothing that could be missing.
            true if now == ALWAYS => None,
            true => Some(now),
            false => {
                let reach = whole.dropped_until_ms.saturating_sub(old.reach_ms);
                Some(self.kept_ms.map_or(reach, |kept| kept.max(reach)))
            }
        };
        let column = |since: &[i64], fixed: u16, from: Option<u16>| match from {
            Some(from) => since.get(usize::from(from - fixed)).copied().unwrap_or(ALWAYS),
            None => now,
        };
        let bit = |(_, bit): &(usize, u32)| {
            let from = map.bits.iter().find(|(_, to)| to == bit).map(|(from, _)| *from);
            let place = |from| old.leaf_bits.iter().position(|(_, known)| *known == from);
            match from.and_then(place) {
                Some(at) => self.bits_ms.get(at).copied().unwrap_or(ALWAYS),
                None => now,
            }
        };
        let pane = |number: usize| {
            let copy = map.panes.iter().find(|copy| usize::from(copy.accumulator) == number);
            copy.map_or(now, |copy| self.pane(usize::from(copy.old_accumulator)))
        };
        Self {
            kept_ms,
            wide_ms: map.wide.iter().map(|from| column(&self.wide_ms, 1, *from)).collect(),
            narrow_ms: map.narrow.iter().map(|from| column(&self.narrow_ms, 2, *from)).collect(),
            bits_ms: new.leaf_bits.iter().map(bit).collect(),
            panes_ms: (0..new.panes.accumulators()).map(pane).collect(),
        }
    }

    /// From when on a total of the panes is whole in every row.
    pub(super) fn pane(&self, accumulator: usize) -> i64 {
        self.panes_ms.get(accumulator).copied().unwrap_or(ALWAYS)
    }

    /// From when on everything that an aggregate reads is there.
    pub(super) fn whole(&self, plan: &KindPlan, aggregate: &Aggregate) -> i64 {
        let wide = |column: usize| {
            column.checked_sub(1).and_then(|at| self.wide_ms.get(at)).copied().unwrap_or(ALWAYS)
        };
        let filter = |filter: usize| {
            let bits = plan.filters[filter].bits();
            let asked = plan.leaf_bits.iter().zip(&self.bits_ms);
            asked.filter(|((_, bit), _)| bits >> bit & 1 == 1).map(|(_, since)| *since).max()
        };
        let read = match aggregate.op {
            Op::Count | Op::SinceLast => ALWAYS,
            Op::Sum(column)
            | Op::Mean(column)
            | Op::Min(column)
            | Op::Max(column)
            | Op::Stddev(column)
            | Op::First(column)
            | Op::Last(column)
            | Op::Distinct(Column::Wide(column), _) => wide(column),
            Op::Distinct(Column::Narrow(column), _) => {
                let at = column.checked_sub(2);
                at.and_then(|at| self.narrow_ms.get(at)).copied().unwrap_or(ALWAYS)
            }
            Op::Rate(hits) => filter(hits).unwrap_or(ALWAYS),
        };
        let kept = self.kept_ms.unwrap_or(ALWAYS);
        read.max(kept).max(filter(aggregate.filter).unwrap_or(ALWAYS))
    }
}
