//! The recent past by event token: what was answered, and where an amendment finds what it amends.
//!
//! A ring of fixed rows, the oldest overwritten, and an index over it. Both have their full size
//! from the start, so nothing grows while events flow.

use crate::domain::{Body, Content, EventTime, Seq, Token};
use crate::stages::features::Footprint;

use super::pack::{BODY_WORDS, pack, unpack};

/// One of the bundles that have answered, in the order in which they came.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct BundleNumber(pub(super) u16);

/// When an input was numbered, happened and arrived, and under which bundle.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Moment {
    pub(super) seq: Seq,
    pub(super) occurred_at: EventTime,
    pub(super) received_at: EventTime,
    pub(super) bundle: BundleNumber,
}

/// What is remembered of one event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Remembered {
    pub(super) row: usize,
    pub(super) seq: Seq,
    pub(super) content: Content,
    pub(super) occurred_at: EventTime,
    pub(super) received_at: EventTime,
    /// Which of the engine's bundles answered.
    pub(super) bundle: BundleNumber,
    /// `None` for history that was only counted and for amendments.
    pub(super) body: Option<Body>,
}

#[derive(Debug)]
pub(super) struct Recent {
    rows: Vec<Box<[u64]>>,
    row_words: usize,
    capacity: usize,
    /// Rows written so far; the next one goes to `written % capacity`.
    written: usize,
    /// Row + 1 by token, open addressing; zero is empty.
    index: Vec<u32>,
}

/// Rows per chunk: chunks are taken as the ring fills for the first time.
const CHUNK: usize = 1 << 12;
const TOKEN: usize = 0;
const CONTENT: usize = 2;
const SEQ: usize = 4;
const TIME: usize = 5;
/// Below the bundle's number, which fills the upper 16 bits: times stay below 2^48 ms.
const RECEIVED: usize = 6;
const BODY: usize = 7;
const FOOTPRINT: usize = BODY + BODY_WORDS;
const TIME_MASK: u64 = (1 << 48) - 1;
const _: () = assert!(EventTime::MAX_MS < 1 << 48);
/// In the sequence number's word: there is a body.
const HAS_BODY: u64 = 1 << 63;

impl Recent {
    /// Remembers up to `capacity` events, each with a footprint of `footprint_words`.
    pub(super) fn new(capacity: u32, footprint_words: usize) -> Self {
        let capacity = (capacity as usize).max(CHUNK);
        Self {
            rows: Vec::new(),
            row_words: FOOTPRINT + footprint_words,
            capacity,
            written: 0,
            index: vec![0; (capacity * 2).next_power_of_two()],
        }
    }

    /// Bytes of rows and index.
    pub(super) fn bytes(&self) -> u64 {
        (self.rows.len() * CHUNK * self.row_words * 8 + self.index.len() * 4) as u64
    }

    fn row(&self, row: usize) -> &[u64] {
        let start = row % CHUNK * self.row_words;
        &self.rows[row / CHUNK][start..start + self.row_words]
    }

    fn row_mut(&mut self, row: usize) -> &mut [u64] {
        let start = row % CHUNK * self.row_words;
        &mut self.rows[row / CHUNK][start..start + self.row_words]
    }

