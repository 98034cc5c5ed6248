//! One message from bytes to answer: every stage in its place, and why it stands there.
//!
//! 1. decode: what cannot be read, or must not enter, gets no number.
//! 2. time bounds: the arrival is known, and nothing has been counted yet.
//! 3. canonical form: what the fingerprint is taken over and what will be sealed.
//! 4. enrich: raw values become tokens and facts; after it, nothing personal but the event itself.
//! 5. engine: once, count, rules, decide.
//! 6. journal: before any answer is made, so that no answer leaves that is not kept.
//! 7. mask: the event once more, for the reader's eyes.

use std::time::Duration;

use crate::domain::{
    Activation, Applied, Body, Control, EntityKind, EventTime, Ground, GuardTrip, Input, Message,
    MissingTables, Observed, Past, Plan, Reasons, Seq, Source, Stage, Token, What,
};
use crate::journal::{
    Appended, BundleRef, Columns, Durability, Entry, Features, Hits, JournalError, Keeper,
    OpenPart, Writer,
};
use crate::stages::decide::Ledger;
use crate::stages::decode::{Door, Dropped, Encoded, Reject, TimeLimits, check_time, decode};
use crate::stages::enrich::{Tables, TokenKeys, enrich};
use crate::stages::mask::{Answer, Masked, Profile, render};
use crate::wire::{EventBytes, encode};

use super::guard::{Seen, Watcher};
use super::switch::stored;
use super::{Budget, ENGINE_SEMANTICS, Engine, Prepared, Refusal, Retired, Unhurried};

/// What the pipeline asks of the machine around it.
pub trait Surroundings {
    /// Nanoseconds on a clock that never goes back; a constant where time is not measured.
    fn now_ns(&self) -> u64;

    /// Facts that need raw digits and a memory of them (sequential card numbers): computed at the
    /// edge, and only the result is an input.
    fn at_the_edge(&mut self, message: &Message<'_>, input: &mut Input);

    /// What the journal says of an input that the engine has forgotten, by [`Input::name`].
    fn past(&mut self, _name: Token) -> Result<Option<Past>, JournalError> {
        Ok(None)
    }

    /// The same of an event that is to be amended, with what was amended of it before.
    fn amended(&mut self, _event: Token) -> Result<Option<Past>, JournalError> {
        Ok(None)
    }

    /// The record of an input was appended, to be found by the two above.
    fn appended(&mut self, _input: &Input, _at: &Appended) {}
}

/// Whether decisions are made against the clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pace {
    /// The ledger's budget picks the plan.
    Live,
    /// Files and histories: always the full plan.
    Unhurried,
}

/// What a pipeline is made of.
pub struct Parts<S> {
    /// The engine, restored from the journal if there is one.
    pub engine: Engine,
    /// The journal; without one answers are kept in memory alone.
    pub journal: Option<Writer>,
    /// When the newest input of the journal arrived: arrivals never go back.
    pub received_after: EventTime,
    /// Size and depth limits of messages.
    pub door: Door,
    /// Time bounds of messages.
    pub times: TimeLimits,
    /// The client's namespace of event ids.
    pub namespace: String,
    /// What the reader of the decisions may see.
    pub profile: Profile,
    /// How far a batch has to be before its answers may leave.
    pub durability: Durability,
    /// Whether decisions are made against the clock.
    pub pace: Pace,
    /// The machine around it.
    pub surroundings: S,
}

/// Decode, enrich, engine, journal, mask: one writer, one order.
pub struct Pipeline<S> {
    parts: Parts<S>,
    columns: Columns,
    bundle: BundleRef,
    /// `received_at` never goes back.
    last_received_at: EventTime,
    bytes: EventBytes,
    input: Input,
    masked: Masked,
    appended: Option<Appended>,
    indices: Indices,
    watcher: Watcher,
    /// What guards have done, to be told.
    trips: Vec<GuardTrip>,
}

