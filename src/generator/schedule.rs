//! What is still to come: follow-ups in order of time, then of invention.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::draft::Draft;
use super::lines::Amendment;
use super::truth::{Plant, Truth};

/// Something that arrives later.
#[derive(Debug)]
pub(super) enum Pending {
    /// An event of a campaign.
    Event(Box<Draft>),
    /// An outcome or a label.
    Amendment(Amended),
    /// A line already written: late, or a copy.
    Line(Box<(Vec<u8>, Truth)>),
}

/// An amendment on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amended {
    /// The event it speaks of.
    pub(super) of: u64,
    /// What became known.
    pub(super) what: Amendment,
    /// What was planted in that event.
    pub(super) plant: Option<Plant>,
}

/// A bounded queue ordered by (time, order of insertion), so that ties never depend on the heap.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Entry>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry {
    at_ms: i64,
    order: u64,
    what: Pending,
}

impl Schedule {
    /// So many follow-ups may wait; about 500 bytes each at worst.
    const PENDING_MAX: usize = 400_000;

    /// Queues something; it is dropped when the queue is full, which bounds memory on any settings.
    pub(super) fn push(&mut self, at_ms: i64, what: Pending) {
        if self.heap.len() < Self::PENDING_MAX {
            self.heap.push(Entry { at_ms, order: self.inserted, what });
            self.inserted += 1;
        }
    }

    /// Whether another campaign may be added.
    pub(super) fn has_room(&self) -> bool {
        self.heap.len() < Self::PENDING_MAX / 2
    }

    /// Takes the first thing due at or before `at_ms`.
    pub(super) fn pop_due(&mut self, at_ms: i64) -> Option<(i64, Pending)> {
        if self.heap.peek()?.at_ms > at_ms {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at_ms, entry.what))
    }
}

impl Ord for Entry {
    /// Reversed, because the heap yields its greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at_ms, other.order).cmp(&(self.at_ms, self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
