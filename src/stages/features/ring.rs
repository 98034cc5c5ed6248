//! The newest events of one key: a ring of columns, ordered by (`occurred_at`, `seq`).
//!
//! Capacities are powers of two from 2 to 4,096; a ring doubles when it is full of events still in
//! reach, and at its largest gives up the oldest. Column `c` of a ring of capacity `n` is the words
//! `c*n .. (c+1)*n` of its block; narrow columns follow, two values a word. The second of these, the
//! flags, is turned over in large rings (see `flags`).

use std::ops::Range;

use super::arena::Arena;
use super::flags::{Flags, FlagsMut, flag_words};
use super::keys::Row;
use super::panes::PaneEvents;
use super::plan::{Column, Mark};
use super::runs::{bits, copy_runs, open_gap, runs, within, words_of};

/// Largest class: `2 << 11` = 4,096 events.
pub(super) const CLASS_MAX: u8 = 11;

/// The number of the first narrow column after sequence number and flags.
pub(super) const FIRST_NARROW: usize = 2;

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

    /// Where the flags stand in a ring of so many events.
    const fn flags_at(self, capacity: usize) -> Range<usize> {
        let start = self.wide * capacity + capacity / 2;
        start..start + flag_words(capacity)
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
    wide: &'a [u64],
    numbers: &'a [u32],
    flags: Flags<'a>,
    narrow: &'a [u32],
    mask: usize,
    head: usize,
    len: usize,
}

impl<'a> RingView<'a> {
    /// The ring of a row; empty when it has none.
    pub(super) fn of(arena: &'a Arena, row: &Row, layout: Layout) -> Self {
        let words = match row.ring.is_none() {
            true => &[],
            false => arena.block(row.ring, layout.block_words(row.class())),
        };
        Self::over(words, row, layout)
    }

    /// The ring of a row, in these words; empty when there are none.
    pub(super) fn over(words: &'a [u64], row: &Row, layout: Layout) -> Self {
        if words.is_empty() {
            let flags = Flags::Column(&[]);
            return Self { wide: &[], numbers: &[], flags, narrow: &[], mask: 0, head: 0, len: 0 };
        }
        let capacity = 2_usize << row.class();
        let (wide, rest) = words.split_at(layout.wide * capacity);
        let (numbers, rest) = rest.split_at(capacity / 2);
        let (flags, narrow) = rest.split_at(flag_words(capacity));
        Self {
            wide,
            numbers: bytemuck::cast_slice(numbers),
            flags: Flags::of(flags, capacity),
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
        self.wide[column * (self.mask + 1) + self.slot(at)]
    }

    /// The low half of an event's number, by age.
    pub(super) fn number(&self, at: usize) -> u32 {
        self.numbers[self.slot(at)]
    }

    /// An event's flags, by age.
    pub(super) fn flags(&self, at: usize) -> u32 {
        self.flags.get(self.slot(at))
    }

    /// A value of a narrow column after number and flags, by age.
    pub(super) fn narrow(&self, column: usize, at: usize) -> u32 {
        self.narrow_column(column)[self.slot(at)]
    }

    pub(super) fn time_ms(&self, at: usize) -> i64 {
        self.wide(0, at).cast_signed()
    }

    /// The slots of a stretch of events: at most two runs, older first.
    pub(super) fn runs(&self, stretch: Range<usize>) -> [Range<usize>; 2] {
        runs(self.head, self.mask, stretch)
    }

    /// The low halves of all numbers, by slot.
    pub(super) const fn numbers_by_slot(&self) -> &'a [u32] {
        self.numbers
    }

    /// All flags, by slot.
    pub(super) const fn flags_by_slot(&self) -> Flags<'a> {
        self.flags
    }

    /// A whole wide column, by slot; empty when there is no ring.
    pub(super) fn wide_column(&self, column: usize) -> &'a [u64] {
        let capacity = self.mask + 1;
        if self.wide.is_empty() { &[] } else { &self.wide[column * capacity..][..capacity] }
    }

    /// A whole narrow column after number and flags, by slot; empty when there is no ring.
    pub(super) fn narrow_column(&self, column: usize) -> &'a [u32] {
        let (capacity, column) = (self.mask + 1, column - FIRST_NARROW);
        if self.narrow.is_empty() { &[] } else { &self.narrow[column * capacity..][..capacity] }
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
            .find(|at| self.number(*at) == seq)
    }
}

