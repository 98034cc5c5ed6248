//! The whole stage over pure tables: what passes, what is missing, what never passes.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Card, Content, Currency, Datum, Device, DeviceIdentifier, EntityKind, Label, LabelSource,
    Location, Outcome, Sensitive, Token, Truth, Verification,
};

const AT: &str = "2026-11-23T14:54:11Z";

fn keys() -> TokenKeys {
    TokenKeys::new(3, &[7; 32])
}

fn at() -> EventTime {
    EventTime::parse_rfc3339(AT).unwrap()
}

fn secret(text: &str) -> Option<Sensitive<std::borrow::Cow<'_, str>>> {
    Some(Sensitive::new(text.into()))
}

fn event() -> PaymentEvent<'static> {
    let mut event = PaymentEvent::new("e-1", Kind::Payment, Service::MobilePayment, at());
    event.amount = Amount::from_minor(12_345, Currency::CNY).ok();
    event.payer.card = Some(Card { number: Sensitive::new("6225881234567890".into()) });
    event.payer.account_id = secret("acc-payer");
    event.payer.id_number = secret("11010519491231002X");
    event.payer.phone = secret("13712349050");
    event.payer.email = secret("con.sumer@163.COM");
    event.payer.name = secret("张三丰");
    event.payee.account_id = secret("acc-payee");
    event.merchant.id = Some("M1".into());
    event.merchant.mcc = Some("5411".into());
    event.merchant.city = Some("Message City".into());
    event.device.model = Some("Mate 60".into());
    event.device.android_id = secret("aabbccdd00112233");
    event.device.mac = secret("02:00:00:00:00:00");
    event.network.ip = Some(Sensitive::new("81.2.69.142".parse().unwrap()));
    event.location = Some(Location {
        lat: Sensitive::new(39.905_603),
        lon: Sensitive::new(116.413_642),
        accuracy_m: Some(20.0),
        datum: Datum::Gcj02,
    });
    event.referrer = secret("https://pay.bad.example/x");
    event
}

fn run(event: PaymentEvent<'_>, tables: &Tables) -> Input {
    let mut input = Input::new();
    enrich(&Message::Event(event), b"canonical", "gw", (tables, &keys()), &mut input);
    price(&FxTable::new(Currency::CNY), &mut input);
    input
}

fn pinned<T>(table: T) -> Option<Arc<Pinned<T>>> {
    Some(Arc::new(Pinned::new(table, b"")))
}

/// Tables of one row each; `merchant` and `terminal` change the rows.
fn tables(
    merchant: impl FnOnce(&mut MerchantRow),
    terminal: impl FnOnce(&mut TerminalRow),
) -> Tables {
    let keys = keys();
    let mut bins = BinTable::new();
    let (brand, card_type) = (Some("unionpay"), Some("credit"));
    bins.add("622588", Bin { brand, card_type, issuer: Some("Bank"), country: Some("CN") });
    let mut networks = NetworkListBuilder::default();
    networks.add("81.2.69.0".parse().unwrap(), 24, NetworkFlags::VPN);
    let mut hosts = HostList::new();
    hosts.add("bad.example", "phishing");
    let mut merchants = MerchantRegister::new();
    let city = merchants.intern("Register City");
    let mut row = MerchantRow { mcc: Some(7_995), city, ..MerchantRow::default() };
    merchant(&mut row);
    merchants.add(keys.merchant("M1").unwrap(), row, &[]);
    let mut terminals = TerminalRegister::new();
    let kind = terminals.intern("04");
    let mut row = TerminalRow { kind, merchant: keys.merchant("M1"), ..TerminalRow::default() };
    terminal(&mut row);
    terminals.add(keys.terminal("T1").unwrap(), row);
    Tables {
        networks: pinned(networks.finish()),
        bins: pinned(bins),
        merchants: pinned(merchants),
        terminals: pinned(terminals),
        fx: pinned(FxTable::new(Currency::CNY)),
        hosts: pinned(hosts),
        ..Tables::default()
    }
}

