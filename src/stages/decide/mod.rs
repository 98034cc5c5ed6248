//! So what do we do? Hits and a policy to a decision.
//!
//! [`Policy`] is data, per service; [`decide`] is one total function over it. The order is
//! DESIGN section 7's: hard blocks, then allows, then the worst action of the weighed rules and of
//! the score's band; follow-ups add up.

mod policy;
mod weigh;

pub use policy::{
    BandPolicy, Fallback, Incomplete, Ledger, NoRate, Policy, Priced, RiskData, ServicePolicy,
    Substitute,
};
pub use weigh::{Evidence, decide};
