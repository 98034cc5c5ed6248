//! Snapshots against engines that were never interrupted.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::bundle::{Bundle, shipped_files};
use crate::domain::{
    Amendment, Applied, Content, Control, DeviceIdentifier, EntityKind, EventTime, Fact, FieldId,
    Input, ListAddition, ListEntry, ListRemoval, OutcomeResult, Provenance, Refusal, Service,
    Source, Token, Truth, What,
};
use crate::engine::{Engine, EngineLimits, Unhurried};
use crate::journal::JournalId;
use crate::stages::features::StateLimits;

mod carried;
mod damage;
mod fixture;
mod hostile;
pub(in crate::engine) mod stream;

/// The shipped pack with small rings, so that hot keys overflow into panes soon, and with sums that
/// a reversal gives back.
fn bundle_files() -> BTreeMap<String, Vec<u8>> {
    let mut files = shipped_files();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let manifest: Vec<String> = text("bundle.yaml")
        .lines()
        .map(|line| match line.split_once(": ") {
            Some((kind, exact)) if exact.parse::<u32>().is_ok() && kind.starts_with("  ") => {
                format!("{kind}: 64")
            }
            _ => line.to_owned(),
        })
        .collect();
    let given_back = "features:\n\
        \x20 - {name: kept_24h, aggregate: sum(amount_base), by: merchant, over: 24h, where: '!outcome.reversed'}\n\
        \x20 - {name: spread_24h, aggregate: stddev(amount_base), by: ip, over: 24h}\n\
        \x20 - {name: first_24h, aggregate: first(amount_base), by: merchant, over: 24h}\n";
    let features = text("features.yaml").replacen("features:\n", given_back, 1);
    let lists = "\nlists:\n  bad_cards: {kind: card, purpose: block}\n";
    let manifest = manifest.join("\n").replacen("\nlists:\n", lists, 1);
    let rule = "rules:\n- {id: L1, name: listed, when: 'in_list(\"bad_cards\", card)', \
                then: {block: true}, reason: night}\n";
    files.insert("z-lists.yaml".to_owned(), rule.as_bytes().to_vec());
    files.insert("bundle.yaml".to_owned(), manifest.into_bytes());
    files.insert("features.yaml".to_owned(), features.into_bytes());
    files
}

pub(in crate::engine) static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| {
    let bundle = Bundle::compile(&bundle_files());
    Arc::new(bundle.unwrap_or_else(|faults| panic!("{}", faults[0])))
});

pub(super) const JOURNAL: JournalId = JournalId::from_bytes([7; 16]);

/// An engine that forgets soon: keys and devices are displaced all the time.
pub(in crate::engine) fn engine() -> Engine {
    let limits = EngineLimits {
        state: StateLimits { keys: [18; EntityKind::COUNT], devices: 17, ..StateLimits::default() },
        recent_events: 128,
        parked_amendments: 8,
        ..EngineLimits::default()
    };
    Engine::new(Arc::clone(&BUNDLE), &limits).unwrap()
}

/// What one input produced, down to the bits of the row.
#[derive(Debug, PartialEq)]
pub(super) struct Produced {
    applied: Applied,
    answered: Option<(EventTime, String, String)>,
    row: Vec<(bool, u64, bool)>,
}

pub(super) fn apply(engine: &mut Engine, input: &Input) -> Produced {
    let next = engine.next_seq();
    let applied = engine.apply(input, &mut Unhurried);
    let is_event = engine.next_seq() != next && matches!(input.what, What::Decide | What::Observe);
    engine.take_expired().for_each(drop);
    let row = engine.row();
    // A repeat and an amendment leave the row of whatever came before.
    let columns = if is_event { engine.bundle().schema.columns() } else { 0 };
    let cell = |at: usize| {
        let field = FieldId(at as u16);
        let has = row.has(field);
        (has, if has { row.bits(field) } else { 0 }, row.is_approximate(field))
    };
    let answered = match applied {
        Applied::Decided { body, .. } | Applied::Repeated { body, .. } => {
            let band = engine.band_name(Service::MobilePayment, body.band).to_owned();
            Some((engine.answered_at(), engine.answered_by().to_owned(), band))
        }
        _ => None,
    };
    Produced { applied, answered, row: (0..columns).map(cell).collect() }
}

/// A snapshot being written into memory.
pub(super) struct Taking {
    sealer: Sealer,
    pub(super) bytes: Vec<u8>,
}

impl Taking {
    pub(super) fn begin(engine: &mut Engine) -> Self {
        let mut taking = Self { sealer: Sealer::default(), bytes: Vec::new() };
        taking.bytes.extend_from_slice(bytemuck::cast_slice(&preamble()));
        let head = engine.begin_snapshot(JOURNAL).expect("something was applied");
        taking.put(head);
        taking
    }

    fn put(&mut self, mut frames: Vec<u64>) {
        self.sealer.seal(&mut frames);
        self.bytes.extend_from_slice(bytemuck::cast_slice(&frames));
    }

    /// Copies some more; whether that was all.
    pub(super) fn go_on(&mut self, engine: &mut Engine, words: usize) -> bool {
        let mut given = Vec::new();
        let copying = engine.copy_some(words, &mut Vec::new, &mut |frames| given.push(frames));
        given.into_iter().for_each(|frames| self.put(frames));
        if copying == Copying::Done {
            self.bytes.extend_from_slice(bytemuck::cast_slice(&self.sealer.trailer()));
        }
        copying == Copying::Done
    }
}

/// A whole snapshot at once.
pub(in crate::engine) fn take(engine: &mut Engine) -> Vec<u8> {
    let mut taking = Taking::begin(engine);
    while !taking.go_on(engine, 1 << 12) {}
    taking.bytes
}

pub(in crate::engine) fn load(bytes: &[u8]) -> Result<Engine, SnapshotFault> {
    let mut engine = engine();
    engine.load_snapshot(bytes, bytes.len() as u64).map(|_| engine)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The law of recovery: a snapshot that was taken while inputs went on, and loaded, answers
    /// everything after its barrier as the engine that was never interrupted, to the last bit; and
    /// both would write the same snapshot then.
    #[test]
    fn a_restored_engine_goes_on_as_if_nothing_had_happened(
        steps in stream::steps(), at in 1..200_usize, words in 1..600_usize,
    ) {
        let inputs = stream::inputs(&steps);
        let (before, after) = inputs.split_at(at.min(inputs.len()));
        let mut whole = engine();
        before.iter().for_each(|input| { apply(&mut whole, input); });
        let mut taking = Taking::begin(&mut whole);
        let mut is_done = false;
        let produced: Vec<Produced> = after.iter().map(|input| {
            let produced = apply(&mut whole, input);
            is_done = is_done || taking.go_on(&mut whole, words);
            produced
        }).collect();
        while !is_done {
            is_done = taking.go_on(&mut whole, words);
        }
        prop_assert_eq!(verify(taking.bytes.as_slice(), taking.bytes.len() as u64).map(|_| ()), Ok(()));
        let mut restored = load(&taking.bytes).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        for (at, (input, expected)) in after.iter().zip(&produced).enumerate() {
            let found = apply(&mut restored, input);
            prop_assert_eq!(&found, expected, "input {} after the barrier", at);
        }
        prop_assert_eq!(restored.next_seq(), whole.next_seq());
        prop_assert_eq!(restored.positions(), whole.positions());
        prop_assert!(take(&mut restored) == take(&mut whole), "their next snapshots differ");
    }
}
