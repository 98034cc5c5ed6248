//! `tidegate score`: the same engine over a file or a pipe.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::bundle::{Bundle, shipped_files};
use crate::domain::{Action, Applied};
use crate::edges::bundle_files;
use crate::edges::keys::Keys;
use crate::edges::snapshots::{self, Keeper};
use crate::edges::tables::{TablePaths, TableStore};
use crate::engine::{EngineLimits, Intent, Outcome, Pace, PassedOver, Pipeline, Surroundings};
use crate::journal::{Durability, Opening};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::mask::Profile;

use super::assemble::{Assembly, assemble, keep_snapshots};

/// Score a file of events: JSON lines in, one masked decision a line out.
///
/// Rejected, repeated and conflicting events are counted on standard error. The same input gives
/// the same bytes. With a journal it goes on where that one ends.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tidegate generate --events 10000 --seed 7 --tables tables \
                        --out events.jsonl\n  tidegate score --in events.jsonl --tables tables \
                        --out decisions.jsonl")]
pub struct Args {
    /// Events, one JSON object a line; `-` is standard input
    #[arg(long = "in", default_value = "-")]
    input: PathBuf,
    /// Where the decisions go; `-` is standard output
    #[arg(long = "out", default_value = "-")]
    output: PathBuf,
    /// Keep a journal in this directory; needs --keys
    #[arg(long, requires = "keys")]
    journal: Option<PathBuf>,
    /// A key file (see `tidegate keys init`); without one the published demo keys make the tokens
    #[arg(long)]
    keys: Option<PathBuf>,
    /// A rules directory instead of the shipped one
    #[arg(long)]
    rules: Option<PathBuf>,
    /// A directory with reference tables: city.mmdb, asn.mmdb, networks.csv, bin.csv,
    /// merchants.csv, terminals.csv, fx.csv, hosts.csv
    #[arg(long)]
    tables: Option<PathBuf>,
    /// Count the events into the windows and decide nothing: a journal's history
    #[arg(long, requires = "journal")]
    observe: bool,
    /// The summary as one JSON document on standard error
    #[arg(long)]
    json: bool,
}

/// What was done, by count.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
struct Summary {
    lines: u64,
    decided: u64,
    approve: u64,
    challenge: u64,
    decline: u64,
    repeated: u64,
    conflicts: u64,
    observed: u64,
    amended: u64,
    parked: u64,
    rejected: u64,
}

/// Why scoring ended early.
#[derive(Debug, thiserror::Error)]
enum ScoreError {
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
}

impl ScoreError {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 2,
            Self::File { .. } | Self::Failed(_) => 3,
        }
    }
}

/// Runs the command.
pub fn run(args: &Args) -> ExitCode {
    match score(args) {
        Ok(summary) => {
            report(&summary, args.json);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidegate score: {error}");
            ExitCode::from(error.code())
        }
    }
}

fn score(args: &Args) -> Result<Summary, ScoreError> {
    let keys = match &args.keys {
        Some(path) => {
            Keys::from_file(path).map_err(|error| ScoreError::Refused(error.to_string()))?
        }
        None => Keys::demo(),
    };
    let files = match &args.rules {
        None => shipped_files(),
        Some(dir) => {
            bundle_files::read(dir).map_err(|error| ScoreError::Refused(error.to_string()))?
        }
    };
    let bundle = Bundle::compile(&files).map_err(|faults| {
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        ScoreError::Refused(texts.join("\n"))
    })?;
    let paths = args.tables.as_deref().map(TablePaths::in_dir).unwrap_or_default();
    let base = Tables { fx: Some(bundle.pinned_fx(&files)), ..Tables::default() };
    let token_keys = Arc::new(keys.token_keys());
    let tables = TableStore::load_over(base, &paths, token_keys).map_err(|faults| {
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        ScoreError::Refused(texts.join("\n"))
    })?;
    let journal =
        args.journal.clone().map(|dir| (dir, Opening::SEGMENT_BYTES, Durability::Written));
    let assembly = Assembly {
        bundle: Arc::new(bundle),
        bundle_files: &files,
        keys: &keys,
        journal,
        door: Door::default(),
        times: TimeLimits::default(),
        limits: EngineLimits::default(),
        profile: Profile::shipped("default").expect("the default profile is shipped"),
        pace: Pace::Unhurried,
    };
    let (pipeline, recovered) =
        assemble(assembly).map_err(|error| ScoreError::Failed(error.to_string()))?;
    for PassedOver { path, fault } in &recovered.passed_over {
        eprintln!("{}: passed over: {fault}", path.display());
    }
    let settings = snapshots::Settings::default();
    let keeper = match &args.journal {
        None => None,
        Some(dir) => keep_snapshots(dir, settings, &pipeline, &recovered)
            .map_err(|error| ScoreError::Failed(error.to_string()))?,
    };
    let mut scorer = Scorer { pipeline, keeper };
    let intent = if args.observe { Intent::Observe } else { Intent::Decide };
    let summary = stream(args, &mut scorer, (&tables.current(), &keys.token_keys()), intent)?;
    if let Some(keeper) = scorer.keeper {
        keeper.finish(scorer.pipeline.engine_mut());
    }
    scorer.pipeline.close().map_err(|error| ScoreError::Failed(error.to_string()))?;
    Ok(summary)
}

