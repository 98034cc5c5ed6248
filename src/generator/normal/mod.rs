//! The ordinary stream: honest people through the day, over all five services.

mod accounts;
mod money;

use super::compose;
use super::draft::{Attribute, Draft, Fate};
use super::rhythm;
use super::rng::Rng;
use super::world::World;

/// Purpose of the ordinary stream's random numbers.
const SALT: u64 = 0x6F72_6469;
/// How many recent payments are remembered, to be refunded, reversed or tried again.
const RECENT: usize = 256;

/// What ordinary people do, and how often of 10,000 times.
const ACTIONS: [(Action, u32); 15] = [
    (Action::MobilePayment, 4_900),
    (Action::InternetPayment, 1_000),
    (Action::CounterPayment, 1_300),
    (Action::PrepaidPayment, 400),
    (Action::TelevisionPayment, 250),
    (Action::Transfer, 700),
    (Action::Withdrawal, 150),
    (Action::Login, 680),
    (Action::Verification, 280),
    (Action::Refund, 110),
    (Action::Reversal, 40),
    (Action::Resubmission, 40),
    (Action::Binding, 80),
    (Action::Registration, 30),
    (Action::AccountChange, 40),
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    MobilePayment,
    InternetPayment,
    CounterPayment,
    PrepaidPayment,
    TelevisionPayment,
    Transfer,
    Withdrawal,
    Login,
    Verification,
    Refund,
    Reversal,
    Resubmission,
    Binding,
    Registration,
    AccountChange,
}

/// Refusal codes of issuers with their share among refusals (ISO 8583 field 39).
const REFUSALS: [(&str, u32); 9] = [
    ("51", 450),
    ("61", 120),
    ("05", 100),
    ("55", 80),
    ("54", 60),
    ("57", 40),
    ("91", 30),
    ("75", 20),
    ("14", 15),
];

/// Custom fields that some gateways add; the shipped bundle declares them.
const BASKETS: [&[(&str, Attribute)]; 3] = [
    &[("channel", Attribute::Text("app")), ("basket_items", Attribute::Integer(1))],
    &[("channel", Attribute::Text("mini_program")), ("basket_items", Attribute::Integer(4))],
    &[("channel", Attribute::Text("h5")), ("basket_items", Attribute::Integer(2))],
];

/// The ordinary stream.
#[derive(Debug)]
pub(super) struct Normal {
    rng: Rng,
    per_ms: f64,
    /// Time of the latest event, with its fraction of a millisecond.
    at_ms: f64,
    recent: Vec<Draft>,
    oldest: usize,
}

impl Normal {
    /// A stream that begins at `start_ms` with so many events per millisecond on average.
    pub(super) fn new(seed: u64, start_ms: i64, per_ms: f64) -> Self {
        let recent = Vec::with_capacity(RECENT);
        Self { rng: Rng::of(seed, SALT, 0), per_ms, at_ms: start_ms as f64, recent, oldest: 0 }
    }

    /// The next ordinary event; its number is still to be given.
    pub(super) fn next(&mut self, world: &World) -> Draft {
        let busyness = rhythm::busyness(self.at_ms as i64);
        self.at_ms += self.rng.wait(1.0 / (self.per_ms * busyness));
        let at_ms = self.at_ms as i64;
        // Some people pay more often than others: density falls as the cube root of the index.
        let draw = self.rng.unit();
        let index = f64::from(world.customers()) * draw * libm::sqrt(draw);
        let person = world.person((index as u32).min(world.customers() - 1));
        let action = ACTIONS[self.rng.weighted(&ACTIONS.map(|(_, weight)| weight))].0;
        let mut draft = self.act(world, &person, (action, at_ms));
        self.decorate(&mut draft);
        draft
    }

    /// Remembers a payment under its final number, so that it can be refunded or tried again.
    pub(super) fn remember(&mut self, draft: &Draft) {
        if draft.merchant.is_none() || draft.original.is_some() {
            return;
        }
        if self.recent.len() < RECENT {
            self.recent.push(draft.clone());
        } else {
            self.recent[self.oldest] = draft.clone();
            self.oldest = (self.oldest + 1) % RECENT;
        }
    }

    fn act(
        &mut self,
        world: &World,
        person: &super::world::people::Person,
        (action, at_ms): (Action, i64),
    ) -> Draft {
        let rng = &mut self.rng;
        match action {
            Action::MobilePayment => compose::mobile_payment(world, person, at_ms, rng),
            Action::InternetPayment => compose::internet_payment(world, person, at_ms, rng),
            Action::CounterPayment => money::counter_payment(world, person, at_ms, rng),
            Action::PrepaidPayment => money::prepaid_payment(world, person, at_ms, rng),
            Action::TelevisionPayment => money::television_payment(world, person, at_ms, rng),
            Action::Transfer => money::transfer(world, person, at_ms, rng),
            Action::Withdrawal => money::withdrawal(world, person, at_ms, rng),
            Action::Login => accounts::login(world, person, at_ms, rng),
            Action::Verification => accounts::verification(world, person, at_ms, rng),
            Action::Binding => accounts::binding(world, person, at_ms, rng),
            Action::Registration => accounts::registration(world, person, at_ms, rng),
            Action::AccountChange => accounts::change(world, person, at_ms, rng),
            Action::Refund | Action::Reversal | Action::Resubmission => {
                let wanted = |fate| match action {
                    Action::Resubmission => matches!(fate, Fate::Refused(_)),
                    _ => fate == Fate::Approved,
                };
                let first = rng.below(RECENT as u64) as usize;
                let places = first..first + self.recent.len();
                let found = places
                    .map(|place| &self.recent[place % self.recent.len()])
                    .find(|draft| wanted(draft.fate));
                match (found, action) {
                    (None, _) => compose::mobile_payment(world, person, at_ms, rng),
                    (Some(draft), Action::Refund) => money::refund(draft, at_ms, rng),
                    (Some(draft), Action::Reversal) => money::reversal(draft, at_ms),
                    (Some(draft), _) => money::resubmission(draft, at_ms),
                }
            }
        }
    }

    /// What any event may carry: a stated basis, stated consent, a fate.
    fn decorate(&mut self, draft: &mut Draft) {
        let rng = &mut self.rng;
        if rng.chance(0.2) {
            draft.lawful_basis =
                Some(rng.pick(&["contract", "contract", "consent", "legal_obligation"]));
        }
        match rng.below(200) {
            0..30 if draft.consent.is_none() => draft.consent = Some([Some(true); 4]),
            // A refusal of location; one client in five sends the position all the same.
            30..33 if draft.consent.is_none() => {
                draft.consent = Some([Some(true), Some(false), None, Some(true)]);
                draft.fix = draft.fix.filter(|_| rng.chance(0.2));
            }
            33 if draft.consent.is_none() => {
                draft.consent = Some([Some(false), None, Some(false), Some(true)]);
            }
            _ => {}
        }
        if draft.merchant.is_some() && rng.chance(0.1) {
            draft.attributes = rng.pick(&BASKETS);
        }
        if draft.kind.moves_money() {
            let weights = REFUSALS.map(|(_, weight)| weight);
            draft.fate = match rng.below(1_000) {
                0..38 => Fate::Refused(REFUSALS[rng.weighted(&weights)].0),
                38..43 => Fate::NotSent,
                43..46 => Fate::Reversed,
                _ => Fate::Approved,
            };
        }
    }
}
