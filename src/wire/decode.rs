//! The canonical form, read back: the event that the journal sealed, borrowed from its bytes.

use std::borrow::Cow;

use super::{MessageReader, WireError, WireValue};
use crate::domain::{
    Amount, Attribute, AttributeValue, Card, Consent, Currency, Datum, Device, DeviceFlags,
    EntryMode, EventTime, Kind, Label, Location, Merchant, Message, Network, Outcome,
    OutcomeResult, Party, PaymentEvent, Sensitive, Service, Terminal, Truth, Verification,
};

/// The three parts of a message, as they were unsealed. An erased payer or payee is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventParts<'a> {
    /// The message without payer and payee.
    pub event: &'a [u8],
    /// The payer.
    pub payer: &'a [u8],
    /// The payee.
    pub payee: &'a [u8],
}

type Read<T> = Result<T, WireError>;
type Text<'a> = Option<Cow<'a, str>>;
type Secret<'a> = Option<Sensitive<Cow<'a, str>>>;

/// Reads a message from its parts. Total: every byte string gives a message or a typed error.
pub fn decode<'a>(parts: EventParts<'a>) -> Read<Message<'a>> {
    let mut reader = MessageReader::new(parts.event);
    let mut message = None;
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => {
                let mut event = read_event(value.message("event")?)?;
                event.payer = read_party(MessageReader::new(parts.payer))?;
                event.payee = read_party(MessageReader::new(parts.payee))?;
                message = Some(Message::Event(event));
            }
            2 => message = Some(Message::Outcome(read_outcome(value.message("outcome")?)?)),
            3 => message = Some(Message::Label(read_label(value.message("label")?)?)),
            _ => {}
        }
    }
    message.ok_or(WireError::Missing { field: "event, outcome or label" })
}

fn text<'a>(value: WireValue<'a>, field: &'static str) -> Read<Text<'a>> {
    Ok(Some(Cow::Borrowed(value.text(field)?)))
}

fn secret<'a>(value: WireValue<'a>, field: &'static str) -> Read<Secret<'a>> {
    Ok(Some(Sensitive::new(Cow::Borrowed(value.text(field)?))))
}

fn flag(value: WireValue<'_>, field: &'static str) -> Read<Option<bool>> {
    value.flag(field).map(Some)
}

fn time(value: WireValue<'_>) -> Read<EventTime> {
    let ms = value.int("occurred_at_ms")?;
    EventTime::from_ms(ms).map_err(|_| WireError::OutOfRange { field: "occurred_at_ms" })
}

/// A word of a vocabulary by its number.
fn word<T>(
    value: WireValue<'_>,
    field: &'static str,
    known: impl FnOnce(u64) -> Option<T>,
) -> Read<Option<T>> {
    let number = value.uint(field)?;
    known(number).map(Some).ok_or(WireError::UnknownWord { field, number })
}

fn required<T>(value: Option<T>, field: &'static str) -> Read<T> {
    value.ok_or(WireError::Missing { field })
}

fn read_event<'a>(mut reader: MessageReader<'a>) -> Read<PaymentEvent<'a>> {
    let (mut event_id, mut kind, mut service, mut occurred_at) = (None, None, None, None);
    // Replaced below: the required fields may stand anywhere.
    let mut event = PaymentEvent::new("", Kind::Payment, Service::InternetPayment, EventTime::MIN);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => event_id = text(value, "event_id")?,
            2 => kind = word(value, "kind", Kind::from_number)?,
            3 => service = word(value, "service", Service::from_number)?,
            4 => occurred_at = Some(time(value)?),
            _ => read_optional(&mut event, number, value)?,
        }
    }
    event.event_id = required(event_id, "event_id")?;
    event.kind = required(kind, "kind")?;
    event.service = required(service, "service")?;
    event.occurred_at = required(occurred_at, "occurred_at_ms")?;
    Ok(event)
}

fn read_optional<'a>(event: &mut PaymentEvent<'a>, number: u32, value: WireValue<'a>) -> Read<()> {
    match number {
        5 => event.amount = Some(read_amount(value.message("amount")?)?),
        6 => event.original_event_id = text(value, "original_event_id")?,
        7 => event.attempt_of = text(value, "attempt_of")?,
        8 => event.entry_mode = word(value, "entry_mode", EntryMode::from_number)?,
        9 => event.lawful_basis = text(value, "lawful_basis")?,
        12 => event.merchant = read_merchant(value.message("merchant")?)?,
        13 => event.terminal = read_terminal(value.message("terminal")?)?,
        14 => event.device = read_device(value.message("device")?)?,
        15 => event.network = read_network(value.message("network")?)?,
        16 => event.location = Some(read_location(value.message("location")?)?),
        17 => event.consent = read_consent(value.message("consent")?)?,
        18 => event.referrer = secret(value, "referrer")?,
        19 => event.verification = Some(read_verification(value.message("verification")?)?),
        20 => event.account_change = text(value, "account_change")?,
        21 => event.attributes.push(read_attribute(value.message("attributes")?)?),
        _ => {}
    }
    Ok(())
}

