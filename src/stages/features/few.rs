//! A ring of at most 64 events: who passes a filter is one word, so that an aggregate is a mask and
//! a count of bits. Nearly every key has so few.

use super::aggregate::stddev_of;
use super::filter::Filter;
use super::plan::{KindPlan, Op};
use super::ring::RingView;

/// Most events of a ring that is answered this way.
pub(super) const FEW: usize = 64;

/// Words over a short ring's events, bit 0 the oldest; buffers that live from event to event.
#[derive(Debug, Default)]
pub(super) struct Masks {
    /// Who passes, by filter.
    passing: Vec<u64>,
    /// Who is the newest of its value, by flag bit.
    marked: [u64; 32],
}

impl Masks {
    /// Asks every filter and mark of a kind, once for all its aggregates.
    pub(super) fn fill(&mut self, ring: RingView<'_>, plan: &KindPlan) {
        debug_assert!(ring.len() <= FEW);
        self.passing.clear();
        self.passing.extend(plan.filters.iter().map(|filter| passing(ring, filter)));
        for mark in &plan.marks {
            let bit = 1_u32 << mark.bit;
            self.marked[mark.bit as usize] = word(ring, |flags| flags & bit != 0);
        }
    }
}

fn passing(ring: RingView<'_>, filter: &Filter) -> u64 {
    match filter.single() {
        Some((mask, value)) => word(ring, |flags| flags & mask == value),
        None => word(ring, |flags| filter.passes(flags)),
    }
}

fn word(ring: RingView<'_>, test: impl Fn(u32) -> bool) -> u64 {
    let flags = ring.narrow_column_or_empty(1);
    let (mut word, mut at) = (0, 0);
    for run in ring.runs(0..ring.len()) {
        for flags in &flags[run] {
            word |= u64::from(test(*flags)) << at;
            at += 1;
        }
    }
    word
}

/// A stretch of a short ring.
#[derive(Clone, Copy)]
pub(super) struct FewEvents<'a> {
    pub(super) ring: RingView<'a>,
    pub(super) masks: &'a Masks,
    /// Index of the filter.
    pub(super) filter: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl FewEvents<'_> {
    /// The bits of the stretch.
    fn within(&self) -> u64 {
        let until = |end: usize| if end >= 64 { u64::MAX } else { (1 << end) - 1 };
        until(self.to) & !until(self.from)
    }

    /// The value of an operation as the bits of its column; the outer `None` when masks cannot tell
    /// and the events have to be looked at.
    pub(super) fn value(&self, op: Op, now_ms: i64) -> Option<Option<u64>> {
        let within = self.within();
        let passing = self.masks.passing[self.filter] & within;
        let count = u64::from(passing.count_ones());
        let some = |found: u64| (passing != 0).then_some(found);
        Some(match op {
            Op::Count => Some(count),
            Op::Sum(column) => Some(self.sum(column, passing).cast_unsigned()),
            Op::Mean(column) => some((self.sum(column, passing) as f64 / count as f64).to_bits()),
            Op::Min(column) => self.values(column, passing).min().map(i64::cast_unsigned),
            Op::Max(column) => self.values(column, passing).max().map(i64::cast_unsigned),
            Op::Stddev(column) => {
                let values = || self.values(column, passing).map(i128::from);
                let squares = values().map(|value| value * value).sum();
                some(stddev_of(count.into(), values().sum(), squares).to_bits())
            }
            Op::Distinct(_, Some(bit)) if self.to == self.ring.len() => {
                Some(u64::from((self.masks.marked[bit as usize] & within).count_ones()))
            }
            Op::Distinct(..) => return None,
            Op::First(column) => self.values(column, passing).next().map(i64::cast_unsigned),
            Op::Last(column) => self.last(column, passing).map(i64::cast_unsigned),
            Op::SinceLast => self.last(0, passing).map(|then| (now_ms - then).cast_unsigned()),
            Op::Rate(hits) => {
                let hits = (self.masks.passing[hits] & within).count_ones();
                let rate = if count == 0 { 0.0 } else { f64::from(hits) / count as f64 };
                Some(rate.to_bits())
            }
        })
    }

    /// A wide column's values of these events, oldest first.
    fn values(&self, column: usize, mut events: u64) -> impl Iterator<Item = i64> {
        std::iter::from_fn(move || {
            let at = (events != 0).then(|| events.trailing_zeros() as usize)?;
            events &= events - 1;
            Some(self.ring.wide(column, at).cast_signed())
        })
    }

    /// Their sum: at most 64 amounts below 10^15.
    fn sum(&self, column: usize, events: u64) -> i64 {
        self.values(column, events).fold(0, i64::wrapping_add)
    }

    fn last(&self, column: usize, events: u64) -> Option<i64> {
        let at = 63_usize.checked_sub(events.leading_zeros() as usize)?;
        Some(self.ring.wide(column, at).cast_signed())
    }
}
