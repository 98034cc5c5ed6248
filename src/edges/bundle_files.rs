//! A rules directory on disk: its files by name, bounded, and nothing from outside of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::bundle::{FILE_MAX_BYTES, check_file_name};

/// Most entries of a directory that are looked at.
const ENTRIES_MAX: usize = 4_096;

/// Why a rules directory could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleFilesError {
    /// The directory or a file of it cannot be opened or read.
    #[error("{}: {error}", .path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The directory holds something that is no file of a bundle.
    #[error("{}: {what}", .path.display())]
    Refused {
        /// What is refused.
        path: PathBuf,
        /// Why, and what to do about it.
        what: String,
    },
}

impl BundleFilesError {
    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Unreadable { path, .. } | Self::Refused { path, .. } => path,
        }
    }

    /// What is wrong with it.
    pub fn why(&self) -> String {
        match self {
            Self::Unreadable { error, .. } => error.to_string(),
            Self::Refused { what, .. } => what.clone(),
        }
    }
}

/// Reads every file of a directory. Names that begin with a dot are left out.
///
/// A link is followed only to a file within the directory, as mounted configuration has them: a
/// bundle that could name any file of the machine would be a way to read it through its faults.
pub fn read(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, BundleFilesError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| BundleFilesError::Unreadable { path, error }
    };
    let root = fs::canonicalize(directory).map_err(unreadable(directory))?;
    let entries = fs::read_dir(&root).map_err(unreadable(directory))?;
    let mut files = BTreeMap::new();
    for (count, entry) in entries.enumerate() {
        if count >= ENTRIES_MAX {
            return Err(refused(directory, "more than 4,096 entries; is this a rules directory?"));
        }
        let entry = entry.map_err(unreadable(directory))?;
        let shown = directory.join(entry.file_name());
        let Ok(name) = entry.file_name().into_string() else {
            return Err(refused(&shown, "the name is not UTF-8; rename it"));
        };
        if name.starts_with('.') {
            continue;
        }
        check_file_name(&name).map_err(|what| refused(directory, what))?;
        let real = fs::canonicalize(entry.path()).map_err(unreadable(&shown))?;
        if !real.starts_with(&root) {
            return Err(refused(&shown, "links out of the directory; put the file itself here"));
        }
        if !fs::metadata(&real).map_err(unreadable(&shown))?.is_file() {
            return Err(refused(&shown, "not a file; a rules directory holds files only"));
        }
        files.insert(name, read_bounded(&real).map_err(unreadable(&shown))?);
    }
    Ok(files)
}

/// The file's bytes, at most one more than a bundle takes, so that it refuses the file by size.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refused(path: &Path, what: impl Into<String>) -> BundleFilesError {
    BundleFilesError::Refused { path: path.to_owned(), what: what.into() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Result<Vec<String>, String> {
        read(directory).map(|files| files.into_keys().collect()).map_err(|error| error.to_string())
    }

    /// Mounted configuration links within its directory and is read; a link to the world outside
    /// and a directory are refused, by name.
    #[test]
    fn links_are_followed_only_within_the_directory() {
        let outside = tempfile::NamedTempFile::new().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("..data")).unwrap();
        fs::write(at("..data/card.yaml"), "rules: []").unwrap();
        symlink("..data/card.yaml", at("card.yaml")).unwrap();
        fs::write(at("fx.csv"), "").unwrap();
        assert_eq!(names(directory.path()).unwrap(), ["card.yaml", "fx.csv"]);

        symlink(outside.path(), at("passwd.yaml")).unwrap();
        assert!(names(directory.path()).unwrap_err().contains("passwd.yaml: links out"));
        fs::remove_file(at("passwd.yaml")).unwrap();
        fs::create_dir(at("more")).unwrap();
        assert!(names(directory.path()).unwrap_err().contains("more: not a file"));
        assert!(names(&at("absent")).is_err());
        fs::remove_dir(at("more")).unwrap();
        fs::write(at("my rules.yaml"), "").unwrap();
        assert!(names(directory.path()).unwrap_err().contains("`my rules.yaml` is no name"));
    }
}
