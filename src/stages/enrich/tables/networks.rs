//! What networks are used for: sorted ranges of addresses, each with the flags of every list
//! that names it.

use std::net::IpAddr;

use crate::domain::{canonical_address, canonical_network};

/// Flags of a network, one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NetworkFlags(u8);

impl NetworkFlags {
    /// A hosting provider's.
    pub const HOSTING: Self = Self(1);
    /// A public proxy.
    pub const PROXY: Self = Self(1 << 1);
    /// A VPN exit.
    pub const VPN: Self = Self(1 << 2);
    /// A Tor exit.
    pub const TOR: Self = Self(1 << 3);
    /// A mobile carrier's.
    pub const MOBILE: Self = Self(1 << 4);
    /// Shared by many subscribers.
    pub const CGNAT: Self = Self(1 << 5);

    /// Each flag with its name in the list's file.
    pub const NAMED: [(&'static str, Self); 6] = [
        ("hosting", Self::HOSTING),
        ("proxy", Self::PROXY),
        ("vpn", Self::VPN),
        ("tor", Self::TOR),
        ("mobile", Self::MOBILE),
        ("cgnat", Self::CGNAT),
    ];

    /// The flag with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, flag)| *flag)
    }

    /// Whether all bits of `flag` are set.
    pub const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }

    /// Both sets of flags.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Collects networks in any order.
#[derive(Debug, Default)]
pub struct NetworkListBuilder {
    v4: Vec<(u32, u32, NetworkFlags)>,
    v6: Vec<(u128, u128, NetworkFlags)>,
}

impl NetworkListBuilder {
    /// Adds a network; host bits of `address` are ignored, and so is a prefix past the address.
    pub fn add(&mut self, address: IpAddr, prefix: u8, flags: NetworkFlags) {
        match canonical_network(address, prefix) {
            (IpAddr::V4(v4), prefix) => {
                let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                let first = u32::from(v4) & !hosts;
                self.v4.push((first, first | hosts, flags));
            }
            (IpAddr::V6(v6), prefix) => {
                let hosts = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                let first = u128::from(v6) & !hosts;
                self.v6.push((first, first | hosts, flags));
            }
        }
    }

    /// Sorts and splits what was collected into disjoint ranges.
    pub fn finish(self) -> NetworkList {
        NetworkList { v4: flatten(self.v4), v6: flatten(self.v6) }
    }
}

/// Flags by address.
#[derive(Debug, Default)]
pub struct NetworkList {
    /// From each address on, up to the next, these flags hold. Sorted.
    v4: Vec<(u32, NetworkFlags)>,
    v6: Vec<(u128, NetworkFlags)>,
}

impl NetworkList {
    /// The flags of an address: of every network that holds it.
    pub fn look_up(&self, address: IpAddr) -> NetworkFlags {
        match canonical_address(address) {
            IpAddr::V4(v4) => at(&self.v4, u32::from(v4)),
            IpAddr::V6(v6) => at(&self.v6, u128::from(v6)),
        }
    }
}

fn at<A: Copy + Ord>(steps: &[(A, NetworkFlags)], address: A) -> NetworkFlags {
    let after = steps.partition_point(|(from, _)| *from <= address);
    after
        .checked_sub(1)
        .and_then(|last| steps.get(last))
        .map_or(NetworkFlags::default(), |(_, flags)| *flags)
}

/// An address as a number, with the one after it.
trait Address: Copy + Ord {
    fn after(self) -> Option<Self>;
}

