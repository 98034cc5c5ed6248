//! From a ring to a number: one aggregate over one stretch of events, exactly.

use std::ops::Range;

use super::filter::Filter;
use super::plan::{Column, Op};
use super::ring::{MISSING_NARROW, MISSING_WIDE, RingView};

/// A stretch of a ring seen through a filter.
#[derive(Clone, Copy)]
pub(super) struct Stretch<'a> {
    pub(super) ring: RingView<'a>,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) filter: &'a Filter,
}

/// What an operation needs beside its stretch.
pub(super) struct Inputs<'a> {
    /// The moment of the event.
    pub(super) time_ms: i64,
    /// The kind's filters, for `rate`.
    pub(super) filters: &'a [Filter],
    /// Scratch for values to be told apart.
    pub(super) scratch: &'a mut Vec<u64>,
}

impl Stretch<'_> {
    /// The value of an operation, as the bits of its column; `None` when it has none here.
    pub(super) fn value(&self, op: Op, inputs: &mut Inputs<'_>) -> Option<u64> {
        match op {
            Op::Count => Some(self.count()),
            Op::Sum(column) => Some(self.sum(column).0.cast_unsigned()),
            Op::Mean(column) => {
                let (sum, count) = self.sum(column);
                (count > 0).then(|| (sum as f64 / count as f64).to_bits())
            }
            Op::Min(column) => self.extreme(column, i64::MAX, i64::min),
            Op::Max(column) => self.extreme(column, i64::MIN, i64::max),
            Op::Stddev(column) => self.stddev(column).map(f64::to_bits),
            Op::Distinct(column, bit) => Some(self.distinct(column, bit, inputs.scratch)),
            Op::First(column) => {
                self.slots().next().map(|slot| self.ring.wide_column(column)[slot])
            }
            Op::Last(column) => self.last().map(|slot| self.ring.wide_column(column)[slot]),
            Op::SinceLast => self.last().map(|slot| {
                let then = self.ring.wide_column(0)[slot].cast_signed();
                (inputs.time_ms - then).cast_unsigned()
            }),
            Op::Rate(hits) => {
                let count = self.count();
                let hits = Stretch { filter: &inputs.filters[hits], ..*self }.count();
                Some(if count == 0 { 0.0_f64 } else { hits as f64 / count as f64 }.to_bits())
            }
        }
    }

    fn runs(&self) -> [Range<usize>; 2] {
        self.ring.runs(self.from..self.to)
    }

    /// The slots that pass the filter, oldest first.
    fn slots(&self) -> impl DoubleEndedIterator<Item = usize> {
        let flags = self.ring.narrow_column_or_empty(1);
        let [older, younger] = self.runs();
        older.chain(younger).filter(|slot| self.filter.passes(flags[*slot]))
    }

    fn last(&self) -> Option<usize> {
        self.slots().next_back()
    }

    fn count(&self) -> u64 {
        if self.filter.is_all() {
            return (self.to - self.from) as u64;
        }
        let flags = self.ring.narrow_column_or_empty(1);
        self.runs()
            .into_iter()
            .map(|run| match self.filter.single() {
                Some((mask, value)) => {
                    flags[run].iter().map(|f| u64::from(f & mask == value)).sum::<u64>()
                }
                None => flags[run].iter().filter(|f| self.filter.passes(**f)).count() as u64,
            })
            .sum()
    }

    /// Sum and number of the events that pass. A ring holds at most 4,096 amounts below 10^15.
    fn sum(&self, column: usize) -> (i64, u64) {
        if self.from == self.to {
            return (0, 0);
        }
        let (values, flags) = (self.ring.wide_column(column), self.ring.narrow_column(1));
        let (mut sum, mut count) = (0_i64, 0_u64);
        for run in self.runs() {
            let pairs = values[run.clone()].iter().zip(&flags[run]);
            if let Some((mask, value)) = self.filter.single() {
                for (number, flags) in pairs {
                    let passes = flags & mask == value;
                    sum = sum.wrapping_add(if passes { number.cast_signed() } else { 0 });
                    count += u64::from(passes);
                }
            } else {
                for (number, _) in pairs.filter(|(_, flags)| self.filter.passes(**flags)) {
                    sum = sum.wrapping_add(number.cast_signed());
                    count += 1;
                }
            }
        }
        (sum, count)
    }

    fn extreme(&self, column: usize, start: i64, pick: fn(i64, i64) -> i64) -> Option<u64> {
        let (values, mut found, mut best) = (self.ring.wide_column_or_empty(column), false, start);
        for slot in self.slots() {
            best = pick(best, values[slot].cast_signed());
            found = true;
        }
        found.then(|| best.cast_unsigned())
    }

    /// Population standard deviation from exact integer sums: (n·Σx² − (Σx)²) / n².
    fn stddev(&self, column: usize) -> Option<f64> {
        let values = self.ring.wide_column_or_empty(column);
        let (mut count, mut sum, mut squares) = (0_i128, 0_i128, 0_i128);
        for slot in self.slots() {
            let value = i128::from(values[slot].cast_signed());
            count += 1;
            sum += value;
            squares += value * value;
        }
        (count > 0).then(|| stddev_of(count, sum, squares))
    }

    fn distinct(&self, column: Column, bit: Option<u32>, scratch: &mut Vec<u64>) -> u64 {
        let after = self.ring.len() - self.to;
        if let Some(bit) = bit.filter(|_| after <= AFTER_MAX) {
            return self.marked(bit) + self.seen_again(column, scratch);
        }
        self.values_into(column, scratch);
        scratch.sort_unstable();
        scratch.dedup();
        scratch.len() as u64
    }

    /// Marks in the stretch: one stands on the newest event of each value in the ring.
    fn marked(&self, bit: u32) -> u64 {
        let mark = 1_u32 << bit;
        let flags = self.ring.narrow_column_or_empty(1);
        self.runs()
            .into_iter()
            .map(|run| flags[run].iter().map(|f| u64::from(f & mark != 0)).sum::<u64>())
            .sum()
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
        let flags = self.ring.narrow_column_or_empty(1);
        let passes = |slot: usize| self.filter.passes(flags[slot]);
        self.runs().into_iter().any(|run| match column {
            Column::Wide(c) => {
                let values = self.ring.wide_column_or_empty(c);
                run.into_iter().any(|slot| values[slot] == value && passes(slot))
            }
            Column::Narrow(c) => {
                let values = self.ring.narrow_column_or_empty(c);
                run.into_iter().any(|slot| u64::from(values[slot]) == value && passes(slot))
            }
        })
    }

    /// The values of the events that pass, where they have one.
    fn values_into(&self, column: Column, scratch: &mut Vec<u64>) {
        scratch.clear();
        scratch.extend(self.slots().filter_map(|slot| {
            match column {
                Column::Wide(c) => {
                    Some(self.ring.wide_column(c)[slot]).filter(|v| *v != MISSING_WIDE)
                }
                Column::Narrow(c) => Some(self.ring.narrow_column(c)[slot])
                    .filter(|v| *v != MISSING_NARROW)
                    .map(u64::from),
            }
        }));
    }
}

/// Most events past a stretch that are looked for in it one by one: streams from several partitions
/// are a little out of order nearly always.
const AFTER_MAX: usize = 16;

/// From exact sums to the deviation; the square root is exact to the last bit on every machine.
pub(super) fn stddev_of(count: i128, sum: i128, squares: i128) -> f64 {
    let spread = (count * squares - sum * sum).max(0);
    libm::sqrt(spread as f64) / count as f64
}
