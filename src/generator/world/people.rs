//! People: where they live and work, what they are called, how they spend.

use super::World;
use super::checksums::{resident_id_digit, scatter};
use super::cities::{CITIES, weighted_city};
use super::names::{GIVEN, MAIL_DOMAINS, OTHER_NAMES, SURNAMES};
use super::place::Place;
use crate::generator::json::push_padded;
use crate::generator::rng::Rng;

/// Purposes of the random streams of a person: appearance is drawn only when it is written.
const LIFE: u64 = 0x6C69_6665;
const NAME: u64 = 0x6E61_6D65;
const HOUSEHOLD: u64 = 0x686F_6D65;
const ACCOUNT: u64 = 0x6163_6374;
const EMAIL: u64 = 0x6D61_696C;
const PHONE: u64 = 0x7068_6F6E;

/// One person's life, as far as payments see it. Derived from the index, never stored.
#[derive(Clone, Debug)]
pub struct Person {
    /// Index in the world: customers first, then the accounts that only plants use.
    pub index: u32,
    /// Home city, an index into `CITIES`.
    pub city: u16,
    /// Home.
    pub home: Place,
    /// Work.
    pub work: Place,
    /// Median ticket relative to what a shop usually takes.
    pub thrift: f64,
    /// Devices in use: one or two.
    pub devices: u32,
    /// Carrier: 0, 1 or 2.
    pub carrier: u8,
    /// Their random stream, to derive more habits from.
    pub habits: u64,
}

impl World {
    /// The person with this index.
    pub fn person(&self, index: u32) -> Person {
        // Three people share a household: its home, and so its address on the network.
        let mut household = Rng::of(self.seed, HOUSEHOLD, u64::from(index / 3));
        let city = weighted_city(household.word());
        let centre = CITIES[usize::from(city)].centre;
        let mut rng = Rng::of(self.seed, LIFE, u64::from(index));
        Person {
            index,
            city,
            home: centre.scattered(&mut household),
            work: centre.scattered(&mut rng),
            thrift: rng.log_normal(1.0, 0.45),
            devices: 1 + u32::from(rng.chance(0.2)),
            carrier: rng.weighted(&[55, 20, 25]) as u8,
            habits: rng.word(),
        }
    }

