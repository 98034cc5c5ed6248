//! One payment is one payment, whichever form it comes in: tokens, fingerprint, answer.

use std::sync::Arc;

use crate::bundle::{Bundle, shipped_files};
use crate::domain::{Applied, EventTime};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::engine::{Engine, EngineLimits, Intent, Outcome, Pace, Parts, Pipeline, Surroundings};
use crate::generator::{Generator, Settings};
use crate::journal::Durability;
use crate::stages::decode::tests::transcode::Transcoder;
use crate::stages::decode::{Door, Encoded, TimeLimits, decode};
use crate::stages::enrich::Tables;
use crate::stages::mask::Profile;

/// A pipeline without a journal, under the shipped rules.
pub(super) fn pipeline<S: Surroundings>(bundle: &Arc<Bundle>, surroundings: S) -> Pipeline<S> {
    paced(bundle, surroundings, Pace::Unhurried)
}

/// The same at a pace.
pub(super) fn paced<S: Surroundings>(
    bundle: &Arc<Bundle>,
    surroundings: S,
    pace: Pace,
) -> Pipeline<S> {
    let limits = EngineLimits { recent_events: 5_000, ..EngineLimits::default() };
    let parts = Parts {
        engine: Engine::new(Arc::clone(bundle), &limits).unwrap(),
        journal: None,
        received_after: EventTime::MIN,
        door: Door::default(),
        times: TimeLimits::default(),
        namespace: "test".to_owned(),
        profile: Profile::shipped("default").unwrap(),
        durability: Durability::Written,
        pace,
        surroundings,
    };
    Pipeline::new(parts, &shipped_files()).unwrap()
}

/// The same stream, fraud, repeats, conflicts, outcomes and labels in it, once in each form: every
/// token, fact, answer and masked byte is the same, and what the first pipeline was told in JSON
/// and is told again in protobuf is a repeat and no conflict.
#[test]
fn both_forms_are_one_event_to_the_engine() {
    let bundle = Arc::new(Bundle::shipped());
    let [mut told_json, mut told_protobuf] =
        [(); 2].map(|()| pipeline(&bundle, Machine::untimed()));
    let (keys, transcoder) = (Keys::demo().token_keys(), Transcoder::new());
    let tables = Tables::default();
    let mut generator = Generator::new(Settings {
        events: 1_500,
        customers: 60,
        rate_per_s: 0.05,
        fraud_share: 0.2,
        malformed_share: 0.0,
        duplicate_share: 0.02,
        conflict_share: 0.02,
        ..Settings::default()
    });
    let (mut line, mut decided) = (Vec::new(), 0);
    while generator.next_into(&mut line).is_some() {
        // Attributes come in the order of their names, as the transcoder has them.
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        let line = json.to_string();
        let arrival = decode(&line, &Door::default()).unwrap().received_at;
        let bytes = transcoder.transcode(line.as_bytes());
        let protobuf = || Encoded::protobuf(&bytes);
        let lookups = (&tables, &keys);
        let theirs = told_json.process(&line, (arrival, None), Intent::Decide, lookups).unwrap();
        let ours =
            told_protobuf.process(protobuf(), (arrival, None), Intent::Decide, lookups).unwrap();
        assert_eq!(ours.outcome, theirs.outcome);
        assert_eq!(ours.input, theirs.input);
        let masked = |step: &crate::engine::Step<'_>| step.decision.map(|d| d.as_bytes().to_vec());
        assert_eq!(masked(&ours), masked(&theirs));
        if let Outcome::Applied(Applied::Decided { seq, body }) = theirs.outcome {
            let again =
                told_json.process(protobuf(), (arrival, None), Intent::Decide, lookups).unwrap();
            assert_eq!(again.outcome, Outcome::Applied(Applied::Repeated { seq, body }));
            decided += 1;
        }
    }
    assert!(decided > 700, "{decided}");
}
