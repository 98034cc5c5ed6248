//! P, the project's unit of time: what `sonic-rs` takes to parse one ~950-byte payment event into a
//! plain derived struct. Every figure is quoted as a multiple of it, measured in the same run.
//!
//! The twin borrows its texts and checks nothing: no event could be taken in faster by this parser.

#![allow(dead_code)] // Fields are read by the parser alone, and not every bench uses every item.
#![allow(unreachable_pub)] // A module of several benches, each a crate of its own.

use serde::Deserialize;

/// The event that P is measured on.
pub const EVENT: &[u8] = include_bytes!("event.json");

/// Parses [`EVENT`] once: the work that one P is the time of.
pub fn parse(bytes: &[u8]) -> Event<'_> {
    sonic_rs::from_slice(bytes).expect("the bench event is a valid event")
}

/// The event, field by field.
#[derive(Deserialize)]
pub struct Event<'a> {
    pub event_id: &'a str,
    pub kind: &'a str,
    pub service: &'a str,
    pub occurred_at: &'a str,
    pub amount: Option<Money<'a>>,
    pub original_event_id: Option<&'a str>,
    pub attempt_of: Option<&'a str>,
    pub entry_mode: Option<&'a str>,
    pub lawful_basis: Option<&'a str>,
    #[serde(borrow)]
    pub payer: Option<Party<'a>>,
    #[serde(borrow)]
    pub payee: Option<Party<'a>>,
    #[serde(borrow)]
    pub merchant: Option<Merchant<'a>>,
    #[serde(borrow)]
    pub terminal: Option<Terminal<'a>>,
    #[serde(borrow)]
    pub device: Option<Device<'a>>,
    #[serde(borrow)]
    pub network: Option<Network<'a>>,
    #[serde(borrow)]
    pub location: Option<Location<'a>>,
    pub consent: Option<Consent>,
    pub referrer: Option<&'a str>,
}

/// `amount`
#[derive(Deserialize)]
pub struct Money<'a> {
    pub minor: u64,
    pub currency: &'a str,
}

/// `payer`, `payee`
#[derive(Deserialize)]
pub struct Party<'a> {
    pub account_id: Option<&'a str>,
    #[serde(borrow)]
    pub card: Option<Card<'a>>,
    pub name: Option<&'a str>,
    pub id_number: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub email: Option<&'a str>,
}

/// `card`
#[derive(Deserialize)]
pub struct Card<'a> {
    pub number: &'a str,
}

/// `merchant`
#[derive(Deserialize)]
pub struct Merchant<'a> {
    pub id: Option<&'a str>,
    pub mcc: Option<&'a str>,
    pub name: Option<&'a str>,
    pub city: Option<&'a str>,
}

/// `terminal`
#[derive(Deserialize)]
pub struct Terminal<'a> {
    pub id: Option<&'a str>,
    pub r#type: Option<&'a str>,
    pub serial: Option<&'a str>,
    pub app_version: Option<&'a str>,
    pub iccid: Option<&'a str>,
    pub cell: Option<&'a str>,
}

/// `device`
#[derive(Deserialize)]
pub struct Device<'a> {
    pub platform: Option<&'a str>,
    pub brand: Option<&'a str>,
    pub model: Option<&'a str>,
    pub os_version: Option<&'a str>,
    pub app_version: Option<&'a str>,
    pub imei: Option<&'a str>,
    pub idfa: Option<&'a str>,
    pub idfv: Option<&'a str>,
    pub oaid: Option<&'a str>,
    pub android_id: Option<&'a str>,
    pub media_drm_id: Option<&'a str>,
    pub gsf_id: Option<&'a str>,
    pub mac: Option<&'a str>,
    pub bluetooth_mac: Option<&'a str>,
    pub cpu: Option<&'a str>,
    pub cores: Option<u32>,
    pub memory_mb: Option<u32>,
    pub screen: Option<&'a str>,
    pub language: Option<&'a str>,
    pub time_zone: Option<&'a str>,
    pub flags: Option<Flags>,
}

/// `device.flags`
#[derive(Deserialize)]
pub struct Flags {
    pub emulator: Option<bool>,
    pub rooted: Option<bool>,
    pub hooked: Option<bool>,
    pub debug: Option<bool>,
    pub cloned: Option<bool>,
    pub mock_location: Option<bool>,
}

/// `network`
#[derive(Deserialize)]
pub struct Network<'a> {
    pub ip: Option<&'a str>,
    pub port: Option<u16>,
    pub carrier: Option<&'a str>,
    pub r#type: Option<&'a str>,
}

/// `location`
#[derive(Deserialize)]
pub struct Location<'a> {
    pub lat: f64,
    pub lon: f64,
    pub accuracy_m: Option<f64>,
    pub datum: &'a str,
}

/// `consent`
#[derive(Deserialize)]
pub struct Consent {
    pub device: Option<bool>,
    pub location: Option<bool>,
    pub bluetooth: Option<bool>,
    pub network: Option<bool>,
}
