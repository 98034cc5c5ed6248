//! Who is known: tokens to rows. One table per kind of entity.
//!
//! A row is one cache line: the token, first and last sight, where its ring and panes are, and two
//! words for the kind's tracker (travel, relocation). The index beside it is derived from the rows.

use std::ops::Range;

use crate::domain::{EventTime, Token};

use super::arena::Block;
use super::epoch::{Epoch, Extent, Granular, Misfit, StoreId, Words};
use super::ring::CLASS_MAX;
use super::shards::Shards;
use super::supply::{Demand, Supply, touched_room};

/// A row's number within its kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct RowId(pub(super) u32);

/// What is kept of one entity.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Row {
    pub(super) token: Token,
    /// Seconds since 2000: earliest and latest `occurred_at` seen.
    first_seen_s: u32,
    last_seen_s: u32,
    /// The ring: its block; its capacity class above its oldest slot; its length.
    pub(super) ring: Block,
    place: u16,
    pub(super) len: u16,
    /// The panes, once the ring has overflowed within reach.
    pub(super) panes: Block,
    /// A number that is never given twice (within 2^32 rows): what `distinct` compares.
    pub(super) ordinal: u32,
    /// Observations at or before a moment may be missing from the ring: that moment, zero if none
    /// is. Above it the era whose layout ring and panes have, and whether the panes are thin.
    lost: u64,
    /// The kind's tracker.
    pub(super) tracker: [u64; 2],
}

// One row, one line: what every event pays ten times.
const _: () = assert!(size_of::<Row>() == 64);
/// Bits of a slot's number: the largest ring has 4,096.
const HEAD_BITS: u16 = 12;
const HEAD_MASK: u16 = (1 << HEAD_BITS) - 1;
const CLASS_BITS: u8 = 0xf;
/// Times are below 2^48 ms.
const LOST_MASK: u64 = (1 << ERA_SHIFT) - 1;
const ERA_SHIFT: u32 = 48;
const THIN_SHIFT: u32 = 56;
const _: () = assert!(EventTime::MAX_MS < 1 << ERA_SHIFT);
const _: () = assert!(2_usize << CLASS_MAX == 1 << HEAD_BITS && CLASS_MAX <= CLASS_BITS);

impl Row {
    fn new(token: Token, ordinal: u32, at: EventTime) -> Self {
        let seen = seconds(at);
        Self { token, first_seen_s: seen, last_seen_s: seen, ordinal, ..Self::empty() }
    }

    /// The ring's capacity class.
    pub(super) const fn class(&self) -> u8 {
        (self.place >> HEAD_BITS) as u8
    }

    /// The slot of the ring's oldest event.
    pub(super) const fn head(&self) -> u16 {
        self.place & HEAD_MASK
    }

    /// Observations at or before this moment may be missing from the ring; `i64::MIN` if none is.
    pub(super) const fn lost_until_ms(&self) -> i64 {
        match self.lost & LOST_MASK {
            0 => i64::MIN,
            ms => ms.cast_signed(),
        }
    }

    /// Observations at or before a moment may be missing from now on.
    pub(super) fn lose_until(&mut self, ms: i64) {
        // No event is older than the year 2000.
        let lost = (self.lost & LOST_MASK).max(ms.max(0).cast_unsigned() & LOST_MASK);
        self.lost = self.lost & !LOST_MASK | lost;
    }

    /// Which plan's layout its ring and panes have.
    pub(super) const fn era(&self) -> u8 {
        (self.lost >> ERA_SHIFT) as u8
    }

    pub(super) const fn set_era(&mut self, era: u8) {
        self.lost = self.lost & !(0xff << ERA_SHIFT) | (era as u64) << ERA_SHIFT;
    }

    /// Whether its panes may lack totals of events that they were not asked for when these came.
    pub(super) const fn is_thin(&self) -> bool {
        self.lost >> THIN_SHIFT == 1
    }

    pub(super) const fn set_thin(&mut self, is_thin: bool) {
        self.lost = self.lost & !(1 << THIN_SHIFT) | (is_thin as u64) << THIN_SHIFT;
    }

    /// Takes ring and panes away: nothing is kept, and nothing is missed.
    pub(super) fn empty_out(&mut self) {
        let (none, era) = (Self::empty(), self.era());
        (self.ring, self.place, self.len) = (none.ring, none.place, none.len);
        (self.panes, self.lost) = (none.panes, none.lost);
        self.set_era(era);
    }

