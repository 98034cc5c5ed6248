//! The tables that enrich consults: pure look-ups, loaded and swapped at the edge.
//!
//! Any of them may be absent; an event that would have consulted it says so in
//! [`crate::domain::MissingTables`].

mod names;
mod geo;
mod networks;
mod bins;
mod registers;
mod fx;
mod hosts;

use std::sync::Arc;

use ring::digest;

pub use bins::{Bin, BinTable};
pub use fx::{FxFault, FxTable};
pub use geo::{AsnDb, GeoDb, GeoFault, GeoPlace};
pub use hosts::HostList;
pub use names::{Name, Names};
pub use networks::{NetworkFlags, NetworkList, NetworkListBuilder};
pub use registers::{
    Merchant, MerchantRegister, MerchantRow, RegisteredPlace, Terminal, TerminalRegister,
    TerminalRow,
};

/// SHA-256 of the file that a table was read from.
pub type ContentHash = [u8; 32];

/// A table with the hash of its content, which pins what an input was enriched with.
#[derive(Debug)]
pub struct Pinned<T> {
    /// The table.
    pub table: T,
    /// Of the bytes it was read from.
    pub hash: ContentHash,
}

impl<T> Pinned<T> {
    /// Pins a table to the bytes that it was read from.
    pub fn new(table: T, content: &[u8]) -> Self {
        Self { table, hash: content_hash(content) }
    }
}

/// Every table, as one value: an event sees one consistent set. Cloning shares the tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Where addresses are.
    pub geo: Option<Arc<Pinned<GeoDb>>>,
    /// Whose addresses are.
    pub asn: Option<Arc<Pinned<AsnDb>>>,
    /// What networks are used for.
    pub networks: Option<Arc<Pinned<NetworkList>>>,
    /// What cards are.
    pub bins: Option<Arc<Pinned<BinTable>>>,
    /// The merchant register.
    pub merchants: Option<Arc<Pinned<MerchantRegister>>>,
    /// The terminal register.
    pub terminals: Option<Arc<Pinned<TerminalRegister>>>,
    /// What currencies are worth by a file: it stands before the rates of the bundle in force.
    pub fx: Option<Arc<Pinned<FxTable>>>,
    /// High-risk hosts.
    pub hosts: Option<Arc<Pinned<HostList>>>,
}

impl Tables {
    /// How many tables there are.
    pub const COUNT: usize = 8;

    /// Each table's name and the hash of its content, `None` where it is absent.
    pub fn pins(&self) -> [(&'static str, Option<ContentHash>); Self::COUNT] {
        fn hash<T>(table: Option<&Arc<Pinned<T>>>) -> Option<ContentHash> {
            table.map(|table| table.hash)
        }
        [
            ("geo", hash(self.geo.as_ref())),
            ("asn", hash(self.asn.as_ref())),
            ("networks", hash(self.networks.as_ref())),
            ("bins", hash(self.bins.as_ref())),
            ("merchants", hash(self.merchants.as_ref())),
            ("terminals", hash(self.terminals.as_ref())),
            ("fx", hash(self.fx.as_ref())),
            ("hosts", hash(self.hosts.as_ref())),
        ]
    }

    /// One hash over all pins: two inputs with the same one were enriched with the same tables.
    pub fn digest(&self) -> ContentHash {
        let mut bytes = Vec::with_capacity(Self::COUNT * 48);
        for (name, hash) in self.pins() {
            bytes.extend_from_slice(name.as_bytes());
            // An absent table is not a table whose hash is zero.
            bytes.push(u8::from(hash.is_some()));
            bytes.extend_from_slice(&hash.unwrap_or_default());
        }
        content_hash(&bytes)
    }
}

/// The hash that pins a content.
pub fn content_hash(content: &[u8]) -> ContentHash {
    let mut hash = [0; 32];
    // A SHA-256 digest has 32 bytes.
    hash.copy_from_slice(digest::digest(&digest::SHA256, content).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Currency;

    /// A table that came, went or changed changes the digest, or a replay would not know.
    #[test]
    fn the_digest_tells_any_two_sets_apart() {
        let fx = |content: &[u8]| {
            Tables {
                fx: Some(Arc::new(Pinned::new(FxTable::new(Currency::CNY), content))),
                ..Tables::default()
            }
            .digest()
        };
        assert_ne!(fx(b"a"), fx(b"b"));
        assert_ne!(fx(b"a"), Tables::default().digest());
        assert_eq!(fx(b"a"), fx(b"a"));
    }
}
