//! Indexes are copies: whatever their bytes say, the answer is the journal's.

use std::io;
use std::sync::{Arc, Mutex};

use super::super::{Disk, DiskFile, DiskLock, JournalIndex, Key, RealDisk, Wanted};
use super::*;
use crate::domain::EntityKind;

/// The machine's disk, to read alone, with other bytes in place of the indexes.
#[derive(Debug)]
struct Altered(Arc<Mutex<Vec<u8>>>);

#[derive(Debug)]
struct Bytes(Vec<u8>);

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for Altered {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        refused()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        match path.extension().is_some_and(|end| end == "tgx") {
            true => Ok(Arc::new(Bytes(self.0.lock().unwrap().clone()))),
            false => RealDisk.open(path),
        }
    }

    fn open_to_write(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
}

impl DiskFile for Bytes {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.0.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        refused()
    }

    fn allocate(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        refused()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        refused()
    }

    fn sync_all(&self) -> io::Result<()> {
        refused()
    }
}

/// One closed segment with its index, and what can be asked of it.
struct Indexed {
    dir: tempfile::TempDir,
    bytes: Vec<u8>,
    wanted: Vec<Wanted>,
}

fn indexed() -> Indexed {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), opening(1)).unwrap();
    let samples = samples(6);
    samples.iter().for_each(|owned| {
        append(&mut writer, owned, None);
    });
    writer.close().unwrap();
    let mut wanted = vec![Wanted::default()];
    for owned in &samples {
        let tokens = EntityKind::ALL.map(|kind| Some((kind, owned.input.tokens.get(kind)?)));
        let keys = tokens.into_iter().flatten().map(|(kind, token)| Key::entity(kind, token));
        let keys = keys.chain([Key::event(&owned.input.event_id)]);
        let of_key = |key| Wanted { keys: vec![vec![key]], ..Wanted::default() };
        wanted.extend(keys.take(2).map(of_key));
    }
    drop(JournalIndex::open(dir.path(), |_, _| {}).unwrap());
    let bytes = fs::read(dir.path().join(format!("{:020}.tgx", 0))).unwrap();
    Indexed { dir, bytes, wanted }
}

/// The numbers that each question finds, each read from its record.
fn answers(disk: &Directory, wanted: &[Wanted]) -> Result<Vec<Vec<Seq>>, JournalError> {
    let mut index = JournalIndex::open(disk.clone(), |_, _| {})?;
    let answer = |wanted: &Wanted| {
        let found = index.find(wanted)?;
        found.into_iter().map(|at| Ok(index.read(at)?.seq)).collect()
    };
    wanted.iter().map(answer).collect()
}

/// An investigator is told that there is nothing only where there is nothing: every byte that an index
/// says something by, altered one after the other, on a disk that lets no new one be kept.
#[test]
fn no_altered_byte_of_an_index_changes_an_answer() {
    let Indexed { dir, bytes, wanted } = indexed();
    let side = Arc::new(Mutex::new(bytes.clone()));
    let disk = Directory::on(Arc::new(Altered(Arc::clone(&side))), dir.path());
    let expected = answers(&disk, &wanted).unwrap();
    assert_eq!(expected[0], seqs(1, 6));
    assert!(wanted.len() > 6 && expected.iter().all(|found| !found.is_empty()));
    // Most of a block is zeros at its end: a sample of those is enough.
    let says_something = |at: &usize| bytes[*at] != 0 || at.is_multiple_of(61);
    for at in (0..bytes.len()).filter(says_something) {
        side.lock().unwrap()[at] ^= 1 << (at % 8);
        assert_eq!(answers(&disk, &wanted).unwrap(), expected, "byte {at} of {}", bytes.len());
        side.lock().unwrap()[at] = bytes[at];
    }
}

/// An index whose checksums are right and which is wrong all the same names itself: the record that it
/// leads to is another one.
#[test]
fn a_forged_index_is_named() {
    let Indexed { dir, bytes, .. } = indexed();
    // Two rows of the last block change places; arrivals and offsets stand first in a row.
    const BLOCK: usize = 4_096;
    const ROW: usize = 20;
    let start = bytes.len() - BLOCK;
    let mut forged = bytes;
    let (first, second) = (start..start + ROW, start + ROW..start + 2 * ROW);
    let row = forged[first.clone()].to_vec();
    forged.copy_within(second.clone(), start);
    forged[second].copy_from_slice(&row);
    // Pairs fill the first block, rows the second.
    let place = 1_u64;
    let payload = &forged[start..start + BLOCK - 4];
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&place.to_le_bytes()), payload);
    forged[start + BLOCK - 4..].copy_from_slice(&checksum.to_le_bytes());
    let disk = Altered(Arc::new(Mutex::new(forged)));
    let disk = Directory::on(Arc::new(disk), dir.path());
    let error = answers(&disk, &[Wanted::default()]).unwrap_err().to_string();
    assert!(error.contains(".tgx") && error.contains("another input"), "{error}");
}
