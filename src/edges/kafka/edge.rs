//! The loop: take what is ready, decide, journal, send, commit what is acknowledged.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _};
use rdkafka::producer::{BaseProducer, Producer as _};
use rdkafka::{ClientConfig, Message as _, TopicPartitionList};

use crate::domain::Source;
use crate::stages::decode::{Encoded, Form};
use crate::telemetry::{LogEvent, Telemetry, Unready, emit};

use super::ahead::{Ahead, Came};
use super::contexts::{ConsumerSide, Delivery, ProducerSide};
use super::ownership::Unfit;
use super::patience::Stalled;
use super::settings::{Property, STRATEGIES};
use super::statistics::Statistics;
use super::watch::{Shared, Wanted};
use super::work::Work;
use super::{Format, Handler, HandlerError, Settings};

/// Why the loop ended other than by a stop.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The client does not start.
    #[error("the Kafka client does not start: {0}")]
    Client(#[source] KafkaError),
    /// There is no second thread to be had.
    #[error("no thread for admitting messages: {0}")]
    Thread(#[source] std::io::Error),
    /// The client cannot go on.
    #[error("the Kafka client cannot go on ({code:?}): {text}")]
    Fatal {
        /// The client's code.
        code: RDKafkaErrorCode,
        /// Its sentence.
        text: String,
    },
    /// The broker refuses an output for good.
    #[error(
        "the broker refuses records of topic {topic}: {code:?}; nothing past them was committed: \
         correct the topic and start again"
    )]
    Refused {
        /// The topic.
        topic: String,
        /// The broker's code.
        code: RDKafkaErrorCode,
    },
    /// Another process has taken our place.
    #[error(
        "another process of the same group and `instance` has taken over: one of them is too many"
    )]
    Fenced,
    /// The engine's side cannot go on.
    #[error(transparent)]
    Handler(#[from] HandlerError),
    /// The broker did not acknowledge everything before the stop.
    #[error(
        "stopped with {unacknowledged} outputs not acknowledged by the broker: nothing is lost, \
         they are sent again at the next start"
    )]
    StopTimeout {
        /// How many.
        unacknowledged: usize,
    },
    /// The journal is not the one that the group's positions belong to.
    #[error("{0}")]
    Unfit(Unfit),
    /// More partitions than one instance can read.
    #[error("more than {} partitions: run fewer", super::ledger::Ticket::LANES_MAX)]
    TooManyPartitions,
}

impl EdgeError {
    pub(super) fn fatal(code: RDKafkaErrorCode, text: String) -> Self {
        match code {
            RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::Fenced => Self::Fenced,
            _ => Self::Fatal { code, text },
        }
    }
}

/// The Kafka edge of one engine.
pub struct Edge<H: Handler> {
    pub(super) settings: Settings,
    pub(super) work: Work<H>,
    ahead: Ahead<H::Admission>,
    pub(super) consumer: BaseConsumer<ConsumerSide>,
    pub(super) producer: BaseProducer<ProducerSide>,
    pub(super) telemetry: Telemetry,
    pub(super) statistics: Arc<Statistics>,
    /// What the watch beside the stream knows and wants.
    pub(super) watched: Arc<Shared>,
    /// How often the reading client was exchanged.
    pub(super) renewals: usize,
    /// When each error of the reading client was last said.
    said: HashMap<i32, Instant>,
    pub(super) deliveries: Vec<Delivery>,
    is_paused: bool,
    /// The batch found no room on the disk.
    pub(super) stalled: Option<Stalled>,
    last_commit: Instant,
    last_tick: Instant,
    /// Set by whoever wants the loop to end.
    stop: Arc<AtomicBool>,
}

/// Inputs that may follow one whose outputs are not acknowledged: so far back a start searches the
/// journal for what was perhaps not sent.
pub const IN_FLIGHT_MAX: u64 = 1_000_000;

/// How long a loop without work waits for a message: longer would delay a stop.
const IDLE: Duration = Duration::from_millis(100);
/// How long it waits while acknowledgements are due or reading is paused.
const BUSY: Duration = Duration::from_millis(5);

impl<H: Handler> Edge<H> {
    /// Makes the clients; nothing is read or sent yet.
    pub fn open(
        settings: Settings,
        handler: H,
        telemetry: Telemetry,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, EdgeError> {
        let statistics = Arc::new(Statistics::default());
        let side = ConsumerSide::new(telemetry.clone(), Arc::clone(&statistics));
        let consumer = BaseConsumer::from_config_and_context(&reading_config(&settings, 0), side)
            .map_err(EdgeError::Client)?;
        let side = ProducerSide::new(telemetry.clone(), Arc::clone(&statistics));
        let producer =
            BaseProducer::from_config_and_context(&client_config(settings.producer()), side)
                .map_err(EdgeError::Client)?;
        let mut ahead = Ahead::new(handler.admission());
        if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1) {
            ahead.start().map_err(EdgeError::Thread)?;
        }
        Ok(Self {
            ahead,
            work: Work::new(handler, telemetry.clone(), &settings),
            settings,
            consumer,
            producer,
            telemetry,
            statistics,
            watched: Arc::default(),
            renewals: 0,
            said: HashMap::new(),
            deliveries: Vec::new(),
            is_paused: false,
            stalled: None,
            last_commit: Instant::now(),
            last_tick: Instant::now(),
            stop,
        })
    }

