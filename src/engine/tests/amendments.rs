//! Outcomes and labels in any order of arrival: what is newest by its own time holds.

use proptest::prelude::*;

use super::{START, payment};
use crate::domain::{
    Amendment, Content, FieldId, Input, LabelSource, OutcomeResult, Refusal, Standing, Token,
    Truth, What,
};
use crate::engine::snapshot::tests::{engine, load, stream, take};
use crate::engine::{Engine, Unhurried};

/// Payments that amendments speak of.
const EVENTS: u64 = 4;

/// One amendment: the payment, what is said of it, and when it became known.
type Said = (u64, Amendment, i64);

fn said() -> impl Strategy<Value = Said> {
    let outcome = |result, refusal| Just(Amendment::Outcome { result, refusal });
    let label = (proptest::sample::select(Truth::ALL), proptest::sample::select(LabelSource::ALL))
        .prop_map(|(truth, source)| Amendment::Label { truth, source: Some(source) });
    let amendment = prop_oneof![
        outcome(OutcomeResult::Approved, None),
        outcome(OutcomeResult::Reversed, None),
        outcome(OutcomeResult::NotSent, None),
        outcome(OutcomeResult::Refused, Some(Refusal::Funds)),
        label,
    ];
    // Few moments, so that labels of one moment meet and their sources decide.
    (0..EVENTS, amendment, 0..12_i64)
}

fn amendment(n: u64, (target, amendment, at): Said) -> Input {
    let mut input = Input::new();
    input.occurred_at = stream::time(START + at * 60_000);
    input.received_at = stream::time(START + 3_600_000);
    input.content = Content(*Token::from_words([n, 1]).as_bytes());
    input.what = What::Amend { target: payment(target).event, amendment };
    input
}

/// What a later payment's rules see, which meets the same entities.
fn seen(engine: &mut Engine) -> Vec<(usize, u64)> {
    let mut probe = payment(50);
    probe.received_at = stream::time(START + 3_600_000);
    engine.apply(&probe, &mut Unhurried);
    let row = engine.row();
    let columns = (0..row.columns()).map(|column| FieldId(column as u16));
    columns.filter(|field| row.has(*field)).map(|field| (field.index(), row.bits(field))).collect()
}

/// Counts payments and amendments: before each payment so many of the amendments, and a snapshot
/// between.
fn count(said: &[Said], ahead: usize) -> Engine {
    let mut engine = engine();
    let mut amendments = (0..).zip(said).map(|(n, said)| amendment(n, *said));
    for n in 0..EVENTS {
        for input in amendments.by_ref().take(ahead) {
            engine.apply(&input, &mut Unhurried);
        }
        engine.apply(&payment(n), &mut Unhurried);
    }
    let mut engine = load(&take(&mut engine)).unwrap();
    for input in amendments {
        engine.apply(&input, &mut Unhurried);
    }
    engine
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A late "approved" must not undo "reversed", nor a late "legitimate" a newer "fraud": however
    /// amendments arrive, before their payment and across a restart too, the state is that of their
    /// own order.
    #[test]
    fn the_order_of_arrival_changes_nothing(
        said in proptest::collection::vec(said(), 1..8),
        shuffled in any::<prop::sample::Index>(),
        ahead in 0..3_usize,
    ) {
        let class = |amendment| matches!(amendment, Amendment::Label { .. });
        let key = |(target, amendment, at): &Said| {
            let standing = Standing::of(*amendment, stream::time(START + at * 60_000));
            (*target, class(*amendment), standing)
        };
        let mut said = said;
        said.sort_by_key(key);
        // Of two with one standing the later arrival holds: there the order is meant to count.
        said.dedup_by_key(|said| key(said));
        let mut other = said.clone();
        other.rotate_left(shuffled.index(said.len()));
        other.reverse();
        let expected = seen(&mut count(&said, 0));
        prop_assert_eq!(seen(&mut count(&other, ahead)), expected, "{:?}", other);
    }
}

/// Of two that stand alike, what arrives last holds; and history that knows no time gives way.
#[test]
fn of_two_equal_ones_the_last_arrival_holds() {
    let outcome = |result| Amendment::Outcome { result, refusal: None };
    let (approved, reversed) = (outcome(OutcomeResult::Approved), outcome(OutcomeResult::Reversed));
    let kept = |said: &[Said]| {
        let mut engine = count(said, 0);
        seen(&mut engine);
        let column = engine.bundle().schema.get("kept_24h").unwrap().id;
        engine.row().int(column)
    };
    let all = 100 * (EVENTS as i64 + 1);
    assert_eq!(kept(&[(0, approved, 5), (0, reversed, 5)]), all - 100);
    assert_eq!(kept(&[(0, reversed, 5), (0, approved, 5)]), all);
    assert_eq!(kept(&[(0, reversed, 5), (0, approved, 4)]), all - 100, "late and older");
    assert_eq!(kept(&[(0, reversed, 5), (0, approved, 6)]), all, "undone after all");
}
