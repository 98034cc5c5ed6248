//! A frame: how a payload stands in a file so that damage and a cut-short write are told apart.
//!
//! `length u32 | CRC32C u32 | payload | 0xA5`. The checksum covers the length too. The mark at the
//! end is not zero, so a record of which it is there was written to its end: if its checksum fails,
//! it is damage and not the tail of a crash.

use std::ops::Range;

use crate::wire::MessageWriter;

/// Length and checksum.
pub(super) const HEAD: usize = 8;
/// The last byte of a frame.
pub(super) const MARK: u8 = 0xA5;
/// What a frame adds to its payload.
pub(super) const OVERHEAD: usize = HEAD + 1;
/// A bundle with large lists is the largest record; a length above this is damage.
pub(super) const PAYLOAD_MAX: usize = 64 << 20;

/// Appends a frame whose payload `fill` writes; on an error the buffer is as before.
pub(super) fn append<E>(
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD]);
    if let Err(error) = fill(out) {
        out.truncate(start);
        return Err(error);
    }
    let length = (out.len() - start - HEAD) as u32;
    let (head, payload) = out[start..].split_at_mut(HEAD);
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(&checksum(length, payload).to_le_bytes());
    out.push(MARK);
    Ok(())
}

/// A file's first bytes: what it is, which version, and a frame with its head.
pub(super) fn beginning(
    magic: &[u8],
    version: &[u8],
    fill: impl FnOnce(&mut MessageWriter<'_>),
) -> Vec<u8> {
    let mut out = [magic, version].concat();
    let written = append(&mut out, |out| -> Result<(), std::convert::Infallible> {
        fill(&mut MessageWriter::new(out));
        Ok(())
    });
    match written {
        Ok(()) => out,
        Err(never) => match never {},
    }
}

/// The checksum of a payload under a length.
pub(super) fn checksum(length: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), payload)
}

/// What stands at the front of some bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Parsed {
    /// A whole frame: where its payload is. The next one begins one mark after it.
    Whole(Range<usize>),
    /// This many bytes are needed to know.
    Short(usize),
    /// A length of zero: nothing was written here, or the length was lost.
    Empty,
    /// The checksum holds but the mark is another byte.
    Unmarked,
    /// The payload is not what the checksum was taken over.
    Checksum,
    /// A length above [`PAYLOAD_MAX`].
    Length,
}

/// Looks at the front of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
        return Parsed::Short(HEAD);
    };
    let length = u32::from_le_bytes(*length);
    if length == 0 {
        return Parsed::Empty;
    }
    let size = length as usize;
    if size > PAYLOAD_MAX {
        return Parsed::Length;
    }
    let Some((stored, rest)) = rest.split_first_chunk::<4>() else {
        return Parsed::Short(HEAD);
    };
    let Some((payload, after)) = rest.split_at_checked(size) else {
        return Parsed::Short(size + OVERHEAD);
    };
    let Some(mark) = after.first() else {
        return Parsed::Short(size + OVERHEAD);
    };
    if checksum(length, payload) != u32::from_le_bytes(*stored) {
        return Parsed::Checksum;
    }
    if *mark != MARK {
        return Parsed::Unmarked;
    }
    Parsed::Whole(HEAD..HEAD + size)
}
