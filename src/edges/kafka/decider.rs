//! The pipeline behind the loop: its steps become answers.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::{Applied, EventTime, Fact, Kind, Seq, Service, Source};
use crate::edges::admin::Orders;
use crate::edges::snapshots::Keeper;
use crate::edges::tables::TableStore;
use crate::engine::{
    Admission, Admitted, Clock, Intent, Outcome, Pipeline, Recognised, Step, Surroundings,
};
use crate::journal::{Directory, Item, JournalError, JournalId, OpenPart, Reader};
use crate::stages::decode::Encoded;
use crate::stages::enrich::TokenKeys;
use crate::stages::mask::Masked;
use crate::telemetry::{InputResult, LogEvent, Telemetry, emit};

use super::changes::{Changed, Recall};
use super::{Admit, Answer, Handler, HandlerError, Rejected, Sendable};

/// Reasons of dead letters that the door does not know.
pub const EDGE_REASONS: [&str; 2] = [CONFLICT, super::EVENT_UNKNOWN];
/// The same event id came with other content.
const CONFLICT: &str = "conflict";

/// The pipeline as a [`Handler`].
pub struct Decider<S> {
    pipeline: Pipeline<S>,
    tables: Arc<TableStore>,
    keys: Arc<TokenKeys>,
    /// The offset after the last message that the journal has, per topic and partition.
    positions: BTreeMap<(u16, i32), i64>,
    journal_dir: Directory,
    /// Places and open parts of records whose messages come again, by number.
    again: HashMap<Seq, (Source, Vec<u8>)>,
    /// How far back the journal is searched for them, in records.
    search_back: u64,
    /// Changes whose audit records are wanted once more.
    recall: Option<Recall>,
    snapshots: Option<Keeper>,
    /// Changes that people make.
    orders: Option<Orders>,
    telemetry: Option<Telemetry>,
}

/// Admits messages with the tables of the moment.
pub struct Gate {
    admission: Arc<Admission>,
    tables: Arc<TableStore>,
    keys: Arc<TokenKeys>,
    clock: Clock,
}

impl Admit for Gate {
    type Admitted = Admitted;

    fn admit(&self, message: Encoded<'_>, into: &mut Admitted) {
        let tables = self.tables.current();
        self.admission.admit(message, (&tables, &self.keys), &*self.clock, into);
    }
}

/// An audit record, made now or made before and perhaps not sent.
#[derive(Debug)]
pub enum Audit<'a> {
    /// Of the record just appended.
    New(OpenPart<'a>),
    /// Of a record read back from the journal.
    Again(Vec<u8>),
}

impl Sendable for Audit<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::New(part) => part.as_bytes(),
            Self::Again(bytes) => bytes,
        }
    }
}

impl Sendable for &Masked {
    fn as_bytes(&self) -> &[u8] {
        Masked::as_bytes(self)
    }
}

impl<S: Surroundings> Decider<S> {
    /// A handler that goes on at the journal's end. `begin` are the positions that recovery found,
    /// `in_flight_max` the most messages that may lack their acknowledgement at a crash.
    pub fn new(
        mut pipeline: Pipeline<S>,
        tables: Arc<TableStore>,
        keys: TokenKeys,
        (journal_dir, begin): (impl Into<Directory>, impl IntoIterator<Item = Source>),
        in_flight_max: u64,
    ) -> Self {
        // What had expired before the restart was said before it.
        pipeline.engine_mut().take_expired().for_each(drop);
        let positions = begin.into_iter().map(|at| ((at.topic, at.partition), at.offset));
        Self {
            pipeline,
            tables,
            keys: Arc::new(keys),
            positions: positions.collect(),
            journal_dir: journal_dir.into(),
            again: HashMap::new(),
            search_back: in_flight_max,
            snapshots: None,
            recall: None,
            orders: None,
            telemetry: None,
        }
    }

    /// Takes snapshots while deciding.
    #[must_use]
    pub fn with_snapshots(self, keeper: Keeper) -> Self {
        Self { snapshots: Some(keeper), ..self }
    }

    /// Says what guards do.
    #[must_use]
    pub fn with_telemetry(self, telemetry: Telemetry) -> Self {
        Self { telemetry: Some(telemetry), ..self }
    }

