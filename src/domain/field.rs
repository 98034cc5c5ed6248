//! Every field that the schema knows, as one table: its name, its longest text, its bit, and what it
//! takes.
//!
//! Only these names become metric labels; whatever else a client sends counts as `unknown`.

/// Declares the fields. The number is a bit in a [`FieldSet`] and names the field in the journal: it
/// is never reused. It is not the number in `event.proto`.
macro_rules! fields {
    ($($variant:ident = $number:literal, $name:literal, $max:literal, $wanted:literal;)+) => {
        /// A field of the message, by its dotted path in JSON.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        pub enum Field { $(#[doc = concat!("`", $name, "`")] $variant = $number,)+ }

        impl Field {
            /// Every field, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The dotted path in JSON, which is also the metric label.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The longest text taken, in bytes; 0 where the value is not text.
            pub const fn max_bytes(self) -> usize {
                match self { $(Self::$variant => $max,)+ }
            }

            /// What the field takes, for whoever sent something else.
            pub const fn wanted(self) -> &'static str {
                match self { $(Self::$variant => $wanted,)+ }
            }
        }
    };
}

fields! {
    // the transaction
    EventId = 0, "event_id", 64, "a text of 1 to 64 of A-Z a-z 0-9 . _ : -";
    Kind = 1, "kind", 32,
        "a text: payment, refund, reversal, transfer, withdrawal, binding, login, registration, \
         verification, account_change, consent, outcome or label";
    Service = 2, "service", 32,
        "a text: internet_payment, mobile_payment, digital_tv, prepaid_card or card_acquiring";
    OccurredAt = 3, "occurred_at", 64, "a text: RFC 3339 with an offset, in the years 2000 to 2099";
    ReceivedAt = 4, "received_at", 64, "a text: RFC 3339 with an offset, in the years 2000 to 2099";
    Amount = 5, "amount", 0, "an object with minor and currency";
    AmountMinor = 6, "amount.minor", 0, "a whole number from 0 to 10^15";
    AmountCurrency = 7, "amount.currency", 3, "a text of three capital letters (ISO 4217)";
    OriginalEventId = 8, "original_event_id", 64, "a text of 1 to 64 of A-Z a-z 0-9 . _ : -";
    AttemptOf = 9, "attempt_of", 64, "a text of 1 to 64 of A-Z a-z 0-9 . _ : -";
    EntryMode = 10, "entry_mode", 32,
        "a text: chip, contactless, magstripe, manual, online, qr_merchant, qr_static, qr_payer \
         or stored";
    LawfulBasis = 11, "lawful_basis", 32, "a text of at most 32 bytes";
    // the parties: the payee's numbers are the payer's plus `PAYEE`
    Payer = 12, "payer", 0, "an object";
    PayerAccountId = 13, "payer.account_id", 64, "a text of at most 64 bytes";
    PayerCard = 14, "payer.card", 0, "an object";
    PayerCardNumber = 15, "payer.card.number", 96, "a text of 12 to 19 digits";
    PayerName = 16, "payer.name", 128, "a text of at most 128 bytes";
    PayerIdNumber = 17, "payer.id_number", 96, "a text of at most 96 bytes";
    PayerPhone = 18, "payer.phone", 96, "a text of 5 to 26 digits, with or without +";
    PayerEmail = 19, "payer.email", 254, "a text of at most 254 bytes";
    Payee = 20, "payee", 0, "an object";
    PayeeAccountId = 21, "payee.account_id", 64, "a text of at most 64 bytes";
    PayeeCard = 22, "payee.card", 0, "an object";
    PayeeCardNumber = 23, "payee.card.number", 96, "a text of 12 to 19 digits";
    PayeeName = 24, "payee.name", 128, "a text of at most 128 bytes";
    PayeeIdNumber = 25, "payee.id_number", 96, "a text of at most 96 bytes";
    PayeePhone = 26, "payee.phone", 96, "a text of 5 to 26 digits, with or without +";
    PayeeEmail = 27, "payee.email", 254, "a text of at most 254 bytes";
    // the merchant and the terminal
    Merchant = 28, "merchant", 0, "an object";
    MerchantId = 29, "merchant.id", 64, "a text of at most 64 bytes";
    MerchantMcc = 30, "merchant.mcc", 4, "a text of 4 digits";
    MerchantName = 31, "merchant.name", 256, "a text of at most 256 bytes";
    MerchantCity = 32, "merchant.city", 128, "a text of at most 128 bytes";
    Terminal = 33, "terminal", 0, "an object";
    TerminalId = 34, "terminal.id", 64, "a text of at most 64 bytes";
    TerminalType = 35, "terminal.type", 2, "a text of 2 digits";
    TerminalSerial = 36, "terminal.serial", 64, "a text of at most 64 bytes";
    TerminalAppVersion = 37, "terminal.app_version", 32, "a text of at most 32 bytes";
    TerminalIccid = 38, "terminal.iccid", 32, "a text of at most 32 bytes";
    TerminalCell = 39, "terminal.cell", 64, "a text of at most 64 bytes";
    // the device
    Device = 40, "device", 0, "an object";
    DevicePlatform = 41, "device.platform", 32, "a text of at most 32 bytes";
    DeviceBrand = 42, "device.brand", 64, "a text of at most 64 bytes";
    DeviceModel = 43, "device.model", 64, "a text of at most 64 bytes";
    DeviceOsVersion = 44, "device.os_version", 64, "a text of at most 64 bytes";
    DeviceAppVersion = 45, "device.app_version", 32, "a text of at most 32 bytes";
    DeviceImei = 46, "device.imei", 32, "a text of at most 32 bytes";
    DeviceIdfa = 47, "device.idfa", 64, "a text of at most 64 bytes";
    DeviceIdfv = 48, "device.idfv", 64, "a text of at most 64 bytes";
    DeviceOaid = 49, "device.oaid", 128, "a text of at most 128 bytes";
    DeviceAndroidId = 50, "device.android_id", 64, "a text of at most 64 bytes";
    DeviceMediaDrmId = 51, "device.media_drm_id", 128, "a text of at most 128 bytes";
    DeviceGsfId = 52, "device.gsf_id", 64, "a text of at most 64 bytes";
    DeviceMac = 53, "device.mac", 32, "a text of at most 32 bytes";
    DeviceBluetoothMac = 54, "device.bluetooth_mac", 32, "a text of at most 32 bytes";
    DeviceCpu = 55, "device.cpu", 64, "a text of at most 64 bytes";
    DeviceCores = 56, "device.cores", 0, "a whole number from 0 to 4294967295";
    DeviceMemoryMb = 57, "device.memory_mb", 0, "a whole number from 0 to 4294967295";
    DeviceScreen = 58, "device.screen", 32, "a text of at most 32 bytes";
    DeviceLanguage = 59, "device.language", 35, "a text of at most 35 bytes";
    DeviceTimeZone = 60, "device.time_zone", 64, "a text of at most 64 bytes";
    DeviceFlags = 61, "device.flags", 0, "an object";
    DeviceFlagsEmulator = 62, "device.flags.emulator", 0, "true or false";
    DeviceFlagsRooted = 63, "device.flags.rooted", 0, "true or false";
    DeviceFlagsHooked = 64, "device.flags.hooked", 0, "true or false";
    DeviceFlagsDebug = 65, "device.flags.debug", 0, "true or false";
    DeviceFlagsCloned = 66, "device.flags.cloned", 0, "true or false";
    DeviceFlagsMockLocation = 67, "device.flags.mock_location", 0, "true or false";
    // the network and the place
    Network = 68, "network", 0, "an object";
    NetworkIp = 69, "network.ip", 45,
        "a text: an IPv4 or IPv6 address without port, zone or prefix";
    NetworkPort = 70, "network.port", 0, "a whole number from 0 to 65535";
    NetworkCarrier = 71, "network.carrier", 64, "a text of at most 64 bytes";
    NetworkType = 72, "network.type", 32, "a text of at most 32 bytes";
    Location = 73, "location", 0, "an object with lat, lon and datum";
    LocationLat = 74, "location.lat", 0, "a number from -90 to 90";
    LocationLon = 75, "location.lon", 0, "a number from -180 to 180";
    LocationAccuracyM = 76, "location.accuracy_m", 0, "a number that is not negative";
    LocationDatum = 77, "location.datum", 16, "a text: wgs84, gcj02 or bd09";
    // the rest of an event
    Consent = 78, "consent", 0, "an object";
    ConsentDevice = 79, "consent.device", 0, "true or false";
    ConsentLocation = 80, "consent.location", 0, "true or false";
    ConsentBluetooth = 81, "consent.bluetooth", 0, "true or false";
    ConsentNetwork = 82, "consent.network", 0, "true or false";
    Referrer = 83, "referrer", 2048, "a text of at most 2048 bytes";
    Verification = 84, "verification", 0, "an object with method and result";
    VerificationMethod = 85, "verification.method", 32, "a text of at most 32 bytes";
    VerificationResult = 86, "verification.result", 32, "a text: passed or failed";
    AccountChange = 87, "account_change", 0, "an object with what";
    AccountChangeWhat = 88, "account_change.what", 32, "a text of at most 32 bytes";
    Attributes = 89,
        "attributes", 256, "an object of texts of at most 256 bytes, numbers and booleans, at \
         most 32 of them";
    // amendments
    Of = 90, "of", 64, "a text of 1 to 64 of A-Z a-z 0-9 . _ : -";
    Result = 91, "result", 32, "a text: approved, refused, not_sent or reversed";
    Code = 92, "code", 16, "a text of at most 16 bytes";
    Truth = 93, "truth", 32, "a text: fraud or legitimate";
    Source = 94, "source", 32, "a text of at most 32 bytes";
}

