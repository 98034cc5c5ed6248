//! The state of all entities, and the two ways in which an input changes it: an event is counted,
//! an amendment corrects what was counted.

use crate::domain::{
    Amendment, EntityKind, EventTime, FeatureVector, FieldId, FieldType, Input, Seq, Token, Tokens,
};

use crate::lang::Marks;

use super::aggregate::Stretch;
use super::arena::Arena;
use super::builtins::Builtin;
use super::carry::{Carried, Moving};
use super::device::Devices;
use super::epoch::StoreId;
use super::filter::amended;
use super::footprint::Footprint;
use super::hash::{hash_number, hash_text};
use super::keys::{KeyTable, Row, RowId, Sight};
use super::masks::Masks;
use super::panes::{Asked, PaneEvent};
use super::plan::{Aggregate, FeaturePlan, KindPlan, Mark, Op, WideSource, Window};
use super::ring::{
    self, FIRST_NARROW, Limits, MISSING_NARROW, MISSING_WIDE, Observation, RingView,
};
use super::spec::Over;
use super::tracker;

mod behind;

pub use behind::Behind;

/// Bounds of the state: it never grows past them, whatever is sent.
#[derive(Clone, Debug)]
pub struct StateLimits {
    /// Most entities kept per kind; beyond it the longest unseen of a sample is forgotten.
    pub keys: [u32; EntityKind::COUNT],
    /// Most devices told apart.
    pub devices: u32,
    /// How late an event may come, in milliseconds: what is older than that and the longest reach
    /// can be dropped.
    pub lateness_ms: i64,
}

impl Default for StateLimits {
    fn default() -> Self {
        Self { keys: [8_000_000; EntityKind::COUNT], devices: 8_000_000, lateness_ms: LATENESS_MS }
    }
}

/// The dedupe horizon: an older event is refused at the door.
const LATENESS_MS: i64 = 7 * 86_400_000;

/// The number of the first table among the stores of a snapshot; the others follow.
const FIRST_TABLE: u8 = 2;
/// The devices' number.
const DEVICES: u8 = FIRST_TABLE + EntityKind::COUNT as u8;

/// Windows, devices and trackers of every entity.
#[derive(Debug)]
pub struct FeatureState {
    pub(super) arena: Arena,
    pub(super) tables: [KeyTable; EntityKind::COUNT],
    pub(super) devices: Devices,
    pub(super) lateness_ms: i64,
    /// The first event's time: a window is warm when it has been filled for its whole reach.
    pub(super) started_ms: Option<i64>,
    /// No event that was counted is younger.
    pub(super) latest_ms: i64,
    /// What changes of plans have left behind.
    pub(super) carried: Carried,
    pub(super) moving: Moving,
    /// The device of the event that was counted last.
    device: Option<Token>,
    scratch: Scratch,
}

/// Buffers that live from event to event.
#[derive(Debug, Default)]
struct Scratch {
    numbers: Vec<i64>,
    values: Vec<u64>,
    wide: Vec<u64>,
    narrow: Vec<u32>,
    distinct: Vec<u64>,
    frames: Vec<Frame>,
    masks: Masks,
    today: Today,
    marks: Marks,
    /// Aggregates of the last event whose panes lack some of what they should total.
    thin: Vec<FieldId>,
}

/// What memory the state uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryUse {
    /// Live entities per kind.
    pub keys: [u32; EntityKind::COUNT],
    /// Events in rings per kind.
    pub observations: [u64; EntityKind::COUNT],
    /// Bytes of rings in use per kind.
    pub ring_bytes: [u64; EntityKind::COUNT],
    /// Bytes of rows and index per kind.
    pub row_bytes: [u64; EntityKind::COUNT],
    /// Devices told apart.
    pub devices: u32,
    /// Bytes of device records and their maps.
    pub device_bytes: u64,
    /// Bytes of rings and panes in use.
    pub arena_bytes: u64,
    /// Bytes of pages held.
    pub arena_reserved_bytes: u64,
}

