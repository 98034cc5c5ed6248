//! What expressions mean: value by value.

use crate::domain::{FieldId, Value};
use crate::lang::{Constant, Truth, Type, compile_where};
use crate::lang::{EvalError, Expected, StateBit, StateBits, compile, compile_constant};

use super::{World, start, told};

fn check(text: &str, expected: Result<Value<'_>, EvalError>) {
    let world = World::new();
    let program = compile(text, &start(), &world.scope(), Expected::Value)
        .unwrap_or_else(|faults| panic!("{text}\n{}", told(&faults)));
    assert_eq!(program.value(&world.row), expected, "{text}");
    if program.result_type() == crate::domain::FieldType::Bool {
        let truth = match expected {
            Ok(Value::Bool(true)) => Truth::True,
            Ok(_) => Truth::False,
            Err(_) => Truth::Undetermined,
        };
        assert_eq!(program.truth(&world.row), truth, "{text}");
    }
}

fn holds(text: &str) {
    check(text, Ok(Value::Bool(true)));
}

fn fails(text: &str) {
    check(text, Ok(Value::Bool(false)));
}

fn missing(name: &str) -> EvalError {
    EvalError::Missing(World::new().schema.get(name).map_or(FieldId(0), |field| field.id))
}

/// A missing value is an error that `&&` and `||` absorb where the other side decides: a rule must
/// neither fire on nothing nor be silenced by it.
#[test]
fn errors_are_absorbed_where_the_other_side_decides() {
    fails("off && no_flag");
    fails("no_flag && off");
    holds("no_flag || flag");
    holds("flag || no_flag");
    for text in ["flag && no_flag", "no_flag && flag", "off || no_flag", "!no_flag"] {
        check(text, Err(missing("no_flag")));
    }
    check("no_count > 3 && no_flag && flag", Err(missing("no_count")));
    fails("no_count > 3 && no_flag && off && flag");
    holds("1 / count > 5 || no_count / 0 > 1 || flag");
    check("no_flag ? 1 : 2", Err(missing("no_flag")));
    check("flag ? 1 : no_count", Ok(Value::Int(1)));
    check("off ? 1 : no_count", Err(missing("no_count")));
    holds("has(count) && !has(no_count)");
    fails("has(no_count) && no_count > 3");
    holds("has(attributes.tier) && attributes.tier == \"gold\"");
}

/// Whole numbers and floats compare as the numbers that they are: a rounded limit is another limit.
#[test]
fn numbers_compare_exactly() {
    holds("count == 7 && count != 8 && count >= 7 && count <= 7 && 6 < count && 8 > count");
    holds("count < 7.5 && count > 6.5 && count == 7.0 && 7.0 == count");
    holds("ratio > 2 && ratio < 3 && 2 < ratio && ratio != 2");
    // 2^63 - 1 is no double; the nearest is 2^63.
    holds("big < 9223372036854775808.0");
    fails("big == 9223372036854775808.0");
    holds("double(big) == 9223372036854775808.0");
    holds("ratio * 1.0e300 * 1.0e300 > 9223372036854775807");
    fails("0.0 / (ratio - 2.5) == 1.0");
    holds("0.0 / (ratio - 2.5) != 0.0 / (ratio - 2.5)");
    fails("big > 0.0 / (ratio - 2.5)");
    holds("count in [1, 7, 9] && !(count in [1, 9]) && count in [6.5, 7.0] && ratio in [2.5]");
    holds("7.0 * ratio / ratio in [7, 9223372036854775807]");
    fails("double(big) in [9223372036854775807]");
    fails("count in []");
    check("no_count in [1]", Err(missing("no_count")));
}

/// What leaves 64 bits or divides by zero is an error, not another number.
#[test]
fn arithmetic_is_checked() {
    check("count * 3 - 1", Ok(Value::Int(20)));
    check("-count / 2", Ok(Value::Int(-3)));
    check("-count % 4", Ok(Value::Int(-3)));
    check("big + 1", Err(EvalError::Overflow));
    check("-big - 2", Err(EvalError::Overflow));
    check("big * 2", Err(EvalError::Overflow));
    check("(-big - 1) / -1", Err(EvalError::Overflow));
    check("abs(-big - 1)", Err(EvalError::Overflow));
    check("-(-big - 1)", Err(EvalError::Overflow));
    check("1 / (count - 7)", Err(EvalError::DivideByZero));
    check("1 % (count - 7)", Err(EvalError::DivideByZero));
    check("ratio / 0.0", Ok(Value::Float(f64::INFINITY)));
    check("min(count, 3) + max(count, 3) + abs(-count)", Ok(Value::Int(17)));
    check("max(ratio, 1.0) - min(ratio, 1.0)", Ok(Value::Float(1.5)));
    check("int(ratio * -1.0) + int(at)", Ok(Value::Int(1_795_445_649)));
    check("int(double(big))", Err(EvalError::Overflow));
    check("10u + 0x10", Ok(Value::Int(26)));
    check("-9223372036854775808 + 0", Ok(Value::Int(i64::MIN)));
}

