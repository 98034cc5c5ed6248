//! A value of an expression as `rules eval` gives it: as text, with its type, and in JSON.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};

use crate::lang::{CelValue, Type};

/// The name of a type as CEL has it.
pub(super) const fn type_name(of: Type) -> &'static str {
    match of {
        Type::Float => "double",
        Type::Text => "string",
        other => other.name(),
    }
}

/// The name of a value's type; that of a message is shortened.
pub(super) fn cel_type_name(value: &CelValue) -> &'static str {
    match value {
        CelValue::Timestamp(_) => "timestamp",
        CelValue::Duration(_) => "duration",
        other => other.type_name(),
    }
}

/// A value in JSON: numbers as numbers (no JSON has NaN, so it is a text), bytes in base64, moments
/// and durations as texts, a type by its name.
pub(super) struct Json<'v>(pub(super) &'v CelValue);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            CelValue::Null => serializer.serialize_none(),
            CelValue::Bool(value) => serializer.serialize_bool(*value),
            CelValue::Int(value) => serializer.serialize_i64(*value),
            CelValue::UInt(value) => serializer.serialize_u64(*value),
            CelValue::Double(value) => number(*value, serializer),
            CelValue::Text(text) => serializer.serialize_str(text),
            CelValue::Bytes(bytes) => serializer.serialize_str(&base64(bytes)),
            CelValue::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&Json(item)))?;
                list.end()
            }
            CelValue::Map(entries) => {
                let entries = entries.entries();
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    match key {
                        CelValue::Text(key) => map.serialize_entry(&**key, &Json(value))?,
                        other => map.serialize_entry(&other.to_string(), &Json(value))?,
                    }
                }
                map.end()
            }
            // `timestamp("..")`: what stands between the quotes.
            other @ (CelValue::Timestamp(_) | CelValue::Duration(_)) => {
                let text = other.to_string();
                serializer.serialize_str(text.split('"').nth(1).unwrap_or(&text))
            }
            CelValue::Type(name) => serializer.serialize_str(name),
        }
    }
}

/// A double; what is not finite as `NaN`, `Infinity` or `-Infinity`.
pub(super) fn number<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match (value.is_nan(), value.is_infinite(), value > 0.0) {
        (true, ..) => serializer.serialize_str("NaN"),
        (_, true, true) => serializer.serialize_str("Infinity"),
        (_, true, false) => serializer.serialize_str("-Infinity"),
        _ => serializer.serialize_f64(value),
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            // Six bits index 64 letters.
            let letter = LETTERS[(word >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    /// The vectors of RFC 4648.
    #[test]
    fn bytes_are_written_in_base64() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
