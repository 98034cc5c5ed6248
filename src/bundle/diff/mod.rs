//! What has changed between two bundles, as an analyst would say it.

mod thresholds;
mod rules;
mod rest;
#[cfg(test)]
mod tests;

use super::Bundle;

/// What a change is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChangeKind {
    /// A rule that was not there.
    RuleAdded,
    /// A rule that is no more.
    RuleRemoved,
    /// One number of a condition.
    Threshold,
    /// A condition in another way.
    Condition,
    /// What a rule asks for.
    Effect,
    /// Whether and for whom a rule takes effect: mode, services, kinds, validity, warmth.
    Scope,
    /// A rule's name, sentence or cases.
    Wording,
    /// A feature, a list or a custom field.
    Feature,
    /// Bands, substitutes, fallbacks, the ledger, rates, the zone.
    Policy,
}

impl ChangeKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RuleAdded => "rule_added",
            Self::RuleRemoved => "rule_removed",
            Self::Threshold => "threshold",
            Self::Condition => "condition",
            Self::Effect => "effect",
            Self::Scope => "scope",
            Self::Wording => "wording",
            Self::Feature => "feature",
            Self::Policy => "policy",
        }
    }
}

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What it is about.
    pub kind: ChangeKind,
    /// The rule, feature or service by its name; empty for the bundle as a whole.
    pub subject: String,
    /// The file of the new bundle, or of the old one for what is gone.
    pub file: String,
    /// The change as a sentence without its full stop.
    pub text: String,
}

impl Change {
    fn new(kind: ChangeKind, subject: &str, file: &str, text: String) -> Self {
        Self { kind, subject: subject.to_owned(), file: file.to_owned(), text }
    }
}

impl Bundle {
    /// What is different in `new`: rules in its order, then rules that are gone, features, policy.
    pub fn changes_to(&self, new: &Self) -> Vec<Change> {
        let mut changes = rules::changes(self, new);
        changes.extend(rest::features(self, new));
        changes.extend(rest::policy(self, new));
        changes
    }
}
