//! What is true of a line: what was planted in it, and what was done to it.

use std::fmt;

use super::draft::Kind;
use super::json::{Object, push_number};

/// The id of an event: unique in a stream, and between streams of different seeds.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EventId {
    /// The low half of the seed.
    pub stream: u32,
    /// A counter in order of invention, not of arrival.
    pub number: u64,
}

impl EventId {
    /// Appends the id as the event carries it.
    pub fn push(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"tg");
        super::json::push_hex(out, u64::from(self.stream), 8);
        out.push(b'-');
        super::json::push_padded(out, self.number, 12);
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "tg{:08x}-{:012}", self.stream, self.number)
    }
}

/// What a line says, when it is well formed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// A payment or another event.
    Event(Kind),
    /// What happened to an earlier event.
    Outcome,
    /// What an earlier event turned out to be.
    Label,
}

impl Message {
    /// The value of the line's `kind` field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.name(),
            Self::Outcome => "outcome",
            Self::Label => "label",
        }
    }
}

/// The typology planted in an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plant {
    /// The id of DOMAIN section 4, such as `K1`.
    pub typology: &'static str,
    /// Which form of it, where a typology has several (`device` or `ip` for K2); else empty.
    pub variant: &'static str,
    /// Number of the campaign: its events share it.
    pub campaign: u32,
    /// Strength relative to the rule's threshold: at 1.0 it is met exactly.
    pub intensity: f64,
    /// The campaign as a whole reaches the threshold, so a rule should speak at some event of it.
    pub at_or_above: bool,
    /// This is the event at which, or one of those from which on, the threshold is met.
    pub decisive: bool,
    /// Somebody is being robbed; false for faults of equipment and for mere circumstances.
    pub fraud: bool,
}

/// What was done to a line on its way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It arrives this long after it happened.
    Late {
        /// Delay in milliseconds.
        by_ms: i64,
    },
    /// A byte-identical copy of an earlier line.
    Duplicate,
    /// An earlier event's id with another amount.
    Conflict,
    /// Not acceptable, in this way.
    Malformed(Malformed),
}

/// The ways in which a line is broken.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Malformed {
    /// Cut off in the middle.
    Truncated,
    /// Bytes that are not UTF-8 inside a string.
    NotUtf8,
    /// Arrays within arrays, thousands deep.
    DeepNesting,
    /// A number where text belongs, and the reverse.
    WrongType,
    /// A key twice in one object.
    DuplicateKey,
    /// `NaN`, which JSON does not have.
    NotANumber,
    /// A number too large for any type.
    Overflow,
    /// A line far longer than any event.
    Huge,
    /// A required field is absent.
    MissingField,
    /// A card verification number: C3 data, which must never enter.
    Forbidden,
    /// A kind that nobody has heard of.
    UnknownKind,
    /// A time that is no time.
    BadTime,
}

impl Malformed {
    /// All of them, in the order in which they are dealt out.
    pub const ALL: [Self; 12] = [
        Self::Truncated,
        Self::NotUtf8,
        Self::DeepNesting,
        Self::WrongType,
        Self::DuplicateKey,
        Self::NotANumber,
        Self::Overflow,
        Self::MissingField,
        Self::Forbidden,
        Self::UnknownKind,
        Self::BadTime,
        Self::Huge,
    ];

    /// Its name in the truth file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NotUtf8 => "not_utf8",
            Self::DeepNesting => "deep_nesting",
            Self::WrongType => "wrong_type",
            Self::DuplicateKey => "duplicate_key",
            Self::NotANumber => "not_a_number",
            Self::Overflow => "overflow",
            Self::Huge => "huge",
            Self::MissingField => "missing_field",
            Self::Forbidden => "forbidden",
            Self::UnknownKind => "unknown_kind",
            Self::BadTime => "bad_time",
        }
    }
}

/// What is true of one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// The event the line is, or speaks of. Of a malformed line: the id it would have had.
    pub event_id: EventId,
    /// What the line says, or would have said.
    pub message: Message,
    /// When the line arrives: never decreases from line to line.
    pub arrived_ms: i64,
    /// What was planted. On outcomes and labels: what was planted in the event they speak of.
    pub planted: Option<Plant>,
    /// What was done to the line.
    pub fault: Option<Fault>,
}

impl Truth {
    /// Nothing was planted and nothing done: the truth file leaves such lines out.
    pub fn is_ordinary(&self) -> bool {
        self.planted.is_none() && self.fault.is_none()
    }

    /// Appends the truth as one JSON object, without a line end; `line` counts from 1.
    pub fn push_json(&self, line: u64, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.number("line", line);
        object.quoted("event_id", |out| self.event_id.push(out));
        object.text("message", self.message.name());
        object.quoted("arrived_at", |out| super::json::push_time(out, self.arrived_ms));
        if let Some(plant) = &self.planted {
            object.object("plant", |inner| {
                inner.text("typology", plant.typology);
                inner.text("variant", plant.variant);
                inner.number("campaign", u64::from(plant.campaign));
                // Three decimals, from an integer: no formatting of floats in what is compared.
                let thousandths = (plant.intensity * 1_000.0 + 0.5) as u64;
                let out = inner.key("intensity");
                push_number(out, thousandths / 1_000);
                out.push(b'.');
                super::json::push_padded(out, thousandths % 1_000, 3);
                inner.flag("at_or_above", plant.at_or_above.into());
                inner.flag("decisive", plant.decisive.into());
                inner.flag("fraud", plant.fraud.into());
            });
        }
        match self.fault {
            None => {}
            Some(Fault::Late { by_ms }) => object.object("fault", |inner| {
                inner.text("what", "late");
                inner.number("by_ms", by_ms.unsigned_abs());
            }),
            Some(Fault::Duplicate) => object.object("fault", |f| f.text("what", "duplicate")),
            Some(Fault::Conflict) => object.object("fault", |f| f.text("what", "conflict")),
            Some(Fault::Malformed(how)) => object.object("fault", |inner| {
                inner.text("what", "malformed");
                inner.text("how", how.name());
            }),
        }
        object.close();
    }
}
