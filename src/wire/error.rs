//! Why bytes are not the message they should be. Carries names of fields, never their values.

/// Why bytes could not be read as a protobuf message of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The bytes end inside a value.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// A varint of more than ten bytes, or of more than 64 bits.
    #[error("a number is longer than 64 bits")]
    TooLong,
    /// A wire type that proto3 does not have (groups, 6, 7).
    #[error("wire type {wire_type} does not exist in this format")]
    WireType {
        /// The type found.
        wire_type: u8,
    },
    /// Field number 0 or above the format's limit.
    #[error("a field has an impossible number")]
    FieldNumber,
    /// A known field with another wire type than its own.
    #[error("field `{field}` is encoded as another type than its own")]
    WrongType {
        /// Which.
        field: &'static str,
    },
    /// Text that is not UTF-8.
    #[error("field `{field}` is not UTF-8 text")]
    NotUtf8 {
        /// Which.
        field: &'static str,
    },
    /// A field without which the message means nothing.
    #[error("field `{field}` is missing")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A value outside what the field may hold.
    #[error("field `{field}` holds a value outside its range")]
    OutOfRange {
        /// Which.
        field: &'static str,
    },
    /// A word of a vocabulary that this version does not know.
    #[error("field `{field}` has word number {number}, which this version does not know")]
    UnknownWord {
        /// Which.
        field: &'static str,
        /// The number found.
        number: u64,
    },
}