impl PaneEvents for RingView<'_> {
    fn len(&self) -> usize {
        self.len
    }

    fn time_ms(&self, at: usize) -> i64 {
        self.wide(0, at).cast_signed()
    }

    fn all_flags(&self) -> Vec<u32> {
        let mut flags = vec![0; self.len];
        self.flags.copy_to(&self.runs(0..self.len), &mut flags);
        flags
    }

    fn wide(&self, column: usize, at: usize) -> u64 {
        self.wide(column, at)
    }

    fn narrow(&self, column: usize, at: usize) -> u32 {
        self.narrow(column, at)
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
        // Marks may move within the flags.
        let flags = slot.map(|_| layout.flags_at(capacity));
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
    // From block to block: memory of its own for a copy may have to come from the system first.
    let (old, class) = (*row, row.class());
    let (old_words, words) = (layout.block_words(class), layout.block_words(class + 1));
    row.ring = arena.take(words);
    row.place(class + 1, 0);
    let (from, to) = arena.pair((old.ring, old_words), (row.ring, words));
    let ring = RingView::over(from, &old, layout);
    let mut bigger = RingMut::over(to, row, layout);
    let (runs, capacity) = (ring.runs(0..ring.len()), bigger.capacity);
    for column in 0..layout.wide {
        copy_runs(ring.wide_column(column), &runs, &mut bigger.wide[column * capacity..]);
    }
    copy_runs(ring.numbers, &runs, bigger.numbers);
    for column in FIRST_NARROW..layout.narrow {
        let to = &mut bigger.narrow[(column - FIRST_NARROW) * capacity..];
        copy_runs(ring.narrow_column(column), &runs, to);
    }
    bigger.flags.begin_with(&ring.all_flags());
    arena.give_back(old.ring, old_words);
}

/// Changes the flags of an event in the ring; what they were.
pub(super) fn set_flags(arena: &mut Arena, row: &Row, layout: Layout, at: usize, flags: u32) {
    let slot = RingView::of(arena, row, layout).slot(at);
    let capacity = 2_usize << row.class();
    let changing = std::iter::once(layout.flags_at(capacity));
    RingMut::of(arena, row, layout, changing).flags.set(slot, flags);
}

/// Turns the flags of a ring that keeps them as a column into what rings of its size keep: an earlier
/// format of snapshots had columns only.
pub(super) fn turn_flags(arena: &mut Arena, row: &Row, layout: Layout) {
    let capacity = 2_usize << row.class();
    let at = layout.flags_at(capacity);
    let words = arena.part_mut(row.ring, layout.block_words(row.class()), [at.clone()]);
    let column: Vec<u32> = bytemuck::cast_slice(&words[at.clone()]).to_vec();
    words[at.clone()].fill(0);
    FlagsMut::of(&mut words[at], capacity).begin_with(&column);
}

/// Gives a ring's memory back.
pub(super) fn release(arena: &mut Arena, row: &Row, layout: Layout) {
    if !row.ring.is_none() {
        arena.give_back(row.ring, layout.block_words(row.class()));
    }
}