fn read_amount(mut reader: MessageReader<'_>) -> Read<Amount> {
    let (mut minor, mut currency) = (None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => minor = Some(value.uint("minor")?),
            2 => currency = Currency::parse(value.text("currency")?),
            _ => {}
        }
    }
    let currency = required(currency, "currency")?;
    Amount::from_minor(required(minor, "minor")?, currency)
        .map_err(|_| WireError::OutOfRange { field: "minor" })
}

fn read_party<'a>(mut reader: MessageReader<'a>) -> Read<Party<'a>> {
    let mut party = Party::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => party.account_id = secret(value, "account_id")?,
            2 => party.card = Some(read_card(value.message("card")?)?),
            3 => party.name = secret(value, "name")?,
            4 => party.id_number = secret(value, "id_number")?,
            5 => party.phone = secret(value, "phone")?,
            6 => party.email = secret(value, "email")?,
            _ => {}
        }
    }
    Ok(party)
}

fn read_card<'a>(mut reader: MessageReader<'a>) -> Read<Card<'a>> {
    let mut number_text = None;
    while let Some((number, value)) = reader.field()? {
        if number == 1 {
            number_text = secret(value, "card.number")?;
        }
    }
    Ok(Card { number: required(number_text, "card.number")? })
}

fn read_merchant<'a>(mut reader: MessageReader<'a>) -> Read<Merchant<'a>> {
    let mut merchant = Merchant::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => merchant.id = text(value, "merchant.id")?,
            2 => merchant.mcc = text(value, "merchant.mcc")?,
            3 => merchant.name = text(value, "merchant.name")?,
            4 => merchant.city = text(value, "merchant.city")?,
            _ => {}
        }
    }
    Ok(merchant)
}

fn read_terminal<'a>(mut reader: MessageReader<'a>) -> Read<Terminal<'a>> {
    let mut terminal = Terminal::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => terminal.id = text(value, "terminal.id")?,
            2 => terminal.kind = text(value, "terminal.type")?,
            3 => terminal.serial = text(value, "terminal.serial")?,
            4 => terminal.app_version = text(value, "terminal.app_version")?,
            5 => terminal.iccid = secret(value, "terminal.iccid")?,
            6 => terminal.cell = secret(value, "terminal.cell")?,
            _ => {}
        }
    }
    Ok(terminal)
}

fn read_device<'a>(mut reader: MessageReader<'a>) -> Read<Device<'a>> {
    let mut device = Device::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => device.platform = text(value, "device.platform")?,
            2 => device.brand = text(value, "device.brand")?,
            3 => device.model = text(value, "device.model")?,
            4 => device.os_version = text(value, "device.os_version")?,
            5 => device.app_version = text(value, "device.app_version")?,
            6 => device.imei = secret(value, "device.imei")?,
            7 => device.idfa = secret(value, "device.idfa")?,
            8 => device.idfv = secret(value, "device.idfv")?,
            9 => device.oaid = secret(value, "device.oaid")?,
            10 => device.android_id = secret(value, "device.android_id")?,
            11 => device.media_drm_id = secret(value, "device.media_drm_id")?,
            12 => device.gsf_id = secret(value, "device.gsf_id")?,
            13 => device.mac = secret(value, "device.mac")?,
            14 => device.bluetooth_mac = secret(value, "device.bluetooth_mac")?,
            15 => device.cpu = text(value, "device.cpu")?,
            16 => device.cores = Some(value.narrow("device.cores")?),
            17 => device.memory_mb = Some(value.narrow("device.memory_mb")?),
            18 => device.screen = text(value, "device.screen")?,
            19 => device.language = text(value, "device.language")?,
            20 => device.time_zone = text(value, "device.time_zone")?,
            21 => device.flags = read_device_flags(value.message("device.flags")?)?,
            _ => {}
        }
    }
    Ok(device)
}

