//! A packed row: the present columns of facts or features, each with its type, in few bytes.
//!
//! Values say their own type, so that a row can be read without the bundle that made it.
//! `record.proto` describes the bytes.

use super::words;
use crate::domain::{EventTime, Fact, Facts, FieldType};
use crate::wire::{WireError, read_varint, unzigzag, write_varint, zigzag};

const INT: u64 = 0;
const WORD: u64 = 1;
const TEXT: u64 = 2;
const SPECIAL: u64 = 3;

const FLOAT: u64 = 2;
const FLOAT_WHOLE: u64 = 3;
const ID: u64 = 4;
const MOMENT: u64 = 5;
const INT_WIDE: u64 = 6;

/// Below this magnitude every whole double is exactly one `i64`.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A value of a stored row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StoredValue<'a> {
    /// True or false.
    Bool(bool),
    /// A whole number, or minor units of money.
    Int(i64),
    /// A float.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// An opaque id.
    Id(u64),
    /// Milliseconds since the Unix epoch.
    Moment(i64),
}

/// Writes the presence of columns: one bit each, bytes of zeros at the end left out.
pub(super) fn write_presence(out: &mut Vec<u8>, words: &[u64]) {
    let bytes = words.iter().rposition(|word| *word != 0).map_or(0, |last| {
        // The last word with a bit set: its bytes up to the highest one.
        last * 8 + (64 - words[last].leading_zeros()).div_ceil(8) as usize
    });
    write_varint(out, bytes as u64);
    let end = out.len() + bytes;
    for word in words.iter().take(bytes.div_ceil(8)) {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.truncate(end);
}

/// Writes one value from the bits of its slot. Text comes apart.
///
/// Most values are flags and small counts: these are written in place, the others by a call.
#[inline(always)]
pub(super) fn write_value(
    out: &mut Vec<u8>,
    field_type: FieldType,
    bits: u64,
    text: &str,
    base: EventTime,
) {
    match field_type {
        FieldType::Bool => out.push(((bits & 1) << 2 | SPECIAL) as u8),
        FieldType::Int | FieldType::Money => {
            let number = zigzag(bits.cast_signed());
            if number < 1 << 5 {
                out.push((number << 2 | INT) as u8)
            } else {
                write_int(out, number)
            }
        }
        FieldType::Float => write_float(out, f64::from_bits(bits)),
        FieldType::Text => write_text(out, text),
        FieldType::Id => {
            write_varint(out, ID << 2 | SPECIAL);
            out.extend_from_slice(&bits.to_le_bytes());
        }
        FieldType::Timestamp => {
            write_varint(out, MOMENT << 2 | SPECIAL);
            write_varint(out, zigzag(bits.cast_signed().wrapping_sub(base.as_ms())));
        }
    }
}

#[inline(never)]
fn write_int(out: &mut Vec<u8>, number: u64) {
    if number < 1 << 62 {
        write_varint(out, number << 2 | INT);
    } else {
        write_varint(out, INT_WIDE << 2 | SPECIAL);
        write_varint(out, number);
    }
}

#[inline(never)]
fn write_float(out: &mut Vec<u8>, value: f64) {
    let whole = value as i64;
    // By the bits, so that -0.0 does not come back as 0.0.
    if value.abs() < WHOLE_MAX && (whole as f64).to_bits() == value.to_bits() {
        write_varint(out, FLOAT_WHOLE << 2 | SPECIAL);
        write_varint(out, zigzag(whole));
    } else {
        write_varint(out, FLOAT << 2 | SPECIAL);
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

#[inline(never)]
fn write_text(out: &mut Vec<u8>, text: &str) {
    if let Some(index) = words::index_of(text) {
        write_varint(out, index << 2 | WORD);
    } else {
        write_varint(out, (text.len() as u64) << 2 | TEXT);
        out.extend_from_slice(text.as_bytes());
    }
}

/// A packed row as it is stored: read column by column.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow<'a> {
    bytes: &'a [u8],
    base_ms: i64,
}

impl<'a> StoredRow<'a> {
    /// A row whose moments count from `base`.
    pub(super) const fn new(bytes: &'a [u8], base: EventTime) -> Self {
        Self { bytes, base_ms: base.as_ms() }
    }

    /// Every present column with its value, in order.
    pub fn values(self) -> impl Iterator<Item = Result<(usize, StoredValue<'a>), WireError>> {
        let mut rest = self.bytes;
        let mut failed = None;
        let presence = match read_presence(&mut rest) {
            Ok(presence) => presence,
            Err(error) => {
                failed = Some(Err(error));
                &[]
            }
        };
        let columns = presence.iter().enumerate().flat_map(|(index, byte)| {
            (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| index * 8 + bit)
        });
        let base_ms = self.base_ms;
        let values = columns.map(move |column| {
            let value = read_value(&mut rest, base_ms);
            if value.is_err() {
                // Where the next value would begin is not known.
                rest = &[];
            }
            value.map(|value| (column, value))
        });
        failed.into_iter().chain(values)
    }
}

fn read_presence<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], WireError> {
    if rest.is_empty() {
        return Ok(&[]);
    }
    let length = usize::try_from(read_varint(rest)?).map_err(|_| WireError::Truncated)?;
    take(rest, length)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], WireError> {
    let (taken, after) = rest.split_at_checked(length).ok_or(WireError::Truncated)?;
    *rest = after;
    Ok(taken)
}

fn read_u64(rest: &mut &[u8]) -> Result<u64, WireError> {
    let (taken, after) = rest.split_first_chunk().ok_or(WireError::Truncated)?;
    *rest = after;
    Ok(u64::from_le_bytes(*taken))
}

#[inline]
fn read_value<'a>(rest: &mut &'a [u8], base_ms: i64) -> Result<StoredValue<'a>, WireError> {
    const FIELD: &str = "row";
    let head = read_varint(rest)?;
    let payload = head >> 2;
    match head & 3 {
        INT => Ok(StoredValue::Int(unzigzag(payload))),
        WORD => {
            let unknown = WireError::UnknownWord { field: FIELD, number: payload };
            words::word(payload).map(StoredValue::Text).ok_or(unknown)
        }
        TEXT => {
            let length = usize::try_from(payload).map_err(|_| WireError::Truncated)?;
            let text = std::str::from_utf8(take(rest, length)?);
            text.map(StoredValue::Text).map_err(|_| WireError::NotUtf8 { field: FIELD })
        }
        _ => match payload {
            0 => Ok(StoredValue::Bool(false)),
            1 => Ok(StoredValue::Bool(true)),
            FLOAT => Ok(StoredValue::Float(f64::from_bits(read_u64(rest)?))),
            FLOAT_WHOLE => Ok(StoredValue::Float(unzigzag(read_varint(rest)?) as f64)),
            ID => Ok(StoredValue::Id(read_u64(rest)?)),
            MOMENT => Ok(StoredValue::Moment(unzigzag(read_varint(rest)?).wrapping_add(base_ms))),
            INT_WIDE => Ok(StoredValue::Int(unzigzag(read_varint(rest)?))),
            number => Err(WireError::UnknownWord { field: FIELD, number }),
        },
    }
}

