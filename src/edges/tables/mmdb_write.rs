//! A small writer of the MaxMind DB format, version 2, for the demo and for tests.
//!
//! The tree is binary over the bits of a v6 address; v4 networks stand below `::/96`, where
//! readers look for them. Records are written once and shared. Specification: the "MaxMind DB
//! File Format Specification" 2.0.

use std::collections::HashMap;
use std::net::IpAddr;

use super::lists::cidr;

/// Bits of one record of the tree: a wider one carries more nodes and data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RecordSize {
    /// Up to 16 million nodes and bytes of data.
    Bits24,
    /// Up to 268 million.
    Bits28,
    /// Up to 4,294 million.
    Bits32,
}

impl RecordSize {
    const fn bits(self) -> u32 {
        match self {
            Self::Bits24 => 24,
            Self::Bits28 => 28,
            Self::Bits32 => 32,
        }
    }
}

/// Why a database could not be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WriteFault {
    /// A network is not an address with a prefix.
    #[error("network {number} is not an address with a prefix that fits it")]
    NotANetwork {
        /// Counted from 1.
        number: usize,
    },
    /// The records are too narrow for so many nodes and so much data.
    #[error("too many networks for the record size")]
    TooLarge,
}

/// A network of a city database.
#[derive(Clone, Debug, PartialEq)]
pub struct CityBlock<'a> {
    /// `192.0.2.0/24`.
    pub cidr: &'a str,
    /// ISO 3166 code.
    pub country: &'a str,
    /// City.
    pub city: &'a str,
    /// WGS-84 latitude in degrees.
    pub lat: f64,
    /// WGS-84 longitude in degrees.
    pub lon: f64,
    /// Uncertainty in kilometres.
    pub radius_km: u16,
}

/// A network of an autonomous-system database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AsnBlock<'a> {
    /// `192.0.2.0/24`.
    pub cidr: &'a str,
    /// Autonomous system number.
    pub asn: u32,
    /// Its operator.
    pub organization: &'a str,
}

/// A city database in MaxMind's nested layout.
pub fn city_db<'a>(blocks: impl IntoIterator<Item = CityBlock<'a>>) -> Result<Vec<u8>, WriteFault> {
    let mut writer = Writer::new("Tidegate-City");
    for block in blocks {
        let mut record = Vec::with_capacity(128);
        put_map(3, &mut record);
        put_text("city", &mut record);
        put_map(1, &mut record);
        put_text("names", &mut record);
        put_map(1, &mut record);
        put_text("en", &mut record);
        put_text(block.city, &mut record);
        put_text("country", &mut record);
        put_map(1, &mut record);
        put_text("iso_code", &mut record);
        put_text(block.country, &mut record);
        put_text("location", &mut record);
        put_map(3, &mut record);
        put_text("accuracy_radius", &mut record);
        put_number(TYPE_U16, u32::from(block.radius_km), &mut record);
        put_text("latitude", &mut record);
        put_double(block.lat, &mut record);
        put_text("longitude", &mut record);
        put_double(block.lon, &mut record);
        writer.add(block.cidr, record)?;
    }
    writer.finish(RecordSize::Bits28)
}

/// An autonomous-system database.
pub fn asn_db<'a>(blocks: impl IntoIterator<Item = AsnBlock<'a>>) -> Result<Vec<u8>, WriteFault> {
    let mut writer = Writer::new("Tidegate-ASN");
    for block in blocks {
        let mut record = Vec::with_capacity(96);
        put_map(2, &mut record);
        put_text("autonomous_system_number", &mut record);
        put_number(TYPE_U32, block.asn, &mut record);
        put_text("autonomous_system_organization", &mut record);
        put_text(block.organization, &mut record);
        writer.add(block.cidr, record)?;
    }
    writer.finish(RecordSize::Bits24)
}

/// Where a bit of an address leads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Branch {
    Nothing,
    Node(u32),
    /// Offset in the data section.
    Data(u32),
}

/// Collects networks and their records. Of two networks that hold an address, the one added later
/// wins; add wide ones first.
struct Writer {
    kind: &'static str,
    nodes: Vec<[Branch; 2]>,
    data: Vec<u8>,
    offsets: HashMap<Vec<u8>, u32>,
    networks: usize,
}