/// What the message says and what the tables say of it, and who everybody is.
#[test]
fn an_event_becomes_tokens_and_facts() {
    let input = run(event(), &tables(|_| {}, |_| {}));
    let facts = &input.facts;
    let texts = [
        (Fact::Kind, "payment"),
        (Fact::Service, "mobile_payment"),
        (Fact::LawfulBasis, "contract"),
        (Fact::Currency, "CNY"),
        (Fact::CardBin, "622588"),
        (Fact::CardBrand, "unionpay"),
        (Fact::CardType, "credit"),
        (Fact::CardCountry, "CN"),
        (Fact::CardIssuer, "Bank"),
        (Fact::PayerAgeBand, "65_plus"),
        (Fact::PayerPhoneCountry, "CN"),
        (Fact::PayerEmailDomain, "163.com"),
        (Fact::MerchantMcc, "7995"),
        (Fact::MerchantMccGroup, "gambling"),
        (Fact::MerchantCity, "Register City"),
        (Fact::DeviceModel, "Mate 60"),
        (Fact::ReferrerReason, "phishing"),
    ];
    for (fact, expected) in texts {
        assert_eq!(facts.text(fact), Some(expected), "{fact:?}");
    }
    let bools = [
        (Fact::CardLuhnValid, false),
        (Fact::PayerIdValid, true),
        (Fact::PayeeIsPayer, false),
        (Fact::MerchantKnown, true),
        (Fact::DevicePresent, true),
        (Fact::IpPresent, true),
        (Fact::IpVpn, true),
        (Fact::IpTor, false),
        (Fact::LocationPresent, true),
        (Fact::ReferrerRisky, true),
        (Fact::HasOriginal, false),
    ];
    for (fact, expected) in bools {
        assert_eq!(facts.bool(fact), Some(expected), "{fact:?}");
    }
    assert_eq!(facts.int(Fact::AmountBase), Some(12_345));
    assert_eq!(facts.int(Fact::LatMdeg), Some(39_910));
    let keys = keys();
    for (kind, raw) in [
        (EntityKind::Card, "6225881234567890"),
        (EntityKind::Account, "acc-payer"),
        (EntityKind::Payee, "acc-payee"),
        (EntityKind::Ip, "81.2.69.142"),
        (EntityKind::IpPrefix, "81.2.69.0/24"),
        (EntityKind::Merchant, "M1"),
        (EntityKind::Phone, "13712349050"),
        (EntityKind::IdDocument, "11010519491231002X"),
    ] {
        assert_eq!(input.tokens.get(kind), keys.entity(kind, raw), "{kind:?}");
    }
    assert_eq!(input.tokens.get(EntityKind::Device), None);
    assert!(input.device.get(DeviceIdentifier::AndroidId).is_some());
    assert_eq!(input.device.get(DeviceIdentifier::Mac), None);
    assert_eq!((input.event_id.as_str(), input.key_version), ("e-1", 3));
    assert_eq!(input.what, What::Decide);
}

/// A device that is called after its owner is known by what it is.
#[test]
fn a_device_is_not_its_owner() {
    let mut named = event();
    named.device.model = Some("张三的iPhone 15".into());
    let facts = run(named, &Tables::default()).facts;
    assert_eq!(facts.text(Fact::DeviceModel), Some("iPhone 15"));
}

/// Lists name networks of v6 by their /48 and by their /64; of v4 the /24 is the only one.
#[test]
fn a_v6_address_has_two_networks() {
    let of = |ip: &str| {
        let mut event = event();
        event.network.ip = Some(Sensitive::new(ip.parse().unwrap()));
        run(event, &Tables::default())
    };
    let network = |text: &str| keys().entity(EntityKind::IpPrefix, text);
    let v6 = of("2001:db8:1:2::3");
    assert_eq!(v6.tokens.get(EntityKind::IpPrefix), network("2001:db8:1::/48"));
    assert_eq!(v6.subnet, network("2001:db8:1:2::/64"));
    assert!(v6.subnet.is_some() && v6.subnet != network("2001:db8:1:3::/64"));
    assert_eq!(of("81.2.69.142").subnet, None);
    assert_eq!(of("::ffff:81.2.69.142").subnet, None);
}

