//! Payments that claim to have been made long before they arrive.

use super::{START, payment};
use crate::domain::{ArrivalRule, What};
use crate::engine::Unhurried;
use crate::engine::snapshot::tests::{engine, stream};

const BY_OCCURRED: ArrivalRule = ArrivalRule { counts_on_arrival: false, late_after_ms: 600_000 };
const BY_RECEIVED: ArrivalRule = ArrivalRule { counts_on_arrival: true, ..BY_OCCURRED };

/// Sends payments a second apart, each dated so much further back than the one before; what the
/// merchant's sum is at each.
fn sums(step_ms: i64, what: What, rule: ArrivalRule) -> Vec<i64> {
    let mut engine = engine();
    let sum = |n| {
        let mut input = payment(n);
        input.occurred_at = stream::time(START - n as i64 * step_ms);
        input.received_at = stream::time(START + n as i64 * 1_000);
        input.what = what;
        input.note_arrival(rule);
        engine.apply(&input, &mut Unhurried);
        let column = engine.bundle().schema.get("kept_24h").unwrap().id;
        engine.row().int(column)
    };
    (0..40).map(sum).collect()
}

/// A fraudster who writes the time of each payment must not find its windows empty: forty payments in
/// forty seconds, each dated before the one before by as little or as much as they like, count like
/// forty in their order. Where windows go by `occurred_at`, what is a little late counts when it
/// occurred. History always does.
#[test]
fn backdating_empties_no_window() {
    let in_order: Vec<i64> = (1..=40).map(|n| n * 100).collect();
    for step_ms in [-1_000, 0, 1, 12_000, 660_000] {
        assert_eq!(sums(step_ms, What::Decide, BY_RECEIVED), in_order, "{step_ms} ms each");
    }
    assert_eq!(sums(660_000, What::Decide, BY_OCCURRED), in_order);
    assert_eq!(sums(12_000, What::Decide, BY_OCCURRED), [100; 40], "late by less than the bound");
    for rule in [BY_OCCURRED, BY_RECEIVED] {
        assert_eq!(sums(660_000, What::Observe, rule), [100; 40], "history");
    }
}

/// To the millisecond, and told to rules as facts.
#[test]
fn late_is_what_comes_after_the_bound() {
    use crate::domain::Fact;
    for (lag_ms, what, is_late, on_arrival) in [
        (600_000, What::Decide, false, false),
        (600_001, What::Decide, true, true),
        (600_001, What::Observe, true, false),
        (-60_000, What::Decide, false, false),
    ] {
        let mut input = payment(0);
        input.occurred_at = stream::time(START);
        input.received_at = stream::time(START + lag_ms);
        input.what = what;
        input.note_arrival(BY_OCCURRED);
        let facts = &input.facts;
        assert_eq!(facts.int(Fact::LagMs), Some(lag_ms));
        assert_eq!(facts.int(Fact::ReceivedAt), Some(START + lag_ms));
        assert_eq!(facts.bool(Fact::ArrivedLate), Some(is_late), "{lag_ms} {what:?}");
        let counted_at = if on_arrival { input.received_at } else { input.occurred_at };
        assert_eq!(input.counted_at(), counted_at, "{lag_ms} {what:?}");
    }
}
