//! All conditions of a rule set as bitmaps: one pass over the columns instead of one over the rules.
//!
//! Every condition is an "or" of clauses, every clause an "and" of literals, and every clause owns
//! one bit. For each column there is a row of bits for each place that its value can take among the
//! constants it is compared with: the clauses that such a value falsifies. An event ORs one row a
//! column; the clauses whose bit stayed clear hold. A missing value marks its clauses in a second
//! set: a clause that is marked there and not falsified is undetermined, as in CEL. What no row can
//! answer (a column against a column, a function) is computed once for all rules that ask it, and
//! only while one of them could still hold.

mod bits;
mod clauses;
mod column;
mod computed;
#[cfg(test)]
mod oracle;

use crate::domain::FeatureVector;
use crate::lang::{Program, Truth};

use super::RuleIndex;
use bits::Rows;
use clauses::{Clause, Literals, Subject};
use column::{Builder, Column};
use computed::Computed;

/// The bitmaps of a rule set's conditions.
#[derive(Clone, Debug)]
pub(super) struct ClauseIndex {
    /// The rule of each clause; the clauses of a rule stand together, in the order of the rules.
    rule_of: Vec<RuleIndex>,
    /// Where the clauses of each rule begin; one more than there are rules.
    first: Vec<u32>,
    columns: Vec<Column>,
    computed: Vec<Computed>,
    rows: Rows,
}

/// Some of the rules, and the columns that their clauses read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Subset {
    /// A set bit for every clause of other rules, and for every bit that is no clause's.
    others: Box<[u64]>,
    columns: Box<[u32]>,
    computed: Box<[u32]>,
}

/// What is known of every clause: reused from event to event.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    falsified: Vec<u64>,
    missing: Vec<u64>,
    /// The rows that the event's values pick.
    falsifying: Vec<u32>,
    /// The rows of the columns without a value.
    lacking: Vec<u32>,
}

impl ClauseIndex {
    /// Builds the bitmaps of conditions, in the order of their rules.
    pub(super) fn new<'r>(conditions: impl Iterator<Item = &'r Program>) -> Self {
        let mut literals = Literals::default();
        let (mut rule_of, mut first, mut clauses) = (Vec::new(), vec![0], Vec::new());
        for (rule, condition) in conditions.enumerate() {
            let its: Vec<Clause> = literals.clauses_of(condition);
            rule_of.extend(its.iter().map(|_| RuleIndex(rule as u16)));
            clauses.extend(its);
            first.push(clauses.len() as u32);
        }
        let mut rows = Rows::of(clauses.len());
        let mut builders: Vec<Builder> = Vec::new();
        let mut computed: Vec<_> = literals.programs.into_iter().map(Computed::new).collect();
        for (bit, literal) in each_literal(clauses) {
            match literal.subject {
                Subject::Computed(at) => {
                    if let Some(computed) = computed.get_mut(at) {
                        computed.add(bit, literal.test.is_true());
                    }
                }
                Subject::Field(field, kind) => {
                    let found = builders.binary_search_by_key(&field, Builder::field);
                    let at = found.unwrap_or_else(|at| {
                        builders.insert(at, Builder::new(field));
                        at
                    });
                    builders[at].add(bit, kind, literal.test); // where it was found or put
                }
            }
        }
        let columns = builders.into_iter().map(|builder| builder.finish(&mut rows)).collect();
        Self { rule_of, first, columns, computed, rows }
    }

    /// The subset of the rules that are wanted.
    pub(super) fn subset(&self, is_wanted: impl Fn(RuleIndex) -> bool) -> Subset {
        let mut others = vec![u64::MAX; self.rows.width()];
        for (bit, rule) in self.rule_of.iter().enumerate() {
            if is_wanted(*rule) {
                others[bit / 64] &= !(1 << (bit % 64)); // below `64 * width`
            }
        }
        let asked = |is_used: &dyn Fn(usize, u64) -> bool| {
            others.iter().enumerate().any(|(word, others)| is_used(word, !*others))
        };
        let places = |used: Vec<bool>| -> Box<[u32]> {
            let used = used.into_iter().enumerate().filter(|(_, used)| *used);
            used.map(|(at, _)| at as u32).collect()
        };
        let columns = self.columns.iter();
        let columns = columns.map(|column| asked(&|word, of| column.uses(word, of, &self.rows)));
        let columns = places(columns.collect());
        let computed = self.computed.iter().map(|one| asked(&|word, of| one.uses(word, of)));
        let computed = places(computed.collect());
        Subset { others: others.into(), columns, computed }
    }

    /// Starts an event: only the rules of a subset can hold.
    pub(super) fn start(&self, subset: &Subset, marks: &mut Marks) {
        marks.falsified.clear();
        marks.falsified.extend_from_slice(&subset.others);
        marks.missing.clear();
        marks.missing.resize(subset.others.len(), 0);
        marks.falsifying.clear();
        marks.lacking.clear();
    }

    /// Takes a rule out of this event.
    pub(super) fn exclude(&self, rule: RuleIndex, marks: &mut Marks) {
        // `first` has one entry more than there are rules.
        for bit in self.first[rule.index()]..self.first[rule.index() + 1] {
            marks.falsify(bit);
        }
    }

    /// Asks all columns, and tells of each rule that holds or is undetermined, in their order.
    pub(super) fn ask(
        &self,
        row: &FeatureVector,
        subset: &Subset,
        marks: &mut Marks,
        mut tell: impl FnMut(RuleIndex, Truth),
    ) {
        // Subsets are made by this index: their places are places of its columns.
        for at in &subset.columns {
            self.columns[*at as usize].mark(row, marks);
        }
        self.rows.join(&marks.falsifying, &mut marks.falsified);
        self.rows.join(&marks.lacking, &mut marks.missing);
        for at in &subset.computed {
            self.computed[*at as usize].mark(row, marks);
        }
        // The clauses of a rule stand together: a rule is told when one of its clauses holds, or once
        // all of them have been seen and one was undetermined.
        let (mut told, mut waits) = (None, None);
        for (word, (falsified, missing)) in marks.falsified.iter().zip(&marks.missing).enumerate() {
            let mut open = !falsified;
            while open != 0 {
                let bit = open.trailing_zeros() as usize;
                open &= open - 1;
                // A set bit in `open` is some clause's: all others are falsified from the start.
                let rule = Some(self.rule_of[word * 64 + bit]);
                if rule == told {
                    continue;
                }
                if waits != rule {
                    waits.take().inspect(|waits| tell(*waits, Truth::Undetermined));
                }
                if missing >> bit & 1 == 1 {
                    waits = rule;
                } else {
                    waits = None;
                    rule.inspect(|rule| tell(*rule, Truth::True));
                    told = rule;
                }
            }
        }
        waits.inspect(|waits| tell(*waits, Truth::Undetermined));
    }
}

impl Marks {
    fn falsify(&mut self, bit: u32) {
        // Bits are those of clauses, which the marks have been sized for.
        self.falsified[bit as usize / 64] |= 1 << (bit % 64);
    }
}

/// Every literal with its clause's bit.
fn each_literal(clauses: Vec<Clause>) -> impl Iterator<Item = (u32, clauses::Literal)> {
    let with_bit = |(bit, clause): (usize, Clause)| {
        clause.into_iter().map(move |literal| (bit as u32, literal))
    };
    clauses.into_iter().enumerate().flat_map(with_bit)
}
