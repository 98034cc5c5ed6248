//! One row from an earlier layout to the one in force: its ring, its marks, its panes.

use super::map::KindMap;
use crate::stages::features::arena::{Arena, Block};
use crate::stages::features::keys::Row;
use crate::stages::features::panes::{PaneEvent, PaneLayout, Sign, mix};
use crate::stages::features::plan::{Column, KindPlan, Mark};
use crate::stages::features::ring::{
    FIRST_NARROW, MISSING_NARROW, MISSING_WIDE, RingMut, RingView,
};

/// From what and to what, with buffers that live from row to row.
pub(in crate::stages::features) struct Converter<'a> {
    pub(in crate::stages::features) map: &'a KindMap,
    pub(in crate::stages::features) plan: &'a KindPlan,
    pub(in crate::stages::features) words: &'a mut Moving,
}

/// What a row held while it is on its way.
#[derive(Debug, Default)]
pub(in crate::stages::features) struct Moving {
    ring: Vec<u64>,
    panes: Vec<u64>,
    filled: Vec<u64>,
    flags: Vec<u32>,
    seen: Vec<u64>,
}

/// Converts a row; the caller puts it back, of the era in force.
pub(in crate::stages::features) fn convert(
    arena: &mut Arena,
    row: Row,
    from: Converter<'_>,
) -> Row {
    let Converter { map, plan, words } = from;
    let mut row = take_out(arena, row, map, words);
    if plan.windows.is_empty() {
        row.empty_out();
        return row;
    }
    let old = Old { ring: RingView::over(&words.ring, &row, map.layout), map, plan };
    let (len, class) = (usize::from(row.len), row.class().min(plan.class_max));
    let dropped = len.saturating_sub(2 << class);
    row.set_thin(row.is_thin() || !row.panes.is_none());
    if !row.panes.is_none() || dropped > 0 {
        let had_panes = !row.panes.is_none();
        row.panes = panes(arena, &old, had_panes.then_some(&*words.panes), &mut words.filled);
    }
    if dropped > 0 {
        row.lose_until(old.ring.time_ms(dropped - 1));
    }
    if len == 0 {
        row.ring = Block::NONE;
        row.place(0, 0);
        return row;
    }
    row.ring = arena.take(plan.layout.block_words(class));
    row.place(class, 0);
    row.len = (len - dropped) as u16;
    ring(arena, &old, &row, (&mut words.flags, &mut words.seen));
    row
}

/// Copies a row's blocks and gives them back. A block that the row still names was there.
fn take_out(arena: &mut Arena, row: Row, map: &KindMap, words: &mut Moving) -> Row {
    words.ring.clear();
    words.panes.clear();
    if !row.ring.is_none() {
        let size = map.layout.block_words(row.class());
        words.ring.extend_from_slice(arena.block(row.ring, size));
        arena.give_back(row.ring, size);
    }
    if !row.panes.is_none() {
        words.panes.extend_from_slice(arena.block(row.panes, map.pane_words));
        arena.give_back(row.panes, map.pane_words);
    }
    row
}

/// A ring of an earlier layout, read as one of the layout in force.
struct Old<'a> {
    ring: RingView<'a>,
    map: &'a KindMap,
    plan: &'a KindPlan,
}

impl Old<'_> {
    fn flags(&self, at: usize) -> u32 {
        self.map.flags(self.ring.flags(at))
    }

    /// A wide column of the new layout.
    fn wide(&self, column: usize, at: usize) -> u64 {
        let from = match column.checked_sub(1) {
            None => Some(0),
            Some(column) => self.map.wide.get(column).copied().flatten(),
        };
        from.map_or(MISSING_WIDE, |from| self.ring.wide(usize::from(from), at))
    }

    /// A narrow column of the new layout after number and flags.
    fn narrow(&self, column: usize, at: usize) -> u32 {
        let from = column.checked_sub(FIRST_NARROW);
        let from = from.and_then(|at| self.map.narrow.get(at).copied().flatten());
        from.map_or(MISSING_NARROW, |from| self.ring.narrow(usize::from(from), at))
    }
}

