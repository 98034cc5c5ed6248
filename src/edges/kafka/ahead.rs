//! Messages between the client and their turn, oldest first. They are admitted here: by a second
//! thread, which runs ahead of the engine's, or by the engine's own when it comes to one first. So a
//! single message waits for nobody, and where many wait, two threads share the work.
//!
//! Nothing stays here between two rounds of the loop.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::domain::Source;
use crate::stages::decode::{Encoded, Form};

use super::handler::Admit;

/// Messages that wait at most: as many as a second thread is ahead, few enough to stay in cache.
pub(super) const ROOM: usize = 64;
/// So many messages that nobody has admitted wake the second thread. Woken often it takes the engine's
/// place on a busy machine: with 8 a fifth fewer events a second were decided on two cores.
const WORTH_WAKING: usize = 24;

/// Where a message came from, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    pub(super) source: Source,
    /// The message's time stamp in Unix milliseconds.
    pub(super) stamped_ms: Option<i64>,
    /// When the client gave it.
    pub(super) at: Instant,
}

/// The queue.
pub(super) struct Ahead<A: Admit> {
    shared: Arc<Shared<A>>,
    /// Of the messages that wait.
    came: VecDeque<Came>,
    /// Counts messages that had their turn: the place of the oldest that waits.
    head: usize,
    thread: Option<JoinHandle<()>>,
}

struct Shared<A: Admit> {
    admission: Arc<A>,
    slots: Box<[Mutex<Slot<A::Admitted>>]>,
    /// Counts messages that came: the place of the next one.
    tail: AtomicUsize,
    /// The first place that the second thread has not looked at.
    looked: AtomicUsize,
    is_asleep: AtomicBool,
    is_over: AtomicBool,
}

/// One message.
struct Slot<T> {
    bytes: Vec<u8>,
    form: Form,
    is_admitted: bool,
    admitted: Box<T>,
}

impl<A: Admit> Shared<A> {
    fn lock(&self, place: usize) -> MutexGuard<'_, Slot<A::Admitted>> {
        // A slot is whole at any moment: whoever admits it again overwrites it.
        self.slots[place % ROOM].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, slot: &mut Slot<A::Admitted>) {
        if !slot.is_admitted {
            let message = Encoded { bytes: &slot.bytes, form: slot.form };
            self.admission.admit(message, &mut slot.admitted);
            slot.is_admitted = true;
        }
    }

    /// Admits what waits, until told that it is over.
    fn run_ahead(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            let place = self.looked.load(Ordering::SeqCst);
            if place == self.tail.load(Ordering::SeqCst) {
                self.is_asleep.store(true, Ordering::SeqCst);
                // Whoever came meanwhile wakes us; one that does not is admitted by the engine.
                thread::park();
                self.is_asleep.store(false, Ordering::SeqCst);
                continue;
            }
            match self.slots[place % ROOM].try_lock() {
                Ok(mut slot) => self.admit(&mut slot),
                Err(TryLockError::Poisoned(poisoned)) => self.admit(&mut poisoned.into_inner()),
                // The engine has come to it.
                Err(TryLockError::WouldBlock) => {}
            }
            // The engine may be further by now.
            self.looked.fetch_max(place + 1, Ordering::SeqCst);
        }
    }
}

impl<A: Admit> Ahead<A> {
    /// An empty queue whose messages are admitted when their turn comes.
    pub(super) fn new(admission: Arc<A>) -> Self {
        let slot = || {
            let (bytes, admitted) = (Vec::with_capacity(2_048), Box::default());
            Mutex::new(Slot { bytes, form: Form::Json, is_admitted: true, admitted })
        };
        let shared = Shared {
            admission,
            slots: std::iter::repeat_with(slot).take(ROOM).collect(),
            tail: AtomicUsize::new(0),
            looked: AtomicUsize::new(0),
            is_asleep: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        };
        let came = VecDeque::with_capacity(ROOM);
        Self { shared: Arc::new(shared), came, head: 0, thread: None }
    }

    /// From now on a second thread runs ahead.
    pub(super) fn start(&mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let run = move || shared.run_ahead();
        self.thread = Some(thread::Builder::new().name("admission".to_owned()).spawn(run)?);
        Ok(())
    }

    /// Messages that wait.
    pub(super) fn len(&self) -> usize {
        self.came.len()
    }

    /// Whether another one may come.
    pub(super) fn has_room(&self) -> bool {
        self.came.len() < ROOM
    }

