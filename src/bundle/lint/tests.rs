//! What lint finds, and what it must not say.

use crate::bundle::{Bundle, Finding, FindingKind, shipped_files};

/// The findings about rules `X1`, `X2`, ... with these conditions and effects, as `rule kind other`.
#[track_caller]
fn check(rules: &[(&str, &str)], expected: &[&str]) {
    let mut text = "rules:\n".to_owned();
    for (index, (when, then)) in rules.iter().enumerate() {
        text.push_str(&format!(
            "  - {{id: X{}, name: x, when: '{when}', then: {{{then}}}, reason: night}}\n",
            index + 1
        ));
    }
    let mut files = shipped_files();
    files.insert("z.yaml".to_owned(), text.into_bytes());
    let bundle = Bundle::compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let found: Vec<String> = bundle
        .lint(&files)
        .findings
        .into_iter()
        .filter(|finding| finding.file == "z.yaml")
        .map(|finding| {
            let rule = finding.rule.unwrap_or_default();
            format!("{rule} {} {}", finding.kind.name(), finding.other.unwrap_or_default())
        })
        .map(|line| line.trim().to_owned())
        .collect();
    assert_eq!(found, expected, "{rules:?}");
}

/// A condition that excludes itself never fires, whatever the events; one that cannot be false asks
/// nothing.
#[test]
fn what_never_or_always_holds_is_named() {
    for never in [
        "amount_minor > 5 && amount_minor < 6",
        "is_night && !is_night",
        r#"kind == "payment" && kind == "refund""#,
        r#"kind in ["payment"] && !(kind in ["payment", "refund"])"#,
        "!has(is_night) && is_night",
        "card_payments_10m < 0",
        "merchant_refused_10m > 1.0",
        "amount_minor > 6.5 && amount_minor < 7.0",
        "amount_ratio_30d > 2.0 && amount_ratio_30d <= 2.0",
        "(amount_minor > 5 || is_night) && amount_minor <= 5 && !is_night",
        "amount_base > account_in_24h && !(amount_base > account_in_24h)",
        "is_night ? amount_minor > 5 && amount_minor < 3 : is_night",
    ] {
        check(&[(never, "points: 1")], &["X1 contradiction"]);
    }
    for always in [
        "amount_minor > 5 || amount_minor <= 5",
        "card_payments_10m >= 0",
        "is_night || !is_night",
        r#"kind != "payment" || kind != "refund""#,
    ] {
        check(&[(always, "points: 1")], &["X1 tautology"]);
    }
    for fine in [
        "amount_minor > 5 && amount_minor < 7",
        "amount_minor > 6.5 && amount_minor < 7.5",
        "has(is_night) || amount_minor > 1",
        "amount_base > account_in_24h || account_in_24h > amount_base",
        r#"kind < "payment" && kind > "a""#,
    ] {
        check(&[(fine, "points: 1")], &[]);
    }
}

/// A rule that adds nothing to another is named with it; one that goes further is not.
#[test]
fn what_another_rule_says_already_is_named() {
    let challenge = "action: challenge";
    check(&[("amount_minor > 5", challenge), ("amount_minor > 9", challenge)], &["X2 covered X1"]);
    check(&[("amount_minor > 5", challenge), ("amount_minor > 9", "action: decline")], &[]);
    check(&[("amount_minor > 5", challenge), ("amount_minor > 9", "points: 5")], &[]);
    check(
        &[("amount_minor > 5", "action: decline"), ("amount_minor > 9", "points: 5")],
        &["X2 covered X1"],
    );
    check(
        &[
            ("amount_minor > 5 || is_night", challenge),
            ("is_night && kind == \"refund\"", challenge),
        ],
        &["X2 covered X1"],
    );
    check(
        &[
            ("amount_minor > 5", challenge),
            ("5 < amount_minor && (is_night || !is_night || amount_minor > 2)", challenge),
        ],
        &["X2 duplicate X1"],
    );
    check(
        &[("amount_minor >= 6", challenge), ("amount_minor > 5", "action: challenge, points: 7")],
        &["X2 duplicate X1"],
    );
    check(
        &[("amount_minor > 5", "block: true"), ("amount_minor > 9", challenge)],
        &["X2 unreachable X1"],
    );
    check(
        &[("amount_minor > 5", "allow: true"), ("amount_minor > 9", "action: decline")],
        &["X2 unreachable X1"],
    );
    check(&[("amount_minor > 5", "allow: true"), ("amount_minor > 9", "block: true")], &[]);
    // A missing value keeps the first silent.
    check(&[("amount_minor > 5 && is_night", challenge), ("amount_minor > 9", challenge)], &[]);
}

