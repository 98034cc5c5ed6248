//! The past of a hot key: each window cut into panes, once its ring has given up events in reach.
//!
//! A pane holds totals of its stretch of time, and panes are a sixtieth of their window wide, however
//! far back a delay moves it. What counts is counted whole in the panes that lie within the window; of
//! the pane in which it begins, as much as lies within. Where it ends the ring still knows each event,
//! so that what is younger, and the event itself where it is excluded, is taken off again. Values
//! taken from here are marked.

mod total;
mod sample;
mod cut;
mod coarse;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(super) use coarse::CoarseLayout;
use cut::Cut;
pub(super) use cut::{Asked, clamped};
pub(super) use sample::HEADER_WORDS;
use sample::{Filled, Header, Place};
use total::words_of;

use super::arena::{self, Arena, Block};
use super::epoch::Misfit;
use super::filter::Filter;
use super::plan::{Aggregate, Column, KindPlan, Op, Window};
use super::ring::{MISSING_NARROW, MISSING_WIDE};
use super::spec::Over;

/// Panes that a rolling window is cut into.
const PANES: i64 = 60;
/// Midnights of every zone lie on quarters of an hour.
const DAY_PANE_MS: i64 = 15 * 60_000;
/// Beginnings of months lie on these where no clock has changed since.
const MONTH_PANE_MS: i64 = 6 * 3_600_000;
/// Panes of the time around now, for events that come early or late: so far, and so many at most.
const AROUND_MS: i64 = 10 * 60_000;
const AROUND_MAX: i64 = 120;

/// Where a kind's panes lie in the block of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct PaneLayout {
    windows: Vec<PaneWindow>,
    /// First words of the headers of samples.
    tables: Vec<u32>,
    words: usize,
}

#[derive(Clone, Debug)]
pub(super) struct PaneWindow {
    window: usize,
    width_ms: i64,
    /// What is added to a time so that panes begin where days do.
    shift_ms: i64,
    reach_ms: i64,
    delay_ms: i64,
    /// Panes that are kept.
    slots: usize,
    start: usize,
    /// Words of one pane: its number, then the accumulators.
    stride: usize,
    accumulators: Vec<Accumulator>,
}

#[derive(Clone, Debug)]
struct Accumulator {
    op: Op,
    filter: usize,
    at: usize,
    /// The header of its sample, of operations that have one.
    header: usize,
}

impl PaneWindow {
    fn of(at: usize, window: Window, offset_ms: i64) -> Self {
        let (width_ms, shift_ms) = match window.over {
            Over::Rolling(ms) => ((ms + PANES - 1) / PANES, 0),
            Over::CalendarDay => (DAY_PANE_MS, offset_ms),
            Over::CalendarMonth => (MONTH_PANE_MS, offset_ms),
        };
        let (reach_ms, delay_ms) = (window.reach_ms(), window.delay_ms);
        let mut panes = Self {
            window: at,
            width_ms,
            shift_ms,
            reach_ms,
            delay_ms,
            slots: 0,
            start: 0,
            stride: 1,
            accumulators: Vec::new(),
        };
        panes.slots = panes.slots_wanted();
        panes
    }

    const fn slots_wanted(&self) -> usize {
        let around = AROUND_MS / self.width_ms + 1;
        let around = if around < AROUND_MAX { around } else { AROUND_MAX };
        (self.reach_ms / self.width_ms + 2 + around) as usize
    }

    const fn words(&self) -> usize {
        self.slots * self.stride
    }

    /// The number of the pane that a moment lies in.
    const fn number(&self, ms: i64) -> i64 {
        (ms + self.shift_ms).div_euclid(self.width_ms)
    }

    /// When the pane of a number begins.
    const fn begin_ms(&self, number: i64) -> i64 {
        number * self.width_ms - self.shift_ms
    }

    /// A slot's first word.
    const fn word(&self, slot: usize) -> usize {
        self.start + slot * self.stride
    }