    /// Says what guards have done with the message before.
    fn tell_trips(&mut self) {
        for trip in self.pipeline.take_trips() {
            let measure = trip.measure.name();
            emit(&LogEvent::GuardTripped {
                about: trip.about.as_deref().unwrap_or("the whole bundle"),
                measure,
                rules: &trip.rules.join(" "),
                found: trip.found,
                limit: trip.limit,
            });
            if let Some(telemetry) = &self.telemetry {
                telemetry.meters.guard_trip(trip.measure);
            }
        }
    }

    /// Makes the changes that people ask for, between two messages.
    #[must_use]
    pub fn with_orders(self, orders: Orders) -> Self {
        Self { orders: Some(orders), ..self }
    }

    /// The engine, to be asked.
    #[cfg(test)]
    pub(super) fn engine(&self) -> &crate::engine::Engine {
        self.pipeline.engine()
    }

    /// Makes the next change that a person asks for, if one waits.
    fn serve(&mut self, now: EventTime) -> Result<Option<Changed>, JournalError> {
        let Some(orders) = &mut self.orders else { return Ok(None) };
        let made = orders.turn(&mut self.pipeline, now, &self.keys)?;
        Ok(made.and_then(|seq| self.changed(seq)))
    }

    /// Whoever asked for a change hears of it once the journal keeps it.
    fn answer_kept(&mut self) -> Result<(), JournalError> {
        if let Some(orders) = &mut self.orders
            && orders.is_waiting()
        {
            orders.kept(self.pipeline.kept()?);
        }
        Ok(())
    }

    /// The audit record of the change that was made just now.
    fn changed(&self, seq: Seq) -> Option<Changed> {
        self.pipeline.changed().map(|(key, open)| Changed::new(seq, key, open))
    }

    /// Gives what is recalled, at most so many.
    fn recall_some(&mut self, room: usize) -> Result<Vec<Changed>, JournalError> {
        let mut changes = Vec::new();
        while let Some(recall) = &mut self.recall
            && changes.len() < room
        {
            match recall.next()? {
                Some(changed) => changes.push(changed),
                None => self.recall = None,
            }
        }
        Ok(changes)
    }

    /// Reads back the open parts of what comes again.
    fn read_back(&mut self, begin: &[Source], replaced: Seq) -> Result<(), JournalError> {
        // Readers see only segments that have their names; they need not be on the medium.
        self.pipeline.finish_closing()?;
        let next = self.pipeline.engine().next_seq();
        let from = Seq(next.0.saturating_sub(self.search_back).max(1));
        let Some(mut reader) = Reader::open_from(&self.journal_dir, from)? else { return Ok(()) };
        loop {
            let (seq, source) = match reader.read()? {
                Some(Item::Entry(entry)) => match entry.input.source {
                    Some(source) if entry.seq < replaced || is_at_or_after(source, begin) => {
                        (entry.seq, source)
                    }
                    _ => continue,
                },
                Some(_) => continue,
                None => return Ok(()),
            };
            self.again.insert(seq, (source, reader.open_part().as_bytes().to_vec()));
        }
    }
}

/// The audit record of a message that came before, where it is wanted once more. It is kept until the
/// message comes from its own place: another partition that has it too may be taken away before this
/// output is acknowledged, and then nothing brings it back.
fn once_more(
    again: &mut HashMap<Seq, (Source, Vec<u8>)>,
    seq: Seq,
    source: Source,
) -> Option<Audit<'static>> {
    let (own, bytes) = again.get(&seq)?;
    if *own != source {
        return Some(Audit::Again(bytes.clone()));
    }
    again.remove(&seq).map(|(_, bytes)| Audit::Again(bytes))
}

fn is_at_or_after(source: Source, begin: &[Source]) -> bool {
    let same = |at: &&Source| (at.topic, at.partition) == (source.topic, source.partition);
    begin.iter().find(same).is_some_and(|at| source.offset >= at.offset)
}

impl<S: Surroundings> Handler for Decider<S> {
    type Decision<'a>
        = &'a Masked
    where
        S: 'a;
    type Audit<'a>
        = Audit<'a>
    where
        S: 'a;

    type Admission = Gate;

