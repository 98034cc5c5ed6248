//! What is followed of an entity beside its window: where it was last, whether it was moved.

use crate::domain::{Fact, Facts, FeatureVector, Input, VersionKey};

use super::builtins::{Builtin, BuiltinColumns};

/// Mean Earth radius in kilometres (IUGG).
const EARTH_KM: f64 = 6_371.008_8;

/// Great-circle distance by the haversine formula, in kilometres, between two points in
/// thousandths of a degree.
fn distance_km(a: (i32, i32), b: (i32, i32)) -> f64 {
    let radians = |mdeg: i32| f64::from(mdeg) / 1_000.0 * (std::f64::consts::PI / 180.0);
    let (lat_a, lat_b) = (radians(a.0), radians(b.0));
    let half_lat = libm::sin((lat_b - lat_a) / 2.0);
    let half_lon = libm::sin((radians(b.1) - radians(a.1)) / 2.0);
    let h = half_lat * half_lat + libm::cos(lat_a) * libm::cos(lat_b) * half_lon * half_lon;
    2.0 * EARTH_KM * libm::asin(libm::sqrt(h.min(1.0)))
}

/// Distance and speed from the last position, which this event's replaces if it is newer.
///
/// The tracker's words are position (two `i32` in thousandths of a degree) and time in milliseconds,
/// zero when there was none.
pub(super) fn travel(
    tracker: &mut [u64; 2],
    input: &Input,
    columns: (crate::domain::FieldId, crate::domain::FieldId),
    row: &mut FeatureVector,
) {
    let (Some(lat), Some(lon)) = (input.facts.int(Fact::LatMdeg), input.facts.int(Fact::LonMdeg))
    else {
        return;
    };
    let here = (lat as i32, lon as i32);
    let [position, then_ms] = *tracker;
    let now_ms = input.occurred_at.as_ms();
    if then_ms != 0 {
        let there = ((position >> 32) as u32 as i32, position as u32 as i32);
        let km = distance_km(there, here);
        // Two positions in one instant are two places at once: a second is the least time.
        let hours = (now_ms - then_ms.cast_signed()).abs().max(1_000) as f64 / 3_600_000.0;
        row.set_float(columns.0, km);
        row.set_float(columns.1, km / hours);
    }
    if now_ms >= then_ms.cast_signed() {
        let packed = u64::from(here.0.cast_unsigned()) << 32 | u64::from(here.1.cast_unsigned());
        *tracker = [packed, now_ms.cast_unsigned()];
    }
}

/// Relocation and version of a terminal (T2, T8).
///
/// The tracker's words: in the lowest 15 bits of the first the last five positions, three bits each
/// with the newest lowest (present, over 1 km, over 50 km); in all others the beginning of the key of
/// the highest application version seen, which begins with a one.
pub(super) fn terminal(
    tracker: &mut [u64; 2],
    input: &Input,
    columns: &BuiltinColumns,
    row: &mut FeatureVector,
) {
    if let Some(km) = input.facts.float(Fact::TerminalDistanceKm) {
        let seen = 1 | u64::from(km > 1.0) << 1 | u64::from(km > 50.0) << 2;
        let positions = (tracker[0] << 3 | seen) & POSITIONS;
        tracker[0] = tracker[0] & !POSITIONS | positions;
        let count = |bit: u64| (0..5).filter(|n| tracker[0] >> (3 * n + bit) & 1 == 1).count();
        row.set_int(columns.get(Builtin::TerminalMovedOf5), count(1) as i64);
        row.set_int(columns.get(Builtin::TerminalMovedFarOf5), count(2) as i64);
    }
    if let Some(version) = version(&input.facts) {
        let highest = highest_version(*tracker);
        row.set_bool(columns.get(Builtin::TerminalAppDowngrade), version < highest);
        let highest = version.max(highest);
        tracker[0] = tracker[0] & POSITIONS | (highest >> 64) as u64 & !POSITIONS;
        tracker[1] = highest as u64;
    }
}

/// Bits of the first word that hold positions.
const POSITIONS: u64 = 0x7fff;
/// Bits of a version's key for which the two words have room.
const VERSION: u32 = 128 - POSITIONS.count_ones();

/// A key as the words keep it: its beginning, around the positions' bits.
const fn kept(key: VersionKey) -> u128 {
    let beginning = key.bits() >> (128 - VERSION);
    (beginning >> 64) << (64 + POSITIONS.count_ones()) | beginning as u64 as u128
}

/// The version of an event's terminal. Inputs from before the version was a fact of its own have it
/// in three parts of ten bits; one with a part at their end says nothing.
fn version(facts: &Facts) -> Option<u128> {
    let key = match facts.text(Fact::TerminalVersion) {
        Some(text) => VersionKey::of(text),
        None => facts.int(Fact::TerminalAppVersion).and_then(three_tens),
    };
    key.map(kept)
}

