//! Merchants that turn cards into cash, and those that are not what they seem: M1 to M6, M10, M11.

use super::scene::Scene;
use super::{HOUR, MINUTE, Typology, fraud};
use crate::generator::draft::{Draft, Kind, Money, Party};
use crate::generator::world::merchants::Merchant;

pub(super) const TABLE: &[Typology] = &[
    fraud("M1", "", 8 * HOUR, credit_only),
    fraud("M2", "", 8 * HOUR, round_amounts),
    fraud("M3", "", 24 * HOUR, same_card_large),
    fraud("M4", "", HOUR, owner_pays),
    fraud("M5", "", HOUR, counter_phone_pays),
    fraud("M6", "", 31 * HOUR, far_above_the_merchant),
    fraud("M10", "rate", 8 * HOUR, many_refunds),
    fraud("M10", "no_original", HOUR, refund_of_nothing),
    fraud("M10", "other_card", HOUR, refund_to_another_card),
    fraud("M11", "", 24 * HOUR, gambling),
];

/// Threshold: 18 of a merchant's 20 payments are by credit card. They come last, so that the share
/// only rises.
fn credit_only(scene: &mut Scene<'_>) {
    let credit = scene.count_up_to(18, 20);
    let shop = scene.quiet_shop();
    for nth in 0..20 {
        let at_ms = scene.spread(nth, 20, 7 * HOUR);
        let (payer, amount) = (scene.crook().index, scene.yuan(80, 700));
        // Slot 1 is a credit card but for one in thirty, which is a card from abroad; slot 0 a
        // debit card.
        let is_credit = nth >= 20 - credit;
        let card = scene.world.card(payer, u32::from(is_credit));
        let draft = scene.guest_payment((payer, card), &shop, (amount, at_ms));
        match (is_credit, nth) {
            (false, _) => scene.prepare(draft),
            (true, 19) => scene.strike(draft),
            (true, _) => scene.play(draft),
        };
    }
}

/// Threshold: 20,000 yuan, far above thirty times what the merchant takes; by day.
fn far_above_the_merchant(scene: &mut Scene<'_>) {
    scene.wait_until(10);
    let large = scene.sum(Money::yuan(20_000));
    let shop = scene.quiet_shop();
    for nth in 0..8 {
        let (card, amount) = (scene.stolen_card(), scene.yuan(60, 200));
        let at_ms = scene.spread(nth, 8, 5 * HOUR);
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        scene.prepare(draft);
    }
    let card = scene.stolen_card();
    let draft = scene.guest_payment(card, &shop, (large, scene.at(6 * HOUR)));
    scene.strike(draft);
}

/// Threshold: fifty payers in a day from many cities, around the clock, three amounts in five round,
/// and no refund.
fn gambling(scene: &mut Scene<'_>) {
    let payers = scene.count_up_to(50, 75);
    let shop = scene.quiet_shop();
    for nth in 0..payers {
        let at_ms = scene.spread(nth, payers, 23 * HOUR);
        let round = Money::yuan(scene.rng.pick(&[100, 200, 300, 500]));
        let odd = Money::fen(scene.yuan(30, 400).minor / 10 * 10 + 7);
        let (card, amount) = (scene.stolen_card(), if nth % 5 < 3 { round } else { odd });
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        scene.play_nth(nth + 1, 50, draft);
    }
}

/// Threshold: 14 of a merchant's 20 payments are round, or end just below a round sum. The round
/// ones come last, so that the share only rises.
fn round_amounts(scene: &mut Scene<'_>) {
    let round = scene.count_up_to(14, 20);
    let shop = scene.quiet_shop();
    for nth in 0..20 {
        let at_ms = scene.spread(nth, 20, 7 * HOUR);
        let yuan = scene.rng.pick(&[500, 1_000, 2_000, 998, 999, 1_998, 9_999, 3_000]);
        let is_round = nth >= 20 - round;
        let odd = Money::fen(scene.yuan(120, 900).minor / 10 * 10 + 3);
        let amount = if is_round { Money::yuan(yuan) } else { odd };
        let card = scene.stolen_card();
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        if !is_round {
            scene.prepare(draft);
        } else if nth == 19 {
            scene.strike(draft);
        } else {
            scene.play(draft);
        }
    }
}