impl FeatureState {
    /// An empty state.
    pub fn new(limits: &StateLimits) -> Self {
        Self {
            arena: Arena::default(),
            tables: std::array::from_fn(|kind| {
                KeyTable::new(limits.keys[kind], StoreId(FIRST_TABLE + kind as u8))
            }),
            devices: Devices::new(limits.devices, StoreId(DEVICES)),
            lateness_ms: limits.lateness_ms,
            started_ms: None,
            latest_ms: i64::MIN,
            carried: Carried::default(),
            moving: Moving::default(),
            device: None,
            scratch: Scratch::default(),
        }
    }

    /// Asks memory for what counting this event will need of every entity at once: misses that would
    /// follow one another overlap. Changes nothing.
    pub fn approach(&self, plan: &FeaturePlan, input: &Input) {
        // Where each entry is looked for: nothing is decided by what is read, so that all reads overlap.
        let touched = EntityKind::ALL.into_iter().fold(0, |touched, kind| {
            let token = input.tokens.get(kind);
            touched ^ token.map_or(0, |token| self.tables[kind.index()].touch(token))
        });
        std::hint::black_box(touched);
        let device = self.devices.approach(input);
        let rows = EntityKind::ALL.map(|kind| {
            let token = if kind == EntityKind::Device { device } else { input.tokens.get(kind) };
            self.tables[kind.index()].approach(token?)
        });
        self.approach_rows(plan, rows);
    }

    /// As [`Self::approach`], for what an amendment will need.
    pub fn approach_again(&self, plan: &FeaturePlan, footprint: &Footprint) {
        let rows = EntityKind::ALL.map(|kind| {
            let (id, ordinal) = footprint.rows[kind.index()]?;
            self.tables[kind.index()].row_if(RowId(id), ordinal).map(|_| RowId(id))
        });
        self.approach_rows(plan, rows);
    }

    fn approach_rows(&self, plan: &FeaturePlan, rows: [Option<RowId>; EntityKind::COUNT]) {
        /// Lines read of a ring: what a key of few events has.
        const LINES: usize = 8;
        let mut read = 0;
        let rings = EntityKind::ALL.map(|kind| {
            let row = self.tables[kind.index()].row(rows[kind.index()]?);
            let (layout, _) = self.carried.layout_of(kind.index(), row, plan);
            Some((row.ring, layout.block_words(row.class())))
        });
        for (ring, words) in rings.into_iter().flatten().filter(|(ring, _)| !ring.is_none()) {
            let words = self.arena.block(ring, words.min(8 * LINES));
            read ^= words.iter().step_by(8).fold(0, |read, word| read ^ word);
        }
        // Nobody wants the sum: it keeps the reads from being dropped.
        std::hint::black_box(read);
    }

