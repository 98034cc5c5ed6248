//! The past of a hot key: each window cut into panes, once its ring has given up events in reach.
//!
//! A pane holds totals, not events, so a window over panes is approximate at its old end (by a
//! sixtieth of its reach) and in its distinct counts (a 128-register HyperLogLog, 9% standard
//! error). Values taken from here are marked.

use std::ops::Range;

use super::aggregate::stddev_of;
use super::filter::Filter;
use super::plan::{Aggregate, Column, KindPlan, Op};
use super::ring::{MISSING_NARROW, MISSING_WIDE};

/// Panes that cover a window's reach, beside the one being filled.
const PANES: i64 = 60;
const SLOTS: usize = PANES as usize + 2;
/// HyperLogLog registers, eight to a word.
const REGISTERS: usize = 128;

/// Where a kind's panes lie in the block of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct PaneLayout {
    windows: Vec<PaneWindow>,
    words: usize,
}

#[derive(Clone, Debug)]
struct PaneWindow {
    window: usize,
    width_ms: i64,
    start: usize,
    /// Words of one pane: its number, then the accumulators.
    stride: usize,
    accumulators: Vec<Accumulator>,
}

impl PaneWindow {
    /// Where the pane of a number lies.
    const fn slot(&self, number: u64) -> usize {
        self.start + (number % SLOTS as u64) as usize * self.stride
    }

    /// The pane of a number, empty if the last one in its place was older; `None` if it was younger.
    fn open<'w>(&self, words: &'w mut [u64], number: i64) -> Option<&'w mut [u64]> {
        let number = number.cast_unsigned();
        let slot = self.slot(number);
        let pane = &mut words[slot..slot + self.stride];
        if pane[0] < number {
            pane.fill(0);
            pane[0] = number;
        }
        (pane[0] == number).then_some(pane)
    }
}

/// Where one total lies in the panes of its window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Spot {
    /// The window's first word, and the words of one pane.
    pub(super) start: u32,
    pub(super) stride: u32,
    /// The total's first word in a pane, and how many it has.
    pub(super) at: u32,
    pub(super) words: u32,
}

impl Spot {
    /// Whether all panes lie within a block.
    pub(super) fn is_within(self, block_words: usize) -> bool {
        let end = u64::from(self.start) + SLOTS as u64 * u64::from(self.stride);
        let is_in_pane =
            self.at >= 1 && u64::from(self.at) + u64::from(self.words) <= u64::from(self.stride);
        end <= block_words as u64 && is_in_pane
    }

