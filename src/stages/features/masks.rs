//! Who passes each filter and who is the newest of its value, as a bit for each slot of a ring: asked
//! once for all aggregates of an entity, so that each of them is a mask and a count of bits.

use std::ops::Range;

use super::filter::Filter;
use super::plan::KindPlan;
use super::ring::RingView;
use super::runs::{within, words_of};

/// Masks over one ring; buffers that live from event to event.
#[derive(Debug, Default)]
pub(super) struct Masks {
    /// Words of one mask.
    words: usize,
    /// Filter after filter.
    passing: Vec<u64>,
    /// Mark after mark, in the order of the flag bits from the top down.
    marked: Vec<u64>,
    spare: Vec<u64>,
    other: Vec<u64>,
}

impl Masks {
    /// Asks every filter and mark of a kind. Bits of slots that hold no event mean nothing.
    pub(super) fn fill(&mut self, ring: RingView<'_>, plan: &KindPlan) {
        let flags = ring.flags_by_slot();
        self.words = flags.mask_words();
        self.passing.resize(self.words * plan.filters.len(), 0);
        self.marked.resize(self.words * plan.marks.len(), 0);
        self.spare.resize(self.words, 0);
        for run in ring.runs(0..ring.len()) {
            let words = words_of(&run);
            let masks = self.passing.chunks_exact_mut(self.words);
            for (mask, filter) in masks.zip(&plan.filters) {
                flags.passing(filter, words.clone(), mask, &mut self.spare);
            }
            let masks = self.marked.chunks_exact_mut(self.words);
            for (mask, mark) in masks.zip(&plan.marks) {
                flags.marked(mark.bit, words.clone(), mask);
            }
        }
    }

    /// Whether an event of a stretch passes a filter that is none of the kind's.
    pub(super) fn any(
        &mut self,
        ring: RingView<'_>,
        filter: &Filter,
        stretch: Range<usize>,
    ) -> bool {
        let flags = ring.flags_by_slot();
        self.other.resize(self.words, 0);
        ring.runs(stretch).into_iter().any(|run| {
            let words = words_of(&run);
            flags.passing(filter, words.clone(), &mut self.other, &mut self.spare);
            words.into_iter().any(|word| self.other[word] & within(word, &run) != 0)
        })
    }

    /// Who passes a filter, by its index.
    pub(super) fn passing(&self, filter: usize) -> &[u64] {
        &self.passing[filter * self.words..][..self.words]
    }

    /// Who has the mark with this flag bit: bits are given from the top down.
    pub(super) fn marked(&self, bit: u32) -> &[u64] {
        &self.marked[(31 - bit as usize) * self.words..][..self.words]
    }
}
