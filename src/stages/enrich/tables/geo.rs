//! Where addresses are and whose they are: MaxMind-format trees over pre-decoded records.
//!
//! The tree walk is `maxminddb`'s. Its records are decoded once, when the file is read, because
//! decoding one for each event would cost more than everything else that enrich does with an
//! address. Reading walks every network, so a broken file is refused as a whole and no look-up
//! can meet a fault.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;

use crate::domain::canonical_address;

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;

use super::{Name, Names};

/// Why a file is not a database that we can use.
#[derive(Debug, thiserror::Error)]
pub enum GeoFault {
    /// The reader refused it.
    #[error("not a readable MaxMind database: {0}")]
    Unreadable(#[from] MaxMindDbError),
    /// The tree leads back into itself.
    #[error("the search tree is not a tree: it has more leaves than its nodes allow")]
    NotATree,
    /// Nothing in it is what we look up.
    #[error("no record has {wanted}: is it a database of another type?")]
    WrongType {
        /// What was looked for.
        wanted: &'static str,
    },
}

/// A place as the city database has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPlace<'a> {
    /// ISO 3166 code of the country.
    pub country: Option<&'a str>,
    /// City.
    pub city: Option<&'a str>,
    /// WGS-84 latitude and longitude in degrees.
    pub position: Option<(f64, f64)>,
    /// Uncertainty in kilometres.
    pub radius_km: Option<u16>,
}

/// The city database.
#[derive(Debug)]
pub struct GeoDb {
    tree: Tree<CityRow>,
    names: Names,
}

impl GeoDb {
    /// Reads a database of MaxMind's nested layout or of the flat layout of the free
    /// `@ip-location-db` packages.
    pub fn read(bytes: Vec<u8>) -> Result<Self, GeoFault> {
        let mut names = Names::new();
        let tree = Tree::read(bytes, |record| {
            let city: CityRecord<'_> = record.decode()?.unwrap_or_default();
            Ok(city.into_row(&mut names))
        })?;
        let useful = |row: &CityRow| row.country != Name::NONE || row.position.is_some();
        if !tree.rows.is_empty() && !tree.rows.iter().any(useful) {
            return Err(GeoFault::WrongType { wanted: "a country or a position" });
        }
        names.seal();
        Ok(Self { tree, names })
    }

    /// The place of an address.
    pub fn look_up(&self, address: IpAddr) -> Option<GeoPlace<'_>> {
        let row = self.tree.look_up(address)?;
        Some(GeoPlace {
            country: self.names.get(row.country),
            city: self.names.get(row.city),
            position: row.position.map(|(lat, lon)| (f64::from(lat), f64::from(lon))),
            radius_km: row.radius_km,
        })
    }
}

/// The autonomous-system database.
#[derive(Debug)]
pub struct AsnDb {
    tree: Tree<u32>,
}

impl AsnDb {
    /// Reads a database whose records have `autonomous_system_number`.
    pub fn read(bytes: Vec<u8>) -> Result<Self, GeoFault> {
        let tree = Tree::read(bytes, |record| {
            let asn: AsnRecord = record.decode()?.unwrap_or_default();
            Ok(asn.autonomous_system_number.unwrap_or(0))
        })?;
        if !tree.rows.is_empty() && tree.rows.iter().all(|number| *number == 0) {
            return Err(GeoFault::WrongType { wanted: "an autonomous system number" });
        }
        Ok(Self { tree })
    }

    /// The autonomous system of an address.
    pub fn look_up(&self, address: IpAddr) -> Option<u32> {
        self.tree.look_up(address).copied().filter(|number| *number != 0)
    }
}

/// The search tree of a file and its records, each decoded once.
struct Tree<Row> {
    reader: Reader<Vec<u8>>,
    rows: Vec<Row>,
    by_offset: HashMap<usize, u32, BuildHasherDefault<OffsetHasher>>,
}

