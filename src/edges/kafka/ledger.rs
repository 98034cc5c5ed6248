//! Which messages are done: all their outputs acknowledged, and those of every message before.
//!
//! Pure bookkeeping, so that the rule on which "nothing is lost" rests can be tested alone.

use std::collections::{BTreeMap, VecDeque};

use crate::domain::{Seq, Source};

/// One message that is not done yet, as a number that travels with its outputs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Ticket(u64);

impl Ticket {
    /// 14 bits of lane, 48 of number: 8,900 years of one partition at 1,000 messages a second.
    const NUMBER_BITS: u32 = 48;
    /// The lane of changes, which come from no partition.
    const CHANGES: usize = (1 << 14) - 1;
    /// Most partitions that one instance reads.
    pub(super) const LANES_MAX: usize = Self::CHANGES;
    /// Bits that a ticket needs; two of a word are left for its carrier.
    pub(super) const BITS: u32 = 62;

    fn new(lane: usize, number: u64) -> Self {
        Self((lane as u64) << Self::NUMBER_BITS | number)
    }

    const fn lane(self) -> usize {
        (self.0 >> Self::NUMBER_BITS) as usize
    }

    const fn number(self) -> u64 {
        self.0 & ((1 << Self::NUMBER_BITS) - 1)
    }

    /// As a bare number, for the client's opaque pointer.
    pub(super) const fn to_bits(self) -> u64 {
        self.0
    }

    /// The inverse of [`to_bits`](Self::to_bits).
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// The messages on their way, by partition.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    lanes: Vec<Lane>,
    /// `[topic][partition]` to lane.
    index: Vec<Vec<Option<usize>>>,
    unacknowledged: usize,
    /// Changes whose audit record is on its way, by the number of its ticket.
    changes: BTreeMap<u64, Seq>,
    /// The next change's ticket; never goes back, like those of messages.
    next_change: u64,
}

#[derive(Debug)]
struct Lane {
    topic: u16,
    partition: i32,
    entries: VecDeque<Entry>,
    /// The number of the front entry; never goes back, so that a late acknowledgement of a
    /// partition that was taken away finds nothing.
    first: u64,
    /// The offset that reading began with since the partition came to us.
    begin: Option<i64>,
    /// The offset after the last message that is done.
    done: Option<i64>,
    /// What the broker was last told.
    committed: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: i64,
    /// The number that came next when it was taken.
    next: Seq,
    /// Outputs without an acknowledgement, and one more until the journal has the message.
    pending: u32,
    /// The journal does not have it yet.
    is_held: bool,
}

impl Ledger {
    /// Takes in a message, when `next` is the number that comes next. It is held until [`settle`](Self::settle).
    pub(super) fn take(&mut self, source: Source, next: Seq) -> Option<Ticket> {
        let lane = self.lane(source.topic, source.partition)?;
        let entry = self.lanes.get_mut(lane)?;
        let number = entry.first + entry.entries.len() as u64;
        entry.begin.get_or_insert(source.offset);
        let offset = source.offset;
        entry.entries.push_back(Entry { offset, next, pending: 1, is_held: true });
        Some(Ticket::new(lane, number))
    }

    /// One more output belongs to the message.
    pub(super) fn expect(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entry(ticket) {
            entry.pending += 1;
            self.unacknowledged += 1;
        }
    }

    /// The audit record of a change is on its way. Nothing else belongs to it, and it leaves only when
    /// the journal has it.
    pub(super) fn expect_change(&mut self, seq: Seq) -> Ticket {
        let number = self.next_change;
        self.next_change += 1;
        self.changes.insert(number, seq);
        self.unacknowledged += 1;
        Ticket::new(Ticket::CHANGES, number)
    }

    /// Changes without an acknowledgement.
    pub(super) fn changes_waiting(&self) -> usize {
        self.changes.len()
    }

    /// The lowest number of one of them.
    pub(super) fn first_change(&self) -> Option<Seq> {
        self.changes.values().copied().min()
    }

