//! A card number typed by a person: never echoed, tokenised at once, and wiped.

use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::commands::report::Fault;
use crate::domain::Token;
use crate::stages::enrich::TokenKeys;

/// A line longer than this holds no value.
const LINE_MAX: usize = 128;

/// Asks for a card's number on the terminal, or takes one line of a pipe, and gives its token. What
/// was typed is neither echoed nor kept, and no fault quotes it.
pub(super) fn token(keys: &TokenKeys) -> Result<Token, Fault> {
    let stdin = io::stdin();
    let line = if stdin.is_terminal() {
        let _silent = Silent::new().map_err(Fault::file("the terminal"))?;
        let mut prompt = io::stderr().lock();
        let asked = prompt.write_all(b"Card number (it is not shown): ");
        asked.and_then(|()| prompt.flush()).map_err(Fault::file("standard error"))?;
        let line = read_line().map_err(Fault::file("standard input"))?.unwrap_or_default();
        // The line's end was not echoed either.
        let _ = prompt.write_all(b"\n");
        line
    } else {
        read_line().map_err(Fault::file("standard input"))?.unwrap_or_default()
    };
    of_line(&line, keys)
}

/// The token of a typed line.
fn of_line(line: &[u8], keys: &TokenKeys) -> Result<Token, Fault> {
    // A slip of the hand must not become another card: nothing but digits and what parts them.
    let is_fine = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace() || *byte == b'-';
    let text = std::str::from_utf8(line).ok().filter(|_| line.iter().all(is_fine));
    text.and_then(|text| keys.card(text.trim())).ok_or_else(|| {
        Fault::Wrong("what was typed is no card number: 8 to 19 digits are one".to_owned())
    })
}

/// Reads one line byte by byte: the standard library's buffer would keep a copy of it. `None` at the
/// end; a line that is too long is an error, and the next one follows it.
pub(in crate::commands) fn read_line() -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // All its room at once: a buffer that grows leaves its past behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_MAX));
    let mut byte = Zeroizing::new([0_u8]);
    let stdin = io::stdin();
    let mut read = 0_usize;
    loop {
        match rustix::io::read(stdin.as_fd(), &mut byte[..]) {
            Ok(0) if read == 0 => return Ok(None),
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => {
                read += 1;
                if read <= LINE_MAX {
                    line.push(byte[0]);
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if read > LINE_MAX {
        let message = format!("a line of more than {LINE_MAX} bytes holds no value");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(Some(line))
}

/// The terminal without echo, until dropped.
pub(in crate::commands) struct Silent {
    before: Termios,
}

impl Silent {
    /// Turns the echo off.
    pub(in crate::commands) fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin().as_fd())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        // What was typed before the prompt is thrown away.
        tcsetattr(io::stdin().as_fd(), OptionalActions::Flush, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that went away needs no echo.
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::Keys;

    /// Spellings of one number are one card, and a fault never quotes what was typed.
    #[test]
    fn a_typed_number_is_a_token_or_a_fault_without_it() {
        let keys = Keys::demo().token_keys();
        let plain = of_line(b"6225881234567890", &keys).unwrap();
        assert_eq!(of_line(b" 6225 8812 3456 7890 \r", &keys).unwrap(), plain);
        for wrong in ["", "1234567", "62258812345678901234", "622588123456789x"] {
            let fault = of_line(wrong.as_bytes(), &keys).unwrap_err();
            let text = format!("{fault} {fault:?}");
            assert!(wrong.is_empty() || !text.contains(wrong), "{text}");
        }
        assert!(of_line(b"\xff\xfe", &keys).is_err());
    }
}
