//! Everything back in order, from the first record or from a number on, also while a writer runs.

use std::ops::Range;

use super::JournalError;
use super::directory::Directory;
use super::notes::{ActiveBundle, Start, StoredBundle, read_bundle, read_start};
use super::read_entry::{Detail, ReadEntry};
use super::record::{Record, RecordKind};
use super::recover::Cut;
use super::seal::{Binding, JournalId};
use super::segment::{SegmentReader, Step};
use super::tail::{Tail, begins_empty, judge, written_after};
use super::unseal::Sealed;
use super::writer::OpenPart;
use crate::domain::{EventTime, Seq};
use crate::wire::{MessageReader, WireError};

/// A record, read.
#[derive(Debug)]
pub enum Item<'a> {
    /// An input with what it produced. The buffer is reused for the next one.
    Entry(&'a ReadEntry),
    /// A process took up the journal.
    Start(Start),
    /// A bundle became active.
    Bundle(StoredBundle),
}

/// Reads a journal record by record. Takes no lock: a writer may go on meanwhile, and what it has
/// not finished is not seen yet.
pub struct Reader {
    dir: Directory,
    current: SegmentReader,
    next_record: u64,
    next_seq: Seq,
    /// Inputs below this number are passed over.
    from: Seq,
    entry: ReadEntry,
    detail: Detail,
    /// The whole tail was looked at once: while following, a look at its beginning is enough.
    tail_seen: bool,
    /// The last record's payload, and its open part in it.
    payload: Range<usize>,
    open: Range<usize>,
    /// Where its frame begins.
    offset: u64,
}

impl Reader {
    /// Opens a journal at its beginning; `None` when the directory holds none.
    pub fn open(dir: impl Into<Directory>) -> Result<Option<Self>, JournalError> {
        Self::open_from(dir, Seq(0))
    }

    /// Opens a journal at an input's number: in the segment that holds it, passing over the inputs
    /// before it. Notes of that segment are given.
    pub fn open_from(dir: impl Into<Directory>, from: Seq) -> Result<Option<Self>, JournalError> {
        let dir = dir.into();
        let mut segments = dir.segments()?;
        let Some((first_record, path)) = segments.pop() else {
            return Ok(None);
        };
        let mut current = SegmentReader::open(&dir, &path, first_record)?;
        // From the newest back: what is asked for is most often near the end.
        while current.header.first_seq > from
            && let Some((first_record, path)) = segments.pop()
        {
            current = SegmentReader::open(&dir, &path, first_record)?;
        }
        Ok(Some(Self::at(dir, current, from)))
    }

    /// Opens a journal so that no input that arrived at a moment or after it is passed over, and few
    /// before it are given: in the newest segment whose first input arrived before. Only the first
    /// records of segments are read for that.
    pub fn open_before(
        dir: impl Into<Directory>,
        at: EventTime,
    ) -> Result<Option<Self>, JournalError> {
        let dir = dir.into();
        let mut segments = dir.segments()?;
        // From the newest back: what is asked for is most often near the end.
        while let Some((first_record, _)) = segments.pop() {
            let mut reader = Self::open_segment(&dir, first_record)?;
            let arrived = loop {
                match reader.read()? {
                    Some(Item::Entry(entry)) => break Some(entry.input.received_at),
                    Some(_) => {}
                    None => break None,
                }
            };
            if segments.is_empty() || arrived.is_some_and(|arrived| arrived < at) {
                return Self::open_segment(&dir, first_record).map(Some);
            }
        }
        Ok(None)
    }

    /// Opens a journal so that its newest `count` inputs are given.
    pub fn open_newest(
        dir: impl Into<Directory>,
        count: u64,
    ) -> Result<Option<Self>, JournalError> {
        let dir = dir.into();
        let Some((first_record, path)) = dir.segments()?.pop() else {
            return Ok(None);
        };
        let mut newest = SegmentReader::open(&dir, &path, first_record)?;
        let mut next_seq = newest.header.first_seq;
        loop {
            let offset = newest.offset();
            let Step::Frame(range) = newest.next()? else {
                break;
            };
            let record = Record::read(newest.payload(range))
                .map_err(|source| JournalError::Record { path: path.clone(), offset, source })?;
            if record.kind == RecordKind::Open {
                next_seq = Seq(record.seq.0.saturating_add(1));
            }
        }
        Self::open_from(dir, Seq(next_seq.0.saturating_sub(count)))
    }

