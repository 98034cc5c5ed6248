//! Where an event's time goes is told stage by stage.

use std::cell::Cell;
use std::sync::Arc;

use super::forms::pipeline;
use super::{outcome, payment};
use crate::bundle::Bundle;
use crate::domain::{CardDigits, Input, OutcomeResult, Plan, Sensitive, Stage};
use crate::edges::keys::Keys;
use crate::engine::{Budget, Clock, Intent, Surroundings};
use crate::generator::{Generator, Settings};
use crate::stages::decide::Ledger;
use crate::stages::enrich::Tables;

/// A clock on which every look takes a microsecond.
#[derive(Default)]
struct Ticking(Cell<u64>);

impl Surroundings for Ticking {
    fn now_ns(&self) -> u64 {
        self.0.replace(self.0.get() + 1_000)
    }

    fn clock(&self) -> Clock {
        Arc::new(|| 0)
    }

    fn at_the_edge(&mut self, _card: &Sensitive<CardDigits>, _input: &mut Input) {}
}

/// A stage that nobody measures would be called quick, and its neighbour blamed for it.
#[test]
fn every_stage_has_its_own_time() {
    let mut pipeline = pipeline(&Arc::new(Bundle::shipped()), Ticking::default());
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
