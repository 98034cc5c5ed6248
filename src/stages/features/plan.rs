//! From what a bundle declares to what a ring keeps: columns, flag bits, windows and operations of
//! each kind of entity.

use crate::domain::{EntityKind, EventTime, Fact, FieldId, FieldType, Schema, Zone};
use crate::lang::{Node, NodeKind, Program};

use super::filter::{Filter, FilterBuilder};
use super::leaves::Leaves;
use super::panes::PaneLayout;
use super::ring::{CLASS_MAX, Layout};
use super::spec::{AggregateSpec, DistinctOf, Function, Over, REACH_MAX_MS};
use super::{BuiltinColumns, arena};

/// Why an aggregate cannot be kept. The bundle adds file and line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanFault {
    /// The aggregate's name.
    pub feature: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// How much is kept exactly, per kind of entity.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Where days and months begin.
    pub zone: Zone,
    /// Newest events of a key that are kept one by one, per kind: rounded up to a power of two,
    /// 64 to 4,096.
    pub exact_events: [u32; EntityKind::COUNT],
}

impl PlanOptions {
    /// The default: 4,096 for kinds that can be hot (shared by many payers), 256 for the others.
    pub fn new(zone: Zone) -> Self {
        let mut exact_events = [256; EntityKind::COUNT];
        for hot in [
            EntityKind::Device,
            EntityKind::Ip,
            EntityKind::IpPrefix,
            EntityKind::Merchant,
            EntityKind::Terminal,
            EntityKind::Payee,
        ] {
            exact_events[hot.index()] = 4_096;
        }
        Self { zone, exact_events }
    }
}

/// Everything that the state needs to know about a bundle's features.
#[derive(Debug)]
pub struct FeaturePlan {
    pub(super) kinds: [KindPlan; EntityKind::COUNT],
    pub(super) leaves: Vec<Leaf>,
    /// So many of them are asked by features; behind them stands whether numbers are there.
    pub(super) asked_leaves: usize,
    /// The leaves as they are asked.
    pub(super) asked: Leaves,
    pub(super) numbers: Vec<FieldId>,
    pub(super) values: Vec<(FieldId, FieldType)>,
    /// Which of the values an outcome or a label may bring into a window: each event is remembered
    /// with them.
    pub(super) kept_values: Vec<usize>,
    pub(super) builtins: BuiltinColumns,
    pub(super) zone: Zone,
    pub(super) uses_calendar: bool,
    pub(super) columns: usize,
    /// Aggregates with the age at which their window is warm, youngest first.
    pub(super) warm_after_ms: Vec<(i64, FieldId)>,
}

/// A condition over one event, evaluated once per event for all kinds that ask.
#[derive(Clone, Debug)]
pub(super) enum Leaf {
    /// A `where` expression over facts, in one polarity.
    Holds { program: Box<Program>, wanted: bool },
    /// The column has a value.
    Has(FieldId),
}

impl Leaf {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Has(a), Self::Has(b)) => a == b,
            (Self::Holds { program: a, wanted: x }, Self::Holds { program: b, wanted: y }) => {
                x == y && a.is_same(b)
            }
            _ => false,
        }
    }
}

/// A column of a kind's ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Column {
    /// 64 bits: a number or the hash of a value. Column 0 is the time.
    Wide(usize),
    /// 32 bits: an entity's ordinal. Columns 0 and 1 are the sequence number and the flags.
    Narrow(usize),
}

/// Where a wide column's value comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum WideSource {
    /// `FeaturePlan::numbers`.
    Number(usize),
    /// `FeaturePlan::values`.
    Value(usize),
}

/// What one kind keeps and computes.
#[derive(Debug, Default)]
pub(super) struct KindPlan {
    pub(super) layout: Layout,
    pub(super) wide: Vec<WideSource>,
    pub(super) narrow: Vec<EntityKind>,
    /// Global leaf, its bit in this kind's flags.
    pub(super) leaf_bits: Vec<(usize, u32)>,
    /// So many of them are asked by features, as in [`FeaturePlan::asked_leaves`].
    pub(super) asked_bits: usize,
    /// What `distinct` counts without looking at values.
    pub(super) marks: Vec<Mark>,
    pub(super) windows: Vec<Window>,
    pub(super) filters: Vec<Filter>,
    /// Looked at for the event's own entity of this kind.
    pub(super) own: Vec<Aggregate>,
    /// Looked at for the event's entity of another kind.
    pub(super) lookups: Vec<(EntityKind, Vec<Aggregate>)>,
    pub(super) class_max: u8,
    /// The filter of events whose amount has no rate, where a feature asks for them
    /// (`has(amount_minor) && !has(amount_base)`).
    pub(super) unpriced: Option<usize>,
    /// Longest W + D: what is older than this and the lateness allowed can be dropped.
    pub(super) reach_ms: i64,
    pub(super) panes: PaneLayout,
}

