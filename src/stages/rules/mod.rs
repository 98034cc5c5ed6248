//! Which rules speak? Compiled conditions over a row to hits.
//!
//! A rule speaks when its service, kind, time and mode say so and its condition holds. What it
//! speaks for is its [`crate::domain::Effect`]; weighing effects against each other is the next
//! stage's. Rules see a row and nothing else: no list, no clock, no state of their own.

mod rule;
mod hits;
mod canary;
mod set;
#[cfg(test)]
mod tests;

pub use canary::Share;
pub use hits::{Hits, RuleIndex};
pub use rule::{KindSet, Mode, Rule, ServiceSet, Warmth};
pub use set::{Context, RuleSet, TooManyRules};
