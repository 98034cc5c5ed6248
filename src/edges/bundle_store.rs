//! Bundles by their content hash, beside the journal: what was proposed, and what was ever live.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};

use super::bundle_files::{self, BundleFilesError};
use crate::bundle::check_file_name;
use crate::domain::BundleDigest;

/// Fewest digits that name a bundle.
const PREFIX_MIN: usize = 8;

/// A directory of bundles, each in a directory named by its hash.
#[derive(Clone, Debug)]
pub struct BundleStore {
    dir: PathBuf,
    /// One bundle is written at a time: two clients may propose the same one.
    writing: Arc<Mutex<()>>,
}

/// Why a bundle is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No bundle of that name.
    #[error("no bundle {name} was proposed here or was live")]
    Unknown {
        /// As it was asked for.
        name: String,
    },
    /// More than one.
    #[error("{name} begins the names of several bundles: give more digits")]
    Several {
        /// As it was asked for.
        name: String,
    },
    /// Too short, or no digits.
    #[error("a bundle is named by its hash: `sha256:` and at least 8 hexadecimal digits")]
    NoName,
    /// A file of it may not be called so.
    #[error("{0}")]
    Name(String),
    /// What is stored cannot be read.
    #[error(transparent)]
    Files(#[from] BundleFilesError),
    /// The disk.
    #[error("{}: {error}", .path.display())]
    Disk {
        /// Where.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl BundleStore {
    /// The store of a journal.
    pub fn of(journal: &Path) -> Self {
        Self { dir: journal.join("bundles"), writing: Arc::default() }
    }

    /// Keeps a bundle: its directory appears whole or not at all. Names are checked once more, and
    /// every step is taken from the handle of a directory, through no link: whatever stands beside
    /// the store, nothing outside of it is written.
    pub fn put(
        &self,
        digest: &BundleDigest,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), StoreError> {
        files.keys().try_for_each(|name| check_file_name(name)).map_err(StoreError::Name)?;
        // A thread that panicked has left at most an unfinished directory.
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let fault = |error: io::Error| StoreError::Disk { path: self.dir.clone(), error };
        fs::create_dir_all(&self.dir).map_err(fault)?;
        let written = directory(CWD, &self.dir, OFlags::empty()).and_then(|store| {
            let (home, unfinished) = (hex(digest), format!("{}.new", hex(digest)));
            if directory(&store, Path::new(&home), OFlags::NOFOLLOW).is_ok() {
                return Ok(());
            }
            write_all(&store, &unfinished, files)?;
            renameat(&store, &unfinished, &store, &home)?;
            File::from(store).sync_all()
        });
        written.map_err(fault)
    }

    /// Keeps the bundle in force, so that it can be gone back to. One of before names were checked
    /// stays in the journal alone.
    pub fn put_in_force(
        &self,
        digest: &BundleDigest,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), StoreError> {
        match self.put(digest, files) {
            Ok(()) | Err(StoreError::Name(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The files of a bundle by the beginning of its hash. Whether they still have that hash is for
    /// who compiles them to see.
    pub fn get(&self, name: &str) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
        let digits = name.strip_prefix("sha256:").unwrap_or(name);
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || digits.len() < PREFIX_MIN || digits.len() > 64 {
            return Err(StoreError::NoName);
        }
        let digits = digits.to_ascii_lowercase();
        let shown = || digits.chars().take(12).collect::<String>();
        let listing = fs::read_dir(&self.dir).map(|all| all.filter_map(Result::ok));
        // A link is no bundle of ours.
        let own = listing
            .into_iter()
            .flatten()
            .filter(|it| it.file_type().is_ok_and(|kind| kind.is_dir()));
        let names = own.filter_map(|it| it.file_name().into_string().ok());
        let found: Vec<String> =
            names.filter(|name| name.len() == 64 && name.starts_with(&digits)).collect();
        match found.as_slice() {
            [one] => Ok(bundle_files::read(&self.dir.join(one))?),
            [] => Err(StoreError::Unknown { name: shown() }),
            _ => Err(StoreError::Several { name: shown() }),
        }
    }
}

/// Opens a directory.
fn directory(at: impl std::os::fd::AsFd, path: &Path, more: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    Ok(openat(at, path, flags, Mode::empty())?)
}

/// Writes a new directory of files, in the place of what a crash left behind.
fn write_all(store: &OwnedFd, name: &str, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    clear(store, name)?;
    mkdirat(store, name, Mode::from_raw_mode(0o777))?;
    let dir = directory(store, Path::new(name), OFlags::NOFOLLOW)?;
    for (name, content) in files {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let opened = openat(&dir, name, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o666))?;
        let mut file = File::from(opened);
        file.write_all(content)?;
        file.sync_all()?;
    }
    File::from(dir).sync_all()
}

/// Removes an unfinished directory, whatever a crash or somebody has left under its name.
fn clear(store: &OwnedFd, name: &str) -> io::Result<()> {
    let Ok(dir) = directory(store, Path::new(name), OFlags::NOFOLLOW) else {
        return match unlinkat(store, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        };
    };
    for entry in rustix::fs::Dir::read_from(&dir)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            unlinkat(&dir, entry.file_name(), AtFlags::empty())?;
        }
    }
    Ok(unlinkat(store, name, AtFlags::REMOVEDIR)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bundle is found by the beginning of its hash, if that names one, and by nothing that could
    /// leave the store.
    #[test]
    fn a_bundle_is_found_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = BundleStore::of(dir.path());
        let files = |text: &str| BTreeMap::from([("a.yaml".to_owned(), text.as_bytes().to_vec())]);
        let (one, mut other) = ([0xab; 32], [0xab; 32]);
        other[31] = 0;
        store.put(&one, &files("one")).unwrap();
        store.put(&one, &files("one")).unwrap();
        assert_eq!(store.get("abababab").unwrap(), files("one"));
        store.put(&other, &files("other")).unwrap();
        assert!(matches!(store.get("abababab"), Err(StoreError::Several { .. })));
        assert_eq!(store.get(&format!("sha256:{}", hex(&other))).unwrap(), files("other"));
        assert!(matches!(store.get("00000000"), Err(StoreError::Unknown { .. })));
        for wrong in ["", "abab", "../../etc/passwd", "sha256:", &"a".repeat(65)] {
            assert!(matches!(store.get(wrong), Err(StoreError::NoName)), "{wrong}");
        }
    }

    /// Whoever names a file of a bundle writes nothing outside of the store: not by a name that
    /// leads out, and not through a link that stands where the bundle will.
    #[test]
    fn nothing_outside_of_the_store_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let store = BundleStore::of(&dir.path().join("journal"));
        let absolute = dir.path().join("absolute.yaml").display().to_string();
        for name in ["../../outside.yaml", "../x", "/etc/x", "a/b", "..", "", ".hidden", &absolute]
        {
            let files = BTreeMap::from([(name.to_owned(), b"rules: []".to_vec())]);
            assert!(matches!(store.put(&[1; 32], &files), Err(StoreError::Name(_))), "{name}");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "not even the store");

        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("a.yaml"), "before").unwrap();
        let bundles = dir.path().join("journal/bundles");
        fs::create_dir_all(&bundles).unwrap();
        std::os::unix::fs::symlink(&outside, bundles.join(format!("{}.new", hex(&[2; 32]))))
            .unwrap();
        std::os::unix::fs::symlink(&outside, bundles.join(hex(&[3; 32]))).unwrap();
        let files = BTreeMap::from([("a.yaml".to_owned(), b"after".to_vec())]);
        store.put(&[2; 32], &files).unwrap();
        assert_eq!(store.get(&hex(&[2; 32])).unwrap(), files);
        assert!(matches!(store.put(&[3; 32], &files), Err(StoreError::Disk { .. })));
        assert_eq!(fs::read(outside.join("a.yaml")).unwrap(), b"before");

        // What a crash left behind gives way.
        let unfinished = bundles.join(format!("{}.new", hex(&[4; 32])));
        fs::create_dir(&unfinished).unwrap();
        fs::write(unfinished.join("a.yaml"), "half").unwrap();
        fs::write(unfinished.join("b.yaml"), "half").unwrap();
        store.put(&[4; 32], &files).unwrap();
        assert_eq!(store.get(&hex(&[4; 32])).unwrap(), files);
    }
}
