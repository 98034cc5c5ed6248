//! How much work a decision may do: an argument, so that replay repeats what time allowed then.

use crate::domain::{Plan, Stage};
use crate::stages::decide::Ledger;

/// Picks the plan of one decision. It is asked before each stage and may only step down.
pub trait Budget {
    /// The fullest plan that there is time for before `stage`.
    fn plan(&mut self, stage: Stage, ledger: &Ledger) -> Plan;

    /// A stage has ended: who holds a clock may look at it. Nothing comes back.
    fn passed(&mut self, stage: Stage) {
        let _ = stage;
    }
}

/// Files, histories and tests: there is always time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unhurried;

impl Budget for Unhurried {
    fn plan(&mut self, _stage: Stage, _ledger: &Ledger) -> Plan {
        Plan::Full
    }
}

/// The plan that the journal names.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub Plan);

impl Budget for Fixed {
    fn plan(&mut self, _stage: Stage, _ledger: &Ledger) -> Plan {
        self.0
    }
}