    /// The journal has the message: from now on only its outputs hold it.
    pub(super) fn settle(&mut self, ticket: Ticket) {
        if let Some(entry) = self.entry(ticket) {
            entry.is_held = false;
        }
        self.release(ticket);
    }

    /// The broker has one output of the message.
    pub(super) fn acknowledge(&mut self, ticket: Ticket) {
        if ticket.lane() == Ticket::CHANGES {
            if self.changes.remove(&ticket.number()).is_some() {
                self.unacknowledged -= 1;
                // The number beside the positions is another one now.
                self.doubt_commits();
            }
        } else if self.release(ticket) {
            self.unacknowledged -= 1;
        }
    }

    /// Outputs without an acknowledgement.
    pub(super) const fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// How much stands behind the oldest message that is not done, when `next` is the number that comes
    /// next: inputs since, or messages that wait for one before them, whichever is more. One output
    /// that the broker does not acknowledge holds a lane up while all others go on.
    pub(super) fn span(&self, next: Seq) -> u64 {
        let front = |lane: &Lane| lane.entries.front().map_or(0, |front| next.0 - front.next.0);
        let waiting: usize = self.lanes.iter().map(|lane| lane.entries.len()).sum();
        self.lanes.iter().map(front).fold(waiting as u64, u64::max)
    }

    /// Positions that the broker does not know yet; from now on it counts as told.
    pub(super) fn commits(&mut self) -> Vec<Source> {
        let mut commits = Vec::new();
        for lane in &mut self.lanes {
            if let Some(offset) = lane.done
                && lane.committed != Some(offset)
            {
                lane.committed = Some(offset);
                commits.push(Source { topic: lane.topic, partition: lane.partition, offset });
            }
        }
        commits
    }

    /// What was told is told again: a commit failed, or there is more to say.
    pub(super) fn doubt_commits(&mut self) {
        for lane in &mut self.lanes {
            lane.committed = None;
        }
    }

    /// Positions after everything taken, done or not: what a transaction commits. One that carries a
    /// change commits the others again, for what is told beside them.
    pub(super) fn taken(&self) -> Vec<Source> {
        let after = |lane: &Lane| {
            let offset = lane.entries.back().map(|last| last.offset + 1);
            let offset = offset.or(lane.done.filter(|_| !self.changes.is_empty()))?;
            Some(Source { topic: lane.topic, partition: lane.partition, offset })
        };
        self.lanes.iter().filter_map(after).collect()
    }

    /// A transaction carried everything taken.
    pub(super) fn finish_all(&mut self) {
        for lane in &mut self.lanes {
            if let Some(last) = lane.entries.back() {
                lane.done = Some(last.offset + 1);
                lane.committed = lane.done;
            }
            lane.first += lane.entries.len() as u64;
            lane.entries.clear();
        }
        self.changes.clear();
        self.unacknowledged = 0;
    }

    /// A transaction was given up: forgets what is not done and says where to read again.
    pub(super) fn rewind(&mut self) -> Vec<Source> {
        let mut positions = Vec::new();
        for lane in &mut self.lanes {
            if lane.entries.is_empty() {
                continue;
            }
            lane.first += lane.entries.len() as u64;
            lane.entries.clear();
            if let Some(offset) = lane.done.or(lane.begin) {
                positions.push(Source { topic: lane.topic, partition: lane.partition, offset });
            }
        }
        self.changes.clear();
        self.unacknowledged = 0;
        positions
    }

    /// A partition was taken away: forgets what is not done.
    pub(super) fn forget(&mut self, topic: u16, partition: i32) {
        let Some(lane) = self.lane(topic, partition) else { return };
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        let outputs = |entry: &Entry| entry.pending - u32::from(entry.is_held);
        let lost: u32 = lane.entries.iter().map(outputs).sum();
        self.unacknowledged = self.unacknowledged.saturating_sub(lost as usize);
        lane.first += lane.entries.len() as u64;
        lane.entries.clear();
        (lane.begin, lane.done, lane.committed) = (None, None, None);
    }

