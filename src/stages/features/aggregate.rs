//! From a ring to a number: one aggregate over one stretch of events, exactly.

use super::masks::Masks;
use super::panes::clamped;
use super::plan::{Column, Op};
use super::ring::{CLASS_MAX, MISSING_NARROW, MISSING_WIDE, RingView};
use super::runs::{bits, within, words_of};

/// A stretch of a ring seen through a filter.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) ring: RingView<'a>,
    pub(super) masks: &'a Masks,
    /// Index of the filter.
    pub(super) filter: usize,
    /// Its events, by age.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What counts and sums come to: what can be added, and taken off again.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Totals {
    pub(super) count: i128,
    pub(super) hits: i128,
    pub(super) sum: i128,
    pub(super) squares: i128,
}

impl Totals {
    /// This and another one.
    pub(super) const fn and(&self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            hits: self.hits.saturating_add(other.hits),
            sum: self.sum.saturating_add(other.sum),
            squares: self.squares.saturating_add(other.squares),
        }
    }

    /// This without another one.
    pub(super) const fn less(&self, other: &Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            hits: self.hits.saturating_sub(other.hits),
            sum: self.sum.saturating_sub(other.sum),
            squares: self.squares.saturating_sub(other.squares),
        }
    }
}

impl Stretch<'_> {
    /// What an operation's counts and sums come to.
    pub(super) fn totals(&self, op: Op) -> Totals {
        let none = Totals::default();
        match op {
            Op::Count => Totals { count: self.count().into(), ..none },
            Op::Rate(hits) => {
                let hits = Stretch { filter: hits, ..*self }.count().into();
                Totals { count: self.count().into(), hits, ..none }
            }
            Op::Sum(column) | Op::Mean(column) => {
                let (sum, count) = self.sum(column);
                Totals { sum, count: count.into(), ..none }
            }
            Op::Stddev(column) => {
                self.numbers(column).map(i128::from).fold(none, |total, value| {
                    let squares = value * value;
                    total.and(&Totals { count: 1, sum: value, squares, ..none })
                })
            }
            _ => none,
        }
    }

    /// The value of an operation, as the bits of its column; `None` when it has none here. `now_ms`
    /// is the moment of the event, `scratch` is for values to be told apart.
    pub(super) fn value(&self, op: Op, now_ms: i64, scratch: &mut Vec<u64>) -> Option<u64> {
        match op {
            Op::Count => Some(self.count()),
            Op::Sum(column) => Some(clamped(self.sum(column).0).cast_unsigned()),
            Op::Mean(column) => {
                let (sum, count) = self.sum(column);
                (count > 0).then(|| (sum as f64 / count as f64).to_bits())
            }
            Op::Min(column) => self.numbers(column).min().map(i64::cast_unsigned),
            Op::Max(column) => self.numbers(column).max().map(i64::cast_unsigned),
            Op::Stddev(column) => self.stddev(column).map(f64::to_bits),
            Op::Distinct(column, bit) => Some(self.distinct(column, bit, scratch)),
            Op::First(column) => self.numbers(column).next().map(i64::cast_unsigned),
            Op::Last(column) => self.last(column).map(i64::cast_unsigned),
            Op::SinceLast => self.last(0).map(|then| (now_ms - then).cast_unsigned()),
            Op::Rate(hits) => {
                let (count, hits) = (self.count(), Stretch { filter: hits, ..*self }.count());
                Some(if count == 0 { 0.0_f64 } else { hits as f64 / count as f64 }.to_bits())
            }
        }
    }

    /// A mask within the stretch: words of slots with the events' bits, older slots first.
    fn words(self, mask: &[u64]) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        self.ring.runs(self.from..self.to).into_iter().flat_map(move |run| {
            words_of(&run).map(move |word| (word, mask[word] & within(word, &run)))
        })
    }

    /// The events that pass.
    fn passing(&self) -> impl DoubleEndedIterator<Item = (usize, u64)> {
        self.words(self.masks.passing(self.filter))
    }

    /// Their slots, oldest first.
    fn slots(&self) -> impl Iterator<Item = usize> {
        self.passing().flat_map(|(word, events)| bits(events).map(move |bit| word * 64 + bit))
    }

    /// Whether any event passes.
    pub(super) fn any(&self) -> bool {
        self.passing().any(|(_, events)| events != 0)
    }

    fn count(&self) -> u64 {
        self.passing().map(|(_, events)| u64::from(events.count_ones())).sum()
    }

    /// A wide column's values of the events that pass, oldest first.
    fn numbers(&self, column: usize) -> impl Iterator<Item = i64> {
        let values = self.ring.wide_column(column);
        self.slots().map(|slot| values[slot].cast_signed())
    }

    /// The newest event's value in a wide column.
    fn last(&self, column: usize) -> Option<i64> {
        let (word, events) = self.passing().rfind(|(_, events)| *events != 0)?;
        let slot = word * 64 + (63 - events.leading_zeros() as usize);
        Some(self.ring.wide_column(column)[slot].cast_signed())
    }

    /// Sum and number of the events that pass.
    fn sum(&self, column: usize) -> (i128, u64) {
        let values = self.ring.wide_column(column);
        let total = |values: &[u64]| {
            values.iter().fold((0_u64, 0), |(sum, any), v| (sum.wrapping_add(*v), any | *v))
        };
        let picked = |values: &[u64], slots: u64| {
            bits(slots).fold((0_u64, 0), |(sum, any), bit| {
                (sum.wrapping_add(values[bit]), any | values[bit])
            })
        };
        let (mut sum, mut any, mut count) = (0_u64, 0_u64, 0);
        for (word, events) in self.passing() {
            let slots = &values[word * 64..values.len().min(word * 64 + 64)];
            count += u64::from(events.count_ones());
            // Where nearly all pass, all are added and the others taken back: without a branch each.
            let (added, seen) = match events.count_ones() {
                MANY.. => {
                    let (all, seen) = total(slots);
                    (all.wrapping_sub(picked(slots, !events).0), seen)
                }
                _ => picked(slots, events),
            };
            (sum, any) = (sum.wrapping_add(added), any | seen);
        }
        if any >> SUMMED_BITS == 0 {
            return (i128::from(sum), count);
        }
        // Negative numbers, or ones so large that 64 bits may not hold their sum.
        (self.numbers(column).map(i128::from).sum(), count)
    }

    /// Population standard deviation from exact integer sums: (n·Σx² − (Σx)²) / n².
    fn stddev(&self, column: usize) -> Option<f64> {
        let Totals { count, sum, squares, .. } = self.totals(Op::Stddev(column));
        (count > 0).then(|| stddev_of(count, sum, squares))
    }

    fn distinct(&self, column: Column, bit: Option<u32>, scratch: &mut Vec<u64>) -> u64 {
        let after = self.ring.len() - self.to;
        if let Some(bit) = bit.filter(|_| after <= AFTER_MAX) {
            let marked = self.words(self.masks.marked(bit));
            let marked = marked.map(|(_, events)| u64::from(events.count_ones())).sum::<u64>();
            return marked + if after == 0 { 0 } else { self.seen_again(column, scratch) };
        }
        self.values_into(column, scratch);
        scratch.sort_unstable();
        scratch.dedup();
        scratch.len() as u64
    }

    /// Values of the stretch whose mark stands past its end, on one of the few events there.
    fn seen_again(&self, column: Column, scratch: &mut Vec<u64>) -> u64 {
        let after = Self { from: self.to, to: self.ring.len(), ..*self };
        after.values_into(column, scratch);
        scratch.sort_unstable();
        scratch.dedup();
        scratch.iter().filter(|value| self.contains(column, **value)).count() as u64
    }

    fn contains(&self, column: Column, value: u64) -> bool {
        match column {
            Column::Wide(c) => {
                let values = self.ring.wide_column(c);
                self.slots().any(|slot| values[slot] == value)
            }
            Column::Narrow(c) => {
                let values = self.ring.narrow_column(c);
                self.slots().any(|slot| u64::from(values[slot]) == value)
            }
        }
    }

    /// The values of the events that pass, where they have one.
    fn values_into(&self, column: Column, scratch: &mut Vec<u64>) {
        scratch.clear();
        match column {
            Column::Wide(c) => {
                let values = self.ring.wide_column(c);
                let values = self.slots().map(|slot| values[slot]);
                scratch.extend(values.filter(|value| *value != MISSING_WIDE));
            }
            Column::Narrow(c) => {
                let values = self.ring.narrow_column(c);
                let values = self.slots().map(|slot| values[slot]);
                scratch.extend(values.filter(|v| *v != MISSING_NARROW).map(u64::from));
            }
        }
    }
}

/// Events of a word from which on all are added.
const MANY: u32 = 40;

/// Most events past a stretch that are looked for in it one by one: streams from several partitions
/// are a little out of order nearly always.
const AFTER_MAX: usize = 16;

/// So many values below two to the power of this have a sum that 64 bits hold.
const SUMMED_BITS: u32 = 63 - (CLASS_MAX as u32 + 1);

/// From exact sums to the deviation; the square root is exact to the last bit on every machine. Where
/// the exact product is past 128 bits, the one in floating point is not.
pub(super) fn stddev_of(count: i128, sum: i128, squares: i128) -> f64 {
    let exact = count.checked_mul(squares).zip(sum.checked_mul(sum));
    match exact.filter(|_| squares < i128::MAX) {
        Some((mean_square, square)) => {
            libm::sqrt((mean_square - square).max(0) as f64) / count as f64
        }
        None => {
            let (mean, mean_square) = (sum as f64 / count as f64, squares as f64 / count as f64);
            libm::sqrt((mean_square - mean * mean).max(0.0))
        }
    }
}