/// Money is minor units throughout, and leaves its type only when asked by name.
#[test]
fn money_stays_money() {
    holds("amount == money(\"1234.56 CNY\") && amount > large && money(\"1 CNY\") < amount");
    check("amount * 2 - money(\"0.56 CNY\")", Ok(Value::Money(246_856)));
    check("3 * -amount", Ok(Value::Money(-370_368)));
    check("amount / money(\"1000.00 CNY\")", Ok(Value::Float(1.23456)));
    check("amount / (amount - amount)", Err(EvalError::DivideByZero));
    check("double(amount)", Ok(Value::Float(123_456.0)));
    check("int(amount) % 100", Ok(Value::Int(56)));
    holds("amount in [money(\"1234.56 CNY\"), money(\"2 CNY\")]");
    check("amount * big", Err(EvalError::Overflow));
    check("max(amount, large)", Ok(Value::Money(123_456)));
}

/// Texts compare by code point; a name in Chinese is as long as it looks.
#[test]
fn texts_are_tested() {
    holds("city.startsWith(\"上海\") && city.endsWith(\"dong\") && city.contains(\" Pu\")");
    fails("city.startsWith(\"北\") || city.endsWith(\"北\") || city.contains(\"北\")");
    holds("size(city) == 9 && city.size() == 9 && city != \"\" && city > \"Z\"");
    holds("city in cities && city in [\"x\", \"上海 Pudong\"] && !(city in [\"y\"])");
    holds("city.matches(\"^上.*P[a-z]+$\") && !city.matches(\"^P\")");
    check("flag ? city : \"none\"", Ok(Value::Text("上海 Pudong")));
    check("no_city == \"x\"", Err(missing("no_city")));
    check("no_city.matches(\"x\")", Err(missing("no_city")));
    holds("sim == sim && flag != off");
    check("sim != no_sim", Err(missing("no_sim")));
    holds(
        r#"city == '上海 Pudong' && "a\n\u4e0a" == """a
上""" && r"\d" == "\\d""#,
    );
}

/// The night is the night where the customers live.
#[test]
fn moments_are_read_on_the_wall() {
    for (text, expected) in [
        ("at.getHours()", 22),
        ("at.getHours(\"UTC\")", 14),
        ("at.getMinutes()", 54),
        ("at.getSeconds()", 11),
        ("at.getMilliseconds()", 123),
        ("at.getDayOfWeek()", 1),
        ("at.getDate()", 23),
        ("at.getDayOfMonth()", 22),
        ("at.getMonth()", 10),
        ("at.getFullYear()", 2026),
        ("at.getDayOfYear()", 326),
        ("(at - timestamp(\"2026-11-23T14:00:00Z\")).getMinutes()", 54),
        ("duration(\"36h\").getHours()", 36),
        ("(duration(\"1s\") - duration(\"2500ms\")).getSeconds()", -1),
    ] {
        check(text, Ok(Value::Int(expected)));
    }
    holds("at - duration(\"1h\") < at && at + duration(\"1h\") > at");
    holds("at > timestamp(\"2026-11-23T14:54:11Z\")");
    check("at + duration(\"1000000h\")", Err(EvalError::Overflow));
    holds("abs(duration(\"-1h\")) == duration(\"60m\")");
}

/// What is written as a constant is one, so that the index and the lint can see it.
#[test]
fn constants_are_folded() {
    let world = World::new();
    for (text, expected) in [
        ("24 * 60", Constant::Int(1_440)),
        ("limit * 2", Constant::Int(10)),
        ("-large", Constant::Money(-100_000)),
        ("money(\"10 CNY\") * 3", Constant::Money(3_000)),
        ("duration(\"1h\") + duration(\"1m\")", Constant::Duration(3_660_000)),
        ("timestamp(\"2026-01-01T00:00:00Z\")", Constant::Timestamp(1_767_225_600_000)),
        ("['a', \"b\"]", Constant::List(Type::Text, vec![text("a"), text("b")])),
        ("[]", Constant::List(Type::Int, vec![])),
        ("cities", world.constants["cities"].clone()),
        ("true", Constant::Bool(true)),
    ] {
        assert_eq!(compile_constant(text, &start(), &world.scope()), Ok(expected), "{text}");
    }
}

fn text(text: &str) -> Constant {
    Constant::Text(text.into())
}

/// The columns that a program reads decide which features a bundle must keep.
#[test]
fn a_program_names_its_columns_once() {
    let world = World::new();
    let text = "ratio > 1.0 && (has(count) || count > 2 && ratio < 5.0)";
    let program = compile(text, &start(), &world.scope(), Expected::Condition).unwrap();
    let id = |name: &str| world.schema.get(name).unwrap().id;
    assert_eq!(program.fields(), [id("count"), id("ratio")]);
    assert_eq!(program.source(), text);
    let parts: Vec<_> = program.node().children().into_iter().map(|n| n.span).collect();
    let part = |n: usize| &text[parts[n].start as usize..parts[n].end as usize];
    assert_eq!((part(0), part(1)), ("ratio > 1.0", "has(count) || count > 2 && ratio < 5.0"));
}

/// A filter over facts and state is the same as its text: both polarities, and a missing fact
/// counts for neither.
#[test]
fn a_filter_is_what_it_says() {
    let world = World::new();
    let none = StateBits::default();
    let fraud = none.with(StateBit::LabelKnown).with(StateBit::LabelFraud);
    let reversed = none.with(StateBit::OutcomeKnown).with(StateBit::OutcomeReversed);
    for (text, expected) in [
        ("outcome.known", [false, false, true]),
        ("!outcome.reversed", [true, true, false]),
        ("label.fraud && count > 3", [false, true, false]),
        ("label.fraud && count > 9", [false, false, false]),
        ("label.fraud || count > 3", [true, true, true]),
        ("!(label.fraud && count > 3)", [true, false, true]),
        ("!(label.fraud || no_flag)", [false, false, false]),
        ("!(no_flag && flag && !label.fraud)", [false, true, false]),
        ("!(no_flag && off && !label.fraud)", [true, true, true]),
        ("label.known ? label.fraud : count > 3", [true, true, true]),
        ("no_flag ? label.fraud : !label.fraud", [false, false, false]),
        ("flag && ratio > 2", [true, true, true]),
    ] {
        let filter = compile_where(text, &start(), &world.scope())
            .unwrap_or_else(|faults| panic!("{text}\n{}", told(&faults)));
        let got = [none, fraud, reversed].map(|state| filter.holds(&world.row, state));
        assert_eq!(got, expected, "{text}");
    }
}

/// `exists` and `all` over a declared list are `||` and `&&` over its elements.
#[test]
fn lists_are_gone_over() {
    holds("cities.exists(c, city == c)");
    fails("cities.all(c, city == c)");
    holds("cities.all(c, size(c) >= 2) && [\"x\", \"上\"].exists(p, city.startsWith(p))");
    holds("[1, 7].exists(n, count == n && [2.0, 2.5].exists(r, ratio == r))");
    fails("[].exists(n, n)");
    holds("[].all(n, n)");
    holds("cities.exists(c, no_city == c) || flag");
    check("cities.exists(c, no_city == c)", Err(missing("no_city")));
    let world = World::new();
    for (text, message) in [
        ("count.exists(c, flag)", "`exists` and `all` go over a constant list"),
        ("cities.exists(count, flag)", "`count` is a column or a constant; choose another name"),
        ("cities.exists(c, c)", "bool is needed here, this is text"),
        ("cities.exists(c, d == c)", "there is no column or constant `d`"),
        ("cities.exists(1, flag)", "a variable is named first: `list.exists(x, ..)`"),
    ] {
        let faults = compile(text, &start(), &world.scope(), Expected::Value).err().unwrap();
        assert_eq!((faults.len(), faults[0].message.as_str()), (1, message), "{text}");
    }
    let eleven = "[0,1,2,3,4,5,6,7,8,9,10]";
    let nest =
        |times| (0..times).fold("flag".to_owned(), |b, n| format!("{eleven}.all(x{n}, {b})"));
    let faults = compile(&nest(6), &start(), &world.scope(), Expected::Value).err().unwrap();
    assert!(told(&faults).contains("at most 4096 terms"), "{}", told(&faults));
}

/// A distance is that of the sphere, symmetric, and an error outside of it.
#[test]
fn distances_are_of_the_sphere() {
    // Beijing to Shanghai.
    holds("distance_km(39.9042, 116.4074, 31.2304, 121.4737) > 1066.0");
    holds("distance_km(31.2304, 121.4737, 39.9042, 116.4074) < 1068.0");
    holds("distance_km(0, 0, 0, 180) > 20015.0 && distance_km(ratio, 1, ratio, 1) == 0.0");
    check("distance_km(ratio * 100.0, 0, 0, 0)", Err(EvalError::Overflow));
    check("distance_km(no_ratio, 0, 0, 0)", Err(missing("no_ratio")));
}
