//! `tidegate replay`: the engine over a journal's inputs once more. Exact: every body must come out
//! byte for byte. Or what-if: under another bundle, and what that changes is counted.

mod rebuild;
mod compare;
mod run;
mod what_if;
mod report;
mod document;
mod csv;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::report::{Fault, Limits, Screen, Span, deliver};
use crate::bundle::Bundle;
use crate::edges::bundle_files;

pub(super) use self::compare::Comparer;
pub(super) use self::rebuild::{Begun, Origin, OriginArgs, engine_as_it_was, tell};
use self::report::Report;
pub(super) use self::run::visit_event;

/// Run the engine over a journal's inputs again: the same bodies, or another bundle's.
///
/// Without --bundle every input is decided again under the bundle that decided it then (the journal
/// holds its files) and with the plan that there was time for; each body must be byte for byte the
/// one in the journal. The state before --from is the newest snapshot that fits and the inputs after
/// it; damaged ones are named. With --bundle the inputs are decided under those rules from the first one
/// on, and the decisions that change are counted. No key is needed: inputs hold tokens.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Exit code: 0 nothing differs, 1 something does, 2 wrong usage or input, 3 the \
                  disk failed.\n\nExamples:\n  tidegate replay --journal /var/lib/tidegate/journal\
                  \n  tidegate replay --journal journal --from 2026-03-02T00:00:00+08:00 \\\n    \
                  --to 2026-03-03T00:00:00+08:00 --bundle rules/ --html what-if.html"
)]
pub struct Args {
    /// The journal's directory
    #[arg(long, value_name = "DIR")]
    journal: PathBuf,
    #[command(flatten)]
    span: Span,
    /// Only the event with this id, with both sides in full
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    event: Option<String>,
    /// What if: decide under the rules in this directory
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    origin: OriginArgs,
    /// The report as one JSON document on standard output
    #[arg(long)]
    json: bool,
    /// The differences (what-if: the counts) as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The report as one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs it: 0 when nothing differs, 1 when something does or the journal is damaged, 2 on wrong
/// usage or input, 3 when a disk fails.
pub fn run(args: &Args) -> ExitCode {
    match replay(args).and_then(|report| answer(args, &report).map(|()| report)) {
        Ok(report) => ExitCode::from(u8::from(!report.is_clean())),
        Err(fault) => ExitCode::from(fault.told("replay")),
    }
}

fn replay(args: &Args) -> Result<Report, Fault> {
    args.span.check()?;
    let what_if = args.bundle.as_deref().map(read_bundle).transpose()?;
    let wanted = run::Wanted {
        journal: &args.journal,
        span: args.span,
        event: args.event.as_deref(),
        what_if,
        limits: args.limits.engine()?,
        origin: args.origin.origin(),
    };
    run::replay(&wanted)
}

/// Compiles a rules directory.
fn read_bundle(dir: &Path) -> Result<Arc<Bundle>, Fault> {
    let files = bundle_files::read(dir).map_err(|error| Fault::Wrong(error.to_string()))?;
    Bundle::compile(&files).map(Arc::new).map_err(|faults| {
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Fault::Wrong(texts.join("\n"))
    })
}

/// Writes the report in every form that was asked for.
fn answer(args: &Args, report: &Report) -> Result<(), Fault> {
    let csv = args.csv.as_deref().map(|path| (path, csv::of(report)));
    deliver(report, &document::of(report), (csv, args.html.as_deref()), Screen::of(args.json))
}
