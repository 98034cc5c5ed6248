//! Tags to row numbers: one open table of 64-bit slots, linear probing, no tombstones.

/// An open-addressing table from a 32-bit tag (bits of a keyed hash) to row numbers.
///
/// Rows that share a tag are told apart by whoever keeps them. The low bits of the tag are the
/// entry's home, so that the table grows and closes gaps without a look at any row.
#[derive(Debug, Default)]
pub struct Slots {
    /// `tag << 32 | row + 1`; zero is empty. None, or a power of two.
    slots: Vec<u64>,
    used: u32,
}

const fn entry(tag: u32, row: u32) -> u64 {
    (tag as u64) << 32 | (row as u64 + 1)
}

impl Slots {
    /// A table that takes so many entries without growing.
    pub fn for_entries(entries: u32) -> Self {
        if entries == 0 {
            return Self::default();
        }
        // As growing one by one would have left it: less than three quarters full.
        let size = (entries as usize * 4).div_ceil(3).next_power_of_two().max(8);
        Self { slots: vec![0; size], used: 0 }
    }

    /// Bytes of the table.
    pub fn bytes(&self) -> u64 {
        8 * self.slots.len() as u64
    }

    /// Entries.
    #[cfg(test)]
    pub(super) const fn used(&self) -> usize {
        self.used as usize
    }

    /// The rows under a tag: nearly always one at most.
    pub fn rows(&self, tag: u32) -> impl Iterator<Item = u32> {
        let mask = self.slots.len().wrapping_sub(1);
        // There is always a gap: a table grows at three quarters. An empty one has no entries.
        (0..self.slots.len())
            .map(move |step| self.slots[(tag as usize + step) & mask])
            .take_while(|slot| *slot != 0)
            .filter(move |slot| (slot >> 32) as u32 == tag)
            .map(|slot| slot as u32 - 1)
    }

    /// Reads where a tag's entries begin, and gives what stands there: nobody waits for it yet.
    pub fn touch(&self, tag: u32) -> u64 {
        let mask = self.slots.len().wrapping_sub(1);
        self.slots.get(tag as usize & mask).copied().unwrap_or_default()
    }

    /// Adds an entry; it is not there yet. Row numbers stay below `u32::MAX`.
    pub fn insert(&mut self, tag: u32, row: u32) {
        if let Some(words) = self.grows_to() {
            self.grow(vec![0; words]);
        }
        self.add(tag, row);
    }

    /// The size that the table must have before the next entry, if it has another one.
    pub(super) const fn grows_to(&self) -> Option<usize> {
        let size = self.slots.len();
        if self.used as usize * 4 < size * 3 {
            return None;
        }
        Some(if size < 4 { 8 } else { size * 2 })
    }

    /// Goes on in a larger table, a power of two of zeros.
    pub(super) fn grow(&mut self, bigger: Vec<u64>) {
        let old = std::mem::replace(&mut self.slots, bigger);
        old.into_iter().filter(|slot| *slot != 0).for_each(|slot| self.put(slot));
    }

    /// Adds an entry for which there is room.
    pub(super) fn add(&mut self, tag: u32, row: u32) {
        self.put(entry(tag, row));
        self.used += 1;
    }

    fn put(&mut self, slot: u64) {
        let mask = self.slots.len() - 1;
        let mut at = (slot >> 32) as usize & mask;
        while self.slots[at] != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }

    /// Takes an entry out by shifting its cluster back.
    pub fn remove(&mut self, tag: u32, row: u32) {
        let Some(mask) = self.slots.len().checked_sub(1) else { return };
        let mut at = tag as usize & mask;
        while self.slots[at] != entry(tag, row) {
            if self.slots[at] == 0 {
                return;
            }
            at = (at + 1) & mask;
        }
        self.used -= 1;
        let mut next = (at + 1) & mask;
        while self.slots[next] != 0 {
            let home = (self.slots[next] >> 32) as usize & mask;
            // The entry may move back if its home is not within (at, next].
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(at) & mask) {
                self.slots[at] = self.slots[next];
                at = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[at] = 0;
    }
}
