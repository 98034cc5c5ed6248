//! Amendments of events that are not known (yet): an outcome may overtake its payment.

use std::collections::{BTreeMap, HashMap};

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
}

/// Amendments that wait, oldest first, bounded in number and time.
#[derive(Debug)]
pub(super) struct Parked {
    /// By their place in the order, a number that only grows. What is taken is not here: it takes no
    /// room from what waits.
    queue: BTreeMap<u64, Waiting>,
    /// Places in the queue by target.
    by_target: HashMap<Token, Vec<u64>>,
    next: u64,
    capacity: usize,
    patience_ms: i64,
}

impl Parked {
    pub(super) fn new(capacity: usize, patience_ms: i64) -> Self {
        // Full size from the start: growing under way would stop the stream.
        let by_target = HashMap::with_capacity(capacity + 1);
        Self { queue: BTreeMap::new(), by_target, next: 0, capacity, patience_ms }
    }

    /// Amendments that wait.
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn park(
        &mut self,
        (seq, source, since): (Seq, Option<Source>, EventTime),
        target: Token,
        (amendment, standing): (Amendment, Standing),
    ) {
        let expired = Expired { seq, source };
        self.push(Waiting { target, since, expired, amendment, standing });
    }

    fn push(&mut self, waiting: Waiting) {
        self.by_target.entry(waiting.target).or_default().push(self.next);
        self.queue.insert(self.next, waiting);
        self.next += 1;
    }

    /// The amendments that waited for an event, in the order in which they came.
    pub(super) fn take(&mut self, target: Token, mut visit: impl FnMut(Amendment, Standing)) {
        if self.by_target.is_empty() {
            return;
        }
        for place in self.by_target.remove(&target).unwrap_or_default() {
            if let Some(waiting) = self.queue.remove(&place) {
                visit(waiting.amendment, waiting.standing);
            }
        }
    }

    /// Gives up on those that waited too long or are too many.
    pub(super) fn expire(&mut self, now: EventTime, mut visit: impl FnMut(Expired)) {
        while let Some((&place, &front)) = self.queue.first_key_value() {
            let is_late = now.as_ms() - front.since.as_ms() > self.patience_ms;
            if !is_late && self.queue.len() <= self.capacity {
                return;
            }
            self.queue.remove(&place);
            if let Some(places) = self.by_target.get_mut(&front.target) {
                places.retain(|other| *other != place);
                if places.is_empty() {
                    self.by_target.remove(&front.target);
                }
            }
            visit(front.expired);
        }
    }
}

/// Snapshots: what waits is little, and is written as a whole.
impl Parked {
    pub(super) fn write(&self, out: &mut Vec<u64>) {
        // Places begin at 0 again: only their order matters.
        out.extend([0, self.queue.len() as u64]);
        for waiting in self.queue.values() {
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
                code(waiting.amendment) << 1,
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
        words.at_most(u64::MAX >> 1)?;
        let count = words.one()?;
        for _ in 0..count {
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
            let standing = match has_standings {
                true => Standing::from_word(words.one()?),
                false => Standing::UNKNOWN,
            };
            let expired = Expired { seq, source };
            // Versions of before wrote what was taken, too.
            let is_taken = last & 1 == 1;
            if !is_taken {
                self.push(Waiting { target, since, expired, amendment, standing });
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
        let mut words_again = Vec::new();
        again.write(&mut words_again);
        assert_eq!(words_again, words);
        assert_eq!(expired(&mut again, at(9_999)), expired(&mut parked, at(9_999)));
    }

    /// Outcomes that found their payment take no room from those that still wait: a busy hour of the
    /// former must not send the latter to the dead letters before their time.
    #[test]
    fn what_was_taken_takes_no_room() {
        let label = Amendment::Label { truth: Truth::Fraud, source: None };
        let label = (label, Standing::of(label, at(0)));
        let mut parked = Parked::new(3, 1_000);
        parked.park((Seq(1), None, at(0)), token(0), label);
        for n in 1..100 {
            parked.park((Seq(1 + u64::from(n)), None, at(1)), token(n), label);
            parked.expire(at(1), |expired| panic!("{expired:?} had time"));
            parked.take(token(n), |_, _| {});
        }
        let mut taken = 0;
        parked.take(token(0), |_, _| taken += 1);
        assert_eq!((taken, parked.len()), (1, 0));
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
