//! How long rules take: 50, 1,000 and 10,000 rules of three to five predicates over 64 columns,
//! beside the `cel` crate's interpreter on the same rules and the same row, and beside P.
//!
//! The twin is what a service would do with the crate alone. Both sides print how many rules fired:
//! two that disagree are seen.

mod p;

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate::domain::{
    Currency, Effect, EventTime, FeatureVector, FieldType, Kind, Plan, Schema, Service, Zone,
};
use tidegate::lang::{Expected, Place, Scope, compile};
use tidegate::stages::rules::{Context, Hits, KindSet, Mode, Rule, RuleSet, ServiceSet, Warmth};

/// Columns by type: 64 in all.
const INTS: usize = 26;
const FLOATS: usize = 14;
const MONEY: usize = 10;
const TEXTS: usize = 8;
const FLAGS: usize = 6;
const WORDS: [&str; 6] = ["CN", "HK", "US", "mobile", "android", "上海"];

/// A stream of choices (SplitMix64), the same in every run.
struct Choices(u64);

/// How often a predicate holds.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Thresholds {
    /// One time in five: few rules fire, as in a pack that is in use.
    InTheTail,
    /// One time in two: a third of the rules fire.
    InTheMiddle,
}

impl Choices {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % count as u64) as usize
    }

    /// A predicate as we write it and as the interpreter reads it: money is an int there.
    fn predicate(&mut self, thresholds: Thresholds) -> (String, String) {
        let at = self.below(4);
        let relation = ["<", "<=", ">", ">="][at];
        // Values are drawn below 100.
        let (least, width) = match thresholds {
            Thresholds::InTheMiddle => (0, 100),
            Thresholds::InTheTail => (if at < 2 { 0 } else { 60 }, 40),
        };
        let both = |text: String| (text.clone(), text);
        match self.below(10) {
            0..=3 => {
                both(format!("i{} {relation} {}", self.below(INTS), least + self.below(width)))
            }
            4 | 5 => {
                let (column, key) = (self.below(FLOATS), least + self.below(width));
                both(format!("f{column} {relation} {key}.5"))
            }
            6 | 7 => {
                let (column, amount) = (self.below(MONEY), least + self.below(width));
                let ours = format!("m{column} {relation} money(\"{amount}.00 CNY\")");
                (ours, format!("m{column} {relation} {}", amount * 100))
            }
            8 => both(format!("t{} == \"{}\"", self.below(TEXTS), WORDS[self.below(6)])),
            _ => both(format!("b{}", self.below(FLAGS))),
        }
    }

    /// Three to five predicates, joined by `&&`, one pair in four by `||`.
    fn rule(&mut self, thresholds: Thresholds) -> (String, String) {
        let mut rule = self.predicate(thresholds);
        for _ in 0..2 + self.below(3) {
            let joined = if self.below(4) == 0 { "||" } else { "&&" };
            let (ours, theirs) = self.predicate(thresholds);
            rule = (
                format!("({}) {joined} {ours}", rule.0),
                format!("({}) {joined} {theirs}", rule.1),
            );
        }
        rule
    }
}

/// A row over 64 columns, for both sides.
struct Bench {
    schema: Schema,
    row: FeatureVector,
    theirs: cel::Context<'static, 'static>,
}

fn bench_row(choices: &mut Choices) -> Bench {
    let mut schema = Schema::of_facts();
    let mut values = Vec::new();
    for (letter, count, field_type) in [
        ("i", INTS, FieldType::Int),
        ("f", FLOATS, FieldType::Float),
        ("m", MONEY, FieldType::Money),
        ("t", TEXTS, FieldType::Text),
        ("b", FLAGS, FieldType::Bool),
    ] {
        for number in 0..count {
            let name = format!("{letter}{number}");
            let id = schema.add(&name, field_type, "").expect("names are unique");
            values.push((name, id, field_type));
        }
    }
    let mut row = FeatureVector::new(schema.columns());
    let mut theirs = cel::Context::default();
    for (name, id, field_type) in values {
        let value = choices.below(100) as i64;
        match field_type {
            FieldType::Float => {
                row.set_float(id, value as f64);
                theirs.add_variable_from_value(name, value as f64);
            }
            FieldType::Money => {
                row.set_int(id, value * 100);
                theirs.add_variable_from_value(name, value * 100);
            }
            FieldType::Text => {
                let word = WORDS[value as usize % WORDS.len()];
                row.set_text(id, word);
                theirs.add_variable_from_value(name, word);
            }
            FieldType::Bool => {
                row.set_bool(id, value % 2 == 0);
                theirs.add_variable_from_value(name, value % 2 == 0);
            }
            _ => {
                row.set_int(id, value);
                theirs.add_variable_from_value(name, value);
            }
        }
    }
    Bench { schema, row, theirs }
}

