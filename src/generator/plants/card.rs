//! Cards under attack: testing, enumeration, guessing (K1 to K6).

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, fraud};
use crate::generator::compose;
use crate::generator::draft::{Fate, Service, Told};
use crate::generator::world::network::Link;

pub(super) const TABLE: &[Typology] = &[
    fraud("K1", "", 10 * MINUTE, testing_at_merchant),
    fraud("K2", "device", 10 * MINUTE, testing_on_device),
    fraud("K2", "ip", 10 * MINUTE, testing_on_ip),
    fraud("K3", "pan", HOUR, invalid_numbers),
    fraud("K3", "credential", HOUR, invalid_credentials),
    fraud("K4", "", 10 * MINUTE, sequential_numbers),
    fraud("K5", "", 10 * MINUTE, repetition),
    fraud("K6", "hour", HOUR, bad_credentials_in_an_hour),
    fraud("K6", "day", 24 * HOUR, bad_credentials_in_a_day),
];

/// Threshold: 10 distinct cards in 10 minutes. Nearly all amounts are at most 10 yuan and two
/// thirds are refused, well past 60% and 50%.
fn testing_at_merchant(scene: &mut Scene<'_>) {
    let cards = scene.count(10);
    let shop = scene.quiet_shop();
    for nth in 0..cards {
        let at_ms = scene.spread(nth, cards, 8 * MINUTE);
        let amount = scene.yuan(1, 9);
        let card = scene.stolen_card();
        let mut draft = scene.guest_payment(card, &shop, (amount, at_ms));
        draft.fate = if nth % 3 == 2 { Fate::Approved } else { Fate::Refused("05") };
        scene.play_nth(nth + 1, 10, draft);
    }
}

/// Threshold: the sixth payment in 10 minutes on one phone; its address changes.
fn testing_on_device(scene: &mut Scene<'_>) {
    let payments = scene.count(6);
    let (crook, burner) = (scene.crook(), scene.burner());
    for nth in 0..payments {
        let at_ms = scene.spread(nth, payments, 8 * MINUTE);
        let amount = scene.yuan(2, 20);
        let (card, shop) = (scene.stolen_card(), scene.any_shop());
        let mut draft = scene.guest_payment(card, &shop, (amount, at_ms));
        let session = at_ms + i64::from(nth) * 7_200_000;
        let mut network = compose::wired(scene.world.mobile_ip(&crook, session), scene.rng);
        network.link = Link::Cellular;
        (draft.device, draft.network) = (Some(burner), Some(network));
        draft.service = Service::Mobile;
        draft.fate = Fate::Refused("05");
        scene.play_nth(nth + 1, 6, draft);
    }
}

/// Threshold: the sixth payment in 10 minutes from one address; the browser changes.
fn testing_on_ip(scene: &mut Scene<'_>) {
    let payments = scene.count(6);
    let (city, line) = (scene.any_city(), scene.rng.word());
    for nth in 0..payments {
        let at_ms = scene.spread(nth, payments, 8 * MINUTE);
        let amount = scene.yuan(2, 20);
        let (card, shop) = (scene.stolen_card(), scene.any_shop());
        let mut draft = scene.guest_payment(card, &shop, (amount, at_ms));
        draft.network = Some(compose::wired(scene.world.residential_ip(city, line), scene.rng));
        draft.fate = Fate::Refused("05");
        scene.play_nth(nth + 1, 6, draft);
    }
}

/// Threshold: one in five of an hour's payments at a merchant is refused with code 14.
fn invalid_numbers(scene: &mut Scene<'_>) {
    let invalid = scene.count_up_to(5, 12);
    refusals_at_merchant(scene, (25, invalid), "14");
}

/// Threshold: three in ten of an hour's payments at a merchant are refused with code 55.
fn invalid_credentials(scene: &mut Scene<'_>) {
    let invalid = scene.count_up_to(6, 15);
    refusals_at_merchant(scene, (20, invalid), "55");
}

