//! What may stand in each file, key by key.

use super::json::{Json, map, text, texts};
use crate::bundle::cases::Expect;
use crate::bundle::effect::FOLLOW_UPS;
use crate::bundle::manifest::{ATTRIBUTE_TYPES, WINDOW_TIMES};
use crate::domain::{Action, EntityKind, Kind, ListPurpose, Service, Stage};
use crate::stages::decide::RiskData;

/// A key with its schema, and whether it must be there.
type Key<'a> = (&'a str, Json, Need);

#[derive(Clone, Copy, PartialEq)]
enum Need {
    Must,
    May,
}
use Need::{May, Must};

fn file(title: &str, keys: Vec<Key<'_>>) -> Json {
    let Json::Map(entries) = object(title, keys) else { return Json::Bool(true) };
    let mut all =
        vec![("$schema".to_owned(), text("https://json-schema.org/draft/2020-12/schema"))];
    all.extend(entries);
    Json::Map(all)
}

/// An object of these keys and no others. The title is what the reader calls it.
fn object(title: &str, keys: Vec<Key<'_>>) -> Json {
    let required = keys.iter().filter(|(_, _, need)| *need == Must).map(|(key, ..)| *key);
    let required = texts(required);
    let properties = keys.into_iter().map(|(key, schema, _)| (key.to_owned(), schema)).collect();
    map([
        ("title", text(title)),
        ("type", text("object")),
        ("properties", Json::Map(properties)),
        ("required", required),
        ("additionalProperties", Json::Bool(false)),
    ])
}

fn said(schema: Json, description: &str) -> Json {
    schema.with("description", text(description))
}

fn string() -> Json {
    map([("type", text("string"))])
}

/// An expression: a single value, which YAML may read as a number or a truth.
fn expression() -> Json {
    said(map([("type", texts(["string", "number", "boolean"]))]), "An expression in CEL.")
}

fn word<'t>(words: impl IntoIterator<Item = &'t str>) -> Json {
    map([("enum", texts(words))])
}

/// A whole number; `60_000` is a text for some readers of YAML.
fn whole() -> Json {
    map([("type", texts(["integer", "string"])), ("pattern", text("^-?[0-9][0-9_]*$"))])
}

fn boolean() -> Json {
    map([("type", text("boolean"))])
}

fn duration() -> Json {
    said(string(), "A duration, as 500ms, 30s, 10m, 24h, 7d.")
}

fn moment() -> Json {
    said(string(), "A moment in RFC 3339, as 2026-12-01T00:00:00+08:00.")
}

fn list(items: Json) -> Json {
    map([("type", text("array")), ("items", items)])
}

/// A list, or one of it alone.
fn some(items: Json) -> Json {
    map([("anyOf", Json::List(vec![items.clone(), list(items)]))])
}

fn any_of(schemas: Vec<Json>) -> Json {
    map([("anyOf", Json::List(schemas))])
}

/// A map by name.
fn named(values: Json) -> Json {
    map([("type", text("object")), ("additionalProperties", values)])
}

fn constants() -> Json {
    let value = expression();
    said(named(any_of(vec![value.clone(), list(value)])), "Named values for expressions.")
}

fn services() -> Json {
    word(Service::ALL.iter().map(|service| service.name()))
}

fn action() -> Json {
    word(Action::ALL.map(Action::name))
}

fn follow_ups() -> Json {
    some(word(FOLLOW_UPS.map(|(name, _)| name)))
}

fn points() -> Json {
    said(whole(), "Added to the score, from -1000 to 1000.")
}

fn reason() -> Json {
    let whole = object("a reason", vec![("code", string(), Must), ("text", string(), Must)]);
    said(any_of(vec![string(), whole]), "A stable code with its sentence, or a code used before.")
}

fn effect() -> Json {
    let keys = vec![
        ("action", action(), May),
        ("block", said(boolean(), "Comes before everything."), May),
        ("allow", said(boolean(), "Silences all but blocks."), May),
        ("follow_ups", follow_ups(), May),
        ("points", points(), May),
    ];
    object("`then`", keys)
}

