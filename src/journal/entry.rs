//! An input with what it produced, written as the open part of a record.

use super::body::{write_body, write_observed};
use super::control::write_control;
use super::notes::BundleRef;
use super::row::{write_facts, write_presence, write_value};
use crate::domain::{
    Amendment, Applied, DeviceIdentifier, EntityKind, EventTime, Facts, FeatureVector, FieldId,
    FieldType, Input, Observed, Past, Schema, Seq, Token, Tokens, What,
};
use crate::wire::{MessageWriter, write_attribute, write_varint};

/// What the engine did with one input: all that its record's open part says.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The input's number: the one after the last.
    pub seq: Seq,
    /// The input as the engine took it.
    pub input: &'a Input,
    /// What came of it.
    pub applied: Applied,
    /// The device that the event was recognised as: what an amendment finds its windows by once the
    /// engine has forgotten the event.
    pub device: Option<Token>,
    /// Which rules spoke.
    pub hits: Hits<'a>,
    /// The row that the rules saw; `None` when no rule was asked.
    pub features: Option<Features<'a>>,
    /// The bundle that it was made under.
    pub bundle: BundleRef,
    /// What depended on the machine.
    pub observed: &'a Observed,
}

/// Rules by index in the bundle, ascending.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hits<'a> {
    /// Live rules that fired.
    pub fired: &'a [u16],
    /// Shadow rules that fired, without effect.
    pub shadow: &'a [u16],
    /// Rules that a missing value left open.
    pub undetermined: &'a [u16],
}

/// The row that the rules saw, with the types of its columns.
#[derive(Clone, Copy, Debug)]
pub struct Features<'a> {
    /// The row: facts first, which are not written again.
    pub row: &'a FeatureVector,
    /// The types of the columns after the facts.
    pub columns: &'a Columns,
}

/// The types of a bundle's columns after the facts. Made once for a bundle.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Columns {
    types: Vec<FieldType>,
}

impl Columns {
    /// The columns that a schema has beyond the facts.
    pub fn of(schema: &Schema) -> Self {
        let ids = Facts::COLUMNS..schema.columns();
        // Ids are `u16`, by `Schema::add`. A hole in the numbering would be read as a number.
        let types = ids.map(|index| schema.field(FieldId(index as u16)));
        Self { types: types.map(|f| f.map_or(FieldType::Int, |f| f.field_type)).collect() }
    }
}

/// Words of presence that the facts take in a row.
const FACT_WORDS: usize = Facts::COLUMNS / 64;
// The features' presence begins at a whole word.
const _: () = assert!(Facts::COLUMNS.is_multiple_of(64));

/// Writes the message `Open`.
pub(super) fn write_open(w: &mut MessageWriter<'_>, entry: &Entry<'_>, engine_semantics: u32) {
    write_input(w, entry.seq, entry.input);
    if let Some(features) = entry.features {
        w.message_or_absent(10, |w| {
            write_features(w.raw(), features, entry.input.received_at);
        });
    }
    if let Applied::Decided { body, .. } | Applied::Repeated { body, .. } = &entry.applied {
        w.message(11, |w| write_body(w, body));
    }
    w.packed(12, entry.hits.fired.iter().map(|rule| u64::from(*rule)));
    w.uint_or_absent(13, u64::from(entry.bundle.0));
    if let Some(source) = &entry.input.source {
        w.message(14, |w| {
            w.uint_or_absent(1, u64::from(source.topic));
            // Protobuf's int32 and int64: a negative number would take ten bytes, and is rare.
            w.int(2, i64::from(source.partition));
            w.int(3, source.offset);
        });
    }
    w.message_or_absent(15, |w| write_observed(w, entry.observed));
    write_rare(w, entry);
    w.uint_or_absent(26, u64::from(engine_semantics));
}

fn write_input(w: &mut MessageWriter<'_>, seq: Seq, input: &Input) {
    w.uint(1, seq.0);
    w.int(2, input.received_at.as_ms());
    w.sint_or_absent(3, input.received_at.as_ms() - input.occurred_at.as_ms());
    w.text(4, &input.event_id);
    w.bytes(5, input.event.as_bytes());
    w.bytes(6, &input.content.0);
    let present = |mask, (index, is): (usize, bool)| mask | u64::from(is) << index;
    write_tokens(w, 7, &input.tokens);
    if !input.device.is_empty() {
        let ids = DeviceIdentifier::ALL.map(|which| input.device.get(which));
        let mask = ids.iter().map(Option::is_some).enumerate().fold(0, present);
        w.message(8, |w| {
            write_varint(w.raw(), mask);
            ids.iter().flatten().for_each(|id| w.raw().extend_from_slice(&id.to_le_bytes()));
        });
    }
    w.message(9, |w| write_facts(w.raw(), &input.facts, input.received_at));
}

