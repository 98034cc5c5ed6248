//! What the words of a state mean: everything of a plan that decides it, as text to be hashed.

use std::fmt::Write as _;

use super::plan::{FeaturePlan, Leaf};
use super::state::StateLimits;

impl FeaturePlan {
    /// A text that differs whenever a state that was filled under another plan, or within other
    /// bounds, would be misread under this one. A change of rules alone leaves it as it is.
    pub fn layout(&self, limits: &StateLimits) -> String {
        let mut text = String::new();
        let mut line = |part: &dyn std::fmt::Debug| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{part:?}");
        };
        for leaf in &self.leaves {
            match leaf {
                // The checked tree: constants by value, columns by number.
                Leaf::Holds { program, wanted } => line(&(program.node(), wanted)),
                Leaf::Has(field) => line(field),
            }
        }
        line(&(&self.numbers, &self.values, self.zone.name()));
        for kind in &self.kinds {
            // Into which columns values go is of no matter to what they are computed from.
            line(&(&kind.layout, &kind.wide, &kind.narrow, &kind.leaf_bits, &kind.marks));
            line(&(&kind.windows, &kind.filters, kind.class_max, kind.reach_ms, &kind.panes));
        }
        line(limits);
        text
    }
}
