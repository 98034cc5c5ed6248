//! The interpreter of the `cel` crate as a second opinion: random expressions over random rows must
//! mean the same, missing values, errors and the edges of numbers included.

use cel::objects::Key;
use cel::{Context, Value as Theirs};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

use crate::domain::{Currency, FeatureVector, FieldType, Schema, Value, Zone};
use crate::lang::code::Code;
use crate::lang::{Expected, Node, NodeKind, Scope, compile};

use super::{start, told};

const INTS: [i64; 10] =
    [0, 1, -1, 2, 7, i64::MAX, i64::MIN, 1 << 53, (1 << 53) + 1, -1_000_000_007];
const FLOATS: [f64; 10] =
    [0.0, 0.5, -1.5, 2.0, 7.0, 1e308, 9_007_199_254_740_992.0, TWO_63, -TWO_63, 1e-300];
const TWO_63: f64 = 9_223_372_036_854_775_808.0;
const TEXTS: [&str; 6] = ["", "a", "ab", "abc", "上海", "上海 b"];
const PATTERNS: [&str; 4] = ["^a", "b$", "[上下]", "a.*c"];

/// Columns by type: each may be missing from a row.
const COLUMNS: [(&str, FieldType); 12] = [
    ("i0", FieldType::Int),
    ("i1", FieldType::Int),
    ("i2", FieldType::Int),
    ("f0", FieldType::Float),
    ("f1", FieldType::Float),
    ("f2", FieldType::Float),
    ("t0", FieldType::Text),
    ("t1", FieldType::Text),
    ("t2", FieldType::Text),
    ("b0", FieldType::Bool),
    ("b1", FieldType::Bool),
    ("b2", FieldType::Bool),
];

/// A stream of choices from a seed (SplitMix64): the seed of a failing case reproduces it.
pub(crate) struct Choices {
    state: u64,
    /// The texts of all doubles that are compared: any of them may turn out to be NaN.
    pub(crate) compared: Vec<String>,
}

