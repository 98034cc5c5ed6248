//! From a file back to an engine that stands where the snapshot was taken.

use std::collections::BTreeMap;
use std::io::Read;

use crate::domain::Seq;
use crate::stages::features::{
    BitsAre, Extent, FeatureState, Footprint, Granular, Misfit, PanesAre, StoreId, Words,
};

use super::frame::{FrameReader, HEAD};
use super::head::Head;
use super::rest::{Rest, read_text};
use super::{
    SnapshotFault, VERSION_OF_FINE_PANES, VERSION_OF_PLANES, VERSION_OF_PRESENCE,
    VERSION_OF_STANDINGS,
};
use crate::engine::governance::Governance;
use crate::engine::lists::ListStore;
use crate::engine::made::{BandNames, Made};
use crate::engine::parked::Parked;
use crate::engine::recent::Recent;
use crate::engine::state_machine::{AMENDED, LISTS, Progress, RECENT, REST, layout_as};
use crate::engine::{ENGINE_SEMANTICS, Engine, OLDEST_SEMANTICS};

/// A snapshot whose head was read.
pub(in crate::engine) struct Snapshot<R> {
    pub(in crate::engine) head: Head,
    frames: FrameReader<R>,
    /// Words of the whole file: more cannot be loaded from it.
    file_words: u64,
}

/// Looks at every byte of a snapshot: its head, when it is whole.
pub fn verify(input: impl Read, file_bytes: u64) -> Result<Head, SnapshotFault> {
    let mut snapshot = Snapshot::open(input, file_bytes)?;
    let mut seen = BTreeMap::new();
    while let Some(frame) = snapshot.frames.next()? {
        let store: &mut Vec<u32> = seen.entry(frame.store).or_default();
        store.push(frame.first);
    }
    for (store, mut firsts) in seen {
        let is_known = snapshot.head.stores.iter().any(|(known, _)| *known == store);
        firsts.sort_unstable();
        if !is_known || firsts.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Misfit("a frame is of no store, or comes twice").into());
        }
    }
    Ok(snapshot.head)
}

impl Engine {
    /// Puts the engine where a snapshot was taken, if it is of these semantics, windows and limits;
    /// whose journal it belongs to is for the caller to see. On a fault the engine is as before.
    pub fn load_snapshot(
        &mut self,
        input: impl Read,
        file_bytes: u64,
    ) -> Result<Head, SnapshotFault> {
        let snapshot = Snapshot::open(input, file_bytes)?;
        snapshot.check(self)?;
        let head = snapshot.head.clone();
        snapshot.load(self).map(|()| head)
    }
}

impl<R: Read> Snapshot<R> {
    /// Reads a snapshot's head.
    pub(in crate::engine) fn open(input: R, file_bytes: u64) -> Result<Self, SnapshotFault> {
        let mut frames = FrameReader::open(input)?;
        let head = match frames.next()? {
            Some(frame) if frame.store == HEAD => Head::read(frame.words)?,
            _ => return Err(Misfit("the first frame is not the head").into()),
        };
        Ok(Self { head, frames, file_words: file_bytes / 8 })
    }

    /// Whether the engine can go on from it.
    pub(in crate::engine) fn check(&self, engine: &Engine) -> Result<(), SnapshotFault> {
        let (theirs, ours) = (self.head.semantics, ENGINE_SEMANTICS);
        if !(OLDEST_SEMANTICS..=ours).contains(&theirs) {
            return Err(SnapshotFault::OtherSemantics { theirs, ours });
        }
        let ours = match (self.panes(), self.bits()) {
            (PanesAre::Fine, _) => engine.layout,
            former => layout_as(&engine.plan, &engine.limits, former),
        };
        if self.head.layout != ours {
            return Err(SnapshotFault::OtherLayout);
        }
        Ok(())
    }

    const fn bits(&self) -> BitsAre {
        if self.frames.version() < VERSION_OF_PRESENCE {
            BitsAre::Asked
        } else {
            BitsAre::WithPresence
        }
    }

    const fn panes(&self) -> PanesAre {
        if self.frames.version() < VERSION_OF_FINE_PANES {
            PanesAre::Coarse
        } else {
            PanesAre::Fine
        }
    }