    /// Opens a journal at the beginning of a segment.
    pub fn open_segment(dir: &Directory, first_record: u64) -> Result<Self, JournalError> {
        let current = SegmentReader::open(dir, &dir.segment_path(first_record), first_record)?;
        Ok(Self::at(dir.clone(), current, Seq(0)))
    }

    fn at(dir: Directory, current: SegmentReader, from: Seq) -> Self {
        Self {
            next_record: current.header.first_record,
            next_seq: current.header.first_seq,
            current,
            dir,
            from,
            entry: ReadEntry::new(),
            detail: Detail::All,
            tail_seen: false,
            payload: 0..0,
            open: 0..0,
            offset: 0,
        }
    }

    /// Of each entry only what it is found by is read: its tokens, its answer, and what it amends.
    #[must_use]
    pub fn names_only(self) -> Self {
        Self { detail: Detail::Names, ..self }
    }

    /// Where the last record stands: its segment and its offset there.
    pub const fn position(&self) -> (u64, u64) {
        (self.current.header.first_record, self.offset)
    }

    /// The number of the record that comes next.
    pub const fn next_record(&self) -> u64 {
        self.next_record
    }

    /// The journal's name.
    pub const fn journal(&self) -> JournalId {
        self.current.header.journal
    }

    /// The number that follows the last input read.
    pub const fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// What stands behind the last whole record of the journal, once it is read to its end: a write
    /// under way, or one that was cut short. `None` when nothing does.
    pub fn unread(&self) -> Result<Option<Cut>, JournalError> {
        let (path, offset) = (self.current.path(), self.current.offset());
        let bytes = written_after(self.current.file(), path, offset)?;
        Ok((bytes > 0).then_some(Cut { path: path.to_owned(), offset, bytes }))
    }

    /// The bundle that was in force when the segment being read began: its record may stand in an
    /// earlier segment. See [`read_active_bundle`](Self::read_active_bundle).
    pub const fn bundle_at_segment_start(&self) -> Option<ActiveBundle> {
        self.current.header.active
    }

    /// Reads the record of a bundle from where it stands.
    pub fn read_active_bundle(&self, active: ActiveBundle) -> Result<StoredBundle, JournalError> {
        let path = self.dir.segment_path(active.segment);
        let mut reader = SegmentReader::open(&self.dir, &path, active.segment)?;
        reader.seek(active.offset);
        let offset = active.offset;
        let Step::Frame(range) = reader.next()? else {
            let what = "no whole record stands where the bundle's record should";
            return Err(JournalError::Damaged { path, offset, what });
        };
        let payload = reader.payload(range);
        let record = Record::read(payload).and_then(|record| match record.kind {
            RecordKind::Bundle => read_bundle(MessageReader::new(&payload[record.body])),
            _ => Err(WireError::Missing { field: "bundle" }),
        });
        record.map_err(|source| JournalError::Record { path, offset, source })
    }

