//! One record as JSON: everything its open part says, under stable names.

use std::fmt;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::names::Names;
use crate::domain::{
    Amendment, Applied, AttributeValue, Body, DecisionFlags, DeviceIdentifier, EntityKind,
    EventTime, Fact, Facts, FieldType, FollowUps, Input, MissingTables, Service, Stage, What,
};
use crate::journal::{ReadEntry, StoredValue};
use crate::wire::WireError;

/// One record.
#[derive(Clone, Debug, Serialize)]
pub(in crate::commands) struct Line {
    seq: u64,
    received_at: String,
    occurred_at: String,
    event_id: String,
    event: String,
    content: String,
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    amendment: Option<Map>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Map>,
    entities: Map,
    device_ids: Map,
    facts: Map,
    attributes: Map,
    missing_tables: Vec<&'static str>,
    malformed: Vec<String>,
    result: &'static str,
    /// The input that `result` speaks of: the first one, or the amended one.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    fired: Vec<String>,
    shadow: Vec<String>,
    undetermined: Vec<String>,
    features: Map,
    approximate: Vec<String>,
    bundle: Map,
    engine_semantics: u32,
    observed: Map,
}

/// The body of a decision.
#[derive(Clone, Debug, Serialize)]
struct Decision {
    action: &'static str,
    follow_ups: Vec<&'static str>,
    score: u16,
    band: u8,
    band_name: String,
    points: i32,
    reasons: Vec<String>,
    risk_verification: &'static str,
    flags: Vec<&'static str>,
    missing_tables: Vec<&'static str>,
    plan: &'static str,
}

/// An object whose names stand in an order of their own.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Map(Vec<(String, Json)>);

impl Map {
    pub(super) fn push(&mut self, name: impl Into<String>, value: Json) {
        self.0.push((name.into(), value));
    }

