//! The other end of the socket, for the commands.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::request::{Answer, Request};

/// A bundle of ten thousand rules is compiled in less.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to a running service.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The service says no, and why.
    #[error("{0}")]
    Refused(String),
    /// The connection broke, or the answer is none.
    #[error("the service's admin socket: {0}")]
    Broken(#[from] io::Error),
}

impl Client {
    /// Connects; `None` when no service listens there.
    pub fn connect(path: &Path) -> Result<Option<Self>, ClientError> {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Some(Self { stream: BufReader::new(stream) }))
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Result<Answer, ClientError> {
        let mut text = sonic_rs::to_string(request).map_err(io::Error::other)?;
        text.push('\n');
        let sent = self.stream.get_mut().write_all(text.as_bytes());
        text.clear();
        // Who is refused at the door is told so, and cannot say anything.
        if self.stream.read_line(&mut text)? == 0 {
            sent?;
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let answer = Answer::read(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "an answer of another shape")
        })?;
        if answer.ok {
            return Ok(answer);
        }
        Err(ClientError::Refused(answer.error.unwrap_or_else(|| "refused".to_owned())))
    }
}