    fn release(&mut self, ticket: Ticket) -> bool {
        let Some(entry) = self.entry(ticket) else { return false };
        entry.pending -= 1;
        let Some(lane) = self.lanes.get_mut(ticket.lane()) else { return true };
        while let Some(front) = lane.entries.front()
            && front.pending == 0
        {
            lane.done = Some(front.offset + 1);
            lane.entries.pop_front();
            lane.first += 1;
        }
        true
    }

    fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry> {
        let lane = self.lanes.get_mut(ticket.lane())?;
        let place = usize::try_from(ticket.number().checked_sub(lane.first)?).ok()?;
        lane.entries.get_mut(place).filter(|entry| entry.pending > 0)
    }

    fn lane(&mut self, topic: u16, partition: i32) -> Option<usize> {
        let (row, column) = (usize::from(topic), usize::try_from(partition).ok()?);
        if self.index.len() <= row {
            self.index.resize_with(row + 1, Vec::new);
        }
        let row = self.index.get_mut(row)?;
        if row.len() <= column {
            row.resize(column + 1, None);
        }
        let slot = row.get_mut(column)?;
        if slot.is_none() && self.lanes.len() < Ticket::LANES_MAX {
            *slot = Some(self.lanes.len());
            self.lanes.push(Lane {
                topic,
                partition,
                entries: VecDeque::new(),
                first: 0,
                begin: None,
                done: None,
                committed: None,
            });
        }
        *slot
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(partition: i32, offset: i64) -> Source {
        Source { topic: 0, partition, offset }
    }

    /// A position says that all before it is done: one slow output holds the line, and only its.
    #[test]
    fn a_position_never_passes_a_message_that_is_not_done() {
        let mut ledger = Ledger::default();
        let first = ledger.take(at(0, 10), Seq(1)).unwrap();
        ledger.expect(first);
        let second = ledger.take(at(0, 11), Seq(1)).unwrap();
        let other = ledger.take(at(1, 5), Seq(1)).unwrap();
        for ticket in [first, second, other] {
            ledger.settle(ticket);
        }
        assert_eq!(ledger.commits(), [at(1, 6)]);
        assert_eq!(ledger.unacknowledged(), 1);
        ledger.acknowledge(first);
        assert_eq!(ledger.commits(), [at(0, 12)]);
        assert_eq!(ledger.commits(), []);
        ledger.doubt_commits();
        assert_eq!(ledger.commits(), [at(0, 12), at(1, 6)]);
    }

    /// A message without outputs is done when the journal has it, not when it was read.
    #[test]
    fn a_message_is_held_until_the_journal_has_it() {
        let mut ledger = Ledger::default();
        let ticket = ledger.take(at(0, 0), Seq(1)).unwrap();
        assert_eq!(ledger.commits(), []);
        ledger.settle(ticket);
        assert_eq!(ledger.commits(), [at(0, 1)]);
    }

    /// The acknowledgement of a partition that came back must not count for its new messages.
    #[test]
    fn a_late_acknowledgement_finds_nothing() {
        let mut ledger = Ledger::default();
        let old = ledger.take(at(0, 7), Seq(1)).unwrap();
        ledger.expect(old);
        ledger.settle(old);
        ledger.forget(0, 0);
        assert_eq!(ledger.unacknowledged(), 0);
        let new = ledger.take(at(0, 7), Seq(1)).unwrap();
        ledger.expect(new);
        ledger.settle(new);
        ledger.acknowledge(old);
        assert_eq!(ledger.commits(), []);
        ledger.acknowledge(new);
        assert_eq!(ledger.commits(), [at(0, 8)]);
        assert_eq!(ledger.unacknowledged(), 0);
    }

    /// A change holds no position. The lowest number of those on their way is what the group is told,
    /// again whenever it may be another; a late acknowledgement finds nothing.
    #[test]
    fn a_change_is_on_its_way_until_it_is_acknowledged() {
        let mut ledger = Ledger::default();
        let message = ledger.take(at(0, 3), Seq(1)).unwrap();
        let [late, early] = [9, 4].map(|seq| ledger.expect_change(Seq(seq)));
        ledger.settle(message);
        assert_eq!((ledger.commits(), ledger.first_change()), (vec![at(0, 4)], Some(Seq(4))));
        assert_eq!((ledger.changes_waiting(), ledger.unacknowledged()), (2, 2));
        assert_eq!(ledger.taken(), [at(0, 4)]);
        ledger.acknowledge(early);
        assert_eq!((ledger.commits(), ledger.first_change()), (vec![at(0, 4)], Some(Seq(9))));
        ledger.rewind();
        let again = ledger.expect_change(Seq(9));
        ledger.acknowledge(late);
        assert_eq!((ledger.first_change(), ledger.unacknowledged()), (Some(Seq(9)), 1));
        ledger.acknowledge(again);
        assert_eq!((ledger.first_change(), ledger.unacknowledged()), (None, 0));
    }

    /// Other lanes go on for long while one output is stuck: how far is bounded by whoever reads on.
    #[test]
    fn what_stands_behind_a_stuck_output_is_counted() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.span(Seq(9)), 0);
        let stuck = ledger.take(at(0, 0), Seq(1)).unwrap();
        ledger.expect(stuck);
        ledger.settle(stuck);
        for offset in 0..50 {
            let other = ledger.take(at(1, offset), Seq(2)).unwrap();
            ledger.settle(other);
        }
        assert_eq!(ledger.span(Seq(1_000)), 999);
        for offset in 1..50 {
            let behind = ledger.take(at(0, offset), Seq(2)).unwrap();
            ledger.settle(behind);
        }
        assert_eq!(ledger.span(Seq(2)), 50);
        ledger.acknowledge(stuck);
        assert_eq!(ledger.span(Seq(1_000)), 0);
    }

    /// A given-up transaction is read again from where the last good one ended.
    #[test]
    fn a_rewind_goes_back_to_the_last_transaction() {
        let mut ledger = Ledger::default();
        ledger.take(at(0, 3), Seq(1)).unwrap();
        assert_eq!(ledger.rewind(), [at(0, 3)]);
        ledger.take(at(0, 3), Seq(1)).unwrap();
        ledger.take(at(0, 5), Seq(1)).unwrap();
        assert_eq!(ledger.taken(), [at(0, 6)]);
        ledger.finish_all();
        assert_eq!((ledger.taken(), ledger.commits()), (vec![], vec![]));
        ledger.take(at(0, 6), Seq(1)).unwrap();
        assert_eq!(ledger.rewind(), [at(0, 6)]);
    }

    proptest! {
        /// Against a brute-force oracle: whatever the order of acknowledgements, a position is
        /// the end of the longest run of messages that are done.
        #[test]
        fn positions_agree_with_a_brute_force_count(
            outputs in prop::collection::vec(0_u32..3, 1..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 120),
        ) {
            let mut ledger = Ledger::default();
            let mut open: Vec<usize> = Vec::new();
            let mut tickets = Vec::new();
            for (offset, count) in outputs.iter().enumerate() {
                let ticket = ledger.take(at(0, offset as i64), Seq(1)).unwrap();
                for _ in 0..*count {
                    ledger.expect(ticket);
                    open.push(offset);
                }
                ledger.settle(ticket);
                tickets.push(ticket);
            }
            let mut told = None;
            for index in order {
                if open.is_empty() {
                    break;
                }
                let offset = open.swap_remove(index.index(open.len()));
                ledger.acknowledge(tickets[offset]);
                let end = open.iter().min().copied().unwrap_or(outputs.len()) as i64;
                told = ledger.commits().first().map(|source| source.offset).or(told);
                prop_assert_eq!(told.unwrap_or(0), end);
                prop_assert_eq!(ledger.unacknowledged(), open.len());
            }
        }
    }
}
