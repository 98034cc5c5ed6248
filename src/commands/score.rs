//! `tidegate score`: the same engine over a file or a pipe.

use std::path::PathBuf;
use std::process::ExitCode;

use super::lines::{JournalAt, Lines, LinesError, Tally, Through};
use super::report::place::moment;
use super::report::{counted, grouped};
use crate::domain::EventTime;
use crate::engine::Intent;

/// Score a file of events: JSON lines in, one masked decision a line out.
///
/// Refused, repeated and conflicting events are counted on standard error, the first refused lines
/// of each reason with their place; exit code 1 when there are any. Files may be gzip or zstd. The same input gives
/// the same bytes. With a journal it goes on where that one ends. Without --config and --keys the
/// published demo keys make the tokens.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate generate --events 10000 --seed 7 --tables tables \
                        --out events.jsonl\n  tidegate score --in events.jsonl --tables tables \
                        --out decisions.jsonl")]
pub struct Args {
    /// Events, one JSON object a line; `-` is standard input
    #[arg(long = "in", value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Where the decisions go; `-` is standard output
    #[arg(long = "out", value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Keep a journal in this directory; needs --keys or --config
    #[arg(long, value_name = "DIR", requires = "keyed")]
    journal: Option<PathBuf>,
    /// Refuse lines that arrived, or occurred, after this moment; without it a line far ahead of
    /// those around it is refused, and with a journal one that no other confirms and that lies ahead
    /// of this machine's clock
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<EventTime>,
    /// Name every refused line here, as JSON lines: its number, its reason, what was wanted; no values
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    through: Through,
    /// The summary as one JSON document on standard error
    #[arg(long)]
    json: bool,
}

/// Runs the command: 0 when every line is through, 1 when some were refused, 2 when the caller can correct it, 3 when
/// something outside failed.
pub fn run(args: &Args) -> ExitCode {
    match score(args) {
        Ok(tally) => {
            report(&tally, args.json);
            if tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        // A reader that closes the pipe early has seen enough.
        Err(error) if error.is_reader_gone() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tidegate score: {error}");
            ExitCode::from(error.code())
        }
    }
}

fn score(args: &Args) -> Result<Tally, LinesError> {
    let at = args.journal.as_deref().map_or(JournalAt::Nowhere, JournalAt::Dir);
    let lines = Lines {
        from: &args.input,
        to: Some(&args.output),
        intent: Intent::Decide,
        until: args.until,
        rejects: args.rejects.as_deref(),
        doing: "scoring",
    };
    lines.through(args.through.open(at)?)
}

fn report(tally: &Tally, json: bool) {
    if json {
        eprintln!("{}", sonic_rs::to_string(tally).unwrap_or_default());
        return;
    }
    let Tally { lines, decided, approve, challenge, decline, .. } = tally;
    let [decided, approve, challenge, decline] =
        [*decided, *approve, *challenge, *decline].map(grouped);
    eprintln!(
        "{}: {decided} decided (approve {approve}, challenge {challenge}, decline {decline})",
        counted(*lines, "line")
    );
    tally.report();
}
