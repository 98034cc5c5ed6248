//! The order of a decision, as a table.

use super::*;
use crate::domain::FieldId;
use crate::domain::ReasonId;
use crate::stages::decide::{BandPolicy, Fallback, Incomplete, NoRate, Substitute};

const NONE: FollowUps = FollowUps(0);
const REVIEW: FollowUps = FollowUps::REVIEW;
const HOLD: FollowUps = FollowUps::HOLD;

/// Bands 0-399 approve, 400-699 challenge, 700-1000 decline with a hold; internet payments can be
/// challenged, television cannot; verification wants a device, from 1,000.00 on it costs 100 points.
fn policy() -> Policy {
    let bands = vec![
        band("low", 399, Action::Approve, NONE),
        band("high", 699, Action::Challenge, NONE),
        band("2", 1_000, Action::Decline, HOLD),
    ];
    let incomplete = Effect { points: 100, reason: ReasonId(90), ..Effect::default() };
    let service = ServicePolicy {
        bands,
        after_challenge: Some(Substitute { action: Action::Approve, follow_ups: REVIEW }),
        wanted: RiskData::DEVICE,
        incomplete: Incomplete { above: Some(100_000), effect: Some(incomplete) },
        no_rate: NoRate {
            effect: Effect { follow_ups: REVIEW, reason: ReasonId(92), ..Effect::default() },
            decline_above: vec![(FieldId(7), 3)],
        },
        fallback: Fallback { review_above: 500_000, reason: ReasonId(91) },
        ..ServicePolicy::default()
    };
    let mut policy = Policy::default();
    policy.services[Service::DigitalTv.index()] = ServicePolicy {
        without_challenge: Some(Substitute { action: Action::Decline, follow_ups: REVIEW }),
        after_challenge: None,
        ..service.clone()
    };
    policy.services[Service::InternetPayment.index()] = service;
    policy
}

fn band(name: &str, up_to: u16, action: Action, follow_ups: FollowUps) -> BandPolicy {
    BandPolicy { name: name.to_owned(), up_to, action, follow_ups }
}

fn evidence(fired: &[Effect]) -> Evidence<'_> {
    Evidence {
        service: Service::InternetPayment,
        amount_base: Some(50_000),
        priced: Priced::Known,
        is_resubmission: false,
        came: RiskData::DEVICE,
        fired,
        flags: DecisionFlags::default(),
        missing: MissingTables::default(),
        plan: Plan::Full,
    }
}

fn rule(force: Force, action: Option<Action>, points: i32, reason: u16) -> Effect {
    Effect { action, force, points, reason: ReasonId(reason), ..Effect::default() }
}

fn check(evidence: &Evidence<'_>, action: Action, score: u16, follow_ups: FollowUps, why: &[u16]) {
    let body = decide(&policy(), evidence);
    let reasons: Vec<u16> = body.reasons.as_slice().iter().map(|reason| reason.0).collect();
    assert_eq!((body.action, body.score, body.follow_ups), (action, score, follow_ups));
    assert_eq!(reasons, why);
}

/// DESIGN section 7: a block beats an allow, an allow beats what is weighed, the band counts like
/// a rule, and follow-ups add up. Whoever reorders this changes who gets their money.
#[test]
fn block_then_allow_then_the_worst_of_rules_and_band() {
    let block = rule(Force::HardBlock, Some(Action::Decline), 0, 1);
    let allow = rule(Force::Allow, Some(Action::Approve), 0, 2);
    let challenge = rule(Force::Weighed, Some(Action::Challenge), 50, 3);
    let decline = rule(Force::Weighed, Some(Action::Decline), 20, 4);
    let points = rule(Force::Weighed, None, 700, 5);
    let review = Effect { follow_ups: REVIEW, ..rule(Force::Weighed, None, 0, 6) };

    check(&evidence(&[]), Action::Approve, 0, NONE, &[]);
    check(&evidence(&[allow, block]), Action::Decline, 0, NONE, &[1]);
    check(&evidence(&[challenge, allow, review]), Action::Approve, 50, NONE, &[2]);
    check(&evidence(&[challenge, decline]), Action::Decline, 70, NONE, &[4, 3]);
    check(&evidence(&[challenge, points]), Action::Decline, 750, HOLD, &[3, 5]);
    check(&evidence(&[points, review]), Action::Decline, 700, HOLD.union(REVIEW), &[5, 6]);
    check(&evidence(&[review, block]), Action::Decline, 0, REVIEW, &[1, 6]);
    let approve = rule(Force::Weighed, Some(Action::Approve), -300, 7);
    check(&evidence(&[points, approve]), Action::Challenge, 400, NONE, &[5, 7]);
}

/// A service that cannot ask declines instead; a payer who just answered is not asked again.
#[test]
fn a_challenge_gives_way_where_it_cannot_be_asked() {
    let fired = [rule(Force::Weighed, Some(Action::Challenge), 0, 3)];
    let tv = Evidence { service: Service::DigitalTv, ..evidence(&fired) };
    check(&tv, Action::Decline, 0, REVIEW, &[3]);
    check(&Evidence { is_resubmission: true, ..tv }, Action::Decline, 0, REVIEW, &[3]);
    let again = Evidence { is_resubmission: true, ..evidence(&fired) };
    check(&again, Action::Approve, 0, REVIEW, &[3]);
}

