//! `tidegate audit`: what the journal's open part says, for an investigator. No key is needed: a
//! personal value does not stand there.

pub(in crate::commands) mod line;
pub(in crate::commands) mod names;
mod changed;
mod table;
pub(in crate::commands) mod card;
mod search;
mod find;
mod incident;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use self::line::Line;
use self::names::Names;
use super::report::Fault;
use crate::domain::Seq;
use crate::journal::{Cut, Item, JournalError, Reader};
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
    /// Find records by time, answer, reason, rule, merchant, score or card, without reading the rest
    ///
    /// Segments are indexed when they are first asked; the index stands beside each segment and
    /// can be deleted at any time.
    #[command(
        after_help = "Examples:\n  tidegate audit find --journal journal --rule K1 --action decline \\\n    \
                      --from 2026-03-02T00:00:00+08:00\n  tidegate audit find --journal journal \
                      --card --keys tidegate.keys"
    )]
    Find(find::Find),
    /// Report whom a rule or a merchant concerned in a stretch of time, and how it went
    #[command(
        after_help = "Example:\n  tidegate audit incident --journal journal --rule K1 \\\n    --from \
                      2026-03-02T00:00:00+08:00 --to 2026-03-03T00:00:00+08:00 --html incident.html"
    )]
    Incident(incident::Incident),
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
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("cannot write the answer: {0}")]
    Write(#[from] io::Error),
}

impl TailError {
    /// That of the fault; 3 for a pipe or a disk that takes no answer.
    fn code(&self) -> u8 {
        match self {
            Self::Fault(fault) => fault.code(),
            Self::Write(_) => 3,
        }
    }
}

impl From<JournalError> for TailError {
    fn from(error: JournalError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<WireError> for TailError {
    fn from(error: WireError) -> Self {
        Self::Fault(error.into())
    }
}

/// Runs it: 0 when everything asked for was shown, 1 when the journal is damaged, 2 when there is
/// none, 3 when a disk fails. A reader that closes the pipe early has seen enough.
pub fn run(args: Args) -> ExitCode {
    let tail = match args.command {
        Command::Tail(tail) => tail,
        Command::Find(find) => return ended("find", find::run(&find)),
        Command::Incident(incident) => return ended("incident", incident::run(&incident)),
    };
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

/// The exit code of a command that answers at once.
fn ended(name: &str, done: Result<(), Fault>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => ExitCode::from(fault.told(&format!("audit {name}"))),
    }
}

fn show(tail: &Tail, out: &mut dyn Write) -> Result<(), TailError> {
    let dir = &tail.journal;
    let missing = || Fault::NoJournal(dir.clone());
    if !dir.is_dir() {
        return Err(missing().into());
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
            if let Some(Cut { path, offset, bytes }) = reader.unread()? {
                eprintln!(
                    "{}: {bytes} bytes from byte {offset} on are no whole record: a write under way, or \
                     one that was cut short, which the next start cuts off",
                    path.display()
                );
            }
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

#[cfg(test)]
mod tests;
