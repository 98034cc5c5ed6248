//! One course of events: a service that lives, crashes and is started again, until all is done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::bundle::Bundle;
use crate::domain::{
    BundleDigest, CardDigits, EntityKind, EventTime, Input, Sensitive, Seq, Source, Token,
};
use crate::edges::admin;
use crate::edges::keys::Keys;
use crate::edges::snapshots;
use crate::edges::tables::TableStore;
use crate::engine::{
    Clock, ENGINE_SEMANTICS, Engine, EngineLimits, Pace, Parts, Pipeline, Recovered, Shelf,
    SnapshotFault, Surroundings, recover,
};
use crate::journal::{
    Directory, Due, Durability, FreshRandom, Item, JournalError, JournalId, Keeper, Opening,
    Reader, Writer,
};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::enrich::Tables;
use crate::stages::features::StateLimits;
use crate::stages::mask::Profile;
use crate::telemetry::{Break, Telemetry};

use super::super::ahead::{Ahead, Came};
use super::super::assignment::begin_at;
use super::super::continuity::Position;
use super::super::ownership::{Misfit, Unfit, misfit};
use super::super::settings::tests::settings;
use super::super::work::Work;
use super::super::{Decider, EdgeError, Gate, Handler as _, HandlerError, Start};
use super::broker::{BEGIN_MS, Broker, Sent, card};
use super::dice::Dice;
use super::disk::{Crash, SimulatedDisk};
use super::people::{People, Rules, bundles};

/// What all courses share: it takes long to make.
pub(super) struct Shared {
    /// The configured one first.
    pub(super) bundles: Vec<Rules>,
    pub(super) keys: Keys,
    pub(super) tables: Arc<TableStore>,
    telemetry: Telemetry,
}

impl Shared {
    pub(super) fn new() -> Self {
        let keys = Keys::demo();
        let token_keys = Arc::new(keys.token_keys());
        Self {
            bundles: bundles(),
            keys,
            tables: Arc::new(TableStore::fixed(Tables::default(), token_keys)),
            telemetry: Telemetry::new(&[], &[]),
        }
    }

    /// A bundle by its hash.
    pub(super) fn rules(&self, digest: &BundleDigest) -> &Rules {
        self.bundles.iter().find(|(bundle, _)| bundle.hash == *digest).unwrap()
    }

    /// The token of a client's card.
    pub(super) fn card(&self, number: u64) -> Token {
        self.keys.token_keys().card(&card(number)).unwrap()
    }

    /// An engine of the configured bundle.
    pub(super) fn engine(&self) -> Engine {
        self.engine_under(&self.bundles[0].0)
    }

    /// A pipeline without a journal or a budget, as a file of lines runs through.
    pub(super) fn pipeline(
        &self,
        bundle: &Arc<Bundle>,
        files: &BTreeMap<String, Vec<u8>>,
        dir: &Directory,
    ) -> Result<Pipeline<Clockwork>, JournalError> {
        let parts = Parts {
            engine: self.engine_under(bundle),
            journal: None,
            received_after: EventTime::MIN,
            door: Door::default(),
            times: TimeLimits::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").unwrap(),
            durability: Durability::Written,
            pace: Pace::Unhurried,
            surroundings: Clockwork { dir: dir.clone(), ns: Arc::default(), step_ns: 0 },
        };
        Pipeline::new(parts, files)
    }

    fn engine_under(&self, bundle: &Arc<Bundle>) -> Engine {
        let limits = EngineLimits {
            state: StateLimits {
                keys: [1_000; EntityKind::COUNT],
                devices: 1_000,
                ..StateLimits::default()
            },
            recent_events: 4_096,
            ..EngineLimits::default()
        };
        Engine::new(Arc::clone(bundle), &limits).unwrap()
    }
}

/// A machine whose clock the dice move, and which reads the whole journal for what it has forgotten.
pub(super) struct Clockwork {
    dir: Directory,
    ns: Arc<AtomicU64>,
    step_ns: u64,
}

impl Surroundings for Clockwork {
    fn now_ns(&self) -> u64 {
        self.ns.fetch_add(self.step_ns, Ordering::Relaxed)
    }

