//! A machine's clock that stands wrong: what is refused by it, and what is not.

use std::sync::Arc;

use super::forms::pipeline;
use crate::bundle::Bundle;
use crate::domain::{EventTime, Source};
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::engine::{Admitted, Intent, Outcome, Pipeline, Recognised};
use crate::stages::decode::Encoded;
use crate::stages::enrich::Tables;

const START: i64 = 1_795_000_000_000;
const HOUR: i64 = 3_600_000;
const SOURCE: Source = Source { topic: 0, partition: 0, offset: 0 };

fn at(ms: i64) -> EventTime {
    EventTime::from_ms(START + ms).unwrap()
}

fn payment(number: usize, occurred_ms: i64) -> String {
    format!(
        "{{\"event_id\":\"e{number}\",\"kind\":\"payment\",\"service\":\"mobile_payment\",\
         \"occurred_at\":\"{}\",\"amount\":{{\"minor\":100,\"currency\":\"CNY\"}},\
         \"payer\":{{\"account_id\":\"a\"}}}}",
        at(occurred_ms)
    )
}

fn give(pipeline: &mut Pipeline<Machine>, number: usize, occurred_ms: i64, stamp_ms: i64) -> bool {
    let (tables, keys) = (Tables::default(), Keys::demo().token_keys());
    let line = payment(number, occurred_ms);
    let arrival = (Some(at(stamp_ms)), Some(SOURCE));
    let step = pipeline.process(&line, arrival, Intent::Decide, (&tables, &keys)).unwrap();
    !matches!(step.outcome, Outcome::Rejected(_))
}

/// A payment of the present is taken by a clock that has gone back by up to a day, also where it had gone
/// far ahead in between; what a clock cannot know better is refused.
#[test]
fn a_clock_that_has_gone_back_refuses_nothing_of_the_present() {
    let bundle = Arc::new(Bundle::shipped());
    for (case, steps) in [
        ("in order", &[(0, 0, true), (1, 1, true)][..]),
        ("an hour back", &[(0, 0, true), (0, -HOUR, true), (HOUR, -HOUR, false)]),
        ("a day and more back", &[(0, 0, true), (0, -25 * HOUR, false)]),
        ("far ahead", &[(0, 0, true), (0, 240 * HOUR, false), (0, 0, true)]),
        ("far ahead, then back", &[(0, 0, true), (0, 240 * HOUR, false), (0, -HOUR, true)]),
        (
            "ahead by two steps, then back",
            &[(0, 0, true), (0, 240 * HOUR, false), (1, 241 * HOUR, false), (0, -HOUR, true)],
        ),
        ("far back, then an hour", &[(0, 0, true), (0, -240 * HOUR, false), (0, -HOUR, true)]),
        ("no time known", &[(0, -HOUR, false), (0, 0, true)]),
    ] {
        let mut pipeline = pipeline(&bundle, Machine::untimed());
        for (number, (occurred_ms, stamp_ms, expected)) in steps.iter().enumerate() {
            let taken = give(&mut pipeline, number, *occurred_ms, *stamp_ms);
            assert_eq!(taken, *expected, "{case}, step {number}");
        }
    }
}

/// A message of today that the journal does not have stands in another log, whatever the clock says: by
/// a clock ten days ahead it only seems to be so old that the journal could have forgotten it.
#[test]
fn a_log_is_recognised_at_the_journals_time() {
    let bundle = Arc::new(Bundle::shipped());
    let mut pipeline = pipeline(&bundle, Machine::untimed());
    assert!(give(&mut pipeline, 0, 0, 0));
    let (tables, keys) = (Tables::default(), Keys::demo().token_keys());
    let admission = pipeline.admission();
    for (occurred_ms, now_ms, expected) in [
        (0, 0, Recognised::Elsewhere),
        (0, 240 * HOUR, Recognised::Elsewhere),
        (-240 * HOUR, 0, Recognised::Unsure),
        (-240 * HOUR, 240 * HOUR, Recognised::Unsure),
    ] {
        let (line, mut admitted) = (payment(9, occurred_ms), Admitted::new());
        let message: Encoded<'_> = (&line).into();
        admission.admit(message, (&tables, &keys), || 0, &mut admitted);
        let found = pipeline.recognise(&admitted, SOURCE, at(now_ms)).unwrap();
        assert_eq!(found, expected, "{occurred_ms} {now_ms}");
    }
}
