//! Values that are typed or piped, one a line, each a token as soon as it is read.

use std::io::{self, IsTerminal as _, Write as _};

use super::super::audit::card::{Silent, read_line};
use crate::commands::report::Fault;
use crate::domain::{EntityKind, Token};
use crate::stages::enrich::TokenKeys;

/// Most values of one sitting; more come from a file.
const VALUES_MAX: usize = 10_000;

/// Reads values until an empty line or the end. What was typed is neither echoed nor kept, and no
/// fault quotes it.
pub(super) fn read(kind: EntityKind, keys: &TokenKeys) -> Result<Vec<Token>, Fault> {
    let is_terminal = io::stdin().is_terminal();
    let _silent = is_terminal.then(Silent::new).transpose().map_err(Fault::file("the terminal"))?;
    let mut tokens = Vec::new();
    loop {
        if is_terminal {
            let asked = write!(io::stderr(), "{} (not shown; empty to end): ", kind.name());
            asked.map_err(Fault::file("standard error"))?;
        }
        let line = read_line().map_err(Fault::file("standard input"))?;
        if is_terminal {
            // The line's end was not echoed either.
            let _ = io::stderr().write_all(b"\n");
        }
        let text = std::str::from_utf8(&line).unwrap_or("\u{fffd}").trim();
        if text.is_empty() {
            break;
        }
        let number = tokens.len() + 1;
        let token = token(text, kind, keys);
        tokens.push(token.map_err(|fault| Fault::Wrong(format!("value {number}: {fault}")))?);
        if tokens.len() > VALUES_MAX {
            let message = format!("more than {VALUES_MAX} values: import them from a file");
            return Err(Fault::Wrong(message));
        }
    }
    if tokens.is_empty() {
        return Err(Fault::Wrong("no value was given".to_owned()));
    }
    Ok(tokens)
}

/// The token of a raw value, or of a token as reports show it (`v1:` and 32 hexadecimal digits).
pub(super) fn token(text: &str, kind: EntityKind, keys: &TokenKeys) -> Result<Token, String> {
    if let Some(token) = shown_token(text, keys.version())? {
        return Ok(token);
    }
    keys.entity(kind, text).ok_or_else(|| match kind {
        EntityKind::Device => {
            "a device is named by the token that decisions on it show: `v1:` and \
                               32 digits"
                .to_owned()
        }
        kind => format!("what was given cannot be of kind {}", kind.name()),
    })
}

fn shown_token(text: &str, version: u16) -> Result<Option<Token>, String> {
    let Some((before, hex)) = text.strip_prefix('v').and_then(|rest| rest.split_once(':')) else {
        return Ok(None);
    };
    let Ok(of) = before.parse::<u16>() else { return Ok(None) };
    if hex.len() != 32 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    if of != version {
        return Err(format!("a token of key version {of}; the keys are version {version}"));
    }
    Ok(u128::from_str_radix(hex, 16).ok().map(|bits| Token::from_bytes(bits.to_be_bytes())))
}
