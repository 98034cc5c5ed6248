//! One file per command.

pub mod generate;
pub mod keys;
pub mod rules;
pub mod audit;
