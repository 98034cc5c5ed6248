//! How long a large bundle takes to load, check, compile and look over: 10,000 rules of 3 to 5
//! conditions over the shipped columns, in one file. At most two seconds are granted to loading.
//!
//! `./dev bench bundle`, or `cargo bench --bench bundle -- 2000` for another number of rules.

use std::time::Instant;

use tidegate::bundle::{Bundle, shipped_files};

/// A stream of choices from a seed (SplitMix64).
struct Choices(u64);

impl Choices {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ word >> 31) % count
    }
}

/// A file of so many rules, each with one firing and one silent case.
fn rules(count: usize) -> String {
    let shipped = Bundle::shipped();
    let columns: Vec<&str> = shipped
        .schema
        .fields()
        .filter(|field| field.field_type.name() == "int" && !field.name.contains('.'))
        .map(|field| field.name.as_str())
        .collect();
    let mut choices = Choices(7);
    let mut text = "rules:\n".to_owned();
    for index in 0..count {
        let terms: Vec<String> = (0..3 + choices.below(3))
            .map(|_| {
                let column = columns[choices.below(columns.len() as u64) as usize];
                let relation = [">", ">=", "<", "=="][choices.below(4) as usize];
                format!("{column} {relation} {}", choices.below(1_000))
            })
            .collect();
        text.push_str(&format!(
            "  - id: R{index}\n    name: rule {index}\n    when: {}\n    then: {{points: 1}}\n    \
             reason: night\n    cases:\n      - {{name: a, given: {{amount_minor: 5}}, expect: fires}}\n",
            terms.join(" && ")
        ));
    }
    text
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|one| one == "--test");
    let asked = arguments.iter().find_map(|one| one.parse().ok());
    let count = asked.unwrap_or(if is_test { 50 } else { 10_000 });
    let mut files = shipped_files();
    files.insert("z.yaml".to_owned(), rules(count).into_bytes());
    for _ in 0..if is_test { 1 } else { 3 } {
        let begun = Instant::now();
        let bundle = Bundle::compile(&files).expect("its rules were made from its columns");
        let compiled = begun.elapsed();
        let lint = bundle.lint(&files);
        let linted = begun.elapsed() - compiled;
        eprintln!(
            "{} rules: compiled in {:.0} ms, lint {:.0} ms with {} findings, {}",
            bundle.rules.rules().len(),
            compiled.as_secs_f64() * 1e3,
            linted.as_secs_f64() * 1e3,
            lint.findings.len(),
            bundle.name(),
        );
    }
}
