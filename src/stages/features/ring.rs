//! The newest events of one key: a ring of columns, ordered by (`occurred_at`, `seq`).
//!
//! Capacities are powers of two from 2 to 4,096; a ring doubles when it is full of events still in
//! reach, and at its largest gives up the oldest. Column `c` of a ring of capacity `n` is the words
//! `c*n .. (c+1)*n` of its block; narrow columns follow, two values a word.

use std::ops::Range;

use super::arena::Arena;
use super::keys::Row;
use super::plan::{Column, Mark};

/// Largest class: `2 << 11` = 4,096 events.
pub(super) const CLASS_MAX: u8 = 11;

/// How many columns a kind's rings have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Layout {
    /// 64-bit columns; the first is the time.
    pub(super) wide: usize,
    /// 32-bit columns; the first two are sequence number and flags.
    pub(super) narrow: usize,
}

impl Layout {
    /// Words of a ring of this class.
    pub(super) const fn block_words(self, class: u8) -> usize {
        let capacity = 2_usize << class;
        // Capacities are even, so narrow columns fill whole words.
        self.wide * capacity + self.narrow * capacity / 2
    }
}

/// One event as a ring keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation<'a> {
    pub(super) time_ms: i64,
    /// Low half of the sequence number: with the time it names the event.
    pub(super) seq: u32,
    pub(super) flags: u32,
    /// Wide columns after the time.
    pub(super) wide: &'a [u64],
    /// Narrow columns after sequence number and flags.
    pub(super) narrow: &'a [u32],
}

/// A ring to be read.
#[derive(Clone, Copy)]
pub(super) struct RingView<'a> {
    words: &'a [u64],
    narrow: &'a [u32],
    mask: usize,
    head: usize,
    len: usize,
}

impl<'a> RingView<'a> {
    /// The ring of a row; empty when it has none.
    pub(super) fn of(arena: &'a Arena, row: &Row, layout: Layout) -> Self {
        if row.ring.is_none() {
            return Self { words: &[], narrow: &[], mask: 0, head: 0, len: 0 };
        }
        let capacity = 2_usize << row.class();
        let words = arena.block(row.ring, layout.block_words(row.class()));
        let (wide, narrow) = words.split_at(layout.wide * capacity);
        Self {
            words: wide,
            narrow: bytemuck::cast_slice(narrow),
            mask: capacity - 1,
            head: usize::from(row.head()),
            len: usize::from(row.len),
        }
    }

    /// Events in the ring.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    const fn slot(&self, at: usize) -> usize {
        (self.head + at) & self.mask
    }

    /// A value of a wide column, by age: 0 is the oldest.
    pub(super) fn wide(&self, column: usize, at: usize) -> u64 {
        self.words[column * (self.mask + 1) + self.slot(at)]
    }

    /// A value of a narrow column, by age.
    pub(super) fn narrow(&self, column: usize, at: usize) -> u32 {
        self.narrow[column * (self.mask + 1) + self.slot(at)]
    }

    pub(super) fn time_ms(&self, at: usize) -> i64 {
        self.wide(0, at).cast_signed()
    }

    /// The slots of a stretch of events: at most two runs, older first.
    pub(super) fn runs(&self, stretch: Range<usize>) -> [Range<usize>; 2] {
        runs(self.head, self.mask, stretch)
    }

    /// A whole wide column, by slot.
    pub(super) fn wide_column(&self, column: usize) -> &'a [u64] {
        let capacity = self.mask + 1;
        &self.words[column * capacity..(column + 1) * capacity]
    }

    /// A whole narrow column, by slot.
    pub(super) fn narrow_column(&self, column: usize) -> &'a [u32] {
        let capacity = self.mask + 1;
        &self.narrow[column * capacity..(column + 1) * capacity]
    }

    /// As [`Self::wide_column`]; empty when there is no ring.
    pub(super) fn wide_column_or_empty(&self, column: usize) -> &'a [u64] {
        if self.words.is_empty() { &[] } else { self.wide_column(column) }
    }

    /// As [`Self::narrow_column`]; empty when there is no ring.
    pub(super) fn narrow_column_or_empty(&self, column: usize) -> &'a [u32] {
        if self.words.is_empty() { &[] } else { self.narrow_column(column) }
    }

    /// How many events are at or before a moment: they are the first ones.
    pub(super) fn count_until(&self, ms: i64) -> usize {
        // Most windows hold all that a ring has, and end with its newest event.
        if self.len == 0 || self.time_ms(0) > ms {
            return 0;
        }
        if self.time_ms(self.len - 1) <= ms {
            return self.len;
        }
        let (mut low, mut high) = (1, self.len - 1);
        while low < high {
            let middle = (low + high) / 2;
            if self.time_ms(middle) <= ms { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The event with this time and low sequence number.
    pub(super) fn find(&self, time_ms: i64, seq: u32) -> Option<usize> {
        let end = self.count_until(time_ms);
        (0..end)
            .rev()
            .take_while(|at| self.time_ms(*at) == time_ms)
            .find(|at| self.narrow(0, *at) == seq)
    }
}

/// What room there was for an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kept {
    /// In the ring.
    Yes,
    /// Older than everything in a full ring: only panes can hold it.
    No,
}

/// Whether the next event will push one that is in reach out of the largest ring.
pub(super) fn will_overflow(arena: &Arena, row: &Row, layout: Layout, limits: Limits) -> bool {
    if row.class() < limits.class_max || usize::from(row.len) < 2_usize << row.class() {
        return false;
    }
    let view = RingView::of(arena, row, layout);
    view.len() > 0 && view.time_ms(0) > limits.expired_until_ms
}

/// What bounds a ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Largest class of the kind.
    pub(super) class_max: u8,
    /// Events at or before this moment are out of every window's reach.
    pub(super) expired_until_ms: i64,
}

