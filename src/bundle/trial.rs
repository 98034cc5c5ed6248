//! The cases of a bundle, tried: which rule said something else than its case expects, and why.

use super::Bundle;
use super::cases::{Case, Expect};
use super::fault::At;
use crate::domain::{FeatureVector, Kind, Service, Value};
use crate::lang::{self, Node, NodeKind, Program, Truth, Type};
use crate::stages::rules::Rule;

/// What trying the cases of a bundle showed.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// How many rules there are.
    pub rules: usize,
    /// How many cases were tried.
    pub cases: usize,
    /// The cases that were tried, in the order of the rules.
    pub tried: Vec<Tried>,
    /// Cases by events that were not tried, because nobody played them.
    pub unplayed: usize,
    /// Cases in which the rule said something else.
    pub failures: Vec<Failure>,
    /// Rules without a case in which they fire.
    pub never_fires: Vec<String>,
    /// Rules without a case in which they stay silent.
    pub never_silent: Vec<String>,
}

impl Trial {
    /// Every case holds, and every rule has a firing and a silent one.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.never_fires.is_empty() && self.never_silent.is_empty()
    }
}

/// A case that was tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The rule's id.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// The case's name.
    pub case: String,
    /// Where in [`Trial::failures`] it is, if it failed.
    pub failure: Option<usize>,
}

/// A case in which the rule said something else than it should.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The rule's id.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// Where the case stands.
    pub at: At,
    /// The case's name.
    pub case: String,
    /// What it expects.
    pub expected: Expect,
    /// What the rule said.
    pub got: Expect,
    /// Why the case's events could not be played.
    pub error: Option<String>,
    /// The rule is not asked at all: its `services` or `kinds` leave the case out.
    pub out_of_scope: bool,
    /// Each part of the condition with its value, in the order of the text.
    pub parts: Vec<Part>,
}

/// A part of a condition and its value in a case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Part {
    /// As it is written.
    pub text: String,
    /// Its value, or `missing`.
    pub value: String,
}

/// More parts than a reader takes in.
const PARTS_MAX: usize = 64;

impl Bundle {
    /// Tries every case by values of every rule; those by events need an engine
    /// ([`Self::test_with`]).
    pub fn test(&self) -> Trial {
        self.test_with(|_| None)
    }

    /// Tries every case of every rule. `play` gives the row of the last of a case's events, or says
    /// why there is none; `None` where nobody can play.
    pub fn test_with(
        &self,
        mut play: impl FnMut(&[String]) -> Option<Result<FeatureVector, String>>,
    ) -> Trial {
        let mut trial = Trial { rules: self.rules.rules().len(), ..Trial::default() };
        for (rule, cases) in self.rules.rules().iter().zip(&self.cases) {
            for case in cases {
                let row = match case.events.as_slice() {
                    [] => Ok(case.row(&self.schema)),
                    events => match play(events) {
                        Some(row) => row,
                        None => {
                            trial.unplayed += 1;
                            continue;
                        }
                    },
                };
                trial.cases += 1;
                let failed = self.try_case(rule, case, row);
                trial.tried.push(Tried {
                    rule: rule.id.clone(),
                    file: rule.place.file.to_string(),
                    case: case.name.clone(),
                    failure: failed.is_some().then_some(trial.failures.len()),
                });
                trial.failures.extend(failed);
            }
            let has = |wanted: &[Expect]| cases.iter().any(|case| wanted.contains(&case.expect));
            if !has(&[Expect::Fires]) {
                trial.never_fires.push(rule.id.clone());
            }
            if !has(&[Expect::Silent, Expect::Quiet]) {
                trial.never_silent.push(rule.id.clone());
            }
        }
        trial
    }

    fn try_case(
        &self,
        rule: &Rule,
        case: &Case,
        row: Result<FeatureVector, String>,
    ) -> Option<Failure> {
        let (row, error) = match row {
            Ok(row) => (row, None),
            Err(error) => (FeatureVector::new(self.schema.columns()), Some(error)),
        };
        let in_scope = in_scope(rule, &row);
        let got = match (in_scope, rule.when.truth(&row)) {
            (false, _) | (true, Truth::False) => Expect::Silent,
            (true, Truth::True) => Expect::Fires,
            (true, Truth::Undetermined) => Expect::Undetermined,
        };
        (!case.expect.is_met_by(got) || error.is_some()).then(|| Failure {
            rule: rule.id.clone(),
            file: rule.place.file.to_string(),
            at: case.at,
            case: case.name.clone(),
            expected: case.expect,
            got,
            out_of_scope: !in_scope,
            parts: if error.is_none() { self.parts(&rule.when, &row) } else { Vec::new() },
            error,
        })
    }

    /// The parts of a condition that are not plain constants, each once, with their values.
    pub fn parts(&self, program: &Program, row: &FeatureVector) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        let mut open = vec![program.node()];
        while let Some(node) = open.pop() {
            // Children are taken from the stack in the order of the text.
            open.extend(node.children().into_iter().rev());
            if matches!(node.kind, NodeKind::Constant(_)) || parts.len() >= PARTS_MAX {
                continue;
            }
            let text = text_of(node, program.source());
            if parts.iter().all(|part| part.text != text) {
                let value = match (program.part(node).value(row), node.node_type) {
                    (Ok(Value::Int(ms)), Type::Duration) => lang::duration_text(ms),
                    (Ok(value), _) => self.shown(value),
                    (Err(lang::EvalError::Missing(_)), _) => "missing".to_owned(),
                    (Err(error), _) => error.to_string(),
                };
                parts.push(Part { text, value });
            }
        }
        parts
    }

    /// A value as an analyst writes it.
    pub fn shown(&self, value: Value<'_>) -> String {
        match value {
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => format!("{value:?}"),
            Value::Text(value) => format!("{value:?}"),
            Value::Money(minor) => {
                let scale = 10_u64.pow(u32::from(self.base_decimals.min(9)));
                let (major, rest) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
                let sign = if minor < 0 { "-" } else { "" };
                let width = usize::from(self.base_decimals);
                let code = self.base_currency.as_str();
                match width {
                    0 => format!("{sign}{major} {code}"),
                    _ => format!("{sign}{major}.{rest:0width$} {code}"),
                }
            }
            Value::Timestamp(ms) => crate::domain::EventTime::from_ms(ms)
                .map_or_else(|_| ms.to_string(), |time| time.to_string()),
            Value::Id(id) => format!("{id:016x}"),
        }
    }
}

/// A case that names no service or kind is one that the rule looks at.
fn in_scope(rule: &Rule, row: &FeatureVector) -> bool {
    use crate::domain::{Fact, FieldId};
    let service = Service::parse(row.text(FieldId::of_fact(Fact::Service)));
    let kind = Kind::parse(row.text(FieldId::of_fact(Fact::Kind)));
    service.is_none_or(|service| rule.services.contains(service))
        && kind.is_none_or(|kind| rule.kinds.contains(kind))
}

/// The text of a part, on one line.
fn text_of(node: &Node, source: &str) -> String {
    let text = source.get(node.span.start as usize..node.span.end as usize).unwrap_or("");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
