//! What is written is read back by the format's own reader, whatever the networks; and no broken
//! file gets past the door or brings the process down.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use maxminddb::Reader;
use proptest::prelude::*;

use super::*;
use crate::stages::enrich::{AsnDb, GeoDb, GeoFault};

const LONDON: CityBlock<'_> = CityBlock {
    cidr: "81.2.69.0/24",
    country: "GB",
    city: "London",
    lat: 51.5142,
    lon: -0.0931,
    radius_km: 100,
};

fn changchun() -> CityBlock<'static> {
    let (country, city) = ("CN", "Changchun");
    CityBlock { cidr: "2001:250::/32", country, city, lat: 43.88, lon: 125.3228, radius_km: 100 }
}

/// A place is found by v4, by v4 written as v6, and by v6; beside it there is nothing.
#[test]
fn places_are_found_by_address() {
    let db = GeoDb::read(city_db([LONDON, changchun()]).unwrap()).unwrap();
    let check = |address: &str, expected: Option<&str>| {
        let place = db.look_up(address.parse().unwrap());
        assert_eq!(place.and_then(|place| place.city), expected, "{address}");
    };
    check("81.2.69.142", Some("London"));
    check("::ffff:81.2.69.142", Some("London"));
    check("81.2.70.1", None);
    check("2001:250::1", Some("Changchun"));
    check("2001:251::1", None);
    let place = db.look_up("2001:250::1".parse().unwrap()).unwrap();
    assert_eq!((place.country, place.radius_km), (Some("CN"), Some(100)));
    let (lat, lon) = place.position.unwrap();
    assert!((lat - 43.88).abs() < 1e-5 && (lon - 125.3228).abs() < 1e-5);
}

/// The free databases have names and codes at the top of the record, and numbers in single or
/// double precision, or as text.
#[test]
fn the_flat_layout_is_read_too() {
    type PutDegrees = fn(f64, &mut Vec<u8>);
    let text: PutDegrees = |value, out| put_text(&value.to_string(), out);
    let single: PutDegrees = |value, out| {
        put_control(15, 4, out);
        out.extend_from_slice(&(value as f32).to_be_bytes());
    };
    for put_degrees in [put_double as PutDegrees, text, single] {
        let mut record = Vec::new();
        put_map(4, &mut record);
        put_text("city", &mut record);
        put_text("Harbin", &mut record);
        put_text("country_code", &mut record);
        put_text("CN", &mut record);
        for (name, degrees) in [("latitude", 45.75), ("longitude", 126.625)] {
            put_text(name, &mut record);
            put_degrees(degrees, &mut record);
        }
        let mut writer = Writer::new("flat");
        writer.add("1.2.3.0/24", record).unwrap();
        let db = GeoDb::read(writer.finish(RecordSize::Bits24).unwrap()).unwrap();
        let place = db.look_up("1.2.3.4".parse().unwrap()).unwrap();
        assert_eq!((place.city, place.country), (Some("Harbin"), Some("CN")));
        assert_eq!(place.position, Some((45.75, 126.625)));
    }
}

/// A database of another type is refused: it would be silent on every address.
#[test]
fn a_database_of_another_type_is_refused() {
    let asn = || asn_db([AsnBlock { cidr: "1.0.0.0/24", asn: 15_169, organization: "G" }]).unwrap();
    assert!(matches!(GeoDb::read(asn()), Err(GeoFault::WrongType { .. })));
    assert!(matches!(AsnDb::read(city_db([LONDON]).unwrap()), Err(GeoFault::WrongType { .. })));
    let db = AsnDb::read(asn()).unwrap();
    assert_eq!(db.look_up("1.0.0.1".parse().unwrap()), Some(15_169));
    assert_eq!(db.look_up("1.0.1.1".parse().unwrap()), None);
}

