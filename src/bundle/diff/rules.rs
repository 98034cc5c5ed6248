//! Rules that came, went or changed.

use std::collections::BTreeMap;

use super::{Change, ChangeKind, thresholds};
use crate::bundle::Bundle;
use crate::bundle::effect::FOLLOW_UPS;
use crate::domain::{Action, EventTime, FollowUps, Force, Kind, Service};
use crate::stages::rules::{Mode, Rule, Warmth};

pub(super) fn changes(old: &Bundle, new: &Bundle) -> Vec<Change> {
    let by_id = |bundle: &'_ Bundle| -> BTreeMap<String, usize> {
        let rules = bundle.rules.rules().iter().enumerate();
        rules.map(|(index, rule)| (rule.id.clone(), index)).collect()
    };
    let (before, after) = (by_id(old), by_id(new));
    let mut changes = Vec::new();
    for (index, rule) in new.rules.rules().iter().enumerate() {
        match before.get(&rule.id).and_then(|index| old.rules.rules().get(*index).zip(Some(*index)))
        {
            None => {
                let text = format!(
                    "new in {}: rule {} ({}) {} when {}",
                    rule.place.file,
                    rule.id,
                    rule.name,
                    asks(rule),
                    one_line(rule.when.source()),
                );
                let mode = mode(rule.mode);
                let text = if mode == "live" { text } else { format!("{text}; {mode}") };
                changes.push(Change::new(ChangeKind::RuleAdded, &rule.id, &rule.place.file, text));
            }
            Some((was, old_index)) => {
                condition((old, was), (new, rule), &mut changes);
                effect(was, rule, &mut changes);
                scope(was, rule, &mut changes);
                let cases = |bundle: &Bundle, index: usize| {
                    let cases = bundle.cases.get(index).map(Vec::as_slice).unwrap_or_default();
                    cases
                        .iter()
                        .map(|case| format!("{} {:?}", case.name, case.expect))
                        .collect::<Vec<_>>()
                };
                wording((was, cases(old, old_index)), (rule, cases(new, index)), &mut changes);
            }
        }
    }
    for rule in old.rules.rules().iter().filter(|rule| !after.contains_key(&rule.id)) {
        let text = format!(
            "gone from {}: rule {} ({}), which {}",
            rule.place.file,
            rule.id,
            rule.name,
            asked(rule),
        );
        changes.push(Change::new(ChangeKind::RuleRemoved, &rule.id, &rule.place.file, text));
    }
    changes
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a rule does: `declines, reviews and adds 300 points`.
fn asks(rule: &Rule) -> String {
    let effect = rule.effect;
    let mut verbs: Vec<String> = Vec::new();
    match (effect.force, effect.action) {
        (Force::HardBlock, _) => verbs.push("blocks".into()),
        (Force::Allow, _) => verbs.push("allows".into()),
        (Force::Weighed, Some(Action::Decline)) => verbs.push("declines".into()),
        (Force::Weighed, Some(Action::Challenge)) => verbs.push("challenges".into()),
        (Force::Weighed, Some(Action::Approve)) => verbs.push("approves".into()),
        (Force::Weighed, None) => {}
    }
    for (name, one) in FOLLOW_UPS {
        if effect.follow_ups.union(one) == effect.follow_ups && one != FollowUps::default() {
            verbs.push(format!("asks for {name}"));
        }
    }
    match effect.points {
        0 if verbs.is_empty() => verbs.push("is only counted".into()),
        0 => {}
        points => {
            let verb = if points < 0 { "takes" } else { "adds" };
            let noun = if points.abs() == 1 { "point" } else { "points" };
            verbs.push(format!("{verb} {} {noun}", points.abs()));
        }
    }
    match verbs.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// The same of what is no more.
fn asked(rule: &Rule) -> String {
    asks(rule).replace("is only counted", "was only counted")
}

fn condition(
    (old, was): (&Bundle, &Rule),
    (new, rule): (&Bundle, &Rule),
    changes: &mut Vec<Change>,
) {
    let pair = ((old, was.when.node()), (new, rule.when.node()));
    match thresholds::changed(pair.0, pair.1) {
        Some(said) => changes.extend(said.into_iter().map(|said| {
            let text = format!("rule {} {} {said}", rule.id, asks(rule));
            Change::new(ChangeKind::Threshold, &rule.id, &rule.place.file, text)
        })),
        None => {
            let (is, before) = (one_line(rule.when.source()), one_line(was.when.source()));
            let text = match is == before {
                true => format!("rule {} asks `{is}` as before, with other constants", rule.id),
                false => format!("rule {} asks `{is}`, was `{before}`", rule.id),
            };
            changes.push(Change::new(ChangeKind::Condition, &rule.id, &rule.place.file, text));
        }
    }
}

fn effect(was: &Rule, rule: &Rule, changes: &mut Vec<Change>) {
    let (is, before) = (asks(rule), asks(was));
    if is != before {
        let text = format!("rule {} now {is}; before, it {before}", rule.id);
        changes.push(Change::new(ChangeKind::Effect, &rule.id, &rule.place.file, text));
    }
}

fn mode(mode: Mode) -> String {
    match mode {
        Mode::Live => "live".into(),
        Mode::Shadow => "in the shadow".into(),
        Mode::Off => "off".into(),
        Mode::Canary(share) => format!("live for a canary of {}", percent(share.ppm())),
    }
}

fn percent(ppm: u32) -> String {
    format!("{}%", f64::from(ppm) / 10_000.0)
}

fn scope(was: &Rule, rule: &Rule, changes: &mut Vec<Change>) {
    let mut say = |text: String| {
        let text = format!("rule {} {text}", rule.id);
        changes.push(Change::new(ChangeKind::Scope, &rule.id, &rule.place.file, text));
    };
    if was.mode != rule.mode {
        say(format!("is {}, was {}", mode(rule.mode), mode(was.mode)));
    }
    let services = |one: &Rule| {
        let own = Service::ALL.iter().filter(|service| one.services.contains(**service));
        own.map(|service| service.name()).collect::<Vec<_>>()
    };
    let kinds = |one: &Rule| {
        let own = Kind::ALL.iter().filter(|kind| one.kinds.contains(**kind));
        own.map(|kind| kind.name()).collect::<Vec<_>>()
    };
    for (before, is) in [(services(was), services(rule)), (kinds(was), kinds(rule))] {
        let gone: Vec<_> = before.iter().filter(|one| !is.contains(one)).copied().collect();
        let come: Vec<_> = is.iter().filter(|one| !before.contains(one)).copied().collect();
        if !come.is_empty() {
            say(format!("is also asked of {}", come.join(", ")));
        }
        if !gone.is_empty() {
            say(format!("is no longer asked of {}", gone.join(", ")));
        }
    }
    if was.warmth != rule.warmth {
        say(match rule.warmth {
            Warmth::Required => "waits until its windows are warm".into(),
            Warmth::Any => "no longer waits until its windows are warm".into(),
        });
    }
    let moment = |time: Option<EventTime>, none: &str| {
        time.map_or_else(|| none.to_owned(), |time| time.to_string())
    };
    if was.valid_from != rule.valid_from {
        let (is, before) = (moment(rule.valid_from, "always"), moment(was.valid_from, "always"));
        say(format!("holds from {is}, was {before}"));
    }
    if was.valid_until != rule.valid_until {
        let (is, before) =
            (moment(rule.valid_until, "further notice"), moment(was.valid_until, "further notice"));
        say(format!("holds until {is}, was {before}"));
    }
}

fn wording(
    (was, old_cases): (&Rule, Vec<String>),
    (rule, cases): (&Rule, Vec<String>),
    changes: &mut Vec<Change>,
) {
    let mut say = |text: String| {
        let text = format!("rule {} {text}", rule.id);
        changes.push(Change::new(ChangeKind::Wording, &rule.id, &rule.place.file, text));
    };
    if was.name != rule.name {
        say(format!("is called \"{}\", was \"{}\"", rule.name, was.name));
    }
    if (&was.reason_code, &was.reason) != (&rule.reason_code, &rule.reason) {
        let (is, before) = (&rule.reason, &was.reason);
        say(format!(
            "gives the reason {} (\"{is}\"), was {} (\"{before}\")",
            rule.reason_code, was.reason_code
        ));
    }
    if was.place.file != rule.place.file {
        say(format!("stands in {}, was in {}", rule.place.file, was.place.file));
    }
    if old_cases != cases {
        say(format!("has other cases: {}, were {}", cases.len(), old_cases.len()));
    }
}
