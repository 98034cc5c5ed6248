//! What the loop asks of whoever decides, so that it can be tested without an engine.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::{
    Action, EventTime, Kind, MissingTables, Placeholders, Seq, Service, Source, Stage,
};
use crate::engine::Recognised;
use crate::journal::{JournalError, JournalId, OpenPart};
use crate::stages::decode::{Dropped, Encoded};
use crate::telemetry::InputResult;

use super::Changed;

/// A finished text that may leave the process.
///
/// Implemented for what `stages::mask` has made and for the open part of a record (`Changed` is made
/// of one), and for nothing else: so an unmasked decision cannot be sent.
pub trait Sendable {
    /// The bytes to send.
    fn as_bytes(&self) -> &[u8];
}

impl Sendable for OpenPart<'_> {
    fn as_bytes(&self) -> &[u8] {
        (*self).as_bytes()
    }
}

/// What can be done with a message before its turn, on any thread.
pub trait Admit: Send + Sync + 'static {
    /// A message on its way to its turn: a reused buffer that borrows nothing.
    type Admitted: Default + Send;

    /// Admits one message. Never fails: what may not enter is admitted as just that.
    fn admit(&self, message: Encoded<'_>, into: &mut Self::Admitted);
}

/// Whoever decides.
pub trait Handler {
    /// What admits messages for it.
    type Admission: Admit;
    /// A masked decision.
    type Decision<'a>: Sendable
    where
        Self: 'a;
    /// An audit record without masks.
    type Audit<'a>: Sendable
    where
        Self: 'a;

    /// What admits messages ahead of their turn.
    fn admission(&self) -> Arc<Self::Admission>;

    /// Gives an admitted message its turn, and perhaps another buffer back. Never fails on what is in
    /// it, only when it cannot be kept.
    fn process(
        &mut self,
        admitted: &mut Box<<Self::Admission as Admit>::Admitted>,
        received_at: EventTime,
        source: Source,
    ) -> Result<Answer<'_, Self::Decision<'_>, Self::Audit<'_>>, HandlerError>;

    /// Amendments that gave up waiting for their event with the message before: they become dead
    /// letters. Nearly always none.
    fn take_expired(&mut self) -> Vec<Source> {
        Vec::new()
    }

    /// Gives everything processed so far to the journal. What it answered may be sent once
    /// [`kept`](Self::kept) reaches this mark. After an error it can be tried again.
    fn flush(&mut self) -> Result<u64, HandlerError>;

    /// The mark up to which the journal is as durable as configured.
    fn kept(&self) -> Result<u64, HandlerError> {
        Ok(u64::MAX)
    }

    /// Whether the journal is still there and ours, looked at now: before positions are committed for
    /// the last time.
    fn look(&self) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Waits until everything flushed is kept, or for so long.
    fn wait_kept(&self, _timeout: Duration) {}

    /// The number that the next input gets.
    fn next_seq(&self) -> Seq;

    /// The journal that numbers them; `None` where nothing is kept.
    fn journal(&self) -> Option<JournalId> {
        None
    }

    /// Per topic and partition the offset after the last message that the journal has. Messages
    /// that get no number (rejected, repeated) leave no trace there, so it may be behind.
    fn positions(&self) -> Vec<Source>;

    /// Per topic and partition the first message that the journal has and whose outputs nobody can say were
    /// sent, where the group has forgotten: as far back as messages may lack their acknowledgement.
    fn perhaps_unsent(&self) -> Result<Vec<Source>, HandlerError> {
        Ok(Vec::new())
    }

    /// Makes the changes that wait, and gives their audit records in their order; asked before each
    /// message, and when none comes. First what is recalled and what people ask for, as far as there
    /// is `room`; what guards ask for is made always.
    fn change(&mut self, _now: EventTime, _room: usize) -> Result<Vec<Changed>, HandlerError> {
        Ok(Vec::new())
    }

    /// The audit records of changes below `until` are wanted once more, from a number on or from
    /// where nobody can say: [`change`](Self::change) gives them.
    fn recall(&mut self, _from: Option<Seq>, _until: Seq) -> Result<(), HandlerError> {
        Ok(())
    }

    /// From which number on [`change`](Self::change) has still to give what is recalled.
    fn recalls_from(&self) -> Option<Seq> {
        None
    }

    /// Reading begins at these positions: what is kept and comes again was perhaps not sent, and
    /// its audit records are wanted once more. Records before `_replaced` stand at places of another log:
    /// they may come again from anywhere.
    fn resume(&mut self, _begin: &[Source], _replaced: Seq) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Whether a message is the one that the journal has from this place.
    fn recognise(
        &mut self,
        _message: Encoded<'_>,
        _at: Source,
        _now: EventTime,
    ) -> Result<Recognised, HandlerError> {
        Ok(Recognised::Unsure)
    }

    /// Nothing came for a while: time for what can wait.
    fn idle(&mut self) {}

    /// Nothing more comes; everything was flushed and sent.
    fn close(&mut self) {}

    /// Bytes appended to the journal since the start.
    fn journal_bytes(&self) -> u64 {
        0
    }
}

/// What the engine's side could not do; the loop ends.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The disk is full: room would mend it.
    #[error("{0}: make room and start again, or set [journal] on_disk_full = \"fallback\" to wait")]
    DiskFull(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<JournalError> for HandlerError {
    fn from(error: JournalError) -> Self {
        let text = error.to_string();
        if error.is_disk_full() { Self::DiskFull(text) } else { Self::Failed(text) }
    }
}

/// What became of one message.
#[derive(Debug)]
pub struct Answer<'a, D, A> {
    /// In one word.
    pub result: InputResult,
    /// The number of the input, or of the one that it repeats.
    pub seq: Option<Seq>,
    /// The event's id: the key of what is sent. Not personal.
    pub key: &'a [u8],
    /// To be sent.
    pub decision: Option<D>,
    /// To be sent.
    pub audit: Option<A>,
    /// Why it becomes a dead letter.
    pub rejected: Option<Rejected>,
    /// What was decided, for the counters; `None` unless decided for the first time.
    pub decided: Option<(Kind, Service, Action)>,
    /// Tables that were not there.
    pub missing: MissingTables,
    /// The event's id as others than its sender know it: the key of its audit record, and what a
    /// dead letter names.
    pub known_as: &'a str,
    /// Fields whose values named nobody.
    pub placeholders: Placeholders,
    /// Fields dropped at the door.
    pub dropped: Dropped,
    /// Nanoseconds per stage; zero when not measured.
    pub stage_ns: [u32; Stage::COUNT],
}

/// The reason of an amendment whose event never came.
pub const EVENT_UNKNOWN: &str = "event_unknown";

/// Why a message became a dead letter, in words of the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rejected {
    /// The reason's code.
    pub reason: &'static str,
    /// The field, by its name in the schema.
    pub field: Option<&'static str>,
    /// What the field takes.
    pub wanted: Option<&'static str>,
    /// The byte of the message at which it ceases to be one.
    pub at_byte: Option<usize>,
}

impl Rejected {
    /// A reason that is all there is to say.
    pub const fn because(reason: &'static str) -> Self {
        Self { reason, field: None, wanted: None, at_byte: None }
    }
}