/// Threshold: three payments of at least 1,000 yuan with one card at one merchant.
fn same_card_large(scene: &mut Scene<'_>) {
    let times = scene.count(3);
    let crook = scene.crook();
    let (card, shop) = ((crook.index, scene.world.card(crook.index, 1)), scene.quiet_shop());
    for nth in 0..times {
        let at_ms = scene.spread(nth, times, 22 * HOUR);
        let amount = scene.yuan(1_100, 4_000);
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        scene.play_nth(nth + 1, 3, draft);
    }
}

/// The owner pays at the own shop by credit card; nearly: somebody else does.
fn owner_pays(scene: &mut Scene<'_>) {
    let own = scene.does_it();
    let shop = owned_shop(scene);
    let stranger = scene.stranger().index;
    let payer = shop.owner.filter(|_| own).unwrap_or(stranger);
    let (person, amount) = (scene.world.person(payer), scene.yuan(2_000, 9_000));
    let draft = scene.app_payment(&person, &shop, (amount, scene.at(0)));
    let card = Some(scene.world.card(payer, 1));
    let payer = draft.payer.map(|payer| Party { card, ..payer });
    scene.strike(Draft { payer, ..draft });
}

/// The payer pays from the phone that is registered for the shop; nearly: from one of their own.
fn counter_phone_pays(scene: &mut Scene<'_>) {
    let own = scene.does_it();
    let shop = owned_shop(scene);
    let (crook, burner, amount) = (scene.crook(), scene.burner(), scene.yuan(2_000, 9_000));
    let draft = scene.app_payment(&crook, &shop, (amount, scene.at(0)));
    let device = Some(shop.phone.filter(|_| own).unwrap_or(burner));
    scene.strike(Draft { device, ..draft });
}

/// A shop with a registered owner, and so with a registered phone.
fn owned_shop(scene: &mut Scene<'_>) -> Merchant {
    let mut shop = scene.quiet_shop();
    // Three shops in ten have one; the search is bounded all the same.
    for _ in 0..64 {
        if shop.owner.is_some() {
            break;
        }
        shop = scene.quiet_shop();
    }
    shop
}

/// Threshold: 4 of a merchant's 40 events are refunds. They come last.
fn many_refunds(scene: &mut Scene<'_>) {
    let refunds = scene.count_up_to(4, 12);
    let shop = scene.quiet_shop();
    let mut payments = Vec::new();
    for nth in 0..40 - refunds {
        let at_ms = scene.spread(nth, 40 - refunds, 6 * HOUR);
        let (card, amount) = (scene.stolen_card(), scene.yuan(60, 600));
        let draft = scene.guest_payment(card, &shop, (amount, at_ms));
        let number = scene.prepare(draft.clone());
        payments.push((number, draft));
    }
    for nth in 0..refunds {
        let (number, paid) = &payments[nth as usize * 2];
        let at_ms = scene.at(6 * HOUR + MINUTE * i64::from(10 * nth));
        let mut draft = Draft { kind: Kind::Refund, at_ms, ..paid.clone() };
        draft.original = Some(*number);
        (draft.device, draft.network, draft.entry) = (None, None, None);
        if nth + 1 == refunds {
            scene.strike(draft);
        } else {
            scene.play(draft);
        }
    }
}

/// A refund that undoes no payment; nearly: one that does.
fn refund_of_nothing(scene: &mut Scene<'_>) {
    let without = scene.does_it();
    let (card, shop, amount) = (scene.stolen_card(), scene.quiet_shop(), scene.yuan(800, 5_000));
    let paid = scene.guest_payment(card, &shop, (amount, scene.at(0)));
    let mut refund = Draft { kind: Kind::Refund, at_ms: scene.at(40 * MINUTE), ..paid.clone() };
    (refund.device, refund.network, refund.entry) = (None, None, None);
    if !without {
        refund.original = Some(scene.prepare(paid));
    }
    scene.strike(refund);
}

/// A payment is given back to a card that was never seen; nearly: to the one that paid.
fn refund_to_another_card(scene: &mut Scene<'_>) {
    let is_other = scene.does_it();
    let (card, shop, amount) = (scene.stolen_card(), scene.quiet_shop(), scene.yuan(800, 5_000));
    let paid = scene.guest_payment(card, &shop, (amount, scene.at(0)));
    let mut refund = Draft { kind: Kind::Refund, at_ms: scene.at(40 * MINUTE), ..paid.clone() };
    (refund.device, refund.network, refund.entry) = (None, None, None);
    refund.original = Some(scene.prepare(paid));
    if is_other {
        let card = Some(scene.world.invented_card(scene.rng));
        refund.payer = refund.payer.map(|payer| Party { card, ..payer });
    }
    scene.strike(refund);
}
