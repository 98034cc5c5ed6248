//! A segment of the journal: any bytes under its name give records or an error that names the file,
//! and an engine counts what it reads, whatever it says.

#![no_main]

#[path = "../../src/engine/tests/framed.rs"]
mod framed;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use tidegate::bundle::Bundle;
use tidegate::domain::EntityKind;
use tidegate::engine::{Engine, EngineLimits, count_again};
use tidegate::journal::{Directory, Disk, DiskFile, DiskLock, Item, Reader};
use tidegate::stages::features::StateLimits;

use framed::framed;

/// A disk with one file, to read.
#[derive(Debug)]
struct OneFile(Arc<Bytes>);

#[derive(Debug)]
struct Bytes(Vec<u8>);

const NAME: &str = "/journal/00000000000000000000.tgj";

fn refused<T>() -> io::Result<T> {
    Err(io::ErrorKind::PermissionDenied.into())
}

impl Disk for OneFile {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn lock(&self, _: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        refused()
    }
    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(vec![PathBuf::from(NAME)])
    }
    fn create(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        refused()
    }
    fn open(&self, _: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::clone(&self.0) as Arc<dyn DiskFile>)
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

static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| Arc::new(Bundle::shipped()));

fn engine() -> Engine {
    let limits = EngineLimits {
        state: StateLimits { keys: [64; EntityKind::COUNT], devices: 64, ..StateLimits::default() },
        recent_events: 64,
        parked_amendments: 16,
        ..EngineLimits::default()
    };
    Engine::new(Arc::clone(&BUNDLE), &limits).expect("the shipped bundle can be laid out")
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes.to_vec());
    read(framed(bytes));
});

fn read(bytes: Vec<u8>) {
    let disk = OneFile(Arc::new(Bytes(bytes)));
    let mut reader = match Reader::open(Directory::on(Arc::new(disk), "/journal")) {
        Ok(reader) => reader.expect("there is a segment"),
        Err(error) => return assert!(error.to_string().contains(NAME)),
    };
    let mut engine = None;
    loop {
        match reader.read() {
            Ok(Some(Item::Entry(entry))) => {
                entry.features().values().for_each(drop);
                count_again(engine.get_or_insert_with(self::engine), entry);
            }
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => return assert!(error.to_string().contains(NAME)),
        }
    }
}
