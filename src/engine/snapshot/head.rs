//! What a snapshot says of itself: whose it is, where it stands in the journal, how large it is.

use crate::domain::{Content, EventTime, Seq, Source, Token};
use crate::journal::{BundleHash, JournalId};
use crate::stages::features::{FRAME_WORDS_MAX, Misfit, StoreId, Words};

/// A snapshot's first frame.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
    /// The journal that it belongs to.
    pub journal: JournalId,
    /// The version of what the engine computes.
    pub semantics: u32,
    /// A hash of what its words mean: windows and limits.
    pub layout: [u8; 32],
    /// The bundle that was in force.
    pub bundle: BundleHash,
    /// The number of the first input that it has not seen: where the journal's tail begins.
    pub next: Seq,
    /// The last input that it has seen, to be met in the journal.
    pub last: LastInput,
    /// The newest position of each topic and partition among the inputs seen.
    pub positions: Vec<Source>,
    /// When the first event happened, in Unix milliseconds.
    pub(super) started_ms: Option<i64>,
    /// Each store's own numbers.
    pub(super) stores: Vec<(StoreId, Vec<u64>)>,
}

/// The last input before a barrier.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LastInput {
    /// The event's token.
    pub event: Token,
    /// The hash of its content.
    pub content: Content,
    /// When it arrived.
    pub received_at: EventTime,
}

impl Head {
    pub(super) fn write(&self, out: &mut Vec<u64>) {
        out.extend(words_of(self.journal.to_bytes()));
        out.push(u64::from(self.semantics));
        out.extend(wide_words_of(self.layout));
        out.extend(wide_words_of(self.bundle.0));
        out.push(self.next.0);
        out.extend(self.last.event.to_words());
        out.extend(words_of(self.last.content.0));
        out.push(self.last.received_at.as_ms().cast_unsigned());
        out.extend([
            u64::from(self.started_ms.is_some()),
            self.started_ms.unwrap_or(0).cast_unsigned(),
        ]);
        out.push(self.positions.len() as u64);
        for Source { topic, partition, offset } in &self.positions {
            let place = u64::from(*topic) << 32 | u64::from(partition.cast_unsigned());
            out.extend([place, offset.cast_unsigned()]);
        }
        out.push(self.stores.len() as u64);
        for (store, meta) in &self.stores {
            out.extend([u64::from(store.0), meta.len() as u64]);
            out.extend_from_slice(meta);
        }
    }

    pub(super) fn read(words: &[u64]) -> Result<Self, Misfit> {
        let mut words = Words(words);
        let journal = JournalId::from_bytes(bytes_of(&mut words)?);
        let semantics = words.at_most(u64::from(u32::MAX))? as u32;
        let (layout, bundle) = (wide_bytes_of(&mut words)?, wide_bytes_of(&mut words)?);
        let next = Seq(words.one()?);
        let event = Token::from_bytes(bytes_of(&mut words)?);
        let content = Content(bytes_of(&mut words)?);
        let received_at = EventTime::from_ms(words.one()?.cast_signed());
        let received_at = received_at.map_err(|_| Misfit("an arrival at a time that is none"))?;
        let is_started = words.at_most(1)? == 1;
        let started_ms = words.one()?.cast_signed();
        let mut positions = Vec::new();
        for _ in 0..words.at_most(FRAME_WORDS_MAX as u64)? {
            let (place, offset) = (words.one()?, words.one()?.cast_signed());
            let (topic, partition) = ((place >> 32) as u16, (place as u32).cast_signed());
            positions.push(Source { topic, partition, offset });
        }
        let mut stores = Vec::new();
        for _ in 0..words.at_most(u64::from(u8::MAX))? {
            let store = StoreId(words.at_most(u64::from(u8::MAX))? as u8);
            let length = words.at_most(FRAME_WORDS_MAX as u64)? as usize;
            stores.push((store, words.take(length)?.to_vec()));
        }
        Ok(Self {
            journal,
            semantics,
            layout,
            bundle: BundleHash(bundle),
            next,
            last: LastInput { event, content, received_at },
            positions,
            started_ms: is_started.then_some(started_ms),
            stores,
        })
    }
}

const fn words_of(bytes: [u8; 16]) -> [u64; 2] {
    Token::from_bytes(bytes).to_words()
}

fn bytes_of(words: &mut Words<'_>) -> Result<[u8; 16], Misfit> {
    Ok(*Token::from_words([words.one()?, words.one()?]).as_bytes())
}

fn wide_words_of(bytes: [u8; 32]) -> impl Iterator<Item = u64> {
    bytes
        .into_iter()
        .enumerate()
        .fold([0; 4], |mut words, (at, byte)| {
            words[at / 8] |= u64::from(byte) << (at % 8 * 8);
            words
        })
        .into_iter()
}

fn wide_bytes_of(words: &mut Words<'_>) -> Result<[u8; 32], Misfit> {
    let mut bytes = [0; 32];
    for eight in bytes.as_chunks_mut::<8>().0 {
        *eight = words.one()?.to_le_bytes();
    }
    Ok(bytes)
}
