//! A segment of the journal: any bytes under its name give records or an error that names the file.

#![no_main]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tidegate::journal::{Directory, Disk, DiskFile, DiskLock, Reader};

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

fuzz_target!(|bytes: &[u8]| {
    let disk = OneFile(Arc::new(Bytes(bytes.to_vec())));
    let mut reader = match Reader::open(Directory::on(Arc::new(disk), "/journal")) {
        Ok(reader) => reader.expect("there is a segment"),
        Err(error) => return assert!(error.to_string().contains(NAME)),
    };
    loop {
        match reader.read() {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => return assert!(error.to_string().contains(NAME)),
        }
    }
});
