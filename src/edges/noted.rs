//! A number in a small file, with its checksum: one of which a bit has turned is not believed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::journal::open_plain;

/// A number, a checksum and what stands between them are shorter.
const BYTES_MAX: u64 = 64;

/// The number that a file notes; `None` when there is none, or none that can be believed.
pub(super) fn read(path: &Path) -> Option<u64> {
    let mut text = String::new();
    let file = open_plain(OpenOptions::new().read(true), path).ok()?;
    file.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    let (number, _) = text.split_once(' ')?;
    let number = number.parse().ok()?;
    (text == line(number)).then_some(number)
}

/// Notes a number: the file has the one before or this one, whatever happens.
pub(super) fn write(path: &Path, number: u64) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = open_plain(options.write(true).create(true).truncate(true), &unfinished)?;
    file.write_all(line(number).as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn line(number: u64) -> String {
    let digits = number.to_string();
    format!("{digits} {:08x}\n", crc32c::crc32c(digits.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segments are deleted up to a number from such a file: another one would lose what is in no
    /// archive.
    #[test]
    fn no_turned_bit_is_another_number() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ARCHIVED");
        assert_eq!(read(&path), None);
        for number in [0, 7, 1_234_567, u64::MAX] {
            write(&path, number).unwrap();
            assert_eq!(read(&path), Some(number));
            let bytes = fs::read(&path).unwrap();
            for at in 0..bytes.len() * 8 {
                let mut turned = bytes.clone();
                turned[at / 8] ^= 1 << (at % 8);
                fs::write(&path, turned).unwrap();
                assert_eq!(read(&path), None, "bit {at} of {number}");
            }
            fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
            assert_eq!(read(&path), None, "cut short");
        }
    }
}
