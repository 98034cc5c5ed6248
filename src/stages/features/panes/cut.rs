//! A window laid over its panes: what lies wholly in it, and how much of the panes at its ends does.

use super::total::totals;
use super::{Accumulator, PaneWindow};
use crate::stages::features::aggregate::{Stretch, Totals, stddev_of};
use crate::stages::features::filter::Filter;
use crate::stages::features::plan::{Column, Op};
use crate::stages::features::ring::{MISSING_NARROW, MISSING_WIDE};

/// What is asked of a window, and what its ring knows of it.
pub(in crate::stages::features) struct Asked<'a> {
    /// The window is `(start_ms, end_ms]`.
    pub(in crate::stages::features) start_ms: i64,
    pub(in crate::stages::features) end_ms: i64,
    /// The event's moment.
    pub(in crate::stages::features) now_ms: i64,
    /// The ring has every event that is younger.
    pub(in crate::stages::features) lost_until_ms: i64,
    /// The ring's events in the window, without the event at hand where it is excluded.
    pub(in crate::stages::features) inside: Stretch<'a>,
    /// The end of those with it.
    pub(in crate::stages::features) to: usize,
    /// What the aggregate takes.
    pub(in crate::stages::features) filter: &'a Filter,
}

impl Asked<'_> {
    /// The event at hand, where it is in the ring and excluded and would be taken: its value in a
    /// column.
    pub(super) fn excluded(&self, column: Column) -> Option<u64> {
        let (ring, at) = (self.inside.ring, self.inside.to);
        if at >= self.to || !self.filter.passes(ring.flags(at)) {
            return None;
        }
        match column {
            Column::Wide(c) => Some(ring.wide(c, at)).filter(|value| *value != MISSING_WIDE),
            Column::Narrow(c) => {
                Some(ring.narrow(c, at)).filter(|value| *value != MISSING_NARROW).map(u64::from)
            }
        }
    }

    /// Whether the event at hand is excluded.
    const fn excludes(&self) -> bool {
        self.inside.to < self.to
    }
}

/// The panes of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// The panes in which it begins and ends.
    pub(super) first: i64,
    pub(super) last: i64,
    /// How much of the first one is in it: so many milliseconds of so many.
    oldest: (i64, i64),
    newest: (i64, i64),
    /// Whether the ring knows every event after the window's end.
    ends_exactly: bool,
}

impl Cut {
    pub(super) fn of(window: &PaneWindow, asked: &Asked<'_>) -> Self {
        let Asked { start_ms, end_ms, .. } = *asked;
        let (first, last) = (window.number(start_ms + 1), window.number(end_ms));
        let ends_exactly = end_ms >= asked.lost_until_ms;
        let ring = asked.inside.ring;
        let newest_ms = ring.len().checked_sub(1).map_or(end_ms, |at| ring.time_ms(at));
        // The newest pane of all is filled only as far as events have come.
        let filled = if ends_exactly { end_ms } else { newest_ms.max(end_ms) };
        let share = |number: i64| {
            let (begin, end) = (window.begin_ms(number), window.begin_ms(number + 1) - 1);
            let until = if number == last { filled.min(end) } else { end };
            (end_ms.min(until) - start_ms.max(begin - 1), until - begin + 1)
        };
        Self {
            start_ms,
            end_ms,
            // Panes before that have been given up.
            first: first.max(last - window.slots as i64 + 1),
            last,
            oldest: share(first),
            newest: share(last),
            ends_exactly,
        }
    }

    /// A window of whole panes.
    #[cfg(test)]
    pub(super) const fn whole(window: &PaneWindow, start_ms: i64, end_ms: i64) -> Self {
        let (first, last) = (window.number(start_ms + 1), window.number(end_ms));
        Self { start_ms, end_ms, first, last, oldest: (1, 1), newest: (1, 1), ends_exactly: true }
    }

    const fn share(&self, number: i64) -> (i64, i64) {
        match number {
            number if number == self.last => self.newest,
            number if number == self.first => self.oldest,
            _ => (1, 1),
        }
    }

