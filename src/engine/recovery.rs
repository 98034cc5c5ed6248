//! Back to where it was: the newest good snapshot, then every input that the journal holds after
//! it is counted again, with its answer.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::bundle::Bundle;
use crate::domain::{BundleDigest, Control, EventTime, Seq, Source, Upgrade};
use crate::journal::{
    BundleRef, Cut, Directory, Item, JournalError, JournalId, ReadEntry, Reader, StoredBundle,
};

use super::made::{BandNames, Made};
use super::recent::BundleNumber;
use super::snapshot::{Head, Kept, Shelf, Snapshot, SnapshotFault};
use super::{ENGINE_SEMANTICS, Engine};

/// What a journal held.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Recovered {
    /// The journal's name; `None` when there is none.
    pub journal: Option<JournalId>,
    /// The first input that the snapshot had not seen; `None` when all were counted again.
    pub restored: Option<Seq>,
    /// Snapshots that could not be used, newest first.
    pub passed_over: Vec<PassedOver>,
    /// How many inputs were counted again.
    pub inputs: u64,
    /// The number of the last one.
    pub last_seq: Option<Seq>,
    /// The semantics of the engine that applied the last one.
    pub semantics: Option<u32>,
    /// The snapshot of an older semantics that the state was taken from, as in [`Upgrade`].
    pub converted: Option<Seq>,
    /// When the last one arrived: arrivals never go back, also across a restart.
    pub last_received_at: Option<EventTime>,
    /// Per topic and partition, the newest position that an input came from.
    pub positions: BTreeMap<(u16, i32), i64>,
    /// What opening the journal cut off its end.
    pub cut: Option<Cut>,
    /// The files of the bundle that was activated last, as the journal has them.
    pub in_force: Option<BTreeMap<String, Vec<u8>>>,
}

/// A snapshot that could not be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PassedOver {
    /// Its file.
    pub path: PathBuf,
    /// Why.
    pub fault: SnapshotFault,
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

    /// The input that says so, where another version of the engine counted the journal so far.
    pub fn upgrade(&self) -> Option<Upgrade> {
        let from = self.semantics.filter(|from| *from != ENGINE_SEMANTICS)?;
        Some(Upgrade { from, to: ENGINE_SEMANTICS, snapshot: self.converted })
    }

    fn note(&mut self, engine: &Engine) {
        self.last_seq = engine.next_seq().0.checked_sub(1).filter(|seq| *seq > 0).map(Seq);
        self.last_received_at = engine.last_received_at();
        let position = |at: &Source| ((at.topic, at.partition), at.offset);
        self.positions = engine.positions().iter().map(position).collect();
    }
}

/// Rebuilds the state of an engine that has seen nothing: from the newest snapshot beside the
/// journal that is whole and fits, and the inputs after it; else from all inputs. A journal that
/// does not exist holds nothing.
pub fn recover(engine: &mut Engine, dir: impl Into<Directory>) -> Result<Recovered, JournalError> {
    let dir = &dir.into();
    let mut recovered = Recovered::default();
    let tail = restore(engine, dir, (Seq(u64::MAX), Windows::AsTheyWere), &mut recovered)?;
    if let Some(tail) = tail {
        count(engine, tail, &mut recovered)?;
        return Ok(recovered);
    }
    loop {
        let Some(reader) = Reader::open(dir)? else { return Ok(recovered) };
        recovered.inputs = 0;
        match count(engine, Tail { reader, bundles: Vec::new(), semantics: None }, &mut recovered)?
        {
            None => return Ok(recovered),
            // Its windows were carried over into those of the next one: all over again, under it.
            Some(first) => *engine = *first,
        }
    }
}

/// Counts the inputs of a tail again. The engine that should have begun, if it was another one.
fn count(
    engine: &mut Engine,
    tail: Tail,
    recovered: &mut Recovered,
) -> Result<Option<Box<Engine>>, JournalError> {
    let Tail { mut reader, bundles: before, .. } = tail;
    recovered.journal = Some(reader.journal());
    recovered.semantics = tail.semantics;
    let mut bundles: BTreeMap<BundleRef, BundleNumber> = BTreeMap::new();
    let mut trail = Trail::from(engine);
    for stored in before {
        bundles.insert(stored.bundle, introduce(engine, &stored));
        trail.note(stored);
    }
    trail.follow(engine);
    while let Some(item) = reader.read()? {
        match item {
            Item::Start(_) => {}
            Item::Bundle(stored) => {
                bundles.insert(stored.bundle, introduce(engine, &stored));
                trail.note(stored);
            }
            Item::Entry(entry) => {
                if let Some(first) = trail.should_have_begun(engine, entry) {
                    return Ok(Some(Box::new(first)));
                }
                let made_by = bundles.get(&entry.bundle).copied().unwrap_or_default();
                engine.restore(&entry.input, entry.seq, entry.body(), made_by);
                if let Some(Control::Activate(_)) = entry.input.control.as_deref() {
                    trail.follow(engine);
                }
                recovered.semantics = Some(entry.engine_semantics);
                recovered.inputs += 1;
            }
        }
    }
    recovered.note(engine);
    let in_force = engine.in_force().and_then(|digest| trail.bundles.get(&digest));
    recovered.in_force = in_force.map(files_of);
    Ok(None)
}

