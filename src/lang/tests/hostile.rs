//! Whatever the bytes: a program or faults, within a small stack.

use proptest::prelude::*;

use crate::domain::FeatureVector;
use crate::lang::{Expected, NoValue, compile, compile_constant, compile_where, reckon};

use super::{World, start};

/// Expressions that compile, from which the mutations start.
const SEEDS: [&str; 10] = [
    "count > 3 && ratio <= 2.5 || !has(no_count)",
    "amount >= money(\"1000.00 CNY\") && amount * 3 < money(\"9 CNY\") + large",
    "city in [\"北京\", \"上海\"] || city.startsWith('x') && size(city) > 2",
    "city.matches(\"^[a-z]+(上|下)*$\") ? count / 2 == 1 : -count % 3 != 0x1f",
    "at - timestamp(\"2026-11-23T14:00:00Z\") > duration(\"1h30m\")",
    "at.getHours(\"UTC\") >= 22 || at.getDayOfWeek() in [0, 6]",
    "outcome.known && !(label.fraud || flag && count > 1)",
    "min(count, limit) + abs(-7) == int(double(amount)) // done",
    "attributes.tier == \"\"\"gold\n\"\"\" || sim == no_sim",
    "(((flag)))\n  && r'\\d' != city\n  || [1, 2.0][0] == null",
];

/// Words that meet the grammar's corners more often than bytes do.
const WORDS: [&str; 44] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    "?",
    ":",
    "!",
    "-",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    " in ",
    "count",
    "city",
    "flag",
    "amount",
    "has",
    "all",
    "exists",
    "map",
    "9223372036854775808",
    "1.5e308",
    "0x",
    "1u",
    "'",
    "\"\"\"",
    "r'",
    "b'a'",
    "\\",
    "`",
    "null",
    "//",
    "money('1 CNY')",
];

/// Compiles in every way and runs what compiles over a full and an empty row.
fn survive(text: &str) {
    let world = World::new();
    let scope = world.scope();
    let empty = FeatureVector::new(world.schema.columns());
    match compile(text, &start(), &scope, Expected::Value) {
        Ok(program) => {
            for row in [&world.row, &empty] {
                let _ = (program.value(row), program.truth(row));
            }
            for node in program.node().children() {
                let span = node.span.start as usize..node.span.end as usize;
                assert!(program.source().get(span).is_some_and(|part| !part.is_empty()), "{text}");
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "{text}");
            for fault in faults {
                assert!(!fault.message.is_empty() && !fault.to_string().is_empty());
            }
        }
    }
    let _ = compile_constant(text, &start(), &scope);
    match reckon(text, &start(), None) {
        Ok(value) => assert!(!value.to_string().is_empty()),
        Err(NoValue::Error(fault)) => assert!(!fault.message.is_empty()),
        Err(NoValue::Meaning(faults)) => assert!(!faults.is_empty()),
    }
    if let Ok(filter) = compile_where(text, &start(), &scope) {
        filter.holds(&world.row, crate::lang::StateBits::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases * 2,
        failure_persistence: None,
        ..Default::default()
    })]

    /// Any bytes.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    /// Any words of the language in any order.
    #[test]
    fn any_words_are_survived(words in proptest::collection::vec(0..WORDS.len(), 0..40)) {
        survive(&words.into_iter().map(|word| WORDS[word]).collect::<String>());
    }

    /// An expression that compiles, cut, joined and bitten.
    #[test]
    fn any_mutation_is_survived(
        seed in 0..SEEDS.len(),
        other in 0..SEEDS.len(),
        cut in 0..60_usize,
        from in 0..60_usize,
        bite in any::<u8>(),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        bytes.truncate(cut.max(1));
        if let Some(byte) = bytes.get_mut(from) {
            *byte = bite;
        }
        bytes.extend(SEEDS[other].bytes().skip(from));
        survive(&String::from_utf8_lossy(&bytes));
    }
}

/// The deepest expressions that are let through fit a small stack, in an unoptimised build too.
#[test]
fn the_deepest_expressions_fit_a_small_stack() {
    let nest = |open: &str, core: &str, close: &str, times: usize| {
        format!("{}{core}{}", open.repeat(times), close.repeat(times))
    };
    let run = move || {
        for times in [10, 24, 31, 32, 33, 48, 49, 50, 97, 98, 99, 100, 101] {
            for text in [
                nest("(", "flag", ")", times),
                nest("(flag && ", "flag", ")", times),
                nest("(flag || off && ", "flag", " || off)", times),
                nest("!(", "flag", ")", times),
                nest("!-", "flag", "", times),
                nest("", "1", "+1", times),
                nest("(1+", "1", ")", times),
                nest("flag?flag:", "flag", "", times),
                nest("(flag?flag:", "flag", ")", times),
                nest("abs(", "1", ")", times),
                nest("max(1, 1 + ", "1", ")", times),
                nest("[", "1", "]", times),
                nest("[1].map(x, ", "1", ")", times),
                nest("[1].all(x, x == 1 && ", "true", ")", times),
                nest("size(", "'a'", ")", times),
                nest("flag", "", ".x", times),
                nest("flag", "", ".f(1, 2, 3)", times),
                nest("flag", "", "[1]", times),
                nest("a{b:", "1", "}", times),
                nest("{1:", "1", "}", times),
                nest("label.fraud ? flag : !(", "flag", ")", times),
            ] {
                survive(&text);
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap();
    thread.join().unwrap();
}
