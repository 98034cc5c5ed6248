//! Every rule of the bundle, sorted by how loud it was about one event.

use super::condition::{conjuncts, missing, parts, parts_of, text_of, truth};
use super::near::near;
use super::story;
use crate::bundle::Bundle;
use crate::commands::audit::line::service;
use crate::domain::{Effect, Fact, FeatureVector, FollowUps, Force, Input, Kind, Plan, Service};
use crate::lang::Truth;
use crate::stages::rules::{Hits, Mode, Rule, RuleIndex};

/// What the rules said of the last decided event.
pub(super) fn rules(
    bundle: &Bundle,
    row: &FeatureVector,
    hits: &Hits,
    input: &Input,
    plan: Plan,
) -> story::Rules {
    let (service, kind) = service_and_kind(input);
    let mut all = story::Rules::default();
    for (index, rule) in bundle.rules.rules().iter().enumerate() {
        let index = RuleIndex(index as u16);
        if !rule.services.contains(service) || !rule.kinds.contains(kind) {
            continue;
        }
        if hits.fired.contains(&index) {
            all.fired.push(told(bundle, row, rule));
        } else if hits.shadow.contains(&index) {
            all.shadow.push(told(bundle, row, rule));
        } else if hits.undetermined.contains(&index) {
            all.undetermined.push(undetermined(bundle, row, rule));
        } else if hits.warming.contains(&index) {
            all.warming.push(rule.id.clone());
        } else if !is_due(rule, input, plan) {
            all.not_asked += 1;
        } else if let Some(rule) = nearly(bundle, row, rule) {
            all.near.push(rule);
        } else {
            all.silent += 1;
        }
    }
    let distance = |rule: &story::Rule| rule.distance.unwrap_or(f64::INFINITY);
    all.near.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
    all
}

/// As the engine reads them.
fn service_and_kind(input: &Input) -> (Service, Kind) {
    let kind = input.facts.text(Fact::Kind).and_then(Kind::parse);
    (service(input), kind.unwrap_or(Kind::Payment))
}

/// Whether mode, plan and validity let a rule be asked.
fn is_due(rule: &Rule, input: &Input, plan: Plan) -> bool {
    rule.mode != Mode::Off
        && (plan != Plan::HardRules || rule.effect.is_hard())
        && rule.valid_from.is_none_or(|from| input.occurred_at >= from)
        && rule.valid_until.is_none_or(|until| input.occurred_at < until)
}

/// A rule with all parts of its condition.
fn told(bundle: &Bundle, row: &FeatureVector, rule: &Rule) -> story::Rule {
    let reads = rule.when.fields().iter().filter_map(|field| bundle.schema.field(*field));
    story::Rule {
        id: rule.id.clone(),
        name: rule.name.clone(),
        place: format!("{}:{}", rule.place.file, rule.place.line),
        reason: rule.reason.clone(),
        asks: asks(&rule.effect),
        points: rule.effect.points,
        why: None,
        distance: None,
        missing: Vec::new(),
        parts: parts(&rule.when, row, bundle),
        reads: reads.map(|field| field.name.clone()).collect(),
    }
}

fn nearly(bundle: &Bundle, row: &FeatureVector, rule: &Rule) -> Option<story::Rule> {
    let near = near(&rule.when, row)?;
    let (value, threshold) = near.sides;
    let shown = |node| {
        let part = rule.when.part(node);
        part.value(row).map_or_else(|error| error.to_string(), |value| bundle.shown(value))
    };
    let (is, limit) = (shown(value), shown(threshold));
    let why = format!("all else held; {is} against {limit}, {}", near.off());
    Some(story::Rule {
        why: Some(why),
        distance: Some(near.distance),
        parts: parts_of(&rule.when, near.lacking, row, bundle),
        ..told(bundle, row, rule)
    })
}

fn undetermined(bundle: &Bundle, row: &FeatureVector, rule: &Rule) -> story::Rule {
    let mut names = Vec::new();
    let mut open = Vec::new();
    for node in conjuncts(&rule.when) {
        if truth(&rule.when, node, row) == Truth::Undetermined {
            missing(&rule.when, node, row, bundle, &mut names);
            open.push(text_of(node, rule.when.source()));
        }
    }
    story::Rule { why: Some(open.join("; ")), missing: names, ..told(bundle, row, rule) }
}

/// What a rule asks for, in words.
fn asks(effect: &Effect) -> String {
    let mut words = Vec::new();
    match (effect.force, effect.action) {
        (Force::HardBlock, _) => words.push("decline whatever else holds".to_owned()),
        (Force::Allow, _) => words.push("approve, silencing weighed rules".to_owned()),
        (Force::Weighed, Some(action)) => words.push(action.name().to_owned()),
        (Force::Weighed, None) => {}
    }
    let named = FollowUps::NAMED.into_iter();
    words.extend(
        named.filter(|(one, _)| effect.follow_ups.contains(*one)).map(|(_, name)| name.to_owned()),
    );
    if effect.points != 0 {
        words.push(format!("{:+} points", effect.points));
    }
    words.join(", ")
}
