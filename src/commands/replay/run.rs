//! The run itself: inputs in their order, each applied again and held against its record.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::compare::{Comparer, comparison};
use super::rebuild::{Begun, Origin, engine_as_it_was, engine_before};
use super::report::Report;
use super::what_if::Tally;
use crate::bundle::Bundle;
use crate::commands::audit::names::Names;
use crate::commands::report::{Fault, Progress, Span, journal_end};
use crate::domain::{Applied, Control, EventTime, Plan, Seq};
use crate::engine::{ENGINE_SEMANTICS, Engine, EngineLimits, Fixed, Shelf, Windows};
use crate::journal::{self, Item, JournalIndex, Key, ReadEntry, Reader};

/// What is to be replayed, and how.
pub(super) struct Wanted<'a> {
    pub(super) journal: &'a Path,
    pub(super) span: Span,
    pub(super) event: Option<&'a str>,
    /// Decide under this bundle instead of the journal's.
    pub(super) what_if: Option<Arc<Bundle>>,
    pub(super) limits: EngineLimits,
    /// Where the state before may come from.
    pub(super) origin: Origin,
}

/// Replays.
pub(super) fn replay(wanted: &Wanted<'_>) -> Result<Report, Fault> {
    let end = journal_end(wanted.journal)?;
    let first = first_wanted(wanted, end)?;
    let mut reader = open_at(wanted.journal, first)?;
    let names = Names::at_start(&reader)?;
    let mut run = Run {
        wanted,
        names,
        engine: None,
        comparer: Comparer::default(),
        tally: wanted.what_if.as_deref().map(Tally::new),
        report: Report {
            journal: wanted.journal.display().to_string(),
            mode: if wanted.what_if.is_some() { "what_if" } else { "exact" },
            range: wanted.event.map_or_else(|| wanted.span.shown(), |id| format!("event {id}")),
            engine_semantics: ENGINE_SEMANTICS,
            ..Report::default()
        },
    };
    let started = Instant::now();
    let mut progress = Progress::new("replaying", end.0);
    while let Some(item) = reader.read()? {
        match item {
            Item::Start(_) => {}
            Item::Bundle(stored) => {
                run.names.take(stored);
            }
            Item::Entry(entry) => {
                if !run.take(entry)? {
                    break;
                }
                progress.at(entry.seq.0);
            }
        }
    }
    run.report.elapsed_s = started.elapsed().as_secs_f64();
    run.report.what_if = run.tally.map(Tally::finish);
    Ok(run.report)
}

/// The number of the first input of the range.
fn first_wanted(wanted: &Wanted<'_>, end: Seq) -> Result<Seq, Fault> {
    match (wanted.event, wanted.span.from) {
        (Some(id), _) => first_of_event(wanted.journal, id),
        (None, Some(from)) => first_since(wanted.journal, from, end),
        (None, None) => first_with_a_state(wanted),
    }
}

/// The journal's first input; when older ones were deleted, the first with a snapshot before it.
fn first_with_a_state(wanted: &Wanted<'_>) -> Result<Seq, Fault> {
    let first = open_at(wanted.journal, Seq(0))?.next_seq();
    let kept = Shelf::of(wanted.journal).kept();
    let anchor = kept.iter().map(|kept| kept.next).find(|next| *next >= first);
    let can_begin_later = first > Seq(1) && wanted.origin == Origin::Snapshot;
    Ok(anchor.filter(|_| can_begin_later).unwrap_or(first))
}

/// The first input that arrived at a moment or after it: its segment is found by the arrival of each
/// one's first input, and only that segment is read.
fn first_since(journal: &Path, from: EventTime, end: Seq) -> Result<Seq, Fault> {
    let missing = || Fault::NoJournal(journal.to_owned());
    let mut reader = Reader::open_before(journal, from)?.ok_or_else(missing)?;
    while let Some(item) = reader.read()? {
        if let Item::Entry(entry) = item
            && entry.input.received_at >= from
        {
            return Ok(entry.seq);
        }
    }
    Ok(end)
}

/// The record of an event, by the indexes of the segments.
fn first_of_event(journal: &Path, id: &str) -> Result<Seq, Fault> {
    let mut found = None;
    visit_event(journal, id, |entry| {
        if found.is_none() && is_event(entry, id) {
            found = Some(entry.seq);
        }
        Ok(())
    })?;
    found.ok_or_else(|| Fault::Wrong(format!("no event {id} in this journal")))
}

/// Every record that speaks of an event, in their order, by the indexes of the segments; those that
/// are missing are made.
pub(in crate::commands) fn visit_event(
    journal: &Path,
    id: &str,
    mut visit: impl FnMut(&ReadEntry) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut progress: Option<Progress> = None;
    let mut index = JournalIndex::open(journal, |done, total| {
        let bar = progress.get_or_insert_with(|| Progress::new("indexing segments", total as u64));
        bar.at(done as u64);
    })?;
    let wanted = journal::Wanted { keys: vec![vec![Key::event(id)]], ..journal::Wanted::default() };
    for position in index.find(&wanted)? {
        let entry = index.read(position)?;
        // A key may stand for two ids.
        if entry.input.event_id == id {
            visit(entry)?;
        }
    }
    Ok(())
}

/// Whether a record is of the event itself and not of something that became known of it.
pub(super) fn is_event(entry: &ReadEntry, id: &str) -> bool {
    entry.input.event_id == id && !matches!(entry.input.what, crate::domain::What::Amend { .. })
}

