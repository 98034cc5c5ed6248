//! Values that are typed or piped, one a line, each a token as soon as it is read.

use std::io::{self, IsTerminal as _, Write as _};

use super::super::audit::card::{Silent, read_line};
use crate::commands::report::Fault;
use crate::domain::{EntityKind, Token};
use crate::edges::admin::RawValue;

/// Most values of one sitting; more come from a file.
const VALUES_MAX: usize = 10_000;

/// What makes tokens of values, one for each: the keys, or the service that has them.
pub(super) type Tokenise<'a> =
    dyn FnMut(Vec<RawValue>) -> Result<Vec<Result<Token, String>>, Fault> + 'a;

/// Reads values until an empty line or the end. What was typed is neither echoed nor kept, and no
/// fault quotes it.
pub(super) fn read(kind: EntityKind, tokenise: &mut Tokenise<'_>) -> Result<Vec<Token>, Fault> {
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
        for token in tokenise(vec![RawValue::new(text)])? {
            tokens.push(token.map_err(|fault| Fault::Wrong(format!("value {number}: {fault}")))?);
        }
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
