//! What a diff says.

use crate::bundle::{Bundle, shipped_files};

/// Edits of files of the shipped pack, and what must be said of them.
#[track_caller]
fn check(edits: &[(&str, &str, &str)], expected: &[&str]) {
    let mut files = shipped_files();
    for (file, from, to) in edits {
        let text = String::from_utf8(files[*file].clone()).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        files.insert((*file).to_owned(), text.replacen(from, to, 1).into_bytes());
    }
    let new = Bundle::compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let told: Vec<String> =
        Bundle::shipped().changes_to(&new).into_iter().map(|change| change.text).collect();
    assert_eq!(told, expected);
}

/// A changed number is said with what it counts; nothing is said of what means the same.
#[test]
fn changes_are_said_as_an_analyst_would() {
    check(&[], &[]);
    check(
        &[("card.yaml", "  k2_decline_above: 10", "  k2_decline_above: 8")],
        &[
            "rule K2.device.flood declines, asks for review and adds 400 points above 8 \
         device_payments_10m (events in 10 minutes by device), was 10",
            "rule K2.ip.flood declines, asks for review and adds 400 points above 8 ip_payments_10m \
         (events in 10 minutes by ip), was 10",
        ],
    );
    check(
        &[("card.yaml", "device_payments_10m > k2_challenge_above", "device_payments_10m   >  5")],
        &[],
    );
    check(
        &[("card.yaml", "device_payments_10m > k2_challenge_above", "device_payments_10m >= 5")],
        &[
            "rule K2.device challenges and adds 250 points from 5 device_payments_10m (events in 10 \
           minutes by device), was above 5",
        ],
    );
    check(
        &[(
            "card.yaml",
            "    when: is_night\n    then: {points: 40}",
            "    when: is_night && amount_minor > \
            5\n    mode: shadow\n    then: {points: 45}",
        )],
        &[
            "rule K12 asks `is_night && amount_minor > 5`, was `is_night`",
            "rule K12 now adds 45 points; before, it adds 40 points",
            "rule K12 is in the shadow, was live",
        ],
    );
    check(
        &[
            ("policy.yaml", "up_to: 599", "up_to: 649"),
            ("policy.yaml", "  rules: 100", "  rules: 90"),
        ],
        &[
            "every service: the score's bands are low up to 399 approve; medium up to 649 approve with \
             review; high up to 899 challenge; critical up to 1000 decline, was low up to 399 approve; \
             medium up to 599 approve with review; high up to 899 challenge; critical up to 1000 decline",
            "rules owns 90 µs, was 100",
        ],
    );
}

/// A band's name is in every answer: changing it is a change, and taking it away leaves the number.
#[test]
fn names_of_bands_are_told() {
    check(
        &[
            ("policy.yaml", "{name: medium, up_to", "{up_to"),
            ("policy.yaml", "name: high", "name: strict"),
        ],
        &[
            "every service: the score's bands are low up to 399 approve; up to 599 approve with review; \
             strict up to 899 challenge; critical up to 1000 decline, was low up to 399 approve; medium \
             up to 599 approve with review; high up to 899 challenge; critical up to 1000 decline",
        ],
    );
}

/// Rules and features that come and go are named with what they do.
#[test]
fn what_comes_and_goes_is_named() {
    let mut files = shipped_files();
    let rule = "rules:\n  - {id: Z9, name: late, when: is_night, then: {block: true}, reason: night, mode: \
                canary 5%}\n";
    files.insert("z.yaml".to_owned(), rule.as_bytes().to_vec());
    let new = Bundle::compile(&files).unwrap();
    let old = Bundle::shipped();
    let told = |changes: Vec<super::Change>| {
        changes.into_iter().map(|change| change.text).collect::<Vec<_>>()
    };
    assert_eq!(
        told(old.changes_to(&new)),
        ["new in z.yaml: rule Z9 (late) blocks when is_night; live for a canary of 5%"]
    );
    assert_eq!(told(new.changes_to(&old)), ["gone from z.yaml: rule Z9 (late), which blocks"]);
}