    /// Where the ring begins in a block of this class.
    pub(super) const fn place(&mut self, class: u8, head: u16) {
        self.place = (class as u16) << HEAD_BITS | head;
    }
}

impl Row {
    /// The row of nobody: no ring, no panes.
    pub(super) const fn empty() -> Self {
        Self {
            token: Token::from_bytes([0; 16]),
            first_seen_s: 0,
            last_seen_s: 0,
            ring: Block::NONE,
            place: 0,
            len: 0,
            panes: Block::NONE,
            ordinal: u32::MAX,
            lost: 0,
            tracker: [0; 2],
        }
    }
}

/// Words of a row in a snapshot.
const ROW_WORDS: usize = 9;

impl Row {
    fn to_words(self) -> [u64; ROW_WORDS] {
        let pair = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let [token_low, token_high] = self.token.to_words();
        [
            token_low,
            token_high,
            pair(self.first_seen_s, self.last_seen_s),
            pair(self.ring.0, self.panes.0),
            u64::from(self.is_thin()) << 48
                | u64::from(self.era()) << 40
                | u64::from(self.class()) << 32
                | u64::from(self.head()) << 16
                | u64::from(self.len),
            u64::from(self.ordinal),
            self.lost_until_ms().cast_unsigned(),
            self.tracker[0],
            self.tracker[1],
        ]
    }

    /// The row that these words stand for; `None` when no ring has such a class or slot.
    fn from_words(words: &[u64; ROW_WORDS]) -> Option<Self> {
        let [token_low, token_high, seen, blocks, ring, ordinal, lost, tracker_0, tracker_1] =
            *words;
        let mut row = Self {
            token: Token::from_words([token_low, token_high]),
            first_seen_s: (seen >> 32) as u32,
            last_seen_s: seen as u32,
            ring: Block((blocks >> 32) as u32),
            place: 0,
            len: ring as u16,
            panes: Block(blocks as u32),
            ordinal: ordinal as u32,
            lost: 0,
            tracker: [tracker_0, tracker_1],
        };
        let (class, head) = ((ring >> 32) as u8, (ring >> 16) as u16);
        row.place(class & CLASS_BITS, head & HEAD_MASK);
        row.set_era((ring >> 40) as u8);
        row.set_thin(ring >> 48 & 1 == 1);
        row.lose_until(lost.cast_signed());
        ((row.class(), row.head()) == (class, head)).then_some(row)
    }
}

fn seconds(at: EventTime) -> u32 {
    // 2000 to 2099 is below 2^32 seconds.
    ((at.as_ms() - EventTime::MIN.as_ms()) / 1_000) as u32
}

/// How an entity stood just before an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Sight {
    /// Never seen before.
    pub(super) new: bool,
    /// Whole days since first sight; 0 when the event is older than it.
    pub(super) age_days: i64,
    /// Whole days since last sight; 0 when the event is older than it.
    pub(super) idle_days: i64,
}

/// The rows of one kind.
#[derive(Debug)]
pub(super) struct KeyTable {
    rows: Vec<Vec<Row>>,
    supply: Supply<Vec<Row>>,
    len: u32,
    /// Tokens are keyed hashes already: their bits are the hash.
    index: Shards,
    next_ordinal: u32,
    /// The era of new rows.
    pub(super) era: u8,
    /// Most rows that are kept; beyond it the longest unseen of a sample makes room.
    capacity: u32,
    /// Where the search for a row to forget goes on.
    hand: u32,
    epoch: Epoch,
}

/// Rows per chunk: growing never moves a row, and never copies more than a chunk.
const CHUNK: usize = 1 << 12;
/// Chunks that are ready at any time, where somebody makes them.
const CHUNKS_READY: usize = 2;
/// Rows that are copied together: about a kibibyte.
const GRANULE: usize = 16;
const _: () = assert!(CHUNK.is_multiple_of(GRANULE));
/// Rows looked at to find one to forget.
const SAMPLE: u32 = 16;

impl KeyTable {
    pub(super) fn new(capacity: u32, store: StoreId) -> Self {
        Self {
            rows: Vec::new(),
            supply: Supply::default(),
            len: 0,
            index: Shards::new(SHARDS),
            next_ordinal: 0,
            era: 0,
            capacity: capacity.max(SAMPLE),
            hand: 0,
            epoch: Epoch::new(store),
        }
    }