    /// Counts an event: recognises its device, updates every entity's window, and fills the row's
    /// built-in and declared columns. The row was started with the input's facts. The footprint
    /// says what was touched, so that an amendment can find it again.
    pub fn observe(
        &mut self,
        plan: &FeaturePlan,
        input: &Input,
        seq: Seq,
        row: &mut FeatureVector,
        footprint: &mut Footprint,
    ) {
        let at = input.counted_at();
        self.started_ms.get_or_insert(at.as_ms());
        self.moving.moved = 0;
        self.latest_ms = self.latest_ms.max(at.as_ms());
        self.scratch.thin.clear();
        footprint.clear();
        footprint.era = self.footprint_era();
        self.scratch.today = Today::default();
        footprint.leaves = plan.asked.answer(row, &mut self.scratch.marks);
        self.read_columns(plan, row);
        self.remember_numbers(plan, footprint);

        let device = self.recognise(plan, input, seq, row);
        self.device = device;
        let mut rows = [None; EntityKind::COUNT];
        for kind in EntityKind::ALL {
            let token = if kind == EntityKind::Device { device } else { input.tokens.get(kind) };
            if let Some(token) = token {
                rows[kind.index()] = Some(self.sight(plan, kind, token, input.occurred_at, row));
            }
        }
        let ordinals: [u32; EntityKind::COUNT] = std::array::from_fn(|kind| {
            rows[kind].map_or(MISSING_NARROW, |id| self.tables[kind].row(id).ordinal)
        });
        for kind in EntityKind::ALL {
            if let Some(id) = rows[kind.index()] {
                footprint.rows[kind.index()] = Some((id.0, ordinals[kind.index()]));
                self.count(plan, kind, id, input, seq, footprint.leaves, &ordinals);
                self.track(plan, kind, id, input, row);
            }
        }
        for kind in EntityKind::ALL {
            if let Some(id) = rows[kind.index()] {
                let own = &plan.kinds[kind.index()].own;
                self.evaluate(plan, kind, Some(id), own, at, Current::Counted, row);
            }
            for (at, list) in &plan.kinds[kind.index()].lookups {
                let token = input.tokens.get(*at);
                let id = token.and_then(|token| self.tables[kind.index()].find(token));
                if let Some(id) = id {
                    self.of_now(plan, kind, id);
                }
                if token.is_some() {
                    let current = if id.is_some() && id == rows[kind.index()] {
                        Current::Counted
                    } else {
                        Current::Elsewhere
                    };
                    self.evaluate(plan, kind, id, list, input.counted_at(), current, row);
                }
            }
        }
        if self.is_carrying() {
            self.bring_some(plan);
        }
    }

    /// The device of the event that was counted last, if it was recognised.
    pub const fn device(&self) -> Option<Token> {
        self.device
    }

    /// The footprint of an event as far as its tokens and its row tell: rows that are still its
    /// entities', and what its panes had counted before any amendment. Its device is not told.
    pub fn trace(
        &mut self,
        plan: &FeaturePlan,
        tokens: &Tokens,
        row: &FeatureVector,
        footprint: &mut Footprint,
    ) {
        footprint.clear();
        footprint.era = self.footprint_era();
        footprint.leaves = plan.asked.answer(row, &mut self.scratch.marks);
        self.read_columns(plan, row);
        self.remember_numbers(plan, footprint);
        for kind in EntityKind::ALL {
            let table = &self.tables[kind.index()];
            let id = tokens.get(kind).and_then(|token| table.find(token));
            footprint.rows[kind.index()] = id.map(|id| (id.0, table.row(id).ordinal));
        }
    }

    /// Corrects what was counted of an earlier event, in every window that still holds it.
    pub fn amend(
        &mut self,
        plan: &FeaturePlan,
        footprint: &Footprint,
        occurred_at: EventTime,
        seq: Seq,
        amendment: Amendment,
    ) {
        for kind in EntityKind::ALL {
            let Some((id, ordinal)) = footprint.rows[kind.index()] else { continue };
            let kind_plan = &plan.kinds[kind.index()];
            if self.tables[kind.index()].row_if(RowId(id), ordinal).is_none() {
                continue;
            }
            self.of_now(plan, kind, RowId(id));
            let row = *self.tables[kind.index()].row(RowId(id));
            let view = RingView::of(&self.arena, &row, kind_plan.layout);
            let at = view.find(occurred_at.as_ms(), seq.0 as u32);
            let before = match at {
                Some(at) => view.flags(at),
                // Past the ring: its outcome then is what earlier amendments left behind.
                None => kind_flags(kind_plan, footprint.leaves) | footprint.state_flags,
            };
            let after = amended(before, amendment);
            if let Some(at) = at {
                ring::set_flags(&mut self.arena, &row, kind_plan.layout, at, after);
            }
            if !row.panes.is_none() {
                let event = Amended { at, footprint, time_ms: occurred_at.as_ms(), before, after };
                self.amend_panes((plan, kind_plan), &row, &event);
            }
        }
    }

