//! What goes wrong on the way: late lines, copies, conflicts, and lines that nobody can read.

use super::rng::Rng;
use super::settings::Settings;
use super::truth::Malformed;

/// Purpose of the random numbers of faults.
const SALT: u64 = 0x6661_756C;
/// Length of a huge line: above any event, and above what a decoder should take.
pub const HUGE_BYTES: usize = 300_000;
/// Depth of a deeply nested line: enough to exhaust a naive parser's stack.
const NESTING: usize = 5_000;

/// Decides which lines suffer what.
#[derive(Debug)]
pub(super) struct Faults {
    rng: Rng,
    late_share: f64,
    duplicate_share: f64,
    conflict_share: f64,
    malformed_share: f64,
    /// The longest delays that still fit the stream.
    late_max_ms: f64,
    copy_max_ms: f64,
    malformed: usize,
}

impl Faults {
    pub(super) fn new(settings: &Settings) -> Self {
        // On a short stream delays shrink with it, or nothing late would ever arrive.
        let span_ms = (settings.end_ms() - settings.start_ms) as f64;
        Self {
            rng: Rng::of(settings.seed, SALT, 0),
            late_share: settings.late_share,
            duplicate_share: settings.duplicate_share,
            conflict_share: settings.conflict_share,
            malformed_share: settings.malformed_share,
            late_max_ms: (span_ms / 20.0).clamp(20.0, 7_200_000.0),
            copy_max_ms: (span_ms / 50.0).clamp(10.0, 60_000.0),
            malformed: 0,
        }
    }

    /// The delay of an event that arrives late: seconds to two hours, mostly minutes.
    pub(super) fn late_by_ms(&mut self) -> Option<i64> {
        let late = self.rng.chance(self.late_share);
        let low = (self.late_max_ms / 100.0).min(5_000.0);
        late.then(|| self.rng.log_uniform(low, self.late_max_ms) as i64)
    }

    /// The delay of a byte-identical copy.
    pub(super) fn copy_after_ms(&mut self) -> Option<i64> {
        let copied = self.rng.chance(self.duplicate_share);
        copied.then(|| self.rng.log_uniform(1.0, self.copy_max_ms) as i64)
    }

    /// The delay of a copy with another amount.
    pub(super) fn conflict_after_ms(&mut self) -> Option<i64> {
        let conflicting = self.rng.chance(self.conflict_share);
        conflicting.then(|| self.rng.log_uniform(1.0, self.copy_max_ms) as i64)
    }

    /// Whether the next line is malformed, and how: every way in turn, huge ones once in 40.
    pub(super) fn malformed(&mut self) -> Option<Malformed> {
        if !self.rng.chance(self.malformed_share) {
            return None;
        }
        let (all, turn) = (Malformed::ALL, self.malformed);
        self.malformed += 1;
        let others = all.len() - 1;
        Some(if turn % 40 == 20 { Malformed::Huge } else { all[turn % others] })
    }

    /// Breaks a well-formed line in one way. It stays one line.
    pub(super) fn break_line(&mut self, how: Malformed, line: &mut Vec<u8>) {
        match how {
            Malformed::Truncated => {
                let kept = self.rng.between(line.len() as i64 / 4, line.len() as i64 - 2);
                line.truncate(kept.max(1) as usize);
            }
            Malformed::NotUtf8 => {
                let broken: &[u8] = match self.rng.below(3) {
                    0 => b"\xFF\xFE",
                    // Half of a Chinese character, and an encoded surrogate.
                    1 => b"\xE4\xBD",
                    _ => b"\xED\xA0\x80",
                };
                append_field(line, &[b"\"referrer\":\"https://", broken, b"/\""].concat());
            }
            Malformed::DeepNesting => {
                let (open, close) = ("[".repeat(NESTING), "]".repeat(NESTING));
                append_field(line, format!("\"extra\":{open}{close}").as_bytes());
            }
            Malformed::WrongType => replace(line, b"\"kind\":\"", b"\"kind\":17,\"was\":\""),
            Malformed::DuplicateKey => append_field(line, b"\"kind\":\"refund\""),
            Malformed::NotANumber => set_minor(line, b"NaN"),
            Malformed::Overflow => {
                let digits: &[u8] = match self.rng.below(3) {
                    0 => b"18446744073709551616",
                    1 => b"1e400",
                    _ => b"-1",
                };
                set_minor(line, digits);
            }
            Malformed::Huge => {
                let filler = "x".repeat(HUGE_BYTES);
                append_field(
                    line,
                    format!("\"referrer\":\"https://a.example/{filler}\"").as_bytes(),
                );
            }
            Malformed::MissingField => {
                let field: &[u8] = self.rng.pick(&[b"\"event_id\":" as &[u8], b"\"occurred_at\":"]);
                replace(line, field, b"\"unheard_of\":");
            }
            Malformed::Forbidden => {
                let field: &[u8] = self.rng.pick(&[
                    b"\"cvn\":\"123\"" as &[u8],
                    b"\"cvn2\":\"456\"",
                    b"\"pin\":\"000000\"",
                    b"\"sms_code\":\"482913\"",
                ]);
                append_field(line, field);
            }
            Malformed::UnknownKind => replace(line, b"\"kind\":\"", b"\"kind\":\"un"),
            Malformed::BadTime => {
                let from = b"\"occurred_at\":\"";
                replace(line, from, b"\"occurred_at\":\"2026-13-32T25:61:00Z\",\"was\":\"");
            }
        }
    }
}

