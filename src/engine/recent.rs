//! The recent past by event token: what was answered, and where an amendment finds what it amends.
//!
//! A ring of fixed rows, the oldest overwritten, and an index over it. The index has its full size
//! from the start; rows come chunk by chunk as the ring fills for the first time.

use std::ops::Range;

use crate::domain::{Body, Content, EventTime, Facts, Seq, Token};
use crate::stages::features::{
    Demand, Epoch, Extent, Footprint, Granular, Misfit, Slots, StoreId, Supply, Words,
    touched_words,
};

use super::pack::{BODY_WORDS, is_packed, pack, unpack};

/// One of the bundles that have answered, in the order in which they came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct BundleNumber(pub(super) u16);

/// When an input was numbered, counted in windows and arrived, and under which bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Moment {
    pub(super) seq: Seq,
    pub(super) counted_at: EventTime,
    pub(super) received_at: EventTime,
    pub(super) bundle: BundleNumber,
}

/// What is remembered of one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Remembered {
    pub(super) row: usize,
    pub(super) seq: Seq,
    pub(super) content: Content,
    pub(super) counted_at: EventTime,
    pub(super) received_at: EventTime,
    /// Which of the engine's bundles answered.
    pub(super) bundle: BundleNumber,
    /// `None` for history that was only counted and for amendments.
    pub(super) body: Option<Body>,
}

#[derive(Debug)]
pub(super) struct Recent {
    rows: Vec<Box<[u64]>>,
    supply: Supply<Box<[u64]>>,
    row_words: usize,
    capacity: usize,
    /// Rows written so far; the next one goes to `written % capacity`.
    written: usize,
    /// Rows by token; derived from the rows.
    index: Slots,
    epoch: Epoch,
    /// Words of a row that the snapshot does not have from which it was loaded.
    loaded_without: usize,
}

/// Rows per chunk: chunks are taken as the ring fills for the first time.
const CHUNK: usize = 1 << 12;
/// Chunks that are ready at any time, where somebody makes them.
const CHUNKS_READY: usize = 2;
/// Fewest events that are remembered.
const LEAST: usize = 16;
/// Rows that are copied together: about a kibibyte.
const GRANULE: usize = 4;
const _: () = assert!(CHUNK.is_multiple_of(GRANULE));
const TOKEN: usize = 0;
const CONTENT: usize = 2;
const SEQ: usize = 4;
const TIME: usize = 5;
/// Below the bundle's number, which fills the upper 16 bits: times stay below 2^48 ms.
const RECEIVED: usize = 6;
const BODY: usize = 7;
const FOOTPRINT: usize = BODY + BODY_WORDS;
const TIME_MASK: u64 = (1 << 48) - 1;
const _: () = assert!(EventTime::MAX_MS < 1 << 48);
/// In the sequence number's word: there is a body.
const HAS_BODY: u64 = 1 << 63;

impl Recent {
    /// Remembers up to `capacity` events, each with a footprint of `footprint_words`.
    pub(super) fn new(capacity: u32, footprint_words: usize, store: StoreId) -> Self {
        let capacity = (capacity as usize).max(LEAST);
        Self {
            rows: Vec::new(),
            supply: Supply::default(),
            row_words: FOOTPRINT + footprint_words,
            capacity,
            written: 0,
            index: Slots::for_entries(capacity as u32),
            epoch: Epoch::new(store),
            loaded_without: 0,
        }
    }

    /// Asks for chunks of rows to be made ready.
    pub(super) fn demand(&mut self) -> Demand {
        let words = CHUNK * self.row_words;
        self.supply.order(CHUNKS_READY, move || touched_words(words))
    }

    /// Events that are remembered.
    pub(super) fn len(&self) -> usize {
        self.rows_filled()
    }

    /// Numbers that each is remembered with.
    pub(super) const fn numbers(&self) -> usize {
        self.row_words - FOOTPRINT - Footprint::words(0)
    }

    /// Bytes of rows and index.
    pub(super) fn bytes(&self) -> u64 {
        (self.rows.len() * CHUNK * self.row_words * 8) as u64 + self.index.bytes()
    }

    fn row(&self, row: usize) -> &[u64] {
        let start = row % CHUNK * self.row_words;
        &self.rows[row / CHUNK][start..start + self.row_words]
    }

    fn row_mut(&mut self, row: usize) -> &mut [u64] {
        let granule = (row / GRANULE) as u32;
        if self.epoch.wants(granule) {
            self.keep(granule..granule + 1);
        }
        let start = row % CHUNK * self.row_words;
        &mut self.rows[row / CHUNK][start..start + self.row_words]
    }

