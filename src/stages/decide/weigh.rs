//! The order of a decision: block, allow, worst of rules and band; follow-ups add up.

use super::{Policy, Priced, RiskData, ServicePolicy};
use crate::domain::{
    Action, Body, DecisionFlags, Effect, FollowUps, Force, MissingTables, Plan, Reasons,
    RiskVerification, Service,
};

/// What is known when a decision is made.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The event's service.
    pub service: Service,
    /// The amount in minor units of the base currency, if the event has one.
    pub amount_base: Option<i64>,
    /// Whether its worth is known.
    pub priced: Priced,
    /// Whether the event resubmits a challenged one.
    pub is_resubmission: bool,
    /// Which groups of risk data came.
    pub came: RiskData,
    /// What the rules that fired ask for, in the order of the rules.
    pub fired: &'a [Effect],
    /// Marks gathered on the way.
    pub flags: DecisionFlags,
    /// Tables that were missing.
    pub missing: MissingTables,
    /// How much of the work there was time for.
    pub plan: Plan,
}

/// Which rules have a say.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Court {
    /// A hard block fired: decline, and everybody but the allows may add reasons and follow-ups.
    Blocked,
    /// An allow fired: approve, and only allows are heard.
    Allowed,
    /// There was only time for hard rules and none fired: the fallback answers.
    Unheard,
    /// Nothing is forced: the worst of rules and band.
    Weighed,
}

/// Decides. Total, and it allocates nothing.
pub fn decide(policy: &Policy, evidence: &Evidence<'_>) -> Body {
    let service = policy.of(evidence.service);
    let risk_verification = service.verification(evidence.came);
    let court = court(evidence);
    let extra = extra(service, evidence, risk_verification, court);
    let no_rate = service.no_rate.effect(evidence.priced);
    let heard = |effect: &&Effect| match court {
        Court::Blocked => effect.force != Force::Allow,
        Court::Allowed => effect.force == Force::Allow,
        Court::Unheard | Court::Weighed => true,
    };

    let fired = evidence.fired.iter().chain(extra.as_ref()).chain(no_rate.as_ref());
    let points = fired.clone().fold(0_i32, |sum, effect| sum.saturating_add(effect.points));
    let score = ServicePolicy::score(points);
    let (band, policy) = service.band(score);

    let mut follow_ups = fired
        .clone()
        .filter(heard)
        .fold(FollowUps::default(), |all, effect| all.union(effect.follow_ups));
    let mut action = match court {
        Court::Blocked => Action::Decline,
        Court::Allowed => Action::Approve,
        // Of the rules only those that decline were asked.
        Court::Unheard => {
            fired.clone().filter_map(|effect| effect.action).max().unwrap_or_default()
        }
        Court::Weighed => {
            let asked = policy.map(|band| (band.action, band.follow_ups)).unwrap_or_default();
            follow_ups = follow_ups.union(asked.1);
            let worst = fired.clone().filter_map(|effect| effect.action).max();
            worst.unwrap_or_default().max(asked.0)
        }
    };
    if action == Action::Challenge
        && let Some(instead) = service.instead_of_challenge(evidence.is_resubmission)
    {
        action = instead.action;
        follow_ups = follow_ups.union(instead.follow_ups);
    }
    let mut flags = evidence.flags;
    if evidence.missing != MissingTables::default() {
        flags.add(DecisionFlags::MISSING_TABLES);
    }
    if evidence.priced != Priced::Known {
        flags.add(DecisionFlags::INCOMPLETE);
    }
    Body {
        action,
        follow_ups,
        score,
        band,
        points,
        reasons: reasons(fired.filter(heard)),
        risk_verification,
        flags,
        missing: evidence.missing,
        plan: evidence.plan,
    }
}

fn court(evidence: &Evidence<'_>) -> Court {
    let any = |force| evidence.fired.iter().any(|effect| effect.force == force);
    if any(Force::HardBlock) {
        Court::Blocked
    } else if any(Force::Allow) {
        Court::Allowed
    } else if evidence.plan == Plan::HardRules {
        Court::Unheard
    } else {
        Court::Weighed
    }
}

/// What the policy adds to the rules: the fallback, or the effect of incomplete verification.
fn extra(
    service: &ServicePolicy,
    evidence: &Evidence<'_>,
    verification: RiskVerification,
    court: Court,
) -> Option<Effect> {
    if court == Court::Unheard {
        return Some(service.fallback.effect(evidence.amount_base, evidence.priced));
    }
    let incomplete = service.incomplete;
    let is_unknown = evidence.priced != Priced::Known;
    let large = incomplete
        .above
        .is_none_or(|above| evidence.amount_base.map_or(is_unknown, |amount| amount > above));
    incomplete.effect.filter(|_| verification == RiskVerification::Incomplete && large)
}

/// The weightiest reasons, each once; rules of equal weight stand in the order of the bundle.
fn reasons<'a>(fired: impl Iterator<Item = &'a Effect> + Clone) -> Reasons {
    let mut reasons = Reasons::default();
    while reasons.as_slice().len() < Reasons::MAX {
        let rest = fired.clone().filter(|effect| !reasons.as_slice().contains(&effect.reason));
        // `min_by_key` returns the first of equals.
        let Some(next) = rest.min_by_key(|effect| std::cmp::Reverse(weight(effect))) else {
            break;
        };
        reasons.push(next.reason);
    }
    reasons
}

/// Severity first, then points: what was forced, the action, whether something is done after it.
fn weight(effect: &Effect) -> (bool, Action, i32, u8) {
    let forced = effect.force != Force::Weighed;
    (forced, effect.action.unwrap_or_default(), effect.points, effect.follow_ups.0)
}

impl ServicePolicy {
    /// What a challenge becomes, if not a challenge.
    fn instead_of_challenge(&self, is_resubmission: bool) -> Option<super::Substitute> {
        let passed = if is_resubmission { self.after_challenge } else { None };
        passed.or(self.without_challenge)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