fn read_device_flags(mut reader: MessageReader<'_>) -> Read<DeviceFlags> {
    let mut flags = DeviceFlags::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => flags.emulator = flag(value, "emulator")?,
            2 => flags.rooted = flag(value, "rooted")?,
            3 => flags.hooked = flag(value, "hooked")?,
            4 => flags.debug = flag(value, "debug")?,
            5 => flags.cloned = flag(value, "cloned")?,
            6 => flags.mock_location = flag(value, "mock_location")?,
            _ => {}
        }
    }
    Ok(flags)
}

fn read_network<'a>(mut reader: MessageReader<'a>) -> Read<Network<'a>> {
    let mut network = Network::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => {
                let ip = value.text("network.ip")?.parse();
                let ip = ip.map_err(|_| WireError::OutOfRange { field: "network.ip" })?;
                network.ip = Some(Sensitive::new(ip));
            }
            2 => network.port = Some(value.narrow("network.port")?),
            3 => network.carrier = text(value, "network.carrier")?,
            4 => network.kind = text(value, "network.type")?,
            _ => {}
        }
    }
    Ok(network)
}

fn read_location(mut reader: MessageReader<'_>) -> Read<Location> {
    let (mut lat, mut lon, mut accuracy_m, mut datum) = (None, None, None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => lat = Some(Sensitive::new(value.double("location.lat")?)),
            2 => lon = Some(Sensitive::new(value.double("location.lon")?)),
            3 => accuracy_m = Some(value.double("location.accuracy_m")?),
            4 => datum = word(value, "location.datum", Datum::from_number)?,
            _ => {}
        }
    }
    Ok(Location {
        lat: required(lat, "location.lat")?,
        lon: required(lon, "location.lon")?,
        accuracy_m,
        datum: required(datum, "location.datum")?,
    })
}

fn read_consent(mut reader: MessageReader<'_>) -> Read<Consent> {
    let mut consent = Consent::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => consent.device = flag(value, "consent.device")?,
            2 => consent.location = flag(value, "consent.location")?,
            3 => consent.bluetooth = flag(value, "consent.bluetooth")?,
            4 => consent.network = flag(value, "consent.network")?,
            _ => {}
        }
    }
    Ok(consent)
}

fn read_verification<'a>(mut reader: MessageReader<'a>) -> Read<Verification<'a>> {
    let (mut method, mut passed) = (None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => method = text(value, "verification.method")?,
            2 => passed = flag(value, "verification.passed")?,
            _ => {}
        }
    }
    let method = required(method, "verification.method")?;
    Ok(Verification { method, passed: required(passed, "verification.passed")? })
}

pub(crate) fn read_attribute<'a>(mut reader: MessageReader<'a>) -> Read<Attribute<'a>> {
    let (mut name, mut of) = (None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => name = text(value, "attribute.name")?,
            2 => of = text(value, "attribute.text")?.map(AttributeValue::Text),
            3 => of = Some(AttributeValue::Integer(value.int("attribute.integer")?)),
            4 => of = Some(AttributeValue::Number(value.double("attribute.number")?)),
            5 => of = Some(AttributeValue::Flag(value.flag("attribute.flag")?)),
            _ => {}
        }
    }
    let name = required(name, "attribute.name")?;
    Ok(Attribute { name, value: required(of, "attribute.value")? })
}

fn read_outcome<'a>(mut reader: MessageReader<'a>) -> Read<Outcome<'a>> {
    let (mut of, mut result, mut code, mut occurred_at) = (None, None, None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => of = text(value, "of")?,
            2 => result = word(value, "result", OutcomeResult::from_number)?,
            3 => code = text(value, "code")?,
            4 => occurred_at = Some(time(value)?),
            _ => {}
        }
    }
    Ok(Outcome {
        of: required(of, "of")?,
        result: required(result, "result")?,
        code,
        occurred_at: required(occurred_at, "occurred_at_ms")?,
    })
}

fn read_label<'a>(mut reader: MessageReader<'a>) -> Read<Label<'a>> {
    let (mut of, mut truth, mut source, mut occurred_at) = (None, None, None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => of = text(value, "of")?,
            2 => truth = word(value, "truth", Truth::from_number)?,
            3 => source = text(value, "source")?,
            4 => occurred_at = Some(time(value)?),
            _ => {}
        }
    }
    Ok(Label {
        of: required(of, "of")?,
        truth: required(truth, "truth")?,
        source: required(source, "source")?,
        occurred_at: required(occurred_at, "occurred_at_ms")?,
    })
}
