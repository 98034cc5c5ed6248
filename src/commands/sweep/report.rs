//! What a sweep found: one line a value, and the best of them.

use serde::Serialize;

use crate::commands::backtest::{Share, percent};
use crate::commands::lines::Refusals;
use crate::commands::report::{
    Axis, Cell, Curve, Curves, Document, Figure, Line, Mark, Table, Tone, Unit, counted, grouped,
    money_text, push_row,
};

/// What a sweep found. Amounts are minor units of the base currency.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) history: String,
    pub(super) range: String,
    pub(super) bundle: String,
    pub(super) rule: String,
    pub(super) constant: String,
    /// File and line of the constant.
    pub(super) place: String,
    /// Its value now, as it is written.
    pub(super) current: String,
    /// Other rules that read the constant; they are not varied.
    pub(super) also_read_by: Vec<String>,
    pub(super) currency: String,
    pub(super) decimals: u8,
    pub(super) truth: &'static str,
    pub(super) assumption: &'static str,
    pub(super) decisions: u64,
    pub(super) fraud: u64,
    pub(super) legitimate: u64,
    /// Labels of a file that speak of no decision in the range.
    pub(super) unmatched: u64,
    /// Lines of the history that got no answer.
    #[serde(flatten)]
    pub(super) refusals: Refusals,
    /// How often the history was walked through.
    pub(super) passes: usize,
    pub(super) max_false_positive_rate: Option<f64>,
    /// The value that catches most within the limit; nothing when none is within it.
    pub(super) best: Option<String>,
    pub(super) points: Vec<Point>,
    pub(super) elapsed_s: f64,
}

/// One of a point's shares.
type Of = fn(&Point) -> &Share;

/// The rule with one value.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Point {
    /// As a person writes it, in major units for money.
    pub(super) value: String,
    #[serde(skip)]
    pub(super) number: f64,
    pub(super) is_current: bool,
    pub(super) is_best: bool,
    pub(super) hits: u64,
    pub(super) fraud: u64,
    pub(super) legitimate: u64,
    pub(super) precision: Share,
    pub(super) recall: Share,
    pub(super) false_positive_rate: Share,
    pub(super) amount_caught: i64,
    pub(super) unique_fraud: u64,
}

impl Report {
    /// Names the best point within the limit: most frauds, then fewest legitimate.
    pub(super) fn choose(&mut self) {
        let Some(limit) = self.max_false_positive_rate else { return };
        let within = |point: &&mut Point| {
            point.false_positive_rate.value.unwrap_or(0.0) <= limit && point.fraud > 0
        };
        let best = self.points.iter_mut().filter(within).max_by(|one, other| {
            let key = |point: &Point| (point.fraud, std::cmp::Reverse(point.legitimate));
            // `max_by` keeps the last of equals: the current value stays where it is as good.
            key(one).cmp(&key(other)).then(one.is_current.cmp(&other.is_current))
        });
        if let Some(best) = best {
            best.is_best = true;
            self.best = Some(best.value.clone());
        }
    }

    /// No line was refused; a limit was stated and some value keeps it, or none was stated.
    pub(super) fn is_clean(&self) -> bool {
        let is_kept = self.max_false_positive_rate.is_none() || self.best.is_some();
        is_kept && self.refusals.is_empty()
    }

    /// In words, a table and two plots.
    pub(super) fn document(&self) -> Document {
        let title = format!("Sweep of {} in rule {}", self.constant, self.rule);
        let mut document = Document::new(title, format!("{}, {}", self.history, self.range));
        self.verdict(&mut document);
        document.heading("Every value");
        self.curves(&mut document);
        let names = [
            ">value",
            "=",
            ">hits",
            ">fraud",
            ">legitimate",
            ">precision",
            ">recall",
            ">false positive",
            ">caught",
            ">unique",
        ];
        let mut table = Table::new(&names);
        for point in &self.points {
            let (word, tone) = match (point.is_best, point.is_current) {
                (true, true) => ("best, now", Tone::Good),
                (true, false) => ("best", Tone::Good),
                (false, true) => ("now", Tone::Strong),
                (false, false) => ("", Tone::Plain),
            };
            table.row([
                Cell::toned(&*point.value, tone),
                Cell::toned(word, tone),
                Cell::from(point.hits),
                Cell::from(point.fraud),
                Cell::from(point.legitimate),
                Cell::from(point.precision.percent()),
                Cell::from(point.recall.percent()),
                Cell::from(point.false_positive_rate.percent()),
                Cell::from(money_text(point.amount_caught, self.decimals)),
                Cell::from(point.unique_fraud),
            ]);
        }
        document.table(table);
        document.note(
            "Unique: frauds that no other rule with an answer or a follow-up holds on. Intervals \
             stand in --json and --csv.",
        );
        self.facts(&mut document);
        document
    }

