//! The host of a URL, as a browser would see it.

use super::normalise;

/// Longest host name in DNS, with room for one final dot.
pub(super) const HOST_MAX: usize = 254;

/// The host in lower case, written into `buffer`; `None` when there is none.
///
/// A phisher writes `https://bank.example@evil.example/`, `https:\\evil.example` or a trailing dot
/// so that a careless reader sees another host.
pub(super) fn host<'b>(url: &str, buffer: &'b mut [u8; HOST_MAX]) -> Option<&'b str> {
    let url = url.trim();
    let rest = match url.split_once(':') {
        // A browser takes any run of slashes of either kind after the scheme.
        Some((scheme, rest)) if is_scheme(scheme) && rest.starts_with(['/', '\\']) => rest,
        _ => url,
    };
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host_and_port = authority.rsplit('@').next()?;
    let host = match host_and_port.strip_prefix('[') {
        // A v6 address in brackets.
        Some(v6) => v6.split(']').next()?,
        None => host_and_port.split(':').next()?,
    };
    let host = host.trim_end_matches('.');
    (!host.is_empty() && host.len() <= HOST_MAX).then(|| normalise::lower_into(host, buffer))
}

fn is_scheme(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The ways to write one host, and the ways to hide it.
    #[test]
    fn the_host_is_the_one_a_browser_opens() {
        for (url, expected) in [
            ("https://Evil.Example/pay?x=1", Some("evil.example")),
            ("http://evil.example:8080", Some("evil.example")),
            ("https://bank.example@evil.example/", Some("evil.example")),
            ("https://user:pw@evil.example:1/", Some("evil.example")),
            ("https:\\\\evil.example\\x", Some("evil.example")),
            ("//evil.example/x", Some("evil.example")),
            ("evil.example/https://bank.example", Some("evil.example")),
            ("https://evil.example./", Some("evil.example")),
            ("https://evil.example#bank.example", Some("evil.example")),
            ("https://[2001:db8::1]:443/", Some("2001:db8::1")),
            ("https://xn--fiqs8s.example/", Some("xn--fiqs8s.example")),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(host(url, &mut [0; HOST_MAX]), expected, "{url}");
        }
    }

    proptest! {
        /// A referrer is whatever a client sends: no text makes the reader fail.
        #[test]
        fn any_text_is_survived(url in any::<String>()) {
            let _ = host(&url, &mut [0; HOST_MAX]);
        }
    }
}
