//! The truth by brute force: every window computed from the list of all events, and compared.

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Amendment, ArrivalRule, EntityKind, EventTime, Fact, FeatureVector, FieldId, FieldType, Input,
    OutcomeResult, Refusal, Schema, Seq, Standing, Token, Truth, What, Zone,
};
use crate::lang::{NodeKind, Place, Scope, StateBit, Where};

pub(super) const MINUTE: i64 = 60_000;
pub(super) const DAY: i64 = 86_400_000;
/// A Saturday, 23:00 in Shanghai: streams cross midnight, and soon a month's end.
pub(super) const START: i64 = 1_798_556_400_000;

/// One event as the oracle remembers it.
#[derive(Clone, Debug)]
struct Event {
    time: i64,
    tokens: [Option<u8>; EntityKind::COUNT],
    amount: Option<i64>,
    mcc: Option<u8>,
    outcome: Option<(OutcomeResult, Option<Refusal>)>,
    label: Option<Truth>,
}

/// One step of a stream.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Event { ahead: i64, late: i64, tokens: [Option<u8>; 4], amount: Option<i64>, mcc: Option<u8> },
    Amend { back: usize, what: Amendment },
}

/// The four kinds that streams use; account and payee share their tokens.
const KINDS: [EntityKind; 4] =
    [EntityKind::Card, EntityKind::Account, EntityKind::Payee, EntityKind::Merchant];

struct Declared {
    spec: AggregateSpec,
    id: FieldId,
}

/// Every function in turn over every window, filter and place.
pub(super) fn every_aggregate() -> Vec<(AggregateSpec, FieldType)> {
    use Function::*;
    let amount = FieldId::of_fact(Fact::AmountBase);
    let mcc = FieldId::of_fact(Fact::MerchantMcc);
    let state = |bit, wanted| Where::State { bit, wanted };
    let functions: Vec<(Function, FieldType)> = vec![
        (Count, FieldType::Int),
        (Sum(amount), FieldType::Money),
        (Mean(amount), FieldType::Float),
        (Min(amount), FieldType::Money),
        (Max(amount), FieldType::Money),
        (Stddev(amount), FieldType::Float),
        (Distinct(DistinctOf::Entity(EntityKind::Card)), FieldType::Int),
        (Distinct(DistinctOf::Entity(EntityKind::Merchant)), FieldType::Int),
        (Distinct(DistinctOf::Field(mcc)), FieldType::Int),
        (First(amount), FieldType::Money),
        (Last(amount), FieldType::Money),
        (SinceLast, FieldType::Int),
        (Rate(state(StateBit::LabelFraud, true)), FieldType::Float),
        (Rate(state(StateBit::InvalidCard, true)), FieldType::Float),
    ];
    let large = where_clause("amount_base >= money('5000000.00 CNY') && outcome.known");
    let not_large = where_clause("!(amount_base >= money('5000000.00 CNY')) || label.fraud");
    let filters = [
        None,
        Some(large),
        Some(not_large),
        Some(state(StateBit::OutcomeApproved, true)),
        Some(Where::Or(vec![
            state(StateBit::OutcomeReversed, false),
            Where::And(vec![
                state(StateBit::LabelKnown, true),
                state(StateBit::OutcomeRefused, false),
            ]),
        ])),
    ];
    let windows = [
        (Over::Rolling(10 * MINUTE), 0, false),
        (Over::Rolling(10 * MINUTE), 0, true),
        (Over::Rolling(DAY), 0, false),
        (Over::Rolling(2 * DAY), 3 * DAY, false),
        (Over::CalendarDay, 0, false),
        (Over::CalendarMonth, 0, true),
    ];
    let places = [
        (EntityKind::Card, None),
        (EntityKind::Merchant, None),
        (EntityKind::Payee, Some(EntityKind::Account)),
    ];
    let mut all = Vec::new();
    for (f, (function, field_type)) in functions.iter().enumerate() {
        for (w, (over, delay_ms, excluding_current)) in windows.iter().enumerate() {
            // Each function meets each window; filters and places take turns.
            let (by, at) = places[(f + w) % 3];
            let name = format!("f{f}_w{w}");
            let spec = AggregateSpec {
                name,
                function: function.clone(),
                by,
                at,
                over: *over,
                delay_ms: *delay_ms,
                filter: filters[(f / 3 + w) % 5].clone(),
                excluding_current: *excluding_current,
                default: (f == 2).then_some(-1.0),
            };
            all.push((spec, *field_type));
        }
    }
    all
}

