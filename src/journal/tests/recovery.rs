//! After a crash: the last whole record is kept, a cut-short write goes, numbers go on.

use super::*;

/// A journal of some inputs, closed as a crash would leave it: its last segment with room after it.
fn journal(inputs: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer =
        Writer::open(dir.path(), super::super::Opening { segment_bytes: 20_000, ..opening(1) })
            .unwrap();
    samples(inputs).iter().for_each(|owned| {
        append(&mut writer, owned, None);
    });
    writer.flush(Durability::Written).unwrap();
    // Dropped without `close`, as a killed process does.
    dir
}

/// Wherever a crash cuts the file, the records before the cut are kept, numbers go on after the
/// last of them, and the journal reads to its end.
#[test]
fn every_cut_is_recovered() {
    let whole = journal(3);
    let [path] = segment_files(whole.path()).try_into().unwrap();
    let bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let mut reader = super::super::segment::SegmentReader::open(
        &Directory::from(path.parent().unwrap()),
        &path,
        0,
    )
    .unwrap();
    let mut ends = vec![];
    let first = reader.offset() as usize;
    while let super::super::segment::Step::Frame(_) = reader.next().unwrap() {
        ends.push(reader.offset() as usize);
    }
    // The judge of tails is tried at every byte in `tail.rs`; here at each record's edges and
    // between them.
    let near =
        |cut: &usize| cut.is_multiple_of(31) || ends.iter().any(|end| end.abs_diff(*cut) < 3);
    for cut in (first..=end).filter(near) {
        let dir = tempfile::tempdir().unwrap();
        let mut torn = bytes.clone();
        torn[cut..].fill(0);
        fs::write(dir.path().join(path.file_name().unwrap()), &torn).unwrap();
        // One byte short of its mark, a record is whole all the same.
        let whole_records = ends.iter().filter(|end| **end <= cut + 1).count();
        let inputs = whole_records.saturating_sub(1) as u64;
        let mut writer = Writer::open(dir.path(), opening(2)).unwrap();
        assert_eq!(writer.next_seq(), Seq(inputs + 1), "cut at {cut}");
        append(&mut writer, &samples(1)[0], None);
        writer.close().unwrap();
        assert_eq!(read_all(dir.path()).unwrap(), seqs(1, inputs + 1), "cut at {cut}");
    }
}

/// A crash while a segment was being created leaves a file without records: it is replaced, never
/// gone on with, because its salt may have sealed something that was lost.
#[test]
fn an_empty_segment_is_replaced() {
    let dir = journal(3);
    let before = Writer::open(dir.path(), opening(2)).unwrap();
    let next_record = before.next_record();
    drop(before);
    let path = Directory::from(dir.path()).segment_path(next_record - 1);
    let mut bytes = fs::read(&path).unwrap();
    let header = super::super::segment::SegmentReader::open(
        &Directory::from(path.parent().unwrap()),
        &path,
        next_record - 1,
    )
    .unwrap();
    let header_end = header.offset() as usize;
    bytes[header_end..].fill(0);
    fs::write(&path, &bytes).unwrap();
    fs::write(dir.path().join("next.tgj.new"), b"unfinished").unwrap();

    let writer = Writer::open(dir.path(), opening(3)).unwrap();
    assert_eq!((writer.next_seq(), writer.next_record()), (Seq(4), next_record));
    drop(writer);
    assert_ne!(fs::read(&path).unwrap()[..header_end], bytes[..header_end], "a salt of its own");
    assert!(!dir.path().join("next.tgj.new").exists());
    assert_eq!(read_all(dir.path()).unwrap(), seqs(1, 3));
}

