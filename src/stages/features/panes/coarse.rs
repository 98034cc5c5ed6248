//! Panes as snapshots of before format 8 have them: of a sixtieth of a window and its delay together,
//! and with 128 registers where values are told apart.

use super::{PANES, is_same};
use crate::stages::features::plan::{KindPlan, Op};

/// Panes that covered a window's reach, beside the one being filled.
const SLOTS: usize = PANES as usize + 2;
/// Words of the registers.
const REGISTER_WORDS: usize = 16;

pub(in crate::stages::features) use PaneLayout as CoarseLayout;

/// Where a kind's panes lay in the block of one key. Names, as all are printed, are part of what a
/// snapshot calls its layout.
#[derive(Clone, Debug, Default)]
pub(in crate::stages::features) struct PaneLayout {
    windows: Vec<PaneWindow>,
    words: usize,
}

#[derive(Clone, Debug)]
struct PaneWindow {
    window: usize,
    width_ms: i64,
    start: usize,
    stride: usize,
    accumulators: Vec<Accumulator>,
}

#[derive(Clone, Debug)]
struct Accumulator {
    op: Op,
    filter: usize,
    at: usize,
}

const fn words_of(op: Op) -> usize {
    match op {
        Op::SinceLast => 0,
        Op::Count => 1,
        Op::Sum(_) | Op::Rate(_) | Op::Min(_) | Op::Max(_) => 2,
        Op::Mean(_) | Op::First(_) | Op::Last(_) => 3,
        Op::Stddev(_) => 5,
        Op::Distinct(..) => REGISTER_WORDS,
    }
}

/// The numbers of a total that can be divided: where, and whether it has two words.
const fn numbers_of(op: Op) -> &'static [(usize, bool)] {
    match op {
        Op::Count => &[(0, false)],
        Op::Rate(_) => &[(0, false), (1, false)],
        Op::Sum(_) => &[(0, true)],
        Op::Mean(_) => &[(0, true), (2, false)],
        Op::Stddev(_) => &[(0, true), (2, true), (4, false)],
        _ => &[],
    }
}

impl PaneLayout {
    pub(in crate::stages::features) fn of(plan: &KindPlan) -> Self {
        let mut layout = Self::default();
        for (at, window) in plan.windows.iter().enumerate() {
            let mut accumulators: Vec<Accumulator> = Vec::new();
            let mut stride = 1;
            let lookups = plan.lookups.iter().flat_map(|(_, list)| list);
            for aggregate in plan.own.iter().chain(lookups).filter(|a| a.window == at) {
                let (op, filter) = (aggregate.op, aggregate.filter);
                let known = accumulators.iter().any(|a| a.op == op && a.filter == filter);
                if !known && words_of(op) > 0 {
                    accumulators.push(Accumulator { op, filter, at: stride });
                    stride += words_of(op);
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

    pub(in crate::stages::features) const fn block_words(&self) -> usize {
        self.words
    }

    /// The number of a total that was kept.
    pub(in crate::stages::features) fn total(
        &self,
        window: usize,
        op: Op,
        filter: usize,
    ) -> Option<usize> {
        let all = self
            .windows
            .iter()
            .flat_map(|panes| panes.accumulators.iter().map(move |one| (panes.window, one)));
        let mut all = all.enumerate();
        let is_it = |at: usize, one: &Accumulator| {
            at == window && is_same(one.op, op) && one.filter == filter
        };
        all.find(|(_, (at, one))| is_it(*at, one)).map(|(number, _)| number)
    }

    /// Spreads what these panes hold over finer ones, evenly up to the youngest event.
    pub(in crate::stages::features) fn spread(
        &self,
        from: &[u64],
        layout: &super::PaneLayout,
        to: &mut [u64],
        latest_ms: i64,
    ) {
        for (old, new) in self.windows.iter().zip(&layout.windows) {
            for one in &old.accumulators {
                let is_it = |other: &&super::Accumulator| {
                    is_same(other.op, one.op) && other.filter == one.filter
                };
                let Some(target) = new.accumulators.iter().find(is_it) else { continue };
                for slot in 0..SLOTS {
                    let pane = &from[old.start + slot * old.stride..][..old.stride];
                    let begin = pane[0].cast_signed().saturating_mul(old.width_ms);
                    let until = (begin.saturating_add(old.width_ms)).min(latest_ms + 1);
                    if pane[0] > 0 && begin < until {
                        let total = &pane[one.at..];
                        spread_one((one.op, total), (begin, until), (new, target.at), to);
                    }
                }
            }
        }
    }
}

/// Spreads one total over the panes from one moment until before another.
fn spread_one(
    (op, total): (Op, &[u64]),
    (begin, until): (i64, i64),
    (new, at): (&super::PaneWindow, usize),
    to: &mut [u64],
) {
    if let Op::First(_) | Op::Last(_) = op {
        let number = new.number(total[0].cast_signed());
        if total[2] > 0
            && let Some(pane) = new.open(to, number)
            && (pane[at + 2] == 0 || matches!(op, Op::Last(_)))
        {
            pane[at..at + 3].copy_from_slice(&total[..3]);
        }
        return;
    }
    let (first, last) = (new.number(begin), new.number(until - 1));
    for number in first.max(last - new.slots as i64 + 1)..=last {
        let Some(pane) = new.open(to, number) else { continue };
        let target = &mut pane[at..];
        if let Op::Min(_) | Op::Max(_) = op {
            let is_beyond = match op {
                Op::Min(_) => total[1].cast_signed() < target[1].cast_signed(),
                _ => total[1].cast_signed() > target[1].cast_signed(),
            };
            if total[0] > 0 && (target[0] == 0 || is_beyond) {
                (target[1], target[2]) = (total[1], total[1]);
            }
            target[0] = target[0].saturating_add(total[0]);
        }
        // What lies before the pane's end less what lies before its beginning: nothing is lost.
        let inside = |ms: i64| i128::from(ms.clamp(begin, until) - begin);
        let (before, after) = (inside(new.begin_ms(number)), inside(new.begin_ms(number + 1)));
        let part = |value: i128| {
            let of = i128::from(until - begin);
            value.saturating_mul(after).div_euclid(of) - value.saturating_mul(before).div_euclid(of)
        };
        for (at, is_wide) in numbers_of(op) {
            let wide = |words: &[u64]| match is_wide {
                true => (u128::from(words[at + 1]) << 64 | u128::from(words[*at])).cast_signed(),
                false => i128::from(words[*at]),
            };
            let sum = wide(target).saturating_add(part(wide(total))).cast_unsigned();
            target[*at] = sum as u64;
            if *is_wide {
                target[at + 1] = (sum >> 64) as u64;
            }
        }
    }
}
