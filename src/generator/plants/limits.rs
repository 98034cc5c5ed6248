//! Limits of codes and stored value: G8.

use super::scene::Scene;
use super::{HOUR, Typology, fraud};
use crate::generator::draft::{Draft, Entry, Kind, Money, Party, Service, Shows, TerminalUse};

pub(super) const TABLE: &[Typology] = &[
    fraud("G8", "static_code", 34 * HOUR, static_code),
    fraud("G8", "prepaid_anonymous", HOUR, |scene| prepaid(scene, 1_000, Shows::CARD_ONLY)),
    fraud("G8", "prepaid_registered", HOUR, |scene| {
        prepaid(scene, 5_000, Shows::NAME.and(Shows::ID_NUMBER));
    }),
];

/// Threshold: more than 500 yuan a day to printed codes; four payments, the last completes the sum.
fn static_code(scene: &mut Scene<'_>) {
    scene.fit_into_day(6 * HOUR);
    let total = scene.sum(Money::yuan(500)).minor;
    let crook = scene.crook();
    let quarter = total / 4;
    for nth in 0..4 {
        let minor = if nth == 3 { total - 3 * quarter } else { quarter };
        let at_ms = scene.spread(nth, 4, 5 * HOUR);
        let shop = scene.any_shop();
        let draft = scene.app_payment(&crook, &shop, (Money::fen(minor), at_ms));
        scene.play_nth(nth + 1, 4, Draft { entry: Some(Entry::QrStatic), ..draft });
    }
}

/// Threshold: more on one payment than a prepaid card may hold.
fn prepaid(scene: &mut Scene<'_>, yuan: u64, shows: Shows) {
    let amount = scene.sum(Money::yuan(yuan));
    let (crook, terminal) = (scene.crook(), scene.quiet_terminal());
    let mut draft = Draft::new(Kind::Payment, Service::PrepaidCard, scene.at(0));
    draft.amount = Some(amount);
    draft.entry = Some(Entry::Contactless);
    let card = Some(scene.world.card(crook.index, 2));
    draft.payer = Some(Party { person: crook.index, card, shows });
    draft.merchant = Some(terminal.merchant);
    draft.terminal = Some(TerminalUse::honest(terminal.index));
    scene.strike(draft);
}
