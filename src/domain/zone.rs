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

    /// The moment at which the local day of `at` began: the first at which its wall clock showed
    /// midnight, also where it shows it twice; where it skips midnight, the first moment after.
    pub fn day_start_ms(&self, at: EventTime) -> i64 {
        self.start_ms(at, |date| date)
    }

    /// The moment at which the local month of `at` began: that at which its first day did.
    pub fn month_start_ms(&self, at: EventTime) -> i64 {
        self.start_ms(at, jiff::civil::Date::first_of_month)
    }

    /// The beginning of a day that follows from the local date of `at`.
    fn start_ms(&self, at: EventTime, day: impl Fn(jiff::civil::Date) -> jiff::civil::Date) -> i64 {
        let start = jiff::Timestamp::from_millisecond(at.as_ms()).and_then(|at| {
            let date = day(self.zone.to_datetime(at).date());
            self.zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight()))
        });
        // `EventTime` lies within jiff's range by its invariant.
        start.map_or(at.as_ms(), jiff::Timestamp::as_millisecond)
    }
}

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

    /// A limit per day that counts from the second midnight would give half the day away; one that
    /// looks for a midnight that the clock skipped would begin in the day before.
    #[test]
    fn days_begin_once_where_midnight_comes_twice_or_not_at_all() {
        // From 01:00 back to 00:00 on 2026-10-25: that day has 25 hours from the first midnight on.
        let (azores, october) = ("Atlantic/Azores", "2026-10-01T00:00:00.000Z");
        let begun = "2026-10-25T00:00:00.000Z";
        for at in ["2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z", "2026-10-26T00:59:59.999Z"] {
            check(azores, at, begun, october);
        }
        check(azores, "2026-10-26T01:00:00Z", "2026-10-26T01:00:00.000Z", october);
        check(azores, "2026-10-24T23:59:59Z", "2026-10-24T00:00:00.000Z", october);
        // A month that begins with two midnights: Havana, 2015-11-01.
        let havana = "2015-11-01T04:00:00.000Z";
        for at in ["2015-11-01T04:30:00Z", "2015-11-01T05:30:00Z", "2015-11-02T04:59:59Z"] {
            check("America/Havana", at, havana, havana);
        }
        check("America/Havana", "2015-11-20T12:00:00Z", "2015-11-20T05:00:00.000Z", havana);
        // From 00:00 to 01:00: the day begins at 01:00.
        let paulo = "2018-11-04T03:00:00.000Z";
        check("America/Sao_Paulo", "2018-11-04T15:00:00Z", paulo, "2018-11-01T03:00:00.000Z");
        let beirut = "2026-03-28T22:00:00.000Z";
        check("Asia/Beirut", "2026-03-29T12:00:00Z", beirut, "2026-02-28T22:00:00.000Z");
        // A day that never was: Apia went from the 29th to the 31st.
        let apia = "2011-12-30T10:00:00.000Z";
        check("Pacific/Apia", "2011-12-30T10:00:00Z", apia, "2011-12-01T10:00:00.000Z");
    }

    /// Every zone, around every change of its clocks: the same beginnings as jiff's own, one that is
    /// not after the moment, in the same day, and the first of its kind.
    #[test]
    fn days_and_months_begin_as_the_zones_say() {
        let database = jiff::tz::TimeZoneDatabase::bundled();
        let from = jiff::Timestamp::from_millisecond(EventTime::MIN.as_ms() + 86_400_000).unwrap();
        let until = jiff::Timestamp::from_millisecond(1_956_528_000_000).unwrap();
        let mut count = 0;
        for name in database.available() {
            let Some(zone) = Zone::parse(&name.to_string()) else { continue };
            let changes = zone.zone.following(from).map(|change| change.timestamp());
            for change in changes.take_while(|at| *at < until) {
                for minutes in [-1_500, -61, -30, -1, 0, 1, 30, 59, 61, 300, 1_500, 40_000] {
                    let at =
                        EventTime::from_ms(change.as_millisecond() + minutes * 60_000).unwrap();
                    let moment = jiff::Timestamp::from_millisecond(at.as_ms()).unwrap();
                    let local = moment.to_zoned_datetime(zone.zone.clone());
                    let day = local.start_of_day().unwrap().timestamp();
                    assert_eq!(zone.day_start_ms(at), day.as_millisecond(), "{name} {at}");
                    let month = local.date().first_of_month().to_zoned_datetime(zone.zone.clone());
                    let month = month.unwrap().timestamp().as_millisecond();
                    assert_eq!(zone.month_start_ms(at), month, "{name} {at}");
                    let just_before =
                        zone.zone.to_datetime(day - jiff::SignedDuration::from_millis(1));
                    assert!(day <= moment && just_before.date() != local.date(), "{name} {at}");
                    count += 1;
                }
            }
        }
        assert!(count > 50_000, "{count} moments");
    }
}
