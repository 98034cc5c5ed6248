//! A run: the fingerprints of one or more closed segments in one sorted file, and a filter in memory
//! that nearly always says when an event is not in it.
//!
//! `TGFPRN\r\n | version u32 | first record u64 | end record u64 | count u64 | CRC32C u32 | entries`,
//! little endian. An entry is a name (16 bytes), and the segment and offset of a record. The file
//! is a cache: whatever is wrong with it, it is written again from its segments.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::domain::Token;
use crate::journal::open_plain;

const MAGIC: [u8; 8] = *b"TGFPRN\r\n";
/// 2: amendments are also found by the event that they amend.
const VERSION: u32 = 2;
const HEAD: usize = 8 + 4 + 3 * 8 + 4;
const ENTRY: usize = 32;
/// Entries read at once while searching: a page of the disk.
const PAGE: usize = 4_096 / ENTRY;

/// Where an input's record stands, in the order of the journal.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position {
    /// The first record's number of its segment.
    pub(super) segment: u64,
    /// Where its frame begins in that file.
    pub(super) offset: u64,
}

/// A name, and where its record stands: that of an input, or that of the amendments of an event.
pub(super) type Entry = (Token, Position);

/// The records that a run covers, half-open.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) first: u64,
    pub(super) end: u64,
}

impl Span {
    pub(super) const fn holds(self, other: Self) -> bool {
        self.first <= other.first && other.end <= self.end
    }
}

/// An open run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) path: PathBuf,
    pub(super) span: Span,
    file: File,
    pub(super) count: u64,
    filter: Filter,
}

impl Run {
    /// The name of the run that covers a span.
    pub(super) fn path(dir: &Path, span: Span) -> PathBuf {
        dir.join(format!("{:020}-{:020}.tgf", span.first, span.end))
    }

    /// Whether a file in the directory is one of ours: a plain file under the name of a run, or of one
    /// that was being written. Nothing else there is read or removed.
    pub(super) fn is_ours(path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.strip_suffix(".new").unwrap_or(name).strip_suffix(".tgf");
        let numbers = stem.and_then(|stem| stem.split_once('-'));
        let is_number =
            |text: &str| text.len() == 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        numbers.is_some_and(|(first, end)| is_number(first) && is_number(end))
            && fs::symlink_metadata(path).is_ok_and(|about| about.is_file())
    }

    /// Opens and checks a file; `None` when it is not whole.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = open_plain(OpenOptions::new().read(true), path)?;
        let mut head = [0; HEAD];
        if file.read_exact_at(&mut head, 0).is_err() || head[..8] != MAGIC {
            return Ok(None);
        }
        let word = |at: usize| head[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        let half = |at: usize| head[at..at + 4].try_into().map_or(0, u32::from_le_bytes);
        let (span, count) = (Span { first: word(12), end: word(20) }, word(28));
        let length =
            count.checked_mul(ENTRY as u64).and_then(|bytes| bytes.checked_add(HEAD as u64));
        if half(8) != VERSION
            || length != Some(file.metadata()?.len())
            || Self::path(path.parent().unwrap_or(path), span) != path
        {
            return Ok(None);
        }
        let mut filter = Filter::new(count);
        let mut crc = crc32c::crc32c(&head[..HEAD - 4]);
        let mut reader = BufReader::with_capacity(1 << 18, &file);
        reader.seek_relative(HEAD as i64)?;
        let mut entry = [0; ENTRY];
        for _ in 0..count {
            reader.read_exact(&mut entry)?;
            crc = crc32c::crc32c_append(crc, &entry);
            filter.add(token_of(&entry));
        }
        let is_whole = crc == half(HEAD - 4);
        Ok(is_whole.then(|| Self { path: path.to_owned(), span, file, count, filter }))
    }

    /// Writes the run of a span; entries are sorted by token, then by place.
    pub(super) fn write(dir: &Path, span: Span, entries: &[Entry]) -> io::Result<Self> {
        let path = Self::path(dir, span);
        let unfinished = path.with_extension("tgf.new");
        let mut options = OpenOptions::new();
        let file = open_plain(options.write(true).create(true).truncate(true), &unfinished)?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let mut head = Vec::with_capacity(HEAD);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        for word in [span.first, span.end, entries.len() as u64] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        let mut crc = crc32c::crc32c(&head);
        out.write_all(&head)?;
        out.write_all(&[0; 4])?;
        for entry in entries {
            let bytes = to_bytes(entry);
            crc = crc32c::crc32c_append(crc, &bytes);
            out.write_all(&bytes)?;
        }
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.write_all_at(&crc.to_le_bytes(), HEAD as u64 - 4)?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(dir)?.sync_all()?;
        Self::open(&path)?.ok_or_else(|| io::Error::other("what was written is not what is read"))
    }