pub(super) fn where_clause(text: &str) -> Where {
    let place = Place { file: "oracle".into(), line: 1, column: 1 };
    let scope = Scope {
        schema: &Schema::of_facts(),
        constants: &std::collections::BTreeMap::new(),
        zone: &Zone::parse("Asia/Shanghai").unwrap(),
        base_currency: crate::domain::Currency::CNY,
        base_decimals: 2,
    };
    crate::lang::compile_where(text, &place, &scope).unwrap()
}

fn passes(filter: &Where, event: &Event) -> bool {
    match filter {
        Where::And(parts) => parts.iter().all(|part| passes(part, event)),
        Where::Or(parts) => parts.iter().any(|part| passes(part, event)),
        // The only condition over events that the streams use. Without an amount it is neither.
        Where::Event { program, wanted } => event.amount.is_some_and(|amount| {
            let negated = matches!(program.node().kind, NodeKind::Not(_));
            ((amount >= 500_000_000) != negated) == *wanted
        }),
        Where::State { bit, wanted } => {
            let result = event.outcome.map(|(result, _)| result);
            let refusal = event.outcome.and_then(|(_, refusal)| refusal);
            let holds = match bit {
                StateBit::OutcomeKnown => result.is_some(),
                StateBit::OutcomeApproved => result == Some(OutcomeResult::Approved),
                StateBit::OutcomeRefused => result == Some(OutcomeResult::Refused),
                StateBit::OutcomeNotSent => result == Some(OutcomeResult::NotSent),
                StateBit::OutcomeReversed => result == Some(OutcomeResult::Reversed),
                StateBit::InvalidCard => refusal == Some(Refusal::InvalidCard),
                StateBit::InvalidCredential => refusal == Some(Refusal::InvalidCredential),
                StateBit::Funds => refusal == Some(Refusal::Funds),
                StateBit::LostOrStolen => refusal == Some(Refusal::LostOrStolen),
                StateBit::LabelKnown => event.label.is_some(),
                StateBit::LabelFraud => event.label == Some(Truth::Fraud),
                StateBit::LabelLegitimate => event.label == Some(Truth::Legitimate),
            };
            holds == *wanted
        }
    }
}

/// The value of one aggregate for the newest event of the list, straight from the definition.
fn truth(spec: &AggregateSpec, events: &[Event], zone: &Zone) -> Option<f64> {
    truth_around(spec, events, zone, (0, 0))
}

/// The same of a window that begins earlier and ends later by so many milliseconds.
fn truth_around(
    spec: &AggregateSpec,
    events: &[Event],
    zone: &Zone,
    (earlier, later): (i64, i64),
) -> Option<f64> {
    let current = events.last().unwrap();
    let key = current.tokens[spec.at.unwrap_or(spec.by).index()]?;
    let now = EventTime::from_ms(current.time - spec.delay_ms).unwrap();
    let start = match spec.over {
        Over::Rolling(width) => now.as_ms() - width,
        Over::CalendarDay => zone.day_start_ms(now) - 1,
        Over::CalendarMonth => zone.month_start_ms(now) - 1,
    };
    let excludes = spec.excluding_current || matches!(spec.function, Function::SinceLast);
    let mut inside: Vec<&Event> = events
        .iter()
        .enumerate()
        .filter(|(at, _)| !(excludes && *at == events.len() - 1))
        .map(|(_, event)| event)
        .filter(|event| event.tokens[spec.by.index()] == Some(key))
        .filter(|event| event.time > start - earlier && event.time <= now.as_ms() + later)
        .filter(|event| spec.filter.as_ref().is_none_or(|filter| passes(filter, event)))
        .collect();
    inside.sort_by_key(|event| event.time); // stable: ties keep the order of arrival
    let amounts: Vec<i64> = inside.iter().filter_map(|event| event.amount).collect();
    let n = amounts.len() as f64;
    let missing = spec.default;
    match &spec.function {
        Function::Count => Some(inside.len() as f64),
        Function::Sum(_) => Some(amounts.iter().sum::<i64>() as f64),
        Function::Mean(_) if amounts.is_empty() => missing,
        Function::Mean(_) => Some(amounts.iter().sum::<i64>() as f64 / n),
        Function::Min(_) => amounts.iter().min().map(|v| *v as f64).or(missing),
        Function::Max(_) => amounts.iter().max().map(|v| *v as f64).or(missing),
        Function::Stddev(_) if amounts.is_empty() => missing,
        Function::Stddev(_) => {
            let mean = amounts.iter().sum::<i64>() as f64 / n;
            let spread = amounts.iter().map(|v| (*v as f64 - mean).powi(2)).sum::<f64>();
            Some((spread / n).sqrt())
        }
        Function::Distinct(of) => {
            let values: std::collections::BTreeSet<u8> = inside
                .iter()
                .filter_map(|event| match of {
                    DistinctOf::Entity(kind) => event.tokens[kind.index()],
                    DistinctOf::Field(_) => event.mcc,
                })
                .collect();
            Some(values.len() as f64)
        }
        Function::First(_) => amounts.first().map(|v| *v as f64).or(missing),
        Function::Last(_) => amounts.last().map(|v| *v as f64).or(missing),
        Function::SinceLast => inside.last().map(|event| (current.time - event.time) as f64),
        Function::Rate(_) if inside.is_empty() => Some(0.0),
        Function::Rate(filter) => {
            let hits = inside.iter().filter(|event| passes(filter, event)).count();
            Some(hits as f64 / inside.len() as f64)
        }
    }
}

