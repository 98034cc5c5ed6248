//! Taking a snapshot: a barrier, then a few granules an input, until every one is out.

use crate::journal::{BundleHash, JournalId};
use crate::stages::features::{FRAME_WORDS_MAX, Granular, head_words};

use super::frame::HEAD;
use super::head::Head;
use super::rest::write_text;
use crate::engine::{ENGINE_SEMANTICS, Engine};

/// Frames are handed on when a store has this many words of them: 64 KiB.
const CHUNK_WORDS: usize = 1 << 13;

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Copying {
    /// Granules are left: call again after the next input.
    Going,
    /// Everything was handed out.
    Done,
}

impl Engine {
    /// Begins a snapshot of everything applied so far, and gives its first frames. `None` when
    /// nothing was applied yet: there is no input that could tie it to the journal.
    ///
    /// From here on [`copy_some`](Self::copy_some) is called after every input, and when there is
    /// time. The frames go to a [`Sealer`](super::Sealer), in any order but the first ones first.
    pub fn begin_snapshot(&mut self, journal: JournalId) -> Option<Vec<u64>> {
        let last = self.progress.last?;
        self.write_rest();
        let mut stores = Vec::new();
        for store in self.stores() {
            let mut meta = Vec::new();
            store.begin(&mut meta);
            stores.push((store.epoch().store(), meta));
        }
        let head = Head {
            journal,
            semantics: ENGINE_SEMANTICS,
            layout: self.layout,
            bundle: BundleHash(self.bundle.hash),
            next: self.next,
            last,
            positions: self.progress.positions.clone(),
            started_ms: self.state.started_ms(),
            stores,
        };
        let mut frame = vec![0; 2];
        head.write(&mut frame);
        let words = frame.len() - 2;
        if words > FRAME_WORDS_MAX {
            // More partitions than one instance can read: no snapshot rather than one unreadable.
            self.abandon_snapshot();
            return None;
        }
        [frame[0], frame[1]] = head_words(HEAD, words, 0);
        Some(frame)
    }

    /// Copies about so many words of what no input has changed, and hands on what is ready.
    /// `spare` gives an empty buffer for each that `give` takes.
    pub fn copy_some(
        &mut self,
        words: usize,
        spare: &mut dyn FnMut() -> Vec<u64>,
        give: &mut dyn FnMut(Vec<u64>),
    ) -> Copying {
        let (mut words, mut is_done) = (words, true);
        for store in self.stores() {
            while words > 0 && store.epoch().left() > 0 {
                let granule_words = store.epoch().granule_words().max(1);
                let most = words.min(FRAME_WORDS_MAX) / granule_words;
                let Some(run) = store.epoch().next_run(most as u32) else { break };
                words = words.saturating_sub(run.len() * granule_words);
                store.keep(run);
            }
            let epoch = store.epoch();
            is_done &= epoch.left() == 0;
            let at_least = if epoch.left() == 0 { 1 } else { CHUNK_WORDS };
            if let Some(frames) = epoch.take_frames(at_least, &mut *spare) {
                give(frames);
            }
        }
        if !is_done {
            return Copying::Going;
        }
        self.abandon_snapshot();
        Copying::Done
    }

    /// Stops copying: what was handed out is no snapshot, unless it was complete.
    pub fn abandon_snapshot(&mut self) {
        self.stores().for_each(|store| store.epoch().end());
    }

    pub(super) fn stores(&mut self) -> impl Iterator<Item = &mut dyn Granular> {
        let others: [&mut dyn Granular; 4] =
            [&mut self.recent, &mut self.amended, &mut self.rest, &mut self.lists];
        self.state.stores().chain(others)
    }

    /// What is copied whole, at the barrier.
    fn write_rest(&mut self) {
        let out = &mut self.rest.words;
        out.clear();
        out.push(self.names.len() as u64);
        for made in &self.names {
            write_text(&made.name, out);
            out.push(made.reasons.len() as u64);
            for (code, text) in &made.reasons {
                write_text(code, out);
                write_text(text, out);
            }
        }
        self.parked.write(out);
        self.governance.write(out);
        let mut words = std::mem::take(&mut self.rest.words);
        self.write_carried(&mut words);
        self.names.iter().for_each(|made| made.bands.write(&mut words));
        self.rest.words = words;
    }
}
