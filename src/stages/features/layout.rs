//! What the words of a state mean: everything of a plan that decides it, as text to be hashed.

use std::fmt::Write as _;

use super::carry::{BitsAre, PanesAre};
use super::panes::CoarseLayout;
use super::plan::{FeaturePlan, Leaf, Window};
use super::state::StateLimits;

/// A window as it was printed when panes were coarse.
struct FormerWindow(Window);

impl std::fmt::Debug for FormerWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Window { over, delay_ms } = &self.0;
        f.debug_struct("Window").field("over", over).field("delay_ms", delay_ms).finish()
    }
}

impl FeaturePlan {
    /// A text that differs whenever a state that was filled under another plan, or within other
    /// bounds, would be misread under this one. A change of rules alone leaves it as it is.
    /// Snapshots of an earlier format have it as it was then.
    pub fn layout_as(&self, limits: &StateLimits, (panes, bits): (PanesAre, BitsAre)) -> String {
        let mut text = String::new();
        let mut line = |part: &dyn std::fmt::Debug| {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{part:?}");
        };
        let leaves = match bits {
            BitsAre::Asked => &self.leaves[..self.asked_leaves],
            BitsAre::WithPresence => &self.leaves[..],
        };
        for leaf in leaves {
            match leaf {
                // The checked tree: constants by value, columns by number.
                Leaf::Holds { program, wanted } => line(&(program.node(), wanted)),
                Leaf::Has(field) => line(field),
            }
        }
        line(&(&self.numbers, &self.values, self.zone.name()));
        for kind in &self.kinds {
            // Into which columns values go is of no matter to what they are computed from.
            let leaf_bits = match bits {
                BitsAre::Asked => &kind.leaf_bits[..kind.asked_bits],
                BitsAre::WithPresence => &kind.leaf_bits[..],
            };
            line(&(&kind.layout, &kind.wide, &kind.narrow, leaf_bits, &kind.marks));
            let (filters, class_max, reach_ms) = (&kind.filters, kind.class_max, kind.reach_ms);
            match panes {
                PanesAre::Fine => {
                    line(&(&kind.windows, filters, class_max, reach_ms, &kind.panes));
                }
                PanesAre::Coarse => {
                    let windows: Vec<_> =
                        kind.windows.iter().map(|one| FormerWindow(*one)).collect();
                    line(&(windows, filters, class_max, reach_ms, CoarseLayout::of(kind)));
                }
            }
        }
        if panes == PanesAre::Fine {
            line(&self.kept_values);
        }
        line(limits);
        text
    }
}
