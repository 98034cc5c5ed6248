//! What an event touched: enough to find it again when an outcome or a label arrives.

use crate::domain::{Amendment, EntityKind, Standing};

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
    /// How that outcome stands against others of the same event.
    outcome: Standing,
    /// How that label does.
    label: Standing,
    /// The plan whose conditions and numbers these are.
    pub(super) era: u8,
    /// The numbers that rings keep.
    pub(super) numbers: Vec<i64>,
}

const LEAVES: usize = EntityKind::COUNT;
const STATE: usize = LEAVES + 1;
const NUMBERS: usize = Footprint::STANDINGS + Footprint::STANDING_WORDS;

impl Footprint {
    /// Where the standings of outcome and label are written, which snapshots did not always have.
    pub const STANDINGS: usize = STATE + 1;
    /// Words that they take.
    pub const STANDING_WORDS: usize = 2;

    /// Forgets the event before and keeps the memory.
    pub fn clear(&mut self) {
        self.rows = [None; EntityKind::COUNT];
        self.leaves = 0;
        self.state_flags = 0;
        (self.outcome, self.label) = (Standing::UNKNOWN, Standing::UNKNOWN);
        self.era = 0;
        self.numbers.clear();
    }

    /// Whether an amendment holds over what was said before.
    pub fn gives_way_to(&self, amendment: Amendment, standing: Standing) -> bool {
        standing
            >= match amendment {
                Amendment::Outcome { .. } => self.outcome,
                Amendment::Label { .. } => self.label,
            }
    }

    /// Notes what an amendment said, for later ones, and for windows that no longer hold the event
    /// itself.
    pub fn note(&mut self, amendment: Amendment, standing: Standing) {
        self.state_flags = amended(self.state_flags, amendment);
        match amendment {
            Amendment::Outcome { .. } => self.outcome = standing,
            Amendment::Label { .. } => self.label = standing,
        }
    }

    /// Words that [`Self::write`] fills for a plan with this many numbers.
    pub const fn words(numbers: usize) -> usize {
        NUMBERS + numbers
    }

    /// Packs the footprint.
    pub fn write(&self, words: &mut [u64]) {
        for (word, row) in words.iter_mut().zip(&self.rows) {
            *word = row.map_or(u64::MAX, |(id, ordinal)| u64::from(id) << 32 | u64::from(ordinal));
        }
        words[LEAVES] = self.leaves;
        words[STATE] = u64::from(self.era) << 32 | u64::from(self.state_flags);
        words[Self::STANDINGS] = self.outcome.to_word();
        words[Self::STANDINGS + 1] = self.label.to_word();
        let numbers = self.numbers.iter().map(|number| number.cast_unsigned());
        // A row may have room for more numbers than the plan has.
        let numbers = numbers.chain(std::iter::repeat(0));
        for (word, number) in words[NUMBERS..].iter_mut().zip(numbers) {
            *word = number;
        }
    }

    /// Unpacks a footprint.
    pub fn read(&mut self, words: &[u64]) {
        self.clear();
        for (row, word) in self.rows.iter_mut().zip(words) {
            *row = (*word != u64::MAX).then_some(((word >> 32) as u32, *word as u32));
        }
        self.leaves = words[LEAVES];
        self.state_flags = words[STATE] as u32;
        self.era = (words[STATE] >> 32) as u8;
        self.outcome = Standing::from_word(words[Self::STANDINGS]);
        self.label = Standing::from_word(words[Self::STANDINGS + 1]);
        self.numbers.extend(words[NUMBERS..].iter().map(|word| word.cast_signed()));
    }
}