fn rule_of(text: &str, schema: &Schema, zone: &Zone) -> Rule {
    let scope = Scope {
        schema,
        constants: &BTreeMap::new(),
        zone,
        base_currency: Currency::CNY,
        base_decimals: 2,
    };
    let place = Place { file: "bench".into(), line: 1, column: 1 };
    Rule {
        id: text.into(),
        name: String::new(),
        when: compile(text, &place, &scope, Expected::Condition)
            .expect("the bench's rules are valid"),
        place,
        effect: Effect::default(),
        reason_code: String::new(),
        reason: String::new(),
        mode: Mode::Live,
        services: ServiceSet::ALL,
        kinds: KindSet::ALL,
        warmth: Warmth::Any,
        valid_from: None,
        valid_until: None,
    }
}

fn rules(c: &mut Criterion) {
    let mut choices = Choices(7);
    let bench = bench_row(&mut choices);
    let zone = Zone::parse("Asia/Shanghai").expect("the bundled tzdb has it");
    let context = Context {
        service: Service::MobilePayment,
        kind: Kind::Payment,
        occurred_at: EventTime::MIN,
        subject: None,
        warming: &[],
        plan: Plan::Full,
    };
    let mut group = c.benchmark_group("rules");
    group.bench_function("P", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    for (count, thresholds) in [
        (50, Thresholds::InTheTail),
        (1_000, Thresholds::InTheTail),
        (10_000, Thresholds::InTheTail),
        (1_000, Thresholds::InTheMiddle),
        (10_000, Thresholds::InTheMiddle),
    ] {
        let name = match thresholds {
            Thresholds::InTheTail => format!("{count} rules"),
            Thresholds::InTheMiddle => format!("{count} rules, a third fire"),
        };
        let texts: Vec<_> = (0..count).map(|_| choices.rule(thresholds)).collect();
        let ours = texts.iter().map(|(text, _)| rule_of(text, &bench.schema, &zone)).collect();
        let ours = RuleSet::new(ours, [0; 32]).expect("within the limit");
        let mut hits = Hits::default();
        group.bench_function(&name, |b| {
            b.iter(|| ours.evaluate(black_box(&bench.row), &context, &mut hits));
        });
        let theirs: Vec<_> = texts
            .iter()
            .map(|(_, text)| cel::Program::compile(text).expect("the bench's rules are valid"))
            .collect();
        let fire = || {
            let fired = |program: &&cel::Program| {
                matches!(program.execute(&bench.theirs), Ok(cel::Value::Bool(true)))
            };
            theirs.iter().filter(fired).count()
        };
        // With 10,000 it takes seconds and says the same.
        if count <= 1_000 && thresholds == Thresholds::InTheTail {
            group.bench_function(format!("{count} rules, cel interpreter"), |b| {
                b.iter(|| black_box(fire()));
            });
        }
        eprintln!("{name}: {} fired, {} by the interpreter", hits.fired.len(), fire());
    }
    group.bench_function("P again", |b| b.iter(|| black_box(p::parse(black_box(p::EVENT)))));
    let (text, _) = choices.rule(Thresholds::InTheTail);
    group.bench_function("compile a rule", |b| {
        b.iter(|| black_box(rule_of(black_box(&text), &bench.schema, &zone)));
    });
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