    fn amend_panes(
        &mut self,
        (whole, plan): (&FeaturePlan, &KindPlan),
        row: &Row,
        event: &Amended<'_>,
    ) {
        let Amended { at, footprint, time_ms, before, after } = *event;
        let (known, kept_values) = (whole.numbers.len(), &whole.kept_values);
        let numbers = &footprint.numbers;
        let ring = RingView::of(&self.arena, row, plan.layout);
        // What the event had: the ring knows it, else what it was remembered with.
        let wide: Vec<u64> = (1..=plan.wide.len())
            .zip(&plan.wide)
            .map(|(column, source)| match (at, source) {
                (Some(at), _) => ring.wide(column, at),
                (None, WideSource::Number(number)) => {
                    numbers.get(*number).map_or(0, |number| number.cast_unsigned())
                }
                (None, WideSource::Value(value)) => {
                    let kept = kept_values.iter().position(|kept| kept == value);
                    let at = kept.and_then(|kept| numbers.get(numbers.len().min(known + kept)));
                    at.map_or(MISSING_WIDE, |value| value.cast_unsigned())
                }
            })
            .collect();
        let narrow: Vec<u32> = (FIRST_NARROW..)
            .zip(&plan.narrow)
            .map(|(column, kind)| match at {
                Some(at) => ring.narrow(column, at),
                None => footprint.rows[kind.index()].map_or(MISSING_NARROW, |(_, ordinal)| ordinal),
            })
            .collect();
        let event = PaneEvent {
            time_ms,
            flags: after,
            wide: &|column| wide.get(column.wrapping_sub(1)).copied().unwrap_or(MISSING_WIDE),
            narrow: &|column| {
                narrow.get(column.wrapping_sub(FIRST_NARROW)).copied().unwrap_or(MISSING_NARROW)
            },
        };
        plan.panes.amend(&mut self.arena, row.panes, (before, &event), &plan.filters);
    }

    /// The columns whose windows have not been filled for their whole reach at a moment, as words
    /// of 64 columns.
    pub fn warming(&self, plan: &FeaturePlan, at: EventTime, words: &mut Vec<u64>) {
        words.clear();
        words.resize(plan.columns.div_ceil(64), 0);
        let age_ms = at.as_ms() - self.started_ms.unwrap_or(at.as_ms());
        let warm = plan.warm_after_ms.partition_point(|(reach, _)| *reach <= age_ms);
        for (_, field) in &plan.warm_after_ms[warm..] {
            words[field.index() / 64] |= 1 << (field.index() % 64);
        }
        self.warming_since_carry(at, words);
        for field in &self.scratch.thin {
            words[field.index() / 64] |= 1 << (field.index() % 64);
        }
    }

    /// What memory is used, by walking the rows.
    pub fn memory(&self, plan: &FeaturePlan) -> MemoryUse {
        let mut used = MemoryUse {
            devices: self.devices.live(),
            device_bytes: self.devices.bytes(),
            arena_bytes: self.arena.bytes_in_use(),
            arena_reserved_bytes: self.arena.bytes_reserved(),
            ..MemoryUse::default()
        };
        for (kind, table) in self.tables.iter().enumerate() {
            used.keys[kind] = table.live();
            used.row_bytes[kind] = table.bytes();
            for row in table.rows() {
                used.observations[kind] += u64::from(row.len);
                if !row.ring.is_none() {
                    let (layout, _) = self.carried.layout_of(kind, row, plan);
                    let words = layout.block_words(row.class());
                    used.ring_bytes[kind] += 8 * words as u64;
                }
            }
        }
        used
    }

    fn recognise(
        &mut self,
        plan: &FeaturePlan,
        input: &Input,
        seq: Seq,
        row: &mut FeatureVector,
    ) -> Option<Token> {
        let found = self.devices.recognise(input, seq)?;
        let column = |builtin| plan.builtins.get(builtin);
        row.set_text(column(Builtin::DeviceMatch), found.kind.name());
        row.set_float(column(Builtin::DeviceConfidence), found.confidence);
        row.set_int(column(Builtin::DeviceChanged), i64::from(found.changed));
        row.set_text(column(Builtin::DeviceReason), found.reason.name());
        Some(found.token)
    }

