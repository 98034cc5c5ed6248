//! From rules as they are written to the set that the rules stage runs.

use std::sync::Arc;

use super::cases::Case;
use super::effect::ReasonTable;
use super::fault::{At, Fault};
use super::rules::{RawMode, RawRule};
use crate::lang::Place;
use crate::stages::rules::{KindSet, Mode, Rule, RuleSet, ServiceSet, Share, Warmth};

/// Builds the set, and the cases of each rule in the same order.
pub(super) fn build(
    raw: Vec<(&str, RawRule)>,
    reasons: &ReasonTable,
    hash: [u8; 32],
    faults: &mut Vec<Fault>,
) -> Option<(RuleSet, Vec<Vec<Case>>)> {
    let mut rules = Vec::with_capacity(raw.len());
    let mut cases = Vec::with_capacity(raw.len());
    for (file, raw) in raw {
        let (rule, its_cases) = rule(file, raw, reasons);
        rules.push(rule);
        cases.push(its_cases);
    }
    match RuleSet::new(rules, hash) {
        Ok(set) => Some((set, cases)),
        Err(error) => {
            faults.push(Fault::new("", At::default(), error.to_string()));
            None
        }
    }
}

fn rule(file: &str, raw: RawRule, reasons: &ReasonTable) -> (Rule, Vec<Case>) {
    let (reason_code, reason) = reasons.get(raw.effect.reason);
    let rule = Rule {
        id: raw.id,
        name: raw.name,
        place: Place { file: Arc::from(file), line: raw.at.line, column: raw.at.column },
        when: raw.when,
        effect: raw.effect,
        reason_code: reason_code.to_owned(),
        reason: reason.to_owned(),
        mode: match raw.scope.mode {
            RawMode::Live => Mode::Live,
            RawMode::Shadow => Mode::Shadow,
            RawMode::Off => Mode::Off,
            // Below 10,000 by the reader, so below a million.
            RawMode::Canary(basis_points) => {
                Share::from_ppm(u32::from(basis_points) * 100).map_or(Mode::Shadow, Mode::Canary)
            }
        },
        services: match raw.scope.services.as_slice() {
            [] => ServiceSet::ALL,
            some => ServiceSet::of(some),
        },
        kinds: match raw.scope.kinds.as_slice() {
            [] => KindSet::ALL,
            some => KindSet::of(some),
        },
        warmth: if raw.scope.require_warm { Warmth::Required } else { Warmth::Any },
        valid_from: raw.scope.valid_from,
        valid_until: raw.scope.valid_until,
    };
    (rule, raw.cases)
}
