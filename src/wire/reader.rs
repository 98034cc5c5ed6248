//! Protobuf, read: total over all bytes, borrowing, nothing allocated.

use super::WireError;

/// The inverse of [`super::zigzag`].
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Takes a varint off the front of `rest`.
#[inline]
pub fn read_varint(rest: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0_u64;
    for (index, byte) in rest.iter().take(10).enumerate() {
        // The tenth byte has room for one bit.
        if index == 9 && *byte > 1 {
            return Err(WireError::TooLong);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            *rest = rest.get(index + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(if rest.len() < 10 { WireError::Truncated } else { WireError::TooLong })
}

/// A field's value as the wire has it, before its type is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WireValue<'a> {
    /// An integer, a boolean or an enum.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Text, bytes, a message or a packed list.
    Bytes(&'a [u8]),
    /// Four bytes. No field of ours has it, but an unknown field may.
    Fixed32(u32),
}

impl<'a> WireValue<'a> {
    /// As `uint64`.
    pub const fn uint(self, field: &'static str) -> Result<u64, WireError> {
        match self {
            Self::Varint(value) => Ok(value),
            _ => Err(WireError::WrongType { field }),
        }
    }

    /// As a smaller unsigned type.
    pub fn narrow<T: TryFrom<u64>>(self, field: &'static str) -> Result<T, WireError> {
        T::try_from(self.uint(field)?).map_err(|_| WireError::OutOfRange { field })
    }

    /// As `int64`.
    pub fn int(self, field: &'static str) -> Result<i64, WireError> {
        self.uint(field).map(u64::cast_signed)
    }

    /// As `sint64`.
    pub fn sint(self, field: &'static str) -> Result<i64, WireError> {
        self.uint(field).map(unzigzag)
    }

    /// As `bool`: only 0 and 1 are canonical.
    pub fn flag(self, field: &'static str) -> Result<bool, WireError> {
        match self.uint(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::OutOfRange { field }),
        }
    }

    /// As `double`, which is finite in every field of ours.
    pub fn double(self, field: &'static str) -> Result<f64, WireError> {
        match self {
            Self::Fixed64(bits) if f64::from_bits(bits).is_finite() => Ok(f64::from_bits(bits)),
            Self::Fixed64(_) => Err(WireError::OutOfRange { field }),
            _ => Err(WireError::WrongType { field }),
        }
    }

    /// As `bytes`.
    pub const fn bytes(self, field: &'static str) -> Result<&'a [u8], WireError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(WireError::WrongType { field }),
        }
    }

    /// As exactly `N` bytes.
    pub fn array<const N: usize>(self, field: &'static str) -> Result<[u8; N], WireError> {
        self.bytes(field)?.try_into().map_err(|_| WireError::OutOfRange { field })
    }

    /// As `string`.
    pub fn text(self, field: &'static str) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes(field)?).map_err(|_| WireError::NotUtf8 { field })
    }

    /// As a message.
    pub fn message(self, field: &'static str) -> Result<MessageReader<'a>, WireError> {
        self.bytes(field).map(MessageReader::new)
    }
}

/// Reads the fields of one message in the order they stand.
///
/// Unknown fields are the caller's to ignore: a later version may add them. Of a field that comes
/// twice the last one holds, as protobuf says.
#[derive(Clone, Copy, Debug)]
pub struct MessageReader<'a> {
    rest: &'a [u8],
}

impl<'a> MessageReader<'a> {
    /// Reads all of `bytes` as one message.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next field's number and value; `None` at the end.
    #[inline]
    pub fn field(&mut self) -> Result<Option<(u32, WireValue<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = read_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| WireError::FieldNumber)?;
        if number == 0 || number >= 1 << 29 {
            return Err(WireError::FieldNumber);
        }
        let value = match tag & 7 {
            0 => WireValue::Varint(read_varint(&mut self.rest)?),
            1 => WireValue::Fixed64(u64::from_le_bytes(self.take_array()?)),
            2 => {
                let length = read_varint(&mut self.rest)?;
                WireValue::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            5 => WireValue::Fixed32(u32::from_le_bytes(self.take_array()?)),
            wire_type => return Err(WireError::WireType { wire_type: wire_type as u8 }),
        };
        Ok(Some((number, value)))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}
