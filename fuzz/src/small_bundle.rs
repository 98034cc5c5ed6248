//! The files of a bundle that compiles quickly.

use std::collections::BTreeMap;

use tidegate::bundle::shipped_files;

/// A few windows, under the shipped policy: compiling the whole pack for each execution would try ten
/// inputs a second.
const FEATURES: &[u8] = b"features:
  - {name: card_count_1h, aggregate: count, by: card, over: 1h}
  - {name: card_sum_1d, aggregate: sum(amount_base), by: card, over: 1d, where: '!outcome.reversed'}
  - {name: is_night, derive: occurred_at.getHours() < 5}
";

pub fn small_files() -> BTreeMap<String, Vec<u8>> {
    let mut files = shipped_files();
    files.retain(|name, _| ["bundle.yaml", "policy.yaml", "fx.csv"].contains(&name.as_str()));
    files.insert("features.yaml".to_owned(), FEATURES.to_vec());
    files
}
