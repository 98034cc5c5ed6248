//! What is allowed and still wrong: rules that cannot fire, that always fire, that say what another
//! says, that nobody reaches; features that nobody reads; what costs more than the ledger grants.
//!
//! Reasoning is by column over the clauses of each condition (`clauses`). What it does not decide
//! (columns against columns, arithmetic, patterns) it never reports: a finding is always true.

mod space;
mod clauses;
mod cover;
mod cost;
mod unused;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::Bundle;
use super::fault::At;
use crate::stages::decide::Ledger;
use crate::stages::rules::{Mode, Rule};
use clauses::{clauses, ranges};

/// What kind of thing was found.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum FindingKind {
    /// A condition that never holds.
    Contradiction,
    /// A condition that is never false.
    Tautology,
    /// Two rules that ask the same.
    Duplicate,
    /// A rule whose effect another has wherever it holds.
    Covered,
    /// A rule behind a block or an allow.
    Unreachable,
    /// A feature that nobody reads.
    UnusedFeature,
    /// A list that nobody asks.
    UnusedList,
    /// A constant that nobody names.
    UnusedConstant,
    /// A rule that takes a large share of the ledger.
    Costly,
}

impl FindingKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contradiction => "contradiction",
            Self::Tautology => "tautology",
            Self::Duplicate => "duplicate",
            Self::Covered => "covered",
            Self::Unreachable => "unreachable",
            Self::UnusedFeature => "unused_feature",
            Self::UnusedList => "unused_list",
            Self::UnusedConstant => "unused_constant",
            Self::Costly => "costly",
        }
    }

    /// Whether a bundle with it may not go live: a rule that can never say anything, says it always,
    /// or says what another says, is a slip.
    pub const fn bars(self) -> bool {
        matches!(self, Self::Contradiction | Self::Tautology | Self::Duplicate)
    }
}

/// One thing that was found.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// The file, by its name in the bundle.
    pub file: String,
    /// Where in it.
    pub at: At,
    /// What it is.
    pub kind: FindingKind,
    /// The rule that it is about, if it is about one.
    pub rule: Option<String>,
    /// The other rule of two.
    pub other: Option<String>,
    /// What was found and what to do about it; with a rule, what follows its name.
    pub message: String,
}

impl Finding {
    fn at(kind: FindingKind, file: &str, at: At, message: String) -> Self {
        Self { file: file.to_owned(), at, kind, rule: None, other: None, message }
    }

    fn of_rule(kind: FindingKind, rule: &Rule, message: String) -> Self {
        let at = At { line: rule.place.line, column: rule.place.column };
        Self { rule: Some(rule.id.clone()), ..Self::at(kind, &rule.place.file, at, message) }
    }

    /// One line for people.
    pub fn told(&self) -> String {
        let subject = self.rule.as_ref().map_or_else(String::new, |rule| format!("rule {rule} "));
        format!("{}:{}: {subject}{}", self.file, self.at.line, self.message)
    }

    fn with(self, other: &str) -> Self {
        Self { other: Some(other.to_owned()), ..self }
    }
}

/// What the look over a bundle showed.
#[derive(Clone, Debug, Default)]
pub struct Lint {
    /// In the order of files and lines.
    pub findings: Vec<Finding>,
    /// Rules whose condition has too many clauses to be reasoned about.
    pub undecided: Vec<String>,
    /// What each rule costs at worst, in nanoseconds, in the order of the rules.
    pub cost_ns: Vec<(String, u64)>,
    /// What the rules of one service and kind cost at worst together, where that is most.
    pub most_ns: u64,
    /// What the ledger grants all rules, in microseconds.
    pub granted_us: u32,
}

impl Bundle {
    /// Looks for what is allowed and still wrong. `files` are those that the bundle was compiled from.
    pub fn lint(&self, files: &BTreeMap<String, Vec<u8>>) -> Lint {
        let rules = self.rules.rules();
        let ranges = ranges(&self.aggregates, &self.schema);
        let mut lint = Lint::default();
        let mut fires = Vec::with_capacity(rules.len());
        for rule in rules {
            let (holds, fails) =
                (clauses(&rule.when, &ranges, true), clauses(&rule.when, &ranges, false));
            let finding = match (&holds, &fails) {
                (Some(holds), _) if holds.is_empty() => {
                    let message = "can never hold: its conditions exclude each other";
                    Some(Finding::of_rule(FindingKind::Contradiction, rule, message.into()))
                }
                (_, Some(fails)) if fails.is_empty() => {
                    let message = "always holds where its columns have values: it asks nothing";
                    Some(Finding::of_rule(FindingKind::Tautology, rule, message.into()))
                }
                _ => None,
            };
            if holds.is_none() && fails.is_none() {
                lint.undecided.push(rule.id.clone());
            }
            // What never or always holds is covered by everything: it was said once.
            fires.push(if finding.is_some() { None } else { holds });
            lint.findings.extend(finding);
        }
        let shelf = cover::Shelf::new(rules, &fires);
        let asked = rules.iter().enumerate().filter(|(_, rule)| rule.mode != Mode::Off);
        lint.findings.extend(asked.filter_map(|(index, _)| shelf.finding(index)));
        lint.findings.extend(unused::findings(self, files));
        lint.findings.extend(cost::findings(rules, &self.policy.ledger));
        lint.findings.sort();
        lint.cost_ns = rules.iter().map(|rule| (rule.id.clone(), cost::of_rule(rule))).collect();
        lint.most_ns = cost::most(rules).0;
        lint.granted_us = self.policy.ledger.stage_us[crate::domain::Stage::Rules as usize];
        lint
    }
}

/// The sentence that refuses a bundle whose rules cannot be asked in the time that its ledger grants.
pub(super) fn refusal(rules: &[Rule], ledger: &Ledger) -> Option<String> {
    cost::refusal(rules, ledger)
}

fn is_word(name: &str) -> bool {
    super::desk::is_name(name)
}
