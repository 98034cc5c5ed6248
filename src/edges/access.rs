//! Whether this process may write somewhere: asked of the system, and nothing is written.

use std::io;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, accessat};

/// Whether files can be made in a directory.
pub fn may_make_in(dir: &Path) -> io::Result<()> {
    if !std::fs::metadata(dir)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    may(dir, Access::WRITE_OK | Access::EXEC_OK)
}

/// Whether a directory can be used, or made where it is not there yet: then by the nearest one above.
pub fn may_begin(dir: &Path) -> io::Result<()> {
    match may_make_in(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match dir.parent() {
            Some(parent) if parent.as_os_str().is_empty() => may_make_in(Path::new(".")),
            Some(parent) => may_begin(parent),
            None => Err(error),
        },
        found => found,
    }
}

/// Whether a file that is there can be written.
pub fn may_write(file: &Path) -> io::Result<()> {
    may(file, Access::READ_OK | Access::WRITE_OK)
}

/// Whether a program can be started.
pub fn may_run(program: &Path) -> io::Result<()> {
    may(program, Access::EXEC_OK)
}

fn may(path: &Path, how: Access) -> io::Result<()> {
    // As the user that the process acts for, who is the one that opens files.
    Ok(accessat(CWD, path, how, AtFlags::EACCESS)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// What the first write would have found is found before it, by its kind.
    #[test]
    fn what_stands_in_the_way_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        let kind = |found: io::Result<()>| found.map_err(|error| error.kind());
        assert_eq!(kind(may_begin(dir.path())), Ok(()));
        assert_eq!(kind(may_begin(&at("a/b/c"))), Ok(()));
        assert_eq!(kind(may_begin(&at("file"))), Err(io::ErrorKind::NotADirectory));
        assert_eq!(kind(may_begin(&at("file/a"))), Err(io::ErrorKind::NotADirectory));
        assert_eq!(kind(may_make_in(&at("none"))), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(may_run(&at("file"))), Err(io::ErrorKind::PermissionDenied));
        std::fs::set_permissions(at("file"), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!((kind(may_run(&at("file"))), kind(may_write(&at("file")))), (Ok(()), Ok(())));
    }
}
