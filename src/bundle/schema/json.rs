//! The little of JSON that a schema is made of, in the order in which it is said.

use std::fmt;

/// A piece of a schema.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Bool(bool),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

/// A map of these keys.
pub(super) fn map<const N: usize>(entries: [(&str, Json); N]) -> Json {
    Json::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A text.
pub(super) fn text(text: &str) -> Json {
    Json::Text(text.to_owned())
}

/// A list of texts.
pub(super) fn texts<'t>(all: impl IntoIterator<Item = &'t str>) -> Json {
    Json::List(all.into_iter().map(text).collect())
}

impl Json {
    /// The same with one more key.
    pub(super) fn with(self, key: &str, value: Self) -> Self {
        match self {
            Self::Map(mut entries) => {
                entries.push((key.to_owned(), value));
                Self::Map(entries)
            }
            other => other,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "  ".repeat(depth + 1);
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(&sonic_rs::to_string(text).unwrap_or_default()),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    item.write(f, depth)?;
                }
                f.write_str("]")
            }
            Self::Map(entries) if entries.is_empty() => f.write_str("{}"),
            Self::Map(entries) => {
                f.write_str("{\n")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    f.write_str(if index > 0 { ",\n" } else { "" })?;
                    write!(f, "{indent}{}: ", sonic_rs::to_string(key).unwrap_or_default())?;
                    value.write(f, depth + 1)?;
                }
                write!(f, "\n{}}}", "  ".repeat(depth))
            }
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}
