//! What the registers say of the merchant and the terminal, and whether the message agrees (T1).

use super::party::entity;
use super::tables::{MerchantRow, RegisteredPlace};
use super::{Tables, TokenKeys, identity, mcc};
use crate::domain::{EntityKind, Fact, Facts, Input, MissingTables, PaymentEvent, Terminal, Token};

/// The merchant's entity and facts. Runs after the payer and the device, whom it compares.
pub(super) fn merchant(
    event: &PaymentEvent<'_>,
    tables: &Tables,
    keys: &TokenKeys,
    input: &mut Input,
) {
    let merchant = &event.merchant;
    let token = merchant.id.as_deref().and_then(|id| keys.merchant(id));
    if merchant.id.is_some() {
        entity(EntityKind::Merchant, token, "merchant.id", input);
    }
    if token.is_some() && tables.merchants.is_none() {
        input.missing.add(MissingTables::MERCHANTS);
    }
    let register = tables.merchants.as_ref().zip(token);
    let known = register.as_ref().and_then(|(register, token)| register.table.look_up(*token));
    if register.is_some() {
        input.facts.set_bool(Fact::MerchantKnown, known.is_some());
    }
    let category = known.and_then(|known| known.row.mcc);
    category_facts(category.or_else(|| merchant.mcc.as_deref().and_then(mcc::parse)), input);
    let facts = &mut input.facts;
    let city = known.and_then(|known| known.city).or(merchant.city.as_deref());
    set_text(facts, Fact::MerchantCity, city);
    let Some(known) = known else { return };
    set_text(facts, Fact::MerchantProvince, known.province);
    set_age(facts, Fact::MerchantAgeDays, known.row.opened_on, event);
    owner_facts(known.row, input);
    if let Some((register, token)) = register {
        device_facts(register.table.devices(token), input);
    }
}

fn category_facts(category: Option<u16>, input: &mut Input) {
    let Some(category) = category else { return };
    // Four digits with leading zeros, written on the stack.
    let digits = [1_000, 100, 10, 1].map(|unit| b'0' + (category / unit % 10) as u8);
    if let Ok(text) = std::str::from_utf8(&digits) {
        input.facts.set_text(Fact::MerchantMcc, text);
    }
    input.facts.set_text(Fact::MerchantMccGroup, mcc::group(category));
}

fn owner_facts(row: &MerchantRow, input: &mut Input) {
    if let Some((owner, payer)) = row.owner.zip(input.tokens.get(EntityKind::IdDocument)) {
        input.facts.set_bool(Fact::PayerIsOwner, owner == payer);
    }
}

/// M5. Only when devices are registered and the payer's device has identifiers to compare.
fn device_facts(registered: &[u64], input: &mut Input) {
    if registered.is_empty() || input.device.is_empty() {
        return;
    }
    let ids = crate::domain::DeviceIdentifier::ALL.map(|which| input.device.get(which));
    let same = ids.iter().flatten().any(|id| registered.contains(id));
    input.facts.set_bool(Fact::DeviceIsMerchants, same);
}

/// The terminal's entity and facts; returns the place where it is registered to stand: its own,
/// else its merchant's.
pub(super) fn terminal(
    event: &PaymentEvent<'_>,
    tables: &Tables,
    keys: &TokenKeys,
    input: &mut Input,
) -> Option<RegisteredPlace> {
    let terminal = &event.terminal;
    let id = terminal.id.as_deref().and_then(|id| keys.terminal(id));
    let serial = terminal.serial.as_deref().and_then(|serial| keys.terminal(serial));
    if let Some(token) = serial.or(id) {
        input.tokens.set(EntityKind::Terminal, token);
    }
    if terminal.id.is_some() && id.is_none() {
        input.placeholders.add("terminal.id");
    }
    if terminal.serial.is_some() && serial.is_none() {
        input.placeholders.add("terminal.serial");
    }
    if *terminal != Terminal::default() {
        let located = event.location.is_some() || event.network.ip.is_some();
        input.facts.set_bool(Fact::TerminalLocated, located);
    }
    message_facts(terminal, keys, input);
    set_text(&mut input.facts, Fact::TerminalType, terminal.kind.as_deref());
    // A terminal without a code or a serial number cannot be looked up.
    id.or(serial)?;
    let Some(register) = &tables.terminals else {
        input.missing.add(MissingTables::TERMINALS);
        return None;
    };
    let known = register.table.look_up(id, serial);
    input.facts.set_bool(Fact::TerminalKnown, known.is_some());
    let known = known?;
    let facts = &mut input.facts;
    set_text(facts, Fact::TerminalType, known.kind);
    set_text(facts, Fact::TerminalProvince, known.province);
    set_age(facts, Fact::TerminalAgeDays, known.row.opened_on, event);
    if !facts.has(Fact::TerminalNetworkCode) {
        set_text(facts, Fact::TerminalNetworkCode, known.network_code);
    }
    let merchant = input.tokens.get(EntityKind::Merchant);
    set_match(facts, Fact::TerminalMerchantMatch, known.row.merchant, merchant);
    set_match(facts, Fact::TerminalSerialMatch, known.row.serial, serial);
    known.row.place.or_else(|| {
        let merchants = tables.merchants.as_ref()?;
        merchants.table.look_up(known.row.merchant?)?.row.place
    })
}

