//! What the loop does about a disk that is full or slow: it stops, or it waits and goes on by itself.
//!
//! A decision is never sent without its record. So there is nothing to decide with while the disk is
//! full: reading pauses, the service is not ready, and the batch that could not be written is tried
//! again until there is room.

use std::time::{Duration, Instant};

#[cfg(feature = "kafka")]
use crate::telemetry::{LogEvent, Unready, emit};

#[cfg(feature = "kafka")]
use super::{Edge, EdgeError, Handler, HandlerError};

/// What to do about a full disk, and when a disk counts as slow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DiskPolicy {
    /// What to do when a batch finds no room.
    pub on_full: OnDiskFull,
    /// A batch that waits longer for the medium makes the service unready.
    pub slow: Duration,
}

/// What to do when a batch finds no room.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnDiskFull {
    /// End with an error: somebody watches processes.
    Stop,
    /// Pause reading, be unready, and go on by itself when there is room.
    Fallback,
}

impl OnDiskFull {
    /// Each choice with its name.
    pub const NAMED: [(&'static str, Self); 2] =
        [("stop", Self::Stop), ("fallback", Self::Fallback)];
}

/// A batch that found no room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stalled {
    next_try: Instant,
    pause: Duration,
}

/// The first pause between two tries, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

#[cfg(feature = "kafka")]
impl<H: Handler> Edge<H> {
    /// Gives the batch to the journal, unless it has to wait for room; whether the journal has it.
    pub(super) fn flush(&mut self) -> Result<bool, EdgeError> {
        if self.stalled.is_some_and(|stalled| Instant::now() < stalled.next_try) {
            return Ok(false);
        }
        match self.work.flush() {
            Ok(()) => {
                if self.stalled.take().is_some() {
                    self.telemetry.readiness.clear(Unready::DiskFull);
                    emit(&LogEvent::DiskBack);
                }
                Ok(true)
            }
            Err(HandlerError::DiskFull(text)) if self.settings.disk.on_full != OnDiskFull::Stop => {
                let (first, longest) = PAUSES;
                let pause = match self.stalled {
                    Some(before) => (before.pause * 2).min(longest),
                    None => first,
                };
                self.stalled = Some(Stalled { next_try: Instant::now() + pause, pause });
                if self.telemetry.readiness.set(Unready::DiskFull) {
                    emit(&LogEvent::DiskFull { text: &text });
                }
                Ok(false)
            }
            // A change that a person made while no message came: it is tried again. Whether the
            // service stops is for the next message to say.
            Err(HandlerError::DiskFull(_)) if self.work.batch_len() == 0 => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends what the journal keeps by now.
    pub(super) fn release(&mut self) -> Result<(), EdgeError> {
        self.work.release()?;
        self.send()?;
        self.work.settle();
        Ok(())
    }

    /// Says so when the disk takes longer than it should.
    pub(super) fn watch_disk(&mut self) {
        let is_slow = self.work.waits_for().is_some_and(|waits| waits > self.settings.disk.slow);
        let readiness = &self.telemetry.readiness;
        if is_slow {
            if readiness.set(Unready::DiskSlow) {
                emit(&LogEvent::DiskSlow);
            }
        } else if readiness.clear(Unready::DiskSlow) {
            emit(&LogEvent::DiskBack);
        }
    }
}
