//! `policy.yaml`: bands, substitutes, fallbacks per service, and the latency ledger.

use super::desk::{Constants, Desk, NAME_RULE, is_name};
use super::effect::{FOLLOW_UPS, ReasonTable, action};
use super::fault::{At, Report};
use super::read::{Fields, int};
use super::yaml::{Node, Shape};
use crate::domain::{Effect, FieldId, FieldType, FollowUps, Service, Stage};
use crate::stages::decide::{
    BandPolicy, Fallback, Incomplete, Ledger, NoRate, Policy, RiskData, ServicePolicy, Substitute,
};

/// A budget above a minute is a slip.
const BUDGET_MAX_US: i64 = 60_000_000;

/// What a policy may speak of.
pub(super) struct Words<'a> {
    /// Where amounts are compiled.
    pub(super) desk: &'a Desk<'a>,
    /// Constants of the bundle.
    pub(super) constants: &'a Constants,
}

/// Reads the file. `defaults` hold for every service; a service's own keys replace them.
pub(super) fn read(
    root: &Node,
    words: &Words<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Policy {
    let mut policy = Policy::default();
    let Some(mut fields) = Fields::of(root, "policy.yaml", report) else { return policy };
    let mut defaults = ServicePolicy::default();
    if let Some(node) = fields.get("defaults") {
        service(node, &mut defaults, words, reasons, report);
    }
    policy.services.fill(defaults);
    match fields.get("services").map(|node| (node, &node.shape)) {
        None => {}
        Some((_, Shape::Map(entries))) => {
            for (key, node) in entries {
                match Service::parse(&key.text) {
                    Some(name) => {
                        let own = &mut policy.services[name.index()];
                        service(node, own, words, reasons, report);
                    }
                    None => {
                        let names = Service::ALL.iter().map(|service| service.name());
                        report.unknown(key.at, "service", &key.text, names);
                    }
                }
            }
        }
        Some((node, _)) => report.fault(node.at, "`services` must be a map by service"),
    }
    no_rate_by_default(&mut policy, reasons);
    // Read where the rules are known.
    let _ = fields.get("guards");
    if let Some(node) = fields.need("ledger", report) {
        policy.ledger = ledger(node, report);
    }
    let at = fields.at;
    fields.finish(report);
    for name in Service::ALL {
        if policy.of(*name).bands.is_empty() {
            report.fault(at, format!("{} has no `bands`; add them to `defaults`", name.name()));
        }
    }
    policy
}

fn service(
    node: &Node,
    service: &mut ServicePolicy,
    words: &Words<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) {
    let Some(mut fields) = Fields::of(node, "a service's policy", report) else { return };
    if fields.get("bands").is_some() {
        let at = fields.get("bands").map_or(fields.at, |node| node.at);
        service.bands = bands(fields.list("bands"), at, report);
    }
    if let Some(node) = fields.get("without_challenge") {
        service.without_challenge = substitute(node, report);
    }
    if let Some(node) = fields.get("after_challenge") {
        service.after_challenge = substitute(node, report);
    }
    if fields.get("wanted").is_some() {
        let groups = RiskData::NAMED.map(|(group, name)| (name, group));
        let wanted = fields.words("wanted", &groups, report);
        service.wanted = wanted.into_iter().fold(RiskData::default(), RiskData::union);
    }
    if let Some(node) = fields.get("incomplete") {
        service.incomplete = incomplete(node, words, reasons, report);
    }
    if let Some(node) = fields.get("no_rate") {
        service.no_rate = no_rate(node, words, reasons, report);
    }
    if let Some(node) = fields.get("fallback")
        && let Some(mut inner) = Fields::of(node, "a fallback", report)
    {
        let above = inner
            .need("review_above", report)
            .and_then(|node| words.desk.money(node, words.constants, report));
        let reason = inner.need("reason", report).and_then(|node| reasons.read(node, report));
        inner.finish(report);
        service.fallback = Fallback {
            review_above: above.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
        };
    }
    fields.finish(report);
}

/// Bands in ascending order up to 1000, their actions never milder than the band before, each of a
/// name of its own.
fn bands(items: &[Node], at: At, report: &mut Report<'_>) -> Vec<BandPolicy> {
    let mut bands: Vec<BandPolicy> = Vec::new();
    for node in items {
        let Some(mut fields) = Fields::of(node, "a band", report) else { continue };
        let name = band_name(&mut fields, &bands, report);
        let max = i64::from(ServicePolicy::SCORE_MAX);
        let up_to =
            fields.need("up_to", report).and_then(|node| int(node, "up_to", 0..=max, report));
        let action = fields.need("action", report).and_then(|node| action(node, report));
        let follow_ups = follow_ups(&mut fields, report);
        fields.finish(report);
        let (Some(up_to), Some(action)) = (up_to, action) else { continue };
        // Within 0..=1000 by the check above.
        let band = BandPolicy { name, up_to: up_to as u16, action, follow_ups };
        if bands.last().is_some_and(|before| before.up_to >= band.up_to) {
            report.fault(node.at, "bands must ascend: `up_to` is not above the band before");
        }
        if bands.last().is_some_and(|before| before.action > band.action) {
            report.fault(node.at, "a higher score must not be answered more mildly");
        }
        bands.push(band);
    }
    let complete = bands.last().is_some_and(|last| last.up_to == ServicePolicy::SCORE_MAX);
    let most = ServicePolicy::BANDS_MAX;
    if !complete || bands.len() > most {
        report.fault(at, format!("1 to {most} bands, the last one with `up_to: 1000`"));
    }
    bands
}

/// The name of the next band; its number, from the mildest, where it has none.
fn band_name(fields: &mut Fields<'_>, before: &[BandPolicy], report: &mut Report<'_>) -> String {
    let Some(name) = fields.text("name", report) else { return before.len().to_string() };
    if !is_name(name.text) {
        report.fault(name.at, NAME_RULE);
    } else if before.iter().any(|band| band.name == name.text) {
        report.fault(name.at, format!("two bands are called `{}`; rename one", name.text));
    }
    name.text.to_owned()
}

pub(super) fn follow_ups(fields: &mut Fields<'_>, report: &mut Report<'_>) -> FollowUps {
    let named = fields.words("follow_ups", &FOLLOW_UPS, report);
    named.into_iter().fold(FollowUps::default(), FollowUps::union)
}

fn substitute(node: &Node, report: &mut Report<'_>) -> Option<Substitute> {
    let mut fields = Fields::of(node, "a substitute", report)?;
    let action = fields.need("action", report).and_then(|node| action(node, report));
    let follow_ups = follow_ups(&mut fields, report);
    fields.finish(report);
    match action? {
        crate::domain::Action::Challenge => {
            report.fault(node.at, "a challenge cannot stand in for a challenge");
            None
        }
        action => Some(Substitute { action, follow_ups }),
    }
}

fn incomplete(
    node: &Node,
    words: &Words<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> Incomplete {
    let Some(mut fields) = Fields::of(node, "`incomplete`", report) else {
        return Incomplete::default();
    };
    let above =
        fields.get("above").and_then(|node| words.desk.money(node, words.constants, report));
    let action = fields.get("action").and_then(|node| action(node, report));
    let follow_ups = follow_ups(&mut fields, report);
    let points = super::effect::points(&mut fields, report);
    let reason = fields.need("reason", report).and_then(|node| reasons.read(node, report));
    fields.finish(report);
    let reason = reason.unwrap_or_default();
    let effect = Effect { action, follow_ups, points, reason, ..Effect::default() };
    Incomplete { above, effect: Some(effect) }
}

/// `no_rate`: an effect, and whole-number columns above whose limits it declines.
fn no_rate(
    node: &Node,
    words: &Words<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> NoRate {
    let Some(mut fields) = Fields::of(node, "`no_rate`", report) else { return NoRate::default() };
    let action = fields.get("action").and_then(|node| action(node, report));
    let follow_ups = follow_ups(&mut fields, report);
    let points = super::effect::points(&mut fields, report);
    let reason = fields.need("reason", report).and_then(|node| reasons.read(node, report));
    let decline_above = match fields.get("decline_above").map(|node| (node, &node.shape)) {
        None => Vec::new(),
        Some((_, Shape::Map(entries))) => {
            entries.iter().filter_map(|(key, node)| limit(key, node, words, report)).collect()
        }
        Some((node, _)) => {
            report.fault(node.at, "`decline_above` must be a map from column to number");
            Vec::new()
        }
    };
    let at = fields.at;
    fields.finish(report);
    if (action, follow_ups, points) == (None, FollowUps::default(), 0) && decline_above.is_empty() {
        let message = "`no_rate` lets every amount without a rate pass unseen";
        report.fault(at, format!("{message}; give it `follow_ups: [review]`"));
    }
    let reason = reason.unwrap_or_default();
    let effect = Effect { action, follow_ups, points, reason, ..Effect::default() };
    NoRate { effect, decline_above }
}

fn limit(
    key: &super::yaml::Key,
    node: &Node,
    words: &Words<'_>,
    report: &mut Report<'_>,
) -> Option<(FieldId, i64)> {
    let schema = words.desk.schema;
    let column = schema.get(&key.text).filter(|column| column.field_type == FieldType::Int);
    let limit = int(node, &key.text, 0..=i64::MAX, report);
    if column.is_none() {
        let numbers = schema.fields().filter(|column| column.field_type == FieldType::Int);
        report.unknown(key.at, "int column", &key.text, numbers.map(|one| one.name.as_str()));
    }
    Some((column?.id, limit?))
}

/// What a bundle that says nothing of it does with an amount without a rate: a person looks at it.
fn no_rate_by_default(policy: &mut Policy, reasons: &mut ReasonTable) {
    let unsaid = |service: &&mut ServicePolicy| service.no_rate == NoRate::default();
    for service in policy.services.iter_mut().filter(unsaid) {
        const SENTENCE: &str = "The amount is in a currency without an exchange rate.";
        let reason = reasons.usual("no_exchange_rate", SENTENCE);
        let follow_ups = FollowUps::REVIEW;
        service.no_rate.effect = Effect { follow_ups, reason, ..Effect::default() };
    }
}

/// `budget_us`, and microseconds for each stage whose sum fits it.
fn ledger(node: &Node, report: &mut Report<'_>) -> Ledger {
    let mut ledger = Ledger::default();
    let Some(mut fields) = Fields::of(node, "`ledger`", report) else { return ledger };
    let mut us = |fields: &mut Fields<'_>, name: &'static str| {
        let node = fields.need(name, report)?;
        int(node, name, 1..=BUDGET_MAX_US, report)
    };
    // Within `BUDGET_MAX_US` by the check.
    ledger.budget_us = us(&mut fields, "budget_us").unwrap_or(0) as u32;
    for stage in Stage::ALL {
        ledger.stage_us[stage as usize] = us(&mut fields, stage.name()).unwrap_or(0) as u32;
    }
    let (total, budget) = (ledger.total_us(), u64::from(ledger.budget_us));
    if total > budget {
        let message = format!("the stages own {total} µs, the budget is {budget} µs; cut a stage");
        report.fault(fields.at, message);
    }
    fields.finish(report);
    ledger
}