    /// Where the pane of a number lies.
    const fn slot(&self, number: i64) -> usize {
        self.word(number.rem_euclid(self.slots as i64) as usize)
    }

    /// The pane of a number, if it is there.
    fn pane<'w>(&self, words: &'w [u64], number: i64) -> Option<&'w [u64]> {
        let slot = self.slot(number);
        let pane = &words[slot..slot + self.stride];
        (pane[0] == number.cast_unsigned()).then_some(pane)
    }

    /// The pane of a number, empty if the last one in its place was older; `None` if it was younger.
    fn open<'w>(&self, words: &'w mut [u64], number: i64) -> Option<&'w mut [u64]> {
        let slot = self.slot(number);
        let pane = &mut words[slot..slot + self.stride];
        if pane[0] < number.cast_unsigned() {
            pane.fill(0);
            pane[0] = number.cast_unsigned();
        }
        (pane[0] == number.cast_unsigned()).then_some(pane)
    }

    /// Whether panes of both are of the same stretches of time, in places that can be copied.
    const fn is_cut_like(&self, other: &Self) -> bool {
        self.width_ms == other.width_ms
            && self.shift_ms == other.shift_ms
            && self.slots == other.slots
    }
}

/// Where one total lies in the panes of its window.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Spot {
    /// The window's first word, its panes, and the words of one.
    pub(super) start: u32,
    pub(super) slots: u32,
    pub(super) stride: u32,
    /// The total's first word in a pane, and how many it has.
    pub(super) at: u32,
    pub(super) words: u32,
    /// The header of its sample; zero when it has none.
    pub(super) header: u32,
}

impl Spot {
    /// Whether all of it lies within a block.
    pub(super) fn is_within(self, block_words: usize) -> bool {
        let end = u64::from(self.start) + u64::from(self.slots) * u64::from(self.stride);
        let is_in_pane =
            self.at >= 1 && u64::from(self.at) + u64::from(self.words) <= u64::from(self.stride);
        let header = u64::from(self.header) + HEADER_WORDS as u64;
        end <= block_words as u64
            && is_in_pane
            && (self.header == 0 || header <= block_words as u64)
    }

    /// Copies the total of every pane. A pane that the other block lacks, or has of an older
    /// stretch of time, begins empty. A sample's table goes with it.
    pub(super) fn move_to(self, from: &mut [u64], other: Self, to: &mut [u64]) {
        let place = |spot: Self, slot: usize| spot.start as usize + slot * spot.stride as usize;
        for slot in 0..self.slots.min(other.slots) as usize {
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
        if self.header != 0 && other.header != 0 {
            let header = &mut from[self.header as usize..][..HEADER_WORDS];
            to[other.header as usize..][..HEADER_WORDS].copy_from_slice(header);
            header.fill(0);
        }
    }
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

impl PaneEvent<'_> {
    /// The value of a column, if the event has one.
    fn value(&self, column: Column) -> Option<u64> {
        match column {
            Column::Wide(c) => Some((self.wide)(c)).filter(|value| *value != MISSING_WIDE),
            Column::Narrow(c) => {
                Some((self.narrow)(c)).filter(|value| *value != MISSING_NARROW).map(u64::from)
            }
        }
    }
}

/// One total of a plan's panes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total<'a> {
    pub(super) window: usize,
    pub(super) op: Op,
    pub(super) filter: usize,
    pub(super) spot: Spot,
    panes: &'a PaneWindow,
}

impl Total<'_> {
    /// Whether it is one of the same stretches of time.
    pub(super) const fn is_cut_like(&self, other: &Self) -> bool {
        self.panes.is_cut_like(other.panes)
    }
}

/// Samples that are filled from a ring and wait for their places.
pub(super) type FilledSamples = Vec<Filled>;