/// The shipped pack has nothing that lint would tell an analyst to mend, and it can be afforded.
#[test]
fn the_shipped_pack_is_clean() {
    let files = shipped_files();
    let lint = Bundle::shipped().lint(&files);
    // Some features stand ready for rules of one's own.
    let about_rules: Vec<_> =
        lint.findings.iter().filter(|one| one.kind != FindingKind::UnusedFeature).collect();
    assert!(about_rules.is_empty(), "{about_rules:#?}");
    assert_eq!(lint.undecided, Vec::<String>::new());
    assert!(lint.most_ns < u64::from(lint.granted_us) * 1_000 / 10, "{} ns", lint.most_ns);
}

/// What nobody reads is named where it stands.
#[test]
fn what_nobody_reads_is_named() {
    let mut files = shipped_files();
    let mut features = String::from_utf8(files["features.yaml"].clone()).unwrap();
    features.push_str("  - {name: nobody_reads_1h, aggregate: count, by: card, over: 1h}\n");
    files.insert("features.yaml".to_owned(), features.into_bytes());
    let rules = "constants:\n  no_limit: 5\n  limit: 6\nrules:\n  - {id: X1, name: x, when: amount_minor \
                 > limit, then: {points: 1}, reason: night}\n";
    files.insert("z.yaml".to_owned(), rules.as_bytes().to_vec());
    let found = Bundle::compile(&files).unwrap().lint(&files).findings;
    let told = |start: &str| {
        let line = |one: &Finding| {
            format!("{}:{} {} {}", one.file, one.at.line, one.kind.name(), one.message)
        };
        let mut all = found.iter().map(line).filter(|line| line.contains(start));
        (all.next().unwrap_or_default(), all.next())
    };
    let (feature, more) = told("nobody_reads_1h");
    assert!(feature.contains("unused_feature `nobody_reads_1h`") && more.is_none(), "{feature}");
    assert_eq!(
        told("unused_constant").0.split("; ").next(),
        Some(
            "z.yaml:2 unused_constant the constant \
        `no_limit` is used by nobody"
        )
    );
    assert_eq!(told("unused_constant").1, None);
}

/// A bundle whose rules cannot be asked in time is refused, with the dearest rule by name.
#[test]
fn what_the_ledger_cannot_pay_is_refused() {
    let mut files = shipped_files();
    let mut rules = "rules:\n".to_owned();
    for index in 0..40 {
        let terms: Vec<String> =
            (0..16).map(|term| format!("merchant_mcc.matches(\"{index}.*x{term}\")")).collect();
        rules.push_str(&format!(
            "  - {{id: X{index}, name: x, when: '{}', then: {{points: 1}}, reason: night}}\n",
            terms.join(" || ")
        ));
    }
    files.insert("z.yaml".to_owned(), rules.into_bytes());
    let faults = Bundle::compile(&files).expect_err("it cannot be afforded");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(faults[0].file, "policy.yaml");
    assert!(
        faults[0].message.contains("the ledger grants `rules` 100 µs"),
        "{}",
        faults[0].message
    );
}

/// Ten thousand rules of plain comparisons are what the index is for: the ledger can pay them.
#[test]
fn many_plain_rules_can_be_afforded() {
    let bundle = Bundle::shipped();
    let place = crate::lang::Place { file: "z".into(), line: 1, column: 1 };
    let text =
        "amount_minor > 5 && card_payments_10m >= 3 && ip_cards_10m < 9 && kind == \"payment\"";
    let expected = crate::lang::Expected::Condition;
    let when = bundle.compile_expression(text, &place, expected).unwrap();
    let rule = crate::stages::rules::Rule { when, ..bundle.rules.rules()[0].clone() };
    let ten_thousand = super::cost::of_rule(&rule) * 10_000;
    assert!(
        ten_thousand
            < u64::from(bundle.policy.ledger.stage_us[crate::domain::Stage::Rules as usize])
                * 1_000,
        "{ten_thousand} ns"
    );
}
