//! Text as people have it in files: plain, gzip or zstd, with or without a byte order mark.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;
/// What a gzip member begins with (RFC 1952, section 2.3.1).
const GZIP: &[u8] = &[0x1f, 0x8b];
/// What a zstd frame begins with (RFC 8878, section 3.1.1).
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// U+FEFF in UTF-8: some programs begin a file with it, and it is no part of the text.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A text that can be read.
pub(in crate::commands) struct Text<'s> {
    pub(in crate::commands) reader: Box<dyn BufRead + 's>,
    /// Bytes of the file, where they are those of its text: not of a pipe, not of a compressed file.
    pub(in crate::commands) bytes: Option<u64>,
}

impl<'s> Text<'s> {
    /// Opens a file; `-` is standard input.
    pub(in crate::commands) fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::of(io::stdin(), None);
        }
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Self::of(file, about.is_file().then_some(about.len()))
    }

    /// Looks at what the source begins with, and unpacks it where it says so.
    pub(in crate::commands) fn of(
        mut source: impl Read + 's,
        bytes: Option<u64>,
    ) -> io::Result<Self> {
        let head = beginning(&mut source, ZSTD.len())?;
        let (is_gzip, is_zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
        let whole = BufReader::with_capacity(BUFFER_BYTES, io::Cursor::new(head).chain(source));
        let reader: Box<dyn BufRead + 's> = match (is_gzip, is_zstd) {
            (true, _) => {
                unmarked(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))?
            }
            (_, true) => {
                let frames = zstd::stream::read::Decoder::with_buffer(whole)?;
                unmarked(BufReader::with_capacity(BUFFER_BYTES, frames))?
            }
            _ => unmarked(whole)?,
        };
        Ok(Self { reader, bytes: bytes.filter(|_| !is_gzip && !is_zstd) })
    }
}

/// The first bytes, fewer only where there are no more: a pipe may give them one by one.
fn beginning(source: &mut impl Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(bytes);
    source.take(bytes as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The text without the mark that it may begin with.
fn unmarked<'s>(mut text: impl BufRead + 's) -> io::Result<Box<dyn BufRead + 's>> {
    let head = beginning(&mut text, BYTE_ORDER_MARK.len())?;
    Ok(if head == BYTE_ORDER_MARK {
        Box::new(text)
    } else {
        Box::new(io::Cursor::new(head).chain(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every wrapping gives the same text and only a plain file's length is that of its text.
    #[test]
    fn every_wrapping_is_unpacked() {
        let text = "{\"a\":1}\n";
        let marked = format!("\u{feff}{text}");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, marked.as_bytes()).unwrap();
        let (gzip, zstd) =
            (gzip.finish().unwrap(), zstd::encode_all(marked.as_bytes(), 1).unwrap());
        for (file, bytes) in
            [(text.into(), Some(9)), (marked.into(), Some(9)), (gzip, None), (zstd, None)]
        {
            let mut opened = Text::of(&file[..], Some(9)).unwrap();
            let mut found = String::new();
            opened.reader.read_to_string(&mut found).unwrap();
            assert_eq!((found.as_str(), opened.bytes), (text, bytes));
        }
    }
}
