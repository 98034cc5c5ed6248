//! The order of compiling a bundle: manifest, facts, features, rules, policy; every fault at once.

use std::collections::BTreeMap;

use super::derive;
use super::desk::{Constants, Desk};
use super::effect::ReasonTable;
use super::fault::{At, Fault, Report, shown};
use super::features::{Declared, DerivedText};
use super::manifest::Manifest;
use super::read::Fields;
use super::rules::RawRule;
use super::yaml::{self, Node, Shape};
use super::{Attribute, Bundle, Derived};
use crate::domain::{FieldId, Schema};
use crate::lang::Expected;
use crate::stages::enrich::FxTable;
use crate::stages::features::{BuiltinColumns, FeaturePlan, PlanOptions};

/// Files with a meaning of their own; every other `*.yaml` holds rules.
pub(super) const MANIFEST: &str = "bundle.yaml";
const FEATURES: &str = "features.yaml";
const POLICY: &str = "policy.yaml";
const FX: &str = "fx.csv";

/// Most files, and most bytes of all of them together.
const FILES_MAX: usize = 1_024;
const TOTAL_MAX_BYTES: usize = 64 << 20;
/// After so many faults reading on helps nobody.
const FAULTS_MAX: usize = 1_000;

/// Compiles a bundle; the error holds every fault, in the order of files and lines.
pub(super) fn compile(
    files: &BTreeMap<String, Vec<u8>>,
    is_kept: bool,
) -> Result<Bundle, Vec<Fault>> {
    let mut faults = Vec::new();
    let bundle = if size_is_fine(files, &mut faults) { read(files, &mut faults) } else { None };
    if is_kept {
        faults.retain(|fault| !fault.tolerated);
    }
    match bundle {
        Some(bundle) if faults.is_empty() => Ok(bundle),
        _ => {
            faults.sort();
            faults.dedup();
            faults.truncate(FAULTS_MAX);
            let source = |fault: Fault| match files.get(&fault.file) {
                Some(bytes) => fault.with_source(&String::from_utf8_lossy(bytes)),
                None => fault,
            };
            Err(faults.into_iter().map(source).collect())
        }
    }
}

/// Whether a table of a file takes its rows from another file; a tree is as deep as its reader lets it.
fn mentions(tree: &Node, rows: &str) -> bool {
    match &tree.shape {
        Shape::Scalar(_) => false,
        Shape::List(items) => items.iter().any(|item| mentions(item, rows)),
        Shape::Map(entries) => entries.iter().any(|(key, value)| {
            let is_named = matches!(&value.shape, Shape::Scalar(scalar) if scalar.text == rows);
            key.text == "rows" && is_named || mentions(value, rows)
        }),
    }
}

fn size_is_fine(files: &BTreeMap<String, Vec<u8>>, faults: &mut Vec<Fault>) -> bool {
    let whole = At::default();
    let total: usize = files.values().map(Vec::len).sum();
    if files.len() > FILES_MAX {
        faults.push(Fault::new("", whole, format!("more than {FILES_MAX} files; remove some")));
    }
    if total > TOTAL_MAX_BYTES {
        let most = TOTAL_MAX_BYTES >> 20;
        faults.push(Fault::new("", whole, format!("more than {most} MiB in all; remove files")));
    }
    faults.is_empty()
}

/// The trees of all YAML files, and the faults of those that have none.
fn trees<'f>(
    files: &'f BTreeMap<String, Vec<u8>>,
    faults: &mut Vec<Fault>,
) -> BTreeMap<&'f str, Node> {
    let mut trees = BTreeMap::new();
    let mut rows = Vec::new();
    for (file, bytes) in files {
        let mut report = Report { file, faults };
        if file.ends_with(".yaml") {
            if let Some(tree) = yaml::parse(bytes, &mut report) {
                trees.insert(file.as_str(), tree);
            }
        } else if file.ends_with(".csv") && file != FX {
            rows.push(file.as_str());
        } else if file != FX && file != "README.md" {
            let message = "not a file of a bundle (*.yaml, fx.csv, README.md); remove it";
            report.fault(At::default(), message);
        }
    }
    for file in rows {
        if !trees.values().any(|tree| mentions(tree, file)) {
            let message = "no table reads it (`rows: FILE`); remove it";
            faults.push(Fault::new(file, At::default(), message));
        }
    }
    for needed in [MANIFEST, FEATURES, POLICY] {
        if !files.contains_key(needed) {
            faults.push(Fault::new(needed, At::default(), "the file is missing; add it"));
        }
    }
    trees
}

