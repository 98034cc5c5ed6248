//! The one writer: records go into a batch, and a batch goes to disk with one write.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::JournalError;
use super::directory::Directory;
use super::disk::DiskFile;
use super::entry::{Entry, write_open};
use super::frame::{self, PAYLOAD_MAX};
use super::header::{Before, SegmentHeader};
use super::keeper::{ALLOCATE, Keeper, Prepared, Shared};
use super::keys_fit::fits_newest;
use super::notes::{
    ActiveBundle, BundleHash, BundleRef, Start, StoredBundle, write_bundle, write_start,
};
use super::recover::{Cut, End, recover};
use super::seal::{
    Binding, FreshRandom, JournalId, KeyCheck, SealKey, Sealer, SegmentSalt, TokenKeyName,
};
use crate::domain::{EventTime, Seq};
use crate::wire::{EventBytes, MessageWriter};

/// The number of the first input of a journal.
const FIRST_SEQ: Seq = Seq(1);

/// After so many segments the bundle in force is written again, so that old segments can go.
const BUNDLE_EVERY: usize = 16;

/// What opening a journal takes.
pub struct Opening {
    /// The key that seals.
    pub key: SealKey,
    /// The key that makes tokens.
    pub token_key: TokenKeyName,
    /// Name and version of the software.
    pub software: String,
    /// The version of the engine's semantics.
    pub engine_semantics: u32,
    /// Now, by the machine's clock.
    pub opened_at: EventTime,
    /// Size at which a segment is closed; so much is allocated ahead.
    pub segment_bytes: u64,
    /// Drawn for this opening.
    pub fresh: FreshRandom,
}

impl Opening {
    /// The size of a segment where nothing else is configured: about 250,000 events.
    pub const SEGMENT_BYTES: u64 = 256 << 20;
}

/// How far a batch has to be before its answers may leave.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Durability {
    /// With the operating system: outlives the process.
    #[default]
    Written,
    /// On the disk: outlives the machine's power.
    Synced,
}

/// A writer looks whether the journal is still there once in so many records; its keeper does once a
/// second. No more answers than that leave for a journal that somebody moved or deleted.
const LOOK_EVERY: u64 = 1_024;

/// Where a record went.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Appended {
    /// Its number over the journal, from 0.
    pub record: u64,
    /// The first record's number of its segment.
    pub segment: u64,
    /// Where its frame begins in that file.
    pub offset: u64,
    batch: u64,
    open: Range<usize>,
}

/// The bytes of a record's open part (`tidegate.v1.Open`): no personal value and no masked one.
/// Only a [`Writer`] or a [`super::Reader`] makes it, so nothing else can reach the audit topic.
#[derive(Clone, Copy, Debug)]
pub struct OpenPart<'a>(pub(super) &'a [u8]);

impl<'a> OpenPart<'a> {
    /// Of any bytes, for tests of who sends it.
    #[cfg(test)]
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sent.
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }
}

/// The segment being written.
struct Current {
    file: Arc<dyn DiskFile>,
    /// Its name in what we report: it may still be called unfinished.
    path: PathBuf,
    first_record: u64,
    first_seq: Seq,
    sealer: Sealer,
    /// Where the next write goes.
    end: u64,
}

/// Appends to a journal. There is one per journal: opening takes the directory's lock.
pub struct Writer {
    dir: Directory,
    /// What a keeper does for us, or we ourselves.
    shared: Arc<Shared>,
    key: SealKey,
    /// What headers say of it, and of the key that makes tokens.
    key_check: KeyCheck,
    token_key: TokenKeyName,
    journal: JournalId,
    salt: SegmentSalt,
    engine_semantics: u32,
    segment_bytes: u64,
    /// Records with the operating system.
    written_records: u64,
    /// Records when the writer last looked whether the journal is still there.
    looked_at: u64,
    current: Current,
    next_record: u64,
    next_seq: Seq,
    bundles: u32,
    active: Option<ActiveBundle>,
    /// The bundle in force with its files, to be written again from time to time.
    stored: Option<StoredBundle>,
    /// Segments since the one that holds it.
    segments_since_bundle: usize,
    /// What opening cut off the journal's end.
    cut: Option<Cut>,
    last_received_at: EventTime,
    appended_bytes: u64,
    /// Records since the last flush but one: see [`open_part`](Self::open_part).
    batch: Vec<u8>,
    /// Counts batches, so that a stale [`Appended`] is recognised.
    batch_number: u64,
    /// How much of the batch is in the file.
    written: usize,
    /// The batch was flushed: the next append begins a new one.
    flushed: bool,
}

