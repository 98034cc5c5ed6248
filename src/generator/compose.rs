//! What an event of a person looks like when nothing is wrong: the groundwork of both the ordinary
//! stream and the plants.

use super::draft::{Datum, Draft, Entry, Fix, Kind, Money, Party, Service, Shows, TerminalUse};
use super::rng::{Rng, mix};
use super::world::World;
use super::world::datum::gcj02_of;
use super::world::devices::{DeviceClass, DeviceUse};
use super::world::hosts::HONEST_HOSTS;
use super::world::merchants::Merchant;
use super::world::network::{Link, NetworkUse};
use super::world::people::Person;
use super::world::place::Place;
use super::world::terminals::Terminal;
use super::world::whereabouts::Whereabouts;

/// The everyday card: debit mostly, credit else.
pub(super) fn everyday_card(world: &World, person: u32, rng: &mut Rng) -> super::world::cards::Pan {
    world.card(person, u32::from(rng.chance(0.35)))
}

/// A position as this device reports it: two apps in three use the shifted datum, and keep to it.
pub(super) fn fix_at(place: Place, device: u64, rng: &mut Rng) -> Fix {
    let accuracy_m = rng.between(5, 60) as u16;
    let place = place.jittered(rng, f64::from(accuracy_m));
    if mix(device) % 3 < 2 {
        Fix { place: gcj02_of(place), accuracy_m, datum: Datum::Gcj02 }
    } else {
        Fix { place, accuracy_m, datum: Datum::Wgs84 }
    }
}

/// The network of a phone at these whereabouts.
pub(super) fn network_of(
    world: &World,
    person: &Person,
    at: (Whereabouts, i64),
    rng: &mut Rng,
) -> NetworkUse {
    let (whereabouts, at_ms) = at;
    let port = rng.between(1_024, 65_535) as u16;
    let wifi = |ip| NetworkUse { ip, port, carrier: None, link: Link::Wifi };
    match whereabouts {
        Whereabouts::Home if rng.chance(0.75) => wifi(world.home_ip(person)),
        Whereabouts::Work if rng.chance(0.6) => wifi(world.office_ip(person)),
        // A hotel's line: one of forty in the city.
        Whereabouts::Away(city) if rng.chance(0.6) => {
            wifi(world.residential_ip(city, 1 << 40 | rng.below(40)))
        }
        _ => NetworkUse {
            ip: world.mobile_ip(person, at_ms),
            port,
            carrier: Some(person.carrier),
            link: Link::Cellular,
        },
    }
}

/// An event from a person's phone: who, device, network, position.
pub(super) fn from_phone(
    world: &World,
    person: &Person,
    (kind, at_ms): (Kind, i64),
    rng: &mut Rng,
) -> Draft {
    let whereabouts = world.whereabouts(person, at_ms);
    let slot = u32::from(person.devices > 1 && rng.chance(0.15));
    let device = world.phone_of(person, slot);
    let mut draft = Draft::new(kind, Service::Mobile, at_ms);
    draft.payer = Some(Party { person: person.index, card: None, shows: Shows::FULL });
    draft.device = Some(device);
    draft.network = Some(network_of(world, person, (whereabouts, at_ms), rng));
    let place = world.place_at(person, whereabouts, rng);
    draft.fix = place.map(|place| fix_at(place, device.id, rng));
    draft
}

/// A payment in an app: at a counter by code, or to a merchant on the network.
pub(super) fn mobile_payment(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = from_phone(world, person, (Kind::Payment, at_ms), rng);
    let city = match world.whereabouts(person, at_ms) {
        Whereabouts::Away(city) if usize::from(city) < super::world::cities::MAINLAND => Some(city),
        Whereabouts::Away(_) | Whereabouts::Moving => None,
        _ => Some(person.city),
    };
    let merchant = match city {
        Some(city) if rng.chance(0.62) => {
            let shop = world.shop_in(city, person.habits, rng);
            let device = draft.device.map_or(0, |device| device.id);
            draft.fix = Some(fix_at(shop.place, device, rng));
            draft.entry = Some(rng.pick(&[Entry::QrPayer, Entry::QrPayer, Entry::QrMerchant]));
            shop
        }
        _ => {
            draft.entry = Some(if rng.chance(0.5) { Entry::Stored } else { Entry::Online });
            world.online_merchant(person.habits, rng)
        }
    };
    draft.amount = Some(ticket(person, &merchant, rng));
    // A printed code takes small sums only: at most 500 yuan a day.
    if draft.entry == Some(Entry::QrMerchant)
        && draft.amount.is_some_and(|amount| amount.minor < 6_000)
    {
        draft.entry = Some(Entry::QrStatic);
    }
    draft.merchant = Some(merchant.index);
    if let Some(payer) = &mut draft.payer {
        payer.card = rng.chance(0.8).then(|| everyday_card(world, person.index, rng));
    }
    draft
}

