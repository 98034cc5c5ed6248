//! Bundles as a whole: the shipped pack, every fault at once, and files that mean harm.

mod corpus;

use std::collections::BTreeMap;

use super::*;

type Files = BTreeMap<String, Vec<u8>>;

/// What ships is what stands in `rules/`: a file that nobody embeds would be a rule that nobody
/// runs.
#[test]
fn every_file_of_the_rules_directory_is_shipped() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/rules");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(shipped_files().into_keys().collect::<Vec<_>>(), names);
}

/// The pack has no fault, every case holds, every rule has a firing and a silent one.
#[test]
fn the_shipped_pack_passes_its_own_check_and_test() {
    let bundle = match Bundle::compile(&shipped_files()) {
        Ok(bundle) => bundle,
        Err(faults) => {
            let all: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", all.join("\n"));
        }
    };
    let trial = bundle.test();
    assert!(trial.is_clean(), "{trial:#?}");
    assert!(trial.rules >= 40, "{} rules", trial.rules);
    assert!(bundle.aggregates.len() + bundle.derived.len() >= 60);
    for kind in EntityKind::ALL {
        let by_kind = bundle.aggregates.iter().any(|(spec, _)| spec.by == kind);
        assert!(by_kind, "no feature by {}", kind.name());
    }
}

/// The shipped files with one of them replaced or added.
fn with(name: &str, content: &str) -> Files {
    let mut files = shipped_files();
    files.insert(name.to_owned(), content.as_bytes().to_vec());
    files
}

/// Each fault as `file:line:column: message`, without its source line.
fn faults(files: &Files) -> Vec<String> {
    let faults = Bundle::compile(files).err().unwrap_or_default();
    let first_line = |fault: &Fault| fault.to_string().lines().next().unwrap_or("").to_owned();
    faults.iter().map(first_line).collect()
}

/// Holds that these faults are found, all of them and nothing else, in this order.
#[track_caller]
fn check(files: &Files, expected: &[&str]) {
    let found = faults(files);
    assert_eq!(found.len(), expected.len(), "{}", found.join("\n"));
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n  is not\n{expected}");
    }
}

/// By which time windows count is one of two words, and late is what the door still lets in.
#[test]
fn the_time_of_windows_is_checked() {
    let manifest =
        |line: &str| with("bundle.yaml", &format!("zone: UTC\nbase_currency: CNY\n{line}\n"));
    for (line, expected) in [
        ("window_time: arrival", "bundle.yaml:3:14: "),
        ("late_after: 0m", "bundle.yaml:3:13: `late_after`: `0m` is not a duration"),
        ("late_after: 8d", "bundle.yaml:3:13: `late_after`: at most 7d"),
    ] {
        let found = faults(&manifest(line));
        assert!(found.iter().any(|fault| fault.starts_with(expected)), "{line}: {found:?}");
    }
    for line in ["window_time: received", "window_time: occurred", "late_after: 7d"] {
        let found = faults(&manifest(line));
        assert!(found.iter().all(|fault| !fault.starts_with("bundle.yaml:3:")), "{found:?}");
    }
}

/// An analyst corrects a file in one go: every fault of every file, with its place and the nearest
/// name.
#[test]
fn every_fault_is_found_at_once() {
    let rules = r#"constants:
  limit: money("10.00 CNY")
  amount_base: 3
  near_limit: 4
rules:
  - id: X 1
    name: a
    when: amount_bsae > limit
    then: {action: chalenge}
    reason: {code: x, text: t}
    whne: true
  - id: K1
    name: b
    when: |

      ip_tor &&
        amount_base > 3
    then: {block: true, allow: true, points: 5000}
    reason: nigth
    mode: canary 200%
    services: [internet]
    cases:
      - {name: c, given: {ip_tr: true, ip_mobile: 3}, expect: fire}
  - just text
"#;
    let mut files = with("z.yaml", rules);
    files.insert("notes.txt".to_owned(), Vec::new());
    check(
        &files,
        &[
            "notes.txt: not a file of a bundle",
            "z.yaml:3:3: `amount_base` is a column",
            "z.yaml:4:3: `near_limit` is a constant of bundle.yaml already",
            "z.yaml:6:9: id `X 1` must be",
            "z.yaml:8:11: there is no column or constant `amount_bsae`; did you mean `amount_base`?",
            "z.yaml:9:20: unknown `action`: `chalenge`; did you mean `challenge`?",
            "z.yaml:11:5: unknown key: `whne`; did you mean `when`?",
            "z.yaml:17:21: cannot compare money with int",
            "z.yaml:18:11: one of `action`, `block` and `allow`",
            "z.yaml:18:46: `points` must be a whole number from -1000 to 1000",
            "z.yaml:19:13: unknown reason: `nigth`; did you mean `night`?",
            "z.yaml:20:11: a canary's share",
            "z.yaml:21:16: unknown `services`: `internet`",
            "z.yaml:23:27: unknown column: `ip_tr`; did you mean `ip_tor`?",
            "z.yaml:23:51: the column is bool",
            "z.yaml:23:63: unknown `expect`: `fire`; did you mean `fires`?",
            "z.yaml:24:5: a rule must be a map",
        ],
    );
}