    /// How much of the pane in which the window begins is in it.
    pub(super) fn oldest_share(&self) -> f64 {
        let (inside, of) = self.oldest;
        inside as f64 / of as f64
    }

    /// Whether more than half of a pane is in the window.
    const fn is_mostly_in(&self, number: i64) -> bool {
        let (inside, of) = self.share(number);
        2 * inside >= of
    }

    /// The value of a total, and whether it is exact after all.
    pub(super) fn value(
        &self,
        window: &PaneWindow,
        one: &Accumulator,
        words: &[u64],
        asked: &Asked<'_>,
    ) -> (Option<u64>, bool) {
        let panes = Panes { cut: *self, window, one, words, asked };
        match one.op {
            Op::Count | Op::Sum(_) | Op::Mean(_) | Op::Stddev(_) | Op::Rate(_) => {
                (panes.weighed().value(one.op), false)
            }
            Op::Min(column) => (panes.extreme(column, i64::min), false),
            Op::Max(column) => (panes.extreme(column, i64::max), false),
            Op::First(_) => (panes.first(), false),
            Op::Last(_) | Op::SinceLast => panes.last(),
            Op::Distinct(..) => (None, false),
        }
    }
}

/// The panes of one total under one window.
struct Panes<'a> {
    cut: Cut,
    window: &'a PaneWindow,
    one: &'a Accumulator,
    words: &'a [u64],
    asked: &'a Asked<'a>,
}

impl<'a> Panes<'a> {
    fn pane(&self, number: i64) -> Option<&'a [u64]> {
        self.window.pane(self.words, number).map(|pane| &pane[self.one.at..])
    }

    /// The ring's events of the last pane within the window, where it has them all.
    fn newest(&self) -> Option<Stretch<'a>> {
        let begin = self.window.begin_ms(self.cut.last);
        let inside = self.asked.inside;
        let from = inside.ring.count_until(begin - 1).max(inside.from).min(inside.to);
        (self.asked.lost_until_ms < begin).then_some(Stretch { from, ..inside })
    }

    /// What counts and sums come to.
    fn weighed(&self) -> Weighed {
        let Self { cut, asked, .. } = self;
        let mut weighed = Weighed::default();
        for number in cut.first..=cut.last {
            let mut total =
                self.pane(number).map_or(Totals::default(), |pane| totals(self.one.op, pane));
            if number == cut.last && cut.ends_exactly {
                let ring = asked.inside.ring;
                let to = ring.count_until(self.window.begin_ms(number + 1) - 1);
                let after = Stretch { from: asked.inside.to, to, ..asked.inside };
                if after.from < after.to {
                    total = total.less(&after.totals(self.one.op));
                }
            }
            weighed.add(total, cut.share(number));
        }
        weighed
    }

    fn extreme(&self, column: usize, pick: fn(i64, i64) -> i64) -> Option<u64> {
        let panes = (self.cut.first..=self.cut.last).filter(|at| self.cut.is_mostly_in(*at));
        let values = panes.filter_map(|number| {
            if number == self.cut.last
                && let Some(newest) = self.newest()
            {
                return newest.value(self.one.op, self.asked.now_ms, &mut Vec::new());
            }
            let pane = self.pane(number).filter(|pane| pane[0] > 0)?;
            let is_excluded = number == self.cut.last
                && self.asked.excluded(Column::Wide(column)) == Some(pane[1]);
            match (is_excluded, pane[0]) {
                (false, _) => Some(pane[1]),
                (true, 1) => None,
                (true, _) => Some(pane[2]),
            }
        });
        values.map(u64::cast_signed).reduce(pick).map(i64::cast_unsigned)
    }

    fn first(&self) -> Option<u64> {
        (self.cut.first..=self.cut.last).find_map(|number| {
            if number == self.cut.last
                && let Some(newest) = self.newest()
            {
                return newest.value(self.one.op, self.asked.now_ms, &mut Vec::new());
            }
            let pane = self.pane(number).filter(|pane| pane[2] > 0)?;
            let time_ms = pane[0].cast_signed();
            let is_in = time_ms > self.cut.start_ms || self.cut.is_mostly_in(number);
            let is_current = self.asked.excludes() && time_ms == self.asked.now_ms;
            (is_in && time_ms <= self.cut.end_ms && !is_current).then_some(pane[1])
        })
    }

    fn last(&self) -> (Option<u64>, bool) {
        let now_ms = self.asked.now_ms;
        // The ring has the newest events of all.
        let found = self.asked.inside.value(self.one.op, now_ms, &mut Vec::new());
        if found.is_some() {
            return (found, true);
        }
        let is_since = matches!(self.one.op, Op::SinceLast);
        let excludes = is_since || self.asked.excludes();
        let value = (self.cut.first..=self.cut.last).rev().find_map(|number| {
            let pane = self.pane(number)?;
            let time_ms = pane[0].cast_signed();
            let is_some = if is_since { pane[0] > 0 } else { pane[2] > 0 };
            let is_in = time_ms > self.cut.start_ms && time_ms <= self.cut.end_ms;
            let is_current = excludes && time_ms == now_ms;
            let value = if is_since { (now_ms - time_ms).cast_unsigned() } else { *pane.get(1)? };
            (is_some && is_in && !is_current).then_some(value)
        });
        (value, false)
    }
}

