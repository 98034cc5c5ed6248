//! The IP plan: who sends from which address, in blocks that belong to nobody.
//!
//! Residential lines sit in 240.0.0.0/4 (reserved), offices in 198.18.0.0/15 (benchmarks), mobile
//! networks behind 100.64.0.0/10 (carrier-grade NAT) and 2001:db8::/32 (documentation), and what
//! attackers rent in the three documentation /24s.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::World;
use super::cities::{CITIES, City};
use super::people::Person;
use crate::generator::rng::mix;

/// How a device reaches the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// Wi-Fi.
    Wifi,
    /// Mobile data.
    Cellular,
    /// A cable.
    Wired,
}

impl Link {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Cellular => "cellular",
            Self::Wired => "wired",
        }
    }
}

/// The network side of one event.
#[derive(Clone, Copy, Debug)]
pub struct NetworkUse {
    /// Public address.
    pub ip: IpAddr,
    /// Source port.
    pub port: u16,
    /// Carrier, an index into [`CARRIERS`].
    pub carrier: Option<u8>,
    /// Kind of link.
    pub link: Link,
}

/// Carriers as phones report them.
pub const CARRIERS: [&str; 3] = ["CMCC", "CUCC", "CTCC"];

/// Addresses that carry a flag in `networks.csv`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rented {
    /// A server in a data centre.
    Hosting,
    /// A public proxy.
    Proxy,
    /// A commercial VPN.
    Vpn,
    /// A Tor exit.
    Tor,
    /// Beside the flagged ranges, and in none of them.
    Unflagged,
}

/// One block of the plan, for building a city and an ASN database from.
#[derive(Clone, Debug)]
pub struct IpBlock {
    /// The block.
    pub cidr: String,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    /// City name.
    pub city: &'static str,
    /// Latitude in degrees, WGS-84.
    pub lat: f64,
    /// Longitude in degrees, WGS-84.
    pub lon: f64,
    /// Accuracy radius.
    pub radius_km: u16,
    /// Autonomous system number, from the private range.
    pub asn: u32,
    /// Its operator, invented.
    pub as_org: &'static str,
}

const RESIDENTIAL: u32 = 0xF000_0000; // 240.0.0.0, a /12 per city
/// Within a city's /12, the last /16 is kept for farms: rules that look at a whole /24 must find
/// nobody else in it.
const FARMS: u32 = 0xF_0000;
const OFFICES: u32 = 0xC612_0000; // 198.18.0.0, a /21 per city
const MOBILE: u32 = 0x6440_0000; // 100.64.0.0, a /18 per city and carrier
/// Mobile exits per city and carrier: many subscribers share one.
const EXITS: u64 = 48;
const ASN_BASE: u32 = 4_200_000_000;
/// Rented blocks: (flag, cidr, first address, usable addresses).
const RENTED: [(Rented, &str, u32, u32); 5] = [
    (Rented::Hosting, "203.0.113.0/24", 0xCB00_7100, 256),
    (Rented::Proxy, "192.0.2.0/25", 0xC000_0200, 128),
    (Rented::Vpn, "192.0.2.128/25", 0xC000_0280, 128),
    (Rented::Tor, "198.51.100.0/27", 0xC633_6400, 32),
    (Rented::Unflagged, "198.51.100.128/25", 0xC633_6480, 128),
];

impl World {
    /// The line of a person's household.
    pub fn home_ip(&self, person: &Person) -> IpAddr {
        self.residential_ip(person.city, u64::from(person.index / 3))
    }

    /// A residential line in a city: the same ordinal is always the same line.
    pub fn residential_ip(&self, city: u16, ordinal: u64) -> IpAddr {
        let host = (mix(self.seed ^ ordinal) % u64::from(FARMS)) as u32;
        IpAddr::V4(Ipv4Addr::from(RESIDENTIAL + (u32::from(city) << 20) + host))
    }

    /// A host of one /24 where nobody lives: `last` chooses the host inside it.
    pub fn neighbouring_ip(&self, city: u16, ordinal: u64, last: u8) -> IpAddr {
        let net = FARMS + ((mix(self.seed ^ ordinal) & 0xFF) << 8) as u32;
        IpAddr::V4(Ipv4Addr::from(RESIDENTIAL + (u32::from(city) << 20) + net + u32::from(last)))
    }

    /// The office a person works in: about eight colleagues share its address.
    pub fn office_ip(&self, person: &Person) -> IpAddr {
        let total: u32 = CITIES.iter().map(|city| city.weight).sum();
        let weight = CITIES[usize::from(person.city)].weight;
        let people = u64::from(self.customers) * u64::from(weight) / u64::from(total);
        let offices = (people / 8).clamp(1, 2_046);
        let host = mix(person.habits) % offices;
        IpAddr::V4(Ipv4Addr::from(OFFICES + (u32::from(person.city) << 11) + 1 + host as u32))
    }

