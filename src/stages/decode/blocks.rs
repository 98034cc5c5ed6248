//! The objects inside a message: which keys each has and how their values are read.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::de::MapAccess;

use crate::domain::{
    Amount, Card, Consent, Currency, Datum, Device, DeviceFlags, Location, Merchant, Network,
    Party, Sensitive, Terminal, Verification,
};

use super::forms;
use super::reader::{Block, Member, Number, block};
use super::{Field, Reject, RejectReason};

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// A personal text.
    fn secret(&mut self) -> Result<Option<Sensitive<Cow<'de, str>>>, A::Error> {
        Ok(self.text()?.map(Sensitive::new))
    }

    /// A personal text of a form.
    fn formed(
        &mut self,
        form: fn(Cow<'de, str>) -> Option<Cow<'de, str>>,
    ) -> Result<Option<Sensitive<Cow<'de, str>>>, A::Error> {
        let Some(text) = self.text()? else { return Ok(None) };
        match form(text) {
            Some(text) => Ok(Some(Sensitive::new(text))),
            None => Err(self.stop(RejectReason::BadFormat)),
        }
    }

    /// A code of so many digits.
    fn digits(&mut self, count: usize) -> Result<Option<Cow<'de, str>>, A::Error> {
        match self.text()? {
            Some(text) if !forms::is_digits(&text, count) => {
                Err(self.stop(RejectReason::BadFormat))
            }
            text => Ok(text),
        }
    }

    /// A count; 0 is absent, as it is in the protobuf form: there is no device without cores.
    fn count<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, A::Error> {
        match self.number()? {
            None | Some(Number::Unsigned(0)) => Ok(None),
            Some(Number::Unsigned(count)) => match T::try_from(count) {
                Ok(count) => Ok(Some(count)),
                Err(_) => Err(self.stop(RejectReason::NumberOutOfRange)),
            },
            Some(_) => Err(self.stop(RejectReason::NumberOutOfRange)),
        }
    }
}

/// `amount`, until both halves are there.
#[derive(Default)]
pub(super) struct AmountDraft {
    minor: Option<u64>,
    currency: Option<Currency>,
}

block!(AmountDraft, |amount, member| {
    "minor" => AmountMinor: amount.minor = match member.number()? {
        None => None,
        Some(Number::Unsigned(minor)) => Some(minor),
        Some(_) => return Err(member.stop(RejectReason::BadAmount)),
    };
    "currency" => AmountCurrency:
        amount.currency = member.word(Currency::parse, RejectReason::BadCurrency)?;
});

impl AmountDraft {
    pub(super) fn finish(self) -> Result<Amount, Reject> {
        let minor = self.minor.ok_or(missing(Field::AmountMinor))?;
        let currency = self.currency.ok_or(missing(Field::AmountCurrency))?;
        Amount::from_minor(minor, currency)
            .map_err(|_| Reject::at(RejectReason::BadAmount, Field::AmountMinor))
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

    fn named(&self, field: Field) -> Field {
        side(field, self.is_payee)
    }

    fn read<A: MapAccess<'de>>(&mut self, mut member: Member<'_, A>) -> Result<(), A::Error> {
        match member.field {
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
            // `field` gives no other.
            _ => {}
        }
        Ok(())
    }
}

impl<'de> Block<'de> for CardOf<'de> {
    fn field(key: &str) -> Option<Field> {
        (key == "number").then_some(Field::PayerCardNumber)
    }

    fn named(&self, field: Field) -> Field {
        side(field, self.is_payee)
    }

    fn read<A: MapAccess<'de>>(&mut self, mut member: Member<'_, A>) -> Result<(), A::Error> {
        self.number = member.formed(forms::card_number)?;
        Ok(())
    }
}

block!(Merchant<'de>, |merchant, member| {
    "id" => MerchantId: merchant.id = member.text()?;
    "mcc" => MerchantMcc: merchant.mcc = member.digits(4)?;
    "name" => MerchantName: merchant.name = member.text()?;
    "city" => MerchantCity: merchant.city = member.text()?;
});

block!(Terminal<'de>, |terminal, member| {
    "id" => TerminalId: terminal.id = member.text()?;
    "type" => TerminalType: terminal.kind = member.digits(2)?;
    "serial" => TerminalSerial: terminal.serial = member.text()?;
    "app_version" => TerminalAppVersion: terminal.app_version = member.text()?;
    "iccid" => TerminalIccid: terminal.iccid = member.secret()?;
    "cell" => TerminalCell: terminal.cell = member.secret()?;
});

