//! The one door to sealed parts. Whoever reads a personal value out of a journal comes through
//! here and is counted.

use ring::aead::{Aad, LessSafeKey, Nonce};
use zeroize::{Zeroize as _, Zeroizing};

use super::header::SegmentHeader;
use super::seal::{Binding, BlockKind, SUITE_AES_256_GCM, SealKey, TAG};
use crate::wire::{EventParts, MessageReader, WireError};

/// Why a sealed part stays closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// No key with this number was given.
    #[error("the event is sealed under key {key_id}, which is not among the keys given")]
    UnknownKey {
        /// The number.
        key_id: u32,
    },
    /// A later version's key scheme: sealed under a subject's own key.
    #[error("the event is sealed under its subject's own key, which this version cannot use")]
    SubjectKey,
    /// A later version's cipher.
    #[error("the event is sealed with cipher suite {suite}, which this version does not know")]
    UnknownSuite {
        /// Its number.
        suite: u64,
    },
    /// The tag does not fit: another key, altered bytes, or a block moved from its record.
    #[error("the sealed part does not open: it was altered, moved, or sealed under another key")]
    DoesNotOpen,
    /// The envelope itself is broken.
    #[error("the envelope of the sealed part: {0}")]
    Envelope(#[from] WireError),
}

/// The sealed part of one record, closed.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    pub(super) header: &'a SegmentHeader,
    pub(super) binding: Binding,
    /// The whole `Record` message.
    pub(super) record: &'a [u8],
}

/// The parts of an event in the clear. A reused buffer; its bytes leave memory with it.
#[derive(Default)]
pub struct Unsealed {
    event: Zeroizing<Vec<u8>>,
    payer: Zeroizing<Vec<u8>>,
    payee: Zeroizing<Vec<u8>>,
}

impl Unsealed {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The parts, to be read by [`crate::wire::decode`]; all empty when nothing was sealed.
    pub fn parts(&self) -> EventParts<'_> {
        EventParts { event: &self.event, payer: &self.payer, payee: &self.payee }
    }

    fn clear(&mut self) {
        for part in [&mut self.event, &mut self.payer, &mut self.payee] {
            part.zeroize();
        }
    }

    fn part(&mut self, kind: BlockKind) -> &mut Vec<u8> {
        match kind {
            BlockKind::Event => &mut self.event,
            BlockKind::Payer => &mut self.payer,
            BlockKind::Payee => &mut self.payee,
        }
    }
}

/// Opens sealed parts, and counts.
pub struct Unsealer {
    keys: Vec<SealKey>,
    /// The key of the segment and key number last used: making one costs more than opening a block.
    current: Option<(SegmentHeader, u32, LessSafeKey)>,
    opened: u64,
}

impl Unsealer {
    /// Opens with any of these keys.
    pub const fn new(keys: Vec<SealKey>) -> Self {
        Self { keys, current: None, opened: 0 }
    }

    /// How many records were opened, whole or in part: each is a read of personal data.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// Opens the sealed part of a record into `out`; on an error `out` is empty.
    pub fn open(&mut self, sealed: &Sealed<'_>, out: &mut Unsealed) -> Result<(), UnsealError> {
        out.clear();
        let opened = self.open_blocks(sealed, out);
        if opened.is_err() {
            out.clear();
        }
        opened
    }

    fn open_blocks(&mut self, sealed: &Sealed<'_>, out: &mut Unsealed) -> Result<(), UnsealError> {
        self.opened += 1;
        let mut reader = MessageReader::new(sealed.record);
        while let Some((number, value)) = reader.field()? {
            if number == 4 {
                let block = Block::read(value.message("sealed")?)?;
                self.open_block(sealed, &block, out)?;
            }
        }
        Ok(())
    }

    fn open_block(
        &mut self,
        sealed: &Sealed<'_>,
        block: &Block<'_>,
        out: &mut Unsealed,
    ) -> Result<(), UnsealError> {
        let associated = sealed.binding.associated(block.kind, SUITE_AES_256_GCM, block.key_id);
        let key = self.key(sealed.header, block.key_id)?;
        let plain = out.part(block.kind);
        plain.zeroize();
        plain.extend_from_slice(block.ciphertext);
        let nonce = Nonce::assume_unique_for_key(block.nonce);
        key.open_in_place(nonce, Aad::from(associated), plain)
            .map_err(|_| UnsealError::DoesNotOpen)?;
        plain.truncate(plain.len().saturating_sub(TAG));
        Ok(())
    }

    fn key(&mut self, header: &SegmentHeader, key_id: u32) -> Result<&LessSafeKey, UnsealError> {
        let same = |(of, id, _): &(SegmentHeader, u32, LessSafeKey)| of == header && *id == key_id;
        if !self.current.as_ref().is_some_and(same) {
            let unknown = UnsealError::UnknownKey { key_id };
            let key = self.keys.iter().find(|key| key.id() == key_id).ok_or(unknown)?;
            let key = key
                .of_segment(header.journal, header.salt, header.first_record)
                .map_err(|_| UnsealError::DoesNotOpen)?;
            self.current = Some((header.clone(), key_id, key));
        }
        // Set just above, unless it was there.
        self.current.as_ref().map(|(_, _, key)| key).ok_or(UnsealError::UnknownKey { key_id })
    }
}

/// The envelope of one block.
struct Block<'a> {
    kind: BlockKind,
    key_id: u32,
    nonce: [u8; 12],
    ciphertext: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(mut reader: MessageReader<'a>) -> Result<Self, UnsealError> {
        let (mut kind, mut suite, mut key_id) = (None, 0, None);
        let (mut nonce, mut ciphertext) = (None, None);
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => kind = Some(kind_of(value.uint("block.kind")?)?),
                2 => suite = value.uint("block.suite")?,
                3 => key_id = Some(value.narrow("block.key_id")?),
                4 => return Err(UnsealError::SubjectKey),
                5 => nonce = Some(padded(value.bytes("block.nonce")?)?),
                6 => ciphertext = Some(value.bytes("block.ciphertext")?),
                _ => {}
            }
        }
        if suite != u64::from(SUITE_AES_256_GCM) {
            return Err(UnsealError::UnknownSuite { suite });
        }
        let missing = |field| WireError::Missing { field };
        Ok(Self {
            kind: kind.ok_or(missing("block.kind"))?,
            key_id: key_id.ok_or(missing("block.key_id"))?,
            nonce: nonce.ok_or(missing("block.nonce"))?,
            ciphertext: ciphertext.ok_or(missing("block.ciphertext"))?,
        })
    }
}

const fn kind_of(number: u64) -> Result<BlockKind, WireError> {
    match number {
        1 => Ok(BlockKind::Event),
        2 => Ok(BlockKind::Payer),
        3 => Ok(BlockKind::Payee),
        _ => Err(WireError::UnknownWord { field: "block.kind", number }),
    }
}

/// Puts back the zeros that were left out.
fn padded(stored: &[u8]) -> Result<[u8; 12], WireError> {
    let mut nonce = [0; 12];
    let zeros = nonce.len().checked_sub(stored.len());
    let zeros = zeros.ok_or(WireError::OutOfRange { field: "block.nonce" })?;
    nonce[zeros..].copy_from_slice(stored);
    Ok(nonce)
}