fn mode() -> Json {
    let canary = object("`mode`", vec![("canary", string(), Must)]);
    let word = map([("type", text("string")), ("pattern", text("^(live|shadow|off|canary .+%)$"))]);
    said(any_of(vec![word, canary]), "live, shadow, off, or canary 5%.")
}

/// When and for whom a rule, a table or a scorecard speaks.
fn scope<'a>() -> Vec<Key<'a>> {
    vec![
        ("kinds", some(word(Kind::ALL.iter().map(|kind| kind.name()))), May),
        ("services", some(services()), May),
        ("mode", mode(), May),
        ("require", said(word(["warm"]), "Silent while a window is younger than its width."), May),
        ("valid_from", moment(), May),
        ("valid_until", moment(), May),
        ("guard", object("`guard`", vec![("declines_per_minute", whole(), Must)]), May),
    ]
}

fn case(title: &str, expect: Json) -> Json {
    let event =
        said(map([("type", text("object"))]), "A message; `after` is the time since the last.");
    let given = said(named(expression()), "Values by column; all others are missing.");
    let keys = vec![
        ("name", any_of(vec![string(), map([("type", text("number"))])]), Must),
        ("given", given, May),
        ("events", some(event), May),
        ("service", services(), May),
        ("expect", expect, Must),
    ];
    object(title, keys)
}

fn rule() -> Json {
    let expect = word(Expect::NAMED.map(|(name, _)| name));
    let mut keys = vec![
        ("id", said(string(), "Stable: journals and commands name it."), Must),
        ("name", string(), Must),
        ("when", expression(), Must),
        ("then", effect(), Must),
        ("reason", reason(), Must),
        ("cases", some(case("a case", expect)), May),
    ];
    keys.extend(scope());
    object("a rule", keys)
}

fn table() -> Json {
    let cell = map([("type", texts(["string", "number", "boolean", "null"]))]);
    let row = object(
        "a row",
        vec![("when", list(cell), Must), ("then", effect(), May), ("reason", reason(), May)],
    );
    let rows = any_of(vec![said(string(), "A CSV file of this bundle."), list(row)]);
    let mut keys = vec![
        ("id", string(), Must),
        ("name", string(), Must),
        ("columns", said(list(string()), "An expression each; a row has a cell for each."), Must),
        ("then", said(effect(), "For rows that say nothing else."), May),
        ("reason", reason(), Must),
        ("rows", rows, Must),
        ("cases", some(case("a case of a table", list(string()))), May),
    ];
    keys.extend(scope());
    object("a table", keys)
}

fn scorecard() -> Json {
    let cell = map([("type", texts(["string", "number", "boolean"]))]);
    let bin = object("a bin", vec![("when", cell, Must), ("points", points(), Must)]);
    let attribute = object(
        "an attribute of a scorecard",
        vec![("value", string(), Must), ("bins", list(bin), Must)],
    );
    let mut keys = vec![
        ("id", string(), Must),
        ("name", string(), Must),
        ("reason", reason(), Must),
        ("attributes", list(attribute), Must),
        ("cases", some(case("a case of a table", list(string()))), May),
    ];
    keys.extend(scope());
    object("a scorecard", keys)
}

pub(super) fn rules() -> Json {
    let keys = vec![
        ("constants", constants(), May),
        ("rules", list(rule()), May),
        ("tables", list(table()), May),
        ("scorecards", list(scorecard()), May),
    ];
    file("a file of rules", keys)
}

pub(super) fn features() -> Json {
    let kinds = || word(EntityKind::ALL.map(EntityKind::name));
    let keys = vec![
        ("name", string(), Must),
        ("meaning", string(), May),
        ("derive", expression(), May),
        (
            "aggregate",
            said(string(), "As count, sum(amount_base), distinct(card), rate(condition)."),
            May,
        ),
        ("by", kinds(), May),
        ("at", said(kinds(), "Look the window of another kind up."), May),
        ("over", said(string(), "A duration, or day, or month."), May),
        ("delay", duration(), May),
        ("where", expression(), May),
        ("excluding_current", boolean(), May),
        ("default", expression(), May),
    ];
    let feature = object("a feature", keys);
    let keys = vec![("constants", constants(), May), ("features", list(feature), May)];
    file("features.yaml", keys)
}

