//! High-risk hosts (R8): a listed host speaks for every host below it.

use std::collections::HashMap;

use super::{Name, Names};

/// Listed hosts, each with its reason.
#[derive(Debug, Default)]
pub struct HostList {
    reasons: HashMap<Box<str>, Name>,
    names: Names,
}

impl HostList {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host in lower case without a final dot. `false` when it is already there.
    pub fn add(&mut self, host: &str, reason: &str) -> bool {
        let reason = self.names.intern(reason);
        self.reasons.insert(host.into(), reason).is_none()
    }

    /// Gives the memory of loading back.
    pub fn seal(&mut self) {
        self.names.seal();
    }

    /// The reason of the nearest listed host: of `host` itself, else of the host it belongs to.
    /// `Some("")` is a listing without a reason.
    pub fn look_up(&self, host: &str) -> Option<&str> {
        let mut rest = host.strip_suffix('.').unwrap_or(host);
        loop {
            if let Some(reason) = self.reasons.get(rest) {
                return Some(self.names.get(*reason).unwrap_or(""));
            }
            rest = rest.split_once('.')?.1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A phishing site has as many subdomains as it likes; a name that only ends alike is another.
    #[test]
    fn a_listed_host_speaks_for_those_below_it() {
        let mut list = HostList::new();
        assert!(list.add("bad.example", "phishing"));
        assert!(list.add("pay.good.example", "malware"));
        assert!(!list.add("bad.example", "again"));
        list.seal();
        for (host, expected) in [
            ("bad.example", Some("again")),
            ("bad.example.", Some("again")),
            ("login.pay.bad.example", Some("again")),
            ("notbad.example", None),
            ("good.example", None),
            ("x.pay.good.example", Some("malware")),
            ("", None),
        ] {
            assert_eq!(list.look_up(host), expected, "{host}");
        }
    }
}
