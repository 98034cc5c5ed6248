//! The past through an engine: every input in its order, windows rebuilt point in time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::rules::Rules;
use crate::commands::assemble::AssembleError;
use crate::commands::lines::Refusals;
use crate::commands::report::{Fault, Limits, Progress, Span, journal_end};
use crate::config::Config;
use crate::domain::{
    Amendment, Applied, Body, Control, EventTime, Fact, Input, Kind, Seq, Service, Standing, Token,
    Truth, What,
};
use crate::edges::tables::TablePaths;
use crate::engine::{Engine, EngineLimits, Unhurried, count_again};
use crate::journal::{Item, ReadEntry, Reader};

/// Where the past comes from.
#[derive(Clone, Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("past").required(true)))]
pub(in crate::commands) struct HistoryArgs {
    /// A journal's directory: inputs as tokens and facts, with the labels that came. No key is
    /// needed
    #[arg(long, value_name = "DIR", group = "past")]
    journal: Option<PathBuf>,
    /// A file of events instead, one JSON object a line, as `tidegate score` reads it: gzip and zstd, too
    #[arg(long, value_name = "FILE", group = "past")]
    events: Option<PathBuf>,
    /// Reference tables for the events, as `tidegate score` takes them
    #[arg(long, value_name = "DIR", requires = "events")]
    tables: Option<PathBuf>,
    /// Name every refused line of the events here, as JSON lines: its number, its reason, what was
    /// wanted; no values
    #[arg(long, value_name = "FILE", requires = "events")]
    rejects: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::commands) span: Span,
    #[command(flatten)]
    limits: Limits,
}

impl HistoryArgs {
    /// Checks what can be checked before anything runs.
    pub(in crate::commands) fn open(&self) -> Result<History, Fault> {
        self.span.check()?;
        let from = match (&self.journal, &self.events) {
            (Some(dir), _) => {
                journal_end(dir)?;
                Whence::Journal(dir.clone())
            }
            (None, Some(file)) => {
                let name = file.display().to_string();
                match std::fs::metadata(file) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                        return Err(Fault::Wrong(format!("{name}: no such file")));
                    }
                    Err(error) => return Err(Fault::file(name)(error)),
                    // It is read once a pass, and told how far it is.
                    Ok(about) if !about.is_file() => {
                        return Err(Fault::Wrong(format!(
                            "{name}: not a file; a pipe or a \
                                                         directory cannot be read twice"
                        )));
                    }
                    Ok(_) => Whence::Events(file.clone(), self.table_paths()?),
                }
            }
            // clap asks for one of them.
            (None, None) => return Err(Fault::Wrong("name --journal or --events".to_owned())),
        };
        let rejects = self.rejects.clone();
        Ok(History { from, rejects, span: self.span, limits: self.limits.engine()? })
    }

    fn table_paths(&self) -> Result<TablePaths, Fault> {
        match (&self.tables, &self.limits.config) {
            (Some(dir), _) if dir.is_dir() => Ok(TablePaths::in_dir(dir)),
            (Some(dir), _) => Err(Fault::Wrong(format!("{}: no such directory", dir.display()))),
            (None, Some(file)) => {
                let (config, _) = Config::examine(file);
                Ok(config.map(|config| config.tables.paths).unwrap_or_default())
            }
            (None, None) => Ok(TablePaths::default()),
        }
    }
}

/// A past that can be walked through, any number of times.
#[derive(Clone, Debug)]
pub(in crate::commands) struct History {
    from: Whence,
    /// Where refused lines are named.
    pub(super) rejects: Option<PathBuf>,
    pub(in crate::commands) span: Span,
    pub(in crate::commands) limits: EngineLimits,
}

#[derive(Clone, Debug)]
enum Whence {
    Journal(PathBuf),
    Events(PathBuf, TablePaths),
}

/// One decision within the span.
pub(in crate::commands) struct Sight<'a> {
    pub(in crate::commands) event: Token,
    pub(in crate::commands) event_id: &'a str,
    pub(in crate::commands) received_at: EventTime,
    pub(in crate::commands) occurred_at: EventTime,
    pub(in crate::commands) service: Service,
    pub(in crate::commands) kind: Kind,
    /// In minor units of the base currency.
    pub(in crate::commands) amount: Option<i64>,
    /// What the journal says was answered then.
    pub(in crate::commands) then: Option<&'a Body>,
    /// What the engine answers.
    pub(in crate::commands) body: &'a Body,
    /// The engine as the decision left it: its row, its hits.
    pub(in crate::commands) engine: &'a Engine,
}

