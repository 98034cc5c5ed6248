//! The open part, read back: the input to run again and what was made of it.

use super::body::{read_body, read_observed};
use super::control::read_control;
use super::notes::BundleRef;
use super::row::{StoredRow, read_facts};
use crate::domain::{
    Amendment, Applied, Body, Content, DeviceIdentifier, DeviceIds, EntityKind, EventTime, Facts,
    FieldSet, Input, LabelSource, MissingTables, Observed, OutcomeResult, Past, Refusal, Seq,
    Source, Standing, Token, Tokens, Truth, What,
};
use crate::wire::{MessageReader, WireError, WireValue, read_attribute, read_varint};

/// How much of a record is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Detail {
    /// Everything.
    All,
    /// What it is found by: its tokens, answer, rules, and what it amends. Facts are read only where
    /// they say whether an earlier event is amended; features not at all.
    Names,
}

/// A record of an input, read back. A reused buffer.
#[derive(Clone, Debug)]
pub struct ReadEntry {
    /// The input's number.
    pub seq: Seq,
    /// The input, as the engine took it then.
    pub input: Input,
    /// What came of it.
    pub applied: Applied,
    /// The device that the event was recognised as.
    pub device: Option<Token>,
    /// Live rules that fired, by index in the bundle.
    pub fired: Vec<u16>,
    /// Shadow rules that fired.
    pub shadow: Vec<u16>,
    /// Rules that a missing value left open.
    pub undetermined: Vec<u16>,
    /// Columns of [`features`](Self::features) that were taken from panes.
    pub approximate: Vec<u16>,
    /// The bundle that it was made under.
    pub bundle: BundleRef,
    /// The semantics of the engine that made it.
    pub engine_semantics: u32,
    /// What depended on the machine.
    pub observed: Observed,
    features: Vec<u8>,
    body_bytes: Vec<u8>,
}

impl ReadEntry {
    /// An entry to be filled.
    pub(super) fn new() -> Self {
        Self {
            seq: Seq(0),
            input: Input::new(),
            applied: Applied::Observed { seq: Seq(0) },
            device: None,
            fired: Vec::new(),
            shadow: Vec::new(),
            undetermined: Vec::new(),
            approximate: Vec::new(),
            bundle: BundleRef(0),
            engine_semantics: 0,
            observed: Observed::default(),
            features: Vec::new(),
            body_bytes: Vec::new(),
        }
    }

