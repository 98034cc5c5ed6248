//! Tables and scorecards as rules.

use crate::bundle::{Bundle, Fault, shipped_files};

const TABLE: &str = r#"
tables:
  - id: LIM
    name: Limits
    kinds: [payment]
    columns: [merchant_mcc, amount_base, is_night, double(card_payments_10m)]
    reason: {code: over_limit, text: "Over the limit of its class."}
    then: {action: challenge}
    rows:
      - {when: ["5411 | 5412", ">= 5000.00", any, any]}
      - {when: ["!5411", "1000..2000", yes, ""], then: {action: decline, points: 100}}
      - {when: [any, any, no, "> 9"]}
    cases:
      - {name: dear food, given: {merchant_mcc: "5411", amount_base: money("5000.00 CNY"), is_night: false, card_payments_10m: 0}, expect: [row1]}
      - {name: at night, given: {merchant_mcc: "7995", amount_base: money("1999.99 CNY"), is_night: true, card_payments_10m: 0}, expect: [row2]}
      - {name: both, given: {merchant_mcc: "5411", amount_base: money("5000.00 CNY"), is_night: false, card_payments_10m: 10}, expect: [row1, row3]}
      - {name: none, given: {merchant_mcc: "5411", amount_base: money("1.00 CNY"), is_night: false, card_payments_10m: 0}, expect: []}
scorecards:
  - id: SC
    name: Habits
    reason: over_limit
    attributes:
      - value: card_payments_10m
        bins:
          - {when: "< 3", points: 0}
          - {when: "3..6", points: 40}
          - {when: ">= 6", points: 90}
          - {when: missing, points: 10}
      - {value: is_night, bins: [{when: yes, points: 30}]}
    cases:
      - {name: four at night, given: {card_payments_10m: 4, is_night: true}, expect: [a1b2, a2b1]}
      - {name: many by day, given: {card_payments_10m: 6, is_night: false}, expect: [a1b3]}
      - {name: nothing known, given: {is_night: false}, expect: [a1b4]}
"#;

fn with(files: &[(&str, &str)]) -> Result<Bundle, Vec<Fault>> {
    let mut all = shipped_files();
    for (name, text) in files {
        all.insert((*name).to_owned(), text.as_bytes().to_vec());
    }
    Bundle::compile(&all)
}

/// Rows and bins are rules of their own, with the effects and the cases of their table.
#[test]
fn rows_and_bins_are_rules() {
    let bundle = with(&[("z.yaml", TABLE)]).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let rules: Vec<_> =
        bundle.rules.rules().iter().filter(|rule| &*rule.place.file == "z.yaml").collect();
    let told: Vec<String> = rules
        .iter()
        .map(|rule| format!("{} {} {}", rule.id, rule.effect.points, rule.when.source()))
        .collect();
    assert_eq!(
        told,
        [
            "LIM/row1 0 merchant_mcc in [\"5411\", \"5412\"] && amount_base >= money(\"5000.00 CNY\")",
            "LIM/row2 100 merchant_mcc != \"5411\" && amount_base >= money(\"1000 CNY\") && amount_base < \
         money(\"2000 CNY\") && is_night",
            "LIM/row3 0 !is_night && (double(card_payments_10m)) > 9",
            "SC/a1b2 40 card_payments_10m >= 3 && card_payments_10m < 6",
            "SC/a1b3 90 card_payments_10m >= 6",
            "SC/a1b4 10 !has(card_payments_10m)",
            "SC/a2b1 30 is_night",
        ]
    );
    let trial = bundle.test();
    let failed: Vec<_> = trial.failures.iter().map(|one| (&one.rule, &one.case, one.got)).collect();
    let undetermined = |got| got == crate::bundle::Expect::Undetermined;
    // Where nothing is known, bins that compare cannot tell; that is as silent as a bin can be.
    assert!(
        failed.iter().all(|(_, case, got)| *case == "nothing known" && undetermined(*got)),
        "{failed:?}"
    );
    assert!(
        trial.never_fires.iter().all(|rule| !rule.starts_with("LIM")),
        "{:?}",
        trial.never_fires
    );
}

