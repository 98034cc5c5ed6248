//! Keys with more events than a ring holds, against the brute force of [`oracle`](super::oracle).

use proptest::prelude::*;

use super::oracle::{Bench, DAY, MINUTE, Step, Walk};
use super::*;
use crate::domain::{
    Amendment, EntityKind, Fact, FeatureVector, FieldId, FieldType, OutcomeResult, Refusal, Truth,
};
use crate::lang::{StateBit, Where};

/// Every function over windows of one card: short, long, delayed, of a day, with and without the
/// event at hand; filters that outcomes change and that they do not.
fn aggregates() -> Vec<(AggregateSpec, FieldType)> {
    use Function::*;
    let amount = FieldId::of_fact(Fact::AmountBase);
    let state = |bit, wanted| Where::State { bit, wanted };
    let functions = [
        (Count, FieldType::Int),
        (Sum(amount), FieldType::Money),
        (Mean(amount), FieldType::Float),
        (Stddev(amount), FieldType::Float),
        (Min(amount), FieldType::Money),
        (Max(amount), FieldType::Money),
        (Last(amount), FieldType::Money),
        (SinceLast, FieldType::Int),
        (Rate(state(StateBit::OutcomeRefused, true)), FieldType::Float),
        (Distinct(DistinctOf::Entity(EntityKind::Merchant)), FieldType::Int),
        (Distinct(DistinctOf::Field(FieldId::of_fact(Fact::MerchantMcc))), FieldType::Int),
    ];
    let windows = [
        (Over::Rolling(20 * MINUTE), 0, false),
        (Over::Rolling(20 * MINUTE), 0, true),
        (Over::Rolling(40 * MINUTE), 0, false),
        (Over::Rolling(4 * MINUTE), 12 * MINUTE, false),
        (Over::CalendarDay, 0, false),
    ];
    let filters = [
        None,
        Some(state(StateBit::OutcomeRefused, true)),
        Some(state(StateBit::LabelFraud, false)),
    ];
    let mut all = Vec::new();
    for (f, (function, field_type)) in functions.into_iter().enumerate() {
        for (w, (over, delay_ms, excluding_current)) in windows.into_iter().enumerate() {
            let spec = AggregateSpec {
                name: format!("f{f}_w{w}"),
                function: function.clone(),
                by: EntityKind::Card,
                at: None,
                over,
                delay_ms,
                filter: filters[(f + w) % 3].clone(),
                excluding_current,
                default: None,
            };
            all.push((spec, field_type));
        }
    }
    all
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let late = prop_oneof![12 => Just(0_i64), 1 => 1..(3 * MINUTE)];
    let event = (0..10_000_i64, late, any::<u8>(), 1..1_000_000_i64, any::<u8>()).prop_map(
        |(ahead, late, merchant, amount, mcc)| Step::Event {
            ahead,
            late,
            tokens: [Some(0), None, None, Some(merchant % 120)],
            amount: Some(amount),
            mcc: Some(mcc % 90),
        },
    );
    let outcome = |result, refusal| Just(Amendment::Outcome { result, refusal });
    let what = prop_oneof![
        outcome(OutcomeResult::Approved, None),
        outcome(OutcomeResult::Refused, Some(Refusal::InvalidCard)),
        Just(Amendment::Label { truth: Truth::Fraud, source: None }),
    ];
    let amend = (0..300_usize, what).prop_map(|(back, what)| Step::Amend { back, what });
    proptest::collection::vec(prop_oneof![5 => event, 3 => amend], 500..1_200)
}

/// How much earlier and later a window may seem to begin and end: a pane of its width, and five of
/// them where a delayed window tells values apart.
fn pane_ms(spec: &AggregateSpec) -> i64 {
    let pane = match spec.over {
        Over::Rolling(ms) => (ms + 59) / 60,
        // Its beginning is that of a pane.
        _ => 0,
    };
    let is_pairs = spec.delay_ms > 0 && matches!(spec.function, Function::Distinct(_));
    if is_pairs { 5 * pane } else { pane }
}

