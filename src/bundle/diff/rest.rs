//! What stands beside the rules: features, custom fields, lists, the policy, rates.

use std::collections::BTreeMap;

use super::{Change, ChangeKind, thresholds};
use crate::bundle::Bundle;
use crate::bundle::effect::FOLLOW_UPS;
use crate::bundle::manifest::WINDOW_TIMES;
use crate::domain::{EntityKind, FollowUps, Service, Stage, Value};
use crate::lang::Where;
use crate::stages::decide::{BandPolicy, RiskData, ServicePolicy, Substitute};
use crate::stages::features::{AggregateSpec, Function};

const FEATURES: &str = "features.yaml";
const POLICY: &str = "policy.yaml";
const MANIFEST: &str = "bundle.yaml";

/// Features, custom fields and lists that came, went or changed.
pub(super) fn features(old: &Bundle, new: &Bundle) -> Vec<Change> {
    let (before, after) = (meanings(old), meanings(new));
    let mut changes = Vec::new();
    let mut say = |name: &str, file: &str, text: String| {
        changes.push(Change::new(ChangeKind::Feature, name, file, text));
    };
    for (name, (file, is, shown)) in &after {
        match before.get(name) {
            None => say(name, file, format!("new: `{name}`, {shown}")),
            Some((_, was, was_shown)) if was != is && was_shown == shown => {
                say(name, file, format!("`{name}` counts other events, or with other constants"));
            }
            Some((_, was, was_shown)) if was != is => {
                say(name, file, format!("`{name}` is {shown}, was {was_shown}"));
            }
            Some(_) => {}
        }
    }
    for (name, (file, _, shown)) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        say(name, file, format!("gone: `{name}`, {shown}"));
    }
    changes
}

/// By name: the file, a text that is equal when the meaning is, and a text for people.
fn meanings(bundle: &Bundle) -> BTreeMap<String, (&'static str, String, String)> {
    let name = |field| bundle.schema.field(field).map_or("", |field| field.name.as_str());
    let mut meanings = BTreeMap::new();
    for (spec, field) in &bundle.aggregates {
        let shown = thresholds::counted(bundle, spec);
        meanings.insert(name(*field).to_owned(), (FEATURES, exactly(spec), shown));
    }
    for derived in &bundle.derived {
        let source = derived.program.source();
        let shown = source.split_whitespace().collect::<Vec<_>>().join(" ");
        let exact = format!("{shown} {}", derived.program.meaning(derived.program.node()));
        meanings.insert(name(derived.field).to_owned(), (FEATURES, exact, format!("`{shown}`")));
    }
    for attribute in &bundle.attributes {
        let shown = format!("a custom field of type {}", attribute.field_type.name());
        meanings.insert(attribute.name.clone(), (MANIFEST, shown.clone(), shown));
    }
    for column in bundle.schema.fields().filter(|column| column.name.starts_with("in_list.")) {
        let shown = column.meaning.clone();
        meanings.insert(column.name.clone(), (MANIFEST, shown.clone(), shown));
    }
    meanings
}

/// All that an aggregate is, its filters by what they compute and not by how they are written.
fn exactly(spec: &AggregateSpec) -> String {
    let filter = |filter: &Where| {
        let mut text = String::new();
        written(filter, &mut text);
        text
    };
    let function = match &spec.function {
        Function::Rate(of) => format!("rate {}", filter(of)),
        other => format!("{other:?}"),
    };
    let AggregateSpec { by, at, over, delay_ms, excluding_current, default, .. } = spec;
    let of = spec.filter.as_ref().map(filter);
    format!("{function} {by:?} {at:?} {over:?} {delay_ms} {excluding_current} {default:?} {of:?}")
}

fn written(filter: &Where, text: &mut String) {
    match filter {
        Where::And(all) | Where::Or(all) => {
            text.push_str(if matches!(filter, Where::And(_)) { "and(" } else { "or(" });
            all.iter().for_each(|one| written(one, text));
            text.push(')');
        }
        Where::Event { program, wanted } => {
            text.push_str(&format!("{wanted} {};", program.meaning(program.node())));
        }
        Where::State { bit, wanted } => text.push_str(&format!("{wanted} {bit:?};")),
    }
}

