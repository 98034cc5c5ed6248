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
type Done = Result<Made, String>;
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
    /// What was done and is not flushed yet.
    done: Vec<(SyncSender<Done>, Made)>,
}

/// A way for changes.
pub fn orders() -> (OrderSender, Orders) {
    let (sender, orders) = sync_channel(WAITING_MAX);
    (OrderSender(sender), Orders { orders, done: Vec::new() })
}

impl OrderSender {
    /// Has a change made: the number of its input, once the journal has it.
    pub fn send(&self, change: Change) -> Result<Seq, String> {
        let (answer, answered) = sync_channel(1);
        let stopping = || "the service is stopping: try again when it runs".to_owned();
        self.0.send(Order { change, answer }).map_err(|_| stopping())?;
        match answered.recv_timeout(PATIENCE) {
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
    /// Makes the next change, if one waits. An error means that the journal cannot keep it.
    pub fn turn<S: Surroundings>(
        &mut self,
        pipeline: &mut Pipeline<S>,
        now: EventTime,
        keys: &TokenKeys,
    ) -> Result<bool, crate::journal::JournalError> {
        let Order { change, answer } = match self.orders.try_recv() {
            Ok(order) => order,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Ok(false),
        };
        let made = match change {
            Change::Control(control) => pipeline.control(control, now, keys).map(|seq| (seq, None)),
            Change::Activate(activation, prepared) => pipeline
                .activate(activation, *prepared, now, keys)
                .map(|(seq, retired)| (seq, Some(retired))),
        };
        match made {
            Ok(done) => self.done.push((answer, done)),
            Err(ControlError::Refused(refusal)) => {
                // Whoever gave up waiting does not want to know.
                let _ = answer.try_send(Err(refusal.to_string()));
            }
            Err(ControlError::Journal(error)) => {
                let _ = answer.try_send(Err(error.to_string()));
                return Err(error);
            }
        }
        Ok(true)
    }

    /// The journal has everything: the answers go out.
    pub fn flushed(&mut self) {
        for (answer, done) in self.done.drain(..) {
            let _ = answer.try_send(Ok(done));
        }
    }
}
