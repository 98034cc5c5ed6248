//! What is refused, where, and what was meant.

use crate::lang::{Expected, Fault, compile, compile_constant, compile_where};

use super::{World, start, told};

fn faults(text: &str) -> Vec<Fault> {
    let world = World::new();
    match compile(text, &start(), &world.scope(), Expected::Condition) {
        Ok(program) => panic!("compiled: {program:?}"),
        Err(faults) => faults,
    }
}

/// One line a fault: `column message -> suggestion`.
fn check(text: &str, expected: &[&str]) {
    let told: Vec<_> = faults(text)
        .iter()
        .map(|fault| {
            let meant = fault.suggestion.as_ref().map(|meant| format!(" -> {meant}"));
            format!("{} {}{}", fault.column, fault.message, meant.unwrap_or_default())
        })
        .collect();
    assert_eq!(told, expected, "{text}");
}

/// A misspelt name is met with its nearest: columns, constants, functions and methods alike.
#[test]
fn a_misspelt_name_is_met_with_its_nearest() {
    check("cuont > 3", &["1 there is no column or constant `cuont` -> count"]);
    check("flag && count > limt", &["17 there is no column or constant `limt` -> limit"]);
    check("hass(count)", &["1 there is no function `hass` -> has"]);
    check("Has(count)", &["1 there is no function `Has` -> has"]);
    check("has(cuont)", &["5 there is no column `cuont` -> count"]);
    check("city.startswith('x')", &["6 there is no method `startswith` -> startsWith"]);
    check(
        "attributes.teir == 'x'",
        &["1 there is no column or constant `attributes.teir` -> attributes.tier"],
    );
    check("label.fraud", &["1 `label.fraud` is known only in the `where:` of a feature"]);
    check("zzzzzz", &["1 there is no column or constant `zzzzzz`"]);
    check("size", &["1 `size` is a function: call it"]);
}

/// Types that do not meet are said with what would.
#[test]
fn types_that_do_not_meet_are_said() {
    check(
        "amount > 1000",
        &["8 cannot compare money with int: money has a currency -> money(\"1000.00 CNY\")"],
    );
    check(
        "12.5 < amount",
        &["6 cannot compare float with money: money has a currency -> money(\"12.50 CNY\")"],
    );
    check("city == 3", &["6 cannot compare text with int"]);
    check("flag > off", &["6 bool has no order: use `==` or `!=`"]);
    check("sim < sim", &["5 id has no order: use `==` or `!=`"]);
    check(
        "count + ratio > 1.0",
        &["7 no such operation on int and float: write 2.0 for 2, or double(x)"],
    );
    check("count", &["1 bool is needed here, this is int"]);
    check("count && flag", &["1 bool is needed here, this is int"]);
    check("flag ? 1 : 'a'", &["6 both values of `? :` have one type: int and text differ"]);
    check("city in ['a', 1]", &["15 a list holds one type: this is int among text"]);
    check("count in ['a']", &["7 cannot look for int among text"]);
    check("city in cites", &["9 after `in` stands a list: `[\"a\", \"b\"]` or a constant list"]);
    check("count in [count]", &["11 the elements of a list are constants"]);
    check("city == null", &["9 nothing is null here: ask with `has(x)` whether x has a value"]);
    check("money('12 USD') == amount", &["7 money is in the base currency here, which is CNY"]);
    check("amount > money('1')", &["16 money needs its currency, as in `1000.00 CNY`"]);
    check("city.matches('(')", &["14 not a pattern: unclosed group"]);
    check("city.matches(city)", &["14 the pattern of `matches` is a constant"]);
    check("min(count, ratio) > 1", &["1 no such operation on int and float"]);
    check("has(count, ratio)", &["1 `has` takes 1 argument(s), here are 2"]);
    check("startsWith(city, 'a')", &["1 `startsWith` is called on a value: `x.startsWith(..)`"]);
    check(
        "count > 9223372036854775807 + 1",
        &["29 this never has a value: a number leaves its range"],
    );
    check("count > 1 / 0", &["11 this never has a value: division by zero"]);
}

/// All faults of an expression come at once.
#[test]
fn all_faults_come_at_once() {
    check(
        "cuont > 3 && (city == 1 || flga) && size(count) == 1",
        &[
            "1 there is no column or constant `cuont` -> count",
            "20 cannot compare text with int",
            "28 there is no column or constant `flga` -> flag",
            "42 text is needed here, this is int",
        ],
    );
}