/// A segment that a snapshot makes needless for a start is missed all the same: without it nothing
/// can be replayed or proven, and nobody would know for years.
#[test]
fn every_segment_is_missed() {
    let whole = tempfile::tempdir().unwrap();
    let small = |byte| super::super::Opening { segment_bytes: 2_000, ..opening(byte) };
    for byte in 1..=2 {
        let mut writer = Writer::open(whole.path(), small(byte)).unwrap();
        samples(20).iter().for_each(|owned| {
            append(&mut writer, owned, None);
        });
        writer.close().unwrap();
    }
    let names: Vec<_> = segment_files(whole.path())
        .iter()
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    assert!(names.len() > 4, "{}", names.len());
    let foreign = tempfile::tempdir().unwrap();
    drop(Writer::open(foreign.path(), opening(9)).unwrap());
    let missing = |path: &Path| fs::remove_file(path).unwrap();
    let cut = |path: &Path| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    };
    let longer = |path: &Path| {
        use std::io::Write as _;
        fs::File::options().append(true).open(path).unwrap().write_all(b"noise").unwrap();
    };
    let empty = |path: &Path| fs::write(path, "").unwrap();
    let other = |path: &Path| {
        let first = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        rename_header(&segment_files(foreign.path())[0], path, first);
    };
    type Change<'a> = &'a dyn Fn(&Path);
    let changes: [(&str, Change<'_>); 5] = [
        ("missing", &missing),
        ("cut", &cut),
        ("longer", &longer),
        ("empty", &empty),
        ("another journal's", &other),
    ];
    // Without the first one the journal begins later, as after its days are over; the last one's end
    // is another matter.
    for name in &names[1..names.len() - 1] {
        for (what, change) in changes {
            let dir = tempfile::tempdir().unwrap();
            for name in &names {
                fs::copy(whole.path().join(name), dir.path().join(name)).unwrap();
            }
            change(&dir.path().join(name));
            let refused = Writer::open(dir.path(), opening(3)).map(drop).unwrap_err();
            let is_named = matches!(
                refused,
                JournalError::Gap { .. }
                    | JournalError::Damaged { .. }
                    | JournalError::NotASegment { .. }
            );
            assert!(is_named, "{what}: {refused}");
        }
    }
}

/// A segment of one journal under a number of another's, checksums and all.
fn rename_header(from: &Path, to: &Path, first_record: u64) {
    let reader = super::super::segment::SegmentReader::open(
        &Directory::from(from.parent().unwrap()),
        from,
        0,
    )
    .unwrap();
    let records = fs::read(from).unwrap().split_off(reader.offset() as usize);
    let mut header = reader.header.clone();
    header.first_record = first_record;
    fs::write(to, [header.to_bytes(), records].concat()).unwrap();
}

/// What is cut off is said, to the byte.
#[test]
fn what_is_cut_off_is_said() {
    for noise in [0, 1, 700] {
        let dir = journal(3);
        let [path] = segment_files(dir.path()).try_into().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        bytes[end..end + noise].fill(7);
        fs::write(&path, bytes).unwrap();
        let mut reader = Reader::open(dir.path()).unwrap().unwrap();
        while reader.read().unwrap().is_some() {}
        let unread = reader.unread().unwrap();
        let writer = Writer::open(dir.path(), opening(2)).unwrap();
        assert_eq!(writer.cut(), unread.as_ref());
        let said = unread.map_or((end as u64, 0), |cut| (cut.offset, cut.bytes));
        assert_eq!(said, (end as u64, noise as u64));
        assert_eq!(writer.next_seq(), Seq(4));
    }
}

/// What others keep in the directory is theirs, whatever it is called like.
#[test]
fn strange_files_stay() {
    let dir = journal(1);
    let strange = ["notes.tgj.new", "1.tgj.new", "LOCK.tgj.new"].map(|name| dir.path().join(name));
    strange.iter().for_each(|path| fs::write(path, "theirs").unwrap());
    drop(Writer::open(dir.path(), opening(2)).unwrap());
    assert!(strange.iter().all(|path| path.exists()));
}

/// Two writers would give one number to two inputs.
#[test]
fn a_second_writer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Writer::open(dir.path(), opening(1)).unwrap();
    let refused = Writer::open(dir.path(), opening(2)).map(|_| ()).unwrap_err();
    assert!(matches!(refused, JournalError::Locked { .. }), "{refused}");
    drop(first);
    assert!(Writer::open(dir.path(), opening(2)).is_ok());
}

/// Each opening goes on where the one before ended, under the same name and a key of its own.
#[test]
fn many_openings_are_one_journal() {
    let dir = tempfile::tempdir().unwrap();
    for opened in 0..5_u8 {
        let mut writer = Writer::open(dir.path(), opening(opened)).unwrap();
        assert_eq!(writer.next_seq(), Seq(1 + 2 * u64::from(opened)));
        samples(2).iter().for_each(|owned| {
            append(&mut writer, owned, None);
        });
        writer.flush(Durability::Synced).unwrap();
    }
    assert_eq!(read_all(dir.path()).unwrap(), seqs(1, 10));
}