    /// The next record; `None` at the end, for now: with a writer running, later calls find more.
    pub fn read(&mut self) -> Result<Option<Item<'_>>, JournalError> {
        loop {
            let offset = self.current.offset();
            let range = match self.current.next()? {
                Step::Frame(range) => range,
                Step::Stop if self.go_on()? => continue,
                Step::Stop => return Ok(None),
            };
            let record = self.check(range, offset)?;
            self.offset = offset;
            if record.kind == RecordKind::Open && record.seq < self.from {
                continue;
            }
            return self.item(record, offset).map(Some);
        }
    }

    /// The last entry.
    pub(super) const fn entry(&self) -> &ReadEntry {
        &self.entry
    }

    /// The bytes of the last entry's open part.
    pub fn open_part(&self) -> OpenPart<'_> {
        OpenPart(self.current.payload(self.open.clone()))
    }

    /// The sealed part of the last entry, closed.
    pub fn sealed(&self) -> Sealed<'_> {
        let header = &self.current.header;
        let binding = Binding {
            journal: header.journal,
            seq: self.entry.seq,
            event: self.entry.input.event,
            content: self.entry.input.content,
        };
        Sealed { header, binding, record: self.current.payload(self.payload.clone()) }
    }

    /// Looks at a record's place in the order.
    fn check(&mut self, range: Range<usize>, offset: u64) -> Result<Record, JournalError> {
        let record = Record::read(self.current.payload(range.clone()));
        let record = record.map_err(|source| self.wrong(offset, source))?;
        if record.seq != self.next_seq {
            let path = self.current.path().to_owned();
            let what = "a record's number does not follow the one before";
            return Err(JournalError::Damaged { path, offset, what });
        }
        if record.kind == RecordKind::Open {
            self.next_seq = Seq(self.next_seq.0.saturating_add(1));
        }
        self.next_record += 1;
        self.open = range.start + record.body.start..range.start + record.body.end;
        self.payload = range;
        Ok(record)
    }

    fn item(&mut self, record: Record, offset: u64) -> Result<Item<'_>, JournalError> {
        let message = MessageReader::new(self.current.payload(self.open.clone()));
        let read = match record.kind {
            RecordKind::Open => self.entry.read_some(message, self.detail).map(|()| None),
            RecordKind::Start => read_start(message).map(|start| Some(Item::Start(start))),
            RecordKind::Bundle => read_bundle(message).map(|bundle| Some(Item::Bundle(bundle))),
        };
        match read {
            Ok(item) => Ok(item.unwrap_or(Item::Entry(&self.entry))),
            Err(source) => Err(self.wrong(offset, source)),
        }
    }

    fn wrong(&self, offset: u64, source: WireError) -> JournalError {
        JournalError::Record { path: self.current.path().to_owned(), offset, source }
    }

    /// At the end of a segment: goes to the next one. False at the end of the journal.
    fn go_on(&mut self) -> Result<bool, JournalError> {
        let this = self.current.header.first_record;
        let next = self.dir.segments()?.into_iter().find(|(first_record, _)| *first_record > this);
        let offset = self.current.offset();
        let Some((first_record, path)) = next else {
            return self.check_tail(offset).map(|()| false);
        };
        // A writer may have appended here between our look and its next segment.
        if let Step::Frame(_) = self.current.next()? {
            self.current.seek(offset);
            return Ok(true);
        }
        let (file, old_path) = (self.current.file(), self.current.path());
        let length = file.size().map_err(JournalError::io(old_path, "inspect"))?;
        if length != offset {
            let what = "the segment is closed, and bytes follow its last whole record";
            return Err(JournalError::Damaged { path: old_path.to_owned(), offset, what });
        }
        let reader = SegmentReader::open(&self.dir, &path, first_record)?;
        self.check_continues(&reader)?;
        self.current = reader;
        Ok(true)
    }

    /// What follows the last whole record of the journal is room or a write under way; damage is
    /// named. Looked at twice, because a write under way may show its end before its beginning.
    fn check_tail(&mut self, offset: u64) -> Result<(), JournalError> {
        if self.tail_seen && begins_empty(self.current.file(), self.current.path(), offset)? {
            return Ok(());
        }
        self.tail_seen = true;
        for last in [false, true] {
            match judge(self.current.file(), self.current.path(), offset)? {
                Tail::Damaged { what } if last => {
                    let path = self.current.path().to_owned();
                    return Err(JournalError::Damaged { path, offset, what });
                }
                Tail::Damaged { .. } => {
                    if let Step::Frame(_) = self.current.next()? {
                        // It was under way: the next call reads it.
                        self.current.seek(offset);
                        return Ok(());
                    }
                }
                Tail::Clean | Tail::Torn | Tail::Unmarked { .. } => return Ok(()),
            }
        }
        Ok(())
    }

    /// A segment must begin where the one before ended: else one is missing or foreign.
    fn check_continues(&self, next: &SegmentReader) -> Result<(), JournalError> {
        let header = &next.header;
        let what = if header.journal != self.current.header.journal {
            "it belongs to another journal"
        } else if header.first_record != self.next_record {
            "its first record's number"
        } else if header.first_seq != self.next_seq {
            "its first input's number"
        } else {
            return Ok(());
        };
        Err(JournalError::Gap { path: next.path().to_owned(), what })
    }
}