/// The same token for an account and a payee of one number.
pub(super) fn token(kind: EntityKind, n: u8) -> Token {
    let space = if kind == EntityKind::Payee { EntityKind::Account } else { kind };
    let mut bytes = [n; 16];
    bytes[0] = space as u8;
    Token::from_bytes(bytes)
}

pub(super) struct Bench {
    schema: Schema,
    declared: Vec<Declared>,
    pub(super) plan: FeaturePlan,
    zone: Zone,
}

impl Bench {
    pub(super) fn new(exact: u32, aggregates: Vec<(AggregateSpec, FieldType)>) -> Self {
        let mut schema = Schema::of_facts();
        let builtins = BuiltinColumns::declare(&mut schema).unwrap();
        let declared: Vec<_> = aggregates
            .into_iter()
            .map(|(spec, field_type)| {
                let id = schema.add(&spec.name, field_type, "").unwrap();
                Declared { spec, id }
            })
            .collect();
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        let mut options = PlanOptions::new(zone.clone());
        options.exact_events = [exact; EntityKind::COUNT];
        let list: Vec<_> = declared.iter().map(|d| (d.spec.clone(), d.id)).collect();
        let plan = FeaturePlan::compile(&list, &schema, builtins, &options).unwrap();
        Self { schema, declared, plan, zone }
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    pub(super) fn specs(&self) -> impl Iterator<Item = &AggregateSpec> {
        self.declared.iter().map(|declared| &declared.spec)
    }

    pub(super) fn declared(&self) -> impl Iterator<Item = (&AggregateSpec, FieldId)> {
        self.declared.iter().map(|declared| (&declared.spec, declared.id))
    }

    pub(super) fn value(&self, row: &FeatureVector, id: FieldId) -> Option<f64> {
        row.has(id).then(|| match self.schema.field(id).unwrap().field_type {
            FieldType::Float => row.float(id),
            _ => row.int(id) as f64,
        })
    }
}

/// A stream on its way through a state, and what the oracle remembers of it.
pub(super) struct Walk {
    clock: i64,
    input: Input,
    events: Vec<Event>,
    footprints: Vec<Footprint>,
}

impl Default for Walk {
    fn default() -> Self {
        Self { clock: START, input: Input::new(), events: Vec::new(), footprints: Vec::new() }
    }
}

impl Walk {
    pub(super) const fn clock(&self) -> i64 {
        self.clock
    }

    /// When the youngest event happened.
    pub(super) fn latest(&self) -> Option<i64> {
        self.events.iter().map(|event| event.time).max()
    }

    /// When the newest event happened, and the first that was counted.
    pub(super) fn now(&self) -> (i64, i64) {
        (self.events[self.events.len() - 1].time, self.events[0].time)
    }

    /// The true value of a window for the newest event, begun earlier and ended later.
    pub(super) fn truth(
        &self,
        bench: &Bench,
        spec: &AggregateSpec,
        around: (i64, i64),
    ) -> Option<f64> {
        truth_around(spec, &self.events, &bench.zone, around)
    }

