//! Texts and bytes as they are written. The parser's own reading joins line ends; cel-spec keeps
//! what stands in the text.

use super::CelValue;

/// The value of a string or bytes literal; `None` when the parser should not have let it through.
pub(super) fn read(written: &str) -> Option<CelValue> {
    let quote = written.find(['"', '\''])?;
    let (prefix, quoted) = written.split_at(quote);
    let is_raw = prefix.contains(['r', 'R']);
    let is_bytes = prefix.contains(['b', 'B']);
    let mark = if quoted.starts_with("'''") || quoted.starts_with("\"\"\"") { 3 } else { 1 };
    let inner = quoted.get(mark..quoted.len().checked_sub(mark)?)?;
    let mut out = Vec::with_capacity(inner.len());
    if is_raw {
        out.extend_from_slice(inner.as_bytes());
    } else {
        unescape(inner, is_bytes, &mut out)?;
    }
    Some(match is_bytes {
        true => CelValue::Bytes(out.into()),
        false => CelValue::text(String::from_utf8(out).ok()?),
    })
}

fn unescape(inner: &str, is_bytes: bool, out: &mut Vec<u8>) -> Option<()> {
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let letter = rest[at + 1..].chars().next()?;
        let body = &rest[at + 1 + letter.len_utf8()..];
        let digits = match letter {
            'x' | 'X' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='3' => 2,
            _ => 0,
        };
        let number = body.get(..digits)?;
        match letter {
            'a' => out.push(0x07),
            'b' => out.push(0x08),
            'f' => out.push(0x0c),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(0x0b),
            '\\' | '\'' | '"' | '`' | '?' => out.push(letter as u8),
            'x' | 'X' => push(u32::from_str_radix(number, 16).ok()?, is_bytes, out)?,
            '0'..='3' => {
                let high = letter.to_digit(8)? * 64;
                push(high + u32::from_str_radix(number, 8).ok()?, is_bytes, out)?;
            }
            'u' | 'U' if !is_bytes => push(u32::from_str_radix(number, 16).ok()?, false, out)?,
            _ => return None,
        }
        rest = &body[digits..];
    }
    out.extend_from_slice(rest.as_bytes());
    Some(())
}

/// One byte of bytes, one code point of a text.
fn push(number: u32, is_bytes: bool, out: &mut Vec<u8>) -> Option<()> {
    if is_bytes {
        out.push(u8::try_from(number).ok()?);
    } else {
        let letter = char::from_u32(number)?;
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(())
}
