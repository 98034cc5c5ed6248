//! `tidegate import`: history into the windows, no decisions.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::assemble::{AssembleError, now};
use super::lines::{JournalAt, Lines, LinesError, Tally, Through};
use super::report::grouped;
use super::report::place::moment;
use crate::domain::EventTime;
use crate::engine::Intent;
use crate::journal::JournalError;
use crate::stages::decode::RejectReason;

/// Count history into the windows, so that a service begins warm; nothing is decided.
///
/// Events, outcomes and labels go into the journal that the configuration names, oldest first; an
/// event that arrives with no `received_at` of its own arrives when it occurred. The service must
/// not run meanwhile. An import that was interrupted is run again: what the journal has already is
/// not counted twice.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 every line is counted, 1 some were refused, 2 the configuration or the file is wrong, \
                        3 something outside failed, also a journal that is in use.\n\nExamples:\n  \
                        tidegate import --events history.jsonl --config tidegate.toml\n  \
                        zstd -dc history.jsonl.zst | tidegate import --events - \\\n    \
                        --journal journal --keys tidegate.keys",
    group(clap::ArgGroup::new("place").args(["config", "journal"]).required(true))
)]
pub struct Args {
    /// Events, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// Instead of --config: the journal's directory; needs --keys
    #[arg(long, value_name = "DIR", requires = "keys", conflicts_with = "config")]
    journal: Option<PathBuf>,
    /// Refuse lines that arrived, or occurred, after this moment; else five minutes from now, by this
    /// machine's clock
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<EventTime>,
    /// Name every refused line here, as JSON lines: its number, its reason, what was wanted; no values
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    through: Through,
    /// The summary as one JSON document on standard output
    #[arg(long)]
    json: bool,
}

/// Why history was not imported.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error(transparent)]
    Lines(LinesError),
    #[error("{error}\nIf it is the service: stop it, import, and start it again")]
    InUse { error: LinesError },
    #[error("no line of {file} is an event: {reasons}", reasons = list(.tally))]
    NoEvents { file: String, tally: Box<Tally> },
}

impl From<LinesError> for ImportError {
    fn from(error: LinesError) -> Self {
        match error {
            LinesError::Assemble(AssembleError::Journal(JournalError::Locked { .. })) => {
                Self::InUse { error }
            }
            error => Self::Lines(error),
        }
    }
}

impl ImportError {
    fn code(&self) -> u8 {
        match self {
            Self::Lines(error) | Self::InUse { error } => error.code(),
            Self::NoEvents { .. } => 2,
        }
    }
}

fn list(tally: &Tally) -> String {
    let reasons = tally.rejected_by.iter().map(|(reason, count)| format!("{count} {reason}"));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    std::iter::once(reasons).chain(tally.refused_lines()).collect::<Vec<_>>().join("\n")
}

/// Runs the command.
pub fn run(args: &Args) -> ExitCode {
    let started = Instant::now();
    match import(args) {
        Ok(tally) if args.json => {
            // Counts: nothing that could fail to become JSON.
            let text = sonic_rs::to_string(&tally).unwrap_or_default();
            match writeln!(std::io::stdout(), "{text}") {
                Ok(()) => code(&tally),
                Err(_) => ExitCode::from(3),
            }
        }
        Ok(tally) => {
            report(&tally, started.elapsed().as_secs_f64());
            code(&tally)
        }
        Err(error) => {
            eprintln!("tidegate import: {error}");
            ExitCode::from(error.code())
        }
    }
}

fn code(tally: &Tally) -> ExitCode {
    if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn import(args: &Args) -> Result<Tally, ImportError> {
    let at = args.journal.as_deref().map_or(JournalAt::Configured, JournalAt::Dir);
    let setting = args.through.open(at)?;
    let soon = EventTime::from_ms(now().as_ms() + setting.times.ahead_ms_max).ok();
    let (intent, until, rejects) = (Intent::Observe, args.until.or(soon), args.rejects.as_deref());
    let doing = "importing";
    let lines = Lines { from: &args.events, to: None, intent, until, rejects, doing };
    let tally = lines.through(setting)?;
    // A file of something else must not pass for an empty history.
    if tally.lines > 0 && tally.rejected == tally.lines {
        let file = args.events.display().to_string();
        return Err(ImportError::NoEvents { file, tally: Box::new(tally) });
    }
    Ok(tally)
}

fn report(tally: &Tally, seconds: f64) {
    let rate = (tally.lines as f64 / seconds.max(0.001)) as u64;
    eprintln!("{} lines in {seconds:.1} s, {}/s", grouped(tally.lines), grouped(rate));
    tally.report();
    if tally.rejected_by.contains_key(RejectReason::TimeAhead.name()) {
        eprintln!(
            "time_ahead: history ends now, or where --until says; a line of later, or far ahead of \
             those around it, would make the others too old"
        );
    }
    if tally.rejected_by.contains_key(RejectReason::TimeStale.name()) {
        eprintln!(
            "time_stale: the journal had reached a time more than the horizon later; history is \
             imported oldest first, and before the service has run"
        );
    }
}

#[cfg(test)]
mod tests;
