//! Time as the stream tells it: milliseconds since the Unix epoch, never the machine's clock.

use std::fmt;

/// A moment: milliseconds since the Unix epoch.
///
/// Invariant: within the years 2000 to 2099, so that differences and window edges cannot overflow.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventTime(i64);

/// Why a text is not a moment that we take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TimeError {
    /// Not an RFC 3339 date and time with a zone offset.
    NotRfc3339,
    /// Outside the years 2000 to 2099.
    OutOfRange,
}

impl EventTime {
    /// The first moment that we take: 2000-01-01T00:00:00Z.
    pub const MIN: Self = Self(946_684_800_000);
    /// The last moment that we take, excluded: 2100-01-01T00:00:00Z.
    pub const MAX_MS: i64 = 4_102_444_800_000;

    /// Checks the range.
    pub const fn from_ms(ms: i64) -> Result<Self, TimeError> {
        if ms >= Self::MIN.0 && ms < Self::MAX_MS {
            Ok(Self(ms))
        } else {
            Err(TimeError::OutOfRange)
        }
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339; digits past the millisecond are cut. A leap second (`:60`) is read as the last
    /// millisecond of its minute: the scale of milliseconds has no place for it, and so it stands
    /// before all that follows.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        match parse_fixed(text.as_bytes()) {
            Some(ms) => Self::from_ms(ms),
            None => Err(TimeError::NotRfc3339),
        }
    }

    /// Writes `2026-11-23T14:54:11.123Z` (24 bytes, always UTC) at the end of `out`.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let (days, ms_of_day) = (self.0.div_euclid(DAY_MS), self.0.rem_euclid(DAY_MS));
        let (year, month, day) = civil_from_days(days);
        let mut push = |value: i64, width: u32, end: u8| {
            for place in (0..width).rev() {
                out.push(b'0' + (value / 10_i64.pow(place) % 10) as u8);
            }
            out.push(end);
        };
        push(year, 4, b'-');
        push(month, 2, b'-');
        push(day, 2, b'T');
        push(ms_of_day / 3_600_000, 2, b':');
        push(ms_of_day / 60_000 % 60, 2, b':');
        push(ms_of_day / 1_000 % 60, 2, b'.');
        push(ms_of_day % 1_000, 3, b'Z');
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write_rfc3339(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl fmt::Debug for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const DAY_MS: i64 = 86_400_000;
/// The number of a leap second within its minute.
const LEAP: i64 = 60;

/// `YYYY-MM-DDTHH:MM:SS[.f+](Z|±HH:MM)` to milliseconds.
fn parse_fixed(text: &[u8]) -> Option<i64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        text.get(from..to)?.iter().try_fold(0_i64, |value, byte| {
            byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
        })
    };
    let is = |at: usize, wanted: &[u8]| text.get(at).is_some_and(|byte| wanted.contains(byte));
    let separators = is(4, b"-") && is(7, b"-") && is(10, b"Tt") && is(13, b":") && is(16, b":");
    if !separators {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= LEAP;
    if !in_range {
        return None;
    }
    let (fraction_ms, zone_at) = parse_fraction(text)?;
    let (second, fraction_ms) = if second == LEAP { (59, 999) } else { (second, fraction_ms) };
    let offset_min = parse_zone(text.get(zone_at..)?)?;
    let seconds = (days_from_civil(year, month, day) * 24 + hour) * 3_600 + minute * 60 + second;
    Some((seconds - offset_min * 60) * 1_000 + fraction_ms)
}

/// The milliseconds after the seconds, and where the zone begins.
fn parse_fraction(text: &[u8]) -> Option<(i64, usize)> {
    if text.get(19) != Some(&b'.') {
        return Some((0, 19));
    }
    let count = text.get(20..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let ms = (0..3).fold(0, |ms, place| {
        let digit = if place < count { text.get(20 + place).map_or(0, |b| b - b'0') } else { 0 };
        ms * 10 + i64::from(digit)
    });
    Some((ms, 20 + count))
}

/// Minutes east of UTC.
fn parse_zone(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) =>
        {
            let value = |tens: &u8, ones: &u8| i64::from((tens - b'0') * 10 + (ones - b'0'));
            let (hours, minutes) = (value(h1, h2), value(m1, m2));
            let east = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            Some(if *sign == b'-' { -east } else { east })
        }
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level
/// date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<i64, TimeError>) {
        assert_eq!(EventTime::parse_rfc3339(text).map(EventTime::as_ms), expected, "{text}");
    }

    /// A lenient time is a hole: two parsers that disagree on it disagree on a window.
    #[test]
    fn rfc3339_is_read_strictly() {
        check("2026-11-23T14:54:11Z", Ok(1_795_445_651_000));
        check("2026-11-23T22:54:11.1239+08:00", Ok(1_795_445_651_123));
        check("2026-11-23t14:54:11.5z", Ok(1_795_445_651_500));
        check("2024-02-29T00:00:00Z", Ok(1_709_164_800_000));
        check("2026-11-23T14:54:11.1234567891234567891234Z", Ok(1_795_445_651_123));
        check("2016-12-31T23:59:60Z", Ok(1_483_228_799_999));
        check("2016-12-31t23:59:60.9z", Ok(1_483_228_799_999));
        check("2017-01-01T07:59:60.5+08:00", Ok(1_483_228_799_999));
        check("2017-01-01T00:00:00Z", Ok(1_483_228_800_000));
        check("2026-11-23T14:54:11-00:00", Ok(1_795_445_651_000));
        for bad in [
            "",
            "2026-11-23",
            "2026-11-23T14:54:11",
            "2026-11-23 14:54:11Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T14:54:61Z",
            "2026-11-23T14:54:99Z",
            "2026-11-23T14:54:11.Z",
            "2026-11-23T14:54:11+0800",
            "2026-11-23T14:54:11Z ",
            "+026-11-23T14:54:11Z",
            "2026-11-23T14:54:11.123456789",
            "2026-11-23T14:54:11.12345678912x",
            "2026-11-23T14:54:11,5Z",
        ] {
            check(bad, Err(TimeError::NotRfc3339));
        }
        check("1999-12-31T23:59:59Z", Err(TimeError::OutOfRange));
        check("2100-01-01T00:00:00Z", Err(TimeError::OutOfRange));
    }

    /// What is written is what was read, on an independent library's word.
    #[test]
    fn writing_agrees_with_jiff() {
        for ms in (EventTime::MIN.0..EventTime::MAX_MS).step_by(7_654_321_987) {
            let time = EventTime::from_ms(ms).unwrap();
            let theirs: jiff::Timestamp = time.to_string().parse().unwrap();
            assert_eq!(theirs.as_millisecond(), ms);
            assert_eq!(EventTime::parse_rfc3339(&time.to_string()), Ok(time));
        }
    }
}
