//! A large index: many small tables, each of which doubles alone, so that growth never stops the stream
//! for longer than copying one of them.
//!
//! Keys are spread evenly, so all double at about the same time, and the next size is known: whoever has
//! time makes tables of it ready (`supply`).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::slots::Slots;
use super::supply::{Demand, Supply, touched};

/// Tables that are ready at any time, where somebody makes them.
const TABLES_READY: usize = 4;

/// Hashes of 64 bits to row numbers.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Vec<Slots>,
    supply: Supply<Vec<u64>>,
    /// Words of the tables that are made ready.
    wanted: Arc<AtomicUsize>,
    /// The size that tables grow to now, and how many have it.
    growing: (usize, usize),
}

impl Shards {
    /// So many empty tables, a power of two.
    pub(super) fn new(count: usize) -> Self {
        Self::with((0..count).map(|_| Slots::default()).collect())
    }

    /// Tables that take so many entries without growing.
    pub(super) fn for_entries(counts: &[u32]) -> Self {
        Self::with(counts.iter().map(|count| Slots::for_entries(*count)).collect())
    }

    fn with(shards: Vec<Slots>) -> Self {
        let mut all = Self {
            shards,
            supply: Supply::default(),
            wanted: Arc::new(AtomicUsize::new(0)),
            growing: (0, 0),
        };
        all.look_ahead();
        all
    }

    /// Asks for tables to be made ready.
    pub(super) fn demand(&mut self) -> Demand {
        let wanted = Arc::clone(&self.wanted);
        let make = move || touched(wanted.load(Ordering::Relaxed), u64::MAX, 0);
        self.supply.order(TABLES_READY, make)
    }

    /// The table of a hash and its tag there.
    pub(super) fn place(&self, hash: u64) -> (usize, u32) {
        let count = self.shards.len();
        (hash as usize % count, (hash >> count.trailing_zeros()) as u32)
    }

    /// Reads where a hash's entries begin, and gives what stands there: nobody waits for it yet.
    pub(super) fn touch(&self, hash: u64) -> u64 {
        let (shard, tag) = self.place(hash);
        self.shards[shard].touch(tag)
    }

    /// The rows under a hash: nearly always one at most.
    pub(super) fn rows(&self, hash: u64) -> impl Iterator<Item = u32> {
        let (shard, tag) = self.place(hash);
        self.shards[shard].rows(tag)
    }

    /// Adds an entry; it is not there yet.
    pub(super) fn insert(&mut self, hash: u64, row: u32) {
        let (shard, tag) = self.place(hash);
        if let Some(words) = self.shards[shard].grows_to() {
            let table = self.table_of(words);
            self.shards[shard].grow(table);
            self.note_growth(words);
        }
        self.shards[shard].add(tag, row);
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, hash: u64, row: u32) {
        let (shard, tag) = self.place(hash);
        self.shards[shard].remove(tag, row);
    }

    /// Bytes of all tables.
    pub(super) fn bytes(&self) -> u64 {
        self.shards.iter().map(Slots::bytes).sum()
    }

    /// Entries of all tables.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.shards.iter().map(Slots::used).sum()
    }

    /// A table of zeros: one that is ready, else one made now. What was made for another size goes.
    fn table_of(&self, words: usize) -> Vec<u64> {
        let ready = std::iter::from_fn(|| self.supply.take_ready());
        ready.into_iter().find(|table| table.len() == words).unwrap_or_else(|| vec![0; words])
    }

    fn note_growth(&mut self, words: usize) {
        let (size, count) = &mut self.growing;
        if words == *size {
            *count += 1;
        }
        if *count >= self.shards.len() || words > *size {
            self.look_ahead();
        }
    }

    /// Looks at all tables: the smallest grow next.
    fn look_ahead(&mut self) {
        let words = |shard: &Slots| shard.bytes() as usize / 8;
        let smallest = self.shards.iter().map(words).min().unwrap_or_default();
        let size = (smallest * 2).max(8);
        let count = self.shards.iter().filter(|shard| words(shard) >= size).count();
        self.growing = (size, count);
        self.wanted.store(size, Ordering::Relaxed);
        // Of the size before; what is ready now is not needed any more.
        while self.supply.take_ready().is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::panes::mix;
    use super::super::supply::Wanted;
    use super::*;

    /// Every entry is found through all growth, whether tables were ready, were made for another size,
    /// or were not there; and once all have grown to a size, the next one is asked for.
    #[test]
    fn entries_are_found_while_tables_grow() {
        for fills in [0, 1, 7, 1_000] {
            let mut shards = Shards::new(16);
            let mut demand = shards.demand();
            for row in 0..20_000_u32 {
                if fills > 0 && row % fills == 0 {
                    assert_eq!(demand.fill(), Wanted::Yes);
                }
                shards.insert(mix(u64::from(row)), row);
            }
            for row in 0..20_000_u32 {
                let hash = mix(u64::from(row));
                assert!(shards.rows(hash).any(|found| found == row), "{fills} {row}");
            }
            assert_eq!(shards.entries(), 20_000);
            // 1,250 entries a table: all have 2,048 words.
            assert_eq!(shards.growing.0, 4_096);
            demand.fill();
            // One may be left that was made before.
            let mut ready = std::iter::from_fn(|| shards.supply.take_ready());
            assert!(ready.any(|table| table.len() == 4_096));
            let from = mix(5);
            shards.remove(from, 5);
            assert!(shards.rows(from).all(|found| found != 5));
        }
    }
}
