//! What do the tables say? An event, tables and token keys to an input.
//!
//! Raw personal values stop here: [`enrich`] turns them into keyed tokens, for joining, and into
//! facts that identify nobody. It is a pure function: what it needs from outside is in [`Tables`].

mod nobody;
mod normalise;
mod hmac;
mod token_keys;
pub mod datum;
mod tables;
mod identity;
mod phone;
mod numbering;
pub mod mcc;
mod url;
mod party;
mod payment;
mod register;
mod device;
mod network;
mod place;

use crate::domain::{
    Amendment, Amount, Currency, EventTime, Fact, Facts, Input, Kind, LabelSource, Message,
    MissingTables, OutcomeResult, PaymentEvent, Refusal, Service, What, has_personal_digits,
    withhold_digits,
};

pub use party::card_digits;
pub use tables::{
    AsnDb, Bin, BinTable, ContentHash, FxFault, FxTable, GeoDb, GeoFault, GeoPlace, HostList,
    Merchant, MerchantRegister, MerchantRow, Name, Names, NetworkFlags, NetworkList,
    NetworkListBuilder, Pinned, RegisteredPlace, Tables, Terminal, TerminalRegister, TerminalRow,
    content_hash,
};
pub use token_keys::TokenKeys;

/// Fills a reused `input` with what an event says and what the tables say of it.
///
/// `canonical` is the event's protobuf form; `namespace` is the client's. What only its turn in the
/// stream can say is left out: `input.source` and `input.received_at`, and the amount in the base
/// currency unless a table of rates says it ([`price`]). A payment event asks to be decided: the edge
/// sets what it knows better. Nothing is allocated once the buffers of `input` have grown.
pub fn enrich(
    message: &Message<'_>,
    canonical: &[u8],
    namespace: &str,
    (tables, keys): (&Tables, &TokenKeys),
    input: &mut Input,
) {
    input.clear();
    input.key_version = keys.version();
    match message {
        Message::Event(event) => {
            input.event = keys.event(namespace, &event.event_id);
            name(&event.event_id, input);
            input.occurred_at = event.occurred_at;
            enrich_event(event, namespace, tables, keys, input);
            input.content = payment::content(event, keys, input);
        }
        Message::Outcome(outcome) => {
            let refusal = (outcome.result == OutcomeResult::Refused)
                .then(|| outcome.code.as_deref().map_or(Refusal::Other, Refusal::of_code));
            let amendment = Amendment::Outcome { result: outcome.result, refusal };
            input.content = keys.content(canonical);
            amend(&outcome.of, outcome.occurred_at, amendment, namespace, keys, input);
        }
        Message::Label(label) => {
            let source = LabelSource::parse(&label.source);
            let amendment = Amendment::Label { truth: label.truth, source };
            input.content = keys.content(canonical);
            amend(&label.of, label.occurred_at, amendment, namespace, keys, input);
        }
    }
}

/// An amendment has the id of the event that it speaks of, and no facts of its own.
fn amend(
    of: &str,
    occurred_at: EventTime,
    amendment: Amendment,
    namespace: &str,
    keys: &TokenKeys,
    input: &mut Input,
) {
    input.event = keys.event(namespace, of);
    name(of, input);
    input.occurred_at = occurred_at;
    input.what = What::Amend { target: input.event, amendment };
}

/// Names an input by the id of a message that was refused: whoever looks into the refusal finds the
/// payment by it.
pub fn name_refused(id: &str, namespace: &str, keys: &TokenKeys, input: &mut Input) {
    input.key_version = keys.version();
    input.event = keys.event(namespace, id);
    name(id, input);
}

/// The id that the event is known by to others than its sender: an id that could hold a card's number
/// stands there as its token.
fn name(id: &str, input: &mut Input) {
    if has_personal_digits(id) {
        let token = input.event.display(input.key_version);
        input.event_id.push_str(&token);
    } else {
        input.event_id.push_str(id);
    }
}

/// A fact that is a text of the message's own, without digits that could be a person's.
fn set_text(facts: &mut Facts, fact: Fact, text: &str) {
    facts.set_text(fact, &withhold_digits(text));
}

