//! `tidegate keys`: makes a key file that only its owner may read, and says whether one fits a journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::assemble::NAMESPACE;
use super::report::Fault;
use crate::edges::keys::{Keys, generate};
use crate::journal::{Directory, KeyUse};

/// Make the keys that tokens and seals need, or see whether they are a journal's.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    /// Write a new key file with mode 0600; an existing file is never touched
    #[command(after_help = "Example:\n  tidegate keys init --out /etc/tidegate/keys.toml")]
    Init {
        /// Where the keys go
        #[arg(long)]
        out: PathBuf,
    },
    /// Say whether a key file is the one that a journal is written with
    #[command(after_help = "Exit code: 0 it is, 2 it is not.\n\nExample:\n  tidegate keys check \
                            --keys tidegate.keys --journal journal")]
    Check {
        /// The key file
        #[arg(long, value_name = "FILE")]
        keys: PathBuf,
        /// The journal's directory
        #[arg(long, value_name = "DIR")]
        journal: PathBuf,
    },
}

/// Runs it: 0 when all is well, 2 when the caller can correct it, 3 when the disk fails.
pub fn run(args: Args) -> ExitCode {
    match args.command {
        Command::Init { out } => told_init(&out),
        Command::Check { keys, journal } => match check(&keys, &journal) {
            Ok(()) => {
                eprintln!("{}: the keys of {}", keys.display(), journal.display());
                ExitCode::SUCCESS
            }
            Err(fault) => ExitCode::from(fault.told("keys check")),
        },
    }
}

fn check(keys: &Path, journal: &Path) -> Result<(), Fault> {
    let read = Keys::from_file(keys).map_err(|error| Fault::Wrong(error.to_string()))?;
    if Directory::from(journal).segments().map_or(true, |segments| segments.is_empty()) {
        return Err(Fault::NoJournal(journal.to_owned()));
    }
    Ok(read.check_journal(journal, NAMESPACE, KeyUse::Append)?)
}

fn told_init(out: &Path) -> ExitCode {
    match init(out) {
        Ok(()) => {
            eprintln!("{}: new keys, readable by you alone; keep a copy apart", out.display());
            ExitCode::SUCCESS
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            eprintln!(
                "tidegate keys init: {} exists and is left as it is: what was sealed and tokenised \
                 under its keys needs them",
                out.display()
            );
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("tidegate keys init: {}: {error}", out.display());
            ExitCode::from(3)
        }
    }
}

fn init(out: &Path) -> io::Result<()> {
    let text = generate().map_err(|error| io::Error::other(error.to_string()))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Its name must last as well: keys that a power cut takes open nothing any more.
    let dir = out.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::Keys;

    /// The file is taken as it is written, and a second call does not destroy it: the journal that
    /// it sealed could never be opened again.
    #[test]
    fn a_key_file_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("keys.toml");
        init(&out).unwrap();
        assert!(Keys::from_file(&out).is_ok());
        let before = std::fs::read(&out).unwrap();
        assert_eq!(init(&out).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&out).unwrap(), before);
    }
}