    /// Names and values, in order.
    pub(in crate::commands) fn iter(&self) -> impl Iterator<Item = &(String, Json)> {
        self.0.iter()
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => f.write_str(value),
            Self::Map(map) => {
                let parts = map.iter().map(|(name, value)| format!("{name} {value}"));
                f.write_str(&parts.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value of such an object.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(in crate::commands) enum Json {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Map(Map),
}

impl Line {
    /// The tokens of its entities, by kind.
    pub(in crate::commands) fn entities(&self) -> &Map {
        &self.entities
    }

    /// What the engine was given, by name, for people: entities, facts, attributes, position.
    pub(in crate::commands) fn input(&self) -> Vec<(String, String)> {
        let mut all = vec![
            ("what".to_owned(), self.what.to_owned()),
            ("occurred_at".to_owned(), self.occurred_at.clone()),
        ];
        let maps = [self.amendment.as_ref(), Some(&self.facts), Some(&self.attributes)];
        for (name, value) in maps.into_iter().flatten().flat_map(Map::iter) {
            // It is an input's own moment and a fact.
            if name != "occurred_at" {
                all.push((name.clone(), value.to_string()));
            }
        }
        for (name, value) in self.entities.iter() {
            all.push((format!("{name} (token)"), value.to_string()));
        }
        if let Some(source) = &self.source {
            all.push(("position".to_owned(), Json::Map(source.clone()).to_string()));
        }
        all
    }

    /// The line of an entry. An error means that its features cannot be read.
    pub(in crate::commands) fn of(entry: &ReadEntry, names: &Names) -> Result<Self, WireError> {
        let input = &entry.input;
        let shown = |token: crate::domain::Token| token.display(input.key_version);
        let rules = |rules: &[u16]| rules.iter().map(|rule| names.rule(*rule)).collect();
        let (result, of_seq) = result(&entry.applied);
        let mut bundle = Map::default();
        bundle.push("number", Json::Int(i64::from(entry.bundle.0)));
        if let Some(hash) = names.bundle(entry.bundle) {
            bundle.push("hash", Json::Text(hash));
        }
        Ok(Self {
            seq: entry.seq.0,
            received_at: input.received_at.to_string(),
            occurred_at: input.occurred_at.to_string(),
            event_id: input.event_id.clone(),
            event: shown(input.event),
            content: input.content.0.iter().map(|byte| format!("{byte:02x}")).collect(),
            what: what(&input.what),
            amendment: amendment(input),
            original: input.original.map(shown),
            source: source(input),
            entities: entities(input),
            device_ids: device_ids(input),
            facts: facts(&input.facts),
            attributes: attributes(input),
            missing_tables: missing(input.missing),
            malformed: malformed(input),
            result,
            of_seq,
            decision: entry.body().map(|body| decision(body, service(input), names)),
            fired: rules(&entry.fired),
            shadow: rules(&entry.shadow),
            undetermined: rules(&entry.undetermined),
            features: features(entry, names)?,
            approximate: entry.approximate.iter().map(|at| names.column((*at).into())).collect(),
            bundle,
            engine_semantics: entry.engine_semantics,
            observed: observed(entry),
        })
    }
}

/// What of an event could not be read, by name.
pub(in crate::commands) fn malformed(input: &Input) -> Vec<String> {
    let fields = input.malformed.iter().map(|field| field.name().to_owned());
    let attributes = input.malformed_attributes.iter().map(|name| format!("attributes.{name}"));
    fields.chain(attributes).collect()
}

/// What an input asks, as a word.
pub(in crate::commands) const fn what(what: &What) -> &'static str {
    match what {
        What::Decide => "decide",
        What::Observe => "observe",
        What::Amend { amendment: Amendment::Outcome { .. }, .. } => "outcome",
        What::Amend { amendment: Amendment::Label { .. }, .. } => "label",
        What::Control => "control",
    }
}

/// What came of an input, as a word, and the other input that it speaks of.
pub(in crate::commands) const fn result(applied: &Applied) -> (&'static str, Option<u64>) {
    match applied {
        Applied::Decided { .. } => ("decided", None),
        Applied::Repeated { seq, .. } => ("repeated", Some(seq.0)),
        Applied::Conflict { seq } => ("conflict", Some(seq.0)),
        Applied::AlreadyCounted { seq } => ("already_counted", Some(seq.0)),
        Applied::Observed { .. } => ("observed", None),
        Applied::Amended { target, .. } => ("amended", Some(target.0)),
        Applied::Parked { .. } => ("parked", None),
        Applied::Controlled { .. } => ("controlled", None),
    }
}

/// The service of an input, as the engine reads it.
pub(in crate::commands) fn service(input: &Input) -> Service {
    let service = input.facts.text(Fact::Service).and_then(Service::parse);
    service.unwrap_or(Service::InternetPayment)
}

/// The follow-ups of a body, as words.
pub(in crate::commands) fn follow_ups(body: &Body) -> Vec<&'static str> {
    let named = FollowUps::NAMED.into_iter();
    named.filter(|(one, _)| body.follow_ups.contains(*one)).map(|(_, name)| name).collect()
}

pub(in crate::commands) fn amendment(input: &Input) -> Option<Map> {
    if let Some(control) = &input.control {
        return Some(super::changed::changed(control));
    }
    let What::Amend { target, amendment } = &input.what else {
        return None;
    };
    let mut map = Map::default();
    map.push("target", Json::Text(target.display(input.key_version)));
    match amendment {
        Amendment::Outcome { result, refusal } => {
            map.push("result", Json::Text(result.name().to_owned()));
            if let Some(refusal) = refusal {
                map.push("refusal", Json::Text(refusal.name().to_owned()));
            }
        }
        Amendment::Label { truth, source } => {
            map.push("truth", Json::Text(truth.name().to_owned()));
            if let Some(source) = source {
                map.push("source", Json::Text(source.name().to_owned()));
            }
        }
    }
    Some(map)
}

pub(in crate::commands) fn source(input: &Input) -> Option<Map> {
    input.source.map(|source| {
        let mut map = Map::default();
        map.push("topic", Json::Int(i64::from(source.topic)));
        map.push("partition", Json::Int(i64::from(source.partition)));
        map.push("offset", Json::Int(source.offset));
        map
    })
}

pub(in crate::commands) fn entities(input: &Input) -> Map {
    let mut map = Map::default();
    for kind in EntityKind::ALL {
        if let Some(token) = input.tokens.get(kind) {
            map.push(kind.name(), Json::Text(token.display(input.key_version)));
        }
    }
    map
}

fn device_ids(input: &Input) -> Map {
    let mut map = Map::default();
    for which in DeviceIdentifier::ALL {
        if let Some(id) = input.device.get(which) {
            map.push(which.name(), Json::Text(format!("v{}:{id:016x}", input.key_version)));
        }
    }
    map
}

/// A moment as text; its number when it lies outside the years that we know.
fn moment(ms: i64) -> Json {
    EventTime::from_ms(ms).map_or(Json::Int(ms), |time| Json::Text(time.to_string()))
}

pub(in crate::commands) fn facts(facts: &Facts) -> Map {
    let mut map = Map::default();
    for fact in Fact::ALL {
        let value = match fact.field_type() {
            FieldType::Bool => facts.bool(*fact).map(Json::Bool),
            FieldType::Int | FieldType::Money => facts.int(*fact).map(Json::Int),
            FieldType::Float => facts.float(*fact).map(Json::Float),
            FieldType::Text => facts.text(*fact).map(|text| Json::Text(text.to_owned())),
            FieldType::Timestamp => facts.int(*fact).map(moment),
            FieldType::Id => facts.bits(*fact).map(|id| Json::Text(format!("{id:016x}"))),
        };
        if let Some(value) = value {
            map.push(fact.name(), value);
        }
    }
    map
}

pub(in crate::commands) fn attributes(input: &Input) -> Map {
    let mut map = Map::default();
    for attribute in &input.attributes {
        let value = match &attribute.value {
            AttributeValue::Text(value) => Json::Text(value.to_string()),
            AttributeValue::Integer(value) => Json::Int(*value),
            AttributeValue::Number(value) => Json::Float(*value),
            AttributeValue::Flag(value) => Json::Bool(*value),
        };
        map.push(attribute.name.as_ref(), value);
    }
    map
}

fn features(entry: &ReadEntry, names: &Names) -> Result<Map, WireError> {
    let mut map = Map::default();
    for column in entry.features().values() {
        let (column, value) = column?;
        let value = match value {
            StoredValue::Bool(value) => Json::Bool(value),
            StoredValue::Int(value) => Json::Int(value),
            StoredValue::Float(value) => Json::Float(value),
            StoredValue::Text(value) => Json::Text(value.to_owned()),
            StoredValue::Id(value) => Json::Text(format!("{value:016x}")),
            StoredValue::Moment(value) => moment(value),
        };
        map.push(names.column(column), value);
    }
    Ok(map)
}

pub(in crate::commands) fn missing(tables: MissingTables) -> Vec<&'static str> {
    let named = MissingTables::NAMED.into_iter();
    named.filter(|(table, _)| tables.contains(*table)).map(|(_, name)| name).collect()
}

fn decision(body: &Body, service: Service, names: &Names) -> Decision {
    let flags = DecisionFlags::NAMED.into_iter();
    Decision {
        action: body.action.name(),
        follow_ups: follow_ups(body),
        score: body.score,
        band: body.band.0,
        band_name: names.band(service, body.band),
        points: body.points,
        reasons: body.reasons.as_slice().iter().map(|id| names.reason(*id)).collect(),
        risk_verification: body.risk_verification.name(),
        flags: flags.filter(|(flag, _)| body.flags.contains(*flag)).map(|(_, name)| name).collect(),
        missing_tables: missing(body.missing),
        plan: body.plan.name(),
    }
}

fn observed(entry: &ReadEntry) -> Map {
    let mut stages = Map::default();
    for stage in Stage::ALL {
        stages.push(stage.name(), Json::Int(i64::from(entry.observed.stage_ns[stage as usize])));
    }
    let mut map = Map::default();
    map.push("stage_ns", Json::Map(stages));
    map.push("budget_left_us", Json::Int(i64::from(entry.observed.budget_left_us)));
    map
}