/// Under which windows the state of the past is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Windows {
    /// Those that there were: activations are followed, windows carried over as they were then.
    AsTheyWere,
    /// Those of the engine's own bundle, whatever was in force.
    OfBundle,
}

/// The bundles that a journal has told of, by their hash: an activation puts one in force.
#[derive(Debug)]
pub struct Trail {
    bundles: BTreeMap<BundleDigest, StoredBundle>,
    /// Whether the state holds inputs that no activation came before.
    is_at_beginning: bool,
}

impl Trail {
    /// The trail of an engine that goes on from where it stands.
    pub fn from(engine: &Engine) -> Self {
        Self { bundles: BTreeMap::new(), is_at_beginning: engine.next_seq() == Seq(1) }
    }

    /// The journal tells of a bundle.
    pub fn note(&mut self, stored: StoredBundle) {
        self.bundles.insert(stored.hash.0, stored);
    }

    /// Decides under the bundle that was activated last; its windows are carried over. Where this
    /// version cannot compile it, the caller sees another bundle in force than the engine's.
    pub fn follow(&self, engine: &mut Engine) {
        let wanted = engine.in_force().filter(|digest| *digest != engine.bundle().hash);
        if let Some(bundle) = wanted.and_then(|digest| self.compiled(&digest)) {
            engine.follow(&bundle);
        }
    }

    /// At the first activation of a journal: an engine under the bundle that was in force before it,
    /// where the one at hand has counted other windows until now. All is to be counted again, then.
    pub fn should_have_begun(&mut self, engine: &Engine, entry: &ReadEntry) -> Option<Engine> {
        let Some(Control::Activate(activation)) = entry.input.control.as_deref() else {
            return None;
        };
        let is_first = std::mem::replace(&mut self.is_at_beginning, false);
        if !is_first || activation.before == engine.bundle().hash {
            return None;
        }
        let first = Engine::new(self.compiled(&activation.before)?, &engine.limits).ok()?;
        (first.layout != engine.layout).then_some(first)
    }

    fn compiled(&self, digest: &BundleDigest) -> Option<Arc<Bundle>> {
        let bundle = Bundle::compile_kept(&files_of(self.bundles.get(digest)?)).ok()?;
        (bundle.hash == *digest).then(|| Arc::new(bundle))
    }
}

fn files_of(stored: &StoredBundle) -> BTreeMap<String, Vec<u8>> {
    stored.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect()
}

/// Puts an engine that has seen nothing where the newest snapshot at or before an input was taken:
/// it has seen only inputs below `at`, and [`Engine::next_seq`] says from where on to replay. What
/// is passed over is named; without a snapshot the engine stays as it is.
pub fn restore_at(
    engine: &mut Engine,
    dir: impl Into<Directory>,
    (at, windows): (Seq, Windows),
) -> Result<Recovered, JournalError> {
    let dir = &dir.into();
    let mut recovered = Recovered::default();
    let tail = restore(engine, dir, (at, windows), &mut recovered)?;
    if let Some(Tail { reader, bundles, .. }) = tail {
        recovered.journal = Some(reader.journal());
        bundles.iter().for_each(|stored| {
            introduce(engine, stored);
        });
        recovered.note(engine);
    }
    Ok(recovered)
}

/// A journal that stands behind the last input of a snapshot, and the bundles that were met on the
/// way there.
struct Tail {
    reader: Reader,
    bundles: Vec<StoredBundle>,
    /// The semantics of the engine that applied the input before it.
    semantics: Option<u32>,
}

/// Tries snapshots, newest first.
fn restore(
    engine: &mut Engine,
    dir: &Directory,
    (at_most, windows): (Seq, Windows),
    recovered: &mut Recovered,
) -> Result<Option<Tail>, JournalError> {
    let shelf = Shelf::of(dir);
    let kept = shelf.kept();
    for kept in kept.into_iter().rev().filter(|kept| kept.next <= at_most) {
        match try_restore(engine, &shelf, &kept, windows)? {
            Ok((tail, semantics)) => {
                recovered.restored = Some(kept.next);
                recovered.converted = Some(kept.next).filter(|_| semantics != ENGINE_SEMANTICS);
                return Ok(Some(tail));
            }
            Err(fault) => recovered.passed_over.push(PassedOver { path: kept.path, fault }),
        }
    }
    Ok(None)
}

