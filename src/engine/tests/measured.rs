//! Where an event's time goes is told stage by stage.

use std::cell::Cell;
use std::sync::Arc;

use super::forms::{paced, pipeline};
use super::{outcome, payment};
use crate::bundle::Bundle;
use crate::domain::{CardDigits, Input, OutcomeResult, Plan, Sensitive, Stage};
use crate::edges::keys::Keys;
use crate::engine::{Budget, Clock, Intent, Pace, Surroundings};
use crate::generator::{Generator, Settings};
use crate::stages::decide::Ledger;
use crate::stages::enrich::Tables;

/// A clock on which every look takes so long.
struct Ticking {
    now_ns: Cell<u64>,
    step_ns: u64,
}

impl Ticking {
    fn by(step_ns: u64) -> Self {
        Self { now_ns: Cell::default(), step_ns }
    }
}

impl Surroundings for Ticking {
    fn now_ns(&self) -> u64 {
        self.now_ns.replace(self.now_ns.get() + self.step_ns)
    }

    fn clock(&self) -> Clock {
        Arc::new(|| 0)
    }

    fn at_the_edge(&mut self, _card: &Sensitive<CardDigits>, _input: &mut Input) {}
}

/// A stage that nobody measures would be called quick, and its neighbour blamed for it.
#[test]
fn every_stage_has_its_own_time() {
    let mut pipeline = pipeline(&Arc::new(Bundle::shipped()), Ticking::by(1_000));
    let (keys, tables) = (Keys::demo().token_keys(), Tables::default());
    let mut line = Vec::new();
    Generator::new(Settings { malformed_share: 0.0, ..Settings::default() }).next_into(&mut line);
    let step = pipeline.process(&line, (None, None), Intent::Decide, (&tables, &keys)).unwrap();
    assert!(step.decision.is_some());
    for stage in Stage::ALL {
        let ns = step.stage_ns[stage as usize];
        // Enrich and mask have a part ahead of the turn and one in it.
        assert!((1_000..=2_000).contains(&ns), "{}: {ns}", stage.name());
    }
}

/// Nothing is warm at a start, and the machine may stand still: the first decisions lack no rule for
/// that. A stall of ten milliseconds costs no rule at any time, one of a second does.
#[test]
fn a_start_is_not_hurried_and_a_short_stall_costs_no_rule() {
    let bundle = Arc::new(Bundle::shipped());
    let (keys, tables) = (Keys::demo().token_keys(), Tables::default());
    for (step_ns, is_hurried) in [(1_000, false), (2_000_000, false), (1_000_000_000, true)] {
        let mut pipeline = paced(&bundle, Ticking::by(step_ns), Pace::Live);
        let settings = Settings { malformed_share: 0.0, events: 60, ..Settings::default() };
        let (mut generator, mut line) = (Generator::new(settings), Vec::new());
        let mut plans = Vec::new();
        while generator.next_into(&mut line).is_some() {
            let lookups = (&tables, &keys);
            let step = pipeline.process(&line, (None, None), Intent::Decide, lookups).unwrap();
            plans.push(step.body().map_or(Plan::Full, |body| body.plan));
        }
        let (first, later) = plans.split_at(16);
        assert!(first.iter().all(|plan| *plan == Plan::Full), "{step_ns} ns: {first:?}");
        assert_eq!(later.contains(&Plan::HardRules), is_hurried, "{step_ns} ns: {later:?}");
    }
}

/// What the engine asks of time, in its order.
#[derive(Default)]
struct Noting(Vec<(&'static str, Stage)>);

impl Budget for Noting {
    fn plan(&mut self, stage: Stage, _ledger: &Ledger) -> Plan {
        self.0.push(("asks before", stage));
        Plan::Full
    }

    fn passed(&mut self, stage: Stage) {
        self.0.push(("has passed", stage));
    }
}

/// Asked after a stage, there would have to be time for it twice.
#[test]
fn time_is_asked_for_before_a_stage() {
    let mut engine = super::engine();
    let paid = payment(1);
    let (mut decided, mut amended) = (Noting::default(), Noting::default());
    engine.apply(&paid, &mut decided);
    engine.apply(&outcome(2, &paid, OutcomeResult::Approved), &mut amended);
    let (features, rules) = (Stage::Features, Stage::Rules);
    let asked = [("asks before", features), ("has passed", features)];
    assert_eq!(decided.0[..2], asked);
    assert_eq!(decided.0[2..], [("asks before", rules), ("has passed", rules)]);
    assert_eq!(amended.0, [("has passed", features)]);
}
