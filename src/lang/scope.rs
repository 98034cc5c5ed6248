//! Which names an expression may use, and what they are.

use std::collections::BTreeMap;

use crate::domain::{Currency, Schema, Zone};

use super::Constant;

/// What an expression may speak of. The names that it resolves are columns first, then constants;
/// the bundle refuses a constant that shadows a column.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The columns.
    pub schema: &'a Schema,
    /// Named constants of the bundle and of the file.
    pub constants: &'a BTreeMap<String, Constant>,
    /// Where a time of day is read, unless another zone is named.
    pub zone: &'a Zone,
    /// The currency of money literals.
    pub base_currency: Currency,
    /// Its minor digits: 2 for CNY, 0 for JPY.
    pub base_decimals: u8,
}

impl Scope<'_> {
    /// Every name that may stand alone, columns first, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let columns = self.schema.fields().map(|field| field.name.as_str());
        columns.chain(self.constants.keys().map(String::as_str))
    }
}
