//! `tidegate rules sweep`: one threshold's trade-off, every value of it from one walk through the
//! history.
//!
//! What an engine keeps and derives does not depend on a rule's constants: so the rules are compiled
//! once a value, one engine computes the columns of each event, and the rule is asked under every
//! value over that row. Only values that windows or derived columns read as well need walks of their
//! own.

mod steps;
mod variants;
mod walk;
mod report;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Instant;

use super::backtest::labels::Labels;
use super::backtest::{
    History, HistoryArgs, Rules, Share, TruthArgs, Unlabelled, Witness, assumption, truth_source,
};
use super::report::{Fault, Screen, deliver};
use report::{Point, Report};
use steps::Range;
use variants::Variants;
use walk::Looker;

/// Draw one threshold's trade-off: what a rule would have caught with each value of a constant.
///
/// The rule is measured by itself and as if it were live, whatever its mode; --max-fpr names the
/// value that catches most within that share of legitimate events. All values are tried in one walk
/// through the history, unless windows read the constant too.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Exit code: 0 measured, 1 no value keeps --max-fpr or lines of --events were refused, 2 wrong usage or input, 3 \
                        the disk failed.\n\nExample:\n  tidegate rules sweep K7 --constant \
                        k7_large=200..3000/200 --bundle rules/ \\\n    --journal \
                        /var/lib/tidegate/journal --max-fpr 0.01% --html k7.html"
)]
pub struct Args {
    /// The rule's id
    rule: String,
    /// The constant and its values; of an amount in major units
    #[arg(long, value_name = "NAME=FROM..TO/STEP")]
    constant: Range,
    /// The rules; without it those that are compiled in
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    truth: TruthArgs,
    /// The largest share of legitimate events that the rule may hit, such as 0.1% or 0.001
    #[arg(long, value_name = "SHARE", value_parser = share)]
    max_fpr: Option<f64>,
    /// The report as one JSON document on standard output
    #[arg(long)]
    json: bool,
    /// One row a value as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// The report as one self-contained page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// `0.1%` or `0.001`.
fn share(text: &str) -> Result<f64, &'static str> {
    let (number, scale) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let share = number.trim().parse::<f64>().map(|number| number / scale);
    share
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or("a share from 0 to 1, or a percentage such as 0.1%")
}

/// Runs it: 0 when it was measured, 1 when no value keeps the limit, lines were refused or the journal is damaged, 2 on
/// wrong usage or input, 3 when a disk fails.
pub(super) fn run(args: &Args) -> u8 {
    match sweep(args).and_then(|report| answer(args, &report).map(|()| report)) {
        Ok(report) => u8::from(!report.is_clean()),
        Err(fault) => fault.told("rules sweep"),
    }
}

fn sweep(args: &Args) -> Result<Report, Fault> {
    let history = args.history.open()?;
    let rules = Rules::open(args.bundle.as_deref())?;
    let labels = args.truth.open()?;
    let variants = Variants::of(&rules, &args.rule, &args.constant)?;
    let truth = (labels.as_ref(), args.truth.unlabelled());
    let mut report = measured(&history, &variants, truth)?;
    report.bundle = rules.bundle.name();
    report.rule.clone_from(&args.rule);
    report.constant.clone_from(&args.constant.name);
    report.currency = rules.bundle.base_currency.as_str().to_owned();
    report.decimals = rules.bundle.base_decimals;
    report.max_false_positive_rate = args.max_fpr;
    report.choose();
    Ok(report)
}

/// Walks once a group of variants that share their columns.
fn measured(
    history: &History,
    variants: &Variants,
    (labels, unlabelled): (Option<&Labels>, Unlabelled),
) -> Result<Report, Fault> {
    let started = Instant::now();
    let mut report = Report {
        history: history.shown(),
        range: history.span.shown(),
        place: variants.place.clone(),
        current: variants.current.clone(),
        also_read_by: variants.others.clone(),
        truth: truth_source(labels),
        assumption: assumption(labels, unlabelled),
        points: vec![Point::default(); variants.all.len()],
        ..Report::default()
    };
    for group in variants.groups() {
        let mut looker = Looker::new(variants, &group, Witness::of(labels));
        // A group is never empty.
        let rules = &variants.all[group[0]].rules;
        report.refusals = history.walk(rules, Some("sweeping"), &mut looker)?.refusals;
        let (all, picked, unmatched) = looker.finish(unlabelled);
        report.decisions = all.hits;
        (report.fraud, report.legitimate) = (all.fraud, all.legitimate);
        report.unmatched = unmatched;
        report.passes += 1;
        for (at, one) in group.iter().zip(picked) {
            let (step, count) = (&variants.all[*at].step, one.count);
            let is_current =
                variants.current_number.is_some_and(|now| (now - step.number).abs() < 1e-9);
            report.points[*at] = Point {
                value: step.shown.clone(),
                number: step.number,
                is_current,
                is_best: false,
                hits: count.hits,
                fraud: count.fraud,
                legitimate: count.legitimate,
                precision: Share::of(count.fraud, count.fraud + count.legitimate),
                recall: Share::of(count.fraud, all.fraud),
                false_positive_rate: Share::of(count.legitimate, all.legitimate),
                amount_caught: count.amount,
                unique_fraud: one.unique,
            };
        }
    }
    report.elapsed_s = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Writes the report in every form that was asked for.
fn answer(args: &Args, report: &Report) -> Result<(), Fault> {
    let csv = args.csv.as_deref().map(|path| (path, report.csv()));
    deliver(report, &report.document(), (csv, args.html.as_deref()), Screen::of(args.json))
}
