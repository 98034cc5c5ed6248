//! Altered files: each changed byte is named with its file, or changes nothing that is read.

use super::*;

fn small_journal(segment_bytes: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let small = super::super::Opening { segment_bytes, ..opening(1) };
    let mut writer = Writer::open(dir.path(), small).unwrap();
    samples(4).iter().for_each(|owned| {
        append(&mut writer, owned, None);
    });
    writer.close().unwrap();
    dir
}

/// Reads a copy of a journal in which one file has other bytes.
fn read_with(original: &Path, changed: &Path, bytes: &[u8]) -> Result<Vec<Seq>, JournalError> {
    let dir = tempfile::tempdir().unwrap();
    for path in segment_files(original) {
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    fs::write(dir.path().join(changed.file_name().unwrap()), bytes).unwrap();
    read_all(dir.path())
}

/// Any changed byte in any file is an error that names the file: nothing else is a journal that can
/// be believed.
#[test]
fn every_changed_byte_is_named() {
    use std::os::unix::fs::FileExt as _;
    let dir = small_journal(900);
    let files = segment_files(dir.path());
    assert!(files.len() > 1, "closed segments and an open one");
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        for (at, byte) in fs::read(path).unwrap().into_iter().enumerate() {
            file.write_all_at(&[byte ^ 1 << (at % 8)], at as u64).unwrap();
            let error = read_all(dir.path()).unwrap_err().to_string();
            assert!(error.contains(name), "byte {at} of {name}: {error}");
            file.write_all_at(&[byte], at as u64).unwrap();
        }
    }
    assert_eq!(read_all(dir.path()).unwrap(), seqs(1, 4), "all is as it was");
}

/// The same for a sample of a large journal's bytes, spread over its files. Only the segment that was
/// touched is read.
#[test]
fn a_changed_byte_of_many_is_named() {
    use std::os::unix::fs::FileExt as _;
    let dir = tempfile::tempdir().unwrap();
    let large = super::super::Opening { segment_bytes: 256 << 10, ..opening(1) };
    let mut writer = Writer::open(dir.path(), large).unwrap();
    let samples = samples(50);
    for number in 0..10_000 {
        append(&mut writer, &samples[number % samples.len()], None);
        if number % 64 == 0 {
            writer.flush(Durability::Written).unwrap();
        }
    }
    writer.close().unwrap();
    let directory = Directory::from(dir.path());
    let segments = directory.segments().unwrap();
    assert!(segments.len() > 10);
    for turn in 0..400_u64 {
        let (first_record, path) = &segments[turn as usize % segments.len()];
        let name = path.file_name().unwrap().to_str().unwrap();
        let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        let at = (turn + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) % file.metadata().unwrap().len();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 1 << (turn % 8)], at).unwrap();
        let mut reader = Reader::open_segment(&directory, *first_record);
        let error = loop {
            match reader.as_mut().map(Reader::read) {
                Ok(Ok(Some(_))) => {}
                Ok(Ok(None)) => panic!("byte {at} of {name} was passed over"),
                Ok(Err(error)) => break error.to_string(),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains(name), "byte {at} of {name}: {error}");
        file.write_all_at(&byte, at).unwrap();
    }
    assert_eq!(read_all(dir.path()).unwrap().len(), 10_000, "all is as it was");
}

