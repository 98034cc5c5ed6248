//! What each mask does to a text, by character and never by byte.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::canonical_address;

use super::writer::Text;
use super::{Mask, host, phone};

/// Fewest characters that a star must stand for, whatever a profile asks.
pub(super) const HIDDEN_MIN: usize = 4;

/// Writes a text under its mask. [`Mask::Hidden`] writes nothing: its field is left out before.
pub(super) fn text(out: &mut Text<'_>, value: &str, mask: Mask) {
    match mask {
        Mask::Hidden => {}
        Mask::Ends { first, last } => ends(out, value, first.into(), last.into()),
        Mask::Phone => phone::number(out, value),
        Mask::Name => name(out, value),
        Mask::Email { local } => email(out, value, local.into()),
        Mask::District => district(out, value),
        Mask::Mac => mac(out, value),
        Mask::Host => host::host(out, value),
        // An address that came as text is read as one; degrees never come as text.
        Mask::Prefix => match value.parse() {
            Ok(ip) => prefix(out, ip),
            Err(_) => out.stars(3),
        },
        Mask::Place { .. } => out.stars(3),
    }
}

/// So many characters at either end, a star for each one between.
pub(super) fn ends(out: &mut Text<'_>, value: &str, first: usize, last: usize) {
    let count = if value.is_ascii() { value.len() } else { value.chars().count() };
    let shown = count - count.min(HIDDEN_MIN.max(count.div_ceil(3)));
    let last = last.min(shown);
    let first = first.min(shown - last);
    let head = at(value, first);
    let tail = at(value, count - last);
    out.push(&value[..head]);
    out.stars(count - first - last);
    out.push(&value[tail..]);
}

/// The byte at which the character with this number begins.
pub(super) fn at(value: &str, character: usize) -> usize {
    if value.is_ascii() {
        return character.min(value.len());
    }
    value.char_indices().nth(character).map_or(value.len(), |(byte, _)| byte)
}

fn name(out: &mut Text<'_>, value: &str) {
    let value = value.trim();
    let Some((start, last)) = value.char_indices().next_back() else {
        return out.stars(1);
    };
    if start == 0 {
        return out.stars(1);
    }
    let before = if is_ideographic(last) { value[..start].chars().count() } else { 1 };
    out.stars(before);
    out.push(&value[start..]);
}

/// Scripts whose names are a few characters, one syllable each.
fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn email(out: &mut Text<'_>, value: &str, local_max: usize) {
    let (local, domain) = value.rsplit_once('@').unwrap_or(("", ""));
    if local.is_empty() {
        return out.stars(3);
    }
    let shown = local_max.min(local.chars().count() / 2);
    out.push(&local[..at(local, shown)]);
    out.stars(3);
    out.push("@");
    out.push(domain);
}

/// Down to the district, else to the city, else nothing.
fn district(out: &mut Text<'_>, value: &str) {
    let end =
        ends_of_districts(value).next().or_else(|| value.find('市').map(|at| at + '市'.len_utf8()));
    let shown = &value[..end.unwrap_or(0)];
    // Past a road, a number or a building it is no district, whatever the character says.
    let detail =
        |c: char| c.is_numeric() || matches!(c, '路' | '街' | '道' | '巷' | '弄' | '号' | '栋');
    if !shown.contains(detail) {
        out.push(shown);
    }
    out.stars(8);
}

/// Where a district's name ends: 区, 县 or 旗, but not 小区 (a compound), 自治区 or 特别行政区.
fn ends_of_districts(value: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    value.char_indices().filter_map(move |(at, c)| {
        let previous = std::mem::replace(&mut before, c);
        let other =
            matches!(previous, '小' | '社' | '园' | '校' | '厂' | '院' | '景' | '治' | '政');
        let is_end = match c {
            '区' => !other,
            '县' | '旗' => at > 0,
            _ => false,
        };
        is_end.then_some(at + c.len_utf8())
    })
}

/// The maker's three octets, and a star for each of the others.
fn mac(out: &mut Text<'_>, value: &str) {
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    let others = value.bytes().filter(|byte| matches!(byte, b':' | b'-' | b'.')).count();
    if digits != 12 || digits + others != value.len() {
        return out.stars(3);
    }
    let maker = value.bytes().scan(0, |digits, byte| {
        *digits += usize::from(byte.is_ascii_hexdigit());
        (*digits <= 6).then_some(byte)
    });
    // ASCII throughout, by the counts above.
    let maker = value[..maker.count()].trim_end_matches([':', '-', '.']);
    out.push(maker);
    match value.as_bytes().get(2) {
        Some(b':') => out.push(":*:*:*"),
        Some(b'-') => out.push("-*-*-*"),
        _ => out.stars(3),
    }
}

/// The network of an address.
pub(super) fn prefix(out: &mut Text<'_>, ip: IpAddr) {
    // Writing to memory cannot fail.
    let _ = match canonical_address(ip) {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            write!(out, "{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            write!(out, "{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    };
}
