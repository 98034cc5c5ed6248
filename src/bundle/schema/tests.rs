//! The schemas say what the readers do: the shipped files are valid, and every key is known to both.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::SchemaOf;
use crate::bundle::fault::Report;
use crate::bundle::yaml::{self, Node, Shape};
use crate::bundle::{Bundle, shipped_files};

thread_local! {
    /// What the readers of this thread have asked for, by what they call it.
    static ASKED: RefCell<BTreeMap<String, BTreeSet<String>>> = RefCell::default();
}

/// Notes the keys that a reader asked for.
pub(in crate::bundle) fn note(what: &str, asked: &[&'static str]) {
    ASKED.with_borrow_mut(|all| {
        let keys = all.entry(what.to_owned()).or_default();
        keys.extend(asked.iter().map(|key| (*key).to_owned()));
    });
}

type Value = serde_json::Value;

fn schema(of: SchemaOf) -> Value {
    serde_json::from_str(&of.document()).expect("a schema is JSON")
}

/// The schema that a file of a bundle has.
fn schema_of(file: &str) -> SchemaOf {
    match file {
        "bundle.yaml" => SchemaOf::Lists,
        "features.yaml" => SchemaOf::Features,
        "policy.yaml" => SchemaOf::Policy,
        _ => SchemaOf::Rules,
    }
}

/// YAML as its core schema reads it.
fn value(node: &Node) -> Value {
    match &node.shape {
        Shape::Scalar(scalar) if scalar.plain => {
            serde_json::from_str(&scalar.text).unwrap_or_else(|_| scalar.text.clone().into())
        }
        Shape::Scalar(scalar) => scalar.text.clone().into(),
        Shape::List(items) => items.iter().map(value).collect(),
        Shape::Map(entries) => Value::Object(
            entries.iter().map(|(key, node)| (key.text.clone(), value(node))).collect(),
        ),
    }
}

/// Why a value is not valid: the part of JSON Schema that the schemas use.
fn wrong(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let list = |key: &str| schema[key].as_array().cloned().unwrap_or_default();
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("{other} is no type"),
    };
    let types: Vec<Value> = match &schema["type"] {
        Value::String(one) => vec![one.clone().into()],
        Value::Array(all) => all.clone(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|one| is(one.as_str().unwrap_or(""))) {
        return Some(format!("{at}: {value} is none of {types:?}"));
    }
    if !list("enum").is_empty() && !list("enum").contains(value) {
        return Some(format!("{at}: {value} is no such word"));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !regex::Regex::new(pattern).unwrap().is_match(text)
    {
        return Some(format!("{at}: {text} does not match"));
    }
    let any = list("anyOf");
    if !any.is_empty() && any.iter().all(|one| wrong(one, value, at).is_some()) {
        let last = any.iter().filter_map(|one| wrong(one, value, at)).next_back();
        return last;
    }
    if let Some(items) = value.as_array() {
        return items.iter().find_map(|item| wrong(&schema["items"], item, &format!("{at}[]")));
    }
    let entries = value.as_object()?;
    for required in list("required") {
        if !entries.contains_key(required.as_str().unwrap_or("")) {
            return Some(format!("{at}: {required} is missing"));
        }
    }
    entries.iter().find_map(|(key, value)| {
        let at = format!("{at}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => wrong(schema, value, &at),
            (None, Value::Bool(false)) => Some(format!("{at} is not a key")),
            (None, Value::Null) => None,
            (None, schema) => wrong(schema, value, &at),
        }
    })
}

fn wrong_file(file: &str, bytes: &[u8]) -> Option<String> {
    let mut faults = Vec::new();
    let tree = yaml::parse(bytes, &mut Report { file, faults: &mut faults })?;
    wrong(&schema(schema_of(file)), &value(&tree), file)
}

/// Whatever an editor underlines in the shipped files would be a fault of the schema.
#[test]
fn the_shipped_files_are_valid() {
    for (file, bytes) in shipped_files().iter().filter(|(file, _)| file.ends_with(".yaml")) {
        assert_eq!(wrong_file(file, bytes), None);
    }
    let slips = [
        ("z.yaml", "rules: [{id: A, name: x, when: true, then: {}, reason: r, whne: 1}]"),
        ("z.yaml", "rules: [{id: A, name: x, then: {}, reason: r}]"),
        ("z.yaml", "rules: [{id: A, name: x, when: 1, then: {action: chalenge}, reason: r}]"),
        ("features.yaml", "features: [{name: a, aggregate: count, by: crad, over: 1h}]"),
        ("policy.yaml", "ledger: {budget_us: a}"),
        ("bundle.yaml", "{zone: UTC, base_currency: CNY, lists: {a: {kind: card, purpose: x}}}"),
    ];
    for (file, text) in slips {
        assert!(wrong_file(file, text.as_bytes()).is_some(), "{text}");
    }
}

/// The keys of every object, by its title.
fn keys(schema: &Value, found: &mut BTreeMap<String, BTreeSet<String>>) {
    if let (Some(title), Some(properties)) =
        (schema["title"].as_str(), schema["properties"].as_object())
    {
        let keys = found.entry(title.to_owned()).or_default();
        keys.extend(properties.keys().cloned());
    }
    match schema {
        Value::Object(entries) => entries.values().for_each(|value| keys(value, found)),
        Value::Array(items) => items.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// A key that a reader learns and the schema does not, or the other way round, fails here.
#[test]
fn schemas_and_readers_know_the_same_keys() {
    let rules = r#"
rules:
  - {id: A, name: x, when: is_night, then: {points: 1}, reason: {code: a_b, text: t}, mode: {canary: 5%},
     guard: {declines_per_minute: 3},
     cases: [{name: a, given: {is_night: true}, service: digital_tv, expect: fires}]}
tables:
  - {id: T, name: x, columns: [kind], then: {points: 1}, reason: a_b, rows: [{when: [payment]}],
     cases: [{name: a, given: {kind: payment}, expect: [row1]}]}
scorecards:
  - {id: S, name: x, reason: a_b, attributes: [{value: amount_minor, bins: [{when: < 3, points: 4}]}]}
"#;
    let mut files = shipped_files();
    files.insert("z.yaml".to_owned(), rules.as_bytes().to_vec());
    let mut manifest = files["bundle.yaml"].clone();
    if !String::from_utf8_lossy(&manifest).contains("\nlists:") {
        manifest.extend_from_slice(b"\nlists: {bad: {kind: card, purpose: block}}\n");
    }
    files.insert("bundle.yaml".to_owned(), manifest);
    let mut policy = files["policy.yaml"].clone();
    policy.extend_from_slice(b"\nguards: {declines_per_minute: 9, canary_shift: 2%}\n");
    files.insert("policy.yaml".to_owned(), policy);
    assert_eq!(wrong_file("z.yaml", rules.as_bytes()), None);
    ASKED.with_borrow_mut(BTreeMap::clear);
    Bundle::compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let mut known = BTreeMap::new();
    SchemaOf::NAMED.iter().for_each(|(_, of)| keys(&schema(*of), &mut known));
    let asked = ASKED.with_borrow(Clone::clone);
    assert_eq!(asked, known);
}
