//! Arbitrary messages for property tests: every field absent, empty, or any unicode.

use std::borrow::Cow;
use std::net::IpAddr;

use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::domain::{
    Amount, Attribute, AttributeValue, Card, Consent, Currency, Datum, Device, DeviceFlags,
    EntryMode, EventTime, Kind, Label, Location, Merchant, Message, Network, Outcome,
    OutcomeResult, Party, PaymentEvent, Sensitive, Service, Terminal, Truth, Verification,
};

type Text = Cow<'static, str>;

fn text() -> impl Strategy<Value = Text> {
    prop::collection::vec(any::<char>(), 0..12)
        .prop_map(|characters| Cow::Owned(characters.into_iter().collect()))
}

fn secret() -> impl Strategy<Value = Option<Sensitive<Text>>> {
    of(text().prop_map(Sensitive::new))
}

fn time() -> impl Strategy<Value = EventTime> {
    (EventTime::MIN.as_ms()..EventTime::MAX_MS).prop_map(|ms| EventTime::from_ms(ms).unwrap())
}

fn amount() -> impl Strategy<Value = Amount> {
    (0..=Amount::MINOR_MAX, select(vec!["CNY", "USD", "JPY"])).prop_map(|(minor, code)| {
        Amount::from_minor(minor, Currency::parse(code).unwrap()).unwrap()
    })
}

fn party() -> impl Strategy<Value = Party<'static>> {
    let card = of(text().prop_map(|number| Card { number: Sensitive::new(number) }));
    (secret(), card, secret(), secret(), secret(), secret()).prop_map(
        |(account_id, card, name, id_number, phone, email)| Party {
            account_id,
            card,
            name,
            id_number,
            phone,
            email,
        },
    )
}

fn merchant() -> impl Strategy<Value = Merchant<'static>> {
    (of(text()), of(text()), of(text()), of(text())).prop_map(|(id, mcc, name, city)| Merchant {
        id,
        mcc,
        name,
        city,
    })
}

fn terminal() -> impl Strategy<Value = Terminal<'static>> {
    (of(text()), of(text()), of(text()), of(text()), secret(), secret()).prop_map(
        |(id, kind, serial, app_version, iccid, cell)| Terminal {
            id,
            kind,
            serial,
            app_version,
            iccid,
            cell,
        },
    )
}

fn flags() -> impl Strategy<Value = DeviceFlags> {
    prop::array::uniform6(of(any::<bool>())).prop_map(
        |[emulator, rooted, hooked, debug, cloned, mock_location]| DeviceFlags {
            emulator,
            rooted,
            hooked,
            debug,
            cloned,
            mock_location,
        },
    )
}

fn device() -> impl Strategy<Value = Device<'static>> {
    let texts = prop::array::uniform9(of(text()));
    let secrets = prop::array::uniform9(secret());
    (texts, secrets, of(any::<u32>()), of(any::<u32>()), flags()).prop_map(
        |(texts, secrets, cores, memory_mb, flags)| {
            let [platform, brand, model, os_version, app_version, cpu, screen, language, zone] =
                texts;
            let [imei, idfa, idfv, oaid, android_id, media_drm_id, gsf_id, mac, bluetooth_mac] =
                secrets;
            Device {
                platform,
                brand,
                model,
                os_version,
                app_version,
                imei,
                idfa,
                idfv,
                oaid,
                android_id,
                media_drm_id,
                gsf_id,
                mac,
                bluetooth_mac,
                cpu,
                cores,
                memory_mb,
                screen,
                language,
                time_zone: zone,
                flags,
            }
        },
    )
}

fn network() -> impl Strategy<Value = Network<'static>> {
    let ip = of(any::<IpAddr>().prop_map(Sensitive::new));
    (ip, of(any::<u16>()), of(text()), of(text())).prop_map(|(ip, port, carrier, kind)| Network {
        ip,
        port,
        carrier,
        kind,
    })
}

fn location() -> impl Strategy<Value = Location> {
    let datum = select(vec![Datum::Wgs84, Datum::Gcj02, Datum::Bd09]);
    (-90.0..=90.0, -180.0..=180.0, of(0.0..1e6), datum).prop_map(|(lat, lon, accuracy_m, datum)| {
        Location { lat: Sensitive::new(lat), lon: Sensitive::new(lon), accuracy_m, datum }
    })
}

fn consent() -> impl Strategy<Value = Consent> {
    prop::array::uniform4(of(any::<bool>())).prop_map(|[device, location, bluetooth, network]| {
        Consent { device, location, bluetooth, network }
    })
}

pub(crate) fn attribute() -> impl Strategy<Value = Attribute<'static>> {
    let value = prop_oneof![
        text().prop_map(AttributeValue::Text),
        any::<i64>().prop_map(AttributeValue::Integer),
        (-1e300..1e300).prop_map(AttributeValue::Number),
        any::<bool>().prop_map(AttributeValue::Flag),
    ];
    (text(), value).prop_map(|(name, value)| Attribute { name, value })
}

/// Any payment event.
pub(crate) fn event() -> impl Strategy<Value = PaymentEvent<'static>> {
    let head = (text(), select(Kind::ALL), select(Service::ALL), time(), of(amount()));
    let texts = prop::array::uniform4(of(text()));
    let mode = of(select(EntryMode::ALL));
    // Boxed: the trees of a whole event side by side are more than a test's stack takes.
    let parties = (party().boxed(), party().boxed());
    let groups = (merchant().boxed(), terminal().boxed(), device().boxed(), network().boxed());
    let verification =
        of((text(), any::<bool>()).prop_map(|(method, passed)| Verification { method, passed }));
    let rest = (of(location()), consent(), secret(), verification);
    let attributes = prop::collection::vec(attribute(), 0..4);
    (head, texts, mode, (parties, groups), rest, attributes).prop_map(
        |(head, texts, entry_mode, (parties, groups), rest, attributes)| {
            let mut event = PaymentEvent::new(head.0, head.1, head.2, head.3);
            event.amount = head.4;
            [event.original_event_id, event.attempt_of, event.lawful_basis, event.account_change] =
                texts;
            event.entry_mode = entry_mode;
            (event.payer, event.payee) = parties;
            (event.merchant, event.terminal, event.device, event.network) = groups;
            (event.location, event.consent, event.referrer, event.verification) = rest;
            event.attributes = attributes;
            event
        },
    )
}

/// Any message.
pub(crate) fn message() -> impl Strategy<Value = Message<'static>> {
    let outcome = (text(), select(OutcomeResult::ALL), of(text()), time()).prop_map(
        |(of, result, code, occurred_at)| {
            Message::Outcome(Outcome { of, result, code, occurred_at })
        },
    );
    let label = (text(), select(Truth::ALL), text(), time()).prop_map(
        |(of, truth, source, occurred_at)| Message::Label(Label { of, truth, source, occurred_at }),
    );
    prop_oneof![4 => event().prop_map(Message::Event), 1 => outcome, 1 => label]
}