    /// Copies the total of every pane. A pane that the other block lacks, or has of an older
    /// stretch of time, begins empty.
    pub(super) fn copy_to(self, from: &[u64], other: Self, to: &mut [u64]) {
        let place = |spot: Self, slot: usize| spot.start as usize + slot * spot.stride as usize;
        for slot in 0..SLOTS {
            let (old, new) = (place(self, slot), place(other, slot));
            let number = from[old];
            if to[new] < number {
                to[new..new + other.stride as usize].fill(0);
                to[new] = number;
            }
            if to[new] == number {
                let total = &from[old + self.at as usize..][..self.words as usize];
                to[new + other.at as usize..][..total.len()].copy_from_slice(total);
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Accumulator {
    op: Op,
    filter: usize,
    at: usize,
}

/// Events in the order of their times, as panes are filled from them.
pub(super) trait PaneEvents {
    fn len(&self) -> usize;
    fn time_ms(&self, at: usize) -> i64;
    /// The flags of all of them, by age.
    fn all_flags(&self) -> Vec<u32>;
    fn wide(&self, column: usize, at: usize) -> u64;
    fn narrow(&self, column: usize, at: usize) -> u32;
}

/// What a pane needs of one event.
pub(super) struct PaneEvent<'a> {
    pub(super) time_ms: i64,
    pub(super) flags: u32,
    pub(super) wide: &'a dyn Fn(usize) -> u64,
    pub(super) narrow: &'a dyn Fn(usize) -> u32,
}

/// Whether an event's share is added to a pane or taken back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sign {
    Add,
    /// Only counts and sums can be taken back; extremes and distinct values stay.
    Remove,
}

impl PaneLayout {
    pub(super) fn of(plan: &KindPlan) -> Self {
        let mut layout = Self::default();
        for (at, window) in plan.windows.iter().enumerate() {
            let mut accumulators: Vec<Accumulator> = Vec::new();
            let mut stride = 1;
            let lookups = plan.lookups.iter().flat_map(|(_, list)| list);
            for aggregate in plan.own.iter().chain(lookups).filter(|a| a.window == at) {
                let known = accumulators
                    .iter()
                    .any(|a| a.op == aggregate.op && a.filter == aggregate.filter);
                if !known && words_of(aggregate.op) > 0 {
                    accumulators.push(Accumulator {
                        op: aggregate.op,
                        filter: aggregate.filter,
                        at: stride,
                    });
                    stride += words_of(aggregate.op);
                }
            }
            layout.windows.push(PaneWindow {
                window: at,
                width_ms: window.reach_ms() / PANES + 1,
                start: layout.words,
                stride,
                accumulators,
            });
            layout.words += SLOTS * stride;
        }
        layout
    }

    pub(super) const fn block_words(&self) -> usize {
        self.words
    }

    /// Totals that are kept, over all windows.
    pub(super) fn accumulators(&self) -> usize {
        self.windows.iter().map(|window| window.accumulators.len()).sum()
    }

    /// Window, operation, filter and place of every total, in one order.
    pub(super) fn totals(&self) -> impl Iterator<Item = (usize, Op, usize, Spot)> {
        self.windows.iter().flat_map(|window| {
            window.accumulators.iter().map(move |one| {
                // A block is smaller than a page, so every place in it is.
                let [start, stride, at, words] =
                    [window.start, window.stride, one.at, words_of(one.op)].map(|n| n as u32);
                (window.window, one.op, one.filter, Spot { start, stride, at, words })
            })
        })
    }

    /// The number of an aggregate's total.
    pub(super) fn accumulator(&self, aggregate: &Aggregate) -> Option<usize> {
        let Aggregate { window, op, filter, .. } = aggregate;
        self.totals().position(|(w, o, f, _)| (w, o, f) == (*window, *op, *filter))
    }

    /// The same places with some of the totals only.
    pub(super) fn only(&self, wanted: impl Fn(usize, Op) -> bool) -> Self {
        let mut number = 0;
        let mut layout = self.clone();
        for window in &mut layout.windows {
            window.accumulators.retain(|one| {
                number += 1;
                wanted(number - 1, one.op)
            });
        }
        layout.windows.retain(|window| !window.accumulators.is_empty());
        layout
    }

    /// Whether there is nothing to be filled.
    pub(super) const fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// Adds an event to the panes of every window, or takes it back.
    pub(super) fn apply(
        &self,
        words: &mut [u64],
        event: &PaneEvent<'_>,
        filters: &[Filter],
        sign: Sign,
    ) {
        for window in &self.windows {
            let number = event.time_ms.div_euclid(window.width_ms);
            let Some(pane) = window.open(words, number) else { continue };
            for accumulator in &window.accumulators {
                if filters[accumulator.filter].passes(event.flags) {
                    accumulator.apply(&mut pane[accumulator.at..], event, filters, sign);
                }
            }
        }
    }

    /// Adds all of these events, as if one after the other: those of one pane together.
    pub(super) fn fill(&self, words: &mut [u64], events: &impl PaneEvents, filters: &[Filter]) {
        let flags = events.all_flags();
        for window in &self.windows {
            let mut begin = 0;
            while begin < events.len() {
                let number = events.time_ms(begin).div_euclid(window.width_ms);
                let next_ms = (number + 1) * window.width_ms;
                let mut end = begin + 1;
                while end < events.len() && events.time_ms(end) < next_ms {
                    end += 1;
                }
                if let Some(pane) = window.open(words, number) {
                    for accumulator in &window.accumulators {
                        accumulator.add_all(pane, events, (&flags, begin..end), filters);
                    }
                }
                begin = end;
            }
        }
    }

    /// The words that an event at this time changes: one pane of each window.
    pub(super) fn changing(&self, time_ms: i64) -> impl Iterator<Item = Range<usize>> {
        self.windows.iter().map(move |window| {
            let slot = window.slot(time_ms.div_euclid(window.width_ms).cast_unsigned());
            slot..slot + window.stride
        })
    }

    /// The approximate value of an aggregate over `(start, end]`.
    pub(super) fn value(
        &self,
        words: &[u64],
        aggregate: &Aggregate,
        start_ms: i64,
        end_ms: i64,
    ) -> Option<u64> {
        let window = &self.windows[aggregate.window];
        debug_assert_eq!(window.window, aggregate.window);
        let accumulator = window
            .accumulators
            .iter()
            .find(|a| a.op == aggregate.op && a.filter == aggregate.filter)?;
        // The pane in which the window begins is counted whole when more than half of it is in.
        let first = (start_ms + window.width_ms / 2).div_euclid(window.width_ms) + 1;
        let last = end_ms.div_euclid(window.width_ms);
        let panes = (first.max(last - PANES)..=last).filter_map(|number| {
            let slot = number.rem_euclid(SLOTS as i64) as usize;
            let at = window.start + slot * window.stride;
            let pane = &words[at..at + window.stride];
            (pane[0] == number.cast_unsigned()).then(|| &pane[accumulator.at..])
        });
        accumulator.merge(panes)
    }
}

const fn words_of(op: Op) -> usize {
    match op {
        Op::SinceLast => 0,
        Op::Count => 1,
        Op::Sum(_) | Op::Rate(_) | Op::Min(_) | Op::Max(_) => 2,
        Op::Mean(_) | Op::First(_) | Op::Last(_) => 3,
        Op::Stddev(_) => 5,
        Op::Distinct(..) => REGISTERS / 8,
    }
}

fn wide_sum(words: &[u64], at: usize) -> i128 {
    (u128::from(words[at + 1]) << 64 | u128::from(words[at])).cast_signed()
}

fn add_wide(words: &mut [u64], at: usize, value: i128) {
    let sum = wide_sum(words, at).wrapping_add(value).cast_unsigned();
    words[at] = sum as u64;
    words[at + 1] = (sum >> 64) as u64;
}

impl Accumulator {
    /// Adds a stretch of events that belong into one pane.
    fn add_all(
        &self,
        pane: &mut [u64],
        events: &impl PaneEvents,
        (flags, stretch): (&[u32], Range<usize>),
        filters: &[Filter],
    ) {
        let filter = &filters[self.filter];
        for at in stretch {
            let flags = flags[at];
            if filter.passes(flags) {
                let event = PaneEvent {
                    time_ms: events.time_ms(at),
                    flags,
                    wide: &|column| events.wide(column, at),
                    narrow: &|column| events.narrow(column, at),
                };
                self.apply(&mut pane[self.at..], &event, filters, Sign::Add);
            }
        }
    }

    fn apply(&self, words: &mut [u64], event: &PaneEvent<'_>, filters: &[Filter], sign: Sign) {
        let step = if sign == Sign::Add { 1_i64 } else { -1 };
        let count = |words: &mut [u64], at: usize| {
            words[at] = words[at].cast_signed().saturating_add(step).max(0).cast_unsigned();
        };
        let number = |column: usize| (event.wide)(column).cast_signed();
        match self.op {
            Op::SinceLast => {}
            Op::Count => count(words, 0),
            Op::Sum(column) => add_wide(words, 0, i128::from(number(column)) * i128::from(step)),
            Op::Mean(column) => {
                add_wide(words, 0, i128::from(number(column)) * i128::from(step));
                count(words, 2);
            }
            Op::Stddev(column) => {
                let value = i128::from(number(column));
                add_wide(words, 0, value * i128::from(step));
                add_wide(words, 2, value * value * i128::from(step));
                count(words, 4);
            }
            Op::Rate(hits) => {
                count(words, 0);
                if filters[hits].passes(event.flags) {
                    count(words, 1);
                }
            }
            Op::Min(column) => keep(words, number(column), sign, i64::min),
            Op::Max(column) => keep(words, number(column), sign, i64::max),
            Op::First(column) => newest(words, event, column, sign, |then, now| now < then),
            Op::Last(column) => newest(words, event, column, sign, |then, now| now >= then),
            Op::Distinct(column, _) => {
                let value = match column {
                    Column::Wide(c) => Some((event.wide)(c)).filter(|v| *v != MISSING_WIDE),
                    Column::Narrow(c) => {
                        Some((event.narrow)(c)).filter(|v| *v != MISSING_NARROW).map(u64::from)
                    }
                };
                if let Some(value) = value {
                    register(words, value);
                }
            }
        }
    }

    fn merge<'a>(&self, panes: impl Iterator<Item = &'a [u64]>) -> Option<u64> {
        match self.op {
            Op::SinceLast => None,
            Op::Count => Some(panes.map(|pane| pane[0]).sum()),
            Op::Sum(_) => {
                let sum: i128 = panes.map(|pane| wide_sum(pane, 0)).sum();
                let bounded = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
                Some((bounded as i64).cast_unsigned())
            }
            Op::Mean(_) => {
                let (sum, n) =
                    panes.fold((0, 0), |(s, n), pane| (s + wide_sum(pane, 0), n + pane[2]));
                (n > 0).then(|| (sum as f64 / n as f64).to_bits())
            }
            Op::Stddev(_) => {
                let (sum, squares, n) = panes.fold((0, 0, 0), |(s, q, n), pane| {
                    (s + wide_sum(pane, 0), q + wide_sum(pane, 2), n + pane[4])
                });
                // Many large amounts: the exact product may not fit, the float one does.
                let exact = i128::from(n).checked_mul(squares).and(sum.checked_mul(sum));
                (n > 0).then(|| match exact {
                    Some(_) => stddev_of(i128::from(n), sum, squares).to_bits(),
                    None => {
                        let (mean, mean_square) =
                            (sum as f64 / n as f64, squares as f64 / n as f64);
                        libm::sqrt((mean_square - mean * mean).max(0.0)).to_bits()
                    }
                })
            }
            Op::Rate(_) => {
                let (n, hits) = panes.fold((0, 0), |(n, h), pane| (n + pane[0], h + pane[1]));
                Some(if n == 0 { 0.0_f64 } else { hits as f64 / n as f64 }.to_bits())
            }
            Op::Min(_) => kept(panes, i64::min),
            Op::Max(_) => kept(panes, i64::max),
            Op::First(_) => panes.filter(|pane| pane[2] > 0).map(|pane| pane[1]).next(),
            Op::Last(_) => panes.filter(|pane| pane[2] > 0).map(|pane| pane[1]).last(),
            Op::Distinct(..) => Some(estimate(panes)),
        }
    }
}

/// Words: number of values, the extreme.
fn keep(words: &mut [u64], value: i64, sign: Sign, pick: fn(i64, i64) -> i64) {
    if sign == Sign::Add {
        let best = if words[0] == 0 { value } else { pick(words[1].cast_signed(), value) };
        words[1] = best.cast_unsigned();
        words[0] += 1;
    }
}

fn kept<'a>(panes: impl Iterator<Item = &'a [u64]>, pick: fn(i64, i64) -> i64) -> Option<u64> {
    panes
        .filter(|pane| pane[0] > 0)
        .map(|pane| pane[1].cast_signed())
        .reduce(pick)
        .map(i64::cast_unsigned)
}

