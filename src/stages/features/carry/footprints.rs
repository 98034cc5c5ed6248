//! What events have left behind to be amended, under another plan: conditions and numbers change
//! their places.

use super::map::Difference;
use crate::stages::features::footprint::Footprint;
use crate::stages::features::plan::FeaturePlan;

/// From the footprints of one plan to those of another.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::stages::features) struct FootprintMap {
    /// Per condition of the new plan, its place in the old one.
    pub(super) leaves: Vec<Option<u8>>,
    /// Per number of the new plan, its place in the old one.
    pub(super) numbers: Vec<Option<u16>>,
}

impl FootprintMap {
    pub(in crate::stages::features) fn between(
        old: &FeaturePlan,
        new: &FeaturePlan,
        difference: &Difference<'_>,
    ) -> Self {
        let number = |field| old.numbers.iter().position(|known| known == field);
        let value = |kept: &usize| {
            let wanted = new.values[*kept];
            let at = old.kept_values.iter().position(|known| old.values[*known] == wanted);
            at.map(|at| old.numbers.len() + at)
        };
        let numbers = new.numbers.iter().map(number).chain(new.kept_values.iter().map(value));
        let leaves = difference.leaves().iter().map(|leaf| leaf.map(|at| at as u8));
        Self {
            leaves: leaves.collect(),
            numbers: numbers.map(|at| at.map(|at| at as u16)).collect(),
        }
    }

    /// Whether footprints mean the same in both.
    pub(in crate::stages::features) fn is_same(
        &self,
        old: &FeaturePlan,
        new: &FeaturePlan,
    ) -> bool {
        let leaves = self.leaves.iter().enumerate().all(|(at, from)| *from == Some(at as u8));
        let numbers = self.numbers.iter().enumerate().all(|(at, from)| *from == Some(at as u16));
        let (before, after) = (old, new);
        let is_as_long =
            before.leaves.len() == after.leaves.len() && before.numbers() == after.numbers();
        is_as_long && leaves && numbers
    }

    /// This, and then another one.
    pub(in crate::stages::features) fn then(&self, next: &Self) -> Self {
        let leaf = |from: &Option<u8>| from.and_then(|at| self.leaves[usize::from(at)]);
        let number = |from: &Option<u16>| from.and_then(|at| self.numbers[usize::from(at)]);
        Self {
            leaves: next.leaves.iter().map(leaf).collect(),
            numbers: next.numbers.iter().map(number).collect(),
        }
    }

    pub(in crate::stages::features) fn apply(&self, footprint: &mut Footprint) {
        let old = footprint.leaves;
        footprint.leaves = (0..)
            .zip(&self.leaves)
            .fold(0, |leaves, (at, from)| leaves | from.map_or(0, |from| (old >> from & 1) << at));
        let old = std::mem::take(&mut footprint.numbers);
        let width = old.len();
        let number =
            |from: &Option<u16>| from.and_then(|at| old.get(usize::from(at))).copied().unwrap_or(0);
        footprint.numbers.extend(self.numbers.iter().map(number));
        // As many words as the row has that it is kept in.
        footprint.numbers.resize(width.max(self.numbers.len()), 0);
    }
}
