//! What is followed of an entity beside its window: where it was last, whether it was moved.

use crate::domain::{Fact, FeatureVector, Input};

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
/// The tracker's words: the last five positions, three bits each with the newest lowest (present,
/// over 1 km, over 50 km); the highest application version seen.
pub(super) fn terminal(
    tracker: &mut [u64; 2],
    input: &Input,
    columns: &BuiltinColumns,
    row: &mut FeatureVector,
) {
    if let Some(km) = input.facts.float(Fact::TerminalDistanceKm) {
        let seen = 1 | u64::from(km > 1.0) << 1 | u64::from(km > 50.0) << 2;
        tracker[0] = (tracker[0] << 3 | seen) & 0x7fff;
        let count = |bit: u64| (0..5).filter(|n| tracker[0] >> (3 * n + bit) & 1 == 1).count();
        row.set_int(columns.get(Builtin::TerminalMovedOf5), count(1) as i64);
        row.set_int(columns.get(Builtin::TerminalMovedFarOf5), count(2) as i64);
    }
    if let Some(version) = input.facts.int(Fact::TerminalAppVersion) {
        let version = version.max(0).cast_unsigned();
        row.set_bool(columns.get(Builtin::TerminalAppDowngrade), version < tracker[1]);
        tracker[1] = tracker[1].max(version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventTime, FieldId, FieldType, Schema};

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