/// A table is missing only when the event would have asked it.
#[test]
fn only_what_would_have_been_asked_is_missing() {
    let check = |event: PaymentEvent<'_>, expected: &[&str]| {
        let missing = run(event, &Tables::default()).missing;
        let names: Vec<_> = MissingTables::NAMED
            .into_iter()
            .filter(|(table, _)| missing.contains(*table))
            .map(|(_, name)| name)
            .collect();
        assert_eq!(names, expected);
    };
    check(event(), &["geo", "asn", "networks", "bin", "merchants", "hosts"]);
    let bare = || PaymentEvent::new("e", Kind::Login, Service::InternetPayment, at());
    check(bare(), &[]);
    let mut private = bare();
    private.network.ip = Some(Sensitive::new("10.0.0.1".parse().unwrap()));
    check(private, &[]);
    let mut foreign = bare();
    foreign.amount = Amount::from_minor(1, Currency::parse("USD").unwrap()).ok();
    foreign.terminal.serial = Some("S".into());
    check(foreign, &["terminals", "fx"]);
}

/// T1 and M4: the message against the register, element by element.
#[test]
fn the_registers_are_held_against_the_message() {
    let keys = keys();
    let tables = tables(
        |merchant| merchant.owner = keys.id_document("11010519491231002X"),
        |terminal| {
            terminal.serial = keys.terminal("S1");
            terminal.opened_on = Some(identity::day_number(at()) - 10);
        },
    );
    let check = |id: Option<&'static str>, serial: Option<&'static str>, merchant: &'static str| {
        let mut event = event();
        event.terminal.id = id.map(Into::into);
        event.terminal.serial = serial.map(Into::into);
        event.merchant.id = Some(merchant.into());
        let facts = run(event, &tables).facts;
        [Fact::TerminalKnown, Fact::TerminalSerialMatch, Fact::TerminalMerchantMatch]
            .map(|fact| facts.bool(fact))
    };
    let (yes, no) = (Some(true), Some(false));
    assert_eq!(check(Some("T1"), Some("S1"), "M1"), [yes, yes, yes]);
    assert_eq!(check(Some("T1"), Some("S2"), "M1"), [yes, no, yes]);
    assert_eq!(check(Some("T1"), None, "M2"), [yes, None, no]);
    assert_eq!(check(None, Some("S1"), "M1"), [yes, yes, yes]);
    assert_eq!(check(Some("T2"), Some("S1"), "M1"), [no, None, None]);
    assert_eq!(check(None, None, "M1"), [None, None, None]);

    let mut owner = event();
    owner.terminal.id = Some("T1".into());
    let facts = run(owner, &tables).facts;
    assert_eq!(facts.bool(Fact::PayerIsOwner), Some(true));
    assert_eq!(facts.int(Fact::TerminalAgeDays), Some(10));
    assert_eq!(facts.text(Fact::TerminalType), Some("04"));
}

/// Money that comes back to its sender, by account or by card.
#[test]
fn payer_and_payee_are_compared_where_they_can_be() {
    let check = |change: fn(&mut PaymentEvent<'static>), expected| {
        let mut event = event();
        change(&mut event);
        assert_eq!(run(event, &Tables::default()).facts.bool(Fact::PayeeIsPayer), expected);
    };
    check(|event| event.payee.account_id = secret("acc-payer"), Some(true));
    check(|event| event.payee.account_id = None, None);
    check(
        |event| {
            event.payee.account_id = None;
            event.payee.card = event.payer.card.clone();
        },
        Some(true),
    );
    check(|event| event.payer.account_id = None, None);
}

