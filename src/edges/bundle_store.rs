//! Bundles by their content hash, beside the journal: what was proposed, and what was ever live.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::bundle_files::{self, BundleFilesError};
use crate::domain::BundleDigest;

/// Fewest digits that name a bundle.
const PREFIX_MIN: usize = 8;

/// A directory of bundles, each in a directory named by its hash.
#[derive(Clone, Debug)]
pub struct BundleStore {
    dir: PathBuf,
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
        Self { dir: journal.join("bundles") }
    }

    /// Keeps a bundle: its directory appears whole or not at all.
    pub fn put(
        &self,
        digest: &BundleDigest,
        files: &BTreeMap<String, Vec<u8>>,
    ) -> Result<(), StoreError> {
        let home = self.dir.join(hex(digest));
        if home.is_dir() {
            return Ok(());
        }
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::Disk { path, error }
        };
        let unfinished = self.dir.join(format!("{}.new", hex(digest)));
        // What a crash left behind.
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir_all(&unfinished).map_err(fault(&unfinished))?;
        for (name, content) in files {
            let path = unfinished.join(name);
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(content)?;
                file.sync_all()
            });
            written.map_err(fault(&path))?;
        }
        fs::rename(&unfinished, &home).map_err(fault(&home))?;
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(fault(&self.dir))
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
        let names =
            listing.into_iter().flatten().filter_map(|it| it.file_name().into_string().ok());
        let found: Vec<String> =
            names.filter(|name| name.len() == 64 && name.starts_with(&digits)).collect();
        match found.as_slice() {
            [one] => Ok(bundle_files::read(&self.dir.join(one))?),
            [] => Err(StoreError::Unknown { name: shown() }),
            _ => Err(StoreError::Several { name: shown() }),
        }
    }
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
}
