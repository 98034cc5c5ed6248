//! The time of a file, which no clock stamps: what its lines say of it, and which of them cannot be
//! believed.
//!
//! A line of a file arrives when it says so, or when it occurred, and arrivals never go back. So a
//! line from the future would make every later one too old, or late. Whether a line far ahead of those
//! before it is a gap in the file or a broken clock, the lines after it tell: a few of them are admitted
//! before its turn. No clock is read: the same file gives the same answers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Admission, Admitted};
use crate::domain::EventTime;
use crate::stages::decode::{Encoded, Reject, RejectReason};
use crate::stages::enrich::{Tables, TokenKeys};

/// Lines that are asked whether one far ahead of the lines before it can be believed.
const WITNESSES: usize = 8;

/// A line no further ahead than this of those before it is believed as it is, in milliseconds.
const GAP_MS: i64 = 3_600_000;

/// Lines of a file on their way to their turn, in their order.
#[derive(Debug)]
pub struct FileTime {
    admission: Arc<Admission>,
    ahead: VecDeque<(u64, Box<Admitted>)>,
    /// Buffers to be used again.
    #[expect(clippy::vec_box, reason = "they move into the queue and back as they are")]
    spare: Vec<Box<Admitted>>,
    /// The time that the file, or the journal before it, has come to.
    reached: Option<EventTime>,
    bounds: FileBounds,
    is_ended: bool,
}

/// How far the time of a file may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileBounds {
    /// How old an event may be, in milliseconds: a line further ahead than this makes those around it
    /// too old.
    pub horizon_ms: i64,
    /// Nothing of later is taken.
    pub until: Option<EventTime>,
    /// How far a last line may go that no other one confirms. It matters where others come after the
    /// file: beside a journal.
    pub alone_until: Option<EventTime>,
}

/// How far the time of a line can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Belief {
    Full,
    /// It is what it says, and arrived with the lines around it: those after it are not late.
    Arrived(EventTime),
    None,
}

impl FileTime {
    /// Of a file that goes on where `reached` is.
    pub fn new(admission: Arc<Admission>, reached: Option<EventTime>, bounds: FileBounds) -> Self {
        let (ahead, spare) = (VecDeque::new(), Vec::new());
        Self { admission, ahead, spare, reached, bounds, is_ended: false }
    }

    /// Takes a line by its number.
    pub fn push(&mut self, number: u64, line: Encoded<'_>, lookups: (&Tables, &TokenKeys)) {
        let mut admitted = self.spare.pop().unwrap_or_default();
        self.admission.admit(line, lookups, || 0, &mut admitted);
        self.ahead.push_back((number, admitted));
    }

    /// No line follows: those that wait for witnesses have all that there are.
    pub const fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether [`Self::end`] was said.
    pub const fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The next line whose turn it is, with its number; `None` when more lines are wanted first. One
    /// that cannot be believed is rejected when it takes its turn.
    pub fn next_line(&mut self) -> Option<(u64, Box<Admitted>)> {
        let (_, first) = self.ahead.front()?;
        if let Some(own) = told(first) {
            let belief = self.belief(own)?;
            let (_, first) = self.ahead.front_mut()?;
            match belief {
                Belief::None => first.rejected = Some(Reject::whole(RejectReason::TimeAhead)),
                Belief::Arrived(at) if first.received_at.is_none() => {
                    (first.received_at, first.is_ahead) = (Some(at), true);
                }
                // What a recorded line says of its own arrival stands.
                Belief::Full | Belief::Arrived(_) => {}
            }
            self.reached = self.reached.max(told(first));
        }
        self.ahead.pop_front()
    }

    /// Takes a buffer back.
    pub fn give_back(&mut self, admitted: Box<Admitted>) {
        self.spare.push(admitted);
    }

    /// How far the first line's time can be believed; `None` where the lines after it have to tell.
    fn belief(&self, own: EventTime) -> Option<Belief> {
        let FileBounds { horizon_ms, until, alone_until } = self.bounds;
        if until.is_some_and(|until| own > until) {
            return Some(Belief::None);
        }
        let before_ms = |other: EventTime| own.as_ms() - other.as_ms();
        if self.reached.is_some_and(|reached| before_ms(reached) <= GAP_MS) {
            return Some(Belief::Full);
        }
        let after = self.ahead.iter().skip(1).filter_map(|(_, line)| told(line));
        let (mut witnesses, mut far, mut near, mut newest) = (0, 0, 0, None);
        for other in after.take(WITNESSES) {
            witnesses += 1;
            far += usize::from(before_ms(other) > horizon_ms);
            if before_ms(other) > GAP_MS {
                near += 1;
                newest = newest.max(Some(other));
            }
        }
        // As many lines as there can be buffers are enough, whatever they say.
        if !self.is_ended && witnesses < WITNESSES && self.ahead.len() <= 8 * WITNESSES {
            return None;
        }
        let is_within = self.reached.is_some_and(|reached| before_ms(reached) <= horizon_ms);
        let is_alone = witnesses == 0 && alone_until.is_some_and(|until| own > until);
        if !is_within && (2 * far > witnesses || is_alone) {
            return Some(Belief::None);
        }
        let around = self.reached.filter(|_| is_within).or(newest);
        let arrived = around.filter(|_| 2 * near > witnesses);
        Some(arrived.map_or(Belief::Full, Belief::Arrived))
    }
}

