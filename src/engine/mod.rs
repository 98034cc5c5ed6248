//! The only place that knows the order: sequence, once, count, rules, decision, amendment.
//!
//! The engine is a function of the inputs so far. It reads no clock and no randomness: time comes
//! with the input, and how much work a decision may do comes from a [`Budget`].

mod budget;
mod pack;
mod recent;
mod parked;
mod lists;
mod made;
mod control;
mod governance;
mod switch;
mod carry;
mod guard;
mod state_machine;
mod snapshot;
mod recovery;
mod admission;
mod event_token;
mod file_time;
mod malformed;
mod pipeline;
mod step;
#[cfg(test)]
mod tests;

pub use admission::{Admission, Admitted};
pub use budget::{Budget, Fixed, Unhurried};
pub use control::{ENTRIES_MAX, Refusal};
pub use event_token::token_under;
pub use file_time::{FileBounds, FileTime};
pub use lists::{Listed, Lists};
pub use parked::Expired;
pub use pipeline::{Clock, ControlError, Intent, Pace, Parts, Pipeline, Recognised, Surroundings};
pub use recovery::{PassedOver, Recovered, Trail, Windows, count_again, recover, restore_at};
pub use snapshot::{
    Copying, Head, Kept, LastInput, Sealer, Shelf, SnapshotFault, preamble, verify,
};
pub use state_machine::{Engine, EngineLimits};
pub use step::{Outcome, Step};
pub use switch::{Prepared, Retired, Standing, check_currency, check_plan};

/// The version of what the engine computes: replay is byte-exact within one version. Raise it with
/// every change that can change a body.
pub const ENGINE_SEMANTICS: u32 = 4;
/// The oldest version whose snapshots this one goes on from.
pub const OLDEST_SEMANTICS: u32 = 2;