/// The journal's faults end the recovery, a snapshot's only this attempt.
fn try_restore(
    engine: &mut Engine,
    shelf: &Shelf,
    kept: &Kept,
    windows: Windows,
) -> Result<Result<(Tail, u32), SnapshotFault>, JournalError> {
    let (snapshot, is_other) = match shelf.open(kept).and_then(|snapshot| {
        let checked = snapshot.check(engine);
        let can_be_other = windows == Windows::AsTheyWere
            && checked == Err(SnapshotFault::OtherLayout)
            && snapshot.head.bundle.0 != engine.bundle().hash;
        if !can_be_other {
            checked?;
        }
        Ok((snapshot, can_be_other))
    }) {
        Ok(snapshot) => snapshot,
        Err(fault) => return Ok(Err(fault)),
    };
    let tail = match find_last(shelf.dir(), &snapshot.head)? {
        Ok(tail) => tail,
        Err(fault) => return Ok(Err(fault)),
    };
    let semantics = snapshot.head.semantics;
    if is_other {
        return Ok(take_over_other(engine, snapshot, &tail).map(|()| (tail, semantics)));
    }
    Ok(snapshot.load(engine).map(|()| (tail, semantics)))
}

/// Goes on from a snapshot under the bundle that was in force when it was taken, by an activation:
/// that one wins over the engine's own.
fn take_over_other(
    engine: &mut Engine,
    snapshot: Snapshot<impl Read>,
    tail: &Tail,
) -> Result<(), SnapshotFault> {
    let digest = snapshot.head.bundle.0;
    let mut trail = Trail::from(engine);
    tail.bundles.iter().for_each(|stored| trail.note(stored.clone()));
    let bundle = trail.compiled(&digest).ok_or(SnapshotFault::OtherLayout)?;
    let other = Engine::new(bundle, &engine.limits).map_err(|_| SnapshotFault::OtherLayout);
    let mut other = other?;
    snapshot.check(&other)?;
    snapshot.load(&mut other)?;
    if other.in_force() != Some(digest) {
        return Err(SnapshotFault::OtherLayout);
    }
    *engine = other;
    Ok(())
}

/// Goes behind the last input that a snapshot has seen. It must be there and be the same: a journal
/// that lost its end in a crash, and has gone on since, is another past.
fn find_last(dir: &Directory, head: &Head) -> Result<Result<Tail, SnapshotFault>, JournalError> {
    let last = Seq(head.next.0.saturating_sub(1));
    let Some(mut reader) = Reader::open_from(dir, last)? else {
        return Ok(Err(SnapshotFault::NotInJournal));
    };
    if reader.journal() != head.journal {
        return Ok(Err(SnapshotFault::OtherJournal));
    }
    let (mut bundles, mut semantics) = (Vec::new(), None);
    if let Some(active) = reader.bundle_at_segment_start() {
        bundles.push(reader.read_active_bundle(active)?);
    }
    let is_it = loop {
        match reader.read()? {
            Some(Item::Bundle(stored)) => bundles.push(stored),
            Some(Item::Start(_)) => {}
            Some(Item::Entry(entry)) => {
                let input = &entry.input;
                let (event, content) = (input.event, input.content);
                semantics = Some(entry.engine_semantics);
                break entry.seq == last
                    && (event, content) == (head.last.event, head.last.content)
                    && input.received_at == head.last.received_at;
            }
            None => break false,
        }
    };
    Ok(if is_it {
        Ok(Tail { reader, bundles, semantics })
    } else {
        Err(SnapshotFault::NotInJournal)
    })
}

/// Makes the engine know a bundle of the past, for the answers that it gave.
fn introduce(engine: &mut Engine, stored: &StoredBundle) -> BundleNumber {
    let hex: String = stored.hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("sha256:{hex}");
    if let Some(known) = engine.knows(&name) {
        return known;
    }
    let compiled = Bundle::compile_kept(&files_of(stored)).ok();
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
    let bands = compiled.as_ref().map_or_else(BandNames::numbers, |one| BandNames::of(&one.policy));
    engine.introduce(Made { name, reasons, bands })
}

/// Counts one input of a journal again, with the answer that it got then, and asks no rule: for the
/// state before a moment of the past. Inputs come in their order, each once.
pub fn count_again(engine: &mut Engine, entry: &ReadEntry) {
    engine.restore(&entry.input, entry.seq, entry.body(), BundleNumber::default());
}