/// Who looks on.
pub(in crate::commands) trait Onlooker {
    /// A decision within the span.
    fn decided(&mut self, sight: &Sight<'_>);

    /// A label of any time: also what is learned after the span is true of the span.
    fn labelled(&mut self, _target: Token, _truth: Truth, _standing: Standing) {}

    /// Whether labels of after the span are wanted.
    fn wants_labels(&self) -> bool {
        false
    }
}

/// What was walked through.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Walked {
    /// Inputs, or lines.
    pub(in crate::commands) inputs: u64,
    /// Of those, before the span: they filled the windows.
    pub(in crate::commands) before: u64,
    /// Lines that were rejected at the door.
    pub(in crate::commands) rejected: u64,
    /// Lines that got no answer: these, and conflicts.
    pub(in crate::commands) refusals: Refusals,
    /// The number of the journal's first input, when it is not the first of all.
    pub(in crate::commands) begins_with: Option<u64>,
}

impl History {
    /// Its name among people.
    pub(in crate::commands) fn shown(&self) -> String {
        match &self.from {
            Whence::Journal(path) | Whence::Events(path, _) => path.display().to_string(),
        }
    }

    /// Whether it holds the answers of then.
    pub(in crate::commands) const fn has_answers(&self) -> bool {
        matches!(self.from, Whence::Journal(_))
    }

    /// Sends all of it through an engine under some rules. `doing` is drawn with a bar; a second
    /// walk beside a first one draws none, and names no refused lines.
    pub(in crate::commands) fn walk(
        &self,
        rules: &Rules,
        doing: Option<&'static str>,
        onlooker: &mut impl Onlooker,
    ) -> Result<Walked, Fault> {
        match &self.from {
            Whence::Journal(dir) => self.walk_journal(dir, rules, doing, onlooker),
            Whence::Events(file, paths) => self.walk_events((file, paths), rules, doing, onlooker),
        }
    }

    fn walk_journal(
        &self,
        dir: &Path,
        rules: &Rules,
        doing: Option<&'static str>,
        onlooker: &mut impl Onlooker,
    ) -> Result<Walked, Fault> {
        let mut engine = Engine::new(Arc::clone(&rules.bundle), &self.limits)
            .map_err(|faults| Fault::Wrong(AssembleError::Plan(faults).to_string()))?;
        let end = journal_end(dir)?;
        let mut progress = doing.map(|doing| Progress::new(doing, end.0));
        let missing = || Fault::NoJournal(dir.to_owned());
        let mut reader = Reader::open_from(dir, Seq(0))?.ok_or_else(missing)?;
        let mut walked = Walked::default();
        while let Some(item) = reader.read()? {
            let Item::Entry(entry) = item else { continue };
            walked.inputs += 1;
            if let Some(progress) = &mut progress {
                progress.reached(walked.inputs, entry.seq.0);
            }
            let input = &entry.input;
            let received_at = input.received_at;
            if let Some((target, truth, standing)) = label(input) {
                onlooker.labelled(target, truth, standing);
            }
            if self.span.to.is_some_and(|to| received_at >= to) {
                if onlooker.wants_labels() {
                    continue;
                }
                break;
            }
            let mut silent: ReadEntry;
            let entry = match silenced(input) {
                Some(input) => {
                    silent = entry.clone();
                    silent.input = input;
                    &silent
                }
                None => entry,
            };
            let input = &entry.input;
            // An older journal's first segments may be deleted: its numbers go on from there.
            let jumps = entry.seq != engine.next_seq();
            if jumps && walked.begins_with.is_none() {
                walked.begins_with = Some(entry.seq.0);
            }
            if jumps || self.span.from.is_some_and(|from| received_at < from) {
                walked.before += 1;
                count_again(&mut engine, entry);
                continue;
            }
            let applied = engine.apply(input, &mut Unhurried);
            // What is given up on is the edge's affair; here it would only pile up.
            engine.take_expired().for_each(drop);
            if let Applied::Decided { body, .. } = &applied {
                let seen = Seen::of(input);
                onlooker.decided(&seen.sight(&input.event_id, entry.body(), body, &engine));
            }
        }
        Ok(walked)
    }
}

