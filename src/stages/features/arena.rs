//! The memory of all windows: fixed pages of 64-bit words, handed out in blocks of a few sizes.
//!
//! Blocks never move and hold no pointers, so that a snapshot is a copy of words. Every change goes
//! through [`Arena::block_mut`] or [`Arena::part_mut`], where a granule is copied before its first
//! change. Returned blocks form a list per size, threaded through the blocks themselves.

use std::ops::Range;

use super::epoch::{Epoch, Extent, Granular, Misfit, StoreId, Words};
use super::supply::{Demand, Supply, touched_words};

/// A block's place: page and offset in units of [`UNIT`] words. Never zero, so that zero in a
/// header means "none".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Block(pub(super) u32);

impl Block {
    /// No block.
    pub(super) const NONE: Self = Self(0);

    /// Whether there is no block.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Words of a unit: one cache line.
const UNIT: usize = 8;
/// Words of a page: 512 KiB.
const PAGE: usize = 1 << 16;
const UNITS_PER_PAGE: u32 = (PAGE / UNIT) as u32;
/// Words that are copied together: 1 KiB, a small ring or a few cache lines of a large one.
const GRANULE: usize = 128;
const GRANULES_PER_PAGE: u32 = (PAGE / GRANULE) as u32;
/// Pages that are ready at any time, where somebody makes them: 8 MiB.
const PAGES_READY: usize = 16;

/// Pages and the free blocks within them.
#[derive(Debug)]
pub(super) struct Arena {
    pages: Vec<Box<[u64]>>,
    supply: Supply<Box<[u64]>>,
    /// Units handed out of the newest page; a block that does not fit starts a new page.
    used_in_last: u32,
    /// The newest returned block by size in units; its first word names the one before.
    free: Vec<(u32, Block)>,
    units_in_use: u64,
    epoch: Epoch,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            supply: Supply::default(),
            used_in_last: 0,
            free: Vec::new(),
            units_in_use: 0,
            epoch: Epoch::new(StoreId(1)),
        }
    }
}

impl Arena {
    /// Asks for pages to be made ready.
    pub(super) fn demand(&mut self) -> Demand {
        self.supply.order(PAGES_READY, || touched_words(PAGE))
    }

    /// Takes a block of at least this many words, all zero.
    ///
    /// A plan refuses layouts whose largest block exceeds a page, so `words <= PAGE` holds.
    pub(super) fn take(&mut self, words: usize) -> Block {
        debug_assert!(words <= PAGE);
        let units = words.div_ceil(UNIT) as u32;
        self.units_in_use += u64::from(units);
        if let Ok(at) = self.free.binary_search_by_key(&units, |(size, _)| *size)
            && !self.free[at].1.is_none()
        {
            let block = self.free[at].1;
            self.free[at].1 = Block(self.block(block, 1)[0] as u32);
            self.block_mut(block, words).fill(0);
            return block;
        }
        if self.pages.is_empty() || self.used_in_last + units > UNITS_PER_PAGE {
            self.pages.push(self.supply.take(|| vec![0; PAGE].into_boxed_slice()));
            // The first unit of the first page stays unused: place zero means "none".
            self.used_in_last = u32::from(self.pages.len() == 1);
        }
        let page = self.pages.len() as u32 - 1;
        let block = Block(page * UNITS_PER_PAGE + self.used_in_last);
        self.used_in_last += units;
        block
    }

    /// Gives a block back; `words` is what it was taken with.
    pub(super) fn give_back(&mut self, block: Block, words: usize) {
        let units = words.div_ceil(UNIT) as u32;
        self.units_in_use = self.units_in_use.saturating_sub(u64::from(units));
        let at = self.free.binary_search_by_key(&units, |(size, _)| *size);
        let at = at.unwrap_or_else(|at| {
            self.free.insert(at, (units, Block::NONE));
            at
        });
        let before = std::mem::replace(&mut self.free[at].1, block);
        self.block_mut(block, 1)[0] = u64::from(before.0);
    }

    /// The words of a block.
    pub(super) fn block(&self, block: Block, words: usize) -> &[u64] {
        let start = (block.0 % UNITS_PER_PAGE) as usize * UNIT;
        &self.pages[(block.0 / UNITS_PER_PAGE) as usize][start..start + words]
    }

    /// The words of a block, any of which may be changed.
    pub(super) fn block_mut(&mut self, block: Block, words: usize) -> &mut [u64] {
        self.part_mut(block, words, Some(0..words))
    }

