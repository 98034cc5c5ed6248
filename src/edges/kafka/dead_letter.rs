//! What is said of a message that could not become an event: where it was and why, never a value.

use std::io::Write as _;

use crate::domain::EventTime;

use super::Rejected;

/// A message's place in Kafka.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

/// Writes `{"topic":...,"partition":...,"offset":...,"reason":...,"field":...,"received_at":...}`,
/// and before the last one, where they are known, `event_id` as the audit topic names the event, `wanted`
/// (what the field takes) and `at_byte` (where it ceases to be a message).
///
/// Every text is a name or a sentence of the program, a topic's or an event's id (letters, digits, `.`, `_`, `:`,
/// `-`): none needs an escape.
pub(super) fn write(
    place: Place<'_>,
    (rejected, event_id): (Rejected, &str),
    received_at: EventTime,
    out: &mut Vec<u8>,
) {
    let Place { topic, partition, offset } = place;
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        "{{\"topic\":\"{topic}\",\"partition\":{partition},\"offset\":{offset},\"reason\":\"{}\",",
        rejected.reason
    );
    let _ = match rejected.field {
        Some(field) => write!(out, "\"field\":\"{field}\","),
        None => write!(out, "\"field\":null,"),
    };
    if !event_id.is_empty() {
        let _ = write!(out, "\"event_id\":\"{event_id}\",");
    }
    if let Some(wanted) = rejected.wanted {
        let _ = write!(out, "\"wanted\":\"{wanted}\",");
    }
    if let Some(byte) = rejected.at_byte {
        let _ = write!(out, "\"at_byte\":{byte},");
    }
    out.extend_from_slice(b"\"received_at\":\"");
    received_at.write_rfc3339(out);
    out.extend_from_slice(b"\"}");
}

/// The key: repeats of one letter meet in one partition.
pub(super) fn write_key(place: Place<'_>, out: &mut Vec<u8>) {
    let _ = write!(out, "{}/{}/{}", place.topic, place.partition, place.offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever reads dead letters finds the message by its place; this form is theirs.
    #[test]
    fn a_dead_letter_names_place_and_reason() {
        let place = Place { topic: "in", partition: 3, offset: 42 };
        let received_at = EventTime::from_ms(1_795_445_651_123).unwrap();
        let letter = |field, event_id| {
            let mut out = Vec::new();
            let rejected = Rejected { field, ..Rejected::because("missing_field") };
            write(place, (rejected, event_id), received_at, &mut out);
            serde_json::from_slice::<serde_json::Value>(&out).unwrap()
        };
        assert_eq!(
            letter(Some("amount.minor"), ""),
            serde_json::json!({
                "topic": "in", "partition": 3, "offset": 42, "reason": "missing_field",
                "field": "amount.minor", "received_at": "2026-11-23T14:54:11.123Z",
            })
        );
        assert_eq!(letter(None, "")["field"], serde_json::Value::Null);
        assert_eq!(letter(None, "e-1")["event_id"], "e-1");
        let mut out = Vec::new();
        let wanted = Some("an object");
        let whole = Rejected { wanted, at_byte: Some(17), ..Rejected::because("malformed_json") };
        write(place, (whole, ""), received_at, &mut out);
        let letter: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&letter["wanted"], &letter["at_byte"]), (&"an object".into(), &17.into()));
        let mut key = Vec::new();
        write_key(place, &mut key);
        assert_eq!(key, b"in/3/42");
    }
}
