//! From rows to a report: every count of a backtest, in one walk over the decisions.

use std::collections::{BTreeMap, HashMap};

use super::report::{Measure, Overlap, Point, Report, RuleReport, Slice, Transition, TruthReport};
use super::rules::{acts, mode};
use super::share::Share;
use super::verdicts::{Answer, Row};
use crate::bundle::Bundle;
use crate::domain::Truth;

/// What events without a label are taken for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Unlabelled {
    /// Legitimate: nobody has complained.
    Legitimate,
    /// Nothing: they are left out of every share.
    LeftOut,
}

impl Unlabelled {
    /// By the flag `--labelled-only`.
    pub(in crate::commands) const fn by_flag(labelled_only: bool) -> Self {
        if labelled_only { Self::LeftOut } else { Self::Legitimate }
    }

    /// What an event is measured as.
    pub(in crate::commands) const fn class(self, truth: Option<Truth>) -> Class {
        match (truth, self) {
            (Some(Truth::Fraud), _) => Class::Fraud,
            (Some(Truth::Legitimate), _) | (None, Self::Legitimate) => Class::Legitimate,
            (None, Self::LeftOut) => Class::Unknown,
        }
    }
}

/// What an event is measured as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Class {
    Fraud,
    Legitimate,
    Unknown,
}

/// Counts of events that something picked.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::commands) struct Count {
    pub(in crate::commands) hits: u64,
    pub(in crate::commands) fraud: u64,
    pub(in crate::commands) legitimate: u64,
    pub(in crate::commands) amount: i64,
}

impl Count {
    /// Counts one event.
    pub(in crate::commands) fn take(&mut self, class: Class, amount: i64) {
        self.hits += 1;
        match class {
            Class::Fraud => {
                self.fraud += 1;
                self.amount = self.amount.saturating_add(amount);
            }
            Class::Legitimate => self.legitimate += 1,
            Class::Unknown => {}
        }
    }

    fn measure(&self, name: String, all: &Self) -> Measure {
        Measure {
            name,
            hits: self.hits,
            fraud: self.fraud,
            legitimate: self.legitimate,
            precision: Share::of(self.fraud, self.fraud + self.legitimate),
            recall: Share::of(self.fraud, all.fraud),
            false_positive_rate: Share::of(self.legitimate, all.legitimate),
            amount_caught: self.amount,
        }
    }
}

/// Most pairs of rules that a report holds.
const OVERLAPS_MAX: usize = 2_000;

/// What is counted while walking over the decisions.
struct Tally {
    all: Count,
    unlabelled: u64,
    answers: [Count; 3],
    rules: Vec<Count>,
    unique: Vec<u64>,
    pairs: HashMap<(u16, u16), u64>,
    transitions: BTreeMap<(Answer, Answer), Count>,
    days: BTreeMap<i32, Group>,
    services: BTreeMap<&'static str, Group>,
    /// Fraud and legitimate by score.
    scores: Vec<(u64, u64)>,
    /// Hits by day and rule.
    by_day: BTreeMap<i32, HashMap<u16, u64>>,
}

/// Decisions of one day or service.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    all: Count,
    flagged: Count,
    stopped: u64,
    changed: u64,
}

/// Names of the three ways to answer that are measured.
const ANSWERS: [&str; 3] = ["declined", "stopped", "flagged"];

/// Fills everything of the report that follows from the decisions. `old` is what was answered
/// before, row by row, or nothing.
pub(super) fn measure(
    report: &mut Report,
    bundle: &Bundle,
    (rows, hits, old): (&[Row], &[u16], &[Answer]),
    unlabelled: Unlabelled,
) {
    let rules = bundle.rules.rules();
    let acting: Vec<bool> = rules.iter().map(acts).collect();
    let mut tally = Tally {
        all: Count::default(),
        unlabelled: 0,
        answers: Default::default(),
        rules: vec![Count::default(); rules.len()],
        unique: vec![0; rules.len()],
        pairs: HashMap::new(),
        transitions: BTreeMap::new(),
        days: BTreeMap::new(),
        services: BTreeMap::new(),
        scores: vec![(0, 0); 1_001],
        by_day: BTreeMap::new(),
    };
    let mut rest = hits;
    for (at, row) in rows.iter().enumerate() {
        // Every row's hits were appended with it.
        let (its, others) = rest.split_at(usize::from(row.hits).min(rest.len()));
        rest = others;
        tally.take(row, its, old.get(at).copied(), (&acting, unlabelled));
    }
    tally.finish(report, bundle);
}

impl Tally {
    fn take(
        &mut self,
        row: &Row,
        hits: &[u16],
        old: Option<Answer>,
        (acting, unlabelled): (&[bool], Unlabelled),
    ) {
        let class = unlabelled.class(row.truth);
        self.unlabelled += u64::from(row.truth.is_none());
        self.all.take(class, row.amount);
        let answer = row.answer;
        let picked = [answer.action() == 2, answer.is_stopped(), answer.is_flagged()];
        for (count, picked) in self.answers.iter_mut().zip(picked) {
            if picked {
                count.take(class, row.amount);
            }
        }
        let changed = old.is_some_and(|old| old != answer);
        if let Some(old) = old.filter(|_| changed) {
            self.transitions.entry((old, answer)).or_default().take(class, row.amount);
        }
        let day = self.days.entry(row.day).or_default();
        for group in [day, self.services.entry(row.service.name()).or_default()] {
            group.all.take(class, row.amount);
            group.stopped += u64::from(answer.is_stopped());
            group.changed += u64::from(changed);
            if answer.is_flagged() {
                group.flagged.take(class, row.amount);
            }
        }
        let score = &mut self.scores[usize::from(row.score.min(1_000))];
        score.0 += u64::from(class == Class::Fraud);
        score.1 += u64::from(class == Class::Legitimate);
        self.take_hits(row, hits, class, acting);
    }

