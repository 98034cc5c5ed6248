//! The plots of a backtest: precision and recall over the score, hits a day, which rules overlap.

use super::report::{Report, RuleReport};
use super::share::percent;
use crate::commands::report::{
    Axis, Bars, Cell, Curve, Curves, Document, Figure, Mark, Matrix, Table, Unit,
};

/// Rules of the overlap matrix: more do not fit beside their names.
const MATRIX_MAX: usize = 20;
/// Scores of the table; every other one is marked in the plot.
const SCORES: [u16; 7] = [100, 150, 200, 300, 400, 500, 600];

/// Precision against recall, one point a score, and the scores at which bands may begin.
pub(super) fn scores(document: &mut Document, report: &Report) {
    // One point is no curve, and without a fraud there is none.
    if report.truth.fraud == 0 || report.scores.len() < 2 {
        return;
    }
    document.heading("Precision and recall over the score");
    let axis = |name: &str| Axis { name: name.to_owned(), low: 0.0, high: 1.0, unit: Unit::Share };
    let points = report.scores.iter().map(|point| (point.recall, point.precision)).collect();
    let mark = |score: u16| {
        let point = report.scores.iter().rev().find(|point| point.score >= score)?;
        Some(Mark { at: (point.recall, point.precision), text: format!("score {score}") })
    };
    document.figure(Figure::Curves(Curves {
        title: "Stopping everything from a score on: what share of the stopped is fraud, and what \
                share of the frauds is stopped. Only the score, without the rules' own answers."
            .to_owned(),
        x: axis("recall"),
        y: axis("precision"),
        lines: vec![Curve { name: "from a score on".to_owned(), points }],
        marks: SCORES.into_iter().step_by(2).filter_map(mark).collect(),
    }));
    let names =
        [">from score", ">fraud", ">legitimate", ">precision", ">recall", ">false positive"];
    let mut table = Table::new(&names);
    for from in SCORES {
        let Some(point) = report.scores.iter().rev().find(|point| point.score >= from) else {
            continue;
        };
        table.row([
            Cell::from(u64::from(from)),
            Cell::from(point.fraud),
            Cell::from(point.legitimate),
            Cell::from(percent(point.precision)),
            Cell::from(percent(point.recall)),
            Cell::from(percent(point.false_positive_rate)),
        ]);
    }
    document.table(table);
}

/// Flagged decisions a day, frauds and others.
pub(super) fn days(document: &mut Document, report: &Report) {
    if report.days.len() < 2 {
        return;
    }
    let part = |name: &str, of: fn(&super::report::Slice) -> u64| {
        (name.to_owned(), report.days.iter().map(of).collect())
    };
    document.figure(Figure::Bars(Bars {
        title: "Flagged decisions a day.".to_owned(),
        names: report.days.iter().map(|day| short_day(&day.flagged.name)).collect(),
        parts: vec![
            part("fraud", |day| day.flagged.fraud),
            part("not fraud", |day| day.flagged.hits - day.flagged.fraud),
        ],
    }));
    let mut busiest: Vec<&RuleReport> =
        report.rules.iter().filter(|rule| rule.measure.hits > 0).collect();
    busiest.sort_by_key(|rule| std::cmp::Reverse(rule.measure.hits));
    busiest.truncate(Curves::LINES_MAX);
    let highest = busiest.iter().flat_map(|rule| &rule.by_day).max().copied().unwrap_or(0);
    let line = |rule: &&RuleReport| Curve {
        name: rule.measure.name.clone(),
        points: rule
            .by_day
            .iter()
            .enumerate()
            .map(|(at, hits)| ((at + 1) as f64, *hits as f64))
            .collect(),
    };
    let last = report.days.len() as f64;
    let x = Axis { name: "day of the stretch".to_owned(), low: 1.0, high: last, unit: Unit::Whole };
    let y =
        Axis { name: "hits".to_owned(), low: 0.0, high: highest.max(1) as f64, unit: Unit::Number };
    document.figure(Figure::Curves(Curves {
        title: "Hits a day of the rules that hold most often.".to_owned(),
        x,
        y,
        lines: busiest.iter().map(line).collect(),
        marks: Vec::new(),
    }));
}

/// Of a row's hits, the share that the column's rule holds on as well.
pub(super) fn overlap(document: &mut Document, report: &Report) {
    let mut rules: Vec<&RuleReport> =
        report.rules.iter().filter(|rule| rule.measure.hits > 0).collect();
    if rules.len() < 2 || report.overlaps.is_empty() {
        return;
    }
    rules.sort_by_key(|rule| std::cmp::Reverse((rule.acts, rule.measure.fraud, rule.measure.hits)));
    rules.truncate(MATRIX_MAX);
    let both = |one: &str, other: &str| {
        let pair = report.overlaps.iter().find(|pair| {
            (&*pair.one, &*pair.other) == (one, other) || (&*pair.other, &*pair.one) == (one, other)
        });
        pair.map_or(0, |pair| pair.hits)
    };
    let row = |one: &&RuleReport| -> Vec<Option<f64>> {
        let (name, hits) = (&*one.measure.name, one.measure.hits as f64);
        let cell = |other: &&RuleReport| match &*other.measure.name {
            other if other == name => Some(1.0),
            other => Some(both(name, other) as f64 / hits),
        };
        rules.iter().map(cell).collect()
    };
    document.figure(Figure::Matrix(Matrix {
        title:
            "Of the hits of the rule on the left, the percentage on which the rule above holds as \
                well; the rules with the most frauds."
                .to_owned(),
        names: rules.iter().map(|rule| rule.measure.name.clone()).collect(),
        rows: rules.iter().map(row).collect(),
    }));
}

/// `03-02` of `2026-03-02`.
fn short_day(day: &str) -> String {
    day.get(5..).unwrap_or(day).to_owned()
}
