//! The service in a world that tries to break it: seeded, so that every failure can be run again.
//!
//! The real pipeline, journal and bookkeeping of the edge run over a simulated disk, clock and
//! broker, and people and guards change lists and rules meanwhile. `./dev simulate --seeds N [--from
//! SEED]` runs more of it than a test run does.

mod broker;
mod dice;
mod disk;
mod people;
mod verdict;
mod world;

use std::collections::BTreeMap;

use world::{Shared, World};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What people and guards change in enough courses.
const KINDS: [&str; 8] = [
    "activate approved",
    "activate rolled back",
    "guard fall_back",
    "guard restore",
    "list_add",
    "list_remove",
    "propose",
    "switch_off",
];

/// Whatever crashes, fills up or is torn: nothing acknowledged is lost, nothing is counted twice,
/// replay is exact and damage is named. A seed that fails is printed and fails again.
#[test]
fn every_course_of_events_ends_well() {
    let (from, seeds) =
        (number("TIDEGATE_SIMULATE_FROM", 1), number("TIDEGATE_SIMULATE_SEEDS", 250));
    let shared = Shared::new();
    let (mut failures, mut changes) = (Vec::new(), BTreeMap::new());
    for seed in from..from + seeds {
        let mut world = World::new(&shared, seed);
        if let Err(text) = world.run().and_then(|()| world.judge(&mut changes)) {
            let kind = world.kind();
            failures.push(format!(
                "seed {seed} ({kind}): {text}\n  run it again: ./dev simulate --from {seed} --seeds 1"
            ));
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    if seeds >= 100 {
        let kinds: Vec<&str> = changes.keys().map(String::as_str).collect();
        assert_eq!(kinds, KINDS, "every kind of change is met: {changes:?}");
    }
}
