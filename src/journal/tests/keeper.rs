//! Writer and keeper between two steps of one another.

use std::io;
use std::sync::{Arc, OnceLock};

use super::super::{Disk, DiskFile, DiskLock, Keeper, Opening, RealDisk};
use super::*;

/// A disk on which the keeper takes its turns just before the writer renames the prepared file: the
/// one moment that two threads meet in by chance.
#[derive(Debug, Default)]
struct Untimely {
    keeper: OnceLock<Watched>,
}

struct Watched(Keeper);

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watched")
    }
}

impl Disk for Untimely {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.create_dir(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        RealDisk.lock(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open(path)
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        RealDisk.open_to_write(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let is_prepared = from.file_name().is_some_and(|name| name == "next.tgj.new");
        if let Some(Watched(keeper)) = self.keeper.get().filter(|_| is_prepared) {
            keeper.turn().map_err(io::Error::other)?;
        }
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

/// A file that is prepared under the name that the writer still holds would empty a segment with a
/// header in it: no restart could read the journal.
#[test]
fn a_file_is_not_prepared_under_a_name_in_hand() {
    let home = tempfile::tempdir().unwrap();
    let disk = Arc::new(Untimely::default());
    let dir = Directory::on(Arc::<Untimely>::clone(&disk), home.path());
    let mut writer = Writer::open(dir, Opening { segment_bytes: 20_000, ..opening(1) }).unwrap();
    let keeper = writer.keeper();
    disk.keeper.set(Watched(writer.keeper())).unwrap();
    let events = samples(200);
    for owned in &events {
        append(&mut writer, owned, None);
        writer.flush(Durability::Written).unwrap();
        while matches!(keeper.wait(std::time::Duration::ZERO), super::super::Due::Now) {
            keeper.turn().unwrap();
        }
    }
    assert!(segment_files(home.path()).len() > 3, "segments were changed");
    drop(writer);
    assert_eq!(read_all(home.path()).unwrap(), seqs(1, events.len() as u64));
}
