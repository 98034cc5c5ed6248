//! One batch: what is taken is decided, noted, journaled, and only then put out for sending.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::{EventTime, Seq, Source, Stage};
use crate::telemetry::{InputResult, LatencyRecorder, LogEvent, Output, Telemetry, Timer, emit};

use super::ahead::{Ahead, Came};
use super::changes::{Told, perhaps_unsent};
use super::dead_letter::{self, Place};
use super::ledger::{Ledger, Ticket};
use super::outbox::Outbox;
use super::{EdgeError, Handler, HandlerError, Rejected, Sendable as _, Settings};

/// Everything between a message and its outputs, apart from the clients.
pub(super) struct Work<H> {
    pub(super) handler: H,
    pub(super) ledger: Ledger,
    pub(super) outbox: Outbox,
    pub(super) telemetry: Telemetry,
    recorder: LatencyRecorder,
    /// Messages that the journal does not keep yet; the last `fresh` are not flushed.
    batch: VecDeque<Taken>,
    fresh: usize,
    /// Changes that are not flushed.
    fresh_changes: usize,
    /// The number that came next at the start, until it is known which changes before it to recall.
    began: Option<Seq>,
    /// Below this number the journal keeps every input as durably as configured.
    kept_below: Seq,
    /// When a topic was last made again, as in [`Told`].
    replaced: Seq,
    /// Flushed and not kept yet, oldest first.
    flushed: VecDeque<Flushed>,
    /// Messages whose outputs are released.
    kept: usize,
    clock: Clock,
    /// What the clock said last. It may go back: how far that is followed is the pipeline's to say.
    latest: EventTime,
    topics: Vec<String>,
    has_audit: bool,
}

struct Taken {
    ticket: Ticket,
    at: Instant,
    /// The message's time stamp in Unix milliseconds.
    stamped_ms: Option<i64>,
}

/// A batch that the journal has and perhaps does not keep yet.
struct Flushed {
    /// Reached when it is kept.
    mark: u64,
    /// The number that came next.
    next: Seq,
    at: Instant,
    messages: usize,
    outputs: usize,
}

/// Changes whose audit records may be on their way: what people ask for waits then. One has at most
/// some 25 KB, and a long list comes in thousands of them.
const CHANGES_MAX: usize = 256;

/// Gives the time.
pub(super) type Clock = Box<dyn Fn() -> EventTime + Send>;

impl<H: Handler> Work<H> {
    pub(super) fn new(handler: H, telemetry: Telemetry, settings: &Settings) -> Self {
        Self {
            began: Some(handler.next_seq()),
            // What was there at the start is on the medium: opening a journal sees to it.
            kept_below: handler.next_seq(),
            replaced: Seq(0),
            handler,
            ledger: Ledger::default(),
            outbox: Outbox::default(),
            recorder: LatencyRecorder::new(telemetry.latencies.clone()),
            telemetry,
            batch: VecDeque::new(),
            fresh: 0,
            fresh_changes: 0,
            flushed: VecDeque::new(),
            kept: 0,
            clock: Box::new(now),
            latest: EventTime::MIN,
            topics: settings.topics.clone(),
            has_audit: settings.outputs.audit.is_some(),
        }
    }

    /// Sets another clock than the machine's.
    #[cfg(test)]
    pub(super) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// How many messages wait for a flush.
    pub(super) fn batch_len(&self) -> usize {
        self.fresh
    }

    /// Whether anything waits for a flush.
    pub(super) fn has_fresh(&self) -> bool {
        self.fresh > 0 || self.fresh_changes > 0
    }

    /// How long the oldest flushed message has waited to be kept; `None` when none does.
    pub(super) fn waits_for(&self) -> Option<Duration> {
        self.flushed.front().map(|flushed| flushed.at.elapsed())
    }

