//! A file of lines, none of which fills the memory.

use std::io::{self, BufRead};
use std::path::Path;

use super::text::Text;

/// Lines, each at most one byte longer than the longest that is read whole.
pub(in crate::commands) struct Input<'s> {
    text: Text<'s>,
    line_bytes_max: usize,
}

impl<'s> Input<'s> {
    /// Opens a file; `-` is standard input. A line of more than `line_bytes_max` bytes is cut to one
    /// byte more than that, which is enough to see that it is too long: no line can fill the memory.
    pub(in crate::commands) fn open(path: &Path, line_bytes_max: usize) -> io::Result<Self> {
        Ok(Self { text: Text::open(path)?, line_bytes_max })
    }

    /// How many bytes all lines have, where that is known before they are read.
    pub(in crate::commands) const fn bytes(&self) -> Option<u64> {
        self.text.bytes
    }

    /// Reads the next line, with its end, in place of what `line` holds. Gives the bytes that were
    /// read for it, more than the line has where it was cut; 0 at the end.
    pub(in crate::commands) fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        line.clear();
        let mut read = 0;
        loop {
            let ready = self.text.reader.fill_buf()?;
            if ready.is_empty() {
                break;
            }
            let end = memchr::memchr(b'\n', ready);
            let part = end.map_or(ready, |end| &ready[..=end]);
            let room = (self.line_bytes_max + 1).saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let part = part.len();
            self.text.reader.consume(part);
            read += part;
            if end.is_some() {
                break;
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// U+FEFF in UTF-8.
    const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

    fn input(bytes: Vec<u8>, line_bytes_max: usize) -> Input<'static> {
        Input { text: Text::of(io::Cursor::new(bytes), None).unwrap(), line_bytes_max }
    }

    fn lines(bytes: Vec<u8>, line_bytes_max: usize) -> Vec<String> {
        let mut input = input(bytes, line_bytes_max);
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
        assert_eq!(lines(BYTE_ORDER_MARK.to_vec(), 100), [""; 0]);
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
            let text = Text::of(&whole[..whole.len() - 3], None);
            let read = text.and_then(|mut text| text.reader.read_to_end(&mut Vec::new()));
            let error = read.expect_err("it ended");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
