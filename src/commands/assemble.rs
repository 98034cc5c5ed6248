//! From checked parts to a pipeline that stands where its journal ends.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bundle::Bundle;
use crate::domain::{BundleDigest, EventTime};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::edges::past::{Fingerprints, Memory};
use crate::edges::snapshots::{self, Keeper};
use crate::edges::tables::{TableFault, TableStore};
use crate::engine::{
    ENGINE_SEMANTICS, Engine, EngineLimits, Pace, Parts, Pipeline, Recovered, recover,
};
use crate::journal::{Durability, FreshRandom, JournalError, KeyUse, Opening, Writer};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::features::PlanFault;
use crate::stages::mask::Profile;

/// What a pipeline is assembled from.
pub(super) struct Assembly<'a> {
    pub(super) bundle: Arc<Bundle>,
    pub(super) bundle_files: &'a BTreeMap<String, Vec<u8>>,
    pub(super) keys: &'a Keys,
    /// Directory, size of a segment, durability; `None` keeps nothing.
    pub(super) journal: Option<(PathBuf, u64, Durability)>,
    pub(super) door: Door,
    pub(super) times: TimeLimits,
    pub(super) limits: EngineLimits,
    pub(super) profile: Profile,
    pub(super) pace: Pace,
}

/// Why a pipeline cannot be assembled.
#[derive(Debug, thiserror::Error)]
pub(super) enum AssembleError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The bundle's features need more than a page of memory a key.
    #[error("the bundle's features cannot be laid out: {}", list(.0))]
    Plan(Vec<PlanFault>),
    /// The bundle that was activated cannot be had.
    #[error("the bundle {bundle} was put in force by an activation and cannot be used: {why}")]
    InForce {
        /// Its hash.
        bundle: String,
        /// Why.
        why: String,
    },
    /// The table of rates is not one for the bundle in force.
    #[error(transparent)]
    Rates(#[from] Box<TableFault>),
}

/// Refuses a table of rates into another currency than the bundle in force counts in, which may be
/// another one than the configuration names.
pub(super) fn settle_rates(
    tables: &TableStore,
    pipeline: &Pipeline<Machine>,
) -> Result<(), AssembleError> {
    Ok(tables.settle(pipeline.engine().bundle().base_currency)?)
}

/// A pipeline and how it came to stand where it stands.
pub(super) struct Assembled {
    pub(super) pipeline: Pipeline<Machine>,
    pub(super) recovered: Recovered,
    /// The files of the bundle in force.
    pub(super) files: Files,
}

type Files = BTreeMap<String, Vec<u8>>;

fn list(faults: &[PlanFault]) -> String {
    let texts: Vec<_> =
        faults.iter().map(|fault| format!("{}: {}", fault.feature, fault.message)).collect();
    texts.join("; ")
}

/// The client's namespace of event ids, until there is more than one client.
pub(super) const NAMESPACE: &str = "";

/// Opens the journal, counts again what it holds, and puts the stages in their places.
pub(super) fn assemble(
    assembly: Assembly<'_>,
) -> Result<(Pipeline<Machine>, Recovered), AssembleError> {
    assemble_all(assembly).map(|all| (all.pipeline, all.recovered))
}

/// The same, with the files of the bundle in force.
pub(super) fn assemble_all(assembly: Assembly<'_>) -> Result<Assembled, AssembleError> {
    let (mut bundle, mut files) = (Arc::clone(&assembly.bundle), assembly.bundle_files.clone());
    let new = |bundle: &Arc<Bundle>| {
        Engine::new(Arc::clone(bundle), &assembly.limits).map_err(AssembleError::Plan)
    };
    let mut engine = new(&bundle)?;
    let mut recovered = Recovered::default();
    let (mut journal, mut durability, mut fingerprints) = (None, Durability::default(), None);
    if let Some((dir, segment_bytes, wanted)) = assembly.journal {
        assembly.keys.check_journal(&dir, NAMESPACE, KeyUse::Append)?;
        // The writer first: it takes the lock and cuts a torn tail, then the records are read.
        let opening = Opening {
            key: assembly.keys.seal_key(),
            token_key: assembly.keys.token_key(),
            software: concat!("tidegate ", env!("CARGO_PKG_VERSION")).to_owned(),
            engine_semantics: ENGINE_SEMANTICS,
            opened_at: now(),
            segment_bytes,
            fresh: FreshRandom::draw()?,
        };
        let writer = Writer::open(&dir, opening)?;
        fingerprints = Some(Fingerprints::open(&dir)?);
        let cut = writer.cut().cloned();
        journal = Some(writer);
        durability = wanted;
        recovered = recover(&mut engine, &dir)?;
        // What people have put in force stays, whatever the configuration names.
        if let Some(digest) = engine.in_force().filter(|digest| *digest != bundle.hash) {
            let kept = recovered.in_force.take();
            (bundle, files) = activated(kept.unwrap_or_default(), &digest)?;
            if engine.bundle().hash != digest {
                // It has other windows than the configured one: all over again, under it.
                engine = new(&bundle)?;
                recovered = recover(&mut engine, &dir)?;
            }
        }
        recovered.cut = cut;
    }
    let surroundings = match assembly.pace {
        Pace::Live | Pace::Measured => Machine::new(),
        Pace::Unhurried => Machine::untimed(),
    };
    let surroundings = match fingerprints {
        Some(fingerprints) => surroundings.with_past(Memory::new(fingerprints)),
        None => surroundings,
    };
    let parts = Parts {
        engine,
        journal,
        received_after: recovered.last_received_at.unwrap_or(EventTime::MIN),
        door: assembly.door,
        times: assembly.times,
        namespace: NAMESPACE.to_owned(),
        profile: assembly.profile,
        durability,
        pace: assembly.pace,
        surroundings,
    };
    let mut pipeline = Pipeline::new(parts, &files)?;
    pipeline.note_upgrade(recovered.upgrade(), &assembly.keys.token_keys())?;
    Ok(Assembled { pipeline, recovered, files })
}

/// The bundle that was activated, of the files that the journal has of it.
fn activated(files: Files, digest: &BundleDigest) -> Result<(Arc<Bundle>, Files), AssembleError> {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let fault = |why: String| AssembleError::InForce { bundle: format!("sha256:{hex}"), why };
    let compiled = Bundle::compile_kept(&files);
    let bundle = compiled.map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        fault(format!("it has {} faults, the first: {first}", faults.len()))
    })?;
    if bundle.hash != *digest {
        return Err(fault("the journal has other files under its name".to_owned()));
    }
    Ok((Arc::new(bundle), files))
}

/// Takes snapshots beside a journal that recovery has read.
pub(super) fn keep_snapshots(
    dir: &Path,
    settings: snapshots::Settings,
    pipeline: &Pipeline<Machine>,
    recovered: &Recovered,
) -> io::Result<Option<Keeper>> {
    let Some(journal) = recovered.journal else { return Ok(None) };
    let keeper = Keeper::start(dir, journal, settings, pipeline.engine(), recovered.restored)?;
    keeper.discard(&recovered.passed_over);
    Ok(Some(keeper))
}

/// Now, by the machine's clock.
pub(super) fn now() -> EventTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis() as i64);
    // A machine whose clock stands before 2000 is treated as standing there.
    EventTime::from_ms(ms).unwrap_or(EventTime::MIN)
}
