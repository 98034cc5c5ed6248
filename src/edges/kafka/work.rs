//! One batch: what is taken is decided, noted, journaled, and only then put out for sending.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::{EventTime, Source, Stage};
use crate::telemetry::{LatencyRecorder, Output, Telemetry, Timer};

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
    batch: Vec<Taken>,
    /// The last time given to a message: time never goes back, even when the clock does.
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

/// A message as the client gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming<'a> {
    pub(super) source: Source,
    pub(super) bytes: &'a [u8],
    pub(super) stamped_ms: Option<i64>,
}

impl<H: Handler> Work<H> {
    pub(super) fn new(handler: H, telemetry: Telemetry, settings: &Settings) -> Self {
        Self {
            handler,
            ledger: Ledger::default(),
            outbox: Outbox::default(),
            recorder: LatencyRecorder::new(telemetry.latencies.clone()),
            telemetry,
            batch: Vec::new(),
            latest: EventTime::MIN,
            topics: settings.topics.clone(),
            has_audit: settings.outputs.audit.is_some(),
        }
    }

    /// How many messages the batch holds.
    pub(super) fn batch_len(&self) -> usize {
        self.batch.len()
    }

    /// Takes one message.
    pub(super) fn take(&mut self, message: Incoming<'_>) -> Result<(), EdgeError> {
        let ticket = self.ledger.take(message.source).ok_or(EdgeError::TooManyPartitions)?;
        let at = Instant::now();
        self.latest = self.latest.max(now());
        let mut answer = self.handler.process(message.bytes, self.latest, message.source)?;
        let meters = &self.telemetry.meters;
        meters.input(answer.result);
        meters.missing(answer.missing);
        if !answer.dropped.is_empty() {
            let fields = answer.dropped.known.union(answer.dropped.refused);
            fields.iter().for_each(|field| meters.dropped_field(field.name()));
            meters.dropped_unknown(answer.dropped.unknown);
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
            self.outbox.push(Output::Audit, ticket, answer.seq, key, payload);
        }
        let expired = std::mem::take(&mut answer.expired);
        let letter = answer.rejected.map(|rejected| (message.source, rejected));
        drop(answer);
        for (source, rejected) in letter.into_iter().chain(expired.into_iter().map(never_came)) {
            self.bury(ticket, source, rejected);
        }
        self.batch.push(Taken { ticket, at, stamped_ms: message.stamped_ms });
        Ok(())
    }

    /// Puts a dead letter out.
    fn bury(&mut self, ticket: Ticket, source: Source, rejected: Rejected) {
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
            |out| dead_letter::write(place, rejected, latest, out),
        );
    }

    /// Makes the journal keep the batch; its outputs may then be sent.
    pub(super) fn flush(&mut self) -> Result<(), HandlerError> {
        let begin = Instant::now();
        self.handler.flush()?;
        self.recorder.record(Timer::Flush, nanoseconds(begin, Instant::now()));
        self.outbox.release();
        Ok(())
    }

    /// The batch is handed over: counts how long it took and lets go of its messages.
    pub(super) fn settle(&mut self) {
        let (end, end_ms) = (Instant::now(), now().as_ms());
        for taken in self.batch.drain(..) {
            self.recorder.record(Timer::Event, nanoseconds(taken.at, end));
            if let Some(stamped_ms) = taken.stamped_ms {
                let ms = u64::try_from(end_ms - stamped_ms).unwrap_or(0);
                self.recorder.record(Timer::Transit, ms * 1_000_000);
            }
            self.ledger.settle(taken.ticket);
        }
        self.recorder.tick(end);
    }

    /// The batch is given up: its messages will be taken again.
    pub(super) fn abandon(&mut self) -> Vec<Source> {
        self.batch.clear();
        self.outbox.clear();
        self.ledger.rewind()
    }

    /// Nothing came: hands over latencies all the same.
    pub(super) fn idle(&mut self) {
        self.handler.idle();
        self.recorder.tick(Instant::now());
    }
}

fn never_came(source: Source) -> (Source, Rejected) {
    (source, Rejected { reason: super::EVENT_UNKNOWN, field: None })
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
