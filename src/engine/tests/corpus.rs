//! What fuzzing and thinking have found stays found: `tests/corpus/journal`, in every test run.

use std::fs;
use std::path::Path;

use crate::engine::count_again;
use crate::engine::snapshot::tests::engine;
use crate::journal::{Directory, Item, JournalError, Reader};

use super::framed::framed;

/// Reads a segment to its end, and has an engine count what it says: how many inputs.
fn read(bytes: &[u8]) -> Result<u32, JournalError> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(Directory::from(dir.path()).segment_path(0), bytes).unwrap();
    let mut reader = Reader::open(dir.path())?.expect("there is a segment");
    let (mut engine, mut inputs) = (engine(), 0);
    while let Some(item) = reader.read()? {
        if let Item::Entry(entry) = item {
            entry.features().values().for_each(drop);
            count_again(&mut engine, entry);
            inputs += 1;
        }
    }
    Ok(inputs)
}

/// A `.tgj` is a segment and gives what its name says; any other file is records whose checksums
/// hold, which give inputs or a fault. Nothing panics.
#[test]
fn the_corpus_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/journal");
    let (mut files, mut inputs) = (0, 0);
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let (name, bytes) = (path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        files += 1;
        if path.extension().is_some_and(|end| end == "tgj") {
            let found = read(&bytes);
            assert_eq!(found.is_ok(), name.starts_with("ok-"), "{name}: {found:?}");
        } else {
            inputs += read(&framed(&bytes)).unwrap_or_default();
        }
    }
    assert!(files > 10 && inputs > 2, "{files} files, {inputs} inputs");
}
