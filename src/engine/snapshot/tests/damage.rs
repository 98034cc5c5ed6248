//! Damage: every flip and every cut of a snapshot is seen, and named.

use super::*;

/// A byte that is off anywhere must not become a wrong state, and never a panic.
#[test]
fn every_flipped_byte_is_seen() {
    let mut engine = engine();
    stream::plain(40).iter().for_each(|input| {
        apply(&mut engine, input);
    });
    let bytes = take(&mut engine);
    let length = bytes.len() as u64;
    assert_eq!(verify(bytes.as_slice(), length).unwrap().next, engine.next_seq());
    let mut damaged = bytes.clone();
    for at in 0..damaged.len() {
        damaged[at] ^= 1 << (at % 8);
        assert!(verify(damaged.as_slice(), length).is_err(), "the flip at {at} passes");
        damaged[at] = bytes[at];
    }
}

/// The same for a sample of a large one's bytes: the state after some thousand inputs.
#[test]
fn a_flipped_byte_of_many_is_seen() {
    let limits = EngineLimits {
        state: StateLimits {
            keys: [100; EntityKind::COUNT],
            devices: 100,
            ..StateLimits::default()
        },
        recent_events: 2_500,
        ..EngineLimits::default()
    };
    let mut engine = Engine::new(Arc::clone(&BUNDLE), &limits).unwrap();
    stream::plain(2_500).into_iter().for_each(|mut input| {
        // History: counted like the rest, and no rule is asked, which takes most of the time.
        if input.what == What::Decide {
            input.what = What::Observe;
        }
        engine.apply(&input, &mut Unhurried);
    });
    assert!(engine.next_seq().0 > 2_000, "{:?}", engine.next_seq());
    let mut bytes = take(&mut engine);
    let length = bytes.len() as u64;
    for turn in 1..=100_u64 {
        let at = (turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % length) as usize;
        let byte = bytes[at];
        bytes[at] ^= 1 << (turn % 8);
        assert!(verify(bytes.as_slice(), length).is_err(), "the flip at {at} of {length} passes");
        bytes[at] = byte;
    }
    assert_eq!(verify(bytes.as_slice(), length).unwrap().next, engine.next_seq());
}

/// A crash while writing leaves the beginning of a file.
#[test]
fn every_cut_is_seen() {
    let mut engine = engine();
    stream::plain(10).iter().for_each(|input| {
        apply(&mut engine, input);
    });
    let bytes = take(&mut engine);
    for length in 0..bytes.len() {
        let fault = verify(&bytes[..length], length as u64).unwrap_err();
        let named = matches!(fault, SnapshotFault::Truncated { .. } | SnapshotFault::NotASnapshot);
        assert!(named, "cut at {length}: {fault}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(matches!(
        verify(longer.as_slice(), longer.len() as u64),
        Err(SnapshotFault::Damaged { what: "bytes follow the trailer", .. })
    ));
}

/// What is not ours is named for what it is.
#[test]
fn foreign_files_are_named() {
    let fault = |bytes: &[u8]| verify(bytes, bytes.len() as u64).unwrap_err().to_string();
    assert_eq!(fault(b""), "it is no snapshot: it does not begin with TGSNAP");
    assert_eq!(fault(b"TGJRNL\r\n\x01\0\0\0"), fault(b""));
    let newer = [&b"TGSNAP\r\n"[..], &9_u64.to_le_bytes()].concat();
    assert_eq!(fault(&newer), "its format version is 9; this Tidegate reads up to 8");
}
