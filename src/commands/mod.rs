//! One file per command.

mod assemble;
pub mod score;
pub mod generate;
pub mod rules;
pub mod audit;
pub mod keys;
