//! `lists:` of `bundle.yaml`: which lists the rules may ask. A bundle holds their names, never values.

use super::desk::{NAME_RULE, is_name};
use super::fault::{At, Report};
use super::read::Fields;
use super::yaml::{Node, Shape};
use crate::domain::{EntityKind, FieldId, FieldType, ListPurpose, Schema};

/// Most lists of a bundle.
const LISTS_MAX: usize = 256;
/// Longest name: it stands in commands and in the names of columns.
const NAME_MAX: usize = 48;

/// Longest time for which what one person adds alone may stand.
const EMERGENCY_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// A list that the rules may ask by `in_list("name", kind)`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListSpec {
    /// Its name.
    pub name: String,
    /// What its entries are.
    pub kind: EntityKind,
    /// What it means to stand on it.
    pub purpose: ListPurpose,
    /// For how long, in milliseconds, what one person adds alone may stand; `None` where nobody may.
    pub emergency_ms: Option<i64>,
    /// The kinds of entity that it can be asked for, each with the column of the answer.
    pub columns: Vec<(EntityKind, FieldId)>,
}

/// A list as the file declares it.
pub(super) struct DeclaredList {
    name: String,
    kind: EntityKind,
    purpose: ListPurpose,
    meaning: String,
    emergency_ms: Option<i64>,
    at: At,
}

/// Reads `stolen_cards: {kind: card, purpose: block, meaning: "..."}`, a map by name.
pub(super) fn read(node: &Node, report: &mut Report<'_>) -> Vec<DeclaredList> {
    let Shape::Map(entries) = &node.shape else {
        report.fault(node.at, "`lists` must be a map from name to kind and purpose");
        return Vec::new();
    };
    if entries.len() > LISTS_MAX {
        report.fault(node.at, format!("more than {LISTS_MAX} lists; remove some"));
    }
    let kinds = EntityKind::ALL.map(|kind| (kind.name(), kind));
    let purposes: Vec<_> =
        ListPurpose::ALL.iter().map(|purpose| (purpose.name(), *purpose)).collect();
    let mut lists = Vec::new();
    for (key, value) in entries {
        let Some(mut fields) = Fields::of(value, "a list", report) else { continue };
        let mut word =
            |name, report: &mut Report<'_>| fields.need(name, report).map(|node| (node, name));
        let kind = word("kind", report)
            .and_then(|(node, name)| super::read::word(node, name, &kinds, report));
        let purpose = word("purpose", report)
            .and_then(|(node, name)| super::read::word(node, name, &purposes, report));
        let meaning = fields.text("meaning", report).map(|text| text.text.to_owned());
        let emergency = fields.get("emergency");
        let emergency_ms =
            emergency.and_then(|node| super::read::duration(node, "emergency", report));
        if let Some(node) = emergency
            && (emergency_ms.is_some_and(|ms| ms > EMERGENCY_MAX_MS)
                || purpose == Some(ListPurpose::Allow))
        {
            let message = "`emergency` is at most 7d, and of lists that block or watch";
            report.fault(node.at, message);
        }
        fields.finish(report);
        if !is_name(&key.text) || key.text.len() > NAME_MAX {
            report.fault(key.at, NAME_RULE);
        } else if let (Some(kind), Some(purpose)) = (kind, purpose) {
            let (name, meaning) = (key.text.clone(), meaning.unwrap_or_default());
            lists.push(DeclaredList { name, kind, purpose, meaning, emergency_ms, at: key.at });
        }
    }
    lists
}

/// The kinds whose tokens a list of a kind can hold: accounts are payees' accounts as well, since
/// both share their tokens.
fn asked(kind: EntityKind) -> &'static [EntityKind] {
    use EntityKind::{Account, Payee};
    match kind {
        Account => &[Account, Payee],
        Payee => &[Payee, Account],
        EntityKind::Card => &[EntityKind::Card, Payee],
        EntityKind::Device => &[EntityKind::Device],
        EntityKind::Ip => &[EntityKind::Ip],
        EntityKind::IpPrefix => &[EntityKind::IpPrefix],
        EntityKind::Merchant => &[EntityKind::Merchant],
        EntityKind::Terminal => &[EntityKind::Terminal],
        EntityKind::Phone => &[EntityKind::Phone],
        EntityKind::IdDocument => &[EntityKind::IdDocument],
    }
}

/// Adds the columns of the lists, after all others: windows and derived features do not see them.
pub(super) fn columns(
    declared: &[DeclaredList],
    schema: &mut Schema,
    report: &mut Report<'_>,
) -> Vec<ListSpec> {
    let mut specs = Vec::with_capacity(declared.len());
    for list in declared {
        let mut columns = Vec::new();
        for kind in asked(list.kind) {
            let name = column(&list.name, kind.name());
            let meaning = format!("Whether the {} is on the list. {}", kind.name(), list.meaning);
            match schema.add(&name, FieldType::Bool, meaning.trim_end()) {
                Some(field) => columns.push((*kind, field)),
                None => report.fault(list.at, "there are more columns than a row can have"),
            }
        }
        let DeclaredList { name, kind, purpose, emergency_ms, .. } = list;
        specs.push(ListSpec {
            name: name.clone(),
            kind: *kind,
            purpose: *purpose,
            emergency_ms: *emergency_ms,
            columns,
        });
    }
    specs
}

/// The columns of a schema that answer whether somebody stands on a list.
pub(super) fn answers(schema: &Schema) -> impl Iterator<Item = FieldId> {
    schema.fields().filter(|field| field.name.starts_with("in_list.")).map(|field| field.id)
}

/// The column that answers `in_list("name", kind)`.
fn column(list: &str, kind: &str) -> String {
    format!("in_list.{list}.{kind}")
}