    fn clock(&self) -> Clock {
        let (ns, step_ns) = (Arc::clone(&self.ns), self.step_ns);
        Arc::new(move || ns.fetch_add(step_ns, Ordering::Relaxed))
    }

    fn source(&mut self, name: Token) -> Result<Option<Source>, JournalError> {
        let Some(mut reader) = Reader::open(&self.dir)? else { return Ok(None) };
        while let Some(item) = reader.read()? {
            if let Item::Entry(entry) = item
                && entry.input.name() == name
            {
                return Ok(entry.input.source);
            }
        }
        Ok(None)
    }

    fn at_the_edge(&mut self, _card: &Sensitive<CardDigits>, _input: &mut Input) {}
}

/// A course of events.
pub(super) struct World<'a> {
    pub(super) shared: &'a Shared,
    pub(super) dice: Dice,
    pub(super) disk: SimulatedDisk,
    pub(super) dir: Directory,
    pub(super) broker: Broker,
    /// Nothing that is acknowledged may be lost.
    pub(super) is_strict: bool,
    durability: Durability,
    crash: Crash,
    has_keeper: bool,
    segment_bytes: u64,
    clock: Arc<AtomicI64>,
    snapshots: snapshots::Settings,
    /// Snapshots of which a bit was ever turned, and the one since the last start.
    altered: BTreeSet<PathBuf>,
    flipped: Option<PathBuf>,
    lives: u8,
    /// How often somebody will still ask for a change.
    changes: u64,
    /// Numbers of changes that people were told were made.
    pub(super) promised: BTreeSet<Seq>,
    /// By how much the clock stands wrong, until somebody sets it right.
    wrong_ms: Option<i64>,
    /// Events that came while it did: they may have been too old, or too early.
    pub(super) excused: BTreeSet<String>,
    /// What somebody found who replayed meanwhile.
    found: Option<String>,
}

/// By how much a clock steps, in milliseconds: within what an event's age may be, and beyond it.
const STEPS_MS: [i64; 4] = [HOUR_MS, -HOUR_MS, 240 * HOUR_MS, -240 * HOUR_MS];
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Why a life ended.
#[derive(Debug)]
enum End {
    /// Everything is done.
    Done,
    /// It crashed, as it was meant to.
    Crash,
    /// There was no room to begin.
    Full,
    /// What must not happen.
    Fault(String),
}

/// A running service.
struct Life {
    work: Work<Decider<Clockwork>>,
    ahead: Ahead<Gate>,
    keeper: Option<Keeper>,
    snapshots: snapshots::Worker,
    people: People,
    positions: Vec<Option<i64>>,
    flights: Vec<Sent>,
    is_full: bool,
    /// Whether a message came, or the journal says that one did, while the clock was right.
    knows_time: bool,
}

impl<'a> World<'a> {
    pub(super) fn new(shared: &'a Shared, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let broker = Broker::new(&mut dice);
        let disk = SimulatedDisk::new(dice.fork());
        let crash = if dice.once_in(2) { Crash::Power } else { Crash::Process };
        let durability = if dice.once_in(3) { Durability::Written } else { Durability::Synced };
        Self {
            shared,
            is_strict: crash == Crash::Process || durability == Durability::Synced,
            dir: Directory::on(Arc::new(disk.clone()), "/journal"),
            broker,
            disk,
            durability,
            crash,
            has_keeper: !dice.once_in(5),
            segment_bytes: 4_000 + dice.below(30_000),
            clock: Arc::new(AtomicI64::new(BEGIN_MS)),
            snapshots: snapshots::Settings {
                every_events: 3 + dice.below(30),
                every: Duration::MAX,
                anchor_days: if dice.once_in(2) { 0 } else { 30 },
            },
            altered: BTreeSet::new(),
            flipped: None,
            lives: 0,
            changes: dice.below(12),
            promised: BTreeSet::new(),
            wrong_ms: None,
            excused: BTreeSet::new(),
            found: None,
            dice,
        }
    }

    /// What kind of course this is, for messages.
    pub(super) fn kind(&self) -> String {
        let keeper = if self.has_keeper { "with" } else { "without" };
        format!("{:?}, {:?} crashes, {keeper} a keeper", self.durability, self.crash)
    }