/// Words: time, value, number of values.
fn newest(
    words: &mut [u64],
    event: &PaneEvent<'_>,
    column: usize,
    sign: Sign,
    replaces: fn(i64, i64) -> bool,
) {
    if sign == Sign::Add {
        if words[2] == 0 || replaces(words[0].cast_signed(), event.time_ms) {
            words[0] = event.time_ms.cast_unsigned();
            words[1] = (event.wide)(column);
        }
        words[2] += 1;
    }
}

/// Notes a value in the registers (Flajolet et al. 2007).
fn register(words: &mut [u64], value: u64) {
    let hash = mix(value);
    let at = (hash % REGISTERS as u64) as usize;
    let rank = (hash >> 7 | 1 << 57).trailing_zeros() as u64 + 1;
    let shift = at % 8 * 8;
    if words[at / 8] >> shift & 0xff < rank {
        words[at / 8] = words[at / 8] & !(0xff << shift) | rank << shift;
    }
}

fn estimate<'a>(panes: impl Iterator<Item = &'a [u64]>) -> u64 {
    let mut registers = [0_u8; REGISTERS];
    for pane in panes {
        // In whatever order a machine keeps the bytes of a word: only how many have a rank counts.
        let theirs: &[u8] = bytemuck::cast_slice(&pane[..REGISTERS / 8]);
        for (mine, theirs) in registers.iter_mut().zip(theirs) {
            *mine = (*mine).max(*theirs);
        }
    }
    let mut ranks = [0_u8; 64];
    registers.iter().for_each(|rank| ranks[usize::from(*rank).min(63)] += 1);
    let m = REGISTERS as f64;
    // Σ 2^-rank, smallest first.
    let sum = ranks.iter().rev().fold(0.0, |sum, count| sum / 2.0 + f64::from(*count));
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let empty = f64::from(ranks[0]);
    let value = if raw <= 2.5 * m && empty > 0.0 { m * libm::log(m / empty) } else { raw };
    libm::round(value) as u64
}

