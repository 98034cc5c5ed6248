//! One form for each address of the internet, however it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The prefix under which translators show v4 addresses as v6 ones (RFC 6052, section 2.1).
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];
/// Bits of a v6 address before the v4 address in it.
const BEFORE_V4: u8 = 96;

/// The address itself: a v4 address that is written as v6, mapped (`::ffff:192.0.2.1`, RFC 4291) or
/// translated (`64:ff9b::192.0.2.1`, RFC 6052), is the v4 address.
pub fn canonical_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => translated(v6).map_or(address, IpAddr::V4),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The same of a network, by its first address and the bits that count.
pub fn canonical_network(address: IpAddr, bits: u8) -> (IpAddr, u8) {
    match (address, canonical_address(address)) {
        (IpAddr::V6(_), v4 @ IpAddr::V4(_)) if bits >= BEFORE_V4 => (v4, bits - BEFORE_V4),
        _ => (address, bits),
    }
}

fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [before @ .., high, low] = address.segments();
    let v4 = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    (before == NAT64).then_some(v4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_v4_address_is_one_however_it_is_written() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("64:ff9b::192.0.2.1", "192.0.2.1"),
            ("64:ff9b::c000:201", "192.0.2.1"),
            // A local translator's, the beginning of 6to4, and others are what they are.
            ("64:ff9b:1::c000:201", "64:ff9b:1::c000:201"),
            ("2002:c000:201::1", "2002:c000:201::1"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            let [text, expected] = [text, expected].map(|text| text.parse::<IpAddr>().unwrap());
            assert_eq!(canonical_address(text), expected, "{text}");
        }
        let network = |text: &str, bits| canonical_network(text.parse().unwrap(), bits);
        assert_eq!(network("64:ff9b::192.0.2.0", 120), network("192.0.2.0", 24));
        assert_eq!(network("::ffff:192.0.2.0", 120), network("192.0.2.0", 24));
        let all = network("64:ff9b::", 64);
        assert_eq!(all, ("64:ff9b::".parse().unwrap(), 64));
    }
}