    /// Asks for chunks of rows, and tables of their index, to be made ready.
    pub(super) fn demands(&mut self) -> [Demand; 2] {
        let rows = self.supply.order(CHUNKS_READY, || touched_room(CHUNK, Row::empty()));
        [rows, self.index.demand()]
    }

    pub(super) fn row(&self, id: RowId) -> &Row {
        &self.rows[id.0 as usize / CHUNK][id.0 as usize % CHUNK]
    }

    pub(super) fn row_mut(&mut self, id: RowId) -> &mut Row {
        let granule = id.0 / GRANULE as u32;
        if self.epoch.wants(granule) {
            self.keep(granule..granule + 1);
        }
        &mut self.rows[id.0 as usize / CHUNK][id.0 as usize % CHUNK]
    }

    /// The row, if it is still that of the entity with this ordinal.
    pub(super) fn row_if(&self, id: RowId, ordinal: u32) -> Option<&Row> {
        let row = self.rows.get(id.0 as usize / CHUNK)?.get(id.0 as usize % CHUNK)?;
        (row.ordinal == ordinal).then_some(row)
    }

    /// Every row in use, in the order of their numbers.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    /// Rows in use.
    pub(super) const fn live(&self) -> u32 {
        self.len
    }

    /// Bytes of rows and index.
    pub(super) fn bytes(&self) -> u64 {
        (self.rows.len() * CHUNK * size_of::<Row>()) as u64 + self.index.bytes()
    }

    /// Reads what [`Self::approach`] will read first, and asks nothing of it: reads of many keys
    /// overlap, since nothing is decided by any of them.
    pub(super) fn touch(&self, token: Token) -> u64 {
        self.index.touch(token.short())
    }

    /// Reads what [`Self::find`] will read first, and gives the row that it will probably find.
    pub(super) fn approach(&self, token: Token) -> Option<RowId> {
        self.index.rows(token.short()).next().filter(|id| *id < self.len).map(RowId)
    }

    pub(super) fn find(&self, token: Token) -> Option<RowId> {
        self.index.rows(token.short()).map(RowId).find(|id| self.row(*id).token == token)
    }

    /// The row of an entity and how it stood before. A new row may displace an old one, whose ring
    /// and panes the caller gives back.
    pub(super) fn sight(&mut self, token: Token, at: EventTime) -> (RowId, Sight, Option<Row>) {
        if let Some(id) = self.find(token) {
            return (id, self.sight_again(id, at), None);
        }
        let mut row = Row::new(token, self.next_ordinal, at);
        row.set_era(self.era);
        self.next_ordinal = self.next_ordinal.wrapping_add(1);
        let (id, displaced) = if self.len >= self.capacity {
            let (id, old) = self.forget_one();
            *self.row_mut(id) = row;
            (id, Some(old))
        } else {
            (self.append(row), None)
        };
        self.index.insert(token.short(), id.0);
        (id, Sight { new: true, age_days: 0, idle_days: 0 }, displaced)
    }

    fn sight_again(&mut self, id: RowId, at: EventTime) -> Sight {
        let now = seconds(at);
        let row = self.row_mut(id);
        let days_since = |then: u32| i64::from(now.saturating_sub(then) / 86_400);
        let sight = Sight {
            new: false,
            age_days: days_since(row.first_seen_s),
            idle_days: days_since(row.last_seen_s),
        };
        row.first_seen_s = row.first_seen_s.min(now);
        row.last_seen_s = row.last_seen_s.max(now);
        sight
    }

    fn append(&mut self, row: Row) -> RowId {
        let id = self.len;
        if self.rows.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.rows.push(self.supply.take(|| Vec::with_capacity(CHUNK)));
        }
        if let Some(chunk) = self.rows.last_mut() {
            chunk.push(row);
        }
        self.len += 1;
        RowId(id)
    }

    /// Forgets the longest unseen of the next few rows: bounded work, no order to maintain. What
    /// the row was is given back; its place is free.
    fn forget_one(&mut self) -> (RowId, Row) {
        let mut oldest = (u32::MAX, RowId(self.hand));
        for _ in 0..SAMPLE {
            let id = RowId(self.hand);
            self.hand = (self.hand + 1) % self.len;
            let seen = self.row(id).last_seen_s;
            if seen < oldest.0 {
                oldest = (seen, id);
            }
        }
        let (_, id) = oldest;
        let row = *self.row(id);
        self.index.remove(row.token.short(), id.0);
        (id, row)
    }

    /// After a load: finds the rows again, and looks at each.
    pub(super) fn finish_load(
        &mut self,
        check: impl Fn(&Row) -> Result<(), Misfit>,
    ) -> Result<(), Misfit> {
        self.rows.iter().flatten().try_for_each(check)?;
        self.index = index_of(&self.rows);
        Ok(())
    }
}

