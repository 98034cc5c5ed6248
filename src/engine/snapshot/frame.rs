//! Frames on their way to a file and back: sealed with checksums, and counted.

use std::io::{self, Read};

use crate::stages::features::{FRAME_WORDS_MAX, HEAD_WORDS, StoreId, head_words};

use super::{SnapshotFault, VERSION, VERSIONS};

/// The first bytes of every snapshot. The line end shows a file that was copied as text.
const MAGIC: u64 = u64::from_le_bytes(*b"TGSNAP\r\n");
/// The frame of the head.
pub(super) const HEAD: StoreId = StoreId(0);
/// The last frame.
const TRAILER: StoreId = StoreId(255);
/// Words of the trailer: frames, words, and a checksum over all checksums.
const TRAILER_WORDS: usize = 3;
const CRC: u64 = 0xffff_ffff;

/// What stands before the first frame.
pub fn preamble() -> [u64; 2] {
    [MAGIC.to_le(), u64::from(VERSION).to_le()]
}

/// Seals frames in the order in which they are written, and closes the file with a trailer.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sealer {
    frames: u64,
    words: u64,
    chain: u32,
}

impl Sealer {
    /// Puts checksums into frames and turns them into the file's byte order.
    pub fn seal(&mut self, mut frames: &mut [u64]) {
        while let Some(head) = frames.first() {
            let length = HEAD_WORDS + (*head & CRC) as usize;
            // Frames come whole from `Epoch::frame`, which wrote their lengths.
            let Some((frame, rest)) = frames.split_at_mut_checked(length) else { return };
            frame.iter_mut().for_each(|word| *word = word.to_le());
            let sum = checksum(frame);
            frame[1] |= u64::from(sum).to_le();
            self.note(length, sum);
            frames = rest;
        }
    }

    fn note(&mut self, words: usize, sum: u32) {
        self.frames += 1;
        self.words += words as u64;
        self.chain = crc32c::crc32c_append(self.chain, &sum.to_le_bytes());
    }

    /// The frame that closes the file.
    pub fn trailer(&self) -> [u64; HEAD_WORDS + TRAILER_WORDS] {
        let [a, b] = head_words(TRAILER, TRAILER_WORDS, 0);
        let mut frame = [a, b, self.frames, self.words, u64::from(self.chain)];
        Self::default().seal(&mut frame);
        frame
    }
}

/// The checksum of a frame in the file's byte order, its own place taken as zero.
fn checksum(frame: &[u64]) -> u32 {
    let bytes: &[u8] = bytemuck::cast_slice(frame);
    let (head, rest) = bytes.split_at(HEAD_WORDS * 8);
    let mut clean = [0; HEAD_WORDS * 8];
    clean.copy_from_slice(head);
    clean[8..12].fill(0);
    crc32c::crc32c_append(crc32c::crc32c(&clean), rest)
}

/// Reads a snapshot's frames in order, and looks at every byte.
pub(super) struct FrameReader<R> {
    input: R,
    version: u32,
    buffer: Vec<u64>,
    /// Bytes read.
    offset: u64,
    so_far: Sealer,
}

/// One frame, whole.
pub(super) struct Frame<'a> {
    pub(super) store: StoreId,
    pub(super) first: u32,
    pub(super) words: &'a [u64],
}

impl<R: Read> FrameReader<R> {
    /// Reads what stands before the first frame.
    pub(super) fn open(mut input: R) -> Result<Self, SnapshotFault> {
        let mut front = [0; 2];
        let filled = fill(&mut input, bytemuck::cast_slice_mut(&mut front))?;
        if filled < 8 || u64::from_le(front[0]) != MAGIC {
            return Err(SnapshotFault::NotASnapshot);
        }
        if filled < 16 {
            return Err(SnapshotFault::Truncated { offset: filled as u64 });
        }
        let found = u64::from_le(front[1]);
        let version = match VERSIONS.into_iter().find(|known| u64::from(*known) == found) {
            Some(version) => version,
            None if found == 0 => return Err(SnapshotFault::NotASnapshot),
            None => return Err(SnapshotFault::NewerVersion { version: found }),
        };
        Ok(Self { input, version, buffer: Vec::new(), offset: 16, so_far: Sealer::default() })
    }

    /// The format's version.
    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// The next frame; `None` after the trailer, when nothing follows it.
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, SnapshotFault> {
        let begin = self.offset;
        let damaged = |what| SnapshotFault::Damaged { offset: begin, what };
        self.read(0, HEAD_WORDS)?;
        let head = u64::from_le(self.buffer[0]);
        let words = (head & CRC) as usize;
        if words > FRAME_WORDS_MAX || head >> 32 & 0xff_ffff != 0 {
            return Err(damaged("a frame is longer than any that we write"));
        }
        self.read(HEAD_WORDS, words)?;
        let frame = &mut self.buffer[..HEAD_WORDS + words];
        let sum = checksum(frame);
        if u64::from_le(frame[1]) & CRC != u64::from(sum) {
            return Err(damaged("a frame fails its checksum"));
        }
        frame.iter_mut().for_each(|word| *word = u64::from_le(*word));
        let store = StoreId((head >> 56) as u8);
        if store == TRAILER {
            let Sealer { frames, words, chain } = self.so_far;
            if self.buffer[HEAD_WORDS..].get(..TRAILER_WORDS)
                != Some(&[frames, words, u64::from(chain)])
            {
                return Err(damaged("the trailer counts other frames"));
            }
            let mut more = [0];
            if fill(&mut self.input, &mut more)? > 0 {
                return Err(damaged("bytes follow the trailer"));
            }
            return Ok(None);
        }
        self.so_far.note(HEAD_WORDS + words, sum);
        let first = (self.buffer[1] >> 32) as u32;
        let words = &self.buffer[HEAD_WORDS..HEAD_WORDS + words];
        Ok(Some(Frame { store, first, words }))
    }

    /// Reads words into the buffer from a place on.
    fn read(&mut self, at: usize, words: usize) -> Result<(), SnapshotFault> {
        if self.buffer.len() < at + words {
            self.buffer.resize(at + words, 0);
        }
        let part: &mut [u8] = bytemuck::cast_slice_mut(&mut self.buffer[at..at + words]);
        let (wanted, filled) = (part.len(), fill(&mut self.input, part)?);
        self.offset += filled as u64;
        if filled < wanted {
            return Err(SnapshotFault::Truncated { offset: self.offset });
        }
        Ok(())
    }
}

/// Reads as much as there is.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<usize, SnapshotFault> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}