/// Holds an approximate value against the truth over a window that is a pane longer, and one that is
/// a pane shorter.
fn check_near(
    walk: &Walk,
    bench: &Bench,
    row: &FeatureVector,
    (spec, id): (&AggregateSpec, FieldId),
) -> Result<(), TestCaseError> {
    let pane = pane_ms(spec);
    let end = if spec.delay_ms > 0 { pane } else { 0 };
    let truth = |spec: &AggregateSpec| {
        let around = |by: (i64, i64)| walk.truth(bench, spec, by);
        (around((-pane, -end)), around((0, 0)), around((pane, end)))
    };
    let found = bench.value(row, id);
    let (least, exact, most) = truth(spec);
    let told = format!("{found:?} is not near {least:?}, {exact:?}, {most:?}: {spec:?}");
    let count = AggregateSpec { function: Function::Count, ..spec.clone() };
    let (few, all, many) = truth(&count);
    let (few, all, many) = (few.unwrap_or(0.0), all.unwrap_or(0.0), many.unwrap_or(0.0));
    let between = |low: Option<f64>, high: Option<f64>, slack: f64| {
        found.is_some_and(|found| {
            low.is_none_or(|low| found >= low - slack)
                && high.is_none_or(|high| found <= high + slack)
        })
    };
    // A late event's window ends within a pane, whose extremes may be younger.
    let later = match spec.over {
        Over::Rolling(_) => pane,
        _ => 15 * MINUTE,
    };
    let widest = walk.truth(bench, spec, (pane, later));
    // What share of the window's events may be others.
    let others = (many - few + 1.0) / all.max(1.0);
    let amounts = 1_000_000.0;
    let is_near = match &spec.function {
        Function::Count | Function::Sum(_) => between(least, most, 1.0),
        Function::Rate(_) => between(exact, exact, others),
        Function::Mean(_) if all >= 10.0 => between(exact, exact, others * amounts),
        Function::Stddev(_) if all >= 10.0 => between(exact, exact, others.sqrt() * amounts),
        // An amendment takes back two extremes of a pane and no more.
        Function::Min(_) if few >= 1.0 && spec.filter.is_none() => between(widest, least, 0.0),
        Function::Max(_) if few >= 1.0 && spec.filter.is_none() => between(least, widest, 0.0),
        // An amendment leaves the last value as it is, so only a settled window says more.
        Function::Last(_) if spec.filter.is_none() && spec.delay_ms == 0 => found == exact,
        // What came after a late event is counted as if it had been there; and what an amendment takes
        // back is followed through two panes.
        Function::Distinct(_) => between(least, most.map(|most| most * 1.03), 4.0),
        _ => true,
    };
    prop_assert!(is_near, "{told}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 20, ..ProptestConfig::with_cases(12) })]

    /// A card under attack: whatever its ring has given up, every window is within a pane of the
    /// truth, delayed or not, late events and outcomes of events long gone included.
    #[test]
    fn every_value_is_within_a_pane_of_the_truth(steps in steps()) {
        let bench = Bench::new(64, aggregates());
        let mut state = FeatureState::new(&StateLimits::default());
        let mut walk = Walk::default();
        let (mut count, mut approximate) = (0, 0);
        for step in &steps {
            let latest = walk.latest();
            let Some(row) = walk.step(&bench, &mut state, step) else { continue };
            count += 1;
            let is_late = latest.is_some_and(|latest| walk.now().0 < latest);
            for declared in bench.declared().filter(|_| count % 11 == 0) {
                let is_told = matches!(declared.0.function, Function::Distinct(_)) && is_late;
                if row.is_approximate(declared.1) && !is_told {
                    approximate += 1;
                    check_near(&walk, &bench, &row, declared)?;
                } else if !row.is_approximate(declared.1) {
                    walk.compare_one(&bench, &row, declared)?;
                }
            }
        }
        prop_assert!(approximate > 100, "{approximate} values were approximate");
    }
}

/// One payment a second on one card, each refused at once or long after: every figure is known.
#[test]
fn a_steady_attack_is_counted_without_bias() {
    let refused = Where::State { bit: StateBit::OutcomeRefused, wanted: true };
    let amount = FieldId::of_fact(Fact::AmountBase);
    let merchants = Function::Distinct(DistinctOf::Entity(EntityKind::Merchant));
    let codes = Function::Distinct(DistinctOf::Field(FieldId::of_fact(Fact::MerchantMcc)));
    let spec = |name: &str, function, over, delay_ms, filter| AggregateSpec {
        name: name.to_owned(),
        function,
        by: EntityKind::Card,
        at: None,
        over: Over::Rolling(over),
        delay_ms,
        filter,
        excluding_current: false,
        default: None,
    };
    let hour = 60 * MINUTE;
    let specs = vec![
        spec("n10m", Function::Count, 10 * MINUTE, 0, None),
        spec("s10m", Function::Sum(amount), 10 * MINUTE, 0, None),
        spec("n1h", Function::Count, hour, 0, None),
        spec("delayed", Function::Count, MINUTE, hour, None),
        spec("d10m", merchants.clone(), 10 * MINUTE, 0, None),
        spec("dref10m", merchants, 10 * MINUTE, 0, Some(refused.clone())),
        spec("cref10m", codes, 10 * MINUTE, 0, Some(refused.clone())),
        spec("ref1d", Function::Count, DAY, 0, Some(refused)),
    ];
    let bench = Bench::new(64, specs.into_iter().map(|spec| (spec, FieldType::Int)).collect());
    let mut state = FeatureState::new(&StateLimits::default());
    let mut walk = Walk::default();
    let mut row = None;
    for n in 0..8_000_usize {
        let event = Step::Event {
            ahead: 1_000,
            late: 0,
            tokens: [Some(0), None, None, Some((n % 251) as u8)],
            amount: Some(100),
            mcc: Some((n % 200) as u8),
        };
        row = walk.step(&bench, &mut state, &event);
        // Two minutes later its ring has given the event up.
        let what = Amendment::Outcome { result: OutcomeResult::Refused, refusal: None };
        walk.step(&bench, &mut state, &Step::Amend { back: 120.min(n), what });
    }
    let row = row.unwrap();
    for (name, wanted, slack) in [
        ("n10m", 600.0, 1.0),
        ("s10m", 60_000.0, 100.0),
        ("n1h", 3_600.0, 2.0),
        ("delayed", 60.0, 1.0),
        ("d10m", 251.0, 0.0),
        ("dref10m", 251.0, 0.0),
        ("cref10m", 200.0, 0.0),
        ("ref1d", 7_880.0, 1.0),
    ] {
        let id = bench.schema().get(name).unwrap().id;
        let found = bench.value(&row, id).unwrap();
        assert!((found - wanted).abs() <= slack, "{name}: {found}, not {wanted}");
        assert!(row.is_approximate(id), "{name}");
    }
}

/// A sum past 64 bits stands at the bound and is marked, in rings and in panes; it never turns over.
#[test]
fn a_sum_never_turns_over() {
    let amount = FieldId::of_fact(Fact::AmountBase);
    let spec = |name: &str, function, field_type| {
        let spec = AggregateSpec {
            name: name.to_owned(),
            function,
            by: EntityKind::Card,
            at: None,
            over: Over::Rolling(DAY),
            delay_ms: 0,
            filter: None,
            excluding_current: false,
            default: None,
        };
        (spec, field_type)
    };
    let bench = Bench::new(
        64,
        vec![
            spec("sum", Function::Sum(amount), FieldType::Int),
            spec("mean", Function::Mean(amount), FieldType::Float),
            spec("spread", Function::Stddev(amount), FieldType::Float),
        ],
    );
    for (amounts, wanted) in [
        (vec![i64::MAX], i64::MAX),
        (vec![i64::MAX, 1], i64::MAX),
        (vec![i64::MAX, i64::MAX, i64::MIN], i64::MAX - 1),
        (vec![i64::MIN, -1], i64::MIN),
        (vec![-5, 3], -2),
        (vec![(1 << 51) - 1; 64], 64 * ((1 << 51) - 1)),
        (vec![1 << 61; 64], i64::MAX),
        (vec![1 << 61; 200], i64::MAX),
        (vec![-(1 << 61); 200], i64::MIN),
    ] {
        let mut state = FeatureState::new(&StateLimits::default());
        let mut walk = Walk::default();
        let mut row = None;
        for amount in &amounts {
            let event = Step::Event {
                ahead: 1_000,
                late: 0,
                tokens: [Some(0), None, None, None],
                amount: Some(*amount),
                mcc: None,
            };
            row = walk.step(&bench, &mut state, &event);
        }
        let row = row.unwrap();
        let id = |name: &str| bench.schema().get(name).unwrap().id;
        assert_eq!(row.int(id("sum")), wanted, "{} amounts", amounts.len());
        let is_bound = matches!(wanted, i64::MIN | i64::MAX);
        assert_eq!(row.is_approximate(id("sum")), is_bound || amounts.len() > 64);
        let mean = amounts.iter().map(|v| *v as f64 / amounts.len() as f64).sum::<f64>();
        let off = (row.float(id("mean")) - mean).abs();
        assert!(off <= mean.abs() / 1e9 + 1_024.0, "{} is not near {mean}", row.float(id("mean")));
        assert!(row.float(id("spread")).is_finite());
    }
}