impl Writer {
    /// Opens a journal or creates it: takes the lock, recovers the newest segment, begins a new one
    /// and notes the start.
    pub fn open(dir: impl Into<Directory>, opening: Opening) -> Result<Self, JournalError> {
        let dir = dir.into();
        let lock = dir.lock()?;
        let end = recover(&dir)?.unwrap_or(End {
            journal: opening.fresh.journal,
            next_record: 0,
            next_seq: FIRST_SEQ,
            bundles: 0,
            active: None,
            before: None,
            cut: None,
        });
        let key_check = opening.key.check();
        fits_newest(&dir, &opening)?;
        let salt = opening.fresh.salt;
        let bundle_in = end.active.map_or(u64::MAX, |active| active.segment);
        let after = |(first, _): &(u64, PathBuf)| *first > bundle_in;
        let segments_since_bundle = dir.segments()?.into_iter().filter(after).count();
        let header = SegmentHeader {
            journal: end.journal,
            salt,
            first_record: end.next_record,
            first_seq: end.next_seq,
            created_at_ms: opening.opened_at.as_ms(),
            key_id: opening.key.id(),
            bundles: end.bundles,
            active: end.active,
            token_key: Some(opening.token_key),
            seal_check: Some(key_check),
            before: end.before,
        };
        let current = begin_segment(&dir, &header, &opening.key, opening.segment_bytes)?;
        let place = (Arc::clone(&current.file), current.path.clone());
        let shared =
            Shared::new((dir.clone(), lock), opening.segment_bytes, place, end.next_record);
        let mut writer = Self {
            dir,
            shared,
            key: opening.key,
            key_check,
            token_key: opening.token_key,
            journal: end.journal,
            salt,
            engine_semantics: opening.engine_semantics,
            segment_bytes: opening.segment_bytes,
            written_records: end.next_record,
            looked_at: end.next_record,
            current,
            next_record: end.next_record,
            next_seq: end.next_seq,
            bundles: end.bundles,
            active: end.active,
            stored: None,
            segments_since_bundle,
            cut: end.cut,
            last_received_at: opening.opened_at,
            batch: Vec::with_capacity(64 << 10),
            batch_number: 0,
            appended_bytes: 0,
            written: 0,
            flushed: false,
        };
        let start = Start {
            next_seq: writer.next_seq,
            opened_at: opening.opened_at,
            software: opening.software,
            engine_semantics: opening.engine_semantics,
            key_id: writer.key.id(),
            token_key_version: opening.token_key.version,
        };
        writer.note(|w| w.message(2, |w| write_start(w, &start)))?;
        writer.flush(Durability::Synced)?;
        Ok(writer)
    }

    /// The number that the next input gets.
    pub const fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// The number that the next record gets: how many there are.
    pub const fn next_record(&self) -> u64 {
        self.next_record
    }

    /// The bundle in force.
    pub const fn active_bundle(&self) -> Option<ActiveBundle> {
        self.active
    }

    /// What opening it cut off its end.
    pub const fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// The journal's name.
    pub const fn journal(&self) -> JournalId {
        self.journal
    }

