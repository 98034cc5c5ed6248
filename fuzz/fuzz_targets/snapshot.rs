//! A snapshot's file: any bytes are refused with a fault, or load, and never a panic.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use tidegate::bundle::Bundle;
use tidegate::domain::EntityKind;
use tidegate::engine::{Engine, EngineLimits, Sealer, preamble, verify};
use tidegate::stages::features::StateLimits;

static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| Arc::new(Bundle::shipped()));

fuzz_target!(|bytes: &[u8]| {
    let _ = verify(bytes, bytes.len() as u64);
    // The same bytes as the frames of a file whose checksums are right.
    let eights = bytes.as_chunks::<8>().0.iter();
    let mut words: Vec<u64> = eights.map(|eight| u64::from_le_bytes(*eight)).collect();
    let mut sealer = Sealer::default();
    sealer.seal(&mut words);
    let parts = [&preamble()[..], &words[..], &sealer.trailer()[..]];
    let file: Vec<u8> = parts.into_iter().flatten().flat_map(|word| word.to_ne_bytes()).collect();
    let limits = EngineLimits {
        state: StateLimits { keys: [64; EntityKind::COUNT], devices: 64, ..StateLimits::default() },
        recent_events: 64,
        parked_amendments: 16,
        ..EngineLimits::default()
    };
    let Ok(mut engine) = Engine::new(Arc::clone(&BUNDLE), &limits) else { return };
    let _ = engine.load_snapshot(file.as_slice(), file.len() as u64);
});