/// Form: what other languages write is met with what CEL writes.
#[test]
fn form_is_said_in_plain_words() {
    check("count = 3", &["7 `=` does not fit here -> =="]);
    check("flag and off", &["6 `and` does not fit here -> &&"]);
    check("flag &&", &["8 the expression ends before it is complete"]);
    check("flag & off", &["6 unexpected single '&', expected '&&'"]);
    check("flag && 城市", &["9 `城` has no meaning here"]);
    check("city == 'x", &["9 unterminated string literal"]);
    check("", &["1 an expression is missing here"]);
    check("  // nothing", &["1 an expression is missing here"]);
    check("{'a': 1} == flag", &["1 there are no maps here"]);
    check("count[0] == 1", &["6 nothing can be indexed here"]);
    check("[1, 2].map(x, x == count)", &["8 there is no method `map`"]);
}

/// The place is right in a block of several lines, with tabs and wide letters before it.
#[test]
fn a_fault_in_a_block_points_into_the_file() {
    let world = World::new();
    let mut place = start();
    (place.line, place.column) = (40, 7);
    let text = "flag &&\n  city == '上海' && cuont > 3\n  && off";
    let faults = compile(text, &place, &world.scope(), Expected::Condition).unwrap_err();
    assert_eq!(
        told(&faults),
        [
            "rule.yaml:41:25: there is no column or constant `cuont`",
            "    city == '上海' && cuont > 3",
            "                      ^ did you mean `count`?",
        ]
        .join("\n")
    );
}

/// What is too large is refused by a sentence before it costs anything.
#[test]
fn bounds_are_sentences() {
    let message = |text: &str| faults(text).first().map(|fault| fault.message.clone()).unwrap();
    assert!(message(&"x".repeat(70_000)).starts_with("an expression has at most 65536 bytes"));
    assert!(message(&"flag||".repeat(10_000)).starts_with("an expression has at most 16384 tok"));
    for deep in [
        format!("{}flag{}", "(".repeat(5_000), ")".repeat(5_000)),
        format!("{}flag", "!".repeat(5_000)),
        format!("{}flag", "-!".repeat(5_000)),
        format!("{}1 == 1", "1+".repeat(5_000)),
        format!("{}flag", "flag?flag:".repeat(3_000)),
        format!("{}flag", "flag?flag&&flag:".repeat(2_000)),
        format!("flag{}", ".x".repeat(5_000)),
        format!("flag{}", ".f()".repeat(4_000)),
        format!("{}1", "f(".repeat(5_000)),
        format!("{}1", "[".repeat(5_000)),
        format!("{}1", "{1:".repeat(5_000)),
        format!("{}1", "a{b:".repeat(3_000)),
        format!("flag{}", "[1]".repeat(5_000)),
    ] {
        assert!(message(&deep).starts_with("nested too deeply"), "{}", &deep[..20]);
    }
    assert!(message("city.matches('(\\\\w{100}){100}')").contains("too large"));
    assert!(message(&format!("city.matches('{}')", "a".repeat(2_000))).contains("1024 bytes"));
    // A long chain of terms is no depth.
    let world = World::new();
    let chain = format!("flag{}", " && count > 3 || off".repeat(1_500));
    assert!(compile(&chain, &start(), &world.scope(), Expected::Condition).is_ok());
}

/// A filter that cannot be answered from bits is refused, where it stands.
#[test]
fn a_filter_that_mixes_is_refused() {
    let world = World::new();
    for (text, message) in [
        (
            "flag && label.fraud == flag",
            "what became of an event stands alone or in `&&`, `||`, `!` and `? :` only",
        ),
        ("count", "bool is needed here, this is int"),
        ("label.fruad", "there is no column or constant `label.fruad`"),
    ] {
        let faults = compile_where(text, &start(), &world.scope()).unwrap_err();
        assert_eq!(faults[0].message, message, "{text}");
    }
    let large = format!("label.fraud{}", " && (label.fraud || flag)".repeat(64));
    assert!(compile_where(&large, &start(), &world.scope()).is_err());
    assert!(compile_constant("count + 1", &start(), &world.scope()).is_err());
    assert!(compile_constant("[count]", &start(), &world.scope()).is_err());
}
