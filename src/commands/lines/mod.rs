//! Lines through a pipeline: the one loop of `score` and `import`.

mod setting;
mod text;
mod input;
mod tally;
mod refused;
mod bar;

pub(super) use bar::Bar;
pub(super) use input::Input;
pub(super) use refused::{Refusals, Refused, RefusedLine};
pub(super) use setting::{JournalAt, Setting, Through};
pub(super) use tally::Tally;
pub(super) use text::Text;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use super::assemble::{AssembleError, Assembly, assemble, keep_snapshots, now, settle_rates};
use super::prepare::{Finding, Means};
use super::report::file_code;
use crate::domain::EventTime;
use crate::edges::snapshots::Keeper;
use crate::engine::{FileBounds, FileTime, Intent, Pace, PassedOver, Pipeline, Step, Surroundings};
use crate::journal::JournalError;
use crate::stages::enrich::{Tables, TokenKeys};

/// Lines are flushed to the journal and written out in groups of this many.
const GROUP: u64 = 256;
/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Why not every line went through.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinesError {
    /// What the lines should run through is wrong.
    #[error("{}", list(.0))]
    Setting(Vec<Finding>),
    /// The lines or the answers.
    #[error("{path}: {error}")]
    File { path: String, error: io::Error },
    /// The journal cannot be opened, or the bundle not be laid out.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// The journal cannot keep a line.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no thread to write snapshots.
    #[error("the system refuses a thread: {0}")]
    Thread(io::Error),
}

fn list(findings: &[Finding]) -> String {
    let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

impl LinesError {
    /// 2: the caller can correct it; 3: something outside failed.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Setting(_)
            | Self::Assemble(AssembleError::Plan(_) | AssembleError::InForce { .. }) => 2,
            Self::Assemble(AssembleError::Journal(error)) if error.is_other_key() => 2,
            Self::File { error, .. } => file_code(error),
            Self::Assemble(_) | Self::Journal(_) | Self::Thread(_) => 3,
        }
    }

    /// Whoever read the answers closed the pipe.
    pub(super) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::File { error, .. } if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// For `map_err` on file operations.
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::File { path, error }
    }
}

/// Which lines, and what is asked of them.
pub(super) struct Lines<'a> {
    /// JSON, one object a line; `-` is standard input.
    pub(super) from: &'a Path,
    /// Where answers go; `-` is standard output. Without it nobody reads them.
    pub(super) to: Option<&'a Path>,
    /// Whether they are decided or only counted.
    pub(super) intent: Intent,
    /// Lines of later are refused.
    pub(super) until: Option<EventTime>,
    /// Where every line that is refused is named, with its place and why.
    pub(super) rejects: Option<&'a Path>,
    /// What a person who waits is told is going on.
    pub(super) doing: &'static str,
}

