//! Whether a share of the messages taken of late has something: worth a note, and no slip any more.

use std::sync::atomic::{AtomicU64, Ordering};

/// Messages that the share is taken over: past it both counts are halved.
const OVER: u64 = 1 << 16;
/// Fewer messages say nothing of a share.
const FROM: u64 = 100;
/// One in so many messages is worth a note.
const ONE_IN: u64 = 100;

/// A share of the stream.
#[derive(Debug, Default)]
pub(super) struct Share {
    taken: AtomicU64,
    having: AtomicU64,
}

impl Share {
    /// Counts a message. One thread counts, any may read.
    pub(super) fn count(&self, has: bool) {
        let having = self.having.fetch_add(u64::from(has), Ordering::Relaxed);
        if self.taken.fetch_add(1, Ordering::Relaxed) >= OVER {
            self.taken.store(OVER / 2, Ordering::Relaxed);
            self.having.store(having / 2, Ordering::Relaxed);
        }
    }

    /// Whether it is worth a note.
    pub(super) fn is_noted(&self) -> bool {
        let (taken, having) =
            (self.taken.load(Ordering::Relaxed), self.having.load(Ordering::Relaxed));
        taken >= FROM && having.saturating_mul(ONE_IN) >= taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that mistypes a field is heard of, and one message in a thousand is no share.
    #[test]
    fn a_share_is_noted_and_a_slip_is_not() {
        let check = |one_in: u64, count: u64, expected: bool| {
            let share = Share::default();
            (0..count).for_each(|at| share.count(at % one_in == 0));
            assert_eq!(share.is_noted(), expected, "one in {one_in} of {count}");
        };
        check(2, 50, false);
        check(2, 100, true);
        check(50, 200_000, true);
        check(1_000, 200_000, false);
    }
}