/// Rows may stand in a CSV file, with what they ask for.
#[test]
fn rows_may_stand_in_csv() {
    let table = "tables:\n  - id: C\n    name: x\n    columns: [merchant_mcc, amount_base]\n    reason: night\n    \
                 rows: limits.csv\n";
    let csv = "merchant_mcc,amount_base,follow_ups,action,points\n5411,>= 500,review hold,decline,\n\
               7995 | 7994,-,,,50\n";
    let bundle = with(&[("z.yaml", table), ("limits.csv", csv)]);
    let bundle = bundle.unwrap_or_else(|faults| panic!("{faults:#?}"));
    let rules: Vec<_> =
        bundle.rules.rules().iter().filter(|rule| rule.id.starts_with("C/")).collect();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].effect.action, Some(crate::domain::Action::Decline));
    assert_eq!(rules[1].effect.points, 50);
    assert_eq!(rules[1].when.source(), "merchant_mcc in [\"7995\", \"7994\"]");
    assert_eq!(
        rules[0].when.source(),
        "merchant_mcc == \"5411\" && amount_base >= money(\"500 CNY\")"
    );
    let csv = "merchant_mcc,amount_base,points\n5411,abc,5\n5412,> 1,many\n";
    let faults = with(&[("z.yaml", table), ("limits.csv", csv)]);
    let told: Vec<String> = faults
        .err()
        .unwrap_or_default()
        .iter()
        .map(|fault| format!("{}:{} {}", fault.file, fault.at.line, fault.message))
        .collect();
    assert_eq!(
        told,
        [
            "limits.csv:2 there is no column or constant `abc`",
            "limits.csv:3 `points` must be a whole number from -1000 to 1000",
        ]
    );
}

/// Every fault of a table stands at its cell; a file of values that nobody asks for is none of a
/// bundle.
#[test]
fn faults_of_tables_stand_at_their_cells() {
    let table = "tables:
  - id: T
    name: x
    columns: [merchant_mcc, amount_base, nothing]
    reason: night
    rows: [{when: [a]}]
  - id: U
    name: x
    columns: [amount_base]
    reason: night
    rows:
      - {when: ['> ip_tor']}
      - {when: [1, 2], then: {points: 1}}
    cases: [{name: x, given: {}, expect: [row7]}]
  - {id: V, name: x, columns: [kind], reason: night, rows: none.csv}
";
    let faults = with(&[("z.yaml", table), ("other.csv", "")]).err().unwrap_or_default();
    let told: Vec<String> = faults
        .iter()
        .map(|fault| {
            format!("{}:{}:{} {}", fault.file, fault.at.line, fault.at.column, fault.message)
        })
        .collect();
    for (told, wanted) in told.iter().zip([
        "other.csv:0:0 no table reads it",
        "z.yaml:4:42 there is no column or constant `nothing`",
        "z.yaml:12:17 cannot compare money with bool",
        "z.yaml:12:9 `then` is missing",
        "z.yaml:13:9 2 cells for 1 columns",
        "z.yaml:14:43 unknown row: `row7`",
        "z.yaml:15:60 unknown CSV file of this bundle: `none.csv`",
    ]) {
        assert!(told.starts_with(wanted) || told.contains("12:"), "{told}\n{wanted}");
    }
    assert_eq!(told.len(), 7, "{told:#?}");
}