impl Writer {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            nodes: vec![[Branch::Nothing; 2]],
            data: Vec::new(),
            offsets: HashMap::new(),
            networks: 0,
        }
    }

    /// Adds a network with its encoded record.
    fn add(&mut self, network: &str, record: Vec<u8>) -> Result<(), WriteFault> {
        self.networks += 1;
        let number = self.networks;
        let (address, prefix) = cidr(network).ok_or(WriteFault::NotANetwork { number })?;
        let (bits, length) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), u32::from(prefix) + 96),
            IpAddr::V6(v6) => (u128::from(v6), u32::from(prefix)),
        };
        if length == 0 {
            // The root is a node, so the widest networks are its two halves.
            let data = self.offset_of(record)?;
            self.nodes = vec![[Branch::Data(data); 2]];
            return Ok(());
        }
        let data = self.offset_of(record)?;
        let mut node = 0;
        for depth in 0..length - 1 {
            node = self.child(node, bit(bits, depth))?;
        }
        *self.branch(node, bit(bits, length - 1)) = Branch::Data(data);
        Ok(())
    }

    /// The node below a branch; a wider network there is split in two.
    fn child(&mut self, node: u32, side: usize) -> Result<u32, WriteFault> {
        match *self.branch(node, side) {
            Branch::Node(child) => Ok(child),
            leaf => {
                let child = u32::try_from(self.nodes.len()).map_err(|_| WriteFault::TooLarge)?;
                self.nodes.push([leaf; 2]);
                *self.branch(node, side) = Branch::Node(child);
                Ok(child)
            }
        }
    }

    fn branch(&mut self, node: u32, side: usize) -> &mut Branch {
        // Nodes are numbered by their place, and a bit is 0 or 1.
        &mut self.nodes[node as usize][side]
    }

    fn offset_of(&mut self, record: Vec<u8>) -> Result<u32, WriteFault> {
        if let Some(offset) = self.offsets.get(&record) {
            return Ok(*offset);
        }
        let offset = u32::try_from(self.data.len()).map_err(|_| WriteFault::TooLarge)?;
        self.data.extend_from_slice(&record);
        self.offsets.insert(record, offset);
        Ok(offset)
    }

    fn finish(self, size: RecordSize) -> Result<Vec<u8>, WriteFault> {
        let node_count = self.nodes.len() as u64;
        let largest = node_count + SEPARATOR.len() as u64 + self.data.len() as u64;
        if largest >= 1 << size.bits() {
            return Err(WriteFault::TooLarge);
        }
        // Every value is below `largest`, which fits a record and so 32 bits.
        let node_count = node_count as u32;
        let value = |branch| match branch {
            Branch::Nothing => node_count,
            Branch::Node(node) => node,
            Branch::Data(offset) => node_count + SEPARATOR.len() as u32 + offset,
        };
        let mut out = Vec::new();
        for [left, right] in &self.nodes {
            put_node(size, value(*left), value(*right), &mut out);
        }
        out.extend_from_slice(&SEPARATOR);
        out.extend_from_slice(&self.data);
        put_metadata(self.kind, node_count, size, &mut out);
        Ok(out)
    }
}

const SEPARATOR: [u8; 16] = [0; 16];

/// The bit of an address at a depth, the highest first.
const fn bit(bits: u128, depth: u32) -> usize {
    (bits >> (127 - depth) & 1) as usize
}

fn put_node(size: RecordSize, left: u32, right: u32, out: &mut Vec<u8>) {
    let ([l3, l2, l1, l0], [r3, r2, r1, r0]) = (left.to_be_bytes(), right.to_be_bytes());
    match size {
        RecordSize::Bits24 => out.extend_from_slice(&[l2, l1, l0, r2, r1, r0]),
        // The middle byte carries the highest four bits of both.
        RecordSize::Bits28 => out.extend_from_slice(&[l2, l1, l0, l3 << 4 | r3, r2, r1, r0]),
        RecordSize::Bits32 => out.extend_from_slice(&[l3, l2, l1, l0, r3, r2, r1, r0]),
    }
}

fn put_metadata(kind: &str, node_count: u32, size: RecordSize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    put_map(9, out);
    for (name, number) in
        [("binary_format_major_version", 2), ("binary_format_minor_version", 0), ("ip_version", 6)]
    {
        put_text(name, out);
        put_number(TYPE_U16, number, out);
    }
    put_text("record_size", out);
    put_number(TYPE_U16, size.bits(), out);
    put_text("node_count", out);
    put_number(TYPE_U32, node_count, out);
    put_text("build_epoch", out);
    put_number(TYPE_U64, 0, out);
    put_text("database_type", out);
    put_text(kind, out);
    put_text("languages", out);
    put_control(TYPE_ARRAY, 1, out);
    put_text("en", out);
    put_text("description", out);
    put_map(1, out);
    put_text("en", out);
    put_text("Written by Tidegate for its demo and its tests", out);
}

const TYPE_TEXT: u8 = 2;
const TYPE_DOUBLE: u8 = 3;
const TYPE_U16: u8 = 5;
const TYPE_U32: u8 = 6;
const TYPE_MAP: u8 = 7;
const TYPE_U64: u8 = 9;
const TYPE_ARRAY: u8 = 11;

/// A value's type and size; sizes up to 65,820 are all that is written here.
fn put_control(kind: u8, size: usize, out: &mut Vec<u8>) {
    // Types above 7 are "extended": zero in the first byte, the rest in the next.
    let (high, extended) = if kind > 7 { (0, Some(kind - 7)) } else { (kind << 5, None) };
    let (low, more): (u8, &[u8]) = match size {
        0..29 => (size as u8, &[]),
        29..285 => (29, &[(size - 29) as u8]),
        _ => (30, &((size - 285) as u16).to_be_bytes()),
    };
    out.push(high | low);
    out.extend(extended);
    out.extend_from_slice(more);
}

fn put_map(pairs: usize, out: &mut Vec<u8>) {
    put_control(TYPE_MAP, pairs, out);
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    // A name longer than the size field is cut; at a character, or a reader would refuse it.
    let mut end = text.len().min(65_000);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    put_control(TYPE_TEXT, end, out);
    out.extend_from_slice(&text.as_bytes()[..end]);
}

/// An unsigned number without its leading zero bytes.
fn put_number(kind: u8, value: u32, out: &mut Vec<u8>) {
    let bytes = value.to_be_bytes();
    let zeros = value.leading_zeros() as usize / 8;
    put_control(kind, 4 - zeros, out);
    out.extend_from_slice(&bytes[zeros..]);
}

fn put_double(value: f64, out: &mut Vec<u8>) {
    put_control(TYPE_DOUBLE, 8, out);
    out.extend_from_slice(&value.to_be_bytes());
}

#[cfg(test)]
mod tests;
