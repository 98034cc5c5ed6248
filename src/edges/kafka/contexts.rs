//! What the client calls back with: rebalances, deliveries, errors, statistics, its own log.
//!
//! Callbacks only note what happened; the loop acts on it between two messages, where it holds
//! everything that it needs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaRespErr;

use crate::telemetry::{CommitResult, LogEvent, Output, Telemetry, Unready, emit};

use super::ledger::Ticket;
use super::statistics::Statistics;

/// A change of what this instance reads.
#[derive(Clone, Debug)]
pub(super) enum Rebalance {
    /// These are ours now; reading waits until we say where to begin.
    Assign(TopicPartitionList),
    /// These are no longer.
    Revoke(TopicPartitionList),
}

/// Callbacks of the consumer.
pub(super) struct ConsumerSide {
    telemetry: Telemetry,
    statistics: Arc<Statistics>,
    rebalances: Mutex<Vec<Rebalance>>,
    has_rebalance: AtomicBool,
    commit_failed: AtomicBool,
    is_closing: AtomicBool,
    is_doubted: AtomicBool,
}

impl ConsumerSide {
    pub(super) fn new(telemetry: Telemetry, statistics: Arc<Statistics>) -> Self {
        Self {
            telemetry,
            statistics,
            rebalances: Mutex::default(),
            has_rebalance: AtomicBool::new(false),
            commit_failed: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_doubted: AtomicBool::new(false),
        }
    }

    /// Whether a rebalance waits; asked after every message.
    pub(super) fn has_rebalance(&self) -> bool {
        self.has_rebalance.load(Ordering::Relaxed)
    }

    /// The rebalances that wait, in order.
    pub(super) fn take_rebalances(&self) -> Vec<Rebalance> {
        self.has_rebalance.store(false, Ordering::Relaxed);
        std::mem::take(&mut *lock(&self.rebalances))
    }

    /// Whether a commit has failed since the last time this was asked.
    pub(super) fn take_commit_failed(&self) -> bool {
        self.commit_failed.swap(false, Ordering::Relaxed)
    }

    /// Whether a topic was made again since the last time this was asked.
    pub(super) fn take_doubt(&self) -> bool {
        self.is_doubted.swap(false, Ordering::Relaxed)
    }

    /// A commit failed; a later one carries more.
    pub(super) fn note_commit_failure(&self, text: &str) {
        self.commit_failed.store(true, Ordering::Relaxed);
        self.telemetry.meters.commit(CommitResult::Failed);
        emit(&LogEvent::CommitFailed { code: text });
    }

    /// From now on a revocation is granted at once: the loop no longer listens.
    pub(super) fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for ConsumerSide {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        if level as i32 >= RDKafkaLogLevel::Debug as i32 {
            // Asked for, because of this alone: the client knows that a topic was made again, and its
            // positions stay.
            if is_made_again(text) {
                self.is_doubted.store(true, Ordering::Relaxed);
            }
        } else if facility == "COMMITFAIL" {
            // No callback tells of a commit that nobody waits for; the client's own log does.
            self.note_commit_failure(text);
        } else {
            log_line(level, facility, text);
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        note_error((&self.telemetry, &self.statistics), &error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.statistics.put(statistics);
    }
}

impl ConsumerContext for ConsumerSide {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.is_closing.load(Ordering::Relaxed) {
            // The consumer is being dropped: whatever this fails with, it is gone.
            let _ = consumer.unassign();
            return;
        }
        let partitions = partitions.clone();
        let rebalance = if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            Rebalance::Assign(partitions)
        } else {
            Rebalance::Revoke(partitions)
        };
        lock(&self.rebalances).push(rebalance);
        self.has_rebalance.store(true, Ordering::Relaxed);
    }
}

/// What became of one output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) ticket: Ticket,
    pub(super) output: Output,
    pub(super) refused: Option<RDKafkaErrorCode>,
}

/// Callbacks of the producer.
pub(super) struct ProducerSide {
    telemetry: Telemetry,
    statistics: Arc<Statistics>,
    deliveries: Mutex<Vec<Delivery>>,
}

impl ProducerSide {
    pub(super) fn new(telemetry: Telemetry, statistics: Arc<Statistics>) -> Self {
        Self { telemetry, statistics, deliveries: Mutex::default() }
    }

    /// Swaps the deliveries so far with an empty list, so that both keep their memory.
    pub(super) fn swap_deliveries(&self, list: &mut Vec<Delivery>) {
        std::mem::swap(&mut *lock(&self.deliveries), list);
    }
}

impl ClientContext for ProducerSide {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        log_line(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        note_error((&self.telemetry, &self.statistics), &error, reason);
    }
}

impl ProducerContext for ProducerSide {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let (ticket, output) = unpack(opaque);
        let refused = result
            .as_ref()
            .err()
            .map(|(error, _)| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown));
        lock(&self.deliveries).push(Delivery { ticket, output, refused });
    }
}

// A ticket and an output share the client's opaque word.
const _: () = assert!(usize::BITS == 64 && Ticket::BITS + 2 == 64 && Output::ALL.len() <= 4);