/// Lines are flushed to the journal and written out in groups of this many.
const GROUP: u64 = 256;

/// The engine over a file, and its snapshots where there is a journal.
struct Scorer<S> {
    pipeline: Pipeline<S>,
    keeper: Option<Keeper>,
}

fn stream<S: Surroundings>(
    args: &Args,
    Scorer { pipeline, keeper }: &mut Scorer<S>,
    lookups: (&Tables, &crate::stages::enrich::TokenKeys),
    intent: Intent,
) -> Result<Summary, ScoreError> {
    let at = |path: &Path| {
        let path = path.display().to_string();
        move |error| ScoreError::File { path, error }
    };
    let mut input = open_input(&args.input).map_err(at(&args.input))?;
    let mut output = open_output(&args.output).map_err(at(&args.output))?;
    let (mut summary, mut line, mut group) = (Summary::default(), Vec::new(), Vec::new());
    loop {
        line.clear();
        let ended = input.read_until(b'\n', &mut line).map_err(at(&args.input))? == 0;
        if ended || (summary.lines.is_multiple_of(GROUP) && summary.lines > 0) {
            // No answer leaves before the journal has it.
            pipeline.flush().map_err(|error| ScoreError::Failed(error.to_string()))?;
            output.write_all(&group).map_err(at(&args.output))?;
            group.clear();
        }
        if ended {
            output.flush().map_err(at(&args.output))?;
            return Ok(summary);
        }
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        if line.is_empty() {
            continue;
        }
        summary.lines += 1;
        if let Some(keeper) = keeper {
            keeper.turn(pipeline.engine_mut());
        }
        let step = pipeline
            .process(&line, (None, None), intent, lookups)
            .map_err(|error| ScoreError::Failed(error.to_string()))?;
        summary.count(&step.outcome);
        if let Some(decision) = step.decision {
            group.extend_from_slice(decision.as_bytes());
            group.push(b'\n');
        }
    }
}

impl Summary {
    fn count(&mut self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Rejected(_) => &mut self.rejected,
            Outcome::Applied(applied) => match applied {
                Applied::Decided { body, .. } => {
                    let action = match body.action {
                        Action::Approve => &mut self.approve,
                        Action::Challenge => &mut self.challenge,
                        Action::Decline => &mut self.decline,
                    };
                    *action += 1;
                    &mut self.decided
                }
                Applied::Repeated { .. } | Applied::AlreadyAmended { .. } => &mut self.repeated,
                Applied::Conflict { .. } => &mut self.conflicts,
                Applied::Observed { .. } => &mut self.observed,
                Applied::Amended { .. } => &mut self.amended,
                Applied::Parked { .. } => &mut self.parked,
            },
        };
        *counter += 1;
    }
}

fn open_input(path: &Path) -> io::Result<Box<dyn BufRead>> {
    Ok(if path.as_os_str() == "-" {
        Box::new(BufReader::with_capacity(1 << 20, io::stdin()))
    } else {
        Box::new(BufReader::with_capacity(1 << 20, File::open(path)?))
    })
}

fn open_output(path: &Path) -> io::Result<Box<dyn Write>> {
    Ok(if path.as_os_str() == "-" {
        Box::new(io::stdout())
    } else {
        Box::new(BufWriter::with_capacity(1 << 20, File::create(path)?))
    })
}

fn report(summary: &Summary, json: bool) {
    if json {
        eprintln!("{}", sonic_rs::to_string(summary).unwrap_or_default());
        return;
    }
    let Summary { lines, decided, approve, challenge, decline, .. } = summary;
    eprintln!(
        "{lines} lines: {decided} decided (approve {approve}, challenge {challenge}, decline {decline})"
    );
    for (count, what) in [
        (summary.repeated, "repeated: answered again, not counted again"),
        (summary.conflicts, "conflicts: the id came before with other content"),
        (summary.observed, "counted without a decision"),
        (summary.amended, "outcomes and labels applied"),
        (summary.parked, "outcomes and labels of events that are not known"),
        (summary.rejected, "rejected at the door"),
    ] {
        if count > 0 {
            eprintln!("{count:>10}  {what}");
        }
    }
}
