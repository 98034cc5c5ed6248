//! The outputs of a batch, copied out of the engine's buffers until they may be sent.
//!
//! They wait here for two things: for the journal to have the batch, and for room in the client's
//! queue. The memory is reused.

use std::ops::Range;

use crate::domain::Seq;
use crate::telemetry::Output;

use super::ledger::Ticket;

/// Outputs that were sent are dropped in lots: moving the rest has its price.
const COMPACT_AT: usize = 512;

/// Outputs in the order they were made.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    records: Vec<Record>,
    /// How many the journal has: only these may be sent.
    released: usize,
    /// How many the client has.
    sent: usize,
}

#[derive(Clone, Debug)]
struct Record {
    output: Output,
    ticket: Ticket,
    seq: Option<Seq>,
    key: Range<usize>,
    payload: Range<usize>,
}

/// An output that may be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready<'a> {
    pub(super) output: Output,
    pub(super) ticket: Ticket,
    pub(super) seq: Option<Seq>,
    pub(super) key: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl Outbox {
    /// Adds an output; `key` and `payload` write their bytes at the end of the buffer.
    pub(super) fn push(
        &mut self,
        output: Output,
        ticket: Ticket,
        seq: Option<Seq>,
        key: impl FnOnce(&mut Vec<u8>),
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let begin = self.bytes.len();
        key(&mut self.bytes);
        let middle = self.bytes.len();
        payload(&mut self.bytes);
        let (key, payload) = (begin..middle, middle..self.bytes.len());
        self.records.push(Record { output, ticket, seq, key, payload });
    }

    /// The journal has the next `count` outputs.
    pub(super) fn release(&mut self, count: usize) {
        self.released = (self.released + count).min(self.records.len());
    }

    /// How many outputs the journal does not keep yet.
    pub(super) fn unreleased(&self) -> usize {
        self.records.len() - self.released
    }

    /// Whether the client has no room for what may be sent.
    pub(super) fn is_blocked(&self) -> bool {
        self.sent < self.released
    }

    /// The next output that may be sent.
    pub(super) fn next(&self) -> Option<Ready<'_>> {
        let record = self.records.get(..self.released)?.get(self.sent)?;
        Some(Ready {
            output: record.output,
            ticket: record.ticket,
            seq: record.seq,
            key: self.bytes.get(record.key.clone())?,
            payload: self.bytes.get(record.payload.clone())?,
        })
    }

    /// The client has taken the next output. Once it has all of them, the memory is free again.
    pub(super) fn mark_sent(&mut self) {
        self.sent += 1;
        if self.sent >= self.records.len() {
            self.clear();
        } else if self.sent >= COMPACT_AT && self.sent == self.released {
            self.compact();
        }
    }

    /// Frees the memory of what was sent while more waits for the journal.
    fn compact(&mut self) {
        self.records.drain(..self.sent);
        let begin = self.records.first().map_or(0, |record| record.key.start);
        self.bytes.drain(..begin);
        for record in &mut self.records {
            for range in [&mut record.key, &mut record.payload] {
                *range = range.start - begin..range.end - begin;
            }
        }
        self.released -= self.sent;
        self.sent = 0;
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Drops everything: its inputs will be taken again.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.records.clear();
        (self.released, self.sent) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outbox: &mut Outbox, seq: u64, payload: &[u8]) {
        let ticket = Ticket::from_bits(seq);
        let bytes = |text: Vec<u8>| move |out: &mut Vec<u8>| out.extend_from_slice(&text);
        let key = bytes(b"key".to_vec());
        outbox.push(Output::Decision, ticket, Some(Seq(seq)), key, bytes(payload.to_vec()));
    }

    fn next(outbox: &Outbox) -> Option<(u64, Vec<u8>)> {
        let ready = outbox.next()?;
        assert_eq!(ready.key, b"key");
        Some((ready.ticket.to_bits(), ready.payload.to_vec()))
    }

    /// The one rule of the edge: nothing leaves that the journal does not have.
    #[test]
    fn nothing_is_ready_before_the_journal_has_it() {
        let mut outbox = Outbox::default();
        push(&mut outbox, 1, b"one");
        assert_eq!(next(&outbox), None);
        outbox.release(1);
        push(&mut outbox, 2, b"two");
        assert_eq!(next(&outbox), Some((1, b"one".to_vec())));
        outbox.mark_sent();
        assert_eq!(next(&outbox), None, "the second came after the flush");
        assert!(!outbox.is_empty());
        outbox.release(1);
        assert_eq!(next(&outbox), Some((2, b"two".to_vec())));
        outbox.mark_sent();
        assert!(outbox.is_empty());
    }

    /// A stream that never rests must not keep what it has sent, nor mix it up.
    #[test]
    fn what_was_sent_is_dropped_while_more_waits() {
        let mut outbox = Outbox::default();
        push(&mut outbox, 0, b"0");
        for seq in 1..5_000_u64 {
            push(&mut outbox, seq, seq.to_string().as_bytes());
            outbox.release(1);
            assert_eq!(next(&outbox), Some((seq - 1, (seq - 1).to_string().into_bytes())));
            outbox.mark_sent();
            assert_eq!(next(&outbox), None);
            assert!(outbox.records.len() <= COMPACT_AT + 1 && outbox.bytes.len() < 8 * COMPACT_AT);
        }
    }
}