    fn token(&self, row: usize) -> Token {
        let words = self.row(row);
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&words[TOKEN].to_le_bytes());
        bytes[8..].copy_from_slice(&words[TOKEN + 1].to_le_bytes());
        Token::from_bytes(bytes)
    }

    /// What is remembered under a token.
    pub(super) fn find(&self, token: Token) -> Option<Remembered> {
        let mask = self.index.len() - 1;
        let mut at = token.short() as usize & mask;
        while self.index[at] != 0 {
            let row = self.index[at] as usize - 1;
            if self.token(row) == token {
                return Some(self.remembered(row));
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn remembered(&self, row: usize) -> Remembered {
        let words = self.row(row);
        let mut content = [0; 16];
        content[..8].copy_from_slice(&words[CONTENT].to_le_bytes());
        content[8..].copy_from_slice(&words[CONTENT + 1].to_le_bytes());
        let has_body = words[SEQ] & HAS_BODY != 0;
        Remembered {
            row,
            seq: Seq(words[SEQ] & !HAS_BODY),
            content: Content(content),
            // Written from an `EventTime`, so in its range.
            occurred_at: EventTime::from_ms(words[TIME].cast_signed()).unwrap_or(EventTime::MIN),
            received_at: EventTime::from_ms((words[RECEIVED] & TIME_MASK).cast_signed())
                .unwrap_or(EventTime::MIN),
            bundle: BundleNumber((words[RECEIVED] >> 48) as u16),
            body: has_body.then(|| unpack(&words[BODY..FOOTPRINT])),
        }
    }

    /// Where an amendment finds what the event touched.
    pub(super) fn footprint(&self, row: usize, footprint: &mut Footprint) {
        footprint.read(&self.row(row)[FOOTPRINT..]);
    }

    /// Keeps a changed footprint.
    pub(super) fn set_footprint(&mut self, row: usize, footprint: &Footprint) {
        footprint.write(&mut self.row_mut(row)[FOOTPRINT..]);
    }

    /// Remembers an event, forgetting the oldest when the ring is full. The token is not in it.
    pub(super) fn add(
        &mut self,
        (token, content): (Token, Content),
        moment: Moment,
        body: Option<&Body>,
        footprint: &Footprint,
    ) {
        let row = self.written % self.capacity;
        if self.written >= self.capacity {
            self.unlink(row);
        } else if row / CHUNK == self.rows.len() {
            self.rows.push(vec![0; CHUNK * self.row_words].into_boxed_slice());
        }
        let half = |bytes: &[u8; 16], high: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(&bytes[high * 8..high * 8 + 8]);
            u64::from_le_bytes(half)
        };
        let words = self.row_mut(row);
        for high in 0..2 {
            words[TOKEN + high] = half(token.as_bytes(), high);
            words[CONTENT + high] = half(&content.0, high);
        }
        words[SEQ] = moment.seq.0 | if body.is_some() { HAS_BODY } else { 0 };
        words[TIME] = moment.occurred_at.as_ms().cast_unsigned();
        words[RECEIVED] =
            moment.received_at.as_ms().cast_unsigned() | u64::from(moment.bundle.0) << 48;
        words[BODY..FOOTPRINT].copy_from_slice(&pack(body.unwrap_or(&Body::default())));
        footprint.write(&mut words[FOOTPRINT..]);
        self.written += 1;
        let mask = self.index.len() - 1;
        let mut at = token.short() as usize & mask;
        while self.index[at] != 0 {
            at = (at + 1) & mask;
        }
        self.index[at] = row as u32 + 1;
    }

    /// Takes a row out of the index, moving back those that it had displaced.
    fn unlink(&mut self, row: usize) {
        let mask = self.index.len() - 1;
        let home =
            |recent: &Self, entry: u32| recent.token(entry as usize - 1).short() as usize & mask;
        let mut at = self.token(row).short() as usize & mask;
        while self.index[at] != row as u32 + 1 {
            if self.index[at] == 0 {
                return;
            }
            at = (at + 1) & mask;
        }
        let mut next = (at + 1) & mask;
        while self.index[next] != 0 {
            let distance = next.wrapping_sub(home(self, self.index[next])) & mask;
            if distance >= next.wrapping_sub(at) & mask {
                self.index[at] = self.index[next];
                at = next;
            }
            next = (next + 1) & mask;
        }
        self.index[at] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u64) -> Token {
        let mut bytes = [0; 16];
        // Few homes, so that entries displace one another.
        bytes[..8].copy_from_slice(&(n % 37).to_le_bytes());
        bytes[8..].copy_from_slice(&n.to_le_bytes());
        Token::from_bytes(bytes)
    }

    /// An event that is forgotten too early would be counted twice; one that is mixed up with
    /// another would be answered with a stranger's decision.
    #[test]
    fn the_newest_events_are_remembered_and_no_others() {
        let mut recent = Recent::new(0, Footprint::words(0));
        let capacity = recent.capacity as u64;
        let at = EventTime::from_ms(1_700_000_000_000).unwrap();
        for n in 0..capacity * 3 {
            assert_eq!(recent.find(token(n)), None);
            let body = Body { score: (n % 1_000) as u16, ..Body::default() };
            let moment = Moment {
                seq: Seq(n),
                occurred_at: at,
                received_at: at,
                bundle: BundleNumber(n as u16),
            };
            let names = (token(n), Content([7; 16]));
            recent.add(names, moment, Some(&body), &Footprint::default());
            if n % 97 == 0 {
                let oldest = (n + 1).saturating_sub(capacity);
                for n in [oldest, n / 2 + oldest / 2, n] {
                    let found = recent.find(token(n)).unwrap();
                    let score = found.body.unwrap().score;
                    assert_eq!((found.seq, score), (Seq(n), (n % 1_000) as u16));
                    assert_eq!((found.received_at, found.bundle), (at, BundleNumber(n as u16)));
                }
                if oldest > 0 {
                    assert_eq!(recent.find(token(oldest - 1)), None);
                }
            }
        }
    }
}
