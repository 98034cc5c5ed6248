//! Many conditions as bitmaps: one pass over the columns instead of one over the conditions.
//!
//! Every condition is an "or" of clauses, every clause an "and" of literals, and every clause owns
//! one bit. For each column there is a row of bits for each place that its value can take among the
//! constants it is compared with: the clauses that such a value falsifies. An event ORs one row a
//! column; the clauses whose bit stayed clear hold. A missing value marks its clauses in a second
//! set: a clause that is marked there and not falsified is undetermined, as in CEL. What no row can
//! answer (a column against a column, a function) is computed once for all conditions that ask it,
//! and only while one of them could still hold.

mod bits;
mod clauses;
mod column;
mod computed;
#[cfg(test)]
mod oracle;

use crate::domain::FeatureVector;

use super::{Program, Truth};
use bits::Rows;
use clauses::{Clause, Literals, Subject};
use column::{Builder, Column};
use computed::Computed;

/// Conditions over the rows of one schema, to be asked together.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// The condition of each clause; the clauses of one stand together, in the conditions' order.
    condition_of: Vec<u32>,
    /// Where the clauses of each condition begin; one more than there are conditions.
    first: Vec<u32>,
    columns: Vec<Column>,
    computed: Vec<Computed>,
    rows: Rows,
}

/// Some of the conditions, and the columns that their clauses read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subset {
    /// A set bit for every clause of other conditions, and for every bit that is no clause's.
    others: Box<[u64]>,
    columns: Box<[u32]>,
    computed: Box<[u32]>,
}

/// What is known of every clause: reused from event to event.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    falsified: Vec<u64>,
    missing: Vec<u64>,
    /// The rows that the event's values pick.
    falsifying: Vec<u32>,
    /// The rows of the columns without a value.
    lacking: Vec<u32>,
}

impl Conditions {
    /// Builds the bitmaps of conditions, each with the answer that is wanted: one of which false is
    /// wanted holds where it is determinately false.
    pub fn new<'r>(conditions: impl Iterator<Item = (&'r Program, bool)>) -> Self {
        let mut literals = Literals::default();
        let (mut condition_of, mut first, mut clauses) = (Vec::new(), vec![0], Vec::new());
        for (at, (condition, wanted)) in conditions.enumerate() {
            let its: Vec<Clause> = literals.clauses_of(condition, wanted);
            condition_of.extend(its.iter().map(|_| at as u32));
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
        Self { condition_of, first, columns, computed, rows }
    }

    /// The subset of the conditions that are wanted, by their place.
    pub fn subset(&self, is_wanted: impl Fn(usize) -> bool) -> Subset {
        let mut others = vec![u64::MAX; self.rows.width()];
        for (bit, condition) in self.condition_of.iter().enumerate() {
            if is_wanted(*condition as usize) {
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

    /// Starts an event: only the conditions of a subset can hold.
    pub fn start(&self, subset: &Subset, marks: &mut Marks) {
        marks.falsified.clear();
        marks.falsified.extend_from_slice(&subset.others);
        marks.missing.clear();
        marks.missing.resize(subset.others.len(), 0);
        marks.falsifying.clear();
        marks.lacking.clear();
    }

    /// Takes the condition at a place out of this event.
    pub fn exclude(&self, condition: usize, marks: &mut Marks) {
        // `first` has one entry more than there are conditions.
        for bit in self.first[condition]..self.first[condition + 1] {
            marks.falsify(bit);
        }
    }

    /// Asks all columns, and tells of each condition that holds or is undetermined, in their order.
    pub fn ask(
        &self,
        row: &FeatureVector,
        subset: &Subset,
        marks: &mut Marks,
        mut tell: impl FnMut(usize, Truth),
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
        // The clauses of a condition stand together: it is told when one of them holds, or once all
        // of them have been seen and one was undetermined.
        let (mut told, mut waits) = (None, None);
        for (word, (falsified, missing)) in marks.falsified.iter().zip(&marks.missing).enumerate() {
            let mut open = !falsified;
            while open != 0 {
                let bit = open.trailing_zeros() as usize;
                open &= open - 1;
                // A set bit in `open` is some clause's: all others are falsified from the start.
                let condition = Some(self.condition_of[word * 64 + bit]);
                if condition == told {
                    continue;
                }
                if waits != condition {
                    waits.take().inspect(|waits| tell(*waits as usize, Truth::Undetermined));
                }
                if missing >> bit & 1 == 1 {
                    waits = condition;
                } else {
                    waits = None;
                    condition.inspect(|condition| tell(*condition as usize, Truth::True));
                    told = condition;
                }
            }
        }
        waits.inspect(|waits| tell(*waits as usize, Truth::Undetermined));
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
