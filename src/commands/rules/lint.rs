//! `tidegate rules lint`: what compiles and is still wrong.

use std::path::PathBuf;

use serde::Serialize;

use super::source::{self, answer};
use super::{CLEAN, FINDINGS};
use crate::bundle::{Finding, Lint};

/// Name rules that never fire, say what another says or cost too much, and what nobody uses
///
/// A finding is always true; what is not decided (columns against columns, arithmetic, patterns) is
/// never reported.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "Example:\n  tidegate rules lint rules/ --json | jq .findings")]
pub(super) struct Args {
    /// The rules directory; without it the rules that are compiled in
    directory: Option<PathBuf>,
    /// One JSON document on standard output instead of text on standard error
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> u8 {
    let (bundle, files) = match source::bundle(args.directory.as_deref()) {
        Ok(bundle) => bundle,
        Err(error) => return error.tell(args.json),
    };
    let lint = bundle.lint(&files);
    let code = if lint.findings.is_empty() { CLEAN } else { FINDINGS };
    code.max(answer(args.json, &Report::of(&bundle.name(), &lint), &text(&lint)))
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Serialize)]
struct Report<'l> {
    ok: bool,
    bundle: &'l str,
    findings: Vec<FindingReport<'l>>,
    /// Rules that have too many clauses to be reasoned about.
    undecided: &'l [String],
    /// What the rules of one event cost at worst together.
    worst_case_ns: u64,
    /// What the ledger grants them.
    granted_us: u32,
    /// What each rule costs at worst.
    rules: Vec<CostReport<'l>>,
}

#[derive(Debug, Serialize)]
struct FindingReport<'l> {
    kind: &'static str,
    file: &'l str,
    line: u32,
    rule: Option<&'l str>,
    other: Option<&'l str>,
    message: &'l str,
}

#[derive(Debug, Serialize)]
struct CostReport<'l> {
    rule: &'l str,
    worst_case_ns: u64,
}

impl<'l> Report<'l> {
    fn of(bundle: &'l str, lint: &'l Lint) -> Self {
        let finding = |finding: &'l Finding| FindingReport {
            kind: finding.kind.name(),
            file: &finding.file,
            line: finding.at.line,
            rule: finding.rule.as_deref(),
            other: finding.other.as_deref(),
            message: &finding.message,
        };
        let cost = |(rule, ns): &'l (String, u64)| CostReport { rule, worst_case_ns: *ns };
        Self {
            ok: lint.findings.is_empty(),
            bundle,
            findings: lint.findings.iter().map(finding).collect(),
            undecided: &lint.undecided,
            worst_case_ns: lint.most_ns,
            granted_us: lint.granted_us,
            rules: lint.cost_ns.iter().map(cost).collect(),
        }
    }
}

fn text(lint: &Lint) -> String {
    let mut text = String::new();
    for finding in &lint.findings {
        text.push_str(&finding.told());
        text.push('\n');
    }
    if !lint.undecided.is_empty() {
        let rules = lint.undecided.join(", ");
        text.push_str(&format!("not decided, too many clauses: {rules}\n"));
    }
    let noun = if lint.findings.len() == 1 { "finding" } else { "findings" };
    text.push_str(&format!(
        "{} rules, {} {noun}; at worst {:.1} of the {} µs that the ledger grants\n",
        lint.cost_ns.len(),
        lint.findings.len(),
        lint.most_ns as f64 / 1_000.0,
        lint.granted_us,
    ));
    text
}