    fn token(&self, row: usize) -> Token {
        let words = self.row(row);
        Token::from_words([words[TOKEN], words[TOKEN + 1]])
    }

    /// What is remembered under a token.
    pub(super) fn find(&self, token: Token) -> Option<Remembered> {
        let mut rows = self.index.rows(tag(token)).map(|row| row as usize);
        rows.find(|row| self.token(*row) == token).map(|row| self.remembered(row))
    }

    /// Whether a filled row outlives the next event.
    pub(super) const fn keeps(&self, row: usize) -> bool {
        self.written < self.capacity || row != self.written % self.capacity
    }

    fn remembered(&self, row: usize) -> Remembered {
        let words = self.row(row);
        let content = Token::from_words([words[CONTENT], words[CONTENT + 1]]);
        let has_body = words[SEQ] & HAS_BODY != 0;
        Remembered {
            row,
            seq: Seq(words[SEQ] & !HAS_BODY),
            content: Content(*content.as_bytes()),
            // Written from an `EventTime`, so in its range.
            counted_at: EventTime::from_ms(words[TIME].cast_signed()).unwrap_or(EventTime::MIN),
            received_at: EventTime::from_ms((words[RECEIVED] & TIME_MASK).cast_signed())
                .unwrap_or(EventTime::MIN),
            bundle: BundleNumber((words[RECEIVED] >> 48) as u16),
            body: has_body.then(|| unpack(&words[BODY..FOOTPRINT])),
        }
    }

    /// Where an amendment finds what the event touched.
    pub(super) fn footprint(&self, row: usize, footprint: &mut Footprint) {
        footprint.read(&self.row(row)[FOOTPRINT..]);
    }

    /// Keeps a changed footprint.
    pub(super) fn set_footprint(&mut self, row: usize, footprint: &Footprint) {
        footprint.write(&mut self.row_mut(row)[FOOTPRINT..]);
    }

    /// Remembers an event, forgetting the oldest when the ring is full. The token is not in it.
    pub(super) fn add(
        &mut self,
        (token, content): (Token, Content),
        moment: Moment,
        body: Option<&Body>,
        footprint: &Footprint,
    ) {
        let row = self.written % self.capacity;
        if self.written >= self.capacity {
            self.unlink(row);
        } else if row / CHUNK == self.rows.len() {
            let make = || vec![0; CHUNK * self.row_words].into_boxed_slice();
            self.rows.push(self.supply.take(make));
        }
        let words = self.row_mut(row);
        words[TOKEN..CONTENT].copy_from_slice(&token.to_words());
        words[CONTENT..SEQ].copy_from_slice(&Token::from_bytes(content.0).to_words());
        words[SEQ] = moment.seq.0 | if body.is_some() { HAS_BODY } else { 0 };
        words[TIME] = moment.counted_at.as_ms().cast_unsigned();
        words[RECEIVED] =
            moment.received_at.as_ms().cast_unsigned() | u64::from(moment.bundle.0) << 48;
        words[BODY..FOOTPRINT].copy_from_slice(&pack(body.unwrap_or(&Body::default())));
        footprint.write(&mut words[FOOTPRINT..]);
        self.written += 1;
        self.link(token, row);
    }

    fn link(&mut self, token: Token, row: usize) {
        self.index.insert(tag(token), row as u32);
    }

    fn unlink(&mut self, row: usize) {
        self.index.remove(tag(self.token(row)), row as u32);
    }
}

/// Tokens are keyed hashes already: their bits are the hash.
const fn tag(token: Token) -> u32 {
    token.short() as u32
}

/// Snapshots.
impl Recent {
    fn rows_filled(&self) -> usize {
        self.written.min(self.capacity)
    }

    /// After a load: looks at what the rows name, and makes the index.
    pub(super) fn finish_load(&mut self, bundles: usize) -> Result<(), Misfit> {
        for row in 0..self.rows_filled() {
            let words = self.row(row);
            if !is_packed(&words[BODY..FOOTPRINT]) {
                return Err(Misfit("a remembered answer is none that we give"));
            }
            if (words[RECEIVED] >> 48) as usize >= bundles {
                return Err(Misfit("a remembered answer names a bundle that is not there"));
            }
            self.link(self.token(row), row);
        }
        Ok(())
    }
}