fn write_features(out: &mut Vec<u8>, features: Features<'_>, base: EventTime) {
    let Features { row, columns } = features;
    let words = row.present_words().get(FACT_WORDS..).unwrap_or_default();
    write_presence(out, words);
    for (index, word) in words.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            let column = index * 64 + word.trailing_zeros() as usize;
            word &= word - 1;
            let id = FieldId((Facts::COLUMNS + column) as u16);
            let field_type = columns.types.get(column).copied().unwrap_or(FieldType::Int);
            let text = if field_type == FieldType::Text { row.text(id) } else { "" };
            write_value(out, field_type, row.bits(id), text, base);
        }
    }
}

/// What most records do not have.
fn write_rare(w: &mut MessageWriter<'_>, entry: &Entry<'_>) {
    let input = entry.input;
    w.uint_or_absent(16, u64::from(input.key_version));
    if let Some(original) = &input.original {
        w.bytes(17, original.as_bytes());
    }
    if let Some(subnet) = &input.subnet {
        w.bytes(42, subnet.as_bytes());
    }
    w.uint_or_absent(18, u64::from(input.missing.0));
    match &input.what {
        What::Decide => {}
        What::Observe => w.uint(19, 1),
        What::Amend { target, amendment } => {
            w.uint(19, 2);
            w.message(20, |w| {
                w.bytes(1, target.as_bytes());
                write_amendment(w, amendment);
            });
        }
        What::Control => w.uint(19, 3),
    }
    if let Some(control) = &input.control {
        w.message(29, |w| write_control(w, control));
    }
    let (result, other) = match entry.applied {
        Applied::Decided { .. } => (0, None),
        Applied::Repeated { seq, .. } => (1, Some(seq)),
        Applied::Conflict { seq } => (2, Some(seq)),
        Applied::Observed { .. } => (3, None),
        Applied::Amended { target, .. } => (4, Some(target)),
        Applied::Parked { .. } => (5, None),
        Applied::AlreadyCounted { seq } => (6, Some(seq)),
        Applied::Controlled { .. } => (7, None),
    };
    w.uint_or_absent(21, result);
    if let Some(other) = other {
        w.uint(22, other.0);
    }
    if let Some(device) = &entry.device {
        w.bytes(30, device.as_bytes());
    }
    if let Some(target) = &input.target {
        w.message(28, |w| write_past(w, target));
    }
    w.packed(40, input.malformed.iter().map(|field| field as u64));
    input.malformed_attributes.iter().for_each(|name| w.text(41, name));
    for attribute in &input.attributes {
        w.message(27, |w| write_attribute(w, attribute));
    }
    w.packed(23, entry.hits.shadow.iter().map(|rule| u64::from(*rule)));
    w.packed(24, entry.hits.undetermined.iter().map(|rule| u64::from(*rule)));
    if let Some(features) = entry.features
        && features.row.any_approximate()
    {
        let columns = Facts::COLUMNS..features.row.columns();
        let marked = columns.filter(|index| features.row.is_approximate(FieldId(*index as u16)));
        w.packed(25, marked.map(|index| (index - Facts::COLUMNS) as u64));
    }
}

/// What an amendment needs of an event that the engine had forgotten.
fn write_past(w: &mut MessageWriter<'_>, past: &Past) {
    w.uint(1, past.seq.0);
    w.int(2, past.received_at.as_ms());
    w.sint_or_absent(3, past.received_at.as_ms() - past.occurred_at.as_ms());
    write_tokens(w, 4, &past.tokens);
    w.message(5, |w| write_facts(w.raw(), &past.facts, past.received_at));
    for (amendment, standing) in &past.amendments {
        w.message(6, |w| {
            write_amendment(w, amendment);
            if let Some(at) = standing.occurred_at() {
                w.int(6, at.as_ms());
            }
        });
    }
}

fn write_tokens(w: &mut MessageWriter<'_>, number: u32, tokens: &Tokens) {
    let tokens = EntityKind::ALL.map(|kind| tokens.get(kind));
    let present = |mask, (index, is): (usize, bool)| mask | u64::from(is) << index;
    let mask = tokens.iter().map(Option::is_some).enumerate().fold(0, present);
    if mask != 0 {
        w.message(number, |w| {
            write_varint(w.raw(), mask);
            tokens.iter().flatten().for_each(|token| w.raw().extend_from_slice(token.as_bytes()));
        });
    }
}

fn write_amendment(w: &mut MessageWriter<'_>, amendment: &Amendment) {
    match amendment {
        Amendment::Outcome { result, refusal } => {
            w.uint(2, *result as u64);
            if let Some(refusal) = refusal {
                w.uint(3, *refusal as u64);
            }
        }
        Amendment::Label { truth, source } => {
            w.uint(4, *truth as u64);
            if let Some(source) = source {
                w.uint(5, *source as u64);
            }
        }
    }
}
