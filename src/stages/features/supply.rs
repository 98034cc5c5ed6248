//! Memory for the state, made ready beside the stream.
//!
//! The system clears memory when it is first touched. A huge page, which the state wants for its
//! random reads, takes milliseconds then, where a virtual machine's memory comes late itself. So
//! whoever has time makes the next chunks and touches them, and the state takes one when it grows. When
//! none is ready it makes its own: what is computed never depends on it.

use std::fmt;
use std::hint::black_box;
use std::sync::mpsc::{Receiver, TrySendError, sync_channel};

/// Where a growing store takes its next chunk from.
#[derive(Debug)]
pub struct Supply<T> {
    ready: Option<Receiver<T>>,
}

/// Chunks that somebody may make ready, for as long as their store is there.
pub struct Demand(Box<dyn FnMut() -> Wanted + Send>);

/// Whether there is still somebody who takes the chunks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// There is; as many as were asked for are ready.
    Yes,
    /// The store is gone.
    No,
}

impl<T> Default for Supply<T> {
    fn default() -> Self {
        Self { ready: None }
    }
}

impl<T: Send + 'static> Supply<T> {
    /// The next chunk: one that is ready, else one made now.
    pub fn take(&self, make: impl FnOnce() -> T) -> T {
        self.take_ready().unwrap_or_else(make)
    }

    /// The next chunk if one is ready.
    pub fn take_ready(&self) -> Option<T> {
        self.ready.as_ref().and_then(|ready| ready.try_recv().ok())
    }

    /// Asks for so many chunks to be ready at any time, each as `make` makes it.
    pub fn order(&mut self, chunks: usize, make: impl Fn() -> T + Send + 'static) -> Demand {
        let (sender, ready) = sync_channel(chunks);
        self.ready = Some(ready);
        let mut spare = None;
        Demand(Box::new(move || {
            loop {
                match sender.try_send(spare.take().unwrap_or_else(&make)) {
                    Ok(()) => {}
                    Err(TrySendError::Full(chunk)) => {
                        spare = Some(chunk);
                        return Wanted::Yes;
                    }
                    Err(TrySendError::Disconnected(_)) => return Wanted::No,
                }
            }
        }))
    }
}

impl Demand {
    /// Makes what is missing.
    pub fn fill(&mut self) -> Wanted {
        (self.0)()
    }
}

impl fmt::Debug for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Demand")
    }
}

/// So many words of zero, each of them touched.
pub fn touched_words(words: usize) -> Box<[u64]> {
    touched(words, u64::MAX, 0).into_boxed_slice()
}

/// An empty list with room for so many items, all of it touched.
pub(super) fn touched_room<T: Clone>(items: usize, any: T) -> Vec<T> {
    let mut room = touched(items, any.clone(), any);
    room.clear();
    room
}

pub(super) fn touched<T: Clone>(items: usize, first: T, then: T) -> Vec<T> {
    let mut chunk = vec![first; items];
    // Or a compiler that sees two fills would ask the system for zeros that nobody has touched.
    black_box(&mut chunk);
    chunk.fill(then);
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store that finds nothing ready must grow all the same, and one that is gone must not keep
    /// its supplier busy.
    #[test]
    fn chunks_are_ready_or_made() {
        let mut supply = Supply::default();
        assert_eq!(supply.take(|| 7), 7, "nobody was asked");
        let mut demand = supply.order(2, || 1);
        assert_eq!(supply.take(|| 7), 7, "nothing is ready yet");
        assert_eq!(demand.fill(), Wanted::Yes);
        assert_eq!([supply.take(|| 7), supply.take(|| 7), supply.take(|| 7)], [1, 1, 7]);
        assert_eq!(demand.fill(), Wanted::Yes);
        drop(supply);
        assert_eq!(demand.fill(), Wanted::No);
        assert_eq!(*touched_words(3), [0, 0, 0]);
        let room = touched_room(3, 5_u8);
        assert!(room.is_empty() && room.capacity() >= 3);
    }
}
