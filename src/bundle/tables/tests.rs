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
    let csv = "category,amount,action,points,follow_ups\n5411,>= 500,decline,,review hold\n7995 | 7994,-,,50,\n";
    let bundle = with(&[("z.yaml", table), ("limits.csv", csv)]);
    let bundle = bundle.unwrap_or_else(|faults| panic!("{faults:#?}"));
    let rules: Vec<_> =
        bundle.rules.rules().iter().filter(|rule| rule.id.starts_with("C/")).collect();
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].effect.action, Some(crate::domain::Action::Decline));
    assert_eq!(rules[1].effect.points, 50);
    assert_eq!(rules[1].when.source(), "merchant_mcc in [\"7995\", \"7994\"]");
    let faults = with(&[("z.yaml", table), ("limits.csv", "a,b,points\nx,abc,5\ny,> 1,many\n")]);
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
