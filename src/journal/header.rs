//! The front of a segment file: what it is, where it stands in the journal, and its salt.

use super::frame;
use super::notes::{ActiveBundle, BundleHash, BundleRef};
use super::seal::{JournalId, KeyCheck, SegmentSalt, TokenKeyName};
use crate::domain::Seq;
use crate::wire::{MessageReader, MessageWriter, WireError};

/// The first bytes of every segment. The line end shows a file that was copied as text.
pub(super) const MAGIC: [u8; 8] = *b"TGJRNL\r\n";
/// The format that this version writes.
pub(super) const VERSION: u32 = 1;
/// Magic and version: what stands before the first frame.
pub(super) const PREAMBLE: usize = MAGIC.len() + 4;

/// What a segment says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SegmentHeader {
    pub journal: JournalId,
    pub salt: SegmentSalt,
    /// The number of its first record, counted over the journal from 0. Also the file's name.
    pub first_record: u64,
    /// The number that the next input had when it began.
    pub first_seq: Seq,
    pub created_at_ms: i64,
    pub key_id: u32,
    /// Bundle records before it.
    pub bundles: u32,
    /// The bundle in force when it began; absent where it is the first record.
    pub active: Option<ActiveBundle>,
    /// Which key makes its tokens, and the check of the key that seals. Absent in segments of before.
    pub token_key: Option<TokenKeyName>,
    pub seal_check: Option<KeyCheck>,
    /// The closed segment before it; absent in the first one, and in segments of before.
    pub before: Option<Before>,
}

/// A closed segment, as the one after it knows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Before {
    pub first_record: u64,
    /// The file's length.
    pub bytes: u64,
}

impl SegmentHeader {
    /// The file's bytes up to the first record.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        frame::beginning(&MAGIC, &VERSION.to_le_bytes(), |w| self.write(w))
    }

    fn write(&self, w: &mut MessageWriter<'_>) {
        w.bytes(1, &self.journal.0);
        w.bytes(2, &self.salt.0);
        w.uint(3, self.first_record);
        w.uint(4, self.first_seq.0);
        w.int(5, self.created_at_ms);
        w.uint(6, u64::from(self.key_id));
        w.uint(7, u64::from(self.bundles));
        if let Some(active) = &self.active {
            w.message(8, |w| {
                w.uint(1, u64::from(active.bundle.0));
                w.bytes(2, &active.hash.0);
                w.uint(3, active.segment);
                w.uint(4, active.offset);
            });
        }
        if let Some(token_key) = &self.token_key {
            w.uint(9, u64::from(token_key.version));
            w.bytes(10, &token_key.check.0);
        }
        if let Some(check) = &self.seal_check {
            w.bytes(11, &check.0);
        }
        if let Some(before) = &self.before {
            w.uint(12, before.first_record);
            w.uint(13, before.bytes);
        }
    }

    /// Reads the payload of the first frame.
    pub(super) fn read(payload: &[u8]) -> Result<Self, WireError> {
        let mut header = Self {
            journal: JournalId([0; 16]),
            salt: SegmentSalt([0; 32]),
            first_record: 0,
            first_seq: Seq(0),
            created_at_ms: 0,
            key_id: 0,
            bundles: 0,
            active: None,
            token_key: None,
            seal_check: None,
            before: None,
        };
        let (mut version, mut check) = (0, None);
        let mut before = Before { first_record: 0, bytes: 0 };
        let mut reader = MessageReader::new(payload);
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => header.journal = JournalId(value.array("segment.journal_id")?),
                2 => header.salt = SegmentSalt(value.array("segment.salt")?),
                3 => header.first_record = value.uint("segment.first_record")?,
                4 => header.first_seq = Seq(value.uint("segment.first_seq")?),
                5 => header.created_at_ms = value.int("segment.created_at_ms")?,
                6 => header.key_id = value.narrow("segment.key_id")?,
                7 => header.bundles = value.narrow("segment.bundles")?,
                8 => header.active = Some(read_active(value.message("segment.active")?)?),
                9 => version = value.narrow("segment.token_key_version")?,
                10 => check = Some(KeyCheck(value.array("segment.token_key_check")?)),
                11 => {
                    header.seal_check = Some(KeyCheck(value.array("segment.seal_key_check")?));
                }
                12 => before.first_record = value.uint("segment.before_first_record")?,
                13 => before.bytes = value.uint("segment.before_bytes")?,
                _ => {}
            }
        }
        // No segment is empty.
        header.before = Some(before).filter(|before| before.bytes > 0);
        header.token_key = check.map(|check| TokenKeyName { version, check });
        Ok(header)
    }
}

fn read_active(mut reader: MessageReader<'_>) -> Result<ActiveBundle, WireError> {
    let mut active =
        ActiveBundle { bundle: BundleRef(0), hash: BundleHash::default(), segment: 0, offset: 0 };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => active.bundle = BundleRef(value.narrow("active.bundle")?),
            2 => active.hash = BundleHash(value.array("active.hash")?),
            3 => active.segment = value.uint("active.segment")?,
            4 => active.offset = value.uint("active.offset")?,
            _ => {}
        }
    }
    Ok(active)
}