/// The type of each fact, by its number.
const FACT_TYPES: [FieldType; Facts::COLUMNS] = {
    let mut types = [FieldType::Int; Facts::COLUMNS];
    let mut index = 0;
    while index < Fact::ALL.len() {
        types[Fact::ALL[index] as usize] = Fact::ALL[index].field_type();
        index += 1;
    }
    types
};

/// Writes the facts of an event.
pub(super) fn write_facts(out: &mut Vec<u8>, facts: &Facts, base: EventTime) {
    let mut present = facts.present();
    write_presence(out, &[present as u64, (present >> 64) as u64]);
    let (slots, buffer) = (facts.slots(), facts.text_buffer());
    while present != 0 {
        // Below 128, the length of both arrays.
        let number = present.trailing_zeros() as usize;
        present &= present - 1;
        let (field_type, bits) = (FACT_TYPES[number], slots[number]);
        write_value(out, field_type, bits, text_at(field_type, bits, buffer), base);
    }
}

/// The text that a slot points to, if it is a text's.
pub(super) fn text_at(field_type: FieldType, bits: u64, buffer: &str) -> &str {
    if field_type != FieldType::Text {
        return "";
    }
    let (start, length) = ((bits >> 32) as usize, (bits & 0xffff_ffff) as usize);
    buffer.get(start..start + length).unwrap_or_default()
}

/// Reads the facts of an event into a reused row.
pub(super) fn read_facts(
    bytes: &[u8],
    base: EventTime,
    facts: &mut Facts,
) -> Result<(), WireError> {
    facts.clear();
    for column in StoredRow::new(bytes, base).values() {
        let (number, value) = column?;
        let unknown = WireError::UnknownWord { field: "facts", number: number as u64 };
        let fact = Fact::from_number(number as u64).ok_or(unknown)?;
        match (fact.field_type(), value) {
            (FieldType::Bool, StoredValue::Bool(value)) => facts.set_bool(fact, value),
            (FieldType::Int | FieldType::Money, StoredValue::Int(value))
            | (FieldType::Timestamp, StoredValue::Moment(value)) => facts.set_int(fact, value),
            (FieldType::Float, StoredValue::Float(value)) => facts.set_float(fact, value),
            (FieldType::Text, StoredValue::Text(value)) => facts.set_text(fact, value),
            (FieldType::Id, StoredValue::Id(value)) => facts.set_id(fact, value),
            _ => return Err(WireError::WrongType { field: fact.name() }),
        }
    }
    Ok(())
}
