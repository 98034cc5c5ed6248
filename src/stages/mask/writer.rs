//! JSON bytes that may leave the house, and the small writer that fills them.

use std::fmt;

/// A masked decision as JSON. Only [`super::render`] fills it; emitters accept nothing else.
///
/// A reused buffer: it keeps its memory from one event to the next.
#[derive(Default)]
pub struct Masked {
    bytes: Vec<u8>,
}

impl Masked {
    /// An empty buffer.
    pub fn new() -> Self {
        Self { bytes: Vec::with_capacity(2_048) }
    }

    /// The JSON document; empty before the first rendering.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the document before.
    pub(super) fn start(&mut self) -> Json<'_> {
        self.bytes.clear();
        Json::over(&mut self.bytes)
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} bytes)", self.bytes.len())
    }
}

/// Where a block of the document began: a block that stays empty is taken back.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    key: usize,
    body: usize,
}

/// Writes members, each followed by a comma; closing a block puts its bracket over the last one.
///
/// Keys are literals of our own, written with their quotes and colon: `"seq":`.
pub(super) struct Json<'m> {
    bytes: &'m mut Vec<u8>,
}

impl<'m> Json<'m> {
    /// Goes on at the end of these bytes.
    pub(super) const fn over(bytes: &'m mut Vec<u8>) -> Self {
        Self { bytes }
    }

    /// Members that another writer has written, each with its comma.
    pub(super) fn members(&mut self, written: &[u8]) {
        self.bytes.extend_from_slice(written);
    }

    /// Begins an object or array: `"payer":{`.
    pub(super) fn open(&mut self, key: &'static str) -> Mark {
        let mark = self.bytes.len();
        self.bytes.extend_from_slice(key.as_bytes());
        Mark { key: mark, body: self.bytes.len() }
    }

    /// Ends it; without a member it is as if it had not begun.
    pub(super) fn close_or_drop(&mut self, mark: Mark, bracket: u8) {
        if self.bytes.len() == mark.body {
            self.bytes.truncate(mark.key);
        } else {
            self.close(mark, bracket);
        }
    }

    /// Ends it, empty or not.
    pub(super) fn close(&mut self, mark: Mark, bracket: u8) {
        if self.bytes.len() > mark.body {
            // The comma after the last member.
            self.bytes.pop();
        }
        self.bytes.extend_from_slice(&[bracket, b',']);
    }

    /// Ends the document: nothing follows.
    pub(super) fn finish(self) {
        self.bytes.pop();
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.bytes.extend_from_slice(key.as_bytes());
        self.element(value);
    }

    /// A text of an array.
    pub(super) fn element(&mut self, value: &str) {
        let mut text = self.begin();
        text.push(value);
        text.end();
    }

    /// A text of an array, after another one.
    pub(super) fn element_under(&mut self, before: &str, value: &str) {
        let mut text = self.begin();
        text.push(before);
        text.push(value);
        text.end();
    }

    /// A text of our own, known to need no escape.
    pub(super) fn word(&mut self, key: &'static str, value: &'static str) {
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.extend_from_slice(b"\",");
    }

    /// A text that is written piece by piece.
    pub(super) fn pieces(&mut self, key: &str) -> Text<'_> {
        self.bytes.extend_from_slice(key.as_bytes());
        self.begin()
    }

    /// A text under a key that is not ours.
    pub(super) fn foreign(&mut self, key: &str) -> Text<'_> {
        let mut text = self.begin();
        text.push(key);
        text.out.extend_from_slice(b"\":\"");
        text
    }

    fn begin(&mut self) -> Text<'_> {
        self.bytes.push(b'"');
        Text { out: self.bytes }
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &'static str, value: u64) {
        self.bytes.extend_from_slice(key.as_bytes());
        push_number(self.bytes, value);
        self.bytes.push(b',');
    }

    /// A whole number that may be negative.
    pub(super) fn signed(&mut self, key: &'static str, value: i64) {
        self.bytes.extend_from_slice(key.as_bytes());
        if value < 0 {
            self.bytes.push(b'-');
        }
        push_number(self.bytes, value.unsigned_abs());
        self.bytes.push(b',');
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str, value: bool) {
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.extend_from_slice(if value { b"true," } else { b"false," });
    }

    /// A moment.
    pub(super) fn time(&mut self, key: &'static str, value: crate::domain::EventTime) {
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.push(b'"');
        value.write_rfc3339(self.bytes);
        self.bytes.extend_from_slice(b"\",");
    }

    /// Degrees with so many decimals, rounded half away from zero; at most nine.
    pub(super) fn degrees(&mut self, key: &'static str, value: f64, decimals: u8) {
        self.bytes.extend_from_slice(key.as_bytes());
        let places = u32::from(decimals.min(9));
        let unit = 10_u64.pow(places);
        // Degrees are within 180 by the door; the cast saturates for anything else.
        let scaled = (value.abs() * unit as f64 + 0.5) as u64;
        if value < 0.0 && scaled > 0 {
            self.bytes.push(b'-');
        }
        push_number(self.bytes, scaled / unit);
        if places > 0 {
            self.bytes.push(b'.');
            let fraction = scaled % unit;
            (0..places).rev().for_each(|place| {
                self.bytes.push(b'0' + (fraction / 10_u64.pow(place) % 10) as u8);
            });
        }
        self.bytes.push(b',');
    }
}

/// A text that is being written, escaped as it goes.
pub(super) struct Text<'m> {
    out: &'m mut Vec<u8>,
}

impl Text<'_> {
    /// Appends a piece.
    pub(super) fn push(&mut self, piece: &str) {
        let clean = piece.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        if clean {
            self.out.extend_from_slice(piece.as_bytes());
        } else {
            self.escape(piece);
        }
    }

    /// Appends stars.
    pub(super) fn stars(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, b'*');
    }

    /// Ends the text.
    pub(super) fn end(self) {
        self.out.extend_from_slice(b"\",");
    }

    #[cold]
    fn escape(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
                    self.out.extend_from_slice(b"\\u00");
                    self.out.extend_from_slice(&[hex(byte >> 4), hex(byte)]);
                }
                // Anything else stands for itself, bytes of longer characters too.
                byte => self.out.push(byte),
            }
        }
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push(piece);
        Ok(())
    }
}

/// Decimal digits of a number.
fn push_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        // A `u64` has at most twenty digits, so `at` does not pass zero.
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
