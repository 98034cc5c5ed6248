//! Amendments of events that are not known (yet): an outcome may overtake its payment.

use std::collections::{HashMap, VecDeque};

use crate::domain::{Amendment, EventTime, Seq, Source, Token};

/// An amendment whose event never came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expired {
    /// The amendment's number.
    pub seq: Seq,
    /// Where it came from, for the dead letter.
    pub source: Option<Source>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    target: Token,
    since: EventTime,
    expired: Expired,
    amendment: Amendment,
    is_taken: bool,
}

/// Amendments that wait, oldest first, bounded in number and time.
#[derive(Debug)]
pub(super) struct Parked {
    queue: VecDeque<Waiting>,
    /// Places in the queue by target, as numbers that only grow; `first` is the queue's front.
    by_target: HashMap<Token, Vec<u64>>,
    first: u64,
    capacity: usize,
    patience_ms: i64,
}

impl Parked {
    pub(super) fn new(capacity: usize, patience_ms: i64) -> Self {
        // Full size from the start: growing under way would stop the stream.
        let queue = VecDeque::with_capacity(capacity + 1);
        let by_target = HashMap::with_capacity(capacity + 1);
        Self { queue, by_target, first: 0, capacity, patience_ms }
    }

    /// Amendments that wait.
    pub(super) fn len(&self) -> usize {
        self.by_target.values().map(Vec::len).sum()
    }

    pub(super) fn park(
        &mut self,
        (seq, source, since): (Seq, Option<Source>, EventTime),
        target: Token,
        amendment: Amendment,
    ) {
        let place = self.first + self.queue.len() as u64;
        self.by_target.entry(target).or_default().push(place);
        let expired = Expired { seq, source };
        self.queue.push_back(Waiting { target, since, expired, amendment, is_taken: false });
    }

    /// The amendments that waited for an event, in the order in which they came.
    pub(super) fn take(&mut self, target: Token, mut visit: impl FnMut(Amendment)) {
        if self.by_target.is_empty() {
            return;
        }
        for place in self.by_target.remove(&target).unwrap_or_default() {
            if let Some(waiting) = self.queue.get_mut((place - self.first) as usize) {
                waiting.is_taken = true;
                visit(waiting.amendment);
            }
        }
    }

    /// Gives up on those that waited too long or are too many.
    pub(super) fn expire(&mut self, now: EventTime, mut visit: impl FnMut(Expired)) {
        while let Some(front) = self.queue.front().copied() {
            let is_late = now.as_ms() - front.since.as_ms() > self.patience_ms;
            if !front.is_taken && !is_late && self.queue.len() <= self.capacity {
                return;
            }
            self.queue.pop_front();
            if !front.is_taken {
                if let Some(places) = self.by_target.get_mut(&front.target) {
                    places.retain(|place| *place != self.first);
                    if places.is_empty() {
                        self.by_target.remove(&front.target);
                    }
                }
                visit(front.expired);
            }
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Truth;

    fn at(ms: i64) -> EventTime {
        EventTime::from_ms(1_700_000_000_000 + ms).unwrap()
    }

    fn token(n: u8) -> Token {
        Token::from_bytes([n; 16])
    }

    /// What waits is given once, in order; what waited too long is named, and nothing else.
    #[test]
    fn amendments_wait_for_their_event() {
        let label = |truth| Amendment::Label { truth };
        let mut parked = Parked::new(3, 1_000);
        parked.park((Seq(1), None, at(0)), token(1), label(Truth::Fraud));
        parked.park((Seq(2), None, at(10)), token(2), label(Truth::Fraud));
        parked.park((Seq(3), None, at(20)), token(1), label(Truth::Legitimate));
        let mut taken = Vec::new();
        parked.take(token(1), |amendment| taken.push(amendment));
        assert_eq!(taken, [label(Truth::Fraud), label(Truth::Legitimate)]);
        parked.take(token(1), |_| panic!("given twice"));
        let expired = |parked: &mut Parked, now| {
            let mut seqs = Vec::new();
            parked.expire(now, |expired| seqs.push(expired.seq.0));
            seqs
        };
        assert!(expired(&mut parked, at(1_010)).is_empty());
        assert_eq!(expired(&mut parked, at(1_011)), [2]);
        for n in 0..6 {
            parked.park((Seq(10 + n), None, at(2_000)), token(9), label(Truth::Fraud));
        }
        assert_eq!(expired(&mut parked, at(2_000)), [10, 11, 12]);
        assert_eq!(parked.len(), 3);
    }
}