    /// Whether anything is not kept yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.has_fresh() || !self.flushed.is_empty()
    }

    /// Takes the next message of a queue, if there is one; whether there was.
    pub(super) fn take(&mut self, ahead: &mut Ahead<H::Admission>) -> Result<bool, EdgeError> {
        let Some((came, mut turn)) = ahead.next() else { return Ok(false) };
        let Came { source, stamped_ms, at } = came;
        let ticket = self
            .ledger
            .take(source, self.handler.next_seq())
            .ok_or(EdgeError::TooManyPartitions)?;
        self.change()?;
        let answer = self.handler.process(turn.admitted(), self.latest, source)?;
        let meters = &self.telemetry.meters;
        meters.input(answer.result);
        meters.missing(answer.missing);
        meters.placeholders(answer.placeholders);
        let readiness = &self.telemetry.readiness;
        readiness.count_taken(answer.dropped.unknown > 0);
        let refused = answer.rejected.filter(|_| answer.result == InputResult::Rejected);
        if readiness.count_refused(refused.map(|one| one.reason)) {
            emit(&refused.map_or(LogEvent::TakingAgain, |one| LogEvent::EverythingRefused {
                reason: one.reason,
            }));
        }
        if !answer.dropped.is_empty() {
            let fields = answer.dropped.known.union(answer.dropped.refused);
            fields.iter().for_each(|field| meters.dropped_field(field.name()));
            meters.dropped_unknown(answer.dropped.unknown);
            answer.dropped.malformed.iter().for_each(|field| meters.malformed_field(field.name()));
            answer.dropped.nearest().for_each(|nearest| meters.unknown_field(nearest));
        }
        if let Some((kind, service, action)) = answer.decided {
            meters.decision(kind, service, action);
        }
        for (stage, ns) in Stage::ALL.into_iter().zip(answer.stage_ns) {
            if ns > 0 {
                self.recorder.record(Timer::Stage(stage), u64::from(ns));
            }
        }
        let key = |out: &mut Vec<u8>| out.extend_from_slice(answer.key);
        let audit_key = |out: &mut Vec<u8>| out.extend_from_slice(answer.known_as.as_bytes());
        if let Some(decision) = &answer.decision {
            let payload = |out: &mut Vec<u8>| out.extend_from_slice(decision.as_bytes());
            self.ledger.expect(ticket);
            self.outbox.push(Output::Decision, ticket, answer.seq, key, payload);
        }
        if let Some(audit) = &answer.audit
            && self.has_audit
        {
            let payload = |out: &mut Vec<u8>| out.extend_from_slice(audit.as_bytes());
            self.ledger.expect(ticket);
            self.outbox.push(Output::Audit, ticket, answer.seq, audit_key, payload);
        }
        let letter = answer.rejected.map(|rejected| (source, rejected));
        let event_id = letter.map_or_else(String::new, |_| answer.known_as.to_owned());
        drop(answer);
        if let Some((source, rejected)) = letter {
            self.bury(ticket, source, (rejected, &event_id));
        }
        // Under the ticket of the message with which they expired: it is not done before they are out.
        let expired = self.handler.take_expired();
        for (source, rejected) in expired.into_iter().map(never_came) {
            self.bury(ticket, source, (rejected, ""));
        }
        self.batch.push_back(Taken { ticket, at, stamped_ms });
        self.fresh += 1;
        Ok(true)
    }

    /// The edge's time, by its clock.
    pub(super) fn now(&self) -> EventTime {
        (self.clock)()
    }

    /// Makes the changes that wait and puts out their audit records, before those of what comes next.
    fn change(&mut self) -> Result<(), HandlerError> {
        self.latest = (self.clock)();
        let room = CHANGES_MAX.saturating_sub(self.ledger.changes_waiting());
        for changed in self.handler.change(self.latest, room)? {
            self.fresh_changes += 1;
            if self.has_audit {
                let ticket = self.ledger.expect_change(changed.seq());
                self.outbox.push(
                    Output::Audit,
                    ticket,
                    Some(changed.seq()),
                    |out| out.extend_from_slice(changed.key()),
                    |out| out.extend_from_slice(changed.as_bytes()),
                );
            }
        }
        Ok(())
    }

    /// Asks once for the changes whose audit records an earlier process perhaps did not send, as the
    /// group was told beside its positions.
    pub(super) fn recall(&mut self, told: impl Iterator<Item = Told>) -> Result<(), HandlerError> {
        let told: Vec<Told> = told.collect();
        let ours = told.iter().filter(|told| told.journal == self.handler.journal());
        self.replaced = ours.map(|told| told.replaced).fold(self.replaced, Seq::max);
        let Some(began) = self.began.take().filter(|_| self.has_audit) else { return Ok(()) };
        self.handler.recall(perhaps_unsent(told.into_iter(), self.handler.journal(), began), began)
    }

    /// A topic was made again: what the journal has so far stands at other places in it, or nowhere.
    pub(super) fn note_replaced(&mut self) {
        self.replaced = self.handler.next_seq();
    }

    /// Reading begins at these positions.
    pub(super) fn resume(&mut self, begin: &[Source]) -> Result<(), HandlerError> {
        self.handler.resume(begin, self.replaced)
    }

    /// Whether the audit record of every change is out, as far as anybody knows.
    #[cfg(test)]
    pub(super) fn is_told(&self) -> bool {
        let Told { next, changes, .. } = self.told();
        self.began.is_none() && next == changes && next == self.handler.next_seq()
    }

    /// What the group is told beside its positions. Its number promises nothing that a power cut may
    /// take back: a journal that ends before it has lost what it had kept.
    pub(super) fn told(&self) -> Told {
        let waiting = [self.ledger.first_change(), self.handler.recalls_from()];
        Told::new(self.kept_below, waiting.into_iter().flatten().min(), self.handler.journal())
            .after(self.replaced)
    }

    /// The same in a transaction, which carries everything that is on its way.
    pub(super) fn told_in_transaction(&self) -> Told {
        Told::new(self.kept_below, self.handler.recalls_from(), self.handler.journal())
            .after(self.replaced)
    }

    /// Puts a dead letter out. The event's id is empty where nobody knows it.
    fn bury(&mut self, ticket: Ticket, source: Source, (rejected, event_id): (Rejected, &str)) {
        self.telemetry.meters.reject(rejected.reason);
        let topic = self.topics.get(usize::from(source.topic)).map_or("", String::as_str);
        let place = Place { topic, partition: source.partition, offset: source.offset };
        let latest = self.latest;
        self.ledger.expect(ticket);
        self.outbox.push(
            Output::DeadLetter,
            ticket,
            None,
            |out| dead_letter::write_key(place, out),
            |out| dead_letter::write(place, (rejected, event_id), latest, out),
        );
    }

    /// Gives the batch to the journal; its outputs may be sent once it is kept. After an error
    /// nothing is lost: it can be tried again.
    pub(super) fn flush(&mut self) -> Result<(), HandlerError> {
        let at = Instant::now();
        let mark = self.handler.flush()?;
        self.recorder.record(Timer::Flush, nanoseconds(at, Instant::now()));
        let waiting: usize = self.flushed.iter().map(|flushed| flushed.outputs).sum();
        let outputs = self.outbox.unreleased() - waiting;
        let messages = std::mem::take(&mut self.fresh);
        self.fresh_changes = 0;
        let next = self.handler.next_seq();
        self.flushed.push_back(Flushed { mark, next, at, messages, outputs });
        Ok(())
    }

    /// Lets go of the outputs that the journal keeps.
    pub(super) fn release(&mut self) -> Result<(), HandlerError> {
        if self.flushed.is_empty() {
            return Ok(());
        }
        let kept = self.handler.kept()?;
        while let Some(flushed) = self.flushed.pop_front_if(|flushed| flushed.mark <= kept) {
            self.outbox.release(flushed.outputs);
            self.kept += flushed.messages;
            self.kept_below = flushed.next;
        }
        Ok(())
    }

    /// Waits until the journal keeps what was flushed, if anything, or for so long.
    pub(super) fn wait_kept(&self, timeout: Duration) {
        if !self.flushed.is_empty() {
            self.handler.wait_kept(timeout);
        }
    }

    /// Waits until the journal keeps everything flushed.
    pub(super) fn keep_all(&mut self) -> Result<(), HandlerError> {
        self.release()?;
        while !self.flushed.is_empty() {
            self.handler.wait_kept(Duration::from_millis(10));
            self.release()?;
        }
        Ok(())
    }

    /// What is kept is handed over: counts how long it took and lets go of the messages.
    pub(super) fn settle(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let (end, end_ms) = (Instant::now(), (self.clock)().as_ms());
        for taken in self.batch.drain(..kept) {
            self.recorder.record(Timer::Event, nanoseconds(taken.at, end));
            if let Some(stamped_ms) = taken.stamped_ms {
                let ms = u64::try_from(end_ms - stamped_ms).unwrap_or(0);
                self.recorder.record(Timer::Transit, ms * 1_000_000);
            }
            self.ledger.settle(taken.ticket);
        }
        self.recorder.tick(end);
    }

    /// The batch is given up: its messages will be taken again, and its changes, which nothing brings
    /// again, are recalled from the journal, which has them. `told` is what could have been told
    /// before any of it was sent.
    pub(super) fn abandon(&mut self, told: Told) -> Result<Vec<Source>, HandlerError> {
        self.batch.clear();
        self.flushed.clear();
        (self.fresh, self.fresh_changes, self.kept) = (0, 0, 0);
        self.outbox.clear();
        let positions = self.ledger.rewind();
        self.handler.recall(Some(told.changes), told.next)?;
        Ok(positions)
    }

    /// Nothing came, and nothing waits for a flush: time for changes; latencies are handed over all
    /// the same.
    pub(super) fn idle(&mut self) -> Result<(), HandlerError> {
        self.handler.idle();
        self.recorder.tick(Instant::now());
        self.change()
    }
}

fn never_came(source: Source) -> (Source, Rejected) {
    (source, Rejected::because(super::EVENT_UNKNOWN))
}

fn nanoseconds(begin: Instant, end: Instant) -> u64 {
    u64::try_from(end.duration_since(begin).as_nanos()).unwrap_or(u64::MAX)
}

/// The machine's time, held within the years that an event may have.
fn now() -> EventTime {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    EventTime::from_ms(ms.min(EventTime::MAX_MS - 1)).unwrap_or(EventTime::MIN)
}
