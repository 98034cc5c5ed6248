//! Copy before the first change: how a snapshot is taken while the stream goes on.
//!
//! A store is divided into granules of about a kibibyte. A snapshot begins between two inputs, at
//! the barrier; from then on a granule is copied before its first change, and those that nothing
//! changes are copied a few at a time. So the copies are the state at the barrier, no input waits
//! for more than its own granules, and without a snapshot the check is one branch.

use std::ops::Range;

/// Words of a frame's head: store and length, then first granule and room for a checksum.
pub const HEAD_WORDS: usize = 2;
/// Most words of one frame after its head.
pub const FRAME_WORDS_MAX: usize = 1 << 16;

/// Which store a frame is of. The numbers stand in files: never reused, new ones are appended.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct StoreId(pub u8);

/// What a file says does not fit the store that it is loaded into.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(pub &'static str);

/// A store that can be copied granule by granule, and filled again from the copies.
pub trait Granular {
    /// Its bookkeeping.
    fn epoch(&mut self) -> &mut Epoch;

    /// The barrier: what there is now belongs to the snapshot. Writes what is no granule.
    fn begin(&mut self, meta: &mut Vec<u64>);

    /// Puts granules out as one frame, as they stand now.
    fn keep(&mut self, granules: Range<u32>);

    /// Makes room for what [`begin`](Self::begin) wrote, before anything else is in the store.
    /// Says how many words its granules have in all.
    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit>;

    /// Takes granules back, from the first of a frame on.
    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit>;
}

/// How much a store has to load.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Extent {
    /// Granules.
    pub granules: u32,
    /// Words of each, apart from the last, which may be shorter.
    pub granule_words: usize,
    /// Words of all.
    pub words: u64,
}

impl Extent {
    /// The extent of so many items, a fixed number of which share a granule.
    pub fn of(items: u64, item_words: usize, items_a_granule: usize) -> Result<Self, Misfit> {
        let granules = u32::try_from(items.div_ceil(items_a_granule as u64))
            .map_err(|_| Misfit("a store is larger than any that we write"))?;
        let words = items
            .checked_mul(item_words as u64)
            .ok_or(Misfit("a store is larger than any that we write"))?;
        Ok(Self { granules, granule_words: items_a_granule * item_words, words })
    }
}

/// The bookkeeping of one store.
#[derive(Debug)]
pub struct Epoch {
    store: StoreId,
    /// Granules of the snapshot under way; none without one.
    granules: u32,
    granule_words: usize,
    /// Items (rows, words) at the barrier: the last granule may be partly filled.
    items: u64,
    /// One bit a granule.
    copied: Vec<u64>,
    left: u32,
    /// Where the search for granules that nothing changed goes on.
    next: u32,
    out: Vec<u64>,
}

impl Epoch {
    /// Without a snapshot.
    pub const fn new(store: StoreId) -> Self {
        Self {
            store,
            granules: 0,
            granule_words: 0,
            items: 0,
            copied: Vec::new(),
            left: 0,
            next: 0,
            out: Vec::new(),
        }
    }

    /// Which store this is of.
    pub const fn store(&self) -> StoreId {
        self.store
    }

    /// The barrier.
    pub fn begin(&mut self, extent: Extent, items: u64) {
        self.granules = extent.granules;
        self.granule_words = extent.granule_words;
        self.items = items;
        self.copied.clear();
        self.copied.resize(extent.granules.div_ceil(64) as usize, 0);
        self.left = extent.granules;
        self.next = 0;
        self.out.clear();
    }

    /// The snapshot is complete, or given up.
    pub fn end(&mut self) {
        self.granules = 0;
        self.left = 0;
        self.copied = Vec::new();
        self.out = Vec::new();
    }

    /// Items at the barrier.
    pub const fn items(&self) -> u64 {
        self.items
    }

    /// Words of a granule.
    pub const fn granule_words(&self) -> usize {
        self.granule_words
    }

    /// Granules that still have to be copied.
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Whether a granule is about to change and has not been copied.
    #[inline]
    pub fn wants(&self, granule: u32) -> bool {
        // Without a snapshot nothing is left to copy: one compare, always false.
        self.left > 0 && granule < self.granules && self.is_wanted(granule)
    }

