//! The known devices: records in chunks, found by identifier or by bucket, bounded in number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::domain::{DeviceIdentifier, EventTime, Token};
use crate::stages::features::panes::mix;

use super::record::{Fingerprint, Record};

/// Devices that one bucket names as candidates; more share it than an attribute can tell apart.
const BUCKET_MAX: usize = 8;
/// Records per chunk: growing never moves one.
const CHUNK: usize = 1 << 11;
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

/// Up to [`BUCKET_MAX`] devices, and whether there were more.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    ids: [u32; BUCKET_MAX],
    count: u8,
    crowded: bool,
}

#[derive(Debug)]
pub(super) struct Store {
    chunks: Vec<Vec<Record>>,
    len: u32,
    capacity: u32,
    hand: u32,
    by_identifier: Vec<Map<u32>>,
    by_bucket: Vec<Map<Bucket>>,
}

impl Store {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
            capacity: capacity.max(SAMPLE),
            hand: 0,
            by_identifier: std::iter::repeat_with(Map::default).take(SHARDS).collect(),
            by_bucket: std::iter::repeat_with(Map::default).take(SHARDS).collect(),
        }
    }

    pub(super) fn live(&self) -> u32 {
        self.len
    }

    pub(super) fn bytes(&self) -> u64 {
        let entries: usize = self.by_identifier.iter().map(HashMap::capacity).sum();
        let buckets: usize = self.by_bucket.iter().map(HashMap::capacity).sum();
        (self.chunks.len() * CHUNK * size_of::<Record>() + entries * 17) as u64
            + (buckets * (size_of::<Bucket>() + 9)) as u64
    }

    pub(super) fn record(&self, id: u32) -> &Record {
        &self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    fn record_mut(&mut self, id: u32) -> &mut Record {
        &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// Every device that shares an identifier or an uncrowded bucket; one may come twice.
    pub(super) fn candidates(&self, print: &Fingerprint, mut visit: impl FnMut(u32)) {
        // Nearly always all identifiers are of one device.
        let mut last = None;
        for key in keys(print) {
            let id = self.by_identifier[shard(key)].get(&key).copied();
            if let Some(id) = id.filter(|id| last != Some(*id)) {
                visit(id);
                last = Some(id);
            }
        }
        let bucket = print.bucket().and_then(|key| self.by_bucket[shard(key)].get(&key));
        if let Some(bucket) = bucket.filter(|bucket| !bucket.crowded) {
            bucket.ids[..usize::from(bucket.count)].iter().for_each(|id| visit(*id));
        }
    }

    /// Whether more devices share the bucket than it can tell apart.
    pub(super) fn is_crowded(&self, print: &Fingerprint) -> bool {
        print
            .bucket()
            .and_then(|key| self.by_bucket[shard(key)].get(&key))
            .is_some_and(|bucket| bucket.crowded)
    }

    /// Takes over what an event says of a known device.
    pub(super) fn learn(&mut self, id: u32, print: &Fingerprint, at: EventTime) {
        let record = self.record_mut(id);
        if record.print == *print {
            record.last_seen_ms = record.last_seen_ms.max(at.as_ms());
            return;
        }
        // A late event must not overwrite what a newer one said.
        let is_newer = at.as_ms() >= record.last_seen_ms;
        if is_newer {
            record.print.learn(print);
            record.last_seen_ms = at.as_ms();
        }
        for key in keys(print) {
            self.by_identifier[shard(key)].insert(key, id);
        }
    }

    /// Adds a device, forgetting the longest unseen of a sample when there are too many.
    pub(super) fn add(&mut self, token: Token, print: &Fingerprint, at: EventTime) {
        let record = Record { token, print: *print, last_seen_ms: at.as_ms() };
        let id = if self.len >= self.capacity {
            let id = self.forget_one();
            *self.record_mut(id) = record;
            id
        } else {
            if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
                self.chunks.push(Vec::with_capacity(CHUNK));
            }
            if let Some(chunk) = self.chunks.last_mut() {
                chunk.push(record);
            }
            self.len += 1;
            self.len - 1
        };
        for key in keys(print) {
            self.by_identifier[shard(key)].insert(key, id);
        }
        if let Some(key) = print.bucket() {
            let bucket = self.by_bucket[shard(key)].entry(key).or_default();
            match bucket.ids.get_mut(usize::from(bucket.count)) {
                Some(place) => {
                    *place = id;
                    bucket.count += 1;
                }
                None => bucket.crowded = true,
            }
        }
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
        let print = self.record(id).print;
        for key in keys(&print) {
            let map = &mut self.by_identifier[shard(key)];
            if map.get(&key) == Some(&id) {
                map.remove(&key);
            }
        }
        // A crowded bucket stays crowded; in the others the device makes room.
        if let Some(key) = print.bucket()
            && let Some(bucket) = self.by_bucket[shard(key)].get_mut(&key)
        {
            let count = usize::from(bucket.count);
            if let Some(at) = bucket.ids[..count].iter().position(|other| *other == id) {
                bucket.ids.copy_within(at + 1..count, at);
                bucket.count -= 1;
            }
        }
        id
    }
}

/// The map keys of a fingerprint's identifiers: the token, told apart by its field.
fn keys(print: &Fingerprint) -> impl Iterator<Item = u64> {
    let print = *print;
    DeviceIdentifier::ALL
        .into_iter()
        .filter_map(move |which| Some(mix(print.identifier(which)? ^ (which as u64) << 56)))
}

const fn shard(key: u64) -> usize {
    // The low bits place a key in its map and the high bits tag it there: take the middle.
    (key >> 24) as usize % SHARDS
}
