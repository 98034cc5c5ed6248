//! Recovery: the newest segment is read to its last whole record, and a cut-short write after it is
//! cut off. Everything before the newest segment is closed and is not touched.

use super::JournalError;
use super::directory::Directory;
use super::frame::MARK;
use super::notes::{ActiveBundle, read_bundle};
use super::record::{Record, RecordKind};
use super::seal::JournalId;
use super::segment::{SegmentReader, Step};
use super::tail::{Tail, judge};
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
    remove_unfinished(dir)?;
    let Some((first_record, path)) = dir.segments()?.pop() else {
        return Ok(None);
    };
    let mut reader = SegmentReader::open(dir, &path, first_record)?;
    let mut end = end_of(&mut reader)?;
    let mut tail = judge(reader.file(), &path, reader.offset())?;
    if let Tail::Unmarked { mark_at } = tail {
        let file = dir.open_to_write(&path)?;
        file.write_all_at(&[MARK], mark_at).map_err(JournalError::io(&path, "mend the tail of"))?;
        reader = SegmentReader::open(dir, &path, first_record)?;
        end = end_of(&mut reader)?;
        tail = judge(reader.file(), &path, reader.offset())?;
    }
    if let Tail::Damaged { what } = tail {
        return Err(JournalError::Damaged { path, offset: reader.offset(), what });
    }
    let file = dir.open_to_write(&path)?;
    file.set_len(reader.offset()).map_err(JournalError::io(&path, "cut the tail of"))?;
    file.sync_all().map_err(JournalError::io(&path, "sync"))?;
    if end.next_record == first_record {
        // Nothing but a header: the next segment takes its name, with a salt of its own.
        dir.remove(&path)?;
        dir.sync()?;
    }
    Ok(Some(end))
}

/// Segments whose creation a crash interrupted: no record is in them.
fn remove_unfinished(dir: &Directory) -> Result<(), JournalError> {
    dir.unfinished()?.iter().try_for_each(|path| dir.remove(path))
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
