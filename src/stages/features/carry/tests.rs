//! Windows over changes of plans, against the brute force of [`oracle`](super::super::oracle).

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::domain::{EntityKind, EventTime, Fact, FeatureVector, FieldId, FieldType, Input, Seq};
use crate::stages::features::keys::RowId;
use crate::stages::features::oracle::{
    Bench, DAY, MINUTE, START, Step, Walk, every_aggregate, steps, where_clause,
};
use crate::stages::features::plan::FeaturePlan;
use crate::stages::features::ring::RingView;
use crate::stages::features::{
    AggregateSpec, DistinctOf, FeatureState, Footprint, Function, Over, StateLimits,
};

/// What an aggregate reads, in words of its own: two plans that both have a word keep it.
fn needs(spec: &AggregateSpec) -> BTreeSet<String> {
    let mut needs = BTreeSet::new();
    let mut number = |field: &FieldId, name: &str, has: bool| {
        needs.insert(format!("{name} {field:?}"));
        if has {
            needs.insert(format!("has {field:?}"));
        }
    };
    match &spec.function {
        Function::Count | Function::SinceLast | Function::Rate(_) => {}
        // Whether there is a number is kept with every number.
        Function::Sum(field) => number(field, "number", false),
        Function::Mean(field)
        | Function::Min(field)
        | Function::Max(field)
        | Function::Stddev(field)
        | Function::First(field)
        | Function::Last(field) => number(field, "number", true),
        Function::Distinct(DistinctOf::Field(field)) => number(field, "value", false),
        Function::Distinct(DistinctOf::Entity(kind)) => {
            needs.insert(format!("entity {kind:?}"));
        }
    }
    let mut clauses: Vec<&crate::lang::Where> = spec.filter.iter().collect();
    if let Function::Rate(clause) = &spec.function {
        clauses.push(clause);
    }
    while let Some(clause) = clauses.pop() {
        use crate::lang::Where;
        match clause {
            Where::And(parts) | Where::Or(parts) => clauses.extend(parts),
            Where::Event { program, wanted } => {
                needs.insert(format!("leaf {} {wanted}", program.canonical()));
            }
            Where::State { .. } => {}
        }
    }
    needs
}

/// One plan of a course, and from when on it was in force.
struct Phase {
    bench: Bench,
    /// The youngest event counted before it, and the arrival of the change.
    counted_until: i64,
    received_at: i64,
}

impl Phase {
    fn kept(&self, by: EntityKind) -> (BTreeSet<String>, Option<i64>) {
        let specs = self.bench.specs().filter(|spec| spec.by == by);
        let (mut all, mut reach) = (BTreeSet::new(), None);
        for spec in specs {
            let needed = needs(spec);
            let has = |need: &String| need.replacen("number", "has", 1);
            all.extend(needed.iter().filter(|need| need.starts_with("number")).map(has));
            all.extend(needed);
            reach = reach.max(Some(reach_ms(spec)));
        }
        (all, reach)
    }
}

fn reach_ms(spec: &AggregateSpec) -> i64 {
    spec.delay_ms
        + match spec.over {
            Over::Rolling(ms) => ms,
            Over::CalendarDay => 25 * 3_600_000,
            Over::CalendarMonth => 31 * DAY + 3_600_000,
        }
}

/// Since when everything that an aggregate needs has been kept, by the list of plans.
fn whole_since(spec: &AggregateSpec, phases: &[Phase], lateness: i64) -> i64 {
    let mut since = i64::MIN;
    for pair in phases.windows(2) {
        let [before, after] = pair else { continue };
        let (kept, reach) = before.kept(spec.by);
        let lost = match reach {
            Some(reach) if needs(spec).is_subset(&kept) => after.received_at - lateness - reach,
            _ => after.counted_until,
        };
        since = since.max(lost);
    }
    since
}