block!(Device<'de>, |device, member| {
    "platform" => DevicePlatform: device.platform = member.text()?;
    "brand" => DeviceBrand: device.brand = member.text()?;
    "model" => DeviceModel: device.model = member.text()?;
    "os_version" => DeviceOsVersion: device.os_version = member.text()?;
    "app_version" => DeviceAppVersion: device.app_version = member.text()?;
    "imei" => DeviceImei: device.imei = member.secret()?;
    "idfa" => DeviceIdfa: device.idfa = member.secret()?;
    "idfv" => DeviceIdfv: device.idfv = member.secret()?;
    "oaid" => DeviceOaid: device.oaid = member.secret()?;
    "android_id" => DeviceAndroidId: device.android_id = member.secret()?;
    "media_drm_id" => DeviceMediaDrmId: device.media_drm_id = member.secret()?;
    "gsf_id" => DeviceGsfId: device.gsf_id = member.secret()?;
    "mac" => DeviceMac: device.mac = member.secret()?;
    "bluetooth_mac" => DeviceBluetoothMac: device.bluetooth_mac = member.secret()?;
    "cpu" => DeviceCpu: device.cpu = member.text()?;
    "cores" => DeviceCores: device.cores = member.count()?;
    "memory_mb" => DeviceMemoryMb: device.memory_mb = member.count()?;
    "screen" => DeviceScreen: device.screen = member.text()?;
    "language" => DeviceLanguage: device.language = member.text()?;
    "time_zone" => DeviceTimeZone: device.time_zone = member.text()?;
    "flags" => DeviceFlags: { member.object(&mut device.flags)?; };
});

block!(DeviceFlags, |flags, member| {
    "emulator" => DeviceFlagsEmulator: flags.emulator = member.flag()?;
    "rooted" => DeviceFlagsRooted: flags.rooted = member.flag()?;
    "hooked" => DeviceFlagsHooked: flags.hooked = member.flag()?;
    "debug" => DeviceFlagsDebug: flags.debug = member.flag()?;
    "cloned" => DeviceFlagsCloned: flags.cloned = member.flag()?;
    "mock_location" => DeviceFlagsMockLocation: flags.mock_location = member.flag()?;
});

/// An address; one that is v4 inside v6 becomes v4, so that it has one token.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

block!(Network<'de>, |network, member| {
    "ip" => NetworkIp:
        network.ip = member.word(address, RejectReason::BadIp)?.map(Sensitive::new);
    "port" => NetworkPort: network.port = member.count()?;
    "carrier" => NetworkCarrier: network.carrier = member.text()?;
    "type" => NetworkType: network.kind = member.text()?;
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
    "lat" => LocationLat: location.lat = member.number()?.map(Number::as_f64);
    "lon" => LocationLon: location.lon = member.number()?.map(Number::as_f64);
    "accuracy_m" => LocationAccuracyM:
        // 0 is absent, as it is in the protobuf form: no fix is exact.
        location.accuracy_m = member.number()?.map(Number::as_f64).filter(|radius| *radius != 0.0);
    "datum" => LocationDatum:
        location.datum = member.word(Datum::parse, RejectReason::BadLocation)?;
});

impl LocationDraft {
    pub(super) fn finish(self) -> Result<Location, Reject> {
        let within = |degrees: Option<f64>, limit: f64, field| match degrees {
            None => Err(missing(field)),
            Some(degrees) if degrees.abs() <= limit => Ok(Sensitive::new(degrees)),
            Some(_) => Err(Reject::at(RejectReason::BadLocation, field)),
        };
        let lat = within(self.lat, 90.0, Field::LocationLat)?;
        let lon = within(self.lon, 180.0, Field::LocationLon)?;
        if self.accuracy_m.is_some_and(|radius| radius < 0.0) {
            return Err(Reject::at(RejectReason::BadLocation, Field::LocationAccuracyM));
        }
        let datum = self.datum.ok_or(missing(Field::LocationDatum))?;
        Ok(Location { lat, lon, accuracy_m: self.accuracy_m, datum })
    }
}

block!(Consent, |consent, member| {
    "device" => ConsentDevice: consent.device = member.flag()?;
    "location" => ConsentLocation: consent.location = member.flag()?;
    "bluetooth" => ConsentBluetooth: consent.bluetooth = member.flag()?;
    "network" => ConsentNetwork: consent.network = member.flag()?;
});

/// `verification`, until both halves are there.
#[derive(Default)]
pub(super) struct VerificationDraft<'a> {
    method: Option<Cow<'a, str>>,
    passed: Option<bool>,
}

/// The two results of a verification.
fn passed(word: &str) -> Option<bool> {
    match word {
        "passed" => Some(true),
        "failed" => Some(false),
        _ => None,
    }
}

block!(VerificationDraft<'de>, |verification, member| {
    "method" => VerificationMethod: verification.method = member.text()?;
    "result" => VerificationResult:
        verification.passed = member.word(passed, RejectReason::UnknownWord)?;
});

impl<'a> VerificationDraft<'a> {
    pub(super) fn finish(self) -> Result<Verification<'a>, Reject> {
        Ok(Verification {
            method: self.method.ok_or(missing(Field::VerificationMethod))?,
            passed: self.passed.ok_or(missing(Field::VerificationResult))?,
        })
    }
}

/// `account_change`.
#[derive(Default)]
pub(super) struct ChangeDraft<'a> {
    pub(super) what: Option<Cow<'a, str>>,
}

block!(ChangeDraft<'de>, |change, member| {
    "what" => AccountChangeWhat: change.what = member.text()?;
});

/// A required field that did not come.
pub(super) const fn missing(field: Field) -> Reject {
    Reject::at(RejectReason::MissingField, field)
}