    /// Finds or makes the entity's row and reports how it stood before.
    fn sight(
        &mut self,
        plan: &FeaturePlan,
        kind: EntityKind,
        token: Token,
        at: EventTime,
        row: &mut FeatureVector,
    ) -> RowId {
        let (id, sight, displaced) = self.tables[kind.index()].sight(token, at);
        if let Some(old) = displaced {
            self.release(plan, kind, &old);
        }
        self.of_now(plan, kind, id);
        let Sight { new, age_days, idle_days } = sight;
        let place = Builtin::sight(kind);
        row.set_bool(plan.builtins.at(place), new);
        row.set_int(plan.builtins.at(place + 1), age_days);
        row.set_int(plan.builtins.at(place + 2), idle_days);
        id
    }

    /// Sees to it that a row is of the plan in force.
    fn of_now(&mut self, plan: &FeaturePlan, kind: EntityKind, id: RowId) {
        let table = &self.tables[kind.index()];
        if table.row(id).era() != table.era {
            self.bring(plan, kind, id);
        }
    }

    /// Puts the event in one entity's ring, and in its panes if it has any.
    #[allow(clippy::too_many_arguments)] // One call, from one place, of one step.
    fn count(
        &mut self,
        plan: &FeaturePlan,
        kind: EntityKind,
        id: RowId,
        input: &Input,
        seq: Seq,
        leaves: u64,
        ordinals: &[u32; EntityKind::COUNT],
    ) {
        let kind_plan = &plan.kinds[kind.index()];
        if kind_plan.windows.is_empty() {
            return;
        }
        let Scratch { numbers, values, wide, narrow, .. } = &mut self.scratch;
        wide.clear();
        wide.extend(kind_plan.wide.iter().map(|source| match source {
            WideSource::Number(at) => numbers[*at].cast_unsigned(),
            WideSource::Value(at) => values[*at],
        }));
        narrow.clear();
        narrow.extend(kind_plan.narrow.iter().map(|kind| ordinals[kind.index()]));
        let event = Observation {
            time_ms: input.counted_at().as_ms(),
            seq: seq.0 as u32,
            flags: kind_flags(kind_plan, leaves),
            wide,
            narrow,
        };
        let limits = Limits {
            class_max: kind_plan.class_max,
            // `received_at` never decreases, so nothing that is dropped can be asked for again.
            expired_until_ms: input.received_at.as_ms() - self.lateness_ms - kind_plan.reach_ms,
        };
        let row = self.tables[kind.index()].row_mut(id);
        if row.panes.is_none() && ring::will_overflow(&self.arena, row, kind_plan.layout, limits) {
            open_panes(&mut self.arena, row, kind_plan);
        }
        let passes = |mark: &&Mark| kind_plan.filters[mark.filter].passes(event.flags);
        let marks = kind_plan.marks.iter().filter(passes).copied();
        ring::insert(&mut self.arena, row, kind_plan.layout, limits, &event, marks);
        let block = row.panes;
        if !block.is_none() {
            let event = PaneEvent {
                time_ms: event.time_ms,
                flags: event.flags,
                wide: &|column| event.wide.get(column.wrapping_sub(1)).copied().unwrap_or(0),
                narrow: &|column| {
                    event.narrow.get(column.wrapping_sub(2)).copied().unwrap_or(MISSING_NARROW)
                },
            };
            kind_plan.panes.add(&mut self.arena, block, &event, &kind_plan.filters);
        }
    }

    fn track(
        &mut self,
        plan: &FeaturePlan,
        kind: EntityKind,
        id: RowId,
        input: &Input,
        row: &mut FeatureVector,
    ) {
        let tracker = &mut self.tables[kind.index()].row_mut(id).tracker;
        let column = |builtin| plan.builtins.get(builtin);
        match kind {
            EntityKind::Card => {
                let columns = (column(Builtin::CardTravelKm), column(Builtin::CardTravelKmh));
                tracker::travel(tracker, input, columns, row);
            }
            EntityKind::Account => {
                let columns = (column(Builtin::AccountTravelKm), column(Builtin::AccountTravelKmh));
                tracker::travel(tracker, input, columns, row);
            }
            EntityKind::Terminal => tracker::terminal(tracker, input, &plan.builtins, row),
            _ => {}
        }
    }

