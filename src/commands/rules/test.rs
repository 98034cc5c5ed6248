//! `tidegate rules test`: the cases that the rules carry, tried.

use std::path::PathBuf;

use serde::Serialize;

use super::source::{self, answer};
use super::{CLEAN, FINDINGS, check};
use crate::bundle::{Bundle, Failure, Trial};

/// Try the cases that the rules carry
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Example:\n  tidegate rules test rules/ --json | jq .failures")]
pub(super) struct Args {
    /// The rules directory; without it the rules that are compiled in
    directory: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let (bundle, _) = match source::bundle(args.directory.as_deref()) {
        Ok(bundle) => bundle,
        Err(error) => return error.tell(args.json),
    };
    let trial = bundle.test();
    let code = if trial.is_clean() { CLEAN } else { FINDINGS };
    code.max(answer(args.json, &Report::of(&bundle, &trial), &text(&trial)))
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    bundle: check::Report,
    failures: Vec<FailureReport>,
    rules_without_firing_case: Vec<String>,
    rules_without_silent_case: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FailureReport {
    rule: String,
    file: String,
    line: u32,
    case: String,
    expected: &'static str,
    got: &'static str,
    out_of_scope: bool,
    parts: Vec<PartReport>,
}

#[derive(Debug, Serialize)]
struct PartReport {
    text: String,
    value: String,
}

impl Report {
    fn of(bundle: &Bundle, trial: &Trial) -> Self {
        let failure = |failure: &Failure| FailureReport {
            rule: failure.rule.clone(),
            file: failure.file.clone(),
            line: failure.at.line,
            case: failure.case.clone(),
            expected: failure.expected.name(),
            got: failure.got.name(),
            out_of_scope: failure.out_of_scope,
            parts: failure
                .parts
                .iter()
                .map(|part| PartReport { text: part.text.clone(), value: part.value.clone() })
                .collect(),
        };
        Self {
            bundle: check::Report::of(bundle).with_ok(trial.is_clean()),
            failures: trial.failures.iter().map(failure).collect(),
            rules_without_firing_case: trial.never_fires.clone(),
            rules_without_silent_case: trial.never_silent.clone(),
        }
    }
}

/// For people.
fn text(trial: &Trial) -> String {
    let mut text = String::new();
    for failure in &trial.failures {
        let (expected, got) = (failure.expected.name(), failure.got.name());
        text.push_str(&format!(
            "{}:{}: rule {}, case \"{}\": expected {expected}, got {got}\n",
            failure.file, failure.at.line, failure.rule, failure.case
        ));
        if failure.out_of_scope {
            text.push_str("    the rule's services or kinds leave this event out\n");
        }
        let width = failure.parts.iter().map(|part| part.text.chars().count()).max().unwrap_or(0);
        for part in &failure.parts {
            text.push_str(&format!("    {:<width$}  {}\n", part.text, part.value));
        }
    }
    for (rules, what) in [(&trial.never_fires, "fires"), (&trial.never_silent, "stays silent")] {
        for rule in rules {
            text.push_str(&format!("rule {rule} has no case in which it {what}\n"));
        }
    }
    let failed = trial.failures.len();
    text.push_str(&format!(
        "{} rules, {} cases: {} passed, {failed} failed\n",
        trial.rules,
        trial.cases,
        trial.cases - failed
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::shipped_files;

    /// A failing case shows the value of every part of its condition, so that the analyst sees
    /// which part is wrong without a calculator; a rule without cases is named.
    #[test]
    fn a_failing_case_explains_itself() {
        let mut files = shipped_files();
        let rules = "rules:\n  - id: X1\n    name: x\n    when: amount_base >= money(\"10.00 CNY\") \
                     && ip_tor\n    then: {points: 1}\n    reason: night\n    cases:\n      - {name: \
                     ten, given: {amount_base: money(\"12.50 CNY\"), ip_tor: false}, expect: \
                     fires}\n";
        files.insert("z.yaml".to_owned(), rules.as_bytes().to_vec());
        let bundle = Bundle::compile(&files).unwrap();
        let text = text(&bundle.test());
        for wanted in [
            "z.yaml:8: rule X1, case \"ten\": expected fires, got silent\n",
            "    amount_base                                  12.50 CNY\n",
            "    ip_tor                                       false\n",
            "rule X1 has no case in which it stays silent\n",
            "1 failed\n",
        ] {
            assert!(text.contains(wanted), "{wanted} in\n{text}");
        }
    }
}
