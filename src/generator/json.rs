//! Writing numbers, times and JSON into a byte buffer, without allocation.

/// Appends a whole number.
pub(super) fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let (mut place, mut rest) = (20, number);
    loop {
        place -= 1;
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[place..]);
}

/// Appends the last `width` decimal digits of a number, padded with zeros; at most 20.
pub(super) fn push_padded(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let (mut place, mut rest) = (20, number);
    while rest > 0 && place > 0 {
        place -= 1;
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[20 - width.min(20)..]);
}

/// Appends the last `width` hexadecimal digits of a number, lower case; at most 16.
pub(super) fn push_hex(out: &mut Vec<u8>, number: u64, width: usize) {
    for place in (0..width.min(16)).rev() {
        out.push(b"0123456789abcdef"[(number >> (4 * place) & 15) as usize]);
    }
}

/// Appends micro-degrees as degrees with six decimals.
pub(super) fn push_micro_degrees(out: &mut Vec<u8>, micro: i32) {
    if micro < 0 {
        out.push(b'-');
    }
    let magnitude = u64::from(micro.unsigned_abs());
    push_number(out, magnitude / 1_000_000);
    out.push(b'.');
    push_padded(out, magnitude % 1_000_000, 6);
}

/// Appends a date, days since 1970-01-01, as `2026-03-02`.
pub(super) fn push_date(out: &mut Vec<u8>, day: i64) {
    let (year, month, day) = civil(day);
    push_padded(out, year as u64, 4);
    out.push(b'-');
    push_padded(out, month, 2);
    out.push(b'-');
    push_padded(out, day, 2);
}

/// Appends a time in milliseconds as RFC 3339 at +08:00.
pub(super) fn push_time(out: &mut Vec<u8>, at_ms: i64) {
    let local = at_ms + 8 * 3_600_000;
    push_date(out, local.div_euclid(86_400_000));
    let ms = local.rem_euclid(86_400_000) as u64;
    for (mark, value, width) in [
        (b'T', ms / 3_600_000, 2),
        (b':', ms / 60_000 % 60, 2),
        (b':', ms / 1_000 % 60, 2),
        (b'.', ms % 1_000, 3),
    ] {
        out.push(mark);
        push_padded(out, value, width);
    }
    out.extend_from_slice(b"+08:00");
}

/// Year, month and day of a day count (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn civil(day: i64) -> (i64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u64, day as u64)
}

/// One JSON object being written; commas place themselves.
///
/// Text comes from our own tables and needs no escaping, which a debug build asserts.
pub(super) struct Object<'a> {
    /// The line.
    pub(super) out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Opens an object at the end of `out`.
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out }
    }

    /// Begins a field: the caller writes its value.
    pub(super) fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A text field from a table.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.quoted(name, |out| out.extend_from_slice(value.as_bytes()));
    }

    /// A text field written by `write`, between quotation marks.
    pub(super) fn quoted(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.key(name);
        out.push(b'"');
        let first = out.len();
        write(out);
        debug_assert!(
            out[first..].iter().all(|&byte| byte >= 0x20 && byte != b'"' && byte != b'\\'),
            "text from our tables needs no escaping"
        );
        out.push(b'"');
    }

    /// A whole-number field.
    pub(super) fn number(&mut self, name: &str, value: u64) {
        push_number(self.key(name), value);
    }

    /// A truth-value field.
    pub(super) fn flag(&mut self, name: &str, value: Flag) {
        self.key(name).extend_from_slice(match value {
            Flag::True => b"true",
            Flag::False => b"false",
        });
    }

    /// An object field, filled by `fill`.
    pub(super) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        let mut inner = Object::open(self.key(name));
        fill(&mut inner);
        inner.close();
    }

    /// Closes the object.
    pub(super) fn close(self) {
        self.out.push(b'}');
    }
}

/// A truth value that reads as one where it is passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flag {
    True,
    False,
}

impl From<bool> for Flag {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("ASCII")
    }

    /// The forms that a strict decoder insists on.
    #[test]
    fn numbers_and_times_have_their_form() {
        assert_eq!(written(|out| push_number(out, 0)), "0");
        assert_eq!(written(|out| push_number(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(|out| push_padded(out, 1_234, 3)), "234");
        assert_eq!(written(|out| push_padded(out, 7, 4)), "0007");
        assert_eq!(written(|out| push_hex(out, 0xBEEF, 6)), "00beef");
        assert_eq!(written(|out| push_micro_degrees(out, -127_800)), "-0.127800");
        assert_eq!(written(|out| push_micro_degrees(out, 121_473_700)), "121.473700");
        assert_eq!(written(|out| push_time(out, 0)), "1970-01-01T08:00:00.000+08:00");
        assert_eq!(
            written(|out| push_time(out, 1_709_164_799_999)),
            "2024-02-29T07:59:59.999+08:00"
        );
        assert_eq!(
            written(|out| push_time(out, 1_772_380_800_000)),
            "2026-03-02T00:00:00.000+08:00"
        );
    }

    /// Commas stand between fields and nowhere else, at every depth.
    #[test]
    fn commas_place_themselves() {
        let line = written(|out| {
            let mut object = Object::open(out);
            object.text("a", "x");
            object.object("b", |_| {});
            object.object("c", |inner| {
                inner.number("d", 1);
                inner.flag("e", Flag::True);
            });
            object.close();
        });
        assert_eq!(line, r#"{"a":"x","b":{},"c":{"d":1,"e":true}}"#);
    }
}
