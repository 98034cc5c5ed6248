//! Why a message could not be taken: a closed list with stable names, never a value.

use std::fmt;

use super::Field;

/// Declares the reasons: variant, metric label, what is wrong and what to do about it.
macro_rules! reasons {
    ($($variant:ident, $name:literal, $says:literal;)+) => {
        /// Why a message was refused at the door. The name is a metric label and never changes.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum RejectReason { $(#[doc = $says] $variant,)+ }

        impl RejectReason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name in metrics, dead letters and replies.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is wrong and what to do, without the field.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$variant => $says,)+ }
            }
        }
    };
}

reasons! {
    TooLarge, "too_large",
        "the message is larger than the door takes; send fewer or shorter fields";
    NotUtf8, "not_utf8",
        "the message is not UTF-8; encode it as UTF-8";
    MalformedJson, "malformed_json",
        "the message is not exactly one JSON document (RFC 8259); check quoting, commas, numbers \
         and trailing bytes";
    MalformedProtobuf, "malformed_protobuf",
        "the message is not exactly one protobuf message of event.proto; check that it is whole and \
         that `[kafka] format` says what the client sends";
    UnknownField, "unknown_field",
        "a field has a name or number that event.proto does not know; correct it at its source, or \
         set `[limits] unknown_fields = \"drop\"`";
    TooDeep, "too_deep",
        "objects are nested deeper than the door takes; flatten them";
    DuplicateField, "duplicate_field",
        "the field is given twice; give it once";
    WrongType, "wrong_type",
        "the value has another type than the field; send the field's";
    MissingField, "missing_field",
        "a required field is missing or empty; add it";
    UnknownKind, "unknown_kind",
        "the kind is not one that we know; correct it";
    UnknownService, "unknown_service",
        "the service is not one that we know; correct it";
    UnknownWord, "unknown_word",
        "the word is not in the field's vocabulary; correct it";
    BadEventId, "bad_event_id",
        "an event id is 1 to 64 of A-Z a-z 0-9 . _ : -; change its form";
    BadTime, "bad_time",
        "a time is RFC 3339 with an offset, in the years 2000 to 2099; change its form";
    BadAmount, "bad_amount",
        "an amount is a whole, not negative count of minor units up to 10^15; send it as an \
         integer";
    BadCurrency, "bad_currency",
        "a currency is three capital letters (ISO 4217); change its form";
    BadLocation, "bad_location",
        "a location has lat -90 to 90, lon -180 to 180, accuracy_m not negative and a datum of \
         wgs84, gcj02, bd09; correct it";
    BadIp, "bad_ip",
        "the address is neither IPv4 nor IPv6; send it without port, zone or prefix";
    BadFormat, "bad_format",
        "the value has not the field's form; correct it";
    NumberOutOfRange, "number_out_of_range",
        "the number is outside the field's range or not whole; correct it";
    FieldTooLong, "field_too_long",
        "the text is longer than the field takes; shorten it";
    TooManyAttributes, "too_many_attributes",
        "there are more attributes than an event takes; send fewer";
    ForbiddenData, "forbidden_data",
        "a field is named like authentication data that must never enter (CVN, PIN, track, \
         expiry, password, one-time code, biometrics); remove it at its source";
    TimeAhead, "time_ahead",
        "it is said to happen later than now; correct the client's clock";
    TimeStale, "time_stale",
        "it happened longer ago than repeats are recognised; import it as history";
}

impl RejectReason {
    /// Whether the advice says already what the field takes.
    const fn says_what_is_wanted(self) -> bool {
        matches!(
            self,
            Self::BadEventId
                | Self::BadTime
                | Self::BadAmount
                | Self::BadCurrency
                | Self::BadLocation
                | Self::BadIp
        )
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refused message: the reason and, when it lies in one, the field. Never a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// Where, by a name of our own schema: a client's names are not ours to repeat.
    pub field: Option<&'static str>,
    /// What that field takes.
    pub wanted: Option<&'static str>,
    /// The type that came instead, where it is another one.
    pub found: Option<&'static str>,
    /// The byte of the message, from 0, at which it ceases to be one.
    pub at_byte: Option<usize>,
}

impl Reject {
    /// A reason without a place.
    pub const fn whole(reason: RejectReason) -> Self {
        Self { reason, field: None, wanted: None, found: None, at_byte: None }
    }

    /// A reason in a field.
    pub(super) const fn at(reason: RejectReason, field: Field) -> Self {
        let wanted = match reason {
            // Not the value is at fault.
            RejectReason::ForbiddenData | RejectReason::UnknownField => None,
            _ => Some(field.wanted()),
        };
        Self { field: Some(field.name()), wanted, ..Self::whole(reason) }
    }

    /// A value of another type than its field's.
    pub(super) const fn untyped(field: Field, found: &'static str) -> Self {
        Self { found: Some(found), ..Self::at(RejectReason::WrongType, field) }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(field) = self.field {
            write!(f, " at `{field}`")?;
        }
        if let Some(byte) = self.at_byte {
            write!(f, " at byte {byte}")?;
        }
        write!(f, ": {}", self.reason.advice())?;
        if let Some(wanted) = self.wanted.filter(|_| !self.reason.says_what_is_wanted()) {
            write!(f, "; wanted: {wanted}")?;
        }
        self.found.map_or(Ok(()), |found| write!(f, "; found: {found}"))
    }
}

impl std::error::Error for Reject {}
