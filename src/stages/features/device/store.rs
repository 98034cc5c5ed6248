//! The known devices: records in chunks, found by identifier or by bucket, bounded in number.
//!
//! The two maps are a function of the records: a record says which of its identifiers lead to it,
//! and a bucket holds whoever has its attributes now. So a snapshot keeps the records alone, and
//! neither map can outgrow them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use crate::domain::{DeviceIdentifier, EventTime, Input, Token};
use crate::stages::features::epoch::{Epoch, Extent, Granular, Misfit, StoreId, Words};
use crate::stages::features::panes::mix;
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

/// Keys are mixed already; they are their own hash.
#[derive(Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| mix(hash ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

type Map<V> = HashMap<u64, V, BuildHasherDefault<Identity>>;

/// The devices of a bucket: a chain through their records, in no order that matters.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    first: u32,
    count: u32,
}

/// A record's neighbours in its bucket's chain; they follow from the records and are not kept.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
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
    by_identifier: Vec<Map<u32>>,
    by_bucket: Vec<Map<Bucket>>,
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
            by_identifier: std::iter::repeat_with(Map::default).take(SHARDS).collect(),
            by_bucket: std::iter::repeat_with(Map::default).take(SHARDS).collect(),
            epoch: Epoch::new(store),
        }
    }

    /// Asks for chunks of records to be made ready.
    pub(super) fn demand(&mut self) -> Demand {
        let nobody = Links { before: NOBODY, after: NOBODY };
        let chunk = move || (touched_room(CHUNK, Record::default()), touched_room(CHUNK, nobody));
        self.supply.order(CHUNKS_READY, chunk)
    }

    pub(super) const fn live(&self) -> u32 {
        self.len
    }

    pub(super) fn bytes(&self) -> u64 {
        let entries: usize = self.by_identifier.iter().map(HashMap::capacity).sum();
        let buckets: usize = self.by_bucket.iter().map(HashMap::capacity).sum();
        let record = size_of::<Record>() + size_of::<Links>();
        (self.chunks.len() * CHUNK * record + entries * 17) as u64
            + (buckets * (size_of::<Bucket>() + 9)) as u64
    }

    /// Entries of the two maps: never more than the records account for.
    #[cfg(test)]
    pub(super) fn entries(&self) -> (usize, usize) {
        let identifiers = self.by_identifier.iter().map(HashMap::len).sum();
        (identifiers, self.by_bucket.iter().map(HashMap::len).sum())
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

    fn links_mut(&mut self, id: u32) -> &mut Links {
        &mut self.links[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// The device to which the first identifier of an event leads.
    pub(super) fn approach(&self, input: &Input) -> Option<u32> {
        let first = |which| Some(key(which, input.device.get(which)?));
        let key = DeviceIdentifier::ALL.into_iter().find_map(first)?;
        self.by_identifier[shard(key)].get(&key).copied()
    }

    /// Every device to which an identifier leads; one may come twice.
    pub(super) fn led_to(&self, print: &Fingerprint, mut visit: impl FnMut(u32)) {
        // Nearly always all identifiers lead to one device, and its record says so without a look-up.
        let mut found = 0;
        for (bit, key) in keys(print) {
            if found & bit != 0 {
                continue;
            }
            if let Some(id) = self.by_identifier[shard(key)].get(&key).copied() {
                let record = self.record(id);
                found |= record.leads & record.print.identifiers_shared_with(print);
                visit(id);
            }
        }
    }

    /// Every device of an uncrowded bucket.
    pub(super) fn alike(&self, print: &Fingerprint, mut visit: impl FnMut(u32)) {
        if let Some(bucket) = self.bucket(print).filter(|bucket| bucket.count <= BUCKET_MAX) {
            let mut id = bucket.first;
            while id != NOBODY {
                visit(id);
                id = self.links[id as usize / CHUNK][id as usize % CHUNK].after;
            }
        }
    }

    fn bucket(&self, print: &Fingerprint) -> Option<&Bucket> {
        print.bucket().and_then(|key| self.by_bucket[shard(key)].get(&key))
    }

    /// Whether more devices share the bucket than it can tell apart.
    pub(super) fn is_crowded(&self, print: &Fingerprint) -> bool {
        // One more would be too many.
        self.bucket(print).is_some_and(|bucket| bucket.count > BUCKET_MAX)
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
            links.push(Links { before: NOBODY, after: NOBODY });
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
        for (bit, key) in keys(&print).filter(|(bit, _)| identifiers & bit != 0) {
            let before = self.by_identifier[shard(key)].insert(key, id);
            if let Some(other) = before.filter(|other| *other != id) {
                let lost = self.record(other).print;
                let lost = keys(&lost).filter(|(_, theirs)| *theirs == key);
                let lost = lost.fold(0, |bits, (bit, _)| bits | bit);
                self.record_mut(other).leads &= !lost;
            }
            self.record_mut(id).leads |= bit;
        }
    }

    /// Lets these identifiers lead nowhere.
    fn release(&mut self, id: u32, identifiers: u16) {
        let print = self.record(id).print;
        for (_, key) in keys(&print).filter(|(bit, _)| identifiers & bit != 0) {
            let map = &mut self.by_identifier[shard(key)];
            if map.get(&key) == Some(&id) {
                map.remove(&key);
            }
        }
        self.record_mut(id).leads &= !identifiers;
    }

    /// Puts a record into the chain of its bucket.
    fn link(&mut self, id: u32) {
        *self.links_mut(id) = Links { before: NOBODY, after: NOBODY };
        let Some(key) = self.record(id).print.bucket() else { return };
        let empty = Bucket { first: NOBODY, count: 0 };
        let bucket = self.by_bucket[shard(key)].entry(key).or_insert(empty);
        bucket.count += 1;
        let after = std::mem::replace(&mut bucket.first, id);
        self.links_mut(id).after = after;
        if after != NOBODY {
            self.links_mut(after).before = id;
        }
    }

    /// Takes a record out of the chain of its bucket.
    fn unlink(&mut self, id: u32) {
        let Some(key) = self.record(id).print.bucket() else { return };
        let Links { before, after } = *self.links_mut(id);
        if after != NOBODY {
            self.links_mut(after).before = before;
        }
        if before != NOBODY {
            self.links_mut(before).after = after;
        }
        let map = &mut self.by_bucket[shard(key)];
        let Some(bucket) = map.get_mut(&key) else { return };
        bucket.count -= 1;
        if bucket.first == id {
            bucket.first = after;
        }
        if bucket.count == 0 {
            map.remove(&key);
        }
    }

    /// After a load: makes the two maps from the records.
    pub(super) fn finish_load(&mut self) {
        let expected = self.len as usize / SHARDS;
        for map in &mut self.by_identifier {
            map.reserve(expected * 4);
        }
        for id in 0..self.len {
            let Record { print, leads, .. } = *self.record(id);
            for (_, key) in keys(&print).filter(|(bit, _)| leads & bit != 0) {
                self.by_identifier[shard(key)].insert(key, id);
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
                links.resize(full, Links { before: NOBODY, after: NOBODY });
            }
            chunk[id % CHUNK] = Record::from_words(words);
        }
        Ok(())
    }
}

/// A fingerprint's identifiers: the bit of each, and its key in the map: the token, told apart by
/// its field.
fn keys(print: &Fingerprint) -> impl Iterator<Item = (u16, u64)> {
    let print = *print;
    DeviceIdentifier::ALL
        .into_iter()
        .filter_map(move |which| Some((1 << which as u16, key(which, print.identifier(which)?))))
}

const fn key(which: DeviceIdentifier, identifier: u64) -> u64 {
    mix(identifier ^ (which as u64) << 56)
}

const fn shard(key: u64) -> usize {
    // The low bits place a key in its map and the high bits tag it there: take the middle.
    (key >> 24) as usize % SHARDS
}