    fn verdict(&self, document: &mut Document) {
        let limit = self.max_false_positive_rate.map(percent);
        let best = self.points.iter().find(|point| point.is_best);
        match (best, limit) {
            _ if self.fraud == 0 => document.verdict(
                "none of the decisions is known to be fraud: there is no trade-off to see",
                Tone::Warning,
            ),
            (Some(best), Some(limit)) => document.verdict(
                format!(
                    "{} = {}: catches most within {limit} false positives ({} of {}, {} of \
                     legitimate ones hit)",
                    self.constant,
                    best.value,
                    grouped(best.fraud),
                    counted(self.fraud, "fraud"),
                    best.false_positive_rate.percent(),
                ),
                Tone::Good,
            ),
            (None, Some(limit)) => document.verdict(
                format!("no value catches anything within {limit} false positives"),
                Tone::Warning,
            ),
            (_, None) => document
                .verdict("state a limit with --max-fpr to have the best value named", Tone::Plain),
        }
        let unlabelled = match self.assumption {
            "labelled_only" => "events without a label are left out",
            "complete" => "what it does not name is legitimate",
            _ => "an event is legitimate unless it is labelled",
        };
        document.note(format!("Truth: {}; {unlabelled}.", self.truth));
        if !self.also_read_by.is_empty() {
            let others = self.also_read_by.join(" ");
            document.note(format!("Other rules read {} too: {others}.", self.constant));
        }
    }

    fn curves(&self, document: &mut Document) {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return };
        if self.points.len() < 2 || self.fraud == 0 {
            return;
        }
        let axis = |name: &str, low, high, unit| Axis { name: name.to_owned(), low, high, unit };
        let x = || axis(&self.constant, first.number, last.number, Unit::Number);
        let curve = |name: &str, share: Of| {
            let known = self
                .points
                .iter()
                .filter_map(|point| share(point).value.map(|value| (point.number, value)));
            Curve { name: name.to_owned(), points: known.collect() }
        };
        let marks = |share: Of| -> Vec<Mark> {
            let marked = self.points.iter().filter(|point| point.is_best || point.is_current);
            let mark = |point: &Point| {
                let word = if point.is_best { "best" } else { "now" };
                let text = format!("{word} {}", point.value);
                Some(Mark { at: (point.number, share(point).value?), text })
            };
            marked.filter_map(mark).collect()
        };
        let highest = |share: Of| {
            let values = self.points.iter().filter_map(|point| share(point).value);
            let highest = values.fold(0.0, f64::max);
            // Nothing hit anywhere: an axis of one percent, not of nothing.
            if highest > 0.0 { highest } else { 0.01 }
        };
        let rule = &self.rule;
        let plots: [(&str, String, Of); 3] = [
            ("recall", format!("Of all frauds, hit by rule {rule}."), |point| &point.recall),
            ("precision", format!("Of the hits of rule {rule}, frauds."), |point| &point.precision),
            (
                "false positive rate",
                format!("Of legitimate events, hit by rule {rule}."),
                |point| &point.false_positive_rate,
            ),
        ];
        for (name, title, share) in plots {
            document.figure(Figure::Curves(Curves {
                title,
                x: x(),
                // A rule is one of many: its recall is small beside the whole.
                y: axis(name, 0.0, highest(share), Unit::Share),
                lines: vec![curve(name, share)],
                marks: marks(share),
            }));
        }
    }

    fn facts(&self, document: &mut Document) {
        document.heading("What was run");
        let walks = match self.passes {
            1 => "1: the columns do not depend on the constant, so one engine served every value"
                .to_owned(),
            more => format!("{more}: windows or derived columns read the constant"),
        };
        let mut lines = vec![
            Line::new("rules", self.bundle.get(..19).unwrap_or(&self.bundle)),
            Line::new("constant", format!("{} at {}", self.current, self.place)),
            Line::new("values", grouped(self.points.len() as u64)),
            Line::new("decisions", grouped(self.decisions)),
            Line::new("walks through the history", walks),
            Line::new("amounts in", self.currency.clone()),
            Line::new("time", format!("{:.1} s", self.elapsed_s)),
        ];
        let refused = self.refusals.lines();
        if !refused.is_empty() {
            lines.push(Line::new("lines without an answer", ""));
            lines.extend(refused);
        }
        document.lines(lines);
    }

    /// One row a value.
    pub(super) fn csv(&self) -> String {
        let mut out = String::new();
        push_row(
            &mut out,
            &[
                "value",
                "is_current",
                "is_best",
                "hits",
                "fraud",
                "legitimate",
                "precision",
                "precision_low",
                "precision_high",
                "recall",
                "recall_low",
                "recall_high",
                "false_positive_rate",
                "false_positive_rate_low",
                "false_positive_rate_high",
                "amount_caught_minor",
                "unique_fraud",
            ],
        );
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.6}"));
        for point in &self.points {
            let mut values =
                vec![point.value.clone(), point.is_current.to_string(), point.is_best.to_string()];
            values.extend([point.hits, point.fraud, point.legitimate].map(|n| n.to_string()));
            for share in [&point.precision, &point.recall, &point.false_positive_rate] {
                values.extend([share.value, share.low, share.high].map(number));
            }
            values.extend([point.amount_caught.to_string(), point.unique_fraud.to_string()]);
            push_row(&mut out, &values.iter().map(String::as_str).collect::<Vec<_>>());
        }
        out
    }
}
