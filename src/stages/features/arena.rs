//! The memory of all windows: fixed pages of 64-bit words, handed out in blocks of a few sizes.
//!
//! Blocks never move and hold no pointers, so that a snapshot is a copy of pages. Every change goes
//! through [`Arena::block_mut`], the one place where a page can be copied before its first write.

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

/// Pages and the free blocks within them.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pages: Vec<Box<[u64]>>,
    /// Units handed out of the newest page; a block that does not fit starts a new page.
    used_in_last: u32,
    /// Returned blocks by size, in units; sorted by size, a handful of sizes in all.
    free: Vec<(u32, Vec<u32>)>,
    units_in_use: u64,
}

impl Arena {
    /// Takes a block of at least this many words, all zero.
    ///
    /// A plan refuses layouts whose largest block exceeds a page, so `words <= PAGE` holds.
    pub(super) fn take(&mut self, words: usize) -> Block {
        debug_assert!(words <= PAGE);
        let units = words.div_ceil(UNIT) as u32;
        self.units_in_use += u64::from(units);
        if let Ok(at) = self.free.binary_search_by_key(&units, |(size, _)| *size)
            && let Some(unit) = self.free[at].1.pop()
        {
            let block = Block(unit);
            self.block_mut(block, words).fill(0);
            return block;
        }
        if self.pages.is_empty() || self.used_in_last + units > UNITS_PER_PAGE {
            self.pages.push(vec![0; PAGE].into_boxed_slice());
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
        self.units_in_use -= u64::from(units);
        match self.free.binary_search_by_key(&units, |(size, _)| *size) {
            Ok(at) => self.free[at].1.push(block.0),
            Err(at) => self.free.insert(at, (units, vec![block.0])),
        }
    }

    /// The words of a block.
    pub(super) fn block(&self, block: Block, words: usize) -> &[u64] {
        let start = (block.0 % UNITS_PER_PAGE) as usize * UNIT;
        &self.pages[(block.0 / UNITS_PER_PAGE) as usize][start..start + words]
    }

    /// The words of a block, to be changed.
    pub(super) fn block_mut(&mut self, block: Block, words: usize) -> &mut [u64] {
        let start = (block.0 % UNITS_PER_PAGE) as usize * UNIT;
        &mut self.pages[(block.0 / UNITS_PER_PAGE) as usize][start..start + words]
    }

    /// Bytes in blocks that are in use.
    pub(super) const fn bytes_in_use(&self) -> u64 {
        self.units_in_use * (UNIT * 8) as u64
    }

    /// Bytes held from the system.
    pub(super) fn bytes_reserved(&self) -> u64 {
        (self.pages.len() * PAGE * 8) as u64
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
            assert!(!block.is_none());
            assert!(arena.block(*block, *words).iter().all(|word| *word == 0));
            arena.block_mut(*block, *words).fill(i as u64 + 1);
        }
        for (i, (block, words)) in blocks.iter().enumerate() {
            assert!(arena.block(*block, *words).iter().all(|word| *word == i as u64 + 1));
        }
        let reserved = arena.bytes_reserved();
        for (block, words) in &blocks {
            arena.give_back(*block, *words);
        }
        assert_eq!(arena.bytes_in_use(), 0);
        for (_, words) in &blocks {
            let block = arena.take(*words);
            assert!(arena.block(block, *words).iter().all(|word| *word == 0));
        }
        assert_eq!(arena.bytes_reserved(), reserved, "returned blocks are used again");
    }
}