/// A payment in a browser on a person's computer.
pub(super) fn internet_payment(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = Draft::new(Kind::Payment, Service::Internet, at_ms);
    let merchant = world.online_merchant(person.habits, rng);
    let work = world.whereabouts(person, at_ms) == Whereabouts::Work;
    let ip = if work { world.office_ip(person) } else { world.home_ip(person) };
    draft.amount = Some(ticket(person, &merchant, rng));
    draft.entry = Some(Entry::Online);
    draft.merchant = Some(merchant.index);
    draft.payer = Some(Party {
        person: person.index,
        card: Some(everyday_card(world, person.index, rng)),
        shows: Shows::CONTACT.and(Shows::EMAIL),
    });
    draft.device = Some(world.browser_of(person));
    draft.network = Some(wired(ip, rng));
    draft.referrer = rng.chance(0.6).then(|| rng.pick(HONEST_HOSTS));
    draft
}

/// A card at the counter of a shop with a terminal.
pub(super) fn counter_payment(
    world: &World,
    person: &Person,
    (terminal, at_ms): (&Terminal, i64),
    rng: &mut Rng,
) -> Draft {
    let merchant = world.merchant(terminal.merchant);
    let mut draft = Draft::new(Kind::Payment, Service::CardAcquiring, at_ms);
    draft.amount = Some(ticket(person, &merchant, rng));
    draft.entry = Some(rng.pick(&[Entry::Contactless, Entry::Contactless, Entry::Chip]));
    draft.payer = Some(Party {
        person: person.index,
        card: Some(everyday_card(world, person.index, rng)),
        shows: Shows::CARD_ONLY,
    });
    draft.merchant = Some(merchant.index);
    draft.terminal = Some(TerminalUse::honest(terminal.index));
    draft.device = Some(DeviceUse::plain(DeviceClass::Terminal, u64::from(terminal.index)));
    draft.network =
        Some(wired(world.residential_ip(merchant.city, 1 << 41 | u64::from(merchant.index)), rng));
    draft.fix = Some(fix_at(terminal.place, u64::from(terminal.index), rng));
    draft
}

/// Money from one person's account to another's.
pub(super) fn transfer(
    world: &World,
    payer: &Person,
    payee: u32,
    (amount, at_ms): (Money, i64),
    rng: &mut Rng,
) -> Draft {
    let mut draft = from_phone(world, payer, (Kind::Transfer, at_ms), rng);
    draft.amount = Some(amount);
    draft.payee = Some(Party { person: payee, card: None, shows: Shows::CONTACT });
    draft
}

/// A network of a machine that stays where it is.
pub(super) fn wired(ip: std::net::IpAddr, rng: &mut Rng) -> NetworkUse {
    NetworkUse { ip, port: rng.between(1_024, 65_535) as u16, carrier: None, link: Link::Wired }
}

/// What this person pays here: near the category's median, in prices that shops set.
pub(super) fn ticket(person: &Person, merchant: &Merchant, rng: &mut Rng) -> Money {
    let category = merchant.category;
    let drawn = rng.log_normal(category.median_minor * person.thrift, category.sigma);
    let fen = (drawn as u64).clamp(100, 3_000_000);
    let fen = match rng.below(20) {
        0..6 => fen / 100 * 100,
        6..9 => fen / 100 * 100 + 90,
        9..14 => fen / 10 * 10,
        _ => fen,
    };
    Money::fen(fen.max(100))
}
