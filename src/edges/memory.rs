//! Memory for the engine's state made ready on a thread of its own, before an event needs it.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::stages::features::{Demand, Wanted};

/// Between two rounds: a store grows by less than it has ready in that time.
const EVERY: Duration = Duration::from_millis(20);

/// The thread that makes memory ready; it ends when this is dropped.
#[derive(Debug)]
pub struct Ready {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Keeps what the stores ask for ready, from now on. Returns when it is for the first time.
pub fn keep_ready(mut demands: Vec<Demand>) -> io::Result<Ready> {
    demands.retain_mut(|demand| demand.fill() == Wanted::Yes);
    let (stop, stopped) = channel::<()>();
    let thread = std::thread::Builder::new().name("memory".to_owned()).spawn(move || {
        while !demands.is_empty() && stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
            demands.retain_mut(|demand| demand.fill() == Wanted::Yes);
        }
    })?;
    Ok(Ready { stop: Some(stop), thread: Some(thread) })
}

impl Drop for Ready {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ends at once, and does nothing that could panic.
            let _ = thread.join();
        }
    }
}