/// A flag bit on the newest event of each value of a column, among the events that pass a filter
/// which no outcome or label can change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mark {
    pub(super) column: Column,
    /// Index in `filters`.
    pub(super) filter: usize,
    pub(super) bit: u32,
}

/// One stretch of time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Window {
    pub(super) over: Over,
    pub(super) delay_ms: i64,
}

impl Window {
    /// Longest reach into the past.
    pub(super) const fn reach_ms(self) -> i64 {
        self.width_ms() + self.delay_ms
    }

    pub(super) const fn width_ms(self) -> i64 {
        match self.over {
            Over::Rolling(ms) => ms,
            // A day may have 25 hours where clocks change.
            Over::CalendarDay => 25 * 3_600_000,
            Over::CalendarMonth => 31 * 86_400_000 + 3_600_000,
        }
    }
}

/// One aggregate, ready to run.
#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub(super) field: FieldId,
    pub(super) op: Op,
    pub(super) window: usize,
    /// Index in `filters`; 0 takes every event.
    pub(super) filter: usize,
    pub(super) excluding_current: bool,
    pub(super) default_bits: Option<u64>,
    /// Of one over amounts in the base currency: the events of its window that had none to add, where
    /// the kind can tell them.
    pub(super) lacking: Option<Filter>,
}

/// What is computed over which column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Op {
    Count,
    Sum(usize),
    Mean(usize),
    Min(usize),
    Max(usize),
    Stddev(usize),
    /// The column and, when the latest occurrences are marked, their flag bit.
    Distinct(Column, Option<u32>),
    First(usize),
    Last(usize),
    SinceLast,
    /// The share that passes this filter.
    Rate(usize),
}

impl FeaturePlan {
    /// Lays out the rings for a bundle's aggregates. All faults at once.
    pub fn compile(
        aggregates: &[(AggregateSpec, FieldId)],
        schema: &Schema,
        builtins: BuiltinColumns,
        options: &PlanOptions,
    ) -> Result<Self, Vec<PlanFault>> {
        let mut compiler = Compiler {
            schema,
            plan: Self {
                kinds: std::array::from_fn(|_| KindPlan::default()),
                leaves: Vec::new(),
                asked_leaves: 0,
                asked: Leaves::of(&[]),
                numbers: Vec::new(),
                values: Vec::new(),
                kept_values: Vec::new(),
                builtins,
                zone: options.zone.clone(),
                uses_calendar: false,
                columns: schema.columns(),
                warm_after_ms: Vec::new(),
            },
            builders: std::array::from_fn(|_| FilterBuilder::default()),
        };
        let mut faults = Vec::new();
        for (spec, field) in aggregates {
            if let Err(message) = compiler.add(spec, *field) {
                faults.push(PlanFault { feature: spec.name.clone(), message });
            }
        }
        faults.extend(compiler.finish(options));
        if faults.is_empty() { Ok(compiler.plan) } else { Err(faults) }
    }

    /// Columns over all kinds that a footprint keeps of each event: numbers, and values that an
    /// amendment may bring into a window.
    pub fn numbers(&self) -> usize {
        self.numbers.len() + self.kept_values.len()
    }

    /// Bytes that one retained observation takes in a ring of this kind.
    pub fn bytes_per_observation(&self, kind: EntityKind) -> usize {
        let layout = self.kinds[kind.index()].layout;
        layout.wide * 8 + layout.narrow * 4
    }
}

struct Compiler<'a> {
    schema: &'a Schema,
    plan: FeaturePlan,
    builders: [FilterBuilder; EntityKind::COUNT],
}

