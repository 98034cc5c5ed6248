//! The rule parser: any text gives a program or faults, as a rule's condition and as a file.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate::bundle::{Bundle, shipped_files};
use tidegate::domain::{Currency, Schema, Zone};
use tidegate::lang::{Expected, Place, Scope, compile, compile_where};

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of_facts);
static ZONE: LazyLock<Zone> =
    LazyLock::new(|| Zone::parse("Asia/Shanghai").expect("it is bundled"));

/// A few windows, under the shipped policy: compiling the whole pack for each execution would try ten
/// inputs a second.
const FEATURES: &[u8] = b"features:
  - {name: card_count_1h, aggregate: count, by: card, over: 1h}
  - {name: card_sum_1d, aggregate: sum(amount_base), by: card, over: 1d, where: '!outcome.reversed'}
  - {name: is_night, derive: occurred_at.getHours() < 5}
";

fn small_files() -> BTreeMap<String, Vec<u8>> {
    let mut files = shipped_files();
    files.retain(|name, _| ["bundle.yaml", "policy.yaml", "fx.csv"].contains(&name.as_str()));
    files.insert("features.yaml".to_owned(), FEATURES.to_vec());
    files
}

fuzz_target!(|bytes: &[u8]| {
    let constants = BTreeMap::new();
    let scope = Scope {
        schema: &SCHEMA,
        constants: &constants,
        zone: &ZONE,
        base_currency: Currency::CNY,
        base_decimals: 2,
    };
    if let Ok(text) = std::str::from_utf8(bytes) {
        let place = Place { file: "fuzz".into(), line: 1, column: 1 };
        if let Err(faults) = compile(text, &place, &scope, Expected::Value) {
            assert!(!faults.is_empty());
        }
        let _ = compile_where(text, &place, &scope);
    }
    let mut files = small_files();
    files.insert("z.yaml".to_owned(), bytes.to_vec());
    if let Err(faults) = Bundle::compile(&files) {
        assert!(!faults.is_empty());
    }
});
