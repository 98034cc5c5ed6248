//! How many different values a window of a hot key holds: a sample of them, each with the pane of its
//! newest event.
//!
//! Up to [`KEPT_MAX`] values are all kept, and the count is exact but for the pane at the window's old
//! end. With more, those whose hash is below a threshold are kept (Wegman's adaptive sampling, as
//! Flajolet described it in 1990), never fewer than two thirds of it: a standard error of 1.1 %. The
//! threshold is a pane's, so that a burst costs accuracy only while it is in the window. Because a
//! value keeps how many events it has in its newest pane, an amendment can take one of them back.
//!
//! A delayed window asks for values that may have come again since, so there a value is kept once for
//! each five panes in which it came.

use std::iter;

use super::{PaneWindow, mix};
use crate::stages::features::arena::{Arena, Block};

/// Words of a sample beside its table, in the block of its key's panes.
pub(in crate::stages::features) const HEADER_WORDS: usize = 4;
/// Places of the smallest table, and of the largest one: 128 KiB.
const PLACES_MIN: usize = 64;
const CLASS_MAX: u8 = 8;
/// Most values that are kept: three quarters of the places, so that a search ends soon.
pub(super) const KEPT_MAX: usize = kept(CLASS_MAX);
/// Panes of a delayed window that share a value's entry.
pub(super) const PANES_TOGETHER: i64 = 5;
/// Thresholds fall by a quarter with each level; below the last one nearly nothing would be left.
const LEVEL_MAX: u8 = 56;
/// Numbers of panes are kept modulo this; older ones are dropped long before.
const NUMBERS: i64 = 1 << 20;

const fn places(class: u8) -> usize {
    PLACES_MIN << class
}

const fn kept(class: u8) -> usize {
    places(class) / 4 * 3
}

/// Words of a table of this class; `None` when there is none.
pub(super) fn table_words(class: u8) -> Option<usize> {
    (class <= CLASS_MAX).then(|| places(class))
}

const THRESHOLDS: [u64; LEVEL_MAX as usize + 1] = {
    let mut thresholds = [1 << 32; LEVEL_MAX as usize + 1];
    let mut level = 1;
    while level < thresholds.len() {
        thresholds[level] = thresholds[level - 1] / 4 * 3;
        level += 1;
    }
    thresholds
};

/// Hashes below this are kept at a level.
fn threshold(level: u8) -> u64 {
    THRESHOLDS[usize::from(level.min(LEVEL_MAX))]
}

/// How many values one that is kept stands for.
fn scale(level: u8) -> f64 {
    (1_u64 << 32) as f64 / threshold(level) as f64
}

/// What is known of a sample beside its table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) table: Block,
    pub(super) class: u8,
    /// The level of panes to come.
    level: u8,
    /// Places of the table that are not empty.
    used: u32,
    /// The newest pane.
    newest: i64,
    /// The newest pane when the table was looked through last.
    looked: i64,
}

impl Header {
    pub(super) fn read(words: &[u64]) -> Self {
        Self {
            table: Block(words[0] as u32),
            class: (words[0] >> 32) as u8,
            level: (words[0] >> 40) as u8,
            used: words[1] as u32,
            newest: words[2].cast_signed(),
            looked: words[3].cast_signed(),
        }
    }

    fn write(self, words: &mut [u64]) {
        words[0] =
            u64::from(self.table.0) | u64::from(self.class) << 32 | u64::from(self.level) << 40;
        words[1] = u64::from(self.used);
        words[2] = self.newest.cast_unsigned();
        words[3] = self.looked.cast_unsigned();
    }
}

/// A value in the table: its hash, the pane of its newest event, how many of its events are in that
/// one (63: so many or more), and how many panes before it the one before was (0: not in a window).
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    number: i64,
    before: u32,
    count: u32,
}

const COUNT_MAX: u32 = 63;
const BEFORE_MAX: i64 = 63;

impl Entry {
    fn read(word: u64, newest: i64) -> Self {
        let number = (word >> 12 & (NUMBERS - 1).cast_unsigned()).cast_signed();
        Self {
            hash: (word >> 32) as u32,
            number: newest - (newest - number).rem_euclid(NUMBERS),
            before: (word >> 6) as u32 & COUNT_MAX,
            count: word as u32 & COUNT_MAX,
        }
    }

    /// Of a value that came for the first time.
    const fn first(hash: u32, number: i64) -> Self {
        Self { hash, number, before: 0, count: 1 }
    }

    /// The value came once more in its newest pane.
    fn again(self) -> Self {
        Self { count: (self.count + 1).min(COUNT_MAX), ..self }
    }