/// Totals of whole panes, and of the two at the ends with their shares.
#[derive(Clone, Copy, Debug, Default)]
struct Weighed {
    whole: Totals,
    parts: [(Totals, (i64, i64)); 2],
    len: usize,
}

impl Weighed {
    fn add(&mut self, total: Totals, (inside, of): (i64, i64)) {
        if inside >= of || self.len == self.parts.len() {
            self.whole = self.whole.and(&total);
        } else if inside > 0 {
            self.parts[self.len] = (total, (inside, of));
            self.len += 1;
        }
    }

    fn parts(&self) -> impl Iterator<Item = &(Totals, (i64, i64))> {
        self.parts[..self.len].iter()
    }

    /// As a whole number.
    fn rounded(&self, of: fn(&Totals) -> i128) -> i128 {
        self.parts().fold(of(&self.whole), |sum, (total, (inside, width))| {
            let (inside, width) = (i128::from(*inside), i128::from(*width));
            let doubled = of(total).saturating_mul(2 * inside).saturating_add(width);
            sum.saturating_add(doubled.div_euclid(2 * width))
        })
    }

    fn weighed(&self, of: fn(&Totals) -> i128) -> f64 {
        self.parts().fold(of(&self.whole) as f64, |sum, (total, (inside, width))| {
            sum + of(total) as f64 * (*inside as f64 / *width as f64)
        })
    }

    fn value(&self, op: Op) -> Option<u64> {
        let count = self.weighed(|total| total.count);
        // A share of less than half an event is none.
        let is_empty = count < 0.5;
        match op {
            Op::Count => Some(self.rounded(|total| total.count).max(0) as u64),
            Op::Sum(_) => Some(clamped(self.rounded(|total| total.sum)).cast_unsigned()),
            Op::Rate(_) if is_empty => Some(0.0_f64.to_bits()),
            Op::Rate(_) => {
                Some((self.weighed(|total| total.hits) / count).clamp(0.0, 1.0).to_bits())
            }
            _ if is_empty => None,
            Op::Mean(_) => Some((self.weighed(|total| total.sum) / count).to_bits()),
            Op::Stddev(_) if self.len == 0 => {
                let Totals { count, sum, squares, .. } = self.whole;
                Some(stddev_of(count, sum, squares).to_bits())
            }
            Op::Stddev(_) => {
                let mean = self.weighed(|total| total.sum) / count;
                let mean_square = self.weighed(|total| total.squares) / count;
                Some(libm::sqrt((mean_square - mean * mean).max(0.0)).to_bits())
            }
            _ => None,
        }
    }
}

/// A sum as its column holds it: at the bound where it is past it.
pub(in crate::stages::features) fn clamped(sum: i128) -> i64 {
    sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}