/// Puts an event in its place, and says whether there was room.
pub(super) fn insert(
    arena: &mut Arena,
    row: &mut Row,
    layout: Layout,
    limits: Limits,
    event: &Observation<'_>,
    marks: impl Iterator<Item = Mark>,
) -> Kept {
    if row.ring.is_none() {
        row.ring = arena.take(layout.block_words(0));
        row.place(0, 0);
        row.len = 0;
    }
    if usize::from(row.len) == 2_usize << row.class()
        && make_room(arena, row, layout, limits, event.time_ms) == Kept::No
    {
        return Kept::No;
    }
    let view = RingView::of(arena, row, layout);
    // Nearly always the newest; a late one is put before those that happened after it.
    let mut at = view.len();
    while at > 0 && view.time_ms(at - 1) > event.time_ms {
        at -= 1;
    }
    let len = view.len();
    let slot = if at == len { Some(view.slot(at)) } else { None };
    let changing = Changing { layout, class: row.class(), slot };
    let mut ring = RingMut::of(arena, row, layout, changing.words());
    ring.open_gap(at, len);
    ring.write(at, event);
    row.len += 1;
    ring.len += 1;
    for mark in marks {
        ring.mark_newest(mark, at);
    }
    Kept::Yes
}

/// Which words of a ring an insertion changes.
#[derive(Clone, Copy)]
struct Changing {
    layout: Layout,
    class: u8,
    /// The slot of an event that comes last; a late one moves others, so anything may change.
    slot: Option<usize>,
}

impl Changing {
    fn words(self) -> impl Iterator<Item = Range<usize>> {
        let Self { layout, class, slot } = self;
        let capacity = 2_usize << class;
        let narrow = layout.wide * capacity;
        let wide = slot.map(|slot| (0..layout.wide).map(move |c| c * capacity + slot));
        let pairs =
            slot.map(|slot| (0..layout.narrow).map(move |c| narrow + (c * capacity + slot) / 2));
        let all = slot.is_none().then(|| 0..layout.block_words(class));
        // Marks may move within the flags, the second narrow column.
        let flags = slot.map(|_| narrow + capacity / 2..narrow + capacity);
        let single = wide.into_iter().flatten().chain(pairs.into_iter().flatten());
        single.map(|word| word..word + 1).chain(all).chain(flags)
    }
}