/// Writes the ring anew, oldest first, without the oldest that have no room: `row` is where, and how
/// many remain.
fn ring(arena: &mut Arena, old: &Old<'_>, row: &Row, buffers: (&mut Vec<u32>, &mut Vec<u64>)) {
    let (layout, len) = (old.plan.layout, usize::from(row.len));
    let (dropped, (flags, seen)) = (old.ring.len() - len, buffers);
    let words = arena.block_mut(row.ring, layout.block_words(row.class()));
    let mut new = RingMut::over(words, row, layout);
    for (column, values) in new.wide.chunks_exact_mut(new.capacity).enumerate() {
        for (at, word) in values[..len].iter_mut().enumerate() {
            *word = old.wide(column, at + dropped);
        }
    }
    for (at, number) in new.numbers[..len].iter_mut().enumerate() {
        *number = old.ring.number(at + dropped);
    }
    for (column, values) in new.narrow.chunks_exact_mut(new.capacity).enumerate() {
        for (at, word) in values[..len].iter_mut().enumerate() {
            *word = old.narrow(column + FIRST_NARROW, at + dropped);
        }
    }
    flags.clear();
    flags.extend((0..len).map(|at| old.flags(at + dropped)));
    for mark in &old.plan.marks {
        mark_newest(mark, &new, flags, old.plan, seen);
    }
    flags.iter().enumerate().for_each(|(at, flags)| new.flags.set(at, *flags));
}

/// Marks the newest event of each value: what inserting one after the other would have done.
fn mark_newest(
    mark: &Mark,
    ring: &RingMut<'_>,
    flags: &mut [u32],
    plan: &KindPlan,
    seen: &mut Vec<u64>,
) {
    // Half empty at most, so that a search ends.
    seen.clear();
    seen.resize((2 * flags.len()).next_power_of_two(), 0);
    let places = seen.len() - 1;
    for (at, flags) in flags.iter_mut().enumerate().rev() {
        if !plan.filters[mark.filter].passes(*flags) {
            continue;
        }
        // Never zero: missing values are left out, and ordinals are one more here.
        let value = match mark.column {
            Column::Wide(column) => ring.wide[column * ring.capacity + at],
            Column::Narrow(column) => {
                match ring.narrow[(column - FIRST_NARROW) * ring.capacity + at] {
                    MISSING_NARROW => MISSING_WIDE,
                    ordinal => u64::from(ordinal) + 1,
                }
            }
        };
        if value == MISSING_WIDE {
            continue;
        }
        let mut place = mix(value) as usize & places;
        while seen[place] != 0 && seen[place] != value {
            place = (place + 1) & places;
        }
        if seen[place] == 0 {
            seen[place] = value;
            *flags |= 1 << mark.bit;
        }
    }
}

/// Writes the panes anew: totals that were kept are copied, others are filled from the ring.
fn panes(arena: &mut Arena, old: &Old<'_>, before: Option<&[u64]>, filled: &mut Vec<u64>) -> Block {
    let (plan, map) = (old.plan, old.map);
    filled.clear();
    filled.resize(plan.panes.block_words(), 0);
    let kept: &[_] = if before.is_some() { &map.panes } else { &[] };
    let is_copied = |number: usize| kept.iter().any(|c| usize::from(c.accumulator) == number);
    let fresh: PaneLayout = plan.panes.only(|number| !is_copied(number));
    if !fresh.is_empty() {
        for at in 0..old.ring.len() {
            let event = PaneEvent {
                time_ms: old.ring.time_ms(at),
                flags: old.flags(at),
                wide: &|column| old.wide(column, at),
                narrow: &|column| old.narrow(column, at),
            };
            fresh.apply(filled, &event, &plan.filters, Sign::Add);
        }
    }
    if let Some(before) = before {
        kept.iter().for_each(|copy| copy.from.copy_to(before, copy.to, filled));
    }
    let block = arena.take(filled.len());
    arena.block_mut(block, filled.len()).copy_from_slice(filled);
    block
}
