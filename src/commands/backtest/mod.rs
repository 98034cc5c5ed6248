//! `tidegate rules backtest`: rules over history, held against the truth: what they would have
//! caught, and whom they would have stopped.
//!
//! ```text
//!  journal ─┐                        ┌─▶ Verdicts: one small row a decision ─┐
//!  events  ─┴▶ History ─▶ engine ────┤                                       ├─▶ measure ─▶ Report
//!                     └─▶ engine of the old rules, on a thread ─▶ Answers ───┘
//! ```

mod rules;
mod history;
mod events;
pub(in crate::commands) mod labels;
mod share;
mod witness;
mod verdicts;
mod report;
mod measure;
mod plants;
mod figures;
mod document;
mod sheet;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Instant;

use super::report::{Fault, Screen, deliver};
pub(in crate::commands) use history::{History, HistoryArgs, Onlooker, Sight};
use labels::Labels;
pub(in crate::commands) use measure::{Class, Count, Unlabelled};
use report::{Report, TruthReport};
pub(in crate::commands) use rules::{Rules, acts};
pub(in crate::commands) use share::{Share, percent};
use verdicts::{Answer, Answers, Verdicts};
pub(in crate::commands) use witness::Witness;

/// Measure rules on history: what they would have caught, and whom they would have stopped.
///
/// The same engine runs over every input, with windows as they stood then: what came before --from
/// fills them, and labels count in windows when they came. Each decision is then held against the
/// truth: the history's labels of any time, or a file. Every rule is measured by itself, shadow
/// rules too, each share with its 95 % interval.
///
/// With --against two bundles run side by side and the answers that differ are counted; without it
/// a journal's own answers stand for the old ones. Memory: the engine's, and about 100 bytes a
/// decision.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = LABELS_HELP)]
pub struct Args {
    /// The rules to measure; without it those that are compiled in
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// The rules to compare with
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    truth: TruthArgs,
    /// The report as one JSON document on standard output
    #[arg(long)]
    json: bool,
    /// Every count as one CSV table
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The report as one self-contained page with plots, to be read or printed
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Where the truth comes from.
#[derive(clap::Args, Clone, Debug)]
pub(in crate::commands) struct TruthArgs {
    /// A file of labels instead of the history's own: CSV, or JSON lines, or the truth file of
    /// `tidegate generate`
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Leave events without a label out of every share, instead of taking them for legitimate
    #[arg(long)]
    labelled_only: bool,
}

impl TruthArgs {
    /// Reads the file, if one is named.
    pub(in crate::commands) fn open(&self) -> Result<Option<Labels>, Fault> {
        self.labels.as_deref().map(Labels::read).transpose()
    }

