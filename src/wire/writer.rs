//! Protobuf, written: varints, fixed64 and length-delimited fields at the end of a reused buffer.

/// Maps signed to unsigned so that small magnitudes are short: 0, -1, 1, -2 -> 0, 1, 2, 3.
pub const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// Appends a base-128 varint: one to ten bytes, least significant group first.
#[inline]
pub fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the fields of one message. The caller keeps them in the order of their numbers: that,
/// and writing nothing for what is absent, makes the bytes canonical.
pub struct MessageWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> MessageWriter<'a> {
    /// Writes at the end of `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// The buffer, for a payload that is not a protobuf value of its own.
    pub const fn raw(&mut self) -> &mut Vec<u8> {
        self.out
    }

    #[inline]
    fn tag(&mut self, number: u32, wire_type: u32) {
        write_varint(self.out, u64::from(number << 3 | wire_type));
    }

    /// `uint32`, `uint64` or an enum.
    #[inline]
    pub fn uint(&mut self, number: u32, value: u64) {
        self.tag(number, 0);
        write_varint(self.out, value);
    }

    /// `uint32`, `uint64` or an enum, left out when zero: for fields whose absence means zero.
    #[inline]
    pub fn uint_or_absent(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.uint(number, value);
        }
    }

    /// `int32` or `int64`: a negative value takes ten bytes.
    #[inline]
    pub fn int(&mut self, number: u32, value: i64) {
        self.uint(number, value.cast_unsigned());
    }

    /// `sint32` or `sint64`, left out when zero.
    #[inline]
    pub fn sint_or_absent(&mut self, number: u32, value: i64) {
        self.uint_or_absent(number, zigzag(value));
    }

    /// `bool`.
    #[inline]
    pub fn flag(&mut self, number: u32, value: bool) {
        self.uint(number, u64::from(value));
    }

    /// `double`.
    #[inline]
    pub fn double(&mut self, number: u32, value: f64) {
        self.tag(number, 1);
        self.out.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    /// `bytes`.
    #[inline]
    pub fn bytes(&mut self, number: u32, value: &[u8]) {
        self.tag(number, 2);
        write_varint(self.out, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// `string`.
    #[inline]
    pub fn text(&mut self, number: u32, value: &str) {
        self.bytes(number, value.as_bytes());
    }

    /// A length-delimited field whose payload `fill` writes: a message, a packed list, raw bytes.
    ///
    /// One byte is reserved for the length; a payload of 128 bytes or more is moved to make room,
    /// which costs less than encoding it twice and keeps the length canonical.
    #[inline]
    pub fn message(&mut self, number: u32, fill: impl FnOnce(&mut Self)) {
        self.tag(number, 2);
        let start = self.out.len();
        self.out.push(0);
        fill(self);
        patch_length(self.out, start);
    }

    /// As [`message`](Self::message), but nothing is left when `fill` wrote nothing.
    #[inline]
    pub fn message_or_absent(&mut self, number: u32, fill: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.tag(number, 2);
        let start = self.out.len();
        self.out.push(0);
        fill(self);
        if self.out.len() == start + 1 {
            self.out.truncate(before);
        } else {
            patch_length(self.out, start);
        }
    }

    /// A packed list of numbers, left out when empty.
    #[inline]
    pub fn packed(&mut self, number: u32, values: impl IntoIterator<Item = u64>) {
        self.message_or_absent(number, |w| {
            values.into_iter().for_each(|value| write_varint(w.out, value));
        });
    }
}

/// Writes the length of what follows the reserved byte at `start`.
fn patch_length(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start - 1;
    if let Some(byte) = out.get_mut(start)
        && length < 0x80
    {
        *byte = length as u8;
        return;
    }
    // Groups of seven bits beyond the first one.
    let extra = (usize::BITS - length.leading_zeros()).div_ceil(7) as usize - 1;
    let end = out.len();
    out.resize(end + extra, 0);
    out.copy_within(start + 1..end, start + 1 + extra);
    let mut rest = length;
    for byte in out.iter_mut().skip(start).take(extra) {
        *byte = rest as u8 | 0x80;
        rest >>= 7;
    }
    if let Some(byte) = out.get_mut(start + extra) {
        *byte = rest as u8;
    }
}
