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

/// A journal that is moved away while it is written would take acknowledged answers with it, unseen:
/// writer and keeper say so, and nothing more is acknowledged.
#[test]
fn a_journal_that_is_moved_away_is_missed() {
    let home = tempfile::tempdir().unwrap();
    let (dir, away) = (home.path().join("journal"), home.path().join("away"));
    let mut writer = Writer::open(&dir, opening(1)).unwrap();
    let keeper = writer.keeper();
    append(&mut writer, &samples(1)[0], None);
    writer.flush(Durability::Written).unwrap();
    keeper.look().unwrap();
    fs::rename(&dir, &away).unwrap();
    assert!(matches!(keeper.look(), Err(JournalError::Gone { .. })));
    append(&mut writer, &samples(1)[0], None);
    let refused = writer.flush(Durability::Written).unwrap_err();
    assert!(matches!(refused, JournalError::Gone { .. }), "{refused}");
    assert!(writer.close().is_err());
    assert_eq!(read_all(&away).unwrap(), seqs(1, 1));

    let writer = Writer::open(&dir, opening(2)).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    let missed = writer.close().unwrap_err();
    assert!(matches!(missed, JournalError::Gone { .. }), "{missed}");
}

/// Another file under the segment's name, a copy say, is not the one that is written; and a lock that
/// another process has taken makes two writers.
#[test]
fn what_took_the_place_of_the_journal_is_missed() {
    let home = tempfile::tempdir().unwrap();
    let copied = |dir: &Path| {
        let path = segment_files(dir).pop().unwrap();
        fs::copy(&path, dir.join("copy")).unwrap();
        fs::rename(dir.join("copy"), &path).unwrap();
    };
    let linked = |dir: &Path| {
        let path = segment_files(dir).pop().unwrap();
        fs::rename(&path, dir.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(dir.join("elsewhere"), &path).unwrap();
    };
    let made_anew = |dir: &Path| {
        fs::rename(dir, dir.with_extension("away")).unwrap();
        drop(Writer::open(dir, opening(7)).unwrap());
    };
    let deleted = |dir: &Path| fs::remove_file(segment_files(dir).pop().unwrap()).unwrap();
    type Change<'a> = &'a dyn Fn(&Path);
    let others: [(&str, Change<'_>); 4] =
        [("copied", &copied), ("linked", &linked), ("made anew", &made_anew), ("gone", &deleted)];
    for (what, change) in others {
        let dir = home.path().join(what);
        let writer = Writer::open(&dir, opening(1)).unwrap();
        let keeper = writer.keeper();
        keeper.look().unwrap();
        change(&dir);
        let missed = keeper.look().unwrap_err();
        assert!(matches!(missed, JournalError::Gone { .. }), "{what}: {missed}");
    }

    let dir = home.path().join("locked");
    let writer = Writer::open(&dir, opening(1)).unwrap();
    fs::remove_file(dir.join("LOCK")).unwrap();
    let second = Writer::open(&dir, opening(2)).map(drop).unwrap_err();
    assert!(matches!(second, JournalError::Locked { .. }), "{second}");
    writer.look().unwrap();
    fs::remove_file(dir.join("LOCK")).unwrap();
    let other = fs::File::create(dir.join("LOCK")).unwrap();
    other.try_lock().unwrap();
    let missed = writer.look().unwrap_err();
    assert!(matches!(missed, JournalError::Locked { .. }), "{missed}");
}

/// Without a keeper, and between two of its looks, no more than so many answers leave for a journal
/// that is not there any more.
#[test]
fn a_writer_looks_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("journal");
    let large = Opening { segment_bytes: 8 << 20, ..opening(1) };
    let mut writer = Writer::open(&dir, large).unwrap();
    let [owned] = samples(1).try_into().unwrap();
    fs::rename(&dir, home.path().join("away")).unwrap();
    let kept = (0..2_000).take_while(|_| {
        append(&mut writer, &owned, None);
        writer.flush(Durability::Written).is_ok()
    });
    assert!(kept.count() <= 1_024);
    assert!(matches!(writer.flush(Durability::Written), Err(JournalError::Gone { .. })));
}

/// A file in the place of the directory, or above it, is named as what it is.
#[test]
fn a_file_in_the_directorys_place_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "no directory").unwrap();
    for dir in [file.clone(), file.join("below")] {
        let refused = Writer::open(&dir, opening(1)).map(drop).unwrap_err();
        let expected =
            format!("{}: a file stands where the journal's directory should", dir.display());
        assert!(refused.to_string().starts_with(&expected), "{refused}");
    }
}
