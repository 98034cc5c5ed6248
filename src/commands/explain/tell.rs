//! From an event's id to its story: find it, stand where the engine stood, decide it once more.

use std::collections::BTreeSet;
use std::path::Path;

use super::features::{features, value};
use super::find::{Found, find, past_events};
use super::rules::rules;
use super::story::{Arithmetic, Decision, NamedValue, Points, Position, Reason, Story, Versions};
use crate::bundle::Bundle;
use crate::commands::audit::line::{Line, follow_ups, missing, service};
use crate::commands::replay::{Comparer, Origin, engine_as_it_was};
use crate::commands::report::Fault;
use crate::domain::{Body, DecisionFlags, Fact, FieldId, FollowUps, Plan, Service};
use crate::engine::{ENGINE_SEMANTICS, Engine, EngineLimits, Fixed};

/// Tells the story of an event.
pub(super) fn story(
    journal: &Path,
    id: &str,
    (limits, origin): (&EngineLimits, Origin),
) -> Result<Story, Fault> {
    let Found { entry, names, later } = find(journal, id)?;
    let missing_bundle = || {
        Fault::Wrong(format!(
            "input {}: this version cannot compile the bundle that decided it",
            entry.seq.0
        ))
    };
    let bundle = names.compiled().ok_or_else(missing_bundle)?;
    let (mut engine, begun) = engine_as_it_was(journal, bundle, limits, (entry.seq, origin))?;
    let plan = entry.body().map_or(Plan::Full, |body| body.plan);
    let applied = engine.apply(&entry.input, &mut Fixed(plan));
    let reproduced = Comparer::default().is_same(&entry, &applied, engine.hits());
    let input = &entry.input;
    let features = features(&engine, input, entry.seq);
    let wanted: BTreeSet<u64> = features
        .iter()
        .filter_map(|one| one.window.as_ref())
        .flat_map(|w| w.events.clone())
        .collect();
    let service = service(input);
    let rules = match entry.body() {
        Some(_) => rules(bundle, engine.row(), engine.hits(), input, plan),
        None => super::story::Rules::default(),
    };
    Ok(Story {
        event_id: input.event_id.clone(),
        seq: entry.seq.0,
        reproduced,
        decision: entry.body().map(|body| decision(body, bundle, &engine, service)),
        rules,
        features,
        facts: facts(&engine),
        events: past_events(journal, &wanted, entry.seq, bundle)?,
        later,
        versions: Versions {
            bundle: bundle.name(),
            engine_semantics: entry.engine_semantics,
            engine_semantics_here: ENGINE_SEMANTICS,
            token_key: input.key_version,
            received_at: input.received_at.to_string(),
            occurred_at: input.occurred_at.to_string(),
            position: input.source.map(|source| Position {
                topic: source.topic,
                partition: source.partition,
                offset: source.offset,
            }),
        },
        begun,
        record: Line::of(&entry, &names)?,
    })
}

fn decision(body: &Body, bundle: &Bundle, engine: &Engine, service: Service) -> Decision {
    let reason = |id: &crate::domain::ReasonId| {
        let known = bundle.reasons.get(usize::from(id.0));
        let (code, text) =
            known.cloned().unwrap_or_else(|| (format!("reason_{}", id.0), String::new()));
        Reason { code, text }
    };
    let flags = DecisionFlags::NAMED.into_iter();
    Decision {
        action: body.action.name(),
        follow_ups: follow_ups(body),
        plan: body.plan.name(),
        reasons: body.reasons.as_slice().iter().map(reason).collect(),
        risk_verification: body.risk_verification.name(),
        flags: flags.filter(|(flag, _)| body.flags.contains(*flag)).map(|(_, name)| name).collect(),
        missing_tables: missing(body.missing),
        arithmetic: arithmetic(body, bundle, engine, service),
    }
}

fn arithmetic(body: &Body, bundle: &Bundle, engine: &Engine, service: Service) -> Arithmetic {
    let fired = engine.hits().fired.iter().map(|index| bundle.rules.rule(*index));
    let rules: Vec<Points> =
        fired.map(|rule| Points { rule: rule.id.clone(), points: rule.effect.points }).collect();
    let of_rules = rules.iter().fold(0_i32, |sum, one| sum.saturating_add(one.points));
    let policy = bundle.policy.of(service);
    let (bands, at) = (&policy.bands, usize::from(body.band.0));
    let band = bands.get(at).cloned().unwrap_or_default();
    let before = at.checked_sub(1).and_then(|before| bands.get(before));
    let words = std::iter::once(band.action.name()).chain(
        FollowUps::NAMED
            .into_iter()
            .filter(|(one, _)| band.follow_ups.contains(*one))
            .map(|(_, name)| name),
    );
    Arithmetic {
        policy: body.points.saturating_sub(of_rules),
        rules,
        sum: body.points,
        score: body.score,
        band: body.band.0,
        band_name: policy.band_name(body.band),
        band_from: before.map_or(0, |before| before.up_to.saturating_add(1)),
        band_to: band.up_to,
        band_asks: words.collect::<Vec<_>>().join("+"),
    }
}

fn facts(engine: &Engine) -> Vec<NamedValue> {
    let (row, bundle) = (engine.row(), engine.bundle());
    let present = Fact::ALL.iter().filter_map(|fact| {
        let value = value(row, FieldId::of_fact(*fact), fact.field_type())?;
        Some(NamedValue {
            name: fact.name().to_owned(),
            value: bundle.shown(value),
            meaning: fact.meaning(),
        })
    });
    present.collect()
}
