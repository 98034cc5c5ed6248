//! What would the world send? Seeded payments, honest and otherwise, with the truth beside them.
//!
//! ```text
//!  Settings ─▶ World ── people, cards, devices, merchants, terminals, addresses, by index
//!                │
//!     normal ────┤ compose: what an event of a person looks like
//!     plants ────┘    │
//!                     ▼
//!                   Draft ──▶ lines ──▶ one line of JSON ──▶ faults ──▶ the caller, with its Truth
//!                     └─▶ amend ──▶ outcomes, labels ─▶ schedule ─▶ later lines
//! ```
//!
//! The same settings give the same bytes on every machine. Lines come out in order of arrival;
//! memory is bounded by what is still to come, whatever the number of customers.

pub mod settings;
pub mod world;
pub mod draft;
pub mod truth;
mod compose;
mod normal;
mod plants;
mod amend;
mod faults;
mod schedule;
mod lines;
mod json;
mod rhythm;
pub mod rng;
#[cfg(test)]
mod tests;

pub use self::faults::HUGE_BYTES;
pub use self::settings::Settings;
pub use self::truth::{EventId, Fault, Malformed, Message, Plant, Truth};
pub use self::world::World;

use self::amend::Amender;
use self::draft::Draft;
use self::faults::Faults;
use self::normal::Normal;
use self::plants::Planter;
use self::schedule::{Amended, Pending, Schedule};

/// A stream of lines with their truth.
///
/// ```
/// use tidegate::generator::{Generator, Settings};
///
/// let mut generator = Generator::new(Settings { events: 10, ..Settings::default() });
/// let mut line = Vec::new();
/// while let Some(truth) = generator.next_into(&mut line) {
///     assert!(line.starts_with(b"{"));
///     assert!(truth.arrived_ms >= 1_772_402_400_000);
/// }
/// ```
#[derive(Debug)]
pub struct Generator {
    settings: Settings,
    world: World,
    normal: Normal,
    planter: Planter,
    amender: Amender,
    faults: Faults,
    schedule: Schedule,
    /// The ordinary event that comes next, drawn ahead so that follow-ups can pass before it.
    upcoming: Draft,
    /// Nothing is scheduled past this moment: it would never be written.
    horizon_ms: i64,
    now_ms: i64,
    next_number: u64,
    written: u64,
}

impl Generator {
    /// A stream of these settings, at its beginning. Shares outside `[0, 1]` are clamped.
    pub fn new(settings: Settings) -> Self {
        let settings = settings.clamped();
        let world = World::new(&settings);
        let mut normal = Normal::new(settings.seed, settings.start_ms, settings.ordinary_per_ms());
        let upcoming = normal.next(&world);
        let span_ms = settings.end_ms() - settings.start_ms;
        Self {
            planter: Planter::new(&settings),
            amender: Amender::new(&settings),
            faults: Faults::new(&settings),
            schedule: Schedule::default(),
            horizon_ms: settings.end_ms().saturating_add(span_ms / 4),
            now_ms: settings.start_ms,
            next_number: 1,
            written: 0,
            upcoming,
            normal,
            world,
            settings,
        }
    }

    /// The world behind the stream.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Replaces `line` by the next line, without a line end, and tells the truth of it; `None` at
    /// the end. The caller keeps the buffer, so that nothing is allocated per line.
    pub fn next_into(&mut self, line: &mut Vec<u8>) -> Option<Truth> {
        if self.written == self.settings.events {
            return None;
        }
        self.written += 1;
        line.clear();
        if let Some(how) = self.faults.malformed() {
            return Some(self.write_malformed(how, line));
        }
        loop {
            let due = self.schedule.pop_due(self.upcoming.at_ms);
            let truth = match due {
                Some((at_ms, pending)) => {
                    self.now_ms = at_ms;
                    self.write_pending(pending, line)
                }
                None => {
                    let draft = self.take_ordinary();
                    self.now_ms = draft.at_ms;
                    match self.faults.late_by_ms() {
                        Some(by_ms) => {
                            self.hold_back(&draft, by_ms);
                            continue;
                        }
                        None => self.write_event(&draft, line),
                    }
                }
            };
            self.copy_now_and_then(&truth, line);
            return Some(truth);
        }
    }

    /// Takes the ordinary event that is due, draws the next one, and plants campaigns in between.
    fn take_ordinary(&mut self) -> Draft {
        let next = self.normal.next(&self.world);
        let mut draft = std::mem::replace(&mut self.upcoming, next);
        draft.number = self.next_number;
        self.next_number += 1;
        self.normal.remember(&draft);
        if self.schedule.has_room() {
            let (world, number) = (&self.world, &mut self.next_number);
            for planted in self.planter.after_ordinary(world, draft.at_ms, number) {
                let at_ms = planted.at_ms;
                self.schedule.push(at_ms, Pending::Event(Box::new(planted)));
            }
        }
        draft
    }

