//! A segment file, read frame by frame through one reused buffer.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::JournalError;
use super::directory::Directory;
use super::disk::DiskFile;
use super::frame::{self, HEAD, Parsed};
use super::header::{MAGIC, PREAMBLE, SegmentHeader, VERSION};

/// Bytes read at once: many records a system call, few enough to stay in cache.
const CHUNK: usize = 256 << 10;
/// Bytes that hold any header: they are a quarter of a kibibyte.
const HEADER_CHUNK: usize = 4 << 10;

/// What the reader met.
pub(super) enum Step {
    /// A frame: its payload's place in [`SegmentReader::payload`]'s buffer.
    Frame(Range<usize>),
    /// No whole frame stands here: the end, a write under way, or damage.
    Stop,
}

/// Reads one segment in order. It may grow meanwhile.
#[derive(Debug)]
pub(super) struct SegmentReader {
    pub header: SegmentHeader,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    unread: Range<usize>,
    /// The file offset of the unread part.
    offset: u64,
}

impl SegmentReader {
    /// Opens a segment and reads its header.
    pub(super) fn open(dir: &Directory, path: &Path, first: u64) -> Result<Self, JournalError> {
        Self::open_sized(dir, path, (first, CHUNK))
    }

    /// The same, for who wants nothing but the header: of all segments, say.
    pub(super) fn open_header(
        dir: &Directory,
        path: &Path,
        first: u64,
    ) -> Result<Self, JournalError> {
        Self::open_sized(dir, path, (first, HEADER_CHUNK))
    }

    fn open_sized(
        dir: &Directory,
        path: &Path,
        (first, chunk): (u64, usize),
    ) -> Result<Self, JournalError> {
        let file = dir.open(path)?;
        let mut preamble = [0; PREAMBLE];
        if fill(&*file, path, &mut preamble, 0)? < PREAMBLE {
            return Err(not_a_segment(path, "it is too short"));
        }
        check_preamble(path, &preamble)?;
        let mut buffer = vec![0; chunk];
        let length = fill(&*file, path, &mut buffer, PREAMBLE as u64)?;
        let Parsed::Whole(payload) = frame::parse(&buffer[..length]) else {
            let what = "the segment's header fails its checksum";
            return Err(JournalError::Damaged { path: path.to_owned(), offset: 0, what });
        };
        let header = SegmentHeader::read(&buffer[payload.clone()])
            .map_err(|source| JournalError::Record { path: path.to_owned(), offset: 0, source })?;
        if header.first_record != first {
            return Err(not_a_segment(path, "it was renamed: its header has another number"));
        }
        let start = payload.end + 1;
        let offset = (PREAMBLE + start) as u64;
        let path = path.to_owned();
        Ok(Self { header, path, file, buffer, unread: start..length, offset })
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file.
    pub(super) fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// The offset of the next frame.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes to a frame.
    pub(super) const fn seek(&mut self, offset: u64) {
        self.offset = offset;
        self.unread = 0..0;
    }

    /// Takes the next frame. After a [`Step::Stop`] the same offset can be tried again.
    pub(super) fn next(&mut self) -> Result<Step, JournalError> {
        let mut fresh = false;
        loop {
            match frame::parse(&self.buffer[self.unread.clone()]) {
                Parsed::Whole(payload) => {
                    let start = self.unread.start;
                    let size = payload.end + 1;
                    self.unread.start += size;
                    self.offset += size as u64;
                    return Ok(Step::Frame(start + payload.start..start + payload.end));
                }
                Parsed::Short(needed) => {
                    if !self.read_more(needed)? {
                        return Ok(Step::Stop);
                    }
                    fresh = true;
                }
                // What is buffered may be older than the file: a writer has gone on meanwhile.
                _ if !fresh => {
                    self.unread = 0..0;
                    if !self.read_more(HEAD)? {
                        return Ok(Step::Stop);
                    }
                    fresh = true;
                }
                _ => return Ok(Step::Stop),
            }
        }
    }

    /// The bytes of a frame that [`next`](Self::next) gave.
    pub(super) fn payload(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Reads until `needed` bytes are unread; false when the file has fewer.
    fn read_more(&mut self, needed: usize) -> Result<bool, JournalError> {
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        let size = needed.max(CHUNK);
        if self.buffer.len() < size {
            // A length that damage made up must not take memory that the file does not fill.
            let length = self.file.size().map_err(JournalError::io(&self.path, "inspect"))?;
            if length.saturating_sub(self.offset) < needed as u64 {
                return Ok(false);
            }
            self.buffer.resize(size, 0);
        }
        let at = self.offset + self.unread.end as u64;
        let length = fill(&*self.file, &self.path, &mut self.buffer[self.unread.end..], at)?;
        self.unread.end += length;
        Ok(self.unread.len() >= needed)
    }
}

/// Reads as much as there is.
pub(super) fn fill(
    file: &dyn DiskFile,
    path: &Path,
    buffer: &mut [u8],
    offset: u64,
) -> Result<usize, JournalError> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) => return Err(JournalError::io(path, "read the segment")(error)),
        }
    }
    Ok(done)
}

fn not_a_segment(path: &Path, what: &'static str) -> JournalError {
    JournalError::NotASegment { path: path.to_owned(), what }
}

fn check_preamble(path: &Path, preamble: &[u8; PREAMBLE]) -> Result<(), JournalError> {
    let (magic, version) = preamble.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(not_a_segment(path, "it does not begin with TGJRNL"));
    }
    match version.try_into().map(u32::from_le_bytes) {
        Ok(VERSION) => Ok(()),
        Ok(version) if version > VERSION => {
            Err(JournalError::NewerVersion { path: path.to_owned(), version, known: VERSION })
        }
        _ => Err(not_a_segment(path, "its format version does not exist")),
    }
}
