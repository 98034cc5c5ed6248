//! An event that the engine no longer remembers, as the journal has it.

use super::{Amendment, Body, Content, EventTime, Facts, Seq, Standing, Tokens};

/// What the record of an earlier event says, looked up at the edge: an answer to a retry past the
/// recent events, and where an amendment finds what it amends.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// Its number.
    pub seq: Seq,
    /// What it was.
    pub content: Content,
    /// When windows counted it ([`Input::counted_at`](super::Input::counted_at)).
    pub occurred_at: EventTime,
    /// When it arrived.
    pub received_at: EventTime,
    /// The answer; `None` for history that was only counted and for amendments.
    pub body: Option<Body>,
    /// The hash of the bundle that answered.
    pub bundle: [u8; 32],
    /// Its entities, with the device that it was recognised as.
    pub tokens: Tokens,
    /// Its facts: windows that are kept in panes are amended by what they had counted.
    pub facts: Facts,
    /// The outcome and the label that it had so far, at most one of each, and how they stand against
    /// what comes later.
    pub amendments: Vec<(Amendment, Standing)>,
}