    fn write_pending(&mut self, pending: Pending, line: &mut Vec<u8>) -> Truth {
        match pending {
            Pending::Event(draft) => self.write_event(&draft, line),
            Pending::Amendment(Amended { of, what, plant }) => {
                let event_id = self.event_id(of);
                lines::push_amendment(event_id, what, self.now_ms, line);
                let message = what.message();
                Truth { event_id, message, arrived_ms: self.now_ms, planted: plant, fault: None }
            }
            Pending::Line(kept) => {
                let (bytes, truth) = *kept;
                line.extend_from_slice(&bytes);
                Truth { arrived_ms: self.now_ms, ..truth }
            }
        }
    }

    fn write_event(&mut self, draft: &Draft, line: &mut Vec<u8>) -> Truth {
        lines::push_event(&self.world, self.stream(), draft, line);
        self.schedule_amendments(draft, self.now_ms);
        self.contradict_now_and_then(draft);
        self.truth_of(draft, self.now_ms, None)
    }

    /// An event is written now and arrives later; what is known of it comes later still.
    fn hold_back(&mut self, draft: &Draft, by_ms: i64) {
        let arrived_ms = draft.at_ms + by_ms;
        let mut bytes = Vec::new();
        lines::push_event(&self.world, self.stream(), draft, &mut bytes);
        let truth = self.truth_of(draft, arrived_ms, Some(Fault::Late { by_ms }));
        self.schedule.push(arrived_ms, Pending::Line(Box::new((bytes, truth))));
        self.schedule_amendments(draft, arrived_ms);
    }

    fn schedule_amendments(&mut self, draft: &Draft, arrived_ms: i64) {
        let outcome = self.amender.outcome(draft);
        let label = self.amender.label(draft);
        for (delay_ms, what) in [outcome, label].into_iter().flatten() {
            let at_ms = arrived_ms + delay_ms;
            if at_ms <= self.horizon_ms {
                let amended = Amended { of: draft.number, what, plant: draft.plant };
                self.schedule.push(at_ms, Pending::Amendment(amended));
            }
        }
    }

    /// Now and then a line comes twice. Copies of copies, and of late lines, do not happen.
    fn copy_now_and_then(&mut self, truth: &Truth, line: &[u8]) {
        if truth.fault.is_some() {
            return;
        }
        if let Some(delay_ms) = self.faults.copy_after_ms() {
            let copy = Truth { fault: Some(Fault::Duplicate), ..*truth };
            let kept = Pending::Line(Box::new((line.to_vec(), copy)));
            self.schedule.push(self.now_ms + delay_ms, kept);
        }
    }

    /// Now and then an id comes again with another amount.
    fn contradict_now_and_then(&mut self, draft: &Draft) {
        let Some(amount) = draft.amount else { return };
        if let Some(delay_ms) = self.faults.conflict_after_ms() {
            let minor = amount.minor + 100;
            let other = Draft { amount: Some(draft::Money { minor, ..amount }), ..draft.clone() };
            let mut bytes = Vec::new();
            lines::push_event(&self.world, self.stream(), &other, &mut bytes);
            let truth = self.truth_of(draft, self.now_ms, Some(Fault::Conflict));
            let kept = Pending::Line(Box::new((bytes, truth)));
            self.schedule.push(self.now_ms + delay_ms, kept);
        }
    }

    /// A line of its own that never was a good one: a payment, written and broken.
    fn write_malformed(&mut self, how: Malformed, line: &mut Vec<u8>) -> Truth {
        // The upcoming event is a template; kinds that move no money borrow an amount.
        let mut draft = self.upcoming.clone();
        draft.kind = draft::Kind::Payment;
        draft.amount = draft.amount.or(Some(draft::Money::yuan(100)));
        (draft.referrer, draft.verification, draft.account_change) = (None, None, None);
        draft.attributes = &[];
        draft.at_ms = self.now_ms;
        draft.number = self.next_number;
        self.next_number += 1;
        lines::push_event(&self.world, self.stream(), &draft, line);
        self.faults.break_line(how, line);
        self.truth_of(&draft, self.now_ms, Some(Fault::Malformed(how)))
    }

    fn truth_of(&self, draft: &Draft, arrived_ms: i64, fault: Option<Fault>) -> Truth {
        Truth {
            event_id: self.event_id(draft.number),
            message: Message::Event(draft.kind),
            arrived_ms,
            planted: draft.plant,
            fault,
        }
    }

    fn event_id(&self, number: u64) -> EventId {
        EventId { stream: self.stream(), number }
    }

    fn stream(&self) -> u32 {
        self.settings.seed as u32
    }
}
