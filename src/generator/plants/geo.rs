//! Positions and addresses that contradict each other: G1 to G7.

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, fraud};
use crate::generator::compose;
use crate::generator::draft::{Datum, Draft, Fix};
use crate::generator::world::cities::{CITIES, MAINLAND};
use crate::generator::world::datum::gcj02_of;
use crate::generator::world::devices::DeviceFlags;
use crate::generator::world::hosts::{LOOKALIKE_HOSTS, RISKY_HOSTS};
use crate::generator::world::network::Rented;
use crate::generator::world::place::Place;

pub(super) const TABLE: &[Typology] = &[
    fraud("G1", "", 12 * HOUR, impossible_travel),
    fraud("G2", "", HOUR, address_far_from_position),
    fraud("G3", "tor", HOUR, |scene| rented_address(scene, Rented::Tor)),
    fraud("G3", "hosting", HOUR, |scene| rented_address(scene, Rented::Hosting)),
    fraud("G3", "proxy", HOUR, |scene| rented_address(scene, Rented::Proxy)),
    fraud("G3", "vpn", HOUR, |scene| rented_address(scene, Rented::Vpn)),
    fraud("G4", "cards", HOUR, many_cards_on_an_address),
    fraud("G4", "addresses", HOUR, many_addresses_of_a_card),
    fraud("G5", "flag", HOUR, mocked),
    fraud("G5", "identical", HOUR, identical_positions),
    fraud("G7", "", HOUR, phishing_referrer),
];

fn shifted(place: Place) -> Fix {
    Fix { place: gcj02_of(place), accuracy_m: 20, datum: Datum::Gcj02 }
}

/// Threshold: 1,000 km/h between two cities at least 300 km apart.
fn impossible_travel(scene: &mut Scene<'_>) {
    let ratio = scene.ratio();
    let crook = scene.crook();
    let home = CITIES[usize::from(crook.city)].centre;
    // The first city from a random one on that is far enough; from anywhere most cities are.
    let first = usize::from(scene.any_city());
    let away = (0..MAINLAND)
        .map(|step| CITIES[(first + step) % MAINLAND].centre)
        .find(|place| (300_000.0..2_500_000.0).contains(&place.distance_m(home)))
        .unwrap_or(home.moved(-300_000.0, -300_000.0));
    let hours = home.distance_m(away) / 1_000.0 / (1_000.0 * ratio);
    // A few seconds less when above: rounding must not bring it back under the threshold.
    let travel_ms = (hours * HOUR as f64) as i64 - if ratio >= 1.0 { 3_000 } else { -3_000 };
    for (place, after_ms, is_last) in [(home, 0, false), (away, travel_ms, true)] {
        let (shop, amount) = (scene.any_shop(), scene.yuan(100, 1_500));
        let draft = scene.app_payment(&crook, &shop, (amount, scene.at(after_ms)));
        // Mobile addresses only, so that the address does not contradict the position (G2).
        let card = Some(scene.world.card(crook.index, 0));
        let payer = draft.payer.map(|payer| crate::generator::draft::Party { card, ..payer });
        let mobile = scene.world.mobile_ip(&crook, scene.at(after_ms));
        let network = compose::wired(mobile, scene.rng);
        let draft = Draft { fix: Some(shifted(place)), network: Some(network), payer, ..draft };
        if is_last {
            scene.strike(draft)
        } else {
            scene.play(draft)
        };
    }
}

/// Threshold: 100 km from the centre of the address's city, twice its accuracy radius.
fn address_far_from_position(scene: &mut Scene<'_>) {
    let ratio = scene.ratio();
    let metres = 100_000.0 * ratio + if ratio >= 1.0 { 800.0 } else { -800.0 };
    let (crook, city, line) = (scene.crook(), scene.any_city(), scene.rng.word());
    let place = CITIES[usize::from(city)].centre.moved(metres * 0.6, -metres * 0.8);
    let (shop, amount) = (scene.any_shop(), scene.yuan(100, 1_500));
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(0)));
    let network = compose::wired(scene.world.residential_ip(city, line), scene.rng);
    scene.strike(Draft { fix: Some(shifted(place)), network: Some(network), ..draft });
}

