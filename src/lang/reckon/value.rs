//! The values of CEL, and how they are written.

use std::fmt;
use std::rc::Rc;

use super::times;

/// A value of CEL.
#[derive(Clone, Debug)]
pub enum CelValue {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// 64 bits with a sign.
    Int(i64),
    /// 64 bits without one.
    UInt(u64),
    /// IEEE 754.
    Double(f64),
    /// Text of code points.
    Text(Rc<str>),
    /// Bytes.
    Bytes(Rc<[u8]>),
    /// Values of any type.
    List(Rc<[CelValue]>),
    /// Values by key.
    Map(CelMap),
    /// Nanoseconds since the Unix epoch, in the years 1 to 9999.
    Timestamp(i128),
    /// Nanoseconds.
    Duration(i64),
    /// The type of a value, by its name.
    Type(&'static str),
}

/// A map: keys are bool, int, uint or string, each once, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub struct CelMap(pub(super) Rc<[(CelValue, CelValue)]>);

impl CelMap {
    /// Keys with their values.
    pub fn entries(&self) -> &[(CelValue, CelValue)] {
        &self.0
    }

    /// The value of a key; numbers of different types that are equal are one key.
    pub(super) fn get(&self, key: &CelValue) -> Option<&CelValue> {
        self.0.iter().find(|(known, _)| known.equals(key)).map(|(_, value)| value)
    }
}

/// Bytes of a text that weigh as much as one item.
const TEXT_STEP: usize = 64;

impl CelValue {
    /// The name of its type in CEL.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::UInt(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
        }
    }

    /// A text.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    /// How long it takes to compare or to write the value: its items, counted through shared parts
    /// and long texts, up to `most`. A list in which one part stands twice, and so on, is small in
    /// memory and endless to read.
    pub(super) fn weight(&self, most: usize) -> usize {
        let sum = |items: &mut dyn Iterator<Item = &Self>| {
            let mut weight = 0;
            for item in items {
                weight += 1 + item.weight(most - weight);
                if weight >= most {
                    return most;
                }
            }
            weight
        };
        match self {
            Self::List(items) => sum(&mut items.iter()),
            Self::Map(map) => sum(&mut map.0.iter().flat_map(|(key, value)| [key, value])),
            Self::Text(text) => (text.len() / TEXT_STEP).min(most),
            Self::Bytes(bytes) => (bytes.len() / TEXT_STEP).min(most),
            _ => 0,
        }
    }

    /// Equality of values of any types: different types are different, numbers are numbers.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Bytes(left), Self::Bytes(right)) => left == right,
            (Self::Timestamp(left), Self::Timestamp(right)) => left == right,
            (Self::Duration(left), Self::Duration(right)) => left == right,
            (Self::Type(left), Self::Type(right)) => left == right,
            (Self::List(left), Self::List(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right.iter()).all(|(left, right)| left.equals(right))
            }
            (Self::Map(left), Self::Map(right)) => {
                let same = |(key, value): &(Self, Self)| {
                    right.get(key).is_some_and(|other| value.equals(other))
                };
                left.0.len() == right.0.len() && left.0.iter().all(same)
            }
            _ => self.order_of_numbers(other) == Some(std::cmp::Ordering::Equal),
        }
    }

    /// How two numbers of any types stand; `None` with a NaN, or when one is no number.
    pub(super) fn order_of_numbers(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            (Self::Double(left), _) => Some(whole_against(other.whole()?, *left)?.reverse()),
            (_, Self::Double(right)) => whole_against(self.whole()?, *right),
            _ => Some(self.whole()?.cmp(&other.whole()?)),
        }
    }

    const fn whole(&self) -> Option<i128> {
        match self {
            Self::Int(value) => Some(*value as i128),
            Self::UInt(value) => Some(*value as i128),
            _ => None,
        }
    }
}

/// As the numbers that they are, on one line: neither is rounded, as in compiled rules. (cel-spec says
/// so too, and its tests allow for engines that make a double of the whole number.)
fn whole_against(whole: i128, double: f64) -> Option<std::cmp::Ordering> {
    if double.is_nan() {
        return None;
    }
    // A whole number of 64 bits is far within 128, and a cast beyond them stays at their end.
    let truncated = double.trunc();
    let order = whole.cmp(&(truncated as i128));
    Some(order.then_with(|| 0.0_f64.total_cmp(&(double - truncated + 0.0))))
}

impl fmt::Display for CelValue {
    /// As CEL writes it: an expression that has this value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::UInt(value) => write!(f, "{value}u"),
            Self::Double(value) if value.is_finite() => write!(f, "{value:?}"),
            Self::Double(value) => {
                let name = if value.is_nan() { "NaN" } else { "Infinity" };
                let sign = if *value < 0.0 { "-" } else { "" };
                write!(f, "double(\"{sign}{name}\")")
            }
            Self::Text(text) => write_text(f, text),
            Self::Bytes(bytes) => {
                f.write_str("b\"")?;
                for byte in bytes.iter() {
                    match byte {
                        b'"' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                        0x20..=0x7e => write!(f, "{}", char::from(*byte))?,
                        _ => write!(f, "\\x{byte:02x}")?,
                    }
                }
                f.write_str("\"")
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (index, (key, value)) in map.0.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if index > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Self::Timestamp(ns) => write!(f, "timestamp(\"{}\")", times::moment_text(*ns)),
            Self::Duration(ns) => write!(f, "duration(\"{}\")", times::length_text(*ns)),
            Self::Type(name) => f.write_str(name),
        }
    }
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            _ if letter.is_control() => write!(f, "\\u{:04x}", u32::from(letter))?,
            _ => write!(f, "{letter}")?,
        }
    }
    f.write_str("\"")
}
