//! Kafka: payments in, decisions, audit records and dead letters out, nothing lost.
//!
//! One thread does it all: it takes what is ready, lets the engine decide, gives it to the journal,
//! and sends what the journal keeps, as durably as configured. Where many messages wait, a second one
//! admits them ahead of their turn (`ahead`). A position is committed when every output of every message before it
//! is acknowledged. Changes by people and guards send an audit record too; theirs is no position, so
//! a number is told beside it (`changes`). After a crash messages come again; the engine knows them and gives the same
//! bytes under the same `seq`, so that a repeat is recognised for what it is.

// Settings are checked in every build; only the client turns them into properties.
#[cfg_attr(not(feature = "kafka"), allow(dead_code))]
mod settings;
#[cfg_attr(not(feature = "kafka"), allow(dead_code))]
mod security;
mod handler;
#[cfg_attr(not(feature = "kafka"), allow(dead_code))]
mod changes;
mod decider;
#[cfg(feature = "kafka")]
mod dead_letter;
#[cfg(feature = "kafka")]
mod ledger;
#[cfg(feature = "kafka")]
mod outbox;
#[cfg(feature = "kafka")]
mod contexts;
#[cfg(feature = "kafka")]
mod statistics;
#[cfg(feature = "kafka")]
mod ahead;
#[cfg(feature = "kafka")]
mod work;
#[cfg(feature = "kafka")]
mod sending;
#[cfg(feature = "kafka")]
mod commits;
#[cfg_attr(not(feature = "kafka"), allow(dead_code))]
mod ownership;
#[cfg(feature = "kafka")]
mod continuity;
#[cfg(feature = "kafka")]
mod assignment;
#[cfg(feature = "kafka")]
mod watch;
#[cfg(feature = "kafka")]
mod renewal;
#[cfg(feature = "kafka")]
mod trial;
#[cfg(feature = "kafka")]
mod transaction;
#[cfg_attr(not(feature = "kafka"), allow(dead_code))]
mod patience;
#[cfg(feature = "kafka")]
mod edge;

pub use changes::Changed;
pub use decider::{Audit, Decider, EDGE_REASONS, Gate};
#[cfg(feature = "kafka")]
pub use edge::{Edge, EdgeError, IN_FLIGHT_MAX};
pub use handler::{Admit, Answer, EVENT_UNKNOWN, Handler, HandlerError, Rejected, Sendable};
pub use ownership::{Misfit, Unfit};
pub use patience::{DiskPolicy, OnDiskFull};
pub use security::{Mechanism, Protocol, Secret, SecretError, Security, is_exposed, is_loopback};
pub use settings::{Compression, Format, Isolation, Outputs, Settings, Start};
#[cfg(feature = "kafka")]
pub use statistics::Statistics;
#[cfg(feature = "kafka")]
pub use trial::refusals;

#[cfg(test)]
#[cfg(feature = "kafka")]
mod simulation;
#[cfg(test)]
#[cfg(feature = "kafka")]
mod tests;