impl Choices {
    pub(crate) fn from(seed: u64) -> Self {
        Self { state: seed, compared: Vec::new() }
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ word >> 31) % count as u64) as usize
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn relation(&mut self) -> &'static str {
        self.of(&["==", "!=", "<", "<=", ">", ">="])
    }

    /// A column; `§` stands for where the interpreter keeps its row.
    fn column(&mut self, letter: char) -> String {
        format!("§{letter}{}", self.below(3))
    }

    pub(crate) fn truth(&mut self, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return match self.below(5) {
                0 => "true".into(),
                1 => "false".into(),
                2 => format!("has({})", self.any_column()),
                _ => self.column('b'),
            };
        };
        match self.below(14) {
            0 | 1 => format!("({} && {})", self.truth(depth), self.truth(depth)),
            2 | 3 => format!("({} || {})", self.truth(depth), self.truth(depth)),
            4 => format!("!{}", self.bracketed_truth(depth)),
            5 => {
                let condition = self.truth(depth);
                format!("({condition} ? {} : {})", self.truth(depth), self.truth(depth))
            }
            6 => format!("{} {} {}", self.int(depth), self.relation(), self.int(depth)),
            7 => format!("{} {} {}", self.compared(depth), self.relation(), self.compared(depth)),
            8 => format!("{} {} {}", self.modest(depth), self.relation(), self.compared(depth)),
            9 => format!("{} {} {}", self.compared(depth), self.relation(), self.modest(depth)),
            10 => format!("{} {} {}", self.text(depth), self.relation(), self.text(depth)),
            11 => match self.below(3) {
                0 => {
                    let list: Vec<_> = (0..self.below(4)).map(|_| self.text_literal()).collect();
                    format!("{} in [{}]", self.text(depth), list.join(", "))
                }
                1 => {
                    let list: Vec<_> = (0..self.below(4)).map(|_| self.int_literal()).collect();
                    format!("{} in [{}]", self.int(depth), list.join(", "))
                }
                _ => {
                    format!("({} == {})", self.bracketed_truth(depth), self.bracketed_truth(depth))
                }
            },
            12 => {
                let test = self.of(&["startsWith", "endsWith", "contains"]);
                format!("{}.{test}({})", self.column('t'), self.text(depth))
            }
            _ => format!("{}.matches({:?})", self.column('t'), self.of(&PATTERNS)),
        }
    }

    fn bracketed_truth(&mut self, depth: u32) -> String {
        format!("({})", self.truth(depth))
    }

    fn any_column(&mut self) -> String {
        let letter = self.of(&['i', 'f', 't', 'b']);
        self.column(letter)
    }

    fn int_literal(&mut self) -> String {
        self.of(&INTS).to_string()
    }

    fn text_literal(&mut self) -> String {
        format!("{:?}", self.of(&TEXTS))
    }

    fn int(&mut self, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return if self.below(3) == 0 { self.int_literal() } else { self.column('i') };
        };
        match self.below(8) {
            0..=3 => {
                let operator = self.of(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.int(depth), self.int(depth))
            }
            4 => format!("(-({}))", self.int(depth)),
            5 => format!("({} ? {} : {})", self.truth(depth), self.int(depth), self.int(depth)),
            6 => format!("size({})", self.text(depth)),
            _ => format!("int({})", self.float(depth)),
        }
    }

    /// A whole number that a double holds. The interpreter rounds larger ones when they meet a
    /// double, which cel-spec does not: what we make of those is held by a table instead.
    fn modest(&mut self, depth: u32) -> String {
        format!("({} % 1000003)", self.int(depth))
    }

    fn float(&mut self, depth: u32) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return match self.below(3) {
                0 => format!("{:?}", self.of(&FLOATS)),
                _ => self.column('f'),
            };
        };
        match self.below(7) {
            0..=3 => {
                let operator = self.of(&["+", "-", "*", "/"]);
                format!("({} {operator} {})", self.float(depth), self.float(depth))
            }
            4 => format!("(-({}))", self.float(depth)),
            5 => format!("({} ? {} : {})", self.truth(depth), self.float(depth), self.float(depth)),
            _ => format!("double({})", self.int(depth)),
        }
    }

    /// A double that is compared.
    fn compared(&mut self, depth: u32) -> String {
        let text = self.float(depth);
        self.compared.push(text.clone());
        text
    }

    fn text(&mut self, depth: u32) -> String {
        match (self.below(4), depth.checked_sub(1)) {
            (0, _) => self.text_literal(),
            (1, Some(depth)) => {
                format!("({} ? {} : {})", self.truth(depth), self.text(depth), self.text(depth))
            }
            _ => self.column('t'),
        }
    }
}

/// A schema, one random row over it, and the same row for the interpreter.
pub(crate) struct Case {
    pub(crate) schema: Schema,
    pub(crate) row: FeatureVector,
    pub(crate) theirs: Context<'static, 'static>,
}

pub(crate) fn case(choices: &mut Choices) -> Case {
    let mut schema = Schema::of_facts();
    let ids = COLUMNS.map(|(name, field_type)| schema.add(name, field_type, "").unwrap());
    let mut row = FeatureVector::new(schema.columns());
    let mut theirs: HashMap<Key, Theirs> = HashMap::new();
    for ((name, field_type), id) in COLUMNS.into_iter().zip(ids) {
        if choices.below(4) == 0 {
            continue;
        }
        let value = match field_type {
            FieldType::Int => {
                let value = choices.of(&INTS);
                row.set_int(id, value);
                Theirs::Int(value)
            }
            FieldType::Float => {
                let value = choices.of(&FLOATS);
                row.set_float(id, value);
                Theirs::Float(value)
            }
            FieldType::Text => {
                let value = choices.of(&TEXTS);
                row.set_text(id, value);
                Theirs::from(value)
            }
            _ => {
                let value = choices.below(2) == 1;
                row.set_bool(id, value);
                Theirs::Bool(value)
            }
        };
        theirs.insert(Key::from(name), value);
    }
    let mut context = Context::default();
    context.add_variable_from_value("row", theirs);
    Case { schema, row, theirs: context }
}

