//! What an event can show: personal fields with the most that may be shown of them, and open ones.

use super::Mask;

/// Declares the personal fields (C2): name and ceiling, which is what the shipped profile shows.
macro_rules! secrets {
    ($($variant:ident = $number:literal, $name:literal, $ceiling:expr;)+) => {
        /// A personal field of an event (class C2).
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub enum Secret { $(#[doc = concat!("`", $name, "`")] $variant = $number,)+ }

        impl Secret {
            /// Every personal field, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in profiles.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The most that any profile may show (DOMAIN section 2).
            pub const fn ceiling(self) -> Mask {
                match self { $(Self::$variant => $ceiling,)+ }
            }
        }
    };
}

secrets! {
    PayerAccountId = 0, "payer.account_id", Mask::Ends { first: 0, last: 4 };
    PayerCardNumber = 1, "payer.card.number", Mask::Ends { first: 6, last: 4 };
    PayerName = 2, "payer.name", Mask::Name;
    PayerIdNumber = 3, "payer.id_number", Mask::Ends { first: 1, last: 1 };
    PayerPhone = 4, "payer.phone", Mask::Phone;
    PayerEmail = 5, "payer.email", Mask::Email { local: 3 };
    PayeeAccountId = 6, "payee.account_id", Mask::Ends { first: 0, last: 4 };
    PayeeCardNumber = 7, "payee.card.number", Mask::Ends { first: 6, last: 4 };
    PayeeName = 8, "payee.name", Mask::Name;
    PayeeIdNumber = 9, "payee.id_number", Mask::Ends { first: 1, last: 1 };
    PayeePhone = 10, "payee.phone", Mask::Phone;
    PayeeEmail = 11, "payee.email", Mask::Email { local: 3 };
    TerminalIccid = 12, "terminal.iccid", Mask::Ends { first: 6, last: 0 };
    // The network's country: what T3 looks at.
    TerminalCell = 13, "terminal.cell", Mask::Ends { first: 3, last: 0 };
    DeviceImei = 14, "device.imei", Mask::Ends { first: 8, last: 0 };
    DeviceIdfa = 15, "device.idfa", Mask::Ends { first: 0, last: 4 };
    DeviceIdfv = 16, "device.idfv", Mask::Ends { first: 0, last: 4 };
    DeviceOaid = 17, "device.oaid", Mask::Ends { first: 0, last: 4 };
    DeviceAndroidId = 18, "device.android_id", Mask::Ends { first: 0, last: 4 };
    DeviceMediaDrmId = 19, "device.media_drm_id", Mask::Ends { first: 0, last: 4 };
    DeviceGsfId = 20, "device.gsf_id", Mask::Ends { first: 0, last: 4 };
    DeviceMac = 21, "device.mac", Mask::Mac;
    DeviceBluetoothMac = 22, "device.bluetooth_mac", Mask::Mac;
    NetworkIp = 23, "network.ip", Mask::Prefix;
    Location = 24, "location", Mask::Place { decimals: 2 };
    Referrer = 25, "referrer", Mask::Host;
}

/// Declares the open fields (C1): name, and whether the shipped profile shows them.
macro_rules! open_fields {
    ($($variant:ident = $number:literal, $name:literal, $shipped:literal;)+) => {
        /// A field of an event that is not personal by itself (class C1).
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub enum Open { $(#[doc = concat!("`", $name, "`")] $variant = $number,)+ }

        impl Open {
            /// Every open field, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in profiles.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Whether the shipped profile shows it.
            pub const fn shipped(self) -> bool {
                match self { $(Self::$variant => $shipped,)+ }
            }
        }
    };
}

open_fields! {
    Amount = 0, "amount", true;
    OriginalEventId = 1, "original_event_id", true;
    AttemptOf = 2, "attempt_of", true;
    EntryMode = 3, "entry_mode", true;
    LawfulBasis = 4, "lawful_basis", true;
    MerchantId = 5, "merchant.id", true;
    MerchantMcc = 6, "merchant.mcc", true;
    MerchantName = 7, "merchant.name", true;
    MerchantCity = 8, "merchant.city", true;
    TerminalId = 9, "terminal.id", true;
    TerminalType = 10, "terminal.type", true;
    TerminalSerial = 11, "terminal.serial", true;
    TerminalAppVersion = 12, "terminal.app_version", true;
    DevicePlatform = 13, "device.platform", true;
    DeviceBrand = 14, "device.brand", true;
    DeviceModel = 15, "device.model", true;
    DeviceOsVersion = 16, "device.os_version", true;
    DeviceAppVersion = 17, "device.app_version", true;
    DeviceCpu = 18, "device.cpu", true;
    DeviceCores = 19, "device.cores", true;
    DeviceMemoryMb = 20, "device.memory_mb", true;
    DeviceScreen = 21, "device.screen", true;
    DeviceLanguage = 22, "device.language", true;
    DeviceTimeZone = 23, "device.time_zone", true;
    DeviceFlags = 24, "device.flags", true;
    // With the address's prefix and the moment it names a subscriber to a carrier.
    NetworkPort = 25, "network.port", false;
    NetworkCarrier = 26, "network.carrier", true;
    NetworkType = 27, "network.type", true;
    Consent = 28, "consent", true;
    Verification = 29, "verification", true;
    AccountChange = 30, "account_change", true;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are places in a profile's tables; a name means one field of either class.
    #[test]
    fn numbers_are_dense_and_names_unique() {
        let mut names = std::collections::BTreeSet::new();
        for (index, secret) in Secret::ALL.iter().enumerate() {
            assert_eq!(*secret as usize, index);
            assert!(names.insert(secret.name()));
        }
        for (index, open) in Open::ALL.iter().enumerate() {
            assert_eq!(*open as usize, index);
            assert!(names.insert(open.name()));
        }
    }
}
