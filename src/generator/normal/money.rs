//! Ordinary events that move money.

use crate::generator::compose;
use crate::generator::draft::{Draft, Entry, Kind, Money, Party, Service, Shows, TerminalUse};
use crate::generator::rng::Rng;
use crate::generator::world::World;
use crate::generator::world::cities::MAINLAND;
use crate::generator::world::people::Person;
use crate::generator::world::whereabouts::Whereabouts;

/// A card at a counter; by code instead where the shop has no terminal or the person is on the way.
pub(super) fn counter_payment(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let Some(city) = city_of(world, person, at_ms) else {
        return compose::mobile_payment(world, person, at_ms, rng);
    };
    let shop = world.shop_in(city, person.habits, rng);
    match world.terminal_of(&shop, rng) {
        Some(terminal) => compose::counter_payment(world, person, (&terminal, at_ms), rng),
        None => compose::mobile_payment(world, person, at_ms, rng),
    }
}

/// A prepaid card at a counter: small sums, and nothing known of the holder.
pub(super) fn prepaid_payment(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let city = city_of(world, person, at_ms).unwrap_or(person.city);
    let shop = world.shop_in(city, person.habits, rng);
    let mut draft = Draft::new(Kind::Payment, Service::PrepaidCard, at_ms);
    let ticket = compose::ticket(person, &shop, rng);
    draft.amount = Some(Money::fen(ticket.minor.min(40_000)));
    draft.entry = Some(if rng.chance(0.7) { Entry::Contactless } else { Entry::Manual });
    draft.payer = Some(Party {
        person: person.index,
        card: Some(world.card(person.index, 2)),
        shows: Shows::CARD_ONLY,
    });
    draft.merchant = Some(shop.index);
    draft.terminal =
        world.terminal_of(&shop, rng).map(|terminal| TerminalUse::honest(terminal.index));
    draft
}

/// A payment on the television: to a payee whose name is shown in part.
pub(super) fn television_payment(
    world: &World,
    person: &Person,
    at_ms: i64,
    rng: &mut Rng,
) -> Draft {
    let mut draft = Draft::new(Kind::Payment, Service::DigitalTv, at_ms);
    let payee = rng.below(u64::from(world.customers())) as u32;
    let yuan = rng.pick(&[15, 19, 25, 29, 30, 39, 49, 58, 88, 128, 198]);
    draft.amount = Some(Money::yuan(yuan));
    draft.entry = Some(Entry::Online);
    draft.payer = Some(Party { person: person.index, card: None, shows: Shows::ACCOUNT });
    let shows = Shows::ACCOUNT.and(Shows::PARTIAL_NAME);
    draft.payee = Some(Party { person: payee, card: None, shows });
    draft.device = Some(world.tv_box_of(person));
    draft.network = Some(compose::wired(world.home_ip(person), rng));
    draft
}

/// A transfer, mostly to one of ten people one knows.
pub(super) fn transfer(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let customers = u64::from(world.customers());
    let payee = if rng.chance(0.85) {
        let friend = rng.below(10);
        Rng::of(person.habits, 0x6672_6E64, friend).below(customers)
    } else {
        rng.below(customers)
    };
    let fen = (rng.log_normal(30_000.0 * person.thrift, 1.2) as u64).clamp(100, 4_000_000);
    let fen = if rng.chance(0.7) { fen / 1_000 * 1_000 } else { fen };
    let amount = Money::fen(fen.max(100));
    compose::transfer(world, person, payee as u32, (amount, at_ms), rng)
}

/// Money out of the account, to one's own debit card.
pub(super) fn withdrawal(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = compose::from_phone(world, person, (Kind::Withdrawal, at_ms), rng);
    let fen = rng.log_normal(80_000.0 * person.thrift, 0.9) as u64 / 10_000 * 10_000;
    draft.amount = Some(Money::fen(fen.clamp(10_000, 2_000_000)));
    if let Some(payer) = &mut draft.payer {
        payer.card = Some(world.card(person.index, 0));
    }
    draft
}

/// A payment given back, in full or in part.
pub(super) fn refund(of: &Draft, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = undone(of, (Kind::Refund, at_ms));
    if rng.chance(0.25) {
        draft.amount = of.amount.map(|paid| Money { minor: (paid.minor / 2).max(1), ..paid });
    }
    draft
}

/// A payment undone by the sender.
pub(super) fn reversal(of: &Draft, at_ms: i64) -> Draft {
    undone(of, (Kind::Reversal, at_ms))
}

/// A refused payment tried again with the same card.
pub(super) fn resubmission(of: &Draft, at_ms: i64) -> Draft {
    Draft { attempt_of: Some(of.number), at_ms, ..of.clone() }
}

fn undone(of: &Draft, (kind, at_ms): (Kind, i64)) -> Draft {
    Draft {
        kind,
        at_ms,
        original: Some(of.number),
        attempt_of: None,
        fix: None,
        network: None,
        device: None,
        referrer: None,
        ..of.clone()
    }
}

/// The mainland city in which someone can stand at a counter now.
fn city_of(world: &World, person: &Person, at_ms: i64) -> Option<u16> {
    match world.whereabouts(person, at_ms) {
        Whereabouts::Moving => None,
        Whereabouts::Away(city) => (usize::from(city) < MAINLAND).then_some(city),
        _ => Some(person.city),
    }
}