/// R2: absent device data is `incomplete`, never fraud by itself, and its price starts at an amount.
#[test]
fn incomplete_verification_is_said_and_priced() {
    let small = Evidence { came: RiskData::IP, ..evidence(&[]) };
    assert_eq!(decide(&policy(), &small).risk_verification, RiskVerification::Incomplete);
    check(&small, Action::Approve, 0, NONE, &[]);
    let large = Evidence { amount_base: Some(100_001), ..small };
    check(&large, Action::Approve, 100, NONE, &[90]);
    let unpriced = Evidence { amount_base: None, ..small };
    check(&unpriced, Action::Approve, 0, NONE, &[]);
}

/// Without time to weigh, what declines still does, and a large amount is looked at afterwards.
#[test]
fn the_fallback_answers_when_only_hard_rules_ran() {
    let hurried = Evidence { plan: Plan::HardRules, ..evidence(&[]) };
    check(&hurried, Action::Approve, 0, NONE, &[91]);
    let large = Evidence { amount_base: Some(500_001), ..hurried };
    check(&large, Action::Approve, 0, REVIEW, &[91]);
    let block = [rule(Force::HardBlock, Some(Action::Decline), 0, 1)];
    check(&Evidence { fired: &block, ..large }, Action::Decline, 0, NONE, &[1]);
    let decline = [rule(Force::Weighed, Some(Action::Decline), 0, 1)];
    check(&Evidence { fired: &decline, ..large }, Action::Decline, 0, REVIEW, &[1, 91]);
    let allowed = [decline[0], rule(Force::Allow, Some(Action::Approve), 0, 2)];
    check(&Evidence { fired: &allowed, ..large }, Action::Approve, 0, NONE, &[2]);
}

/// Eight reasons at most, each once, heaviest first; equals stand in the order of the rules.
#[test]
fn reasons_stand_by_weight() {
    let mut fired: Vec<Effect> =
        (0..12).map(|n| rule(Force::Weighed, None, i32::from(n % 3), n)).collect();
    fired.push(rule(Force::Weighed, Some(Action::Challenge), 0, 2));
    check(&evidence(&fired), Action::Challenge, 12, NONE, &[2, 5, 8, 11, 1, 4, 7, 10]);
}

/// Points are summed without wrapping, whatever a bundle says.
#[test]
fn points_saturate() {
    let fired = [rule(Force::Weighed, None, i32::MAX, 1), rule(Force::Weighed, None, 5, 2)];
    check(&evidence(&fired), Action::Decline, 1_000, HOLD, &[1, 2]);
    let fired = [rule(Force::Weighed, None, i32::MIN, 1), rule(Force::Weighed, None, -5, 2)];
    check(&evidence(&fired), Action::Approve, 0, NONE, &[2, 1]);
}

/// The plan comes from what is left for the stages still to come, and no table means no panic.
#[test]
fn the_ledger_names_the_plan_and_an_empty_policy_still_answers() {
    let ledger = super::super::Ledger { budget_us: 700, stage_us: [100; 7] };
    assert_eq!(ledger.plan(crate::domain::Stage::Features, 500), Plan::Full);
    assert_eq!(ledger.plan(crate::domain::Stage::Features, 499), Plan::HardRules);
    assert_eq!(ledger.plan(crate::domain::Stage::Mask, -1), Plan::HardRules);
    let block = [rule(Force::HardBlock, Some(Action::Decline), 0, 1)];
    assert_eq!(decide(&Policy::default(), &evidence(&block)).action, Action::Decline);
    let mut missing = evidence(&[]);
    missing.missing.add(MissingTables::GEO);
    assert!(decide(&policy(), &missing).flags.contains(DecisionFlags::MISSING_TABLES));
}

/// An amount whose worth nobody knows is looked at, again and again it is declined, and it counts as
/// a large one wherever only large ones count; an allow silences it as it does a rule.
#[test]
fn an_amount_without_a_rate_has_an_answer() {
    let unknown = Evidence { amount_base: None, priced: Priced::Unknown, ..evidence(&[]) };
    check(&unknown, Action::Approve, 0, REVIEW, &[92]);
    assert!(decide(&policy(), &unknown).flags.contains(DecisionFlags::INCOMPLETE));
    let again = Evidence { priced: Priced::UnknownAgain, ..unknown };
    check(&again, Action::Decline, 0, REVIEW, &[92]);
    let little = Evidence { came: RiskData::IP, ..unknown };
    check(&little, Action::Approve, 100, REVIEW, &[90, 92]);
    let hurried = Evidence { plan: Plan::HardRules, ..unknown };
    check(&hurried, Action::Approve, 0, REVIEW, &[91, 92]);
    let allow = [rule(Force::Allow, Some(Action::Approve), 0, 1)];
    check(&Evidence { fired: &allow, ..again }, Action::Approve, 0, NONE, &[1]);
    let known = Evidence { priced: Priced::Known, ..unknown };
    check(&known, Action::Approve, 0, NONE, &[]);
}
