//! Values that are typed or piped, one a line, each a token as soon as it is read.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write as _};

use zeroize::Zeroizing;

use super::super::audit::card::{Silent, read_line};
use super::networks;
use crate::commands::report::Fault;
use crate::domain::{EntityKind, Token};
use crate::edges::admin::{RawValue, VALUES_MAX as REQUEST_MAX};

/// Most values of one sitting; more come from a file.
const VALUES_MAX: usize = 10_000;

/// What makes tokens of values, one for each: the keys, or the service that has them.
pub(super) type Tokenise<'a> =
    dyn FnMut(Vec<RawValue>) -> Result<Vec<Result<Token, String>>, Fault> + 'a;

/// What a value comes to on a list.
type Entries = fn(EntityKind, &str) -> Result<Vec<RawValue>, String>;

/// One line as it was typed.
type Line = Zeroizing<Vec<u8>>;

/// The entries of one value: a network of another length than events have comes to several.
pub(super) fn parts(kind: EntityKind, text: &str) -> Result<Vec<RawValue>, String> {
    if kind != EntityKind::IpPrefix {
        return Ok(vec![RawValue::new(text)]);
    }
    Ok(networks::parts(text)?.into_iter().map(RawValue::of).collect())
}

/// The entries that would hold a value: an address stands on a list of networks by itself, or by the
/// network around it.
pub(super) fn around(kind: EntityKind, text: &str) -> Result<Vec<RawValue>, String> {
    if kind != EntityKind::IpPrefix {
        return Ok(vec![RawValue::new(text)]);
    }
    Ok(networks::around(text).into_iter().map(RawValue::of).collect())
}

/// Reads values: from a person until an empty line, from a pipe to its end. What was typed is neither
/// echoed nor kept, and no fault quotes it. Each value comes to the entries that `entries` makes of it.
pub(super) fn read(
    kind: EntityKind,
    entries: Entries,
    tokenise: &mut Tokenise<'_>,
) -> Result<Vec<Token>, Fault> {
    if !io::stdin().is_terminal() {
        let next = || read_line().map_err(Fault::file("standard input"));
        return collect((kind, entries), next, tokenise);
    }
    let _silent = Silent::new().map_err(Fault::file("the terminal"))?;
    let next = || {
        let asked = write!(io::stderr(), "{} (not shown; empty to end): ", kind.name());
        asked.map_err(Fault::file("standard error"))?;
        let line = read_line().map_err(Fault::file("standard input"))?;
        // The line's end was not echoed either.
        let _ = io::stderr().write_all(b"\n");
        Ok(line.filter(|line| !line.trim_ascii().is_empty()))
    };
    collect((kind, entries), next, tokenise)
}

fn collect(
    (kind, entries): (EntityKind, Entries),
    mut next: impl FnMut() -> Result<Option<Line>, Fault>,
    tokenise: &mut Tokenise<'_>,
) -> Result<Vec<Token>, Fault> {
    let (mut tokens, mut number, mut values) = (Vec::new(), 0, 0);
    loop {
        number += 1;
        let line = match next() {
            Ok(Some(line)) => line,
            Ok(None) => break,
            // A line that is too long to be a value.
            Err(Fault::File { error, .. }) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(Fault::Wrong(format!("line {number}: {error}; nothing was done")));
            }
            Err(fault) => return Err(fault),
        };
        let text = std::str::from_utf8(&line).unwrap_or("\u{fffd}");
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        values += 1;
        if values > VALUES_MAX {
            let message = format!("more than {VALUES_MAX} values: import them from a file");
            return Err(Fault::Wrong(message));
        }
        let wrong = |fault| Fault::Wrong(format!("line {number}: {fault}; nothing was done"));
        let mut waiting = entries(kind, text).map_err(wrong)?;
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(REQUEST_MAX));
            for token in tokenise(std::mem::replace(&mut waiting, rest))? {
                tokens.push(token.map_err(wrong)?);
            }
        }
    }
    if tokens.is_empty() {
        return Err(Fault::Wrong("no value was given".to_owned()));
    }
    // A value that was given twice is one entry.
    let mut seen = BTreeSet::new();
    tokens.retain(|token: &Token| seen.insert(*token.as_bytes()));
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::Keys;

    /// An empty line, the mark of a file and ends of other systems end no pipe; one wrong line ends
    /// everything, by its number.
    #[test]
    fn a_pipe_is_read_to_its_end() {
        let keys = Keys::demo().token_keys();
        let check = |kind: EntityKind, text: &str| {
            let mut lines = text.split('\n').map(|line| Zeroizing::new(line.as_bytes().to_vec()));
            let mut tokenise = |values: Vec<RawValue>| {
                Ok(values.iter().map(|value| value.token(kind, &keys)).collect())
            };
            let next = || Ok(lines.next());
            let tokens = collect((kind, parts), next, &mut tokenise);
            tokens.map(|tokens| tokens.len()).map_err(|fault| fault.to_string())
        };
        let long = || Err(Fault::file("standard input")(io::ErrorKind::InvalidData.into()));
        let fault = collect((EntityKind::Card, parts), long, &mut |_| Ok(Vec::new())).unwrap_err();
        assert!(fault.to_string().starts_with("line 1: ") && fault.code() == 2, "{fault}");
        let (card, other) = ("6225881234567890", "4111111111111111");
        let text = format!("\u{feff}{card}\r\n\r\n\n{other}\n{card}\n");
        assert_eq!(check(EntityKind::Card, &text), Ok(2));
        let fault =
            check(EntityKind::Card, &format!("{card}\n\n6.22588E+15\n{other}")).unwrap_err();
        assert!(fault.contains("line 3:") && fault.contains("nothing was done"), "{fault}");
        assert!(check(EntityKind::Card, "\n\n").is_err());
        assert_eq!(check(EntityKind::IpPrefix, "81.2.0.0/16\n81.2.69.160/28"), Ok(256 + 16));
        assert_eq!(check(EntityKind::IpPrefix, "10.0.0.0/8"), Ok(65_536), "in several requests");
        assert!(check(EntityKind::IpPrefix, "10.0.0.0/7").unwrap_err().contains("line 1: "));
    }
}
