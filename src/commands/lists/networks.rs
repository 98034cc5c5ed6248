//! Networks of any length, as what an event can be asked for: it carries the tokens of its address and
//! of the /24 (v4), or the /48 and the /64 (v6) around it. A network is the nearest of these that are not
//! shorter: a v4 /16 its /24s, a v6 /56 its /64s, a longer one its addresses.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::canonical_network;

/// A network comes to at most so many entries: 2 to the power of this.
const PARTS_BITS: u8 = 16;
/// What is said of a network that comes to more.
const TOO_MANY: &str = "a network of v4 is /8 or longer, one of v6 is /32 to /64, or /112 or longer: others come to \
                        more than 65,536 entries";

/// The parts of a network, as texts that stand for one entry each. What is no network is its own part:
/// whoever makes the token says what is wrong with it.
pub(super) fn parts(text: &str) -> Result<Vec<String>, String> {
    let Some((address, bits)) = network(text) else { return Ok(vec![text.to_owned()]) };
    let size = sizes(address).iter().copied().find(|size| bits <= *size).unwrap_or(bits);
    let free = size - bits;
    if free > PARTS_BITS {
        return Err(TOO_MANY.to_owned());
    }
    let part = |number: u32| {
        let mut part = String::new();
        // Writing to memory cannot fail. The sum stays within the network: its low bits are free.
        let _ = match address {
            IpAddr::V4(v4) => {
                let first = high_bits(u128::from(v4.to_bits()) << 96, bits) >> 96;
                let at = first | u128::from(number) << (32 - size);
                write!(part, "{}/{size}", Ipv4Addr::from_bits(at as u32))
            }
            IpAddr::V6(v6) => {
                let at = high_bits(v6.to_bits(), bits) | u128::from(number) << (128 - size);
                write!(part, "{}/{size}", Ipv6Addr::from_bits(at))
            }
        };
        part
    };
    Ok((0..1 << free).map(part).collect())
}

/// The entries that would hold an address: its own and those around it.
pub(super) fn around(text: &str) -> Vec<String> {
    match network(text) {
        Some((address, bits)) if sizes(address).last() == Some(&bits) => {
            sizes(address).iter().rev().map(|size| format!("{address}/{size}")).collect()
        }
        _ => vec![text.to_owned()],
    }
}

/// The lengths of the networks around an address whose tokens an event carries, and its own.
const fn sizes(address: IpAddr) -> &'static [u8] {
    match address {
        IpAddr::V4(_) => &[24, 32],
        IpAddr::V6(_) => &[48, 64, 128],
    }
}

/// An address with the bits that count, all of them where no length is given.
fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let address: IpAddr = address.trim().parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let bits =
        bits.map_or(Some(whole), |bits| bits.trim().parse().ok().filter(|bits| *bits <= whole))?;
    Some(canonical_network(address, bits))
}

/// The first bits, the rest zero.
const fn high_bits(address: u128, bits: u8) -> u128 {
    if bits == 0 { 0 } else { address >> (128 - bits) << (128 - bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts are the network, no more and no less: the first, the last, and how many.
    #[test]
    fn a_network_is_its_parts() {
        for (text, count, first, last) in [
            ("81.2.69.0/24", 1, "81.2.69.0/24", "81.2.69.0/24"),
            ("81.2.0.0/16", 256, "81.2.0.0/24", "81.2.255.0/24"),
            ("81.2.3.4/23", 2, "81.2.2.0/24", "81.2.3.0/24"),
            ("81.0.0.0/8", 65_536, "81.0.0.0/24", "81.255.255.0/24"),
            ("81.2.69.160/28", 16, "81.2.69.160/32", "81.2.69.175/32"),
            ("81.2.69.128/25", 128, "81.2.69.128/32", "81.2.69.255/32"),
            ("81.2.69.160/32", 1, "81.2.69.160/32", "81.2.69.160/32"),
            ("81.2.69.160", 1, "81.2.69.160/32", "81.2.69.160/32"),
            ("::ffff:81.2.69.0/120", 1, "81.2.69.0/24", "81.2.69.0/24"),
            ("64:ff9b::81.2.69.160", 1, "81.2.69.160/32", "81.2.69.160/32"),
            ("2001:db8::/48", 1, "2001:db8::/48", "2001:db8::/48"),
            ("2001:db8::/47", 2, "2001:db8::/48", "2001:db8:1::/48"),
            ("2001:db8::/32", 65_536, "2001:db8::/48", "2001:db8:ffff::/48"),
            ("2001:db8::/64", 1, "2001:db8::/64", "2001:db8::/64"),
            ("2001:db8:0:5600::/56", 256, "2001:db8:0:5600::/64", "2001:db8:0:56ff::/64"),
            ("2001:db8::/49", 32_768, "2001:db8::/64", "2001:db8:0:7fff::/64"),
            ("2001:db8::/112", 65_536, "2001:db8::/128", "2001:db8::ffff/128"),
            ("2001:db8::8/126", 4, "2001:db8::8/128", "2001:db8::b/128"),
        ] {
            let parts = parts(text).unwrap();
            let (start, end) = (parts.first().unwrap(), parts.last().unwrap());
            assert_eq!((parts.len(), &**start, &**end), (count, first, last), "{text}");
        }
        for text in ["0.0.0.0/0", "81.0.0.0/7", "2001:db8::/31", "2001:db8::/65", "2001:db8::/111"]
        {
            assert!(parts(text).is_err(), "{text}");
        }
        for text in ["81.2.69.0/33", "81.2.69", "81.2.69.0/", "2001:db8::/129", "v1:00", ""] {
            assert_eq!(parts(text).unwrap(), [text], "{text}");
        }
    }

    #[test]
    fn an_address_is_held_by_itself_and_what_is_around_it() {
        assert_eq!(around("81.2.69.160"), ["81.2.69.160/32", "81.2.69.160/24"]);
        assert_eq!(around("2001:db8::8"), ["2001:db8::8/128", "2001:db8::8/64", "2001:db8::8/48"]);
        assert_eq!(around("81.2.69.0/24"), ["81.2.69.0/24"]);
    }
}
