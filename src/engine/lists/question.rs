//! What a bundle's rules ask of the lists, as columns of the row.

use std::sync::Arc;

use super::Lists;
use super::table::Table;
use crate::bundle::ListSpec;
use crate::domain::{EntityKind, FeatureVector, FieldId, Input, Token};

/// One column: whether an event's entity of a kind stands on a list.
#[derive(Debug)]
pub(in crate::engine) struct Question {
    table: Arc<Table>,
    kind: EntityKind,
    field: FieldId,
}

impl Question {
    /// The columns of a bundle's lists.
    pub(in crate::engine) fn all(specs: &[ListSpec], lists: &Lists) -> Vec<Self> {
        let of_list = |spec: &ListSpec| {
            let table = lists.open(&spec.name, spec.kind);
            let column = move |(kind, field): &(EntityKind, FieldId)| Self {
                table: Arc::clone(&table),
                kind: *kind,
                field: *field,
            };
            spec.columns.iter().map(column).collect::<Vec<_>>()
        };
        specs.iter().flat_map(of_list).collect()
    }

    /// Fills the column. Who is not named in an event stands on no list.
    pub(in crate::engine) fn ask(
        &self,
        input: &Input,
        device: Option<Token>,
        row: &mut FeatureVector,
    ) {
        let is_listed = |token| self.table.find(token, input.received_at).is_some();
        let tokens = match self.kind {
            EntityKind::Device => [device, None, None],
            // A network that is smaller than those of events stands there as its addresses.
            kind @ EntityKind::IpPrefix => {
                [input.tokens.get(kind), input.subnet, input.tokens.get(EntityKind::Ip)]
            }
            kind => [input.tokens.get(kind), None, None],
        };
        row.set_bool(self.field, tokens.into_iter().flatten().any(is_listed));
    }
}