    /// Appends the account id of a person: `62` never begins it, so no scan mistakes it for a card.
    pub fn push_account(&self, person: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"ac");
        push_padded(out, scatter(u64::from(person), 12, self.seed ^ ACCOUNT), 12);
    }

    /// Appends the person's name.
    pub fn push_name(&self, person: u32, out: &mut Vec<u8>) {
        let mut rng = Rng::of(self.seed, NAME, u64::from(person));
        let (name, _) = name_of(&mut rng);
        for part in name {
            out.extend_from_slice(part.as_bytes());
        }
    }

    /// Appends the name as a television shows a payee's: all but the last character starred out.
    pub fn push_partial_name(&self, person: u32, out: &mut Vec<u8>) {
        let mut name = Vec::new();
        self.push_name(person, &mut name);
        let name = String::from_utf8_lossy(&name);
        let length = name.chars().count();
        out.extend(std::iter::repeat_n(b'*', length.saturating_sub(1)));
        if let Some(last) = name.chars().last() {
            out.extend_from_slice(last.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    /// Appends an e-mail address under a reserved domain, unique by construction.
    pub fn push_email(&self, person: u32, out: &mut Vec<u8>) {
        let mut rng = Rng::of(self.seed, NAME, u64::from(person));
        let (_, latin) = name_of(&mut rng);
        out.extend_from_slice(latin.as_bytes());
        push_padded(out, scatter(u64::from(person), 8, self.seed ^ EMAIL), 8);
        out.push(b'@');
        out.extend_from_slice(rng.pick(MAIL_DOMAINS).as_bytes());
    }

    /// Appends the mobile number as its owner dials it: 11 digits in the mainland (97%), with the
    /// region's prefix in Hong Kong, Macao and Taiwan.
    pub fn push_phone(&self, person: u32, out: &mut Vec<u8>) {
        const MAINLAND_PREFIXES: [&str; 20] = [
            "138", "139", "137", "136", "135", "158", "159", "188", "187", "182", "130", "131",
            "186", "185", "176", "133", "189", "177", "199", "195",
        ];
        let mut rng = Rng::of(self.seed, NAME ^ LIFE, u64::from(person));
        let (prefix, digits) = match rng.below(100) {
            0 => ("+8529", 7),
            1 => ("+8536", 7),
            2 => ("+8869", 8),
            _ => (rng.pick(&MAINLAND_PREFIXES), 8),
        };
        out.extend_from_slice(prefix.as_bytes());
        push_padded(out, scatter(u64::from(person), digits, self.seed ^ PHONE), digits as usize);
    }

    /// Appends the 18-character resident identity number; about 4% of people are under 18.
    pub fn push_id_number(&self, person: u32, out: &mut Vec<u8>) {
        let mut rng = Rng::of(self.seed, NAME ^ 0x6964, u64::from(person));
        let district = CITIES[usize::from(weighted_city(rng.word()))].district;
        let year = if rng.chance(0.04) { rng.between(2010, 2013) } else { rng.between(1948, 2006) };
        let mut body = Vec::with_capacity(18);
        body.extend_from_slice(district.as_bytes());
        push_padded(&mut body, year as u64, 4);
        push_padded(&mut body, 1 + rng.below(12), 2);
        push_padded(&mut body, 1 + rng.below(28), 2);
        push_padded(&mut body, rng.below(1000), 3);
        out.extend_from_slice(&body);
        if let Ok(body) = <&[u8; 17]>::try_from(body.as_slice()) {
            out.push(resident_id_digit(body));
        }
    }

    /// Whether a person is under 18 while the stream lasts, by the identity number.
    pub fn is_minor(&self, person: u32) -> bool {
        let mut number = Vec::with_capacity(18);
        self.push_id_number(person, &mut number);
        // Nobody is born between those who are certainly of age and those who certainly are not.
        number.get(6..10).is_some_and(|year| year > b"2008".as_slice())
    }

    /// Every raw value of a person that must never be seen in the open: what a leak scan looks for.
    ///
    /// Cards, account, name, identity number, phone (without its region prefix, so that every way
    /// of writing it is found) and e-mail.
    pub fn secrets(&self, person: u32) -> impl Iterator<Item = (SecretKind, String)> {
        let text = |push: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            push(&mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        let phone = text(&|out| self.push_phone(person, out));
        let national = match phone.strip_prefix("+85").or_else(|| phone.strip_prefix("+88")) {
            Some(rest) => rest[1..].to_owned(),
            None => phone,
        };
        let mut all = vec![
            (SecretKind::Account, text(&|out| self.push_account(person, out))),
            (SecretKind::Name, text(&|out| self.push_name(person, out))),
            (SecretKind::IdNumber, text(&|out| self.push_id_number(person, out))),
            (SecretKind::Phone, national),
            (SecretKind::Email, text(&|out| self.push_email(person, out))),
        ];
        for slot in 0..4 {
            let digits = self.card(person, slot);
            all.push((SecretKind::Card, String::from_utf8_lossy(digits.as_bytes()).into_owned()));
        }
        all.into_iter()
    }
}

/// What a raw value is, for the report of a leak scan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretKind {
    /// Payment account id.
    Account,
    /// Card number.
    Card,
    /// Name.
    Name,
    /// Resident identity number.
    IdNumber,
    /// Mobile number.
    Phone,
    /// E-mail address.
    Email,
}

/// The parts of a name, and its spelling in an e-mail address.
fn name_of(rng: &mut Rng) -> ([&'static str; 3], &'static str) {
    if rng.chance(0.02) {
        let (name, latin) = rng.pick(OTHER_NAMES);
        return ([name, "", ""], latin);
    }
    let (surname, latin) = SURNAMES[rng.zipf(SURNAMES.len() as u64) as usize];
    let first = rng.pick(GIVEN);
    let second = if rng.chance(0.62) { rng.pick(GIVEN) } else { "" };
    ([surname, first, second], latin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Settings;

    /// Identity numbers have a valid check character and some belong to minors; phones have their
    /// region's length; no two people share an account or a phone.
    #[test]
    fn identities_are_valid() {
        let world = World::new(&Settings::default());
        let (mut minors, mut phones) = (0, Vec::new());
        for person in 0..3_000 {
            for (kind, value) in world.secrets(person) {
                match kind {
                    SecretKind::IdNumber => {
                        let body: [u8; 17] =
                            value.as_bytes()[..17].try_into().expect("18 characters");
                        assert_eq!(resident_id_digit(&body), value.as_bytes()[17]);
                        minors += u32::from(&value[6..10] > "2008");
                        assert_eq!(world.is_minor(person), &value[6..10] > "2008");
                    }
                    SecretKind::Phone => {
                        assert!([8, 9, 11].contains(&value.len()), "a phone of odd length");
                        phones.push(value);
                    }
                    SecretKind::Email => assert!(value.ends_with(".example")),
                    SecretKind::Account | SecretKind::Card | SecretKind::Name => {
                        assert!(!value.is_empty());
                    }
                }
            }
        }
        assert!((60..240).contains(&minors), "about 4% are minors: {minors}");
        phones.sort();
        phones.dedup();
        assert_eq!(phones.len(), 3_000);
    }
}
