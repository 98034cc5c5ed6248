//! Coordinate systems in China: WGS-84, GCJ-02, BD-09, and distances (DOMAIN section 5).
//!
//! GCJ-02 moves a point in China by about half a kilometre, so a distance between two systems is
//! an artefact. Floating point runs through `libm` in a fixed order: every machine agrees.

use std::f64::consts::PI;

use crate::domain::Datum;

/// A position in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Degrees {
    /// Latitude, north positive.
    pub lat: f64,
    /// Longitude, east positive.
    pub lon: f64,
}

/// Semi-major axis of the Krasovsky ellipsoid in metres, as GCJ-02 uses it.
const AXIS_M: f64 = 6_378_245.0;
/// Its squared eccentricity, as GCJ-02 uses it.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// BD-09's angular frequency.
const BD_K: f64 = PI * 3_000.0 / 180.0;
/// Where the inverses stop: 0.1 mm.
const INVERSE_STOP_DEG: f64 = 1e-9;
/// Each round shrinks the error about a hundredfold, so three reach the stop and this is slack.
const INVERSE_ROUNDS: u32 = 8;
/// Mean radius of the earth in kilometres (IUGG).
const EARTH_KM: f64 = 6_371.008_8;

/// A position in `datum` as WGS-84.
pub fn to_wgs84(at: Degrees, datum: Datum) -> Degrees {
    match datum {
        Datum::Wgs84 => at,
        Datum::Gcj02 => gcj02_to_wgs84(at),
        Datum::Bd09 => gcj02_to_wgs84(bd09_to_gcj02(at)),
    }
}

/// A WGS-84 position in `datum`.
pub fn from_wgs84(at: Degrees, datum: Datum) -> Degrees {
    match datum {
        Datum::Wgs84 => at,
        Datum::Gcj02 => wgs84_to_gcj02(at),
        Datum::Bd09 => gcj02_to_bd09(wgs84_to_gcj02(at)),
    }
}

/// Great-circle distance in kilometres of two positions in one datum (haversine).
pub fn distance_km(a: Degrees, b: Degrees) -> f64 {
    let half = |from: f64, to: f64| libm::sin((to - from).to_radians() / 2.0);
    let (lat, lon) = (half(a.lat, b.lat), half(a.lon, b.lon));
    let cosines = libm::cos(a.lat.to_radians()) * libm::cos(b.lat.to_radians());
    let h = lat * lat + cosines * lon * lon;
    // Rounding can push `h` above one for antipodes.
    2.0 * EARTH_KM * libm::asin(libm::sqrt(h.min(1.0)))
}

/// Where GCJ-02 differs from WGS-84.
fn is_shifted(at: Degrees) -> bool {
    (72.004..=137.834_7).contains(&at.lon) && (0.829_3..=55.827_1).contains(&at.lat)
}

fn wgs84_to_gcj02(at: Degrees) -> Degrees {
    if !is_shifted(at) {
        return at;
    }
    let (lat, lon) = gcj02_shift(at);
    Degrees { lat: at.lat + lat, lon: at.lon + lon }
}

/// How far GCJ-02 moves a WGS-84 position, in degrees of latitude and longitude.
fn gcj02_shift(at: Degrees) -> (f64, f64) {
    let (x, y) = (at.lon - 105.0, at.lat - 35.0);
    // Every sine of the formula is one of a multiple of these two pairs of angles, and libm's sine
    // is the cost of a conversion: multiples come from the angle sums, to the last few bits.
    let east = Harmonics::of(x);
    let north = Harmonics::of(y);
    let shared = (20.0 * east.six_pi + 20.0 * east.two_pi) * 2.0 / 3.0;
    let root = libm::sqrt(libm::fabs(x));
    let d_lat = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + shared
        + (20.0 * north.pi + 40.0 * north.pi_3) * 2.0 / 3.0
        + (160.0 * north.pi_12 + 320.0 * north.pi_30) * 2.0 / 3.0;
    let d_lon = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + shared
        + (20.0 * east.pi + 40.0 * east.pi_3) * 2.0 / 3.0
        + (150.0 * east.pi_12 + 300.0 * east.pi_30) * 2.0 / 3.0;
    let (sin, cos) = libm::sincos(at.lat.to_radians());
    let m = 1.0 - ECCENTRICITY_2 * sin * sin;
    let root_m = libm::sqrt(m);
    let lat = d_lat * 180.0 / (AXIS_M * (1.0 - ECCENTRICITY_2) / (m * root_m) * PI);
    let lon = d_lon * 180.0 / (AXIS_M / root_m * cos * PI);
    (lat, lon)
}

