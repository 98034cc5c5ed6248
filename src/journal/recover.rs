//! Recovery: the newest segment is read to its last whole record, and a cut-short write after it is
//! cut off. Everything before the newest segment is closed and is not touched.

use std::fmt;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::directory::Directory;
use super::frame::MARK;
use super::header::Before;
use super::notes::{ActiveBundle, read_bundle};
use super::record::{Record, RecordKind};
use super::seal::JournalId;
use super::segment::{SegmentReader, Step, fill};
use super::tail::{SECTOR, Tail, judge, written_after};
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
    /// The last segment that stands.
    pub before: Option<Before>,
    /// What was cut off its end.
    pub cut: Option<Cut>,
}

/// What recovery cut off the end of a journal: bytes that are no whole record. A write was cut short
/// there, or noise stands where one was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cut {
    /// Of which file.
    pub path: PathBuf,
    /// From where on.
    pub offset: u64,
    /// How many, up to the last that is not zero.
    pub bytes: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, bytes } = self;
        write!(
            f,
            "{}: {bytes} bytes from byte {offset} on were no whole record and are cut off: a write \
             that was cut short, or noise",
            path.display()
        )
    }
}

/// Finds the end of a journal and makes it one that can be gone on from. `None`: there is none yet.
///
/// The caller holds the directory's lock.
pub(super) fn recover(dir: &Directory) -> Result<Option<End>, JournalError> {
    let unfinished = dir.unfinished()?;
    let mut segments = dir.segments()?;
    check_chain(dir, &segments)?;
    let mut end = match segments.pop() {
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

/// Refuses a journal that a writer would refuse for its segments, and touches nothing. Nobody writes to
/// it meanwhile, else its end moves.
pub fn check_segments(dir: impl Into<Directory>) -> Result<(), JournalError> {
    let dir = dir.into();
    check_chain(&dir, &dir.segments()?)
}

/// Looks whether each segment is the one that its successor continues. A snapshot makes most of them
/// needless for a start, and one that is missing or another's would show years later, if ever. What
/// stands between header and end is for whoever reads it: reading all takes minutes.
fn check_chain(dir: &Directory, segments: &[(u64, PathBuf)]) -> Result<(), JournalError> {
    let mut earlier: Option<SegmentReader> = None;
    for (first, path) in segments {
        let reader = SegmentReader::open_header(dir, path, *first)?;
        if let Some(earlier) = &earlier {
            check_follows(earlier, &reader)?;
        }
        earlier = Some(reader);
    }
    Ok(())
}

fn check_follows(earlier: &SegmentReader, later: &SegmentReader) -> Result<(), JournalError> {
    let (before, header) = (&earlier.header, &later.header);
    let inputs = header.first_seq.0.checked_sub(before.first_seq.0);
    let records = header.first_record - before.first_record;
    let gap = |what| Err(JournalError::Gap { path: later.path().to_owned(), what });
    if header.journal != before.journal {
        return gap("it belongs to another journal");
    }
    if inputs.is_none_or(|inputs| inputs > records) {
        return gap("its first input's number");
    }
    let Some(known) = header.before else { return Ok(()) };
    if known.first_record != before.first_record {
        return gap("the segment before it is not there");
    }
    let path = earlier.path();
    let bytes = earlier.file().size().map_err(JournalError::io(path, "inspect"))?;
    if known.bytes != bytes {
        let (path, offset) = (path.to_owned(), known.bytes.min(bytes));
        let what = "its length is not the one at which it was closed";
        return Err(JournalError::Damaged { path, offset, what });
    }
    Ok(())
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
    let bytes = match tail {
        Tail::Torn => written_after(reader.file(), path, reader.offset())?,
        _ => 0,
    };
    let (path_of_cut, offset) = (path.to_owned(), reader.offset());
    end.cut = (bytes > 0).then_some(Cut { path: path_of_cut, offset, bytes });
    let file = dir.open_to_write(path)?;
    file.set_len(reader.offset()).map_err(JournalError::io(path, "cut the tail of"))?;
    file.sync_all().map_err(JournalError::io(path, "sync"))?;
    if end.next_record == first_record {
        // Nothing but a header: the next segment takes its name, with a salt of its own.
        dir.remove(path)?;
        dir.sync()?;
    } else {
        end.before = Some(Before { first_record, bytes: offset });
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
    let end = mend(dir, first_record, &finished)?;
    Ok(End { cut: end.cut.or_else(|| before.cut.clone()), ..end })
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
        before: header.before,
        cut: None,
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