fn three_tens(packed: i64) -> Option<VersionKey> {
    u32::try_from(packed).ok().and_then(VersionKey::of_three_tens)
}

/// The highest version that the words hold, zero for none. Without a one at its beginning it is from
/// before there were keys.
fn highest_version([first, second]: [u64; 2]) -> u128 {
    match first & !POSITIONS {
        0 if second == 0 => 0,
        0 => three_tens(second.cast_signed()).map_or(0, kept),
        high => u128::from(high) << 64 | u128::from(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventTime, FieldId, FieldType, Schema};

    /// A downgrade (T8) is an older version, whatever the size of its parts; a tracker or an input of
    /// before is understood where it says enough, and positions stay beside it.
    #[test]
    fn a_downgrade_is_an_older_version() {
        let mut schema = Schema::of_facts();
        let columns = BuiltinColumns::declare(&mut schema).unwrap();
        let three_tens = |a: i64, b: i64, c: i64| a << 20 | b << 10 | c;
        let seen = |tracker: &mut [u64; 2], text: Option<&str>, packed: Option<i64>| {
            let mut input = Input::new();
            if let Some(text) = text {
                input.facts.set_text(Fact::TerminalVersion, text);
            }
            if let Some(packed) = packed {
                input.facts.set_int(Fact::TerminalAppVersion, packed);
            }
            input.facts.set_float(Fact::TerminalDistanceKm, 60.0);
            let mut row = FeatureVector::new(schema.columns());
            row.start(&input.facts);
            terminal(tracker, &input, &columns, &mut row);
            let column = columns.get(Builtin::TerminalAppDowngrade);
            row.has(column).then(|| row.int(column) != 0)
        };
        let check = |versions: &[(&str, bool)], mut tracker: [u64; 2]| {
            for (version, expected) in versions {
                let told = seen(&mut tracker, Some(version), None);
                assert_eq!(told, Some(*expected), "{version} of {versions:?}");
            }
            assert_eq!(tracker[0] & POSITIONS, 0x7fff & !(!0 << (3 * versions.len().min(5))));
        };
        let fresh = [0; 2];
        check(&[("2025.12.1", false), ("2026.11.23", false), ("2026.2.23", true)], fresh);
        check(&[("1.1023.9", false), ("1.1024.0", false), ("1.1023.10", true)], fresh);
        check(&[("20261123153000.1", false), ("20261123152959.9", true)], fresh);
        check(&[("1.2.3", false), ("1.2.3-beta", true), ("v1.2.3.0", false), ("1.2", true)], fresh);
        let old = |packed: i64| [0, packed.cast_unsigned()];
        check(&[("2.0.4", false), ("2.0.3", true)], old(three_tens(2, 0, 4)));
        // It was 1023 or any number from there on: nothing is known.
        check(&[("1.0.0", false)], old(three_tens(1_023, 12, 1)));
        let mut tracker = fresh;
        assert_eq!(seen(&mut tracker, None, Some(three_tens(3, 1, 0))), Some(false));
        assert_eq!(seen(&mut tracker, None, Some(three_tens(1_023, 1, 0))), None);
        assert_eq!(seen(&mut tracker, Some("3.0.9"), Some(three_tens(3, 0, 9))), Some(true));
        assert_eq!(seen(&mut tracker, Some("nonsense"), None), None);
    }

    /// Impossible travel (G1) rests on this distance: Shanghai to Beijing is 1,067 km.
    #[test]
    fn travel_is_distance_over_time() {
        let mut schema = Schema::of_facts();
        let km = schema.add("km", FieldType::Float, "").unwrap();
        let kmh = schema.add("kmh", FieldType::Float, "").unwrap();
        let mut tracker = [0; 2];
        let mut at = |ms: i64, lat: i64, lon: i64| -> (Option<f64>, Option<f64>) {
            let mut input = Input::new();
            input.occurred_at = EventTime::from_ms(1_700_000_000_000 + ms).unwrap();
            input.facts.set_int(Fact::LatMdeg, lat);
            input.facts.set_int(Fact::LonMdeg, lon);
            let mut row = FeatureVector::new(schema.columns());
            row.start(&input.facts);
            travel(&mut tracker, &input, (km, kmh), &mut row);
            let get = |id: FieldId| row.has(id).then(|| row.float(id));
            (get(km), get(kmh))
        };
        assert_eq!(at(0, 31_230, 121_474), (None, None));
        let (distance, speed) = at(3_600_000, 39_904, 116_407);
        assert!((distance.unwrap() - 1_067.0).abs() < 2.0, "{distance:?}");
        assert!((speed.unwrap() - 1_067.0).abs() < 2.0);
        // A late event is measured, and does not become the last position.
        assert!(at(0, 31_230, 121_474).0.unwrap() > 1_000.0);
        assert!(at(7_200_000, 39_904, 116_407).0.unwrap() < 1.0);
    }
}