    fn admission(&self) -> Arc<Gate> {
        Arc::new(Gate {
            admission: self.pipeline.admission(),
            tables: Arc::clone(&self.tables),
            keys: Arc::clone(&self.keys),
            clock: self.pipeline.surroundings().clock(),
        })
    }

    fn process(
        &mut self,
        admitted: &mut Box<Admitted>,
        received_at: EventTime,
        source: Source,
    ) -> Result<Answer<'_, &Masked, Audit<'_>>, HandlerError> {
        if let Some(keeper) = &mut self.snapshots {
            keeper.turn(self.pipeline.engine_mut());
        }
        let arrival = (Some(received_at), Some(source));
        let step = self
            .pipeline
            .take(admitted, arrival, Intent::Decide, &self.keys)
            .map_err(HandlerError::from)?;
        let audit = match (step.audit, step.seq()) {
            (Some(part), _) => {
                self.positions.insert((source.topic, source.partition), source.offset + 1);
                Some(Audit::New(part))
            }
            (None, Some(seq)) if !self.again.is_empty() => once_more(&mut self.again, seq, source),
            _ => None,
        };
        Ok(answer(step, audit))
    }

    fn take_expired(&mut self) -> Vec<Source> {
        let expired = self.pipeline.engine_mut().take_expired();
        expired.filter_map(|expired| expired.source).collect()
    }

    fn flush(&mut self) -> Result<u64, HandlerError> {
        let mark = self.pipeline.flush()?;
        if let Some(orders) = &mut self.orders {
            orders.flushed(mark);
        }
        Ok(mark)
    }

    fn change(&mut self, now: EventTime, room: usize) -> Result<Vec<Changed>, HandlerError> {
        self.answer_kept()?;
        let mut changes = self.recall_some(room)?;
        // What a guard asks for is about the message before: no change by a person comes between.
        while let Some(seq) = self.pipeline.trip(&self.keys)? {
            changes.extend(self.changed(seq));
        }
        self.tell_trips();
        // After all that is recalled, so that a reader has changes in their order.
        if self.recall.is_none() && changes.len() < room {
            changes.extend(self.serve(now)?);
        }
        Ok(changes)
    }

    fn recall(&mut self, from: Option<Seq>, until: Seq) -> Result<(), HandlerError> {
        // Readers see only segments that have their names; they need not be on the medium.
        self.pipeline.finish_closing()?;
        // Where nobody can say (the group is new, has forgotten, or was told by another journal),
        // changes are searched for as far back as messages may lack their acknowledgement.
        let from = from.unwrap_or(Seq(until.0.saturating_sub(self.search_back)));
        self.recall = Recall::open(&self.journal_dir, from..until)?;
        Ok(())
    }

    fn recalls_from(&self) -> Option<Seq> {
        self.recall.as_ref().map(Recall::from)
    }

    fn kept(&self) -> Result<u64, HandlerError> {
        Ok(self.pipeline.kept()?)
    }

    fn look(&self) -> Result<(), HandlerError> {
        Ok(self.pipeline.look()?)
    }

    fn wait_kept(&self, timeout: Duration) {
        self.pipeline.wait_kept(timeout);
    }

    fn next_seq(&self) -> Seq {
        self.pipeline.engine().next_seq()
    }

    fn journal(&self) -> Option<JournalId> {
        self.pipeline.journal()
    }

    fn positions(&self) -> Vec<Source> {
        let source = |(&(topic, partition), &offset): (&(u16, i32), &i64)| Source {
            topic,
            partition,
            offset,
        };
        self.positions.iter().map(source).collect()
    }

    fn perhaps_unsent(&self) -> Result<Vec<Source>, HandlerError> {
        // Readers see only segments that have their names; they need not be on the medium.
        self.pipeline.finish_closing()?;
        let from = Seq(self.next_seq().0.saturating_sub(self.search_back).max(1));
        let mut first: BTreeMap<(u16, i32), i64> = BTreeMap::new();
        let Some(mut reader) = Reader::open_from(&self.journal_dir, from)? else {
            return Ok(Vec::new());
        };
        while let Some(item) = reader.read()? {
            let Item::Entry(entry) = item else { continue };
            if let Some(Source { topic, partition, offset }) = entry.input.source
                && entry.seq >= from
            {
                let first = first.entry((topic, partition)).or_insert(offset);
                *first = offset.min(*first);
            }
        }
        let source = |((topic, partition), offset)| Source { topic, partition, offset };
        Ok(first.into_iter().map(source).collect())
    }

