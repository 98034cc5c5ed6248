//! Merchants: what they sell, where, since when, and who goes to which.

use super::World;
use super::cities::{CITIES, MAINLAND, weighted_city};
use super::devices::{DeviceClass, DeviceUse};
use super::mcc::{CATEGORIES, Category, Reach, weighted_category};
use super::names::SHOP_WORDS;
use super::place::Place;
use crate::generator::rng::Rng;

const SALT: u64 = 0x6D65_7263;
/// Identities of the shops' own phones begin here, past those of persons and of burners.
const SHOP_PHONES: u64 = 1 << 41;

/// The index ranges of merchants, most popular first inside each.
#[derive(Debug)]
pub(super) struct Districts {
    /// Merchants that sell over the network to everyone: `0..online`.
    pub(super) online: u32,
    /// Per city: first index and count of its shops.
    pub(super) shops: Vec<(u32, u32)>,
    /// First index of the quiet merchants, which only plants visit.
    pub(super) quiet: u32,
    /// How many merchants there are.
    pub(super) count: u32,
}

impl Districts {
    /// Shares `count` merchants out: a tenth online, a quarter quiet, the rest by city:
    /// a million messages with one planted in a hundred visit some nine hundred quiet ones, and a
    /// campaign must not inherit the payments of another.
    pub(super) fn new(count: u32) -> Self {
        let (online, quiet) = (count / 10, count - (count / 4).max(20));
        let total: u32 = CITIES.iter().map(|city| city.weight).sum();
        let room = quiet - online - MAINLAND as u32;
        let mut next = online;
        let mut shops = Vec::with_capacity(MAINLAND);
        for city in &CITIES[..MAINLAND] {
            let share = 1 + (u64::from(room) * u64::from(city.weight) / u64::from(total)) as u32;
            shops.push((next, share));
            next += share;
        }
        // What rounding left over goes to the last city.
        if let Some(last) = shops.last_mut() {
            last.1 += quiet - next;
        }
        Self { online, shops, quiet, count }
    }

    /// The city of a shop, by its index; online and quiet merchants have no block.
    fn city_of(&self, index: u32) -> Option<u16> {
        let after = self.shops.partition_point(|&(first, _)| first <= index);
        (self.online..self.quiet).contains(&index).then(|| after.saturating_sub(1) as u16)
    }
}

/// One merchant. Derived from the index, never stored.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// Index in the world.
    pub index: u32,
    /// What it sells.
    pub category: &'static Category,
    /// Seat, an index into `CITIES`.
    pub city: u16,
    /// Registered place, WGS-84.
    pub place: Place,
    /// Opening date, days since 1970-01-01.
    pub opened_day: i64,
    /// The person who owns it, for some small merchants.
    pub owner: Option<u32>,
    /// The phone at the counter, registered with the acquirer, of those that an owner runs.
    pub phone: Option<DeviceUse>,
    word: usize,
}

impl World {
    /// The merchant with this index.
    pub fn merchant(&self, index: u32) -> Merchant {
        let mut rng = Rng::of(self.seed, SALT, u64::from(index));
        let drawn_city = weighted_city(rng.word());
        let city = self.districts.city_of(index).unwrap_or(drawn_city);
        let reach = if index < self.districts.online { Reach::Online } else { Reach::Shop };
        let age_days = if rng.chance(0.04) { rng.between(1, 29) } else { rng.between(30, 5_000) };
        let category = &CATEGORIES[usize::from(weighted_category(rng.word(), reach))];
        let place = CITIES[usize::from(city)].centre.scattered(&mut rng);
        let owner = rng.chance(0.3).then(|| rng.below(u64::from(self.customers)) as u32);
        let phone = DeviceUse::plain(DeviceClass::Phone, SHOP_PHONES + u64::from(index));
        Merchant {
            index,
            category,
            city,
            place,
            opened_day: self.start_ms.div_euclid(86_400_000) - age_days,
            owner,
            phone: owner.map(|_| phone),
            word: rng.below(SHOP_WORDS.len() as u64) as usize,
        }
    }

    /// Appends a merchant's trading name.
    pub fn push_merchant_name(&self, merchant: &Merchant, out: &mut Vec<u8>) {
        let city = CITIES[usize::from(merchant.city)].name;
        let parts = [city, SHOP_WORDS[merchant.word], merchant.category.suffix];
        parts.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
    }

    /// Where someone shops on the network: now and then a favourite, else by popularity.
    pub fn online_merchant(&self, habits: u64, rng: &mut Rng) -> Merchant {
        self.merchant(favoured(habits, 0, self.districts.online, rng))
    }

    /// Where someone shops over the counter in a city of the mainland.
    pub fn shop_in(&self, city: u16, habits: u64, rng: &mut Rng) -> Merchant {
        // Abroad nobody sells: such cities fall back to the first one.
        let &(first, count) =
            self.districts.shops.get(usize::from(city)).unwrap_or(&self.districts.shops[0]);
        self.merchant(favoured(habits, first, count, rng))
    }

    /// A merchant that the ordinary stream never visits.
    pub fn quiet_merchant(&self, ordinal: u64) -> Merchant {
        let count = u64::from(self.districts.count - self.districts.quiet);
        self.merchant(self.districts.quiet + (ordinal % count) as u32)
    }
}

/// One of eight habitual merchants in two cases of three, else a draw by popularity.
fn favoured(habits: u64, first: u32, count: u32, rng: &mut Rng) -> u32 {
    let rank = if rng.chance(0.66) {
        let favourite = rng.below(8);
        Rng::of(habits, u64::from(first), favourite).zipf(u64::from(count))
    } else {
        rng.zipf(u64::from(count))
    };
    first + rank as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// The blocks tile the merchants without a gap, and a city's shop stands in that city.
    #[test]
    fn every_city_has_shops_of_its_own() {
        let world = World::new(&Settings::default());
        let mut next = world.districts.online;
        for (city, &(first, count)) in world.districts.shops.iter().enumerate() {
            assert_eq!(first, next);
            assert!(count > 0);
            next = first + count;
            let shop = world.shop_in(city as u16, 9, &mut Rng::of(1, 2, 3));
            assert_eq!(usize::from(shop.city), city);
            assert!(shop.place.distance_m(CITIES[city].centre) < 26_000.0);
        }
        assert_eq!(next, world.districts.quiet);
        assert!(world.quiet_merchant(12_345).index >= world.districts.quiet);
    }
}
