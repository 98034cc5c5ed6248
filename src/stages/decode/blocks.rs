//! The objects inside a message: which keys and numbers each has and how their values are read.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::domain::{
    Amount, Card, Consent, Currency, Datum, Device, DeviceFlags, Location, Merchant, Network,
    Party, Sensitive, Terminal, Verification, canonical_address,
};

use super::block::{Block, Member, block};
use super::forms;
use super::{Field, RejectReason};

/// `amount`, until both halves are there.
#[derive(Default)]
pub(super) struct AmountDraft {
    minor: Option<u64>,
    currency: Option<Currency>,
}

block!(AmountDraft, |amount, member| {
    "minor", 1 => AmountMinor: amount.minor = member.natural(RejectReason::BadAmount)?;
    "currency", 2 => AmountCurrency:
        amount.currency = member.parsed(Currency::parse, RejectReason::BadCurrency)?;
    zeros => amount.minor = Some(0);
});

impl AmountDraft {
    pub(super) fn finish(self) -> Result<Amount, (Field, RejectReason)> {
        let minor = self.minor.ok_or(missing(Field::AmountMinor))?;
        let currency = self.currency.ok_or(missing(Field::AmountCurrency))?;
        Amount::from_minor(minor, currency)
            .map_err(|_| (Field::AmountMinor, RejectReason::BadAmount))
    }
}

/// A payer or a payee: one shape under two names.
pub(super) struct Side<'c, 'a> {
    pub(super) party: &'c mut Party<'a>,
    pub(super) is_payee: bool,
}

/// The card of a payer or a payee.
struct CardOf<'a> {
    number: Option<Sensitive<Cow<'a, str>>>,
    is_payee: bool,
}

const fn side(field: Field, is_payee: bool) -> Field {
    if is_payee { field.of_payee() } else { field }
}

impl<'de> Block<'de> for Side<'_, 'de> {
    const KEYS: &'static [&'static str] =
        &["account_id", "card", "name", "id_number", "phone", "email"];

    fn field(key: &str) -> Option<Field> {
        match key {
            "account_id" => Some(Field::PayerAccountId),
            "card" => Some(Field::PayerCard),
            "name" => Some(Field::PayerName),
            "id_number" => Some(Field::PayerIdNumber),
            "phone" => Some(Field::PayerPhone),
            "email" => Some(Field::PayerEmail),
            _ => None,
        }
    }

    fn numbered(number: u32) -> Option<Field> {
        match number {
            1 => Some(Field::PayerAccountId),
            2 => Some(Field::PayerCard),
            3 => Some(Field::PayerName),
            4 => Some(Field::PayerIdNumber),
            5 => Some(Field::PayerPhone),
            6 => Some(Field::PayerEmail),
            _ => None,
        }
    }

    fn named(&self, field: Field) -> Field {
        side(field, self.is_payee)
    }

    fn read<M: Member<'de>>(&mut self, mut member: M) -> Result<(), M::Error> {
        match member.field() {
            Field::PayerAccountId => self.party.account_id = member.secret()?,
            Field::PayerCard => {
                let mut card = CardOf { number: None, is_payee: self.is_payee };
                member.object(&mut card)?;
                self.party.card = card.number.map(|number| Card { number });
            }
            Field::PayerName => self.party.name = member.secret()?,
            Field::PayerIdNumber => self.party.id_number = member.secret()?,
            Field::PayerPhone => self.party.phone = member.formed(forms::phone)?,
            Field::PayerEmail => self.party.email = member.secret()?,
            // `field` and `numbered` give no other.
            _ => {}
        }
        Ok(())
    }
}

impl<'de> Block<'de> for CardOf<'de> {
    const KEYS: &'static [&'static str] = &["number"];

    fn field(key: &str) -> Option<Field> {
        (key == "number").then_some(Field::PayerCardNumber)
    }

    fn numbered(number: u32) -> Option<Field> {
        (number == 1).then_some(Field::PayerCardNumber)
    }

    fn named(&self, field: Field) -> Field {
        side(field, self.is_payee)
    }

    fn read<M: Member<'de>>(&mut self, mut member: M) -> Result<(), M::Error> {
        self.number = member.formed(forms::card_number)?;
        Ok(())
    }
}

block!(Merchant<'de>, |merchant, member| {
    "id", 1 => MerchantId: merchant.id = member.text()?;
    "mcc", 2 => MerchantMcc: merchant.mcc = member.digits(4)?;
    "name", 3 => MerchantName: merchant.name = member.text()?;
    "city", 4 => MerchantCity: merchant.city = member.text()?;
});

block!(Terminal<'de>, |terminal, member| {
    "id", 1 => TerminalId: terminal.id = member.text()?;
    "type", 2 => TerminalType: terminal.kind = member.digits(2)?;
    "serial", 3 => TerminalSerial: terminal.serial = member.text()?;
    "app_version", 4 => TerminalAppVersion: terminal.app_version = member.text()?;
    "iccid", 5 => TerminalIccid: terminal.iccid = member.secret()?;
    "cell", 6 => TerminalCell: terminal.cell = member.secret()?;
});

