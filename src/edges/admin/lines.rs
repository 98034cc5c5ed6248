//! One line after another from a client, bounded in size, in time and in memory.

use std::io::{self, BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::guests::{Guests, Large};

/// Longest request: a bundle's files are at most 64 MiB, and JSON writes some bytes as two.
const LINE_MAX: usize = 96 << 20;
/// A longer line needs a place among the large requests. Everything but a large bundle is shorter.
const SMALL_MAX: usize = 1 << 20;
/// A client that says nothing for so long has gone.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// A line that was begun ends by then, however little comes at a time.
const LINE_TIME: Duration = Duration::from_secs(60);

/// A client's lines.
pub(super) struct Lines<'s> {
    stream: &'s UnixStream,
    input: BufReader<&'s UnixStream>,
    /// It may hold values for a list.
    line: Zeroizing<Vec<u8>>,
    large: Option<Large>,
}

/// What came.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Came {
    /// A whole line.
    Line,
    /// The end.
    End,
    /// A line that is not taken, and why; nothing more is read.
    Refused(String),
}

impl<'s> Lines<'s> {
    pub(super) fn new(stream: &'s UnixStream) -> Self {
        let input = BufReader::new(stream);
        Self { stream, input, line: Zeroizing::default(), large: None }
    }

    /// The line that came last.
    pub(super) fn line(&self) -> &[u8] {
        &self.line
    }

    /// Whether the line, and what is made of it, counts among the large requests.
    pub(super) fn large(&mut self, guests: &Guests, person: &str) -> Result<(), String> {
        if self.large.is_none() {
            self.large = Some(guests.large(person)?);
        }
        Ok(())
    }

    /// Forgets the last line and reads the next.
    pub(super) fn next(&mut self, guests: &Guests, person: &str) -> io::Result<Came> {
        self.large = None;
        self.line.clear();
        if self.line.capacity() > SMALL_MAX {
            self.line = Zeroizing::default();
        }
        let mut until = None;
        loop {
            let wait = until.map_or(SILENCE, |until: Instant| {
                until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
            });
            self.stream.set_read_timeout(Some(wait))?;
            let part = match self.input.fill_buf() {
                Ok(part) => part,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if part.is_empty() {
                return Ok(match self.line.is_empty() {
                    true => Came::End,
                    false => Came::Refused("a request is one line".to_owned()),
                });
            }
            let end = part.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
            let taken = end.unwrap_or(part.len());
            if self.line.len() + taken > LINE_MAX {
                return Ok(Came::Refused("a request has at most 96 MiB".to_owned()));
            }
            if self.line.len() + taken > SMALL_MAX && self.large.is_none() {
                match guests.large(person) {
                    Ok(large) => self.large = Some(large),
                    Err(why) => return Ok(Came::Refused(why)),
                }
            }
            self.line.extend_from_slice(&part[..taken]);
            self.input.consume(taken);
            if end.is_some() {
                return Ok(Came::Line);
            }
            let now = Instant::now();
            if *until.get_or_insert(now + LINE_TIME) <= now {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// What comes of the bytes that a client sends before it leaves, for one who may have a large
    /// request or, in the time of another one, not.
    fn all(bytes: Vec<u8>, guests: &Guests) -> Vec<(Came, usize)> {
        let (mut client, service) = UnixStream::pair().unwrap();
        let sender = std::thread::spawn(move || {
            // Who is refused is not listened to any more.
            let _ = client.write_all(&bytes);
        });
        let mut found = Vec::new();
        let mut lines = Lines::new(&service);
        loop {
            let came = lines.next(guests, "li").unwrap();
            found.push((came, lines.line().len()));
            if !matches!(found.last(), Some((Came::Line, _))) {
                break;
            }
        }
        drop(lines);
        drop(service);
        sender.join().unwrap();
        found
    }

    /// Small lines pass whatever others do; a large one needs one of few places and gives it back.
    #[test]
    fn large_lines_are_held_for_few() {
        let guests = Guests::default();
        let (small, large) = (vec![b'x'; SMALL_MAX - 1], vec![b'x'; SMALL_MAX]);
        let mut both = [small.as_slice(), b"\n", &large, b"\n", &large, b"\n"].concat();
        let found = all(both.clone(), &guests);
        let expected =
            [(Came::Line, SMALL_MAX), (Came::Line, SMALL_MAX + 1), (Came::Line, SMALL_MAX + 1)];
        assert_eq!(found[..3], expected);
        assert_eq!(found[3], (Came::End, 0));

        let _held = guests.large("li").unwrap();
        let found = all(both.clone(), &guests);
        assert_eq!(found[0], (Came::Line, SMALL_MAX));
        assert!(matches!(&found[1], (Came::Refused(why), _) if why.contains("large")), "{found:?}");
        both.truncate(10);
        assert!(matches!(&all(both, &guests)[0], (Came::Refused(_), 10)));
    }
}
