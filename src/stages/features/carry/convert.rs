//! One row from an earlier layout to the one in force: its ring, its marks, its panes.
//!
//! An event waits for the rings of its own keys, so whole columns are copied, and only marks and
//! totals that the earlier plan did not make are made from the events.

use std::ops::Range;

use super::map::KindMap;
use crate::stages::features::arena::{Arena, Block};
use crate::stages::features::filter::STATE_BITS;
use crate::stages::features::keys::Row;
use crate::stages::features::panes::{FilledSamples, PaneEvents, PaneLayout};
use crate::stages::features::plan::{Column, KindPlan, Mark, Op};
use crate::stages::features::ring::{
    FIRST_NARROW, MISSING_NARROW, MISSING_WIDE, RingMut, RingView,
};
use crate::stages::features::runs::copy_runs;

/// From what and to what, with buffers that live from row to row.
pub(in crate::stages::features) struct Converter<'a> {
    pub(in crate::stages::features) map: &'a KindMap,
    pub(in crate::stages::features) plan: &'a KindPlan,
    pub(in crate::stages::features) words: &'a mut Moving,
}

/// Buffers of rows on their way.
#[derive(Debug, Default)]
pub(in crate::stages::features) struct Moving {
    turns: Vec<Turn>,
    flags: Vec<u32>,
    seen: Seen,
    /// Observations that were moved with the event at hand.
    pub(in crate::stages::features) moved: usize,
}

/// Bits of the flags that go to their new places together.
#[derive(Clone, Copy, Debug)]
struct Turn {
    mask: u32,
    distance: u32,
}

/// Converts a row; the caller puts it back, of the era in force.
pub(in crate::stages::features) fn convert(
    arena: &mut Arena,
    row: Row,
    from: Converter<'_>,
) -> Row {
    let Converter { map, plan, words } = from;
    let mut new = row;
    if plan.windows.is_empty() {
        new.empty_out();
        give_back(arena, &row, map);
        return new;
    }
    turns(map, &mut words.turns);
    let (len, class) = (usize::from(row.len), row.class().min(plan.class_max));
    let dropped = len.saturating_sub(2 << class);
    let old = Place { row: &row, map, turns: &words.turns };
    new.set_thin(row.is_thin() || !row.panes.is_none());
    if !row.panes.is_none() || dropped > 0 {
        new.panes = panes(arena, old, plan);
    }
    if dropped > 0 {
        new.lose_until(RingView::of(arena, &row, map.layout).time_ms(dropped - 1));
    }
    if len == 0 {
        new.ring = Block::NONE;
        new.place(0, 0);
    } else {
        new.ring = arena.take(plan.layout.block_words(class));
        new.place(class, 0);
    }
    new.len = (len - dropped) as u16;
    if len > 0 {
        ring(arena, old, plan, (&new, dropped..len), (&mut words.flags, &mut words.seen));
    }
    give_back(arena, &row, map);
    new
}

/// Gives a row's blocks back.
fn give_back(arena: &mut Arena, row: &Row, map: &KindMap) {
    if !row.ring.is_none() {
        arena.give_back(row.ring, map.layout.block_words(row.class()));
    }
    if !row.panes.is_none() {
        PaneLayout::give_back(arena, (row.panes, map.pane_words), &map.tables);
    }
}

/// Outcomes and labels stay where they are; other bits mostly move by one distance, if at all.
fn turns(map: &KindMap, turns: &mut Vec<Turn>) {
    turns.clear();
    turns.push(Turn { mask: (1 << STATE_BITS) - 1, distance: 0 });
    for (from, to) in &map.bits {
        let distance = to.wrapping_sub(*from) % 32;
        match turns.iter_mut().find(|turn| turn.distance == distance) {
            Some(turn) => turn.mask |= 1 << from,
            None => turns.push(Turn { mask: 1 << from, distance }),
        }
    }
}

fn turned(turns: &[Turn], flags: u32) -> u32 {
    turns.iter().fold(0, |new, turn| new | (flags & turn.mask).rotate_left(turn.distance))
}

/// A row of an earlier layout, and how it is read.
#[derive(Clone, Copy)]
struct Place<'a> {
    row: &'a Row,
    map: &'a KindMap,
    turns: &'a [Turn],
}

impl<'a> Place<'a> {
    /// Its ring and another block, which is to be written.
    fn beside(self, arena: &'a mut Arena, other: (Block, usize)) -> (Old<'a>, &'a mut [u64]) {
        let Self { row, map, turns } = self;
        let own = (row.ring, map.layout.block_words(row.class()));
        let (words, other) = arena.pair(own, other);
        (Old { ring: RingView::over(words, row, map.layout), map, turns }, other)
    }
}

/// A ring of an earlier layout, read as one of the layout in force.
struct Old<'a> {
    ring: RingView<'a>,
    map: &'a KindMap,
    turns: &'a [Turn],
}