    /// The values of the bundle's columns after the facts; column 0 is the first of them.
    pub fn features(&self) -> StoredRow<'_> {
        StoredRow::new(&self.features, self.input.received_at)
    }

    /// The body, when the input was decided.
    pub const fn body(&self) -> Option<&Body> {
        match &self.applied {
            Applied::Decided { body, .. } | Applied::Repeated { body, .. } => Some(body),
            _ => None,
        }
    }

    /// The bytes of the body as they are stored; empty when there is none. [`body_bytes`] writes
    /// the same ones.
    ///
    /// [`body_bytes`]: super::body_bytes
    pub fn body_bytes(&self) -> &[u8] {
        &self.body_bytes
    }

    fn clear(&mut self) {
        self.input.clear();
        self.input.key_version = 0;
        self.device = None;
        self.fired.clear();
        self.shadow.clear();
        self.undetermined.clear();
        self.approximate.clear();
        self.bundle = BundleRef(0);
        self.engine_semantics = 0;
        self.observed = Observed::default();
        self.features.clear();
        self.body_bytes.clear();
    }

    /// Reads the message `Open`. On an error the entry holds a mixture and is not to be used.
    pub(super) fn read(&mut self, reader: MessageReader<'_>) -> Result<(), WireError> {
        self.read_some(reader, Detail::All)
    }

    /// As [`read`](Self::read), and no more than is asked for.
    pub(super) fn read_some(
        &mut self,
        mut reader: MessageReader<'_>,
        detail: Detail,
    ) -> Result<(), WireError> {
        self.clear();
        let mut head = Head::default();
        while let Some((number, value)) = reader.field()? {
            match number {
                1 => head.seq = Some(Seq(value.uint("seq")?)),
                2 => head.received_at_ms = Some(value.int("received_at_ms")?),
                3 => head.occurred_before_ms = value.sint("occurred_before_ms")?,
                4 => self.input.event_id.push_str(value.text("event_id")?),
                5 => head.event = Some(Token::from_bytes(value.array("event")?)),
                6 => head.content = Some(Content(value.array("content")?)),
                7 => read_tokens(value.bytes("tokens")?, &mut self.input.tokens)?,
                8 | 10 | 15 if detail == Detail::Names => {}
                8 => read_device(value.bytes("device")?, &mut self.input.device)?,
                9 => head.facts = value.bytes("facts")?,
                10 => self.features.extend_from_slice(value.bytes("features")?),
                11 => {
                    let bytes = value.bytes("body")?;
                    self.body_bytes.extend_from_slice(bytes);
                    head.body = Some(read_body(MessageReader::new(bytes))?);
                }
                12 => read_rules(value, &mut self.fired)?,
                13 => self.bundle = BundleRef(value.narrow("bundle")?),
                14 => self.input.source = Some(read_source(value.message("source")?)?),
                15 => self.observed = read_observed(value.message("observed")?)?,
                _ => self.read_rare(number, value, &mut head)?,
            }
        }
        self.finish(&head)?;
        // A reversal amends by its kind, which is a fact.
        if detail == Detail::All || self.input.original.is_some() {
            read_facts(head.facts, self.input.received_at, &mut self.input.facts)?;
        }
        Ok(())
    }

    fn read_rare(
        &mut self,
        number: u32,
        value: WireValue<'_>,
        head: &mut Head<'_>,
    ) -> Result<(), WireError> {
        match number {
            16 => self.input.key_version = value.narrow("key_version")?,
            17 => self.input.original = Some(Token::from_bytes(value.array("original")?)),
            18 => self.input.missing = MissingTables(value.narrow("missing")?),
            19 => head.what = value.uint("what")?,
            20 => {
                let Amend { target, amendment, .. } = read_amend(value.message("amend")?)?;
                let target = required(target, "amend.target")?;
                head.amend = Some(What::Amend { target, amendment });
            }
            21 => head.result = value.uint("result")?,
            22 => head.other = Some(Seq(value.uint("other_seq")?)),
            23 => read_rules(value, &mut self.shadow)?,
            24 => read_rules(value, &mut self.undetermined)?,
            25 => read_rules(value, &mut self.approximate)?,
            27 => {
                let attribute = read_attribute(value.message("attributes")?)?;
                self.input.attributes.push(attribute.into_owned());
            }
            28 => self.input.target = Some(Box::new(read_past(value.message("target")?)?)),
            29 => self.input.control = Some(Box::new(read_control(value.message("control")?)?)),
            30 => self.device = Some(Token::from_bytes(value.array("device_entity")?)),
            40 => {
                let mut numbers = Vec::new();
                read_rules(value, &mut numbers)?;
                self.input.malformed = FieldSet::of_numbers(numbers.into_iter().map(u64::from));
            }
            41 => self.input.malformed_attributes.push(value.text("malformed")?.to_owned()),
            42 => self.input.subnet = Some(Token::from_bytes(value.array("subnet")?)),
            26 => self.engine_semantics = value.narrow("engine_semantics")?,
            _ => {}
        }
        Ok(())
    }

    /// Puts together what several fields say.
    fn finish(&mut self, head: &Head<'_>) -> Result<(), WireError> {
        self.seq = required(head.seq, "seq")?;
        let received_at_ms = required(head.received_at_ms, "received_at_ms")?;
        let occurred_at_ms = received_at_ms.wrapping_sub(head.occurred_before_ms);
        self.input.received_at = moment(received_at_ms, "received_at_ms")?;
        self.input.occurred_at = moment(occurred_at_ms, "occurred_before_ms")?;
        self.input.event = required(head.event, "event")?;
        self.input.content = required(head.content, "content")?;
        self.input.what = match (head.what, head.amend) {
            (0, _) => What::Decide,
            (1, _) => What::Observe,
            (2, amend) => required(amend, "amend")?,
            (3, _) if self.input.control.is_some() => What::Control,
            (3, _) => return Err(WireError::Missing { field: "control" }),
            (number, _) => return Err(WireError::UnknownWord { field: "what", number }),
        };
        self.applied = head.applied(self.seq)?;
        Ok(())
    }
}

/// Fields that mean something only together.
#[derive(Default)]
struct Head<'a> {
    seq: Option<Seq>,
    received_at_ms: Option<i64>,
    occurred_before_ms: i64,
    event: Option<Token>,
    content: Option<Content>,
    facts: &'a [u8],
    body: Option<Body>,
    what: u64,
    amend: Option<What>,
    result: u64,
    other: Option<Seq>,
}

impl Head<'_> {
    fn applied(&self, seq: Seq) -> Result<Applied, WireError> {
        let body = || required(self.body, "body");
        let other = || required(self.other, "other_seq");
        Ok(match self.result {
            0 => Applied::Decided { seq, body: body()? },
            1 => Applied::Repeated { seq: other()?, body: body()? },
            2 => Applied::Conflict { seq: other()? },
            3 => Applied::Observed { seq },
            4 => Applied::Amended { seq, target: other()? },
            5 => Applied::Parked { seq },
            6 => Applied::AlreadyCounted { seq: other()? },
            7 => Applied::Controlled { seq },
            number => return Err(WireError::UnknownWord { field: "result", number }),
        })
    }
}

fn required<T>(value: Option<T>, field: &'static str) -> Result<T, WireError> {
    value.ok_or(WireError::Missing { field })
}

fn moment(ms: i64, field: &'static str) -> Result<EventTime, WireError> {
    EventTime::from_ms(ms).map_err(|_| WireError::OutOfRange { field })
}

fn read_rules(value: WireValue<'_>, rules: &mut Vec<u16>) -> Result<(), WireError> {
    const FIELD: &str = "a list of rules or columns";
    let mut rest = value.bytes(FIELD)?;
    while !rest.is_empty() {
        let index = read_varint(&mut rest)?;
        rules.push(index.try_into().map_err(|_| WireError::OutOfRange { field: FIELD })?);
    }
    Ok(())
}

