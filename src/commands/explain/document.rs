//! The story as a document: what mattered first, then everything.

use std::collections::BTreeSet;

use super::story::{Arithmetic, Feature, Rule, Story, Window};
use crate::commands::replay::tell;
use crate::commands::report::{Cell, Document, Line, Table, Tone, counted, grouped};

/// How much is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Detail {
    /// What fits on a screen or three: rules that spoke or nearly did, and what they looked at.
    WhatMatters,
    /// Everything.
    Everything,
}

/// Near rules that a screen takes.
const NEAR_MAX: usize = 5;
/// Events that a screen takes for each feature, the newest.
const EVENTS_MAX: usize = 5;
/// Events that a page takes for each feature; JSON has all of them.
const EVENTS_MAX_PAGE: usize = 200;

/// The story in words and tables.
pub(super) fn of(story: &Story, detail: Detail) -> Document {
    let title = format!("Event {}", story.event_id);
    let versions = &story.versions;
    let lead = format!("input {}, received {}", grouped(story.seq), versions.received_at);
    let mut document = Document::new(title, lead);
    verdict(&mut document, story);
    arithmetic(&mut document, story);
    fired(&mut document, "Rules that fired", &story.rules.fired);
    fired(&mut document, "Rules that held without effect (shadow)", &story.rules.shadow);
    near(&mut document, story, detail);
    windows(&mut document, story, detail);
    features(&mut document, story, detail);
    undetermined(&mut document, story, detail);
    facts(&mut document, story);
    later(&mut document, story);
    origin(&mut document, story);
    document
}

fn verdict(document: &mut Document, story: &Story) {
    let Some(decision) = &story.decision else {
        document.verdict("counted as history, without a decision", Tone::Plain);
        return;
    };
    let words = std::iter::once(decision.action).chain(decision.follow_ups.iter().copied());
    let score = decision.arithmetic.score;
    let text = format!("{}, score {score}", words.collect::<Vec<_>>().join(" + "));
    let tone = match decision.action {
        "approve" => Tone::Good,
        "challenge" => Tone::Warning,
        _ => Tone::Bad,
    };
    document.verdict(text, tone);
    for reason in &decision.reasons {
        document.note(format!("{}: {}", reason.code, reason.text));
    }
    if !story.reproduced {
        document.verdict(
            "Deciding it again gave another result: what follows is what this engine computes, not \
             what the journal says. `tidegate replay --event` shows both sides.",
            Tone::Bad,
        );
    }
}

fn arithmetic(document: &mut Document, story: &Story) {
    let Some(decision) = &story.decision else { return };
    let Arithmetic { rules, policy, sum, score, band_name, band_from, band_to, band_asks, .. } =
        &decision.arithmetic;
    document.heading("From points to answer");
    let mut lines = Vec::new();
    for one in rules {
        lines.push(Line::new(one.rule.clone(), format!("{:+}", one.points)));
    }
    if *policy != 0 {
        lines.push(Line::new("policy: incomplete data or fallback", format!("{policy:+}")));
    }
    lines.push(Line::new("sum of points", sum.to_string()));
    lines.push(Line::new("score (0 to 1000)", score.to_string()));
    let asks = format!("{band_name}, scores {band_from} to {band_to}: {band_asks}");
    lines.push(Line::new("band", asks));
    let words = std::iter::once(decision.action).chain(decision.follow_ups.iter().copied());
    lines.push(Line::new("answer", words.collect::<Vec<_>>().join(" + ")));
    lines.push(Line::new("risk verification", decision.risk_verification));
    lines.push(Line::new("plan", decision.plan));
    for (name, words) in [("marks", &decision.flags), ("missing tables", &decision.missing_tables)]
    {
        if !words.is_empty() {
            lines.push(Line::new(name, words.join(", ")));
        }
    }
    document.lines(lines);
}

fn fired(document: &mut Document, name: &str, rules: &[Rule]) {
    if rules.is_empty() {
        return;
    }
    document.heading(name);
    for rule in rules {
        push_rule(document, rule);
    }
}

/// A rule's head and the parts of its condition.
fn push_rule(document: &mut Document, rule: &Rule) {
    let mut head = format!("{}: {}", rule.id, rule.name);
    if let Some(why) = &rule.why {
        head.push_str(&format!(" ({why})"));
    }
    let mut lines = vec![
        Line::new(head, Cell::toned(rule.asks.clone(), Tone::Strong)),
        Line::under(1, rule.place.clone(), Cell::toned("", Tone::Quiet)),
    ];
    for part in &rule.parts {
        let tone = match part.holds {
            Some("true") => Tone::Good,
            Some("false") => Tone::Bad,
            Some(_) => Tone::Warning,
            None if part.value == "missing" => Tone::Warning,
            None => Tone::Plain,
        };
        let value = part.holds.map_or_else(|| part.value.clone(), str::to_owned);
        lines.push(Line::under(1 + part.depth, part.text.clone(), Cell::toned(value, tone)));
    }
    document.lines(lines);
}