/// Adds a field before the closing brace.
fn append_field(line: &mut Vec<u8>, field: &[u8]) {
    if line.last() == Some(&b'}') {
        line.pop();
    }
    line.push(b',');
    line.extend_from_slice(field);
    line.push(b'}');
}

/// Replaces the first occurrence; a line without one stays as it is.
fn replace(line: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    if let Some(place) = line.windows(from.len()).position(|window| window == from) {
        line.splice(place..place + from.len(), to.iter().copied());
    }
}

/// Writes something else in the place of the amount's digits.
fn set_minor(line: &mut Vec<u8>, value: &[u8]) {
    let key = b"\"minor\":";
    if let Some(place) = line.windows(key.len()).position(|window| window == key) {
        let first = place + key.len();
        let length = line[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        line.splice(first..first + length, value.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = concat!(
        r#"{"event_id":"tg00000007-000000000001","kind":"payment","service":"mobile_payment","#,
        r#""occurred_at":"2026-03-02T06:00:00.000+08:00","amount":{"minor":100,"currency":"CNY"}}"#
    );

    fn broken(how: Malformed) -> Vec<u8> {
        let mut line = LINE.as_bytes().to_vec();
        Faults::new(&Settings::default()).break_line(how, &mut line);
        line
    }

    /// Each way breaks the line as named and no further: a decoder's reason can be checked.
    #[test]
    fn every_way_breaks_a_line_as_named() {
        use serde_json::{Value, from_slice};
        for how in Malformed::ALL {
            let line = broken(how);
            assert_ne!(line, LINE.as_bytes(), "{how:?}");
            assert!(!line.contains(&b'\n'), "{how:?}");
            let parsed = from_slice::<Value>(&line);
            match how {
                Malformed::Truncated | Malformed::NotANumber => assert!(parsed.is_err(), "{how:?}"),
                Malformed::NotUtf8 => assert!(std::str::from_utf8(&line).is_err()),
                Malformed::DeepNesting => assert!(line.len() > 2 * NESTING),
                Malformed::Huge => assert!(line.len() > HUGE_BYTES),
                Malformed::WrongType => {
                    assert!(parsed.is_ok_and(|value| value["kind"].is_number()))
                }
                Malformed::DuplicateKey => {
                    let text = String::from_utf8(line).expect("still UTF-8");
                    assert_eq!(text.matches("\"kind\":").count(), 2);
                }
                Malformed::Overflow => {
                    let minor = parsed.map(|value| value["amount"]["minor"].as_u64());
                    assert!(minor.is_err() || minor.is_ok_and(|minor| minor.is_none()));
                }
                Malformed::MissingField => {
                    let value = parsed.expect("still JSON");
                    assert!(value.get("event_id").is_none() || value.get("occurred_at").is_none());
                }
                Malformed::Forbidden => {
                    let value = parsed.expect("still JSON");
                    let fields = ["cvn", "cvn2", "pin", "sms_code"];
                    assert!(fields.iter().any(|field| value.get(field).is_some()));
                }
                Malformed::UnknownKind => {
                    assert!(parsed.is_ok_and(|value| value["kind"] == "unpayment"));
                }
                Malformed::BadTime => {
                    let time = parsed.map(|value| value["occurred_at"].to_string());
                    assert!(time.is_ok_and(|time| time.contains("2026-13-32")));
                }
            }
        }
    }
}
