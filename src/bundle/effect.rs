//! What a rule asks for, and the table of reasons.

use std::collections::BTreeMap;

use super::fault::{Report, shown};
use super::read::{Fields, text, word};
use super::yaml::{Node, Shape};
use crate::domain::{Action, Effect, FollowUps, Force, ReasonId};

/// Follow-ups by name.
pub(super) const FOLLOW_UPS: [(&str, FollowUps); 2] =
    [("review", FollowUps::REVIEW), ("hold", FollowUps::HOLD)];
/// More points than the whole scale of scores are a slip.
const POINTS_MAX: i64 = 1_000;
/// Longest sentence of a reason, in characters.
const SENTENCE_MAX_CHARS: usize = 200;

/// An action by name.
pub(super) fn action(node: &Node, report: &mut Report<'_>) -> Option<Action> {
    word(node, "action", &Action::ALL.map(|action| (action.name(), action)), report)
}

/// The points of an effect; 0 when none are given.
pub(super) fn points(fields: &mut Fields<'_>, report: &mut Report<'_>) -> i32 {
    // Within a thousand by the check.
    fields.int("points", -POINTS_MAX..=POINTS_MAX, report).unwrap_or(0) as i32
}

/// `then: {action: challenge, follow_ups: [review], points: 200}`, `then: {block: true}`.
pub(super) fn effect(node: &Node, reason: ReasonId, report: &mut Report<'_>) -> Option<Effect> {
    let mut fields = Fields::of(node, "`then`", report)?;
    let action = fields.get("action").and_then(|node| action(node, report));
    let block = fields.bool("block", report).unwrap_or(false);
    let allow = fields.bool("allow", report).unwrap_or(false);
    let follow_ups = super::policy::follow_ups(&mut fields, report);
    let points = points(&mut fields, report);
    fields.finish(report);
    let (action, force) = match (action, block, allow) {
        (action, false, false) => (action, Force::Weighed),
        (None, true, false) => (Some(Action::Decline), Force::HardBlock),
        (None, false, true) => (Some(Action::Approve), Force::Allow),
        _ => {
            report.fault(node.at, "one of `action`, `block` and `allow`, not several");
            return None;
        }
    };
    Some(Effect { action, force, follow_ups, points, reason })
}

/// Every reason of a bundle: a stable code with a fixed sentence.
#[derive(Default)]
pub(super) struct ReasonTable {
    reasons: Vec<(String, String)>,
    ids: BTreeMap<String, ReasonId>,
}

impl ReasonTable {
    /// `reason: {code: card_testing, text: "Many cards are tried"}`. A code used before keeps its
    /// sentence, and need not repeat it.
    pub(super) fn read(&mut self, node: &Node, report: &mut Report<'_>) -> Option<ReasonId> {
        if let Shape::Scalar(code) = &node.shape {
            let known = self.ids.get(&code.text).copied();
            if known.is_none() {
                let codes = self.ids.keys().map(String::as_str);
                report.unknown(node.at, "reason", &code.text, codes);
            }
            return known;
        }
        let mut fields = Fields::of(node, "a reason", report)?;
        let code = fields.need_text("code", report);
        let sentence = fields.need("text", report).and_then(|node| text(node, report));
        fields.finish(report);
        let (code, sentence) = (code?, sentence?);
        if !super::desk::is_name(code.text) {
            report.fault(code.at, "a code is a small letter followed by a-z, 0-9 and _");
            return None;
        }
        let chars = sentence.text.chars().count();
        if !(1..=SENTENCE_MAX_CHARS).contains(&chars) || sentence.text.contains('\n') {
            let message = format!("one line of 1 to {SENTENCE_MAX_CHARS} characters");
            report.fault(sentence.at, message);
        }
        if let Some(id) = self.ids.get(code.text) {
            if self.reasons.get(usize::from(id.0)).is_some_and(|(_, old)| old != sentence.text) {
                let code = shown(code.text);
                let message = format!("`{code}` has another sentence elsewhere; use one");
                report.fault(sentence.at, message);
            }
            return Some(*id);
        }
        let Ok(next) = u16::try_from(self.reasons.len()) else {
            report.fault(code.at, "more than 65,536 reasons; reuse some");
            return None;
        };
        self.reasons.push((code.text.to_owned(), sentence.text.to_owned()));
        self.ids.insert(code.text.to_owned(), ReasonId(next));
        Some(ReasonId(next))
    }

    /// The reason with this code, with this sentence unless the bundle has its own.
    pub(super) fn usual(&mut self, code: &str, sentence: &str) -> ReasonId {
        if let Some(known) = self.ids.get(code) {
            return *known;
        }
        // A bundle of 65,536 reasons has been refused before it needs another one.
        let next = ReasonId(u16::try_from(self.reasons.len()).unwrap_or(u16::MAX));
        self.reasons.push((code.to_owned(), sentence.to_owned()));
        self.ids.insert(code.to_owned(), next);
        next
    }

    /// The code and the sentence of a reason of this table.
    pub(super) fn get(&self, id: ReasonId) -> (&str, &str) {
        let reason = self.reasons.get(usize::from(id.0));
        reason.map_or(("", ""), |(code, sentence)| (code, sentence))
    }

    /// The reasons, by [`ReasonId`].
    pub(super) fn finish(self) -> Vec<(String, String)> {
        self.reasons
    }
}
