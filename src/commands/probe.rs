//! What a service needs of the machine, asked before it starts: `check` and `run` go through the same
//! list, so that neither finds what the other does not.

use std::io;
use std::path::{Path, PathBuf};

use super::assemble::NAMESPACE;
use super::prepare::{Finding, Prepared};
use crate::config::KeysFrom;
use crate::edges::access::{may_begin, may_make_in, may_run, may_write};
use crate::edges::{admin, http, users};
use crate::engine::check_plan;
use crate::journal::{Directory, JournalError, KeyUse, check_segments, is_held};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Probed {
    /// What stands in the way until somebody corrects it.
    pub(super) faults: Vec<Finding>,
    /// What may be otherwise by the time that it is needed, and that a start says itself: what another
    /// process holds, files that were moved or damaged.
    pub(super) outside: Vec<Finding>,
}

impl Probed {
    /// Notes a fault under a key of the configuration, such as `journal.dir`.
    fn fault(&mut self, file: &Path, key: &str, message: String) {
        self.faults.push(finding(file, key, message));
    }
}

/// Asks for everything, one after the other.
const PROBES: &[fn(&Path, &Prepared, &mut Probed)] =
    &[people, keys, plan, journal, archive, listener, socket];

/// Asks the machine for everything that a configuration needs of it, and changes nothing.
pub(super) fn probe(file: &Path, prepared: &Prepared) -> Probed {
    let mut probed = Probed::default();
    for ask in PROBES {
        ask(file, prepared, &mut probed);
    }
    probed
}

/// What is wrong under a key of the configuration.
pub(super) fn finding(file: &Path, key: &str, message: String) -> Finding {
    let (file, key) = (file.display().to_string(), Some(key.to_owned()));
    Finding { file, line: None, key, message }
}

/// Names that nobody on this machine can have: whoever was meant would never be let in.
fn people(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    let people = &prepared.config.admin.people;
    for (name, role) in people.users.iter().filter(|(name, _)| !users::is_known(name)) {
        let message = format!(
            "no user `{}` on this machine, who is to be {}: name a user of /etc/passwd, or the number \
             of another one",
            name.escape_debug(),
            role.name()
        );
        probed.fault(file, "[admin]", message);
    }
}

/// Keys that are not the journal's.
fn keys(_: &Path, prepared: &Prepared, probed: &mut Probed) {
    let config = &prepared.config;
    let fits = prepared.means.keys.check_journal(&config.journal.dir, NAMESPACE, KeyUse::Append);
    // What else may be wrong with the journal is another probe's.
    let Err(error) = fits else { return };
    if error.is_other_key() {
        let file = match &config.keys {
            KeysFrom::File(path) => path.display().to_string(),
            KeysFrom::Env(name) => format!("environment variable {name}"),
        };
        probed.faults.push(Finding { file, line: None, key: None, message: error.to_string() });
    }
}

/// Features that need more than there is room for.
fn plan(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    for fault in check_plan(&prepared.means.bundle).err().into_iter().flatten() {
        let message = format!("{} cannot be laid out: {}", fault.feature, fault.message);
        probed.fault(file, "bundle", message);
    }
}

/// A journal that cannot be gone on with: where it may not be written, or what stands in it.
fn journal(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    let (dir, key) = (&prepared.config.journal.dir, "journal.dir");
    if let Err(error) = may_begin(dir) {
        let message = format!(
            "{}: {}: give it a directory that the service's user may write to, or that it may make",
            dir.display(),
            error
        );
        match error.kind() {
            // A disk that failed, as a rule: not what is named, but what became of it.
            io::ErrorKind::ReadOnlyFilesystem => probed.outside.push(finding(file, key, message)),
            _ => probed.fault(file, key, message),
        }
        return;
    }
    if !dir.is_dir() {
        return;
    }
    for (path, error) in closed_to_us(dir) {
        let message = format!(
            "{}: {error}: it is another user's (an import under another name?); give it to the \
             service's user",
            path.display()
        );
        probed.fault(file, key, message);
    }
    // The end of a journal that is written moves.
    if is_held(dir) {
        let path = dir.join("LOCK");
        probed.outside.push(finding(file, key, JournalError::Locked { path }.to_string()));
    } else if let Err(error) = check_segments(dir) {
        probed.outside.push(finding(file, key, error.to_string()));
    }
}

/// Directories that the service keeps beside its journal's segments.
const OWN: [&str; 3] = ["bundles", "lists", "fingerprints"];

/// What the service writes in its journal's directory and this process may not.
fn closed_to_us(dir: &Path) -> Vec<(PathBuf, io::Error)> {
    let lock = dir.join("LOCK");
    let newest = Directory::from(dir).segments().ok().and_then(|mut segments| segments.pop());
    let files = [Some(lock), newest.map(|(_, path)| path)];
    let files = files.into_iter().flatten().filter(|path| path.is_file());
    let files = files.map(|path| (may_write(&path), path));
    // What else lies there, such as a volume's `lost+found`, is not ours.
    let dirs = OWN.iter().map(|name| dir.join(name)).filter(|path| path.is_dir());
    let dirs = dirs.map(|path| (may_make_in(&path), path));
    files.chain(dirs).filter_map(|(may, path)| Some((path, may.err()?))).collect()
}

/// A program that cannot be started.
fn archive(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    let Some(program) = prepared.config.journal.closed.archive_command.first() else { return };
    if let Err(error) = may_run(Path::new(program)) {
        let message = format!("{program}: {error}: name a program that the service's user may run");
        probed.fault(file, "journal.archive_command", message);
    }
}

/// An address that cannot be listened on.
fn listener(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    let (address, key) = (prepared.config.http.listen, "http.listen");
    match http::bind(prepared.config.http) {
        // Closed again at once.
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let message = format!("another process listens on {address}: set a free port");
            probed.outside.push(finding(file, key, message));
        }
        Err(error) => {
            let message = format!("cannot listen on {address}: {error}: set a port from 1024 up");
            probed.fault(file, key, message);
        }
    }
}

/// A socket that cannot be made.
fn socket(file: &Path, prepared: &Prepared, probed: &mut Probed) {
    let Some(path) = &prepared.config.admin.socket else { return };
    let Err(error) = admin::check_path(path) else { return };
    let said = format!("{}: {error}", path.display());
    if error.kind() == io::ErrorKind::AddrInUse {
        probed.outside.push(finding(file, "admin.socket", said));
    } else {
        let message =
            format!("{said}: name a file in a directory that the service's user may write to");
        probed.fault(file, "admin.socket", message);
    }
}
