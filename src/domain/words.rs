//! The closed vocabularies of an event: kinds, services, entry modes, outcomes, truths.

/// Declares an enum whose variants have a wire name and a protobuf number.
///
/// One table per vocabulary: its JSON name, its number and its variant cannot drift apart.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)+ }

        impl $name {
            /// Every word, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in JSON, rules and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The word with this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// The word with this protobuf number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

vocabulary! {
    /// What happens in an event.
    Kind {
        /// Money moves from payer to merchant or payee.
        Payment = 1, "payment";
        /// Money goes back, wholly or in part.
        Refund = 2, "refund";
        /// A payment is undone before settlement.
        Reversal = 3, "reversal";
        /// Money moves between accounts.
        Transfer = 4, "transfer";
        /// Money leaves the system.
        Withdrawal = 5, "withdrawal";
        /// A card or account is bound.
        Binding = 6, "binding";
        /// A user signs in.
        Login = 7, "login";
        /// A user signs up.
        Registration = 8, "registration";
        /// A credential is checked.
        Verification = 9, "verification";
        /// A credential, phone or SIM changes.
        AccountChange = 10, "account_change";
        /// A consent is given or withdrawn.
        Consent = 11, "consent";
    }
}

impl Kind {
    /// Whether the event must carry an amount.
    pub const fn moves_money(self) -> bool {
        matches!(
            self,
            Self::Payment | Self::Refund | Self::Reversal | Self::Transfer | Self::Withdrawal
        )
    }
}

vocabulary! {
    /// The service through which the payer acts; it decides which fields may be collected.
    Service {
        /// Payment on a web page.
        InternetPayment = 1, "internet_payment";
        /// Payment in a mobile application.
        MobilePayment = 2, "mobile_payment";
        /// Payment over a television set.
        DigitalTv = 3, "digital_tv";
        /// Acceptance of prepaid cards.
        PrepaidCard = 4, "prepaid_card";
        /// Card acquiring at a merchant's terminal.
        CardAcquiring = 5, "card_acquiring";
    }
}

impl Service {
    /// How many services there are.
    pub const COUNT: usize = 5;

    /// The service's place in arrays over all services.
    pub const fn index(self) -> usize {
        self as usize - 1
    }
}

vocabulary! {
    /// How the card or account was presented.
    EntryMode {
        /// Chip read by contact.
        Chip = 1, "chip";
        /// Chip or phone read by radio.
        Contactless = 2, "contactless";
        /// Magnetic stripe.
        Magstripe = 3, "magstripe";
        /// Keyed by hand.
        Manual = 4, "manual";
        /// Entered on a page.
        Online = 5, "online";
        /// A code that the merchant's device draws for this payment.
        QrMerchant = 6, "qr_merchant";
        /// A printed code.
        QrStatic = 7, "qr_static";
        /// A code that the payer shows.
        QrPayer = 8, "qr_payer";
        /// A card on file.
        Stored = 9, "stored";
    }
}

vocabulary! {
    /// What happened after the decision.
    OutcomeResult {
        /// The issuer or network approved.
        Approved = 1, "approved";
        /// It refused, with a code.
        Refused = 2, "refused";
        /// The payment was never sent on.
        NotSent = 3, "not_sent";
        /// It was approved, then undone.
        Reversed = 4, "reversed";
    }
}

vocabulary! {
    /// The truth learned later.
    Truth {
        /// Fraud.
        Fraud = 1, "fraud";
        /// Not fraud.
        Legitimate = 2, "legitimate";
    }
}

vocabulary! {
    /// Who says what is true of an event.
    LabelSource {
        /// The one concerned said so.
        CustomerReport = 1, "customer_report";
        /// The card's issuer said so.
        IssuerAlert = 2, "issuer_alert";
        /// Money was claimed back.
        Chargeback = 3, "chargeback";
        /// Somebody looked into it.
        Investigation = 4, "investigation";
    }
}

impl LabelSource {
    /// How far it is believed when two speak of the same moment; a source without a name of ours
    /// has rank 0.
    pub const fn rank(self) -> u8 {
        self as u8
    }
}

vocabulary! {
    /// Why an issuer or network refused, by class of its code.
    Refusal {
        /// No such card number: ISO 8583 codes 14, 15, 56.
        InvalidCard = 1, "invalid_card";
        /// Wrong PIN, password or verification value: 55, 38, 75, 82, N7.
        InvalidCredential = 2, "invalid_credential";
        /// Not enough money or over a limit: 51, 61, 65.
        Funds = 3, "funds";
        /// Lost, stolen or picked up: 04, 07, 41, 43.
        LostOrStolen = 4, "lost_or_stolen";
        /// Any other code, or none.
        Other = 5, "other";
    }
}

vocabulary! {
    /// What it means to stand on a list.
    ListPurpose {
        /// Nothing passes.
        Block = 1, "block";
        /// It is known to be good.
        Allow = 2, "allow";
        /// It is looked at.
        Watch = 3, "watch";
    }
}

vocabulary! {
    /// What a guard does about the rules that it names.
    GuardMeasure {
        /// Their declines become reviews.
        FallBack = 1, "fall_back";
        /// They decline again.
        Restore = 2, "restore";
        /// They take effect for nobody.
        Shadow = 3, "shadow";
    }
}

vocabulary! {
    /// From what an entry of a list is known.
    ListSource {
        /// Somebody looked into it.
        Investigation = 1, "investigation";
        /// Money was claimed back.
        Chargeback = 2, "chargeback";
        /// The one concerned said so.
        CustomerReport = 3, "customer_report";
        /// The card's issuer said so.
        IssuerAlert = 4, "issuer_alert";
        /// An authority ordered it.
        Regulator = 5, "regulator";
        /// A third party said so.
        Partner = 6, "partner";
        /// A model thinks so: never enough alone.
        ModelScore = 7, "model_score";
        /// Somebody objected and was right.
        Appeal = 8, "appeal";
    }
}

impl Refusal {
    /// The class of a refusal code (ISO 8583 field 39).
    pub fn of_code(code: &str) -> Self {
        // `4` and ` 04` are what some send for `04`.
        let code = code.trim().to_ascii_uppercase();
        let is_one_digit = code.len() == 1 && code.bytes().all(|byte| byte.is_ascii_digit());
        let code = if is_one_digit { format!("0{code}") } else { code };
        match code.as_str() {
            "14" | "15" | "56" => Self::InvalidCard,
            "55" | "38" | "75" | "82" | "N7" => Self::InvalidCredential,
            "51" | "61" | "65" => Self::Funds,
            "04" | "07" | "41" | "43" => Self::LostOrStolen,
            _ => Self::Other,
        }
    }
}
