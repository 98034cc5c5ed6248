//! Where the rules come from, and how an answer leaves.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{OUTSIDE, WRONG};
use crate::bundle::{Bundle, Fault, shipped_files};
use crate::edges::bundle_files;

/// The files of a bundle, by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Why there is no bundle.
pub(super) enum NoBundle {
    /// The directory cannot be read.
    Unreadable(String),
    /// Its files are wrong.
    Faulty(Vec<Fault>),
}

/// Reads a rules directory; without one the rules that are compiled in.
pub(super) fn files(directory: Option<&Path>) -> Result<Files, NoBundle> {
    match directory {
        None => Ok(shipped_files()),
        Some(directory) => {
            bundle_files::read(directory).map_err(|error| NoBundle::Unreadable(error.to_string()))
        }
    }
}

/// Reads and compiles a rules directory.
pub(super) fn bundle(directory: Option<&Path>) -> Result<(Bundle, Files), NoBundle> {
    let files = files(directory)?;
    match Bundle::compile(&files) {
        Ok(bundle) => Ok((bundle, files)),
        Err(faults) => Err(NoBundle::Faulty(faults)),
    }
}

/// What a person calls the rules.
pub(super) fn name(directory: Option<&Path>) -> String {
    directory
        .map_or_else(|| "the shipped rules".into(), |directory| directory.display().to_string())
}

impl NoBundle {
    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Unreadable(_) => OUTSIDE,
            Self::Faulty(_) => WRONG,
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Unreadable(error) => format!("{error}\n"),
            Self::Faulty(faults) => {
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                let noun = if faults.len() == 1 { "fault" } else { "faults" };
                format!("{}\n\n{} {noun}\n", lines.join("\n"), faults.len())
            }
        }
    }

    /// For programs.
    pub(super) fn report(&self) -> FaultsReport {
        match self {
            Self::Unreadable(error) => {
                FaultsReport { error: Some(error.clone()), ..Default::default() }
            }
            Self::Faulty(faults) => FaultsReport {
                faults: faults.iter().map(FaultReport::of).collect(),
                ..Default::default()
            },
        }
    }

    /// Says it and gives the exit code.
    pub(super) fn tell(&self, json: bool) -> u8 {
        self.code().max(answer(json, &self.report(), &self.text()))
    }
}

/// The document of `--json` where there is no bundle.
#[derive(Debug, Default, Serialize)]
pub(super) struct FaultsReport {
    ok: bool,
    error: Option<String>,
    faults: Vec<FaultReport>,
}

/// One fault in the document of `--json`.
#[derive(Debug, Serialize)]
pub(super) struct FaultReport {
    file: String,
    line: u32,
    column: u32,
    message: String,
}

impl FaultReport {
    pub(super) fn of(fault: &Fault) -> Self {
        Self {
            file: fault.file.clone(),
            line: fault.at.line,
            column: fault.at.column,
            message: fault.message.clone(),
        }
    }
}

/// Writes the answer, the document to standard output or the text to standard error; the exit code
/// when that fails, else zero.
pub(super) fn answer(json: bool, document: &impl Serialize, text: &str) -> u8 {
    if json {
        return print(&sonic_rs::to_string(document).unwrap_or_default());
    }
    match std::io::stderr().lock().write_all(text.as_bytes()) {
        Ok(()) => 0,
        Err(_) => OUTSIDE,
    }
}

/// Writes a line to standard output; the exit code when that fails, else zero.
pub(super) fn print(line: &str) -> u8 {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Ok(()) => 0,
        Err(_) => OUTSIDE,
    }
}
