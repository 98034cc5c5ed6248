//! What did the analysts write? A rules directory, checked as a whole.
//!
//! [`Bundle::compile`] is a pure function from files to a bundle or to every fault in them: the
//! YAML becomes a tree that knows its places (`yaml`), the tree is read by name (`read`), and
//! expressions are compiled in one place (`desk`). `compile` has the order of it all.

mod fault;
mod file_name;
mod yaml;
mod read;
mod desk;
mod manifest;
mod lists;
mod guards;
mod fx;
mod features;
mod derive;
mod letters;
mod values;
mod effect;
mod policy;
mod rules;
mod tables;
mod events;
mod cases;
mod compile;
mod ruleset;
mod lint;
mod schema;
mod diff;
mod trial;
mod constants;
mod shipped;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use cases::{Case, Expect, Given};
pub use constants::{ConstantPlace, constant_names, find_constant, with_constant};
pub use diff::{Change, ChangeKind};
pub use fault::{At, Fault};
pub use file_name::check_file_name;
pub use guards::Guards;
pub use lint::{Finding, FindingKind, Lint};
pub use lists::ListSpec;
pub use schema::SchemaOf;
pub use shipped::shipped_files;
pub use trial::{Failure, Part, Trial, Tried};
pub use yaml::FILE_MAX_BYTES;

use crate::domain::{ArrivalRule, Currency, EntityKind, FieldId, FieldType, Schema, Zone};
use crate::lang::{self, Constant, Expected, Place, Program, Scope};
use crate::stages::decide::Policy;
use crate::stages::enrich::FxTable;
use crate::stages::features::{AggregateSpec, BuiltinColumns};
use crate::stages::rules::RuleSet;

/// A checked and compiled rules directory.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// SHA-256 over the sorted names and the contents of its files: its name.
    pub hash: [u8; 32],
    /// Every column: facts, built-in features, attributes, aggregates, derived features.
    pub schema: Schema,
    /// Where the built-in features stand in it.
    pub builtins: BuiltinColumns,
    /// Where days and months begin.
    pub zone: Zone,
    /// Into which currency amounts are converted.
    pub base_currency: Currency,
    /// Its minor digits.
    pub base_decimals: u8,
    /// By which time windows count.
    pub arrival: ArrivalRule,
    /// Events of a key that are kept exactly, by [`EntityKind::index`]; powers of two.
    pub exact: [u32; EntityKind::COUNT],
    /// What windows compute, and into which column, in the order of the file.
    pub aggregates: Vec<(AggregateSpec, FieldId)>,
    /// What is derived from other columns, in the order in which it can be computed.
    pub derived: Vec<Derived>,
    /// The rules, in the order of files and of rules in them.
    pub rules: RuleSet,
    /// The cases of the rules, in the same order.
    pub cases: Vec<Vec<Case>>,
    /// The constants of `bundle.yaml` and of the files, but for names that several files use for
    /// different values.
    pub constants: BTreeMap<String, Constant>,
    /// Bands, fallbacks and the ledger.
    pub policy: Policy,
    /// Stable code and fixed sentence, by [`crate::domain::ReasonId`].
    pub reasons: Vec<(String, String)>,
    /// Custom fields that messages may carry.
    pub attributes: Vec<Attribute>,
    /// The lists that rules may ask.
    pub lists: Vec<ListSpec>,
    /// How much its rules may decline.
    pub guards: Guards,
    /// What other currencies are worth: what amounts are converted with while it is in force.
    pub fx: FxTable,
}

/// A derived feature.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The column it fills.
    pub field: FieldId,
    /// What it computes; a value that ends in an error leaves the column missing.
    pub program: Program,
}

/// A custom field of messages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Its name in messages and rules.
    pub name: String,
    /// Its type; a value of another type is dropped.
    pub field_type: FieldType,
    /// The column it fills.
    pub field: FieldId,
}

impl Bundle {
    /// Compiles the files of a rules directory, by name; the error holds every fault.
    pub fn compile(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Vec<Fault>> {
        compile::compile(files, false)
    }

    /// Compiles the files of a bundle that a journal keeps, which an earlier version accepted: what
    /// it refuses since then (a table's short row, a value that no event has) means what it meant.
    pub fn compile_kept(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Vec<Fault>> {
        compile::compile(files, true)
    }

    /// The pack that is compiled in.
    pub fn shipped() -> Self {
        Self::compile(&shipped_files()).unwrap_or_else(|faults| {
            // A test compiles the same bytes: a build that gets here has never been tested.
            panic!("the shipped rules have {} faults, the first: {}", faults.len(), faults[0])
        })
    }

    /// Compiles an expression over this bundle's columns and constants, as a rule would have it; the
    /// error holds every fault.
    pub fn compile_expression(
        &self,
        text: &str,
        place: &Place,
        expected: Expected,
    ) -> Result<Program, Vec<lang::Fault>> {
        let scope = Scope {
            schema: &self.schema,
            constants: &self.constants,
            zone: &self.zone,
            base_currency: self.base_currency,
            base_decimals: self.base_decimals,
        };
        lang::compile(text, place, &scope, expected)
    }

    /// The hash as it is written: `sha256:` and 64 hexadecimal digits.
    pub fn name(&self) -> String {
        let hex: String = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

/// SHA-256 over the number of files, then for each, in the order of names, name and content, each
/// after its length in eight bytes: no two sets of files share their bytes.
fn hash_of(files: &BTreeMap<String, Vec<u8>>) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    context.update(&(files.len() as u64).to_le_bytes());
    for (name, content) in files {
        for part in [name.as_bytes(), content.as_slice()] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}