impl Granular for KeyTable {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        meta.extend([self.len, self.next_ordinal, self.hand].map(u64::from));
        let items = u64::from(self.len);
        let extent = Extent {
            granules: self.len.div_ceil(GRANULE as u32),
            granule_words: GRANULE * ROW_WORDS,
            words: items * ROW_WORDS as u64,
        };
        self.epoch.begin(extent, items);
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { rows, epoch, .. } = self;
        // The last granule may have got rows since the barrier.
        let end = (u64::from(granules.end) * GRANULE as u64).min(epoch.items()) as usize;
        let start = granules.start as usize * GRANULE;
        epoch.frame(granules, |out| {
            for id in start..end {
                out.extend(rows[id / CHUNK][id % CHUNK].to_words());
            }
        });
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        let len = meta.at_most(u64::from(self.capacity))?;
        self.next_ordinal = meta.at_most(u64::from(u32::MAX))? as u32;
        self.hand = meta.at_most(len.saturating_sub(1))? as u32;
        self.len = len as u32;
        let chunks = len.div_ceil(CHUNK as u64) as usize;
        self.rows = std::iter::repeat_with(Vec::new).take(chunks).collect();
        Extent::of(len, ROW_WORDS, GRANULE)
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let (rows, rest) = words.as_chunks::<ROW_WORDS>();
        if !rest.is_empty() {
            return Err(Misfit("a row is cut short"));
        }
        for (id, words) in (first as usize * GRANULE..self.len as usize).zip(rows) {
            let chunk = &mut self.rows[id / CHUNK];
            if chunk.is_empty() {
                let full = CHUNK.min(self.len as usize - id / CHUNK * CHUNK);
                // Growing later must not move the chunk.
                chunk.reserve_exact(CHUNK);
                chunk.resize(full, Row::empty());
            }
            chunk[id % CHUNK] =
                Row::from_words(words).ok_or(Misfit("a row's ring is none that we keep"))?;
        }
        Ok(())
    }
}

/// Tables of an index of tokens.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 8;

/// The index of loaded rows; each table is made as large as it has to be.
fn index_of(rows: &[Vec<Row>]) -> Shards {
    let mut counts = [0; SHARDS];
    let empty = Shards::new(SHARDS);
    for row in rows.iter().flatten() {
        counts[empty.place(row.token.short()).0] += 1;
    }
    let mut index = Shards::for_entries(&counts);
    for (id, row) in rows.iter().flatten().enumerate() {
        index.insert(row.token.short(), id as u32);
    }
    index
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn token(n: u64) -> Token {
        // Few shards and few homes, so that clusters form and wrap.
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(((n % 3) << SHARD_BITS) | (n % 2)).to_le_bytes());
        bytes[8..].copy_from_slice(&n.to_le_bytes());
        Token::from_bytes(bytes)
    }

    proptest! {
        /// Sight and forgetting against a map: a lost or doubled row is a lost or doubled customer.
        #[test]
        fn the_table_agrees_with_a_map(steps in proptest::collection::vec((0_u64..60, 0_i64..9), 1..400)) {
            let mut table = KeyTable::new(32, StoreId(2));
            let mut known: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
            for (n, day) in steps {
                let at = EventTime::from_ms(1_600_000_000_000 + day * 86_400_000).unwrap();
                let (id, sight, displaced) = table.sight(token(n), at);
                if let Some(row) = displaced {
                    let gone = u64::from_le_bytes(row.token.as_bytes()[8..].try_into().unwrap());
                    prop_assert!(known.remove(&gone).is_some());
                }
                prop_assert_eq!(table.row(id).token, token(n));
                let entry = known.get(&n).copied();
                prop_assert_eq!(sight.new, entry.is_none());
                let (first, last) = entry.unwrap_or((day, day));
                prop_assert_eq!(sight.age_days, (day - first).max(0));
                prop_assert_eq!(sight.idle_days, (day - last).max(0));
                known.insert(n, (first.min(day), last.max(day)));
                prop_assert_eq!(table.live() as usize, known.len());
                prop_assert!(known.len() <= 32);
                for n in known.keys() {
                    prop_assert!(table.find(token(*n)).is_some());
                }
            }
        }
    }
}