impl PaneLayout {
    /// `offset_ms` is how far the zone is ahead of UTC, most of the time.
    pub(super) fn of(plan: &KindPlan, offset_ms: i64) -> Self {
        let mut layout = Self::default();
        for (at, window) in plan.windows.iter().enumerate() {
            let mut panes = PaneWindow::of(at, *window, offset_ms);
            let lookups = plan.lookups.iter().flat_map(|(_, list)| list);
            for aggregate in plan.own.iter().chain(lookups).filter(|a| a.window == at) {
                let known = panes
                    .accumulators
                    .iter()
                    .any(|a| is_same(a.op, aggregate.op) && a.filter == aggregate.filter);
                if !known {
                    panes.accumulators.push(Accumulator {
                        op: aggregate.op,
                        filter: aggregate.filter,
                        at: panes.stride,
                        header: 0,
                    });
                    panes.stride += words_of(aggregate.op);
                }
            }
            layout.windows.push(panes);
        }
        layout.place();
        layout
    }

    /// Gives everything its place. Where a key's panes do not fit into one block, those of the window
    /// that needs most are made twice as wide.
    fn place(&mut self) {
        let samples = self.windows.iter().flat_map(|window| &window.accumulators);
        let samples = samples.filter(|one| matches!(one.op, Op::Distinct(..))).count();
        let headers = samples * HEADER_WORDS;
        let panes = |windows: &[PaneWindow]| windows.iter().map(PaneWindow::words).sum::<usize>();
        while panes(&self.windows) + headers > arena::BLOCK_WORDS_MAX {
            let most = self.windows.iter_mut().max_by_key(|window| window.words());
            let Some(window) = most.filter(|window| window.slots > PANES as usize) else { break };
            window.width_ms *= 2;
            window.slots = window.slots_wanted();
        }
        for window in &mut self.windows {
            window.start = self.words;
            self.words += window.words();
        }
        for one in self.windows.iter_mut().flat_map(|window| &mut window.accumulators) {
            if matches!(one.op, Op::Distinct(..)) {
                one.header = self.words;
                self.tables.push(self.words as u32);
                self.words += HEADER_WORDS;
            }
        }
    }

    pub(super) const fn block_words(&self) -> usize {
        self.words
    }

    /// First words of the headers of samples, whose tables are blocks of their own.
    pub(super) fn tables(&self) -> &[u32] {
        &self.tables
    }

    /// Totals that are kept, over all windows.
    pub(super) fn accumulators(&self) -> usize {
        self.windows.iter().map(|window| window.accumulators.len()).sum()
    }

