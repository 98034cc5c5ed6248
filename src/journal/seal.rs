//! The seal: the parts of an event, encrypted so that they open in their own record alone.
//!
//! **Why no nonce repeats.** Each opening of a journal draws a fresh 32-byte salt and begins a new
//! segment, so the key of a segment (HKDF over salt and first record number) has never been used
//! before and is used by one [`Sealer`] in one process alone. Within it the nonce is a counter that
//! goes up with each use and never back, also when a record is given up half-way. A tail that a
//! crash cut off was sealed under a key that is not used again.

use std::fmt;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

use super::JournalError;
use crate::domain::{Content, Seq, Token};
use crate::wire::{EventBytes, MessageWriter};

/// Which part of an event a block holds. The numbers are the file format's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum BlockKind {
    Event = 1,
    Payer = 2,
    Payee = 3,
}

/// The cipher of a block, by its number in the file format.
pub(super) const SUITE_AES_256_GCM: u8 = 1;
/// Bytes of its tag.
pub(super) const TAG: usize = 16;

/// A journal's name: 16 random bytes, the same in every segment.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct JournalId(pub(super) [u8; 16]);

impl JournalId {
    /// The name that a file beside the journal gives.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// For a file beside the journal, to say whose it is.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Debug for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What makes a segment's key its own.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct SegmentSalt(pub(super) [u8; 32]);

impl fmt::Debug for SegmentSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SegmentSalt")
    }
}

/// Random bytes for one opening of a journal. Not `Clone`: what was used once is used up.
pub struct FreshRandom {
    pub(super) salt: SegmentSalt,
    pub(super) journal: JournalId,
}

impl FreshRandom {
    /// Draws from the operating system.
    pub fn draw() -> Result<Self, JournalError> {
        let mut bytes = [0; 48];
        SystemRandom::new().fill(&mut bytes).map_err(|_| JournalError::NoRandom)?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; 48]) -> Self {
        let (mut salt, mut journal) = ([0; 32], [0; 16]);
        salt.copy_from_slice(&bytes[..32]);
        journal.copy_from_slice(&bytes[32..]);
        Self { salt: SegmentSalt(salt), journal: JournalId(journal) }
    }

    /// The same bytes each time, so that a test's files are the same.
    #[cfg(test)]
    pub(crate) fn fixed(byte: u8) -> Self {
        Self::of(&[byte; 48])
    }
}

/// What a journal's headers show of a key: derived from it one way, the same in every journal. It
/// tells two keys apart and is of no use for anything that either of them protects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyCheck(pub [u8; 16]);

/// Which key makes a journal's tokens: the journal itself makes none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenKeyName {
    /// Its version.
    pub version: u16,
    /// Its check.
    pub check: KeyCheck,
}

/// A key that seals journals. Its bytes leave memory with it.
#[derive(Clone)]
pub struct SealKey {
    id: u32,
    secret: Zeroizing<[u8; 32]>,
}

impl SealKey {
    /// A key by its number, which blocks name.
    pub const fn new(id: u32, secret: Zeroizing<[u8; 32]>) -> Self {
        Self { id, secret }
    }

    /// Its number.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Its check.
    pub fn check(&self) -> KeyCheck {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"tidegate seal key check 1");
        context.update(&self.id.to_le_bytes());
        let mut check = [0; 16];
        check.copy_from_slice(&context.sign().as_ref()[..16]);
        KeyCheck(check)
    }

    /// The key of one segment.
    pub(super) fn of_segment(
        &self,
        journal: JournalId,
        salt: SegmentSalt,
        first_record: u64,
    ) -> Result<LessSafeKey, JournalError> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt.0).extract(self.secret.as_slice());
        let first = first_record.to_le_bytes();
        let info: [&[u8]; 3] = [b"tidegate segment key 1", &journal.0, &first];
        let okm = prk.expand(&info, &AES_256_GCM).map_err(|_| JournalError::Seal)?;
        Ok(LessSafeKey::new(UnboundKey::from(okm)))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey(id {}, ***)", self.id)
    }
}

/// The record that a block belongs to: a block opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding {
    pub journal: JournalId,
    pub seq: Seq,
    pub event: Token,
    pub content: Content,
}

const LABEL: &[u8; 16] = b"tidegate block 1";
const AAD: usize = LABEL.len() + 16 + 8 + 16 + 16 + 1 + 1 + 4;

impl Binding {
    /// The associated data of one block.
    pub(super) fn associated(&self, kind: BlockKind, suite: u8, key_id: u32) -> [u8; AAD] {
        let mut out = [0; AAD];
        let mut at = 0;
        let mut push = |bytes: &[u8]| {
            // The lengths add up to AAD, above.
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        push(LABEL);
        push(&self.journal.0);
        push(&self.seq.0.to_le_bytes());
        push(self.event.as_bytes());
        push(&self.content.0);
        push(&[kind as u8, suite]);
        push(&key_id.to_le_bytes());
        out
    }
}

/// The nonce of a counter: big endian, as stored blocks have it.
pub(super) fn nonce_of(counter: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    nonce
}

/// Seals the blocks of one segment.
pub(super) struct Sealer {
    key: LessSafeKey,
    key_id: u32,
    counter: u64,
}

impl Sealer {
    pub(super) const fn new(key: LessSafeKey, key_id: u32) -> Self {
        Self { key, key_id, counter: 0 }
    }

    /// Writes the parts of an event as sealed blocks (field 4 of `Record`); an empty part has none.
    pub(super) fn write(
        &mut self,
        w: &mut MessageWriter<'_>,
        event: &EventBytes,
        binding: &Binding,
    ) -> Result<(), JournalError> {
        self.block(w, BlockKind::Event, event.event(), binding)?;
        self.block(w, BlockKind::Payer, event.payer(), binding)?;
        self.block(w, BlockKind::Payee, event.payee(), binding)
    }

    fn block(
        &mut self,
        w: &mut MessageWriter<'_>,
        kind: BlockKind,
        plain: &[u8],
        binding: &Binding,
    ) -> Result<(), JournalError> {
        if plain.is_empty() {
            return Ok(());
        }
        // Counted before it is used: a failure spends a number and never repeats one.
        self.counter += 1;
        let nonce = nonce_of(self.counter);
        let zeros = (self.counter.leading_zeros() / 8) as usize + 4;
        let associated = Aad::from(binding.associated(kind, SUITE_AES_256_GCM, self.key_id));
        let mut sealed = Ok(());
        w.message(4, |w| {
            w.uint(1, kind as u64);
            w.uint(2, u64::from(SUITE_AES_256_GCM));
            w.uint(3, u64::from(self.key_id));
            // Left-hand zeros are not stored; the counter is not zero.
            w.bytes(5, &nonce[zeros..]);
            w.message(6, |w| {
                let out = w.raw();
                let start = out.len();
                out.extend_from_slice(plain);
                let nonce = Nonce::assume_unique_for_key(nonce);
                let body = &mut out[start..];
                match self.key.seal_in_place_separate_tag(nonce, associated, body) {
                    Ok(tag) => out.extend_from_slice(tag.as_ref()),
                    Err(_) => {
                        // What was copied in the clear must not stay.
                        out.truncate(start);
                        sealed = Err(JournalError::Seal);
                    }
                }
            });
        });
        sealed
    }
}
