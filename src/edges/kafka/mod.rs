//! Kafka: payments in, decisions, audit records and dead letters out, nothing lost.

mod settings;
mod security;

pub use security::{Mechanism, Protocol, Secret, SecretError, Security, is_loopback};
pub use settings::{Compression, Isolation, Outputs, Settings, Start};
