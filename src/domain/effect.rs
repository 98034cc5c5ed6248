//! What a rule that fired asks for.

use super::{Action, FollowUps, ReasonId};

/// How a rule's action stands against the others.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Force {
    /// Weighed: the worst action wins.
    #[default]
    Weighed,
    /// Comes before everything, allows included.
    HardBlock,
    /// Silences every weighed rule.
    Allow,
}

/// What a rule that fired asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Effect {
    /// The action it wants; `None` when it only adds points or follow-ups.
    pub action: Option<Action>,
    /// How that action stands against the others.
    pub force: Force,
    /// What is done after the answer.
    pub follow_ups: FollowUps,
    /// Added to the score.
    pub points: i32,
    /// Why.
    pub reason: ReasonId,
}

impl Effect {
    /// Whether it is part of every plan: whatever may decline, and the allows that silence it. A
    /// hurried decision lacks no reason to decline.
    pub fn is_hard(&self) -> bool {
        self.force != Force::Weighed || self.action == Some(Action::Decline)
    }
}
