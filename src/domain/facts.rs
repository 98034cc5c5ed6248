//! What enrich derives from an event: a row of typed columns with dense ids, no personal value.
//!
//! One table declares every fact: its number (the journal's, never reused), its name in rules, its
//! type and its meaning. Documentation, schema and storage are all read from it.

use super::FieldType;

/// Declares the facts.
macro_rules! facts {
    ($($variant:ident = $number:literal, $name:literal, $type:ident, $doc:literal;)+) => {
        /// A column of [`Facts`]. The discriminant is its dense id and its number in the journal.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        pub enum Fact { $(#[doc = $doc] $variant = $number,)+ }

        impl Fact {
            /// Every fact, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in rules.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The type in rules.
            pub const fn field_type(self) -> FieldType {
                match self { $(Self::$variant => FieldType::$type,)+ }
            }

            /// One sentence of meaning, for editors and reports.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }

            /// The fact with this number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

facts! {
    // what happens
    Kind = 0, "kind", Text, "What happens: payment, refund, transfer, ...";
    Service = 1, "service", Text, "Through which service.";
    EntryMode = 2, "entry_mode", Text, "How the card was presented.";
    LawfulBasis = 3, "lawful_basis", Text, "The declared or default legal basis.";
    OccurredAt = 4, "occurred_at", Timestamp, "When, by the client's clock.";
    Currency = 5, "currency", Text, "ISO 4217 code of the amount.";
    AmountMinor = 6, "amount_minor", Int, "The amount in minor units of its own currency.";
    AmountBase = 7, "amount_base", Money, "The amount in the bundle's base currency.";
    IsResubmission = 8, "is_resubmission", Bool, "Resubmits a challenged event (`attempt_of`).";
    HasOriginal = 9, "has_original", Bool, "Names the event that it undoes.";
    // the card
    CardBin = 10, "card_bin", Text, "First six digits of the card number.";
    CardBrand = 11, "card_brand", Text, "Brand by the BIN table.";
    CardType = 12, "card_type", Text, "debit, credit or prepaid, by the BIN table.";
    CardCountry = 13, "card_country", Text, "Issuing country by the BIN table.";
    CardIssuer = 14, "card_issuer", Text, "Issuer by the BIN table.";
    CardLuhnValid = 15, "card_luhn_valid", Bool, "Whether the check digit is right; false too for what cannot be a card number.";
    CardSequence10m = 16, "card_sequence_10m", Int, "Cards of this BIN within 20 of this number, seen at the edge in 10 minutes (K4).";
    // the payer and the payee
    PayerAgeBand = 17, "payer_age_band", Text, "under_18, 18_24, 25_44, 45_64, 65_plus: computed from the identity number and forgotten (R29).";
    PayerIdValid = 18, "payer_id_valid", Bool, "Whether the identity number's check character is right.";
    PayerPhoneCountry = 19, "payer_phone_country", Text, "CN, HK, MO, TW or the calling code's country.";
    PayerEmailDomain = 20, "payer_email_domain", Text, "The domain of the e-mail address, lower case.";
    PayeeIsPayer = 21, "payee_is_payer", Bool, "Payee and payer are the same account or card.";
    PayerIsOwner = 22, "payer_is_owner", Bool, "The payer's identity is the merchant owner's (M4).";
    // the merchant
    MerchantMcc = 23, "merchant_mcc", Text, "ISO 18245 category: the register's, else the message's.";
    MerchantMccGroup = 24, "merchant_mcc_group", Text, "Coarse group of the category.";
    MerchantKnown = 25, "merchant_known", Bool, "Stands in the merchant register.";
    MerchantAgeDays = 26, "merchant_age_days", Int, "Days since it was opened, by the register.";
    MerchantCity = 27, "merchant_city", Text, "City: the register's, else the message's.";
    MerchantProvince = 28, "merchant_province", Text, "Province by the register.";
    DeviceIsMerchants = 29, "device_is_merchants", Bool, "The payer's device is one registered for the merchant (M5).";
    // the terminal
    TerminalType = 30, "terminal_type", Text, "Two digits, the register's, else the message's.";
    TerminalKnown = 31, "terminal_known", Bool, "Stands in the terminal register.";
    TerminalMerchantMatch = 32, "terminal_merchant_match", Bool, "The merchant is the one registered for the terminal (T1).";
    TerminalSerialMatch = 33, "terminal_serial_match", Bool, "The serial number is the registered one (T1).";
    TerminalDistanceKm = 34, "terminal_distance_km", Float, "From the registered place, rounded up to 1, 2, 3, 5, 10, 20, 30, 50, 100, ... km.";
    TerminalDatumFault = 35, "terminal_datum_fault", Bool, "Off as labelled, right under another datum (G6).";
    TerminalProvince = 36, "terminal_province", Text, "Province of the registered place.";
    TerminalNetworkCode = 37, "terminal_network_code", Text, "Mobile country code of the terminal's SIM or cell (T3).";
    TerminalAppVersion = 38, "terminal_app_version", Int, "Version as one comparable number, three parts of ten bits; missing where a part is above 1023.";
    TerminalAgeDays = 39, "terminal_age_days", Int, "Days since it was installed, by the register.";
    TerminalSim = 40, "terminal_sim", Id, "The SIM in the terminal, only to be counted.";
    TerminalLocated = 41, "terminal_located", Bool, "The message carries a position or an address (T4).";
    // the device
    DevicePresent = 42, "device_present", Bool, "Any device field came.";
    DevicePlatform = 43, "device_platform", Text, "android, ios, harmony, web, other.";
    DeviceBrand = 44, "device_brand", Text, "Maker.";
    DeviceModel = 45, "device_model", Text, "Model.";
    DeviceOsVersion = 46, "device_os_version", Text, "Operating system version.";
    DeviceAppVersion = 47, "device_app_version", Text, "Payment application's version.";
    DeviceCpu = 48, "device_cpu", Text, "Processor.";
    DeviceCores = 49, "device_cores", Int, "Processor cores.";
    DeviceMemoryMb = 50, "device_memory_mb", Int, "Memory in MiB.";
    DeviceScreen = 51, "device_screen", Text, "Screen size.";
    DeviceLanguage = 52, "device_language", Text, "Language tag.";
    DeviceTimeZone = 53, "device_time_zone", Text, "Time zone.";
    DeviceEmulator = 54, "device_emulator", Bool, "The SDK says emulator.";
    DeviceRooted = 55, "device_rooted", Bool, "The SDK says rooted.";
    DeviceHooked = 56, "device_hooked", Bool, "The SDK says hooked.";
    DeviceDebug = 57, "device_debug", Bool, "The SDK says debugged.";
    DeviceCloned = 58, "device_cloned", Bool, "The SDK says cloned.";
    DeviceMockLocation = 59, "device_mock_location", Bool, "The SDK says the position is mocked.";
    DeviceEmulatorSigns = 60, "device_emulator_signs", Int, "Emulator signs counted in model and brand (DOMAIN section 6).";
    // the network
    IpPresent = 61, "ip_present", Bool, "An address came.";
    IpCountry = 62, "ip_country", Text, "Country of the address.";
    IpCity = 63, "ip_city", Text, "City of the address.";
    IpRadiusKm = 64, "ip_radius_km", Int, "Uncertainty of its place.";
    IpAsn = 65, "ip_asn", Int, "Autonomous system number.";
    IpHosting = 66, "ip_hosting", Bool, "Belongs to a hosting provider.";
    IpProxy = 67, "ip_proxy", Bool, "A public proxy.";
    IpVpn = 68, "ip_vpn", Bool, "A VPN exit.";
    IpTor = 69, "ip_tor", Bool, "A Tor exit.";
    IpMobile = 70, "ip_mobile", Bool, "A mobile carrier's.";
    IpCgnat = 71, "ip_cgnat", Bool, "Shared by many subscribers.";
    IpGpsDistanceKm = 72, "ip_gps_distance_km", Float, "From the place of the address to the position (G2), rounded up to 1, 2, 3, 5, 10, ... km.";
    NetworkType = 73, "network_type", Text, "wifi, cellular, wired, ...";
    NetworkCarrier = 74, "network_carrier", Text, "Carrier.";
    IpPrivate = 75, "ip_private", Bool, "Not a public address: private, loopback, link-local.";
    // the place
    LocationPresent = 76, "location_present", Bool, "A position came.";
    LatMdeg = 77, "lat_mdeg", Int, "WGS-84 latitude in thousandths of a degree, to the nearest hundredth (about 1.1 km): coarse on purpose.";
    LonMdeg = 78, "lon_mdeg", Int, "WGS-84 longitude in thousandths of a degree, to the nearest hundredth.";
    LocationAccuracyM = 79, "location_accuracy_m", Int, "Radius of uncertainty in metres.";
    LocationExact = 80, "location_exact", Id, "The position to six decimals, only to be counted (G5).";
    // the rest
    ReferrerRisky = 81, "referrer_risky", Bool, "The referring host stands in the host list (R8).";
    ReferrerReason = 82, "referrer_reason", Text, "Why it does.";
    VerificationMethod = 83, "verification_method", Text, "Which credential was checked.";
    VerificationPassed = 84, "verification_passed", Bool, "Whether it was right.";
    AccountChange = 85, "account_change", Text, "What changed: phone, password, sim, email, ...";
    TerminalVersion = 96, "terminal_version", Text, "Version of the terminal's application, as it writes it (T8).";
    // what could not be read
    MalformedFields = 104, "malformed_fields", Int, "Fields that came in a form that could not be read, and were dropped.";
    MalformedPayer = 105, "malformed_payer", Bool, "A field of the payer was among them.";
    MalformedPayee = 106, "malformed_payee", Bool, "A field of the payee was among them.";
    MalformedMerchant = 107, "malformed_merchant", Bool, "A field of the merchant was among them.";
    MalformedTerminal = 108, "malformed_terminal", Bool, "A field of the terminal was among them.";
    MalformedDevice = 109, "malformed_device", Bool, "A field of the device was among them.";
    MalformedNetwork = 110, "malformed_network", Bool, "A field of the network was among them.";
    MalformedLocation = 111, "malformed_location", Bool, "A field of the location was among them.";
    // its arrival
    ReceivedAt = 112, "received_at", Timestamp, "When it arrived.";
    LagMs = 113, "lag_ms", Int, "Milliseconds from `occurred_at` to its arrival; below zero where the client's clock is ahead.";
    ArrivedLate = 114, "arrived_late", Bool, "Arrived later after it occurred than the bundle's `late_after`.";
    CountedOnArrival = 115, "counted_on_arrival", Bool, "Windows count it when it arrived: it came late, or the bundle's `window_time` is `received`.";
}

/// One row of facts: a value or nothing in each column.
///
/// Numbers, booleans and ids sit in 64-bit slots; text sits in one buffer that is reused, so that
/// filling a row allocates nothing in steady state.
#[derive(Clone, Debug)]
pub struct Facts {
    slots: [u64; Self::COLUMNS],
    present: u128,
    text: String,
}

impl Facts {
    /// Columns of the row: room for facts to come, and one `u128` of presence.
    pub const COLUMNS: usize = 128;

    /// Longest text that a column takes, in bytes; longer text is cut at a character.
    pub const TEXT_MAX: usize = 64;

    /// An empty row.
    pub fn new() -> Self {
        Self { slots: [0; Self::COLUMNS], present: 0, text: String::with_capacity(512) }
    }

    /// Forgets every value and keeps the memory.
    pub fn clear(&mut self) {
        self.present = 0;
        self.text.clear();
    }

    /// Sets a boolean.
    pub fn set_bool(&mut self, fact: Fact, value: bool) {
        self.set_slot(fact, u64::from(value));
    }

    /// Sets a whole number, an amount in minor units, or a moment in milliseconds.
    pub fn set_int(&mut self, fact: Fact, value: i64) {
        self.set_slot(fact, value.cast_unsigned());
    }

    /// Sets a float; one that is not finite stays missing.
    pub fn set_float(&mut self, fact: Fact, value: f64) {
        if value.is_finite() {
            self.set_slot(fact, value.to_bits());
        }
    }

    /// Sets an opaque id.
    pub fn set_id(&mut self, fact: Fact, value: u64) {
        self.set_slot(fact, value);
    }

    /// Sets a text, cut to [`Self::TEXT_MAX`] bytes at a character.
    pub fn set_text(&mut self, fact: Fact, value: &str) {
        let mut end = value.len().min(Self::TEXT_MAX);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let start = self.text.len() as u64;
        self.text.push_str(&value[..end]);
        self.set_slot(fact, start << 32 | end as u64);
    }

    fn set_slot(&mut self, fact: Fact, bits: u64) {
        self.slots[fact as usize] = bits;
        self.present |= 1 << fact as u32;
    }

    /// Whether the column has a value.
    pub const fn has(&self, fact: Fact) -> bool {
        self.present >> fact as u32 & 1 == 1
    }

    /// A boolean, if present.
    pub fn bool(&self, fact: Fact) -> Option<bool> {
        self.bits(fact).map(|bits| bits != 0)
    }

    /// A whole number, amount or moment, if present.
    pub fn int(&self, fact: Fact) -> Option<i64> {
        self.bits(fact).map(u64::cast_signed)
    }

    /// A float, if present.
    pub fn float(&self, fact: Fact) -> Option<f64> {
        self.bits(fact).map(f64::from_bits)
    }

    /// A text, if present.
    pub fn text(&self, fact: Fact) -> Option<&str> {
        let bits = self.bits(fact)?;
        let start = (bits >> 32) as usize;
        self.text.get(start..start + (bits & 0xffff_ffff) as usize)
    }

    /// The 64 bits of a column, if present: a text's are its place in [`Self::text_buffer`].
    pub fn bits(&self, fact: Fact) -> Option<u64> {
        self.has(fact).then(|| self.slots[fact as usize])
    }

    /// All slots, for a copy into a wider row.
    pub const fn slots(&self) -> &[u64; Self::COLUMNS] {
        &self.slots
    }

    /// One bit a column.
    pub const fn present(&self) -> u128 {
        self.present
    }

    /// The buffer that text slots point into (`offset << 32 | length`).
    pub fn text_buffer(&self) -> &str {
        &self.text
    }
}

/// Two rows are equal when each column is: what a reused row held before does not matter, nor where
/// a text stands in the buffer.
impl PartialEq for Facts {
    fn eq(&self, other: &Self) -> bool {
        self.present == other.present
            && Fact::ALL.iter().all(|fact| match fact.field_type() {
                FieldType::Text => self.text(*fact) == other.text(*fact),
                _ => self.bits(*fact) == other.bits(*fact),
            })
    }
}

impl Default for Facts {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number is an index and a journal tag: in order, unique, within the row.
    #[test]
    fn numbers_are_dense_enough_and_names_unique() {
        let mut names = std::collections::BTreeSet::new();
        for pair in Fact::ALL.windows(2) {
            assert!((pair[0] as u8) < (pair[1] as u8));
        }
        for fact in Fact::ALL {
            assert!((*fact as usize) < Facts::COLUMNS);
            assert!(names.insert(fact.name()), "{} twice", fact.name());
            assert_eq!(Fact::from_number(*fact as u64), Some(*fact));
        }
    }

    /// A reused row equals a fresh one with the same values: replay compares inputs.
    #[test]
    fn a_reused_row_equals_a_fresh_one() {
        let (mut reused, mut fresh) = (Facts::new(), Facts::new());
        reused.set_int(Fact::IpAsn, 7);
        reused.set_text(Fact::IpCity, "Paris");
        reused.clear();
        reused.set_text(Fact::IpCountry, "FR");
        reused.set_text(Fact::IpCity, "Lyon");
        fresh.set_text(Fact::IpCity, "Lyon");
        assert_ne!(reused, fresh);
        fresh.set_text(Fact::IpCountry, "FR");
        assert_eq!(reused, fresh);
    }

    /// Each type comes back as it went in, a cleared row has nothing, NaN never gets in, and a
    /// long text is cut at a character and not inside one.
    #[test]
    fn values_come_back_as_they_went_in() {
        let mut facts = Facts::new();
        facts.set_text(Fact::MerchantCity, "上海");
        facts.set_text(Fact::CardIssuer, &"行".repeat(40));
        facts.set_int(Fact::IpAsn, -5);
        facts.set_float(Fact::TerminalDistanceKm, f64::NAN);
        facts.set_bool(Fact::IpTor, false);
        assert_eq!(facts.text(Fact::MerchantCity), Some("上海"));
        assert_eq!(facts.text(Fact::CardIssuer), Some("行".repeat(21).as_str()));
        assert_eq!(facts.int(Fact::IpAsn), Some(-5));
        assert_eq!(facts.float(Fact::TerminalDistanceKm), None);
        assert_eq!(facts.bool(Fact::IpTor), Some(false));
        facts.clear();
        assert!(Fact::ALL.iter().all(|fact| !facts.has(*fact)));
    }
}
