//! Features that every bundle has: sight, device matching, travel, terminal relocation.
//!
//! They come from trackers in an entity's own row and not from its window, so a bundle does not
//! declare them.

use crate::domain::{EntityKind, FieldId, FieldType, Schema};

/// Declares the built-in features.
macro_rules! builtins {
    ($($variant:ident, $name:literal, $type:ident, $doc:literal;)+) => {
        /// A feature that every bundle has.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u8)]
        pub enum Builtin { $(#[doc = $doc] $variant,)+ }

        impl Builtin {
            /// All of them; the place in this list is the discriminant.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in rules.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The type in rules.
            pub const fn field_type(self) -> FieldType {
                match self { $(Self::$variant => FieldType::$type,)+ }
            }

            /// One sentence of meaning.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)+ }
            }
        }
    };
}

builtins! {
    DeviceMatch, "device_match", Text, "How the device was recognised: same, probable or new.";
    DeviceConfidence, "device_confidence", Float, "Similarity to the device it was recognised as, 0 to 1.";
    DeviceChanged, "device_changed", Int, "How many fields differ from what was known of the device.";
    DeviceReason, "device_reason", Text, "Why they differ: reset, upgrade, clone, or empty.";
    CardNew, "card_new", Bool, "First sight of the card.";
    CardAgeDays, "card_age_days", Int, "Days since first sight of the card.";
    CardIdleDays, "card_idle_days", Int, "Days since last sight of the card before this event.";
    AccountNew, "account_new", Bool, "First sight of the account.";
    AccountAgeDays, "account_age_days", Int, "Days since first sight of the account.";
    AccountIdleDays, "account_idle_days", Int, "Days since last sight of the account before this event.";
    DeviceNew, "device_new", Bool, "First sight of the device.";
    DeviceAgeDays, "device_age_days", Int, "Days since first sight of the device.";
    DeviceIdleDays, "device_idle_days", Int, "Days since last sight of the device before this event.";
    IpNew, "ip_new", Bool, "First sight of the address.";
    IpAgeDays, "ip_age_days", Int, "Days since first sight of the address.";
    IpIdleDays, "ip_idle_days", Int, "Days since last sight of the address before this event.";
    IpPrefixNew, "ip_prefix_new", Bool, "First sight of the network prefix.";
    IpPrefixAgeDays, "ip_prefix_age_days", Int, "Days since first sight of the network prefix.";
    IpPrefixIdleDays, "ip_prefix_idle_days", Int, "Days since last sight of the prefix before this event.";
    MerchantNew, "merchant_new", Bool, "First sight of the merchant.";
    MerchantSeenDays, "merchant_seen_days", Int, "Days since first sight of the merchant.";
    MerchantIdleDays, "merchant_idle_days", Int, "Days since last sight of the merchant before this event.";
    TerminalNew, "terminal_new", Bool, "First sight of the terminal.";
    TerminalSeenDays, "terminal_seen_days", Int, "Days since first sight of the terminal.";
    TerminalIdleDays, "terminal_idle_days", Int, "Days since last sight of the terminal before this event.";
    PayeeNew, "payee_new", Bool, "First sight of the payee.";
    PayeeAgeDays, "payee_age_days", Int, "Days since first sight of the payee.";
    PayeeIdleDays, "payee_idle_days", Int, "Days since last sight of the payee before this event.";
    PhoneNew, "phone_new", Bool, "First sight of the phone number.";
    PhoneAgeDays, "phone_age_days", Int, "Days since first sight of the phone number.";
    PhoneIdleDays, "phone_idle_days", Int, "Days since last sight of the phone number before this event.";
    IdDocumentNew, "id_document_new", Bool, "First sight of the identity document.";
    IdDocumentAgeDays, "id_document_age_days", Int, "Days since first sight of the identity document.";
    IdDocumentIdleDays, "id_document_idle_days", Int, "Days since last sight of the document before this event.";
    CardTravelKm, "card_travel_km", Float, "Distance from the card's last position.";
    CardTravelKmh, "card_travel_kmh", Float, "Speed from the card's last position.";
    AccountTravelKm, "account_travel_km", Float, "Distance from the account's last position.";
    AccountTravelKmh, "account_travel_kmh", Float, "Speed from the account's last position.";
    TerminalMovedOf5, "terminal_moved_of_5", Int, "Of the terminal's last five positions, those over 1 km from the registered place (T2).";
    TerminalMovedFarOf5, "terminal_moved_far_of_5", Int, "Of the terminal's last five positions, those over 50 km away (T2).";
    TerminalAppDowngrade, "terminal_app_downgrade", Bool, "The application is older than one seen before on the terminal (T8).";
}

impl Builtin {
    /// First of the three sight features (`new`, `age`, `idle`) of a kind.
    pub(super) const fn sight(kind: EntityKind) -> usize {
        // Three features a kind, in the order of `EntityKind`, from `CardNew` on.
        let place = match kind {
            EntityKind::Card => 0,
            EntityKind::Account => 1,
            EntityKind::Device => 2,
            EntityKind::Ip => 3,
            EntityKind::IpPrefix => 4,
            EntityKind::Merchant => 5,
            EntityKind::Terminal => 6,
            EntityKind::Payee => 7,
            EntityKind::Phone => 8,
            EntityKind::IdDocument => 9,
        };
        Self::CardNew as usize + 3 * place
    }
}

/// The columns of the built-in features in one schema.
#[derive(Clone, Debug)]
pub struct BuiltinColumns(Vec<FieldId>);

impl BuiltinColumns {
    /// Appends the built-in features to a schema; the name that was taken, if one was.
    pub fn declare(schema: &mut Schema) -> Result<Self, &'static str> {
        let add = |builtin: &Builtin| {
            schema
                .add(builtin.name(), builtin.field_type(), builtin.meaning())
                .ok_or(builtin.name())
        };
        Builtin::ALL.iter().map(add).collect::<Result<_, _>>().map(Self)
    }

    /// The column of one of them.
    pub fn get(&self, builtin: Builtin) -> FieldId {
        self.0[builtin as usize]
    }

    /// The column at a place in [`Builtin::ALL`].
    pub(super) fn at(&self, place: usize) -> FieldId {
        self.0[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sight features are found by arithmetic on the list: the list must be laid out for it.
    #[test]
    fn the_sight_features_of_a_kind_stand_together() {
        for kind in EntityKind::ALL {
            let place = Builtin::sight(kind);
            assert_eq!(Builtin::ALL[place].name(), format!("{}_new", kind.name()));
            assert!(Builtin::ALL[place + 2].name().ends_with("_idle_days"));
            assert!(Builtin::ALL[place + 2].name().starts_with(kind.name()));
        }
    }
}
