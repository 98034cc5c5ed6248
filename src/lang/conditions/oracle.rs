//! The interpreter of the `cel` crate as a second opinion on the bitmaps: random sets of rules over
//! random rows, missing values, errors and the edges of numbers included.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::{Currency, FeatureVector, Zone};
use crate::lang::tests::oracle::{Case, Choices, case};
use crate::lang::{Expected, Place, Program, Scope, Truth, compile};

use super::{Conditions, Marks};

/// Sets, rules of a set, and rows that each set meets: 120,000 pairs of a rule and a row.
const SETS: u32 = 48;
const RULES: usize = 50;
const ROWS: usize = 50;

/// One rule for both sides.
struct Rule {
    text: String,
    ours: Program,
    theirs: cel::Program,
    /// Doubles that it compares: where one is NaN the crate has no answer.
    compared: Vec<Program>,
}

fn program(text: &str, case: &Case) -> Option<Program> {
    let scope = Scope {
        schema: &case.schema,
        constants: &BTreeMap::new(),
        zone: &Zone::parse("UTC").unwrap(),
        base_currency: Currency::CNY,
        base_decimals: 2,
    };
    let place = Place { file: "oracle".into(), line: 1, column: 1 };
    compile(&text.replace('§', ""), &place, &scope, Expected::Value).ok()
}

fn rule(choices: &mut Choices, case: &Case) -> Rule {
    loop {
        choices.compared.clear();
        let depth = 1 + choices.below(4) as u32;
        let text = choices.truth(depth);
        // An expression that never has a value is no rule: the next one.
        if let Some(ours) = program(&text, case) {
            let theirs = cel::Program::compile(&text.replace('§', "row.")).unwrap();
            let compared = choices.compared.iter().filter_map(|text| program(text, case)).collect();
            return Rule { text, ours, theirs, compared };
        }
    }
}

fn is_nan(program: &Program, row: &FeatureVector) -> bool {
    matches!(program.value(row), Ok(crate::domain::Value::Float(value)) if value.is_nan())
}

/// What the bitmaps say of every rule.
fn said(index: &Conditions, rules: usize, row: &FeatureVector, marks: &mut Marks) -> Vec<Truth> {
    let mut said = vec![Truth::False; rules];
    let mut order = Vec::new();
    let subset = index.subset(|_| true);
    index.start(&subset, marks);
    index.ask(row, &subset, marks, |rule, truth| {
        said[rule] = truth;
        order.push(rule);
    });
    assert!(order.is_sorted(), "{order:?}");
    said
}

fn agree(seed: u64) {
    let mut choices = Choices::from(seed);
    let world = case(&mut choices);
    let rules: Vec<_> = (0..RULES).map(|_| rule(&mut choices, &world)).collect();
    let index = Conditions::new(rules.iter().map(|rule| (&rule.ours, true)));
    let mut marks = Marks::default();
    let mut pairs = 0;
    for _ in 0..ROWS {
        let case = case(&mut choices);
        let said = said(&index, RULES, &case.row, &mut marks);
        for (rule, said) in rules.iter().zip(said) {
            assert_eq!(said, rule.ours.truth(&case.row), "seed {seed}: {}", rule.text);
            if rule.compared.iter().any(|program| is_nan(program, &case.row)) {
                continue;
            }
            let theirs = match rule.theirs.execute(&case.theirs) {
                Ok(cel::Value::Bool(true)) => Truth::True,
                Ok(cel::Value::Bool(false)) => Truth::False,
                _ => Truth::Undetermined,
            };
            assert_eq!(said, theirs, "seed {seed}: {}", rule.text);
            pairs += 1;
        }
    }
    // The others compare a NaN.
    assert!(pairs * 6 >= RULES * ROWS * 5, "seed {seed}: {pairs} pairs");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: SETS, failure_persistence: None, ..Default::default() })]

    /// Two implementations that share only a grammar agree, on 100,000 pairs of a rule and a row at
    /// the least; and the bitmaps agree with the programs that they stand for even where the
    /// interpreter has no answer.
    #[test]
    fn the_interpreter_agrees(seed in any::<u64>()) {
        agree(seed);
    }
}

/// A column that is compared with very many constants keeps one row for several places of a value:
/// what it falsifies stays the same at every place.
#[test]
fn rows_that_stand_for_several_places_agree() {
    let world = case(&mut Choices::from(1));
    let relations = ["<", "<=", ">", ">=", "==", "!="];
    let texts = (0..3_000).map(|key| {
        let relation = relations[key % relations.len()];
        match key % 4 {
            0 => format!("i0 {relation} {}", key * 3),
            1 => format!("f0 {relation} {key}.5 || i1 == {key}"),
            2 => format!("i0 in [{key}, {}, {}] && !has(t0)", key * 2, key * 3),
            _ => format!("t0 != \"{key}\" && i0 {relation} {key}"),
        }
    });
    let programs: Vec<_> = texts.map(|text| program(&text, &world).unwrap()).collect();
    let index = Conditions::new(programs.iter().map(|program| (program, true)));
    assert!(index.columns.iter().any(|column| column.shift() > 0));
    let id = |name: &str| world.schema.get(name).unwrap().id;
    let mut marks = Marks::default();
    for value in (-3..9_010).step_by(37) {
        let mut row = FeatureVector::new(world.schema.columns());
        row.set_int(id("i0"), value);
        row.set_float(id("f0"), value as f64 / 2.0);
        if value % 2 == 0 {
            row.set_text(id("t0"), &value.to_string());
        }
        let said = said(&index, programs.len(), &row, &mut marks);
        for (program, said) in programs.iter().zip(said) {
            assert_eq!(said, program.truth(&row), "{value}: {}", program.source());
        }
    }
}