    /// Computes aggregates over one entity's windows into the row. Without a row every window is
    /// empty.
    #[allow(clippy::too_many_arguments)] // One step of `observe`, called for own and looked-up rows.
    fn evaluate(
        &mut self,
        plan: &FeaturePlan,
        kind: EntityKind,
        id: Option<RowId>,
        aggregates: &[Aggregate],
        at: EventTime,
        current: Current,
        out: &mut FeatureVector,
    ) {
        if aggregates.is_empty() {
            return;
        }
        let kind_plan = &plan.kinds[kind.index()];
        let empty = Row::empty();
        let row = id.map_or(&empty, |id| self.tables[kind.index()].row(id));
        let ring = RingView::of(&self.arena, row, kind_plan.layout);
        let Scratch { frames, masks, distinct, today, thin, .. } = &mut self.scratch;
        frames.clear();
        frames.extend(
            kind_plan.windows.iter().map(|window| {
                Frame::of(ring, today.bounds(plan, *window, at), (at.as_ms(), current))
            }),
        );
        masks.fill(ring, kind_plan);
        for aggregate in aggregates {
            let Frame { start_ms, end_ms, from, to, before_current } = frames[aggregate.window];
            let excludes = aggregate.excluding_current || matches!(aggregate.op, Op::SinceLast);
            let until = if excludes { before_current } else { to };
            let inside = Stretch { ring, masks, filter: aggregate.filter, from, to: until };
            let value = if row.lost_until_ms() > start_ms && !row.panes.is_none() {
                let asked = Asked {
                    start_ms,
                    end_ms,
                    now_ms: at.as_ms(),
                    lost_until_ms: row.lost_until_ms(),
                    inside,
                    to,
                    filter: &kind_plan.filters[aggregate.filter],
                };
                let panes = (&self.arena, row.panes);
                let (value, is_exact) = kind_plan.panes.value(panes, aggregate, &asked, distinct);
                if !is_exact {
                    out.mark_approximate(aggregate.field);
                    let since_ms = || self.carried.pane_since_ms(kind, plan, aggregate);
                    if row.is_thin() && start_ms < since_ms() {
                        thin.push(aggregate.field);
                    }
                }
                value
            } else {
                inside.value(aggregate.op, at.as_ms(), distinct)
            };
            if is_at_bound(aggregate.op, value) {
                out.mark_approximate(aggregate.field);
            }
            if let Some(bits) = value.or(aggregate.default_bits) {
                out.set_bits(aggregate.field, bits);
            }
            if let (Some(lacking), Some(filter)) = (&aggregate.lacking, kind_plan.unpriced)
                && (Stretch { ring, masks, filter, from, to }).any()
                && masks.any(ring, lacking, from..to)
            {
                out.mark_incomplete(aggregate.field);
            }
        }
    }

    /// What an amendment will need of an event that its rings have given up by then.
    fn remember_numbers(&self, plan: &FeaturePlan, footprint: &mut Footprint) {
        let Scratch { numbers, values, .. } = &self.scratch;
        footprint.numbers.extend_from_slice(numbers);
        footprint.numbers.extend(plan.kept_values.iter().map(|at| values[*at].cast_signed()));
    }

    /// Reads the numbers and hashes the values that rings keep, once for all kinds.
    fn read_columns(&mut self, plan: &FeaturePlan, row: &FeatureVector) {
        let Scratch { numbers, values, .. } = &mut self.scratch;
        numbers.clear();
        numbers.extend(
            plan.numbers.iter().map(|field| if row.has(*field) { row.int(*field) } else { 0 }),
        );
        values.clear();
        values.extend(plan.values.iter().map(|(field, field_type)| {
            match (row.has(*field), field_type) {
                (false, _) => MISSING_WIDE,
                (true, FieldType::Text) => hash_text(row.text(*field)),
                (true, _) => hash_number(row.bits(*field)),
            }
        }));
    }
}