fn near(document: &mut Document, story: &Story, detail: Detail) {
    let near = &story.rules.near;
    if near.is_empty() {
        return;
    }
    document.heading("Rules that nearly fired");
    document.note(
        "one number stood in the way alone, at most 20 % from its threshold or one event short of it",
    );
    let shown = if detail == Detail::Everything { near.len() } else { NEAR_MAX };
    for rule in near.iter().take(shown) {
        push_rule(document, rule);
    }
    if near.len() > shown {
        let rest: Vec<_> = near[shown..].iter().map(|rule| rule.id.as_str()).collect();
        document.note(format!("and, further off: {}", rest.join(" ")));
    }
}

fn undetermined(document: &mut Document, story: &Story, detail: Detail) {
    let rules = &story.rules;
    if !rules.undetermined.is_empty() {
        document.heading("Rules that a missing value left open");
        // What could not be told takes much room and follows from what is missing.
        let names = ["rule", "missing", "could not be told"];
        let columns = if detail == Detail::Everything { 3 } else { 2 };
        let mut table = Table::new(&names[..columns]);
        for rule in &rules.undetermined {
            let mut row = vec![
                Cell::from(&*rule.id),
                Cell::toned(rule.missing.join(" "), Tone::Warning),
                Cell::toned(rule.why.clone().unwrap_or_default(), Tone::Quiet),
            ];
            row.truncate(columns);
            table.rows.push(row);
        }
        document.table(table);
    }
    if !rules.warming.is_empty() {
        document.note(format!("not asked while their windows warm: {}", rules.warming.join(" ")));
    }
    if story.decision.is_some() {
        document.note(format!(
            "{} did not hold; {} were not asked",
            counted(rules.silent, "further rule"),
            grouped(rules.not_asked)
        ));
    }
}

/// The columns that rules which spoke, or nearly did, looked at.
fn looked_at(story: &Story) -> BTreeSet<&str> {
    let rules = &story.rules;
    let spoke = rules.fired.iter().chain(&rules.shadow).chain(&rules.near);
    spoke.flat_map(|rule| &rule.reads).map(String::as_str).collect()
}

/// The windows with their events: those that were looked at, or all.
fn windows(document: &mut Document, story: &Story, detail: Detail) {
    let looked_at = looked_at(story);
    let wanted = |feature: &&Feature| {
        let has_events = feature.window.as_ref().is_some_and(|window| !window.events.is_empty());
        let is_looked_at = looked_at.contains(feature.name.as_str());
        has_events && (is_looked_at || detail == Detail::Everything)
    };
    let (mut listed, mut begun) = (Vec::<(&Window, &str)>::new(), false);
    for feature in story.features.iter().filter(wanted) {
        let Some(window) = &feature.window else { continue };
        if !begun {
            document.heading("Features and the events behind them");
            begun = true;
        }
        let value = feature.value.clone().unwrap_or_else(|| "missing".to_owned());
        let mut line = vec![Line::new(feature.name.clone(), Cell::toned(value, Tone::Strong))];
        line.push(Line::under(
            1,
            feature.meaning.clone(),
            Cell::toned(marks(feature), Tone::Quiet),
        ));
        document.lines(line);
        if window.events == [story.seq] {
            let by = window.by;
            document.note(format!("only this event, of this {by}, after {}", window.after));
            continue;
        }
        // Several features share their events: they are listed once.
        let same =
            |known: &&(&Window, &str)| (known.0.by, &known.0.events) == (window.by, &window.events);
        if let Some((_, name)) = listed.iter().find(same) {
            let events = counted(window.events.len() as u64, "event");
            document.note(format!("after {}: the same {events} as for {name}", window.after));
            continue;
        }
        push_window(document, story, window, detail);
        listed.push((window, &feature.name));
    }
}

