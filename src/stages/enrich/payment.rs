//! What a payment *is*: what a retry has in common with the first try.
//!
//! A client that tries again sends a new time, another port, one field more. What it may not change is
//! what is decided: kind, service, amount, who pays and who is paid, the merchant, the event that is
//! undone, and what only some kinds have. Each value goes in as its entity's token or in its normal
//! form, so that two spellings are one; a value that names nobody is as good as absent.

use super::nobody::Hiding;
use super::{TokenKeys, hmac, normalise};
use crate::domain::{Content, EntityKind, Input, Kind, Party, PaymentEvent};

/// The keyed hash of what a payment is. Runs after the parties and the merchant: it takes their tokens.
pub(super) fn content(event: &PaymentEvent<'_>, keys: &TokenKeys, input: &Input) -> Content {
    let mut parts = Parts(keys.payment());
    parts.add(Part::EventId, event.event_id.as_bytes());
    parts.add(Part::Kind, event.kind.name().as_bytes());
    parts.add(Part::Service, event.service.name().as_bytes());
    if let Some(amount) = event.amount {
        parts.add(Part::AmountMinor, &amount.minor().to_le_bytes());
        parts.add(Part::Currency, amount.currency().as_str().as_bytes());
    }
    parts.maybe(Part::Original, event.original_event_id.as_deref().map(str::as_bytes));
    for (part, kind) in [
        (Part::PayerAccount, EntityKind::Account),
        (Part::PayerCard, EntityKind::Card),
        (Part::PayerPhone, EntityKind::Phone),
        (Part::PayerId, EntityKind::IdDocument),
        (Part::Merchant, EntityKind::Merchant),
    ] {
        parts.maybe(part, input.tokens.get(kind).as_ref().map(|token| token.as_bytes().as_slice()));
    }
    parts.email(Part::PayerEmail, &event.payer);
    parts.payee(&event.payee);
    if input.tokens.get(EntityKind::Merchant).is_none() {
        parts
            .maybe(Part::MerchantName, event.merchant.name.as_deref().map(|n| n.trim().as_bytes()));
    }
    parts.kind(event);
    let mut content = [0; 16];
    content.copy_from_slice(&parts.0.finish()[..16]);
    Content(content)
}

/// A part's number in the hash. They stand in journals through it: none may change.
#[derive(Clone, Copy)]
enum Part {
    EventId = 1,
    Kind = 2,
    Service = 3,
    AmountMinor = 4,
    Currency = 5,
    Original = 6,
    PayerAccount = 7,
    PayerCard = 8,
    PayerPhone = 9,
    PayerId = 10,
    PayerEmail = 11,
    PayeeAccount = 12,
    PayeeCard = 13,
    PayeePhone = 14,
    PayeeId = 15,
    PayeeEmail = 16,
    Merchant = 17,
    MerchantName = 18,
    VerificationMethod = 19,
    VerificationPassed = 20,
    AccountChange = 21,
    Consent = 22,
}

/// The parts, each with its number and length before it, so that none can be shifted into another.
struct Parts<'k>(hmac::Signer<'k>);

impl Parts<'_> {
    fn add(&mut self, part: Part, value: &[u8]) {
        // Every text has a limit at the door, far below 64 KiB.
        let [low, high] = (value.len() as u16).to_le_bytes();
        self.0.part(&[part as u8, low, high]);
        self.0.part(value);
    }

    fn maybe(&mut self, part: Part, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.add(part, value);
        }
    }

    fn email(&mut self, part: Part, party: &Party<'_>) {
        if let Some(email) = &party.email {
            self.maybe(part, normalise::email(email.expose(), &mut [0; normalise::NAME]));
        }
    }

    fn payee(&mut self, payee: &Party<'_>) {
        if let Some(id) = &payee.account_id {
            let mut buffer = [0; normalise::NAME];
            let id = normalise::named(id.expose(), Hiding::Number, &mut buffer);
            self.maybe(Part::PayeeAccount, id);
        }
        if let Some(card) = &payee.card {
            self.maybe(Part::PayeeCard, normalise::card(card.number.expose(), &mut [0; 19]));
        }
        if let Some(phone) = &payee.phone {
            self.maybe(
                Part::PayeePhone,
                normalise::phone(phone.expose(), &mut { normalise::PHONE }),
            );
        }
        if let Some(id) = &payee.id_number {
            let mut buffer = [0; normalise::ID];
            self.maybe(Part::PayeeId, normalise::id_document(id.expose(), &mut buffer));
        }
        self.email(Part::PayeeEmail, payee);
    }

    /// What only some kinds have.
    fn kind(&mut self, event: &PaymentEvent<'_>) {
        if let Some(verification) = &event.verification {
            self.add(Part::VerificationMethod, verification.method.as_bytes());
            self.add(Part::VerificationPassed, &[u8::from(verification.passed)]);
        }
        self.maybe(Part::AccountChange, event.account_change.as_deref().map(str::as_bytes));
        if event.kind == Kind::Consent {
            let consent = event.consent;
            let groups = [consent.device, consent.location, consent.bluetooth, consent.network];
            self.add(Part::Consent, &groups.map(|group| group.map_or(2, u8::from)));
        }
    }
}
