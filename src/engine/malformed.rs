//! What of an event could not be read, as the rules and the reader of an answer see it.

use crate::bundle::Attribute as Declared;
use crate::domain::{Attribute, AttributeValue, Fact, Field, FieldSet, FieldType, Input};

/// The facts that ask of one object of an event, by the object's name.
const GROUPS: [(Fact, &str); 7] = [
    (Fact::MalformedPayer, "payer"),
    (Fact::MalformedPayee, "payee"),
    (Fact::MalformedMerchant, "merchant"),
    (Fact::MalformedTerminal, "terminal"),
    (Fact::MalformedDevice, "device"),
    (Fact::MalformedNetwork, "network"),
    (Fact::MalformedLocation, "location"),
];

/// Keeps of an event's custom fields those that the bundle in force declares, with a value of the
/// declared type; how many it does not declare. One of another type is malformed.
pub(super) fn keep_declared(declared: &[Declared], input: &mut Input) -> u32 {
    let Input { attributes, malformed_attributes, .. } = input;
    let mut undeclared = 0;
    attributes.retain(|one| match declared.iter().find(|known| known.name == one.name) {
        None => {
            undeclared += 1;
            false
        }
        Some(known) if is_of(known.field_type, one) => true,
        Some(known) => {
            malformed_attributes.push(known.name.clone());
            false
        }
    });
    undeclared
}

/// Whether a value can stand in a column: a whole number is a float as well.
fn is_of(field_type: FieldType, attribute: &Attribute<'_>) -> bool {
    matches!(
        (field_type, &attribute.value),
        (FieldType::Bool, AttributeValue::Flag(_))
            | (FieldType::Int | FieldType::Float, AttributeValue::Integer(_))
            | (FieldType::Float, AttributeValue::Number(_))
            | (FieldType::Text, AttributeValue::Text(_))
    )
}

/// Notes what the door could not read of an event, as facts: rules ask for them.
pub(super) fn note(fields: FieldSet, input: &mut Input) {
    input.malformed = fields;
    let count = fields.iter().count() + input.malformed_attributes.len();
    let facts = &mut input.facts;
    facts.set_int(Fact::MalformedFields, count as i64);
    for (fact, group) in GROUPS {
        let is_malformed = !fields.is_empty() && fields.iter().any(|field| stands_in(field, group));
        facts.set_bool(fact, is_malformed);
    }
    // A number that cannot be a card's has no right check digit either (DOMAIN K3).
    if fields.contains(Field::PayerCardNumber) || fields.contains(Field::PayerCard) {
        facts.set_bool(Fact::CardLuhnValid, false);
    }
}

fn stands_in(field: Field, group: &str) -> bool {
    field.name().split('.').next() == Some(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule asks by object, and each object has a field that the schema knows.
    #[test]
    fn each_group_is_an_object_of_the_schema() {
        for (fact, group) in GROUPS {
            let field = Field::ALL.iter().find(|field| field.name() == group);
            let mut input = Input::new();
            note(FieldSet::of(&[*field.expect("a field")]), &mut input);
            for (other, _) in GROUPS {
                assert_eq!(input.facts.bool(other), Some(other == fact), "{group}");
            }
            assert_eq!(input.facts.int(Fact::MalformedFields), Some(1));
        }
    }
}