fn push_window(document: &mut Document, story: &Story, window: &Window, detail: Detail) {
    let entity = window.entity.as_deref().unwrap_or("-");
    let events = counted(window.events.len() as u64, "event");
    document.note(format!(
        "{events} of {} {entity} after {} until {}",
        window.by, window.after, window.until
    ));
    let mut table = Table::new(&[">input", "=occurred", "=event", "=kind", ">amount", "=decision"]);
    let most = if detail == Detail::Everything { EVENTS_MAX_PAGE } else { EVENTS_MAX };
    let skipped = window.events.len().saturating_sub(most);
    for seq in window.events.iter().skip(skipped) {
        let Some(event) = story.events.get(seq) else { continue };
        let tone = if *seq == story.seq { Tone::Strong } else { Tone::Plain };
        table.row([
            Cell::toned(grouped(*seq), tone),
            Cell::toned(event.occurred_at.clone(), tone),
            Cell::toned(event.event_id.clone(), tone),
            Cell::toned(event.kind.clone(), tone),
            Cell::toned(event.amount.clone().unwrap_or_default(), tone),
            Cell::toned(event.action.unwrap_or("-"), tone),
        ]);
    }
    document.table(table);
    if skipped > 0 {
        document.note(format!("and {} before them", counted(skipped as u64, "event")));
    }
}

fn marks(feature: &Feature) -> String {
    let mut marks = Vec::new();
    if feature.approximate {
        marks.push("approximate");
    }
    if feature.incomplete {
        marks.push("incomplete: amounts without a rate are not in it");
    }
    if feature.warming {
        marks.push("warming");
    }
    marks.join(", ")
}

/// Every column with a value, in a line each.
fn features(document: &mut Document, story: &Story, detail: Detail) {
    let looked_at = looked_at(story);
    let is_told = |feature: &&Feature| {
        let is_zero = matches!(feature.value.as_deref(), Some("0" | "0.0" | "false"))
            || feature.value.as_deref().is_some_and(|value| value.starts_with("0.00 "));
        let is_plain = feature.value.is_none() || is_zero;
        detail == Detail::Everything || looked_at.contains(feature.name.as_str()) || !is_plain
    };
    document.heading("Features");
    let mut table = Table::new(&["feature", "value", ">events", "marks"]);
    let told: Vec<&Feature> = story.features.iter().filter(is_told).collect();
    for feature in &told {
        let (text, tone) = match &feature.value {
            Some(value) => (value.clone(), Tone::Plain),
            None => ("missing".to_owned(), Tone::Quiet),
        };
        let events = feature.window.as_ref().map(|window| grouped(window.events.len() as u64));
        table.row([
            Cell::from(&*feature.name),
            Cell::toned(text, tone),
            Cell::from(events.unwrap_or_default()),
            Cell::toned(marks(feature), Tone::Quiet),
        ]);
    }
    document.table(table);
    let rest = (story.features.len() - told.len()) as u64;
    if rest > 0 {
        let rest = grouped(rest);
        document.note(format!("{rest} more are zero or missing; --html and --json tell all"));
    }
}

fn facts(document: &mut Document, story: &Story) {
    document.heading("Facts");
    let facts = story.facts.iter();
    document.lines(facts.map(|fact| Line::new(fact.name.clone(), fact.value.clone())).collect());
    document.heading("Entities");
    let entities = story.record.entities().iter();
    let lines = entities.map(|(kind, token)| Line::new(kind.clone(), token.to_string()));
    document.lines(lines.collect());
}

fn later(document: &mut Document, story: &Story) {
    if story.later.is_empty() {
        return;
    }
    document.heading("What became known later");
    let mut table = Table::new(&[">input", "occurred", "received", "what", "holds"]);
    for one in &story.later {
        let holds = match one.superseded_by {
            None => "yes".to_owned(),
            Some(seq) => format!("no, input {seq} does"),
        };
        table.row([
            Cell::from(one.seq),
            Cell::from(&*one.occurred_at),
            Cell::from(&*one.received_at),
            Cell::from(&*one.what),
            Cell::from(holds),
        ]);
    }
    document.table(table);
}

fn origin(document: &mut Document, story: &Story) {
    document.heading("Where it comes from");
    let versions = &story.versions;
    let mut lines = vec![
        Line::new("occurred", versions.occurred_at.clone()),
        Line::new("received", versions.received_at.clone()),
        Line::new("bundle", versions.bundle.clone()),
        Line::new("engine semantics", versions.engine_semantics.to_string()),
        Line::new("token key", format!("v{}", versions.token_key)),
    ];
    if let Some(position) = &versions.position {
        let text = format!(
            "topic {}, partition {}, offset {}",
            position.topic, position.partition, position.offset
        );
        lines.push(Line::new("position", text));
    }
    document.lines(lines);
    tell(document, std::slice::from_ref(&story.begun));
}
