//! The service as an operator runs it: a real process against a real broker.
//!
//! `./dev test` starts the broker and names it in `TIDEGATE_TEST_KAFKA`.
#![cfg(feature = "kafka")]
// A helper that fails is a test that fails; the lint knows only functions marked as tests.
#![allow(clippy::unwrap_used)]

mod broker;
mod service;
mod events;
mod delivery;
mod changes;
mod forms;
mod crashes;
mod ownership;
mod logs;
mod disks;
mod refusals;
mod alerts;
mod readme;
mod secure;
mod leaks;
