//! WGS-84 to GCJ-02, forward only (DOMAIN section 5).
//!
//! The generator keeps a version of its own on purpose: it must not lean on the stage that its
//! output is there to test.

use libm::{cos, fabs, sin, sqrt};

use super::place::Place;

const PI: f64 = core::f64::consts::PI;
const SEMI_MAJOR_M: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;

/// The GCJ-02 coordinates of a WGS-84 place; the place itself outside the shifted region.
pub fn gcj02_of(place: Place) -> Place {
    let (lat, lon) = (place.lat(), place.lon());
    if !(72.004..=137.8347).contains(&lon) || !(0.8293..=55.8271).contains(&lat) {
        return place;
    }
    let (x, y) = (lon - 105.0, lat - 35.0);
    let root = 0.1 * sqrt(fabs(x));
    let common = (20.0 * sin(6.0 * PI * x) + 20.0 * sin(2.0 * PI * x)) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 2.0 * root
        + common
        + (20.0 * sin(PI * y) + 40.0 * sin(PI * y / 3.0)) * 2.0 / 3.0
        + (160.0 * sin(PI * y / 12.0) + 320.0 * sin(PI * y / 30.0)) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + root
        + common
        + (20.0 * sin(PI * x) + 40.0 * sin(PI * x / 3.0)) * 2.0 / 3.0
        + (150.0 * sin(PI * x / 12.0) + 300.0 * sin(PI * x / 30.0)) * 2.0 / 3.0;
    let phi = lat * PI / 180.0;
    let m = 1.0 - ECCENTRICITY_SQUARED * sin(phi) * sin(phi);
    let root_m = sqrt(m);
    let per_lat = SEMI_MAJOR_M * (1.0 - ECCENTRICITY_SQUARED) / (m * root_m) * PI;
    let per_lon = SEMI_MAJOR_M / root_m * cos(phi) * PI;
    Place::from_degrees(lat + north * 180.0 / per_lat, lon + east * 180.0 / per_lon)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of DOMAIN section 5: the first is published to five decimals, the others to six.
    #[test]
    fn it_meets_the_published_vectors() {
        for ((lat, lon), (to_lat, to_lon), tolerance) in [
            ((39.90105, 116.42079), (39.90245, 116.42703), 1e-5),
            ((39.9042, 116.4074), (39.905603, 116.413642), 1.1e-6),
            ((31.2304, 121.4737), (31.228458, 121.478223), 1.1e-6),
        ] {
            let moved = gcj02_of(Place::from_degrees(lat, lon));
            assert!((moved.lat() - to_lat).abs() < tolerance, "latitude {}", moved.lat());
            assert!((moved.lon() - to_lon).abs() < tolerance, "longitude {}", moved.lon());
        }
        let london = Place::from_degrees(51.5142, -0.0931);
        assert_eq!(gcj02_of(london), london);
    }
}