impl Address for u32 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Address for u128 {
    fn after(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// Overlapping ranges to disjoint steps: flags hold from an address on until the next step.
fn flatten<A: Address>(ranges: Vec<(A, A, NetworkFlags)>) -> Vec<(A, NetworkFlags)> {
    // Each range is a rise of its flags' counts at its first address and a fall after its last.
    let mut edges: Vec<(A, i64, NetworkFlags)> = Vec::with_capacity(ranges.len() * 2);
    for (first, last, flags) in ranges {
        edges.push((first, 1, flags));
        if let Some(after) = last.after() {
            edges.push((after, -1, flags));
        }
    }
    edges.sort_unstable_by_key(|(address, ..)| *address);
    let mut counts = [0_i64; u8::BITS as usize];
    let mut steps: Vec<(A, NetworkFlags)> = Vec::new();
    let mut edges = edges.into_iter().peekable();
    while let Some((address, change, flags)) = edges.next() {
        for (bit, count) in counts.iter_mut().enumerate() {
            *count += change * i64::from(flags.0 >> bit & 1);
        }
        if edges.peek().is_some_and(|(next, ..)| *next == address) {
            continue;
        }
        let now = counts
            .iter()
            .enumerate()
            .fold(0, |now, (bit, count)| now | u8::from(*count > 0) << bit);
        let before = steps.last().map_or(NetworkFlags::default(), |(_, flags)| *flags);
        if before != NetworkFlags(now) {
            steps.push((address, NetworkFlags(now)));
        }
    }
    steps.shrink_to_fit();
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flags_of(builder: NetworkListBuilder, address: &str) -> NetworkFlags {
        builder.finish().look_up(address.parse().unwrap())
    }

    /// The first and the last address of a network are in it, their neighbours are not, also at
    /// the ends of the address space.
    #[test]
    fn a_network_ends_at_its_edges() {
        let list = || {
            let mut list = NetworkListBuilder::default();
            list.add("10.1.2.3".parse().unwrap(), 24, NetworkFlags::VPN);
            list.add("255.255.255.0".parse().unwrap(), 24, NetworkFlags::TOR);
            list.add("0.0.0.0".parse().unwrap(), 32, NetworkFlags::PROXY);
            list.add("2001:db8::".parse().unwrap(), 32, NetworkFlags::HOSTING);
            list
        };
        for (address, expected) in [
            ("10.1.1.255", NetworkFlags::default()),
            ("10.1.2.0", NetworkFlags::VPN),
            ("10.1.2.255", NetworkFlags::VPN),
            ("::ffff:10.1.2.255", NetworkFlags::VPN),
            ("10.1.3.0", NetworkFlags::default()),
            ("255.255.255.255", NetworkFlags::TOR),
            ("0.0.0.0", NetworkFlags::PROXY),
            ("0.0.0.1", NetworkFlags::default()),
            ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", NetworkFlags::HOSTING),
            ("2001:db9::", NetworkFlags::default()),
        ] {
            assert_eq!(flags_of(list(), address), expected, "{address}");
        }
    }

    proptest! {
        /// Overlapping networks of several lists: each address has the flags of all that hold it.
        #[test]
        fn flags_are_those_of_all_networks(
            networks in prop::collection::vec((0_u32..64, 24_u8..=32, 0_usize..6), 0..30),
            probe in 0_u32..64,
        ) {
            // A small corner of the address space, so that networks do overlap.
            let base = 0xc000_0200_u32;
            let mut list = NetworkListBuilder::default();
            let mut expected = NetworkFlags::default();
            for (host, prefix, flag) in networks {
                let flag = NetworkFlags::NAMED[flag].1;
                list.add(IpAddr::V4((base + host).into()), prefix, flag);
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                if (base + host) & mask == (base + probe) & mask {
                    expected = expected.or(flag);
                }
            }
            let address = IpAddr::V4((base + probe).into());
            prop_assert_eq!(list.finish().look_up(address), expected);
        }
    }

    /// Networks of v6 are as long as v6: a provider's /32 is no single host. Those of v4 addresses
    /// written as v6 are found under the addresses.
    #[test]
    fn networks_of_both_families_are_as_wide_as_they_say() {
        let mut list = NetworkListBuilder::default();
        for (network, prefix, flag) in [
            ("2001:db8::", 32, NetworkFlags::VPN),
            ("::ffff:192.0.2.0", 120, NetworkFlags::TOR),
            ("::ffff:198.51.100.7", 128, NetworkFlags::PROXY),
        ] {
            list.add(network.parse().unwrap(), prefix, flag);
        }
        let list = list.finish();
        for (address, expected) in [
            ("2001:db8:ffff:ffff::1", NetworkFlags::VPN),
            ("2001:db9::", NetworkFlags::default()),
            ("192.0.2.255", NetworkFlags::TOR),
            ("::ffff:192.0.2.1", NetworkFlags::TOR),
            ("192.0.3.0", NetworkFlags::default()),
            ("198.51.100.7", NetworkFlags::PROXY),
            ("198.51.100.8", NetworkFlags::default()),
        ] {
            assert_eq!(list.look_up(address.parse().unwrap()), expected, "{address}");
        }
    }
}
