//! The stages: pure functions from value to value. No I/O, no clock, no logging, and no stage
//! imports another: only `engine` knows their order.

pub mod decode;
pub mod enrich;
pub mod features;
pub mod rules;
pub mod decide;
pub mod mask;