    /// The client's statistics, to be published by another thread.
    pub fn statistics(&self) -> Arc<Statistics> {
        Arc::clone(&self.statistics)
    }

    /// Runs until it is told to stop, then sends and commits what it has; gives the handler back.
    pub fn run(mut self) -> Result<H, EdgeError> {
        self.telemetry.readiness.set(Unready::NoPartitions);
        self.telemetry.readiness.clear(Unready::Starting);
        let outcome = self.run_to_the_end();
        // The consumer leaves the group when it is dropped; nobody listens to its calls by then.
        self.consumer.context().close();
        outcome.map(|()| self.work.handler)
    }

    fn run_to_the_end(&mut self) -> Result<(), EdgeError> {
        if !self.check_ownership()? {
            return Ok(());
        }
        if self.settings.transactional_id.is_some() && !self.init_transactions()? {
            return Ok(());
        }
        self.subscribe()?;
        let _watch = self.start_watch()?;
        while !self.is_stopping() {
            self.turn()?;
        }
        self.telemetry.readiness.set(Unready::Stopping);
        self.finish()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// One round of the loop.
    fn turn(&mut self) -> Result<(), EdgeError> {
        self.take_batch()?;
        if !self.work.has_fresh() {
            self.work.idle()?;
        }
        if self.work.has_fresh() && self.flush()? && self.settings.transactional_id.is_some() {
            self.give_transaction()?;
        }
        self.release()?;
        self.serve_deliveries()?;
        self.send()?;
        self.serve_rebalances()?;
        self.balance_load();
        self.watch_disk();
        let now = Instant::now();
        if now.duration_since(self.last_commit) >= self.settings.commit_interval {
            self.last_commit = now;
            self.commit(CommitMode::Async);
        }
        if now.duration_since(self.last_tick) >= Duration::from_secs(1) {
            self.last_tick = now;
            self.telemetry.meters.journal_bytes.absolute(self.work.handler.journal_bytes());
            self.check_fatal()?;
            self.serve_watch()?;
            // Also when nothing comes: what failed for good ends the service.
            self.work.handler.kept()?;
        }
        Ok(())
    }

    /// Takes what is ready; waits only when nothing is.
    fn take_batch(&mut self) -> Result<(), EdgeError> {
        let busy = self.is_paused || self.work.ledger.unacknowledged() > 0;
        let mut wait = if busy { BUSY } else { IDLE };
        if self.work.waits_for().is_some() {
            // The disk answers sooner than a message may come: what is ready, then the disk.
            wait = Duration::ZERO;
        }
        let limit = match self.settings.transactional_id {
            Some(_) => self.settings.transaction_messages,
            None => self.settings.batch_messages,
        };
        let mut more = true;
        loop {
            while more && self.ahead.has_room() && self.work.batch_len() + self.ahead.len() < limit
            {
                more = self.take_message(wait)? && !self.consumer.context().has_rebalance();
                wait = Duration::ZERO;
            }
            self.ahead.share();
            if !self.work.take(&mut self.ahead)? {
                break;
            }
        }
        if self.work.batch_len() == 0 {
            self.work.wait_kept(BUSY);
        }
        Ok(())
    }

    /// Takes what the client gives next; whether there may be more.
    fn take_message(&mut self, wait: Duration) -> Result<bool, EdgeError> {
        let message = match self.consumer.poll(wait) {
            Some(Ok(message)) => message,
            Some(Err(error)) => {
                self.judge(&error)?;
                let code = error.rdkafka_error_code();
                code.into_iter().for_each(|code| self.note_reading_error(code));
                return Ok(false);
            }
            None => return Ok(false),
        };
        let name = message.topic();
        let Some(topic) = self.settings.topics.iter().position(|topic| topic == name) else {
            return Ok(true);
        };
        let source = Source {
            topic: topic as u16, // `check` bounds the number of topics
            partition: message.partition(),
            offset: message.offset(),
        };
        let came = Came { source, stamped_ms: message.timestamp().to_millis(), at: Instant::now() };
        let bytes = message.payload().unwrap_or_default();
        let form = form_of(&message, self.settings.format);
        self.ahead.push(came, Encoded { bytes, form });
        Ok(true)
    }

    /// Pauses reading while too many outputs wait, and resumes at half.
    fn balance_load(&mut self) {
        let waiting = self.work.ledger.unacknowledged();
        self.telemetry.meters.unacknowledged.set(waiting as f64);
        let span = self.work.ledger.span(self.work.handler.next_seq());
        let is_full =
            self.work.outbox.is_blocked() || self.stalled.is_some() || span > IN_FLIGHT_MAX;
        let most = self.settings.unacknowledged_max;
        if !self.is_paused && (waiting > most || is_full) {
            self.is_paused = self.with_assignment(|consumer, ours| consumer.pause(ours).is_ok());
            if self.is_paused {
                self.telemetry.meters.pauses.increment(1);
                emit(&LogEvent::Paused { unacknowledged: waiting });
            }
        } else if self.is_paused && waiting <= most / 2 && !is_full {
            self.is_paused = !self.with_assignment(|consumer, ours| consumer.resume(ours).is_ok());
            if !self.is_paused {
                emit(&LogEvent::Resumed);
            }
        }
        self.watched.set_paused(self.is_paused);
    }

    /// A partition cannot be read on. The client says so at each of its tries: once a minute is enough.
    fn note_reading_error(&mut self, code: RDKafkaErrorCode) {
        use RDKafkaErrorCode::{AutoOffsetReset, OffsetOutOfRange};
        if matches!(code, AutoOffsetReset | OffsetOutOfRange) {
            self.watched.want(Wanted::Proof);
        }
        let text = format!("{code:?}: {code}");
        let now = Instant::now();
        let last = self.said.insert(code as i32, now);
        if last.is_none_or(|at| now.duration_since(at) >= Duration::from_secs(60)) {
            emit(&LogEvent::CannotRead { text: &text });
        } else if let Some(at) = last {
            self.said.insert(code as i32, at);
        }
        self.watched.say(&text);
    }

    fn with_assignment(
        &self,
        act: impl FnOnce(&BaseConsumer<ConsumerSide>, &TopicPartitionList) -> bool,
    ) -> bool {
        self.consumer.assignment().is_ok_and(|ours| act(&self.consumer, &ours))
    }

    /// A new assignment comes with nothing paused.
    pub(super) fn forget_pause(&mut self) {
        self.is_paused = false;
    }

    /// Nothing more is read: sends, waits and commits.
    fn finish(&mut self) -> Result<(), EdgeError> {
        let is_done = self.drain(Instant::now() + self.settings.stop_timeout)?;
        // No position of what a vanished journal took with it.
        self.work.handler.look()?;
        self.commit(CommitMode::Sync);
        self.work.handler.close();
        if !is_done {
            let unacknowledged = self.work.ledger.unacknowledged();
            return Err(EdgeError::StopTimeout { unacknowledged });
        }
        emit(&LogEvent::Stopped);
        Ok(())
    }

    /// Everything but a fatal error passes by itself; the callback has logged it.
    pub(super) fn judge(&self, error: &KafkaError) -> Result<(), EdgeError> {
        let KafkaError::MessageConsumptionFatal(code) = error else { return Ok(()) };
        // The event says only that it is fatal; the client knows why.
        self.check_fatal()?;
        Err(EdgeError::fatal(*code, error.to_string()))
    }

    /// An idempotent or transactional producer may find that it cannot keep its promise.
    pub(super) fn check_fatal(&self) -> Result<(), EdgeError> {
        let fatal = self.producer.client().fatal_error();
        let fatal = fatal.or_else(|| self.consumer.client().fatal_error());
        fatal.map_or(Ok(()), |(code, text)| Err(EdgeError::fatal(code, text)))
    }
}

/// What the bytes of a message are. Headers are looked at only where they are asked for.
pub(super) fn form_of(message: &BorrowedMessage<'_>, format: Format) -> Form {
    match format {
        Format::Json => Form::Json,
        Format::Protobuf => Form::Protobuf,
        Format::Auto => {
            let headers = message.headers();
            let mut kinds = headers.iter().flat_map(|headers| headers.iter());
            let kind = kinds.find(|header| header.key.eq_ignore_ascii_case("content-type"));
            Format::of_content_type(kind.and_then(|header| header.value))
        }
    }
}

/// Of the client that reads: it also tells of every topic's id, which no call gives.
/// `renewals` counts the clients that went before.
pub(super) fn reading_config(settings: &Settings, renewals: usize) -> ClientConfig {
    let mut config = client_config(settings.consumer());
    let strategy = STRATEGIES[renewals % STRATEGIES.len()];
    config.set("partition.assignment.strategy", strategy);
    config.set("debug", "metadata").set_log_level(RDKafkaLogLevel::Debug);
    config
}

pub(super) fn client_config(properties: Vec<Property>) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (key, value) in properties {
        config.set(key, value);
    }
    config
}
