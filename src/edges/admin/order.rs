//! From the socket's threads to the engine's: one change at a time, each with its answer.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use crate::domain::{Activation, Control, EventTime, Seq};
use crate::engine::{ControlError, Pipeline, Prepared, Retired, Surroundings};
use crate::stages::enrich::TokenKeys;

/// Orders that wait at most; a further client waits.
const WAITING_MAX: usize = 64;
/// An engine that has not answered by then is busy with something that is said elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is to be changed.
#[derive(Debug)]
pub enum Change {
    /// What needs nothing but the input.
    Control(Control),
    /// Another bundle, ready to be put in place.
    Activate(Activation, Box<Prepared>),
}

/// What was done: the input's number, and what is to be dropped where nobody waits.
pub(in crate::edges) type Done = Result<Made, String>;
type Made = (Seq, Option<Retired>);

/// One change and where its answer goes.
#[derive(Debug)]
pub struct Order {
    change: Change,
    answer: SyncSender<Done>,
}

/// The socket's end.
#[derive(Clone, Debug)]
pub struct OrderSender(SyncSender<Order>);

/// The engine's end.
#[derive(Debug)]
pub struct Orders {
    orders: Receiver<Order>,
    /// What was done and is not kept yet.
    done: Vec<Waiting>,
}

/// A change that was made, until the journal keeps it.
#[derive(Debug)]
struct Waiting {
    answer: SyncSender<Done>,
    made: Made,
    /// The journal's mark to wait for; `None` while it is not flushed.
    mark: Option<u64>,
}

/// A way for changes.
pub fn orders() -> (OrderSender, Orders) {
    let (sender, orders) = sync_channel(WAITING_MAX);
    (OrderSender(sender), Orders { orders, done: Vec::new() })
}

impl OrderSender {
    /// Hands a change over; its answer comes later. `None` when nobody takes it any more.
    pub(in crate::edges) fn post(&self, change: Change) -> Option<Receiver<Done>> {
        let (answer, answered) = sync_channel(1);
        self.0.send(Order { change, answer }).ok().map(|()| answered)
    }

    /// Has a change made: the number of its input, once the journal keeps it.
    pub fn send(&self, change: Change) -> Result<Seq, String> {
        let stopping = || "the service is stopping: try again when it runs".to_owned();
        match self.post(change).ok_or_else(stopping)?.recv_timeout(PATIENCE) {
            Ok(done) => done.map(|(seq, _retired)| seq),
            Err(RecvTimeoutError::Disconnected) => Err(stopping()),
            Err(RecvTimeoutError::Timeout) => Err(
                "the engine has not answered for 30 seconds: `tidegate audit tail` shows whether \
                 the change was made"
                    .to_owned(),
            ),
        }
    }
}

impl Orders {
    /// Makes the next change, if one waits: its number, unless it was refused. An error means that the journal cannot keep it.
    pub fn turn<S: Surroundings>(
        &mut self,
        pipeline: &mut Pipeline<S>,
        now: EventTime,
        keys: &TokenKeys,
    ) -> Result<Option<Seq>, crate::journal::JournalError> {
        let Order { change, answer } = match self.orders.try_recv() {
            Ok(order) => order,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(None),
        };
        let made = match change {
            Change::Control(control) => pipeline.control(control, now, keys).map(|seq| (seq, None)),
            Change::Activate(activation, prepared) => pipeline
                .activate(activation, *prepared, now, keys)
                .map(|(seq, retired)| (seq, Some(retired))),
        };
        match made {
            Ok(made) => {
                let seq = made.0;
                self.done.push(Waiting { answer, made, mark: None });
                return Ok(Some(seq));
            }
            Err(ControlError::Refused(refusal)) => {
                // Whoever gave up waiting does not want to know.
                let _ = answer.try_send(Err(refusal.to_string()));
            }
            Err(ControlError::Journal(error)) => {
                let _ = answer.try_send(Err(error.to_string()));
                return Err(error);
            }
        }
        Ok(None)
    }

    /// The journal has everything, and keeps it once its mark is reached.
    pub fn flushed(&mut self, mark: u64) {
        for waiting in &mut self.done {
            waiting.mark.get_or_insert(mark);
        }
    }

    /// Whether an answer waits for the journal.
    pub const fn is_waiting(&self) -> bool {
        !self.done.is_empty()
    }

    /// The journal keeps everything up to a mark: the answers to it go out.
    pub fn kept(&mut self, mark: u64) {
        let is_kept = |waiting: &mut Waiting| waiting.mark.is_some_and(|at| at <= mark);
        for Waiting { answer, made, .. } in self.done.extract_if(.., is_kept) {
            let _ = answer.try_send(Ok(made));
        }
    }
}