/// Walks the set bits of a mask of at most `count` kinds.
fn bits(mask: u64, count: usize) -> Result<impl Iterator<Item = usize>, WireError> {
    if mask >> count != 0 {
        return Err(WireError::UnknownWord { field: "tokens or device", number: mask });
    }
    Ok((0..count).filter(move |index| mask >> index & 1 == 1))
}

fn read_tokens(mut rest: &[u8], tokens: &mut Tokens) -> Result<(), WireError> {
    let mask = read_varint(&mut rest)?;
    for index in bits(mask, EntityKind::COUNT)? {
        let (token, after) = rest.split_first_chunk().ok_or(WireError::Truncated)?;
        tokens.set(EntityKind::ALL[index], Token::from_bytes(*token));
        rest = after;
    }
    Ok(())
}

fn read_past(mut reader: MessageReader<'_>) -> Result<Past, WireError> {
    let (mut seq, mut received_at_ms, mut before_ms, mut facts_bytes) = (None, None, 0, &[][..]);
    let (mut tokens, mut amendments) = (Tokens::default(), Vec::new());
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => seq = Some(Seq(value.uint("target.seq")?)),
            2 => received_at_ms = Some(value.int("target.received_at_ms")?),
            3 => before_ms = value.sint("target.occurred_before_ms")?,
            4 => read_tokens(value.bytes("target.tokens")?, &mut tokens)?,
            5 => facts_bytes = value.bytes("target.facts")?,
            6 => {
                let Amend { amendment, occurred_at, .. } =
                    read_amend(value.message("target.amendments")?)?;
                let standing = occurred_at.map(|at| Standing::of(amendment, at));
                amendments.push((amendment, standing.unwrap_or_default()));
            }
            _ => {}
        }
    }
    let received_at_ms: i64 = required(received_at_ms, "target.received_at_ms")?;
    let received_at = moment(received_at_ms, "target.received_at_ms")?;
    let mut facts = Facts::new();
    read_facts(facts_bytes, received_at, &mut facts)?;
    Ok(Past {
        seq: required(seq, "target.seq")?,
        content: Content::default(),
        occurred_at: moment(received_at_ms.wrapping_sub(before_ms), "target.occurred_before_ms")?,
        received_at,
        body: None,
        bundle: [0; 32],
        tokens,
        facts,
        amendments,
    })
}

fn read_device(mut rest: &[u8], device: &mut DeviceIds) -> Result<(), WireError> {
    let mask = read_varint(&mut rest)?;
    for index in bits(mask, DeviceIdentifier::COUNT)? {
        let (id, after) = rest.split_first_chunk().ok_or(WireError::Truncated)?;
        device.set(DeviceIdentifier::ALL[index], u64::from_le_bytes(*id));
        rest = after;
    }
    Ok(())
}

fn read_source(mut reader: MessageReader<'_>) -> Result<Source, WireError> {
    let mut source = Source { topic: 0, partition: 0, offset: 0 };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => source.topic = value.narrow("source.topic")?,
            2 => {
                let partition = value.int("source.partition")?.try_into();
                let out_of_range = WireError::OutOfRange { field: "source.partition" };
                source.partition = partition.map_err(|_| out_of_range)?;
            }
            3 => source.offset = value.int("source.offset")?,
            _ => {}
        }
    }
    Ok(source)
}

/// The message `Amend`.
struct Amend {
    /// Missing where it is said elsewhere.
    target: Option<Token>,
    amendment: Amendment,
    /// When it became known, where the record is not the amendment's own.
    occurred_at: Option<EventTime>,
}

fn read_amend(mut reader: MessageReader<'_>) -> Result<Amend, WireError> {
    let (mut target, mut outcome, mut refusal, mut truth) = (None, None, None, None);
    let (mut source, mut occurred_at) = (None, None);
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => target = Some(Token::from_bytes(value.array("amend.target")?)),
            2 => outcome = Some(word(value, "amend.outcome", OutcomeResult::from_number)?),
            3 => refusal = Some(word(value, "amend.refusal", Refusal::from_number)?),
            4 => truth = Some(word(value, "amend.truth", Truth::from_number)?),
            5 => source = Some(word(value, "amend.source", LabelSource::from_number)?),
            6 => {
                let ms = value.int("amend.occurred_at_ms")?;
                occurred_at = Some(moment(ms, "amend.occurred_at_ms")?);
            }
            _ => {}
        }
    }
    let amendment = match (outcome, truth) {
        (Some(result), None) => Amendment::Outcome { result, refusal },
        (None, Some(truth)) => Amendment::Label { truth, source },
        _ => return Err(WireError::Missing { field: "amend.outcome or amend.truth" }),
    };
    Ok(Amend { target, amendment, occurred_at })
}

fn word<T>(
    value: WireValue<'_>,
    field: &'static str,
    known: impl FnOnce(u64) -> Option<T>,
) -> Result<T, WireError> {
    let number = value.uint(field)?;
    known(number).ok_or(WireError::UnknownWord { field, number })
}