/// What a file of rows says is what holds: a header that is not the table's, a line with a cell too
/// few or too many, one that asks nothing and one that does nothing are faults with their line. A
/// journal's bundle that was put in force with them still loads, and means what it meant.
#[test]
fn a_file_of_rows_means_what_it_shows() {
    let table = "tables:\n  - id: C\n    name: x\n    columns: [card_payments_10m, account_outs_24h]\n    \
                 reason: night\n    rows: limits.csv\n";
    #[track_caller]
    fn check(table: &str, csv: &str, expected: &[&str]) -> Option<Bundle> {
        let mut files = shipped_files();
        files.insert("z.yaml".to_owned(), table.as_bytes().to_vec());
        files.insert("limits.csv".to_owned(), csv.as_bytes().to_vec());
        let faults = Bundle::compile(&files).err().unwrap_or_default();
        let told: Vec<String> = faults
            .iter()
            .map(|fault| format!("{}:{} {}", fault.file, fault.at.line, fault.message))
            .collect();
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(expected), "{told}\n{expected}");
        }
        Bundle::compile_kept(&files).ok()
    }
    let rows = |bundle: Option<Bundle>| {
        let bundle = bundle.unwrap();
        let rules = bundle.rules.rules().iter().filter(|rule| rule.id.starts_with("C/"));
        rules.map(|rule| rule.when.source().to_owned()).collect::<Vec<_>>()
    };
    let swapped = "account_outs_24h,card_payments_10m,action\n>= 5,any,decline\n";
    let kept = check(table, swapped, &["limits.csv:1 the columns stand in another order"]);
    assert_eq!(rows(kept), ["card_payments_10m >= 5"]);
    let kept = check(
        table,
        "payments,outs,action\n>= 5,any,decline\n",
        &[
            "limits.csv:1 the header has no column `account_outs_24h`",
            "limits.csv:1 the header has no column `card_payments_10m`",
            "limits.csv:1 unknown column of the table: `outs`",
            "limits.csv:1 unknown column of the table: `payments`",
        ],
    );
    assert_eq!(rows(kept), ["card_payments_10m >= 5"]);
    let header = "card_payments_10m,account_outs_24h,action\n";
    let kept = check(
        table,
        &format!("{header}5\n1,2,decline,3\n,,decline\nany,any,review\n"),
        &[
            "limits.csv:2 1 cells for a header of 3",
            "limits.csv:2 the row asks for nothing",
            "limits.csv:3 4 cells for a header of 3",
            "limits.csv:4 no cell says anything",
            "limits.csv:5 unknown `action`: `review`",
        ],
    );
    assert!(kept.is_none());
    assert_eq!(rows(check(table, &format!("{header}any,any,decline\n"), &[])), ["true"]);
    let kept = check(
        table,
        &format!("{header}\"> 1,000\",null,decline\n"),
        &[
            "limits.csv:2 `account_outs_24h`: `null` is no value here",
            "limits.csv:2 `card_payments_10m`: `,` has no meaning here; thousands have no",
        ],
    );
    assert!(kept.is_none());
    check(
        table,
        "card_payments_10m,card_payments_10m,account_outs_24h,action\n1,1,1,decline\n",
        &[
            "limits.csv:1 `card_payments_10m` stands twice",
            "limits.csv:1 the header has the 2 columns",
        ],
    );
    check(table, header, &["limits.csv:1 a table without rows"]);
    let lines = "card_payments_10m,account_outs_24h,action\r\n1,1,decline\r\n\r\n,,decline\r\n";
    check(table, lines, &["limits.csv:4 no cell says anything"]);
}

