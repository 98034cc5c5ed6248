//! Who stands on which list: filled by inputs, asked by rules, read from beside the engine as well.
//!
//! ```text
//!  Control::ListAdd ─▶ Lists (one writer, the engine) ─▶ columns `in_list.NAME.KIND` of the row
//!                        └─ table ─ shards, replaced whole ─▶ readers on any thread, without a lock
//! ```

mod table;
mod shelf;
mod question;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::{EntityKind, EventTime, ListAddition, ListRemoval, Seq, Token};
use crate::stages::features::StoreId;

pub use table::Listed;

pub(super) use question::Question;

use shelf::Shelf;
use table::Table;

/// A list: its name and what its entries are. A name that a later bundle uses for another kind is
/// another list.
type ListId = (String, EntityKind);

/// All lists. Clones show the same lists: the engine changes them, others read.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    tables: Arc<ArcSwap<BTreeMap<ListId, Arc<Table>>>>,
}

impl Lists {
    /// What a list says of somebody at a moment; entries that ended say nothing.
    pub fn find(
        &self,
        list: &str,
        kind: EntityKind,
        token: Token,
        at: EventTime,
    ) -> Option<Listed> {
        self.table(list, kind)?.find(token, at)
    }

    /// How many entries each list has, ended ones included.
    pub fn sizes(&self) -> Vec<(String, EntityKind, u64)> {
        let tables = self.tables.load();
        tables.iter().map(|((name, kind), table)| (name.clone(), *kind, table.len())).collect()
    }

    /// Every entry of a list, in the order of the tokens.
    pub fn entries(&self, list: &str, kind: EntityKind, mut visit: impl FnMut(Token, Listed)) {
        if let Some(table) = self.table(list, kind) {
            table.for_each(|entry| visit(entry.token(), entry.listed()));
        }
    }

    fn table(&self, list: &str, kind: EntityKind) -> Option<Arc<Table>> {
        // A list of few, found by its whole name: nothing is made for the question.
        let tables = self.tables.load();
        let found = tables.iter().find(|((name, of), _)| name == list && *of == kind);
        found.map(|(_, table)| Arc::clone(table))
    }

    /// The list, made if there is none.
    pub(super) fn open(&self, list: &str, kind: EntityKind) -> Arc<Table> {
        if let Some(table) = self.table(list, kind) {
            return table;
        }
        let table = Arc::new(Table::default());
        let mut tables = BTreeMap::clone(&self.tables.load());
        tables.insert((list.to_owned(), kind), Arc::clone(&table));
        self.tables.store(Arc::new(tables));
        table
    }

    /// Puts entries on a list.
    pub(super) fn add(&self, addition: &ListAddition, seq: Seq, now: EventTime) {
        let table = self.open(&addition.list, addition.kind);
        let entries = addition.entries.iter();
        table.add(entries.map(|entry| (entry.token, entry.expires_at)), seq, now);
    }

    /// Takes entries from a list.
    pub(super) fn remove(&self, removal: &ListRemoval, now: EventTime) {
        let table = self.open(&removal.list, removal.kind);
        table.remove(removal.tokens.iter().copied(), now);
    }

    /// Nothing is on any list from now on but what another one holds: for a state that is loaded.
    pub(super) fn replace(&self, other: &Self) {
        self.tables.store(other.tables.load_full());
    }
}

/// The lists as a snapshot takes them.
#[derive(Debug)]
pub(super) struct ListStore {
    pub(super) lists: Lists,
    shelf: Shelf,
}

impl ListStore {
    pub(super) fn new(store: StoreId) -> Self {
        Self { lists: Lists::default(), shelf: Shelf::new(store) }
    }
}

#[cfg(test)]
mod tests;