    /// Every total, in one order.
    pub(super) fn totals(&self) -> impl Iterator<Item = Total<'_>> {
        self.windows.iter().flat_map(|panes| {
            panes.accumulators.iter().map(move |one| {
                // A block is smaller than a page, so every place in it is.
                let [start, slots, stride, at, words, header] =
                    [panes.start, panes.slots, panes.stride, one.at, words_of(one.op), one.header]
                        .map(|n| n as u32);
                let spot = Spot { start, slots, stride, at, words, header };
                Total { window: panes.window, op: one.op, filter: one.filter, spot, panes }
            })
        })
    }

    /// The number of an aggregate's total.
    pub(super) fn accumulator(&self, aggregate: &Aggregate) -> Option<usize> {
        let Aggregate { window, op, filter, .. } = aggregate;
        self.totals().position(|t| t.window == *window && is_same(t.op, *op) && t.filter == *filter)
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

    /// Every window with every total that takes the event, now or before.
    fn each(&self) -> impl Iterator<Item = (&PaneWindow, &Accumulator)> {
        self.windows
            .iter()
            .flat_map(|window| window.accumulators.iter().map(move |one| (window, one)))
    }

    /// Adds an event to the panes of every window.
    pub(super) fn add(
        &self,
        arena: &mut Arena,
        block: Block,
        event: &PaneEvent<'_>,
        filters: &[Filter],
    ) {
        let words = arena.part_mut(block, self.words, self.changing(event.time_ms));
        for window in &self.windows {
            let Some(pane) = window.open(words, window.number(event.time_ms)) else { continue };
            for one in &window.accumulators {
                if filters[one.filter].passes(event.flags) {
                    one.add(&mut pane[one.at..], event, filters);
                }
            }
        }
        for (window, one) in self.each() {
            let Op::Distinct(column, _) = one.op else { continue };
            let number = window.number(event.time_ms);
            if filters[one.filter].passes(event.flags)
                && window.pane(arena.block(block, self.words), number).is_some()
                && let Some(value) = event.value(column)
            {
                self.sample(block, (window, one)).add(arena, value, number);
            }
        }
    }

    /// An outcome or a label says something else of an event than before: what took it lets it go,
    /// and what did not takes it.
    pub(super) fn amend(
        &self,
        arena: &mut Arena,
        block: Block,
        (before, event): (u32, &PaneEvent<'_>),
        filters: &[Filter],
    ) {
        let then = PaneEvent { flags: before, ..*event };
        let words = arena.part_mut(block, self.words, self.changing(event.time_ms));
        for window in &self.windows {
            let Some(pane) = window.open(words, window.number(event.time_ms)) else { continue };
            for one in &window.accumulators {
                let filter = &filters[one.filter];
                let total = &mut pane[one.at..];
                match (filter.passes(before), filter.passes(event.flags)) {
                    (true, true) => one.change(total, (&then, event), filters),
                    (true, false) => one.remove(total, &then, filters),
                    (false, true) => one.add(total, event, filters),
                    (false, false) => {}
                }
            }
        }
        for (window, one) in self.each() {
            let (Op::Distinct(column, _), filter) = (one.op, &filters[one.filter]) else {
                continue;
            };
            let number = window.number(event.time_ms);
            let is_open = window.pane(arena.block(block, self.words), number).is_some();
            let Some(value) = event.value(column).filter(|_| is_open) else { continue };
            let sample = self.sample(block, (window, one));
            match (filter.passes(before), filter.passes(event.flags)) {
                (true, false) => sample.remove(arena, value, number),
                (false, true) => sample.add(arena, value, number),
                _ => {}
            }
        }
    }

    const fn sample<'p>(
        &self,
        block: Block,
        (window, one): (&'p PaneWindow, &Accumulator),
    ) -> Place<'p> {
        Place { block, words: self.words, window, header: one.header, at: one.at }
    }

    /// Adds all of these events, as if one after the other: those of one pane together. Samples of values
    /// wait for [`Self::put_samples`].
    pub(super) fn fill(
        &self,
        words: &mut [u64],
        events: &impl PaneEvents,
        filters: &[Filter],
    ) -> FilledSamples {
        let flags = events.all_flags();
        let (mut samples, mut table) = (Vec::new(), Vec::new());
        // Of each event the pane, where it is open.
        let mut open: Vec<Option<i64>> = Vec::with_capacity(events.len());
        for window in &self.windows {
            open.clear();
            while open.len() < events.len() {
                let begin = open.len();
                let number = window.number(events.time_ms(begin));
                let next_ms = window.begin_ms(number + 1);
                let mut end = begin + 1;
                while end < events.len() && events.time_ms(end) < next_ms {
                    end += 1;
                }
                let pane = window.open(words, number);
                open.resize(end, pane.is_some().then_some(number));
                if let Some(pane) = pane {
                    for one in &window.accumulators {
                        one.add_all(pane, events, (&flags, begin..end), filters);
                    }
                }
            }
            for one in &window.accumulators {
                let Op::Distinct(column, _) = one.op else { continue };
                let filter = &filters[one.filter];
                let value = |at: usize| {
                    let number = open[at].filter(|_| filter.passes(flags[at]))?;
                    let value = match column {
                        Column::Wide(c) => Some(events.wide(c, at)).filter(|v| *v != MISSING_WIDE),
                        Column::Narrow(c) => Some(events.narrow(c, at))
                            .filter(|value| *value != MISSING_NARROW)
                            .map(u64::from),
                    };
                    // A younger pane may have taken its place since.
                    value.filter(|_| window.pane(words, number).is_some()).map(|v| (v, number))
                };
                let place = self.sample(Block::NONE, (window, one));
                samples.extend(place.filled((0..events.len()).map(value), &mut table));
            }
        }
        samples
    }

    /// Puts samples into their places.
    pub(super) fn put_samples(&self, arena: &mut Arena, block: Block, samples: &FilledSamples) {
        for filled in samples {
            let found = self.each().find(|(_, one)| one.header == filled.header);
            if let Some(place) = found {
                self.sample(block, place).put(arena, filled);
            }
        }
    }

    /// The words that an event at this time changes: one pane of each window.
    fn changing(&self, time_ms: i64) -> impl Iterator<Item = Range<usize>> {
        self.windows.iter().map(move |window| {
            let slot = window.slot(window.number(time_ms));
            slot..slot + window.stride
        })
    }

    /// The value of an aggregate, and whether it is exact after all.
    pub(super) fn value(
        &self,
        (arena, block): (&Arena, Block),
        aggregate: &Aggregate,
        asked: &Asked<'_>,
        scratch: &mut Vec<u64>,
    ) -> (Option<u64>, bool) {
        let window = &self.windows[aggregate.window];
        debug_assert_eq!(window.window, aggregate.window);
        let is_it = |a: &&Accumulator| is_same(a.op, aggregate.op) && a.filter == aggregate.filter;
        let Some(one) = window.accumulators.iter().find(is_it) else { return (None, false) };
        let cut = Cut::of(window, asked);
        if let Op::Distinct(column, _) = one.op {
            let excluded = asked.excluded(column).map(|value| (value, window.number(asked.end_ms)));
            let place = self.sample(block, (window, one));
            return (Some(place.estimate(arena, &cut, excluded, scratch)), false);
        }
        cut.value(window, one, arena.block(block, self.words), asked)
    }

    /// Whether the tables that a block of panes names are where it says.
    pub(super) fn check_tables(
        arena: &Arena,
        block: (Block, usize),
        tables: &[u32],
    ) -> Result<(), Misfit> {
        let is_there = |header: &Header| {
            sample::table_words(header.class).is_some_and(|words| arena.holds(header.table, words))
        };
        let named = named_tables(arena, block, tables);
        let mut named = named.into_iter().filter(|header| !header.table.is_none());
        if named.all(|header| is_there(&header)) {
            Ok(())
        } else {
            Err(Misfit("a sample of values is not where its panes say"))
        }
    }

    /// Gives back a block of panes and what it names.
    pub(super) fn give_back(arena: &mut Arena, (block, words): (Block, usize), tables: &[u32]) {
        for header in named_tables(arena, (block, words), tables) {
            let table = Some(header.table).filter(|table| !table.is_none());
            if let (Some(table), Some(words)) = (table, sample::table_words(header.class)) {
                arena.give_back(table, words);
            }
        }
        arena.give_back(block, words);
    }

    /// Words of the tables that a block of panes names.
    #[cfg(test)]
    pub(super) fn table_words(arena: &Arena, block: (Block, usize), tables: &[u32]) -> usize {
        let named = named_tables(arena, block, tables);
        let named = named.into_iter().filter(|header| !header.table.is_none());
        named.filter_map(|header| sample::table_words(header.class)).sum()
    }
}

fn named_tables(arena: &Arena, (block, words): (Block, usize), tables: &[u32]) -> Vec<Header> {
    let words = arena.block(block, words);
    let header = |at: &u32| words.get(*at as usize..*at as usize + HEADER_WORDS).map(Header::read);
    tables.iter().filter_map(header).collect()
}

/// Whether two operations have the same total: with which bit a ring marks its values is of no matter.
fn is_same(a: Op, b: Op) -> bool {
    match (a, b) {
        (Op::Distinct(a, _), Op::Distinct(b, _)) => a == b,
        (a, b) => a == b,
    }
}

/// The finaliser of MurmurHash3: spreads small numbers over all bits.
pub(super) const fn mix(value: u64) -> u64 {
    let a = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let b = (a ^ a >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    b ^ b >> 33
}
