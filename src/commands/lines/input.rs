//! A file of lines, as people have them: plain, gzip or zstd, with or without a byte order mark.

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
/// U+FEFF in UTF-8: some programs begin a file with it, and it is no part of the first line.
const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// Lines, each at most one byte longer than the longest that is read whole.
pub(super) struct Input {
    inner: Box<dyn BufRead>,
    /// Bytes of the file, where they are those of its lines: not of a pipe, not of a compressed file.
    bytes: Option<u64>,
    line_bytes_max: usize,
    is_at_head: bool,
}

impl Input {
    /// Opens a file; `-` is standard input. A line of more than `line_bytes_max` bytes is cut to one
    /// byte more than that, which is enough to see that it is too long: no line can fill the memory.
    pub(super) fn open(path: &Path, line_bytes_max: usize) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::of(io::stdin(), None, line_bytes_max);
        }
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Self::of(file, about.is_file().then_some(about.len()), line_bytes_max)
    }

    fn of(
        source: impl Read + 'static,
        bytes: Option<u64>,
        line_bytes_max: usize,
    ) -> io::Result<Self> {
        // A pipe may give its first bytes one by one, and the longest sign has four.
        let mut head = Vec::with_capacity(ZSTD.len());
        let mut source = source;
        source.by_ref().take(ZSTD.len() as u64).read_to_end(&mut head)?;
        let (is_gzip, is_zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
        let whole = BufReader::with_capacity(BUFFER_BYTES, io::Cursor::new(head).chain(source));
        let inner: Box<dyn BufRead> = match (is_gzip, is_zstd) {
            (true, _) => {
                Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(whole)))
            }
            (_, true) => Box::new(BufReader::with_capacity(
                BUFFER_BYTES,
                zstd::stream::read::Decoder::with_buffer(whole)?,
            )),
            _ => Box::new(whole),
        };
        let bytes = bytes.filter(|_| !is_gzip && !is_zstd);
        Ok(Self { inner, bytes, line_bytes_max, is_at_head: true })
    }

    /// How many bytes all lines have, where that is known before they are read.
    pub(super) const fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Reads the next line, with its end, in place of what `line` holds. Gives the bytes that were
    /// read for it, more than the line has where it was cut; 0 at the end.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        line.clear();
        let mut read = 0;
        loop {
            let ready = self.inner.fill_buf()?;
            if ready.is_empty() {
                break;
            }
            let end = ready.iter().position(|byte| *byte == b'\n');
            let part = end.map_or(ready, |end| &ready[..=end]);
            let room = (self.line_bytes_max + BYTE_ORDER_MARK.len() + 1).saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let part = part.len();
            self.inner.consume(part);
            read += part;
            if end.is_some() {
                break;
            }
        }
        if std::mem::take(&mut self.is_at_head) && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn lines(bytes: Vec<u8>, line_bytes_max: usize) -> Vec<String> {
        let mut input = Input::of(io::Cursor::new(bytes), None, line_bytes_max).unwrap();
        let (mut line, mut all) = (Vec::new(), Vec::new());
        while input.read_line(&mut line).unwrap() > 0 {
            all.push(String::from_utf8(line.clone()).unwrap());
        }
        all
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// The same lines come out of every wrapping, a byte order mark in front of none of them; files
    /// that were joined are read to their end.
    #[test]
    fn every_wrapping_holds_the_same_lines() {
        let text = b"{\"a\":1}\r\n\n{\"b\":2}";
        let expected = ["{\"a\":1}\r\n", "\n", "{\"b\":2}"];
        let marked = [BYTE_ORDER_MARK, text].concat();
        for plain in [&text[..], &marked] {
            assert_eq!(lines(plain.to_vec(), 100), expected);
            assert_eq!(lines(gzip(plain), 100), expected);
            assert_eq!(lines(zstd::encode_all(plain, 1).unwrap(), 100), expected);
        }
        let joined = [gzip(b"1\n"), gzip(b"2\n")].concat();
        assert_eq!(lines(joined, 100), ["1\n", "2\n"]);
        let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
        assert_eq!(lines([frame(b"1\n"), frame(b"2\n")].concat(), 100), ["1\n", "2\n"]);
    }

    /// A mark inside a file is text like any other, and a file of less than a sign's bytes is read.
    #[test]
    fn small_and_odd_files_are_read() {
        assert_eq!(lines(Vec::new(), 100), [""; 0]);
        assert_eq!(lines(b"\n".to_vec(), 100), ["\n"]);
        assert_eq!(lines(BYTE_ORDER_MARK.to_vec(), 100), [""]);
        assert_eq!(lines("a\n\u{feff}b\n".into(), 100), ["a\n", "\u{feff}b\n"]);
    }

    /// A line without an end is not kept in memory: enough of it is, to be refused as too long.
    #[test]
    fn an_endless_line_is_cut() {
        let text = [vec![b'x'; 3 << 20], b"\nshort\n".to_vec()].concat();
        let found = lines(text, 1_000);
        assert_eq!((found.len(), found[1].as_str()), (2, "short\n"));
        assert!((1_001..1_010).contains(&found[0].len()), "{}", found[0].len());
    }

    /// A compressed file that was cut short is a fault, not the end of the lines.
    #[test]
    fn a_cut_file_is_a_fault() {
        for whole in [gzip(&[b'x'; 10_000]), zstd::encode_all(&[b'x'; 10_000][..], 1).unwrap()] {
            let mut input =
                Input::of(io::Cursor::new(whole[..whole.len() - 3].to_vec()), None, 100).unwrap();
            let mut line = Vec::new();
            let error = loop {
                match input.read_line(&mut line) {
                    Ok(0) => panic!("it ended"),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
