//! The lists on their way into a snapshot and back: entries in the order of lists and tokens.
//!
//! Shards are replaced whole, so the barrier keeps the ones of its moment and nothing has to be
//! copied before a change.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::table::{Entry, Shard, Table};
use super::{ListId, ListStore, Lists};
use crate::domain::{EntityKind, EventTime};
use crate::engine::snapshot::{read_text, write_text};
use crate::stages::features::{Epoch, Extent, Granular, Misfit, StoreId, Words};

/// Words of an entry.
const ENTRY: usize = 4;
/// Entries of a granule.
const GRANULE: usize = 32;
/// More lists than a bundle may declare would not fit the snapshot's head.
const LISTS_MAX: usize = 4_096;

/// What a snapshot under way, or one being loaded, keeps.
#[derive(Debug)]
pub(super) struct Shelf {
    epoch: Epoch,
    /// The shards at the barrier that hold anything, each after so many entries.
    frozen: Vec<(u64, Arc<Shard>)>,
    /// The lists that are being loaded, each with its number of entries.
    coming: Vec<(ListId, u64)>,
    words: Vec<u64>,
}

impl Shelf {
    pub(super) const fn new(store: StoreId) -> Self {
        Self { epoch: Epoch::new(store), frozen: Vec::new(), coming: Vec::new(), words: Vec::new() }
    }

    fn write(&self, mut entries: Range<u64>, out: &mut Vec<u64>) {
        let mut at = self.frozen.partition_point(|(first, _)| *first <= entries.start) - 1;
        while entries.start < entries.end {
            let (first, shard) = &self.frozen[at];
            let from = (entries.start - first) as usize;
            let to = shard.len().min((entries.end - first) as usize);
            for entry in &shard[from..to] {
                let [low, high] = entry.token().to_words();
                out.extend([low, high, entry.expires_ms.cast_unsigned(), entry.since]);
            }
            entries.start = first + to as u64;
            at += 1;
        }
    }
}

impl Granular for ListStore {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.shelf.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        let tables = self.lists.tables.load();
        let shelf = &mut self.shelf;
        shelf.frozen.clear();
        let mut items = 0;
        meta.push(tables.len() as u64);
        for ((name, kind), table) in tables.iter() {
            write_text(name, meta);
            meta.extend([*kind as u64, table.len()]);
            for shard in table.frozen().filter(|shard| !shard.is_empty()) {
                let len = shard.len() as u64;
                shelf.frozen.push((items, shard));
                items += len;
            }
        }
        // Bounded by memory: far fewer granules than a number can count.
        if let Ok(extent) = Extent::of(items, ENTRY, GRANULE) {
            shelf.epoch.begin(extent, items);
        }
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { shelf, .. } = self;
        let first = u64::from(granules.start) * GRANULE as u64;
        let end = (u64::from(granules.end) * GRANULE as u64).min(shelf.epoch.items());
        let mut epoch = std::mem::replace(&mut shelf.epoch, Epoch::new(StoreId(0)));
        epoch.frame(granules, |out| shelf.write(first..end, out));
        shelf.epoch = epoch;
        if shelf.epoch.left() == 0 {
            shelf.frozen = Vec::new();
        }
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        let mut items = 0_u64;
        for _ in 0..meta.at_most(LISTS_MAX as u64)? {
            let name = read_text(meta)?;
            let kind = EntityKind::ALL[meta.at_most(EntityKind::COUNT as u64 - 1)? as usize];
            let entries = meta.at_most(u64::from(u32::MAX))?;
            self.shelf.coming.push(((name, kind), entries));
            items += entries;
        }
        Extent::of(items, ENTRY, GRANULE)
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let start = first as usize * GRANULE * ENTRY;
        let all = &mut self.shelf.words;
        if all.len() < start + words.len() {
            all.resize(start + words.len(), 0);
        }
        all[start..start + words.len()].copy_from_slice(words);
        Ok(())
    }
}

impl ListStore {
    /// Makes the lists of what was loaded.
    pub(in crate::engine) fn finish_load(&mut self) -> Result<(), Misfit> {
        let mut words = Words(&self.shelf.words);
        let mut tables = BTreeMap::new();
        for (id, count) in self.shelf.coming.drain(..) {
            let mut entries = Vec::with_capacity(count.min(words.0.len() as u64) as usize);
            for _ in 0..count {
                let entry = read_entry(&mut words)?;
                if entries.last().is_some_and(|last: &Entry| last.token >= entry.token) {
                    return Err(Misfit("the entries of a list are out of order"));
                }
                entries.push(entry);
            }
            if tables.insert(id, Arc::new(Table::of(&entries))).is_some() {
                return Err(Misfit("a list comes twice"));
            }
        }
        self.lists = Lists::default();
        self.lists.tables.store(Arc::new(tables));
        self.shelf.words = Vec::new();
        Ok(())
    }
}

fn read_entry(words: &mut Words<'_>) -> Result<Entry, Misfit> {
    let token = crate::domain::Token::from_words([words.one()?, words.one()?]);
    let expires_ms = words.one()?.cast_signed();
    EventTime::from_ms(expires_ms).map_err(|_| Misfit("an entry ends at a time that is none"))?;
    Ok(Entry { token: *token.as_bytes(), expires_ms, since: words.one()? })
}
