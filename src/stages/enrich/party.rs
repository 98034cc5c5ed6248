//! Who pays and who is paid: entities, and what may be known of them without knowing them.

use super::{Tables, TokenKeys, identity, nobody, normalise, phone};
use crate::domain::{
    CardDigits, EntityKind, EventTime, Fact, Facts, Glyph, Input, MissingTables, PaymentEvent,
    Sensitive, Token, luhn_valid,
};

/// The digits of the payer's card, for the edge's memory of cards: no part of an input.
pub fn card_digits(event: &PaymentEvent<'_>) -> Option<Sensitive<CardDigits>> {
    let card = event.payer.card.as_ref()?;
    let mut buffer = [0; 19];
    let digits = normalise::card(card.number.expose(), &mut buffer)?;
    std::str::from_utf8(digits).ok().and_then(CardDigits::parse).map(Sensitive::new)
}

/// The payer's entities and facts.
pub(super) fn payer(
    event: &PaymentEvent<'_>,
    tables: &Tables,
    keys: &TokenKeys,
    input: &mut Input,
) {
    let payer = &event.payer;
    if let Some(number) = &payer.card {
        card(number.number.expose(), tables, keys, input);
    }
    if let Some(id) = &payer.account_id {
        entity(EntityKind::Account, keys.account(id.expose()), "payer.account_id", input);
    }
    if let Some(number) = &payer.phone {
        entity(EntityKind::Phone, keys.phone(number.expose()), "payer.phone", input);
        if let Some(country) = phone::country(number.expose()) {
            input.facts.set_text(Fact::PayerPhoneCountry, country);
        }
    }
    if let Some(number) = &payer.id_number {
        entity(EntityKind::IdDocument, keys.id_document(number.expose()), "payer.id_number", input);
        id_document(number.expose(), event.occurred_at, &mut input.facts);
    }
    if let Some(email) = &payer.email {
        if normalise::email(email.expose(), &mut [0; normalise::NAME]).is_none() {
            input.placeholders.add("payer.email");
        }
        email_domain(email.expose(), &mut input.facts);
    }
}

/// Names an entity, or counts its field as one whose value names nobody.
pub(super) fn entity(
    kind: EntityKind,
    token: Option<Token>,
    field: &'static str,
    input: &mut Input,
) {
    match token {
        Some(token) => input.tokens.set(kind, token),
        None => input.placeholders.add(field),
    }
}

/// What an identity number tells; nothing when it is masked or stands for none.
fn id_document(number: &str, at: EventTime, facts: &mut Facts) {
    let mut buffer = [0; normalise::ID];
    let Some(document) = normalise::id_document(number, &mut buffer) else { return };
    let birth = identity::birth_date(document);
    // Numbers of fifteen digits had no check character, and are in use no more (since 2013).
    let is_old = number.chars().filter(|c| matches!(Glyph::of(*c), Glyph::Digit(_))).count() == 15;
    facts.set_bool(Fact::PayerIdValid, birth.is_some() && !is_old);
    let today = identity::Date::in_china(at);
    if let Some(band) = birth.and_then(|birth| identity::age_band(birth, today)) {
        facts.set_text(Fact::PayerAgeBand, band);
    }
}

fn card(number: &str, tables: &Tables, keys: &TokenKeys, input: &mut Input) {
    entity(EntityKind::Card, keys.card(number), "payer.card.number", input);
    let mut buffer = [0; 19];
    let Some(digits) = normalise::card(number, &mut buffer) else { return };
    // Digits are ASCII, so the first six are text.
    if let Some(bin) = digits.get(..6).and_then(|bin| std::str::from_utf8(bin).ok()) {
        input.facts.set_text(Fact::CardBin, bin);
    }
    input.facts.set_bool(Fact::CardLuhnValid, is_luhn_valid(digits));
    let Some(bins) = &tables.bins else {
        input.missing.add(MissingTables::BIN);
        return;
    };
    let Some(bin) = bins.table.look_up(digits) else { return };
    for (fact, text) in [
        (Fact::CardBrand, bin.brand),
        (Fact::CardType, bin.card_type),
        (Fact::CardCountry, bin.country),
        (Fact::CardIssuer, bin.issuer),
    ] {
        if let Some(text) = text {
            input.facts.set_text(fact, text);
        }
    }
}

fn is_luhn_valid(digits: &[u8]) -> bool {
    let mut values = [0; 19];
    let values = &mut values[..digits.len().min(19)];
    values.iter_mut().zip(digits).for_each(|(value, digit)| *value = digit.wrapping_sub(b'0'));
    luhn_valid(values)
}

fn email_domain(email: &str, facts: &mut Facts) {
    let Some((_, domain)) = email.trim().rsplit_once('@') else { return };
    let mut buffer = [0; Facts::TEXT_MAX];
    let domain = normalise::lower_into(domain.trim_end_matches('.'), &mut buffer);
    if !domain.is_empty() && !nobody::is_placeholder(domain) {
        super::set_text(facts, Fact::PayerEmailDomain, domain);
    }
}

/// The payee's entity, its account before its card, and whether it is the payer.
///
/// Runs after [`payer`]: it compares with the payer's entities.
pub(super) fn payee(event: &PaymentEvent<'_>, keys: &TokenKeys, input: &mut Input) {
    let payee = &event.payee;
    let account = payee.account_id.as_ref().and_then(|id| keys.account(id.expose()));
    let card = payee.card.as_ref().and_then(|card| keys.card(card.number.expose()));
    if payee.account_id.is_some() && account.is_none() {
        input.placeholders.add("payee.account_id");
    }
    if payee.card.is_some() && card.is_none() {
        input.placeholders.add("payee.card.number");
    }
    if let Some(token) = account.or(card) {
        input.tokens.set(EntityKind::Payee, token);
    }
    // One equal pair decides; with no pair to compare nothing is known.
    let pairs = [(account, EntityKind::Account), (card, EntityKind::Card)];
    let same = pairs
        .into_iter()
        .filter_map(|(token, kind)| Some(token? == input.tokens.get(kind)?))
        .reduce(|one, other| one || other);
    if let Some(same) = same {
        input.facts.set_bool(Fact::PayeeIsPayer, same);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The scheme's test numbers, and each with one digit changed.
    #[test]
    fn luhn_finds_one_wrong_digit() {
        for (number, ok) in [
            ("4111111111111111", true),
            ("4111111111111112", false),
            ("5555555555554444", true),
            ("5555555555554440", false),
            ("6200000000000005", true),
            ("378282246310005", true),
        ] {
            assert_eq!(is_luhn_valid(number.as_bytes()), ok, "{number}");
        }
    }

    /// The local part is the person; only the domain passes.
    #[test]
    fn only_the_domain_of_an_address_passes() {
        for (email, expected) in [
            ("con.sumer@163.COM", Some("163.com")),
            ("\"a@b\"@Example.com.", Some("example.com")),
            ("no-at-sign", None),
            ("empty@", None),
        ] {
            let mut facts = Facts::new();
            email_domain(email, &mut facts);
            assert_eq!(facts.text(Fact::PayerEmailDomain), expected, "{email}");
        }
    }
}
