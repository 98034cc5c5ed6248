//! One file descriptor in reserve, for a listener at the limit of open files.
//!
//! Where a process may open no more files, `accept` fails while the connection goes on waiting, and
//! fails again at once. With one descriptor to give up the listener still answers one after another.

use std::fs::File;
use std::time::Duration;

/// How long a listener rests when it can do nothing else.
pub(super) const REST: Duration = Duration::from_millis(50);

/// The descriptor in reserve.
#[derive(Debug, Default)]
pub(super) struct SpareFile(Option<File>);

impl SpareFile {
    /// Takes one, where there is none; before every `accept`.
    pub(super) fn keep(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// What to do after `accept` has failed: `None` to try again at once, else rest that long.
    pub(super) fn after(&mut self, error: &std::io::Error) -> Option<Duration> {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        // These are of the connection, which has gone, and not of the listener.
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return None;
        }
        if self.0.take().is_some() { None } else { Some(REST) }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    /// A listener that fails for want of files gives its spare one up once, and rests then instead of
    /// spinning; a client that broke off costs nothing.
    #[test]
    fn a_listener_without_files_gives_up_its_spare_one_and_rests() {
        let mut spare = SpareFile::default();
        spare.keep();
        let too_many = Error::other("too many open files");
        assert_eq!(spare.after(&Error::from(ErrorKind::ConnectionAborted)), None);
        assert_eq!(spare.after(&too_many), None);
        assert_eq!(spare.after(&too_many), Some(REST));
        spare.keep();
        assert_eq!(spare.after(&too_many), None);
    }
}