fn read(files: &BTreeMap<String, Vec<u8>>, faults: &mut Vec<Fault>) -> Option<Bundle> {
    let trees = trees(files, faults);
    // Without the manifest every amount and constant would be a fault of its own.
    let manifest =
        super::manifest::read(trees.get(MANIFEST)?, &mut Report { file: MANIFEST, faults });
    let rates = match files.get(FX) {
        Some(bytes) => {
            super::fx::read(bytes, manifest.base_currency, &mut Report { file: FX, faults })
        }
        None => FxTable::new(manifest.base_currency),
    };
    let declared = features(&trees, &manifest, faults);
    let places: BTreeMap<String, At> =
        declared.aggregates.iter().map(|one| (one.spec.name.clone(), one.at)).collect();
    let mut columns = columns(&manifest, declared, faults);
    lay_out(&columns, &manifest, &places, faults);
    let mut report = Report { file: MANIFEST, faults };
    let lists = super::lists::columns(&manifest.lists, &mut columns.schema, &mut report);
    let mut reasons = ReasonTable::default();
    let constants = manifest.constants.clone();
    let desk = manifest.desk(&columns.schema);
    if let Some(tree) = trees.get(MANIFEST) {
        shadows(tree, &columns.schema, &mut Report { file: MANIFEST, faults });
    }
    let mut rules = Vec::new();
    let mut all_constants = AllConstants::of(&constants);
    for (file, tree) in &trees {
        if ![MANIFEST, FEATURES, POLICY].contains(file) {
            let mut report = Report { file, faults };
            let (own, found) =
                rules_of(tree, (&constants, files), &desk, &mut reasons, &mut report);
            all_constants.add(own);
            rules.extend(found.into_iter().map(|rule| (*file, rule)));
        }
    }
    unique_ids(&rules, faults);
    let policy = trees.get(POLICY).map(|tree| {
        let words = super::policy::Words { desk: &desk, constants: &constants };
        super::policy::read(tree, &words, &mut reasons, &mut Report { file: POLICY, faults })
    });
    let node = trees.get(POLICY).and_then(guards_of);
    let mut guards = super::guards::of_policy(node, &mut Report { file: POLICY, faults });
    guards.rules = rules.iter().map(|(_, rule)| rule.scope.guard).collect();
    let is_canary = |rule: &RawRule| matches!(rule.scope.mode, super::rules::RawMode::Canary(_));
    guards.has_canary = rules.iter().any(|(_, rule)| is_canary(rule));
    let aggregates = std::mem::take(&mut columns.aggregates);
    let hash = super::hash_of(files);
    let (rules, cases) = super::ruleset::build(rules, &reasons, hash, faults)?;
    if let (Some(policy), Some(tree)) = (&policy, trees.get(POLICY))
        && let Some(refusal) = super::lint::refusal(rules.rules(), &policy.ledger)
    {
        faults.push(Fault::new(POLICY, tree.at, refusal));
    }
    Some(Bundle {
        hash,
        schema: columns.schema,
        builtins: columns.builtins,
        zone: manifest.zone,
        arrival: manifest.arrival,
        base_currency: manifest.base_currency,
        base_decimals: manifest.base_decimals,
        exact: manifest.exact,
        aggregates,
        derived: columns.derived,
        rules,
        cases,
        constants: all_constants.all,
        policy: policy?,
        reasons: reasons.finish(),
        attributes: columns.attributes,
        lists,
        guards,
        fx: rates,
    })
}

/// The policy's own guards.
fn guards_of(policy: &Node) -> Option<&Node> {
    let Shape::Map(entries) = &policy.shape else { return None };
    entries.iter().find(|(key, _)| key.text == "guards").map(|(_, node)| node)
}

