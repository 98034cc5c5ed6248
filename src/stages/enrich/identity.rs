//! The resident identity number (GB 11643-1999): its check character and the age it tells.

use crate::domain::EventTime;

/// China keeps one time the year round; a birthday begins at midnight there.
const CHINA_OFFSET_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// A day of the calendar. Ordered as days are.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day in China at a moment.
    pub(super) fn in_china(at: EventTime) -> Self {
        let days = day_number(at);
        // Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`.
        let z = i64::from(days) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        // An `EventTime` lies in the years 2000 to 2099.
        Self { year: year as u16, month: month as u8, day: (doy - (153 * mp + 2) / 5 + 1) as u8 }
    }
}

/// Days since 1970-01-01 of the day in China at a moment.
pub(super) fn day_number(at: EventTime) -> i32 {
    // An `EventTime` lies in the years 2000 to 2099.
    (at.as_ms() + CHINA_OFFSET_MS).div_euclid(DAY_MS) as i32
}

/// The date of birth that a number in its normal form tells, if its check character is right.
pub(super) fn birth_date(number: &[u8]) -> Option<Date> {
    let number: &[u8; 18] = number.try_into().ok()?;
    if !has_right_check(number) {
        return None;
    }
    let birth = Date { year: value(&number[6..10]), ..month_and_day(&number[10..14]) };
    is_a_day(birth).then_some(birth)
}

/// The number of eighteen characters of one of fifteen digits (GB 11643-1989: a year of two digits
/// and no check character); `None` for what is none.
pub(super) fn of_18(number: &[u8]) -> Option<[u8; 18]> {
    let old: &[u8; 15] = number.try_into().ok()?;
    if !old.iter().all(u8::is_ascii_digit) || !PROVINCES.contains(&value(&old[..2])) {
        return None;
    }
    let birth = Date { year: 1_900 + value(&old[6..8]), ..month_and_day(&old[8..12]) };
    let mut new = [0; 18];
    new[..6].copy_from_slice(&old[..6]);
    new[6..8].copy_from_slice(b"19");
    new[8..17].copy_from_slice(&old[6..]);
    let [digits @ .., last] = &mut new;
    *last = check_character(digits)?;
    is_a_day(birth).then_some(new)
}

/// The first two digits of a number: the code of a province (GB/T 2260).
const PROVINCES: std::ops::RangeInclusive<u16> = 11..=91;

fn value(digits: &[u8]) -> u16 {
    // At most four digits.
    digits.iter().fold(0, |value, digit| value * 10 + u16::from(digit.wrapping_sub(b'0')))
}

fn month_and_day(digits: &[u8]) -> Date {
    let (month, day) = digits.split_at(2);
    Date { year: 0, month: value(month) as u8, day: value(day) as u8 }
}

/// ISO 7064 MOD 11-2 over 17 digits and a digit or X.
pub(super) fn has_right_check(number: &[u8; 18]) -> bool {
    let [digits @ .., last] = number;
    check_character(digits) == Some(*last)
}

fn check_character(digits: &[u8; 17]) -> Option<u8> {
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().enumerate() {
        if !digit.is_ascii_digit() {
            return None;
        }
        // The weight of a place is 2 to the power of its distance from the end, modulo 11.
        sum += u32::from(digit - b'0') * ((1_u32 << (17 - place)) % 11);
    }
    let check = (12 - sum % 11) % 11;
    Some(if check == 10 { b'X' } else { b'0' + check as u8 })
}

fn is_a_day(date: Date) -> bool {
    let every = |years| date.year.is_multiple_of(years);
    let leap = every(4) && (!every(100) || every(400));
    let days = match date.month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    date.year >= 1_850 && (1..=days).contains(&date.day)
}

/// The band of an age on a day (R29: only the band is kept); `None` for one not yet born.
pub(super) fn age_band(birth: Date, today: Date) -> Option<&'static str> {
    if birth > today {
        return None;
    }
    let had_birthday = (today.month, today.day) >= (birth.month, birth.day);
    let age = today.year - birth.year - u16::from(!had_birthday);
    Some(match age {
        0..=17 => "under_18",
        18..=24 => "18_24",
        25..=44 => "25_44",
        45..=64 => "45_64",
        _ => "65_plus",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> EventTime {
        EventTime::parse_rfc3339(text).unwrap()
    }

    /// One wrong character is found; so is a day that the calendar does not have.
    #[test]
    fn the_check_character_decides() {
        let check = |number: &str, ok: bool| {
            assert_eq!(birth_date(number.as_bytes()).is_some(), ok, "{number}")
        };
        check("11010519491231002X", true); // the standard's own example
        check("440524188001010014", true); // the standard's other example
        check("110105194912310021", false);
        check("11010519491231003X", false);
        check("1101051949123100", false);
        check("ABCDEFGHIJKLMNOPQX", false);
        check("身份证号码是", false); // 18 bytes, no digits
        check("", false);
    }

    /// A minor becomes an adult at midnight in China, not in Greenwich.
    #[test]
    fn a_band_changes_on_the_birthday_in_china() {
        let birth = Date { year: 2008, month: 11, day: 24 };
        let band = |text| age_band(birth, Date::in_china(at(text)));
        assert_eq!(band("2026-11-23T15:59:59.999Z"), Some("under_18"));
        assert_eq!(band("2026-11-23T16:00:00Z"), Some("18_24"));
        assert_eq!(band("2007-01-01T00:00:00Z"), None);
        assert_eq!(band("2033-11-24T00:00:00Z"), Some("25_44"));
        assert_eq!(band("2053-11-24T00:00:00Z"), Some("45_64"));
        assert_eq!(band("2073-11-23T00:00:00Z"), Some("45_64"));
        assert_eq!(band("2073-11-24T00:00:00Z"), Some("65_plus"));
    }

    /// The date agrees with an independent calendar on every day that we take.
    #[test]
    fn days_agree_with_jiff() {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        for ms in (EventTime::MIN.as_ms()..EventTime::MAX_MS).step_by(40_000_000) {
            let theirs = zone.to_datetime(jiff::Timestamp::from_millisecond(ms).unwrap());
            let ours = Date::in_china(EventTime::from_ms(ms).unwrap());
            let expected = (theirs.year(), theirs.month(), theirs.day());
            assert_eq!((ours.year as i16, ours.month as i8, ours.day as i8), expected);
        }
    }
}
