//! Who pays and who is paid: entities, and what may be known of them without knowing them.

use super::{Tables, TokenKeys, identity, normalise, phone};
use crate::domain::{
    CardDigits, EntityKind, Fact, Facts, Input, MissingTables, PaymentEvent, Sensitive,
};

/// The digits of the payer's card, for the edge's memory of cards: no part of an input.
pub fn card_digits(event: &PaymentEvent<'_>) -> Option<Sensitive<CardDigits>> {
    let card = event.payer.card.as_ref()?;
    CardDigits::parse(card.number.expose()).map(Sensitive::new)
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
    if let Some(token) = payer.account_id.as_ref().and_then(|id| keys.account(id.expose())) {
        input.tokens.set(EntityKind::Account, token);
    }
    if let Some(number) = &payer.phone {
        if let Some(token) = keys.phone(number.expose()) {
            input.tokens.set(EntityKind::Phone, token);
        }
        if let Some(country) = phone::country(number.expose()) {
            input.facts.set_text(Fact::PayerPhoneCountry, country);
        }
    }
    if let Some(number) = &payer.id_number {
        if let Some(token) = keys.id_document(number.expose()) {
            input.tokens.set(EntityKind::IdDocument, token);
        }
        let birth = identity::birth_date(number.expose());
        input.facts.set_bool(Fact::PayerIdValid, birth.is_some());
        let today = identity::Date::in_china(event.occurred_at);
        if let Some(band) = birth.and_then(|birth| identity::age_band(birth, today)) {
            input.facts.set_text(Fact::PayerAgeBand, band);
        }
    }
    if let Some(email) = &payer.email {
        email_domain(email.expose(), &mut input.facts);
    }
}

fn card(number: &str, tables: &Tables, keys: &TokenKeys, input: &mut Input) {
    if let Some(token) = keys.card(number) {
        input.tokens.set(EntityKind::Card, token);
    }
    let mut buffer = [0; 19];
    let Some(digits) = normalise::digits(number, &mut buffer) else { return };
    // Digits are ASCII, so the first six are text.
    if let Some(bin) = digits.get(..6).and_then(|bin| std::str::from_utf8(bin).ok()) {
        input.facts.set_text(Fact::CardBin, bin);
    }
    input.facts.set_bool(Fact::CardLuhnValid, luhn_valid(digits));
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

/// ISO/IEC 7812-1: every second digit from the right doubled, the sum a multiple of ten.
fn luhn_valid(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place & 1);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn email_domain(email: &str, facts: &mut Facts) {
    let Some((_, domain)) = email.trim().rsplit_once('@') else { return };
    let mut buffer = [0; Facts::TEXT_MAX];
    let domain = normalise::lower_into(domain.trim_end_matches('.'), &mut buffer);
    if !domain.is_empty() {
        facts.set_text(Fact::PayerEmailDomain, domain);
    }
}

/// The payee's entity, its account before its card, and whether it is the payer.
///
/// Runs after [`payer`]: it compares with the payer's entities.
pub(super) fn payee(event: &PaymentEvent<'_>, keys: &TokenKeys, input: &mut Input) {
    let payee = &event.payee;
    let account = payee.account_id.as_ref().and_then(|id| keys.account(id.expose()));
    let card = payee.card.as_ref().and_then(|card| keys.card(card.number.expose()));
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
            assert_eq!(luhn_valid(number.as_bytes()), ok, "{number}");
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
