//! One record, read from where it stands.

use super::JournalError;
use super::directory::Directory;
use super::notes::{BundleHash, read_bundle};
use super::read_entry::ReadEntry;
use super::record::{Record, RecordKind};
use super::segment::{SegmentReader, Step};
use crate::wire::{MessageReader, WireError};

/// Reads the record of an input at a place that [`super::Reader::position`] or
/// [`super::Appended`] named, with the hash of the bundle that it was made under.
pub fn read_record(
    dir: &Directory,
    segment: u64,
    offset: u64,
) -> Result<(ReadEntry, BundleHash), JournalError> {
    let path = dir.segment_path(segment);
    let mut reader = SegmentReader::open(dir, &path, segment)?;
    let active = reader.header.active;
    reader.seek(offset);
    let Step::Frame(range) = reader.next()? else {
        let what = "no whole record stands where the record of an event should";
        return Err(JournalError::Damaged { path, offset, what });
    };
    let wrong = |source| JournalError::Record { path: path.clone(), offset, source };
    let payload = reader.payload(range);
    let record = Record::read(payload).map_err(wrong)?;
    if record.kind != RecordKind::Open {
        return Err(wrong(WireError::Missing { field: "open" }));
    }
    let mut entry = ReadEntry::new();
    entry.read(MessageReader::new(&payload[record.body])).map_err(wrong)?;
    if let Some(active) = active.filter(|active| active.bundle == entry.bundle) {
        return Ok((entry, active.hash));
    }
    // The bundle became active within this segment, before the record.
    let mut reader = SegmentReader::open(dir, &path, segment)?;
    while reader.offset() < offset {
        let Step::Frame(range) = reader.next()? else { break };
        let payload = reader.payload(range);
        let record = Record::read(payload).map_err(wrong)?;
        if record.kind == RecordKind::Bundle {
            let stored = read_bundle(MessageReader::new(&payload[record.body])).map_err(wrong)?;
            if stored.bundle == entry.bundle {
                return Ok((entry, stored.hash));
            }
        }
    }
    Ok((entry, BundleHash::default()))
}
