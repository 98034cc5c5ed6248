//! `tidegate audit`: what the journal's open part says, for an investigator. No key is needed: a
//! personal value does not stand there.

mod line;
mod table;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use self::line::Line;
use crate::bundle::Bundle;
use crate::domain::{Facts, FieldId, ReasonId, Seq};
use crate::journal::{BundleHash, BundleRef, Item, JournalError, Reader, StoredBundle};
use crate::wire::WireError;

/// Between two looks at a journal that is being followed.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Look into a journal.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Show the newest records: tokens, facts and decisions, also while a service writes them
    #[command(
        after_help = "Example:\n  tidegate audit tail --journal /var/lib/tidegate/journal \\\n    --follow --json | jq .reasons"
    )]
    Tail(Tail),
}

/// What to show.
#[derive(clap::Args, Clone, Debug)]
pub struct Tail {
    /// The journal's directory
    #[arg(long)]
    journal: PathBuf,
    /// Go on as records are written, until interrupted
    #[arg(long)]
    follow: bool,
    /// Begin at this input's number
    #[arg(long, value_name = "SEQ", conflicts_with = "lines")]
    from: Option<u64>,
    /// How many of the newest inputs to show
    #[arg(long, short = 'n', default_value_t = 20)]
    lines: u64,
    /// One JSON object a line on standard output, with everything the open part says
    #[arg(long)]
    json: bool,
}

/// Why there is nothing (more) to show.
#[derive(Debug, thiserror::Error)]
enum TailError {
    #[error("{0}: no journal here (a journal is a directory of .tgj files)")]
    NoJournal(PathBuf),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("a record's features cannot be read: {0}")]
    Features(#[from] WireError),
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl TailError {
    /// 1: the journal was altered; 2: this is no journal of ours; 3: disk or pipe.
    fn code(&self) -> u8 {
        match self {
            Self::NoJournal(_) => 2,
            Self::Journal(error) => match error {
                JournalError::Damaged { .. }
                | JournalError::Record { .. }
                | JournalError::Gap { .. } => 1,
                JournalError::NotASegment { .. } | JournalError::NewerVersion { .. } => 2,
                _ => 3,
            },
            Self::Features(_) => 1,
            Self::Write(_) => 3,
        }
    }
}

/// Runs it: 0 when everything asked for was shown, 1 when the journal is damaged, 2 when there is
/// none, 3 when a disk fails. A reader that closes the pipe early has seen enough.
pub fn run(args: Args) -> ExitCode {
    let Command::Tail(tail) = args.command;
    let shown = if tail.json {
        show(&tail, &mut BufWriter::new(io::stdout().lock()))
    } else {
        // A table is for people: they read standard error.
        show(&tail, &mut BufWriter::new(io::stderr().lock()))
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(TailError::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidegate audit tail: {error}");
            ExitCode::from(error.code())
        }
    }
}

fn show(tail: &Tail, out: &mut dyn Write) -> Result<(), TailError> {
    let dir = &tail.journal;
    let missing = || TailError::NoJournal(dir.clone());
    if !dir.is_dir() {
        return Err(missing());
    }
    let reader = match tail.from {
        Some(from) => Reader::open_from(dir, Seq(from))?,
        None => Reader::open_newest(dir, tail.lines)?,
    };
    let mut reader = reader.ok_or_else(missing)?;
    let mut names = Names::at_start(&reader)?;
    if !tail.json {
        table::write_head(out)?;
    }
    loop {
        while let Some(item) = reader.read()? {
            match item {
                Item::Entry(entry) if tail.json => {
                    serde_line(&Line::of(entry, &names)?, out)?;
                }
                Item::Entry(entry) => table::write_row(out, entry, &names)?,
                Item::Bundle(bundle) => names.take(bundle),
                Item::Start(_) => {}
            }
        }
        out.flush()?;
        if !tail.follow {
            return Ok(());
        }
        sleep(LOOK_EVERY);
    }
}

fn serde_line(line: &Line, out: &mut dyn Write) -> io::Result<()> {
    let mut text = sonic_rs::to_vec(line).map_err(io::Error::other)?;
    text.push(b'\n');
    out.write_all(&text)
}

/// What the bundles of the journal call things.
#[derive(Debug, Default)]
struct Names {
    reasons: Vec<(ReasonId, String)>,
    bundles: Vec<(BundleRef, BundleHash)>,
    /// The bundle in force, compiled from its record; `None` when this version cannot, and then
    /// columns and rules go by their numbers.
    compiled: Option<Bundle>,
}

impl Names {
    /// Those of the bundle in force where the reader stands.
    fn at_start(reader: &Reader) -> Result<Self, JournalError> {
        let mut names = Self::default();
        if let Some(active) = reader.bundle_at_segment_start() {
            names.take(reader.read_active_bundle(active)?);
        }
        Ok(names)
    }

    fn take(&mut self, bundle: StoredBundle) {
        self.bundles.push((bundle.bundle, bundle.hash));
        self.reasons = bundle.reasons;
        let files = bundle.files.into_iter().map(|file| (file.path, file.content)).collect();
        self.compiled = Bundle::compile(&files).ok();
    }

    /// A column's name, by its number after the facts.
    fn column(&self, column: usize) -> String {
        let number = Facts::COLUMNS + column;
        let id = u16::try_from(number).ok().map(FieldId);
        let field = self.compiled.as_ref().zip(id).and_then(|(b, id)| b.schema.field(id));
        field.map_or_else(|| format!("column_{number}"), |field| field.name.clone())
    }

    /// A rule's id, by its number in the bundle.
    fn rule(&self, rule: u16) -> String {
        let rules = self.compiled.as_ref().map_or(&[][..], |bundle| bundle.rules.rules());
        let known = rules.get(usize::from(rule));
        known.map_or_else(|| format!("rule_{rule}"), |rule| rule.id.clone())
    }

    /// A reason's code; its number when the bundle's record says none.
    fn reason(&self, id: ReasonId) -> String {
        let code = self.reasons.iter().find(|(known, _)| *known == id);
        code.map_or_else(|| format!("reason_{}", id.0), |(_, code)| code.clone())
    }

    /// A bundle's hash in hexadecimal digits.
    fn bundle(&self, bundle: BundleRef) -> Option<String> {
        let known = self.bundles.iter().rev().find(|(known, _)| *known == bundle);
        known.map(|(_, hash)| hash.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests;