block!(Device<'de>, |device, member| {
    "platform", 1 => DevicePlatform: device.platform = member.text()?;
    "brand", 2 => DeviceBrand: device.brand = member.text()?;
    "model", 3 => DeviceModel: device.model = member.text()?;
    "os_version", 4 => DeviceOsVersion: device.os_version = member.text()?;
    "app_version", 5 => DeviceAppVersion: device.app_version = member.text()?;
    "imei", 6 => DeviceImei: device.imei = member.secret()?;
    "idfa", 7 => DeviceIdfa: device.idfa = member.secret()?;
    "idfv", 8 => DeviceIdfv: device.idfv = member.secret()?;
    "oaid", 9 => DeviceOaid: device.oaid = member.secret()?;
    "android_id", 10 => DeviceAndroidId: device.android_id = member.secret()?;
    "media_drm_id", 11 => DeviceMediaDrmId: device.media_drm_id = member.secret()?;
    "gsf_id", 12 => DeviceGsfId: device.gsf_id = member.secret()?;
    "mac", 13 => DeviceMac: device.mac = member.secret()?;
    "bluetooth_mac", 14 => DeviceBluetoothMac: device.bluetooth_mac = member.secret()?;
    "cpu", 15 => DeviceCpu: device.cpu = member.text()?;
    "cores", 16 => DeviceCores: device.cores = member.count()?;
    "memory_mb", 17 => DeviceMemoryMb: device.memory_mb = member.count()?;
    "screen", 18 => DeviceScreen: device.screen = member.text()?;
    "language", 19 => DeviceLanguage: device.language = member.text()?;
    "time_zone", 20 => DeviceTimeZone: device.time_zone = member.text()?;
    "flags", 21 => DeviceFlags: { member.object(&mut device.flags)?; };
});

block!(DeviceFlags, |flags, member| {
    "emulator", 1 => DeviceFlagsEmulator: flags.emulator = member.flag()?;
    "rooted", 2 => DeviceFlagsRooted: flags.rooted = member.flag()?;
    "hooked", 3 => DeviceFlagsHooked: flags.hooked = member.flag()?;
    "debug", 4 => DeviceFlagsDebug: flags.debug = member.flag()?;
    "cloned", 5 => DeviceFlagsCloned: flags.cloned = member.flag()?;
    "mock_location", 6 => DeviceFlagsMockLocation: flags.mock_location = member.flag()?;
});

/// An address; one that is v4 written as v6 becomes v4, so that it has one token.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(canonical_address)
}

block!(Network<'de>, |network, member| {
    "ip", 1 => NetworkIp:
        network.ip = member.parsed(address, RejectReason::BadIp)?.map(Sensitive::new);
    "port", 2 => NetworkPort: network.port = member.count()?;
    "carrier", 3 => NetworkCarrier: network.carrier = member.text()?;
    "type", 4 => NetworkType: network.kind = member.text()?;
});

/// `location`, until its mandatory parts are there.
#[derive(Default)]
pub(super) struct LocationDraft {
    lat: Option<f64>,
    lon: Option<f64>,
    accuracy_m: Option<f64>,
    datum: Option<Datum>,
}

block!(LocationDraft, |location, member| {
    "lat", 1 => LocationLat: location.lat = member.float(RejectReason::BadLocation)?;
    "lon", 2 => LocationLon: location.lon = member.float(RejectReason::BadLocation)?;
    "accuracy_m", 3 => LocationAccuracyM: {
        let radius = member.float(RejectReason::BadLocation)?;
        if radius.is_some_and(|radius| radius < 0.0) {
            member.fault(RejectReason::BadLocation);
        }
        // 0 is absent, as it is in the protobuf form: no fix is exact.
        location.accuracy_m = radius.filter(|radius| *radius > 0.0);
    };
    "datum", 4 => LocationDatum:
        location.datum = member.word(RejectReason::BadLocation)?;
    zeros => (location.lat, location.lon) = (Some(0.0), Some(0.0));
});

impl LocationDraft {
    pub(super) fn finish(self) -> Result<Location, (Field, RejectReason)> {
        let within = |degrees: Option<f64>, limit: f64, field| match degrees {
            None => Err(missing(field)),
            Some(degrees) if degrees.abs() <= limit => Ok(Sensitive::new(degrees)),
            Some(_) => Err((field, RejectReason::BadLocation)),
        };
        let lat = within(self.lat, 90.0, Field::LocationLat)?;
        let lon = within(self.lon, 180.0, Field::LocationLon)?;
        let datum = self.datum.ok_or(missing(Field::LocationDatum))?;
        Ok(Location { lat, lon, accuracy_m: self.accuracy_m, datum })
    }
}

block!(Consent, |consent, member| {
    "device", 1 => ConsentDevice: consent.device = member.flag()?;
    "location", 2 => ConsentLocation: consent.location = member.flag()?;
    "bluetooth", 3 => ConsentBluetooth: consent.bluetooth = member.flag()?;
    "network", 4 => ConsentNetwork: consent.network = member.flag()?;
});

/// `verification`, until both halves are there.
#[derive(Default)]
pub(super) struct VerificationDraft<'a> {
    method: Option<Cow<'a, str>>,
    passed: Option<bool>,
}

block!(VerificationDraft<'de>, |verification, member| {
    "method", 1 => VerificationMethod: verification.method = member.text()?;
    "result", 2 => VerificationResult:
        verification.passed = member.either(["passed", "failed"])?;
    zeros => verification.passed = Some(false);
});

impl<'a> VerificationDraft<'a> {
    pub(super) fn finish(self) -> Result<Verification<'a>, (Field, RejectReason)> {
        Ok(Verification {
            method: self.method.ok_or(missing(Field::VerificationMethod))?,
            passed: self.passed.ok_or(missing(Field::VerificationResult))?,
        })
    }
}

/// `account_change`, which is an object in JSON.
#[derive(Default)]
pub(super) struct ChangeDraft<'a> {
    pub(super) what: Option<Cow<'a, str>>,
}

block!(ChangeDraft<'de>, |change, member| {
    "what" => AccountChangeWhat: change.what = member.text()?;
});

/// A part without which its object says nothing.
const fn missing(field: Field) -> (Field, RejectReason) {
    (field, RejectReason::MissingField)
}
