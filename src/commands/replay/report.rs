//! What a replay found, as one value: table, JSON, CSV and page are made from it.

use serde::Serialize;

use super::compare::Comparison;
use super::rebuild::Begun;
use super::what_if::WhatIf;

/// What a replay found.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    /// The journal's directory.
    pub(super) journal: String,
    /// `exact` or `what_if`.
    pub(super) mode: &'static str,
    /// Which inputs, in words.
    pub(super) range: String,
    /// Inputs that were only counted, for the state before the range.
    pub(super) counted_before: u64,
    /// Where the states before came from: one for each bundle that decided.
    pub(super) begun: Vec<Begun>,
    /// Inputs that were applied again.
    pub(super) inputs: u64,
    /// Of those, decisions.
    pub(super) decisions: u64,
    /// Outcomes and labels.
    pub(super) amendments: u64,
    /// History, counted without a decision.
    pub(super) observed: u64,
    /// The bundles that decided then, with their inputs.
    pub(super) bundles: Vec<Count>,
    /// The version of this engine's semantics.
    pub(super) engine_semantics: u32,
    /// By the version that an input was decided under: byte-exactness is promised within one.
    pub(super) semantics: Vec<Semantics>,
    /// Inputs of which something came out differently (exact only).
    pub(super) differences: u64,
    /// The first of them in full (exact only).
    pub(super) first_difference: Option<Comparison>,
    /// The next ones in short, at most [`Report::DIFFERENCES_MAX`] (exact only).
    pub(super) more_differences: Vec<Comparison>,
    /// The event that was asked for, in full.
    pub(super) event: Option<Comparison>,
    /// What another bundle would have decided.
    pub(super) what_if: Option<WhatIf>,
    /// Seconds that applying and comparing took, without the state before.
    pub(super) elapsed_s: f64,
}

/// A bundle and how many inputs it decided.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Count {
    /// Its number in the journal.
    pub(super) of: u32,
    /// Its hash.
    pub(super) name: String,
    pub(super) inputs: u64,
}

/// What came of the inputs of one version of the engine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Semantics {
    pub(super) version: u32,
    pub(super) inputs: u64,
    pub(super) differences: u64,
}

impl Report {
    /// Most differences that are kept after the first: with every decision different, the report
    /// is still a report.
    pub(super) const DIFFERENCES_MAX: usize = 99;

    /// Nothing differs: neither a body nor, in a what-if, an answer.
    pub(super) fn is_clean(&self) -> bool {
        let changed = self.what_if.as_ref().map_or(0, |what_if| what_if.changed + what_if.other);
        self.differences == 0 && changed == 0
    }

    /// Notes where a state before came from.
    pub(super) fn note_begun(&mut self, begun: Begun) {
        if self.inputs == 0 {
            self.counted_before = begun.counted;
        }
        self.begun.push(begun);
    }

    /// Counts an input under the bundle that decided it then.
    pub(super) fn count_bundle(&mut self, of: u32, hash: Option<String>) {
        match self.bundles.iter_mut().find(|count| count.of == of) {
            Some(count) => count.inputs += 1,
            None => {
                let hash = hash.map(|hash| format!("sha256:{hash}"));
                let name = hash.unwrap_or_else(|| format!("bundle {of}"));
                self.bundles.push(Count { of, name, inputs: 1 });
            }
        }
    }

    /// Counts an input under the version of the engine that decided it then.
    pub(super) fn count_semantics(&mut self, version: u32, differs: bool) {
        let at = self.semantics.iter().position(|one| one.version == version);
        let at = at.unwrap_or_else(|| {
            self.semantics.push(Semantics { version, inputs: 0, differences: 0 });
            self.semantics.len() - 1
        });
        self.semantics[at].inputs += 1;
        self.semantics[at].differences += u64::from(differs);
    }
}
