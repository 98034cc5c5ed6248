//! Payments that claim to have been made long before they arrive.

use super::{START, payment};
use crate::domain::{LATE_AFTER_MS, What};
use crate::engine::Unhurried;
use crate::engine::snapshot::tests::{engine, stream};

/// Sends payments a second apart, each dated so much further back than the one before; what the
/// merchant's sum is at each.
fn sums(step_ms: i64, what: What) -> Vec<i64> {
    let mut engine = engine();
    let sum = |n| {
        let mut input = payment(n);
        input.occurred_at = stream::time(START - n as i64 * step_ms);
        input.received_at = stream::time(START + n as i64 * 1_000);
        input.what = what;
        engine.apply(&input, &mut Unhurried);
        let column = engine.bundle().schema.get("kept_24h").unwrap().id;
        engine.row().int(column)
    };
    (0..40).map(sum).collect()
}

/// A fraudster who writes the time of each payment must not find its windows empty: forty payments in
/// forty seconds, each dated eleven minutes before the one before, count like forty in their order.
/// What is a little late counts when it occurred, and so does history.
#[test]
fn backdating_empties_no_window() {
    let in_order: Vec<i64> = (1..=40).map(|n| n * 100).collect();
    assert_eq!(sums(-1_000, What::Decide), in_order);
    assert_eq!(sums(LATE_AFTER_MS + 60_000, What::Decide), in_order);
    assert_eq!(sums(LATE_AFTER_MS / 50, What::Decide), [100; 40], "late by less than the bound");
    assert_eq!(sums(LATE_AFTER_MS + 60_000, What::Observe), [100; 40], "history");
}