    /// Lives and crashes until everything is done.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let crashes = self.dice.below(5);
        loop {
            let is_calm = u64::from(self.lives) >= crashes;
            self.lives += 1;
            if !is_calm {
                let operations = 5 + self.dice.below(400);
                self.disk.crash_after(Some(operations));
            }
            match self.live(is_calm) {
                End::Done => return Ok(()),
                End::Fault(text) => return Err(format!("life {}: {text}", self.lives)),
                End::Full => self.disk.leave_room(None),
                End::Crash => {}
            }
            if self.lives > 60 {
                return Err("it comes to no end".to_owned());
            }
            self.disk.restart(self.crash);
            // A start takes time: no input of the next life arrives when one of this did.
            self.clock.fetch_add(1, Ordering::Relaxed);
            if self.dice.once_in(5) {
                self.broker.make_again(&mut self.dice);
            }
            if self.dice.once_in(4) {
                let flipped = self.disk.flip_a_bit(&mut self.dice, is_snapshot);
                flipped.into_iter().for_each(|path| self.note_flip(path));
            }
        }
    }

    fn live(&mut self, is_calm: bool) -> End {
        if let Err(text) = self.check_stranger() {
            return End::Fault(text);
        }
        let mut life = match self.begin() {
            Ok(Ok(life)) => life,
            Ok(Err(text)) => return End::Fault(text),
            Err(_) if self.disk.has_crashed() => return End::Crash,
            Err(error) if error.is_disk_full() => return End::Full,
            Err(error) => return End::Fault(error.to_string()),
        };
        let end = self.go_on(&mut life, is_calm);
        self.promised.extend(life.people.hear());
        // What was on its way has arrived or not; its acknowledgement has not.
        for flight in life.flights.drain(..) {
            if self.dice.once_in(2) {
                self.broker.outputs.push(flight);
            }
        }
        end
    }

    /// Starts as the service does. The inner fault is a snapshot that should not have been believed,
    /// or should have been.
    fn begin(&mut self) -> Result<Result<Life, String>, JournalError> {
        let mut engine = self.shared.engine();
        let opening = Opening {
            key: self.shared.keys.seal_key(),
            token_key: self.shared.keys.token_key(),
            software: "simulation".to_owned(),
            engine_semantics: ENGINE_SEMANTICS,
            opened_at: self.now(),
            segment_bytes: self.segment_bytes,
            fresh: FreshRandom::fixed(self.lives),
        };
        let writer = Writer::open(&self.dir, opening)?;
        let mut recovered = recover(&mut engine, &self.dir)?;
        if let Err(text) = self.check_snapshots(&recovered) {
            return if self.disk.has_crashed() { Err(ended(&self.dir)) } else { Ok(Err(text)) };
        }
        // What people have put in force stays, whatever is configured.
        let digest = engine.in_force().unwrap_or(self.shared.bundles[0].0.hash);
        let (bundle, files) = self.shared.rules(&digest);
        if engine.bundle().hash != digest {
            engine = self.shared.engine_under(bundle);
            recovered = recover(&mut engine, &self.dir)?;
        }
        let journal = recovered.journal.unwrap_or_else(|| writer.journal());
        let (snapshots, worker) = snapshots::Keeper::with_turns(
            &self.dir,
            journal,
            self.snapshots,
            &engine,
            recovered.restored,
        );
        snapshots.discard(&recovered.passed_over);
        let parts = Parts {
            engine,
            journal: Some(writer),
            received_after: recovered.last_received_at.unwrap_or(EventTime::MIN),
            door: Door::default(),
            times: TimeLimits::default(),
            namespace: String::new(),
            profile: Profile::shipped("default").unwrap(),
            durability: self.durability,
            pace: Pace::Live,
            surroundings: Clockwork {
                dir: self.dir.clone(),
                ns: Arc::new(AtomicU64::new(0)),
                // Sometimes so slow that plans step down.
                step_ns: [0, 1_000, 3_000_000][self.dice.place(3)],
            },
        };
        let pipeline = Pipeline::new(parts, files)?;
        let keeper = if self.has_keeper { pipeline.keeper() } else { None };
        let tables = Arc::clone(&self.shared.tables);
        let positions: Vec<Source> = recovered.next_offsets().collect();
        let keys = self.shared.keys.token_keys();
        let (sender, orders) = admin::orders();
        let decider =
            Decider::new(pipeline, tables, keys, (self.dir.clone(), positions), 1_000_000)
                .with_snapshots(snapshots)
                .with_orders(orders);
        let mut work = Work::new(decider, self.shared.telemetry.clone(), &settings(""));
        let clock = Arc::clone(&self.clock);
        work.set_clock(Box::new(move || {
            EventTime::from_ms(clock.load(Ordering::Relaxed)).unwrap()
        }));
        let partitions = self.broker.log.len();
        Ok(Ok(Life {
            ahead: Ahead::new(work.handler.admission()),
            work,
            keeper,
            snapshots: worker,
            people: People::new(sender),
            positions: vec![None; partitions],
            flights: Vec::new(),
            is_full: false,
            knows_time: recovered.last_received_at.is_some_and(|at| at.as_ms() >= BEGIN_MS),
        }))
    }

    pub(super) fn note_flip(&mut self, path: PathBuf) {
        self.altered.insert(path.clone());
        self.flipped = Some(path);
    }

    /// A snapshot that has its name is whole, whatever crashed: only one that was altered is passed
    /// over, and that always; or one that has seen what the journal lost.
    pub(super) fn check_snapshots(&mut self, recovered: &Recovered) -> Result<(), String> {
        let flipped = self.flipped.take();
        for passed in &recovered.passed_over {
            let is_lost = passed.fault == SnapshotFault::NotInJournal && self.crash == Crash::Power;
            if !self.altered.contains(&passed.path) && !is_lost {
                return Err(format!("{}: {}", name(&passed.path), passed.fault));
            }
        }
        let Some(flipped) = flipped else { return Ok(()) };
        let shelf = Shelf::of(&self.dir);
        let is_passed_over = recovered.passed_over.iter().any(|passed| passed.path == flipped);
        // Names are numbers of one length, so their order is that of the snapshots. A name that was
        // not synced may be lost with the power.
        let newer = recovered.restored.map(|next| shelf.path(next));
        let is_there = shelf.kept().iter().any(|kept| kept.path == flipped);
        if is_passed_over || newer.is_some_and(|newer| newer > flipped) || !is_there {
            return Ok(());
        }
        Err(format!("a bit of {} was turned, and it was believed", name(&flipped)))
    }

    pub(super) fn now(&self) -> EventTime {
        EventTime::from_ms(self.clock.load(Ordering::Relaxed)).unwrap()
    }

    /// Steps in random order.
    fn go_on(&mut self, life: &mut Life, is_calm: bool) -> End {
        if is_calm {
            self.disk.leave_room(None);
            self.set_clock_right();
        }
        for _ in 0..20_000 {
            if is_calm && self.is_done(life) {
                return End::Done;
            }
            // A kill at a moment when the disk rests.
            if !is_calm && self.dice.once_in(300) {
                return End::Crash;
            }
            match self.step(life, is_calm) {
                Ok(()) => match self.found.take() {
                    Some(text) if !self.disk.has_crashed() => return End::Fault(text),
                    _ => {}
                },
                Err(_) if self.disk.has_crashed() => return End::Crash,
                // Without a keeper a full disk ends the process.
                Err(EdgeError::Handler(HandlerError::DiskFull(_))) if !self.has_keeper => {
                    return End::Full;
                }
                Err(error) => return End::Fault(error.to_string()),
            }
        }
        if is_calm { End::Fault("it hangs".to_owned()) } else { End::Crash }
    }

    fn is_done(&self, life: &Life) -> bool {
        let rests = life.keeper.as_ref().is_none_or(|k| k.wait(Duration::ZERO) != Due::Now);
        let is_out = !life.work.is_waiting() && life.flights.is_empty() && life.work.is_told();
        self.broker.is_done() && rests && is_out
    }

    fn step(&mut self, life: &mut Life, is_calm: bool) -> Result<(), EdgeError> {
        match self.dice.below(16) {
            0..4 => self.take(life)?,
            4..7 => {
                self.keep(life)?;
                (0..self.dice.below(4)).for_each(|_| life.snapshots.turn());
                if !life.work.has_fresh() {
                    life.work.idle()?;
                }
                self.flush(life)?;
            }
            7..10 => self.release(life)?,
            10..13 => self.deliver(life),
            13 => self.commit(life),
            14 if self.changes > 0 && self.dice.once_in(3) => {
                self.changes -= 1;
                let stands = (life.work.handler.engine(), self.now());
                life.people.ask(self.shared, &mut self.dice, stands);
            }
            14 => {
                self.promised.extend(life.people.hear());
                self.clock.fetch_add(self.dice.below(5_000) as i64, Ordering::Relaxed);
                if !is_calm {
                    self.step_clock();
                }
                if self.dice.once_in(40) {
                    self.found =
                        self.replay().err().map(|text| format!("replayed meanwhile: {text}"));
                }
            }
            _ if is_calm => {}
            _ if self.dice.once_in(4) => {
                let room = Some(self.dice.below(20_000)).filter(|_| self.dice.once_in(2));
                self.disk.leave_room(room);
            }
            _ if self.dice.once_in(4) => {
                let partition = self.dice.place(life.positions.len());
                life.work.ledger.forget(0, partition as i32);
                life.positions[partition] = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// A machine's clock steps, for a while or, by an hour forward, for good; or is set right again.
    fn step_clock(&mut self) {
        if self.wrong_ms.is_some() {
            if self.dice.once_in(3) {
                self.set_clock_right();
            }
        } else if self.dice.once_in(20) {
            let step_ms = STEPS_MS[self.dice.place(STEPS_MS.len())];
            self.clock.fetch_add(step_ms, Ordering::Relaxed);
            let is_for_good = step_ms == HOUR_MS && self.dice.once_in(2);
            self.wrong_ms = (!is_for_good).then_some(step_ms);
        }
    }

    fn set_clock_right(&mut self) {
        let wrong_ms = self.wrong_ms.take().unwrap_or(0);
        self.clock.fetch_sub(wrong_ms, Ordering::Relaxed);
    }

    /// Takes what is ready and gives it to the journal.
    fn take(&mut self, life: &mut Life) -> Result<(), EdgeError> {
        let count = if life.is_full { 0 } else { 1 + self.dice.place(8) };
        for _ in 0..count {
            let partition = self.dice.place(self.broker.log.len());
            if life.positions[partition].is_none() {
                self.assign(life, partition)?;
            }
            let Some(offset) = life.positions[partition] else { continue };
            let Some(bytes) = self.broker.log[partition].get(offset as usize) else { continue };
            let source = Source { topic: 0, partition: partition as i32, offset };
            life.ahead.push(Came { source, stamped_ms: None, at: Instant::now() }, bytes.into());
            // By an hour, nothing is too old, and too early only where no time is known yet.
            life.knows_time |= self.wrong_ms.is_none();
            let knows = life.knows_time;
            if self.wrong_ms.is_some_and(|ms| ms.abs() > HOUR_MS || ms < 0 && !knows) {
                self.excused.extend(event_id(bytes));
            }
            life.work.take(&mut life.ahead)?;
            life.positions[partition] = Some(offset + 1);
        }
        self.flush(life)
    }

    /// What is fresh goes to the journal.
    fn flush(&mut self, life: &mut Life) -> Result<(), EdgeError> {
        if !life.work.has_fresh() {
            return Ok(());
        }
        match life.work.flush() {
            Ok(()) => life.is_full = false,
            Err(HandlerError::DiskFull(_)) => life.is_full = true,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The group gives us a partition: the same decisions as the real edge.
    fn assign(&mut self, life: &mut Life, partition: usize) -> Result<(), EdgeError> {
        let kept = life.work.handler.positions();
        let journal = kept.iter().find(|at| at.partition == partition as i32).map(|at| at.offset);
        let (ours, next) = (life.work.handler.journal(), life.work.handler.next_seq());
        let told = self.broker.committed.iter().flatten().map(|(_, told)| *told);
        life.work.recall(told)?;
        let group = self.broker.committed[partition];
        let group = group.map(|(offset, told)| (offset, misfit(&told, ours, next)));
        // Where nothing that is acknowledged may be lost, no start is refused; elsewhere a power cut
        // may have taken the journal's end, and the operator says that it goes on.
        match group.and_then(|(_, misfit)| misfit) {
            None => {}
            Some(Misfit::Behind) if !self.is_strict => {}
            Some(misfit) => return Err(EdgeError::Unfit(self.unfit(misfit, partition, next))),
        }
        let unsent = life.work.handler.perhaps_unsent()?;
        let unsent = unsent.iter().find(|at| at.partition == partition as i32).map(|at| at.offset);
        let offset = match begin_at(group, (journal, unsent), Start::Earliest) {
            None => 0,
            Some((offset, _)) => {
                let partition = partition as i32;
                self.prove(life, Position { topic: 0, partition, offset, journal })?
            }
        };
        self.broker.committed[partition] = Some((offset, life.work.told()));
        let source = Source { topic: 0, partition: partition as i32, offset };
        life.work.resume(&[source])?;
        life.positions[partition] = Some(offset);
        Ok(())
    }

    /// Where to begin, by what stands there.
    fn prove(&self, life: &mut Life, position: Position) -> Result<i64, EdgeError> {
        let log = &self.broker.log[position.partition as usize];
        let extent = (0, log.len() as i64);
        let mut is_same = None;
        if let Some(offset) = position.evidence(extent) {
            let at = Source { topic: 0, partition: position.partition, offset };
            let message = (&log[offset as usize]).into();
            let found = life.work.handler.recognise(message, at, self.now())?;
            is_same = position.is_same(offset, Some(found));
        }
        let (begin, what) = position.begin(extent, is_same);
        if what == Some(Break::Replaced) {
            life.work.note_replaced();
        }
        Ok(begin)
    }

    /// What the edge would say.
    fn unfit(&self, misfit: Misfit, partition: usize, next: Seq) -> Unfit {
        let told = self.broker.committed[partition].map_or(Seq(0), |(_, told)| told.next);
        let place = ("payments".to_owned(), partition as i32);
        Unfit { misfit, group: "group".to_owned(), place, told, next }
    }

    /// A start with an empty directory, in another's place: refused as soon as anything was decided.
    fn check_stranger(&self) -> Result<(), String> {
        let stranger = Some(JournalId::from_bytes([0xEE; 16]));
        for (_, told) in self.broker.committed.iter().flatten() {
            let is_refused = misfit(told, stranger, Seq(1)).is_some();
            if is_refused != (told.next > Seq(1)) {
                return Err(format!("another journal was let in after {told}"));
            }
        }
        Ok(())
    }

    /// The other thread's turn.
    fn keep(&mut self, life: &mut Life) -> Result<(), EdgeError> {
        let Some(keeper) = &life.keeper else { return Ok(()) };
        match keeper.turn() {
            Ok(()) => Ok(()),
            Err(error) if error.is_disk_full() => {
                keeper.try_again();
                Ok(())
            }
            Err(error) => Err(EdgeError::Handler(error.into())),
        }
    }

    fn release(&mut self, life: &mut Life) -> Result<(), EdgeError> {
        life.work.release()?;
        while let Some(ready) = life.work.outbox.next() {
            life.flights.push(Sent {
                ticket: ready.ticket,
                output: ready.output,
                seq: ready.seq,
                key: ready.key.to_vec(),
                payload: ready.payload.to_vec(),
            });
            life.work.outbox.mark_sent();
        }
        life.work.settle();
        Ok(())
    }

    /// Outputs arrive, in any order, and are acknowledged.
    fn deliver(&mut self, life: &mut Life) {
        for _ in 0..self.dice.below(12) {
            if life.flights.is_empty() {
                return;
            }
            let flight = life.flights.swap_remove(self.dice.place(life.flights.len()));
            life.work.ledger.acknowledge(flight.ticket);
            self.broker.outputs.push(flight);
        }
    }

    fn commit(&mut self, life: &mut Life) {
        let told = life.work.told();
        for at in life.work.ledger.commits() {
            self.broker.committed[at.partition as usize] = Some((at.offset, told));
        }
    }
}

/// The id of the event in a message.
fn event_id(message: &[u8]) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(message).ok()?;
    json["event_id"].as_str().map(str::to_owned)
}

pub(super) fn is_snapshot(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tgs")
}

/// What a crash in the middle of a start looks like.
fn ended(dir: &Directory) -> JournalError {
    let source = std::io::Error::other("the simulated process has ended");
    JournalError::Io { path: dir.path().to_owned(), what: "go on", source }
}

/// A copy of a path for messages.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
