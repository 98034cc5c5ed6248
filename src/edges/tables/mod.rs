//! The reference tables' files: read as a whole, checked as a whole, swapped while events flow.
//!
//! A broken file at the start stops the start, with every fault of every file; a broken file later
//! keeps the table that is there and says so once.

mod fault;
mod sheet;
mod punycode;
mod lists;
mod registers;
mod store;
pub mod mmdb_write;

use std::sync::Arc;

use fault::FileFaults;

use crate::stages::enrich::{AsnDb, GeoDb, GeoFault, Pinned, Tables, TokenKeys, content_hash};

pub use fault::{FaultKind, TableFault};
pub use store::{Refreshed, TablePaths, TableStore};

/// Which table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TableKind {
    /// City database (mmdb).
    Geo,
    /// Autonomous systems (mmdb).
    Asn,
    /// Lists of networks (CSV).
    Networks,
    /// Card issuers (CSV).
    Bins,
    /// Merchant register (CSV).
    Merchants,
    /// Terminal register (CSV).
    Terminals,
    /// Exchange rates (CSV).
    Fx,
    /// High-risk hosts (CSV).
    Hosts,
}

impl TableKind {
    /// Every table, in the order of [`Tables`].
    pub const ALL: [Self; Tables::COUNT] = [
        Self::Geo,
        Self::Asn,
        Self::Networks,
        Self::Bins,
        Self::Merchants,
        Self::Terminals,
        Self::Fx,
        Self::Hosts,
    ];

    /// The name in configuration, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Geo => "geo",
            Self::Asn => "asn",
            Self::Networks => "networks",
            Self::Bins => "bins",
            Self::Merchants => "merchants",
            Self::Terminals => "terminals",
            Self::Fx => "fx",
            Self::Hosts => "hosts",
        }
    }

    /// Reads a table from a file's content and puts it in place; `tables` is unchanged when
    /// anything is wrong. The faults name the table as their file.
    pub fn put(
        self,
        content: Vec<u8>,
        keys: &TokenKeys,
        tables: &mut Tables,
    ) -> Result<(), Vec<TableFault>> {
        let named = std::path::Path::new(self.name());
        self.read(content, keys, tables).map_err(|faults| faults.of(self.name(), named).collect())
    }

    fn read(
        self,
        content: Vec<u8>,
        keys: &TokenKeys,
        tables: &mut Tables,
    ) -> Result<(), FileFaults> {
        let hash = content_hash(&content);
        fn pin<T>(table: T, hash: [u8; 32]) -> Option<Arc<Pinned<T>>> {
            Some(Arc::new(Pinned { table, hash }))
        }
        let database = |fault: GeoFault| FileFaults::whole(FaultKind::Database(fault));
        match self {
            Self::Geo => tables.geo = pin(GeoDb::read(content).map_err(database)?, hash),
            Self::Asn => tables.asn = pin(AsnDb::read(content).map_err(database)?, hash),
            Self::Networks => tables.networks = pin(lists::networks(&content)?, hash),
            Self::Bins => tables.bins = pin(lists::bins(&content)?, hash),
            Self::Merchants => tables.merchants = pin(registers::merchants(&content, keys)?, hash),
            Self::Terminals => tables.terminals = pin(registers::terminals(&content, keys)?, hash),
            Self::Fx => tables.fx = pin(lists::fx(&content)?, hash),
            Self::Hosts => tables.hosts = pin(lists::hosts(&content)?, hash),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
