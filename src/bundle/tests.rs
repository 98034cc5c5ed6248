//! Bundles as a whole: the shipped pack, every fault at once, and files that mean harm.

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