    /// Puts the engine where the snapshot was taken. On a fault the engine is as before.
    pub(in crate::engine) fn load(self, engine: &mut Engine) -> Result<(), SnapshotFault> {
        let panes = self.panes();
        let Self { head, mut frames, file_words } = self;
        if head.next == Seq(0) {
            return Err(Misfit("inputs are numbered from 1").into());
        }
        let words = Footprint::words(engine.plan.numbers());
        let limits = &engine.limits;
        let mut state = FeatureState::new(&limits.state);
        let mut recent = Recent::new(limits.recent_events, words, RECENT);
        let mut amended = Recent::new(limits.recent_events / 4, words, AMENDED);
        let mut rest = Rest::new(REST);
        let mut lists = ListStore::new(LISTS);
        {
            let others: [&mut dyn Granular; 4] = [&mut recent, &mut amended, &mut rest, &mut lists];
            let stores = state.stores().chain(others).collect();
            let mut filling = Filling::prepare(stores, &head, file_words)?;
            while let Some(frame) = frames.next()? {
                filling.take(frame.store, frame.first, frame.words)?;
            }
            filling.check_full()?;
        }
        let mut words = Words(&rest.words);
        let mut names = read_names(&mut words)?;
        let mut parked = Parked::new(limits.parked_amendments as usize, limits.patience_ms);
        parked.read(&mut words, frames.version() >= VERSION_OF_STANDINGS)?;
        // The first format ended here: nobody could change anything.
        let governance = match words.0 {
            [] => Governance::default(),
            _ => Governance::read(&mut words, frames.version() >= VERSION_OF_STANDINGS)?,
        };
        let remembered = (&head.last, recent.len());
        let renewal = engine.read_carried(&mut state, remembered, &mut words, panes)?;
        read_bands(&mut names, &mut words)?;
        if !words.0.is_empty() {
            return Err(Misfit("words follow the names of bands").into());
        }
        state.finish_load(&engine.plan, head.started_ms, panes)?;
        if frames.version() < VERSION_OF_PLANES {
            state.turn_flags(&engine.plan);
        }
        if panes == PanesAre::Coarse {
            state.renew_panes(&engine.plan);
        }
        recent.finish_load(names.len())?;
        amended.finish_load(names.len())?;
        lists.finish_load()?;
        let progress = Progress { last: Some(head.last), positions: head.positions };
        engine.lists.lists.replace(&lists.lists);
        engine.take_over(
            state,
            (recent, amended, parked, governance),
            names,
            (head.next, progress, renewal),
        );
        Ok(())
    }
}

/// Stores that are being filled.
struct Filling<'a> {
    stores: Vec<Fill<'a>>,
}

/// One of them, and which granules have come.
struct Fill<'a> {
    id: StoreId,
    store: &'a mut dyn Granular,
    extent: Extent,
    /// One bit a granule.
    come: Vec<u64>,
}

impl<'a> Filling<'a> {
    fn prepare(
        stores: Vec<&'a mut dyn Granular>,
        head: &Head,
        file_words: u64,
    ) -> Result<Self, Misfit> {
        // The first format had no lists, which come last.
        let is_first = head.stores.last().is_none_or(|(id, _)| *id < LISTS);
        if stores.len() != head.stores.len() + usize::from(is_first) {
            return Err(Misfit("stores are missing, or are unknown"));
        }
        let (mut filling, mut total) = (Vec::new(), 0_u64);
        for (store, (id, meta)) in stores.into_iter().zip(&head.stores) {
            if store.epoch().store() != *id {
                return Err(Misfit("stores are missing, or are unknown"));
            }
            let mut meta = Words(meta);
            let extent = store.prepare(&mut meta)?;
            total = total.saturating_add(extent.words);
            if !meta.0.is_empty() || total > file_words {
                return Err(Misfit("a store is larger than what the file holds of it"));
            }
            let come = vec![0; extent.granules.div_ceil(64) as usize];
            filling.push(Fill { id: *id, store, extent, come });
        }
        Ok(Self { stores: filling })
    }

    fn take(&mut self, store: StoreId, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let found = self.stores.iter_mut().find(|fill| fill.id == store);
        found.ok_or(Misfit("a frame is of no store"))?.take(first, words)
    }

    fn check_full(&self) -> Result<(), Misfit> {
        let is_full = self.stores.iter().all(|fill| {
            let come = fill.come.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            come == u64::from(fill.extent.granules)
        });
        if is_full { Ok(()) } else { Err(Misfit("granules are missing")) }
    }
}

impl Fill<'_> {
    fn take(&mut self, first: u32, words: &[u64]) -> Result<(), Misfit> {
        let Self { store, extent, come, .. } = self;
        let size = extent.granule_words.max(1);
        let end = u64::from(first) + words.len().div_ceil(size) as u64;
        // Only a store's last granule may be shorter than the others.
        let is_whole = words.len().is_multiple_of(size)
            || end == u64::from(extent.granules)
                && u64::from(first) * size as u64 + words.len() as u64 == extent.words;
        if end > u64::from(extent.granules) || !is_whole {
            return Err(Misfit("a frame does not fit its store"));
        }
        for granule in first..end as u32 {
            let (word, bit) = (&mut come[granule as usize / 64], 1 << (granule % 64));
            if *word & bit != 0 {
                return Err(Misfit("a granule comes twice"));
            }
            *word |= bit;
        }
        store.load(first, words)
    }
}

fn read_names(words: &mut Words<'_>) -> Result<Vec<Made>, Misfit> {
    let mut names = Vec::new();
    for _ in 0..words.at_most(u64::from(u16::MAX))? {
        let name = read_text(words)?;
        let mut reasons = Vec::new();
        for _ in 0..words.at_most(u64::from(u16::MAX) + 1)? {
            reasons.push((read_text(words)?, read_text(words)?));
        }
        names.push(Made { name, reasons, bands: BandNames::numbers() });
    }
    if names.is_empty() { Err(Misfit("no bundle has answered")) } else { Ok(names) }
}

/// What bands are called; formats in which no bundle could name them end before.
fn read_bands(names: &mut [Made], words: &mut Words<'_>) -> Result<(), Misfit> {
    if words.0.is_empty() {
        return Ok(());
    }
    for made in names {
        made.bands = BandNames::read(words)?;
    }
    Ok(())
}