/// Drops what is out of reach, else doubles the ring, else gives up the oldest event.
fn make_room(
    arena: &mut Arena,
    row: &mut Row,
    layout: Layout,
    limits: Limits,
    time_ms: i64,
) -> Kept {
    let capacity = 2_u16 << row.class();
    let view = RingView::of(arena, row, layout);
    let expired = view.count_until(limits.expired_until_ms) as u16;
    if expired > 0 {
        row.place(row.class(), (row.head() + expired) & (capacity - 1));
        row.len -= expired;
        return Kept::Yes;
    }
    if row.class() < limits.class_max {
        grow(arena, row, layout);
        return Kept::Yes;
    }
    let oldest = view.time_ms(0);
    if time_ms < oldest {
        row.lose_until(time_ms);
        return Kept::No;
    }
    row.lose_until(oldest);
    row.place(row.class(), (row.head() + 1) & (capacity - 1));
    row.len -= 1;
    Kept::Yes
}

/// Moves the ring to a block of twice the capacity, oldest first.
fn grow(arena: &mut Arena, row: &mut Row, layout: Layout) {
    let (old, class) = (row.ring, row.class());
    let bigger = arena.take(layout.block_words(class + 1));
    let capacity = 2_usize << class;
    let (head, len) = (usize::from(row.head()), usize::from(row.len));
    // Once for the whole block; below nothing has to be copied any more.
    arena.block_mut(bigger, layout.block_words(class + 1));
    for at in 0..len {
        let from = (head + at) & (capacity - 1);
        for column in 0..layout.wide {
            let value = arena.block(old, layout.block_words(class))[column * capacity + from];
            let words = arena.part_mut(bigger, layout.block_words(class + 1), []);
            words[column * capacity * 2 + at] = value;
        }
        for column in 0..layout.narrow {
            let old_words = arena.block(old, layout.block_words(class));
            let old_narrow: &[u32] = bytemuck::cast_slice(&old_words[layout.wide * capacity..]);
            let value = old_narrow[column * capacity + from];
            let words = arena.part_mut(bigger, layout.block_words(class + 1), []);
            let narrow: &mut [u32] =
                bytemuck::cast_slice_mut(&mut words[layout.wide * capacity * 2..]);
            narrow[column * capacity * 2 + at] = value;
        }
    }
    arena.give_back(old, layout.block_words(class));
    row.ring = bigger;
    row.place(class + 1, 0);
}

/// Changes the flags of an event in the ring; what they were.
pub(super) fn set_flags(arena: &mut Arena, row: &Row, layout: Layout, at: usize, flags: u32) {
    let slot = RingView::of(arena, row, layout).slot(at);
    let capacity = 2_usize << row.class();
    let word = layout.wide * capacity + (capacity + slot) / 2;
    let changing = std::iter::once(word..word + 1);
    RingMut::of(arena, row, layout, changing).narrow[capacity + slot] = flags;
}

/// Gives a ring's memory back.
pub(super) fn release(arena: &mut Arena, row: &Row, layout: Layout) {
    if !row.ring.is_none() {
        arena.give_back(row.ring, layout.block_words(row.class()));
    }
}

struct RingMut<'a> {
    wide: &'a mut [u64],
    narrow: &'a mut [u32],
    layout: Layout,
    capacity: usize,
    head: usize,
    len: usize,
}

impl<'a> RingMut<'a> {
    fn of(
        arena: &'a mut Arena,
        row: &Row,
        layout: Layout,
        changing: impl Iterator<Item = Range<usize>>,
    ) -> Self {
        let capacity = 2_usize << row.class();
        let words = arena.part_mut(row.ring, layout.block_words(row.class()), changing);
        let (wide, narrow) = words.split_at_mut(layout.wide * capacity);
        Self {
            wide,
            narrow: bytemuck::cast_slice_mut(narrow),
            layout,
            capacity,
            head: usize::from(row.head()),
            len: usize::from(row.len),
        }
    }

    const fn slot(&self, at: usize) -> usize {
        (self.head + at) & (self.capacity - 1)
    }

    /// Moves the events from `at` on one place younger; the ring has room for one more.
    fn open_gap(&mut self, at: usize, len: usize) {
        for place in (at..len).rev() {
            let (from, to) = (self.slot(place), self.slot(place + 1));
            for column in 0..self.layout.wide {
                self.wide[column * self.capacity + to] = self.wide[column * self.capacity + from];
            }
            for column in 0..self.layout.narrow {
                self.narrow[column * self.capacity + to] =
                    self.narrow[column * self.capacity + from];
            }
        }
    }