    fn is_wanted(&self, granule: u32) -> bool {
        self.copied[granule as usize / 64] >> (granule % 64) & 1 == 0
    }

    /// The next granules that nothing has changed, at most so many.
    pub fn next_run(&mut self, most: u32) -> Option<Range<u32>> {
        if self.left == 0 {
            return None;
        }
        let mut first = self.next;
        while first < self.granules && !self.is_wanted(first) {
            // Whole words of copied granules are passed at once.
            let all = first.is_multiple_of(64) && self.copied[first as usize / 64] == u64::MAX;
            first += if all { 64 } else { 1 };
        }
        let end = first.saturating_add(most.max(1)).min(self.granules);
        let last = (first..end).find(|granule| !self.is_wanted(*granule)).unwrap_or(end);
        self.next = last;
        (first < last).then_some(first..last)
    }

    /// Writes a frame; its words are what `write` appends.
    pub fn frame(&mut self, granules: Range<u32>, write: impl FnOnce(&mut Vec<u64>)) {
        let head = self.out.len();
        self.out.extend([0; HEAD_WORDS]);
        write(&mut self.out);
        let words = self.out.len() - head - HEAD_WORDS;
        debug_assert!(words <= FRAME_WORDS_MAX);
        [self.out[head], self.out[head + 1]] = head_words(self.store, words, granules.start);
        for granule in granules {
            self.left -= u32::from(self.is_wanted(granule));
            self.copied[granule as usize / 64] |= 1 << (granule % 64);
        }
    }

    /// The frames so far, when they have this many words; `spare` takes their place.
    pub fn take_frames(
        &mut self,
        at_least: usize,
        spare: impl FnOnce() -> Vec<u64>,
    ) -> Option<Vec<u64>> {
        let is_enough = !self.out.is_empty() && self.out.len() >= at_least;
        is_enough.then(|| std::mem::replace(&mut self.out, spare()))
    }
}

/// A frame's head, its checksum still zero.
pub const fn head_words(store: StoreId, words: usize, first: u32) -> [u64; HEAD_WORDS] {
    [(store.0 as u64) << 56 | words as u64, (first as u64) << 32]
}

/// Words being read; a missing one is a misfit, never a panic.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(pub &'a [u64]);

impl<'a> Words<'a> {
    /// The next word.
    pub fn one(&mut self) -> Result<u64, Misfit> {
        let (word, rest) = self.0.split_first().ok_or(Misfit("words are missing"))?;
        self.0 = rest;
        Ok(*word)
    }

    /// The next word as a number that cannot be larger.
    pub fn at_most(&mut self, most: u64) -> Result<u64, Misfit> {
        let word = self.one()?;
        if word <= most { Ok(word) } else { Err(Misfit("a number is larger than it can be")) }
    }

    /// The next words.
    pub fn take(&mut self, count: usize) -> Result<&'a [u64], Misfit> {
        let (words, rest) = self.0.split_at_checked(count).ok_or(Misfit("words are missing"))?;
        self.0 = rest;
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A granule that is copied twice would be its later self, one that is forgotten a hole.
    #[test]
    fn every_granule_is_copied_once() {
        let mut epoch = Epoch::new(StoreId(3));
        assert!(!epoch.wants(0));
        epoch.begin(Extent::of(1_000, 2, 5).unwrap(), 1_000);
        for granule in (0..200).step_by(7) {
            assert!(epoch.wants(granule));
            epoch.frame(granule..granule + 1, |out| out.push(u64::from(granule)));
            assert!(!epoch.wants(granule));
        }
        assert!(!epoch.wants(200), "it came after the barrier");
        let mut seen = Vec::new();
        while let Some(run) = epoch.next_run(4) {
            seen.extend(run.clone());
            epoch.frame(run, |_| {});
        }
        assert!(seen.iter().all(|granule| granule % 7 != 0));
        assert_eq!((seen.len(), epoch.left()), (200 - 29, 0));
        let frames = epoch.take_frames(1, Vec::new).unwrap();
        assert_eq!(frames[..3], [3 << 56 | 1, 0, 0]);
        assert_eq!(frames[3..6], [3 << 56 | 1, 7 << 32, 7]);
        epoch.end();
        assert!(!epoch.wants(0));
    }
}
