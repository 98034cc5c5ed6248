//! Recovery: the newest segment is read to its last whole record, and a cut-short write after it is
//! cut off. Everything before the newest segment is closed and is not touched.

use std::path::Path;

use super::JournalError;
use super::directory::Directory;
use super::frame::MARK;
use super::notes::{ActiveBundle, read_bundle};
use super::record::{Record, RecordKind};
use super::seal::JournalId;
use super::segment::{SegmentReader, Step, fill};
use super::tail::{SECTOR, Tail, judge};
use crate::domain::Seq;
use crate::wire::MessageReader;

/// Where a journal ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct End {
    pub journal: JournalId,
    pub next_record: u64,
    pub next_seq: Seq,
    pub bundles: u32,
    pub active: Option<ActiveBundle>,
}

/// Finds the end of a journal and makes it one that can be gone on from. `None`: there is none yet.
///
/// The caller holds the directory's lock.
pub(super) fn recover(dir: &Directory) -> Result<Option<End>, JournalError> {
    let unfinished = dir.unfinished()?;
    let mut end = match dir.segments()?.pop() {
        Some((first_record, path)) => Some(mend(dir, first_record, &path)?),
        None => None,
    };
    for path in unfinished {
        match &end {
            Some(before) if path == dir.unfinished_path(before.next_record) => {
                if is_unwritten(dir, &path)? {
                    dir.remove(&path)?;
                } else {
                    end = Some(adopt(dir, &path, before)?);
                }
            }
            // A file that was prepared, or one whose forerunner lost its end with the machine's
            // power: nothing in it was acknowledged as durable.
            _ => dir.remove(&path)?,
        }
    }
    Ok(end)
}

/// Cuts what a crash left after the last whole record of the newest segment.
fn mend(dir: &Directory, first_record: u64, path: &Path) -> Result<End, JournalError> {
    let mut reader = SegmentReader::open(dir, path, first_record)?;
    let mut end = end_of(&mut reader)?;
    let mut tail = judge(reader.file(), path, reader.offset())?;
    if let Tail::Unmarked { mark_at } = tail {
        let file = dir.open_to_write(path)?;
        let what = "mend the tail of";
        file.write_all_at(&[MARK], mark_at).map_err(JournalError::io(path, what))?;
        reader = SegmentReader::open(dir, path, first_record)?;
        end = end_of(&mut reader)?;
        tail = judge(reader.file(), path, reader.offset())?;
    }
    if let Tail::Damaged { what } = tail {
        let path = path.to_owned();
        return Err(JournalError::Damaged { path, offset: reader.offset(), what });
    }
    let file = dir.open_to_write(path)?;
    file.set_len(reader.offset()).map_err(JournalError::io(path, "cut the tail of"))?;
    file.sync_all().map_err(JournalError::io(path, "sync"))?;
    if end.next_record == first_record {
        // Nothing but a header: the next segment takes its name, with a salt of its own.
        dir.remove(path)?;
        dir.sync()?;
    }
    Ok(end)
}

/// Gives the successor of a closed segment the name that a crash kept from it.
fn adopt(dir: &Directory, path: &Path, before: &End) -> Result<End, JournalError> {
    let first_record = before.next_record;
    let header = SegmentReader::open(dir, path, first_record)?.header;
    if header.journal != before.journal || header.first_seq != before.next_seq {
        let what = "its journal or its first input's number";
        return Err(JournalError::Gap { path: path.to_owned(), what });
    }
    let finished = dir.segment_path(first_record);
    dir.rename(path, &finished)?;
    dir.sync()?;
    mend(dir, first_record, &finished)
}

/// Whether not even a file's beginning was written: a header fits the first sector.
fn is_unwritten(dir: &Directory, path: &Path) -> Result<bool, JournalError> {
    let mut sector = [0; SECTOR as usize];
    fill(&*dir.open(path)?, path, &mut sector, 0)?;
    Ok(sector == [0; SECTOR as usize])
}

/// Reads a segment to its last whole record.
fn end_of(reader: &mut SegmentReader) -> Result<End, JournalError> {
    let header = &reader.header;
    let mut end = End {
        journal: header.journal,
        next_record: header.first_record,
        next_seq: header.first_seq,
        bundles: header.bundles,
        active: header.active,
    };
    let first_record = header.first_record;
    loop {
        let offset = reader.offset();
        let Step::Frame(range) = reader.next()? else {
            return Ok(end);
        };
        let payload = reader.payload(range);
        let path = reader.path();
        let wrong = |source| JournalError::Record { path: path.to_owned(), offset, source };
        let record = Record::read(payload).map_err(wrong)?;
        if record.seq != end.next_seq {
            let what = "a record's number does not follow the one before";
            return Err(JournalError::Damaged { path: path.to_owned(), offset, what });
        }
        match record.kind {
            RecordKind::Open => end.next_seq = Seq(record.seq.0.saturating_add(1)),
            RecordKind::Start => {}
            RecordKind::Bundle => {
                let stored =
                    read_bundle(MessageReader::new(&payload[record.body])).map_err(wrong)?;
                end.bundles += 1;
                end.active = Some(ActiveBundle {
                    bundle: stored.bundle,
                    hash: stored.hash,
                    segment: first_record,
                    offset,
                });
            }
        }
        end.next_record += 1;
    }
}