fn enrich_event(
    event: &PaymentEvent<'_>,
    namespace: &str,
    tables: &Tables,
    keys: &TokenKeys,
    input: &mut Input,
) {
    let earlier = event.original_event_id.as_ref().or(event.attempt_of.as_ref());
    input.original = earlier.map(|id| keys.event(namespace, id));
    what_happens(event, &mut input.facts);
    money(event.amount, tables.fx.as_ref().map(|fx| &fx.table), input);
    party::payer(event, tables, keys, input);
    party::payee(event, keys, input);
    device::device(&event.device, keys, input);
    register::merchant(event, tables, keys, input);
    let registered = register::terminal(event, tables, keys, input);
    let ip_place = network::network(&event.network, tables, keys, input);
    place::place(event.location.as_ref(), registered, ip_place, keys, &mut input.facts);
    referrer(event, tables, input);
}

fn what_happens(event: &PaymentEvent<'_>, facts: &mut Facts) {
    facts.set_text(Fact::Kind, event.kind.name());
    facts.set_text(Fact::Service, event.service.name());
    if let Some(mode) = event.entry_mode {
        facts.set_text(Fact::EntryMode, mode.name());
    }
    let basis = event.lawful_basis.as_deref().unwrap_or_else(|| default_basis(event));
    set_text(facts, Fact::LawfulBasis, basis);
    facts.set_int(Fact::OccurredAt, event.occurred_at.as_ms());
    facts.set_bool(Fact::IsResubmission, event.attempt_of.is_some());
    facts.set_bool(Fact::HasOriginal, event.original_event_id.is_some());
    if let Some(verification) = &event.verification {
        set_text(facts, Fact::VerificationMethod, &verification.method);
        facts.set_bool(Fact::VerificationPassed, verification.passed);
    }
    if let Some(change) = &event.account_change {
        set_text(facts, Fact::AccountChange, change);
    }
}

/// The basis that holds when the client declares none: the contract that a payment performs, the
/// duty to know who opens or changes an account, and for a merchant's card acquiring its contract.
fn default_basis(event: &PaymentEvent<'_>) -> &'static str {
    match (event.service, event.kind) {
        (_, Kind::Consent) => "consent",
        (Service::CardAcquiring, _) => "contract",
        (_, Kind::Registration | Kind::Binding | Kind::AccountChange) => "legal_obligation",
        _ => "contract",
    }
}

fn money(amount: Option<Amount>, rates: Option<&FxTable>, input: &mut Input) {
    let Some(amount) = amount else { return };
    // An amount is below 2^50, so it fits.
    let minor = amount.minor().cast_signed();
    input.facts.set_text(Fact::Currency, amount.currency().as_str());
    input.facts.set_int(Fact::AmountMinor, minor);
    if let Some(rates) = rates {
        convert(amount, rates, input);
    }
}

/// The amount in the base currency by the rates of the bundle in force, unless a table of rates has
/// spoken: it stands before them. An activation exchanges rules and rates between two inputs, so this
/// waits for the input's turn.
pub fn price(rates: &FxTable, input: &mut Input) {
    let facts = &input.facts;
    let has_spoken =
        facts.int(Fact::AmountBase).is_some() || input.missing.contains(MissingTables::FX);
    let currency = facts.text(Fact::Currency).and_then(Currency::parse);
    let minor = facts.int(Fact::AmountMinor).map(i64::cast_unsigned);
    if let (false, Some(minor), Some(currency)) = (has_spoken, minor, currency)
        && let Ok(amount) = Amount::from_minor(minor, currency)
    {
        convert(amount, rates, input);
    }
}

fn convert(amount: Amount, rates: &FxTable, input: &mut Input) {
    match rates.to_base(amount) {
        Some(base) => input.facts.set_int(Fact::AmountBase, base.cast_signed()),
        None => input.missing.add(MissingTables::FX),
    }
}

fn referrer(event: &PaymentEvent<'_>, tables: &Tables, input: &mut Input) {
    let Some(referrer) = &event.referrer else { return };
    let Some(hosts) = &tables.hosts else {
        input.missing.add(MissingTables::HOSTS);
        return;
    };
    let mut buffer = [0; url::HOST_MAX];
    let reason =
        url::host(referrer.expose(), &mut buffer).and_then(|host| hosts.table.look_up(host));
    input.facts.set_bool(Fact::ReferrerRisky, reason.is_some());
    if let Some(reason) = reason {
        input.facts.set_text(Fact::ReferrerReason, reason);
    }
}

#[cfg(test)]
mod tests;
