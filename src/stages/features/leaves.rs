//! What `where` clauses ask of an event's facts: all of it answered together, one bit each.

use crate::domain::{FeatureVector, FieldId};
use crate::lang::{Conditions, Marks, Subset, Truth};

use super::plan::Leaf;

/// The leaves of a bundle, laid out to be asked together.
#[derive(Debug)]
pub(super) struct Leaves {
    conditions: Conditions,
    all: Subset,
    /// The leaf of each condition.
    leaf_of: Vec<u32>,
    /// Leaves that ask for a value to be there.
    present: Vec<(FieldId, u32)>,
}

impl Leaves {
    /// At most 64 leaves, by the plan; a leaf's bit is its place.
    pub(super) fn of(leaves: &[Leaf]) -> Self {
        let (mut asked, mut leaf_of, mut present) = (Vec::new(), Vec::new(), Vec::new());
        for (at, leaf) in (0..).zip(leaves) {
            match leaf {
                Leaf::Has(field) => present.push((*field, at)),
                Leaf::Holds { program, wanted } => {
                    asked.push((&**program, *wanted));
                    leaf_of.push(at);
                }
            }
        }
        let conditions = Conditions::new(asked.into_iter());
        Self { all: conditions.subset(|_| true), conditions, leaf_of, present }
    }

    /// The bits of the leaves that hold: one that is undetermined does not.
    pub(super) fn answer(&self, row: &FeatureVector, marks: &mut Marks) -> u64 {
        let mut bits = 0;
        for (field, at) in &self.present {
            bits |= u64::from(row.has(*field)) << at;
        }
        self.conditions.start(&self.all, marks);
        self.conditions.ask(row, &self.all, marks, |condition, truth| {
            // `leaf_of` has one entry a condition.
            bits |= u64::from(truth == Truth::True) << self.leaf_of[condition];
        });
        bits
    }
}
