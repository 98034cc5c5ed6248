//! What is defended about the language as a whole, over one small schema.

mod values;
mod faults;
mod hostile;
mod numbers;
pub(crate) mod oracle;

use std::collections::BTreeMap;

use crate::domain::{Currency, FeatureVector, FieldType, Schema, Zone};

use super::{Constant, Fault, Place, Scope, Type};

/// A schema with two columns of each type, one filled and one missing, and some constants.
pub(super) struct World {
    pub(super) schema: Schema,
    pub(super) constants: BTreeMap<String, Constant>,
    pub(super) zone: Zone,
    pub(super) row: FeatureVector,
}

impl World {
    pub(super) fn new() -> Self {
        let mut schema = Schema::of_facts();
        for (name, field_type) in [
            ("flag", FieldType::Bool),
            ("off", FieldType::Bool),
            ("count", FieldType::Int),
            ("big", FieldType::Int),
            ("ratio", FieldType::Float),
            ("city", FieldType::Text),
            ("amount", FieldType::Money),
            ("at", FieldType::Timestamp),
            ("sim", FieldType::Id),
            ("attributes.tier", FieldType::Text),
            ("no_flag", FieldType::Bool),
            ("no_count", FieldType::Int),
            ("no_ratio", FieldType::Float),
            ("no_city", FieldType::Text),
            ("no_amount", FieldType::Money),
            ("no_sim", FieldType::Id),
        ] {
            schema.add(name, field_type, "").unwrap();
        }
        let id = |name: &str| schema.get(name).unwrap().id;
        let mut row = FeatureVector::new(schema.columns());
        row.set_bool(id("flag"), true);
        row.set_bool(id("off"), false);
        row.set_int(id("count"), 7);
        row.set_int(id("big"), i64::MAX);
        row.set_float(id("ratio"), 2.5);
        row.set_text(id("city"), "上海 Pudong");
        row.set_int(id("amount"), 123_456);
        // A Monday, 22:54:11.123 in Shanghai.
        row.set_int(id("at"), 1_795_445_651_123);
        row.set_bits(id("sim"), u64::MAX);
        row.set_text(id("attributes.tier"), "gold");
        let texts = |all: &[&str]| all.iter().map(|t| Constant::Text((*t).into())).collect();
        let constants = BTreeMap::from([
            ("limit".to_owned(), Constant::Int(5)),
            ("large".to_owned(), Constant::Money(100_000)),
            ("cities".to_owned(), Constant::List(Type::Text, texts(&["北京", "上海 Pudong"]))),
        ]);
        Self { schema, constants, zone: Zone::parse("Asia/Shanghai").unwrap(), row }
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            schema: &self.schema,
            constants: &self.constants,
            zone: &self.zone,
            base_currency: Currency::CNY,
            base_decimals: 2,
        }
    }
}

/// The beginning of a file.
pub(super) fn start() -> Place {
    Place { file: "rule.yaml".into(), line: 1, column: 1 }
}

/// Faults as one text, for messages of tests.
pub(super) fn told(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}
