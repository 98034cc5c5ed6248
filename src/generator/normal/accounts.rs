//! Ordinary events that move no money: logins, verifications, bindings, changes.

use crate::generator::compose;
use crate::generator::draft::{Draft, Kind, Method, Passed};
use crate::generator::rng::Rng;
use crate::generator::world::World;
use crate::generator::world::people::Person;

/// Someone opens the app.
pub(super) fn login(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    compose::from_phone(world, person, (Kind::Login, at_ms), rng)
}

/// Someone proves to be themselves, and fails at it now and then.
pub(super) fn verification(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = compose::from_phone(world, person, (Kind::Verification, at_ms), rng);
    let methods = [
        Method::Sms,
        Method::Sms,
        Method::Password,
        Method::Biometric,
        Method::App,
        Method::IdCard,
    ];
    let passed = if rng.chance(0.06) { Passed::No } else { Passed::Yes };
    draft.verification = Some((rng.pick(&methods), passed));
    draft
}

/// A card is bound to an account.
pub(super) fn binding(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = compose::from_phone(world, person, (Kind::Binding, at_ms), rng);
    if let Some(payer) = &mut draft.payer {
        payer.card = Some(compose::everyday_card(world, person.index, rng));
    }
    draft
}

/// Someone signs up, and says what may be collected.
pub(super) fn registration(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    let mut draft = compose::from_phone(world, person, (Kind::Registration, at_ms), rng);
    draft.consent = Some([Some(true), Some(rng.chance(0.9)), Some(rng.chance(0.7)), Some(true)]);
    draft
}

/// Someone changes a setting: one change in five is a change of consent.
pub(super) fn change(world: &World, person: &Person, at_ms: i64, rng: &mut Rng) -> Draft {
    if rng.chance(0.2) {
        let mut draft = compose::from_phone(world, person, (Kind::Consent, at_ms), rng);
        draft.consent = Some([Some(true), Some(rng.chance(0.5)), Some(rng.chance(0.5)), None]);
        draft.fix = None;
        return draft;
    }
    let mut draft = compose::from_phone(world, person, (Kind::AccountChange, at_ms), rng);
    let changes = ["password", "password", "email", "address", "phone", "sim"];
    draft.account_change = Some(rng.pick(&changes));
    draft
}