fn same(ours: &Value<'_>, theirs: &Theirs) -> bool {
    match (ours, theirs) {
        (Value::Bool(ours), Theirs::Bool(theirs)) => ours == theirs,
        (Value::Int(ours), Theirs::Int(theirs)) => ours == theirs,
        (Value::Float(ours), Theirs::Float(theirs)) => {
            ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan()
        }
        (Value::Text(ours), Theirs::String(theirs)) => **ours == ***theirs,
        _ => false,
    }
}

/// Compares one random expression over one random row.
fn agree(seed: u64) {
    let mut choices = Choices::from(seed);
    let case = case(&mut choices);
    let depth = 1 + choices.below(4) as u32;
    let marked = match choices.below(4) {
        0 => choices.int(depth),
        1 => choices.float(depth),
        _ => choices.truth(depth),
    };
    let (text, their_text) = (marked.replace('§', ""), marked.replace('§', "row."));
    let scope = Scope {
        schema: &case.schema,
        constants: &BTreeMap::new(),
        zone: &Zone::parse("UTC").unwrap(),
        base_currency: Currency::CNY,
        base_decimals: 2,
    };
    // Comparing NaN is false by cel-spec and for us, which a table holds; the crate has no answer,
    // and any part around it may absorb or replace its error.
    if choices.compared.iter().any(|text| is_nan(text, &case, &scope)) {
        return;
    }
    let their_program = cel::Program::compile(&their_text).unwrap();
    let theirs = their_program.execute(&case.theirs);
    let program = match compile(&text, &start(), &scope, Expected::Value) {
        Ok(program) => program,
        Err(faults) => {
            // An error among constants is a fault for us: only then may we refuse.
            let told = told(&faults);
            assert!(told.contains("never has a value"), "{text}\n{told}");
            return;
        }
    };
    let ours = program.value(&case.row);
    let agreed = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => same(ours, theirs),
        (Err(_), Err(_)) => true,
        _ => false,
    };
    assert!(agreed, "seed {seed}: {text}\nours   {ours:?}\ntheirs {theirs:?}");
    for part in program.node().children() {
        part_means_its_text(part, &text, &case, &scope);
    }
}

/// Whether the text of a double is NaN over the row.
fn is_nan(marked: &str, case: &Case, scope: &Scope<'_>) -> bool {
    let program = compile(&marked.replace('§', ""), &start(), scope, Expected::Value);
    program.is_ok_and(
        |program| matches!(program.value(&case.row), Ok(Value::Float(value)) if value.is_nan()),
    )
}

/// The text of a part, compiled alone, means what the part means: its span is right.
fn part_means_its_text(part: &Node, text: &str, case: &Case, scope: &Scope<'_>) {
    // A constant may have changed its type to meet its column; an argument of `has` has no value.
    if !matches!(part.kind, NodeKind::Constant(_)) {
        let span = part.span.start as usize..part.span.end as usize;
        let alone = compile(&text[span.clone()], &start(), scope, Expected::Value);
        let alone = alone.unwrap_or_else(|faults| panic!("{text} {span:?}\n{}", told(&faults)));
        let part_alone = Code::of(part).constant(part.node_type, &case.row);
        let text_alone = Code::of(alone.node()).constant(part.node_type, &case.row);
        assert_eq!(format!("{part_alone:?}"), format!("{text_alone:?}"), "{text} {span:?}");
    }
    for part in part.children() {
        part_means_its_text(part, text, case, scope);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 16,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Two implementations that share only a grammar agree: 4,096 times a run, and as often as
    /// `PROPTEST_CASES` says for whoever wants to be sure.
    #[test]
    fn the_interpreter_agrees(seed in any::<u64>()) {
        agree(seed);
    }
}