/// The refused ones come last, so that the share only rises; one more payment follows, which is
/// the first that can know the share.
fn refusals_at_merchant(
    scene: &mut Scene<'_>,
    (payments, invalid): (u32, u32),
    code: &'static str,
) {
    let shop = scene.quiet_shop();
    for nth in 0..payments {
        let at_ms = scene.spread(nth, payments, 50 * MINUTE);
        let amount = scene.yuan(20, 200);
        let (victim, mut card) = scene.stolen_card();
        let refused = nth >= payments - invalid;
        if refused && code == "14" {
            card = scene.world.invented_card(scene.rng);
            // One number in three does not even pass Luhn.
            card = if nth % 3 == 0 { card.broken() } else { card };
        }
        let mut draft = scene.guest_payment((victim, card), &shop, (amount, at_ms));
        draft.told = Told::Always;
        if refused {
            draft.fate = Fate::Refused(code);
            scene.play(draft);
        } else {
            scene.prepare(draft);
        }
    }
    let (card, amount, at_ms) = (scene.stolen_card(), scene.yuan(20, 200), scene.at(54 * MINUTE));
    let draft = scene.guest_payment(card, &shop, (amount, at_ms));
    scene.strike(draft);
}

/// Threshold: five neighbouring card numbers in 10 minutes.
fn sequential_numbers(scene: &mut Scene<'_>) {
    let cards = scene.count(5);
    let (shop, first) = (scene.quiet_shop(), scene.rng.word());
    for nth in 0..cards {
        let at_ms = scene.spread(nth, cards, 8 * MINUTE);
        let card = scene.world.neighbouring_card(first, u64::from(nth));
        let victim = scene.stolen_card().0;
        let amount = scene.yuan(1, 40);
        let mut draft = scene.guest_payment((victim, card), &shop, (amount, at_ms));
        draft.fate = Fate::Refused("14");
        scene.play_nth(nth + 1, 5, draft);
    }
}

/// Threshold: five payments with the same card, merchant and amount in 10 minutes.
fn repetition(scene: &mut Scene<'_>) {
    let times = scene.count(5);
    let (card, shop, amount) = (scene.stolen_card(), scene.quiet_shop(), scene.yuan(30, 90));
    let browser = scene.fresh_browser();
    for nth in 0..times {
        let at_ms = scene.spread(nth, times, 8 * MINUTE);
        let mut draft = scene.guest_payment(card, &shop, (amount, at_ms));
        draft.device = Some(browser);
        scene.play_nth(nth + 1, 5, draft);
    }
}

/// Threshold: three payments with one card refused for its credentials within an hour.
fn bad_credentials_in_an_hour(scene: &mut Scene<'_>) {
    let failures = scene.count(3);
    wrong_pins(scene, failures, 50 * MINUTE);
}

/// Threshold: five such payments in a day, never three of them in an hour.
fn bad_credentials_in_a_day(scene: &mut Scene<'_>) {
    let failures = scene.count_up_to(5, 9);
    wrong_pins(scene, failures, 22 * HOUR);
}

/// The attempt after the last refusal is the first that can know of them all.
fn wrong_pins(scene: &mut Scene<'_>, failures: u32, within_ms: i64) {
    let (card, shop) = (scene.stolen_card(), scene.quiet_shop());
    for nth in 0..failures {
        let at_ms = scene.spread(nth, failures, within_ms);
        let amount = scene.yuan(50, 300);
        let mut draft = scene.guest_payment(card, &shop, (amount, at_ms));
        draft.fate = Fate::Refused("55");
        scene.play(draft);
    }
    let (amount, at_ms) = (scene.yuan(50, 300), scene.at(within_ms + 5 * MINUTE));
    let draft = scene.guest_payment(card, &shop, (amount, at_ms));
    scene.strike(draft);
}