    /// Notes that a bundle became active, with all its files; its number goes into the entries that
    /// follow. The bundle in force is not written again.
    pub fn activate(&mut self, bundle: StoredBundle) -> Result<BundleRef, JournalError> {
        if let Some(active) = self.active
            && active.hash == bundle.hash
        {
            self.stored = Some(StoredBundle { bundle: active.bundle, ..bundle });
            return Ok(active.bundle);
        }
        let number = BundleRef(self.bundles);
        self.make_room()?;
        self.note_bundle(StoredBundle { bundle: number, ..bundle })?;
        Ok(number)
    }

    /// Writes a bundle's record; its number may have been written before.
    fn note_bundle(&mut self, bundle: StoredBundle) -> Result<(), JournalError> {
        let (number, hash): (_, BundleHash) = (bundle.bundle, bundle.hash);
        let stored = StoredBundle { next_seq: self.next_seq, ..bundle };
        let at = self.frame(|w| w.message(3, |w| write_bundle(w, &stored)))?;
        self.bundles += 1;
        let (segment, offset) = (at.segment, at.offset);
        self.active = Some(ActiveBundle { bundle: number, hash, segment, offset });
        self.stored = Some(stored);
        self.segments_since_bundle = 0;
        Ok(())
    }

    /// Appends what the engine did with an input, and seals the event beside it. On an error
    /// nothing was appended.
    pub fn append(
        &mut self,
        entry: &Entry<'_>,
        event: Option<&EventBytes>,
    ) -> Result<Appended, JournalError> {
        if entry.seq != self.next_seq {
            let (given, expected) = (entry.seq.0, self.next_seq.0);
            return Err(JournalError::OutOfOrder { given, expected });
        }
        self.make_room()?;
        let binding = Binding {
            journal: self.journal,
            seq: entry.seq,
            event: entry.input.event,
            content: entry.input.content,
        };
        let (semantics, sealer) = (self.engine_semantics, &mut self.current.sealer);
        let mut open = 0..0;
        let start = self.batch.len();
        frame::append(&mut self.batch, |out| {
            let payload = out.len();
            MessageWriter::new(out).message(1, |w| write_open(w, entry, semantics));
            open = open_range(out, payload);
            match event {
                Some(event) => sealer.write(&mut MessageWriter::new(out), event, &binding),
                None => Ok(()),
            }
        })?;
        let appended = self.appended(start, open)?;
        self.next_seq = Seq(self.next_seq.0 + 1);
        self.last_received_at = entry.input.received_at;
        Ok(appended)
    }

    /// Bytes of the records appended since the opening.
    pub const fn appended_bytes(&self) -> u64 {
        self.appended_bytes
    }

