//! The known devices: records in chunks, found by identifier or by bucket, bounded in number.
//!
//! The two maps are a function of the records: a record says which of its identifiers lead to it,
//! and a bucket holds whoever has its attributes now. So a snapshot keeps the records alone, and
//! neither map can outgrow them.

use std::ops::Range;

use crate::domain::{DeviceIdentifier, EventTime, Input, Token};
use crate::stages::features::epoch::{Epoch, Extent, Granular, Misfit, StoreId, Words};
use crate::stages::features::panes::mix;
use crate::stages::features::shards::Shards;
use crate::stages::features::supply::{Demand, Supply, touched_room};

use super::record::{Fingerprint, RECORD_WORDS, Record};

/// Devices that one bucket names as candidates; more share it than an attribute can tell apart.
const BUCKET_MAX: u32 = 8;
/// Records per chunk: growing never moves one.
const CHUNK: usize = 1 << 11;
/// Chunks that are ready at any time, where somebody makes them.
const CHUNKS_READY: usize = 2;
/// Records that are copied together: about a kibibyte.
const GRANULE: usize = 8;
const _: () = assert!(CHUNK.is_multiple_of(GRANULE));
/// Records looked at to find one to forget.
const SAMPLE: u32 = 16;
/// Maps are split, so that growing one never stops the stream for long.
const SHARDS: usize = 1 << 9;

/// A record's neighbours in its bucket's chain; they follow from the records and are not kept.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
    /// Devices in the chain, kept at its first.
    count: u32,
}

impl Links {
    const ALONE: Self = Self { before: NOBODY, after: NOBODY, count: 1 };
}

/// The end of a chain.
const NOBODY: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Store {
    chunks: Vec<Vec<Record>>,
    links: Vec<Vec<Links>>,
    supply: Supply<(Vec<Record>, Vec<Links>)>,
    len: u32,
    capacity: u32,
    hand: u32,
    /// The device to which each identifier leads; its record says so too.
    by_identifier: Shards,
    /// The first device of each bucket's chain.
    by_bucket: Shards,
    epoch: Epoch,
}

impl Store {
    pub(super) fn new(capacity: u32, store: StoreId) -> Self {
        Self {
            chunks: Vec::new(),
            links: Vec::new(),
            supply: Supply::default(),
            len: 0,
            capacity: capacity.max(SAMPLE),
            hand: 0,
            by_identifier: Shards::new(SHARDS),
            by_bucket: Shards::new(SHARDS),
            epoch: Epoch::new(store),
        }
    }

    /// Asks for chunks of records, and tables of their index, to be made ready.
    pub(super) fn demands(&mut self) -> [Demand; 3] {
        let room = || (touched_room(CHUNK, Record::default()), touched_room(CHUNK, Links::ALONE));
        let chunks = self.supply.order(CHUNKS_READY, room);
        [chunks, self.by_identifier.demand(), self.by_bucket.demand()]
    }

    pub(super) const fn live(&self) -> u32 {
        self.len
    }

    pub(super) fn bytes(&self) -> u64 {
        let record = size_of::<Record>() + size_of::<Links>();
        (self.chunks.len() * CHUNK * record) as u64
            + self.by_identifier.bytes()
            + self.by_bucket.bytes()
    }

    /// Entries of the two maps: never more than the records account for.
    #[cfg(test)]
    pub(super) fn entries(&self) -> (usize, usize) {
        (self.by_identifier.entries(), self.by_bucket.entries())
    }

