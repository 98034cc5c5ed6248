//! Which fields a service may collect (DOMAIN 1.1, R1) and on which basis (R4), as data.
//!
//! The effective row of a service is the transaction itself, its own row of the policy, security
//! management 一(一)6, network 一(一)4(6) and the device-fingerprint SDK 一(一)3(7). What a row
//! collects at binding it may also carry on the transaction: the policy separates when a field is
//! asked for, not when it is used. E-mail stands in no row, so no service keeps it.

use crate::domain::Service;

use super::{Field, FieldSet};

/// One service's row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Fields that may be kept; all others are dropped and counted.
    pub allowed: FieldSet,
    /// The lawful basis that holds when the event states none (R4) [P].
    pub lawful_basis: &'static str,
}

/// The transaction itself: without it there is nothing to decide. Merchant and terminal describe
/// a business and its equipment, not a person; attributes are declared in the bundle.
const TRANSACTION: FieldSet = FieldSet::of(&[
    Field::EventId,
    Field::Kind,
    Field::Service,
    Field::OccurredAt,
    Field::ReceivedAt,
    Field::Amount,
    Field::OriginalEventId,
    Field::AttemptOf,
    Field::EntryMode,
    Field::LawfulBasis,
    Field::PayerAccountId,
    Field::PayerCardNumber,
    Field::PayeeAccountId,
    Field::PayeeCardNumber,
    Field::MerchantId,
    Field::MerchantMcc,
    Field::MerchantName,
    Field::MerchantCity,
    Field::TerminalId,
    Field::TerminalType,
    Field::TerminalSerial,
    Field::TerminalAppVersion,
    Field::Consent,
    Field::Verification,
    Field::AccountChange,
    Field::Attributes,
]);

/// 一(一)6 security management: operator, hardware, model, IP, software version, device codes
/// (识别码: IMEI, MAC), region (language, time zone), network habits (referrer), logs (flags).
const SECURITY: FieldSet = FieldSet::of(&[
    Field::NetworkCarrier,
    Field::DevicePlatform,
    Field::DeviceBrand,
    Field::DeviceModel,
    Field::DeviceCpu,
    Field::DeviceCores,
    Field::DeviceMemoryMb,
    Field::DeviceScreen,
    Field::NetworkIp,
    Field::DeviceOsVersion,
    Field::DeviceAppVersion,
    Field::DeviceImei,
    Field::DeviceMac,
    Field::DeviceLanguage,
    Field::DeviceTimeZone,
    Field::Referrer,
    Field::DeviceFlags,
]);

/// 一(一)4(6) network: IP, port.
const NETWORK: FieldSet = FieldSet::of(&[Field::NetworkIp, Field::NetworkPort]);

/// 一(一)3(7) device-fingerprint SDK: CPU, IMEI, memory, network, Bluetooth.
const SDK: FieldSet = FieldSet::of(&[
    Field::DeviceCpu,
    Field::DeviceImei,
    Field::DeviceMemoryMb,
    Field::NetworkType,
    Field::DeviceBluetoothMac,
]);

const EVERY_SERVICE: FieldSet = TRANSACTION.union(SECURITY).union(NETWORK).union(SDK);

/// Identity at binding, 一(一)2(1): card number, name, ID number, reserved mobile.
const IDENTITY: FieldSet = FieldSet::of(&[
    Field::PayerCardNumber,
    Field::PayerName,
    Field::PayerIdNumber,
    Field::PayerPhone,
]);

/// 标识符, device identifiers: idfa, idfv, oaid, android_id, media_drm_id, gsf_id.
const IDENTIFIERS: FieldSet = FieldSet::of(&[
    Field::DeviceIdfa,
    Field::DeviceIdfv,
    Field::DeviceOaid,
    Field::DeviceAndroidId,
    Field::DeviceMediaDrmId,
    Field::DeviceGsfId,
]);

/// ① internet payment (② mobile payment: same): amount, model, IP, location, software version,
/// identification code, identifier.
const INTERNET: FieldSet =
    IDENTITY.union(IDENTIFIERS).union(FieldSet::of(&[Field::Location])).union(EVERY_SERVICE);

/// ③ digital television: payee account, partial payee name, amount.
const TELEVISION: FieldSet =
    IDENTITY.union(FieldSet::of(&[Field::PayeeAccountId, Field::PayeeName])).union(EVERY_SERVICE);

/// ④ prepaid card acceptance: nothing beyond the transaction itself; what the acceptance terminal
/// reports of itself (DOMAIN section 3, terminal message fields).
const PREPAID: FieldSet = IDENTITY.union(TERMINAL_REPORT).union(EVERY_SERVICE);