/// The policy of each service, the ledger, the rates and what the whole bundle shares.
pub(super) fn policy(old: &Bundle, new: &Bundle) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut say = |subject: &str, file: &str, text: String| {
        changes.push(Change::new(ChangeKind::Policy, subject, file, text));
    };
    // What changes alike in several services is said once.
    let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
    for service in Service::ALL {
        let (was, is) = (old.policy.of(*service), new.policy.of(*service));
        let pairs = parts(old, was).into_iter().zip(parts(new, is));
        for ((what, was), (_, is)) in pairs.filter(|((_, was), (_, is))| was != is) {
            let text = format!("{what} {is}, was {was}");
            match alike.iter_mut().find(|(known, _)| *known == text) {
                Some((_, services)) => services.push(service.name()),
                None => alike.push((text, vec![service.name()])),
            }
        }
    }
    for (text, services) in alike {
        let names = match services.len() == Service::ALL.len() {
            true => "every service".to_owned(),
            false => services.join(", "),
        };
        say(&names, POLICY, format!("{names}: {text}"));
    }
    let (was, is) = (&old.policy.ledger, &new.policy.ledger);
    if was.budget_us != is.budget_us {
        say("ledger", POLICY, format!("the budget is {} µs, was {}", is.budget_us, was.budget_us));
    }
    for stage in Stage::ALL {
        let (was, is) = (was.stage_us[stage as usize], is.stage_us[stage as usize]);
        if was != is {
            say("ledger", POLICY, format!("{} owns {is} µs, was {was}", stage.name()));
        }
    }
    let rates = |bundle: &Bundle| -> BTreeMap<String, String> {
        let rates = bundle.fx.rates();
        rates
            .map(|(currency, (numerator, denominator))| {
                (currency.as_str().to_owned(), format!("{numerator}/{denominator}"))
            })
            .collect()
    };
    let (was, is) = (rates(old), rates(new));
    let none = "no rate".to_owned();
    for currency in was.keys().chain(is.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (was, is) = (was.get(currency).unwrap_or(&none), is.get(currency).unwrap_or(&none));
        if was != is {
            say(currency, "fx.csv", format!("{currency} is worth {is}, was {was}"));
        }
    }
    if old.zone.name() != new.zone.name() {
        let (was, is) = (old.zone.name(), new.zone.name());
        say("", MANIFEST, format!("days begin in {is}, was {was}"));
    }
    if old.base_currency != new.base_currency || old.base_decimals != new.base_decimals {
        let (was, is) = (old.base_currency.as_str(), new.base_currency.as_str());
        say("", MANIFEST, format!("the base currency is {is}, was {was}"));
    }
    if old.arrival.counts_on_arrival != new.arrival.counts_on_arrival {
        let (was, is) = (window_time(old), window_time(new));
        say("", MANIFEST, format!("windows count by the time {is}, was {was}"));
    }
    if old.arrival.late_after_ms != new.arrival.late_after_ms {
        let (was, is) = (old.arrival.late_after_ms / 1_000, new.arrival.late_after_ms / 1_000);
        say("", MANIFEST, format!("late is what arrives {is} s after it occurred, was {was} s"));
    }
    for kind in EntityKind::ALL {
        let (was, is) = (old.exact[kind.index()], new.exact[kind.index()]);
        if was != is {
            let name = kind.name();
            say(name, MANIFEST, format!("of a {name} {is} events are exact, was {was}"));
        }
    }
    changes
}

fn follow_ups(set: FollowUps) -> String {
    let named = FOLLOW_UPS.iter().filter(|(_, one)| set.union(*one) == set);
    let names: Vec<&str> = named.map(|(name, _)| *name).collect();
    if names.is_empty() { String::new() } else { format!(" with {}", names.join(" and ")) }
}

/// A band in words; one that goes by its number needs no name among others in their order.
fn band((at, band): (usize, &BandPolicy)) -> String {
    let BandPolicy { name, up_to, action, follow_ups: after } = band;
    let name = if *name == at.to_string() { String::new() } else { format!("{name} ") };
    format!("{name}up to {up_to} {}{}", action.name(), follow_ups(*after))
}

/// What a policy says, part by part, in words.
fn parts(bundle: &Bundle, policy: &ServicePolicy) -> Vec<(&'static str, String)> {
    let bands: Vec<_> = policy.bands.iter().enumerate().map(band).collect();
    let substitute = |substitute: &Option<Substitute>| match substitute {
        None => "a challenge".to_owned(),
        Some(one) => format!("{}{}", one.action.name(), follow_ups(one.follow_ups)),
    };
    let wanted: Vec<_> = RiskData::NAMED
        .iter()
        .filter(|(group, _)| policy.wanted.union(*group) == policy.wanted)
        .map(|(_, name)| *name)
        .collect();
    let reason = |id: crate::domain::ReasonId| {
        bundle.reasons.get(usize::from(id.0)).map_or("", |(code, _)| code.as_str()).to_owned()
    };
    let incomplete = match policy.incomplete.effect {
        None => "nothing".to_owned(),
        Some(effect) => {
            let above = policy.incomplete.above.map(|minor| bundle.shown(Value::Money(minor)));
            let above = above.map(|above| format!(" above {above}")).unwrap_or_default();
            let action = effect.action.map_or("no action", |action| action.name());
            format!(
                "{action}{}, {} points{above} ({})",
                follow_ups(effect.follow_ups),
                effect.points,
                reason(effect.reason)
            )
        }
    };
    let no_rate = &policy.no_rate;
    let column = |id: &crate::domain::FieldId| {
        bundle.schema.field(*id).map_or("", |column| column.name.as_str())
    };
    let limits: Vec<String> = no_rate
        .decline_above
        .iter()
        .map(|(id, most)| format!("declines above {most} {}", column(id)))
        .collect();
    let no_rate = format!(
        "{}{}, {} points ({}) {}",
        no_rate.effect.action.map_or("no action", |action| action.name()),
        follow_ups(no_rate.effect.follow_ups),
        no_rate.effect.points,
        reason(no_rate.effect.reason),
        limits.join(", ")
    );
    let fallback = &policy.fallback;
    let review = bundle.shown(Value::Money(fallback.review_above));
    vec![
        ("the score's bands are", bands.join("; ")),
        ("what stands in for a challenge is", substitute(&policy.without_challenge)),
        ("what follows a challenge is", substitute(&policy.after_challenge)),
        ("risk verification wants", wanted.join(", ")),
        ("incomplete verification gives", incomplete),
        ("an amount without a rate gives", no_rate.trim_end().to_owned()),
        ("the fallback reviews above", format!("{review} ({})", reason(fallback.reason))),
    ]
}

fn window_time(bundle: &Bundle) -> &'static str {
    let is_arrival = bundle.arrival.counts_on_arrival;
    WINDOW_TIMES.iter().find(|(_, value)| *value == is_arrival).map_or("", |(name, _)| *name)
}
