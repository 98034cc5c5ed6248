//! What fuzzing and thinking have found stays found: `tests/corpus/lang` and `tests/corpus/bundle`, in
//! every test run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::{At, Bundle, shipped_files};
use crate::domain::{Currency, Schema, Zone};
use crate::lang::{Expected, Place, Scope, compile, compile_where};

/// One corpus by file name. A name begins with what must come out: `ok`, `fault`, or `any` for what
/// must only come out somehow. A `.cel` is an expression, a `.yaml` a file of rules.
fn corpus(of: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(of);
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    };
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| read(entry.unwrap())).collect();
    files.sort();
    files
}

/// A fault stands in the text it speaks of: an editor can go there.
fn assert_inside(name: &str, bytes: &[u8], at: At) {
    let text = String::from_utf8_lossy(bytes);
    let line = text.split('\n').nth(at.line.saturating_sub(1) as usize);
    let columns = line.map(|line| line.chars().count() as u32 + 1);
    let is_inside = at.line > 0 && columns.is_some_and(|last| (1..=last).contains(&at.column));
    assert!(is_inside, "{name}: {at:?} is outside");
}

/// Where the faults of an expression are; `None` when it compiles.
fn faults_of_expression(bytes: &[u8]) -> Option<Vec<At>> {
    let text = std::str::from_utf8(bytes).expect("a `.cel` of the corpus is text");
    let (schema, constants) = (Schema::of_facts(), BTreeMap::new());
    let zone = Zone::parse("Asia/Shanghai").expect("it is bundled");
    let scope = Scope {
        schema: &schema,
        constants: &constants,
        zone: &zone,
        base_currency: Currency::CNY,
        base_decimals: 2,
    };
    let place = Place { file: "corpus".into(), line: 1, column: 1 };
    let _ = compile_where(text, &place, &scope);
    let faults = compile(text, &place, &scope, Expected::Value).err()?;
    Some(faults.iter().map(|fault| At { line: fault.line, column: fault.column }).collect())
}

/// Where the faults of a file are that comes on top of the shipped ones.
fn faults_of_file(bytes: &[u8]) -> Option<Vec<At>> {
    let mut files = shipped_files();
    files.insert("z.yaml".to_owned(), bytes.to_vec());
    let faults = Bundle::compile(&files).err()?;
    assert!(faults.iter().all(|fault| fault.file == "z.yaml"), "{faults:?}");
    Some(faults.iter().map(|fault| fault.at).collect())
}

/// No file of the corpus panics; each gives what its name says, and faults have their places.
#[test]
fn the_corpus_gives_what_its_names_say() {
    let all = corpus("lang");
    assert!(all.len() > 40, "{} files", all.len());
    for (name, bytes) in all {
        let found = match name.rsplit_once('.') {
            Some((_, "cel")) => faults_of_expression(&bytes),
            Some((_, "yaml")) => faults_of_file(&bytes),
            _ => panic!("{name} is neither .cel nor .yaml"),
        };
        let outcome = if found.is_some() { "fault" } else { "ok" };
        let expected = name.split('-').next().unwrap();
        assert!(expected == outcome || expected == "any", "{name}: {outcome}");
        assert!(
            found.as_ref().is_none_or(|faults| !faults.is_empty()),
            "{name}: refused, no fault"
        );
        for at in found.into_iter().flatten() {
            assert_inside(&name, &bytes, at);
        }
    }
}

/// Which file of a bundle the bytes stand for: the first byte chooses, as in the fuzz target.
const FILES: [&str; 6] =
    ["z.yaml", "bundle.yaml", "features.yaml", "policy.yaml", "fx.csv", "rows.csv"];

/// Any file of a bundle: what compiles can be tried, looked over and compared, and what does not
/// has faults with their places.
#[test]
fn whole_bundles_give_what_their_names_say() {
    let all = corpus("bundle");
    assert!(all.len() > 10, "{} files", all.len());
    for (name, bytes) in all {
        let (choice, content) = bytes.split_first().unwrap();
        let file = FILES[usize::from(*choice) % FILES.len()];
        let mut files = shipped_files();
        files.insert(file.to_owned(), content.to_vec());
        if file == "rows.csv" {
            let table = "tables: [{id: T, name: x, columns: [kind, amount_base, is_night], reason: night, \
                         then: {points: 1}, rows: rows.csv}]";
            files.insert("z.yaml".to_owned(), table.as_bytes().to_vec());
        }
        let outcome = match Bundle::compile(&files) {
            Ok(bundle) => {
                let trial = bundle.test();
                assert_eq!(trial.tried.len(), trial.cases, "{name}");
                drop(bundle.lint(&files));
                assert!(bundle.changes_to(&bundle).is_empty(), "{name}");
                "ok"
            }
            Err(faults) => {
                assert!(!faults.is_empty(), "{name}: refused, no fault");
                assert!(faults.iter().all(|fault| !fault.message.is_empty()), "{name}");
                "fault"
            }
        };
        let expected = name.split('-').next().unwrap();
        assert!(expected == outcome || expected == "any", "{name}: {outcome}");
    }
}
