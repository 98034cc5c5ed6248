//! What the rules said of one event.

use crate::domain::DecisionFlags;
use crate::lang::Marks;

/// A rule's place in its set.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RuleIndex(pub u16);

impl RuleIndex {
    /// The index in slices over all rules.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the rules said of one event: buffers that are reused, each in the order of the rules.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// Rules that hold and take effect.
    pub fired: Vec<RuleIndex>,
    /// Rules that hold and take no effect: shadows, and canaries of other subjects.
    pub shadow: Vec<RuleIndex>,
    /// Rules whose condition ended in an error, whatever their mode.
    pub undetermined: Vec<RuleIndex>,
    /// Rules that were not asked because a window of theirs is warming.
    pub warming: Vec<RuleIndex>,
    /// Marks that the rules taking effect leave on the decision.
    pub flags: DecisionFlags,
    /// What the index works with.
    pub(super) marks: Marks,
}

impl Hits {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.fired.clear();
        self.shadow.clear();
        self.undetermined.clear();
        self.warming.clear();
        self.flags = DecisionFlags::default();
    }
}