impl Field {
    /// From a payer's field to the payee's.
    pub const fn of_payee(self) -> Self {
        match self {
            Self::Payer => Self::Payee,
            Self::PayerAccountId => Self::PayeeAccountId,
            Self::PayerCard => Self::PayeeCard,
            Self::PayerCardNumber => Self::PayeeCardNumber,
            Self::PayerName => Self::PayeeName,
            Self::PayerIdNumber => Self::PayeeIdNumber,
            Self::PayerPhone => Self::PayeePhone,
            Self::PayerEmail => Self::PayeeEmail,
            other => other,
        }
    }
}

/// A set of fields, one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FieldSet(u128);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    /// These fields.
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < fields.len() {
            bits |= 1 << fields[index] as u32;
            index += 1;
        }
        Self(bits)
    }

    /// Adds a field; whether it was absent before.
    pub const fn insert(&mut self, field: Field) -> bool {
        let bit = 1 << field as u32;
        let absent = self.0 & bit == 0;
        self.0 |= bit;
        absent
    }

    /// Whether the field is in it.
    pub const fn contains(self, field: Field) -> bool {
        self.0 >> field as u32 & 1 == 1
    }

    /// The fields of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The fields of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The fields that the other lacks.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set of these numbers; those of fields that this version does not know are left out.
    pub fn of_numbers(numbers: impl IntoIterator<Item = u64>) -> Self {
        let known = |number| usize::try_from(number).ok().and_then(|at| Field::ALL.get(at));
        let mut set = Self::EMPTY;
        for field in numbers.into_iter().filter_map(known) {
            set.insert(*field);
        }
        set
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The fields in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        // Numbers are dense (the test below), so that a bit's place is the field's in `ALL`.
        let mut bits = self.0;
        std::iter::from_fn(move || {
            let field = Field::ALL.get(bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(*field)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number is a bit: dense, in order, below 128, and a name means one field.
    #[test]
    fn numbers_are_bits_and_names_are_unique() {
        let mut names = std::collections::BTreeSet::new();
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(*field as usize, index);
            assert!(names.insert(field.name()), "{} twice", field.name());
        }
        const { assert!(Field::ALL.len() <= 128) };
    }

    /// The payee is read by the payer's code: each of its fields must answer to its own name.
    #[test]
    fn a_payees_field_is_the_payers_under_its_own_name() {
        for field in Field::ALL {
            let twin = field.of_payee();
            if twin != *field {
                assert_eq!(twin.name(), field.name().replace("payer", "payee"));
            }
        }
    }
}