    /// Takes a message. There is room.
    pub(super) fn push(&mut self, came: Came, message: Encoded<'_>) {
        debug_assert!(self.has_room());
        let place = self.head + self.came.len();
        let mut slot = self.shared.lock(place);
        slot.bytes.clear();
        slot.bytes.extend_from_slice(message.bytes);
        (slot.form, slot.is_admitted) = (message.form, false);
        drop(slot);
        self.came.push_back(came);
        self.shared.tail.store(place + 1, Ordering::SeqCst);
    }

    /// Wakes the second thread if that is worth while.
    pub(super) fn share(&self) {
        let Some(thread) = &self.thread else { return };
        let looked = self.shared.looked.load(Ordering::SeqCst);
        let waiting = self.shared.tail.load(Ordering::SeqCst).saturating_sub(looked);
        if waiting >= WORTH_WAKING && self.shared.is_asleep.load(Ordering::SeqCst) {
            thread.thread().unpark();
        }
    }

    /// The oldest message, admitted; its turn has come.
    pub(super) fn next(&mut self) -> Option<(Came, Turn<'_, A::Admitted>)> {
        let came = self.came.pop_front()?;
        let place = self.head;
        self.head = place + 1;
        let mut slot = self.shared.lock(place);
        self.shared.admit(&mut slot);
        // The second thread goes on after it at the earliest.
        self.shared.looked.fetch_max(self.head, Ordering::SeqCst);
        Some((came, Turn(slot)))
    }
}

impl<A: Admit> Drop for Ahead<A> {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // What it was doing is nobody's any more.
            let _ = thread.join();
        }
    }
}

/// A message whose turn it is.
pub(super) struct Turn<'a, T>(MutexGuard<'a, Slot<T>>);

impl<T> Turn<'_, T> {
    /// What it was admitted as, to be exchanged for another buffer.
    pub(super) fn admitted(&mut self) -> &mut Box<T> {
        &mut self.0.admitted
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Duration;

    use super::*;

    /// Admits a message as its bytes, and counts how often it did.
    #[derive(Default)]
    struct Counting(AtomicU64);

    impl Admit for Counting {
        type Admitted = Vec<u8>;

        fn admit(&self, message: Encoded<'_>, into: &mut Vec<u8>) {
            into.clear();
            into.extend_from_slice(message.bytes);
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn came(offset: i64) -> Came {
        let source = Source { topic: 0, partition: 0, offset };
        Came { source, stamped_ms: None, at: Instant::now() }
    }

    /// Every message comes out once, in its order and as itself, with its turn before or after the
    /// second thread has come to it; the caller's buffers go round.
    fn check(is_shared: bool, bursts: impl Iterator<Item = usize>) {
        let admission = Arc::new(Counting::default());
        let mut ahead = Ahead::new(Arc::clone(&admission));
        if is_shared {
            ahead.start().unwrap();
        }
        let (mut pushed, mut popped) = (0_i64, 0_i64);
        let mut other = Box::new(Vec::new());
        for burst in bursts {
            for _ in 0..burst {
                if ahead.has_room() {
                    ahead.push(came(pushed), (&pushed.to_string()).into());
                    pushed += 1;
                }
            }
            ahead.share();
            for _ in 0..=burst / 2 {
                let Some((came, mut turn)) = ahead.next() else { break };
                assert_eq!(came.source.offset, popped);
                assert_eq!(**turn.admitted(), popped.to_string().into_bytes());
                std::mem::swap(turn.admitted(), &mut other);
                popped += 1;
            }
            assert_eq!(ahead.len() as i64, pushed - popped);
        }
        while let Some((came, mut turn)) = ahead.next() {
            assert_eq!(**turn.admitted(), came.source.offset.to_string().into_bytes());
            popped += 1;
        }
        assert_eq!(popped, pushed);
        assert_eq!(admission.0.load(Ordering::SeqCst), pushed as u64, "each is admitted once");
    }

    #[test]
    fn messages_come_out_in_their_order() {
        for is_shared in [false, true] {
            check(is_shared, [1, 0, 1, 40, 3, 0, 0, 90, 1].into_iter());
            check(is_shared, (0..20_000).map(|round| round * 7 % 45));
        }
    }

    /// The second thread does run ahead: with a full queue and nobody else it admits all of it.
    #[test]
    fn the_second_thread_admits_what_waits() {
        let admission = Arc::new(Counting::default());
        let mut ahead = Ahead::new(Arc::clone(&admission));
        ahead.start().unwrap();
        while ahead.has_room() {
            ahead.push(came(0), b"x".into());
        }
        // Only a thread that never comes takes so long.
        let deadline = Instant::now() + Duration::from_secs(60);
        while admission.0.load(Ordering::SeqCst) < ROOM as u64 {
            assert!(Instant::now() < deadline, "nobody admits what waits");
            ahead.share();
            thread::yield_now();
        }
    }
}