/// Rule indices as the journal takes them.
#[derive(Debug, Default)]
struct Indices {
    fired: Vec<u16>,
    shadow: Vec<u16>,
    undetermined: Vec<u16>,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It was numbered and applied, or answered from memory.
    Applied(Applied),
    /// It did not pass the door.
    Rejected(Reject),
}

/// One message's answer. What is borrowed stays until the next call.
#[derive(Debug)]
pub struct Step<'a> {
    /// What became of it.
    pub outcome: Outcome,
    /// The event's id, when it could be read. Not personal.
    pub event_id: &'a str,
    /// The input as the engine took it; meaningless when rejected.
    pub input: &'a Input,
    /// The masked decision, when there is one.
    pub decision: Option<&'a Masked>,
    /// The record's open part, when it was journaled now.
    pub audit: Option<OpenPart<'a>>,
    /// What was dropped at the door.
    pub dropped: Dropped,
    /// Nanoseconds spent in each stage.
    pub stage_ns: [u32; Stage::COUNT],
}

impl Step<'_> {
    /// The answer's body, new or repeated.
    pub fn body(&self) -> Option<&Body> {
        match &self.outcome {
            Outcome::Applied(Applied::Decided { body, .. } | Applied::Repeated { body, .. }) => {
                Some(body)
            }
            _ => None,
        }
    }

    /// The number of the input, or of the one that it repeats.
    pub fn seq(&self) -> Option<Seq> {
        match self.outcome {
            Outcome::Rejected(_) => None,
            Outcome::Applied(
                Applied::Decided { seq, .. }
                | Applied::Repeated { seq, .. }
                | Applied::Conflict { seq }
                | Applied::Observed { seq }
                | Applied::Amended { seq, .. }
                | Applied::AlreadyCounted { seq }
                | Applied::Parked { seq }
                | Applied::Controlled { seq },
            ) => Some(seq),
        }
    }

    /// Tables that were missing.
    pub fn missing(&self) -> MissingTables {
        self.body().map_or(MissingTables::default(), |body| body.missing)
    }
}

/// Whether a message asks for a decision or only for being counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Intent {
    /// Decide it.
    Decide,
    /// History: count it.
    Observe,
}

/// Why a person's change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It may not be made.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The journal cannot keep it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a record seals beside its open part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sealing {
    /// The message that was read.
    Event,
    /// Nothing: a person's change holds no raw value.
    Nothing,
}

impl<S: Surroundings> Pipeline<S> {
    /// Puts the parts together; the journal notes the bundle if it is a new one.
    pub fn new(
        mut parts: Parts<S>,
        bundle_files: &std::collections::BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, JournalError> {
        let columns = Columns::of(&parts.engine.bundle().schema);
        let bundle = match &mut parts.journal {
            None => BundleRef(0),
            Some(journal) => journal.activate(stored(parts.engine.bundle(), bundle_files))?,
        };
        let last_received_at = parts.received_after;
        Ok(Self {
            parts,
            columns,
            bundle,
            last_received_at,
            bytes: EventBytes::new(),
            input: Input::new(),
            masked: Masked::new(),
            appended: None,
            indices: Indices::default(),
            watcher: Watcher::default(),
            trips: Vec::new(),
        })
    }

    /// The machine around it.
    pub const fn surroundings(&self) -> &S {
        &self.parts.surroundings
    }

    /// The engine, to be asked.
    pub fn engine(&self) -> &Engine {
        &self.parts.engine
    }

    /// The engine, for what waits there.
    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.parts.engine
    }

