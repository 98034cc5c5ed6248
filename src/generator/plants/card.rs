//! Cards under attack: testing, enumeration, guessing (K1 to K6).

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, fraud};
use crate::generator::compose;
use crate::generator::draft::{Draft, Fate, Kind, Method, Passed, Service};
use crate::generator::world::network::Link;

pub(super) const TABLE: &[Typology] = &[
    fraud("K1", "", 10 * MINUTE, testing_at_merchant),
    fraud("K2", "device", 10 * MINUTE, testing_on_device),
    fraud("K2", "ip", 10 * MINUTE, testing_on_ip),
    fraud("K3", "pan", HOUR, invalid_numbers),
    fraud("K3", "credential", HOUR, invalid_credentials),
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

/// Threshold: one in five of an hour's payments at a merchant is refused with code 14. The invalid
/// numbers come last, so that the share only rises.
fn invalid_numbers(scene: &mut Scene<'_>) {
    let invalid = scene.count_up_to(5, 12);
    refusals_at_merchant(scene, (25, invalid), "14");
}

/// Threshold: three in ten of an hour's payments at a merchant are refused with code 55.
fn invalid_credentials(scene: &mut Scene<'_>) {
    let invalid = scene.count_up_to(6, 15);
    refusals_at_merchant(scene, (20, invalid), "55");
}

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
        draft.fate = if refused { Fate::Refused(code) } else { Fate::Approved };
        if !refused {
            scene.prepare(draft);
        } else if nth + 1 == payments {
            scene.strike(draft);
        } else {
            scene.play(draft);
        }
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

/// Threshold: three failed passwords in an hour.
fn bad_credentials_in_an_hour(scene: &mut Scene<'_>) {
    let failures = scene.count(3);
    failed_verifications(scene, (failures, 3), 50 * MINUTE, Method::Password);
}

/// Threshold: five failed passwords in a day, never three in an hour.
fn bad_credentials_in_a_day(scene: &mut Scene<'_>) {
    let failures = scene.count_up_to(5, 9);
    failed_verifications(scene, (failures, 5), 22 * HOUR, Method::Password);
}

/// Someone guesses at an account from a phone that is not its owner's.
pub(super) fn failed_verifications(
    scene: &mut Scene<'_>,
    (failures, threshold): (u32, u32),
    within_ms: i64,
    method: Method,
) {
    let (victim, burner) = (scene.crook(), scene.burner());
    for nth in 0..failures {
        let at_ms = scene.spread(nth, failures, within_ms);
        let kind = (Kind::Verification, at_ms);
        let draft = compose::from_phone(scene.world, &victim, kind, scene.rng);
        let verification = Some((method, Passed::No));
        let draft = Draft { device: Some(burner), verification, ..draft };
        scene.play_nth(nth + 1, threshold, draft);
    }
}
