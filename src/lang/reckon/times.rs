//! Moments and lengths of time to the nanosecond: reading, writing, and their parts.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

use crate::domain::Zone;
use crate::lang::TimePart;

const SECOND_NS: i128 = 1_000_000_000;
/// 0001-01-01T00:00:00Z.
const MOMENT_MIN_NS: i128 = -62_135_596_800 * SECOND_NS;
/// The last nanosecond of 9999.
const MOMENT_MAX_NS: i128 = 253_402_300_800 * SECOND_NS - 1;

/// A moment within the years that CEL knows.
pub(super) fn moment(ns: i128) -> Result<i128, String> {
    match (MOMENT_MIN_NS..=MOMENT_MAX_NS).contains(&ns) {
        true => Ok(ns),
        false => Err("the moment leaves the range of the years 1 to 9999".into()),
    }
}

/// A length of time within 64 bits of nanoseconds, about 292 years.
pub(super) fn length(ns: i128) -> Result<i64, String> {
    i64::try_from(ns).map_err(|_| "the duration leaves its range of 292 years".into())
}

/// Reads RFC 3339. (jiff's own moments end a day before the year does, so only its calendar is used.)
pub(super) fn read_moment(text: &str) -> Result<i128, String> {
    let wrong = || "a moment is RFC 3339, as in 2026-11-23T02:30:00+08:00".to_owned();
    let year = text.split('-').next().unwrap_or("");
    if year.len() > 4 && year.bytes().all(|byte| byte.is_ascii_digit()) {
        return moment(i128::MAX);
    }
    let local = text.get(..19).filter(|local| is_shaped(local)).ok_or_else(wrong)?;
    let (fraction, offset) = match text[19..].strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())),
        None => ("0", &text[19..]),
    };
    let nanos: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let nanos: i128 = nanos.parse().map_err(|_| wrong())?;
    let offset_seconds = match offset {
        "Z" | "z" => 0,
        _ if offset.starts_with(['+', '-']) => Zone::offset_seconds(offset).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let local: DateTime = local.to_uppercase().parse().map_err(|_| wrong())?;
    if fraction.is_empty() {
        return Err(wrong());
    }
    let of_day = i128::from(local.hour()) * 3_600
        + i128::from(local.minute()) * 60
        + i128::from(local.second());
    let days = i128::from((local.date() - EPOCH).get_days());
    moment((days * 86_400 + of_day - i128::from(offset_seconds)) * SECOND_NS + nanos)
}