impl Granular for Recent {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        let standings = Footprint::STANDING_WORDS as u64;
        meta.extend([self.written as u64, self.row_words as u64, standings]);
        let items = self.rows_filled() as u64;
        let extent = Extent {
            granules: self.rows_filled().div_ceil(GRANULE) as u32,
            granule_words: GRANULE * self.row_words,
            words: items * self.row_words as u64,
        };
        self.epoch.begin(extent, items);
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { rows, epoch, row_words, .. } = self;
        // The last granule may have got rows since the barrier.
        let end = (u64::from(granules.end) * GRANULE as u64).min(epoch.items()) as usize;
        let mut row = granules.start as usize * GRANULE;
        epoch.frame(granules, |out| {
            while row < end {
                let rest = (CHUNK - row % CHUNK).min(end - row);
                let start = row % CHUNK * *row_words;
                out.extend_from_slice(&rows[row / CHUNK][start..start + rest * *row_words]);
                row += rest;
            }
        });
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        self.written = meta.at_most(u64::MAX >> 1)? as usize;
        let row_words = match meta.0 {
            [] => self.row_words - Footprint::STANDING_WORDS,
            // The bundle that an engine began with decides how wide its rows are.
            _ => meta.at_most((FOOTPRINT + Footprint::words(Facts::COLUMNS)) as u64)? as usize,
        };
        // Rows were narrower before outcomes and labels had a standing.
        self.loaded_without = match meta.0 {
            [] => Footprint::STANDING_WORDS,
            _ => {
                Footprint::STANDING_WORDS - meta.at_most(Footprint::STANDING_WORDS as u64)? as usize
            }
        };
        if row_words + self.loaded_without < self.row_words {
            return Err(Misfit("events are remembered with fewer numbers than are summed"));
        }
        self.row_words = row_words + self.loaded_without;
        let chunks = self.rows_filled().div_ceil(CHUNK);
        self.rows = std::iter::repeat_with(Default::default).take(chunks).collect();
        Extent::of(self.rows_filled() as u64, row_words, GRANULE)
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let rows = words.chunks_exact(self.row_words - self.loaded_without);
        if !rows.remainder().is_empty() {
            return Err(Misfit("a remembered event is cut short"));
        }
        for (row, words) in (first as usize * GRANULE..self.rows_filled()).zip(rows) {
            let chunk = &mut self.rows[row / CHUNK];
            if chunk.is_empty() {
                *chunk = vec![0; CHUNK * self.row_words].into_boxed_slice();
            }
            let start = row % CHUNK * self.row_words;
            let (before, after) = words.split_at(FOOTPRINT + Footprint::STANDINGS);
            let row = &mut chunk[start..start + self.row_words];
            row[..before.len()].copy_from_slice(before);
            // Without standings these stay zero: unknown.
            row[before.len() + self.loaded_without..].copy_from_slice(after);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u64) -> Token {
        let mut bytes = [0; 16];
        // Few homes, so that entries displace one another.
        bytes[..8].copy_from_slice(&(n % 37).to_le_bytes());
        bytes[8..].copy_from_slice(&n.to_le_bytes());
        Token::from_bytes(bytes)
    }

    /// An event that is forgotten too early would be counted twice; one that is mixed up with
    /// another would be answered with a stranger's decision.
    #[test]
    fn the_newest_events_are_remembered_and_no_others() {
        let mut recent = Recent::new(0, Footprint::words(0), StoreId(13));
        let capacity = recent.capacity as u64;
        let at = EventTime::from_ms(1_700_000_000_000).unwrap();
        for n in 0..capacity * 3 {
            assert_eq!(recent.find(token(n)), None);
            let body = Body { score: (n % 1_000) as u16, ..Body::default() };
            let moment = Moment {
                seq: Seq(n),
                counted_at: at,
                received_at: at,
                bundle: BundleNumber(n as u16),
            };
            let names = (token(n), Content([7; 16]));
            recent.add(names, moment, Some(&body), &Footprint::default());
            if n % 97 == 0 {
                let oldest = (n + 1).saturating_sub(capacity);
                for n in [oldest, n / 2 + oldest / 2, n] {
                    let found = recent.find(token(n)).unwrap();
                    let score = found.body.unwrap().score;
                    assert_eq!((found.seq, score), (Seq(n), (n % 1_000) as u16));
                    assert_eq!((found.received_at, found.bundle), (at, BundleNumber(n as u16)));
                }
                if oldest > 0 {
                    assert_eq!(recent.find(token(oldest - 1)), None);
                }
            }
        }
    }
}
