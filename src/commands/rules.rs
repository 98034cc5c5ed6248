//! `tidegate rules`: what an analyst asks of a rules directory: is it right, do its cases hold?

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use crate::bundle::{Bundle, Failure, Fault, Trial, shipped_files};
use crate::edges::bundle_files;

/// Check and test the rules
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Compile a rules directory and name every fault in it
    #[command(after_help = "Example:\n  tidegate rules check rules/")]
    Check(Target),
    /// Try the cases that the rules carry
    #[command(after_help = "Example:\n  tidegate rules test rules/ --json | jq .failures")]
    Test(Target),
}

#[derive(clap::Args, Clone, Debug)]
struct Target {
    /// The rules directory; without it the rules that are compiled in
    directory: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

/// Done and clean.
const CLEAN: u8 = 0;
/// Done, and a case failed or is missing.
const FINDINGS: u8 = 1;
/// The rules are wrong.
const WRONG: u8 = 2;
/// The directory could not be read, or the answer not be written.
const OUTSIDE: u8 = 3;

/// Runs the command; the exit codes are those of DESIGN section 11.
pub fn run(args: &Args) -> ExitCode {
    let (target, is_test) = match &args.command {
        Command::Check(target) => (target, false),
        Command::Test(target) => (target, true),
    };
    let files = match target.directory.as_deref().map(bundle_files::read) {
        None => shipped_files(),
        Some(Ok(files)) => files,
        Some(Err(error)) => {
            let error = error.to_string();
            let report = Report { error: Some(error.clone()), ..Report::default() };
            let written = answer(target, &report, &format!("{error}\n"));
            return ExitCode::from(OUTSIDE.max(written));
        }
    };
    let (report, text, code) = match (Bundle::compile(&files), is_test) {
        (Err(faults), _) => (Report::of_faults(&faults), faults_text(&faults), WRONG),
        (Ok(bundle), false) => (Report::of_bundle(&bundle), summary(&bundle, target), CLEAN),
        (Ok(bundle), true) => {
            let trial = bundle.test();
            let code = if trial.is_clean() { CLEAN } else { FINDINGS };
            (Report::of_trial(&bundle, &trial), trial_text(&trial), code)
        }
    };
    ExitCode::from(code.max(answer(target, &report, &text)))
}

/// Writes the answer; the exit code when that fails, else zero.
fn answer(target: &Target, report: &Report, text: &str) -> u8 {
    let written = if target.json {
        let document = sonic_rs::to_string(report).unwrap_or_default();
        writeln!(std::io::stdout().lock(), "{document}")
    } else {
        std::io::stderr().lock().write_all(text.as_bytes())
    };
    if written.is_ok() { 0 } else { OUTSIDE }
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Default, Serialize)]
struct Report {
    ok: bool,
    error: Option<String>,
    bundle: Option<String>,
    rules: usize,
    features: usize,
    cases: usize,
    faults: Vec<FaultReport>,
    failures: Vec<FailureReport>,
    rules_without_firing_case: Vec<String>,
    rules_without_silent_case: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FaultReport {
    file: String,
    line: u32,
    column: u32,
    message: String,
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
    fn of_faults(faults: &[Fault]) -> Self {
        let faults = faults.iter().map(|fault| FaultReport {
            file: fault.file.clone(),
            line: fault.at.line,
            column: fault.at.column,
            message: fault.message.clone(),
        });
        Self { faults: faults.collect(), ..Self::default() }
    }

    fn of_bundle(bundle: &Bundle) -> Self {
        Self {
            ok: true,
            bundle: Some(bundle.name()),
            rules: bundle.rules.rules().len(),
            features: bundle.aggregates.len() + bundle.derived.len(),
            cases: bundle.cases.iter().map(Vec::len).sum(),
            ..Self::default()
        }
    }

    fn of_trial(bundle: &Bundle, trial: &Trial) -> Self {
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
            ok: trial.is_clean(),
            failures: trial.failures.iter().map(failure).collect(),
            rules_without_firing_case: trial.never_fires.clone(),
            rules_without_silent_case: trial.never_silent.clone(),
            ..Self::of_bundle(bundle)
        }
    }
}

fn faults_text(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let noun = if faults.len() == 1 { "fault" } else { "faults" };
    format!("{}\n\n{} {noun}\n", lines.join("\n"), faults.len())
}

fn summary(bundle: &Bundle, target: &Target) -> String {
    let place = match &target.directory {
        Some(directory) => directory.display().to_string(),
        None => "the shipped rules".to_owned(),
    };
    let (aggregates, derived) = (bundle.aggregates.len(), bundle.derived.len());
    format!(
        "{place}: {} rules, {aggregates} aggregates, {derived} derived features, no faults\n{}\n",
        bundle.rules.rules().len(),
        bundle.name(),
    )
}

fn trial_text(trial: &Trial) -> String {
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
        let text = trial_text(&bundle.test());
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
