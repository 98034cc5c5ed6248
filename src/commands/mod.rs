//! One file per command.

mod private;
mod assemble;
mod prepare;
mod no_rate;
mod probe;
#[cfg(feature = "kafka")]
mod serve;
#[cfg(feature = "kafka")]
pub mod run;
#[cfg(feature = "kafka")]
pub mod demo;
pub mod check;
mod lines;
pub mod score;
pub mod import;
pub mod generate;
pub mod rules;
pub mod backtest;
pub mod sweep;
mod report;
pub mod audit;
pub mod replay;
pub mod explain;
pub mod keys;
mod control;
pub mod lists;
#[cfg(test)]
mod upgrade_tests;

pub use private::keep_private;
