//! What cel-spec says of literals, case by case, in the groups of its conformance suite.

use super::{NoValue, reckon};
use crate::domain::Zone;
use crate::lang::Place;

fn place() -> Place {
    Place { file: "expression".into(), line: 1, column: 1 }
}

/// The value as CEL writes it; `error: ` and the message of an error; `fault: ` and the first fault
/// of what has no meaning.
fn told(text: &str) -> String {
    match reckon(text, &place(), None) {
        Ok(value) => value.to_string(),
        Err(NoValue::Error(fault)) => format!("error: {}", fault.message),
        Err(NoValue::Meaning(faults)) => format!("fault: {}", faults[0].message),
    }
}

/// Each line is an expression, `=>`, and what must come out; an error or a fault is named by the
/// beginning of its message.
#[track_caller]
fn check(table: &str) {
    let mut count = 0;
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (text, expected) = line.split_once(" => ").expect("a case has two sides");
        let found = told(text.trim());
        let agrees = match expected.starts_with("error: ") || expected.starts_with("fault: ") {
            true => found.starts_with(expected.trim()),
            false => found == expected.trim(),
        };
        assert!(agrees, "{text}\n  found    {found}\n  expected {expected}");
        count += 1;
    }
    assert!(count > 0);
}

/// basic: every literal is its own value.
#[test]
fn literals_are_values() {
    check(
        r#"
        0 => 0
        0u => 0u
        0.0 => 0.0
        -0.0 => -0.0
        -9223372036854775808 => -9223372036854775808
        9223372036854775807 => 9223372036854775807
        18446744073709551615u => 18446744073709551615u
        9223372036854775808 => fault: invalid int literal
        18446744073709551616u => fault: invalid uint literal
        1e400 => fault: invalid double literal
        0x7fffffffffffffff => 9223372036854775807
        -0x55555555 => -1431655765
        0xFFFFFFFFFFFFFFFFu => 18446744073709551615u
        .5 => 0.5
        -2.3e+1 => -23.0
        6.02214e23 => 6.02214e23
        true => true
        false => false
        null => null
        '' => ""
        [] => []
        {} => {}
        [1, 'a', 2.0, null] => [1, "a", 2.0, null]
        {"k": "v", 1: [2u], true: {}} => {"k": "v", 1: [2u], true: {}}
        [-1] => [-1]
        {"a": 1, "a": 2} => error: repeated key
        {0: 1, 0u: 2} => error: repeated key
        {1.5: 1} => error: unsupported key type
        {null: 1} => error: unsupported key type
        x => fault: there is no `x`
        true || x => fault: there is no `x`
        f(1) => fault: there is no function `f`
        sise('a') => fault: there is no function `sise`
        'a'.startswith('b') => fault: there is no method `startswith`
        M{a: 1} => fault: there are no messages here
        123456789U => 123456789u
        0x55555555U => 1431655765u
        r"""""" => ""
        while => fault: reserved identifier: while
        1 + => fault: the expression ends
        "#,
    );
}