    /// The words of a block, of which only these stretches are going to be changed.
    pub(super) fn part_mut(
        &mut self,
        block: Block,
        words: usize,
        changing: impl IntoIterator<Item = Range<usize>>,
    ) -> &mut [u64] {
        let start = (block.0 % UNITS_PER_PAGE) as usize * UNIT;
        let page = block.0 / UNITS_PER_PAGE;
        if self.epoch.left() > 0 {
            for part in changing.into_iter().filter(|part| !part.is_empty()) {
                self.copy_first(page, start + part.start..start + part.end);
            }
        }
        &mut self.pages[page as usize][start..start + words]
    }

    /// The words of a block to be read, beside those of another one, any of which may be changed.
    pub(super) fn pair(
        &mut self,
        (from, from_words): (Block, usize),
        (to, to_words): (Block, usize),
    ) -> (&[u64], &mut [u64]) {
        // What has to be copied before its first change is.
        self.block_mut(to, to_words);
        let place = |block: Block| {
            let (page, unit) = (block.0 / UNITS_PER_PAGE, block.0 % UNITS_PER_PAGE);
            (page as usize, unit as usize * UNIT)
        };
        let ((from_page, from_start), (to_page, to_start)) = (place(from), place(to));
        let (read, changed) = if from_page == to_page {
            let page = &mut self.pages[to_page];
            let (low, high) = page.split_at_mut(from_start.max(to_start));
            if from_start < to_start {
                (&low[from_start..], high)
            } else {
                (&*high, &mut low[to_start..])
            }
        } else {
            let (low, high) = self.pages.split_at_mut(from_page.max(to_page));
            if from_page < to_page {
                (&low[from_page][from_start..], &mut high[0][to_start..])
            } else {
                (&high[0][from_start..], &mut low[to_page][to_start..])
            }
        };
        (&read[..from_words], &mut changed[..to_words])
    }

    /// As [`Self::pair`], where both are going to be changed.
    pub(super) fn pair_mut(
        &mut self,
        (from, from_words): (Block, usize),
        (to, to_words): (Block, usize),
    ) -> (&mut [u64], &mut [u64]) {
        self.block_mut(from, from_words);
        self.block_mut(to, to_words);
        let start = |block: Block| (block.0 % UNITS_PER_PAGE) as usize * UNIT;
        let (from_page, to_page) = (from.0 / UNITS_PER_PAGE, to.0 / UNITS_PER_PAGE);
        let (from_start, to_start) = (start(from), start(to));
        let (low, high) = self.pages.split_at_mut(from_page.max(to_page) as usize);
        let (from, to) = match from_page.cmp(&to_page) {
            std::cmp::Ordering::Less => {
                (&mut low[from_page as usize][from_start..], &mut high[0][to_start..])
            }
            std::cmp::Ordering::Greater => {
                (&mut high[0][from_start..], &mut low[to_page as usize][to_start..])
            }
            std::cmp::Ordering::Equal => {
                let (before, after) = high[0].split_at_mut(from_start.max(to_start));
                if from_start < to_start {
                    (&mut before[from_start..], after)
                } else {
                    (after, &mut before[to_start..])
                }
            }
        };
        (&mut from[..from_words], &mut to[..to_words])
    }

    #[cold]
    fn copy_first(&mut self, page: u32, words: Range<usize>) {
        let granule = |word: usize| page * GRANULES_PER_PAGE + (word / GRANULE) as u32;
        for granule in granule(words.start)..=granule(words.end - 1) {
            if self.epoch.wants(granule) {
                self.keep(granule..granule + 1);
            }
        }
    }

    /// Whether a block of so many words lies within what was handed out.
    pub(super) fn holds(&self, block: Block, words: usize) -> bool {
        let units = words.div_ceil(UNIT) as u32;
        let (page, unit) = (block.0 / UNITS_PER_PAGE, block.0 % UNITS_PER_PAGE);
        let is_last = page as usize + 1 == self.pages.len();
        let end = if is_last { self.used_in_last } else { UNITS_PER_PAGE };
        (page as usize) < self.pages.len() && !block.is_none() && unit + units <= end
    }

    /// Looks at what was loaded: every free list must end, within what was handed out.
    pub(super) fn check(&self) -> Result<(), Misfit> {
        let mut free_units = 0_u64;
        let units_all = self.pages.len() as u64 * u64::from(UNITS_PER_PAGE);
        for (units, first) in &self.free {
            let mut block = *first;
            while !block.is_none() {
                free_units += u64::from(*units).max(1);
                if free_units > units_all || !self.holds(block, *units as usize * UNIT) {
                    return Err(Misfit("a list of free blocks leads astray"));
                }
                block = Block(self.block(block, 1)[0] as u32);
            }
        }
        Ok(())
    }

    /// Bytes in blocks that are in use.
    pub(super) const fn bytes_in_use(&self) -> u64 {
        self.units_in_use * (UNIT * 8) as u64
    }

    /// Bytes held from the system.
    pub(super) fn bytes_reserved(&self) -> u64 {
        (self.pages.len() * PAGE * 8) as u64
    }