/// An amendment speaks of an event by the same token, and refusals get their class.
#[test]
fn an_amendment_names_its_event() {
    let keys = keys();
    let amended = |message: Message<'_>| {
        let mut input = run(event(), &Tables::default());
        let event_token = input.event;
        enrich(&message, b"other", "gw", (&Tables::default(), &keys), &mut input);
        assert!(Fact::ALL.iter().all(|fact| !input.facts.has(*fact)));
        let What::Amend { target, amendment } = input.what else { panic!("{:?}", input.what) };
        assert_eq!(target, event_token);
        amendment
    };
    let outcome = |result, code: Option<&'static str>| {
        let (of, code) = ("e-1".into(), code.map(Into::into));
        amended(Message::Outcome(Outcome { of, result, code, occurred_at: at() }))
    };
    let refused =
        |refusal| Amendment::Outcome { result: OutcomeResult::Refused, refusal: Some(refusal) };
    assert_eq!(outcome(OutcomeResult::Refused, Some("14")), refused(Refusal::InvalidCard));
    assert_eq!(outcome(OutcomeResult::Refused, None), refused(Refusal::Other));
    let approved = Amendment::Outcome { result: OutcomeResult::Approved, refusal: None };
    assert_eq!(outcome(OutcomeResult::Approved, Some("14")), approved);
    let sources = [("chargeback", Some(LabelSource::Chargeback)), ("our own model", None)];
    for (said, source) in sources {
        let (of, truth) = ("e-1".into(), Truth::Fraud);
        let label = Label { of, truth, source: said.into(), occurred_at: at() };
        assert_eq!(amended(Message::Label(label)), Amendment::Label { truth, source });
    }
}

/// A refund names what it undoes, a resubmission what it repeats; the token is that event's.
#[test]
fn the_earlier_event_is_named_by_its_token() {
    let mut refund = event();
    refund.original_event_id = Some("e-0".into());
    refund.verification = Some(Verification { method: "sms".into(), passed: false });
    let input = run(refund, &Tables::default());
    assert_eq!(input.original, Some(keys().event("gw", "e-0")));
    assert_eq!(input.facts.bool(Fact::HasOriginal), Some(true));
    assert_eq!(input.facts.bool(Fact::VerificationPassed), Some(false));
    let mut again = event();
    again.attempt_of = Some("e-9".into());
    let input = run(again, &Tables::default());
    assert_eq!(input.original, Some(keys().event("gw", "e-9")));
    assert_eq!(input.facts.bool(Fact::IsResubmission), Some(true));
}

/// A reused buffer holds nothing of the event before: what a full event leaves behind, an empty
/// one after it must not show.
#[test]
fn a_reused_input_forgets_the_event_before() {
    let bare = || PaymentEvent::new("e-2", Kind::Login, Service::MobilePayment, at());
    let (tables, keys) = (tables(|_| {}, |_| {}), keys());
    let mut reused = run(event(), &tables);
    enrich(&Message::Event(bare()), b"canonical", "gw", (&tables, &keys), &mut reused);
    let fresh = run(bare(), &tables);
    assert_eq!(reused.tokens, fresh.tokens);
    assert_eq!(reused.device, fresh.device);
    assert_eq!(reused.event_id, "e-2");
    for fact in Fact::ALL {
        assert_eq!(reused.facts.has(*fact), fresh.facts.has(*fact), "{fact:?}");
        assert_eq!(reused.facts.text(*fact), fresh.facts.text(*fact), "{fact:?}");
    }
    assert_ne!(reused.event, Token::default());
    assert_ne!(reused.content, Content::default());
}

/// A personal text that no code or fact could contain by accident.
fn personal() -> impl Strategy<Value = String> {
    "[A-Za-z]{4}[0-9]{9}[a-z]{3}"
}

