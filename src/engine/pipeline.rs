//! One message from bytes to answer: every stage in its place, and why it stands there.
//!
//! Admission, for which any thread will do (`admission`):
//! 1. decode: what cannot be read, or must not enter, gets no number.
//! 2. canonical form: what the fingerprint is taken over and what will be sealed.
//! 3. enrich: raw values become tokens and facts; after it, nothing personal but the event itself.
//! 4. mask: what the reader of the answer may see of the event, which nobody needs any more.
//!
//! Its turn, one message after the other:
//! 5. time bounds: the arrival is known, and nothing has been counted yet.
//! 6. what goes with the bundle in force: rates and custom fields.
//! 7. engine: once, count, rules, decide.
//! 8. journal: before any answer is made, so that no answer leaves that is not kept.
//! 9. the answer, in front of what may be seen of the event.

use std::sync::Arc;
use std::time::Duration;

use crate::bundle::Bundle;
use crate::domain::{
    Activation, Applied, Body, CardDigits, Control, EntityKind, EventTime, Field, Ground,
    GuardTrip, Input, Observed, Past, Plan, Reasons, Sensitive, Seq, Source, Stage, Token, Upgrade,
    What,
};
use crate::journal::{
    Appended, BundleRef, Columns, Durability, Entry, Features, Hits, JournalError, JournalId,
    Keeper, OpenPart, Writer,
};
use crate::stages::decide::Ledger;
use crate::stages::decode::{Door, Encoded, Reject, RejectReason, TimeLimits, check_time};
use crate::stages::enrich::{Tables, TokenKeys, price};
use crate::stages::mask::{Answer, Masked, Profile, render};

use super::admission::Watch;
use super::event_token::{control_name, control_token};
use super::guard::{Seen, Watcher};
use super::malformed::{self, keep_declared};
use super::step::{Outcome, Step};
use super::switch::stored;
use super::{
    Admission, Admitted, Budget, ENGINE_SEMANTICS, Engine, Prepared, Refusal, Retired, Unhurried,
};

/// Nanoseconds on a clock that never goes back.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What the pipeline asks of the machine around it.
pub trait Surroundings {
    /// Nanoseconds on a clock that never goes back; a constant where time is not measured.
    fn now_ns(&self) -> u64;

    /// The same clock, for other threads.
    fn clock(&self) -> Clock;

    /// Facts that need raw digits and a memory of them (sequential card numbers): computed at the
    /// edge, and only the result is an input.
    fn at_the_edge(&mut self, card: &Sensitive<CardDigits>, input: &mut Input);

    /// What the journal says of an input that the engine has forgotten, by [`Input::name`].
    fn past(&mut self, _name: Token) -> Result<Option<Past>, JournalError> {
        Ok(None)
    }

    /// The same of an event that is to be amended, with what was amended of it before.
    fn amended(&mut self, _event: Token) -> Result<Option<Past>, JournalError> {
        Ok(None)
    }

    /// Where the message of an input came from, as the journal has it.
    fn source(&mut self, _name: Token) -> Result<Option<Source>, JournalError> {
        Ok(None)
    }

    /// The record of an input was appended, to be found by the three above.
    fn appended(&mut self, _input: &Input, _at: &Appended) {}
}

/// Whether decisions are made against the clock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pace {
    /// The ledger's budget picks the plan.
    Live,
    /// Always the full plan, and what it takes is measured.
    Measured,
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
    admission: Arc<Admission>,
    columns: Columns,
    bundle: BundleRef,
    /// `received_at` does not go back, but for a clock that stood wrong ([`Self::arrival`]).
    last_received_at: EventTime,
    /// The latest time that the edge has stamped: its clock may have gone back since.
    latest_stamp: EventTime,
    /// What that was when the clock last stepped by more than a day, newest first.
    stamps_before: [EventTime; 4],
    /// The message whose turn it is.
    current: Box<Admitted>,
    /// The change that was made last: an input beside the message, whose turn may still come.
    change: Box<Input>,
    masked: Masked,
    appended: Option<Appended>,
    indices: Indices,
    watcher: Watcher,
    /// What guards have done, to be told.
    trips: Vec<GuardTrip>,
    /// Counts the first inputs after the start.
    turns: u32,
}

