//! Back to where it was: the newest good snapshot, then every input that the journal holds after
//! it is counted again, with its answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::bundle::Bundle;
use crate::domain::{BundleDigest, Control, EventTime, Seq, Source};
use crate::journal::{
    BundleRef, Directory, Item, JournalError, JournalId, ReadEntry, Reader, StoredBundle,
};

use super::Engine;
use super::recent::BundleNumber;
use super::snapshot::{Head, Kept, Shelf, SnapshotFault};

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
    /// When the last one arrived: arrivals never go back, also across a restart.
    pub last_received_at: Option<EventTime>,
    /// Per topic and partition, the newest position that an input came from.
    pub positions: BTreeMap<(u16, i32), i64>,
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
    let tail = restore(engine, dir, Seq(u64::MAX), &mut recovered)?;
    let tail = match tail {
        Some(tail) => Some(tail),
        None => Reader::open(dir)?.map(|reader| Tail { reader, bundles: Vec::new() }),
    };
    let Some(Tail { mut reader, bundles: before }) = tail else { return Ok(recovered) };
    recovered.journal = Some(reader.journal());
    let mut bundles: BTreeMap<BundleRef, BundleNumber> = BTreeMap::new();
    let mut known = Known::default();
    for stored in before {
        bundles.insert(stored.bundle, introduce(engine, &stored));
        known.note(stored);
    }
    known.follow(engine);
    while let Some(item) = reader.read()? {
        match item {
            Item::Start(_) => {}
            Item::Bundle(stored) => {
                bundles.insert(stored.bundle, introduce(engine, &stored));
                known.note(stored);
            }
            Item::Entry(entry) => {
                let made_by = bundles.get(&entry.bundle).copied().unwrap_or_default();
                engine.restore(&entry.input, entry.seq, entry.body(), made_by);
                if let Some(Control::Activate(_)) = entry.input.control.as_deref() {
                    known.follow(engine);
                }
                recovered.inputs += 1;
            }
        }
    }
    recovered.note(engine);
    let in_force = engine.in_force().and_then(|digest| known.0.get(&digest));
    recovered.in_force = in_force.map(files_of);
    Ok(recovered)
}

/// The bundles that the journal has told of, by their hash: an activation puts one in force.
#[derive(Default)]
struct Known(BTreeMap<BundleDigest, StoredBundle>);

impl Known {
    fn note(&mut self, stored: StoredBundle) {
        self.0.insert(stored.hash.0, stored);
    }

    /// Decides under the bundle that was activated last, if its windows are the ones that there are:
    /// where they are not, the caller sees another bundle in force than the engine's.
    fn follow(&self, engine: &mut Engine) {
        let wanted = engine.in_force().filter(|digest| *digest != engine.bundle().hash);
        let Some(stored) = wanted.and_then(|digest| self.0.get(&digest)) else { return };
        let Ok(bundle) = Bundle::compile(&files_of(stored)) else { return };
        let standing = engine.standing();
        if let Ok(prepared) = standing.prepare(Arc::new(bundle), &BTreeMap::new())
            && standing.fits(&prepared)
        {
            engine.switch(prepared);
        }
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
    at: Seq,
) -> Result<Recovered, JournalError> {
    let dir = &dir.into();
    let mut recovered = Recovered::default();
    if let Some(Tail { reader, bundles }) = restore(engine, dir, at, &mut recovered)? {
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
}

/// Tries snapshots, newest first.
fn restore(
    engine: &mut Engine,
    dir: &Directory,
    at_most: Seq,
    recovered: &mut Recovered,
) -> Result<Option<Tail>, JournalError> {
    let shelf = Shelf::of(dir);
    let kept = shelf.kept();
    for kept in kept.into_iter().rev().filter(|kept| kept.next <= at_most) {
        match try_restore(engine, &shelf, &kept)? {
            Ok(tail) => {
                recovered.restored = Some(kept.next);
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
) -> Result<Result<Tail, SnapshotFault>, JournalError> {
    let snapshot = match shelf.open(kept).and_then(|snapshot| {
        snapshot.check(engine)?;
        Ok(snapshot)
    }) {
        Ok(snapshot) => snapshot,
        Err(fault) => return Ok(Err(fault)),
    };
    let tail = match find_last(shelf.dir(), &snapshot.head)? {
        Ok(tail) => tail,
        Err(fault) => return Ok(Err(fault)),
    };
    Ok(snapshot.load(engine).map(|()| tail))
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
    let mut bundles = Vec::new();
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
                break entry.seq == last
                    && (event, content) == (head.last.event, head.last.content)
                    && input.received_at == head.last.received_at;
            }
            None => break false,
        }
    };
    Ok(if is_it { Ok(Tail { reader, bundles }) } else { Err(SnapshotFault::NotInJournal) })
}

/// Makes the engine know a bundle of the past, for the answers that it gave.
fn introduce(engine: &mut Engine, stored: &StoredBundle) -> BundleNumber {
    let hex: String = stored.hash.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("sha256:{hex}");
    if let Some(known) = engine.knows(&name) {
        return known;
    }
    let compiled = Bundle::compile(&files_of(stored)).ok();
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
    engine.introduce(&name, reasons)
}

/// Counts one input of a journal again, with the answer that it got then, and asks no rule: for the
/// state before a moment of the past. Inputs come in their order, each once.
pub fn count_again(engine: &mut Engine, entry: &ReadEntry) {
    engine.restore(&entry.input, entry.seq, entry.body(), BundleNumber::default());
}
