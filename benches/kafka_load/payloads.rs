//! What is sent: JSON events with a fresh event id and time each, from a file or made here.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Failure, RunId};

/// Where the index of the event id begins: after `{"event_id":"` and the run's prefix.
const INDEX_AT: usize = ID_AT + RunId::PREFIX_LEN;
const ID_AT: usize = 13;
/// Where the time begins: after the id and `","occurred_at":"`.
const TIME_AT: usize = INDEX_AT + RunId::INDEX_LEN + 17;
/// `2026-01-02T03:04:05.678Z`.
const TIME_LEN: usize = 24;

/// Events that differ in everything but their id and time, which are written into place per send.
pub struct Payloads {
    /// Each begins `{"event_id":"ld-RRRRRRRR-IIIIIIIIII","occurred_at":"YYYY-...Z",`.
    lines: Vec<Vec<u8>>,
    time_ms: u64,
    time: [u8; TIME_LEN],
}

impl Payloads {
    /// Events of one JSON object a line; lines without an event id and a time are refused.
    pub fn from_file(path: &Path, run: RunId) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let rest = without_member(line, "event_id")
                .and_then(|line| without_member(&line, "occurred_at"))
                .ok_or_else(|| {
                    let place = format!("{}:{}", path.display(), number + 1);
                    format!("{place}: no \"event_id\" or no \"occurred_at\" on this line")
                })?;
            lines.push(framed(run, &rest));
        }
        Self::new(lines)
    }

    /// `count` payments of about 942 bytes over as many payers, devices and cards.
    pub fn synthetic(count: u32, run: RunId) -> Result<Self, Failure> {
        Self::new((0..count).map(|index| framed(run, &synthetic_line(index))).collect())
    }

    fn new(lines: Vec<Vec<u8>>) -> Result<Self, Failure> {
        if lines.is_empty() {
            return Err("there is no payload to send".into());
        }
        Ok(Self { lines, time_ms: 0, time: [b'0'; TIME_LEN] })
    }

    /// The event with this index, its time set to now; events repeat when the index passes the
    /// last line.
    pub fn event(&mut self, index: u64) -> &[u8] {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.set_time(now.as_millis() as u64);
        let place = (index % self.lines.len() as u64) as usize;
        let line = &mut self.lines[place];
        let mut rest = index;
        for digit in line[INDEX_AT..INDEX_AT + RunId::INDEX_LEN].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        line[TIME_AT..TIME_AT + TIME_LEN].copy_from_slice(&self.time);
        line
    }

    /// Formats a time once per millisecond, which a calendar makes worth while.
    fn set_time(&mut self, now_ms: u64) {
        if now_ms != self.time_ms {
            let time = jiff::Timestamp::from_millisecond(now_ms as i64).unwrap_or_default();
            let text = format!("{time:.3}");
            if text.len() == TIME_LEN {
                self.time.copy_from_slice(text.as_bytes());
            }
            self.time_ms = now_ms;
        }
    }
}

/// The line with the id and the time in front, so that both have a known place.
fn framed(run: RunId, rest: &str) -> Vec<u8> {
    let prefix = run.prefix();
    let prefix = String::from_utf8_lossy(&prefix);
    let body = rest.trim().trim_start_matches('{');
    let zeros = "0".repeat(RunId::INDEX_LEN);
    let time = "2000-01-01T00:00:00.000Z";
    format!("{{\"event_id\":\"{prefix}{zeros}\",\"occurred_at\":\"{time}\",{body}").into_bytes()
}

/// `line` without the member `"name":"..."`, whose value is a plain string without escapes.
fn without_member(line: &str, name: &str) -> Option<String> {
    let begin = line.find(&format!("\"{name}\":\""))?;
    let value = begin + name.len() + 4;
    let mut end = value + line[value..].find('"')? + 1;
    let mut begin = begin;
    if line[end..].starts_with(',') {
        end += 1;
    } else if line[..begin].ends_with(',') {
        begin -= 1;
    }
    Some(format!("{}{}", &line[..begin], &line[end..]))
}

/// A mobile payment without id and time; identifiers are well formed and belong to nobody.
fn synthetic_line(index: u32) -> String {
    // Spreads neighbouring indexes over all digits, so that batches compress like real ones.
    let mixed = u64::from(index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    let card = with_luhn_digit(&format!("622848{:012}", mixed % 1_000_000_000_000));
    format!(
        concat!(
            r#"{{"kind":"payment","service":"mobile_payment","#,
            r#""amount":{{"minor":{amount},"currency":"CNY"}},"entry_mode":"online","#,
            r#""payer":{{"account_id":"acct-{payer:012}","card":{{"number":"{card}"}},"#,
            r#""phone":"137{phone:08}","email":"user{payer:07}@example.com"}},"#,
            r#""payee":{{"account_id":"shop-{merchant:08}"}},"#,
            r#""merchant":{{"id":"M{merchant:011}","mcc":"5411","name":"Shop {merchant}","#,
            r#""city":"Shanghai"}},"#,
            r#""device":{{"platform":"android","brand":"Xiaomi","model":"M2102J2SC","#,
            r#""os_version":"13","app_version":"8.4.1","oaid":"{mixed:016x}","#,
            r#""android_id":"{mixed:016x}","media_drm_id":"{mixed:016x}","cpu":"sm8350","#,
            r#""memory_mb":8192,"screen":"1080x2400","#,
            r#""time_zone":"Asia/Shanghai"}},"#,
            r#""network":{{"ip":"10.{b}.{c}.{d}","port":44321,"type":"wifi"}},"#,
            r#""location":{{"lat":31.{c:03}1{d:03},"lon":121.{d:03}1{b:03},"accuracy_m":20,"#,
            r#""datum":"gcj02"}},"consent":{{"device":true,"location":true,"bluetooth":false,"#,
            r#""network":true}}}}"#
        ),
        amount = 100 + mixed % 100_000,
        payer = index,
        card = card,
        phone = mixed % 100_000_000,
        merchant = index % 5_000,
        mixed = mixed,
        b = mixed & 0xff,
        c = (mixed >> 8) & 0xff,
        d = (mixed >> 16) & 0xff,
    )
}

/// `digits` and the check digit that makes them a valid card number.
fn with_luhn_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}
