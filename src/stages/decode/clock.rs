//! How far an event's own time may lie from its arrival. Time is an argument, never read here.

use crate::domain::EventTime;

use super::RejectReason;

/// The bounds of `occurred_at` around `received_at`, both inclusive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeLimits {
    /// How far ahead a client's clock may run, in milliseconds.
    pub ahead_ms_max: i64,
    /// How old an event may be, in milliseconds: the horizon within which repeats are recognised.
    pub age_ms_max: i64,
}

impl Default for TimeLimits {
    /// Five minutes ahead, seven days old (DESIGN section 5).
    fn default() -> Self {
        Self { ahead_ms_max: 5 * 60 * 1_000, age_ms_max: 7 * 24 * 60 * 60 * 1_000 }
    }
}

/// Whether an event may still, or already, be scored.
pub fn check_time(
    occurred_at: EventTime,
    received_at: EventTime,
    limits: &TimeLimits,
) -> Result<(), RejectReason> {
    // Both lie in the years 2000 to 2099, so the difference cannot overflow.
    let ahead_ms = occurred_at.as_ms() - received_at.as_ms();
    if ahead_ms > limits.ahead_ms_max {
        Err(RejectReason::TimeAhead)
    } else if -ahead_ms > limits.age_ms_max {
        Err(RejectReason::TimeStale)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ahead_ms: i64, expected: Result<(), RejectReason>) {
        let received_at = EventTime::parse_rfc3339("2026-11-23T12:00:00Z").unwrap();
        let occurred_at = EventTime::from_ms(received_at.as_ms() + ahead_ms).unwrap();
        let limits = TimeLimits::default();
        assert_eq!(check_time(occurred_at, received_at, &limits), expected, "{ahead_ms} ms");
    }

    /// The bounds are held to the millisecond: past the old one a repeat would be counted twice.
    #[test]
    fn the_bounds_are_inclusive() {
        check(0, Ok(()));
        check(300_000, Ok(()));
        check(300_001, Err(RejectReason::TimeAhead));
        check(-604_800_000, Ok(()));
        check(-604_800_001, Err(RejectReason::TimeStale));
    }
}