    /// Where an event's record stands, if this run has it.
    pub(super) fn find(&self, token: Token) -> io::Result<Option<Position>> {
        if !self.filter.may_have(token) {
            return Ok(None);
        }
        // Tokens are keyed hashes, so they are spread evenly: the first guess is nearly right.
        let (mut low, mut high) = (0, self.count);
        let mut guess = ((u128::from(rank(token)) * u128::from(self.count)) >> 64) as u64;
        let mut page = [0; PAGE * ENTRY];
        while low < high {
            let begin = guess.saturating_sub(PAGE as u64 / 2).clamp(low, high - 1);
            let end = (begin + PAGE as u64).min(high);
            let bytes = &mut page[..(end - begin) as usize * ENTRY];
            self.file.read_exact_at(bytes, HEAD as u64 + begin * ENTRY as u64)?;
            let found = bytes.chunks_exact(ENTRY).find(|entry| token_of(entry) == token);
            if let Some(entry) = found {
                return Ok(Some(position_of(entry)));
            }
            let key = token.as_bytes();
            let (first, last) = (&bytes[..16], &bytes[bytes.len() - ENTRY..][..16]);
            if key.as_slice() < first {
                high = begin;
            } else if key.as_slice() > last {
                low = end;
            } else {
                return Ok(None);
            }
            guess = low + (high - low) / 2;
        }
        Ok(None)
    }

    /// Where the newest records of one name stand, so many at most, in order.
    pub(super) fn find_all(&self, token: Token, most: usize) -> io::Result<Vec<Position>> {
        if !self.filter.may_have(token) {
            return Ok(Vec::new());
        }
        let key = token.as_bytes();
        let begin = self.partition_point(|other| other < key)?;
        let end = self.partition_point(|other| other <= key)?;
        let begin = begin.max(end.saturating_sub(most as u64));
        let mut bytes = vec![0; (end - begin) as usize * ENTRY];
        self.file.read_exact_at(&mut bytes, HEAD as u64 + begin * ENTRY as u64)?;
        Ok(bytes.chunks_exact(ENTRY).map(position_of).collect())
    }

    /// The first entry whose token is not so; all before it are.
    fn partition_point(&self, is_before: impl Fn(&[u8; 16]) -> bool) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.count);
        let mut token = [0; 16];
        while low < high {
            let middle = low + (high - low) / 2;
            self.file.read_exact_at(&mut token, HEAD as u64 + middle * ENTRY as u64)?;
            if is_before(&token) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// All entries in order.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut bytes = vec![0; self.count as usize * ENTRY];
        self.file.read_exact_at(&mut bytes, HEAD as u64)?;
        Ok(bytes.chunks_exact(ENTRY).map(|entry| (token_of(entry), position_of(entry))).collect())
    }
}

fn to_bytes((token, at): &Entry) -> [u8; ENTRY] {
    let mut bytes = [0; ENTRY];
    bytes[..16].copy_from_slice(token.as_bytes());
    bytes[16..24].copy_from_slice(&at.segment.to_le_bytes());
    bytes[24..].copy_from_slice(&at.offset.to_le_bytes());
    bytes
}

fn token_of(entry: &[u8]) -> Token {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&entry[..16]);
    Token::from_bytes(bytes)
}

fn position_of(entry: &[u8]) -> Position {
    let word = |at: usize| entry[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    Position { segment: word(16), offset: word(24) }
}

/// A token's place among all tokens, by its first bytes: the order of the file.
fn rank(token: Token) -> u64 {
    token.as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// A Bloom filter whose bits for one token stand in one word: one cache miss, about 2% errors.
#[derive(Debug)]
struct Filter(Vec<u64>);

impl Filter {
    fn new(count: u64) -> Self {
        Self(vec![0; (count as usize * 10).div_ceil(64).max(1)])
    }

    fn place(&self, token: Token) -> (usize, u64) {
        let (high, low) = token.as_bytes().split_at(8);
        let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let (at, bits) = (word(high), word(low));
        let mask = (0..4).fold(0, |mask, n| mask | 1 << (bits >> (6 * n) & 63));
        (((u128::from(at) * self.0.len() as u128) >> 64) as usize, mask)
    }

    fn add(&mut self, token: Token) {
        let (at, mask) = self.place(token);
        self.0[at] |= mask;
    }

    fn may_have(&self, token: Token) -> bool {
        let (at, mask) = self.place(token);
        self.0[at] & mask == mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(n: u64) -> Token {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        bytes[8..].copy_from_slice(&n.wrapping_mul(0xBF58_476D_1CE4_E5B9).to_le_bytes());
        Token::from_bytes(bytes)
    }

    fn run(dir: &Path, count: u64) -> Run {
        let mut entries: Vec<Entry> =
            (0..count).map(|n| (token(n), Position { segment: n / 100, offset: n })).collect();
        entries.sort_unstable_by_key(|(token, _)| *token.as_bytes());
        Run::write(dir, Span { first: 0, end: count }, &entries).unwrap()
    }

    /// An event that is not found would be counted twice; one that is found for another would get a
    /// stranger's answer.
    #[test]
    fn what_is_in_is_found_and_nothing_else() {
        for count in [0, 1, 2, 127, 128, 129, 5_000] {
            let dir = tempfile::tempdir().unwrap();
            let run = run(dir.path(), count);
            for n in 0..count {
                let expected = Position { segment: n / 100, offset: n };
                assert_eq!(run.find(token(n)).unwrap(), Some(expected), "{n} of {count}");
            }
            let strangers = (count..count + 2_000).filter(|n| run.filter.may_have(token(*n)));
            assert!(strangers.count() < 150, "the filter says no, mostly");
            assert!((count..count + 2_000).all(|n| run.find(token(n)).unwrap().is_none()));
        }
    }

    /// A damaged run is not believed, whatever byte of it turned.
    #[test]
    fn a_damaged_run_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = run(dir.path(), 20).path;
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            assert!(Run::open(&path).unwrap().is_none(), "byte {at}");
        }
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Run::open(&path).unwrap().is_none(), "cut short");
    }
}