/// A value that its column never has, a set that is negated in part, an empty range, a text in an
/// order that it does not have: each is a fault at its cell; what can be meant has a meaning.
#[test]
fn a_cell_that_can_never_hold_is_a_fault() {
    #[track_caller]
    fn check(column: &str, cell: &str, expected: Result<&str, &str>) {
        let table = format!(
            "tables:\n  - id: C\n    name: x\n    columns: ['{column}']\n    then: {{points: 1}}\n    \
             reason: night\n    rows:\n      - {{when: ['{cell}']}}\n"
        );
        match (with(&[("z.yaml", &table)]), expected) {
            (Ok(bundle), Ok(source)) => {
                let rule = bundle.rules.rules().iter().find(|rule| rule.id == "C/row1").unwrap();
                assert_eq!(rule.when.source(), source, "{cell}");
            }
            (Err(faults), Err(named)) => {
                let told: Vec<&str> = faults.iter().map(|fault| &*fault.message).collect();
                assert_eq!((faults.len(), faults[0].at.line), (1, 8), "{cell}: {told:?}");
                assert!(told[0].contains(named), "{cell}: {}", told[0]);
            }
            (got, _) => panic!("{column}, {cell}: {:?}", got.map(|_| "accepted")),
        }
    }
    check("merchant_mcc", "5411|5412", Ok("merchant_mcc in [\"5411\", \"5412\"]"));
    check("merchant_mcc", "!(5411 | 5412)", Ok("!(merchant_mcc in [\"5411\", \"5412\"])"));
    check("merchant_mcc", "!5411", Ok("merchant_mcc != \"5411\""));
    check("merchant_mcc", "!missing", Ok("has(merchant_mcc)"));
    check("merchant_mcc", "3000..3299", Ok("merchant_mcc >= \"3000\" && merchant_mcc < \"3299\""));
    check("merchant_mcc", "!5411 | 5412", Err("write `!(5411 | 5412)`"));
    check("merchant_mcc", "742", Err("`merchant_mcc` is never `742`: it has four digits"));
    check("merchant_mcc", "５４１１", Err("four digits"));
    check("merchant_mcc", "5411,5412", Err("separate values by `|`"));
    check("merchant_mcc", "≥ 5", Err("did you mean `>=`?"));
    check("kind", "paymnet | transfer", Err("did you mean `payment`?"));
    check("entry_mode", "!nfc", Err("it is one of: chip"));
    check("card_country", "cn", Err("two capital letters"));
    check("device_os_version", ">= 10", Err("letter by letter"));
    check("merchant_city", "上\u{200b}海", Err("U+200B"));
    check("merchant_city", "Zu\u{308}rich", Err("U+0308"));
    check("merchant_city", "\"a|b\"", Ok("merchant_city == \"a|b\""));
    check("card_payments_10m", "60_000", Ok("card_payments_10m == 60000"));
    check("card_payments_10m", "2.5", Err("a whole number is never 2.5"));
    check("card_payments_10m", "6..3", Err("the range is empty"));
    check("card_payments_10m", "many", Err("there is no column or constant `many`"));
    check("card_payments_10m", "5 || true", Err("did you mean `|`?"));
    check("amount_base", "5000.00..1_000.00", Err("the range is empty"));
    check(
        "amount_base",
        "1000.00 | 2000.00",
        Ok("amount_base in [money(\"1000.00 CNY\"), money(\"2000.00 CNY\")]"),
    );
    check("is_night", "!yes", Ok("!is_night"));
    check("is_night", "maybe", Err("`yes`, `no`"));
}

/// The same holds in a rule, in a filter and in a case: what no event has is no condition.
#[test]
fn a_comparison_that_never_holds_is_a_fault_everywhere() {
    #[track_caller]
    fn check(when: &str, given: &str, expected: &[&str]) {
        let file = format!(
            "rules:\n  - id: Z\n    name: x\n    when: '{when}'\n    then: {{points: 1}}\n    reason: night\n    \
             cases:\n      - {{name: a, given: {{{given}}}, expect: silent}}\n"
        );
        let faults = with(&[("z.yaml", &file)]).err().unwrap_or_default();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.message).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{told}");
        }
    }
    check("kind == \"payment\"", "kind: payment", &[]);
    check("kind == \"paymnet\"", "kind: payment", &["`kind` is never `paymnet`"]);
    check(
        "!(merchant_mcc in [\"5411\", \"742\"])",
        "kind: payment",
        &["`merchant_mcc` is never `742`"],
    );
    check("kind == \"payment\"", "kind: paymint", &["did you mean `payment`?"]);
    check("kind == \"payment\"", "merchant_city: null", &["nothing is null here"]);
    check("kind == \"payment\"", "merchant_city: \"null\"", &[]);
    check("card_payments_10m == 2.5", "kind: payment", &["never 2.5"]);
    check("merchant_city == \"a\u{a0}b\"", "kind: payment", &["U+00A0"]);
}

/// A key with nothing behind it is not one that is not there.
#[test]
fn a_key_without_a_value_is_a_fault() {
    for (name, is_fine) in
        [("x", true), ("", false), ("~", false), ("null", false), ("'null'", true)]
    {
        let file = format!(
            "rules:\n  - id: Z\n    name: {name}\n    when: is_night\n    then: {{points: 1}}\n    reason: night\n"
        );
        let faults = with(&[("z.yaml", &file)]).err().unwrap_or_default();
        let told: Vec<&str> = faults.iter().map(|fault| &*fault.message).collect();
        assert_eq!(faults.is_empty(), is_fine, "{name}: {told:?}");
        assert!(told.iter().all(|told| told.contains("`name` has no value")), "{told:?}");
    }
}
