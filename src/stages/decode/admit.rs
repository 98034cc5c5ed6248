//! What may pass: what is not malformed, the service's row (R1), consent (R3) and the default lawful
//! basis (R4).

use std::borrow::Cow;

use crate::domain::{
    Consent, Device, DeviceFlags, Field, FieldSet, Location, Merchant, Network, Party,
    PaymentEvent, Terminal,
};

use super::faults::Faults;
use super::whitelist::{self, refused};

/// Fields that only hold other fields, or that are part of a whole: the whitelist speaks of what
/// can be dropped by itself.
const NOT_LEAVES: FieldSet = FieldSet::of(&[
    Field::AmountMinor,
    Field::AmountCurrency,
    Field::Payer,
    Field::PayerCard,
    Field::Payee,
    Field::PayeeCard,
    Field::Merchant,
    Field::Terminal,
    Field::Device,
    Field::DeviceFlagsEmulator,
    Field::DeviceFlagsRooted,
    Field::DeviceFlagsHooked,
    Field::DeviceFlagsDebug,
    Field::DeviceFlagsCloned,
    Field::DeviceFlagsMockLocation,
    Field::Network,
    Field::LocationLat,
    Field::LocationLon,
    Field::LocationAccuracyM,
    Field::LocationDatum,
    Field::ConsentDevice,
    Field::ConsentLocation,
    Field::ConsentBluetooth,
    Field::ConsentNetwork,
    Field::VerificationMethod,
    Field::VerificationResult,
    Field::AccountChangeWhat,
]);

/// The fields that can be dropped by themselves.
pub(super) const fn leaves(present: FieldSet) -> FieldSet {
    present.without(NOT_LEAVES)
}

/// Takes out what may not pass; returns what lay outside the service's row, and of the rest what
/// consent was refused for.
pub(super) fn admit(event: &mut PaymentEvent<'_>, present: FieldSet) -> (FieldSet, FieldSet) {
    let row = whitelist::row(event.service);
    let present = leaves(present);
    let outside = present.without(row.allowed);
    let refused = present.intersection(row.allowed).intersection(refused_by(event.consent));
    for field in outside.union(refused).iter() {
        clear(event, field);
    }
    if event.lawful_basis.is_none() {
        event.lawful_basis = Some(Cow::Borrowed(row.lawful_basis));
    }
    (outside, refused)
}

/// Takes out what is malformed, and what it makes meaningless: of a field that came twice nobody can
/// say which value holds, and a place without a datum is no place.
pub(super) fn take_out(event: &mut PaymentEvent<'_>, faults: &Faults) {
    for field in faults.fields().iter() {
        match field {
            // Each was judged by itself, unless there are two sets of them.
            Field::Attributes if !faults.came_twice(Field::Attributes) => {}
            Field::LocationLat | Field::LocationLon | Field::LocationDatum => event.location = None,
            Field::VerificationMethod | Field::VerificationResult => event.verification = None,
            field => clear(event, field),
        }
    }
    // A consent that nobody can read may be a refusal.
    let unread = |group| {
        let malformed = faults.fields();
        malformed.contains(Field::Consent) || malformed.contains(group)
    };
    for (consent, group) in [
        (&mut event.consent.device, Field::ConsentDevice),
        (&mut event.consent.location, Field::ConsentLocation),
        (&mut event.consent.bluetooth, Field::ConsentBluetooth),
        (&mut event.consent.network, Field::ConsentNetwork),
    ] {
        if unread(group) {
            *consent = Some(false);
        }
    }
}

/// Only an explicit refusal drops a group; what is not stated is not refused (DOMAIN 1.1).
fn refused_by(consent: Consent) -> FieldSet {
    let of = |stated: Option<bool>, group: FieldSet| {
        if stated == Some(false) { group } else { FieldSet::EMPTY }
    };
    of(consent.device, refused::DEVICE)
        .union(of(consent.location, refused::LOCATION))
        .union(of(consent.bluetooth, refused::BLUETOOTH))
        .union(of(consent.network, refused::NETWORK))
}