/// An address of a flagged range; nearly: its neighbour, which nobody has flagged.
fn rented_address(scene: &mut Scene<'_>, kind: Rented) {
    let kind = if scene.does_it() { kind } else { Rented::Unflagged };
    let (crook, shop, amount) = (scene.crook(), scene.any_shop(), scene.yuan(100, 1_500));
    let ordinal = scene.rng.word();
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(0)));
    let network = compose::wired(scene.world.rented_ip(kind, ordinal), scene.rng);
    // No position: how far the address is from it is another matter.
    scene.strike(Draft { fix: None, network: Some(network), ..draft });
}

/// Threshold: five cards on one residential address in an hour.
fn many_cards_on_an_address(scene: &mut Scene<'_>) {
    let cards = scene.count(5);
    let (city, line) = (scene.any_city(), scene.rng.word());
    for nth in 0..cards {
        let at_ms = scene.spread(nth, cards, 50 * MINUTE);
        let (card, shop, amount) = (scene.stolen_card(), scene.any_shop(), scene.yuan(100, 600));
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        let network = compose::wired(scene.world.residential_ip(city, line), scene.rng);
        scene.play_nth(nth + 1, 5, Draft { network: Some(network), ..draft });
    }
}

/// Threshold: one card from five residential addresses in an hour.
fn many_addresses_of_a_card(scene: &mut Scene<'_>) {
    let addresses = scene.count(5);
    let (card, shop) = (scene.stolen_card(), scene.quiet_shop());
    for nth in 0..addresses {
        let at_ms = scene.spread(nth, addresses, 50 * MINUTE);
        let amount = scene.yuan(100, 600);
        // A guest comes from another line each time.
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        scene.play_nth(nth + 1, 5, draft);
    }
}

/// An app that says its positions are made up; nearly: one that says they are not.
fn mocked(scene: &mut Scene<'_>) {
    let does = scene.does_it();
    let flags = if does { DeviceFlags::MOCK_LOCATION } else { DeviceFlags::default() };
    let device = scene.burner().with_flags(flags);
    let (crook, shop, amount) = (scene.crook(), scene.any_shop(), scene.yuan(100, 1_500));
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(0)));
    scene.strike(Draft { device: Some(device), ..draft });
}

/// Threshold: 20 devices behind one /24 at one place, to the sixth decimal.
fn identical_positions(scene: &mut Scene<'_>) {
    let devices = scene.count_up_to(20, 32);
    let (city, line) = (scene.any_city(), scene.rng.word());
    let place = CITIES[usize::from(city)].centre.scattered(scene.rng);
    for nth in 0..devices {
        let at_ms = scene.spread(nth, devices, 50 * MINUTE);
        let (crook, burner) = (scene.crook(), scene.burner());
        let (shop, amount) = (scene.any_shop(), scene.yuan(5, 60));
        let draft = scene.app_payment(&crook, &shop, (amount, at_ms));
        let ip = scene.world.neighbouring_ip(city, line, 2 + nth as u8 * 3);
        let network = compose::wired(ip, scene.rng);
        let fix = Some(shifted(place));
        let draft = Draft { device: Some(burner), network: Some(network), fix, ..draft };
        scene.play_nth(nth + 1, 20, draft);
    }
}

/// Sent by a host on the high-risk list; nearly: by one that looks like it.
fn phishing_referrer(scene: &mut Scene<'_>) {
    let host = if scene.does_it() {
        scene.rng.pick(RISKY_HOSTS).0
    } else {
        scene.rng.pick(LOOKALIKE_HOSTS)
    };
    let (card, shop, amount) = (scene.stolen_card(), scene.any_shop(), scene.yuan(100, 1_500));
    let draft = scene.guest_payment(card, &shop, (amount, scene.at(0)));
    scene.strike(Draft { referrer: Some(host), ..draft });
}
