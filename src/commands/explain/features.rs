//! Every column after the facts: its value, and the events behind it.

use super::story::{Feature, Window};
use crate::bundle::Bundle;
use crate::domain::{
    EventTime, Facts, FeatureVector, FieldId, FieldType, Input, SchemaField, Seq, Value,
};
use crate::engine::Engine;

/// The columns of the event that the engine counted last.
pub(super) fn features(engine: &Engine, input: &Input, seq: Seq) -> Vec<Feature> {
    let bundle = engine.bundle();
    let declared = bundle.schema.fields().filter(|field| field.id.index() >= Facts::COLUMNS);
    declared.map(|field| feature(engine, bundle, field, input, seq)).collect()
}

fn feature(
    engine: &Engine,
    bundle: &Bundle,
    field: &SchemaField,
    input: &Input,
    seq: Seq,
) -> Feature {
    let row = engine.row();
    let warming = engine.warming().get(field.id.index() / 64).copied().unwrap_or(0);
    let window = engine.behind(field.id, input).map(|behind| Window {
        by: behind.by.name(),
        entity: behind.entity.map(|token| token.display(input.key_version)),
        after: moment(behind.after_ms),
        until: moment(behind.until_ms),
        events: behind.events.iter().map(|(_, low)| whole_seq(*low, seq)).collect(),
    });
    Feature {
        name: field.name.clone(),
        meaning: field.meaning.clone(),
        value: value(row, field.id, field.field_type).map(|value| bundle.shown(value)),
        approximate: row.is_approximate(field.id),
        incomplete: row.is_incomplete(field.id),
        warming: warming >> (field.id.index() % 64) & 1 == 1,
        window,
    }
}

/// The number whose low half is known, at or before another one: rings reach back 45 days, in which
/// there are fewer than 2^32 inputs.
fn whole_seq(low: u32, at: Seq) -> u64 {
    let high = at.0 >> 32;
    let candidate = high << 32 | u64::from(low);
    if candidate > at.0 { candidate - (1 << 32) } else { candidate }
}

fn moment(ms: i64) -> String {
    EventTime::from_ms(ms).map_or_else(|_| format!("{ms} ms"), |time| time.to_string())
}

/// A column's value with its type.
pub(super) fn value(row: &FeatureVector, id: FieldId, field_type: FieldType) -> Option<Value<'_>> {
    row.has(id).then(|| match field_type {
        FieldType::Bool => Value::Bool(row.bits(id) != 0),
        FieldType::Int => Value::Int(row.int(id)),
        FieldType::Float => Value::Float(row.float(id)),
        FieldType::Text => Value::Text(row.text(id)),
        FieldType::Money => Value::Money(row.int(id)),
        FieldType::Timestamp => Value::Timestamp(row.int(id)),
        FieldType::Id => Value::Id(row.bits(id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long-lived journal passes 2^32: the events behind a value must not come from another age.
    #[test]
    fn numbers_are_made_whole_across_the_wrap() {
        for (low, at, whole) in [
            (5, 9, 5),
            (0, 1 << 32, 1 << 32),
            (u32::MAX, 1 << 32, u64::from(u32::MAX)),
            (7, (3 << 32) + 7, (3 << 32) + 7),
            (8, (3 << 32) + 7, (2 << 32) + 8),
        ] {
            assert_eq!(whole_seq(low, Seq(at)), whole);
        }
    }
}
