//! Money on its way to being clean: A1 to A8.

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, fraud};
use crate::generator::compose;
use crate::generator::draft::{Draft, Kind, Money};
use crate::generator::world::people::Person;

pub(super) const TABLE: &[Typology] = &[
    fraud("A1", "", 34 * HOUR, cash_in_a_day),
    fraud("A2", "", 34 * HOUR, organisation_in_a_day),
    fraud("A3", "", 34 * HOUR, domestic_in_a_day),
    fraud("A4", "", 34 * HOUR, cross_border_in_a_day),
    fraud("A5", "", 72 * HOUR, structuring),
    fraud("A6", "", 24 * HOUR, many_in_few_out),
    fraud("A7", "", 24 * HOUR, few_in_many_out),
    fraud("A8", "", 12 * HOUR, pass_through),
];

/// Threshold: 50,000 yuan of cash in one day.
fn cash_in_a_day(scene: &mut Scene<'_>) {
    in_a_day(scene, Money::yuan(50_000), withdrawal);
}

/// Threshold: two million yuan to one merchant in one day.
fn organisation_in_a_day(scene: &mut Scene<'_>) {
    scene.fit_into_day(6 * HOUR);
    let total = scene.sum(Money::yuan(2_000_000)).minor;
    let (shop, tenth) = (scene.quiet_shop(), total / 10);
    for nth in 0..10 {
        let minor = if nth == 9 { total - 9 * tenth } else { tenth };
        let at_ms = scene.spread(nth, 10, 5 * HOUR);
        let card = scene.stolen_card();
        let draft = scene.guest_payment(card, &shop, (Money::fen(minor), at_ms));
        scene.play_nth(nth + 1, 10, draft);
    }
}

/// Threshold: 500,000 yuan from a person's account in one day.
fn domestic_in_a_day(scene: &mut Scene<'_>) {
    in_a_day(scene, Money::yuan(500_000), transfer_to_anyone);
}

/// Fen for one cent of a US dollar, in ten-thousandths: the rate of the shipped table.
const FEN_PER_CENT: u64 = 71_042;

/// Threshold: 200,000 yuan in foreign currency from a person's account in one day.
fn cross_border_in_a_day(scene: &mut Scene<'_>) {
    in_a_day(scene, Money::yuan(200_000), |scene, crook, (money, at_ms)| {
        let cents = money.minor * 10_000 / FEN_PER_CENT;
        // Conversion rounds down four times; ten cents each keep the sum on its side.
        let minor = if scene.is_above() { cents + 10 } else { cents };
        let dollars = Money { minor, currency: "USD" };
        transfer_to_anyone(scene, crook, (dollars, at_ms))
    });
}

/// Four movements within five hours of one calendar day; the last completes the sum.
fn in_a_day(
    scene: &mut Scene<'_>,
    threshold: Money,
    movement: fn(&mut Scene<'_>, &Person, (Money, i64)) -> Draft,
) {
    scene.fit_into_day(6 * HOUR);
    let total = scene.sum(threshold).minor;
    let crook = scene.crook();
    let quarter = total / 4;
    for nth in 0..4 {
        let minor = if nth == 3 { total - 3 * quarter } else { quarter };
        let at_ms = scene.spread(nth, 4, 5 * HOUR);
        let draft = movement(scene, &crook, (Money::fen(minor), at_ms));
        scene.play_nth(nth + 1, 4, draft);
    }
}

fn withdrawal(scene: &mut Scene<'_>, crook: &Person, (money, at_ms): (Money, i64)) -> Draft {
    let kind = (Kind::Withdrawal, at_ms);
    let mut draft = compose::from_phone(scene.world, crook, kind, scene.rng);
    draft.amount = Some(money);
    if let Some(payer) = &mut draft.payer {
        payer.card = Some(scene.world.card(crook.index, 0));
    }
    draft
}

fn transfer_to_anyone(
    scene: &mut Scene<'_>,
    crook: &Person,
    (money, at_ms): (Money, i64),
) -> Draft {
    let payee = scene.stranger().index;
    compose::transfer(scene.world, crook, payee, (money, at_ms), scene.rng)
}

/// Threshold: three withdrawals of 80% to 100% of 50,000 yuan within 72 hours, a day apart each, so
/// that no day reaches the sum itself.
fn structuring(scene: &mut Scene<'_>) {
    let times = scene.count_up_to(3, 4);
    let crook = scene.crook();
    for nth in 0..times {
        let at_ms = scene.at(i64::from(nth) * 23 * HOUR + 20 * MINUTE);
        let money = scene.yuan(41_000, 49_900);
        let draft = withdrawal(scene, &crook, (money, at_ms));
        scene.play_nth(nth + 1, 3, draft);
    }
}

/// Threshold: ten payers within 24 hours, then 95% out to one or two.
fn many_in_few_out(scene: &mut Scene<'_>) {
    let payers = scene.count(10);
    let mule = scene.crook();
    let mut gathered = 0;
    for nth in 0..payers {
        let money = scene.yuan(800, 5_000);
        gathered += money.minor;
        let (payer, at_ms) = (scene.stranger(), scene.spread(nth, payers, 12 * HOUR));
        let draft = compose::transfer(scene.world, &payer, mule.index, (money, at_ms), scene.rng);
        scene.play(draft);
    }
    let boss = scene.crook();
    for nth in 0..2 {
        let at_ms = scene.at(13 * HOUR + i64::from(nth) * HOUR);
        let money = Money::fen(gathered * 475 / 1_000);
        let draft = compose::transfer(scene.world, &mule, boss.index, (money, at_ms), scene.rng);
        scene.play_nth(nth + 1, 2, draft);
    }
}

/// Threshold: ten payees within 24 hours, after one large sum came in.
fn few_in_many_out(scene: &mut Scene<'_>) {
    let payees = scene.count(10);
    let (boss, mule) = (scene.crook(), scene.crook());
    let money = scene.yuan(20_000, 45_000);
    let at_ms = scene.at(0);
    let draft = compose::transfer(scene.world, &boss, mule.index, (money, at_ms), scene.rng);
    scene.play(draft);
    let each = Money::fen(money.minor * 95 / 100 / u64::from(payees));
    for nth in 0..payees {
        let at_ms = scene.spread(nth, payees, 12 * HOUR) + HOUR;
        let payee = scene.stranger().index;
        let draft = compose::transfer(scene.world, &mule, payee, (each, at_ms), scene.rng);
        scene.play_nth(nth + 1, payees.max(10), draft);
    }
}

/// Threshold: five sums in and out again, ten movements, each kept for less than half an hour.
fn pass_through(scene: &mut Scene<'_>) {
    let pairs = scene.count(5);
    let mule = scene.crook();
    for nth in 0..pairs {
        let money = scene.yuan(2_000, 9_000);
        let (payer, in_ms) = (scene.stranger(), scene.spread(nth, pairs, 10 * HOUR));
        let draft = compose::transfer(scene.world, &payer, mule.index, (money, in_ms), scene.rng);
        scene.play(draft);
        let out_ms = in_ms + scene.rng.between(4 * MINUTE, 20 * MINUTE);
        let (payee, kept) = (scene.stranger().index, Money::fen(money.minor * 98 / 100));
        let draft = compose::transfer(scene.world, &mule, payee, (kept, out_ms), scene.rng);
        scene.play_nth(nth + 1, 5, draft);
    }
}