fn message_facts(terminal: &Terminal<'_>, keys: &TokenKeys, input: &mut Input) {
    let facts = &mut input.facts;
    let iccid = terminal.iccid.as_ref().map(|iccid| iccid.expose().as_ref());
    let cell = terminal.cell.as_ref().map(|cell| cell.expose().as_ref());
    set_text(facts, Fact::TerminalNetworkCode, network_code(cell, iccid));
    match iccid.map(|iccid| keys.sim(iccid)) {
        Some(Some(sim)) => facts.set_id(Fact::TerminalSim, sim),
        Some(None) => input.placeholders.add("terminal.iccid"),
        None => {}
    }
    if let Some(version) = terminal.app_version.as_deref() {
        set_text(
            facts,
            Fact::TerminalVersion,
            Some(version.trim()).filter(|text| !text.is_empty()),
        );
        if let Some(number) = version_number(version) {
            facts.set_int(Fact::TerminalAppVersion, number);
        }
    }
}

/// The mobile country code: the cell's first part, else the country that issued the SIM.
fn network_code<'a>(cell: Option<&'a str>, iccid: Option<&'a str>) -> Option<&'a str> {
    let of_cell = cell.and_then(|cell| cell.split('-').next()).map(str::trim);
    let three_digits = |code: &&str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    if let Some(code) = of_cell.filter(three_digits) {
        return Some(code);
    }
    // An ICCID begins with 89 (telecommunications) and the calling code (ITU-T E.118).
    const ISSUERS: [(&str, &str); 6] = [
        ("8986", "460"),
        ("89852", "454"),
        ("89853", "455"),
        ("89886", "466"),
        ("8981", "440"),
        ("8965", "525"),
    ];
    let iccid = iccid?.trim();
    ISSUERS.iter().find(|(issuer, _)| iccid.starts_with(issuer)).map(|(_, code)| *code)
}

/// The first three numbers of a version, ten bits each, for rules that compare with a number; none
/// where a part does not fit, which would make an upgrade look like nothing or like its opposite.
/// What a downgrade is (T8), [`crate::domain::VersionKey`] says.
fn version_number(text: &str) -> Option<i64> {
    let text = text.trim().trim_start_matches(['v', 'V']);
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut parts = text.split(['.', '-', '_', '+', ' ']).map(|part| {
        part.bytes()
            .take_while(u8::is_ascii_digit)
            .fold(0, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1_024))
    });
    (0..3).try_fold(0, |version, _| {
        let part = parts.next().unwrap_or(0);
        (part < 1_024).then_some(version << 10 | part)
    })
}

fn set_text(facts: &mut Facts, fact: Fact, text: Option<&str>) {
    if let Some(text) = text {
        super::set_text(facts, fact, text);
    }
}

fn set_match(facts: &mut Facts, fact: Fact, registered: Option<Token>, sent: Option<Token>) {
    if let Some((registered, sent)) = registered.zip(sent) {
        facts.set_bool(fact, registered == sent);
    }
}

/// Days from the day of opening to the day of the event; below zero when it was not open yet.
fn set_age(facts: &mut Facts, fact: Fact, opened_on: Option<i32>, event: &PaymentEvent<'_>) {
    if let Some(opened_on) = opened_on {
        let today = i64::from(identity::day_number(event.occurred_at));
        facts.set_int(fact, today - i64::from(opened_on));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An older version is a smaller number, also past nine and with a suffix; what has no room in
    /// three parts of ten bits has none.
    #[test]
    fn versions_compare_as_numbers() {
        let rising = ["0.9.9", "1.2", "1.2.9", "v1.2.10-rc1", "1.10.0", "2", "1023.0.1"];
        let numbers: Vec<_> = rising.iter().map(|text| version_number(text).unwrap()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        for wide in ["1024.0.1", "2025.12.1", "1.20261123", "1.0.99999999999999999999"] {
            assert_eq!(version_number(wide), None, "{wide}");
        }
        assert_eq!(version_number("1.2.3"), Some(1 << 20 | 2 << 10 | 3));
        assert_eq!(version_number("beta"), None);
        assert_eq!(version_number(""), None);
    }

    /// The cell is where the terminal is now; the SIM says who issued it (T3).
    #[test]
    fn the_cell_speaks_before_the_sim() {
        let check = |cell, iccid, expected| assert_eq!(network_code(cell, iccid), expected);
        check(Some("460-00-6177-27021"), Some("8985200000000000000"), Some("460"));
        check(Some("nonsense"), Some("8986011234567890123"), Some("460"));
        check(None, Some("8985212345678901234"), Some("454"));
        check(None, Some("8944123"), None);
        check(None, None, None);
    }
}
