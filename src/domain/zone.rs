//! The bundle's time zone: where days begin. Rules come from a bundled tzdb, never the machine's.

use super::EventTime;

/// A time zone by IANA name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    name: String,
    zone: jiff::tz::TimeZone,
}

impl Zone {
    /// The zone with this IANA name (`Asia/Shanghai`), if the bundled database knows it, or at this
    /// offset from UTC (`+08:00`).
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(seconds) = Self::offset_seconds(name) {
            let zone = jiff::tz::Offset::from_seconds(seconds).ok()?.to_time_zone();
            return Some(Self { name: name.to_owned(), zone });
        }
        let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).ok()?;
        Some(Self { name: name.to_owned(), zone })
    }

    /// The seconds of an offset from UTC as CEL writes it: `+08:00`, `-02:30`, `02:00`.
    pub fn offset_seconds(text: &str) -> Option<i32> {
        let (sign, digits) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        let (hours, minutes) = digits.split_once(':')?;
        let part = |digits: &str, below: i32| {
            let shaped = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<i32>().ok().filter(|number| shaped && *number < below)
        };
        Some(sign * (part(hours, 24)? * 3_600 + part(minutes, 60)? * 60))
    }

    /// Its name: that of IANA, or the offset.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Milliseconds that local time is ahead of UTC at a moment.
    pub fn offset_ms(&self, at: EventTime) -> i64 {
        // `EventTime` lies within jiff's range by its invariant.
        jiff::Timestamp::from_millisecond(at.as_ms())
            .map_or(0, |at| i64::from(self.zone.to_offset(at).seconds()) * 1_000)
    }

    /// Local wall-clock milliseconds: what a calendar on the wall would count.
    pub fn local_ms(&self, at: EventTime) -> i64 {
        at.as_ms() + self.offset_ms(at)
    }

    /// The moment at which the local day of `at` began. A day that a zone change shortens or
    /// lengthens begins where its wall clock showed midnight under the offset in force then.
    pub fn day_start_ms(&self, at: EventTime) -> i64 {
        let local = self.local_ms(at);
        self.to_utc_ms(local - local.rem_euclid(DAY_MS), at)
    }

    /// The moment at which the local month of `at` began.
    pub fn month_start_ms(&self, at: EventTime) -> i64 {
        let local = self.local_ms(at);
        let days = local.div_euclid(DAY_MS);
        let (_, _, day) = super::time::civil_from_days(days);
        self.to_utc_ms((days - (day - 1)) * DAY_MS, at)
    }

    fn to_utc_ms(&self, local: i64, near: EventTime) -> i64 {
        let guess = local - self.offset_ms(near);
        EventTime::from_ms(guess).map_or(guess, |guess| local - self.offset_ms(guess))
    }
}

const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, at: &str, day: &str, month: &str) {
        let zone = Zone::parse(zone).unwrap();
        let at = EventTime::parse_rfc3339(at).unwrap();
        let text = |ms| EventTime::from_ms(ms).unwrap().to_string();
        assert_eq!(text(zone.day_start_ms(at)), day);
        assert_eq!(text(zone.month_start_ms(at)), month);
    }

    /// A daily limit starts at the customer's midnight, also where clocks change.
    #[test]
    fn days_and_months_begin_on_the_wall() {
        let shanghai = "Asia/Shanghai";
        check(
            shanghai,
            "2026-11-23T15:59:59Z",
            "2026-11-22T16:00:00.000Z",
            "2026-10-31T16:00:00.000Z",
        );
        check(
            shanghai,
            "2026-11-23T16:00:00Z",
            "2026-11-23T16:00:00.000Z",
            "2026-10-31T16:00:00.000Z",
        );
        // Berlin left summer time on 2026-10-25: that day began at +02:00 and the month too.
        let berlin = "Europe/Berlin";
        check(
            berlin,
            "2026-10-25T12:00:00Z",
            "2026-10-24T22:00:00.000Z",
            "2026-09-30T22:00:00.000Z",
        );
        assert!(Zone::parse("Mars/Olympus").is_none());
    }
}