proptest! {
    /// Nothing that names a person gets past enrich, however the input is printed.
    #[test]
    fn no_personal_value_passes(
        card in "62[0-9]{14}",
        phone in "1[3-9][0-9]{9}",
        texts in prop::collection::vec(personal(), 16),
        lat in 20.0..50.0_f64,
        lon in 80.0..120.0_f64,
        ip in any::<u32>(),
    ) {
        let mut event = PaymentEvent::new("e-1", Kind::Payment, Service::CardAcquiring, at());
        let mut texts = texts.iter().map(String::as_str);
        let mut shown = vec![card.clone(), phone.clone()];
        let mut next = || {
            let text = texts.next().unwrap();
            shown.push(text.to_owned());
            secret(text)
        };
        event.payer.account_id = next();
        event.payer.name = next();
        event.payer.id_number = next();
        event.payee.account_id = next();
        event.payee.name = next();
        event.terminal.iccid = next();
        event.terminal.cell = next();
        event.device.imei = next();
        event.device.idfa = next();
        event.device.idfv = next();
        event.device.oaid = next();
        event.device.android_id = next();
        event.device.media_drm_id = next();
        event.device.gsf_id = next();
        event.device.mac = next();
        event.referrer = next();
        let email = format!("{phone}@example.com");
        event.payer.email = secret(&email);
        event.payer.phone = secret(&phone);
        event.payer.card = Some(Card { number: Sensitive::new(card.as_str().into()) });
        event.network.ip = Some(Sensitive::new(std::net::IpAddr::V4(ip.into())));
        shown.push(format!("\"{}\"", std::net::Ipv4Addr::from(ip)));
        for degrees in [lat, lon] {
            shown.push(format!("{degrees:.6}"));
        }
        let (lat, lon) = (Sensitive::new(lat), Sensitive::new(lon));
        event.location = Some(Location { lat, lon, accuracy_m: None, datum: Datum::Wgs84 });
        let input = run(event, &Tables::default());
        let printed = format!("{input:?}");
        for value in shown {
            prop_assert!(!printed.contains(&value));
        }
        // Not in a column of the row either, as the bits of a number.
        let bits = |value: f64| value.to_bits();
        for slot in input.facts.slots() {
            prop_assert!(*slot != bits(*lat.expose()) && *slot != bits(*lon.expose()));
            prop_assert!(*slot != u64::from(ip) && Some(*slot) != card.parse().ok());
        }
    }
}

