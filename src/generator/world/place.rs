//! A point on the map, in whole micro-degrees, so that it prints the same everywhere.

use crate::generator::rng::Rng;

/// A point in micro-degrees (about 11 cm). Its datum is named by whoever holds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Latitude times 10^6.
    pub lat_e6: i32,
    /// Longitude times 10^6.
    pub lon_e6: i32,
}

/// Metres in one degree of latitude, near enough for inventing places.
const METRES_PER_DEGREE: f64 = 111_320.0;

impl Place {
    /// The nearest micro-degree to the given degrees.
    pub fn from_degrees(lat: f64, lon: f64) -> Self {
        Self { lat_e6: libm::round(lat * 1e6) as i32, lon_e6: libm::round(lon * 1e6) as i32 }
    }

    /// Latitude in degrees.
    pub fn lat(self) -> f64 {
        f64::from(self.lat_e6) / 1e6
    }

    /// Longitude in degrees.
    pub fn lon(self) -> f64 {
        f64::from(self.lon_e6) / 1e6
    }

    /// The place so many metres to the north and east.
    pub fn moved(self, north_m: f64, east_m: f64) -> Self {
        let per_lon = METRES_PER_DEGREE * libm::cos(self.lat() * core::f64::consts::PI / 180.0);
        Self {
            lat_e6: self.lat_e6 + (north_m / METRES_PER_DEGREE * 1e6) as i32,
            lon_e6: self.lon_e6 + (east_m / per_lon * 1e6) as i32,
        }
    }

    /// Somewhere in the city around this centre: dense in the middle, never beyond about 17 km.
    pub fn scattered(self, rng: &mut Rng) -> Self {
        let north = (rng.bell() * 5_000.0).clamp(-17_000.0, 17_000.0);
        let east = (rng.bell() * 5_000.0).clamp(-17_000.0, 17_000.0);
        self.moved(north, east)
    }

    /// The same place as a satellite fix of the given accuracy would report it.
    pub fn jittered(self, rng: &mut Rng, accuracy_m: f64) -> Self {
        self.moved(rng.bell() * accuracy_m * 0.4, rng.bell() * accuracy_m * 0.4)
    }

    /// Great-circle distance in metres (haversine on the mean sphere).
    pub fn distance_m(self, other: Self) -> f64 {
        let radians = |degrees: f64| degrees * core::f64::consts::PI / 180.0;
        let (a, b) = (radians(self.lat()), radians(other.lat()));
        let half = |difference: f64| libm::sin(difference / 2.0);
        let turn = half(radians(other.lon() - self.lon()));
        let h = half(b - a) * half(b - a) + libm::cos(a) * libm::cos(b) * turn * turn;
        2.0 * 6_371_008.8 * libm::asin(libm::sqrt(h))
    }
}