/// Sines of multiples of one coordinate.
struct Harmonics {
    pi_30: f64,
    pi_12: f64,
    pi_3: f64,
    pi: f64,
    two_pi: f64,
    six_pi: f64,
}

impl Harmonics {
    fn of(x: f64) -> Self {
        let double = |(sin, cos): (f64, f64)| (2.0 * sin * cos, 1.0 - 2.0 * sin * sin);
        let triple = |sin: f64| sin * (3.0 - 4.0 * sin * sin);
        let (pi_12, cos_12) = libm::sincos(x * (PI / 12.0));
        let (pi_3, cos_3) = double(double((pi_12, cos_12)));
        let pi = triple(pi_3);
        let cos_pi = cos_3 * (4.0 * cos_3 * cos_3 - 3.0);
        let two_pi = 2.0 * pi * cos_pi;
        Self { pi_30: libm::sin(x * (PI / 30.0)), pi_12, pi_3, pi, two_pi, six_pi: triple(two_pi) }
    }
}

fn gcj02_to_wgs84(at: Degrees) -> Degrees {
    if !is_shifted(at) {
        return at;
    }
    invert(at, wgs84_to_gcj02)
}

fn gcj02_to_bd09(at: Degrees) -> Degrees {
    let (x, y) = (at.lon, at.lat);
    if !is_shifted(at) {
        return at;
    }
    let z = libm::hypot(x, y) + 0.000_02 * libm::sin(BD_K * y);
    let theta = libm::atan2(y, x) + 0.000_003 * libm::cos(BD_K * x);
    let (sin, cos) = libm::sincos(theta);
    Degrees { lat: z * sin + 0.006, lon: z * cos + 0.006_5 }
}

fn bd09_to_gcj02(at: Degrees) -> Degrees {
    if !is_shifted(at) {
        return at;
    }
    invert(at, gcj02_to_bd09)
}