impl PaneEvents for Old<'_> {
    fn len(&self) -> usize {
        self.ring.len()
    }

    fn time_ms(&self, at: usize) -> i64 {
        self.ring.time_ms(at)
    }

    fn all_flags(&self) -> Vec<u32> {
        let mut flags = self.ring.all_flags();
        flags.iter_mut().for_each(|flags| *flags = turned(self.turns, *flags));
        flags
    }

    fn wide(&self, column: usize, at: usize) -> u64 {
        self.map.wide(column).map_or(MISSING_WIDE, |from| self.ring.wide(from, at))
    }

    fn narrow(&self, column: usize, at: usize) -> u32 {
        self.map.narrow(column).map_or(MISSING_NARROW, |from| self.ring.narrow(from, at))
    }
}

/// Writes the ring anew where `row` says, oldest first: a stretch of the old one, for the oldest may
/// have no room.
fn ring(
    arena: &mut Arena,
    old: Place<'_>,
    plan: &KindPlan,
    (row, stretch): (&Row, Range<usize>),
    (flags, seen): (&mut Vec<u32>, &mut Seen),
) {
    let (layout, capacity, len) = (plan.layout, 2_usize << row.class(), stretch.len());
    let (old, words) = old.beside(arena, (row.ring, layout.block_words(row.class())));
    let runs = old.ring.runs(stretch);
    let mut new = RingMut::over(words, row, layout);
    for (column, values) in new.wide.chunks_exact_mut(capacity).enumerate() {
        match old.map.wide(column) {
            Some(from) => copy_runs(old.ring.wide_column(from), &runs, values),
            None => values[..len].fill(MISSING_WIDE),
        }
    }
    copy_runs(old.ring.numbers_by_slot(), &runs, new.numbers);
    for (column, values) in (FIRST_NARROW..).zip(new.narrow.chunks_exact_mut(capacity)) {
        match old.map.narrow(column) {
            Some(from) => copy_runs(old.ring.narrow_column(from), &runs, values),
            None => values[..len].fill(MISSING_NARROW),
        }
    }
    flags.clear();
    flags.resize(len, 0);
    old.ring.flags_by_slot().copy_to(&runs, flags);
    flags.iter_mut().for_each(|flags| *flags = turned(old.turns, *flags));
    let made = |mark: &&Mark| !old.map.moves(mark.bit) && old.map.keeps(mark.column);
    for mark in plan.marks.iter().filter(made) {
        let filter = &plan.filters[mark.filter];
        let passes = |flags: u32| filter.passes(flags);
        match mark.column {
            Column::Wide(column) => {
                let values = &new.wide[column * capacity..][..len];
                seen.mark_newest((values, MISSING_WIDE), flags, passes, 1 << mark.bit);
            }
            Column::Narrow(column) => {
                let values = &new.narrow[(column - FIRST_NARROW) * capacity..][..len];
                seen.mark_newest((values, MISSING_NARROW), flags, passes, 1 << mark.bit);
            }
        }
    }
    new.flags.begin_with(flags);
}

/// Which values have been seen: for each the place of its newest event, and one more.
#[derive(Debug, Default)]
struct Seen(Vec<u16>);

/// Spreads values over places: 2^64 through the golden ratio (Knuth, volume 3, 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Seen {
    /// Marks the newest event of each value: what inserting one after the other would have done.
    fn mark_newest<T: Copy + PartialEq + Into<u64>>(
        &mut self,
        (values, missing): (&[T], T),
        flags: &mut [u32],
        passes: impl Fn(u32) -> bool,
        bit: u32,
    ) {
        // Half empty at most, so that a search ends.
        let places = (2 * values.len()).next_power_of_two().max(2);
        self.0.clear();
        self.0.resize(places, 0);
        for (at, (value, flags)) in values.iter().zip(flags).enumerate().rev() {
            if *value == missing || !passes(*flags) {
                continue;
            }
            let hash = (*value).into().wrapping_mul(GOLDEN);
            let mut place = (hash >> (64 - places.trailing_zeros())) as usize;
            loop {
                match self.0[place] {
                    0 => {
                        // A ring has 4,096 events at most.
                        self.0[place] = at as u16 + 1;
                        *flags |= bit;
                        break;
                    }
                    known if values[usize::from(known) - 1] == *value => break,
                    _ => place = (place + 1) % places,
                }
            }
        }
    }
}

/// Writes the panes anew: totals that were kept are copied, others are filled from the ring.
fn panes(arena: &mut Arena, old: Place<'_>, plan: &KindPlan) -> Block {
    let size = plan.panes.block_words();
    let block = arena.take(size);
    let kept: &[_] = if old.row.panes.is_none() { &[] } else { &old.map.panes };
    if !kept.is_empty() {
        let (before, words) = arena.pair_mut((old.row.panes, old.map.pane_words), (block, size));
        kept.iter().for_each(|copy| copy.from.move_to(before, copy.to, words));
    }
    let fresh: PaneLayout = plan.panes.only(|number, op| {
        let is_copied = kept.iter().any(|copy| usize::from(copy.accumulator) == number);
        // Of values that were not kept nothing is distinct.
        let is_empty = matches!(op, Op::Distinct(column, _) if !old.map.keeps(column));
        !is_copied && !is_empty
    });
    if !fresh.is_empty() && old.row.len > 0 {
        // A pane that was copied has counted every event of the ring, so none here is younger.
        let samples: FilledSamples = {
            let (old, words) = old.beside(arena, (block, size));
            fresh.fill(words, &old, &plan.filters)
        };
        plan.panes.put_samples(arena, block, &samples);
    }
    block
}