/// When a line arrived by its own account; `None` of what did not pass the door.
fn told(line: &Admitted) -> Option<EventTime> {
    let is_admitted = line.rejected.is_none();
    is_admitted.then(|| line.received_at.unwrap_or(line.input.occurred_at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::decode::Door;
    use crate::stages::mask::Profile;

    const DAY_MS: i64 = 86_400_000;

    fn at_ms(ms: i64) -> EventTime {
        EventTime::from_ms(1_700_000_000_000 + ms).unwrap()
    }

    fn admission() -> Admission {
        Admission {
            door: Door::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").unwrap(),
        }
    }

    fn outcome(at: EventTime) -> String {
        format!(
            "{{\"kind\":\"outcome\",\"of\":\"e\",\"result\":\"approved\",\"occurred_at\":\"{at}\"}}"
        )
    }

    /// Sends lines through that occurred on these days (negative: a line that is no event); the
    /// days of those that were believed must be `expected`.
    fn check(reached: Option<i64>, until: Option<i64>, days: &[i64], expected: &[i64]) {
        let at = |day: i64| at_ms(day * DAY_MS);
        let (until, alone_until) = (until.map(at), Some(at(25_000)));
        let bounds = FileBounds { horizon_ms: 7 * DAY_MS, until, alone_until };
        let mut file = FileTime::new(Arc::new(admission()), reached.map(at), bounds);
        let lookups = (&Tables::default(), &TokenKeys::new(1, &[7; 32]));
        let (mut numbers, mut believed) = (Vec::new(), Vec::new());
        let mut turn = |file: &mut FileTime| {
            while let Some((number, admitted)) = file.next_line() {
                numbers.push(number);
                if admitted.rejected.is_none() {
                    believed.push(days[number as usize]);
                }
                file.give_back(admitted);
            }
        };
        for (number, day) in days.iter().enumerate() {
            let line = match day {
                ..0 => "{".to_owned(),
                _ => outcome(at(*day)),
            };
            file.push(number as u64, (&line).into(), lookups);
            turn(&mut file);
        }
        file.end();
        turn(&mut file);
        assert!(numbers.iter().copied().eq(0..days.len() as u64), "each once, in order");
        assert_eq!(believed, expected, "{days:?}");
    }

    /// One line of a broken clock must not make the others too old: neither at the beginning nor in
    /// the middle, and a gap in the file is none.
    #[test]
    fn a_line_from_the_future_stands_alone() {
        let far = 20_000;
        check(None, None, &[0, far, 0, 0, 1], &[0, 0, 0, 1]);
        check(None, None, &[far, 0, 0, 1], &[0, 0, 1]);
        check(None, None, &[0, far, far + 1, 0, 0, 0, 1], &[0, 0, 0, 0, 1]);
        check(None, None, &[0, far, -1, -1, 0], &[0, 0]);
        check(None, None, &[0, 30, 60, 90], &[0, 30, 60, 90]);
        check(None, None, &[0, 30, 30, 31], &[0, 30, 30, 31]);
        check(None, None, &[5, 4, 3, 0], &[5, 4, 3, 0]);
        // The old line is too old by itself, which the time bounds see.
        check(None, None, &[30, 0, 30, 31], &[30, 0, 30, 31]);
        check(Some(3), None, &[far, 3, 4], &[3, 4]);
        check(Some(3), None, &[40], &[40]);
        check(None, None, &[], &[]);
        check(None, None, &[0, far, far], &[0, far, far]);
        // Nobody comes after the last line but what a journal is for.
        check(Some(3), None, &[far], &[far]);
        check(Some(3), None, &[27_000], &[]);
    }

    /// A line hours ahead of those around it arrives with them: it makes none of them late. Neither does
    /// the first one, and a gap in the file, where all that follows is as far ahead, is none.
    #[test]
    fn a_line_ahead_arrives_with_those_around_it() {
        let arrived = |hours: &[i64]| {
            let (admission, lookups) =
                (admission(), (&Tables::default(), &TokenKeys::new(1, &[7; 32])));
            let bounds = FileBounds { horizon_ms: 7 * DAY_MS, until: None, alone_until: None };
            let mut file = FileTime::new(Arc::new(admission), None, bounds);
            for hour in hours {
                file.push(0, (&outcome(at_ms(hour * GAP_MS))).into(), lookups);
            }
            file.end();
            let mut arrived = Vec::new();
            while let Some((_, line)) = file.next_line() {
                let at = told(&line).expect("believed");
                arrived.push(at.as_ms() / GAP_MS - at_ms(0).as_ms() / GAP_MS);
            }
            arrived
        };
        assert_eq!(arrived(&[0, 120, 1, 1, 2]), [0, 0, 1, 1, 2]);
        assert_eq!(arrived(&[120, 0, 1, 1, 2]), [2, 0, 1, 1, 2]);
        assert_eq!(arrived(&[0, 120, 121, 122]), [0, 120, 121, 122], "a gap");
        assert_eq!(
            arrived(&[0, 120, 0, 121, 122]),
            [0, 120, 0, 121, 122],
            "one late line behind it"
        );
        assert_eq!(arrived(&[0, 1, 0, 0]), [0, 1, 0, 0], "an hour is no gap");
        assert_eq!(arrived(&[3, 2, 1, 0]), [1, 2, 1, 0]);
    }

    /// What a file may hold is bounded where somebody says so: to the millisecond.
    #[test]
    fn nothing_is_taken_of_after_until() {
        check(None, Some(10), &[9, 10, 11, 10], &[9, 10, 10]);
        check(None, Some(10), &[20_000], &[]);
        check(Some(9), Some(10), &[20_000, 20_000, 10], &[10]);
    }
}
