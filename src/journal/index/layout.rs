//! How an index stands in its file: a framed head, then blocks of 4 KiB with a checksum each.

use crate::domain::Seq;
use crate::journal::BundleRef;
use crate::journal::frame;
use crate::journal::header::SegmentHeader;
use crate::journal::seal::{JournalId, SegmentSalt};
use crate::wire::{MessageReader, MessageWriter, WireError};

/// The first bytes of every index.
pub(super) const MAGIC: [u8; 8] = *b"TGINDX\r\n";
/// The format that this version writes; any other is made again.
pub(super) const VERSION: u32 = 1;
/// Magic and version.
pub(super) const PREAMBLE: usize = MAGIC.len() + 4;

/// A block with its checksum in the last four bytes.
pub(super) const BLOCK: usize = 4_096;
/// Bytes of a pair: key and input.
pub(super) const PAIR: usize = 12;
/// Pairs of a block.
pub(super) const PAIRS: usize = (BLOCK - 4) / PAIR;
/// Bytes of a row: offset, arrival, score, action, follow-ups.
pub(super) const ROW: usize = 20;
/// Rows of a block.
pub(super) const ROWS: usize = (BLOCK - 4) / ROW;

/// What an index says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Head {
    pub(super) journal: JournalId,
    pub(super) salt: SegmentSalt,
    pub(super) first_record: u64,
    /// The number of its first input.
    pub(super) first_seq: Seq,
    /// How many inputs it covers.
    pub(super) inputs: u32,
    /// Where in the segment the next record begins.
    pub(super) covered: u64,
    /// How many pairs there are.
    pub(super) pairs: u64,
    /// Where the records of bundles stand.
    pub(super) bundles: Vec<(BundleRef, u64)>,
    /// The first key of each block of pairs.
    pub(super) fence: Vec<u64>,
}

impl Head {
    /// The head of nothing yet, at an offset of a segment.
    pub(super) const fn at(segment: &SegmentHeader, first_seq: Seq, covered: u64) -> Self {
        Self {
            journal: segment.journal,
            salt: segment.salt,
            first_record: segment.first_record,
            first_seq,
            inputs: 0,
            covered,
            pairs: 0,
            bundles: Vec::new(),
            fence: Vec::new(),
        }
    }

    /// Whether it is of a segment and not of another that had its name.
    pub(super) fn is_of(&self, segment: &SegmentHeader) -> bool {
        self.journal == segment.journal
            && self.salt == segment.salt
            && self.first_record == segment.first_record
            && self.first_seq == segment.first_seq
    }

    /// Blocks of pairs.
    pub(super) const fn pair_blocks(&self) -> usize {
        self.fence.len()
    }

    /// Blocks of rows.
    pub(super) const fn row_blocks(&self) -> usize {
        (self.inputs as usize).div_ceil(ROWS)
    }

    /// Whether its numbers fit one another.
    fn is_sound(&self) -> bool {
        self.pair_blocks() as u64 == self.pairs.div_ceil(PAIRS as u64)
    }

    /// The file's bytes up to the first block.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        frame::beginning(&MAGIC, &VERSION.to_le_bytes(), |w| self.write(w))
    }

    fn write(&self, w: &mut MessageWriter<'_>) {
        w.bytes(1, &self.journal.0);
        w.bytes(2, &self.salt.0);
        w.uint(3, self.first_record);
        w.uint(4, self.first_seq.0);
        w.uint(5, u64::from(self.inputs));
        w.uint(6, self.covered);
        w.uint(7, self.pairs);
        for (bundle, offset) in &self.bundles {
            w.message(8, |w| {
                w.uint(1, u64::from(bundle.0));
                w.uint(2, *offset);
            });
        }
        let fence: Vec<u8> = self.fence.iter().flat_map(|key| key.to_le_bytes()).collect();
        w.bytes(9, &fence);
    }

    /// Reads the payload of the head's frame.
    pub(super) fn read(payload: &[u8]) -> Result<Self, WireError> {
        let mut head = Self {
            journal: JournalId([0; 16]),
            salt: SegmentSalt([0; 32]),
            first_record: 0,
            first_seq: Seq(0),
            inputs: 0,
            covered: 0,
            pairs: 0,
            bundles: Vec::new(),
            fence: Vec::new(),
        };
        let mut reader = MessageReader::new(payload);
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => head.journal = JournalId(value.array("index.journal")?),
                2 => head.salt = SegmentSalt(value.array("index.salt")?),
                3 => head.first_record = value.uint("index.first_record")?,
                4 => head.first_seq = Seq(value.uint("index.first_seq")?),
                5 => head.inputs = value.narrow("index.inputs")?,
                6 => head.covered = value.uint("index.covered")?,
                7 => head.pairs = value.uint("index.pairs")?,
                8 => head.bundles.push(read_bundle(value.message("index.bundles")?)?),
                9 => {
                    let (keys, _) = value.bytes("index.fence")?.as_chunks::<8>();
                    head.fence = keys.iter().map(|key| u64::from_le_bytes(*key)).collect();
                }
                _ => {}
            }
        }
        let out_of_range = WireError::OutOfRange { field: "index.pairs" };
        if head.is_sound() { Ok(head) } else { Err(out_of_range) }
    }
}

fn read_bundle(mut reader: MessageReader<'_>) -> Result<(BundleRef, u64), WireError> {
    let (mut bundle, mut offset) = (BundleRef(0), 0);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => bundle = BundleRef(value.narrow("bundle.number")?),
            2 => offset = value.uint("bundle.offset")?,
            _ => {}
        }
    }
    Ok((bundle, offset))
}

/// What is known of an input without its record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct IndexRow {
    /// Where its frame begins in the segment.
    pub(super) offset: u64,
    pub(super) received_at_ms: i64,
    pub(super) score: u16,
    /// The action's number; [`NO_DECISION`] without a decision.
    pub(super) action: u8,
    pub(super) follow_ups: u8,
}

/// In place of an action.
pub(super) const NO_DECISION: u8 = u8::MAX;

impl IndexRow {
    pub(super) fn to_bytes(self) -> [u8; ROW] {
        let mut bytes = [0; ROW];
        bytes[..8].copy_from_slice(&self.offset.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.received_at_ms.to_le_bytes());
        bytes[16..18].copy_from_slice(&self.score.to_le_bytes());
        bytes[18] = self.action;
        bytes[19] = self.follow_ups;
        bytes
    }

    pub(super) fn read(bytes: &[u8; ROW]) -> Self {
        let [o0, o1, o2, o3, o4, o5, o6, o7, r0, r1, r2, r3, r4, r5, r6, r7, s0, s1, action, ups] =
            *bytes;
        Self {
            offset: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            received_at_ms: i64::from_le_bytes([r0, r1, r2, r3, r4, r5, r6, r7]),
            score: u16::from_le_bytes([s0, s1]),
            action,
            follow_ups: ups,
        }
    }
}

/// Closes a block: fills it and puts the checksum over it, bound to its place.
pub(super) fn seal_block(out: &mut Vec<u8>, start: usize, place: usize) {
    out.resize(start + BLOCK - 4, 0);
    let checksum = checksum(&out[start..], place);
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// Whether a block is whole and stands where it belongs.
pub(super) fn is_whole(block: &[u8; BLOCK], place: usize) -> bool {
    let (payload, stored) = block.split_at(BLOCK - 4);
    stored == checksum(payload, place).to_le_bytes()
}

fn checksum(payload: &[u8], place: usize) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&(place as u64).to_le_bytes()), payload)
}
