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