/// A feature that means something else than it says is refused where it stands.
#[test]
fn features_are_checked() {
    let mut files = shipped_files();
    files.retain(|name, _| ["bundle.yaml", "policy.yaml"].contains(&name.as_str()));
    let features = r#"
- {name: a, aggregate: sum(ip_country), by: card, over: 1h}
- {name: b, aggregate: count, by: cart, over: 46d}
- {name: c, aggregate: sum(amount_base), by: ip, at: card, over: 1h, delay: 1h, excluding_current: true}
- {name: d, aggregate: rate(outcome.refuse), by: card, over: 40d, delay: 6d}
- {name: e, aggregate: distinct(amount_base), by: card, over: day, delay: 1d}
- {name: amount_base, aggregate: count, by: card, over: 1h}
- {name: f, aggregate: summ(amount_base), by: card, over: 1w, default: 3}
- {name: g, aggregate: count, by: card, over: 1h, default: 1}
- {name: h, derive: i + 1}
- {name: i, derive: h + 1}
- {name: j, derive: i + 1}
- {name: k, derive: nothing + 1}
- {name: l, derive: k + 1}
- {name: if, derive: "1"}
- {name: m, aggregate: mean(amount_base), by: card, over: 30d, where: card_new}
"#;
    files.insert("features.yaml".to_owned(), features.as_bytes().to_vec());
    check(
        &files,
        &[
            "features.yaml:2:28: `sum` wants an int or money fact, this one is text",
            "features.yaml:3:3: `over` and `delay` together reach further back than 45d",
            "features.yaml:3:35: unknown `by`: `cart`; did you mean `card`?",
            "features.yaml:4:3: `at` joins payee with account or card only",
            "features.yaml:4:3: a delayed window never holds",
            "features.yaml:5:3: `over` and `delay` together",
            "features.yaml:5:29: there is no column or constant `outcome.refuse`; did you mean",
            "features.yaml:6:3: a calendar window takes no `delay`",
            "features.yaml:6:33: `amount_base` is money; `distinct` counts",
            "features.yaml:7:3: `amount_base` is a column already",
            "features.yaml:8:24: unknown aggregate: `summ`; did you mean `sum`?",
            "features.yaml:8:59: `over`: `1w` is not a duration",
            "features.yaml:9:60: an empty window is 0 here already",
            "features.yaml:10:10: `h` speaks of itself",
            "features.yaml:11:10: `i` speaks of itself",
            "features.yaml:13:21: there is no column or constant `nothing`",
            "features.yaml:15:10: a name is a small letter",
            "features.yaml:16:71: there is no column or constant `card_new`",
        ],
    );
}

/// A policy that answers a higher score more mildly, forgets scores or spends more time than there
/// is cannot be loaded.
#[test]
fn the_policy_is_checked() {
    let policy = r"
defaults:
  bands:
    - {up_to: 500, action: challenge}
    - {up_to: 400, action: approve}
  without_challenge: {action: challenge}
  wanted: [divice]
services:
  mobile: {}
ledger: {budget_us: 100, decode: 10, enrich: 10, features: 50, rules: 10, decide: 10, journal: 10, mask: 10}
";
    check(
        &with("policy.yaml", policy),
        &[
            "policy.yaml:4:5: 1 to 16 bands, the last one with `up_to: 1000`",
            "policy.yaml:5:7: a higher score must not be answered more mildly",
            "policy.yaml:5:7: bands must ascend",
            "policy.yaml:6:22: a challenge cannot stand in for a challenge",
            "policy.yaml:7:12: unknown `wanted`: `divice`; did you mean `device`?",
            "policy.yaml:9:3: unknown service: `mobile`",
            "policy.yaml:10:9: the stages own 110",
        ],
    );
}

/// A band's name goes into every answer and may be asked for by whoever reads it: two of one name, or
/// one that looks like a number, would mean something else than it says.
#[test]
fn bands_are_named_once_and_well() {
    let policy = String::from_utf8(shipped_files()["policy.yaml"].clone()).unwrap();
    let bands = "
    - {name: low, up_to: 99, action: approve}
    - {name: low, up_to: 199, action: approve}
    - {name: Low, up_to: 299, action: approve}
    - {name: '4', up_to: 399, action: approve}
    - {name: [a], up_to: 499, action: approve}
    - {name: '', up_to: 1000, action: approve}
";
    let begin = policy.find("\n    - {name: low").unwrap();
    let end = policy.find("  # The payer has just").unwrap();
    let named = [&policy[..begin], bands, &policy[end..]].concat();
    let line = policy[..begin].lines().count();
    let rule = "a name is a small letter";
    check(
        &with("policy.yaml", &named),
        &[
            &format!("policy.yaml:{}:14: two bands are called `low`; rename one", line + 2),
            &format!("policy.yaml:{}:14: {rule}", line + 3),
            &format!("policy.yaml:{}:15: {rule}", line + 4),
            &format!("policy.yaml:{}:14: must be a text, this is a list", line + 5),
            &format!("policy.yaml:{}:15: {rule}", line + 6),
        ],
    );
}

