//! What a referrer shows: the host of a web page, and of anything else only by what it would open.

use std::net::IpAddr;

use super::apply::prefix;
use super::writer::Text;
use crate::domain::has_personal_digits;

/// The host of a web address, without user, password, port, path and query; of another address its
/// scheme alone: what follows it may be a phone number, a card or a name.
pub(super) fn host(out: &mut Text<'_>, value: &str) {
    let Some((scheme, rest)) = value.trim().split_once(':') else { return out.stars(3) };
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    if !is_web {
        if is_scheme(scheme) {
            out.push(scheme);
            out.push(":");
        }
        return out.stars(3);
    }
    let Some(rest) = rest.strip_prefix("//") else { return out.stars(3) };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
    let host = authority.rsplit('@').next().unwrap_or("");
    let literal = host.strip_prefix('[').and_then(|v6| v6.split_once(']'));
    let (host, address) = match literal {
        Some((v6, _)) => (v6, v6.parse::<IpAddr>().ok()),
        None => {
            let host = host.split_once(':').map_or(host, |(host, _)| host);
            (host, host.parse().ok())
        }
    };
    match address {
        Some(address) => prefix(out, address),
        None if is_host(host) => out.push(host.trim_end_matches('.')),
        None => out.stars(3),
    }
}

/// Letters that name a scheme (RFC 3986), and no number among them.
fn is_scheme(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(is_plain)
        && digits(text) < 5
}

/// A name that DNS could know: labels of letters, digits and hyphens, the last one of letters, and
/// nothing in it that could be a person's.
fn is_host(text: &str) -> bool {
    let text = text.trim_end_matches('.');
    let is_label = |label: &str| {
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        !label.is_empty() && label.len() <= 63 && label.chars().all(plain) && digits(label) < 7
    };
    let last = text.rsplit('.').next().unwrap_or("");
    let is_top = last.chars().count() >= 2
        && (last.chars().all(char::is_alphabetic) || last.to_ascii_lowercase().starts_with("xn--"));
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(is_label)
        && is_top
        && !has_personal_digits(text)
}

fn digits(text: &str) -> usize {
    text.chars().filter(|c| c.is_numeric()).count()
}