fn check(
    plans: &[Vec<usize>],
    changes: &[usize],
    steps: &[Step],
    lateness: i64,
) -> Result<(), TestCaseError> {
    let all = every_aggregate();
    let bench = |wanted: &[usize]| {
        let some = wanted.iter().map(|at| all[at % all.len()].clone());
        let mut named = BTreeSet::new();
        Bench::new(64, some.filter(|(spec, _)| named.insert(spec.name.clone())).collect())
    };
    let mut state = FeatureState::new(&StateLimits {
        keys: [1_000; EntityKind::COUNT],
        devices: 16,
        lateness_ms: lateness,
    });
    let first = Phase { bench: bench(&plans[0]), counted_until: i64::MIN, received_at: START };
    let mut phases = vec![first];
    let mut walk = Walk::default();
    for (at, step) in steps.iter().enumerate() {
        if let Some(change) = changes.iter().position(|change| *change == at)
            && let Some(wanted) = plans.get(change + 1)
        {
            let next = bench(wanted);
            let old = &phases[phases.len() - 1].bench.plan;
            if state.check_carry(old, &next.plan).is_ok() {
                let received_at = EventTime::from_ms(walk.clock()).unwrap();
                state.carry(old, &next.plan, received_at);
                let counted_until = walk.latest().unwrap_or(i64::MIN);
                let received_at = walk.clock();
                phases.push(Phase { bench: next, counted_until, received_at });
            }
        }
        let bench = &phases[phases.len() - 1].bench;
        let Some(row) = walk.step(bench, &mut state, step) else { continue };
        compare(&walk, &state, &phases, (&row, lateness))?;
    }
    Ok(())
}