/// `2009-02-13T23:31:30`, digit by digit: the calendar's own reader takes more forms.
fn is_shaped(local: &str) -> bool {
    let fits = |(letter, pattern): (u8, u8)| match pattern {
        b'0' => letter.is_ascii_digit(),
        _ => letter.eq_ignore_ascii_case(&pattern),
    };
    // A leap second is no second of Unix time.
    local.bytes().zip(*b"0000-00-00T00:00:00").all(fits) && local.as_bytes().get(17) != Some(&b'6')
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// The calendar date and the time of day of wall-clock nanoseconds.
fn civil(local_ns: i128) -> Option<DateTime> {
    let day_ns = 86_400 * SECOND_NS;
    let days = i64::try_from(local_ns.div_euclid(day_ns)).ok()?;
    let of_day = i64::try_from(local_ns.rem_euclid(day_ns)).ok()?;
    let date = EPOCH.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
    date.at(0, 0, 0, 0).checked_add(jiff::Span::new().try_nanoseconds(of_day).ok()?).ok()
}

/// Reads a duration: numbers with the units of CEL (h, m, s, ms, us, ns), and days as our rules have.
pub(super) fn read_length(text: &str) -> Result<i64, String> {
    let wrong = || "a duration is as in `1h30m`, `-1.5s` or `20ms`".to_owned();
    let (sign, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    let mut total: i128 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, tail) = rest.split_at(number);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit_ns: i128 = match unit {
            "d" => 86_400 * SECOND_NS,
            "h" => 3_600 * SECOND_NS,
            "m" => 60 * SECOND_NS,
            "s" => SECOND_NS,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return Err(wrong()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return Err(wrong());
        }
        // What is below a nanosecond is cut off: fifteen digits tell days to less than one.
        let fraction = &fraction[..fraction.len().min(15)];
        let read = |digits: &str| match digits {
            "" => Some(0),
            digits => digits.parse::<i128>().ok().filter(|value| *value < 1_i128 << 64),
        };
        let range = || "the duration leaves its range of 292 years".to_owned();
        let (whole, part) = (read(whole).ok_or_else(range)?, read(fraction).ok_or_else(range)?);
        // At most 2^64 days and 10^15 parts: far within 128 bits.
        total += whole * unit_ns + part * unit_ns / 10_i128.pow(fraction.len() as u32);
        rest = tail;
    }
    length(sign * total)
}

/// `2009-02-13T23:31:30.5Z`, without zeros at the end.
pub(super) fn moment_text(ns: i128) -> String {
    civil(ns).map_or_else(|| ns.to_string(), |at| format!("{at}Z"))
}

/// `1.5s`, without zeros at the end.
pub(super) fn length_text(ns: i64) -> String {
    let (seconds, rest) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
    let sign = if ns < 0 { "-" } else { "" };
    let fraction = format!(".{rest:09}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{sign}{seconds}{fraction}s")
}

/// The zone of a name (`Asia/Shanghai`) or of an offset (`+08:00`).
fn zone(name: &str) -> Result<TimeZone, String> {
    if let Some(seconds) = Zone::offset_seconds(name) {
        return Offset::from_seconds(seconds)
            .map(TimeZone::fixed)
            .map_err(|_| format!("`{name}` is further from UTC than a day"));
    }
    let known = TimeZoneDatabase::bundled().get(name);
    known.map_err(|_| {
        "a zone is an IANA name, as in \"Asia/Shanghai\", or an offset: \"+08:00\"".into()
    })
}

/// A part of a moment on the wall clock of a named zone, else of the zone given, else of UTC.
pub(super) fn part(
    part: TimePart,
    ns: i128,
    name: Option<&str>,
    given: Option<&Zone>,
) -> Result<i64, String> {
    let zone = match (name, given) {
        (Some(name), _) => zone(name)?,
        (None, Some(given)) => zone(given.name())?,
        (None, None) => TimeZone::UTC,
    };
    // Zones change no more in the last hours that jiff does not know.
    let near = ns.clamp(Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
    let near = Timestamp::from_nanosecond(near).unwrap_or(Timestamp::MAX);
    let offset = i128::from(zone.to_offset(near).seconds());
    let local = civil(ns + offset * SECOND_NS);
    let local = local.ok_or("the wall clock leaves the range of the years")?;
    Ok(match part {
        TimePart::Year => i64::from(local.year()),
        TimePart::Month => i64::from(local.month()) - 1,
        TimePart::Date => i64::from(local.day()),
        TimePart::DayOfMonth => i64::from(local.day()) - 1,
        TimePart::DayOfWeek => i64::from(local.weekday().to_sunday_zero_offset()),
        TimePart::DayOfYear => i64::from(local.day_of_year()) - 1,
        TimePart::Hours => i64::from(local.hour()),
        TimePart::Minutes => i64::from(local.minute()),
        TimePart::Seconds => i64::from(local.second()),
        TimePart::Milliseconds => i64::from(local.millisecond()),
    })
}

/// A duration counted in whole units, toward zero; its milliseconds are those beyond whole seconds.
pub(super) fn units(part: TimePart, ns: i64) -> Option<i64> {
    Some(match part {
        TimePart::Hours => ns / 3_600_000_000_000,
        TimePart::Minutes => ns / 60_000_000_000,
        TimePart::Seconds => ns / 1_000_000_000,
        TimePart::Milliseconds => ns / 1_000_000 % 1_000,
        _ => return None,
    })
}