    /// Words that have been handed out, in whole granules.
    fn words_used(&self) -> u64 {
        let last = (self.used_in_last as usize * UNIT).next_multiple_of(GRANULE);
        (self.pages.len().saturating_sub(1) * PAGE + last) as u64
    }
}

impl Granular for Arena {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        meta.extend([self.pages.len() as u64, u64::from(self.used_in_last), self.units_in_use]);
        meta.push(self.free.len() as u64);
        meta.extend(
            self.free.iter().map(|(size, block)| u64::from(*size) << 32 | u64::from(block.0)),
        );
        let words = self.words_used();
        let granules = (words / GRANULE as u64) as u32;
        self.epoch.begin(Extent { granules, granule_words: GRANULE, words }, words);
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { pages, epoch, .. } = self;
        epoch.frame(granules.clone(), |out| {
            for granule in granules {
                let start = (granule % GRANULES_PER_PAGE) as usize * GRANULE;
                let page = &pages[(granule / GRANULES_PER_PAGE) as usize];
                out.extend_from_slice(&page[start..start + GRANULE]);
            }
        });
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        let pages = meta.at_most(u64::from(u32::MAX / UNITS_PER_PAGE))?;
        self.used_in_last = meta.at_most(u64::from(UNITS_PER_PAGE))? as u32;
        if (pages == 0) != (self.used_in_last == 0) {
            return Err(Misfit("the last page is empty"));
        }
        self.units_in_use = meta.at_most(pages * u64::from(UNITS_PER_PAGE))?;
        for _ in 0..meta.at_most(PAGE as u64)? {
            let word = meta.one()?;
            let (size, block) = ((word >> 32) as u32, Block(word as u32));
            if self.free.last().is_some_and(|(before, _)| *before >= size) {
                return Err(Misfit("sizes of free blocks are out of order"));
            }
            self.free.push((size, block));
        }
        // Pages are made as their granules come: a number alone takes no memory.
        self.pages = std::iter::repeat_with(Default::default).take(pages as usize).collect();
        let words = self.words_used();
        Ok(Extent { granules: (words / GRANULE as u64) as u32, granule_words: GRANULE, words })
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        for (granule, words) in (first..).zip(words.chunks(GRANULE)) {
            let page = self.pages.get_mut((granule / GRANULES_PER_PAGE) as usize);
            let page = page.ok_or(Misfit("a granule lies past the last page"))?;
            if page.is_empty() {
                *page = vec![0; PAGE].into_boxed_slice();
            }
            let start = (granule % GRANULES_PER_PAGE) as usize * GRANULE;
            // A granule is a fraction of a page, so its whole stretch is in it.
            page[start..start + words.len()].copy_from_slice(words);
        }
        Ok(())
    }
}

// A page holds the largest ring of eleven columns: 4,096 x 11 x 8 bytes is 352 KiB.
pub(super) const BLOCK_WORDS_MAX: usize = PAGE - UNIT;

#[cfg(test)]
mod tests {
    use super::*;

    /// Two owners of one word would be two customers with one history.
    #[test]
    fn blocks_do_not_overlap_and_come_back_clean() {
        let mut arena = Arena::default();
        let blocks: Vec<_> =
            (0..3_000_usize).map(|i| (arena.take(1 + i % 700), 1 + i % 700)).collect();
        for (i, (block, words)) in blocks.iter().enumerate() {
            assert!(!block.is_none() && arena.holds(*block, *words));
            assert!(arena.block(*block, *words).iter().all(|word| *word == 0));
            arena.block_mut(*block, *words).fill(i as u64 + 1);
        }
        for (i, (block, words)) in blocks.iter().enumerate() {
            assert!(arena.block(*block, *words).iter().all(|word| *word == i as u64 + 1));
        }
        // Two at a time: neighbours in a page, and blocks of different pages, either way round.
        for at in [1, 500, 2_999] {
            for (from, to) in [(at, at - 1), (at - 1, at), (0, at), (at, 0)] {
                let (read, changed) = arena.pair(blocks[from], blocks[to]);
                assert!(read.iter().all(|word| *word == from as u64 + 1));
                assert_eq!(read.len(), blocks[from].1);
                assert!(changed.iter().all(|word| *word == to as u64 + 1));
                assert_eq!(changed.len(), blocks[to].1);
            }
        }
        let reserved = arena.bytes_reserved();
        for (block, words) in &blocks {
            arena.give_back(*block, *words);
        }
        assert_eq!(arena.bytes_in_use(), 0);
        arena.check().unwrap();
        for (_, words) in &blocks {
            let block = arena.take(*words);
            assert!(arena.block(block, *words).iter().all(|word| *word == 0));
        }
        assert_eq!(arena.bytes_reserved(), reserved, "returned blocks are used again");
    }
}