/// parse: texts and bytes with every escape, raw, in one line and in three quotes.
#[test]
fn texts_and_bytes_are_read_as_written() {
    check(
        r#"
        '\a\b\f\n\r\t\v\\\?\"\'\`' => "\u0007\u0008\u000c\n\r\t\u000b\\?\"'`"
        '\x41\X42\103\u00ff\U0001F600' => "ABCÿ😀"
        "四" => "四"
        r'\n' => "\\n"
        R"\x41" => "\\x41"
        '''a'b''' => "a'b"
        """a"b""" => "a\"b"
        r'''\''' => "\\"
        b'abc' => b"abc"
        b'\xff\377\000' => b"\xff\xff\x00"
        b'ÿ' => b"\xc3\xbf"
        br'\n' => b"\\n"
        rb"\x41" => b"\\x41"
        b'\u00ff' => fault: unable to unescape
        '\ud800' => fault: invalid unicode
        '\U00110000' => fault: invalid unicode
        '\q' => fault: unable to unescape
        '\400' => fault: unable to unescape
        'open => fault: unterminated
        bytes('\377') == b'\377' => false
        size(b'ÿ') => 2
        "#,
    );
    assert_eq!(told("'''a\r\nb'''"), "\"a\\r\\nb\"");
    assert_eq!(told("'''a\nb''' // done"), "\"a\\nb\"");
}

/// parse: what every implementation must bear, and white space and comments of every kind.
#[test]
fn nesting_and_blanks_are_borne() {
    let nest = |open: &str, core: &str, close: &str, times: usize| {
        format!("{}{core}{}", open.repeat(times), close.repeat(times))
    };
    for (text, expected) in [
        (nest("(", "7", ")", 32), "7"),
        (nest("size([", "0", "].map(x, 1))", 12), "1"),
        (nest("size({0: ", "1", "}.map(x, 1))", 12), "1"),
        (nest("[0][", "0", "]", 12), "0"),
        (nest("true ? true : ", "false", "", 24), "true"),
        (nest("false || ", "true", "", 32), "true"),
        (nest("true && ", "false", "", 32), "false"),
        (nest("", "3", " - 3 + 3", 12), "3"),
        (nest("", "4", " * 4 / 4", 12), "4"),
        (nest("!", "true", "", 32), "true"),
        (nest("-", "19", "", 32), "19"),
    ] {
        assert_eq!(told(&text), expected, "{text}");
    }
    for blank in [" ", "\t", "\n", "\u{c}", "\r", "\r\n", "// @\n"] {
        let text = "[ int ( 17 ) , { 'a' : 1 } . a ] [ 0 ] == ( 18 - 1 ) && ! false ? 1 : 2";
        assert_eq!(told(&text.replace(' ', blank)), "1", "{blank:?}");
    }
    let controls: String = ('\u{0}'..=' ').filter(|c| !matches!(c, '\n' | '\r')).collect();
    for (prefix, function) in [("", "size"), ("r", "size"), ("b", "size"), ("bR", "size")] {
        assert_eq!(told(&format!("{function}({prefix}'{controls}\u{7f}')")), "32", "{prefix}");
    }
}

/// integer_math and fp_math: what leaves its range or divides by zero is an error.
#[test]
fn arithmetic_stays_in_range_or_fails() {
    check(
        r#"
        40 + 2 => 42
        42 - 12 - 7 => 23
        6 * 7 => 42
        7 / 2 => 3
        -7 / 2 => -3
        7 % -5 => 2
        -7 % 5 => -2
        -(42) => -42
        --42 => 42
        1 + 2 * 3 - 4 / 2 % 2 => 7
        9223372036854775807 + 1 => error: a number leaves its range
        -9223372036854775808 - 1 => error: a number leaves its range
        5000000000 * 5000000000 => error: a number leaves its range
        -9223372036854775808 / -1 => error: a number leaves its range
        -9223372036854775808 * -1 => error: a number leaves its range
        0 - -9223372036854775808 => error: a number leaves its range
        1 / 0 => error: division by zero
        1 % 0 => error: division by zero
        42u + 2u => 44u
        42u - 12u => 30u
        0u - 1u => error: a number leaves its range
        18446744073709551615u + 1u => error: a number leaves its range
        5000000000u * 5000000000u => error: a number leaves its range
        7u / 2u => 3u
        7u % 2u => 1u
        1u / 0u => error: division by zero
        -(5u) => error: no such overload
        1 + 1u => error: no such overload
        1 + 1.0 => error: no such overload
        4.25 + 15.25 => 19.5
        42.0 - 12.0 => 30.0
        1.5 * -1.5 => -2.25
        1.0 / 0.0 => double("Infinity")
        -1.0 / 0.0 => double("-Infinity")
        0.0 / 0.0 => double("NaN")
        -0.0 => -0.0
        5.5 % 2.0 => error: no such overload
        -(4.5) => -4.5
        "#,
    );
}

/// comparisons: across types numbers are numbers, other types are different.
#[test]
fn equality_and_order_go_by_value() {
    check(
        r#"
        1 == 1 => true
        -1 == 1 => false
        1 == 1u => true
        1u == 1.0 => true
        1 == 1.5 => false
        -1 == 18446744073709551615u => false
        'a' == 1 => false
        'a' != 1 => true
        null == null => true
        null == false => false
        0.0 == -0.0 => true
        0.0/0.0 == 0.0/0.0 => false
        0.0/0.0 != 0.0/0.0 => true
        0.0/0.0 < 1.0 => false
        1 < 0.0/0.0 => false
        [0.0/0.0] == [0.0/0.0] => false
        [1] == [1.0] => true
        [1] == [1, 2] => false
        [[1, 'a']] == [[1u, 'a']] => true
        {'k': 1} == {'k': 1.0} => true
        {'k': 1, 'l': 2} == {'l': 2, 'k': 1} => true
        {'k': 1} == {'k': 2} => false
        {'k': 1} == {'l': 1} => false
        b'a' == b'a' => true
        b'a' == 'a' => false
        'abc' < 'abd' => true
        'Abc' < 'aBC' => true
        'α' < 'omega' => false
        b'a' <= b'b' => true
        false < true => true
        true < true => false
        1 < 2u => true
        -1 < 0u => true
        1 < 1.1 => true
        9223372036854775807 < 9223372036854775808.0 => true
        9223372036854775807 == 9223372036854775808.0 => false
        9007199254740993 == 9007199254740992.0 => false
        9007199254740993 > 9007199254740992.0 => true
        9007199254740993 in [9007199254740992.0] => false
        18446744073709551615u == 18446744073709551616.0 => false
        18446744073709551615u < 18446744073709551616.0 => true
        9223372036854775807 < 9223372036854777856.0 => true
        18446744073709551615u < 1e30 => true
        -9223372036854775808 > -1e30 => true
        1 < 'a' => error: no such overload
        [1] < [2] => error: no such overload
        null < null => error: no such overload
        timestamp('2001-01-01T00:00:00Z') < timestamp('2002-01-01T00:00:00Z') => true
        duration('60s') == duration('1m') => true
        type(1) == int => true
        type(1) == type(1u) => false
        2 in [1, 2, 3] => true
        2.0 in [1, 2, 3] => true
        2u in [1, 2, 3] => true
        4 in [1, 'a', 3] => false
        'a' in {'a': 1} => true
        1.0 in {1: 'a'} => true
        'b' in {'a': 1} => false
        null in [null] => true
        1 in [] => false
        1 in 1 => error: no such overload
        1 == 1 == true => true
        "#,
    );
}

/// logic: `&&` and `||` answer from either side where one decides, whatever the other is.
#[test]
fn errors_are_absorbed_where_the_other_side_decides() {
    check(
        r#"
        true && true => true
        true && false => false
        false && 1/0 == 1 => false
        1/0 == 1 && false => false
        1/0 == 1 && true => error: division by zero
        true && 1/0 == 1 => error: division by zero
        false && 'horses' => false
        'horses' && false => false
        'horses' && true => error: no such overload
        true && 'horses' => error: no such overload
        1/0 == 1 && 'horses' => error: division by zero
        true || 1/0 == 1 => true
        1/0 == 1 || true => true
        1/0 == 1 || false => error: division by zero
        false || 'horses' => error: no such overload
        'horses' || true => true
        !true => false
        !!true => true
        !0 => error: no such overload
        true ? 1 : 1/0 => 1
        false ? 1/0 : 2 => 2
        1/0 > 0 ? 1 : 2 => error: division by zero
        'a' ? 1 : 2 => error: no such overload
        true ? 1 : 'a' => 1
        false ? 1 : true ? 2 : 3 => 2
        true || false && false => true
        "#,
    );
}

/// string: by code point.
#[test]
fn texts_are_counted_and_searched_by_code_point() {
    check(
        r#"
        size('') => 0
        size('four') => 4
        size('πέντε') => 5
        size('😀') => 1
        'four'.size() => 4
        size(b'four') => 4
        size([1, 2]) => 2
        size({'a': 1}) => 1
        [1].size() => 1
        size(1) => error: no such overload
        'foobar'.startsWith('foo') => true
        'foobar'.startsWith('') => true
        'foobar'.endsWith('bar') => true
        'pépé'.contains('ép') => true
        'foobar'.contains('x') => false
        'a'.contains(1) => error: no such overload
        'hubba'.matches('ubb') => true
        'hubba'.matches('^ubb') => false
        matches('hubba', 'h.*a$') => true
        'αβ'.matches('^.{2}$') => true
        'a'.matches('(') => error: not a pattern
        'he' + 'llo' => "hello"
        b'ab' + b'c' => b"abc"
        'a' + 1 => error: no such overload
        [1] + ['a'] => [1, "a"]
        "#,
    );
}

/// lists and fields: by place and by key, and what is not there is an error.
#[test]
fn members_are_found_or_missed() {
    check(
        r#"
        [7, 8, 9][0] => 7
        [7, 8, 9][2u] => 9
        [7, 8, 9][1.0] => 8
        [7, 8, 9][0.1] => error: index out of bounds
        [7, 8, 9][3] => error: index out of bounds
        [7, 8, 9][-1] => error: index out of bounds
        [7]['a'] => error: no such overload
        1[0] => error: no such overload
        {'name': 100}.name => 100
        {'name': 100}['name'] => 100
        {'name': 100}.age => error: no such key
        {'a': {'b': 7}}.a.b => 7
        {1: 'a', true: 'b'}[true] => "b"
        {1: 'a'}[1u] => "a"
        {1u: 'a'}[1.0] => "a"
        {1: 'a'}[1.1] => error: no such key
        {1: 'a'}['x'] => error: no such key
        {'a': 1}.a.b => error: no such overload
        has({'a': 1}.a) => true
        has({'a': 1}.b) => false
        has({'a': {}}.a.b) => false
        has({'a': 1}.b.c) => error: no such key
        has([1].a) => error: no such overload
        has('a') => fault: `has` asks for a field
        {'map': 1, 'has': 2}.map => 1
        has({'filter': 1}.filter) => true
        has({'filter': 1}.all) => false
        {'/api/v1': true, '/api/v2': false}.`/api/v1` => true
        {'content-type': 'json'}.`content-type` => "json"
        {'foo.txt': 32}.`foo.txt` => 32
        has({'/api/v1': true}.`/api/v3`) => false
        has({'foo.txt': 32}.`foo.txt`) => true
        `a` => fault: unexpected quoted identifier
        {'a': 1}.`a => fault: unterminated
        {'if': 1, 'namespace': 2}.namespace => 2
        {3.3: 1, 1.0: 5}[1.0] => error: unsupported key type
        {1: 2}[[1]] => error: no such key: no list is one
        [{'a': 1}, {'a': 2}][1].a => 2
        [[[[[[[[[[[['foo']]]]]]]]]]]][0][0][0][0][0][0][0][0][0][0][0][0] => "foo"
        "#,
    );
}

/// conversions: exact or an error.
#[test]
fn conversions_are_exact_or_fail() {
    check(
        r#"
        int(42u) => 42
        int(18446744073709551615u) => error: a number leaves its range
        int(1.9) => 1
        int(-7.9) => -7
        int(1e99) => error: a number leaves its range
        int(0.0/0.0) => error: a number leaves its range
        int(9223372036854775807.0) => error: a number leaves its range
        int('-987') => -987
        int('1.5') => error: the text is no int
        int(true) => error: no such overload
        int(timestamp('2004-09-16T23:59:59Z')) => 1095379199
        uint(1729) => 1729u
        uint(-1) => error: a number leaves its range
        uint(3.99) => 3u
        uint(1e19) => 10000000000000000000u
        uint(6.022e23) => error: a number leaves its range
        uint('300') => 300u
        double(9223372036854775807) => 9.223372036854776e18
        double(123u) => 123.0
        double('-84.32e7') => -843200000.0
        double('-0.0') => -0.0
        double('NaN') => double("NaN")
        double('x') => error: the text is no double
        string(123) => "123"
        string(9876u) => "9876"
        string(123.456) => "123.456"
        string(-4.5e-3) => "-0.0045"
        string(1e100) => "1e+100"
        string(true) => "true"
        string(b'\303\277') => "ÿ"
        string(b'\000\xff') => error: invalid UTF-8
        string(timestamp('2009-02-13T23:31:30Z')) => "2009-02-13T23:31:30Z"
        string(timestamp('9999-12-31T23:59:59.999999999Z')) => "9999-12-31T23:59:59.999999999Z"
        string(duration('1000000s')) => "1000000s"
        string(duration('1.5s')) => "1.5s"
        string(null) => error: no such overload
        bytes('ÿ') => b"\xc3\xbf"
        bool('true') => true
        bool('f') => false
        bool('yes') => error: the text is neither
        type(dyn([1, 'one'])) => list
        type({4: 16}) => map
        type(null) => null_type
        type(type(7)) == type(type(7u)) => true
        type(type) => type
        type(b'') => bytes
        type(timestamp('2009-02-13T23:31:30Z')) => google.protobuf.Timestamp
        type(duration('1s')) == google.protobuf.Duration => true
        [int, null_type, google.protobuf.Timestamp] => [int, null_type, google.protobuf.Timestamp]
        dyn => fault: there is no `dyn`
        map => map
        [bool, list, type(map)] => [bool, list, type]
        all => fault: there is no `all`
        int(uint(int(uint(int(uint(int(uint(int(uint(int(uint(7)))))))))))) => 7
        "#,
    );
}

/// timestamps: moments and durations to the nanosecond, on any wall clock, within their range.
#[test]
fn moments_and_durations_keep_their_calendar() {
    check(
        r#"
        timestamp('2009-02-13T23:31:30Z').getDate() => 13
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth() => 12
        timestamp('2009-02-13T23:31:30Z').getDayOfWeek() => 5
        timestamp('2009-02-15T23:31:30Z').getDayOfWeek() => 0
        timestamp('2009-02-13T23:31:30Z').getDayOfYear() => 43
        timestamp('2009-02-13T23:31:30Z').getFullYear() => 2009
        timestamp('2009-02-13T23:31:30Z').getMonth() => 1
        timestamp('2009-02-13T23:31:30Z').getHours() => 23
        timestamp('2009-02-13T23:31:30Z').getMinutes() => 31
        timestamp('2009-02-13T23:31:30Z').getSeconds() => 30
        timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds() => 123
        timestamp('2009-02-13T23:31:30Z').getDate('Australia/Sydney') => 14
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth('US/Central') => 12
        timestamp('2009-02-13T23:31:30Z').getDayOfMonth('+11:00') => 13
        timestamp('2009-02-13T02:00:00Z').getDayOfMonth('-02:30') => 11
        timestamp('2009-02-13T23:31:30Z').getHours('02:00') => 1
        timestamp('2009-02-13T23:31:30Z').getMinutes('Asia/Kathmandu') => 16
        timestamp('2009-02-13T23:31:30Z').getSeconds('-00:00') => 30
        timestamp('2009-02-13T23:31:30Z').getHours('Nowhere/At') => error: a zone is an IANA name
        timestamp('2009-02-13T23:31:30Z').getHours('+99:00') => error: a zone is an IANA name
        timestamp(1234567890) => timestamp("2009-02-13T23:31:30Z")
        timestamp('1969-12-31T23:59:59.5Z') => timestamp("1969-12-31T23:59:59.5Z")
        int(timestamp('1969-12-31T23:59:59.5Z')) => -1
        timestamp('2026-11-23T02:30:00+08:00') => timestamp("2026-11-22T18:30:00Z")
        timestamp('0001-01-01T00:00:00Z') => timestamp("0001-01-01T00:00:00Z")
        timestamp('0000-01-01T00:00:00Z') => error: the moment leaves the range
        timestamp('10000-01-01T00:00:00Z') => error: the moment leaves the range
        timestamp('2009-02-30T00:00:00Z') => error: a moment is RFC 3339
        timestamp('2009-02-13') => error: a moment is RFC 3339
        timestamp('2009-02-13T23:31:30') => error: a moment is RFC 3339
        timestamp('9999-12-31T23:59:59.999999999Z') + duration('1ns') => error: the moment leaves the range
        timestamp('0001-01-01T00:00:00Z') + duration('-1ns') => error: the moment leaves the range
        timestamp('0001-01-01T00:00:00Z') - duration('1s') => error: the moment leaves the range
        timestamp('9999-12-31T23:59:59Z') - timestamp('0001-01-01T00:00:00Z') => error: the duration leaves
        timestamp('2009-02-13T23:00:00Z') + duration('240s') => timestamp("2009-02-13T23:04:00Z")
        duration('120s') + timestamp('2009-02-13T23:01:00Z') => timestamp("2009-02-13T23:03:00Z")
        timestamp('2009-02-13T23:31:00Z') - timestamp('2009-02-13T23:29:00Z') => duration("120s")
        timestamp('0001-01-01T00:00:01.000000001Z') + duration('-999999999ns') => timestamp("0001-01-01T00:00:00.000000002Z")
        duration('600s') + duration('50s') => duration("650s")
        duration('900s') - duration('42s') => duration("858s")
        duration('1h30m') => duration("5400s")
        duration('-1.5h') => duration("-5400s")
        duration('1us') => duration("0.000001s")
        duration('0') => duration("0s")
        duration('10') => error: a duration is as in
        duration('s') => error: a duration is as in
        duration('-320000000000s') => error: the duration leaves
        duration('320000000000s') => error: the duration leaves
        duration('200000000000s') + duration('200000000000s') => error: the duration leaves
        duration('9000000000s') + duration('9000000000s') => error: the duration leaves
        duration('10000s').getHours() => 2
        duration('3730s').getMinutes() => 62
        duration('3730s').getSeconds() => 3730
        duration('123.321456789s').getMilliseconds() => 321
        duration('1s').getDate() => error: no such overload
        timestamp('2009-02-13T23:31:30Z') + 1 => error: no such overload
        duration('1s') + duration('1s') > duration('1s') => true
        -duration('1s') => error: no such overload
        "#,
    );
}

/// macros: over the items of a list and the keys of a map.
#[test]
fn macros_follow_and_or_and_order() {
    check(
        r#"
        [1, 2, 3].exists(e, e == 2) => true
        [1, 2, 3].exists(e, e > 3) => false
        [1, 'foo', 3].exists(e, e != '1') => true
        [1, 2, 3].exists(e, e / 0 == 17) => error: division by zero
        [0, 1].exists(e, 1 / e == 1) => true
        [].exists(e, e == 2) => false
        {'key1': 1, 'key2': 2}.exists(k, k == 'key2') => true
        [1, 2, 3].all(e, e > 0) => true
        [1, 'foo', 3].all(e, e == 1) => false
        [1, 'foo', 3].all(e, e % 2 == 1) => error: no such overload
        [1, 2, 3].all(e, 6 / (2 - e) == 6) => false
        [1, 2, 3].all(e, e / 0 != 17) => error: division by zero
        [].all(e, e > 0) => true
        [1].all(e, e) => error: no such overload
        [6, 7, 8].exists_one(foo, foo % 5 == 2) => true
        [6, 7, 8].existsOne(foo, foo % 5 == 2) => true
        [0, 1, 2, 3, 4].exists_one(n, n % 2 == 1) => false
        [3, 2, 1, 0].exists_one(n, 12 / n > 1) => error: division by zero
        {6: 'six', 7: 'seven', 8: 'eight'}.exists_one(foo, foo % 5 == 2) => true
        [2, 4, 6].map(n, n / 2) => [1, 2, 3]
        [2, 1, 0].map(n, 4 / n) => error: division by zero
        [1, 2, 3, 4].map(n, n % 2 == 0, n * n) => [4, 16]
        {1: 1, 2: 4}.map(x, x * x) => [1, 4]
        [0, 1, 2, 3, 4].filter(x, x % 2 == 1) => [1, 3]
        [3, 2, 1, 0].filter(n, 12 / n > 4) => error: division by zero
        {0: 10, 1: 11}.filter(x, x == 1) => [1]
        [[1, 2], [3]].map(l, l.map(x, x + 1)) => [[2, 3], [4]]
        [1, 2].map(x, [10, 20].map(y, x * y)) => [[10, 20], [20, 40]]
        [1].map(x, [x].map(x, x + 1)) => [[2]]
        [1, 2].exists(x, [1].all(y, y == x)) => true
        [1].map(x, x) == [1] && [2].map(x, x) == [2] => true
        1.all(x, true) => error: no such overload
        [1].map(1, 2) => fault: a macro names its variables
        [1].all(x, y) => fault: there is no `y`
        [1].map(x, 1) + [x] => fault: there is no `x`
        [1].map(x) => fault: `map` is as in `[1, 2].map(x, x + 1)`
        [1].filter(i, x, true) => fault: `filter` is as in
        [1].exits(x, x > 0) => fault: there is no method `exits`
        "#,
    );
}

/// macros2: with two variables, an index and its item or a key and its value.
#[test]
fn macros_of_two_variables_know_where_they_are() {
    check(
        r#"
        [1, 2, 3].exists(i, v, i == 1 && v == 2) => true
        [1, 2, 3].exists(i, v, i > 2 && v > 3) => false
        [1, 'foo', 3].exists(i, v, i == 3 || v == '10') => false
        [1, 2, 3].exists(i, v, v / i == 17) => error: division by zero
        [].exists(i, v, i == 0 || v == 2) => false
        {'a': 1, 'b': 2}.exists(k, v, k == 'b' && v == 2) => true
        !{'key': 1, 1: 42}.exists(k, v, k == 2 && v == 43) => true
        [1, 2, 3].all(i, v, i > -1 && v > 0) => true
        [0, 'foo', 3].all(i, v, v % 2 == i) => false
        [0, 'foo', 5].all(i, v, v % 3 == i) => error: no such overload
        [1, 2, 3].all(i, v, 6 / (2 - v) == i) => false
        {'a': 1, 'b': 2}.all(k, v, k == 'b' && v == 2) => false
        [5, 7, 8].existsOne(i, v, v % 5 == i) => true
        [5, 7, 8].exists_one(i, v, v % 5 == i) => true
        [0, 1, 2, 3, 4].existsOne(i, v, v % 2 == i) => false
        [3, 2, 1, 0].existsOne(i, v, v / i > 1) => error: division by zero
        {6: 'six', 7: 'seven'}.existsOne(k, v, k % 5 == 2 && v == 'seven') => true
        [].transformList(i, v, i / v) => []
        [2, 4, 6].transformList(i, v, v / 2 + i) => [1, 3, 5]
        [2, 4, 6].transformList(i, v, i != 1 && v != 4, v / 2 + i) => [1, 5]
        {'a': 1}.transformList(k, v, k) => ["a"]
        [2, 1, 0].transformList(i, v, v / i) => error: division by zero
        [2, 1, 0].transformList(i, v, v / i > 0, v) => error: division by zero
        {}.transformMap(k, v, k + v) => {}
        {'foo': 'bar', 'baz': 'bux'}.transformMap(k, v, k + v) => {"foo": "foobar", "baz": "bazbux"}
        {'foo': 'bar', 'baz': 'bux'}.transformMap(k, v, k != 'baz', k + v) => {"foo": "foobar"}
        ['a', 'b'].transformMap(i, v, v) => {0: "a", 1: "b"}
        {'foo': 2, 'baz': 0}.transformMap(k, v, 4 / v) => error: division by zero
        {'foo': 2, 'baz': 0}.transformMap(k, v, k == 'baz' && 4 / v == 0, v) => error: division by zero
        {'a': 1, 'b': 2}.transformMapEntry(k, v, {v: k}) => {1: "a", 2: "b"}
        {'a': 1, 'b': 1}.transformMapEntry(k, v, {v: k}) => error: repeated key
        {'a': 1}.transformMapEntry(k, v, v) => error: no such overload
        [[1, 2], [3]].transformList(i, l, l.transformList(j, x, x * 10 + i)) => [[10, 20], [31]]
        [1].all(x, x, true) => fault: `x` is already the macro's other variable
        [1].all(x, 1, true) => fault: a macro names its variables first
        [1].transformList(x, x) => fault: `transformList` is as in
        1.transformMap(k, v, v) => error: no such overload
        "#,
    );
}

/// Macros within macros multiply: such an expression ends with an error, soon and in little memory.
#[test]
fn what_explodes_is_stopped() {
    let list = "[0,1,2,3,4,5,6,7,8,9]";
    let nest = |times: usize, core: &str| {
        (0..times).fold(core.to_owned(), |body, depth| format!("{list}.all(x{depth}, {body})"))
    };
    assert!(told(&nest(12, "true")).starts_with("error: the expression takes too long"));
    let doubled = (0..40).fold("['a']".to_owned(), |list, _| format!("{list}.map(x, x + x)"));
    assert!(told(&doubled).starts_with("error: the value grows too large"));
    // Small in memory, as its parts are shared, and endless to write or to compare.
    let paired = (0..30).fold("[1]".to_owned(), |list, _| format!("{list}.map(x, [x, x])"));
    assert!(told(&paired).starts_with("error: the value grows too large"));
    let compared = format!("[{paired}].exists(x, x == x)");
    assert!(told(&compared).starts_with("error: the expression takes too long"));
    assert!(told(&format!("{{}}[{paired}]")).starts_with("error: no such key"));
    let sought = "[0,1,2,3,4,5,6,7,8,9]";
    let sought = (0..4).fold(sought.to_owned(), |list, _| format!("{list}.map(x, x + 1)"));
    let many = format!("[{sought}]{}", ".map(x, x + x)".repeat(16));
    let sought = format!("{many}.exists(l, l.exists(y, -1 in l))");
    assert!(told(&sought).starts_with("error: the expression takes too long"));
}

/// With the bundle's zone a time of day is what a rule reads.
#[test]
fn a_zone_is_where_hours_are_read() {
    let zone = Zone::parse("Asia/Shanghai").unwrap();
    let text = "timestamp('2009-02-13T23:31:30Z').getHours()";
    assert_eq!(reckon(text, &place(), Some(&zone)).unwrap().to_string(), "7");
    assert_eq!(told(text), "23");
}

/// An error points at the operator or the call that has no value.
#[test]
fn an_error_has_its_place() {
    let Err(NoValue::Error(fault)) = reckon("[1, 2].map(x, 1 / (x - 1))", &place(), None) else {
        panic!("it divides by zero");
    };
    assert_eq!((fault.line, fault.column), (1, 17));
}
