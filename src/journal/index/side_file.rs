//! One index to be asked: from its file, or from memory where it could not be kept.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::key::Key;
use super::layout::{
    BLOCK, Head, IndexRow, MAGIC, PAIR, PAIRS, PREAMBLE, ROW, ROWS, VERSION, is_whole,
};
use crate::journal::disk::DiskFile;
use crate::journal::frame::{self, Parsed};
use crate::journal::segment::fill;

/// Why an index is of no use: it is made again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Useless;

/// Where the bytes are.
enum Source {
    File(Arc<dyn DiskFile>),
    Memory(Vec<u8>),
}

/// One index.
pub(super) struct SideFile {
    pub(super) head: Head,
    source: Source,
    /// Where the first block begins.
    blocks_at: u64,
}

/// Bytes of a head that are read at first: most heads are smaller.
const HEAD_GUESS: usize = 64 << 10;

impl SideFile {
    /// An index in a file.
    pub(super) fn open(file: Arc<dyn DiskFile>, path: &Path) -> Result<Self, Useless> {
        Self::of(Source::File(file), path)
    }

    /// An index that was just made.
    pub(super) fn in_memory(bytes: Vec<u8>, path: &Path) -> Result<Self, Useless> {
        Self::of(Source::Memory(bytes), path)
    }

    fn of(source: Source, path: &Path) -> Result<Self, Useless> {
        let mut bytes = vec![0; HEAD_GUESS];
        let mut length = source.read(&mut bytes, 0, path)?;
        let expected: Vec<u8> = [MAGIC.as_slice(), &VERSION.to_le_bytes()].concat();
        if length < PREAMBLE || bytes[..PREAMBLE] != *expected {
            return Err(Useless);
        }
        let payload = loop {
            match frame::parse(&bytes[PREAMBLE..length]) {
                Parsed::Whole(payload) => break payload,
                Parsed::Short(needed) if length == bytes.len() => {
                    bytes.resize(PREAMBLE + needed, 0);
                    length = source.read(&mut bytes, 0, path)?;
                }
                _ => return Err(Useless),
            }
        };
        let range = PREAMBLE + payload.start..PREAMBLE + payload.end;
        let blocks_at = (range.end + 1) as u64;
        let head = Head::read(&bytes[range]).map_err(|_| Useless)?;
        let blocks = (head.pair_blocks() + head.row_blocks()) as u64;
        // A file of another length was cut, or something was appended to it.
        if source.size()? != blocks_at + blocks * BLOCK as u64 {
            return Err(Useless);
        }
        Ok(Self { head, source, blocks_at })
    }

    /// The inputs that a key stands for, ascending, as places from the first one.
    pub(super) fn inputs(&self, key: Key, path: &Path) -> Result<Vec<u32>, Useless> {
        let fence = &self.head.fence;
        // The block before the first one that begins with the key may end with it.
        let first = fence.partition_point(|start| *start < key.0).saturating_sub(1);
        let mut found = Vec::new();
        for (place, start) in fence.iter().enumerate().skip(first) {
            if *start > key.0 {
                break;
            }
            let block = self.block(place, path)?;
            let count = (self.head.pairs as usize - place * PAIRS).min(PAIRS);
            let (pairs, _) = block.as_chunks::<PAIR>();
            let of_key = pairs[..count].iter().filter_map(|pair| {
                let [k0, k1, k2, k3, k4, k5, k6, k7, i0, i1, i2, i3] = *pair;
                let stored = u64::from_le_bytes([k0, k1, k2, k3, k4, k5, k6, k7]);
                (stored == key.0).then(|| u32::from_le_bytes([i0, i1, i2, i3]))
            });
            found.extend(of_key);
        }
        Ok(found)
    }

    /// The rows of a stretch of inputs, each with its place.
    pub(super) fn rows(
        &self,
        stretch: Range<u32>,
        path: &Path,
        mut visit: impl FnMut(u32, IndexRow),
    ) -> Result<(), Useless> {
        let end = stretch.end.min(self.head.inputs);
        let mut at = stretch.start;
        while at < end {
            let place = at as usize / ROWS;
            let block = self.block(self.head.pair_blocks() + place, path)?;
            let (rows, _) = block.as_chunks::<ROW>();
            let last = ((place + 1) * ROWS).min(end as usize) as u32;
            for input in at..last {
                // Below `ROWS`, which fit in a block.
                visit(input, IndexRow::read(&rows[input as usize % ROWS]));
            }
            at = last;
        }
        Ok(())
    }

    /// One row.
    pub(super) fn row(&self, input: u32, path: &Path) -> Result<IndexRow, Useless> {
        let mut found = Err(Useless);
        self.rows(input..input.saturating_add(1), path, |_, row| found = Ok(row))?;
        found
    }

    /// The inputs that arrived in `[from, to)`: arrivals never go back.
    pub(super) fn arrived(&self, times: Range<i64>, path: &Path) -> Result<Range<u32>, Useless> {
        let first = |ms: i64| -> Result<u32, Useless> {
            let (mut low, mut high) = (0, self.head.inputs);
            while low < high {
                let middle = low + (high - low) / 2;
                if self.row(middle, path)?.received_at_ms < ms {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            Ok(low)
        };
        Ok(first(times.start)?..first(times.end)?)
    }

    fn block(&self, place: usize, path: &Path) -> Result<[u8; BLOCK], Useless> {
        let mut block = [0; BLOCK];
        let offset = self.blocks_at + (place * BLOCK) as u64;
        let length = self.source.read(&mut block, offset, path)?;
        if length == BLOCK && is_whole(&block, place) { Ok(block) } else { Err(Useless) }
    }
}

impl Source {
    fn read(&self, buffer: &mut [u8], offset: u64, path: &Path) -> Result<usize, Useless> {
        match self {
            // An index that cannot be read is made again from the segment.
            Self::File(file) => fill(&**file, path, buffer, offset).map_err(|_| Useless),
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(|_| Useless)?;
                let rest = bytes.get(start..).unwrap_or_default();
                let length = rest.len().min(buffer.len());
                buffer[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
        }
    }

    fn size(&self) -> Result<u64, Useless> {
        match self {
            Self::File(file) => file.size().map_err(|_| Useless),
            Self::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }
}
