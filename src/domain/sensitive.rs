//! A personal value that cannot be printed, logged or serialised by accident.

use std::fmt;

/// Wraps a C2 value (JR/T 0171-2020): a card number, a name, an address of a device.
///
/// There is no `Display` and no `Serialize`; `Debug` shows that something is there and nothing
/// of it. The only way in is [`expose`](Self::expose), and `tests/tidy.rs` lists the few rooms
/// that may call it: enrich (to tokenise), mask (to mask) and the seal (to encrypt).
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Takes a value out of sight.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Every call is a place to review.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `{:?}` in a log line is the usual leak, also from inside a structure and in `{:#?}`.
    #[test]
    fn debug_shows_nothing_of_the_value() {
        let wrapped = Some(vec![Sensitive::new("6225881234567890")]);
        assert_eq!(format!("{wrapped:?}"), "Some([Sensitive(***)])");
        assert!(!format!("{wrapped:#?}").contains("6225"));
    }
}
