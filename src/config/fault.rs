//! Faults of a configuration: what, where and what to do, all of them at once.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file it is in.
    pub file: PathBuf,
    /// The line, from 1; `None` when something is absent.
    pub line: Option<usize>,
    /// The key, `kafka.linger_ms`; empty when the file as a whole is meant.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if self.key.is_empty() {
            write!(f, ": {}", self.message)
        } else {
            write!(f, ": {}: {}", self.key, self.message)
        }
    }
}

/// Every fault of a configuration, in the order of the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// One fault of a whole file.
    pub fn of_file(file: &Path, message: impl Into<String>) -> Self {
        let file = file.to_path_buf();
        Self(vec![Fault { file, line: None, key: String::new(), message: message.into() }])
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(f, "{end}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