/// A bundle from before bands had names still loads, and its bands go by their numbers.
#[test]
fn a_band_without_a_name_goes_by_its_number() {
    let policy = String::from_utf8(shipped_files()["policy.yaml"].clone()).unwrap();
    let policy = policy.replace("name: low, ", "").replace("name: high, ", "");
    let bundle = Bundle::compile(&with("policy.yaml", &policy)).unwrap();
    let bands = &bundle.policy.of(crate::domain::Service::DigitalTv).bands;
    let names: Vec<&str> = bands.iter().map(|band| band.name.as_str()).collect();
    assert_eq!(names, ["0", "medium", "2", "critical"]);
}

/// Whoever hands over a bundle may mean harm: it may not cost more than its size.
#[test]
fn harmful_files_are_faults() {
    let laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nrules: []\n";
    let found = faults(&with("z.yaml", laughs));
    assert!(found.iter().any(|fault| fault.contains("aliases")), "{found:?}");
    let quoted = format!("rules: [{{when: '{}'}}]", "(".repeat(100_000));
    for hostile in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(100_000),
        "rules: !!binary AAAA".to_owned(),
        "%YAML 9.9\n---\nrules: []".to_owned(),
        "rules: []\n---\nrules: []".to_owned(),
        "rules: []\nrules: []".to_owned(),
        "? [a, b]\n: c".to_owned(),
        "<<: {rules: []}".to_owned(),
        "\u{feff}\u{0}".to_owned(),
        quoted,
    ] {
        assert!(!faults(&with("z.yaml", &hostile)).is_empty());
    }
    let mut files = shipped_files();
    files.insert("z.yaml".to_owned(), b"rules: \xff\xfe".to_vec());
    check(&files, &["z.yaml:1:1: not UTF-8"]);
    files.insert("z.yaml".to_owned(), vec![b'#'; FILE_MAX_BYTES + 1]);
    check(&files, &["z.yaml: larger than 8 MiB"]);
    assert!(!faults(&Files::new()).is_empty());
}

/// Any byte string is a bundle or faults, never a panic: real files with bytes changed, cut,
/// doubled and exchanged.
#[test]
fn mutated_files_never_panic() {
    let shipped: Vec<(String, Vec<u8>)> = shipped_files().into_iter().collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % n as u64) as usize
    };
    let mut refused = 0;
    for _ in 0..24 {
        let (name, content) = &shipped[below(shipped.len())];
        let mut content = content.clone();
        for _ in 0..=below(4) {
            let at = below(content.len().max(1)).min(content.len());
            let until = (at + below(40)).min(content.len());
            match below(5) {
                0 => content.truncate(at),
                1 => content.splice(at..until, []).for_each(drop),
                2 => {
                    let piece = content[at..until].to_vec();
                    content.splice(at..at, piece);
                }
                3 => content.insert(at, b"{}[]'\"|>&*!%:#,\n\t -\x00\xff"[below(21)]),
                _ => content.insert(at, below(256) as u8),
            }
        }
        let mut files = shipped_files();
        files.insert(name.clone(), content);
        refused += usize::from(Bundle::compile(&files).is_err());
    }
    assert!(refused > 5, "{refused}: the mutations do not bite");
}

/// A bundle is named by what is in it: another byte, or the same bytes under other names, is
/// another bundle.
#[test]
fn the_hash_names_the_content() {
    let name = |files: &Files| hash_of(files);
    let one = Files::from([("a".to_owned(), b"bc".to_vec())]);
    let other = Files::from([("ab".to_owned(), b"c".to_vec())]);
    assert_ne!(name(&one), name(&other));
    assert_eq!(name(&one), name(&one.clone()));
    assert_ne!(name(&shipped_files()), name(&with("fx.csv", "currency,numerator,denominator\n")));
}

/// A derived feature with the name of a column is one fault, and not one of all that reads the column.
#[test]
fn a_taken_name_blames_nobody_else() {
    let mut features = shipped_files()["features.yaml"].clone();
    features.extend_from_slice(b"  - {name: amount_base, derive: 1 + 1}\n");
    let features = String::from_utf8(features).unwrap();
    let line = features.lines().count();
    let expected = format!("features.yaml:{line}:12: `amount_base` is a column already");
    check(&with("features.yaml", &features), &[&expected]);
}
