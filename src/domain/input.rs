//! What enters the engine: tokens and facts, never a personal value.

use super::{
    Amendment, Attribute, Control, EntityKind, EventTime, Fact, Facts, FieldSet, Kind,
    OutcomeResult, Past, Placeholders, Standing, Token,
};

/// One input before it is numbered. A reused buffer: `enrich` fills it, the engine reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Stamped at the edge, non-decreasing over the stream; for a file the input's own, else
    /// `occurred_at`.
    pub received_at: EventTime,
    /// When it happened, by the client's clock.
    pub occurred_at: EventTime,
    /// Where the bytes came from, so that the journal knows what was consumed.
    pub source: Option<Source>,
    /// The client's event id (`A-Z a-z 0-9 . _ : -`); where digits in it could be a person's, its
    /// token as reports show tokens.
    pub event_id: String,
    /// The keyed token of client namespace and event id: what "once" is decided by.
    pub event: Token,
    /// The keyed hash of what the event is ("once" in ARCHITECTURE); of an amendment, of all of it.
    pub content: Content,
    /// What [`content`](Self::content) would have been before engine semantics 4, when it covered
    /// all that a message says: records of then are matched by it. Not journaled.
    pub content_before: Option<Content>,
    /// What is asked.
    pub what: What,
    /// The event's entities.
    pub tokens: Tokens,
    /// The /64 around a v6 address: lists may name networks smaller than its /48.
    pub subnet: Option<Token>,
    /// The device's identifiers.
    pub device: DeviceIds,
    /// The event that a refund, reversal or resubmission speaks of.
    pub original: Option<Token>,
    /// Everything else, by column.
    pub facts: Facts,
    /// Custom fields as they came: the bundle says which it knows. Empty for most events.
    pub attributes: Vec<Attribute<'static>>,
    /// Fields that came in a form that could not be read, and were dropped.
    pub malformed: FieldSet,
    /// Custom fields that the bundle declares with another type than they came with; dropped.
    pub malformed_attributes: Vec<String>,
    /// Tables that enrich would have consulted and did not have.
    pub missing: MissingTables,
    /// Fields whose values named nobody. For the edge to count; not journaled.
    pub placeholders: Placeholders,
    /// Version of the token key.
    pub key_version: u16,
    /// This same event, if it came before what the engine remembers.
    pub known: Option<Box<Past>>,
    /// The event that this one amends, if it came before what the engine remembers.
    pub target: Option<Box<Past>>,
    /// What a person changes; there exactly with [`What::Control`].
    pub control: Option<Box<Control>>,
}

impl Input {
    /// An input to be filled.
    pub fn new() -> Self {
        Self {
            received_at: EventTime::MIN,
            occurred_at: EventTime::MIN,
            source: None,
            event_id: String::with_capacity(64),
            event: Token::default(),
            content: Content::default(),
            content_before: None,
            what: What::Decide,
            tokens: Tokens::default(),
            subnet: None,
            device: DeviceIds::default(),
            original: None,
            facts: Facts::new(),
            attributes: Vec::new(),
            malformed: FieldSet::EMPTY,
            malformed_attributes: Vec::new(),
            missing: MissingTables::default(),
            placeholders: Placeholders::default(),
            key_version: 0,
            known: None,
            target: None,
            control: None,
        }
    }

    /// Forgets the event before and keeps the memory.
    pub fn clear(&mut self) {
        self.source = None;
        self.event_id.clear();
        self.what = What::Decide;
        self.tokens = Tokens::default();
        self.subnet = None;
        self.device = DeviceIds::default();
        self.original = None;
        self.facts.clear();
        self.attributes.clear();
        self.malformed = FieldSet::EMPTY;
        self.malformed_attributes.clear();
        self.missing = MissingTables::default();
        self.placeholders = Placeholders::default();
        self.content_before = None;
        self.known = None;
        self.target = None;
        self.control = None;
    }

    /// Whether a record of this event's id is of this event, by the content that stands in it.
    pub fn is_same(&self, recorded: Content) -> bool {
        recorded == self.content || Some(recorded) == self.content_before
    }

    /// What it is known by: an amendment has no id of its own, its content is its name.
    pub const fn name(&self) -> Token {
        match self.what {
            What::Amend { .. } => Token::from_bytes(self.content.0),
            What::Decide | What::Observe | What::Control => self.event,
        }
    }

    /// The earlier event that this input amends, and how: an amendment does, and a reversal, which is
    /// its own outcome of what it undoes.
    pub fn amends(&self) -> Option<(Token, Amendment)> {
        if let What::Amend { target, amendment } = self.what {
            return Some((target, amendment));
        }
        let is_reversal = self.facts.text(Fact::Kind) == Some(Kind::Reversal.name());
        let result = OutcomeResult::Reversed;
        let original = self.original.filter(|_| is_reversal)?;
        Some((original, Amendment::Outcome { result, refusal: None }))
    }

    /// Notes when an event arrived, as facts, and by that when windows count it: what asks for a
    /// decision counts on arrival where the bundle says so, and always when it came late. History
    /// counts when it occurred.
    pub fn note_arrival(&mut self, rule: ArrivalRule) {
        let lag_ms = self.received_at.as_ms() - self.occurred_at.as_ms();
        let is_late = lag_ms > rule.late_after_ms;
        let on_arrival = self.what == What::Decide && (is_late || rule.counts_on_arrival);
        self.facts.set_int(Fact::ReceivedAt, self.received_at.as_ms());
        self.facts.set_int(Fact::LagMs, lag_ms);
        self.facts.set_bool(Fact::ArrivedLate, is_late);
        self.facts.set_bool(Fact::CountedOnArrival, on_arrival);
    }