    /// The value came in another pane than its newest one.
    fn moved_on(self, fresh: Self) -> Self {
        let distance = (self.number - fresh.number).abs();
        let before = if distance < BEFORE_MAX { distance as u32 } else { 0 };
        if fresh.number > self.number {
            Self { before, ..fresh }
        } else if before != 0 && (self.before == 0 || before < self.before) {
            Self { before, ..self }
        } else {
            self
        }
    }

    fn word(self) -> u64 {
        u64::from(self.hash) << 32
            | self.number.rem_euclid(NUMBERS).cast_unsigned() << 12
            | u64::from(self.before) << 6
            | u64::from(self.count)
    }
}

/// Hashes are never zero: an empty place is.
pub(super) fn hash_of(value: u64) -> u32 {
    ((mix(value) >> 32) as u32).max(1)
}

/// The word that a pane has of a sample: how many values have their newest event here, the level at
/// which they were kept, and whether that is set.
#[derive(Clone, Copy, Debug)]
struct PaneWord {
    count: u32,
    level: u8,
}

impl PaneWord {
    const SET: u64 = 1 << 40;

    fn read(word: u64) -> Option<Self> {
        let is_set = word & Self::SET != 0;
        is_set.then_some(Self { count: word as u32, level: (word >> 32) as u8 })
    }

    fn word(self) -> u64 {
        u64::from(self.count) | u64::from(self.level) << 32 | Self::SET
    }

    fn keeps(self, hash: u32) -> bool {
        u64::from(hash) < threshold(self.level)
    }
}

/// A sample that is filled and not yet in its place.
#[derive(Debug)]
pub(in crate::stages::features) struct Filled {
    /// The first word of its header.
    pub(super) header: usize,
    table: Vec<u64>,
    class: u8,
    live: u32,
    newest: i64,
    /// Its panes, oldest first, with how many values have their newest event there.
    panes: Vec<(i64, u32)>,
}

/// Where a sample lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The block of the key's panes, and its words.
    pub(super) block: Block,
    pub(super) words: usize,
    pub(super) window: &'a PaneWindow,
    /// The header's first word in the block.
    pub(super) header: usize,
    /// The sample's word in a pane.
    pub(super) at: usize,
}