    fn write(&mut self, at: usize, event: &Observation<'_>) {
        let (slot, capacity) = (self.slot(at), self.capacity);
        self.wide[slot] = event.time_ms.cast_unsigned();
        for (column, value) in event.wide.iter().enumerate() {
            self.wide[(column + 1) * capacity + slot] = *value;
        }
        self.narrow[slot] = event.seq;
        self.narrow[capacity + slot] = event.flags;
        for (column, value) in event.narrow.iter().enumerate() {
            self.narrow[(column + 2) * capacity + slot] = *value;
        }
    }

    /// Keeps one mark a value, on its newest event. A missing value is never marked.
    fn mark_newest(&mut self, mark: Mark, at: usize) {
        let (slot, bit) = (self.slot(at), 1_u32 << mark.bit);
        let (older, younger) = (self.runs(0..at), self.runs(at + 1..self.len));
        let flags = &self.narrow[self.capacity..2 * self.capacity];
        let holder = match mark.column {
            Column::Wide(c) => {
                let values = &self.wide[c * self.capacity..(c + 1) * self.capacity];
                if values[slot] == MISSING_WIDE {
                    return;
                }
                marked(values, flags, bit, values[slot], [younger, older])
            }
            Column::Narrow(c) => {
                let values = &self.narrow[c * self.capacity..(c + 1) * self.capacity];
                if values[slot] == MISSING_NARROW {
                    return;
                }
                marked(values, flags, bit, values[slot], [younger, older])
            }
        };
        let flags = &mut self.narrow[self.capacity..2 * self.capacity];
        match holder {
            Some((Place::Younger, _)) => {}
            Some((Place::Older, holder)) => {
                flags[holder] &= !bit;
                flags[slot] |= bit;
            }
            None => flags[slot] |= bit,
        }
    }

    fn runs(&self, stretch: Range<usize>) -> [Range<usize>; 2] {
        runs(self.head, self.capacity - 1, stretch)
    }
}

/// The slots of a stretch of events: at most two runs, older first.
fn runs(head: usize, mask: usize, stretch: Range<usize>) -> [Range<usize>; 2] {
    if stretch.is_empty() {
        return [0..0, 0..0];
    }
    let (start, end) = ((head + stretch.start) & mask, ((head + stretch.end - 1) & mask) + 1);
    if start < end { [start..end, 0..0] } else { [start..mask + 1, 0..end] }
}

/// On which side of an event another stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Younger,
    Older,
}

/// Events that are looked at one by one: of so few the newest ones are nearly always enough.
const SHORT: usize = 16;

/// The slot that holds a value's mark, of which there is at most one. Whole chunks are compared
/// without a branch, which the compiler turns into vector compares.
fn marked<T: Copy + PartialEq>(
    values: &[T],
    flags: &[u32],
    bit: u32,
    wanted: T,
    [younger, older]: [[Range<usize>; 2]; 2],
) -> Option<(Place, usize)> {
    let find = |runs: [Range<usize>; 2]| {
        let [first, second] = runs;
        let holds = |(value, flags): (&T, &u32)| (*value == wanted) & (flags & bit != 0);
        [second, first].into_iter().find_map(|run| {
            if run.len() <= SHORT {
                let at = values[run.clone()].iter().zip(&flags[run.clone()]).rposition(holds);
                return at.map(|at| run.start + at);
            }
            let mut end = run.end;
            let chunks = values[run.clone()].rchunks(64).zip(flags[run].rchunks(64));
            for (values, flags) in chunks {
                let start = end - values.len();
                // Values alone first: comparing them is one vector instruction for several.
                let any = values.iter().fold(false, |any, value| any | (*value == wanted));
                if any && let Some(at) = values.iter().zip(flags).rposition(holds) {
                    return Some(start + at);
                }
                end = start;
            }
            None
        })
    };
    let holder = find(younger).map(|slot| (Place::Younger, slot));
    holder.or_else(|| find(older).map(|slot| (Place::Older, slot)))
}

/// What a wide value column holds where the event has no value; hashes are never zero.
pub(super) const MISSING_WIDE: u64 = 0;
/// What an entity column holds where the event has no such entity; ordinals stay below.
pub(super) const MISSING_NARROW: u32 = u32::MAX;
