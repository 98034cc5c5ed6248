//! A fixed 64-bit hash of text, the same on every machine and in every version of the toolchain.

use super::panes::mix;

/// FNV-1a over the bytes, then mixed. Never zero, which stands for "missing".
pub(super) fn hash_text(text: &str) -> u64 {
    let fnv = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(fnv).max(1)
}

/// The same for a number.
pub(super) fn hash_number(value: u64) -> u64 {
    // `mix` is a bijection: different numbers stay different, but for the one that gives zero.
    mix(value ^ 0x9e37_79b9_7f4a_7c15).max(1)
}
