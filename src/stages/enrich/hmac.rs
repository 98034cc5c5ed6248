//! HMAC-SHA256 (RFC 2104) for many short values: the key's two blocks are compressed once.
//!
//! An event needs fifteen or so tokens of values shorter than a block, and for those the general
//! interfaces cost more around the two compressions than the compressions themselves.

use std::fmt;

use sha2::block_api::compress256;

const BLOCK: usize = 64;
type State = [u32; 8];

/// The initial state of SHA-256 (FIPS 180-4, 5.3.3).
const START: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A key: the states after its inner and its outer block.
#[derive(Clone)]
pub(super) struct Key {
    inner: State,
    outer: State,
}

impl Key {
    /// A key of 256 bits.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let after = |pad: u8| {
            let mut block = [pad; BLOCK];
            for (byte, secret) in block.iter_mut().zip(secret) {
                *byte ^= secret;
            }
            let mut state = START;
            compress256(&mut state, &[block]);
            state
        };
        Self { inner: after(0x36), outer: after(0x5c) }
    }

    /// The tag of one value.
    pub(super) fn sign(&self, value: &[u8]) -> [u8; 32] {
        self.sign_parts(&[value])
    }

    /// The tag of a value given in parts.
    pub(super) fn sign_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut signer = self.begin();
        parts.iter().for_each(|part| signer.part(part));
        signer.finish()
    }

    /// Begins the tag of a value that comes in parts.
    pub(super) const fn begin(&self) -> Signer<'_> {
        Signer { key: self, state: self.inner, block: [0; BLOCK], filled: 0, length: BLOCK as u64 }
    }
}

/// A tag on its way.
pub(super) struct Signer<'k> {
    key: &'k Key,
    state: State,
    block: [u8; BLOCK],
    filled: usize,
    length: u64,
}

impl Signer<'_> {
    /// Takes the next part of the value.
    pub(super) fn part(&mut self, part: &[u8]) {
        self.length += part.len() as u64;
        self.filled = absorb(&mut self.state, &mut self.block, self.filled, part);
    }

    /// The tag.
    pub(super) fn finish(mut self) -> [u8; 32] {
        pad(&mut self.state, &mut self.block, self.filled, self.length);
        let inner = bytes_of(&self.state);
        let mut state = self.key.outer;
        self.block[..32].copy_from_slice(&inner);
        pad(&mut state, &mut self.block, 32, BLOCK as u64 + 32);
        bytes_of(&state)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Takes bytes behind the `filled` ones of `block`; returns how many are left waiting in it.
///
/// `filled` is below [`BLOCK`], before and after.
fn absorb(state: &mut State, block: &mut [u8; BLOCK], filled: usize, mut part: &[u8]) -> usize {
    let room = BLOCK - filled;
    if part.len() < room {
        block[filled..filled + part.len()].copy_from_slice(part);
        return filled + part.len();
    }
    if filled > 0 {
        let (first, rest) = part.split_at(room);
        block[filled..].copy_from_slice(first);
        compress256(state, &[*block]);
        part = rest;
    }
    let (blocks, tail) = part.as_chunks();
    compress256(state, blocks);
    block[..tail.len()].copy_from_slice(tail);
    tail.len()
}

/// Ends a message of `length` bytes, of which `filled` wait in `block` (FIPS 180-4, 5.1.1).
fn pad(state: &mut State, block: &mut [u8; BLOCK], filled: usize, length: u64) {
    block[filled] = 0x80;
    block[filled + 1..].fill(0);
    if filled >= BLOCK - 8 {
        compress256(state, &[*block]);
        block.fill(0);
    }
    block[BLOCK - 8..].copy_from_slice(&(length * 8).to_be_bytes());
    compress256(state, &[*block]);
}

fn bytes_of(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 4231, test case 1, its key of 20 bytes filled up with zeros as HMAC does.
    #[test]
    fn the_published_vector_holds() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let tag = Key::new(&key).sign(b"Hi There");
        assert_eq!(tag[..4], [0xb0, 0x34, 0x4c, 0x61]);
        assert_eq!(tag[28..], [0x2e, 0x32, 0xcf, 0xf7]);
    }

    proptest! {
        /// Any key, any value, cut anywhere: the tag is the one that `ring` makes.
        #[test]
        fn tags_are_those_of_another_implementation(
            secret in any::<[u8; 32]>(),
            value in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::array::uniform2(any::<prop::sample::Index>()),
        ) {
            let theirs = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
            let expected = ring::hmac::sign(&theirs, &value);
            let ours = Key::new(&secret);
            prop_assert_eq!(&ours.sign(&value)[..], expected.as_ref());
            let mut at = cuts.map(|cut| cut.index(value.len() + 1));
            at.sort_unstable();
            let parts = [&value[..at[0]], &value[at[0]..at[1]], &value[at[1]..]];
            prop_assert_eq!(&ours.sign_parts(&parts)[..], expected.as_ref());
        }
    }
}