/// 2(2)④ card acquiring: the merchant's file (mobile, name, ID, settlement account: here the
/// payee), GPS, Bluetooth, IMEI or IDFA, card number.
const ACQUIRING: FieldSet = FieldSet::of(&[
    Field::PayeePhone,
    Field::PayeeName,
    Field::PayeeIdNumber,
    Field::PayeeAccountId,
    Field::Location,
    Field::DeviceBluetoothMac,
    Field::DeviceImei,
    Field::DeviceIdfa,
    Field::PayerCardNumber,
])
.union(TERMINAL_REPORT)
.union(EVERY_SERVICE);

/// What an acceptance terminal reports of itself: its SIM and cell (银发〔2021〕259).
const TERMINAL_REPORT: FieldSet = FieldSet::of(&[Field::TerminalIccid, Field::TerminalCell]);

/// What an outcome carries.
pub(super) const OUTCOME: FieldSet = FieldSet::of(&[
    Field::Kind,
    Field::Of,
    Field::Result,
    Field::Code,
    Field::OccurredAt,
    Field::ReceivedAt,
]);

/// What a label carries.
pub(super) const LABEL: FieldSet = FieldSet::of(&[
    Field::Kind,
    Field::Of,
    Field::Truth,
    Field::Source,
    Field::OccurredAt,
    Field::ReceivedAt,
]);

/// The row of a service.
pub const fn row(service: Service) -> Row {
    match service {
        // A contract with the payer (personal information protection law art. 13(2)) ...
        Service::InternetPayment | Service::MobilePayment => {
            Row { allowed: INTERNET, lawful_basis: "contract" }
        }
        Service::DigitalTv => Row { allowed: TELEVISION, lawful_basis: "contract" },
        Service::PrepaidCard => Row { allowed: PREPAID, lawful_basis: "contract" },
        // ... which an acquirer does not have: its duty of care is statutory (art. 13(3)).
        Service::CardAcquiring => Row { allowed: ACQUIRING, lawful_basis: "legal_obligation" },
    }
}

/// The fields that a refused consent drops (R3). A Bluetooth address is a device's identifier too,
/// so that either refusal drops it.
pub(super) mod refused {
    use super::{Field, FieldSet};

    pub(in crate::stages::decode) const DEVICE: FieldSet = FieldSet::of(&[
        Field::DevicePlatform,
        Field::DeviceBrand,
        Field::DeviceModel,
        Field::DeviceOsVersion,
        Field::DeviceAppVersion,
        Field::DeviceImei,
        Field::DeviceIdfa,
        Field::DeviceIdfv,
        Field::DeviceOaid,
        Field::DeviceAndroidId,
        Field::DeviceMediaDrmId,
        Field::DeviceGsfId,
        Field::DeviceMac,
        Field::DeviceBluetoothMac,
        Field::DeviceCpu,
        Field::DeviceCores,
        Field::DeviceMemoryMb,
        Field::DeviceScreen,
        Field::DeviceLanguage,
        Field::DeviceTimeZone,
        Field::DeviceFlags,
    ]);
    pub(in crate::stages::decode) const LOCATION: FieldSet = FieldSet::of(&[Field::Location]);
    pub(in crate::stages::decode) const BLUETOOTH: FieldSet =
        FieldSet::of(&[Field::DeviceBluetoothMac]);
    pub(in crate::stages::decode) const NETWORK: FieldSet = FieldSet::of(&[
        Field::NetworkIp,
        Field::NetworkPort,
        Field::NetworkCarrier,
        Field::NetworkType,
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields that some service must not keep, and exactly which ones keep them: the table of
    /// DOMAIN 1.1 read the other way round.
    #[test]
    fn the_rows_are_those_of_the_policy() {
        use Service::{CardAcquiring, DigitalTv, InternetPayment, MobilePayment, PrepaidCard};
        let check = |field: Field, services: &[Service]| {
            for service in Service::ALL {
                let allowed = row(*service).allowed.contains(field);
                assert_eq!(allowed, services.contains(service), "{} {field:?}", service.name());
            }
        };
        let bound = [InternetPayment, MobilePayment, DigitalTv, PrepaidCard];
        check(Field::PayerName, &bound);
        check(Field::PayerIdNumber, &bound);
        check(Field::PayerPhone, &bound);
        check(Field::PayerEmail, &[]);
        check(Field::PayeeName, &[DigitalTv, CardAcquiring]);
        check(Field::PayeeIdNumber, &[CardAcquiring]);
        check(Field::Location, &[InternetPayment, MobilePayment, CardAcquiring]);
        check(Field::DeviceIdfa, &[InternetPayment, MobilePayment, CardAcquiring]);
        check(Field::DeviceOaid, &[InternetPayment, MobilePayment]);
        check(Field::TerminalIccid, &[PrepaidCard, CardAcquiring]);
        for field in [Field::NetworkIp, Field::NetworkPort, Field::DeviceImei, Field::Amount] {
            check(field, Service::ALL);
        }
    }
}