/// The finaliser of MurmurHash3: spreads small numbers over all bits.
pub(super) const fn mix(value: u64) -> u64 {
    let a = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let b = (a ^ a >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    b ^ b >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::features::oracle::{Bench, START, every_aggregate};

    /// Some seconds between two events, and days at the end.
    struct Slowing;

    impl PaneEvents for Slowing {
        fn len(&self) -> usize {
            400
        }

        fn time_ms(&self, at: usize) -> i64 {
            START + (at * 1_733 + at.saturating_sub(390) * 90_000_000) as i64
        }

        fn all_flags(&self) -> Vec<u32> {
            (0..self.len()).map(|at| mix(at as u64 + 1) as u32).collect()
        }

        fn wide(&self, column: usize, at: usize) -> u64 {
            mix((at * 8 + column) as u64) >> 20
        }

        fn narrow(&self, column: usize, at: usize) -> u32 {
            (at / (column + 1)) as u32
        }
    }

    /// Panes that are filled at once are those that counted one event after the other: no share
    /// lands in a neighbouring pane, and none in a pane whose place a younger one has taken.
    #[test]
    fn filling_is_adding_one_after_the_other() {
        let bench = Bench::new(64, every_aggregate());
        for plan in bench.plan.kinds.iter().filter(|plan| !plan.windows.is_empty()) {
            let mut filled = vec![0; plan.panes.block_words()];
            let mut added = filled.clone();
            plan.panes.fill(&mut filled, &Slowing, &plan.filters);
            for (at, flags) in Slowing.all_flags().into_iter().enumerate() {
                let event = PaneEvent {
                    time_ms: Slowing.time_ms(at),
                    flags,
                    wide: &|column| Slowing.wide(column, at),
                    narrow: &|column| Slowing.narrow(column, at),
                };
                plan.panes.apply(&mut added, &event, &plan.filters, Sign::Add);
            }
            assert!(filled == added, "a total differs");
        }
    }

    /// A distinct count that is off by more than its stated error would trip a threshold alone.
    #[test]
    fn distinct_estimates_stay_near() {
        for n in [1_u64, 10, 100, 1_000, 100_000] {
            let mut words = [0_u64; REGISTERS / 8];
            (0..n).for_each(|value| register(&mut words, value + 1));
            let found = estimate(std::iter::once(&words[..])) as f64;
            assert!((found / n as f64 - 1.0).abs() < 0.3, "{n} estimated as {found}");
        }
    }
}
