//! The types of expressions and the constants that they may name.

use crate::domain::FieldType;

/// The type of an expression.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of 64 bits; arithmetic that leaves it is an error.
    Int,
    /// A double; arithmetic follows IEEE 754.
    Float,
    /// Text, compared by code point.
    Text,
    /// Minor units of the base currency; meets only money.
    Money,
    /// A moment in milliseconds, within [`crate::domain::EventTime`]'s years.
    Timestamp,
    /// A length of time in milliseconds.
    Duration,
    /// An opaque id: equal or not, nothing else.
    Id,
}

impl Type {
    /// The type of a column.
    pub const fn of(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Bool => Self::Bool,
            FieldType::Int => Self::Int,
            FieldType::Float => Self::Float,
            FieldType::Text => Self::Text,
            FieldType::Money => Self::Money,
            FieldType::Timestamp => Self::Timestamp,
            FieldType::Id => Self::Id,
        }
    }

    /// The type of the column that can hold it; a duration has none.
    pub const fn field_type(self) -> Option<FieldType> {
        Some(match self {
            Self::Bool => FieldType::Bool,
            Self::Int => FieldType::Int,
            Self::Float => FieldType::Float,
            Self::Text => FieldType::Text,
            Self::Money => FieldType::Money,
            Self::Timestamp => FieldType::Timestamp,
            Self::Id => FieldType::Id,
            Self::Duration => return None,
        })
    }

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self.field_type() {
            Some(field_type) => field_type.name(),
            None => "duration",
        }
    }

    /// Whether values are kept as a signed 64-bit number.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Int | Self::Money | Self::Timestamp | Self::Duration | Self::Id)
    }
}

/// A value that is known when the bundle is loaded.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A double.
    Float(f64),
    /// Text.
    Text(Box<str>),
    /// Minor units of the base currency.
    Money(i64),
    /// Milliseconds since the Unix epoch.
    Timestamp(i64),
    /// Milliseconds.
    Duration(i64),
    /// Values of one type (never a list), for `in`. The type is that of an empty list's elements.
    List(Type, Vec<Self>),
}

impl Constant {
    /// The type; `None` for a list.
    pub const fn value_type(&self) -> Option<Type> {
        Some(match self {
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::Text(_) => Type::Text,
            Self::Money(_) => Type::Money,
            Self::Timestamp(_) => Type::Timestamp,
            Self::Duration(_) => Type::Duration,
            Self::List(..) => return None,
        })
    }

    /// The number behind a whole value (int, money, moment, duration).
    pub const fn whole(&self) -> Option<i64> {
        match self {
            Self::Int(n) | Self::Money(n) | Self::Timestamp(n) | Self::Duration(n) => Some(*n),
            _ => None,
        }
    }
}
