//! What is too little to be copied piece by piece: bundles that have answered, amendments that
//! wait. It is written whole at the barrier.

use std::ops::Range;

use crate::stages::features::{Epoch, Extent, Granular, Misfit, StoreId, Words};

/// Words of a granule.
const GRANULE: usize = 1 << 12;

/// Words on their way out, or in.
#[derive(Debug)]
pub(in crate::engine) struct Rest {
    pub(in crate::engine) words: Vec<u64>,
    epoch: Epoch,
}

impl Rest {
    pub(in crate::engine) const fn new(store: StoreId) -> Self {
        Self { words: Vec::new(), epoch: Epoch::new(store) }
    }

    fn extent(words: u64) -> Result<Extent, Misfit> {
        Extent::of(words, 1, GRANULE)
    }
}

impl Granular for Rest {
    fn epoch(&mut self) -> &mut Epoch {
        &mut self.epoch
    }

    fn begin(&mut self, meta: &mut Vec<u64>) {
        let words = self.words.len() as u64;
        meta.push(words);
        // Bounded by what the engine holds: far fewer granules than a number can count.
        if let Ok(extent) = Self::extent(words) {
            self.epoch.begin(extent, words);
            for granule in 0..extent.granules {
                self.keep(granule..granule + 1);
            }
        }
        self.words = Vec::new();
    }

    fn keep(&mut self, granules: Range<u32>) {
        let Self { words, epoch } = self;
        let start = granules.start as usize * GRANULE;
        let end = (granules.end as usize * GRANULE).min(words.len());
        epoch.frame(granules, |out| out.extend_from_slice(&words[start..end]));
    }

    fn prepare(&mut self, meta: &mut Words<'_>) -> Result<Extent, Misfit> {
        Self::extent(meta.one()?)
    }

    fn load(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let start = first as usize * GRANULE;
        if self.words.len() < start + words.len() {
            self.words.resize(start + words.len(), 0);
        }
        self.words[start..start + words.len()].copy_from_slice(words);
        Ok(())
    }
}

/// Text as words: its length, then its bytes.
pub(in crate::engine) fn write_text(text: &str, out: &mut Vec<u64>) {
    out.push(text.len() as u64);
    for chunk in text.as_bytes().chunks(8) {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        out.push(u64::from_le_bytes(eight));
    }
}

/// What [`write_text`] wrote.
pub(in crate::engine) fn read_text(words: &mut Words<'_>) -> Result<String, Misfit> {
    let length = words.at_most(1 << 20)? as usize;
    let bytes = words.take(length.div_ceil(8))?.iter().flat_map(|word| word.to_le_bytes());
    let bytes: Vec<u8> = bytes.take(length).collect();
    String::from_utf8(bytes).map_err(|_| Misfit("a text is no UTF-8"))
}
