//! The network path: the address's entities, its place, its owner and its use.

use std::net::IpAddr;

use super::datum::Degrees;
use super::{NetworkFlags, Tables, TokenKeys};
use crate::domain::{EntityKind, Fact, Facts, Input, MissingTables, Network, canonical_address};

/// The network's entities and facts; returns the place of the address.
pub(super) fn network(
    network: &Network<'_>,
    tables: &Tables,
    keys: &TokenKeys,
    input: &mut Input,
) -> Option<Degrees> {
    if let Some(kind) = &network.kind {
        super::set_text(&mut input.facts, Fact::NetworkType, kind);
    }
    if let Some(carrier) = &network.carrier {
        super::set_text(&mut input.facts, Fact::NetworkCarrier, carrier);
    }
    input.facts.set_bool(Fact::IpPresent, network.ip.is_some());
    let address = canonical_address(*network.ip.as_ref()?.expose());
    if is_nobody(address) {
        input.placeholders.add("network.ip");
        input.facts.set_bool(Fact::IpPrivate, true);
        return None;
    }
    input.tokens.set(EntityKind::Ip, keys.ip(address));
    input.tokens.set(EntityKind::IpPrefix, keys.ip_prefix(address));
    input.subnet = keys.subnet(address);
    let private = is_private(address);
    input.facts.set_bool(Fact::IpPrivate, private);
    if private {
        // No database knows it, and a list that names it would speak of somebody else's.
        return None;
    }
    usage(address, tables, input);
    owner(address, tables, input);
    place(address, tables, input)
}

fn usage(address: IpAddr, tables: &Tables, input: &mut Input) {
    let Some(networks) = &tables.networks else {
        input.missing.add(MissingTables::NETWORKS);
        return;
    };
    let flags = networks.table.look_up(address);
    for (fact, flag) in [
        (Fact::IpHosting, NetworkFlags::HOSTING),
        (Fact::IpProxy, NetworkFlags::PROXY),
        (Fact::IpVpn, NetworkFlags::VPN),
        (Fact::IpTor, NetworkFlags::TOR),
        (Fact::IpMobile, NetworkFlags::MOBILE),
        (Fact::IpCgnat, NetworkFlags::CGNAT),
    ] {
        input.facts.set_bool(fact, flags.has(flag));
    }
}

fn owner(address: IpAddr, tables: &Tables, input: &mut Input) {
    match &tables.asn {
        Some(asn) => {
            if let Some(number) = asn.table.look_up(address) {
                input.facts.set_int(Fact::IpAsn, i64::from(number));
            }
        }
        None => input.missing.add(MissingTables::ASN),
    }
}

fn place(address: IpAddr, tables: &Tables, input: &mut Input) -> Option<Degrees> {
    let Some(geo) = &tables.geo else {
        input.missing.add(MissingTables::GEO);
        return None;
    };
    let place = geo.table.look_up(address)?;
    let set = |facts: &mut Facts, fact, text: Option<&str>| {
        if let Some(text) = text {
            facts.set_text(fact, text);
        }
    };
    set(&mut input.facts, Fact::IpCountry, place.country);
    set(&mut input.facts, Fact::IpCity, place.city);
    if let Some(radius) = place.radius_km {
        input.facts.set_int(Fact::IpRadiusKm, i64::from(radius));
    }
    place.position.map(|(lat, lon)| Degrees { lat, lon })
}

/// Whether an address is what a failed look for one gives: nobody's own, and everybody's.
const fn is_nobody(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_loopback() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_loopback(),
    }
}

/// Whether an address says nothing about a place on the internet: private, loopback, link-local.
///
/// Carrier-grade NAT (100.64.0.0/10) is not: a gateway inside a carrier's network sees it, and
/// its databases and lists may know it.
const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edges of the ranges that are not on the internet.
    #[test]
    fn private_ranges_end_where_they_should() {
        for (address, expected) in [
            ("10.0.0.1", true),
            ("172.15.255.255", false),
            ("172.31.255.255", true),
            ("192.168.0.1", true),
            ("127.0.0.1", true),
            ("169.254.1.1", true),
            ("100.64.0.0", false),
            ("0.0.0.0", true),
            ("240.0.0.1", false),
            ("81.2.69.142", false),
            ("::1", true),
            ("fc00::1", true),
            ("fe80::1", true),
            ("2001:250::1", false),
        ] {
            assert_eq!(is_private(address.parse().unwrap()), expected, "{address}");
        }
    }
}
