//! Amendments of events that are not known (yet): an outcome may overtake its payment.

use std::collections::{HashMap, VecDeque};

use crate::domain::{
    Amendment, EventTime, LabelSource, OutcomeResult, Refusal, Seq, Source, Standing, Token, Truth,
};
use crate::stages::features::{Misfit, Words};

/// An amendment whose event never came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expired {
    /// The amendment's number.
    pub seq: Seq,
    /// Where it came from, for the dead letter.
    pub source: Option<Source>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Waiting {
    target: Token,
    since: EventTime,
    expired: Expired,
    amendment: Amendment,
    standing: Standing,
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
        (amendment, standing): (Amendment, Standing),
    ) {
        let place = self.first + self.queue.len() as u64;
        self.by_target.entry(target).or_default().push(place);
        let expired = Expired { seq, source };
        let is_taken = false;
        self.queue.push_back(Waiting { target, since, expired, amendment, standing, is_taken });
    }

    /// The amendments that waited for an event, in the order in which they came.
    pub(super) fn take(&mut self, target: Token, mut visit: impl FnMut(Amendment, Standing)) {
        if self.by_target.is_empty() {
            return;
        }
        for place in self.by_target.remove(&target).unwrap_or_default() {
            if let Some(waiting) = self.queue.get_mut((place - self.first) as usize) {
                waiting.is_taken = true;
                visit(waiting.amendment, waiting.standing);
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

/// Snapshots: what waits is little, and is written as a whole.
impl Parked {
    pub(super) fn write(&self, out: &mut Vec<u64>) {
        out.extend([self.first, self.queue.len() as u64]);
        for waiting in &self.queue {
            let source = waiting.expired.source;
            let place = source.map_or(u64::MAX, |source| {
                u64::from(source.topic) << 32 | u64::from(source.partition.cast_unsigned())
            });
            out.extend(waiting.target.to_words());
            out.extend([
                waiting.since.as_ms().cast_unsigned(),
                waiting.expired.seq.0,
                place,
                source.map_or(0, |source| source.offset.cast_unsigned()),
                code(waiting.amendment) << 1 | u64::from(waiting.is_taken),
                waiting.standing.to_word(),
            ]);
        }
    }

    /// Fills an empty queue with what [`write`](Self::write) wrote; `has_standings` is false where it
    /// did not write these yet.
    pub(super) fn read(
        &mut self,
        words: &mut Words<'_>,
        has_standings: bool,
    ) -> Result<(), Misfit> {
        self.first = words.at_most(u64::MAX >> 1)?;
        let count = words.one()?;
        for place in 0..count {
            let target = Token::from_words([words.one()?, words.one()?]);
            let since = EventTime::from_ms(words.one()?.cast_signed());
            let since =
                since.map_err(|_| Misfit("an amendment waits since a time that is none"))?;
            let seq = Seq(words.one()?);
            let (at, offset) = (words.one()?, words.one()?.cast_signed());
            let source = (at != u64::MAX).then_some(Source {
                topic: (at >> 32) as u16,
                partition: (at as u32).cast_signed(),
                offset,
            });
            let last = words.one()?;
            let amendment = of_code(last >> 1).ok_or(Misfit("an amendment says nothing known"))?;
            let is_taken = last & 1 == 1;
            let standing = match has_standings {
                true => Standing::from_word(words.one()?),
                false => Standing::UNKNOWN,
            };
            let expired = Expired { seq, source };
            let waiting = Waiting { target, since, expired, amendment, standing, is_taken };
            self.queue.push_back(waiting);
            if !is_taken {
                self.by_target.entry(target).or_default().push(self.first + place);
            }
        }
        Ok(())
    }
}

/// An amendment as a number: what it is, then its words' own numbers.
const fn code(amendment: Amendment) -> u64 {
    match amendment {
        Amendment::Outcome { result, refusal } => {
            let refusal = match refusal {
                None => 0,
                Some(refusal) => refusal as u64,
            };
            1 << 16 | (result as u64) << 8 | refusal
        }
        Amendment::Label { truth, source } => {
            let source = match source {
                None => 0,
                Some(source) => source as u64,
            };
            2 << 16 | source << 8 | truth as u64
        }
    }
}

fn of_code(code: u64) -> Option<Amendment> {
    Some(match code >> 16 {
        1 => {
            let result = OutcomeResult::from_number(code >> 8 & 0xff)?;
            let refusal = match code & 0xff {
                0 => None,
                number => Some(Refusal::from_number(number)?),
            };
            Amendment::Outcome { result, refusal }
        }
        2 => {
            let source = match code >> 8 & 0xff {
                0 => None,
                number => Some(LabelSource::from_number(number)?),
            };
            Amendment::Label { truth: Truth::from_number(code & 0xff)?, source }
        }
        _ => return None,
    })
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
        let label = |truth| {
            let label = Amendment::Label { truth, source: Some(LabelSource::Chargeback) };
            (label, Standing::of(label, at(7)))
        };
        let mut parked = Parked::new(3, 1_000);
        parked.park((Seq(1), None, at(0)), token(1), label(Truth::Fraud));
        parked.park((Seq(2), None, at(10)), token(2), label(Truth::Fraud));
        parked.park((Seq(3), None, at(20)), token(1), label(Truth::Legitimate));
        let mut taken = Vec::new();
        parked.take(token(1), |amendment, standing| taken.push((amendment, standing)));
        assert_eq!(taken, [label(Truth::Fraud), label(Truth::Legitimate)]);
        parked.take(token(1), |_, _| panic!("given twice"));
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
        let mut words = Vec::new();
        parked.write(&mut words);
        let mut again = Parked::new(3, 1_000);
        again.read(&mut Words(&words), true).unwrap();
        assert_eq!((again.queue, again.by_target), (parked.queue, parked.by_target));
    }

    /// Every amendment keeps what it says across a snapshot.
    #[test]
    fn an_amendment_comes_back_from_its_number() {
        let refusals = Refusal::ALL.iter().map(|refusal| Some(*refusal)).chain([None]);
        for refusal in refusals {
            for result in OutcomeResult::ALL.iter().copied() {
                let amendment = Amendment::Outcome { result, refusal };
                assert_eq!(of_code(code(amendment)), Some(amendment));
            }
        }
        for truth in Truth::ALL.iter().copied() {
            let sources = LabelSource::ALL.iter().map(|source| Some(*source)).chain([None]);
            for source in sources {
                let amendment = Amendment::Label { truth, source };
                assert_eq!(of_code(code(amendment)), Some(amendment));
            }
        }
        assert_eq!((of_code(0), of_code(u64::MAX)), (None, None));
    }
}