    fn take_hits(&mut self, row: &Row, hits: &[u16], class: Class, acting: &[bool]) {
        if hits.is_empty() {
            return;
        }
        let by_day = self.by_day.entry(row.day).or_default();
        let is_acting = |rule: &u16| acting.get(usize::from(*rule)).copied().unwrap_or(false);
        let actors = hits.iter().filter(|rule| is_acting(rule)).count();
        for (at, rule) in hits.iter().enumerate() {
            let Some(count) = self.rules.get_mut(usize::from(*rule)) else { continue };
            count.take(class, row.amount);
            *by_day.entry(*rule).or_default() += 1;
            let others = actors - usize::from(is_acting(rule));
            if class == Class::Fraud && others == 0 {
                self.unique[usize::from(*rule)] += 1;
            }
            for other in &hits[at + 1..] {
                let pair = (*rule.min(other), *rule.max(other));
                *self.pairs.entry(pair).or_default() += 1;
            }
        }
    }

    fn finish(self, report: &mut Report, bundle: &Bundle) {
        let all = self.all;
        report.decisions = all.hits;
        report.truth = TruthReport {
            fraud: all.fraud,
            fraud_amount: all.amount,
            legitimate: all.legitimate,
            unlabelled: self.unlabelled,
            ..std::mem::take(&mut report.truth)
        };
        let answers = self.answers.iter().zip(ANSWERS);
        report.answers =
            answers.map(|(count, name)| count.measure(name.to_owned(), &all)).collect();
        report.scores = curve(&self.scores, &all);
        let name = |rule: u16| bundle.rules.rules()[usize::from(rule)].id.clone();
        let mut pairs: Vec<_> = self.pairs.into_iter().collect();
        pairs.sort_by_key(|(pair, hits)| (std::cmp::Reverse(*hits), *pair));
        pairs.truncate(OVERLAPS_MAX);
        report.overlaps = pairs
            .into_iter()
            .map(|((one, other), hits)| Overlap { one: name(one), other: name(other), hits })
            .collect();
        let days: Vec<i32> = self.days.keys().copied().collect();
        let rules = bundle.rules.rules().iter().enumerate();
        report.rules = rules
            .map(|(at, rule)| {
                let of_day = |day: &i32| {
                    let hits = self.by_day.get(day).and_then(|hits| hits.get(&(at as u16)));
                    hits.copied().unwrap_or(0)
                };
                RuleReport {
                    mode: mode(rule),
                    title: rule.name.clone(),
                    acts: acts(rule),
                    measure: self.rules[at].measure(rule.id.clone(), &all),
                    unique_fraud: self.unique[at],
                    by_day: days.iter().map(of_day).collect(),
                }
            })
            .collect();
        report.transitions = self.transitions.into_iter().map(transition).collect();
        report.transitions.sort_by_key(|one| std::cmp::Reverse(one.decisions));
        report.days =
            self.days.into_iter().map(|(day, group)| slice(day_name(day), &group)).collect();
        let services = self.services.into_iter();
        report.services = services.map(|(name, group)| slice(name.to_owned(), &group)).collect();
    }
}

fn transition(((from, to), count): ((Answer, Answer), Count)) -> Transition {
    Transition {
        from: from.shown(),
        to: to.shown(),
        decisions: count.hits,
        fraud: count.fraud,
        legitimate: count.legitimate,
        is_stricter: to > from,
    }
}

fn slice(name: String, group: &Group) -> Slice {
    Slice {
        decisions: group.all.hits,
        flagged: group.flagged.measure(name, &group.all),
        stopped: group.stopped,
        changed: group.changed,
    }
}

/// Everything from each score on, where something has that score.
fn curve(scores: &[(u64, u64)], all: &Count) -> Vec<Point> {
    let (mut fraud, mut legitimate) = (0, 0);
    let mut points = Vec::new();
    let share = |part: u64, of: u64| if of == 0 { 0.0 } else { part as f64 / of as f64 };
    for (score, (frauds, others)) in scores.iter().enumerate().rev() {
        (fraud, legitimate) = (fraud + frauds, legitimate + others);
        if frauds + others > 0 {
            points.push(Point {
                score: score as u16, // at most 1,000
                fraud,
                legitimate,
                precision: share(fraud, fraud + legitimate),
                recall: share(fraud, all.fraud),
                false_positive_rate: share(legitimate, all.legitimate),
            });
        }
    }
    points
}

/// The date of a local day.
fn day_name(day: i32) -> String {
    let start = crate::domain::EventTime::from_ms(i64::from(day) * 86_400_000);
    // A local day, written as if it were UTC: its date is the day's.
    start.map_or_else(|_| day.to_string(), |start| start.to_string()[..10].to_owned())
}
