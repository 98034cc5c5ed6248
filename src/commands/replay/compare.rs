//! One input's two sides: what the journal says came of it, and what the engine says now.

use serde::Serialize;

use crate::commands::audit::line::{Line, follow_ups, missing, result, service};
use crate::commands::audit::names::Names;
use crate::domain::{Applied, Body, DecisionFlags};
use crate::engine::Engine;
use crate::journal::{ReadEntry, body_bytes};
use crate::stages::rules::{Hits, RuleIndex};
use crate::wire::WireError;

/// Both sides of one input, field by field.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) seq: u64,
    pub(super) event_id: String,
    pub(super) received_at: String,
    /// Whether any field differs.
    pub(super) differs: bool,
    pub(super) fields: Vec<Field>,
    /// The semantics of the engine that made the journal's side.
    pub(super) engine_semantics: u32,
    /// The whole record: the input that led there and what was made of it.
    pub(super) record: Line,
}

/// One field's two sides.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) journal: String,
    pub(super) replay: String,
    pub(super) differs: bool,
}

/// Compares, and keeps its buffer.
#[derive(Default)]
pub(in crate::commands) struct Comparer {
    bytes: Vec<u8>,
}

impl Comparer {
    /// Whether the engine did the same: the kind of result, the input that it speaks of, every
    /// byte of the body, and which rules spoke.
    pub(in crate::commands) fn is_same(
        &mut self,
        entry: &ReadEntry,
        applied: &Applied,
        hits: &Hits,
    ) -> bool {
        match applied {
            Applied::Decided { seq, body } => {
                body_bytes(body, &mut self.bytes);
                matches!(entry.applied, Applied::Decided { .. })
                    && *seq == entry.seq
                    && self.bytes == entry.body_bytes()
                    && same_rules(&entry.fired, &hits.fired)
                    && same_rules(&entry.shadow, &hits.shadow)
                    && same_rules(&entry.undetermined, &hits.undetermined)
            }
            other => *other == entry.applied,
        }
    }
}

fn same_rules(stored: &[u16], now: &[RuleIndex]) -> bool {
    stored.len() == now.len() && stored.iter().zip(now).all(|(one, other)| *one == other.0)
}

/// Both sides in full. `names` are those of the journal; reasons and rules of the other side go by
/// the engine's own bundle.
pub(super) fn comparison(
    entry: &ReadEntry,
    applied: &Applied,
    engine: &Engine,
    names: &Names,
) -> Result<Comparison, WireError> {
    let (bundle, service) = (engine.bundle(), service(&entry.input));
    let reason = |id: crate::domain::ReasonId| {
        let known = bundle.reasons.get(usize::from(id.0));
        known.map_or_else(|| format!("reason_{}", id.0), |(code, _)| code.clone())
    };
    let rules = |rules: &[RuleIndex]| -> String {
        let known = |rule: &RuleIndex| bundle.rules.rule(*rule).id.clone();
        rules.iter().map(known).collect::<Vec<_>>().join(" ")
    };
    let stored = |rules: &[u16]| -> String {
        rules.iter().map(|rule| names.rule(*rule)).collect::<Vec<_>>().join(" ")
    };
    let mut fields = vec![("result", of_result(&entry.applied), of_result(applied))];
    let now = match applied {
        Applied::Decided { body, .. } => Some(body),
        _ => None,
    };
    let sides = (
        entry
            .body()
            .map(|body| of_body(body, names.band(service, body.band), |id| names.reason(id)))
            .unwrap_or_default(),
        now.map(|body| of_body(body, bundle.policy.of(service).band_name(body.band), reason))
            .unwrap_or_default(),
    );
    for (at, name) in BODY_FIELDS.into_iter().enumerate() {
        let side = |side: &[String]| side.get(at).cloned().unwrap_or_default();
        fields.push((name, side(&sides.0), side(&sides.1)));
    }
    if let Some(body) = now {
        let hits = engine.hits();
        fields.push(("fired", stored(&entry.fired), rules(&hits.fired)));
        fields.push(("shadow", stored(&entry.shadow), rules(&hits.shadow)));
        fields.push(("undetermined", stored(&entry.undetermined), rules(&hits.undetermined)));
        let mut bytes = Vec::new();
        body_bytes(body, &mut bytes);
        fields.push(("body, as bytes", hex(entry.body_bytes()), hex(&bytes)));
    }
    let fields: Vec<Field> = fields
        .into_iter()
        .map(|(name, journal, replay)| {
            let differs = journal != replay;
            Field { name, journal, replay, differs }
        })
        .collect();
    Ok(Comparison {
        seq: entry.seq.0,
        event_id: entry.input.event_id.clone(),
        received_at: entry.input.received_at.to_string(),
        differs: fields.iter().any(|field| field.differs),
        fields,
        engine_semantics: entry.engine_semantics,
        record: Line::of(entry, names)?,
    })
}

const BODY_FIELDS: [&str; 10] = [
    "action",
    "follow_ups",
    "score",
    "band",
    "points",
    "reasons",
    "risk_verification",
    "flags",
    "missing_tables",
    "plan",
];

/// The fields of a body as words, in the order of [`BODY_FIELDS`].
fn of_body(
    body: &Body,
    band: String,
    reason: impl Fn(crate::domain::ReasonId) -> String,
) -> Vec<String> {
    let flags = DecisionFlags::NAMED.into_iter();
    let flags = flags.filter(|(flag, _)| body.flags.contains(*flag)).map(|(_, name)| name);
    let reasons = body.reasons.as_slice().iter().map(|id| reason(*id));
    vec![
        body.action.name().to_owned(),
        follow_ups(body).join(" "),
        body.score.to_string(),
        band,
        body.points.to_string(),
        reasons.collect::<Vec<_>>().join(" "),
        body.risk_verification.name().to_owned(),
        flags.collect::<Vec<_>>().join(" "),
        missing(body.missing).join(" "),
        body.plan.name().to_owned(),
    ]
}

fn of_result(applied: &Applied) -> String {
    match result(applied) {
        (word, None) => word.to_owned(),
        (word, Some(of)) => format!("{word} {of}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
