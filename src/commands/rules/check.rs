//! `tidegate rules check`: every fault of a rules directory at once.

use std::path::PathBuf;

use serde::Serialize;

use super::source::{self, answer};
use crate::bundle::Bundle;

/// Compile a rules directory and name every fault in it
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Example:\n  tidegate rules check rules/")]
pub(super) struct Args {
    /// The rules directory; without it the rules that are compiled in
    directory: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let directory = args.directory.as_deref();
    let (bundle, _) = match source::bundle(directory) {
        Ok(bundle) => bundle,
        Err(error) => return error.tell(args.json),
    };
    let (aggregates, derived) = (bundle.aggregates.len(), bundle.derived.len());
    let text = format!(
        "{}: {} rules, {aggregates} aggregates, {derived} derived features, no faults\n{}\n",
        source::name(directory),
        bundle.rules.rules().len(),
        bundle.name(),
    );
    answer(args.json, &Report::of(&bundle), &text)
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    ok: bool,
    error: Option<String>,
    bundle: String,
    rules: usize,
    features: usize,
    cases: usize,
    faults: [u8; 0],
}

impl Report {
    /// The same, where more than compiling was asked.
    pub(super) fn with_ok(self, ok: bool) -> Self {
        Self { ok, ..self }
    }

    pub(super) fn of(bundle: &Bundle) -> Self {
        Self {
            ok: true,
            error: None,
            bundle: bundle.name(),
            rules: bundle.rules.rules().len(),
            features: bundle.aggregates.len() + bundle.derived.len(),
            cases: bundle.cases.iter().map(Vec::len).sum(),
            faults: [],
        }
    }
}