    /// Takes a step; the row, when an event was counted.
    pub(super) fn step(
        &mut self,
        bench: &Bench,
        state: &mut FeatureState,
        step: &Step,
    ) -> Option<FeatureVector> {
        match step {
            Step::Event { ahead, late, tokens, amount, mcc } => {
                self.clock += ahead;
                let mut event = Event {
                    time: self.clock - late,
                    tokens: [None; EntityKind::COUNT],
                    amount: *amount,
                    mcc: *mcc,
                    outcome: None,
                    label: None,
                };
                let input = &mut self.input;
                input.clear();
                for (kind, n) in KINDS.into_iter().zip(tokens) {
                    if let Some(n) = n {
                        event.tokens[kind.index()] = Some(*n);
                        input.tokens.set(kind, token(kind, *n));
                    }
                }
                input.received_at = EventTime::from_ms(self.clock).unwrap();
                input.occurred_at = EventTime::from_ms(event.time).unwrap();
                // History counts when it occurred; what asks for a decision, when it arrives late, then.
                if self.events.len().is_multiple_of(2) {
                    input.what = What::Observe;
                }
                let counts_on_arrival = self.events.len().is_multiple_of(3);
                input.note_arrival(ArrivalRule { counts_on_arrival, ..ArrivalRule::default() });
                event.time = input.counted_at().as_ms();
                if let Some(amount) = amount {
                    input.facts.set_int(Fact::AmountBase, *amount);
                }
                if let Some(mcc) = mcc {
                    input.facts.set_text(Fact::MerchantMcc, &mcc.to_string());
                }
                self.events.push(event);
                let mut row = FeatureVector::new(bench.schema.columns());
                row.start(&input.facts);
                let mut footprint = Footprint::default();
                let seq = Seq(self.events.len() as u64);
                state.observe(&bench.plan, input, seq, &mut row, &mut footprint);
                self.footprints.push(footprint);
                Some(row)
            }
            Step::Amend { back, what } => {
                let at = self.events.len().checked_sub(1 + back)?;
                let event = &mut self.events[at];
                match what {
                    Amendment::Outcome { result, refusal } => {
                        event.outcome = Some((*result, *refusal));
                    }
                    Amendment::Label { truth, .. } => event.label = Some(*truth),
                }
                let time = EventTime::from_ms(event.time).unwrap();
                let footprint = &mut self.footprints[at];
                state.renew(footprint);
                state.amend(&bench.plan, footprint, time, Seq(at as u64 + 1), *what);
                footprint.note(*what, Standing::UNKNOWN);
                None
            }
        }
    }

