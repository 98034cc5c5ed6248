//! The rule parser: any text gives a program or faults, as a rule's condition and as a file.

#![no_main]

#[path = "../src/small_bundle.rs"]
mod small_bundle;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate::bundle::Bundle;
use tidegate::domain::{Currency, Schema, Zone};
use tidegate::lang::{Expected, Place, Scope, compile, compile_where};

use small_bundle::small_files;

static SCHEMA: LazyLock<Schema> = LazyLock::new(Schema::of_facts);
static ZONE: LazyLock<Zone> =
    LazyLock::new(|| Zone::parse("Asia/Shanghai").expect("it is bundled"));

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
