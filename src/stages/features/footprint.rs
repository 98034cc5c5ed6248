//! What an event touched: enough to find it again when an outcome or a label arrives.

use crate::domain::{Amendment, EntityKind};

use super::filter::amended;

/// The rows, conditions and numbers of one counted event.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Footprint {
    /// Row and ordinal of each entity: the ordinal tells whether the row is still that entity's.
    pub(super) rows: [Option<(u32, u32)>; EntityKind::COUNT],
    /// The conditions over the event, one bit each.
    pub(super) leaves: u64,
    /// Outcome and label so far, as flag bits.
    pub(super) state_flags: u32,
    /// The plan whose conditions and numbers these are.
    pub(super) era: u8,
    /// The numbers that rings keep.
    pub(super) numbers: Vec<i64>,
}

impl Footprint {
    /// Forgets the event before and keeps the memory.
    pub fn clear(&mut self) {
        self.rows = [None; EntityKind::COUNT];
        self.leaves = 0;
        self.state_flags = 0;
        self.era = 0;
        self.numbers.clear();
    }

    /// Notes what an amendment said, for windows that no longer hold the event itself.
    pub fn note(&mut self, amendment: Amendment) {
        self.state_flags = amended(self.state_flags, amendment);
    }

    /// Words that [`Self::write`] fills for a plan with this many numbers.
    pub const fn words(numbers: usize) -> usize {
        EntityKind::COUNT + 2 + numbers
    }

    /// Packs the footprint.
    pub fn write(&self, words: &mut [u64]) {
        for (word, row) in words.iter_mut().zip(&self.rows) {
            *word = row.map_or(u64::MAX, |(id, ordinal)| u64::from(id) << 32 | u64::from(ordinal));
        }
        words[EntityKind::COUNT] = self.leaves;
        words[EntityKind::COUNT + 1] = u64::from(self.era) << 32 | u64::from(self.state_flags);
        let numbers = self.numbers.iter().map(|number| number.cast_unsigned());
        // A row may have room for more numbers than the plan has.
        let numbers = numbers.chain(std::iter::repeat(0));
        for (word, number) in words[EntityKind::COUNT + 2..].iter_mut().zip(numbers) {
            *word = number;
        }
    }

    /// Unpacks a footprint.
    pub fn read(&mut self, words: &[u64]) {
        self.clear();
        for (row, word) in self.rows.iter_mut().zip(words) {
            *row = (*word != u64::MAX).then_some(((word >> 32) as u32, *word as u32));
        }
        self.leaves = words[EntityKind::COUNT];
        self.state_flags = words[EntityKind::COUNT + 1] as u32;
        self.era = (words[EntityKind::COUNT + 1] >> 32) as u8;
        self.numbers.extend(words[EntityKind::COUNT + 2..].iter().map(|word| word.cast_signed()));
    }
}
