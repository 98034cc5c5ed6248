//! Every field that the schema knows, as one table: its name, its longest text, its bit.
//!
//! Only these names become metric labels; whatever else a client sends counts as `unknown`.

/// Declares the fields. The number is a bit in a [`FieldSet`], not a wire number.
macro_rules! fields {
    ($($variant:ident = $number:literal, $name:literal, $max:literal;)+) => {
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
        }
    };
}

fields! {
    // the transaction
    EventId = 0, "event_id", 64;
    Kind = 1, "kind", 32;
    Service = 2, "service", 32;
    OccurredAt = 3, "occurred_at", 35;
    ReceivedAt = 4, "received_at", 35;
    Amount = 5, "amount", 0;
    AmountMinor = 6, "amount.minor", 0;
    AmountCurrency = 7, "amount.currency", 3;
    OriginalEventId = 8, "original_event_id", 64;
    AttemptOf = 9, "attempt_of", 64;
    EntryMode = 10, "entry_mode", 32;
    LawfulBasis = 11, "lawful_basis", 32;
    // the parties: the payee's numbers are the payer's plus `PAYEE`
    Payer = 12, "payer", 0;
    PayerAccountId = 13, "payer.account_id", 64;
    PayerCard = 14, "payer.card", 0;
    PayerCardNumber = 15, "payer.card.number", 96;
    PayerName = 16, "payer.name", 128;
    PayerIdNumber = 17, "payer.id_number", 96;
    PayerPhone = 18, "payer.phone", 96;
    PayerEmail = 19, "payer.email", 254;
    Payee = 20, "payee", 0;
    PayeeAccountId = 21, "payee.account_id", 64;
    PayeeCard = 22, "payee.card", 0;
    PayeeCardNumber = 23, "payee.card.number", 96;
    PayeeName = 24, "payee.name", 128;
    PayeeIdNumber = 25, "payee.id_number", 96;
    PayeePhone = 26, "payee.phone", 96;
    PayeeEmail = 27, "payee.email", 254;
    // the merchant and the terminal
    Merchant = 28, "merchant", 0;
    MerchantId = 29, "merchant.id", 64;
    MerchantMcc = 30, "merchant.mcc", 4;
    MerchantName = 31, "merchant.name", 256;
    MerchantCity = 32, "merchant.city", 128;
    Terminal = 33, "terminal", 0;
    TerminalId = 34, "terminal.id", 64;
    TerminalType = 35, "terminal.type", 2;
    TerminalSerial = 36, "terminal.serial", 64;
    TerminalAppVersion = 37, "terminal.app_version", 32;
    TerminalIccid = 38, "terminal.iccid", 32;
    TerminalCell = 39, "terminal.cell", 64;
    // the device
    Device = 40, "device", 0;
    DevicePlatform = 41, "device.platform", 32;
    DeviceBrand = 42, "device.brand", 64;
    DeviceModel = 43, "device.model", 64;
    DeviceOsVersion = 44, "device.os_version", 64;
    DeviceAppVersion = 45, "device.app_version", 32;
    DeviceImei = 46, "device.imei", 32;
    DeviceIdfa = 47, "device.idfa", 64;
    DeviceIdfv = 48, "device.idfv", 64;
    DeviceOaid = 49, "device.oaid", 128;
    DeviceAndroidId = 50, "device.android_id", 64;
    DeviceMediaDrmId = 51, "device.media_drm_id", 128;
    DeviceGsfId = 52, "device.gsf_id", 64;
    DeviceMac = 53, "device.mac", 32;
    DeviceBluetoothMac = 54, "device.bluetooth_mac", 32;
    DeviceCpu = 55, "device.cpu", 64;
    DeviceCores = 56, "device.cores", 0;
    DeviceMemoryMb = 57, "device.memory_mb", 0;
    DeviceScreen = 58, "device.screen", 32;
    DeviceLanguage = 59, "device.language", 35;
    DeviceTimeZone = 60, "device.time_zone", 64;
    DeviceFlags = 61, "device.flags", 0;
    DeviceFlagsEmulator = 62, "device.flags.emulator", 0;
    DeviceFlagsRooted = 63, "device.flags.rooted", 0;
    DeviceFlagsHooked = 64, "device.flags.hooked", 0;
    DeviceFlagsDebug = 65, "device.flags.debug", 0;
    DeviceFlagsCloned = 66, "device.flags.cloned", 0;
    DeviceFlagsMockLocation = 67, "device.flags.mock_location", 0;
    // the network and the place
    Network = 68, "network", 0;
    NetworkIp = 69, "network.ip", 45;
    NetworkPort = 70, "network.port", 0;
    NetworkCarrier = 71, "network.carrier", 64;
    NetworkType = 72, "network.type", 32;
    Location = 73, "location", 0;
    LocationLat = 74, "location.lat", 0;
    LocationLon = 75, "location.lon", 0;
    LocationAccuracyM = 76, "location.accuracy_m", 0;
    LocationDatum = 77, "location.datum", 16;
    // the rest of an event
    Consent = 78, "consent", 0;
    ConsentDevice = 79, "consent.device", 0;
    ConsentLocation = 80, "consent.location", 0;
    ConsentBluetooth = 81, "consent.bluetooth", 0;
    ConsentNetwork = 82, "consent.network", 0;
    Referrer = 83, "referrer", 2048;
    Verification = 84, "verification", 0;
    VerificationMethod = 85, "verification.method", 32;
    VerificationResult = 86, "verification.result", 32;
    AccountChange = 87, "account_change", 0;
    AccountChangeWhat = 88, "account_change.what", 32;
    Attributes = 89, "attributes", 256;
    // amendments
    Of = 90, "of", 64;
    Result = 91, "result", 32;
    Code = 92, "code", 16;
    Truth = 93, "truth", 32;
    Source = 94, "source", 32;
}

impl Field {
    /// From a payer's field to the payee's.
    pub(super) const fn of_payee(self) -> Self {
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
    pub(super) const fn insert(&mut self, field: Field) -> bool {
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