/// What `features.yaml` declares, checked against the facts: a window sees nothing else.
fn features<'a>(
    trees: &'a BTreeMap<&str, Node>,
    manifest: &Manifest,
    faults: &mut Vec<Fault>,
) -> Declared<'a> {
    let facts = Schema::of_facts();
    let desk = manifest.desk(&facts);
    let mut report = Report { file: FEATURES, faults };
    match trees.get(FEATURES) {
        Some(tree) => super::features::read(tree, &manifest.constants, &desk, &mut report),
        None => Declared::default(),
    }
}

/// The columns of a bundle and what fills them.
struct Columns {
    schema: Schema,
    builtins: BuiltinColumns,
    attributes: Vec<Attribute>,
    aggregates: Vec<(crate::stages::features::AggregateSpec, FieldId)>,
    derived: Vec<Derived>,
}

/// Facts, built-in features, attributes, aggregates, derived features, in this order.
fn columns(manifest: &Manifest, declared: Declared<'_>, faults: &mut Vec<Fault>) -> Columns {
    let mut schema = Schema::of_facts();
    let builtins = BuiltinColumns::declare(&mut schema)
        .expect("a test of the features stage holds that no built-in feature is named like a fact");
    let mut attributes = Vec::new();
    for (name, field_type, meaning, at) in &manifest.attributes {
        match schema.add(name, *field_type, meaning) {
            Some(field) => {
                let (name, field_type) = (name.clone(), *field_type);
                attributes.push(Attribute { name, field_type, field });
            }
            None => taken(name, *at, &mut Report { file: MANIFEST, faults }),
        }
    }
    let mut report = Report { file: FEATURES, faults };
    let mut aggregates = Vec::with_capacity(declared.aggregates.len());
    for one in declared.aggregates {
        match schema.add(&one.spec.name, one.field_type, &one.meaning) {
            Some(field) => aggregates.push((one.spec, field)),
            None => taken(&one.spec.name, one.at, &mut report),
        }
    }
    let texts = &declared.derived;
    let derived = derived(texts, &declared.constants, manifest, &mut schema, &mut report);
    Columns { schema, builtins, attributes, aggregates, derived }
}

/// What the windows cannot keep is a fault of `features.yaml`, found before anything starts.
fn lay_out(
    columns: &Columns,
    manifest: &Manifest,
    places: &BTreeMap<String, At>,
    faults: &mut Vec<Fault>,
) {
    let options = PlanOptions { zone: manifest.zone.clone(), exact_events: manifest.exact };
    let builtins = columns.builtins.clone();
    let plan = FeaturePlan::compile(&columns.aggregates, &columns.schema, builtins, &options);
    for fault in plan.err().unwrap_or_default() {
        let at = places.get(&fault.feature).copied().unwrap_or_default();
        let message = format!("`{}`: {}", shown(&fault.feature), fault.message);
        faults.push(Fault::new(FEATURES, at, message));
    }
}

fn taken(name: &str, at: At, report: &mut Report<'_>) {
    report.fault(at, format!("`{}` is a column already; choose another name", shown(name)));
}

