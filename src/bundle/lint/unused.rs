//! What is declared and asked by nobody: windows that cost memory, names that mislead.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, FindingKind};
use crate::bundle::fault::At;
use crate::bundle::{Bundle, derive};
use crate::domain::FieldId;

/// Features that no rule reads, directly or through what is derived, and constants that nobody names.
pub(super) fn findings(bundle: &Bundle, files: &BTreeMap<String, Vec<u8>>) -> Vec<Finding> {
    let used = used_columns(bundle);
    let mut findings = Vec::new();
    let aggregates = bundle.aggregates.iter().map(|(_, field)| *field);
    for field in aggregates.chain(bundle.derived.iter().map(|derived| derived.field)) {
        let Some(column) = bundle.schema.field(field).filter(|_| !used.contains(&field)) else {
            continue;
        };
        let message = format!("`{}` is computed, and no rule asks for it; remove it", column.name);
        let at = place_of(files, "features.yaml", &column.name);
        findings.push(Finding::at(FindingKind::UnusedFeature, "features.yaml", at, message));
    }
    for column in bundle.schema.fields() {
        if let Some(list) = column.name.strip_prefix("in_list.") {
            let name = list.split('.').next().unwrap_or(list);
            let mut own = bundle.schema.fields().filter(|other| {
                other
                    .name
                    .strip_prefix("in_list.")
                    .is_some_and(|l| l.split('.').next() == Some(name))
            });
            let is_first = own.next().is_some_and(|first| first.id == column.id);
            let any = used.contains(&column.id) || own.any(|other| used.contains(&other.id));
            if is_first && !any {
                let message =
                    format!("the list `{name}` is declared, and no rule asks it; remove it");
                let at = place_of(files, "bundle.yaml", name);
                findings.push(Finding::at(FindingKind::UnusedList, "bundle.yaml", at, message));
            }
        }
    }
    findings.extend(unused_constants(files));
    findings
}

fn used_columns(bundle: &Bundle) -> BTreeSet<FieldId> {
    let rules = bundle.rules.rules().iter();
    let mut used: BTreeSet<FieldId> =
        rules.flat_map(|rule| rule.when.fields().iter().copied()).collect();
    let limits = bundle.policy.services.iter().flat_map(|service| &service.no_rate.decline_above);
    used.extend(limits.map(|(column, _)| *column));
    // What is derived stands after what it is derived from.
    for derived in bundle.derived.iter().rev() {
        if used.contains(&derived.field) {
            used.extend(derived.program.fields().iter().copied());
        }
    }
    used
}

/// Where a name stands first in a file.
fn place_of(files: &BTreeMap<String, Vec<u8>>, file: &str, name: &str) -> At {
    let text = files.get(file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    for (index, line) in text.lines().enumerate() {
        if derive::names(line).any(|found| found == name) {
            let column = line.find(name).map_or(0, |at| line[..at].chars().count());
            return At { line: index as u32 + 1, column: column as u32 + 1 };
        }
    }
    At::default()
}

/// Constants whose name stands in the bundle once: where they are declared.
fn unused_constants(files: &BTreeMap<String, Vec<u8>>) -> Vec<Finding> {
    let mut declared: Vec<(&str, String, At)> = Vec::new();
    let mut mentioned: BTreeMap<String, usize> = BTreeMap::new();
    for (file, bytes) in files.iter().filter(|(file, _)| file.ends_with(".yaml")) {
        let text = String::from_utf8_lossy(bytes);
        let mut within = false;
        for (index, line) in text.lines().enumerate() {
            let code = line.split(" #").next().unwrap_or(line);
            if !code.starts_with([' ', '#']) && !code.is_empty() {
                within = code.starts_with("constants:");
            }
            // Expressions stand in quotes of YAML too: quotes are no bar here.
            let unquoted = code.replace(['"', '\''], " ");
            for name in derive::names(&unquoted) {
                *mentioned.entry(name.to_owned()).or_default() += 1;
            }
            let name = code.trim_start().split(':').next().unwrap_or_default();
            if within && code.starts_with("  ") && !code.starts_with("   ") && super::is_word(name)
            {
                let at = At { line: index as u32 + 1, column: 3 };
                declared.push((file, name.to_owned(), at));
            }
        }
    }
    let unused = declared.into_iter().filter(|(_, name, _)| mentioned.get(name) == Some(&1));
    unused
        .map(|(file, name, at)| {
            let message = format!("the constant `{name}` is used by nobody; remove it");
            Finding::at(FindingKind::UnusedConstant, file, at, message)
        })
        .collect()
}