/// What is kept of an input while the engine has it.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    event: Token,
    pub(super) received_at: EventTime,
    occurred_at: EventTime,
    service: Service,
    kind: Kind,
    amount: Option<i64>,
}

impl Seen {
    pub(super) fn of(input: &Input) -> Self {
        let word = |fact| input.facts.text(fact).unwrap_or_default();
        Self {
            event: input.event,
            received_at: input.received_at,
            occurred_at: input.occurred_at,
            // As the engine takes what enrich has not set.
            service: Service::parse(word(Fact::Service)).unwrap_or(Service::InternetPayment),
            kind: Kind::parse(word(Fact::Kind)).unwrap_or(Kind::Payment),
            amount: input.facts.int(Fact::AmountBase),
        }
    }

    pub(super) fn sight<'a>(
        self,
        event_id: &'a str,
        then: Option<&'a Body>,
        body: &'a Body,
        engine: &'a Engine,
    ) -> Sight<'a> {
        let Self { event, received_at, occurred_at, service, kind, amount } = self;
        Sight {
            event,
            event_id,
            received_at,
            occurred_at,
            service,
            kind,
            amount,
            then,
            body,
            engine,
        }
    }
}

/// What was decided of bundles and rules then concerns those of then: it keeps its number and says
/// nothing, else a rule that was switched off would be measured as silent. Lists stay as they were.
fn silenced(input: &Input) -> Option<Input> {
    match input.control.as_deref()? {
        Control::ListAdd(_) | Control::ListRemove(_) => None,
        Control::Propose(_)
        | Control::Activate(_)
        | Control::SwitchOff(_)
        | Control::Guard(_)
        | Control::LookUp(_)
        | Control::Upgrade(_) => Some(Input { control: None, ..input.clone() }),
    }
}

/// What a label says, of which event, and how it stands to others.
pub(super) fn label(input: &Input) -> Option<(Token, Truth, Standing)> {
    match input.what {
        What::Amend { target, amendment } => match amendment {
            Amendment::Label { truth, .. } => Some((target, truth, input.standing(amendment))),
            Amendment::Outcome { .. } => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::domain::SwitchedOff;
    use crate::edges::keys::Keys;
    use crate::stages::rules::RuleIndex;

    /// A rule that was switched off then is measured all the same: another one may be wanted
    /// because of it. The change keeps its number, so that what came after it keeps its own.
    #[test]
    fn a_rule_that_was_switched_off_is_still_measured() {
        let limits = EngineLimits { recent_events: 1_000, ..EngineLimits::default() };
        let holds = |heed: bool| {
            let mut engine = Engine::new(Arc::new(Bundle::shipped()), &limits).unwrap();
            let (rule, by, reason) = ("K12".to_owned(), "a".to_owned(), "b".to_owned());
            let off = Control::SwitchOff(SwitchedOff { rule, by, reason });
            let mut input = Input::new();
            (input.what, input.control) = (What::Control, Some(Box::new(off)));
            let given = if heed { input } else { silenced(&input).unwrap() };
            engine.apply(&given, &mut Unhurried);
            assert_eq!(engine.next_seq(), Seq(2));
            let mut night = Input::new();
            night.event = Keys::demo().token_keys().event("", "e");
            night.occurred_at = EventTime::parse_rfc3339("2026-03-02T02:00:00+08:00").unwrap();
            night.received_at = night.occurred_at;
            night.facts.set_text(Fact::Kind, "payment");
            night.facts.set_int(Fact::OccurredAt, night.occurred_at.as_ms());
            engine.apply(&night, &mut Unhurried);
            let k12 = |rule: &RuleIndex| engine.bundle().rules.rule(*rule).id == "K12";
            let hits = engine.hits();
            hits.fired.iter().any(k12)
        };
        assert!(!holds(true));
        assert!(holds(false));
    }
}
