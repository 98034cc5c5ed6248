//! One list: sorted entries in shards by the first bits of their token, each replaced whole.
//!
//! A token is the tag of an HMAC: its bits are even, so that shards are of one size. A change makes
//! the shards that it touches anew, and readers keep the one that they hold. An entry takes 32 bytes
//! and nothing beside it, so that ten million stay below what a hash table would need, and what is
//! in memory follows from the inputs alone and not from their order within a shard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use crate::domain::{EventTime, Seq, Token};

/// Bits of a token that choose its shard.
const BITS: u32 = 10;
/// Shards of a list: at ten million entries each has ten thousand, 320 KiB.
pub(super) const SHARDS: usize = 1 << BITS;

/// One entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Entry {
    pub(super) token: [u8; 16],
    pub(super) expires_ms: i64,
    /// The input that put it here: the journal says why.
    pub(super) since: u64,
}

// What ten million of them cost.
const _: () = assert!(size_of::<Entry>() == 32);

/// What a list says of somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Listed {
    /// The first moment at which it holds no more.
    pub expires_at: EventTime,
    /// The input that says why.
    pub since: Seq,
}

impl Entry {
    pub(super) const fn token(&self) -> Token {
        Token::from_bytes(self.token)
    }

    pub(super) fn listed(&self) -> Listed {
        // Entries are made of event times alone, which `Shelf` checks of loaded ones.
        let expires_at = EventTime::from_ms(self.expires_ms).unwrap_or(EventTime::MIN);
        Listed { expires_at, since: Seq(self.since) }
    }
}

pub(super) type Shard = Box<[Entry]>;

/// One list.
#[derive(Debug)]
pub(in crate::engine) struct Table {
    shards: Box<[ArcSwap<Shard>]>,
    len: AtomicU64,
}

impl Default for Table {
    fn default() -> Self {
        let empty = Arc::new(Shard::default());
        let shards = (0..SHARDS).map(|_| ArcSwap::new(Arc::clone(&empty))).collect();
        Self { shards, len: AtomicU64::new(0) }
    }
}

impl Table {
    /// A list of these entries, which stand in the order of their tokens.
    pub(super) fn of(entries: &[Entry]) -> Self {
        let table = Self::default();
        for part in entries.chunk_by(|a, b| shard_of(&a.token) == shard_of(&b.token)) {
            table.shards[shard_of(&part[0].token)].store(Arc::new(part.into()));
        }
        table.len.store(entries.len() as u64, Ordering::Relaxed);
        table
    }

    /// How many entries there are, ended ones included.
    pub(in crate::engine) fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    /// The entry of a token at a moment; one that has ended says nothing.
    pub(in crate::engine) fn find(&self, token: Token, at: EventTime) -> Option<Listed> {
        let shard = self.shards[shard_of(token.as_bytes())].load();
        let found = shard.binary_search_by(|entry| entry.token.cmp(token.as_bytes())).ok()?;
        // Where the search found it.
        Some(shard[found].listed()).filter(|listed| listed.expires_at > at)
    }

    /// Every shard as it is now.
    pub(super) fn frozen(&self) -> impl Iterator<Item = Arc<Shard>> {
        self.shards.iter().map(ArcSwap::load_full)
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(&Entry)) {
        self.frozen().for_each(|shard| shard.iter().for_each(&mut visit));
    }

    /// Puts entries in, the last one of a token counting; those that ended leave their shards.
    pub(super) fn add(
        &self,
        entries: impl Iterator<Item = (Token, EventTime)>,
        seq: Seq,
        now: EventTime,
    ) {
        let entry = |(token, expires_at): (Token, EventTime)| {
            let (token, expires_ms) = (*token.as_bytes(), expires_at.as_ms());
            (token, Some(Entry { token, expires_ms, since: seq.0 }))
        };
        self.change(entries.map(entry).collect(), now);
    }

    /// Takes entries out.
    pub(super) fn remove(&self, tokens: impl Iterator<Item = Token>, now: EventTime) {
        self.change(tokens.map(|token| (*token.as_bytes(), None)).collect(), now);
    }

    fn change(&self, mut changes: Vec<([u8; 16], Option<Entry>)>, now: EventTime) {
        // Stable: of two changes of one token the later one stays later.
        changes.sort_by_key(|(token, _)| *token);
        for part in changes.chunk_by(|a, b| shard_of(&a.0) == shard_of(&b.0)) {
            let place = &self.shards[shard_of(&part[0].0)];
            let before = place.load_full();
            let after = merged(&before, part, now);
            // One writer: nothing comes between.
            let len = self.len() + after.len() as u64 - before.len() as u64;
            self.len.store(len, Ordering::Relaxed);
            place.store(Arc::new(after));
        }
    }
}

/// A shard after its changes, which stand in the order of the tokens.
fn merged(before: &[Entry], changes: &[([u8; 16], Option<Entry>)], now: EventTime) -> Shard {
    let mut after = Vec::with_capacity(before.len() + changes.len());
    let mut rest = before.iter().peekable();
    let holds = |entry: &&Entry| entry.expires_ms > now.as_ms();
    for same in changes.chunk_by(|a, b| a.0 == b.0) {
        let (token, change) = same[same.len() - 1];
        while let Some(entry) = rest.next_if(|entry| entry.token < token) {
            after.extend(Some(entry).filter(holds));
        }
        let _ = rest.next_if(|entry| entry.token == token);
        after.extend(change.as_ref().filter(holds));
    }
    after.extend(rest.filter(holds));
    after.into_boxed_slice()
}

fn shard_of(token: &[u8; 16]) -> usize {
    usize::from(u16::from_be_bytes([token[0], token[1]]) >> (16 - BITS))
}