/// Rule indices as the journal takes them.
#[derive(Debug, Default)]
struct Indices {
    fired: Vec<u16>,
    shadow: Vec<u16>,
    undetermined: Vec<u16>,
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

/// What the journal knows of a message that stands at a place where it has read before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Recognised {
    /// It is the one that was read there.
    Here,
    /// It was read elsewhere, or never.
    Elsewhere,
    /// It is none that could have got a number.
    Refused,
    /// The journal cannot say.
    Unsure,
}

/// The first inputs after a start find pages and caches cold: no rule is left out for that.
const COLD_TURNS: u32 = 16;
/// How far a clock may go back before the time that it knew earlier is not believed any more.
const CLOCK_BACK_MS: i64 = 24 * 60 * 60 * 1_000;

/// Which input a record is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Recorded {
    /// The message whose turn it is; what was read is sealed.
    Message,
    /// A change by people or guards, which holds no raw value to seal.
    Change,
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
        let admission = Admission {
            door: parts.door,
            namespace: std::mem::take(&mut parts.namespace),
            profile: parts.profile.clone(),
        };
        Ok(Self {
            parts,
            columns,
            bundle,
            last_received_at,
            latest_stamp: last_received_at,
            stamps_before: [EventTime::MIN; 4],
            admission: Arc::new(admission),
            current: Box::default(),
            change: Box::new(Input::new()),
            masked: Masked::new(),
            appended: None,
            indices: Indices::default(),
            watcher: Watcher::default(),
            trips: Vec::new(),
            turns: 0,
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

    /// What admits messages ahead of their turn, on any thread.
    pub fn admission(&self) -> Arc<Admission> {
        Arc::clone(&self.admission)
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
        let Self { admission, parts, current, .. } = self;
        let now_ns = || parts.surroundings.now_ns();
        admission.admit(message.into(), lookups, now_ns, current);
        self.give_turn(arrival, intent, lookups.1)
    }

    /// Takes a message that was admitted before, and gives back the buffer of another one.
    pub fn take(
        &mut self,
        admitted: &mut Box<Admitted>,
        arrival: (Option<EventTime>, Option<Source>),
        intent: Intent,
        keys: &TokenKeys,
    ) -> Result<Step<'_>, JournalError> {
        std::mem::swap(&mut self.current, admitted);
        self.give_turn(arrival, intent, keys)
    }

    fn give_turn(
        &mut self,
        (received_at, source): (Option<EventTime>, Option<Source>),
        intent: Intent,
        keys: &TokenKeys,
    ) -> Result<Step<'_>, JournalError> {
        while self.trip(keys)?.is_some() {}
        let started_ns = self.now_ns();
        let mut watch = Watch::start(started_ns);
        self.appended = None;
        if let Some(reject) = self.current.rejected {
            return Ok(self.rejected(reject));
        }
        let occurred_at = self.current.input.occurred_at;
        let stamp = received_at;
        let told = self.current.received_at.unwrap_or(occurred_at);
        let received_at =
            stamp.map_or(told.max(self.last_received_at), |stamp| self.arrival(stamp));
        // By the edge's own clock, where there is one.
        let arrived_at = stamp.unwrap_or(received_at);
        // What is decided has its answer however late it is asked for, and whatever the clock says.
        if let Err(reason) = self.check_time(occurred_at, arrived_at)
            && !(self.current.is_ahead && reason == RejectReason::TimeAhead)
            && !self.is_known()?
        {
            return Ok(self.rejected(Reject::whole(reason)));
        }
        self.last_received_at = received_at;

        let input = &mut self.current.input;
        (input.received_at, input.source) = (received_at, source);
        if intent == Intent::Observe && input.what == What::Decide {
            input.what = What::Observe;
        }
        self.look_back(keys)?;
        self.dress();
        if let Some(reject) = self.current.dropped.refusal(&self.admission.door) {
            return Ok(self.rejected(reject));
        }
        watch.stage_ns = self.current.stage_ns;
        watch.lap(self.now_ns(), Stage::Enrich);

        let [decode_ns, enrich_ns] = [Stage::Decode, Stage::Enrich]
            .map(|stage| u64::from(self.current.stage_ns[stage as usize]));
        let pace = self.pace();
        let mut budget = Deadline {
            pace,
            // Admission may have been long ago: what it took counts, and not the time since.
            started_ns: started_ns.saturating_sub(decode_ns + enrich_ns),
            at: &self.parts.surroundings,
            watch,
        };
        let next = self.parts.engine.next_seq();
        let applied = self.parts.engine.apply(&self.current.input, &mut budget);
        let mut watch = budget.watch;
        watch.lap(self.now_ns(), Stage::Decide);

        if applied.seq() == next {
            self.append(applied, &watch, Recorded::Message)?;
            self.watch_declines(&applied);
        }
        watch.lap(self.now_ns(), Stage::Journal);

        let answer = answer(&applied).filter(|_| self.current.is_event);
        if let Some((seq, body)) = answer {
            self.render(seq, &body);
        }
        watch.lap(self.now_ns(), Stage::Mask);
        let audit = match (&self.parts.journal, &self.appended) {
            (Some(journal), Some(appended)) => journal.open_part(appended),
            _ => None,
        };
        Ok(Step {
            outcome: Outcome::Applied(applied),
            event_id: match self.current.is_event {
                true => self.current.shown.event_id(),
                false => &self.current.input.event_id,
            },
            input: &self.current.input,
            decision: answer.map(|_| &self.masked),
            audit,
            dropped: self.current.dropped,
            stage_ns: watch.stage_ns,
        })
    }

    fn now_ns(&self) -> u64 {
        self.parts.surroundings.now_ns()
    }

    /// Whether the next decision is made against the clock.
    fn pace(&mut self) -> Pace {
        if self.turns >= COLD_TURNS {
            return self.parts.pace;
        }
        self.turns += 1;
        Pace::Unhurried
    }

    /// Whether an event that arrives now is too old, by the clock of now, or too early. A clock that has
    /// gone back knows of a later time: up to a day of that is believed, so that the events of the
    /// present are none of the future.
    fn check_time(
        &mut self,
        occurred_at: EventTime,
        arrived_at: EventTime,
    ) -> Result<(), RejectReason> {
        let back_ms = |from: EventTime| from.as_ms() - arrived_at.as_ms();
        let is_known = |from: &EventTime| (0..=CLOCK_BACK_MS).contains(&back_ms(*from));
        if !is_known(&self.latest_stamp) {
            // Further than that, either way, it stood wrong before, or does now: it is believed as it is,
            // but for what was known before it went there.
            if !(-CLOCK_BACK_MS..=0).contains(&back_ms(self.latest_stamp)) {
                self.stamps_before.rotate_right(1);
                self.stamps_before[0] = self.latest_stamp;
            }
            let before = self.stamps_before.iter().copied().find(is_known);
            self.latest_stamp = before.unwrap_or(arrived_at);
        }
        match check_time(occurred_at, arrived_at, &self.parts.times) {
            Err(RejectReason::TimeAhead) => {
                check_time(occurred_at, self.latest_stamp, &self.parts.times)
            }
            checked => checked,
        }
    }

    /// When what the edge stamps now arrives: not before what arrived already, unless the clock stood
    /// so far ahead then that what comes after it would seem to be too old.
    fn arrival(&self, stamp: EventTime) -> EventTime {
        let behind_ms = self.last_received_at.as_ms() - stamp.as_ms();
        if behind_ms > self.parts.times.ahead_ms_max {
            stamp
        } else {
            stamp.max(self.last_received_at)
        }
    }

    /// Makes a change that a person asked for: an input, in force from the next one on. `now` is the
    /// edge's stamp.
    pub fn control(
        &mut self,
        control: Control,
        now: EventTime,
        keys: &TokenKeys,
    ) -> Result<Seq, ControlError> {
        let received_at = self.arrival(now);
        self.parts.engine.check_control(&control, received_at)?;
        self.last_received_at = received_at;
        let next = self.parts.engine.next_seq();
        let input = &mut *self.change;
        input.clear();
        (input.received_at, input.occurred_at) = (received_at, received_at);
        input.key_version = keys.version();
        input.event_id.push_str("control.");
        input.event_id.push_str(control.name());
        let name = control_name(next, received_at);
        input.event = control_token(keys, &name);
        input.content = keys.content(&name);
        input.what = What::Control;
        input.control = Some(Box::new(control));
        let watch = Watch::start(self.now_ns());
        let applied = self.parts.engine.apply(&self.change, &mut Unhurried);
        self.append(applied, &watch, Recorded::Change)?;
        Ok(next)
    }

    /// Notes in the journal that this version of the engine goes on from another one's, where it does:
    /// the first input of its own.
    pub fn note_upgrade(
        &mut self,
        upgrade: Option<Upgrade>,
        keys: &TokenKeys,
    ) -> Result<(), JournalError> {
        let (Some(upgrade), Some(_)) = (upgrade, &self.parts.journal) else { return Ok(()) };
        match self.control(Control::Upgrade(upgrade), self.last_received_at, keys) {
            // It is never refused.
            Ok(_) | Err(ControlError::Refused(_)) => Ok(()),
            Err(ControlError::Journal(error)) => Err(error),
        }
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
        Some((&self.change.event_id, journal.open_part(appended)?))
    }

    fn watch_declines(&mut self, applied: &Applied) {
        let Applied::Decided { body, .. } = applied else { return };
        let engine = &self.parts.engine;
        let tokens = &self.current.input.tokens;
        let subject = tokens.get(EntityKind::Account).or_else(|| tokens.get(EntityKind::Card));
        let seen = Seen {
            bundle: engine.bundle(),
            hits: engine.hits(),
            body,
            subject,
            received_at: self.current.input.received_at,
        };
        let governance = &engine.governance;
        self.watcher.note(seen, |rule| governance.since(rule), governance.fallen());
    }

    /// What the journal knows of a message that stands at a place where it has read before.
    pub fn recognise(
        &mut self,
        admitted: &Admitted,
        at: Source,
        now: EventTime,
    ) -> Result<Recognised, JournalError> {
        if admitted.rejected.is_some() {
            return Ok(Recognised::Refused);
        }
        let input = &admitted.input;
        // The time of the journal, which a clock that stands ahead does not change.
        let reached = now.min(self.last_received_at);
        match ask(&mut self.parts, |surroundings| surroundings.source(input.name()))? {
            Some(source) if source == at => Ok(Recognised::Here),
            Some(_) => Ok(Recognised::Elsewhere),
            // What is older than this may have been forgotten.
            None if reached.as_ms() - input.occurred_at.as_ms() > self.parts.times.age_ms_max => {
                Ok(Recognised::Unsure)
            }
            None => Ok(Recognised::Elsewhere),
        }
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
        let received_at = self.arrival(now);
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

    /// Sees whether the journal is still where it is called: nothing is answered any more once not.
    pub fn look(&self) -> Result<(), JournalError> {
        self.parts.journal.as_ref().map_or(Ok(()), Writer::look)
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

    /// The journal's name.
    pub fn journal(&self) -> Option<JournalId> {
        self.parts.journal.as_ref().map(Writer::journal)
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

    fn rejected(&self, reject: Reject) -> Step<'_> {
        Step {
            outcome: Outcome::Rejected(reject),
            event_id: &self.current.input.event_id,
            input: &self.current.input,
            decision: None,
            audit: None,
            dropped: self.current.dropped,
            stage_ns: [0; Stage::COUNT],
        }
    }

    /// What the input has of the moment of its turn: the rates and the custom fields of the bundle in
    /// force (others stay behind with the event), and the edge's memory of cards.
    fn dress(&mut self) {
        let Parts { engine, surroundings, .. } = &mut self.parts;
        let Admitted { input, card, dropped, is_event, bytes, .. } = &mut *self.current;
        let Bundle { fx, attributes: declared, arrival, .. } = &**engine.bundle();
        price(fx, input);
        if *is_event {
            let came = input.attributes.len();
            let undeclared = keep_declared(declared, input);
            if input.attributes.len() < came {
                let kept = &input.attributes;
                bytes.keep_attributes(|name| kept.iter().any(|one| one.name == name));
            }
            if undeclared > 0 {
                dropped.unknown = dropped.unknown.saturating_add(undeclared);
                dropped.near.insert(Field::Attributes);
            }
            malformed::note(dropped.malformed, input);
            input.note_arrival(*arrival);
            if !input.malformed_attributes.is_empty() {
                dropped.malformed.insert(Field::Attributes);
            }
        }
        if let Some(card) = card {
            surroundings.at_the_edge(card, input);
        }
    }

    /// Whether the message whose turn it is came before.
    fn is_known(&mut self) -> Result<bool, JournalError> {
        let name = self.current.input.name();
        let is_remembered = remembers(&self.parts.engine, &self.current.input);
        Ok(is_remembered || ask(&mut self.parts, |surroundings| surroundings.past(name))?.is_some())
    }

    /// What the engine has forgotten is asked for, so that its answer is part of the input.
    fn look_back(&mut self, keys: &TokenKeys) -> Result<(), JournalError> {
        let parts = &mut self.parts;
        let Admitted { input, bytes, is_event, .. } = &mut *self.current;
        let own = input.name();
        let is_known = remembers(&parts.engine, input);
        let target = input.amends().map(|(target, _)| target);
        if !is_known {
            input.known = ask(parts, |surroundings| surroundings.past(own))?.map(Box::new);
        }
        if let Some(target) = target.filter(|target| !parts.engine.remembers(*target)) {
            input.target = ask(parts, |surroundings| surroundings.amended(target))?.map(Box::new);
        }
        if *is_event && (is_known || input.known.is_some()) {
            // Of all that the message says, undeclared fields too: so its record may name it.
            input.content_before = Some(keys.content(bytes.canonical()));
        }
        Ok(())
    }

    fn append(
        &mut self,
        applied: Applied,
        watch: &Watch,
        recorded: Recorded,
    ) -> Result<(), JournalError> {
        let Some(journal) = &mut self.parts.journal else { return Ok(()) };
        let (input, event) = match recorded {
            Recorded::Message => (&self.current.input, Some(&self.current.bytes)),
            Recorded::Change => (&*self.change, None),
        };
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
            seq: applied.seq(),
            input,
            applied,
            device: engine.device().filter(|_| is_event),
            hits: Hits { fired, shadow, undetermined },
            features: is_decided.then_some(Features { row: engine.row(), columns: &self.columns }),
            bundle: self.bundle,
            observed: &observed,
        };
        let appended = journal.append(&entry, event)?;
        self.parts.surroundings.appended(input, &appended);
        self.appended = Some(appended);
        Ok(())
    }

    fn render(&mut self, seq: Seq, body: &Body) {
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
            malformed: self.current.input.malformed,
            malformed_attributes: &self.current.input.malformed_attributes,
            score_band_name: engine.band_name(self.current.shown.service(), body.band),
        };
        render(&self.current.shown, &answer, &mut self.masked);
    }
}

