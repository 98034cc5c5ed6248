//! A report leaves in every form that was asked for.

use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use super::{Document, Fault, html, print};

/// How a report is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Screen {
    /// One JSON document on standard output.
    Json,
    /// Text on standard error.
    Text,
}

impl Screen {
    /// As `--json` says.
    pub(in crate::commands) const fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Writes a report: to a CSV file and an HTML file where they were asked for, and to the screen.
pub(in crate::commands) fn deliver<R: Serialize>(
    report: &R,
    document: &Document,
    (csv, html_file): (Option<(&Path, String)>, Option<&Path>),
    screen: Screen,
) -> Result<(), Fault> {
    let write = |path: &Path, text: String| {
        std::fs::write(path, text).map_err(Fault::file(path.display().to_string()))
    };
    if let Some((path, rows)) = csv {
        write(path, rows)?;
    }
    if let Some(path) = html_file {
        write(path, html(document))?;
    }
    match screen {
        Screen::Json => {
            let text = sonic_rs::to_string(report).map_err(|error| Fault::File {
                path: "the report".to_owned(),
                error: io::Error::other(error),
            })?;
            writeln!(io::stdout().lock(), "{text}").map_err(Fault::file("standard output"))
        }
        Screen::Text => print(document).map_err(Fault::file("standard error")),
    }
}
