//! An event before it is text: which person, card, device and place, not yet their values.

use super::truth::Plant;
use super::world::cards::Pan;
use super::world::devices::DeviceUse;
use super::world::network::NetworkUse;
use super::world::place::Place;

/// The kinds of events, DESIGN section 4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Money for goods.
    Payment,
    /// Money back.
    Refund,
    /// A payment undone.
    Reversal,
    /// Money to another person.
    Transfer,
    /// Money out, as cash or to a bank.
    Withdrawal,
    /// A card is bound to an account.
    Binding,
    /// Someone logs in.
    Login,
    /// Someone signs up.
    Registration,
    /// Someone proves to be someone.
    Verification,
    /// A phone, SIM or password is changed.
    AccountChange,
    /// Consent is given or withdrawn.
    Consent,
}

impl Kind {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Transfer => "transfer",
            Self::Withdrawal => "withdrawal",
            Self::Binding => "binding",
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Verification => "verification",
            Self::AccountChange => "account_change",
            Self::Consent => "consent",
        }
    }

    /// Whether events of this kind carry an amount.
    pub fn moves_money(self) -> bool {
        matches!(
            self,
            Self::Payment | Self::Refund | Self::Reversal | Self::Transfer | Self::Withdrawal
        )
    }
}

/// The five services.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Service {
    /// Paying in a browser.
    Internet,
    /// Paying in an app.
    Mobile,
    /// Paying on a television.
    DigitalTv,
    /// Accepting prepaid cards.
    PrepaidCard,
    /// Accepting bank cards at a counter.
    CardAcquiring,
}

impl Service {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Internet => "internet_payment",
            Self::Mobile => "mobile_payment",
            Self::DigitalTv => "digital_tv",
            Self::PrepaidCard => "prepaid_card",
            Self::CardAcquiring => "card_acquiring",
        }
    }
}

/// How the payment instrument was read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Chip.
    Chip,
    /// Contactless.
    Contactless,
    /// Typed in.
    Manual,
    /// On a web page.
    Online,
    /// A code that the merchant shows.
    QrMerchant,
    /// A printed code.
    QrStatic,
    /// A code that the payer shows.
    QrPayer,
    /// Card on file.
    Stored,
}

impl Entry {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chip => "chip",
            Self::Contactless => "contactless",
            Self::Manual => "manual",
            Self::Online => "online",
            Self::QrMerchant => "qr_merchant",
            Self::QrStatic => "qr_static",
            Self::QrPayer => "qr_payer",
            Self::Stored => "stored",
        }
    }
}

/// An amount and its currency.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Money {
    /// Minor units.
    pub minor: u64,
    /// ISO 4217.
    pub currency: &'static str,
}

impl Money {
    /// So many fen.
    pub fn fen(minor: u64) -> Self {
        Self { minor, currency: "CNY" }
    }

    /// So many yuan.
    pub fn yuan(yuan: u64) -> Self {
        Self::fen(yuan * 100)
    }
}

/// One side of a payment: whose it is and what of it the message shows.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    /// Index of the person.
    pub person: u32,
    /// The card used, if one is.
    pub card: Option<Pan>,
    /// Which fields are shown.
    pub shows: Shows,
}

/// Which fields of a party a message shows, as a set of bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shows(pub u8);

impl Shows {
    /// The account.
    pub const ACCOUNT: Self = Self(1);
    /// The name.
    pub const NAME: Self = Self(2);
    /// The identity number.
    pub const ID_NUMBER: Self = Self(4);
    /// The phone.
    pub const PHONE: Self = Self(8);
    /// The e-mail address.
    pub const EMAIL: Self = Self(16);
    /// A name with all but its last character starred out, as a payee's is.
    pub const PARTIAL_NAME: Self = Self(32);
    /// Nothing but the card.
    pub const CARD_ONLY: Self = Self(0);
    /// What an app sends with a payment.
    pub const FULL: Self = Self(1 | 2 | 4 | 8);
    /// Account, name and phone.
    pub const CONTACT: Self = Self(1 | 2 | 8);

    /// Both sets together.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any field of `other` is shown.
    pub fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A terminal as it presents itself, which need not be as the register knows it.
#[derive(Clone, Copy, Debug)]
pub struct TerminalUse {
    /// Index of the terminal whose id is shown.
    pub terminal: u32,
    /// Index of the terminal whose serial number is shown.
    pub serial_of: u32,
    /// Index of the terminal whose SIM card it carries.
    pub sim_of: u32,
    /// Country code of the mobile network it sits in.
    pub network_code: &'static str,
    /// What it runs.
    pub software: Software,
}

/// Which release of its application a terminal runs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Software {
    /// The one that it is known for.
    #[default]
    Own,
    /// One from before all that are known.
    Older,
}

