//! Where it happens: the position in one datum, coarse; exact only as distances and a keyed id.

use super::TokenKeys;
use super::datum::{Degrees, distance_km, to_wgs84};
use super::tables::RegisteredPlace;
use crate::domain::{Datum, Fact, Facts, Location};

/// The position's facts, and its distance to where the terminal is registered and to where the
/// address is.
pub(super) fn place(
    location: Option<&Location>,
    registered: Option<RegisteredPlace>,
    ip_place: Option<Degrees>,
    keys: &TokenKeys,
    facts: &mut Facts,
) {
    facts.set_bool(Fact::LocationPresent, location.is_some());
    let Some(location) = location else { return };
    let raw = Degrees { lat: *location.lat.expose(), lon: *location.lon.expose() };
    let at = to_wgs84(raw, location.datum);
    facts.set_int(Fact::LatMdeg, scaled(at.lat, 1e3));
    facts.set_int(Fact::LonMdeg, scaled(at.lon, 1e3));
    if let Some(accuracy) = location.accuracy_m {
        facts.set_int(Fact::LocationAccuracyM, scaled(accuracy, 1.0));
    }
    // As it was reported: mocked positions repeat the numbers, in whichever datum.
    let exact = keys.place(scaled(raw.lat, 1e6) as i32, scaled(raw.lon, 1e6) as i32);
    facts.set_id(Fact::LocationExact, exact);
    if let Some(registered) = registered {
        let distance = distance_km(at, registered.wgs84);
        facts.set_float(Fact::TerminalDistanceKm, distance);
        facts.set_bool(
            Fact::TerminalDatumFault,
            is_datum_fault(raw, location.datum, registered, distance),
        );
    }
    if let Some(ip_place) = ip_place {
        facts.set_float(Fact::IpGpsDistanceKm, distance_km(at, ip_place));
    }
}

/// To the nearest whole number of units; a cast from float saturates, so nothing overflows.
fn scaled(value: f64, units: f64) -> i64 {
    libm::round(value * units) as i64
}

/// What a wrong label can move a point in China (DOMAIN section 5), in kilometres.
const FAULT_KM: std::ops::RangeInclusive<f64> = 0.020..=1.521;
/// What counts as the same place, in kilometres.
const SAME_KM: f64 = 0.050;

/// G6: off by what a wrong datum moves a point, and right when the position or the register's
/// entry is read in another one.
fn is_datum_fault(
    raw: Degrees,
    labelled: Datum,
    registered: RegisteredPlace,
    distance_km_as_labelled: f64,
) -> bool {
    if !FAULT_KM.contains(&distance_km_as_labelled) {
        return false;
    }
    let registered_raw = registered.raw();
    const ALL: [Datum; 3] = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09];
    ALL.into_iter().any(|datum| {
        let position = to_wgs84(raw, datum);
        ALL.into_iter().any(|register_datum| {
            // Two positions in one datum are as far apart in any other: a real distance.
            let same_pairing = (datum == labelled && register_datum == registered.datum)
                || (datum == register_datum && labelled == registered.datum);
            !same_pairing
                && distance_km(position, to_wgs84(registered_raw, register_datum)) < SAME_KM
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::datum::from_wgs84;
    use super::*;
    use crate::domain::Sensitive;

    const BEIJING: Degrees = Degrees { lat: 39.9042, lon: 116.4074 };

    fn facts_at(raw: Degrees, datum: Datum, registered: RegisteredPlace) -> Facts {
        let location = Location {
            lat: Sensitive::new(raw.lat),
            lon: Sensitive::new(raw.lon),
            accuracy_m: Some(12.4),
            datum,
        };
        let mut facts = Facts::new();
        let keys = TokenKeys::new(1, &[1; 32]);
        place(Some(&location), Some(registered), Some(BEIJING), &keys, &mut facts);
        facts
    }

    /// A terminal that stands where it should, told in any datum, is at no distance; one whose
    /// numbers carry the wrong label is a datum fault and not a relocation (G6, T2).
    #[test]
    fn a_wrong_label_is_told_from_a_move() {
        #[track_caller]
        fn check(told: (Degrees, Datum), register: (Degrees, Datum), near: bool, fault: bool) {
            let facts = facts_at(told.0, told.1, RegisteredPlace::new(register.0, register.1));
            let distance = facts.float(Fact::TerminalDistanceKm).unwrap();
            assert_eq!(distance < 0.020, near, "{distance}");
            assert_eq!(facts.bool(Fact::TerminalDatumFault), Some(fault), "{distance}");
        }
        use Datum::{Bd09, Gcj02, Wgs84};
        let gcj = from_wgs84(BEIJING, Gcj02);
        let bd = from_wgs84(BEIJING, Bd09);
        check((BEIJING, Wgs84), (BEIJING, Wgs84), true, false);
        check((gcj, Gcj02), (bd, Bd09), true, false);
        check((gcj, Wgs84), (BEIJING, Wgs84), false, true); // sends GCJ-02 as WGS-84
        check((bd, Wgs84), (BEIJING, Wgs84), false, true); // sends BD-09 as WGS-84
        check((bd, Gcj02), (BEIJING, Wgs84), false, true); // sends BD-09 as GCJ-02
        check((BEIJING, Wgs84), (gcj, Wgs84), false, true); // the register is wrong
        check((BEIJING, Wgs84), (bd, Gcj02), false, true);
        check((bd, Wgs84), (gcj, Wgs84), false, true); // both are wrong, each in its way
        // 300 m to the north, and 5 km away: real moves.
        let moved = |degrees| Degrees { lat: BEIJING.lat + degrees, ..BEIJING };
        check((moved(0.0027), Wgs84), (BEIJING, Wgs84), false, false);
        check((moved(0.045), Wgs84), (BEIJING, Wgs84), false, false);
        // Two positions side by side in one datum, 30 m apart: a real distance too.
        check((moved(0.00027), Wgs84), (BEIJING, Wgs84), false, false);
    }

    /// Only coarse numbers pass, whatever the datum; the exact ones only as an id.
    #[test]
    fn positions_pass_coarse_and_in_one_datum() {
        let register = RegisteredPlace::new(BEIJING, Datum::Wgs84);
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            let facts = facts_at(from_wgs84(BEIJING, datum), datum, register);
            assert_eq!(facts.int(Fact::LatMdeg), Some(39_904), "{datum:?}");
            assert_eq!(facts.int(Fact::LonMdeg), Some(116_407), "{datum:?}");
            assert_eq!(facts.int(Fact::LocationAccuracyM), Some(12));
            assert!(facts.float(Fact::IpGpsDistanceKm).unwrap() < 0.001);
        }
        let id = |lat| {
            let at = Degrees { lat, ..BEIJING };
            facts_at(at, Datum::Wgs84, register).bits(Fact::LocationExact).unwrap()
        };
        assert_eq!(id(39.904_200_1), id(39.904_200_4));
        assert_ne!(id(39.904_200), id(39.904_201));
    }
}