/// A retry differs in what varies between tries, and in spelling, and is the same payment; with
/// another amount, party, merchant or result it is another one. Each line changes one thing.
#[test]
fn a_payment_is_what_is_decided_of_it() {
    fn content(change: fn(&mut PaymentEvent<'static>)) -> Content {
        let mut event = event();
        event.payer.email = secret("con.sumer@163.com");
        event.payee.phone = secret("13800000001");
        change(&mut event);
        run(event, &Tables::default()).content
    }
    let first = content(|_| {});
    let same: [fn(&mut PaymentEvent<'static>); 14] = [
        |event| event.occurred_at = EventTime::from_ms(event.occurred_at.as_ms() + 3_000).unwrap(),
        |event| event.network.port = Some(50_001),
        |event| event.network.ip = Some(Sensitive::new("203.0.113.77".parse().unwrap())),
        |event| event.attributes.clear(),
        |event| event.device = Default::default(),
        |event| event.location = None,
        |event| event.referrer = None,
        |event| event.consent.device = Some(true),
        |event| event.payer.name = secret("another spelling"),
        |event| event.payer.phone = secret("+86 (0)137-1234-9050"),
        |event| event.payer.id_number = secret("１１０１０５１９４９１２３１００２Ｘ"),
        |event| event.payer.email = secret(" Con.Sumer@163.COM"),
        |event| event.payee.phone = secret("17951 13800000001"),
        |event| event.payee.id_number = secret("110105********002X"),
    ];
    for (line, change) in same.into_iter().enumerate() {
        assert_eq!(content(change), first, "same {line}");
    }
    let others: [fn(&mut PaymentEvent<'static>); 16] = [
        |event| event.event_id = "e-2".into(),
        |event| event.kind = Kind::Transfer,
        |event| event.service = Service::InternetPayment,
        |event| event.amount = Amount::from_minor(99_000, Currency::CNY).ok(),
        |event| event.amount = Amount::from_minor(12_345, Currency::parse("USD").unwrap()).ok(),
        |event| event.payer.account_id = secret("acc-other"),
        |event| event.payer.card = None,
        |event| event.payer.phone = secret("13712349051"),
        |event| event.payer.id_number = None,
        |event| event.payer.email = secret("other@163.com"),
        |event| event.payee.account_id = secret("acc-other"),
        |event| event.payee.phone = None,
        |event| event.merchant.id = Some("M2".into()),
        |event| event.original_event_id = Some("e-0".into()),
        |event| event.verification = Some(Verification { method: "sms".into(), passed: true }),
        |event| event.account_change = Some("phone".into()),
    ];
    let mut seen = vec![first];
    for (line, change) in others.into_iter().enumerate() {
        let other = content(change);
        assert!(!seen.contains(&other), "other {line}");
        seen.push(other);
    }
    // The result of a verification, and the groups of a consent, are what those kinds are about.
    let verified = |passed| {
        let mut event = event();
        event.verification = Some(Verification { method: "sms".into(), passed });
        run(event, &Tables::default()).content
    };
    assert_ne!(verified(true), verified(false));
    let consented = |location| {
        let mut event = event();
        (event.kind, event.consent.location) = (Kind::Consent, location);
        run(event, &Tables::default()).content
    };
    assert_ne!(consented(Some(true)), consented(Some(false)));
    assert_ne!(consented(Some(true)), consented(None));
}

/// A value that names nobody is no entity, whatever its field, and is counted by its name.
#[test]
fn values_that_name_nobody_are_absent_and_counted() {
    let mut event = event();
    event.payer.account_id = secret("138****8000");
    event.payer.card = Some(Card { number: Sensitive::new("0000000000000000".into()) });
    event.payer.phone = secret("12345");
    event.payer.id_number = secret("110105********002X");
    event.payer.email = secret("null@null");
    event.payee.account_id = secret("N/A");
    event.merchant.id = Some("unknown".into());
    event.terminal.id = Some("00000000".into());
    event.terminal.serial = Some("null".into());
    event.terminal.iccid = secret("8986************7890");
    event.network.ip = Some(Sensitive::new("0.0.0.0".parse().unwrap()));
    event.device = Device {
        imei: secret("86xxxxxxxxxxxxx"),
        android_id: secret("9774d56d682e549c"),
        idfa: secret("00000000-0000-0000-0000-000000000000"),
        oaid: secret("d41d8cd98f00b204e9800998ecf8427e"),
        ..Device::default()
    };
    let input = run(event, &tables(|_| {}, |_| {}));
    for kind in EntityKind::ALL {
        assert_eq!(input.tokens.get(kind), None, "{kind:?}");
    }
    assert!(input.device.is_empty());
    for fact in [Fact::CardBin, Fact::CardLuhnValid, Fact::PayerIdValid, Fact::PayerEmailDomain] {
        assert!(!input.facts.has(fact), "{fact:?}");
    }
    let names: Vec<_> = input.placeholders.names().collect();
    let expected = [
        "payer.account_id",
        "payer.card.number",
        "payer.phone",
        "payer.id_number",
        "payer.email",
        "payee.account_id",
        "merchant.id",
        "terminal.id",
        "terminal.serial",
        "terminal.iccid",
        "network.ip",
        "device.android_id",
        "device.oaid",
        "device.idfa",
        "device.imei",
    ];
    assert_eq!(names, expected);
}

/// An id that could hold a card's number is known by its token to everybody but its sender; what texts
/// of the message could hold of a number is withheld from the facts that others read.
#[test]
fn numbers_do_not_pass_in_ids_and_open_texts() {
    let mut event = event();
    event.event_id = "order-4111111111111111".into();
    event.account_change = Some("to 13700000000".into());
    event.device.model = Some("phone 13700000000".into());
    event.network.carrier = Some("4111 1111 1111 1111".into());
    event.merchant.id = None;
    event.merchant.city = Some("11010519491231002X".into());
    let input = run(event, &Tables::default());
    assert_eq!(input.event_id, keys().event("gw", "order-4111111111111111").display(3));
    for (fact, expected) in [
        (Fact::AccountChange, "to ***********"),
        (Fact::DeviceModel, "phone ***********"),
        (Fact::NetworkCarrier, "**** **** **** ****"),
        (Fact::MerchantCity, "*****************X"),
    ] {
        assert_eq!(input.facts.text(fact), Some(expected));
    }
    let of = "4111111111111111";
    let result = OutcomeResult::Approved;
    let outcome = Outcome { of: of.into(), result, code: None, occurred_at: at() };
    let mut input = Input::new();
    let lookups = (&Tables::default(), &keys());
    enrich(&Message::Outcome(outcome), b"canonical", "gw", lookups, &mut input);
    assert_eq!(input.event_id, keys().event("gw", of).display(3));
}
