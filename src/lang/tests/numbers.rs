//! Whole numbers against floats: three evaluators, one answer, that of the numbers themselves.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::domain::{Currency, FeatureVector, FieldType, Schema, Zone};
use crate::lang::{CelValue, Conditions, Expected, Marks, Program, Scope, Truth, compile, reckon};

use super::start;

const RELATIONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

/// How a whole number stands to a finite float, by its digits: every finite double is a whole number
/// of 2^-1074, but between these two only the whole part and whether there is a rest matter.
fn order(whole: i64, float: f64) -> Ordering {
    let floor = float.floor();
    // Exact: a double that is a whole number has at most 53 bits that are not zero.
    let against_floor = match format!("{floor:.0}").parse::<i128>() {
        Ok(floor) => i128::from(whole).cmp(&floor),
        // More than 38 digits.
        Err(_) if float > 0.0 => Ordering::Less,
        Err(_) => Ordering::Greater,
    };
    match against_floor {
        Ordering::Equal if float > floor => Ordering::Less,
        other => other,
    }
}

fn holds(relation: &str, order: Ordering) -> bool {
    match relation {
        "==" => order.is_eq(),
        "!=" => order.is_ne(),
        "<" => order.is_lt(),
        "<=" => order.is_le(),
        ">" => order.is_gt(),
        _ => order.is_ge(),
    }
}

/// Columns `i` and `f` with these values, and programs over them.
struct Row {
    schema: Schema,
    row: FeatureVector,
}

impl Row {
    fn of(whole: i64, float: f64) -> Self {
        let mut schema = Schema::of_facts();
        let i = schema.add("i", FieldType::Int, "").unwrap();
        let f = schema.add("f", FieldType::Float, "").unwrap();
        let mut row = FeatureVector::new(schema.columns());
        row.set_int(i, whole);
        row.set_float(f, float);
        Self { schema, row }
    }

    fn program(&self, text: &str) -> Program {
        let (zone, constants) = (Zone::parse("UTC").unwrap(), BTreeMap::new());
        let scope = Scope {
            schema: &self.schema,
            constants: &constants,
            zone: &zone,
            base_currency: Currency::CNY,
            base_decimals: 2,
        };
        compile(text, &start(), &scope, Expected::Condition).unwrap()
    }

    /// What a compiled rule says, and what the bitmaps say of it and of its negation.
    fn says(&self, text: &str) -> [bool; 3] {
        let program = self.program(text);
        let answers = [true, false].map(|wanted| {
            let conditions = Conditions::new([(&program, wanted)].into_iter());
            let (subset, mut marks) = (conditions.subset(|_| true), Marks::default());
            let mut holds = false;
            conditions.start(&subset, &mut marks);
            conditions.ask(&self.row, &subset, &mut marks, |_, truth| holds = truth == Truth::True);
            holds == wanted
        });
        [program.truth(&self.row) == Truth::True, answers[0], answers[1]]
    }
}

fn computed(text: &str) -> bool {
    match reckon(text, &start(), None) {
        Ok(CelValue::Bool(value)) => value,
        other => panic!("{text}: {other:?}"),
    }
}

/// One pair, in every relation, as columns and as literals, and in lists.
fn check(whole: i64, float: f64) {
    let row = Row::of(whole, float);
    let expected = order(whole, float);
    let (i, f) = (whole.to_string(), format!("{float:?}"));
    for relation in RELATIONS {
        let (right, left) = (holds(relation, expected), holds(relation, expected.reverse()));
        for (text, wanted) in [
            (format!("i {relation} f"), right),
            (format!("f {relation} i"), left),
            (format!("i {relation} {f}"), right),
            (format!("{f} {relation} i"), left),
            (format!("f {relation} {i}"), left),
            (format!("{i} {relation} f"), right),
        ] {
            assert_eq!(row.says(&text), [wanted; 3], "{text} with {i} and {f}");
        }
        assert_eq!(row.says(&format!("{i} {relation} {f}")), [right; 3], "{i} {relation} {f}");
        assert_eq!(computed(&format!("{i} {relation} {f}")), right, "{i} {relation} {f}");
        assert_eq!(computed(&format!("{f} {relation} {i}")), left, "{f} {relation} {i}");
    }
    let is_in = expected.is_eq();
    for text in [format!("i in [{f}]"), format!("f in [{i}]"), format!("i in [0.25, {f}]")] {
        assert_eq!(row.says(&text), [is_in; 3], "{text} with {i} and {f}");
    }
    assert_eq!(computed(&format!("{i} in [{f}]")), is_in, "{i} in [{f}]");
    assert_eq!(computed(&format!("{f} in [{i}]")), is_in, "{f} in [{i}]");
}

/// The edges of what a double holds exactly, and of 64 bits.
const WHOLES: [i64; 12] = [
    0,
    1,
    -1,
    1 << 53,
    (1 << 53) + 1,
    (1 << 53) - 1,
    -(1 << 53),
    -(1 << 53) - 1,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    i64::MIN + 1,
];
const FLOATS: [f64; 13] = [
    0.0,
    -0.0,
    0.5,
    -0.5,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    -9_007_199_254_740_992.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    9_223_372_036_854_774_784.0,
    -9_223_372_036_854_777_856.0,
    1e300,
    -1e300,
];

/// A limit of 2^53 + 1 is not one of 2^53: calculator, rule and bitmaps say so alike.
#[test]
fn edges_compare_as_the_numbers_that_they_are() {
    for whole in WHOLES {
        for float in FLOATS {
            check(whole, float);
        }
    }
}

/// What is no number on the line stands nowhere, and infinities at its ends; unsigned numbers past
/// the signed ones are numbers like others.
#[test]
fn what_only_the_calculator_knows_compares_likewise() {
    for (text, expected) in [
        ("9223372036854775807 < double('Infinity')", true),
        ("-9223372036854775808 > double('-Infinity')", true),
        ("18446744073709551615u < double('Infinity')", true),
        ("0 == double('NaN')", false),
        ("0 != double('NaN')", true),
        ("0 < double('NaN')", false),
        ("0u >= double('NaN')", false),
        ("18446744073709551615u < 18446744073709551616.0", true),
        ("18446744073709551615u == 18446744073709551616.0", false),
        ("18446744073709549568u == 18446744073709549568.0", true),
        ("9223372036854775808u == 9223372036854775808.0", true),
        ("9223372036854775809u == 9223372036854775808.0", false),
        ("9223372036854775807 == 9223372036854775807u", true),
    ] {
        assert_eq!(computed(text), expected, "{text}");
    }
}

proptest! {
    /// The oracle reads a double's digits.
    #[test]
    fn any_pair_compares_as_the_numbers_that_they_are(
        whole in any::<i64>(),
        near in -2_i64..=2,
        shift in 0_u32..63,
        float in any::<f64>().prop_filter("finite", |float| float.is_finite()),
    ) {
        let whole = whole >> shift;
        // The double nearest to a number close by, and any other.
        let close = whole.saturating_add(near) as f64;
        check(whole, close);
        check(whole, close + 0.5);
        check(whole, float);
    }
}