impl Lines<'_> {
    /// Sends every line through, with a snapshot at the end where there is a journal.
    pub(super) fn through(&self, setting: Setting) -> Result<Tally, LinesError> {
        // The lines first: a mistyped name must not make a journal.
        let input = Input::open(self.from, setting.door.bytes_max);
        let input = input.map_err(LinesError::at(self.from))?;
        let refused = Refused::new(self.rejects);
        let refused = refused.map_err(LinesError::at(self.rejects.unwrap_or(Path::new("-"))))?;
        let Setting { means, journal, door, times, limits, profile, snapshots, admin: _ } = setting;
        let Means { keys, bundle, bundle_files, tables } = means;
        // So must one that cannot be written to; what stands there stays until the lines begin.
        let output = self.to.map(open_output).transpose();
        let output = output.map_err(LinesError::at(self.to.unwrap_or(Path::new("-"))))?;
        let dir = journal.as_ref().map(|(dir, ..)| dir.clone());
        let bounds = FileBounds {
            horizon_ms: times.age_ms_max,
            until: self.until,
            // The journal goes on after the file: by whoever opened it, and when.
            alone_until: dir.is_some().then(now),
        };
        let (pipeline, recovered) = assemble(Assembly {
            bundle,
            bundle_files: &bundle_files,
            keys: &keys,
            journal,
            door,
            times,
            limits,
            profile,
            pace: Pace::Unhurried,
        })?;
        settle_rates(&tables, &pipeline)?;
        if let Some(cut) = &recovered.cut {
            eprintln!("{cut}");
        }
        for PassedOver { path, fault } in &recovered.passed_over {
            eprintln!("{}: passed over: {fault}", path.display());
        }
        let keeper = match &dir {
            None => None,
            Some(dir) => {
                keep_snapshots(dir, snapshots, &pipeline, &recovered).map_err(LinesError::Thread)?
            }
        };
        let output = output.map(begin_output).transpose();
        let output = output.map_err(LinesError::at(self.to.unwrap_or(Path::new("-"))))?;
        let reached = dir.and(pipeline.engine().last_received_at());
        let time = FileTime::new(pipeline.admission(), reached, bounds);
        let mut engine = Running { pipeline, keeper, time };
        let bar = Bar::new(self.doing, input.bytes(), self.may_draw());
        let tally = self.stream(
            (input, output, refused),
            bar,
            &mut engine,
            (&tables.current(), &keys.token_keys()),
        )?;
        if let Some(keeper) = engine.keeper {
            keeper.finish(engine.pipeline.engine_mut());
        }
        engine.pipeline.close()?;
        Ok(tally)
    }

    fn stream<S: Surroundings>(
        &self,
        (mut input, mut output, mut refused): (Input<'_>, Option<Box<dyn Write>>, Refused),
        mut bar: Bar,
        Running { pipeline, keeper, time }: &mut Running<S>,
        lookups: (&Tables, &TokenKeys),
    ) -> Result<Tally, LinesError> {
        let (mut tally, mut line, mut group) = (Tally::default(), Vec::new(), Vec::new());
        let (mut bytes, mut number, mut flushed) = (0, 0, 0);
        loop {
            let read = input.read_line(&mut line).map_err(LinesError::at(self.from))?;
            bytes += read as u64;
            number += 1;
            match line.trim_ascii_end() {
                _ if read == 0 => time.end(),
                [] => {}
                text => time.push(number, text.into(), lookups),
            }
            while let Some((number, mut admitted)) = time.next_line() {
                tally.lines += 1;
                if let Some(keeper) = keeper {
                    keeper.turn(pipeline.engine_mut());
                }
                let step = pipeline.take(&mut admitted, (None, None), self.intent, lookups.1)?;
                tally.count(&step.outcome);
                self.note_refused(number, &step, &mut refused)?;
                tally.count_currency(&step.outcome, &step.input.facts);
                tally.count_dropped(&step.dropped);
                if let (Some(decision), Some(_)) = (step.decision, self.to) {
                    group.extend_from_slice(decision.as_bytes());
                    group.push(b'\n');
                }
                time.give_back(admitted);
            }
            if read == 0 || tally.lines >= flushed + GROUP {
                flushed = tally.lines;
                // No answer leaves before the journal has it.
                pipeline.flush()?;
                if let (Some(output), Some(path)) = (&mut output, self.to) {
                    output.write_all(&group).map_err(LinesError::at(path))?;
                    if read == 0 {
                        output.flush().map_err(LinesError::at(path))?;
                    }
                }
                group.clear();
                bar.at(tally.lines, bytes);
            }
            if read == 0 {
                let at = LinesError::at(self.rejects.unwrap_or(Path::new("-")));
                tally.refused = refused.finish().map_err(at)?.first;
                return Ok(tally);
            }
        }
    }

    fn note_refused(
        &self,
        line: u64,
        step: &Step<'_>,
        refused: &mut Refused,
    ) -> Result<(), LinesError> {
        let Some(line) = RefusedLine::of(line, step) else { return Ok(()) };
        refused.note(line).map_err(LinesError::at(self.rejects.unwrap_or(Path::new("-"))))
    }

    /// Answers on the terminal and a bar on the terminal would draw over each other.
    fn may_draw(&self) -> bool {
        let is_shown = self.to.is_some_and(|to| to.as_os_str() == "-");
        !(is_shown && io::stdout().is_terminal())
    }
}

/// The engine over lines, and its snapshots where there is a journal.
struct Running<S> {
    pipeline: Pipeline<S>,
    keeper: Option<Keeper>,
    time: FileTime,
}

/// Where answers go; `None` is standard output. A file keeps what it has.
fn open_output(path: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false);
    if path.as_os_str() == "-" { Ok(None) } else { options.open(path).map(Some) }
}

fn begin_output(file: Option<File>) -> io::Result<Box<dyn Write>> {
    let Some(file) = file else { return Ok(Box::new(io::stdout())) };
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, file)))
}