impl Compiler<'_> {
    fn add(&mut self, spec: &AggregateSpec, field: FieldId) -> Result<(), String> {
        let window = Window { over: spec.over, delay_ms: spec.delay_ms };
        if window.width_ms() <= 0 || spec.delay_ms < 0 {
            return Err("the window must be longer than nothing".to_owned());
        }
        if window.reach_ms() > REACH_MAX_MS {
            return Err("the window and its delay reach past 45 days: shorten one".to_owned());
        }
        if spec.excluding_current && spec.delay_ms > 0 {
            return Err("a delayed window never holds the current event: drop \
                        `excluding_current`"
                .to_owned());
        }
        self.check_lookup(spec)?;
        let (op, value_leaf) = self.operation(spec)?;
        let kind = spec.by.index();
        let filter = self.filter(spec.by, spec.filter.as_ref(), value_leaf)?;
        let default_bits = self.default_bits(spec, field);
        let plan = &mut self.plan.kinds[kind];
        let window_at = place(&mut plan.windows, window);
        plan.reach_ms = plan.reach_ms.max(window.reach_ms());
        self.plan.uses_calendar |= !matches!(spec.over, Over::Rolling(_));
        self.plan.warm_after_ms.push((window.reach_ms(), field));
        let aggregate = Aggregate {
            field,
            op,
            window: window_at,
            filter,
            excluding_current: spec.excluding_current,
            default_bits,
            lacking: None,
        };
        match spec.at.filter(|at| *at != spec.by) {
            None => plan.own.push(aggregate),
            Some(at) => match plan.lookups.iter_mut().find(|(kind, _)| *kind == at) {
                Some((_, list)) => list.push(aggregate),
                None => plan.lookups.push((at, vec![aggregate])),
            },
        }
        Ok(())
    }

    /// Only kinds that share a token space can be met in one another's tables.
    fn check_lookup(&self, spec: &AggregateSpec) -> Result<(), String> {
        use EntityKind::{Account, Card, Payee};
        match (spec.by, spec.at) {
            (_, None) | (Payee, Some(Account | Card | Payee)) | (Account | Card, Some(Payee)) => {
                Ok(())
            }
            (by, Some(at)) if by == at => Ok(()),
            (by, Some(at)) => Err(format!(
                "`at: {}` cannot be met among windows `by: {}`: only payee with account or card \
                 share their tokens",
                at.name(),
                by.name()
            )),
        }
    }

    /// The operation, and for those that need a value the leaf that says there is one.
    fn operation(&mut self, spec: &AggregateSpec) -> Result<(Op, Option<Leaf>), String> {
        let by = spec.by;
        let with_value = |op: Op, field: FieldId| Ok((op, Some(Leaf::Has(field))));
        match &spec.function {
            Function::Count => Ok((Op::Count, None)),
            Function::SinceLast => Ok((Op::SinceLast, None)),
            Function::Sum(field) => Ok((Op::Sum(self.number(by, *field)?), None)),
            Function::Mean(field) => with_value(Op::Mean(self.number(by, *field)?), *field),
            Function::Min(field) => with_value(Op::Min(self.number(by, *field)?), *field),
            Function::Max(field) => with_value(Op::Max(self.number(by, *field)?), *field),
            Function::Stddev(field) => with_value(Op::Stddev(self.number(by, *field)?), *field),
            Function::First(field) => with_value(Op::First(self.number(by, *field)?), *field),
            Function::Last(field) => with_value(Op::Last(self.number(by, *field)?), *field),
            Function::Rate(filter) => {
                let base = self.filter(by, spec.filter.as_ref(), None)?;
                let both = self.narrowed(by, base, filter)?;
                Ok((Op::Rate(both), None))
            }
            Function::Distinct(of) => {
                let column = match of {
                    DistinctOf::Entity(kind) => self.entity(by, *kind),
                    DistinctOf::Field(field) => self.value(by, *field)?,
                };
                let filter = self.filter(by, spec.filter.as_ref(), None)?;
                let is_settled = self.plan.kinds[by.index()].filters[filter].is_settled();
                if let (false, DistinctOf::Field(field)) = (is_settled, of) {
                    let value = self.plan.values.iter().position(|(known, _)| known == field);
                    value.into_iter().for_each(|at| {
                        place(&mut self.plan.kept_values, at);
                    });
                }
                let marked = is_settled && spec.delay_ms == 0;
                let bit = if marked { Some(self.mark(by, column, filter)?) } else { None };
                Ok((Op::Distinct(column, bit), None))
            }
        }
    }

    fn default_bits(&self, spec: &AggregateSpec, field: FieldId) -> Option<u64> {
        let value = spec.default?;
        let is_float = self.schema.field(field).is_some_and(|f| f.field_type == FieldType::Float);
        Some(if is_float { value.to_bits() } else { (value as i64).cast_unsigned() })
    }

    /// The wide column of a number: int, money or bool. Floats do not add exactly.
    fn number(&mut self, by: EntityKind, field: FieldId) -> Result<usize, String> {
        let found = self.schema.field(field).ok_or("an unknown column")?;
        match found.field_type {
            FieldType::Int | FieldType::Money | FieldType::Bool | FieldType::Timestamp => {}
            other => {
                return Err(format!(
                    "`{}` is {}: sums, means and extremes take int, money or bool columns",
                    found.name,
                    other.name()
                ));
            }
        }
        let global = place(&mut self.plan.numbers, field);
        Ok(1 + place(&mut self.plan.kinds[by.index()].wide, WideSource::Number(global)))
    }

    fn value(&mut self, by: EntityKind, field: FieldId) -> Result<Column, String> {
        let found = self.schema.field(field).ok_or("an unknown column")?;
        if matches!(found.field_type, FieldType::Float | FieldType::Bool) {
            return Err(format!(
                "`{}` is {}: distinct takes an entity or a text, id or int column",
                found.name,
                found.field_type.name()
            ));
        }
        let global = place(&mut self.plan.values, (field, found.field_type));
        let wide = place(&mut self.plan.kinds[by.index()].wide, WideSource::Value(global));
        Ok(Column::Wide(1 + wide))
    }

    fn entity(&mut self, by: EntityKind, kind: EntityKind) -> Column {
        Column::Narrow(2 + place(&mut self.plan.kinds[by.index()].narrow, kind))
    }

    /// The flag bit of the newest events of a column's values: taken from the top, leaves from below.
    fn mark(&mut self, by: EntityKind, column: Column, filter: usize) -> Result<u32, String> {
        let plan = &mut self.plan.kinds[by.index()];
        let known = plan.marks.iter().find(|mark| (mark.column, mark.filter) == (column, filter));
        if let Some(mark) = known {
            return Ok(mark.bit);
        }
        let bit = self.builders[by.index()].take_from_top()?;
        plan.marks.push(Mark { column, filter, bit });
        Ok(bit)
    }

    fn filter(
        &mut self,
        by: EntityKind,
        filter: Option<&crate::lang::Where>,
        has: Option<Leaf>,
    ) -> Result<usize, String> {
        let builder = &mut self.builders[by.index()];
        let mut built = match filter {
            None => Filter::all(),
            Some(filter) => builder.build(filter, &mut self.plan.leaves)?,
        };
        if let Some(leaf) = has {
            let bit = builder.leaf_bit(leaf, &mut self.plan.leaves)?;
            built = built.and(&Filter::bit(bit))?;
        }
        Ok(self.place_filter(by, built))
    }

    fn narrowed(
        &mut self,
        by: EntityKind,
        base: usize,
        filter: &crate::lang::Where,
    ) -> Result<usize, String> {
        let built = self.builders[by.index()].build(filter, &mut self.plan.leaves)?;
        let both = self.plan.kinds[by.index()].filters[base].and(&built)?;
        Ok(self.place_filter(by, both))
    }

    fn place_filter(&mut self, by: EntityKind, filter: Filter) -> usize {
        let filters = &mut self.plan.kinds[by.index()].filters;
        if filters.is_empty() {
            filters.push(Filter::all());
        }
        place(filters, filter)
    }

    /// With every number a bit that says whether there is one, where bits are left: so that a mean
    /// can be added to a sum later, and is exact at once.
    fn keep_presence(&mut self) {
        let Self {
            plan: FeaturePlan { kinds, leaves, asked_leaves, numbers, .. }, builders, ..
        } = self;
        *asked_leaves = leaves.len();
        for (kind, builder) in kinds.iter_mut().zip(builders) {
            kind.asked_bits = builder.leaf_bits().len();
            for source in &kind.wide {
                if let WideSource::Number(at) = source {
                    // Without room the sum stays as it is, and such a mean will be warming.
                    let _ = builder.leaf_bit(Leaf::Has(numbers[*at]), leaves);
                }
            }
        }
    }

    fn finish(&mut self, options: &PlanOptions) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        self.plan.warm_after_ms.sort_unstable();
        self.keep_presence();
        self.plan.asked = Leaves::of(&self.plan.leaves);
        let offset_ms = self.plan.zone.offset_ms(OFFSET_AT);
        for kind in EntityKind::ALL {
            let plan = &mut self.plan.kinds[kind.index()];
            plan.leaf_bits = self.builders[kind.index()].leaf_bits();
            tell_unpriced(plan, &self.plan.leaves, &self.plan.numbers);
            plan.layout = Layout { wide: 1 + plan.wide.len(), narrow: 2 + plan.narrow.len() };
            plan.class_max = class_of(options.exact_events[kind.index()]);
            plan.panes = PaneLayout::of(plan, offset_ms);
            let largest = plan.layout.block_words(plan.class_max).max(plan.panes.block_words());
            if largest > arena::BLOCK_WORDS_MAX {
                faults.push(PlanFault {
                    feature: format!("by: {}", kind.name()),
                    message: format!(
                        "the windows of one key need {} KiB, at most {} fit: use fewer \
                         columns, or lower exact_events",
                        largest / 128,
                        arena::BLOCK_WORDS_MAX / 128
                    ),
                });
            }
        }
        faults
    }
}