    /// The moment at which windows count an event and are asked for it: when it occurred, by the
    /// client's clock, or when it arrived, as [`note_arrival`](Self::note_arrival) has found.
    pub fn counted_at(&self) -> EventTime {
        match self.facts.bool(Fact::CountedOnArrival) {
            Some(true) => self.received_at,
            Some(false) | None => self.occurred_at,
        }
    }

    /// How what this input says of an earlier event stands against what others say of it.
    pub const fn standing(&self, amendment: Amendment) -> Standing {
        Standing::of(amendment, self.occurred_at)
    }
}

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}

/// By which time windows count what asks for a decision. The client writes `occurred_at`: whoever
/// dates payments back, each before the one before, would find every window empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ArrivalRule {
    /// All of it counts when it arrives, and not when it occurred.
    pub counts_on_arrival: bool,
    /// What arrives later than this after it occurred is late, in milliseconds: it counts when it
    /// arrives in any case.
    pub late_after_ms: i64,
}

impl Default for ArrivalRule {
    /// By `occurred_at`; late is what comes more than ten minutes after it.
    fn default() -> Self {
        Self { counts_on_arrival: false, late_after_ms: 10 * 60_000 }
    }
}

/// What an input asks of the engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// Count and decide.
    Decide,
    /// Count only: history.
    Observe,
    /// Change what is known of an earlier event.
    Amend {
        /// The event's token.
        target: Token,
        /// What became known.
        amendment: Amendment,
    },
    /// Change what decides: [`Input::control`] says how.
    Control,
}

/// Where an input's bytes came from: a position that a restart goes on from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Source {
    /// Index of the configured topic.
    pub topic: u16,
    /// Partition.
    pub partition: i32,
    /// Offset within it.
    pub offset: i64,
}

/// A keyed hash of what an event is: same id and other content is a conflict.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Content(pub [u8; 16]);

/// The entities of one event. The device's token is set by device matching in the engine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tokens {
    tokens: [Token; EntityKind::COUNT],
    present: u16,
}

impl Tokens {
    /// Names the entity of one kind.
    pub fn set(&mut self, kind: EntityKind, token: Token) {
        self.tokens[kind.index()] = token;
        self.present |= 1 << kind.index();
    }

    /// The entity of one kind, if the event has one.
    pub fn get(&self, kind: EntityKind) -> Option<Token> {
        (self.present >> kind.index() & 1 == 1).then(|| self.tokens[kind.index()])
    }
}

/// An identifier of a device, in the order of weight (DOMAIN section 6).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum DeviceIdentifier {
    /// MediaDRM (Widevine) id: survives most resets of the app.
    MediaDrm = 0,
    /// Android id.
    AndroidId = 1,
    /// Apple's vendor id.
    Idfv = 2,
    /// Google services framework id.
    Gsf = 3,
    /// Chinese open anonymous id.
    Oaid = 4,
    /// Apple's advertising id.
    Idfa = 5,
    /// Bluetooth address.
    BluetoothMac = 6,
    /// Wi-Fi address.
    Mac = 7,
    /// IMEI.
    Imei = 8,
}

impl DeviceIdentifier {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// All of them, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::MediaDrm,
        Self::AndroidId,
        Self::Idfv,
        Self::Gsf,
        Self::Oaid,
        Self::Idfa,
        Self::BluetoothMac,
        Self::Mac,
        Self::Imei,
    ];

    /// The field's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MediaDrm => "media_drm_id",
            Self::AndroidId => "android_id",
            Self::Idfv => "idfv",
            Self::Gsf => "gsf_id",
            Self::Oaid => "oaid",
            Self::Idfa => "idfa",
            Self::BluetoothMac => "bluetooth_mac",
            Self::Mac => "mac",
            Self::Imei => "imei",
        }
    }
}

/// The keyed tokens (64 bits) of a device's identifiers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DeviceIds {
    ids: [u64; DeviceIdentifier::COUNT],
    present: u16,
}

impl DeviceIds {
    /// Sets one identifier's token.
    pub fn set(&mut self, which: DeviceIdentifier, token: u64) {
        self.ids[which as usize] = token;
        self.present |= 1 << which as u16;
    }

    /// One identifier's token, if the event has it.
    pub fn get(&self, which: DeviceIdentifier) -> Option<u64> {
        (self.present >> which as u16 & 1 == 1).then(|| self.ids[which as usize])
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.present == 0
    }
}

/// Tables that were not there when an event was enriched, one bit each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MissingTables(pub u16);

impl MissingTables {
    /// The city database.
    pub const GEO: Self = Self(1);
    /// The autonomous-system database.
    pub const ASN: Self = Self(1 << 1);
    /// The network lists.
    pub const NETWORKS: Self = Self(1 << 2);
    /// The BIN table.
    pub const BIN: Self = Self(1 << 3);
    /// The merchant register.
    pub const MERCHANTS: Self = Self(1 << 4);
    /// The terminal register.
    pub const TERMINALS: Self = Self(1 << 5);
    /// A rate for the event's currency.
    pub const FX: Self = Self(1 << 6);
    /// The host list.
    pub const HOSTS: Self = Self(1 << 7);

    /// Each table with its name in flags and metrics.
    pub const NAMED: [(Self, &'static str); 8] = [
        (Self::GEO, "geo"),
        (Self::ASN, "asn"),
        (Self::NETWORKS, "networks"),
        (Self::BIN, "bin"),
        (Self::MERCHANTS, "merchants"),
        (Self::TERMINALS, "terminals"),
        (Self::FX, "fx"),
        (Self::HOSTS, "hosts"),
    ];

    /// Adds a table.
    pub const fn add(&mut self, table: Self) {
        self.0 |= table.0;
    }

    /// Whether the table was missing.
    pub const fn contains(self, table: Self) -> bool {
        self.0 & table.0 != 0
    }
}
