//! Terminals: which shop they stand in, what the register says of them.

use super::World;
use super::checksums::{luhn_digit, scatter};
use super::datum::gcj02_of;
use super::merchants::Merchant;
use super::place::Place;
use crate::generator::draft::Datum;
use crate::generator::json::{push_number, push_padded};
use crate::generator::rng::Rng;

const SALT: u64 = 0x7465_726D;

/// Device types of DOMAIN section 3 with their share of the field.
const TYPES: [(&str, u32); 9] = [
    ("02", 300),
    ("04", 330),
    ("03", 60),
    ("10", 140),
    ("11", 60),
    ("09", 40),
    ("12", 30),
    ("13", 30),
    ("01", 10),
];

/// One terminal. Derived from the index, never stored.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Index in the world.
    pub index: u32,
    /// The merchant it is registered to.
    pub merchant: u32,
    /// Two digits, DOMAIN section 3.
    pub kind: &'static str,
    /// Registered place, WGS-84.
    pub place: Place,
    /// The datum in which the register holds the place.
    pub datum: Datum,
    /// Registration date, days since 1970-01-01.
    pub opened_day: i64,
    /// Seed of its SIM and cell.
    pub radio: u64,
}

impl World {
    /// The terminal with this index: ordinary shops share the first ones, quiet ones the last.
    pub fn terminal(&self, index: u32) -> Terminal {
        let districts = &self.districts;
        let merchant = match index.checked_sub(self.quiet_terminals) {
            None => districts.online + index % (districts.quiet - districts.online),
            Some(rest) => districts.quiet + rest % (districts.count - districts.quiet),
        };
        let shop = self.merchant(merchant);
        let mut rng = Rng::of(self.seed, SALT, u64::from(index));
        let weights = TYPES.map(|(_, weight)| weight);
        Terminal {
            index,
            merchant,
            kind: TYPES[rng.weighted(&weights)].0,
            place: shop.place.jittered(&mut rng, 20.0),
            datum: if rng.chance(0.5) { Datum::Gcj02 } else { Datum::Wgs84 },
            opened_day: shop.opened_day + rng.between(0, 20),
            radio: rng.word(),
        }
    }

    /// The terminals of an ordinary shop, if it has any: one drawn at random.
    pub fn terminal_of(&self, shop: &Merchant, rng: &mut Rng) -> Option<Terminal> {
        let shops = self.districts.quiet - self.districts.online;
        let first = shop.index.checked_sub(self.districts.online)?;
        if shop.index >= self.districts.quiet || first >= self.quiet_terminals {
            return None;
        }
        let count = 1 + (self.quiet_terminals - 1 - first) / shops;
        Some(self.terminal(first + rng.below(u64::from(count)) as u32 * shops))
    }

    /// A terminal that the ordinary stream never uses.
    pub fn quiet_terminal(&self, ordinal: u64) -> Terminal {
        let count = u64::from(self.terminals - self.quiet_terminals);
        self.terminal(self.quiet_terminals + (ordinal % count) as u32)
    }

    /// Appends the hardware serial number.
    pub fn push_serial(&self, terminal: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"TG9");
        push_padded(out, scatter(u64::from(terminal), 11, self.seed ^ SALT), 11);
    }
}

impl Terminal {
    /// The place as the register writes it, in the register's datum.
    pub fn registered(&self) -> Place {
        match self.datum {
            Datum::Wgs84 => self.place,
            Datum::Gcj02 => gcj02_of(self.place),
        }
    }

    /// Appends the SIM's ICCID: 20 digits with a Luhn check, Chinese operator prefix.
    pub fn push_iccid(&self, out: &mut Vec<u8>) {
        let first = out.len();
        out.extend_from_slice(b"898600");
        push_padded(out, self.radio % 10_u64.pow(13), 13);
        let check = luhn_digit(&out[first..]);
        out.push(check);
    }

    /// Appends the serving cell as `mcc-mnc-lac-cid` under the given network code.
    pub fn push_cell(&self, network_code: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(network_code.as_bytes());
        out.extend_from_slice(if self.radio & 1 == 0 { b"-00-" } else { b"-01-" });
        push_number(out, 4_096 + (self.radio >> 8) % 50_000);
        out.push(b'-');
        push_number(out, 10_000 + (self.radio >> 24) % 200_000_000);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// A shop's terminal is registered to that shop and stands in it.
    #[test]
    fn terminals_stand_in_their_shops() {
        let world = World::new(&Settings::default());
        let mut rng = Rng::of(1, 2, 3);
        let mut found = 0;
        for index in (0..20_000).step_by(7) {
            let shop = world.merchant(index % world.districts.count);
            let Some(terminal) = world.terminal_of(&shop, &mut rng) else { continue };
            assert_eq!(terminal.merchant, shop.index);
            assert!(terminal.index < world.quiet_terminals);
            assert!(terminal.place.distance_m(shop.place) < 100.0);
            found += 1;
        }
        assert!(found > 1_000);
        let quiet = world.quiet_terminal(5);
        assert!(world.terminal_of(&world.merchant(quiet.merchant), &mut rng).is_none());
        let mut iccid = Vec::new();
        quiet.push_iccid(&mut iccid);
        assert_eq!(iccid.len(), 20);
        assert_eq!(luhn_digit(&iccid[..19]), iccid[19]);
    }
}
