//! What can be done with a message before its turn: everything that depends on nothing but the message,
//! the tables and the keys. Any thread may do it, in any order.

use std::borrow::Cow;

use crate::domain::{
    Attribute, AttributeValue, CardDigits, EventTime, Input, Message, Sensitive, Stage,
    withhold_digits,
};
use crate::stages::decode::{Door, Dropped, Encoded, Reject, decode, event_id};
use crate::stages::enrich::{Tables, TokenKeys, card_digits, enrich, name_refused};
use crate::stages::mask::{Profile, Shown, show};
use crate::wire::{EventBytes, encode};

/// Admits messages: decode, canonical form, enrich, and what the reader of an answer may see.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(super) door: Door,
    pub(super) namespace: String,
    pub(super) profile: Profile,
}

/// A message after the door, on its way to its turn. A reused buffer that borrows nothing; raw values
/// stand in the canonical form alone, which will be sealed, and in the card's digits.
#[derive(Debug)]
pub struct Admitted {
    /// Why it did not pass; nothing below means anything then but what was dropped.
    pub(super) rejected: Option<Reject>,
    /// The message says that it is an event: it can be answered.
    pub(super) is_event: bool,
    /// All but what only its turn can say.
    pub(super) input: Input,
    /// The canonical form.
    pub(super) bytes: EventBytes,
    /// What the reader of its answer may see of it.
    pub(super) shown: Shown,
    /// When it arrived, as a file of recorded events says.
    pub(super) received_at: Option<EventTime>,
    /// It is further ahead of its arrival than a clock's message may be: a file's line that the lines
    /// around it do not bear out.
    pub(super) is_ahead: bool,
    /// The payer's card, for the edge's memory of cards.
    pub(super) card: Option<Sensitive<CardDigits>>,
    /// What did not pass.
    pub(super) dropped: Dropped,
    /// Nanoseconds spent in each stage so far.
    pub(super) stage_ns: [u32; Stage::COUNT],
}

impl Admitted {
    /// Of no message yet.
    pub fn new() -> Self {
        Self {
            rejected: None,
            is_event: false,
            input: Input::new(),
            bytes: EventBytes::new(),
            shown: Shown::new(),
            received_at: None,
            is_ahead: false,
            card: None,
            dropped: Dropped::default(),
            stage_ns: [0; Stage::COUNT],
        }
    }
}

impl Default for Admitted {
    fn default() -> Self {
        Self::new()
    }
}

impl Admission {
    /// Admits one message into a reused buffer. `now_ns` is a clock that never goes back; a constant
    /// where time is not measured.
    pub fn admit(
        &self,
        message: Encoded<'_>,
        (tables, keys): (&Tables, &TokenKeys),
        now_ns: impl Fn() -> u64,
        out: &mut Admitted,
    ) {
        let mut watch = Watch::start(now_ns());
        (out.rejected, out.is_event, out.card, out.is_ahead) = (None, false, None, false);
        (out.dropped, out.received_at) = (Dropped::default(), None);
        out.stage_ns = [0; Stage::COUNT];
        let decoded = match decode(message, &self.door) {
            Ok(decoded) => decoded,
            Err(reject) => {
                out.rejected = Some(reject);
                out.input.clear();
                if let Some(id) = event_id(message, &self.door) {
                    name_refused(&id, &self.namespace, keys, &mut out.input);
                }
                return;
            }
        };
        let message = &decoded.message;
        (out.dropped, out.received_at) = (decoded.dropped, decoded.received_at);
        watch.lap(now_ns(), Stage::Decode);

        encode(message, &mut out.bytes);
        enrich(message, out.bytes.canonical(), &self.namespace, (tables, keys), &mut out.input);
        match message {
            Message::Event(event) => {
                out.is_event = true;
                out.input.attributes.extend(event.attributes.iter().map(without_digits));
                out.card = card_digits(event);
                watch.lap(now_ns(), Stage::Enrich);
                show(event, &self.profile, &mut out.shown);
                watch.lap(now_ns(), Stage::Mask);
            }
            // An amendment has its own time, which it is bounded by.
            Message::Outcome(_) | Message::Label(_) => watch.lap(now_ns(), Stage::Enrich),
        }
        out.stage_ns = watch.stage_ns;
    }
}

/// A custom field as the engine sees it: without digits that could be a person's.
fn without_digits(attribute: &Attribute<'_>) -> Attribute<'static> {
    let mut attribute = attribute.clone().into_owned();
    if let AttributeValue::Text(text) = &mut attribute.value
        && let Cow::Owned(withheld) = withhold_digits(text)
    {
        *text = Cow::Owned(withheld);
    }
    attribute
}

/// Measures stages, each from the end of the one before.
pub(super) struct Watch {
    last_ns: u64,
    pub(super) stage_ns: [u32; Stage::COUNT],
}

impl Watch {
    pub(super) const fn start(now_ns: u64) -> Self {
        Self { last_ns: now_ns, stage_ns: [0; Stage::COUNT] }
    }

    /// Adds what has passed to a stage.
    pub(super) fn lap(&mut self, now_ns: u64, stage: Stage) {
        let spent = u32::try_from(now_ns.saturating_sub(self.last_ns)).unwrap_or(u32::MAX);
        let sum = &mut self.stage_ns[stage as usize];
        *sum = sum.saturating_add(spent);
        self.last_ns = now_ns;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message may wait for its turn for a while, and whoever prints what waits must not print whose
    /// it is: neither as text nor as the bytes of it.
    #[test]
    fn what_waits_shows_no_value() {
        let (card, phone, name) = ("6225881234567890", "13712349050", "Li Xiaoming");
        let line = format!(
            "{{\"event_id\":\"e-1\",\"kind\":\"payment\",\"service\":\"mobile_payment\",\
             \"occurred_at\":\"2026-11-23T10:00:00Z\",\"amount\":{{\"minor\":100,\
             \"currency\":\"CNY\"}},\"payer\":{{\"card\":{{\"number\":\"{card}\"}},\
             \"phone\":\"{phone}\",\"name\":\"{name}\"}}}}"
        );
        let admission = Admission {
            door: Door::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").unwrap(),
        };
        let mut admitted = Admitted::new();
        let lookups = (&Tables::default(), &TokenKeys::new(1, &[7; 32]));
        admission.admit((&line).into(), lookups, || 0, &mut admitted);
        assert_eq!((admitted.rejected, admitted.card.is_some()), (None, true));
        let shown = format!("{admitted:?} {admitted:#?}");
        for value in [card, phone, name] {
            assert!(!shown.contains(value), "{shown}");
            let bytes = format!("{:?}", value.as_bytes());
            assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
        }
        // The card as a number, whole and without its check digit.
        assert!(!shown.contains("622588123456789"), "{shown}");
    }
}
