//! `tidegate rules test`: the cases that the rules carry, tried.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::player::{Played, Player};
use super::source::{self, Files, answer};
use super::{CLEAN, FINDINGS, OUTSIDE, WRONG, check, junit};
use crate::bundle::{Bundle, Failure, Trial};
use crate::commands::prepare::{Finding, Means};
use crate::edges::keys::Keys;
use crate::edges::tables::TablePaths;

/// Try the cases that the rules carry
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  tidegate rules test rules/ --junit results.xml\n  tidegate rules \
                        test rules/ --json | jq .failures"
)]
pub(super) struct Args {
    /// The rules directory; without it the rules that are compiled in
    directory: Option<PathBuf>,
    /// Also write the results as JUnit XML, for a build server
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// A directory with reference tables, for cases by events
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let (bundle, files) = match source::bundle(args.directory.as_deref()) {
        Ok(bundle) => bundle,
        Err(error) => return error.tell(args.json),
    };
    let trial = match tried(&bundle, files, args.tables.as_deref()) {
        Ok(trial) => trial,
        Err(error) => return WRONG.max(answer(false, &(), &format!("{error}\n"))),
    };
    if let Some(path) = &args.junit
        && let Err(error) = std::fs::write(path, junit::document(&trial))
    {
        return OUTSIDE.max(answer(false, &(), &format!("{}: {error}\n", path.display())));
    }
    let code = if trial.is_clean() { CLEAN } else { FINDINGS };
    code.max(answer(args.json, &Report::of(&bundle, &trial), &text(&trial)))
}

/// Tries the cases of a bundle that is to go live; the error is the exit code of what was told.
pub(super) fn pass(directory: &Path) -> Result<(), u8> {
    let (bundle, files) = source::bundle(Some(directory)).map_err(|error| error.tell(false))?;
    let tell = |code: u8, told: &str| code.max(answer(false, &(), told));
    let trial = try_cases(&bundle, &files).map_err(|error| tell(WRONG, &format!("{error}\n")))?;
    if trial.failures.is_empty() { Ok(()) } else { Err(tell(FINDINGS, &text(&trial))) }
}

/// Tries every case of a bundle, as a service does before it takes it up: without tables, so that what
/// it says depends on the bundle alone.
pub(in crate::commands) fn try_cases(bundle: &Bundle, files: &Files) -> Result<Trial, String> {
    tried(bundle, files.clone(), None)
}

/// Tries every case, those by events through an engine of their own each.
fn tried(bundle: &Bundle, files: Files, tables: Option<&Path>) -> Result<Trial, String> {
    if bundle.cases.iter().flatten().all(|case| case.events.is_empty()) {
        return Ok(bundle.test());
    }
    let paths = tables.map(TablePaths::in_dir).unwrap_or_default();
    let means = Means::of(Keys::demo(), (bundle.clone(), files), &paths).map_err(|findings| {
        findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
    })?;
    Ok(bundle.test_with(|events| {
        let row = Player::new(&means).and_then(|mut player| {
            let mut last = None;
            for (index, event) in events.iter().enumerate() {
                let played = player.play(event.as_bytes());
                last = Some(played.map_err(|error| format!("event {}: {error}", index + 1))?);
            }
            match last {
                Some(Played::Decided) => Ok(player.row().clone()),
                _ => Err("the last event is not one that is decided".to_owned()),
            }
        });
        Some(row)
    }))
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
    error: Option<String>,
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
            error: failure.error.clone(),
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
        if let Some(error) = &failure.error {
            text.push_str(&format!("    {error}\n"));
        }
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

    /// A case may be a short history: windows fill as they would in service, and what comes out is
    /// written for a build server too.
    #[test]
    fn a_case_may_be_a_history() {
        let mut files = shipped_files();
        let card = "payer: {card: {number: \"6225881234567890\"}}";
        let rules = format!(
            "rules:
  - id: X1
    name: x
    when: card_payments_10m == 2 && card_bad_credentials_1h == 1
    then: {{points: 1}}
    reason: night
    cases:
      - name: twice, one refused
        expect: fires
        events:
          - {{{card}, event_id: a}}
          - {{kind: outcome, of: a, result: refused, code: \"55\", after: 2s}}
          - {{{card}, after: 5m}}
      - {{name: too late, expect: silent, events: [{{{card}}}, {{{card}, after: 11m}}]}}
      - {{name: wrong, expect: fires, events: [{{{card}, amount: x}}]}}
      - {{name: nobody decides, expect: fires, events: [{{{card}, event_id: a}}, {{kind: label, of: a, \
             source: chargeback, truth: fraud}}]}}
"
        );
        files.insert("z.yaml".to_owned(), rules.into_bytes());
        let bundle = Bundle::compile(&files).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let trial = tried(&bundle, files, None).unwrap();
        let told = text(&trial);
        assert_eq!(trial.failures.len(), 2, "{told}");
        assert!(told.contains("case \"wrong\"") && told.contains("event 1: wrong_type"), "{told}");
        assert!(told.contains("the last event is not one that is decided"), "{told}");
        let xml = junit::document(&trial);
        let wanted = "<testcase classname=\"z.yaml.X1\" name=\"twice, one refused\"/>";
        assert!(xml.contains(wanted), "{xml}");
        assert!(xml.contains("failures=\"2\""), "{xml}");
    }
}