fn service() -> Json {
    let substitute = || {
        object("a substitute", vec![("action", action(), Must), ("follow_ups", follow_ups(), May)])
    };
    let name = string().with("pattern", text("^[a-z][a-z0-9_]{0,63}$"));
    let band = vec![
        ("name", said(name, "What answers call it; its number where it has none."), May),
        ("up_to", whole(), Must),
        ("action", action(), Must),
        ("follow_ups", follow_ups(), May),
    ];
    let incomplete = vec![
        ("above", expression(), May),
        ("action", action(), May),
        ("follow_ups", follow_ups(), May),
        ("points", points(), May),
        ("reason", reason(), Must),
    ];
    let limits = map([("type", text("object")), ("additionalProperties", whole())]);
    let no_rate = vec![
        ("action", action(), May),
        ("follow_ups", follow_ups(), May),
        ("points", points(), May),
        ("reason", reason(), Must),
        ("decline_above", limits, May),
    ];
    let fallback = vec![("review_above", expression(), Must), ("reason", reason(), Must)];
    let keys = vec![
        ("bands", list(object("a band", band)), May),
        ("without_challenge", substitute(), May),
        ("after_challenge", substitute(), May),
        ("wanted", some(word(RiskData::NAMED.map(|(_, name)| name))), May),
        ("incomplete", object("`incomplete`", incomplete), May),
        ("no_rate", object("`no_rate`", no_rate), May),
        ("fallback", object("a fallback", fallback), May),
    ];
    object("a service's policy", keys)
}

pub(super) fn policy() -> Json {
    let by_service = Service::ALL.iter().map(|one| (one.name().to_owned(), service()));
    let services = map([
        ("type", text("object")),
        ("properties", Json::Map(by_service.collect())),
        ("additionalProperties", Json::Bool(false)),
    ]);
    let mut ledger = vec![("budget_us", whole(), Must)];
    ledger.extend(Stage::ALL.map(|stage| (stage.name(), whole(), Must)));
    let guards = vec![("declines_per_minute", whole(), May), ("canary_shift", string(), May)];
    let keys = vec![
        ("defaults", service(), May),
        ("services", services, May),
        ("guards", object("`guards`", guards), May),
        ("ledger", object("`ledger`", ledger), Must),
    ];
    file("policy.yaml", keys)
}

pub(super) fn manifest() -> Json {
    let types = || word(ATTRIBUTE_TYPES.map(|(name, _)| name));
    let attribute =
        object("an attribute", vec![("type", types(), Must), ("meaning", string(), May)]);
    let list_keys = vec![
        ("kind", word(EntityKind::ALL.map(EntityKind::name)), Must),
        ("purpose", word(ListPurpose::ALL.iter().map(|purpose| purpose.name())), Must),
        ("meaning", string(), May),
        ("emergency", string(), May),
    ];
    let exact = EntityKind::ALL.map(|kind| (kind.name().to_owned(), whole()));
    let exact = map([
        ("type", text("object")),
        ("properties", Json::Map(exact.into())),
        ("additionalProperties", Json::Bool(false)),
    ]);
    let keys = vec![
        ("zone", said(string(), "An IANA time zone: where days begin."), Must),
        ("base_currency", string(), Must),
        ("base_decimals", whole(), May),
        ("window_time", word(WINDOW_TIMES.map(|(name, _)| name)), May),
        ("late_after", duration(), May),
        ("attributes", named(any_of(vec![types(), attribute])), May),
        ("lists", named(object("a list", list_keys)), May),
        ("exact", exact, May),
        ("constants", constants(), May),
    ];
    file("bundle.yaml", keys)
}
