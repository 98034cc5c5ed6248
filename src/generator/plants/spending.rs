//! How a stolen card is spent: K7 to K12.

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, circumstance, fraud};
use crate::generator::draft::{Draft, Money};
use crate::generator::world::cards::Pan;
use crate::generator::world::merchants::Merchant;

pub(super) const TABLE: &[Typology] = &[
    fraud("K7", "", HOUR, small_then_large),
    fraud("K8", "", 40 * HOUR, far_above_the_mean),
    fraud("K10", "", HOUR, many_merchants),
    fraud("K11", "", 30 * MINUTE, split_at_the_limit),
    circumstance("K12", "", 25 * HOUR, at_night),
];

/// Threshold: 1,000 yuan within the hour after a payment of at most 10, and 50 times it.
fn small_then_large(scene: &mut Scene<'_>) {
    let large = scene.sum(Money::yuan(1_000));
    let (card, shop) = (scene.stolen_card(), scene.any_shop());
    let browser = scene.fresh_browser();
    let small = scene.yuan(2, 8);
    let first = scene.guest_payment(card, &shop, (small, scene.at(0)));
    scene.play(Draft { device: Some(browser), ..first });
    let after = scene.rng.between(2 * MINUTE, 50 * MINUTE);
    let (other, at_ms) = (scene.any_shop(), scene.at(after));
    let second = scene.guest_payment(card, &other, (large, at_ms));
    scene.strike(Draft { device: Some(browser), ..second });
}

/// How many payments of one size make a habit.
const HABIT: u32 = 10;

/// Threshold: three times the card's mean over 30 days, the spike itself not counted in.
fn far_above_the_mean(scene: &mut Scene<'_>) {
    let usual = scene.yuan(40, 120);
    let spike = scene.sum(Money::fen(usual.minor * 3));
    let card = scene.stolen_card();
    for nth in 0..HABIT {
        let at_ms = scene.spread(nth, HABIT, 36 * HOUR);
        let shop = scene.any_shop();
        let draft = scene.guest_payment(card, &shop, (usual, at_ms));
        scene.prepare(draft);
    }
    let (shop, at_ms) = (scene.any_shop(), scene.at(38 * HOUR));
    let draft = scene.guest_payment(card, &shop, (spike, at_ms));
    scene.strike(draft);
}

/// Threshold: five merchants in an hour with one card, over at least three groups of categories.
fn many_merchants(scene: &mut Scene<'_>) {
    let count = scene.count(5);
    let card = scene.stolen_card();
    let mut shops: Vec<Merchant> = Vec::new();
    while shops.len() < count as usize {
        let shop = scene.quiet_shop();
        // The first three are of three groups; the quiet shops have far more groups than that.
        let fits = shops.iter().all(|seen| {
            let same_group = seen.category.group == shop.category.group;
            seen.index != shop.index && (shops.len() >= 3 || !same_group)
        });
        if fits {
            shops.push(shop);
        }
    }
    for (nth, shop) in (0..count).zip(&shops) {
        let at_ms = scene.spread(nth, count, 45 * MINUTE);
        let amount = scene.yuan(150, 900);
        let draft = scene.guest_payment(card, shop, (amount, at_ms));
        scene.play_nth(nth + 1, 5, draft);
    }
}

/// Threshold: three payments with one card at one merchant in half an hour, together 90% of a
/// single limit of 5,000 yuan.
fn split_at_the_limit(scene: &mut Scene<'_>) {
    let total = scene.sum(Money::yuan(4_500)).minor;
    let (card, shop) = (scene.stolen_card(), scene.any_shop());
    let browser = scene.fresh_browser();
    let third = total / 3;
    for (nth, minor) in [third, third, total - 2 * third].into_iter().enumerate() {
        let at_ms = scene.spread(nth as u32, 3, 24 * MINUTE);
        let draft = scene.guest_payment(card, &shop, (Money::fen(minor), at_ms));
        scene.play_nth(nth as u32 + 1, 3, Draft { device: Some(browser), ..draft });
    }
}

/// Between midnight and five, or just after: a weight in a score, and no crime.
fn at_night(scene: &mut Scene<'_>) {
    let hour = if scene.does_it() { 2 } else { 5 };
    scene.wait_until(hour);
    let person = scene.stranger();
    let card: (u32, Pan) = (person.index, scene.world.card(person.index, 3));
    let (shop, amount, at_ms) = (scene.any_shop(), scene.yuan(80, 400), scene.at(10 * MINUTE));
    let draft = scene.guest_payment(card, &shop, (amount, at_ms));
    scene.strike(draft);
}
