//! Where a person is at a moment, so that positions and addresses tell one story.
//!
//! Honest people must not travel faster than aeroplanes: a trip takes most of its first and last
//! day, and a traveller reports no position on the way.

use super::World;
use super::cities::{CITIES, MAINLAND};
use super::people::Person;
use super::place::Place;
use crate::generator::rhythm::{DAY_MS, local_day, local_hour};
use crate::generator::rng::Rng;

/// Where someone is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whereabouts {
    /// At home.
    Home,
    /// At work.
    Work,
    /// About town, in the home city.
    Town,
    /// In another city.
    Away(u16),
    /// On the way: no position.
    Moving,
}

const TRIPS: u64 = 0x7472_6970;

impl World {
    /// Where this person is at a moment. A function of both, so that every event agrees.
    pub fn whereabouts(&self, person: &Person, at_ms: i64) -> Whereabouts {
        if let Some(trip) = self.trip(person, at_ms) {
            return trip;
        }
        let hour = local_hour(at_ms);
        let weekday = local_day(at_ms).rem_euclid(7);
        // 1970-01-01 was a Thursday: days 2 and 3 of this count are the weekend.
        let working = !(weekday == 2 || weekday == 3) && (9..18).contains(&hour);
        let slot = (local_day(at_ms) * 24 + i64::from(hour)) as u64;
        let mut rng = Rng::of(person.habits, TRIPS, slot);
        match (working, hour) {
            (true, _) if rng.chance(0.72) => Whereabouts::Work,
            (_, 0..7) => Whereabouts::Home,
            _ if rng.chance(0.5) => Whereabouts::Town,
            _ => Whereabouts::Home,
        }
    }

    /// Three people in a hundred make a trip in a given week, of two to four days.
    fn trip(&self, person: &Person, at_ms: i64) -> Option<Whereabouts> {
        let day = local_day(at_ms);
        let week = day.div_euclid(7);
        let mut rng = Rng::of(person.habits, TRIPS ^ 1, week as u64);
        if person.index >= self.customers || !rng.chance(0.03) {
            return None;
        }
        let first = week * 7 + rng.between(0, 3);
        let last = first + rng.between(1, 3);
        let city = match rng.below(12) {
            0 => rng.between(MAINLAND as i64, CITIES.len() as i64 - 1),
            _ => rng.between(0, MAINLAND as i64 - 1),
        };
        let minute = (at_ms + 8 * 3_600_000).rem_euclid(DAY_MS) / 60_000;
        let from_home = day * 1_440 + minute - first * 1_440;
        let to_home = last * 1_440 - day * 1_440 - minute;
        // Leaves home after six, is there by ten at night; comes back the same way.
        match (from_home, to_home) {
            (..360, _) => None,
            (360..1_320, _) => Some(Whereabouts::Moving),
            (_, -360..) => Some(Whereabouts::Away(city as u16)),
            (_, -1_320..-360) => Some(Whereabouts::Moving),
            _ => None,
        }
    }

    /// A place that fits the whereabouts; none on the way.
    pub fn place_at(&self, person: &Person, where_: Whereabouts, rng: &mut Rng) -> Option<Place> {
        match where_ {
            Whereabouts::Home => Some(person.home),
            Whereabouts::Work => Some(person.work),
            Whereabouts::Town => Some(CITIES[usize::from(person.city)].centre.scattered(rng)),
            Whereabouts::Away(city) => Some(CITIES[usize::from(city)].centre.scattered(rng)),
            Whereabouts::Moving => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// Every change of city takes at least six hours without a position.
    #[test]
    fn nobody_jumps_between_cities() {
        let settings = Settings::default();
        let world = World::new(&settings);
        let mut trips = 0;
        for index in 0..400 {
            let person = world.person(index);
            // Who is away when the stream begins has been on the way before.
            let (mut last_city, mut last_seen) = (person.city, 0);
            for step in 0..(14 * 48) {
                let at_ms = settings.start_ms + step * 1_800_000;
                let city = match world.whereabouts(&person, at_ms) {
                    Whereabouts::Moving => continue,
                    Whereabouts::Away(city) => city,
                    _ => person.city,
                };
                if city != last_city {
                    assert!(at_ms - last_seen >= 6 * 3_600_000, "person {index} flew");
                    trips += 1;
                }
                (last_city, last_seen) = (city, at_ms);
            }
        }
        assert!(trips > 10, "people do travel: {trips}");
    }
}
