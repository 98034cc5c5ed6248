//! What a bundle declares: aggregates over the windows of an entity, already typed.

use crate::domain::{EntityKind, FieldId};
use crate::lang::Where;

/// One aggregate, as `features.yaml` declares it.
#[derive(Clone, Debug)]
pub struct AggregateSpec {
    /// The feature's name, unique in the schema.
    pub name: String,
    /// What is computed.
    pub function: Function,
    /// For which kind of entity events are kept.
    pub by: EntityKind,
    /// Whose window is looked at, when not the event's own entity of `by`: with `by: payee,
    /// at: account` the payer's account is looked up among the payees. Only between kinds that
    /// share a token space (payee with account or card).
    pub at: Option<EntityKind>,
    /// Which stretch of time.
    pub over: Over,
    /// How far the window's end lies before the event.
    pub delay_ms: i64,
    /// Which events count; all when absent.
    pub filter: Option<Where>,
    /// Leave out the event itself (only without delay).
    pub excluding_current: bool,
    /// The value of an empty window where the function has none.
    pub default: Option<f64>,
}

/// What an aggregate computes. Columns are facts of type int, money, float (no: floats do not add
/// exactly) or bool; `distinct` takes an entity, or a fact of type text, id or int.
#[derive(Clone, Debug)]
pub enum Function {
    /// Number of events.
    Count,
    /// Exact sum of an integer or money column; events without a value add nothing.
    Sum(FieldId),
    /// Sum over the number of events with a value.
    Mean(FieldId),
    /// Least value.
    Min(FieldId),
    /// Greatest value.
    Max(FieldId),
    /// Population standard deviation.
    Stddev(FieldId),
    /// Number of different values.
    Distinct(DistinctOf),
    /// Value of the oldest event that has one.
    First(FieldId),
    /// Value of the newest event that has one, the current one left out when `excluding_current`.
    Last(FieldId),
    /// Milliseconds since the newest event of the window before this one.
    SinceLast,
    /// Share of the window's events that satisfy a condition.
    Rate(Where),
}

/// What is counted by `distinct`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DistinctOf {
    /// Entities of a kind, by token.
    Entity(EntityKind),
    /// Values of a fact.
    Field(FieldId),
}

/// Which stretch of time a window covers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Over {
    /// `(t - D - W, t - D]`, W in milliseconds.
    Rolling(i64),
    /// From midnight in the bundle's zone.
    CalendarDay,
    /// From the first of the month in the bundle's zone.
    CalendarMonth,
}

/// Longest reach of a window: W + D.
pub const REACH_MAX_MS: i64 = 45 * 86_400_000;
