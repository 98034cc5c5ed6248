//! Outputs on their way: to the client, to the broker, acknowledged.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _};

use crate::telemetry::Output;

use super::contexts::pack;
use super::{Edge, EdgeError, Handler, Outputs};

impl<H: Handler> Edge<H> {
    /// Gives the client what may be sent, as far as it has room.
    pub(super) fn send(&mut self) -> Result<(), EdgeError> {
        let outputs = &self.settings.outputs;
        while let Some(ready) = self.work.outbox.next() {
            let topic = topic_of(outputs, ready.output);
            let mut record = BaseRecord::with_opaque_to(topic, pack(ready.ticket, ready.output))
                .key(ready.key)
                .payload(ready.payload);
            if let Some(seq) = ready.seq {
                let text = seq.0.to_string();
                let header = Header { key: "seq", value: Some(&text) };
                record = record.headers(OwnedHeaders::new_with_capacity(1).insert(header));
            }
            match self.producer.send(record) {
                Ok(()) => self.work.outbox.mark_sent(),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => break,
                Err((error, _)) => {
                    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                    self.check_fatal()?;
                    return Err(EdgeError::Refused { topic: topic.to_owned(), code });
                }
            }
        }
        Ok(())
    }

    /// Notes which outputs the broker has.
    pub(super) fn serve_deliveries(&mut self) -> Result<(), EdgeError> {
        // One call serves one report, and a report may hold a single message: a backlog of reports
        // must not be worked off at one a turn.
        loop {
            self.producer.poll(Duration::ZERO);
            let waiting = self.work.ledger.unacknowledged();
            if let Some((output, code)) = self.note_deliveries() {
                self.check_fatal()?;
                let topic = topic_of(&self.settings.outputs, output).to_owned();
                return Err(EdgeError::Refused { topic, code });
            }
            if self.work.ledger.unacknowledged() == waiting {
                return Ok(());
            }
        }
    }

    /// Acknowledges what was delivered and gives the first refusal.
    pub(super) fn note_deliveries(&mut self) -> Option<(Output, RDKafkaErrorCode)> {
        self.producer.context().swap_deliveries(&mut self.deliveries);
        let mut refused = None;
        for delivery in self.deliveries.drain(..) {
            match delivery.refused {
                None => {
                    self.telemetry.meters.delivered(delivery.output);
                    self.work.ledger.acknowledge(delivery.ticket);
                }
                Some(code) => refused = refused.or(Some((delivery.output, code))),
            }
        }
        refused
    }

    /// Waits until the broker has everything, at most until the deadline; whether it has.
    pub(super) fn drain(&mut self, deadline: Instant) -> Result<bool, EdgeError> {
        loop {
            if self.work.has_fresh() {
                self.flush()?;
            }
            self.release()?;
            self.serve_deliveries()?;
            if self.work.ledger.unacknowledged() == 0 && !self.work.is_waiting() {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            self.producer.poll(Duration::from_millis(1));
        }
    }
}

fn topic_of(outputs: &Outputs, output: Output) -> &str {
    match output {
        Output::Decision => &outputs.decisions,
        // Audit records are made only when they have a topic.
        Output::Audit => outputs.audit.as_deref().unwrap_or_default(),
        Output::DeadLetter => &outputs.dead_letters,
    }
}
