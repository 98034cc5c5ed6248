//! Back to where it was: every input that the journal holds is counted again, with its answer.

use std::collections::BTreeMap;
use std::path::Path;

use crate::bundle::Bundle;
use crate::domain::{EventTime, Seq, Source};
use crate::journal::{BundleRef, Item, JournalError, ReadEntry, Reader, StoredBundle};

use super::Engine;
use super::recent::BundleNumber;

/// What a journal held.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// How many inputs were counted again.
    pub inputs: u64,
    /// The number of the last one.
    pub last_seq: Option<Seq>,
    /// When the last one arrived: arrivals never go back, also across a restart.
    pub last_received_at: Option<EventTime>,
    /// Per topic and partition, the newest position that an input came from.
    pub positions: BTreeMap<(u16, i32), i64>,
}

impl Recovered {
    /// Where each partition goes on.
    pub fn next_offsets(&self) -> impl Iterator<Item = Source> {
        self.positions.iter().map(|((topic, partition), offset)| Source {
            topic: *topic,
            partition: *partition,
            offset: offset + 1,
        })
    }
}

/// Rebuilds the state of an engine from a journal; a journal that does not exist holds nothing.
pub fn recover(engine: &mut Engine, dir: &Path) -> Result<Recovered, JournalError> {
    let mut recovered = Recovered::default();
    let Some(mut reader) = Reader::open(dir)? else { return Ok(recovered) };
    let mut bundles: BTreeMap<BundleRef, BundleNumber> = BTreeMap::new();
    while let Some(item) = reader.read()? {
        match item {
            Item::Start(_) => {}
            Item::Bundle(stored) => {
                bundles.insert(stored.bundle, introduce(engine, &stored));
            }
            Item::Entry(entry) => {
                let made_by = bundles.get(&entry.bundle).copied().unwrap_or_default();
                engine.restore(&entry.input, entry.seq, entry.body(), made_by);
                recovered.inputs += 1;
                recovered.last_seq = Some(entry.seq);
                recovered.last_received_at = Some(entry.input.received_at);
                if let Some(Source { topic, partition, offset }) = entry.input.source {
                    let newest = recovered.positions.entry((topic, partition)).or_insert(offset);
                    *newest = offset.max(*newest);
                }
            }
        }
    }
    Ok(recovered)
}

/// Makes the engine know a bundle of the past, for the answers that it gave.
fn introduce(engine: &mut Engine, stored: &StoredBundle) -> BundleNumber {
    let files: BTreeMap<String, Vec<u8>> =
        stored.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect();
    let compiled = Bundle::compile(&files).ok();
    let sentence = |code: &str| {
        let reasons = compiled.iter().flat_map(|bundle| &bundle.reasons);
        reasons.clone().find(|(known, _)| known == code).map_or("", |(_, text)| text).to_owned()
    };
    let mut reasons = Vec::new();
    for (id, code) in &stored.reasons {
        let place = usize::from(id.0);
        if reasons.len() <= place {
            reasons.resize(place + 1, (String::from("unknown"), String::new()));
        }
        reasons[place] = (code.clone(), sentence(code));
    }
    let hex: String = stored.hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
    engine.introduce(&format!("sha256:{hex}"), reasons)
}

/// Counts one input of a journal again, with the answer that it got then, and asks no rule: for the
/// state before a moment of the past. Inputs come in their order, each once.
pub fn count_again(engine: &mut Engine, entry: &ReadEntry) {
    engine.restore(&entry.input, entry.seq, entry.body(), BundleNumber::default());
}