    fn recognise(
        &mut self,
        message: Encoded<'_>,
        at: Source,
        now: EventTime,
    ) -> Result<Recognised, HandlerError> {
        let mut admitted = Box::<Admitted>::default();
        self.admission().admit(message, &mut admitted);
        Ok(self.pipeline.recognise(&admitted, at, now)?)
    }

    fn idle(&mut self) {
        if let Some(keeper) = &mut self.snapshots {
            keeper.idle(self.pipeline.engine_mut());
        }
    }

    fn close(&mut self) {
        // A journal that cannot say what it keeps has said why before.
        let _ = self.answer_kept();
        if let Some(keeper) = self.snapshots.take() {
            keeper.finish(self.pipeline.engine_mut());
        }
    }

    fn journal_bytes(&self) -> u64 {
        self.pipeline.journal_bytes()
    }

    fn resume(&mut self, begin: &[Source], replaced: Seq) -> Result<(), HandlerError> {
        let is_behind = |at: &Source| {
            self.positions.get(&(at.topic, at.partition)).is_some_and(|next| at.offset < *next)
        };
        let is_near = replaced.0 + self.search_back > self.pipeline.engine().next_seq().0;
        if replaced > Seq(0) && is_near || begin.iter().any(is_behind) {
            self.read_back(begin, replaced)?;
        }
        Ok(())
    }
}

fn answer<'a>(step: Step<'a>, audit: Option<Audit<'a>>) -> Answer<'a, &'a Masked, Audit<'a>> {
    let (result, rejected) = match step.outcome {
        Outcome::Rejected(reject) => {
            let rejected = Rejected {
                reason: reject.reason.name(),
                field: reject.field,
                wanted: reject.wanted,
                at_byte: reject.at_byte,
            };
            (InputResult::Rejected, Some(rejected))
        }
        Outcome::Applied(applied) => match applied {
            Applied::Decided { .. } => (InputResult::Decided, None),
            Applied::Repeated { .. } | Applied::AlreadyCounted { .. } => {
                (InputResult::Repeated, None)
            }
            Applied::Conflict { .. } => {
                let rejected = Rejected { field: Some("event_id"), ..Rejected::because(CONFLICT) };
                (InputResult::Conflict, Some(rejected))
            }
            Applied::Observed { .. } => (InputResult::Observed, None),
            Applied::Amended { .. } => (InputResult::Amended, None),
            Applied::Parked { .. } => (InputResult::Parked, None),
            // No message is one: it counts as what changed an earlier state.
            Applied::Controlled { .. } => (InputResult::Amended, None),
        },
    };
    let decided = match (result, step.body()) {
        (InputResult::Decided, Some(body)) => {
            let facts = &step.input.facts;
            let kind = facts.text(Fact::Kind).and_then(Kind::parse);
            let service = facts.text(Fact::Service).and_then(Service::parse);
            kind.zip(service).map(|(kind, service)| (kind, service, body.action))
        }
        _ => None,
    };
    Answer {
        result,
        seq: step.seq(),
        key: step.event_id.as_bytes(),
        known_as: &step.input.event_id,
        decision: step.decision,
        audit,
        rejected,
        decided,
        missing: step.missing(),
        placeholders: step.placeholders(),
        dropped: step.dropped,
        stage_ns: step.stage_ns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An audit record that is wanted again goes with every message that repeats its own, until that one
    /// comes from its own place.
    #[test]
    fn an_audit_record_waits_for_its_own_place() {
        let at = |partition| Source { topic: 0, partition, offset: 1 };
        let mut again = HashMap::from([(Seq(5), (at(2), vec![7]))]);
        let mut goes = |seq, partition| once_more(&mut again, Seq(seq), at(partition)).is_some();
        for (seq, partition, expected) in
            [(4, 2, false), (5, 0, true), (5, 0, true), (5, 2, true), (5, 2, false), (5, 0, false)]
        {
            assert_eq!(goes(seq, partition), expected, "{seq} from partition {partition}");
        }
    }
}