fn open_at(journal: &Path, from: Seq) -> Result<Reader, Fault> {
    Reader::open_from(journal, from)?.ok_or_else(|| Fault::NoJournal(journal.to_owned()))
}

fn is_activation(entry: &ReadEntry) -> bool {
    matches!(entry.input.control.as_deref(), Some(Control::Activate(_)))
}

struct Run<'a> {
    wanted: &'a Wanted<'a>,
    /// What the bundle in force calls things.
    names: Names,
    /// `None` until the first input under a bundle.
    engine: Option<Engine>,
    comparer: Comparer,
    tally: Option<Tally<'a>>,
    report: Report,
}

impl Run<'_> {
    /// An engine as it stood before a record.
    fn stand_before(&self, entry: &ReadEntry) -> Result<(Engine, Begun), Fault> {
        let Wanted { journal, limits, origin, what_if, .. } = self.wanted;
        let place = (entry.seq, *origin);
        if let Some(bundle) = what_if {
            return engine_before(journal, bundle, limits, (place, Windows::OfBundle));
        }
        let missing = || {
            Fault::Wrong(format!(
                "input {}: this version cannot compile the bundle that decided it",
                entry.seq.0
            ))
        };
        let bundle = self.names.made_by(entry.bundle).ok_or_else(missing)?;
        engine_as_it_was(journal, bundle, limits, place)
    }

    /// Whether the engine at hand decides under another bundle than a record's: the service was
    /// started with another one. An activation itself is made under the bundle before it.
    fn is_of_other_bundle(&self, entry: &ReadEntry) -> bool {
        let engine = self.engine.as_ref().filter(|_| self.wanted.what_if.is_none());
        let made_by = self.names.bundle(entry.bundle);
        engine.zip(made_by).is_some_and(|(engine, made_by)| {
            engine.bundle().name().trim_start_matches("sha256:") != made_by
        })
    }

    /// Takes one record; false when the range has ended.
    fn take(&mut self, entry: &ReadEntry) -> Result<bool, Fault> {
        let Wanted { span, event, what_if, .. } = self.wanted;
        if self.is_of_other_bundle(entry) {
            self.engine = None;
        }
        if span.to.is_some_and(|to| entry.input.received_at >= to) {
            return Ok(false);
        }
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => {
                let (engine, begun) = self.stand_before(entry)?;
                self.report.note_begun(begun);
                engine
            }
        };
        let plan = entry.body().map_or(Plan::Full, |body| body.plan);
        let applied = engine.apply(&entry.input, &mut Fixed(plan));
        // What is given up on is the edge's affair; here it would only pile up.
        engine.take_expired().for_each(drop);
        self.count(entry);
        if what_if.is_none()
            && is_activation(entry)
            && let Some(bundle) = self.names.compiled()
        {
            engine.follow(bundle);
        }
        match &mut self.tally {
            None => self.compare(entry, &applied, &engine)?,
            Some(tally) => {
                if let (Some(then), Applied::Decided { body: now, .. }) = (entry.body(), &applied) {
                    tally.take(entry, then, now, &self.names);
                }
            }
        }
        if self.took_from_snapshot(entry) {
            // The next input is applied to what the service went on from.
            self.engine = None;
            return Ok(event.is_none());
        }
        if event.is_some() {
            self.report.event = Some(comparison(entry, &applied, &engine, &self.names)?);
        }
        self.engine = Some(engine);
        Ok(event.is_none())
    }

    /// Whether the service's state after a record came from a snapshot that an older version of the
    /// engine took: what this version counts itself may differ from it.
    fn took_from_snapshot(&self, entry: &ReadEntry) -> bool {
        let Some(Control::Upgrade(upgrade)) = entry.input.control.as_deref() else { return false };
        let Wanted { what_if, origin, .. } = self.wanted;
        upgrade.snapshot.is_some() && what_if.is_none() && *origin == Origin::Snapshot
    }

    fn count(&mut self, entry: &ReadEntry) {
        self.report.inputs += 1;
        let counter = match entry.applied {
            Applied::Decided { .. } | Applied::Repeated { .. } | Applied::Conflict { .. } => {
                &mut self.report.decisions
            }
            Applied::Observed { .. } => &mut self.report.observed,
            Applied::Amended { .. }
            | Applied::AlreadyCounted { .. }
            | Applied::Parked { .. }
            | Applied::Controlled { .. } => &mut self.report.amendments,
        };
        *counter += 1;
        // The name is made once a bundle, not once an input.
        match self.report.bundles.last_mut().filter(|last| last.of == entry.bundle.0) {
            Some(last) => last.inputs += 1,
            None => self.report.count_bundle(entry.bundle.0, self.names.bundle(entry.bundle)),
        }
    }

    fn compare(
        &mut self,
        entry: &ReadEntry,
        applied: &Applied,
        engine: &Engine,
    ) -> Result<(), Fault> {
        let differs = !self.comparer.is_same(entry, applied, engine.hits());
        self.report.count_semantics(entry.engine_semantics, differs);
        if !differs {
            return Ok(());
        }
        self.report.differences += 1;
        let Report { first_difference, more_differences, .. } = &mut self.report;
        if first_difference.is_none() {
            *first_difference = Some(comparison(entry, applied, engine, &self.names)?);
        } else if more_differences.len() < Report::DIFFERENCES_MAX {
            more_differences.push(comparison(entry, applied, engine, &self.names)?);
        }
        Ok(())
    }
}