    /// Holds one value against the oracle's.
    pub(super) fn compare_one(
        &self,
        bench: &Bench,
        row: &FeatureVector,
        (spec, id): (&AggregateSpec, FieldId),
    ) -> Result<(), TestCaseError> {
        let found = bench.value(row, id);
        let wanted = truth(spec, &self.events, &bench.zone);
        let agree = match (found, wanted) {
            (Some(a), Some(b)) if matches!(spec.function, Function::Stddev(_)) => {
                // The oracle sums floats; ours are exact integers, so it is the one that is off.
                (a - b).abs() <= 1e-6 * b.abs().max(1.0)
            }
            (a, b) => a == b,
        };
        prop_assert!(agree, "{}: {found:?}, the truth is {wanted:?}: {spec:?}", spec.name);
        prop_assert!(!row.is_approximate(id), "{} is marked approximate", spec.name);
        Ok(())
    }
}

/// Runs a stream through the state and compares every value of every event with the oracle's.
fn check(bench: &Bench, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut state = FeatureState::new(&StateLimits {
        keys: [1_000; EntityKind::COUNT],
        devices: 16,
        lateness_ms: 7 * DAY,
    });
    let mut walk = Walk::default();
    for step in steps {
        let Some(row) = walk.step(bench, &mut state, step) else { continue };
        for declared in bench.declared() {
            walk.compare_one(bench, &row, declared)?;
        }
    }
    Ok(())
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ahead = prop_oneof![
        4 => Just(0_i64),
        4 => 1..90_000_i64,
        // Exactly on the edges of windows, where a fraudster who knows the rule would sit.
        4 => prop_oneof![Just(5 * MINUTE), Just(10 * MINUTE), Just(DAY), Just(3 * DAY)],
        1 => (DAY / 3)..(2 * DAY),
    ];
    let late = prop_oneof![
        8 => Just(0_i64),
        1 => 1..MINUTE,
        1 => MINUTE..(7 * DAY),
        1 => Just(10 * MINUTE)
    ];
    let some = |n: u8| proptest::option::weighted(0.8, 0..n);
    let event = (
        ahead,
        late,
        [some(3), some(2), some(2), some(2)],
        proptest::option::weighted(0.8, 0..1_000_000_000_i64),
        some(4),
    )
        .prop_map(|(ahead, late, tokens, amount, mcc)| Step::Event {
            ahead,
            late,
            tokens,
            amount,
            mcc,
        });
    let what = prop_oneof![
        Just(Amendment::Outcome { result: OutcomeResult::Approved, refusal: None }),
        Just(Amendment::Outcome { result: OutcomeResult::Reversed, refusal: None }),
        Just(Amendment::Outcome {
            result: OutcomeResult::Refused,
            refusal: Some(Refusal::InvalidCard)
        }),
        Just(Amendment::Label { truth: Truth::Fraud, source: None }),
        Just(Amendment::Label { truth: Truth::Legitimate, source: None }),
    ];
    let amend = (0..12_usize, what).prop_map(|(back, what)| Step::Amend { back, what });
    proptest::collection::vec(prop_oneof![3 => event, 2 => amend], 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    /// Exact means exact: late events, ties, outcomes and labels in any order, every function,
    /// every kind of window, and not one value off.
    #[test]
    fn every_value_is_the_brute_force_value(steps in steps()) {
        check(&Bench::new(4_096, every_aggregate()), &steps)?;
    }
}

/// Rings double while a key stays busy, and late events land among hundreds.
#[test]
fn long_streams_stay_exact() {
    let bench = Bench::new(4_096, every_aggregate());
    let steps: Vec<Step> = (0..900_i64)
        .map(|n| Step::Event {
            ahead: if n % 7 == 0 { 0 } else { n * 37 % 5_000 },
            late: if n % 11 == 0 { n * 1_000 } else { 0 },
            tokens: [Some((n % 3) as u8), Some(0), Some((n % 2) as u8), Some(0)],
            amount: Some(n * n % 100_000),
            mcc: Some((n % 9) as u8),
        })
        .collect();
    check(&bench, &steps).unwrap();
}

/// A key under attack: short windows stay exact, long ones become approximate, are marked, and are
/// the truth where no pane is cut; an outcome of an event that has left the ring still reaches its pane.
#[test]
fn an_overflowing_key_is_marked_and_near() {
    let amount = FieldId::of_fact(Fact::AmountBase);
    let approved = Where::State { bit: StateBit::OutcomeApproved, wanted: true };
    let spec = |name: &str, function, over, filter| AggregateSpec {
        name: name.to_owned(),
        function,
        by: EntityKind::Merchant,
        at: None,
        over: Over::Rolling(over),
        delay_ms: 0,
        filter,
        excluding_current: false,
        default: None,
    };
    let cards = Function::Distinct(DistinctOf::Entity(EntityKind::Card));
    let bench = Bench::new(
        64,
        vec![
            (spec("count_10m", Function::Count, 10 * MINUTE, None), FieldType::Int),
            (spec("count_1d", Function::Count, DAY, None), FieldType::Int),
            (spec("sum_1d", Function::Sum(amount), DAY, None), FieldType::Money),
            (spec("mean_1d", Function::Mean(amount), DAY, None), FieldType::Float),
            (spec("cards_1d", cards, DAY, None), FieldType::Int),
            (spec("approved_1d", Function::Count, DAY, Some(approved)), FieldType::Int),
        ],
    );
    let mut state = FeatureState::new(&StateLimits::default());
    let mut row = FeatureVector::new(bench.schema.columns());
    let (mut input, mut footprint) = (Input::new(), Footprint::default());
    let mut first = Footprint::default();
    for n in 0..3_000_i64 {
        input.clear();
        input.received_at = EventTime::from_ms(START + n * 20_000).unwrap();
        input.occurred_at = input.received_at;
        input.tokens.set(EntityKind::Merchant, token(EntityKind::Merchant, 1));
        input.tokens.set(EntityKind::Card, token(EntityKind::Card, (n % 200) as u8));
        input.facts.set_int(Fact::AmountBase, 100);
        row.start(&input.facts);
        state.observe(&bench.plan, &input, Seq(n as u64 + 1), &mut row, &mut footprint);
        if n == 0 {
            first.clone_from(&footprint);
        }
        if n == 2_000 {
            // The first event has left the ring long before its outcome comes.
            let at = EventTime::from_ms(START).unwrap();
            let what = Amendment::Outcome { result: OutcomeResult::Approved, refusal: None };
            state.amend(&bench.plan, &first, at, Seq(1), what);
        }
    }
    let check = |name: &str, wanted: f64, within: f64, approximate: bool| {
        let id = bench.schema.get(name).unwrap().id;
        let found = bench.value(&row, id).unwrap();
        assert!((found / wanted - 1.0).abs() <= within, "{name}: {found} is not near {wanted}");
        assert_eq!(row.is_approximate(id), approximate, "{name}");
    };
    // 3,000 events, 20 s apart: ten minutes hold 30, a day all of them.
    check("count_10m", 30.0, 0.0, false);
    check("count_1d", 3_000.0, 0.0, true);
    check("sum_1d", 300_000.0, 0.0, true);
    check("mean_1d", 100.0, 0.0, true);
    check("cards_1d", 200.0, 0.0, true);
    check("approved_1d", 1.0, 0.0, true);
}
