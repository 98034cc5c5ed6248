//! A record's outermost message: of an input, or a note, and its place in the order.

use std::ops::Range;

use crate::domain::Seq;
use crate::wire::{MessageReader, WireError};

/// Which record it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RecordKind {
    /// An input with what it produced.
    Open,
    /// A process took up the journal.
    Start,
    /// A bundle became active.
    Bundle,
}

/// A record before its parts are read.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub kind: RecordKind,
    /// Where its message stands in the payload.
    pub body: Range<usize>,
    /// The input's number; for a note the next input's.
    pub seq: Seq,
}

impl Record {
    /// Looks into a frame's payload.
    pub(super) fn read(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = MessageReader::new(payload);
        while let Some((number, value)) = reader.field()? {
            let kind = match number {
                1 => RecordKind::Open,
                2 => RecordKind::Start,
                3 => RecordKind::Bundle,
                _ => continue,
            };
            let body = value.bytes("record")?;
            // What has been read up to here ends where the message ends.
            let end = payload.len() - reader.rest().len();
            let seq = first_number(body)?;
            return Ok(Self { kind, body: end - body.len()..end, seq });
        }
        Err(WireError::Missing { field: "open, start or bundle" })
    }
}

/// Field 1 of all three messages, which is written first.
fn first_number(body: &[u8]) -> Result<Seq, WireError> {
    let mut reader = MessageReader::new(body);
    while let Some((number, value)) = reader.field()? {
        if number == 1 {
            return value.uint("seq").map(Seq);
        }
    }
    Err(WireError::Missing { field: "seq" })
}