/// The position that `forward` moves to `target`, by fixed-point iteration: the shift changes
/// slowly, so the error shrinks about a hundredfold in a round.
fn invert(target: Degrees, forward: fn(Degrees) -> Degrees) -> Degrees {
    let mut guess = target;
    for _ in 0..INVERSE_ROUNDS {
        let there = forward(guess);
        let (lat, lon) = (target.lat - there.lat, target.lon - there.lon);
        guess = Degrees { lat: guess.lat + lat, lon: guess.lon + lon };
        if libm::fabs(lat) < INVERSE_STOP_DEG && libm::fabs(lon) < INVERSE_STOP_DEG {
            break;
        }
    }
    guess
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [Datum; 3] = [Datum::Wgs84, Datum::Gcj02, Datum::Bd09];

    #[track_caller]
    fn near(got: Degrees, lat: f64, lon: f64) {
        assert!((got.lat - lat).abs() <= 1e-6 && (got.lon - lon).abs() <= 1e-6, "{got:?}");
    }

    /// The published vectors of DOMAIN section 5, both ways.
    #[test]
    fn vectors_agree_to_a_millionth_of_a_degree() {
        let check = |wgs: (f64, f64), gcj: (f64, f64), bd: Option<(f64, f64)>| {
            let at = |(lat, lon)| Degrees { lat, lon };
            near(from_wgs84(at(wgs), Datum::Gcj02), gcj.0, gcj.1);
            near(to_wgs84(at(gcj), Datum::Gcj02), wgs.0, wgs.1);
            if let Some(bd) = bd {
                near(from_wgs84(at(wgs), Datum::Bd09), bd.0, bd.1);
                near(to_wgs84(at(bd), Datum::Bd09), wgs.0, wgs.1);
            }
        };
        let exact = from_wgs84(Degrees { lat: 39.90105, lon: 116.42079 }, Datum::Gcj02);
        // This vector has five decimals, and the last of its longitude is one off the formula's.
        assert!((exact.lat - 39.90245).abs() < 1e-5 && (exact.lon - 116.42703).abs() < 1e-5);
        check((39.9042, 116.4074), (39.905603, 116.413642), Some((39.911865, 116.420046)));
        check((31.2304, 121.4737), (31.228458, 121.478223), Some((31.234311, 121.484781)));
    }

    /// The formula as it is published, sine by sine: what the angle sums are held against.
    fn published_shift(at: Degrees) -> (f64, f64) {
        let (x, y) = (at.lon - 105.0, at.lat - 35.0);
        let c = (20.0 * (6.0 * PI * x).sin() + 20.0 * (2.0 * PI * x).sin()) * 2.0 / 3.0;
        let wave = |v: f64, a: f64, b: f64| {
            (20.0 * (PI * v).sin() + 40.0 * (PI * v / 3.0).sin()) * 2.0 / 3.0
                + (a * (PI * v / 12.0).sin() + b * (PI * v / 30.0).sin()) * 2.0 / 3.0
        };
        let root = x.abs().sqrt();
        let d_lat = -100.0
            + 2.0 * x
            + 3.0 * y
            + 0.2 * y * y
            + 0.1 * x * y
            + 0.2 * root
            + c
            + wave(y, 160.0, 320.0);
        let d_lon = 300.0
            + x
            + 2.0 * y
            + 0.1 * x * x
            + 0.1 * x * y
            + 0.1 * root
            + c
            + wave(x, 150.0, 300.0);
        let phi = at.lat.to_radians();
        let m = 1.0 - ECCENTRICITY_2 * phi.sin().powi(2);
        (
            d_lat * 180.0 / (AXIS_M * (1.0 - ECCENTRICITY_2) / (m * m.sqrt()) * PI),
            d_lon * 180.0 / (AXIS_M / m.sqrt() * phi.cos() * PI),
        )
    }

    /// Outside China the three systems are one.
    #[test]
    fn nothing_moves_outside_china() {
        for (lat, lon) in [(51.5142, -0.0931), (-33.9, 151.2), (0.0, 0.0), (89.9, 100.0)] {
            let at = Degrees { lat, lon };
            for datum in ALL {
                assert_eq!(from_wgs84(at, datum), at);
                assert_eq!(to_wgs84(at, datum), at);
            }
        }
    }

    /// Known distances, and the two ends of the range.
    #[test]
    fn distances_are_great_circles() {
        let at = |lat, lon| Degrees { lat, lon };
        let (beijing, shanghai) = (at(39.9042, 116.4074), at(31.2304, 121.4737));
        assert!((distance_km(beijing, shanghai) - 1067.3).abs() < 1.0);
        assert!(distance_km(beijing, beijing) < 1e-9);
        assert!((distance_km(at(0.0, 0.0), at(0.0, 180.0)) - PI * EARTH_KM).abs() < 1e-6);
    }

    proptest! {
        /// There and back is the same place to a centimetre, anywhere in China.
        #[test]
        fn a_round_trip_ends_where_it_began(lat in 3.0..53.5_f64, lon in 73.5..135.0_f64) {
            let at = Degrees { lat, lon };
            for datum in ALL {
                let back = to_wgs84(from_wgs84(at, datum), datum);
                prop_assert!((back.lat - lat).abs() < 1e-7, "{datum:?} {back:?}");
                prop_assert!((back.lon - lon).abs() < 1e-7, "{datum:?} {back:?}");
            }
        }

        /// The quick sines move a point as the published formula does, to a micrometre.
        #[test]
        fn the_shift_is_the_published_one(lat in 0.83..55.82_f64, lon in 72.01..137.83_f64) {
            let at = Degrees { lat, lon };
            let (lat, lon) = gcj02_shift(at);
            let (expected_lat, expected_lon) = published_shift(at);
            prop_assert!((lat - expected_lat).abs() < 1e-11 && (lon - expected_lon).abs() < 1e-11);
        }

        /// Whatever numbers come, what goes out is finite: no look-up or distance can be poisoned.
        #[test]
        fn any_position_stays_finite(lat in -90.0..=90.0_f64, lon in -180.0..=180.0_f64) {
            for datum in ALL {
                let at = to_wgs84(Degrees { lat, lon }, datum);
                prop_assert!(at.lat.is_finite() && at.lon.is_finite());
                let distance = distance_km(at, Degrees { lat: 0.0, lon: 0.0 });
                prop_assert!(distance.is_finite());
            }
        }
    }
}
