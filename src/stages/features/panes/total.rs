//! One total of one pane: what an event adds to it, and what an amendment takes off again.

use std::ops::Range;

use super::{Accumulator, PaneEvent, PaneEvents};
use crate::stages::features::aggregate::Totals;
use crate::stages::features::filter::Filter;
use crate::stages::features::plan::Op;

/// Words of an operation's total in a pane.
pub(super) const fn words_of(op: Op) -> usize {
    match op {
        // A sample's count and level; the newest time.
        Op::Distinct(..) | Op::SinceLast | Op::Count => 1,
        Op::Sum(_) | Op::Rate(_) => 2,
        Op::Mean(_) | Op::Min(_) | Op::Max(_) | Op::First(_) | Op::Last(_) => 3,
        Op::Stddev(_) => 5,
    }
}

fn wide_sum(words: &[u64], at: usize) -> i128 {
    (u128::from(words[at + 1]) << 64 | u128::from(words[at])).cast_signed()
}

fn add_wide(words: &mut [u64], at: usize, value: i128) {
    // A sum of 64-bit numbers never gets here; their squares might, and stay at the bound.
    let sum = wide_sum(words, at).saturating_add(value).cast_unsigned();
    words[at] = sum as u64;
    words[at + 1] = (sum >> 64) as u64;
}

fn add_count(words: &mut [u64], at: usize, step: i64) {
    words[at] = words[at].saturating_add_signed(step);
}

/// What can be added and taken off again, of an operation that has it.
pub(super) fn totals(op: Op, words: &[u64]) -> Totals {
    let none = Totals::default();
    match op {
        Op::Count => Totals { count: words[0].into(), ..none },
        Op::Sum(_) => Totals { sum: wide_sum(words, 0), ..none },
        Op::Rate(_) => Totals { count: words[0].into(), hits: words[1].into(), ..none },
        Op::Mean(_) => Totals { sum: wide_sum(words, 0), count: words[2].into(), ..none },
        Op::Stddev(_) => Totals {
            sum: wide_sum(words, 0),
            squares: wide_sum(words, 2),
            count: words[4].into(),
            ..none
        },
        _ => none,
    }
}

impl Accumulator {
    /// Adds a stretch of events that belong into one pane.
    pub(super) fn add_all(
        &self,
        pane: &mut [u64],
        events: &impl PaneEvents,
        (flags, stretch): (&[u32], Range<usize>),
        filters: &[Filter],
    ) {
        let filter = &filters[self.filter];
        for at in stretch {
            let flags = flags[at];
            if !filter.passes(flags) {
                continue;
            }
            let event = PaneEvent {
                time_ms: events.time_ms(at),
                flags,
                wide: &|column| events.wide(column, at),
                narrow: &|column| events.narrow(column, at),
            };
            self.add(&mut pane[self.at..], &event, filters);
        }
    }

    /// Adds an event that passes.
    pub(super) fn add(&self, words: &mut [u64], event: &PaneEvent<'_>, filters: &[Filter]) {
        self.step(words, event, filters, 1);
        let number = |column: usize| (event.wide)(column).cast_signed();
        match self.op {
            Op::SinceLast => words[0] = words[0].max(event.time_ms.cast_unsigned()),
            Op::Min(column) => keep(words, number(column), |then, now| now < then),
            Op::Max(column) => keep(words, number(column), |then, now| now > then),
            Op::First(column) => newest(words, event, column, |then, now| now < then),
            Op::Last(column) => newest(words, event, column, |then, now| now >= then),
            _ => {}
        }
    }

    /// Takes off an event that passed. Of extremes the second takes the place of the first; the first
    /// and the last value stay, since what was before them is not known.
    pub(super) fn remove(&self, words: &mut [u64], event: &PaneEvent<'_>, filters: &[Filter]) {
        self.step(words, event, filters, -1);
        match self.op {
            Op::SinceLast if words[0] == event.time_ms.cast_unsigned() => words[0] = 0,
            Op::Min(column) | Op::Max(column) => {
                if words[0] > 0 && words[1] == (event.wide)(column) {
                    words[1] = words[2];
                }
                add_count(words, 0, -1);
            }
            Op::First(_) | Op::Last(_) => add_count(words, 2, -1),
            _ => {}
        }
    }

    /// An event passes as before: only what it is a hit of may have changed.
    pub(super) fn change(
        &self,
        words: &mut [u64],
        (before, after): (&PaneEvent<'_>, &PaneEvent<'_>),
        filters: &[Filter],
    ) {
        if let Op::Rate(hits) = self.op {
            add_count(words, 1, -i64::from(filters[hits].passes(before.flags)));
            add_count(words, 1, i64::from(filters[hits].passes(after.flags)));
        }
    }

    /// What counts and sums gain or lose.
    fn step(&self, words: &mut [u64], event: &PaneEvent<'_>, filters: &[Filter], step: i64) {
        let number = |column: usize| i128::from((event.wide)(column).cast_signed());
        match self.op {
            Op::Count => add_count(words, 0, step),
            Op::Sum(column) => add_wide(words, 0, number(column) * i128::from(step)),
            Op::Mean(column) => {
                add_wide(words, 0, number(column) * i128::from(step));
                add_count(words, 2, step);
            }
            Op::Stddev(column) => {
                let value = number(column);
                add_wide(words, 0, value * i128::from(step));
                add_wide(words, 2, value * value * i128::from(step));
                add_count(words, 4, step);
            }
            Op::Rate(hits) => {
                add_count(words, 0, step);
                if filters[hits].passes(event.flags) {
                    add_count(words, 1, step);
                }
            }
            _ => {}
        }
    }
}

/// Words: number of values, the extreme, the one next to it.
fn keep(words: &mut [u64], value: i64, is_beyond: fn(i64, i64) -> bool) {
    let bits = value.cast_unsigned();
    if words[0] == 0 || is_beyond(words[1].cast_signed(), value) {
        words[2] = if words[0] == 0 { bits } else { words[1] };
        words[1] = bits;
    } else if words[0] == 1 || is_beyond(words[2].cast_signed(), value) {
        words[2] = bits;
    }
    words[0] += 1;
}

/// Words: time, value, number of values.
fn newest(words: &mut [u64], event: &PaneEvent<'_>, column: usize, replaces: fn(i64, i64) -> bool) {
    if words[2] == 0 || replaces(words[0].cast_signed(), event.time_ms) {
        words[0] = event.time_ms.cast_unsigned();
        words[1] = (event.wide)(column);
    }
    words[2] += 1;
}
