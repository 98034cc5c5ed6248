//! The typed columns that rules may speak of: facts, custom attributes, features, derived values.

use std::collections::BTreeMap;

use super::{Fact, Facts};

/// The type of a column.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FieldType {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A finite float.
    Float,
    /// Text, at most [`Facts::TEXT_MAX`] bytes.
    Text,
    /// Minor units of the base currency. Comparable with money only.
    Money,
    /// A moment in milliseconds since the Unix epoch.
    Timestamp,
    /// An opaque 64-bit id: can be counted (`distinct`) and compared, never read.
    Id,
}

impl FieldType {
    /// The name in bundles and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "text",
            Self::Money => "money",
            Self::Timestamp => "timestamp",
            Self::Id => "id",
        }
    }

    /// The type with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Bool, Self::Int, Self::Float, Self::Text, Self::Money, Self::Timestamp, Self::Id]
            .into_iter()
            .find(|field_type| field_type.name() == name)
    }
}

/// The dense id of a column: the index of its slot in a [`super::FeatureVector`].
///
/// The first [`Facts::COLUMNS`] ids are the facts' numbers; what the bundle declares follows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FieldId(pub u16);

impl FieldId {
    /// The column of a fact.
    pub const fn of_fact(fact: Fact) -> Self {
        Self(fact as u16)
    }

    /// The index in slots.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SchemaField {
    /// The column's id.
    pub id: FieldId,
    /// Its name in rules.
    pub name: String,
    /// Its type.
    pub field_type: FieldType,
    /// One sentence of meaning.
    pub meaning: String,
}

/// All columns of a bundle, by id and by name. It holds no personal value, so no rule can read one.
#[derive(Clone, Debug)]
pub struct Schema {
    fields: Vec<Option<SchemaField>>,
    by_name: BTreeMap<String, FieldId>,
}

impl Schema {
    /// The schema of the facts alone.
    pub fn of_facts() -> Self {
        let mut schema = Self { fields: vec![None; Facts::COLUMNS], by_name: BTreeMap::new() };
        for fact in Fact::ALL {
            let id = FieldId::of_fact(*fact);
            schema.by_name.insert(fact.name().to_owned(), id);
            schema.fields[id.index()] = Some(SchemaField {
                id,
                name: fact.name().to_owned(),
                field_type: fact.field_type(),
                meaning: fact.meaning().to_owned(),
            });
        }
        schema
    }

    /// Appends a column; `None` when the name is taken or 65,536 columns are in use.
    pub fn add(&mut self, name: &str, field_type: FieldType, meaning: &str) -> Option<FieldId> {
        let id = FieldId(u16::try_from(self.fields.len()).ok()?);
        if self.by_name.contains_key(name) {
            return None;
        }
        self.by_name.insert(name.to_owned(), id);
        self.fields.push(Some(SchemaField {
            id,
            name: name.to_owned(),
            field_type,
            meaning: meaning.to_owned(),
        }));
        Some(id)
    }

    /// The column with this name.
    pub fn get(&self, name: &str) -> Option<&SchemaField> {
        self.by_name.get(name).and_then(|id| self.field(*id))
    }

    /// The column with this id.
    pub fn field(&self, id: FieldId) -> Option<&SchemaField> {
        self.fields.get(id.index()).and_then(Option::as_ref)
    }

    /// All columns in the order of their ids.
    pub fn fields(&self) -> impl Iterator<Item = &SchemaField> {
        self.fields.iter().flatten()
    }

    /// Slots that a row of this schema has.
    pub fn columns(&self) -> usize {
        self.fields.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name means one column: a bundle cannot shadow a fact.
    #[test]
    fn a_taken_name_is_refused() {
        let mut schema = Schema::of_facts();
        assert_eq!(schema.add("amount_base", FieldType::Int, ""), None);
        let id = schema.add("card_count_1h", FieldType::Int, "").unwrap();
        assert_eq!(id.index(), Facts::COLUMNS);
        assert_eq!(schema.get("card_count_1h").unwrap().id, id);
    }
}
