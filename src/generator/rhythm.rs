//! The daily rhythm in Asia/Shanghai, which has had one offset since 1991.

/// One day in milliseconds.
pub(super) const DAY_MS: i64 = 86_400_000;
/// Asia/Shanghai is eight hours ahead of UTC, all year.
const OFFSET_MS: i64 = 8 * 3_600_000;

/// Events per hour of the day relative to the mean; they sum to 2,400.
const BY_HOUR: [u16; 24] = [
    42, 24, 16, 12, 12, 18, 42, 88, 118, 122, 128, 148, 166, 138, 116, 114, 120, 140, 166, 178,
    182, 152, 104, 54,
];

const _: () = {
    let (mut sum, mut hour) = (0, 0);
    while hour < 24 {
        sum += BY_HOUR[hour];
        hour += 1;
    }
    assert!(sum == 2_400, "the rhythm changes when events come, never how many");
};

/// Days since 1970-01-01 by the clock on the wall.
pub(super) fn local_day(at_ms: i64) -> i64 {
    (at_ms + OFFSET_MS).div_euclid(DAY_MS)
}

/// Hour of the day by the clock on the wall, 0 to 23.
pub(super) fn local_hour(at_ms: i64) -> u8 {
    ((at_ms + OFFSET_MS).rem_euclid(DAY_MS) / 3_600_000) as u8
}

/// The first moment from `at_ms` on at which the wall clock shows this hour.
pub(super) fn next_hour(at_ms: i64, hour: i64) -> i64 {
    let since_midnight = (at_ms + OFFSET_MS).rem_euclid(DAY_MS);
    at_ms + (hour * 3_600_000 - since_midnight).rem_euclid(DAY_MS)
}

/// How busy a moment is relative to the mean of a day.
pub(super) fn busyness(at_ms: i64) -> f64 {
    f64::from(BY_HOUR[usize::from(local_hour(at_ms))]) / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-02T00:00:00+08:00 is a midnight: an hour wrong here moves night rules into daylight.
    #[test]
    fn the_wall_clock_is_eight_hours_ahead() {
        let midnight = 1_772_380_800_000;
        assert_eq!(local_hour(midnight), 0);
        assert_eq!(local_hour(midnight - 1), 23);
        assert_eq!(local_day(midnight) - local_day(midnight - 1), 1);
        assert_eq!(next_hour(midnight + 1, 2), midnight + 2 * 3_600_000);
        assert_eq!(next_hour(midnight + 3 * 3_600_000, 2), midnight + DAY_MS + 2 * 3_600_000);
        assert!(busyness(midnight + 20 * 3_600_000) > busyness(midnight + 3 * 3_600_000) * 10.0);
    }
}