/// A ticket and an output as one word.
pub(super) fn pack(ticket: Ticket, output: Output) -> usize {
    (ticket.to_bits() << 2 | output as u64) as usize
}

fn unpack(opaque: usize) -> (Ticket, Output) {
    let output = Output::ALL.get(opaque & 3).copied().unwrap_or(Output::DeadLetter);
    (Ticket::from_bits(opaque as u64 >> 2), output)
}

fn note_error(
    (telemetry, statistics): (&Telemetry, &Statistics),
    error: &KafkaError,
    reason: &str,
) {
    let code = error.rdkafka_error_code();
    // The client says the same at each of its tries, ten times a second: once is enough.
    let mut is_new = true;
    if let Some(refusal) = code.and_then(|code| refusal_of(code, reason)) {
        statistics.note_refusal();
        is_new = telemetry.readiness.set(refusal);
        if is_new {
            // The client's sentence begins with the broker, as `protocol://host:port/number`.
            let broker = reason.split(": ").next().unwrap_or_default();
            emit(&LogEvent::BrokerRefuses { broker, advice: refusal.advice() });
        }
    }
    if code == Some(RDKafkaErrorCode::AllBrokersDown) {
        is_new = telemetry.readiness.set(Unready::BrokerUnreachable);
        if is_new {
            emit(&LogEvent::BrokerLost);
        }
    }
    emit(&LogEvent::Client { is_warning: is_new, text: reason });
}

/// Which of our reasons an error of the client is, where a broker answers and there is no way in.
/// An untrusted issuer and a wrong name are one to the client, which shows no more of OpenSSL.
fn refusal_of(code: RDKafkaErrorCode, reason: &str) -> Option<Unready> {
    match code {
        RDKafkaErrorCode::Authentication => Some(Unready::BrokerLogin),
        RDKafkaErrorCode::SSL if reason.contains("certificate verify failed") => {
            Some(Unready::BrokerCertificate)
        }
        RDKafkaErrorCode::SSL => Some(Unready::BrokerTls),
        // The client's own guess, from how the broker ended the handshake.
        _ if reason.contains("connecting to a PLAINTEXT broker listener?") => {
            Some(Unready::BrokerTls)
        }
        _ => None,
    }
}

/// Whether a line of the client says that a topic has another id than before. The first id that it
/// learns comes after one of zeros.
fn is_made_again(text: &str) -> bool {
    const NONE: &str = " changed id from AAAAAAAAAAAAAAAAAAAAAA to ";
    text.contains(" changed id from ") && !text.contains(NONE)
}

fn log_line(level: RDKafkaLogLevel, facility: &str, text: &str) {
    // A connection that fails is told to `error` as well.
    let is_warning = level as i32 <= RDKafkaLogLevel::Warning as i32 && facility != "FAIL";
    emit(&LogEvent::Client { is_warning, text: &format!("{facility}: {text}") });
}

/// What a callback noted is whole at any time: a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's sentences, as it says them against a real broker: each has another remedy.
    #[test]
    fn a_refusal_is_told_by_what_mends_it() {
        let handshake = "sasl_ssl://localhost:9093/bootstrap: SSL handshake failed";
        let untrusted =
            format!("{handshake}: error:0A000086:SSL routines::certificate verify failed");
        let client =
            format!("{handshake}: error:0A000410:SSL routines::ssl/tls alert handshake failure");
        let plaintext =
            format!("{handshake}: Disconnected: connecting to a PLAINTEXT broker listener?");
        let login = "sasl_ssl://localhost:9093/bootstrap: SASL authentication error";
        for (code, reason, expected) in [
            (RDKafkaErrorCode::Authentication, login, Some(Unready::BrokerLogin)),
            (RDKafkaErrorCode::SSL, &untrusted, Some(Unready::BrokerCertificate)),
            (RDKafkaErrorCode::SSL, &client, Some(Unready::BrokerTls)),
            (RDKafkaErrorCode::BrokerTransportFailure, &plaintext, Some(Unready::BrokerTls)),
            (RDKafkaErrorCode::BrokerTransportFailure, "Disconnected", None),
            (RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down", None),
        ] {
            assert_eq!(refusal_of(code, reason), expected, "{reason}");
        }
    }

    /// The client's line, as it writes it.
    #[test]
    fn a_topic_that_was_made_again_is_heard_of() {
        let line = |from: &str| {
            format!("[thrd:main]: Topic in changed id from {from} to kZ8NZBvOSCSEGp1yvHeYTg")
        };
        assert!(is_made_again(&line("MUZNXdUYSOSCbh0ZfQ4yIA")));
        assert!(!is_made_again(&line("AAAAAAAAAAAAAAAAAAAAAA")));
        assert!(!is_made_again("[thrd:main]: Topic in [0] Leader 1 Epoch 0"));
    }

    /// A ticket that came back changed would acknowledge another message.
    #[test]
    fn a_ticket_and_its_output_survive_the_client() {
        for bits in [0, 1, (1 << 62) - 1, 0x2aaa_aaaa_aaaa_aaaa] {
            for output in Output::ALL {
                let ticket = Ticket::from_bits(bits);
                assert_eq!(unpack(pack(ticket, *output)), (ticket, *output));
            }
        }
    }
}