/// Takes one field out of an event. Amendments' fields are in no event, and required ones are in
/// every row: for them there is nothing to do.
fn clear(event: &mut PaymentEvent<'_>, field: Field) {
    match field {
        Field::Amount | Field::AmountMinor | Field::AmountCurrency => event.amount = None,
        Field::OriginalEventId => event.original_event_id = None,
        Field::AttemptOf => event.attempt_of = None,
        Field::EntryMode => event.entry_mode = None,
        Field::LawfulBasis => event.lawful_basis = None,
        Field::Payer => event.payer = Party::default(),
        Field::PayerAccountId => event.payer.account_id = None,
        Field::PayerCard | Field::PayerCardNumber => event.payer.card = None,
        Field::PayerName => event.payer.name = None,
        Field::PayerIdNumber => event.payer.id_number = None,
        Field::PayerPhone => event.payer.phone = None,
        Field::PayerEmail => event.payer.email = None,
        Field::Payee => event.payee = Party::default(),
        Field::PayeeAccountId => event.payee.account_id = None,
        Field::PayeeCard | Field::PayeeCardNumber => event.payee.card = None,
        Field::PayeeName => event.payee.name = None,
        Field::PayeeIdNumber => event.payee.id_number = None,
        Field::PayeePhone => event.payee.phone = None,
        Field::PayeeEmail => event.payee.email = None,
        Field::Merchant => event.merchant = Merchant::default(),
        Field::MerchantId => event.merchant.id = None,
        Field::MerchantMcc => event.merchant.mcc = None,
        Field::MerchantName => event.merchant.name = None,
        Field::MerchantCity => event.merchant.city = None,
        Field::Terminal => event.terminal = Terminal::default(),
        Field::TerminalId => event.terminal.id = None,
        Field::TerminalType => event.terminal.kind = None,
        Field::TerminalSerial => event.terminal.serial = None,
        Field::TerminalAppVersion => event.terminal.app_version = None,
        Field::TerminalIccid => event.terminal.iccid = None,
        Field::TerminalCell => event.terminal.cell = None,
        Field::Network => event.network = Network::default(),
        Field::NetworkIp => event.network.ip = None,
        Field::NetworkPort => event.network.port = None,
        Field::NetworkCarrier => event.network.carrier = None,
        Field::NetworkType => event.network.kind = None,
        Field::Location => event.location = None,
        Field::LocationAccuracyM => {
            event.location = event.location.map(|place| Location { accuracy_m: None, ..place });
        }
        Field::Consent => event.consent = Consent::default(),
        Field::Referrer => event.referrer = None,
        Field::Verification => event.verification = None,
        Field::AccountChange | Field::AccountChangeWhat => event.account_change = None,
        Field::Attributes => event.attributes.clear(),
        device => clear_device(event, device),
    }
}

fn clear_device(event: &mut PaymentEvent<'_>, field: Field) {
    let device = &mut event.device;
    match field {
        Field::Device => *device = Device::default(),
        Field::DevicePlatform => device.platform = None,
        Field::DeviceBrand => device.brand = None,
        Field::DeviceModel => device.model = None,
        Field::DeviceOsVersion => device.os_version = None,
        Field::DeviceAppVersion => device.app_version = None,
        Field::DeviceImei => device.imei = None,
        Field::DeviceIdfa => device.idfa = None,
        Field::DeviceIdfv => device.idfv = None,
        Field::DeviceOaid => device.oaid = None,
        Field::DeviceAndroidId => device.android_id = None,
        Field::DeviceMediaDrmId => device.media_drm_id = None,
        Field::DeviceGsfId => device.gsf_id = None,
        Field::DeviceMac => device.mac = None,
        Field::DeviceBluetoothMac => device.bluetooth_mac = None,
        Field::DeviceCpu => device.cpu = None,
        Field::DeviceCores => device.cores = None,
        Field::DeviceMemoryMb => device.memory_mb = None,
        Field::DeviceScreen => device.screen = None,
        Field::DeviceLanguage => device.language = None,
        Field::DeviceTimeZone => device.time_zone = None,
        Field::DeviceFlags => device.flags = DeviceFlags::default(),
        Field::DeviceFlagsEmulator => device.flags.emulator = None,
        Field::DeviceFlagsRooted => device.flags.rooted = None,
        Field::DeviceFlagsHooked => device.flags.hooked = None,
        Field::DeviceFlagsDebug => device.flags.debug = None,
        Field::DeviceFlagsCloned => device.flags.cloned = None,
        Field::DeviceFlagsMockLocation => device.flags.mock_location = None,
        _ => {}
    }
}