    /// What events without a label are taken for.
    pub(in crate::commands) const fn unlabelled(&self) -> Unlabelled {
        Unlabelled::by_flag(self.labelled_only)
    }
}

const LABELS_HELP: &str = "\
Labels: a CSV table whose header names `event_id` and `label` (`fraud` or `legitimate`; other
columns are not read), JSON lines {\"event_id\": \"...\", \"label\": \"fraud\"}, or the truth file of
`tidegate generate`, with which planted attacks are counted by typology and intensity as well.

Exit code: 0 measured, 1 measured but some lines of --events were refused, 2 wrong usage or input, 3 the disk failed.

Examples:
  tidegate rules backtest --bundle rules/ --journal /var/lib/tidegate/journal \\
    --from 2026-03-02T00:00:00+08:00 --html backtest.html
  tidegate generate --events 1000000 --tables tables --truth truth.jsonl --out events.jsonl
  tidegate rules backtest --events events.jsonl --tables tables --labels truth.jsonl";

/// Runs it: 0 when it was measured, 1 when lines were refused or the journal is damaged, 2 on wrong usage or input, 3
/// when a disk fails.
pub(super) fn run(args: &Args) -> u8 {
    match backtest(args).and_then(|report| answer(args, &report).map(|()| report)) {
        Ok(report) => u8::from(!report.refusals.is_empty()),
        Err(fault) => fault.told("rules backtest"),
    }
}

fn backtest(args: &Args) -> Result<Report, Fault> {
    let history = args.history.open()?;
    let rules = Rules::open(args.bundle.as_deref())?;
    let old = args.against.as_deref().map(|dir| Rules::open(Some(dir))).transpose()?;
    let labels = args.truth.open()?;
    measured(&history, (&rules, old.as_ref()), (labels.as_ref(), args.truth.unlabelled()))
}

/// Walks through the history, with the old rules beside the new ones, and counts.
fn measured(
    history: &History,
    (rules, old): (&Rules, Option<&Rules>),
    (labels, unlabelled): (Option<&Labels>, Unlabelled),
) -> Result<Report, Fault> {
    let started = Instant::now();
    let mut verdicts = Verdicts::new(Witness::of(labels), &rules.bundle.zone);
    let mut answers = Answers::default();
    // Two engines of which neither waits for the other: on two cores the second costs no time.
    let walked = std::thread::scope(|scope| {
        let beside = old.map(|old| scope.spawn(|| history.walk(old, None, &mut answers)));
        let walked = history.walk(rules, Some("measuring"), &mut verdicts);
        if let Some(beside) = beside {
            beside
                .join()
                .map_err(|_| Fault::Wrong("the old rules' engine stopped".to_owned()))??;
        }
        walked
    })?;
    let Verdicts { rows, hits, then, witness, .. } = verdicts;
    let has_answers = old.is_none() && history.has_answers();
    let before: &[Answer] = if has_answers { &then } else { &answers.0 };
    if old.is_some() && before.len() != rows.len() {
        // Which inputs are decided does not depend on the rules.
        return Err(Fault::Wrong("the history changed while it was read".to_owned()));
    }
    let mut report = Report {
        history: history.shown(),
        range: history.span.shown(),
        bundle: rules.bundle.name(),
        against: match old {
            Some(old) => Some(old.bundle.name()),
            None => has_answers.then(|| "journal".to_owned()),
        },
        currency: rules.bundle.base_currency.as_str().to_owned(),
        decimals: rules.bundle.base_decimals,
        truth: TruthReport {
            source: truth_source(labels).to_owned(),
            assumption: assumption(labels, unlabelled),
            unmatched: witness.unmatched(),
            ..TruthReport::default()
        },
        inputs: walked.inputs,
        before: walked.before,
        rejected: walked.rejected,
        refusals: walked.refusals,
        begins_with: walked.begins_with,
        ..Report::default()
    };
    measure::measure(&mut report, &rules.bundle, (&rows, &hits, before), unlabelled);
    report.plants = labels
        .filter(|labels| !labels.campaigns.is_empty())
        .map(|labels| plants::of(&labels.campaigns, (&rows, &hits), &rules.bundle));
    report.elapsed_s = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Where the truth comes from, in words.
pub(in crate::commands) fn truth_source(labels: Option<&Labels>) -> &'static str {
    match labels {
        None => "the labels of the history",
        Some(labels) if labels.is_complete => "the generator's truth file",
        Some(_) => "a file of labels",
    }
}

/// What is taken for granted, by its stable name.
pub(in crate::commands) fn assumption(
    labels: Option<&Labels>,
    unlabelled: Unlabelled,
) -> &'static str {
    match (labels, unlabelled) {
        (Some(labels), _) if labels.is_complete => "complete",
        (_, Unlabelled::LeftOut) => "labelled_only",
        (_, Unlabelled::Legitimate) => "legitimate_unless_labelled",
    }
}

/// Writes the report in every form that was asked for.
fn answer(args: &Args, report: &Report) -> Result<(), Fault> {
    let csv = args.csv.as_deref().map(|path| (path, sheet::of(report)));
    deliver(report, &document::of(report), (csv, args.html.as_deref()), Screen::of(args.json))
}
