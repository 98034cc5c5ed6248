//! The token that an input goes by, and what it would be under other keys.

use crate::domain::{EventTime, Seq, Token, What};
use crate::journal::ReadEntry;
use crate::stages::enrich::TokenKeys;

/// Of no client's namespace, since no event id holds a space.
const CONTROLS: &str = "control input";

/// What tells a change apart from every other: its number and its moment.
pub(super) fn control_name(seq: Seq, received_at: EventTime) -> [u8; 16] {
    let mut name = [0; 16];
    name[..8].copy_from_slice(&seq.0.to_le_bytes());
    name[8..].copy_from_slice(&received_at.as_ms().to_le_bytes());
    name
}

/// The token of a change.
pub(super) fn control_token(keys: &TokenKeys, name: &[u8; 16]) -> Token {
    keys.event(CONTROLS, &format!("{name:02x?}"))
}

/// The token that a journaled input has under some keys: it is its own under those that made it.
/// `None` where its id is not kept.
pub fn token_under(keys: &TokenKeys, namespace: &str, entry: &ReadEntry) -> Option<Token> {
    let input = &entry.input;
    match input.what {
        What::Control => Some(control_token(keys, &control_name(entry.seq, input.received_at))),
        _ if input.event_id.is_empty() => None,
        _ => Some(keys.event(namespace, &input.event_id)),
    }
}
