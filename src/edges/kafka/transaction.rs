//! Outputs and positions committed together: a reader of committed records sees each once.
//!
//! A transaction that fails is given up and its messages are read again; the engine knows them
//! and gives the same bytes. `send_offsets_to_transaction` may wait for ever while the group's
//! coordinator is away (librdkafka #5456): whoever stops the process must not wait for this thread
//! without a limit. Nothing is lost by that: the journal has what was decided.

use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;

use crate::domain::Source;
use crate::telemetry::{CommitResult, LogEvent, emit};

use super::changes::Told;
use super::{Edge, EdgeError, Handler};

/// How long one step may take before it is tried again.
const STEP: Duration = Duration::from_secs(10);

/// How long a start waits for the broker before it listens to what the clients say.
const LOOK: Duration = Duration::from_secs(1);

/// What a failed step asks for.
enum Verdict {
    /// The same step again.
    Retry,
    /// The whole transaction again.
    GiveUp(String),
}

impl<H: Handler> Edge<H> {
    /// Ends what an earlier run left open; `false` when a stop came first.
    pub(super) fn init_transactions(&mut self) -> Result<bool, EdgeError> {
        while !self.is_stopping() {
            match self.producer.init_transactions(LOOK) {
                Ok(()) => return Ok(true),
                Err(error) => match self.judge_transaction(error)? {
                    Verdict::Retry => {}
                    Verdict::GiveUp(text) => {
                        let code = RDKafkaErrorCode::Fail;
                        return Err(EdgeError::Fatal { code, text });
                    }
                },
            }
            // Nothing is read yet, and why not is said by the clients: to whoever listens.
            self.producer.poll(Duration::ZERO);
            if let Some(Err(error)) = self.consumer.poll(Duration::ZERO) {
                self.judge(&error)?;
            }
        }
        Ok(false)
    }

    /// Sends the batch and its positions as one.
    pub(super) fn give_transaction(&mut self) -> Result<(), EdgeError> {
        self.work.keep_all()?;
        // Now: what is acknowledged in a transaction can be taken back with it, and is forgotten.
        let (taken, told) = (self.work.ledger.taken(), self.work.told());
        match self.try_transaction(&taken)? {
            None => {
                self.work.settle();
                self.work.ledger.finish_all();
                if !taken.is_empty() {
                    self.telemetry.meters.commit(CommitResult::Done);
                }
            }
            Some(code) => self.give_up(&code, told)?,
        }
        Ok(())
    }

    /// The reason when it must be given up.
    fn try_transaction(&mut self, taken: &[Source]) -> Result<Option<String>, EdgeError> {
        if let Err(error) = self.producer.begin_transaction()
            && let Verdict::GiveUp(code) = self.judge_transaction(error)?
        {
            return Ok(Some(code));
        }
        if let Some(code) = self.deliver_batch()? {
            return Ok(Some(code));
        }
        let offsets = self.commit_list(taken, self.work.told_in_transaction());
        let Some(group) = self.consumer.group_metadata() else {
            return Ok(Some("no group".to_owned()));
        };
        // Changes that come before the first message have no position to be told beside.
        if offsets.count() > 0 {
            let given_up = self
                .step(|edge| edge.producer.send_offsets_to_transaction(&offsets, &group, STEP))?;
            if given_up.is_some() {
                return Ok(given_up);
            }
        }
        self.step(|edge| edge.producer.commit_transaction(STEP))
    }

    /// Sends and waits here, since the client's own flush would wait in steps of 100 ms.
    fn deliver_batch(&mut self) -> Result<Option<String>, EdgeError> {
        loop {
            self.send()?;
            if let Some((_, code)) = self.note_deliveries() {
                self.check_fatal()?;
                return Ok(Some(format!("{code:?}")));
            }
            if self.work.outbox.is_empty() && self.work.ledger.unacknowledged() == 0 {
                return Ok(None);
            }
            self.producer.poll(Duration::from_millis(1));
        }
    }

    /// One step until it is done or given up; the reason in the second case.
    fn step(
        &mut self,
        attempt: impl Fn(&Self) -> KafkaResult<()>,
    ) -> Result<Option<String>, EdgeError> {
        let deadline = Instant::now() + STEP * 6;
        loop {
            let Err(error) = attempt(self) else { return Ok(None) };
            match self.judge_transaction(error)? {
                Verdict::Retry if Instant::now() < deadline && !self.is_stopping() => {}
                Verdict::Retry => return Ok(Some("timed out".to_owned())),
                Verdict::GiveUp(code) => return Ok(Some(code)),
            }
        }
    }

    /// Takes everything back and reads the batch again.
    fn give_up(&mut self, code: &str, told: Told) -> Result<(), EdgeError> {
        emit(&LogEvent::Rewound { code });
        self.telemetry.meters.rewinds.increment(1);
        while let Err(error) = self.producer.abort_transaction(STEP) {
            match self.judge_transaction(error)? {
                Verdict::Retry if !self.is_stopping() => {}
                _ => break,
            }
        }
        // Deliveries of the aborted batch are no one's: its tickets are gone.
        self.producer.poll(Duration::ZERO);
        let _ = self.note_deliveries();
        let positions = self.work.abandon(told)?;
        let list = self.list(&positions);
        let sought = self.consumer.seek_partitions(list, STEP);
        let is_there =
            |list: TopicPartitionList| list.elements().iter().all(|at| at.error().is_ok());
        if sought.is_ok_and(is_there) {
            return Ok(());
        }
        // What was given up must be read again: from what the group was told, with every partition that
        // is still ours. One that is not is read by its next owner.
        self.begin_again()
    }

    fn judge_transaction(&self, error: KafkaError) -> Result<Verdict, EdgeError> {
        let KafkaError::Transaction(inner) = &error else {
            // A flush that timed out: the records are still on their way.
            return match error {
                KafkaError::Flush(_) => Ok(Verdict::Retry),
                other => Ok(Verdict::GiveUp(other.to_string())),
            };
        };
        if inner.is_fatal() {
            return Err(EdgeError::fatal(inner.code(), inner.string()));
        }
        Ok(if inner.txn_requires_abort() {
            Verdict::GiveUp(inner.name())
        } else if inner.is_retriable() {
            Verdict::Retry
        } else {
            Verdict::GiveUp(inner.name())
        })
    }
}