/// An event of which an outcome or a label says something else than before.
#[derive(Clone, Copy)]
struct Amended<'a> {
    /// Where it is in the ring, if it still is.
    at: Option<usize>,
    footprint: &'a Footprint,
    time_ms: i64,
    before: u32,
    after: u32,
}

/// Whether a sum is past what its column holds, and stands at the bound.
fn is_at_bound(op: Op, value: Option<u64>) -> bool {
    matches!(op, Op::Sum(_))
        && value.is_some_and(|bits| matches!(bits.cast_signed(), i64::MIN | i64::MAX))
}

/// Whether the event itself is among those that a window counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Current {
    Counted,
    /// The window is another entity's.
    Elsewhere,
}

/// A window over a ring.
#[derive(Clone, Copy, Debug)]
struct Frame {
    start_ms: i64,
    end_ms: i64,
    /// Its events, by age.
    from: usize,
    to: usize,
    /// The end of those before the event that is being answered.
    before_current: usize,
}

impl Frame {
    fn of(
        ring: RingView<'_>,
        (start_ms, end_ms): (i64, i64),
        (now_ms, current): (i64, Current),
    ) -> Self {
        let (from, to) = (ring.count_until(start_ms), ring.count_until(end_ms));
        // The event itself is the newest of those at or before its time.
        let holds_current = current == Current::Counted && to > from && end_ms == now_ms;
        Self { start_ms, end_ms, from, to, before_current: to - usize::from(holds_current) }
    }
}

/// When the day and the month of one event began, looked up once: each event has its own.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    day_ms: Option<i64>,
    month_ms: Option<i64>,
}

impl Today {
    /// The `(start_ms, end_ms]` of a window that is asked at `at`, the event's moment.
    fn bounds(&mut self, plan: &FeaturePlan, window: Window, at: EventTime) -> (i64, i64) {
        let end_ms = at.as_ms() - window.delay_ms;
        let begun = match window.over {
            Over::Rolling(width_ms) => return (end_ms - width_ms, end_ms),
            Over::CalendarDay if window.delay_ms == 0 => {
                *self.day_ms.get_or_insert_with(|| plan.zone.day_start_ms(at))
            }
            Over::CalendarMonth if window.delay_ms == 0 => {
                *self.month_ms.get_or_insert_with(|| plan.zone.month_start_ms(at))
            }
            Over::CalendarDay => plan.zone.day_start_ms(delayed(at, window)),
            Over::CalendarMonth => plan.zone.month_start_ms(delayed(at, window)),
        };
        // `(midnight - 1 ms, t]` is `[midnight, t]`: an event at midnight belongs to its day.
        (begun - 1, end_ms)
    }
}

fn delayed(at: EventTime, window: Window) -> EventTime {
    EventTime::from_ms(at.as_ms() - window.delay_ms).unwrap_or(at)
}

/// The flags of an event in one kind's rings, before any outcome or label.
fn kind_flags(plan: &KindPlan, leaves: u64) -> u32 {
    plan.leaf_bits.iter().fold(0, |flags, (leaf, bit)| flags | ((leaves >> leaf & 1) as u32) << bit)
}

/// Takes panes for a row and fills them with what its ring still holds.
fn open_panes(arena: &mut Arena, row: &mut Row, plan: &KindPlan) {
    row.panes = arena.take(plan.panes.block_words());
    let ring = (row.ring, plan.layout.block_words(row.class()));
    let (ring, panes) = arena.pair(ring, (row.panes, plan.panes.block_words()));
    let ring = RingView::over(ring, row, plan.layout);
    let samples = plan.panes.fill(panes, &ring, &plan.filters);
    plan.panes.put_samples(arena, row.panes, &samples);
}
