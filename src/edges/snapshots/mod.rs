//! Snapshots beside the journal: when one is taken, and the thread that writes it.
//!
//! The engine's thread copies (see [`crate::engine::Engine::begin_snapshot`]) and hands buffers
//! over; the writer's thread seals them, writes, syncs, reads the file back and only then gives it
//! its name and removes older ones. A slow disk makes a snapshot late, or has it given up; the
//! stream never waits for it.

mod writer;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::domain::{EventTime, Seq};
use crate::engine::{Copying, Engine, PassedOver, Shelf};
use crate::journal::JournalId;
use crate::telemetry::{LogEvent, emit};

#[cfg(test)]
pub(in crate::edges) use writer::Worker;
use writer::{Writer, Written};

/// When snapshots are taken, and how long they are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// After this many inputs,
    pub every_events: u64,
    /// or after this much of the stream's time, whichever comes first.
    pub every: Duration,
    /// The first snapshot of each day of the stream is kept for this many days.
    pub anchor_days: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { every_events: 2_000_000, every: Duration::from_secs(300), anchor_days: 30 }
    }
}

/// Words that are copied with every input: 16 KiB, about two microseconds.
const WORDS_AN_INPUT: usize = 1 << 11;
/// Words that are copied when nothing else is to be done: 4 MiB, about a millisecond.
const WORDS_IDLE: usize = 1 << 19;
/// Words on their way to the disk past which only what is about to change is copied: 32 MiB.
const WAITING_MAX: u64 = 1 << 22;
/// Words on their way past which the disk is too slow for this snapshot: 1 GiB.
const HOPELESS: u64 = 1 << 27;
/// How long a stop waits for its snapshot; without it the next start reads more of the journal.
const STOP_MAX: Duration = Duration::from_secs(30);

/// Takes snapshots of one engine.
pub struct Keeper {
    settings: Settings,
    journal: JournalId,
    writer: Writer,
    state: State,
    /// Where the newest snapshot ends, or reading began.
    last: (Seq, Option<EventTime>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Waiting,
    Copying,
    /// All is copied; the writer is not done.
    Writing,
}

impl Keeper {
    /// Takes snapshots beside a journal from now on. `restored` is where the snapshot ended that
    /// recovery began with. Fails only when the system refuses a thread.
    pub fn start(
        dir: &Path,
        journal: JournalId,
        settings: Settings,
        engine: &Engine,
        restored: Option<Seq>,
    ) -> std::io::Result<Self> {
        let writer = Writer::start(Shelf::of(dir), settings.anchor_days)?;
        let last = (restored.unwrap_or(Seq(1)), engine.last_received_at());
        Ok(Self { settings, journal, writer, state: State::Waiting, last })
    }

    /// The same over any disk, without a thread: the turns of the work are the caller's.
    #[cfg(test)]
    pub(in crate::edges) fn with_turns(
        dir: &crate::journal::Directory,
        journal: JournalId,
        settings: Settings,
        engine: &Engine,
        restored: Option<Seq>,
    ) -> (Self, Worker) {
        let (writer, worker) = Writer::new(Shelf::of(dir), settings.anchor_days);
        let last = (restored.unwrap_or(Seq(1)), engine.last_received_at());
        (Self { settings, journal, writer, state: State::Waiting, last }, worker)
    }

    /// Files that recovery passed over and that nobody will use: they go as soon as a newer one is
    /// proven, so that they do not stand in for good ones.
    pub fn discard(&self, passed_over: &[PassedOver]) {
        let lost = passed_over.iter().filter(|passed| passed.fault.is_for_good());
        self.writer.discard(lost.map(|passed| passed.path.clone()).collect());
    }

    /// After an input, or before one: begins a snapshot when it is time, copies a little of one
    /// that is under way. Never blocks.
    pub fn turn(&mut self, engine: &mut Engine) {
        match self.state {
            State::Waiting if self.is_due(engine) => self.begin(engine),
            State::Waiting => {}
            State::Copying => self.copy(engine, WORDS_AN_INPUT),
            State::Writing => self.look(),
        }
    }

    /// When there is nothing else to do: as [`turn`](Self::turn), and copies more.
    pub fn idle(&mut self, engine: &mut Engine) {
        match self.state {
            State::Copying => self.copy(engine, WORDS_IDLE),
            State::Waiting | State::Writing => self.turn(engine),
        }
    }

    /// The end: finishes the snapshot under way, takes a last one of what came since, and waits for
    /// it, within bounds. The journal has been flushed.
    pub fn finish(mut self, engine: &mut Engine) {
        let deadline = Instant::now() + STOP_MAX;
        loop {
            if self.state == State::Waiting && engine.next_seq() > self.last.0 {
                self.begin(engine);
            }
            if self.state == State::Waiting {
                return self.writer.end();
            }
            if Instant::now() >= deadline {
                engine.abandon_snapshot();
                emit(&LogEvent::SnapshotFailed { text: "there was no time left for it" });
                return self.writer.leave();
            }
            if self.state == State::Writing || self.writer.waiting() > WAITING_MAX {
                std::thread::sleep(Duration::from_millis(1));
            }
            match self.state {
                State::Copying => self.copy(engine, WORDS_IDLE),
                State::Waiting | State::Writing => self.look(),
            }
        }
    }

    fn is_due(&self, engine: &Engine) -> bool {
        let (next, at) = self.last;
        let events = engine.next_seq().0.saturating_sub(next.0);
        let passed = |now: EventTime| at.map_or(0, |at| now.as_ms() - at.as_ms());
        let every_ms = i64::try_from(self.settings.every.as_millis()).unwrap_or(i64::MAX);
        events >= self.settings.every_events
            || events > 0 && engine.last_received_at().map_or(0, passed) >= every_ms
    }

    fn begin(&mut self, engine: &mut Engine) {
        self.last = (engine.next_seq(), engine.last_received_at());
        if let Some(head) = engine.begin_snapshot(self.journal) {
            self.writer.begin(engine.next_seq());
            self.writer.put(head);
            self.state = State::Copying;
        }
    }

    fn copy(&mut self, engine: &mut Engine, words: usize) {
        let waiting = self.writer.waiting();
        if waiting > HOPELESS || self.writer.has_failed() {
            engine.abandon_snapshot();
            if waiting > HOPELESS {
                emit(&LogEvent::SnapshotFailed { text: "the disk is too slow for it" });
            }
            self.writer.abandon();
            self.state = State::Writing;
            return;
        }
        let words = if waiting > WAITING_MAX { 0 } else { words };
        let writer = &self.writer;
        let copying =
            engine.copy_some(words, &mut || writer.spare(), &mut |frames| writer.put(frames));
        if copying == Copying::Done {
            self.writer.close();
            self.state = State::Writing;
        }
    }

    /// Whether the writer is done.
    fn look(&mut self) {
        match self.writer.outcome() {
            None => return,
            Some(Written::Kept { next, bytes, took }) => {
                let ms = took.as_millis() as u64;
                emit(&LogEvent::SnapshotTaken { next_seq: next.0, bytes, ms });
            }
            Some(Written::Failed { text }) => emit(&LogEvent::SnapshotFailed { text: &text }),
            Some(Written::Abandoned) => {}
        }
        self.state = State::Waiting;
    }
}

#[cfg(test)]
mod tests;
