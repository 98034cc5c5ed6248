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
    // The grid of the mask, which readers see: two grids across each other would tell more.
    let coarse =
        to_wgs84(Degrees { lat: hundredths(raw.lat), lon: hundredths(raw.lon) }, location.datum);
    facts.set_int(Fact::LatMdeg, scaled(coarse.lat, 1e2) * 10);
    facts.set_int(Fact::LonMdeg, scaled(coarse.lon, 1e2) * 10);
    if let Some(accuracy) = location.accuracy_m {
        facts.set_int(Fact::LocationAccuracyM, scaled(accuracy, 1.0));
    }
    // As it was reported: mocked positions repeat the numbers, in whichever datum.
    let exact = keys.place(scaled(raw.lat, 1e6) as i32, scaled(raw.lon, 1e6) as i32);
    facts.set_id(Fact::LocationExact, exact);
    if let Some(registered) = registered {
        let distance = distance_km(at, registered.wgs84);
        facts.set_float(
            Fact::TerminalDistanceKm,
            told(distance, distance_km(coarse, registered.wgs84)),
        );
        facts.set_bool(
            Fact::TerminalDatumFault,
            is_datum_fault(raw, location.datum, registered, distance),
        );
    }
    if let Some(ip_place) = ip_place {
        facts.set_float(Fact::IpGpsDistanceKm, at_most(distance_km(coarse, ip_place)));
    }
}

/// Distances are told in these steps, in kilometres: with the place of a register's or a database's
/// entry an exact one locates the payer. What is compared with a step by `>` or `<=` compares as the
/// distance itself.
const STEPS_KM: [f64; 18] = [
    1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1_000.0, 2_000.0,
    3_000.0, 5_000.0, 10_000.0, 20_100.0,
];

/// Where a terminal counts as moved (T2): decided on the exact distance, and nothing else is.
const MOVED_KM: f64 = 1.0;

/// What is told of the distance to a terminal's place: exactly whether it was moved, else as far as the
/// coarse position tells.
fn told(distance_km: f64, coarse_km: f64) -> f64 {
    // Any number between two steps says "past the first step".
    if distance_km <= MOVED_KM { MOVED_KM } else { at_most(coarse_km.max(MOVED_KM + 0.5)) }
}

/// The step that a distance does not pass.
fn at_most(distance_km: f64) -> f64 {
    STEPS_KM.into_iter().find(|step| distance_km <= *step).unwrap_or(20_100.0)
}

/// To two decimals of a degree, about 1.1 km.
fn hundredths(degrees: f64) -> f64 {
    libm::round(degrees * 1e2) / 1e2
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
        fn check(told: (Degrees, Datum), register: (Degrees, Datum), fault: bool) {
            let facts = facts_at(told.0, told.1, RegisteredPlace::new(register.0, register.1));
            assert_eq!(facts.bool(Fact::TerminalDatumFault), Some(fault));
        }
        use Datum::{Bd09, Gcj02, Wgs84};
        let gcj = from_wgs84(BEIJING, Gcj02);
        let bd = from_wgs84(BEIJING, Bd09);
        check((BEIJING, Wgs84), (BEIJING, Wgs84), false);
        check((gcj, Gcj02), (bd, Bd09), false);
        check((gcj, Wgs84), (BEIJING, Wgs84), true); // sends GCJ-02 as WGS-84
        check((bd, Wgs84), (BEIJING, Wgs84), true); // sends BD-09 as WGS-84
        check((bd, Gcj02), (BEIJING, Wgs84), true); // sends BD-09 as GCJ-02
        check((BEIJING, Wgs84), (gcj, Wgs84), true); // the register is wrong
        check((BEIJING, Wgs84), (bd, Gcj02), true);
        check((bd, Wgs84), (gcj, Wgs84), true); // both are wrong, each in its way
        // 300 m to the north, and 5 km away: real moves.
        let moved = |degrees| Degrees { lat: BEIJING.lat + degrees, ..BEIJING };
        check((moved(0.0027), Wgs84), (BEIJING, Wgs84), false);
        check((moved(0.045), Wgs84), (BEIJING, Wgs84), false);
        // Two positions side by side in one datum, 30 m apart: a real distance too.
        check((moved(0.00027), Wgs84), (BEIJING, Wgs84), false);
    }

    /// Whether a terminal was moved (T2) is decided on the exact distance, and how far, as well as the
    /// coarse position tells.
    #[test]
    fn distances_are_told_in_steps() {
        let check = |north_degrees: f64, expected| {
            let at = Degrees { lat: BEIJING.lat + north_degrees, ..BEIJING };
            let facts = facts_at(at, Datum::Wgs84, RegisteredPlace::new(BEIJING, Datum::Wgs84));
            assert_eq!(facts.float(Fact::TerminalDistanceKm), Some(expected), "{north_degrees}");
        };
        check(0.0, 1.0);
        check(0.0089, 1.0); // 990 m
        check(0.0091, 2.0); // 1,010 m
        check(0.0400, 5.0);
        check(0.5, 100.0);
    }

    /// Only coarse numbers pass, whatever the datum; the exact ones only as an id.
    #[test]
    fn positions_pass_coarse_and_in_one_datum() {
        let register = RegisteredPlace::new(BEIJING, Datum::Wgs84);
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            let facts = facts_at(from_wgs84(BEIJING, datum), datum, register);
            // A hundredth to either side: the grid is that of the datum in which it was reported.
            let [lat, lon] = [Fact::LatMdeg, Fact::LonMdeg].map(|fact| facts.int(fact).unwrap());
            assert!(
                (lat - 39_900).abs() <= 10 && (lon - 116_410).abs() <= 10,
                "{datum:?} {lat} {lon}"
            );
            assert_eq!(facts.int(Fact::LocationAccuracyM), Some(12));
            assert_eq!(facts.float(Fact::IpGpsDistanceKm), Some(1.0));
        }
        let id = |lat| {
            let at = Degrees { lat, ..BEIJING };
            facts_at(at, Datum::Wgs84, register).bits(Fact::LocationExact).unwrap()
        };
        assert_eq!(id(39.904_200_1), id(39.904_200_4));
        assert_ne!(id(39.904_200), id(39.904_201));
    }

    /// What passes of a position is no more than what the mask shows of it: two that look alike there
    /// are told apart by nothing but the id, wherever the register's entry is.
    #[test]
    fn positions_that_look_alike_have_the_same_facts() {
        let near = RegisteredPlace::new(Degrees { lat: 39.95, lon: 116.31 }, Datum::Wgs84);
        for datum in [Datum::Wgs84, Datum::Gcj02, Datum::Bd09] {
            let facts = |lat, lon| {
                let facts = facts_at(Degrees { lat, lon }, datum, near);
                let all = Fact::ALL.iter().filter(|fact| **fact != Fact::LocationExact);
                all.map(|fact| facts.bits(*fact)).collect::<Vec<_>>()
            };
            let first = facts(39.8951, 116.4051);
            for (lat, lon) in [(39.9049, 116.4149), (39.9, 116.41), (39.896_123, 116.414_321)] {
                assert_eq!(facts(lat, lon), first, "{datum:?} {lat} {lon}");
            }
        }
    }

    /// A rule's limit that is one of the steps decides as on the distance itself.
    #[test]
    fn steps_keep_comparisons() {
        for step in STEPS_KM {
            assert_eq!(Some(at_most(step)), Some(step));
            assert!(at_most(step - 0.001) <= step);
            assert!(at_most(step + 0.001) > step || step >= 20_100.0);
        }
        assert_eq!((at_most(0.0), at_most(1e9)), (1.0, 20_100.0));
    }
}