/// Whether the engine itself still has what has the name of an input.
fn remembers(engine: &Engine, input: &Input) -> bool {
    match input.what {
        What::Amend { .. } => engine.remembers_amendment(input.name()),
        What::Decide | What::Observe | What::Control => engine.remembers(input.name()),
    }
}

/// Asks for the past. What was appended only a moment ago, and forgotten since, is made readable.
fn ask<S: Surroundings, T>(
    parts: &mut Parts<S>,
    question: impl Fn(&mut S) -> Result<Option<T>, JournalError>,
) -> Result<Option<T>, JournalError> {
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

const fn answer(applied: &Applied) -> Option<(Seq, Body)> {
    match applied {
        Applied::Decided { seq, body } | Applied::Repeated { seq, body } => Some((*seq, *body)),
        _ => None,
    }
}

/// The budget of a live decision: what the ledger grants, less what has passed.
struct Deadline<'a, S> {
    pace: Pace,
    started_ns: u64,
    at: &'a S,
    watch: Watch,
}

impl<S: Surroundings> Budget for Deadline<'_, S> {
    fn plan(&mut self, stage: Stage, ledger: &Ledger) -> Plan {
        match self.pace {
            Pace::Measured | Pace::Unhurried => Plan::Full,
            Pace::Live => {
                let spent_us = self.at.now_ns().saturating_sub(self.started_ns) / 1_000;
                let left_us = i64::from(ledger.budget_us) - spent_us.min(1 << 40) as i64;
                ledger.plan(stage, left_us)
            }
        }
    }

    fn passed(&mut self, stage: Stage) {
        self.watch.lap(self.at.now_ns(), stage);
    }
}