    /// Takes one message. Never fails on what is in it; fails only when the journal cannot keep it.
    ///
    /// `received_at` is the edge's stamp; `None` for a file, whose lines may carry their own and
    /// otherwise arrive when they occurred.
    pub fn process<'m>(
        &mut self,
        message: impl Into<Encoded<'m>>,
        arrival: (Option<EventTime>, Option<Source>),
        intent: Intent,
        lookups: (&Tables, &TokenKeys),
    ) -> Result<Step<'_>, JournalError> {
        self.process_encoded(message.into(), arrival, intent, lookups)
    }

    fn process_encoded(
        &mut self,
        message: Encoded<'_>,
        (received_at, source): (Option<EventTime>, Option<Source>),
        intent: Intent,
        (tables, keys): (&Tables, &TokenKeys),
    ) -> Result<Step<'_>, JournalError> {
        while self.trip(keys)?.is_some() {}
        let mut watch = Watch::start(&self.parts.surroundings);
        self.appended = None;
        let decoded = match decode(message, &self.parts.door) {
            Ok(decoded) => decoded,
            Err(reject) => return Ok(self.rejected(reject, Dropped::default())),
        };
        let occurred_at = occurred_at(&decoded.message);
        let received_at = received_at.or(decoded.received_at).unwrap_or(occurred_at);
        let received_at = received_at.max(self.last_received_at);
        if let Err(reason) = check_time(occurred_at, received_at, &self.parts.times) {
            return Ok(self.rejected(Reject::whole(reason), decoded.dropped));
        }
        self.last_received_at = received_at;
        watch.lap(&self.parts.surroundings, Stage::Decode);

        encode(&decoded.message, &mut self.bytes);
        let canonical = self.bytes.canonical();
        let namespace = &self.parts.namespace;
        let input = &mut self.input;
        // The rates go with the bundle, so an activation exchanges both at the same moment.
        let lookups = (tables, &self.parts.engine.bundle().fx);
        enrich(&decoded.message, canonical, received_at, namespace, lookups, keys, input);
        input.source = source;
        if intent == Intent::Observe && input.what == What::Decide {
            input.what = What::Observe;
        }
        self.parts.surroundings.at_the_edge(&decoded.message, input);
        self.take_attributes(&decoded.message);
        self.look_back()?;
        watch.lap(&self.parts.surroundings, Stage::Enrich);

        let mut budget =
            Deadline { pace: self.parts.pace, watch: &watch, at: &self.parts.surroundings };
        let next = self.parts.engine.next_seq();
        let applied = self.parts.engine.apply(&self.input, &mut budget);
        watch.lap(&self.parts.surroundings, Stage::Rules);

        if seq_of(&applied) == next {
            self.append(applied, &watch, Sealing::Event)?;
            self.watch_declines(&applied);
        }
        watch.lap(&self.parts.surroundings, Stage::Journal);

        let mut has_decision = false;
        if let (Message::Event(event), Some((seq, body))) = (&decoded.message, answer(&applied)) {
            self.render(event, seq, &body);
            has_decision = true;
        }
        watch.lap(&self.parts.surroundings, Stage::Mask);
        let audit = match (&self.parts.journal, &self.appended) {
            (Some(journal), Some(appended)) => journal.open_part(appended),
            _ => None,
        };
        Ok(Step {
            outcome: Outcome::Applied(applied),
            event_id: &self.input.event_id,
            input: &self.input,
            decision: has_decision.then_some(&self.masked),
            audit,
            dropped: decoded.dropped,
            stage_ns: watch.stage_ns,
        })
    }

    /// Makes a change that a person asked for: an input, in force from the next one on. `now` is the
    /// edge's stamp.
    pub fn control(
        &mut self,
        control: Control,
        now: EventTime,
        keys: &TokenKeys,
    ) -> Result<Seq, ControlError> {
        let received_at = now.max(self.last_received_at);
        self.parts.engine.check_control(&control, received_at)?;
        self.last_received_at = received_at;
        let next = self.parts.engine.next_seq();
        let input = &mut self.input;
        input.clear();
        (input.received_at, input.occurred_at) = (received_at, received_at);
        input.key_version = keys.version();
        input.event_id.push_str("control.");
        input.event_id.push_str(control.name());
        let name = [&next.0.to_le_bytes()[..], &received_at.as_ms().to_le_bytes()].concat();
        // Of no client's namespace, since no event id holds a space.
        input.event = keys.event("control input", &format!("{name:02x?}"));
        input.content = keys.content(&name);
        input.what = What::Control;
        input.control = Some(Box::new(control));
        let watch = Watch::start(&self.parts.surroundings);
        let applied = self.parts.engine.apply(&self.input, &mut Unhurried);
        self.append(applied, &watch, Sealing::Nothing)?;
        Ok(next)
    }

    /// What guards have done since the last call.
    pub fn take_trips(&mut self) -> impl Iterator<Item = GuardTrip> {
        self.trips.drain(..)
    }

    /// Does the next thing that a guard asked for at the message before: an input of its own, made
    /// before the next message at the latest.
    pub fn trip(&mut self, keys: &TokenKeys) -> Result<Option<Seq>, JournalError> {
        while let Some(trip) = self.watcher.take() {
            self.trips.push(trip.clone());
            match self.control(Control::Guard(trip), self.last_received_at, keys) {
                Ok(seq) => return Ok(Some(seq)),
                // A guard's change is never refused.
                Err(ControlError::Refused(_)) => {}
                Err(ControlError::Journal(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The id and the record's open part of the change that was made last, until the next input.
    pub fn changed(&self) -> Option<(&str, OpenPart<'_>)> {
        let (journal, appended) = (self.parts.journal.as_ref()?, self.appended.as_ref()?);
        Some((&self.input.event_id, journal.open_part(appended)?))
    }

    fn watch_declines(&mut self, applied: &Applied) {
        let Applied::Decided { body, .. } = applied else { return };
        let engine = &self.parts.engine;
        let tokens = &self.input.tokens;
        let subject = tokens.get(EntityKind::Account).or_else(|| tokens.get(EntityKind::Card));
        let seen = Seen {
            bundle: engine.bundle(),
            hits: engine.hits(),
            body,
            subject,
            received_at: self.input.received_at,
        };
        let governance = &engine.governance;
        self.watcher.note(seen, |rule| governance.since(rule), governance.fallen());
    }

    /// Puts a bundle in force between two inputs. What it needs was made beside the stream; what is
    /// given back is to be dropped there as well. After an error the bundle before is in force.
    pub fn activate(
        &mut self,
        mut activation: Activation,
        mut prepared: Prepared,
        now: EventTime,
        keys: &TokenKeys,
    ) -> Result<(Seq, Retired), ControlError> {
        if let Ground::Approved { proposer, .. } = &mut activation.ground
            && proposer.is_empty()
            && let Some(known) = self.parts.engine.proposer(&activation.bundle)
        {
            known.clone_into(proposer);
        }
        let control = Control::Activate(activation);
        let received_at = now.max(self.last_received_at);
        let engine = &self.parts.engine;
        engine.check_control(&control, received_at)?;
        engine.check_switch(&prepared)?;
        // The bundle's record first: whoever reads of the activation has what it speaks of.
        let number = match &mut self.parts.journal {
            Some(journal) => journal.activate(std::mem::take(&mut prepared.stored))?,
            None => self.bundle,
        };
        let seq = self.control(control, now, keys)?;
        self.bundle = number;
        self.columns = std::mem::take(&mut prepared.columns);
        Ok((seq, self.parts.engine.switch(prepared)))
    }

    /// Writes everything processed so far. Answers may leave once [`kept`](Self::kept) reaches the
    /// number that it gives, which without a keeper is at once.
    pub fn flush(&mut self) -> Result<u64, JournalError> {
        let Some(journal) = &mut self.parts.journal else { return Ok(0) };
        journal.flush(self.parts.durability)?;
        Ok(journal.next_record())
    }

    /// How many records are as durable as configured.
    pub fn kept(&self) -> Result<u64, JournalError> {
        self.parts.journal.as_ref().map_or(Ok(0), |journal| journal.kept(self.parts.durability))
    }

    /// Waits until everything flushed is as durable as configured, or for so long.
    pub fn wait_kept(&self, timeout: Duration) {
        if let Some(journal) = &self.parts.journal {
            journal.wait_kept(self.parts.durability, timeout);
        }
    }

    /// Everything flushed can be read back: it stands under the names that readers look for.
    pub fn finish_closing(&self) -> Result<(), JournalError> {
        self.parts.journal.as_ref().map_or(Ok(()), Writer::finish_closing)
    }

    /// The journal's slow work, for another thread.
    pub fn keeper(&self) -> Option<Keeper> {
        self.parts.journal.as_ref().map(Writer::keeper)
    }

    /// Bytes appended to the journal since the start.
    pub fn journal_bytes(&self) -> u64 {
        self.parts.journal.as_ref().map_or(0, Writer::appended_bytes)
    }

    /// Flushes, and closes the journal.
    pub fn close(self) -> Result<(), JournalError> {
        self.parts.journal.map_or(Ok(()), Writer::close)
    }

    fn rejected(&self, reject: Reject, dropped: Dropped) -> Step<'_> {
        Step {
            outcome: Outcome::Rejected(reject),
            event_id: "",
            input: &self.input,
            decision: None,
            audit: None,
            dropped,
            stage_ns: [0; Stage::COUNT],
        }
    }

    /// Custom fields that the bundle declares come along, others stay behind with the event.
    fn take_attributes(&mut self, message: &Message<'_>) {
        let Message::Event(event) = message else { return };
        let declared = &self.parts.engine.bundle().attributes;
        for attribute in &event.attributes {
            if declared.iter().any(|known| known.name == attribute.name) {
                self.input.attributes.push(attribute.clone().into_owned());
            }
        }
    }

    /// What the engine has forgotten is asked for, so that its answer is part of the input.
    fn look_back(&mut self) -> Result<(), JournalError> {
        let (parts, input) = (&mut self.parts, &mut self.input);
        let own = input.name();
        let is_known = match input.what {
            What::Amend { .. } => parts.engine.remembers_amendment(own),
            What::Decide | What::Observe | What::Control => parts.engine.remembers(own),
        };
        let target = input.amends().map(|(target, _)| target);
        if !is_known {
            input.known = ask(parts, |surroundings| surroundings.past(own))?.map(Box::new);
        }
        if let Some(target) = target.filter(|target| !parts.engine.remembers(*target)) {
            input.target = ask(parts, |surroundings| surroundings.amended(target))?.map(Box::new);
        }
        Ok(())
    }

    fn append(
        &mut self,
        applied: Applied,
        watch: &Watch,
        sealing: Sealing,
    ) -> Result<(), JournalError> {
        let Some(journal) = &mut self.parts.journal else { return Ok(()) };
        let engine = &self.parts.engine;
        let is_decided = matches!(applied, Applied::Decided { .. });
        let is_event = is_decided || matches!(applied, Applied::Observed { .. });
        let Indices { fired, shadow, undetermined } = &mut self.indices;
        for (list, rules) in [
            (&mut *fired, &engine.hits().fired),
            (&mut *shadow, &engine.hits().shadow),
            (&mut *undetermined, &engine.hits().undetermined),
        ] {
            list.clear();
            list.extend(rules.iter().filter(|_| is_decided).map(|index| index.0));
        }
        let observed = Observed { stage_ns: watch.stage_ns, ..Observed::default() };
        let entry = Entry {
            seq: seq_of(&applied),
            input: &self.input,
            applied,
            device: engine.device().filter(|_| is_event),
            hits: Hits { fired, shadow, undetermined },
            features: is_decided.then_some(Features { row: engine.row(), columns: &self.columns }),
            bundle: self.bundle,
            observed: &observed,
        };
        let event = (sealing == Sealing::Event).then_some(&self.bytes);
        let appended = journal.append(&entry, event)?;
        self.parts.surroundings.appended(&self.input, &appended);
        self.appended = Some(appended);
        Ok(())
    }

    fn render(&mut self, event: &crate::domain::PaymentEvent<'_>, seq: Seq, body: &Body) {
        let engine = &self.parts.engine;
        let mut reasons = [("", ""); Reasons::MAX];
        let ids = body.reasons.as_slice();
        for (reason, id) in reasons.iter_mut().zip(ids) {
            *reason = engine.reason(*id);
        }
        let answer = Answer {
            seq,
            body,
            reasons: &reasons[..ids.len()],
            bundle: short(engine.answered_by()),
            semantics: ENGINE_SEMANTICS,
            received_at: engine.answered_at(),
            score_band_name: engine.band_name(event.service, body.band),
        };
        render(event, &answer, &self.parts.profile, &mut self.masked);
    }
}

/// Asks for the past. What was appended only a moment ago, and forgotten since, is made readable.
fn ask<S: Surroundings>(
    parts: &mut Parts<S>,
    question: impl Fn(&mut S) -> Result<Option<Past>, JournalError>,
) -> Result<Option<Past>, JournalError> {
    let answer = question(&mut parts.surroundings);
    let (Err(_), Some(journal)) = (&answer, &mut parts.journal) else { return answer };
    journal.flush(Durability::Written)?;
    journal.finish_closing()?;
    question(&mut parts.surroundings)
}

/// The first twelve digits of a bundle's hash name it among people.
fn short(name: &str) -> &str {
    name.get(..19).unwrap_or(name)
}

fn occurred_at(message: &Message<'_>) -> EventTime {
    match message {
        Message::Event(event) => event.occurred_at,
        Message::Outcome(outcome) => outcome.occurred_at,
        Message::Label(label) => label.occurred_at,
    }
}

const fn seq_of(applied: &Applied) -> Seq {
    match applied {
        Applied::Decided { seq, .. }
        | Applied::Repeated { seq, .. }
        | Applied::Conflict { seq }
        | Applied::Observed { seq }
        | Applied::Amended { seq, .. }
        | Applied::AlreadyCounted { seq }
        | Applied::Parked { seq }
        | Applied::Controlled { seq } => *seq,
    }
}

const fn answer(applied: &Applied) -> Option<(Seq, Body)> {
    match applied {
        Applied::Decided { seq, body } | Applied::Repeated { seq, body } => Some((*seq, *body)),
        _ => None,
    }
}

/// Measures stages, each from the end of the one before.
struct Watch {
    started_ns: u64,
    last_ns: u64,
    stage_ns: [u32; Stage::COUNT],
}

impl Watch {
    fn start(surroundings: &impl Surroundings) -> Self {
        let now = surroundings.now_ns();
        Self { started_ns: now, last_ns: now, stage_ns: [0; Stage::COUNT] }
    }

    fn lap(&mut self, surroundings: &impl Surroundings, stage: Stage) {
        let now = surroundings.now_ns();
        let spent = now.saturating_sub(self.last_ns);
        self.stage_ns[stage as usize] = u32::try_from(spent).unwrap_or(u32::MAX);
        self.last_ns = now;
    }
}

/// The budget of a live decision: what the ledger grants, less what has passed.
struct Deadline<'a, S> {
    pace: Pace,
    watch: &'a Watch,
    at: &'a S,
}

impl<S: Surroundings> Budget for Deadline<'_, S> {
    fn plan(&mut self, stage: Stage, ledger: &Ledger) -> Plan {
        match self.pace {
            Pace::Unhurried => Plan::Full,
            Pace::Live => {
                let spent_us = self.at.now_ns().saturating_sub(self.watch.started_ns) / 1_000;
                let left_us = i64::from(ledger.budget_us) - spent_us.min(1 << 40) as i64;
                ledger.plan(stage, left_us)
            }
        }
    }
}
