//! What a reversal gives back, also where only panes remember.

use super::snapshot::tests::{engine, load, stream, take};
use super::{Engine, Unhurried};
use crate::domain::{
    Amendment, Applied, Content, EntityKind, Fact, Input, OutcomeResult, Token, What,
};

mod amendments;
mod backdated;
mod clock;
mod corpus;
mod forms;
mod framed;
mod malformed;
mod measured;
mod no_rate;

const START: i64 = 1_798_556_400_000;

/// A payment of 100 to the one merchant, a second after the one before.
fn payment(n: u64) -> Input {
    let mut input = stream::event(n, START + n as i64 * 1_000, &[0; EntityKind::COUNT], 100, 6);
    input.received_at = input.occurred_at;
    input
}

fn reversal(n: u64, original: &Input) -> Input {
    let mut input = payment(n);
    input.facts.set_text(Fact::Kind, "reversal");
    input.facts.set_int(Fact::AmountBase, 0);
    input.original = Some(original.event);
    input
}

fn outcome(n: u64, target: &Input, result: OutcomeResult) -> Input {
    let mut input = Input::new();
    input.received_at = payment(n).received_at;
    input.occurred_at = input.received_at;
    input.content = Content(*Token::from_words([n, 1]).as_bytes());
    let amendment = Amendment::Outcome { result, refusal: None };
    input.what = What::Amend { target: target.event, amendment };
    input
}

/// The merchant's sum of what was not reversed, after one more payment.
fn kept(engine: &mut Engine, n: u64) -> i64 {
    engine.apply(&payment(n), &mut Unhurried);
    let column = engine.bundle().schema.get("kept_24h").unwrap().id;
    assert!(engine.row().is_approximate(column), "the ring of 64 has overflowed");
    engine.row().int(column)
}

/// A refused amount must not stay in a sum that a limit is held against: what is reversed is given
/// back once, from the ring and from panes, by a reversal and by an outcome, also after a restart.
#[test]
fn a_reversal_gives_back_also_past_the_ring() {
    let mut engine = engine();
    // The engine remembers 128 events and their windows 64: those between are in panes alone.
    let paid: Vec<Input> = (0..100).map(payment).collect();
    for input in &paid {
        engine.apply(input, &mut Unhurried);
    }
    assert_eq!(kept(&mut engine, 100), 10_100);
    for (n, target) in [(101, &paid[10]), (102, &paid[90]), (103, &paid[10])] {
        engine.apply(&reversal(n, target), &mut Unhurried);
    }
    assert_eq!(kept(&mut engine, 104), 10_200 - 2 * 100, "once each, from panes and from the ring");
    let mut restored = load(&take(&mut engine)).unwrap();
    for engine in [&mut engine, &mut restored] {
        engine.apply(&outcome(105, &paid[12], OutcomeResult::Reversed), &mut Unhurried);
        assert_eq!(kept(engine, 106), 10_300 - 3 * 100);
        // What was reversed by mistake and is approved after all counts again.
        engine.apply(&outcome(107, &paid[12], OutcomeResult::Approved), &mut Unhurried);
        assert_eq!(kept(engine, 108), 10_400 - 2 * 100);
    }
}

/// A payment that comes again is the same one by what it is. One that was decided when a retry had to
/// equal it in every field is recognised by that, and answered with the same body.
#[test]
fn a_retry_is_recognised_by_either_form_of_its_content() {
    let content = |n| Content(*Token::from_words([n, 9]).as_bytes());
    let mut engine = engine();
    let mut first = payment(1);
    first.content = content(1);
    let Applied::Decided { seq, body } = engine.apply(&first, &mut Unhurried) else { panic!() };
    let mut check = |now, before, is_same| {
        let mut again = payment(1);
        (again.content, again.content_before) = (content(now), before);
        let expected = match is_same {
            true => Applied::Repeated { seq, body },
            false => Applied::Conflict { seq },
        };
        assert_eq!(engine.apply(&again, &mut Unhurried), expected);
    };
    check(1, None, true);
    check(1, Some(content(7)), true);
    check(2, Some(content(1)), true);
    check(2, Some(content(7)), false);
    check(2, None, false);
}