/// A ring to be changed: its columns, by slot.
pub(super) struct RingMut<'a> {
    pub(super) wide: &'a mut [u64],
    pub(super) numbers: &'a mut [u32],
    pub(super) flags: FlagsMut<'a>,
    /// The narrow columns after number and flags.
    pub(super) narrow: &'a mut [u32],
    pub(super) capacity: usize,
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
        Self::over(arena.part_mut(row.ring, layout.block_words(row.class()), changing), row, layout)
    }

    /// The ring of a row, in these words.
    pub(super) fn over(words: &'a mut [u64], row: &Row, layout: Layout) -> Self {
        let capacity = 2_usize << row.class();
        let (wide, rest) = words.split_at_mut(layout.wide * capacity);
        let (numbers, rest) = rest.split_at_mut(capacity / 2);
        let (flags, narrow) = rest.split_at_mut(flag_words(capacity));
        Self {
            wide,
            numbers: bytemuck::cast_slice_mut(numbers),
            flags: FlagsMut::of(flags, capacity),
            narrow: bytemuck::cast_slice_mut(narrow),
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
        let (slot, count) = (self.slot(at), len - at);
        if count == 0 {
            return;
        }
        let columns = self.wide.chunks_exact_mut(self.capacity);
        columns.for_each(|column| open_gap(column, slot, count));
        open_gap(self.numbers, slot, count);
        let columns = self.narrow.chunks_exact_mut(self.capacity);
        columns.for_each(|column| open_gap(column, slot, count));
        self.flags.open_gap(slot, count);
    }

    fn write(&mut self, at: usize, event: &Observation<'_>) {
        let (slot, capacity) = (self.slot(at), self.capacity);
        self.wide[slot] = event.time_ms.cast_unsigned();
        for (column, value) in event.wide.iter().enumerate() {
            self.wide[(column + 1) * capacity + slot] = *value;
        }
        self.numbers[slot] = event.seq;
        self.flags.set(slot, event.flags);
        for (column, value) in event.narrow.iter().enumerate() {
            self.narrow[column * capacity + slot] = *value;
        }
    }

    /// Keeps one mark a value, on its newest event. A missing value is never marked.
    fn mark_newest(&mut self, mark: Mark, at: usize) {
        let (slot, head, capacity) = (self.slot(at), self.head, self.capacity);
        let runs = runs(head, capacity - 1, 0..self.len);
        let flags = self.flags.view();
        let holder = match mark.column {
            Column::Wide(c) => {
                let values = &self.wide[c * capacity..][..capacity];
                if values[slot] == MISSING_WIDE {
                    return;
                }
                holder(values, flags, mark.bit, values[slot], runs)
            }
            Column::Narrow(c) => {
                let values = &self.narrow[(c - FIRST_NARROW) * capacity..][..capacity];
                if values[slot] == MISSING_NARROW {
                    return;
                }
                holder(values, flags, mark.bit, values[slot], runs)
            }
        };
        match holder {
            Some(holder) if holder.wrapping_sub(head) & (capacity - 1) > at => {}
            Some(holder) => {
                self.flags.put(holder, mark.bit, false);
                self.flags.put(slot, mark.bit, true);
            }
            None => self.flags.put(slot, mark.bit, true),
        }
    }
}

/// A value of a column, and its half that is compared first: four of them are one vector.
trait Value: Copy + PartialEq {
    fn low(self) -> u32;
}

impl Value for u64 {
    fn low(self) -> u32 {
        self as u32
    }
}

impl Value for u32 {
    fn low(self) -> u32 {
        self
    }
}

/// So many marks in a word are looked at one by one.
const FEW: u32 = 12;

/// The slot that holds a value's mark, of which there is at most one; youngest first, since a value
/// that comes often came lately.
fn holder<T: Value>(
    values: &[T],
    flags: Flags<'_>,
    bit: u32,
    wanted: T,
    runs: [Range<usize>; 2],
) -> Option<usize> {
    runs.into_iter().rev().find_map(|run| {
        words_of(&run).rev().find_map(|word| {
            let marked = flags.marked_word(bit, word) & within(word, &run);
            let values = &values[word * 64..values.len().min(word * 64 + 64)];
            // Values alone first, all of them, by their low halves: without a branch each.
            if marked.count_ones() > FEW
                && !values.iter().fold(false, |any, value| any | (value.low() == wanted.low()))
            {
                return None;
            }
            bits(marked).find(|at| values[*at] == wanted).map(|at| word * 64 + at)
        })
    })
}

/// What a wide value column holds where the event has no value; hashes are never zero.
pub(super) const MISSING_WIDE: u64 = 0;
/// What an entity column holds where the event has no such entity; ordinals stay below.
pub(super) const MISSING_NARROW: u32 = u32::MAX;
