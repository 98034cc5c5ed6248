//! What follows the last whole record: room, a write that a crash cut short, or damage.
//!
//! A batch is written by one call, front to back into zeros, so a process that ends in the middle
//! leaves the beginning of a batch and then zeros. A machine that loses its power may also lose any
//! sector that was not synced, which is then zeros. Anything else was whole once: a record whose mark
//! is in its place but whose checksum fails, a record that is whole under another length, or any
//! whole record further on. That is damage, and is named and never cut.

use std::path::Path;

use super::JournalError;
use super::disk::DiskFile;
use super::frame::{self, HEAD, MARK, OVERHEAD, Parsed};
use super::segment::fill;

/// What a disk writes whole or not at all.
pub(super) const SECTOR: u64 = 512;

/// What stands after the last whole record of the newest segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tail {
    /// Nothing, or room that was allocated ahead.
    Clean,
    /// The beginning of a batch: never acknowledged, so never missed.
    Torn,
    /// A record whole but for its mark, which was the next byte to be written.
    Unmarked {
        /// Where the mark goes.
        mark_at: u64,
    },
    /// Bytes that were whole once.
    Damaged {
        /// What shows it.
        what: &'static str,
    },
}

/// Judges the bytes of a segment from `offset` on.
pub(super) fn judge(file: &dyn DiskFile, path: &Path, offset: u64) -> Result<Tail, JournalError> {
    let length = file.size().map_err(JournalError::io(path, "inspect the segment"))?;
    let Some(end) = last_written(file, path, offset, length)? else {
        return Ok(Tail::Clean);
    };
    // One byte more, so that a mark that was not written is seen as zero.
    let mut bytes = vec![0; (end - offset + 1) as usize];
    fill(file, path, &mut bytes, offset)?;
    Ok(judge_bytes(&bytes, offset))
}

/// How many bytes stand from `offset` on, up to the last that is not zero.
pub(super) fn written_after(
    file: &dyn DiskFile,
    path: &Path,
    offset: u64,
) -> Result<u64, JournalError> {
    let length = file.size().map_err(JournalError::io(path, "inspect the segment"))?;
    Ok(last_written(file, path, offset, length)?.map_or(0, |end| end - offset))
}

/// Whether nothing was written right after the last whole record.
pub(super) fn begins_empty(
    file: &dyn DiskFile,
    path: &Path,
    offset: u64,
) -> Result<bool, JournalError> {
    let mut head = [0; HEAD];
    fill(file, path, &mut head, offset)?;
    Ok(head == [0; HEAD])
}

/// One past the last byte that is not zero.
fn last_written(
    file: &dyn DiskFile,
    path: &Path,
    from: u64,
    length: u64,
) -> Result<Option<u64>, JournalError> {
    const STEP: u64 = 16 << 10;
    let mut buffer = [0; STEP as usize];
    let mut upper = length;
    while upper > from {
        let lower = upper.saturating_sub(STEP).max(from);
        let chunk = &mut buffer[..(upper - lower) as usize];
        let filled = fill(file, path, chunk, lower)?;
        if let Some(last) = chunk[..filled].iter().rposition(|byte| *byte != 0) {
            return Ok(Some(lower + last as u64 + 1));
        }
        upper = lower;
    }
    Ok(None)
}

/// Judges what was written after the last whole record. The last byte is a zero beyond it.
fn judge_bytes(bytes: &[u8], offset: u64) -> Tail {
    let written = &bytes[..bytes.len() - 1];
    if lost_a_sector(written, offset) {
        return Tail::Torn;
    }
    match frame::parse(bytes) {
        Parsed::Unmarked if unmarked_at(bytes) == Some(written.len()) => {
            return Tail::Unmarked { mark_at: offset + written.len() as u64 };
        }
        Parsed::Unmarked => return Tail::Damaged { what: "a record's end mark was changed" },
        Parsed::Checksum if unmarked_at(bytes).and_then(|at| written.get(at)) == Some(&MARK) => {
            return Tail::Damaged { what: "a record was written whole and fails its checksum" };
        }
        Parsed::Whole(_) | Parsed::Checksum | Parsed::Short(_) | Parsed::Empty | Parsed::Length => {
        }
    }
    if whole_under_another_length(written) {
        return Tail::Damaged { what: "a record's length was changed" };
    }
    if whole_record_within(written).is_some() {
        return Tail::Damaged { what: "whole records follow bytes that are none" };
    }
    Tail::Torn
}

/// Whether the record that should begin here lacks a sector: it was never synced, nor was what
/// follows it, and so nothing of it was acknowledged as durable.
fn lost_a_sector(written: &[u8], offset: u64) -> bool {
    // Bytes up to the end of the sector in which the record begins.
    let first = ((SECTOR - offset % SECTOR) as usize).min(written.len());
    let is_lost = |sector: &[u8]| sector.iter().all(|byte| *byte == 0);
    if is_lost(&written[..first]) && (first >= 4 || lacks_its_beginning(written, first)) {
        return true;
    }
    // Where its length is lost or says nothing sensible, the next sector stands for it.
    let size = unmarked_at(written).map_or(HEAD, |mark_at| mark_at + 1);
    let size = if size > HEAD + frame::PAYLOAD_MAX { HEAD } else { size };
    let rest = &written[first..];
    let sectors = size.saturating_sub(first).div_ceil(SECTOR as usize);
    rest.chunks(SECTOR as usize).take(sectors).any(|sector| sector.len() > 1 && is_lost(sector))
}

