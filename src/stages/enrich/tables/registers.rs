//! The registers of merchants and terminals, keyed by token: raw ids are not kept.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{Name, Names};
use crate::domain::{Datum, Token};
use crate::stages::enrich::datum::{self, Degrees};

type TokenMap<V> = HashMap<Token, V, BuildHasherDefault<TokenHasher>>;

/// Where something is registered to stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegisteredPlace {
    /// In WGS-84, converted once, when the register is read.
    pub wgs84: Degrees,
    /// The datum that the register labels the place with.
    pub datum: Datum,
}

impl RegisteredPlace {
    /// A place with the numbers of the register.
    pub fn new(raw: Degrees, datum: Datum) -> Self {
        Self { wgs84: datum::to_wgs84(raw, datum), datum }
    }

    /// The numbers of the register, in its own datum.
    pub fn raw(&self) -> Degrees {
        datum::from_wgs84(self.wgs84, self.datum)
    }
}

/// One merchant of the register.
#[derive(Clone, Copy, Debug, Default)]
pub struct MerchantRow {
    /// ISO 18245 category.
    pub mcc: Option<u16>,
    /// City.
    pub city: Name,
    /// Province.
    pub province: Name,
    /// Where it stands.
    pub place: Option<RegisteredPlace>,
    /// Days since 1970-01-01 of the day it was opened.
    pub opened_on: Option<i32>,
    /// Token of the owner's identity number.
    pub owner: Option<Token>,
}

/// The merchant register.
#[derive(Debug, Default)]
pub struct MerchantRegister {
    rows: TokenMap<MerchantRow>,
    /// Short tokens of the devices registered for a merchant (M5); few have any.
    devices: TokenMap<Vec<u64>>,
    names: Names,
}

impl MerchantRegister {
    /// An empty register.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a merchant. `false` when its token is already there.
    pub fn add(&mut self, merchant: Token, row: MerchantRow, devices: &[u64]) -> bool {
        if !devices.is_empty() {
            self.devices.insert(merchant, devices.to_vec());
        }
        self.rows.insert(merchant, row).is_none()
    }

    /// The number of a name in this register.
    pub fn intern(&mut self, name: &str) -> Name {
        self.names.intern(name)
    }

    /// Gives the memory of loading back.
    pub fn seal(&mut self) {
        self.names.seal();
        self.rows.shrink_to_fit();
    }

    /// The merchant with this token.
    pub fn look_up(&self, merchant: Token) -> Option<Merchant<'_>> {
        let row = self.rows.get(&merchant)?;
        Some(Merchant {
            row,
            city: self.names.get(row.city),
            province: self.names.get(row.province),
        })
    }

    /// Short tokens of the identifiers of the devices registered for a merchant.
    pub fn devices(&self, merchant: Token) -> &[u64] {
        self.devices.get(&merchant).map_or(&[], Vec::as_slice)
    }

    /// How many merchants there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A merchant with its names.
#[derive(Clone, Copy, Debug)]
pub struct Merchant<'a> {
    /// The register's row.
    pub row: &'a MerchantRow,
    /// City.
    pub city: Option<&'a str>,
    /// Province.
    pub province: Option<&'a str>,
}

/// One terminal of the register.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalRow {
    /// Two digits (DOMAIN section 3).
    pub kind: Name,
    /// Token of its serial number.
    pub serial: Option<Token>,
    /// Token of the merchant it is registered for.
    pub merchant: Option<Token>,
    /// Where it is registered to stand.
    pub place: Option<RegisteredPlace>,
    /// Province of that place.
    pub province: Name,
    /// City of that place.
    pub city: Name,
    /// Mobile country code of its network.
    pub network_code: Name,
    /// Days since 1970-01-01 of the day it was installed.
    pub opened_on: Option<i32>,
}

/// The terminal register, by code and by serial number.
#[derive(Debug, Default)]
pub struct TerminalRegister {
    rows: Vec<TerminalRow>,
    by_id: TokenMap<u32>,
    by_serial: TokenMap<u32>,
    names: Names,
}

impl TerminalRegister {
    /// An empty register.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a terminal. `false` when its code's token is already there.
    ///
    /// Of terminals with one serial number the first is found by it: the register's fault, which
    /// rule T1 reports when it matters.
    pub fn add(&mut self, id: Token, row: TerminalRow) -> bool {
        let Ok(index) = u32::try_from(self.rows.len()) else { return false };
        if self.by_id.contains_key(&id) {
            return false;
        }
        self.by_id.insert(id, index);
        if let Some(serial) = row.serial {
            self.by_serial.entry(serial).or_insert(index);
        }
        self.rows.push(row);
        true
    }

    /// The number of a name in this register.
    pub fn intern(&mut self, name: &str) -> Name {
        self.names.intern(name)
    }

    /// Gives the memory of loading back.
    pub fn seal(&mut self) {
        self.names.seal();
        self.rows.shrink_to_fit();
        self.by_id.shrink_to_fit();
        self.by_serial.shrink_to_fit();
    }

    /// The terminal with this code, else, when the message has no code, with this serial number.
    pub fn look_up(&self, id: Option<Token>, serial: Option<Token>) -> Option<Terminal<'_>> {
        let index = match id {
            Some(id) => self.by_id.get(&id)?,
            None => self.by_serial.get(&serial?)?,
        };
        let row = self.rows.get(*index as usize)?;
        let name = |name| self.names.get(name);
        Some(Terminal {
            row,
            kind: name(row.kind),
            province: name(row.province),
            network_code: name(row.network_code),
        })
    }

    /// How many terminals there are.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// A terminal with its names.
#[derive(Clone, Copy, Debug)]
pub struct Terminal<'a> {
    /// The register's row.
    pub row: &'a TerminalRow,
    /// Two digits.
    pub kind: Option<&'a str>,
    /// Province of its place.
    pub province: Option<&'a str>,
    /// Mobile country code.
    pub network_code: Option<&'a str>,
}

/// Tokens are keyed hashes already: their first eight bytes are as good as any hash of them.
#[derive(Default)]
struct TokenHasher(u64);

impl Hasher for TokenHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {
        // The length of a token says nothing.
    }
}
