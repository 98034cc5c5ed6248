//! A whole bundle: any bytes as any of its files give a bundle or faults with their places; what
//! compiles can be tried, looked over and compared.

#![no_main]

#[path = "../src/small_bundle.rs"]
mod small_bundle;

use libfuzzer_sys::fuzz_target;
use tidegate::bundle::Bundle;

use small_bundle::small_files;

/// Which file the bytes stand for: the first byte chooses.
const FILES: [&str; 6] =
    ["z.yaml", "bundle.yaml", "features.yaml", "policy.yaml", "fx.csv", "rows.csv"];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, content)) = bytes.split_first() else { return };
    let name = FILES[usize::from(*choice) % FILES.len()];
    let mut files = small_files();
    files.insert(name.to_owned(), content.to_vec());
    if name == "rows.csv" {
        let table = "tables: [{id: T, name: x, columns: [kind, amount_base, is_night], reason: \
                     {code: night, text: Night.}, then: {points: 1}, rows: rows.csv}]";
        files.insert("z.yaml".to_owned(), table.as_bytes().to_vec());
    }
    match Bundle::compile(&files) {
        Ok(bundle) => {
            let trial = bundle.test();
            assert_eq!(trial.tried.len(), trial.cases);
            let _ = bundle.lint(&files);
            assert!(bundle.changes_to(&bundle).is_empty());
        }
        Err(faults) => assert!(faults.iter().all(|fault| !fault.message.is_empty())),
    }
});