/// Each value is the true one or warming, and it is warming exactly when something was not kept.
fn compare(
    walk: &Walk,
    state: &FeatureState,
    phases: &[Phase],
    (row, lateness): (&FeatureVector, i64),
) -> Result<(), TestCaseError> {
    let bench = &phases[phases.len() - 1].bench;
    let (now, started) = walk.now();
    let mut words = Vec::new();
    state.warming(&bench.plan, EventTime::from_ms(now).unwrap(), &mut words);
    for (spec, id) in bench.declared() {
        let is_warming = words[id.index() / 64] >> (id.index() % 64) & 1 == 1;
        let since = whole_since(spec, phases, lateness);
        let wanted = now - reach_ms(spec) < since.max(started);
        prop_assert_eq!(is_warming, wanted, "{}: {:?} since {}", &spec.name, spec, since);
        if now - reach_ms(spec) >= since {
            walk.compare_one(bench, row, (spec, id))?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A bundle with other windows in the middle of a stream: what both keep is exact at once, what
    /// only the new one keeps is warming until its window has passed, and nothing else is.
    #[test]
    fn every_value_is_exact_or_warming(
        plans in proptest::collection::vec(proptest::collection::vec(0..84_usize, 1..30), 2..6),
        changes in proptest::collection::vec(0..100_usize, 5),
        steps in steps(),
        lateness in prop_oneof![Just(7 * DAY)],
    ) {
        let mut changes = changes;
        changes.sort_unstable();
        check(&plans, &changes, &steps, lateness)?;
    }
}

fn spec(name: &str, function: Function, over_ms: i64) -> (AggregateSpec, FieldType) {
    let spec = AggregateSpec {
        name: name.to_owned(),
        function,
        by: EntityKind::Merchant,
        at: None,
        over: Over::Rolling(over_ms),
        delay_ms: 0,
        filter: None,
        excluding_current: false,
        default: None,
    };
    (spec, FieldType::Int)
}

/// A merchant under attack, and beside it one of whom little is known.
struct Attack {
    state: FeatureState,
    input: Input,
    footprint: Footprint,
    n: u64,
}

impl Attack {
    fn new() -> Self {
        let state = FeatureState::new(&StateLimits::default());
        Self { state, input: Input::new(), footprint: Footprint::default(), n: 0 }
    }

    fn payments(&mut self, bench: &Bench, count: u64, merchant: u8) -> FeatureVector {
        let mut row = FeatureVector::new(bench.schema().columns());
        for _ in 0..count {
            self.n += 1;
            self.input.clear();
            self.input.received_at = EventTime::from_ms(START + self.n as i64 * 20_000).unwrap();
            self.input.occurred_at = self.input.received_at;
            for (kind, key) in
                [(EntityKind::Merchant, merchant), (EntityKind::Card, (self.n % 50) as u8)]
            {
                self.input.tokens.set(kind, crate::stages::features::oracle::token(kind, key));
            }
            self.input.facts.set_int(Fact::AmountBase, (self.n % 7 * 30) as i64);
            let codes = ["5411", "5812", "7995"];
            self.input.facts.set_text(Fact::MerchantMcc, codes[self.n as usize % codes.len()]);
            row.start(&self.input.facts);
            let seq = Seq(self.n);
            self.state.observe(&bench.plan, &self.input, seq, &mut row, &mut self.footprint);
        }
        row
    }

    fn change(&mut self, old: &FeaturePlan, new: &FeaturePlan) {
        self.state.check_carry(old, new).unwrap();
        self.state.carry(old, new, self.input.received_at);
    }

    fn is_warming(&self, bench: &Bench, name: &str) -> bool {
        let id = bench.schema().get(name).unwrap().id;
        let mut words = Vec::new();
        self.state.warming(&bench.plan, self.input.occurred_at, &mut words);
        words[id.index() / 64] >> (id.index() % 64) & 1 == 1
    }
}

/// Panes of a key whose ring overflowed long ago: totals that both plans keep go on as if nothing
/// had happened, a total that nobody kept is warming for that key and for no other.
#[test]
fn panes_are_carried_over() {
    let amount = FieldId::of_fact(Fact::AmountBase);
    let cards = Function::Distinct(DistinctOf::Entity(EntityKind::Card));
    let before = vec![
        spec("count_1d", Function::Count, DAY),
        spec("sum_1d", Function::Sum(amount), DAY),
        spec("cards_10m", cards.clone(), 10 * MINUTE),
    ];
    let mut after = vec![spec("max_1d", Function::Max(amount), DAY), spec("cards_1d", cards, DAY)];
    after.extend(before.iter().take(2).rev().cloned());
    let (old, new) = (Bench::new(64, before.clone()), Bench::new(64, after));
    let mut same = Attack::new();
    let mut other = Attack::new();
    for attack in [&mut same, &mut other] {
        attack.payments(&old, 10_000, 1);
        attack.payments(&old, 10, 2);
    }
    other.change(&old.plan, &new.plan);
    for merchant in [1, 2] {
        let wanted = same.payments(&old, 200, merchant);
        let found = other.payments(&new, 200, merchant);
        for name in ["count_1d", "sum_1d"] {
            let value =
                |bench: &Bench, row: &FeatureVector| row.int(bench.schema().get(name).unwrap().id);
            assert_eq!(value(&new, &found), value(&old, &wanted), "{name} of {merchant}");
            assert!(!other.is_warming(&new, name), "{name} of {merchant}");
        }
        for name in ["max_1d", "cards_1d"] {
            assert_eq!(other.is_warming(&new, name), merchant == 1, "{name} of {merchant}");
        }
    }
    // And back again, before every row was touched: the first layout's rows are as they were.
    other.change(&new.plan, &old.plan);
    same.payments(&old, 1, 1);
    other.payments(&old, 1, 1);
    // The card's column was kept for another window all the time.
    assert!(!other.is_warming(&old, "count_1d") && !other.is_warming(&old, "cards_10m"));
    // A day later everything is whole again.
    other.change(&old.plan, &new.plan);
    other.payments(&new, 4_400, 1);
    assert!(!other.is_warming(&new, "cards_1d") && !other.is_warming(&new, "max_1d"));
}

/// A snapshot of before numbers had bits of their own: the sum that it kept goes on, a mean that a later
/// bundle adds to it is warming until its window begins after that snapshot.
#[test]
fn a_mean_of_unknown_presence_is_warming() {
    let amount = FieldId::of_fact(Fact::AmountBase);
    let sum = spec("sum_1d", Function::Sum(amount), DAY);
    let mut mean = spec("mean_1h", Function::Mean(amount), 60 * MINUTE);
    mean.1 = FieldType::Float;
    let (old, new) = (Bench::new(4_096, vec![sum.clone()]), Bench::new(4_096, vec![sum, mean]));
    for is_known in [true, false] {
        let mut attack = Attack::new();
        // Two hours.
        attack.payments(&old, 360, 1);
        if !is_known {
            let ms = attack.input.received_at.as_ms();
            attack.state.has_presence_from(&old.plan, ms);
            attack.payments(&old, 1, 1);
        }
        attack.change(&old.plan, &new.plan);
        attack.payments(&new, 10, 1);
        assert_eq!(attack.is_warming(&new, "mean_1h"), !is_known, "{is_known}");
        attack.payments(&new, 180, 1);
        assert!(!attack.is_warming(&new, "mean_1h"), "an hour later");
    }
}

/// An event waits for its own rows, and not for another one's full ring beside them.
#[test]
fn an_event_that_moves_much_moves_nothing_else() {
    let cards = Function::Distinct(DistinctOf::Entity(EntityKind::Card));
    let count = spec("count_1d", Function::Count, DAY);
    let old = Bench::new(512, vec![count.clone()]);
    let new = Bench::new(512, vec![count, spec("cards_1d", cards, DAY)]);
    let mut attack = Attack::new();
    for merchant in [1, 2] {
        attack.payments(&old, 600, merchant);
    }
    attack.change(&old.plan, &new.plan);
    let merchants = EntityKind::Merchant.index();
    let waits = |attack: &Attack| {
        let table = &attack.state.tables[merchants];
        table.row(RowId(0)).era() != table.era
    };
    attack.payments(&new, 1, 2);
    assert!(waits(&attack), "the other ring was moved with the event's own");
    attack.payments(&new, 1, 2);
    assert!(!waits(&attack), "it is moved when there is time");
}

/// Marks and totals that only the new plan makes are those of counting one event after the other,
/// and marks that both make are those that there were, wherever their bits are now.
#[test]
fn a_converted_ring_is_one_that_was_always_so() {
    let entity = |kind| Function::Distinct(DistinctOf::Entity(kind));
    let mcc = FieldId::of_fact(Fact::MerchantMcc);
    let amount = FieldId::of_fact(Fact::AmountBase);
    let large = |mut one: (AggregateSpec, FieldType)| {
        one.0.filter = Some(where_clause("amount_base >= money('1.00 CNY')"));
        one
    };
    // A delayed count keeps its column and makes no mark.
    let mut delayed = spec("cards_before_1d", entity(EntityKind::Card), DAY);
    delayed.0.delay_ms = 60 * MINUTE;
    let codes = Function::Distinct(DistinctOf::Field(mcc));
    let before = vec![
        spec("merchants_1d", entity(EntityKind::Merchant), DAY),
        spec("codes_1d", codes.clone(), DAY),
        large(spec("sum_1d", Function::Sum(amount), DAY)),
        delayed,
    ];
    let mut after: Vec<_> = before.iter().skip(1).rev().cloned().collect();
    after.insert(0, spec("cards_1d", entity(EntityKind::Card), DAY));
    // First, so that the mark over codes has another bit than before.
    after.insert(0, large(spec("large_codes_1d", codes, DAY)));
    let same = Bench::new(512, after.clone());
    let (old, new) = (Bench::new(512, before), Bench::new(512, after));
    let mut other = Attack::new();
    let mut whole = Attack::new();
    other.payments(&old, 400, 1);
    whole.payments(&same, 400, 1);
    other.change(&old.plan, &new.plan);
    other.payments(&new, 1, 1);
    whole.payments(&same, 1, 1);
    let flags = |attack: &Attack, bench: &Bench| -> Vec<u32> {
        let row = *attack.state.tables[EntityKind::Merchant.index()].row(RowId(0));
        let layout = bench.plan.kinds[EntityKind::Merchant.index()].layout;
        let ring = RingView::of(&attack.state.arena, &row, layout);
        (0..ring.len()).map(|at| ring.flags(at)).collect()
    };
    assert_eq!(flags(&other, &new), flags(&whole, &same));
}