    /// The exit of a person's mobile carrier at this moment: a quarter of traffic is IPv6.
    pub fn mobile_ip(&self, person: &Person, at_ms: i64) -> IpAddr {
        // The exit changes about every two hours, as sessions are set up anew.
        let session = mix(person.habits ^ at_ms.div_euclid(7_200_000) as u64);
        let block = u32::from(person.city) * 4 + u32::from(person.carrier);
        if session.is_multiple_of(4) {
            let prefix = 0x2001_0DB8_u128 << 96 | u128::from(0x4000 + block) << 80;
            return IpAddr::V6(Ipv6Addr::from(
                prefix | u128::from(session & 0xFFFF_FFFF_FF00) << 8,
            ));
        }
        let exit = (session >> 8) % EXITS;
        IpAddr::V4(Ipv4Addr::from(MOBILE + (block << 14) + 1 + exit as u32))
    }

    /// An address of the kind that attackers rent.
    pub fn rented_ip(&self, kind: Rented, ordinal: u64) -> IpAddr {
        // Every kind has its row in the table.
        let row = RENTED.iter().find(|row| row.0 == kind).unwrap_or(&RENTED[0]);
        IpAddr::V4(Ipv4Addr::from(row.2 + (mix(ordinal) % u64::from(row.3)) as u32))
    }

    /// The whole plan: every address that the generator sends from lies in one of these blocks.
    pub fn ip_plan(&self) -> Vec<IpBlock> {
        const ORGS: [&str; 3] = ["Tidal Mobile", "Lantern Unicom", "Kite Telecom"];
        let mut plan = Vec::new();
        let mut add = |cidr: String, city: &City, radius_km, asn: u32, as_org| {
            let (lat, lon) = (city.centre.lat(), city.centre.lon());
            let (country, city) = (city.country, city.name);
            plan.push(IpBlock {
                cidr,
                country,
                city,
                lat,
                lon,
                radius_km,
                asn: ASN_BASE + asn,
                as_org,
            });
        };
        for (index, city) in CITIES.iter().enumerate() {
            let number = index as u32;
            let v4 = |base: u32| Ipv4Addr::from(base);
            let isp = index % 3;
            add(
                format!("{}/12", v4(RESIDENTIAL + (number << 20))),
                city,
                50,
                10 + isp as u32,
                ORGS[isp],
            );
            add(
                format!("{}/21", v4(OFFICES + (number << 11))),
                city,
                20,
                10 + isp as u32,
                ORGS[isp],
            );
            for (carrier, org) in ORGS.iter().enumerate() {
                let block = number * 4 + carrier as u32;
                let asn = 20 + carrier as u32;
                add(format!("{}/18", v4(MOBILE + (block << 14))), city, 200, asn, org);
                add(format!("2001:db8:{:x}::/48", 0x4000 + block), city, 200, asn, org);
            }
        }
        // What is rented stands abroad, in the last cities of the list, one after another.
        for (turn, (_, cidr, ..)) in RENTED.iter().enumerate() {
            let city = &CITIES[CITIES.len() - 1 - turn];
            add((*cidr).to_owned(), city, 100, 90 + turn as u32, "Driftwood Hosting");
        }
        plan
    }

    /// `networks.csv`: address ranges and what is known of them.
    pub fn networks_csv(&self) -> Vec<u8> {
        let mut csv = String::from("cidr,flag\n100.64.0.0/10,mobile\n100.64.0.0/10,cgnat\n");
        csv.push_str("2001:db8:4000::/34,mobile\n");
        for (kind, cidr, ..) in RENTED {
            let flag = match kind {
                Rented::Hosting => "hosting",
                Rented::Proxy => "proxy",
                Rented::Vpn => "vpn",
                Rented::Tor => "tor",
                Rented::Unflagged => continue,
            };
            csv.push_str(&format!("{cidr},{flag}\n"));
        }
        csv.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    fn covers(cidr: &str, ip: IpAddr) -> bool {
        let (base, bits) = cidr.split_once('/').expect("a prefix length");
        let bits: u32 = bits.parse().expect("a number");
        match (base.parse().expect("an address"), ip) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                (u32::from(base) ^ u32::from(ip)) >> (32 - bits) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => {
                (u128::from(base) ^ u128::from(ip)) >> (128 - bits) == 0
            }
            _ => false,
        }
    }

    /// An address outside the plan would have no place, and the geography rules would go blind.
    #[test]
    fn every_address_lies_in_exactly_one_block() {
        let world = World::new(&Settings::default());
        let plan = world.ip_plan();
        let blocks_of =
            |ip| plan.iter().filter(|block| covers(&block.cidr, ip)).collect::<Vec<_>>();
        for index in 0..2_000 {
            let person = world.person(index);
            let hour = i64::from(index) * 3_600_000;
            let mobile = world.mobile_ip(&person, hour);
            for ip in [world.home_ip(&person), world.office_ip(&person), mobile] {
                let blocks = blocks_of(ip);
                assert_eq!(blocks.len(), 1, "{ip}");
                assert_eq!(blocks[0].city, CITIES[usize::from(person.city)].name);
            }
            if mobile.is_ipv6() {
                assert!(covers("2001:db8:4000::/34", mobile));
            }
        }
        for (kind, cidr, ..) in RENTED {
            for ordinal in 0..300 {
                let ip = world.rented_ip(kind, ordinal);
                assert!(covers(cidr, ip) && blocks_of(ip).len() == 1);
            }
        }
    }
}
