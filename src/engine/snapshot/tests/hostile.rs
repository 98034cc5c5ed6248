//! Files whose checksums are right and whose content means harm.

use super::*;
use crate::stages::features::{HEAD_WORDS, StoreId};

/// Takes a snapshot apart, lets a word of it be changed, and seals it again.
fn forged(bytes: &[u8], change: impl Fn(StoreId, &mut [u64])) -> Vec<u8> {
    let eights = bytes.as_chunks::<8>().0.iter();
    let mut words: Vec<u64> = eights.map(|eight| u64::from_le_bytes(*eight)).collect();
    let trailer = words.len() - 5;
    words.truncate(trailer);
    let mut sealer = Sealer::default();
    let mut at = 2;
    while at < words.len() {
        let length = HEAD_WORDS + (words[at] & 0xffff_ffff) as usize;
        let frame = &mut words[at..at + length];
        frame[1] &= !0xffff_ffff;
        change(StoreId((frame[0] >> 56) as u8), &mut frame[HEAD_WORDS..]);
        sealer.seal(frame);
        at += length;
    }
    words.extend(sealer.trailer());
    bytemuck::cast_slice(&words).to_vec()
}

fn some_snapshot() -> Vec<u8> {
    let mut engine = engine();
    stream::plain(60).iter().for_each(|input| {
        apply(&mut engine, input);
    });
    take(&mut engine)
}

/// Forging without a change gives the file back: the tests below change what they mean to.
#[test]
fn sealing_again_gives_the_same_file() {
    let bytes = some_snapshot();
    assert!(forged(&bytes, |_, _| {}) == bytes);
    assert!(load(&bytes).is_ok());
}

/// Any word of any store set to any extreme: either a named fault, or an engine that goes on
/// without a panic. Its answers are those of a forger, who could have forged the journal as well.
#[test]
fn no_forged_word_is_a_panic() {
    let bytes = some_snapshot();
    let inputs = stream::plain(90);
    for store in 0..=15_u8 {
        for seed in 0..24_u64 {
            let values = [0, 1, u64::MAX, 1 << 63, 1 << 32, 0xff << 48, seed << 40 | 0xffff];
            let value = values[seed as usize % values.len()];
            let forged = forged(&bytes, |id, words| {
                if id == StoreId(store) && !words.is_empty() {
                    let at = (seed * 7_919 + seed / 7) as usize % words.len();
                    words[at] = value;
                }
            });
            if let Ok(mut engine) = load(&forged) {
                inputs[60..].iter().for_each(|input| {
                    apply(&mut engine, input);
                });
                take(&mut engine);
            }
        }
    }
}

/// Numbers that ask for more memory than the file could fill are refused before it is taken.
#[test]
fn sizes_that_cannot_be_take_no_memory() {
    let bytes = some_snapshot();
    for at in 0..80 {
        let forged = forged(&bytes, |id, words| {
            if id == StoreId(0)
                && let Some(word) = words.get_mut(at)
            {
                *word = word.wrapping_add(1 << 20);
            }
        });
        // Times and positions may be anything; what counts is that nothing is taken on trust.
        drop(load(&forged));
    }
}