/// Whether a record whose first bytes are zeros, fewer than its length has, lost them with their
/// sector: it is whole but for them, or another sector of it is lost too. A length may have zeros of
/// its own, so zeros alone say nothing.
fn lacks_its_beginning(written: &[u8], first: usize) -> bool {
    let end = whole_record_within(written).unwrap_or(written.len());
    let mut sectors = written[first.min(end)..end].chunks(SECTOR as usize);
    whole_under_another_length(&written[..end])
        || sectors.any(|sector| sector.len() > 1 && sector.iter().all(|byte| *byte == 0))
}

/// Where the length field says that the mark is.
fn unmarked_at(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(*bytes.first_chunk()?);
    Some(HEAD + length as usize)
}

/// Whether the bytes are one record to their end, but for the length field.
fn whole_under_another_length(written: &[u8]) -> bool {
    let Some(length) = written.len().checked_sub(OVERHEAD) else {
        return false;
    };
    let stored = |at: usize| written.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    let payload = written.get(HEAD..HEAD + length).unwrap_or_default();
    written.last() == Some(&MARK)
        && stored(4).map(u32::from_le_bytes) == Some(frame::checksum(length as u32, payload))
}

/// Where a whole record stands after the first byte, or may stand: hostile bytes can claim a long
/// record at every place, and after so much work the answer is the careful one.
fn whole_record_within(written: &[u8]) -> Option<usize> {
    let mut work_left = written.len().saturating_mul(8).saturating_add(1 << 20);
    for at in 1..written.len().saturating_sub(OVERHEAD) {
        let candidate = &written[at..];
        let mark_at = unmarked_at(candidate)?;
        if mark_at == HEAD || candidate.get(mark_at) != Some(&MARK) {
            continue;
        }
        let Some(rest) = work_left.checked_sub(mark_at) else {
            return Some(at);
        };
        work_left = rest;
        if matches!(frame::parse(candidate), Parsed::Whole(_)) {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(payloads: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for payload in payloads {
            let appended = frame::append(&mut out, |out| -> Result<(), ()> {
                out.extend_from_slice(payload);
                Ok(())
            });
            assert_eq!(appended, Ok(()));
        }
        out
    }

    fn judged(written: &[u8]) -> Tail {
        let end = written.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if end == 0 {
            return Tail::Clean;
        }
        judge_bytes(&[&written[..end], &[0]].concat(), 0)
    }

    /// Wherever a crash cuts a batch of one record, nothing was acknowledged: the cut is torn, or
    /// whole but for the mark, and never damage that would keep the service down.
    #[test]
    fn every_cut_of_the_last_record_is_torn() {
        let whole = frames(&[b"one record of a journal"]);
        for cut in 0..whole.len() {
            let tail = judged(&whole[..cut]);
            let expected = match cut {
                0 => Tail::Clean,
                _ if cut == whole.len() - 1 => Tail::Unmarked { mark_at: cut as u64 },
                _ => Tail::Torn,
            };
            assert_eq!(tail, expected, "cut at {cut}");
        }
    }

    /// Any change of any byte of the last record, which was whole, is damage: cutting it would lose
    /// an acknowledged decision.
    #[test]
    fn every_changed_byte_of_the_last_record_is_damage() {
        let whole = frames(&[b"one record of a journal"]);
        for at in 0..whole.len() {
            for value in 0..=255_u8 {
                let mut changed = whole.clone();
                if changed[at] == value {
                    continue;
                }
                changed[at] = value;
                let tail = judged(&changed);
                // A mark set to zero leaves a record that is whole: it is mended, not lost.
                let mended = Tail::Unmarked { mark_at: at as u64 };
                let expected = matches!(tail, Tail::Damaged { .. }) || tail == mended;
                assert!(expected, "byte {at} set to {value}: {tail:?}");
            }
        }
    }

    /// A changed byte before other records never lets them be cut.
    #[test]
    fn damage_before_whole_records_is_never_torn() {
        let whole = frames(&[b"the first record", b"the second"]);
        for at in 0..frames(&[b"the first record"]).len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                assert!(matches!(judged(&changed), Tail::Damaged { .. }), "byte {at} bit {bit}");
            }
        }
    }

    /// A sector that was never synced may hold no more of a record than the first bytes of its
    /// length. With them lost, what follows is as unsynced as they were, however whole it looks.
    #[test]
    fn a_lost_sector_may_end_within_a_length() {
        let payload = [7; 1_300];
        let whole = frames(&[&payload, b"the second"]);
        let size = frames(&[&payload]).len();
        for first in 1..4 {
            // Where the record begins, so that its first sector holds so many bytes of it.
            let offset = SECTOR - first as u64;
            for length in [size, whole.len()] {
                let mut lost = whole[..length].to_vec();
                lost[..first].fill(0);
                assert_eq!(judge_bytes(&[&lost, &[0][..]].concat(), offset), Tail::Torn, "{first}");
                lost[first + 512..first + 1_024].fill(0);
                assert_eq!(judge_bytes(&[&lost, &[0][..]].concat(), offset), Tail::Torn, "{first}");
                // Nothing of this one is lost, and one byte is another.
                let mut changed = whole[..length].to_vec();
                changed[700] ^= 1;
                let judged = judge_bytes(&[&changed, &[0][..]].concat(), offset);
                assert!(matches!(judged, Tail::Damaged { .. }), "{first}: {judged:?}");
            }
        }
    }
}