    pub(super) fn record(&self, id: u32) -> &Record {
        &self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    fn record_mut(&mut self, id: u32) -> &mut Record {
        let granule = id / GRANULE as u32;
        if self.epoch.wants(granule) {
            self.keep(granule..granule + 1);
        }
        &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    fn links(&self, id: u32) -> Links {
        self.links[id as usize / CHUNK][id as usize % CHUNK]
    }

    fn links_mut(&mut self, id: u32) -> &mut Links {
        &mut self.links[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// The device to which the first identifier of an event leads.
    pub(super) fn approach(&self, input: &Input) -> Option<u32> {
        let first = |which| Some((which, input.device.get(which)?));
        let (which, identifier) = DeviceIdentifier::ALL.into_iter().find_map(first)?;
        self.holder(which, identifier)
    }

    /// The device to which an identifier leads.
    fn holder(&self, which: DeviceIdentifier, identifier: u64) -> Option<u32> {
        self.by_identifier.rows(key(which, identifier)).find(|id| {
            let Record { print, leads, .. } = self.record(*id);
            leads >> which as u16 & 1 == 1 && print.identifier(which) == Some(identifier)
        })
    }

    /// Every device to which an identifier leads; one may come twice.
    pub(super) fn led_to(&self, print: &Fingerprint, mut visit: impl FnMut(u32)) {
        // Nearly always all identifiers lead to one device, and its record says so without a look-up.
        let mut found = 0;
        for (which, identifier) in identifiers(print, u16::MAX) {
            if found >> which as u16 & 1 == 1 {
                continue;
            }
            if let Some(id) = self.holder(which, identifier) {
                let record = self.record(id);
                found |= record.leads & record.print.identifiers_shared_with(print);
                visit(id);
            }
        }
    }

    /// Every device of an uncrowded bucket.
    pub(super) fn alike(&self, print: &Fingerprint, mut visit: impl FnMut(u32)) {
        let first = print.bucket().and_then(|key| self.first_of(key));
        let first = first.filter(|first| self.links(*first).count <= BUCKET_MAX);
        let mut id = first.unwrap_or(NOBODY);
        while id != NOBODY {
            visit(id);
            id = self.links(id).after;
        }
    }

    /// The first device of a bucket's chain.
    fn first_of(&self, key: u64) -> Option<u32> {
        self.by_bucket.rows(key).find(|id| self.record(*id).print.bucket() == Some(key))
    }

    /// Whether more devices share the bucket than it can tell apart.
    pub(super) fn is_crowded(&self, print: &Fingerprint) -> bool {
        // One more would be too many.
        let first = print.bucket().and_then(|key| self.first_of(key));
        first.is_some_and(|first| self.links(first).count > BUCKET_MAX)
    }

    /// Takes over what an event says of a known device. A late event teaches nothing: it must not
    /// overwrite what a newer one said.
    pub(super) fn learn(&mut self, id: u32, print: &Fingerprint, at: EventTime) {
        let known = *self.record(id);
        if at.as_ms() < known.last_seen_ms {
            return;
        }
        let mut learned = known.print;
        learned.learn(print);
        if learned == known.print {
            self.record_mut(id).last_seen_ms = at.as_ms();
            return;
        }
        let stays = learned.identifiers_shared_with(&known.print) & known.leads;
        let moves = learned.bucket() != known.print.bucket();
        self.release(id, known.leads & !stays);
        if moves {
            self.unlink(id);
        }
        let record = self.record_mut(id);
        record.print = learned;
        record.last_seen_ms = at.as_ms();
        self.claim(id, (known.leads | print.identifiers()) & !stays);
        if moves {
            self.link(id);
        }
    }

    /// Adds a device, forgetting the longest unseen of a sample when there are too many.
    pub(super) fn add(&mut self, token: Token, print: &Fingerprint, at: EventTime) {
        let record = Record { token, print: *print, last_seen_ms: at.as_ms(), leads: 0 };
        let id = if self.len >= self.capacity {
            let id = self.forget_one();
            *self.record_mut(id) = record;
            id
        } else {
            self.append(record)
        };
        self.claim(id, print.identifiers());
        self.link(id);
    }

    fn append(&mut self, record: Record) -> u32 {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            let make = || (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
            let (chunk, links) = self.supply.take(make);
            self.chunks.push(chunk);
            self.links.push(links);
        }
        if let (Some(chunk), Some(links)) = (self.chunks.last_mut(), self.links.last_mut()) {
            chunk.push(record);
            links.push(Links::ALONE);
        }
        self.len += 1;
        self.len - 1
    }

    fn forget_one(&mut self) -> u32 {
        let mut oldest = (i64::MAX, self.hand);
        for _ in 0..SAMPLE {
            let seen = self.record(self.hand).last_seen_ms;
            if seen < oldest.0 {
                oldest = (seen, self.hand);
            }
            self.hand = (self.hand + 1) % self.len;
        }
        let (_, id) = oldest;
        self.release(id, self.record(id).leads);
        self.unlink(id);
        id
    }

    /// Lets these identifiers lead to the record, whomever they led to before.
    fn claim(&mut self, id: u32, identifiers: u16) {
        let print = self.record(id).print;
        for (which, identifier) in self::identifiers(&print, identifiers) {
            let before = self.holder(which, identifier);
            if before == Some(id) {
                continue;
            }
            let (key, bit) = (key(which, identifier), 1 << which as u16);
            if let Some(other) = before {
                self.by_identifier.remove(key, other);
                self.record_mut(other).leads &= !bit;
            }
            self.by_identifier.insert(key, id);
            self.record_mut(id).leads |= bit;
        }
    }

    /// Lets these identifiers lead nowhere.
    fn release(&mut self, id: u32, identifiers: u16) {
        let Record { print, leads, .. } = *self.record(id);
        for (which, identifier) in self::identifiers(&print, identifiers & leads) {
            self.by_identifier.remove(key(which, identifier), id);
        }
        self.record_mut(id).leads &= !identifiers;
    }

    /// Puts a record into the chain of its bucket, first.
    fn link(&mut self, id: u32) {
        *self.links_mut(id) = Links::ALONE;
        let Some(key) = self.record(id).print.bucket() else { return };
        if let Some(first) = self.first_of(key) {
            self.by_bucket.remove(key, first);
            self.links_mut(first).before = id;
            let count = self.links(first).count + 1;
            *self.links_mut(id) = Links { before: NOBODY, after: first, count };
        }
        self.by_bucket.insert(key, id);
    }

    /// Takes a record out of the chain of its bucket.
    fn unlink(&mut self, id: u32) {
        let Some(key) = self.record(id).print.bucket() else { return };
        let Some(first) = self.first_of(key) else { return };
        let (Links { before, after, .. }, count) = (self.links(id), self.links(first).count - 1);
        if after != NOBODY {
            self.links_mut(after).before = before;
        }
        if before != NOBODY {
            self.links_mut(before).after = after;
        }
        let mut first = first;
        if first == id {
            self.by_bucket.remove(key, id);
            if after == NOBODY {
                return;
            }
            self.by_bucket.insert(key, after);
            first = after;
        }
        self.links_mut(first).count = count;
    }

    /// After a load: makes the two maps from the records.
    pub(super) fn finish_load(&mut self) {
        let expected = self.len / SHARDS as u32 * 4;
        self.by_identifier = Shards::for_entries(&[expected; SHARDS]);
        self.by_bucket = Shards::new(SHARDS);
        for id in 0..self.len {
            let Record { print, leads, .. } = *self.record(id);
            for (which, identifier) in identifiers(&print, leads) {
                self.by_identifier.insert(key(which, identifier), id);
            }
            self.link(id);
        }
    }
}

impl Granular for Store {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        meta.extend([self.len, self.hand].map(u64::from));
        let items = u64::from(self.len);
        let extent = Extent {
            granules: self.len.div_ceil(GRANULE as u32),
            granule_words: GRANULE * RECORD_WORDS,
            words: items * RECORD_WORDS as u64,
        };
        self.epoch.begin(extent, items);
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { chunks, epoch, .. } = self;
        let end = (u64::from(granules.end) * GRANULE as u64).min(epoch.items()) as usize;
        let start = granules.start as usize * GRANULE;
        epoch.frame(granules, |out| {
            for id in start..end {
                out.extend(chunks[id / CHUNK][id % CHUNK].to_words());
            }
        });
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        let len = meta.at_most(u64::from(self.capacity))?;
        self.hand = meta.at_most(len.saturating_sub(1))? as u32;
        self.len = len as u32;
        let chunks = len.div_ceil(CHUNK as u64) as usize;
        self.chunks = std::iter::repeat_with(Vec::new).take(chunks).collect();
        self.links = std::iter::repeat_with(Vec::new).take(chunks).collect();
        Extent::of(len, RECORD_WORDS, GRANULE)
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let (records, rest) = words.as_chunks::<RECORD_WORDS>();
        if !rest.is_empty() {
            return Err(Misfit("a device is cut short"));
        }
        for (id, words) in (first as usize * GRANULE..self.len as usize).zip(records) {
            let (chunk, links) = (&mut self.chunks[id / CHUNK], &mut self.links[id / CHUNK]);
            if chunk.is_empty() {
                let full = CHUNK.min(self.len as usize - id / CHUNK * CHUNK);
                // Growing later must not move the chunk.
                chunk.reserve_exact(CHUNK);
                links.reserve_exact(CHUNK);
                chunk.resize(full, Record::default());
                links.resize(full, Links::ALONE);
            }
            chunk[id % CHUNK] = Record::from_words(words);
        }
        Ok(())
    }
}

/// A fingerprint's identifiers, as far as their bits are wanted.
fn identifiers(
    print: &Fingerprint,
    wanted: u16,
) -> impl Iterator<Item = (DeviceIdentifier, u64)> + use<> {
    let print = *print;
    let wanted =
        DeviceIdentifier::ALL.into_iter().filter(move |which| wanted >> *which as u16 & 1 == 1);
    wanted.filter_map(move |which| Some((which, print.identifier(which)?)))
}

/// The key of an identifier in the index: its token, told apart by its field.
const fn key(which: DeviceIdentifier, identifier: u64) -> u64 {
    mix(identifier ^ (which as u64) << 56)
}