/// Lets aggregates over amounts in the base currency know the events that had none to add, where a
/// feature of the kind asks for such events: no bit is spent on it, so no layout changes.
fn tell_unpriced(plan: &mut KindPlan, leaves: &[Leaf], numbers: &[FieldId]) {
    let bit_of = |is_it: &dyn Fn(&Leaf) -> bool| {
        let found = plan.leaf_bits.iter().find(|(leaf, _)| is_it(&leaves[*leaf]));
        found.map(|(_, bit)| *bit)
    };
    let Some(unpriced) = bit_of(&is_unpriced).map(Filter::bit) else { return };
    let Some(at) = plan.filters.iter().position(|filter| *filter == unpriced) else { return };
    let base = FieldId::of_fact(Fact::AmountBase);
    let has_base = bit_of(&|leaf| matches!(leaf, Leaf::Has(field) if *field == base));
    let amount = numbers.iter().position(|field| *field == base).map(WideSource::Number);
    let KindPlan { wide, filters, own, lookups, .. } = plan;
    let all = own.iter_mut().chain(lookups.iter_mut().flat_map(|(_, list)| list));
    for aggregate in all {
        let column = match aggregate.op {
            Op::Sum(c) | Op::Mean(c) | Op::Min(c) | Op::Max(c) => c,
            Op::Stddev(c) | Op::First(c) | Op::Last(c) => c,
            Op::Count | Op::Distinct(..) | Op::SinceLast | Op::Rate(_) => continue,
        };
        if column.checked_sub(1).and_then(|c| wide.get(c).copied()) == amount {
            let asked = &filters[aggregate.filter];
            // All but a sum ask for a value, which such an event has not.
            let asked = has_base.map_or_else(|| asked.clone(), |bit| asked.without(bit));
            aggregate.lacking = asked.and(&unpriced).ok();
        }
    }
    plan.unpriced = Some(at);
}

/// Whether a condition is `has(amount_minor) && !has(amount_base)`, in either order.
fn is_unpriced(leaf: &Leaf) -> bool {
    let Leaf::Holds { program, wanted: true } = leaf else { return false };
    let NodeKind::And(terms) = &program.node().kind else { return false };
    let has =
        |node: &Node, fact| matches!(node.kind, NodeKind::Has(id) if id == FieldId::of_fact(fact));
    let lacks = |node: &Node, fact| matches!(&node.kind, NodeKind::Not(one) if has(one, fact));
    let is_it =
        |one: &Node, other: &Node| has(one, Fact::AmountMinor) && lacks(other, Fact::AmountBase);
    matches!(&terms[..], [one, other] if is_it(one, other) || is_it(other, one))
}

/// A moment of standard time in the north: panes of months begin where days do under its offset.
const OFFSET_AT: EventTime = EventTime::MIN;

/// The smallest capacity class that holds this many events.
fn class_of(events: u32) -> u8 {
    let wanted = events.clamp(64, 4_096).next_power_of_two();
    (wanted.trailing_zeros() as u8 - 1).min(CLASS_MAX)
}

/// The place of an item in a list, appended when it is not there.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|other| *other == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}