/// A closed segment that lost its end is named; the newest one that did is as after a crash, and
/// gives the records before the cut.
#[test]
fn every_truncation_is_named_or_torn() {
    let dir = small_journal(900);
    let files = segment_files(dir.path());
    let (newest, closed) = files.split_last().unwrap();
    for path in closed {
        let bytes = fs::read(path).unwrap();
        for cut in (0..bytes.len()).rev().step_by(9) {
            assert!(read_with(dir.path(), path, &bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
    let bytes = fs::read(newest).unwrap();
    for cut in (0..bytes.len()).rev().step_by(5) {
        if let Ok(read) = read_with(dir.path(), newest, &bytes[..cut]) {
            assert_eq!(read, seqs(1, read.len() as u64), "cut at {cut}");
        }
    }
}

/// A missing, foreign, renamed or repeated segment is named: a hole in the order is never skipped.
#[test]
fn a_hole_in_the_order_is_named() {
    let check = |change: &dyn Fn(&Path, &[PathBuf]), expected: &str| {
        let dir = small_journal(400);
        let files = segment_files(dir.path());
        change(dir.path(), &files);
        let error = read_all(dir.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(&|_, files| fs::remove_file(&files[1]).unwrap(), "does not continue");
    check(&|_, files| assert!(fs::copy(&files[0], &files[1]).is_ok()), "it was renamed");
    check(&|dir, _| fs::write(dir.join("copy.tgj"), b"").unwrap(), "twenty digits");
    check(&|_, files| fs::write(&files[1], b"TGJR").unwrap(), "too short");
    check(&|_, files| fs::write(&files[1], [b'x'; 100]).unwrap(), "does not begin with TGJRNL");
    let other = tempfile::tempdir().unwrap();
    let small = super::super::Opening { segment_bytes: 400, ..opening(9) };
    let mut writer = Writer::open(other.path(), small).unwrap();
    samples(4).iter().for_each(|owned| {
        append(&mut writer, owned, None);
    });
    writer.close().unwrap();
    let foreign = segment_files(other.path());
    check(&|_, files| assert!(fs::copy(&foreign[1], &files[1]).is_ok()), "another journal");
}

/// A newer version's file says so, and asks for an upgrade, not for a restore.
#[test]
fn a_newer_format_is_named() {
    let dir = small_journal(1 << 20);
    let path = &segment_files(dir.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[8] = 2;
    fs::write(path, bytes).unwrap();
    let error = read_all(dir.path()).unwrap_err().to_string();
    assert!(error.ends_with("version 2; this Tidegate reads up to 1: upgrade"), "{error}");
}

/// Damage in the newest segment keeps a writer from starting: cutting there would lose decisions
/// that were acknowledged.
#[test]
fn a_writer_refuses_damage() {
    let dir = small_journal(1 << 20);
    let path = &segment_files(dir.path())[0];
    let whole = fs::read(path).unwrap();
    let header_end = super::super::segment::SegmentReader::open(
        &Directory::from(path.parent().unwrap()),
        path,
        0,
    )
    .unwrap()
    .offset();
    for at in (header_end as usize..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(path, &changed).unwrap();
        let refused = Writer::open(dir.path(), opening(2)).map(|_| ()).unwrap_err();
        assert!(matches!(refused, JournalError::Damaged { .. }), "byte {at}: {refused}");
        assert_eq!(fs::read(path).unwrap(), changed, "the evidence is not touched");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Any bytes under a segment's name give an error or a journal, never a panic; also with valid
    /// preamble, header and frames around rubbish.
    #[test]
    fn rubbish_is_survived(
        rubbish in prop::collection::vec(any::<u8>(), 0..300),
        framed in any::<bool>(),
        headed in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut bytes = Vec::new();
        if headed {
            drop(Writer::open(dir.path(), opening(1)).unwrap());
            bytes = fs::read(&segment_files(dir.path())[0]).unwrap();
            let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            bytes.truncate(end);
        }
        if framed {
            super::super::frame::append(&mut bytes, |out| {
                out.extend_from_slice(&rubbish);
                Ok::<_, ()>(())
            }).unwrap();
        } else {
            bytes.extend_from_slice(&rubbish);
        }
        fs::write(Directory::from(dir.path()).segment_path(0), bytes).unwrap();
        let _ = read_all(dir.path());
        let _ = Writer::open(dir.path(), opening(2)).map(|_| ());
    }

    /// A record whose checksum holds and whose bytes are any others gives an error or an entry.
    #[test]
    fn an_altered_open_part_is_survived(
        owned in entry(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path(), opening(1)).unwrap();
        let handle = append(&mut writer, &owned, None);
        let mut open = writer.open_part(&handle).unwrap().as_bytes().to_vec();
        let at = at.index(open.len());
        let mut entry = ReadEntry::new();
        let _ = entry.read(crate::wire::MessageReader::new(&open[..at]));
        open[at] = byte;
        if entry.read(crate::wire::MessageReader::new(&open)).is_ok() {
            let _ = entry.features().values().count();
        }
    }
}