impl<Row> Tree<Row> {
    fn read(
        bytes: Vec<u8>,
        mut decode: impl FnMut(&LookupResult<'_, Vec<u8>>) -> Result<Row, MaxMindDbError>,
    ) -> Result<Self, GeoFault> {
        let reader = Reader::from_source(bytes)?;
        let mut rows = Vec::new();
        let mut by_offset: HashMap<usize, u32, _> = HashMap::default();
        // A binary tree has one leaf more than nodes; a file with more has a loop or shares
        // subtrees without end. Empty leaves are visited too, so that each step is counted.
        let leaves_max = u64::from(reader.metadata().node_count) * 3 + 3;
        let mut leaves = 0;
        for network in reader.networks(WithinOptions::default().include_networks_without_data())? {
            let network = network?;
            leaves += 1;
            if leaves > leaves_max {
                return Err(GeoFault::NotATree);
            }
            let Some(offset) = network.offset() else { continue };
            if let Entry::Vacant(entry) = by_offset.entry(offset) {
                // At most one row a leaf, and node counts are 32 bits wide.
                entry.insert(rows.len() as u32);
                rows.push(decode(&network)?);
            }
        }
        Ok(Self { reader, rows, by_offset })
    }

    fn look_up(&self, address: IpAddr) -> Option<&Row> {
        // A v6 address in a v4 tree is the one error left: nothing is known of it.
        let offset = self.reader.lookup(canonical_address(address)).ok()?.offset()?;
        self.rows.get(*self.by_offset.get(&offset)? as usize)
    }
}

impl<Row> std::fmt::Debug for Tree<Row> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree({} records)", self.rows.len())
    }
}

/// Spreads record offsets. They are ours, not an attacker's, so speed is all that is asked.
#[derive(Default)]
struct OffsetHasher(u64);

impl Hasher for OffsetHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(*byte as usize);
        }
    }

    fn write_usize(&mut self, value: usize) {
        // Fibonacci hashing; the upper half is folded down because tables use both ends.
        let product = (self.0 ^ value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }
}

/// What is kept of a city record: 24 bytes.
#[derive(Clone, Copy, Debug)]
struct CityRow {
    country: Name,
    city: Name,
    /// Single precision is a metre, and an address is known to kilometres.
    position: Option<(f32, f32)>,
    radius_km: Option<u16>,
}

/// Both layouts in one: what a file does not have stays empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CityRecord<'a> {
    #[serde(borrow)]
    city: Option<CityName<'a>>,
    #[serde(borrow)]
    country: Country<'a>,
    country_code: Option<&'a str>,
    location: Location,
    latitude: Option<Coordinate>,
    longitude: Option<Coordinate>,
}

/// `{"names": {"en": ...}}` or the name itself.
#[derive(Deserialize)]
#[serde(untagged)]
enum CityName<'a> {
    Flat(#[serde(borrow)] &'a str),
    Nested {
        #[serde(borrow, default)]
        names: EnglishName<'a>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnglishName<'a> {
    en: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Country<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
    accuracy_radius: Option<u16>,
}

/// The flat layout has floats, and some files of it texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Coordinate {
    Number(f64),
    Single(f32),
    Text(String),
}

impl Coordinate {
    fn degrees(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Single(value) => Some(f64::from(*value)),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AsnRecord {
    autonomous_system_number: Option<u32>,
}

impl CityRecord<'_> {
    fn into_row(self, names: &mut Names) -> CityRow {
        let city = match self.city {
            Some(CityName::Flat(name)) => Some(name),
            Some(CityName::Nested { names }) => names.en,
            None => None,
        };
        let flat = |value: Option<Coordinate>| value.and_then(|value| value.degrees());
        let lat = self.location.latitude.or_else(|| flat(self.latitude));
        let lon = self.location.longitude.or_else(|| flat(self.longitude));
        let on_earth = |(lat, lon): &(f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
        CityRow {
            country: names.intern(self.country_code.or(self.country.iso_code).unwrap_or("")),
            city: names.intern(city.unwrap_or("")),
            position: lat.zip(lon).filter(on_earth).map(|(lat, lon)| (lat as f32, lon as f32)),
            radius_km: self.location.accuracy_radius,
        }
    }
}
