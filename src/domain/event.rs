//! What a client says: a payment event or an amendment of one, borrowed from the bytes it came in.
//!
//! Text is `Cow`: borrowed unless the JSON had escapes in it, so decoding allocates nothing.

use std::borrow::Cow;

use super::{Amount, EntryMode, EventTime, Kind, OutcomeResult, Sensitive, Service, Truth};

/// Text of the message.
type Text<'a> = Cow<'a, str>;
/// Personal text of the message (class C2).
type Secret<'a> = Sensitive<Cow<'a, str>>;

/// One line of input.
// The event dwarfs the amendments, but it is the common case and is never stored: no box.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// Something that asks for a decision.
    Event(PaymentEvent<'a>),
    /// What happened after one.
    Outcome(Outcome<'a>),
    /// The truth learned later.
    Label(Label<'a>),
}

/// A payment event after the door: only fields that its service may collect, only groups that
/// consent was not refused for.
#[derive(Clone, Debug, PartialEq)]
pub struct PaymentEvent<'a> {
    /// The client's id: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
    pub event_id: Text<'a>,
    /// What happens.
    pub kind: Kind,
    /// Through which service.
    pub service: Service,
    /// When, by the client's clock.
    pub occurred_at: EventTime,
    /// Present when the kind moves money.
    pub amount: Option<Amount>,
    /// The event that a refund or reversal undoes.
    pub original_event_id: Option<Text<'a>>,
    /// The challenged event that this one resubmits.
    pub attempt_of: Option<Text<'a>>,
    /// How the card was presented.
    pub entry_mode: Option<EntryMode>,
    /// The declared legal basis of the processing.
    pub lawful_basis: Option<Text<'a>>,
    /// Who pays.
    pub payer: Party<'a>,
    /// Who is paid, when not a merchant.
    pub payee: Party<'a>,
    /// Where.
    pub merchant: Merchant<'a>,
    /// On which terminal.
    pub terminal: Terminal<'a>,
    /// With which device.
    pub device: Device<'a>,
    /// Over which network.
    pub network: Network<'a>,
    /// At which place.
    pub location: Option<Location>,
    /// What the user allowed.
    pub consent: Consent,
    /// The page that led here: a URL.
    pub referrer: Option<Secret<'a>>,
    /// Present when the kind is a verification.
    pub verification: Option<Verification<'a>>,
    /// What changed, when the kind is an account change.
    pub account_change: Option<Text<'a>>,
    /// Custom fields, in the order they came.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> PaymentEvent<'a> {
    /// An event with its required fields and nothing else.
    pub fn new(
        event_id: impl Into<Text<'a>>,
        kind: Kind,
        service: Service,
        occurred_at: EventTime,
    ) -> Self {
        Self {
            event_id: event_id.into(),
            kind,
            service,
            occurred_at,
            amount: None,
            original_event_id: None,
            attempt_of: None,
            entry_mode: None,
            lawful_basis: None,
            payer: Party::default(),
            payee: Party::default(),
            merchant: Merchant::default(),
            terminal: Terminal::default(),
            device: Device::default(),
            network: Network::default(),
            location: None,
            consent: Consent::default(),
            referrer: None,
            verification: None,
            account_change: None,
            attributes: Vec::new(),
        }
    }
}

/// A payer or a payee.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Party<'a> {
    /// The account at the institution.
    pub account_id: Option<Secret<'a>>,
    /// The card used.
    pub card: Option<Card<'a>>,
    /// The person's name.
    pub name: Option<Secret<'a>>,
    /// The resident identity number.
    pub id_number: Option<Secret<'a>>,
    /// The phone number: digits with an optional leading `+`.
    pub phone: Option<Secret<'a>>,
    /// The e-mail address.
    pub email: Option<Secret<'a>>,
}

/// A card: only its number may enter (expiry, CVN and track data are refused at the door).
#[derive(Clone, Debug, PartialEq)]
pub struct Card<'a> {
    /// 12 to 19 digits.
    pub number: Secret<'a>,
}

/// The merchant as the message names it; its register entry is joined in enrich.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merchant<'a> {
    /// The acquirer's merchant code.
    pub id: Option<Text<'a>>,
    /// ISO 18245 category, four digits.
    pub mcc: Option<Text<'a>>,
    /// Trading name.
    pub name: Option<Text<'a>>,
    /// City.
    pub city: Option<Text<'a>>,
}

/// The terminal as the message describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terminal<'a> {
    /// The acquirer's terminal code.
    pub id: Option<Text<'a>>,
    /// Two digits: 01 ATM, 02 POS, 03 mPOS, 04 smart POS, ... (DOMAIN section 3).
    pub kind: Option<Text<'a>>,
    /// The hardware serial number.
    pub serial: Option<Text<'a>>,
    /// The payment application's version.
    pub app_version: Option<Text<'a>>,
    /// The SIM's number.
    pub iccid: Option<Secret<'a>>,
    /// `mcc-mnc-lac-cid` of the serving cell.
    pub cell: Option<Secret<'a>>,
}