/// Compiles derived features, each after those it speaks of. One that speaks of a faulty one is
/// not blamed for it.
fn derived(
    texts: &[DerivedText<'_>],
    constants: &Constants,
    manifest: &Manifest,
    schema: &mut Schema,
    report: &mut Report<'_>,
) -> Vec<Derived> {
    let mut seen = std::collections::BTreeSet::new();
    for text in texts {
        if schema.get(text.name.text).is_some() || !seen.insert(text.name.text) {
            taken(text.name.text, text.name.at, report);
        }
    }
    let named: Vec<(&str, &str)> =
        texts.iter().map(|text| (text.name.text, text.text.text)).collect();
    let order = derive::order(&named);
    for index in order.circular {
        let DerivedText { name, .. } = &texts[index]; // an index into `texts`, from `order`
        let message = format!("`{}` speaks of itself, directly or through others", name.text);
        report.fault(name.at, message);
    }
    let mut derived = Vec::with_capacity(texts.len());
    let mut faulty = std::collections::BTreeSet::new();
    for index in order.sorted {
        let one = &texts[index]; // as above
        if derive::names(one.text.text).any(|name| faulty.contains(name)) {
            faulty.insert(one.name.text);
            continue;
        }
        let desk = manifest.desk(schema);
        let program = desk.compile(one.text, Expected::Value, constants, report);
        let meaning = one.meaning.map_or_else(|| shown(one.text.text), str::to_owned);
        let added = program.and_then(|program| {
            let field = schema.add(one.name.text, program.result_type(), &meaning)?;
            Some(Derived { field, program })
        });
        match added {
            Some(one) => derived.push(one),
            // A name that a column has already means that column to all others.
            None if schema.get(one.name.text).is_some() => {}
            None => {
                faulty.insert(one.name.text);
            }
        }
    }
    derived
}

fn rules_of(
    tree: &Node,
    (shared, files): (&Constants, &BTreeMap<String, Vec<u8>>),
    desk: &Desk<'_>,
    reasons: &mut ReasonTable,
    report: &mut Report<'_>,
) -> (Constants, Vec<RawRule>) {
    let Some(mut fields) = Fields::of(tree, "a file of rules", report) else {
        return (Constants::new(), Vec::new());
    };
    let constants = desk.constants(fields.get("constants"), shared, report);
    let (tables, scorecards) = (fields.list("tables"), fields.list("scorecards"));
    let is_needed = tables.is_empty() && scorecards.is_empty();
    let rules = if is_needed { fields.need("rules", report) } else { fields.get("rules") };
    let mut rules = match rules {
        Some(Node { shape: Shape::List(items), .. }) => {
            super::rules::read(items, &constants, desk, reasons, report)
        }
        Some(node) => {
            report.fault(node.at, format!("`rules` must be a list, this is {}", node.kind()));
            Vec::new()
        }
        None => Vec::new(),
    };
    let reading = super::tables::Reading { desk, constants: &constants, files };
    rules.extend(super::tables::read((tables, scorecards), &reading, reasons, report));
    fields.finish(report);
    (constants, rules)
}

/// The constants of all files, as long as a name means one value.
struct AllConstants {
    all: Constants,
    ambiguous: std::collections::BTreeSet<String>,
}

impl AllConstants {
    fn of(shared: &Constants) -> Self {
        Self { all: shared.clone(), ambiguous: std::collections::BTreeSet::new() }
    }

    fn add(&mut self, own: Constants) {
        for (name, value) in own {
            match self.all.get(&name) {
                Some(known) if *known != value => {
                    self.all.remove(&name);
                    self.ambiguous.insert(name);
                }
                Some(_) => {}
                None if self.ambiguous.contains(&name) => {}
                None => {
                    self.all.insert(name, value);
                }
            }
        }
    }
}

/// A rule is named by its id in journals and commands: one id, one rule.
fn unique_ids(rules: &[(&str, RawRule)], faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, rule) in rules {
        if let Some(first) = seen.insert(&rule.id, file) {
            let message = format!("rule id `{}` is used in {first} already", rule.id);
            faults.push(Fault::new(file, rule.at, message));
        }
    }
    if rules.len() > super::rules::RULES_MAX {
        let message = format!("more than {} rules", super::rules::RULES_MAX);
        faults.push(Fault::new("", At::default(), message));
    }
}

/// Constants of the bundle were read before its columns were known: they must not shadow one.
fn shadows(tree: &Node, schema: &Schema, report: &mut Report<'_>) {
    let Shape::Map(entries) = &tree.shape else { return };
    let constants = entries.iter().find(|(key, _)| key.text == "constants");
    if let Some((_, Node { shape: Shape::Map(entries), .. })) = constants {
        let facts = crate::domain::Facts::COLUMNS;
        for (key, _) in entries {
            let column = schema.get(&key.text);
            if column.is_some_and(|column| column.id.index() >= facts) {
                taken(&key.text, key.at, report);
            }
        }
    }
}
