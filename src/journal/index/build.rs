//! Making an index: the records of a segment once, from an offset on.

use super::key::Key;
use super::layout::{BLOCK, Head, IndexRow, NO_DECISION, PAIRS, ROWS, seal_block};
use crate::domain::Seq;
use crate::journal::header::SegmentHeader;
use crate::journal::notes::read_bundle;
use crate::journal::read_entry::Detail;
use crate::journal::record::{Record, RecordKind};
use crate::journal::segment::{SegmentReader, Step};
use crate::journal::tail::{Tail, judge};
use crate::journal::{JournalError, ReadEntry};
use crate::wire::{MessageReader, WireError};

/// Where a segment stands in its journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Another one follows: nothing is written to it any more.
    Closed,
    /// The one that is written to, if any is.
    Newest,
}

/// Looks at what follows the last whole record.
fn check_end(reader: &mut SegmentReader, place: Place) -> Result<(), JournalError> {
    let (offset, path) = (reader.offset(), reader.path().to_owned());
    let what = match place {
        Place::Closed => {
            let length = reader.file().size().map_err(JournalError::io(&path, "inspect"))?;
            if length == offset {
                return Ok(());
            }
            "the segment is closed, and bytes follow its last whole record"
        }
        Place::Newest => {
            let Tail::Damaged { .. } = judge(reader.file(), &path, offset)? else { return Ok(()) };
            // A write under way may show its end before its beginning: the second look decides.
            match (reader.next()?, judge(reader.file(), &path, offset)?) {
                (Step::Stop, Tail::Damaged { what }) => what,
                _ => {
                    reader.seek(offset);
                    return Ok(());
                }
            }
        }
    };
    Err(JournalError::Damaged { path, offset, what })
}

/// Gathers what an index says.
pub(super) struct Builder {
    head: Head,
    pairs: Vec<(u64, u32)>,
    rows: Vec<IndexRow>,
}

impl Builder {
    /// Begins at an offset of a segment, with the number of the input that comes next there.
    pub(super) fn at(segment: &SegmentHeader, first_seq: Seq, offset: u64) -> Self {
        let head = Head::at(segment, first_seq, offset);
        Self { head, pairs: Vec::new(), rows: Vec::new() }
    }

    /// Reads on to the last whole record. What follows it is room or a write under way, in the
    /// newest segment alone; anything else is damage and is named, so that no record is passed over
    /// in silence. Whoever visits sees the names of every input, with its offset.
    pub(super) fn read(
        mut self,
        reader: &mut SegmentReader,
        place: Place,
        visit: &mut dyn FnMut(&ReadEntry, u64),
    ) -> Result<Self, JournalError> {
        let mut entry = ReadEntry::new();
        reader.seek(self.head.covered);
        let path = reader.path().to_owned();
        let length = reader.file().size().map_err(JournalError::io(&path, "inspect"))?;
        self.reserve(length.saturating_sub(self.head.covered));
        loop {
            let offset = reader.offset();
            let Step::Frame(range) = reader.next()? else {
                check_end(reader, place)?;
                return Ok(self);
            };
            let payload = reader.payload(range);
            let taken = self.take(payload, offset, &mut entry, visit);
            taken.map_err(|source| {
                let path = reader.path().to_owned();
                JournalError::Record { path, offset, source }
            })?;
            self.head.covered = reader.offset();
        }
    }

    /// Asks for room for the keys of so many bytes of records, more than they will fill: growing
    /// there by doubling would touch every page of it twice, and what is not touched costs nothing.
    fn reserve(&mut self, bytes: u64) {
        // A payment's record has about 800 bytes and 20 keys.
        self.pairs.reserve((bytes / 24) as usize);
        self.rows.reserve((bytes / 400) as usize);
    }

    fn take(
        &mut self,
        payload: &[u8],
        at: u64,
        entry: &mut ReadEntry,
        visit: &mut dyn FnMut(&ReadEntry, u64),
    ) -> Result<(), WireError> {
        let record = Record::read(payload)?;
        let message = MessageReader::new(&payload[record.body]);
        match record.kind {
            RecordKind::Start => Ok(()),
            RecordKind::Bundle => {
                self.head.bundles.push((read_bundle(message)?.bundle, at));
                Ok(())
            }
            RecordKind::Open => {
                entry.read_some(message, Detail::Names)?;
                let input = u32::try_from(self.rows.len())
                    .map_err(|_| WireError::OutOfRange { field: "inputs of a segment" })?;
                Key::of(entry, |key| self.pairs.push((key.0, input)));
                visit(entry, at);
                let body = entry.body();
                self.rows.push(IndexRow {
                    offset: at,
                    received_at_ms: entry.input.received_at.as_ms(),
                    score: body.map_or(0, |body| body.score),
                    action: body.map_or(NO_DECISION, |body| body.action as u8),
                    follow_ups: body.map_or(0, |body| body.follow_ups.0),
                });
                Ok(())
            }
        }
    }

    /// The index's bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.pairs.sort_unstable();
        // A card that pays itself, or two reasons that meet in a key.
        self.pairs.dedup();
        // A segment has fewer inputs than `take` lets through.
        self.head.inputs = self.rows.len() as u32;
        self.head.pairs = self.pairs.len() as u64;
        self.head.fence = self.pairs.chunks(PAIRS).map(|block| block[0].0).collect();
        let mut out = self.head.to_bytes();
        let blocks = self.pairs.len().div_ceil(PAIRS) + self.rows.len().div_ceil(ROWS);
        out.reserve(blocks * BLOCK);
        let mut place = 0;
        for block in self.pairs.chunks(PAIRS) {
            let start = out.len();
            for (key, input) in block {
                out.extend_from_slice(&key.to_le_bytes());
                out.extend_from_slice(&input.to_le_bytes());
            }
            seal_block(&mut out, start, place);
            place += 1;
        }
        for block in self.rows.chunks(ROWS) {
            let start = out.len();
            block.iter().for_each(|row| out.extend_from_slice(&row.to_bytes()));
            seal_block(&mut out, start, place);
            place += 1;
        }
        out
    }
}