impl TerminalUse {
    /// A terminal that presents itself truly.
    pub fn honest(terminal: u32) -> Self {
        Self {
            terminal,
            serial_of: terminal,
            sim_of: terminal,
            network_code: "460",
            software: Software::Own,
        }
    }
}

/// The datum of a position.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Datum {
    /// Satellite coordinates.
    Wgs84,
    /// The shifted coordinates of Chinese maps.
    Gcj02,
}

impl Datum {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgs84 => "wgs84",
            Self::Gcj02 => "gcj02",
        }
    }
}

/// A reported position.
#[derive(Clone, Copy, Debug)]
pub struct Fix {
    /// Where, in the datum named beside it.
    pub place: Place,
    /// Claimed accuracy in metres.
    pub accuracy_m: u16,
    /// The datum it is labelled with.
    pub datum: Datum,
}

/// How someone proved to be someone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// A code by SMS.
    Sms,
    /// A password.
    Password,
    /// Face or finger.
    Biometric,
    /// A confirmation in the app.
    App,
    /// An identity card.
    IdCard,
}

impl Method {
    /// The word the event carries.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Password => "password",
            Self::Biometric => "biometric",
            Self::App => "app",
            Self::IdCard => "id_card",
        }
    }
}

/// Whether a check was passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passed {
    /// It was.
    Yes,
    /// It was not.
    No,
}

/// What becomes of an event after the decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// The issuer approves.
    Approved,
    /// The issuer refuses with this code.
    Refused(&'static str),
    /// It never reaches the issuer.
    NotSent,
    /// Approved, then undone by the sender.
    Reversed,
}

/// Whether the outcome is reported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// By the share that the settings ask for.
    ByShare,
    /// Always: a rule could not be tried without it.
    Always,
}

/// The value of a custom field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attribute {
    /// Text.
    Text(&'static str),
    /// A whole number.
    Integer(u64),
}

/// Consent to device, location, Bluetooth and network data, in this order, as far as it is stated.
pub type ConsentStated = [Option<bool>; 4];

/// An event before it is text.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The counter of its id.
    pub number: u64,
    /// When it happened.
    pub at_ms: i64,
    /// What it is.
    pub kind: Kind,
    /// The service it belongs to.
    pub service: Service,
    /// How much.
    pub amount: Option<Money>,
    /// The event it undoes.
    pub original: Option<u64>,
    /// The event it resubmits.
    pub attempt_of: Option<u64>,
    /// How the instrument was read.
    pub entry: Option<Entry>,
    /// Legal basis, when stated.
    pub lawful_basis: Option<&'static str>,
    /// Who pays, or acts.
    pub payer: Option<Party>,
    /// Who is paid, when a person.
    pub payee: Option<Party>,
    /// Index of the merchant.
    pub merchant: Option<u32>,
    /// The terminal.
    pub terminal: Option<TerminalUse>,
    /// The device.
    pub device: Option<DeviceUse>,
    /// The network.
    pub network: Option<NetworkUse>,
    /// The position.
    pub fix: Option<Fix>,
    /// Consent, when stated.
    pub consent: Option<ConsentStated>,
    /// Host of the page it came from.
    pub referrer: Option<&'static str>,
    /// A verification and its result.
    pub verification: Option<(Method, Passed)>,
    /// What was changed in the account.
    pub account_change: Option<&'static str>,
    /// Custom fields.
    pub attributes: &'static [(&'static str, Attribute)],
    /// What becomes of it.
    pub fate: Fate,
    /// Whether that is reported.
    pub told: Told,
    /// What was planted in it.
    pub plant: Option<Plant>,
}

impl Draft {
    /// An event of which only the necessary is known.
    pub fn new(kind: Kind, service: Service, at_ms: i64) -> Self {
        Self {
            number: 0,
            at_ms,
            kind,
            service,
            amount: None,
            original: None,
            attempt_of: None,
            entry: None,
            lawful_basis: None,
            payer: None,
            payee: None,
            merchant: None,
            terminal: None,
            device: None,
            network: None,
            fix: None,
            consent: None,
            referrer: None,
            verification: None,
            account_change: None,
            attributes: &[],
            fate: Fate::Approved,
            told: Told::ByShare,
            plant: None,
        }
    }
}

// Campaigns that take days wait as drafts: a draft that grows costs memory per pending event.
const _: () = assert!(size_of::<Draft>() <= 480);