    /// The open part of a record of the current batch, until the first append after its flush.
    pub fn open_part(&self, of: &Appended) -> Option<OpenPart<'_>> {
        let current = of.batch == self.batch_number;
        self.batch.get(of.open.clone()).filter(|_| current).map(OpenPart)
    }

    /// Bytes that wait for a flush.
    pub const fn pending_bytes(&self) -> usize {
        self.batch.len() - self.written
    }

    /// Writes the batch with one call. `Synced` also puts it on the medium: here and now, or with a
    /// [`Keeper`] soon, which [`kept`](Self::kept) tells. After an error it can be tried again: the
    /// same bytes go to the same place.
    pub fn flush(&mut self, durability: Durability) -> Result<(), JournalError> {
        self.shared.check()?;
        self.write_pending()?;
        if self.next_record - self.looked_at >= LOOK_EVERY {
            self.looked_at = self.next_record;
            self.shared.glance()?;
        }
        self.written_records = self.next_record;
        self.flushed = true;
        let sync = durability == Durability::Synced;
        self.shared.note_written(self.next_record, sync);
        if sync && !self.shared.is_attached() { self.shared.settle() } else { Ok(()) }
    }

    /// How many records are as durable as this. What failed for good is said here too.
    pub fn kept(&self, durability: Durability) -> Result<u64, JournalError> {
        self.shared.check()?;
        Ok(match durability {
            Durability::Written => self.written_records,
            Durability::Synced => self.shared.durable(),
        })
    }

    /// Waits until everything flushed is as durable as this, or for so long.
    pub fn wait_kept(&self, durability: Durability, timeout: Duration) {
        if durability == Durability::Synced {
            self.shared.wait_durable(self.written_records, timeout);
        }
    }

    /// From now on another thread does the slow work: it has to take its turns.
    pub fn keeper(&self) -> Keeper {
        self.shared.attach();
        Keeper(Arc::clone(&self.shared))
    }

    /// Sees whether the journal is still where it is called and still ours: nothing is answered any
    /// more once it is not.
    pub fn look(&self) -> Result<(), JournalError> {
        self.shared.check()?;
        self.shared.look()
    }

    /// Every segment has the name that readers look for: what was flushed can be read back. Nothing
    /// is synced for that, unless a segment was closed a moment ago.
    pub fn finish_closing(&self) -> Result<(), JournalError> {
        self.shared.finish_closing()
    }

    /// Closed segments have their names, everything flushed is on the medium.
    fn settle(&self) -> Result<(), JournalError> {
        self.shared.note_written(self.written_records, true);
        self.shared.settle()
    }

    /// Writes and syncs what is left, and gives back the room that was allocated ahead.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.flush(Durability::Synced)?;
        self.settle()?;
        self.shared.look()?;
        self.shared.release();
        if let Some(prepared) = self.shared.take_prepared() {
            self.dir.remove(&prepared.path)?;
        }
        let Current { file, path, end, .. } = &self.current;
        file.set_len(*end).map_err(JournalError::io(path, "close"))?;
        file.sync_all().map_err(JournalError::io(path, "sync"))
    }

    fn write_pending(&mut self) -> Result<(), JournalError> {
        let pending = &self.batch[self.written..];
        if !pending.is_empty() {
            let Current { file, path, end, .. } = &mut self.current;
            file.write_all_at(pending, *end).map_err(JournalError::io(path, "write to"))?;
            *end += pending.len() as u64;
            self.written = self.batch.len();
        }
        Ok(())
    }

    /// Begins a new batch after a flush, and a new segment when this one is full.
    fn make_room(&mut self) -> Result<(), JournalError> {
        if self.flushed {
            self.batch.clear();
            self.written = 0;
            self.batch_number += 1;
            self.flushed = false;
        }
        let size = self.current.end + self.pending_bytes() as u64;
        // Without an input in it a segment is not closed, however large its notes are.
        if size >= self.segment_bytes && self.next_seq > self.current.first_seq {
            self.rotate()?;
        }
        Ok(())
    }

    /// Begins the next segment, when there is a file for it. On an error the current one stays in
    /// use; with a keeper that is no error: a disk that is full or broken shows at the flush.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let is_attached = self.shared.is_attached();
        if !is_attached {
            self.shared.settle()?;
        }
        let prepared = match self.shared.take_prepared() {
            Some(prepared) => prepared,
            None if is_attached => return Ok(()),
            None => self.shared.prepare()?,
        };
        if let Err(error) = self.write_pending().and_then(|()| self.succeed(&prepared)) {
            self.shared.put_back(prepared);
            return if is_attached { Ok(()) } else { Err(error) };
        }
        if is_attached { Ok(()) } else { self.shared.settle() }
    }

    /// Goes on in a prepared file. It gets its name when the segment before it is closed.
    fn succeed(&mut self, prepared: &Prepared) -> Result<(), JournalError> {
        let is_bundle_due = self.stored.is_some() && self.segments_since_bundle + 1 >= BUNDLE_EVERY;
        let header = SegmentHeader {
            journal: self.journal,
            salt: self.salt,
            first_record: self.next_record,
            first_seq: self.next_seq,
            // The stream's time: the journal reads no clock.
            created_at_ms: self.last_received_at.as_ms(),
            key_id: self.key.id(),
            bundles: self.bundles,
            // The bundle is its first record then: nothing in it needs an older segment.
            active: self.active.filter(|_| !is_bundle_due),
            token_key: Some(self.token_key),
            seal_check: Some(self.key_check),
            before: Some(Before {
                first_record: self.current.first_record,
                bytes: self.current.end,
            }),
        };
        let bytes = header.to_bytes();
        let Prepared { file, path } = prepared;
        file.write_all_at(&bytes, 0).map_err(JournalError::io(path, "write to"))?;
        let key = self.key.of_segment(header.journal, header.salt, header.first_record)?;
        let unfinished = self.dir.unfinished_path(header.first_record);
        self.dir.rename(path, &unfinished)?;
        self.shared.succeed(Arc::clone(file), header.first_record, (self.current.end, unfinished));
        self.current = Current {
            file: Arc::clone(file),
            path: self.dir.segment_path(header.first_record),
            first_record: header.first_record,
            first_seq: header.first_seq,
            sealer: Sealer::new(key, self.key.id()),
            end: bytes.len() as u64,
        };
        self.segments_since_bundle += 1;
        if is_bundle_due && let Some(stored) = self.stored.take() {
            self.note_bundle(stored)?;
        }
        Ok(())
    }

    /// Appends a record that is not of an input.
    fn note(
        &mut self,
        fill: impl FnOnce(&mut MessageWriter<'_>),
    ) -> Result<Appended, JournalError> {
        self.make_room()?;
        self.frame(fill)
    }

    fn frame(
        &mut self,
        fill: impl FnOnce(&mut MessageWriter<'_>),
    ) -> Result<Appended, JournalError> {
        let start = self.batch.len();
        frame::append(&mut self.batch, |out| {
            fill(&mut MessageWriter::new(out));
            Ok::<_, JournalError>(())
        })?;
        self.appended(start, 0..0)
    }

    /// Counts the record that was framed at `start` of the batch.
    fn appended(&mut self, start: usize, open: Range<usize>) -> Result<Appended, JournalError> {
        let payload = self.batch.len() - start - frame::OVERHEAD;
        if payload > PAYLOAD_MAX {
            self.batch.truncate(start);
            let (bytes, limit) = (payload as u64, PAYLOAD_MAX as u64);
            return Err(JournalError::TooLarge { bytes, limit });
        }
        let record = self.next_record;
        self.next_record += 1;
        self.appended_bytes += (self.batch.len() - start) as u64;
        Ok(Appended {
            record,
            segment: self.current.first_record,
            offset: self.current.end + (start - self.written) as u64,
            batch: self.batch_number,
            open,
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.release();
    }
}

/// Where the payload of the message that begins at `start` stands: after its tag and length.
fn open_range(out: &[u8], start: usize) -> Range<usize> {
    let length_bytes = out[start + 1..].iter().take_while(|byte| **byte >= 0x80).count() + 1;
    start + 1 + length_bytes..out.len()
}

/// Creates a segment: under another name until its header is on disk, so that a file of this name
/// always has one.
fn begin_segment(
    dir: &Directory,
    header: &SegmentHeader,
    key: &SealKey,
    segment_bytes: u64,
) -> Result<Current, JournalError> {
    let (path, unfinished) = (dir.segment_path(header.first_record), dir.prepared_path());
    if dir.segments()?.iter().any(|(first, _)| *first == header.first_record) {
        let what = "it stands where the next segment belongs";
        return Err(JournalError::NotASegment { path, what });
    }
    let sealer =
        Sealer::new(key.of_segment(header.journal, header.salt, header.first_record)?, key.id());
    let file = dir.create(&unfinished)?;
    let bytes = header.to_bytes();
    file.write_all_at(&bytes, 0).map_err(JournalError::io(&unfinished, "write to"))?;
    file.allocate(segment_bytes).map_err(JournalError::io(&unfinished, ALLOCATE))?;
    file.sync_all().map_err(JournalError::io(&unfinished, "sync"))?;
    dir.rename(&unfinished, &path)?;
    dir.sync()?;
    let (first_record, first_seq) = (header.first_record, header.first_seq);
    Ok(Current { file, path, first_record, first_seq, sealer, end: bytes.len() as u64 })
}
