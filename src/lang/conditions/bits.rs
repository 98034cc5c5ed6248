//! Bits by clause: whole rows side by side, and a few bits among many.

/// Words that are joined at a time: rows are padded to them.
const STEP: usize = 4;

/// Rows of bits in one piece of memory, each as wide as the set has clauses.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// Words of a row, a multiple of [`STEP`].
    width: usize,
    words: Vec<u64>,
}

impl Rows {
    /// No rows yet, each to hold so many bits.
    pub(super) fn of(bits: usize) -> Self {
        Self { width: bits.div_ceil(64).next_multiple_of(STEP), words: Vec::new() }
    }

    /// Words of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self) -> usize {
        self.width * 8
    }

    /// Adds clear rows and gives the number of the first.
    pub(super) fn add(&mut self, rows: usize) -> u32 {
        let first = self.words.len().checked_div(self.width).unwrap_or(0);
        self.words.resize(self.words.len() + rows * self.width, 0);
        first as u32
    }

    /// Sets a bit of a row that has been added.
    pub(super) fn set(&mut self, row: u32, bit: u32) {
        self.words[row as usize * self.width + bit as usize / 64] |= 1 << (bit % 64);
    }

    /// A word of a row that has been added.
    pub(super) fn word(&self, row: u32, word: usize) -> u64 {
        self.words[row as usize * self.width + word]
    }

    /// ORs rows into as many words as a row has.
    ///
    /// A few words of all rows at a time: so the words that are joined stay in registers.
    pub(super) fn join(&self, rows: &[u32], into: &mut [u64]) {
        let (steps, _) = into.as_chunks_mut::<STEP>();
        for (at, words) in steps.iter_mut().enumerate() {
            let mut joined = *words;
            for row in rows {
                let first = *row as usize * self.width + at * STEP;
                // Rows that have been added, each of `width` words.
                let row = &self.words[first..first + STEP];
                for (joined, word) in joined.iter_mut().zip(row) {
                    *joined |= word;
                }
            }
            *words = joined;
        }
    }
}

/// A few bits among many: words by their place.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits(Vec<(u32, u64)>);

impl Bits {
    /// Adds a bit; bits come in order.
    pub(super) fn add(&mut self, bit: u32) {
        let (word, mask) = (bit / 64, 1 << (bit % 64));
        match self.0.last_mut() {
            Some((last, bits)) if *last == word => *bits |= mask,
            _ => self.0.push((word, mask)),
        }
    }

    /// Sets these bits.
    pub(super) fn set_in(&self, words: &mut [u64]) {
        for (word, mask) in &self.0 {
            words[*word as usize] |= mask; // a word of the marks, as everywhere here
        }
    }

    /// Whether one of these bits is among some of a word.
    pub(super) fn meets(&self, word: usize, of: u64) -> bool {
        self.0.iter().any(|(at, mask)| *at as usize == word && mask & of != 0)
    }

    /// Whether one of these bits is not set.
    pub(super) fn any_clear_in(&self, words: &[u64]) -> bool {
        self.0.iter().any(|(word, mask)| !words[*word as usize] & mask != 0)
    }
}
