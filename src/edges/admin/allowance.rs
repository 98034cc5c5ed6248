//! How much of something one person may have in a while.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An allowance for each person: a leaky bucket, and a sum of the day. It knows the people who have
/// roles, and begins anew with the process.
#[derive(Debug)]
pub(super) struct Allowance {
    limits: Limits,
    people: Mutex<BTreeMap<String, Used>>,
}

/// What each person may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// At once.
    pub(super) burst: u64,
    /// What comes back in a minute.
    pub(super) per_minute: u64,
    /// In 24 hours from the first.
    pub(super) per_day: u64,
}

#[derive(Debug)]
struct Used {
    /// What the bucket holds; it leaks.
    level: u64,
    /// Up to when it has leaked.
    at: Instant,
    day_began: Instant,
    today: u64,
}

impl Allowance {
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, people: Mutex::new(BTreeMap::new()) }
    }

    /// Takes an amount, or says for how long there is not that much; then nothing is taken.
    pub(super) fn take(&self, person: &str, amount: u64, now: Instant) -> Result<(), Duration> {
        let Limits { burst, per_minute, per_day } = self.limits;
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let used = people.entry(person.to_owned()).or_insert_with(|| Used {
            level: 0,
            at: now,
            day_began: now,
            today: 0,
        });
        let passed = now.saturating_duration_since(used.at).as_millis() as u64;
        let leaked = passed.saturating_mul(per_minute) / 60_000;
        if leaked > 0 {
            // Whole units leave, and the rest of the time counts for the next one.
            used.at += Duration::from_millis((leaked.saturating_mul(60_000)).div_ceil(per_minute));
            used.level = used.level.saturating_sub(leaked);
        }
        if used.level == 0 {
            used.at = now;
        }
        if now.saturating_duration_since(used.day_began) >= DAY {
            (used.day_began, used.today) = (now, 0);
        }
        if used.today.saturating_add(amount) > per_day {
            return Err(DAY.saturating_sub(now.saturating_duration_since(used.day_began)));
        }
        let over = used.level.saturating_add(amount).saturating_sub(burst);
        if over > 0 {
            let whole = Duration::from_millis(over.saturating_mul(60_000).div_ceil(per_minute));
            return Err(whole.saturating_sub(now.saturating_duration_since(used.at)));
        }
        (used.level, used.today) = (used.level + amount, used.today + amount);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever asks again and again gets a burst, then what a minute brings, then what a day allows;
    /// another person is not disturbed, and what is refused costs nothing.
    #[test]
    fn a_person_gets_a_burst_and_then_little() {
        let allowance = Allowance::new(Limits { burst: 10, per_minute: 6, per_day: 100 });
        let begin = Instant::now();
        let take = |person: &str, amount, seconds| {
            let now = begin + Duration::from_secs(seconds);
            allowance.take(person, amount, now).map_err(|wait| wait.as_secs())
        };
        assert_eq!(take("li", 10, 0), Ok(()));
        assert_eq!(take("li", 1, 0), Err(10));
        assert_eq!(take("wang", 10, 0), Ok(()));
        assert_eq!(take("li", 1, 10), Ok(()));
        assert_eq!(take("li", 1, 19), Err(1));
        assert_eq!(take("li", 11, 1_000), Err(10), "never more than the burst");
        let mut got = 11;
        for minute in 0..60 {
            for _ in 0..20 {
                got += u64::from(take("li", 1, 2_000 + 60 * minute).is_ok());
            }
        }
        assert_eq!(got, 100);
        assert_eq!(take("li", 1, 24 * 60 * 60), Ok(()));
    }
}
