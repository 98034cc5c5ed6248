//! What became of one message: its outcome, its answer, and what they are about.

use crate::domain::{Applied, Body, Input, MissingTables, Placeholders, Seq, Stage};
use crate::journal::OpenPart;
use crate::stages::decode::{Dropped, Reject};
use crate::stages::mask::Masked;

/// What became of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was numbered and applied, or answered from memory.
    Applied(Applied),
    /// It did not pass the door.
    Rejected(Reject),
}

/// One message's answer. What is borrowed stays until the next call.
#[derive(Debug)]
pub struct Step<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The event's id, when it could be read, as its sender wrote it: for the answer alone. Others
    /// know the event by its input's id.
    pub event_id: &'a str,
    /// The input as the engine took it; meaningless when rejected.
    pub input: &'a Input,
    /// The masked decision, when there is one.
    pub decision: Option<&'a Masked>,
    /// The record's open part, when it was journaled now.
    pub audit: Option<OpenPart<'a>>,
    /// What was dropped at the door.
    pub dropped: Dropped,
    /// Nanoseconds spent in each stage.
    pub stage_ns: [u32; Stage::COUNT],
}

impl Step<'_> {
    /// The answer's body, new or repeated.
    pub fn body(&self) -> Option<&Body> {
        match &self.outcome {
            Outcome::Applied(Applied::Decided { body, .. } | Applied::Repeated { body, .. }) => {
                Some(body)
            }
            _ => None,
        }
    }

    /// The number of the input, or of the one that it repeats.
    pub fn seq(&self) -> Option<Seq> {
        match self.outcome {
            Outcome::Rejected(_) => None,
            Outcome::Applied(applied) => Some(applied.seq()),
        }
    }

    /// Fields whose values named nobody.
    pub fn placeholders(&self) -> Placeholders {
        match self.outcome {
            Outcome::Rejected(_) => Placeholders::default(),
            Outcome::Applied(_) => self.input.placeholders,
        }
    }

    /// Tables that were missing.
    pub fn missing(&self) -> MissingTables {
        self.body().map_or(MissingTables::default(), |body| body.missing)
    }
}