/// A network that is none is refused by its number.
#[test]
fn a_network_must_be_one() {
    for cidr in ["", "1.2.3.4/33", "1.2.3/24", "::/129", "x"] {
        let blocks = [LONDON, CityBlock { cidr, ..LONDON }];
        assert_eq!(city_db(blocks), Err(WriteFault::NotANetwork { number: 2 }), "{cidr}");
    }
}

/// A tree that shares its subtrees has few nodes and more leaves than there are addresses; a
/// reader that walks it would never come back.
#[test]
fn an_endless_tree_is_refused() {
    let mut writer = Writer::new("loop");
    writer.nodes = (0..120_u32).map(|node| [Branch::Node(node + 1); 2]).collect();
    writer.nodes.push([Branch::Nothing; 2]);
    let bytes = writer.finish(RecordSize::Bits28).unwrap();
    assert!(matches!(GeoDb::read(bytes), Err(GeoFault::NotATree)));
    let mut writer = Writer::new("itself");
    writer.nodes = vec![[Branch::Node(0); 2]];
    assert!(GeoDb::read(writer.finish(RecordSize::Bits24).unwrap()).is_err());
}

fn network() -> impl Strategy<Value = (IpAddr, u8)> {
    prop_oneof![
        (any::<u32>(), 0_u8..=32).prop_map(|(bits, prefix)| {
            // A small corner, so that networks nest.
            (IpAddr::V4(Ipv4Addr::from(0x0a00_0000 | bits & 0xff)), prefix)
        }),
        (any::<u16>(), 1_u8..=128).prop_map(|(bits, prefix)| {
            (IpAddr::V6(Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(bits))), prefix)
        }),
    ]
}

/// An address as the tree sees it, and the depth of its first bit.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 96),
        IpAddr::V6(v6) => (u128::from(v6), 0),
    }
}

fn holds((network, prefix): (IpAddr, u8), address: IpAddr) -> bool {
    let ((first, depth), (probe, _)) = (bits(network), bits(address));
    (first ^ probe).checked_shr(128 - depth - u32::from(prefix)).unwrap_or(0) == 0
}

proptest! {
    /// Every address gets the record of the network added last among those that hold it, in every
    /// record size; the format's reader itself finds nothing to complain of.
    #[test]
    fn what_is_written_is_read_back(
        networks in prop::collection::vec(network(), 1..40),
        probes in prop::collection::vec(network(), 20),
    ) {
        for size in [RecordSize::Bits24, RecordSize::Bits28, RecordSize::Bits32] {
            let mut writer = Writer::new("test");
            let mut added = BTreeMap::new();
            for (number, (address, prefix)) in networks.iter().enumerate() {
                let mut record = Vec::new();
                put_map(1, &mut record);
                put_text("autonomous_system_number", &mut record);
                put_number(TYPE_U32, number as u32 + 1, &mut record);
                writer.add(&format!("{address}/{prefix}"), record).unwrap();
                added.insert(number, (*address, *prefix));
            }
            let bytes = writer.finish(size).unwrap();
            Reader::from_source(bytes.clone()).unwrap().verify().unwrap();
            let db = AsnDb::read(bytes).unwrap();
            for (address, _) in probes.iter().chain(&networks) {
                let last = added.iter().rev().find(|(_, network)| holds(**network, *address));
                let expected = last.map(|(number, _)| *number as u32 + 1);
                prop_assert_eq!(db.look_up(*address), expected, "{}", address);
            }
        }
    }

    /// Any bytes changed, any length cut: refused or read, never a panic, and what is read
    /// answers any address.
    #[test]
    fn broken_files_never_bring_us_down(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
        address in any::<u32>(),
    ) {
        let mut bytes = city_db([LONDON, changchun()]).unwrap();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(db) = GeoDb::read(bytes.clone()) {
            for address in [address, 0x5102_458e, 0, u32::MAX] {
                let _ = db.look_up(IpAddr::V4(address.into()));
            }
            let _ = db.look_up(Ipv6Addr::from(0x2001_0250_u128 << 96).into());
        }
        let _ = AsnDb::read(bytes);
    }
}