impl Place<'_> {
    const fn is_paired(&self) -> bool {
        self.window.delay_ms > 0
    }

    /// How a pane is called in the table.
    const fn named(&self, number: i64) -> i64 {
        if self.is_paired() { number.div_euclid(PANES_TOGETHER) } else { number }
    }

    /// From how many panes back on an entry is out of every window.
    const fn span(&self) -> i64 {
        self.named(self.window.reach_ms / self.window.width_ms) + 2
    }

    fn header(&self, arena: &Arena) -> Header {
        Header::read(&arena.block(self.block, self.words)[self.header..])
    }

    fn set_header(&self, arena: &mut Arena, header: Header) {
        let part = self.header..self.header + HEADER_WORDS;
        header.write(&mut arena.part_mut(self.block, self.words, [part.clone()])[part]);
    }

    fn pane_word(&self, arena: &Arena, number: i64) -> Option<PaneWord> {
        let words = arena.block(self.block, self.words);
        let slot = self.window.slot(number);
        (words[slot] == number.cast_unsigned())
            .then(|| words[slot + self.at])
            .and_then(PaneWord::read)
    }

    fn set_pane_word(&self, arena: &mut Arena, number: i64, word: PaneWord) {
        let at = self.window.slot(number) + self.at;
        arena.part_mut(self.block, self.words, iter::once(at..at + 1))[at] = word.word();
    }

    /// One value more, or less, whose newest event is in a pane.
    fn count(&self, arena: &mut Arena, (hash, number): (u32, i64), step: i32) {
        if self.is_paired() {
            return;
        }
        if let Some(mut word) = self.pane_word(arena, number).filter(|word| word.keeps(hash)) {
            word.count = word.count.saturating_add_signed(step);
            self.set_pane_word(arena, number, word);
        }
    }

    /// The place of a value: where it is, else the first empty one.
    fn find(&self, arena: &Arena, header: &Header, key: (u32, i64)) -> usize {
        self.find_in(arena.block(header.table, places(header.class)), header.newest, key)
    }

    fn find_in(&self, table: &[u64], newest: i64, (hash, name): (u32, i64)) -> usize {
        let is_it = |word: u64| {
            let entry = Entry::read(word, newest);
            entry.hash == hash && (!self.is_paired() || entry.number == name)
        };
        let mut at = self.home(table.len(), (hash, name));
        for _ in 0..table.len() {
            if table[at] == 0 || is_it(table[at]) {
                break;
            }
            at = (at + 1) % table.len();
        }
        at
    }

    fn home(&self, places: usize, (hash, name): (u32, i64)) -> usize {
        let key = if self.is_paired() {
            mix(u64::from(hash) << 20 ^ name.rem_euclid(NUMBERS).cast_unsigned())
        } else {
            u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
        };
        key as usize % places
    }

    fn set(&self, arena: &mut Arena, header: &Header, at: usize, entry: Entry) {
        let words = places(header.class);
        arena.part_mut(header.table, words, iter::once(at..at + 1))[at] = entry.word();
    }

    /// A value came in a pane, which is open.
    pub(super) fn add(&self, arena: &mut Arena, value: u64, number: i64) {
        let (hash, name) = (hash_of(value), self.named(number));
        let mut header = self.ready(arena, name);
        let word = self.pane_word(arena, number).unwrap_or_else(|| {
            let word = PaneWord { count: 0, level: header.level };
            self.set_pane_word(arena, number, word);
            word
        });
        if !word.keeps(hash) || header.newest - name > self.span() {
            return;
        }
        let mut at = self.find(arena, &header, (hash, name));
        let found = arena.block(header.table, places(header.class))[at];
        let entry = Entry::read(found, header.newest);
        let fresh = Entry::first(hash, name);
        if found == 0 {
            if header.used as usize >= kept(header.class) {
                self.look_through(arena);
                header = self.header(arena);
                if self.pane_word(arena, number).is_none_or(|word| !word.keeps(hash)) {
                    return;
                }
                at = self.find(arena, &header, (hash, name));
            }
            header.used += 1;
            self.set_header(arena, header);
            self.set(arena, &header, at, fresh);
            self.count(arena, (hash, name), 1);
        } else if entry.count == 0 || header.newest - entry.number > self.span() {
            self.set(arena, &header, at, fresh);
            self.count(arena, (hash, name), 1);
        } else if entry.number == name {
            self.set(arena, &header, at, entry.again());
        } else {
            self.move_on(arena, &header, (at, entry), fresh);
        }
    }

    /// A value that is known came in another pane than its newest one.
    fn move_on(
        &self,
        arena: &mut Arena,
        header: &Header,
        (at, entry): (usize, Entry),
        fresh: Entry,
    ) {
        if fresh.number > entry.number {
            self.count(arena, (entry.hash, entry.number), -1);
            self.count(arena, (fresh.hash, fresh.number), 1);
        }
        self.set(arena, header, at, entry.moved_on(fresh));
    }

    /// What the sample of these values would be, each in an open pane and none older than the one before
    /// it: as if they were added one after the other. `table` is a buffer. Nothing is taken of the arena,
    /// and little of the system: who fills panes keeps the event waiting that made a key hot.
    pub(super) fn filled(
        &self,
        values: impl ExactSizeIterator<Item = Option<(u64, i64)>> + Clone,
        table: &mut Vec<u64>,
    ) -> Option<Filled> {
        let newest = self.named(values.clone().flatten().last()?.1);
        // No more than a ring holds, which is less than what is kept of values.
        let class = (0..CLASS_MAX).find(|class| kept(*class) >= values.len());
        table.clear();
        table.resize(places(class.unwrap_or(CLASS_MAX)), 0);
        let (mut panes, mut live) = (Vec::<(i64, u32)>::new(), 0);
        for (value, number) in values.flatten() {
            if panes.last().is_none_or(|(last, _)| *last != number) {
                panes.push((number, 0));
            }
            let (hash, name) = (hash_of(value), self.named(number));
            if newest - name > self.span() {
                continue;
            }
            let at = self.find_in(table, newest, (hash, name));
            let (fresh, found) = (Entry::first(hash, name), Entry::read(table[at], newest));
            live += usize::from(table[at] == 0);
            table[at] = match table[at] {
                0 => fresh,
                _ if found.number == name => found.again(),
                _ => found.moved_on(fresh),
            }
            .word();
        }
        let class = (0..CLASS_MAX).find(|class| kept(*class) >= 2 * live).unwrap_or(CLASS_MAX);
        let mut smaller = vec![0; places(class)];
        for word in table.iter().filter(|word| **word != 0) {
            let entry = Entry::read(*word, newest);
            let at = self.find_in(&smaller, newest, (entry.hash, entry.number));
            smaller[at] = *word;
            let pane = panes.binary_search_by_key(&entry.number, |(number, _)| *number);
            if let (Ok(at), false) = (pane, self.is_paired()) {
                panes[at].1 += 1;
            }
        }
        Some(Filled {
            header: self.header,
            table: smaller,
            class,
            live: live as u32,
            newest,
            panes,
        })
    }

    /// Puts a sample where none is yet.
    pub(super) fn put(&self, arena: &mut Arena, filled: &Filled) {
        let Filled { table, class, live, newest, panes, .. } = filled;
        debug_assert!(self.header(arena).table.is_none(), "a sample is filled once");
        let block = arena.take(table.len());
        arena.block_mut(block, table.len()).copy_from_slice(table);
        let header = Header {
            table: block,
            class: *class,
            level: 0,
            used: *live,
            newest: *newest,
            looked: *newest,
        };
        self.set_header(arena, header);
        for (number, count) in panes {
            self.set_pane_word(arena, *number, PaneWord { count: *count, level: 0 });
        }
    }

    /// An event of a value in a pane does not count any more.
    pub(super) fn remove(&self, arena: &mut Arena, value: u64, number: i64) {
        let (hash, name) = (hash_of(value), self.named(number));
        let header = self.header(arena);
        if header.table.is_none() {
            return;
        }
        let at = self.find(arena, &header, (hash, name));
        let found = arena.block(header.table, places(header.class))[at];
        let mut entry = Entry::read(found, header.newest);
        if found == 0 || entry.count == 0 || entry.count == COUNT_MAX {
            return;
        }
        if entry.number == name {
            entry.count -= 1;
            if entry.count == 0 {
                self.count(arena, (hash, name), -1);
            }
            if entry.count == 0 && entry.before > 0 {
                let number = name - i64::from(entry.before);
                entry = Entry { number, before: 0, count: 1, ..entry };
                self.count(arena, (hash, number), 1);
            }
        } else if entry.number - name == i64::from(entry.before) {
            entry.before = 0;
        }
        self.set(arena, &header, at, entry);
    }

    /// The header, once there is a table and it knows of a pane.
    fn ready(&self, arena: &mut Arena, name: i64) -> Header {
        let mut header = self.header(arena);
        if header.table.is_none() {
            header = Header {
                table: arena.take(places(0)),
                class: 0,
                level: 0,
                used: 0,
                newest: name,
                looked: name,
            };
            self.set_header(arena, header);
        } else if name > header.newest {
            // Entries name panes by distance from the newest: what is out of reach must be gone
            // long before a number comes again.
            let is_time = name - header.looked > self.span();
            if name - header.newest >= NUMBERS / 2 {
                arena.block_mut(header.table, places(header.class)).fill(0);
                header.used = 0;
            }
            header.newest = name;
            self.set_header(arena, header);
            if is_time {
                self.look_through(arena);
                header = self.header(arena);
            }
        }
        header
    }

    /// Drops what is out of every window, and chooses the table's size and the level anew.
    fn look_through(&self, arena: &mut Arena) {
        let mut header = self.header(arena);
        let newest = header.newest;
        let is_live = |entry: &Entry| entry.count > 0 && newest - entry.number <= self.span();
        let old = arena.block(header.table, places(header.class));
        let entries =
            || old.iter().filter(|word| **word != 0).map(|word| Entry::read(*word, newest));
        let live = entries().filter(is_live).count();
        let raised = (live > KEPT_MAX / 8 * 7).then(|| {
            let levels = (0..self.window.slots).filter_map(|slot| {
                PaneWord::read(
                    arena.block(self.block, self.words)[self.window.word(slot) + self.at],
                )
            });
            levels.map(|word| word.level).max().unwrap_or(0).max(header.level).min(LEVEL_MAX - 1)
                + 1
        });
        let below = raised.map_or(u64::MAX, threshold);
        let live = entries().filter(is_live).filter(|one| u64::from(one.hash) < below).count();
        header.level = raised.unwrap_or_else(|| {
            // Few are left: panes to come may keep more of what comes.
            let (mut level, mut few) = (header.level, live);
            while level > 0 && few < KEPT_MAX / 2 {
                (level, few) = (level - 1, few + few / 3 + 1);
            }
            level
        });
        if let Some(level) = raised {
            self.raise(arena, level);
        }
        let class = (0..CLASS_MAX).find(|class| kept(*class) >= 2 * live).unwrap_or(CLASS_MAX);
        let table = arena.take(places(class));
        let (before, old_class) = (header.table, header.class);
        (header.table, header.class, header.looked) = (table, class, newest);
        header.used = 0;
        for at in 0..places(old_class) {
            let word = arena.block(before, places(old_class))[at];
            let entry = Entry::read(word, newest);
            if word != 0 && is_live(&entry) && u64::from(entry.hash) < below {
                let at = self.find(arena, &header, (entry.hash, entry.number));
                self.set(arena, &header, at, entry);
                header.used += 1;
                if raised.is_some() {
                    self.count(arena, (entry.hash, entry.number), 1);
                }
            }
        }
        arena.give_back(before, places(old_class));
        self.set_header(arena, header);
    }

    /// Every pane keeps what is below the level's threshold, and is counted anew by the caller.
    fn raise(&self, arena: &mut Arena, level: u8) {
        let words = arena.block_mut(self.block, self.words);
        for slot in 0..self.window.slots {
            let word = &mut words[self.window.word(slot) + self.at];
            if PaneWord::read(*word).is_some() {
                *word = PaneWord { count: 0, level }.word();
            }
        }
    }

    /// How many values a window holds. `newest_only`: a value of the event at hand, in which pane,
    /// that is not to be counted where it has no other event.
    pub(super) fn estimate(
        &self,
        arena: &Arena,
        cut: &super::Cut,
        excluded: Option<(u64, i64)>,
        scratch: &mut Vec<u64>,
    ) -> u64 {
        let header = self.header(arena);
        if header.table.is_none() {
            return 0;
        }
        let estimate = match self.is_paired() {
            true => self.estimate_pairs(arena, &header, cut, scratch),
            false => self.estimate_newest(arena, &header, cut, excluded),
        };
        libm::round(estimate) as u64
    }

    fn estimate_newest(
        &self,
        arena: &Arena,
        header: &Header,
        cut: &super::Cut,
        excluded: Option<(u64, i64)>,
    ) -> f64 {
        // What came again after the window's end came in it too, most likely.
        let first = cut.first.max(header.newest - self.span());
        let mut sum = 0.0;
        for number in first..=header.newest.max(cut.last) {
            let Some(word) = self.pane_word(arena, number) else { continue };
            let part = if number == cut.first { cut.oldest_share() } else { 1.0 };
            sum += f64::from(word.count) * scale(word.level) * part;
        }
        let alone = excluded.is_some_and(|(value, number)| {
            let hash = hash_of(value);
            let at = self.find(arena, header, (hash, number));
            let found = arena.block(header.table, places(header.class))[at];
            let entry = Entry::read(found, header.newest);
            let is_before = entry.before > 0 && number - i64::from(entry.before) >= cut.first;
            found != 0 && entry.number == number && entry.count == 1 && !is_before
        });
        if alone { (sum - 1.0).max(0.0) } else { sum }
    }

    /// Values by the panes in which they came, of which only the outermost are partly in the window.
    fn estimate_pairs(
        &self,
        arena: &Arena,
        header: &Header,
        cut: &super::Cut,
        scratch: &mut Vec<u64>,
    ) -> f64 {
        let levels = (cut.first..=cut.last).filter_map(|at| self.pane_word(arena, at));
        let level = levels.map(|word| word.level).max().unwrap_or(0);
        let (first, last) = (self.named(cut.first), self.named(cut.last));
        let group = |name: i64| {
            let begin = self.window.begin_ms(name * PANES_TOGETHER);
            (begin, begin + PANES_TOGETHER * self.window.width_ms)
        };
        // In 256ths, so that a value's largest share sorts last.
        let share = |name: i64| {
            let (begin, end) = group(name);
            let inside = (cut.end_ms + 1).min(end) - (cut.start_ms + 1).max(begin);
            (inside.max(0) * 256 / (end - begin)).cast_unsigned()
        };
        let (oldest, newest) = (share(first), share(last));
        scratch.clear();
        for word in arena.block(header.table, places(header.class)) {
            let entry = Entry::read(*word, header.newest);
            let is_in = *word != 0 && entry.count > 0 && (first..=last).contains(&entry.number);
            if is_in && u64::from(entry.hash) < threshold(level) {
                let part = match entry.number {
                    number if number == first => oldest,
                    number if number == last => newest,
                    _ => 256,
                };
                scratch.push(u64::from(entry.hash) << 16 | part);
            }
        }
        scratch.sort_unstable();
        let largest = scratch.chunk_by(|a, b| a >> 16 == b >> 16).filter_map(|one| one.last());
        let parts: u64 = largest.map(|one| one & 0xffff).sum();
        parts as f64 / 256.0 * scale(level)
    }
}