/// The payer's device. Every identifier is optional, and every one is personal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device<'a> {
    /// android, ios, harmony, web, other.
    pub platform: Option<Text<'a>>,
    /// Maker.
    pub brand: Option<Text<'a>>,
    /// Model name.
    pub model: Option<Text<'a>>,
    /// Operating system version.
    pub os_version: Option<Text<'a>>,
    /// Version of the payment application.
    pub app_version: Option<Text<'a>>,
    /// IMEI.
    pub imei: Option<Secret<'a>>,
    /// Apple's advertising id.
    pub idfa: Option<Secret<'a>>,
    /// Apple's vendor id.
    pub idfv: Option<Secret<'a>>,
    /// The Chinese open anonymous id.
    pub oaid: Option<Secret<'a>>,
    /// Android's settings id.
    pub android_id: Option<Secret<'a>>,
    /// The MediaDRM (Widevine) id.
    pub media_drm_id: Option<Secret<'a>>,
    /// The Google services framework id.
    pub gsf_id: Option<Secret<'a>>,
    /// The Wi-Fi address.
    pub mac: Option<Secret<'a>>,
    /// The Bluetooth address.
    pub bluetooth_mac: Option<Secret<'a>>,
    /// Processor name.
    pub cpu: Option<Text<'a>>,
    /// Processor cores.
    pub cores: Option<u32>,
    /// Memory in MiB.
    pub memory_mb: Option<u32>,
    /// `1080x2400`.
    pub screen: Option<Text<'a>>,
    /// BCP 47 tag.
    pub language: Option<Text<'a>>,
    /// IANA zone.
    pub time_zone: Option<Text<'a>>,
    /// Signs of tampering, as the client's SDK reports them.
    pub flags: DeviceFlags,
}

/// Signs of tampering; `None` when the SDK did not say.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeviceFlags {
    /// Runs in an emulator.
    pub emulator: Option<bool>,
    /// Rooted or jailbroken.
    pub rooted: Option<bool>,
    /// A hooking framework is loaded.
    pub hooked: Option<bool>,
    /// A debugger is attached.
    pub debug: Option<bool>,
    /// The application runs as a clone.
    pub cloned: Option<bool>,
    /// The position is mocked.
    pub mock_location: Option<bool>,
}

/// The network path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network<'a> {
    /// The payer's address as the gateway sees it.
    pub ip: Option<Sensitive<std::net::IpAddr>>,
    /// The payer's port.
    pub port: Option<u16>,
    /// The carrier's name.
    pub carrier: Option<Text<'a>>,
    /// wifi, cellular, wired, satellite, other.
    pub kind: Option<Text<'a>>,
}

/// A position with its datum, which is a mandatory part of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// Latitude in degrees, -90 to 90.
    pub lat: Sensitive<f64>,
    /// Longitude in degrees, -180 to 180.
    pub lon: Sensitive<f64>,
    /// Radius of uncertainty in metres.
    pub accuracy_m: Option<f64>,
    /// In which coordinate system the numbers are.
    pub datum: Datum,
}

/// A coordinate system in use in China.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum Datum {
    /// GPS.
    Wgs84 = 1,
    /// The obfuscated system of Chinese maps.
    Gcj02 = 2,
    /// Baidu's system on top of it.
    Bd09 = 3,
}

impl Datum {
    /// The name in messages and registers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
            Self::Bd09 => "bd09",
        }
    }

    /// The system with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Wgs84, Self::Gcj02, Self::Bd09].into_iter().find(|datum| datum.name() == name)
    }

    /// The system with this protobuf number.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Wgs84),
            2 => Some(Self::Gcj02),
            3 => Some(Self::Bd09),
            _ => None,
        }
    }
}

/// What the user allowed. `None`: not stated, which is not a refusal (DOMAIN 1.1).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Consent {
    /// Device identifiers and hardware.
    pub device: Option<bool>,
    /// Position.
    pub location: Option<bool>,
    /// Bluetooth identifiers.
    pub bluetooth: Option<bool>,
    /// Network address and carrier.
    pub network: Option<bool>,
}

/// A checked credential.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification<'a> {
    /// sms, password, biometric, app, id_card.
    pub method: Text<'a>,
    /// Whether it was right.
    pub passed: bool,
}

/// A custom field.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute<'a> {
    /// Its name, as the bundle declares it.
    pub name: Text<'a>,
    /// Its value.
    pub value: AttributeValue<'a>,
}

impl Attribute<'_> {
    /// The same field, kept beyond the message it came in.
    pub fn into_owned(self) -> Attribute<'static> {
        let value = match self.value {
            AttributeValue::Text(text) => AttributeValue::Text(Cow::Owned(text.into_owned())),
            AttributeValue::Integer(value) => AttributeValue::Integer(value),
            AttributeValue::Number(value) => AttributeValue::Number(value),
            AttributeValue::Flag(value) => AttributeValue::Flag(value),
        };
        Attribute { name: Cow::Owned(self.name.into_owned()), value }
    }
}

/// The value of a custom field.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// Text.
    Text(Text<'a>),
    /// A whole number.
    Integer(i64),
    /// A finite number.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// What happened after a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<'a> {
    /// The event it speaks of.
    pub of: Text<'a>,
    /// What happened.
    pub result: OutcomeResult,
    /// The refusal code, when refused.
    pub code: Option<Text<'a>>,
    /// When.
    pub occurred_at: EventTime,
}

/// The truth learned later.
#[derive(Clone, Debug, PartialEq)]
pub struct Label<'a> {
    /// The event it speaks of.
    pub of: Text<'a>,
    /// Fraud or not.
    pub truth: Truth,
    /// chargeback, customer_report, investigation, issuer_alert.
    pub source: Text<'a>,
    /// When it was learned.
    pub occurred_at: EventTime,
}
