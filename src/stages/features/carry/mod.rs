//! Another plan between two inputs: what the windows hold stays, as far as both plans keep it.
//!
//! Nothing is converted at once. A kind whose rings or panes change begins a new *era*; a row says of
//! which era it is, and is converted when it is next touched. A few rows more are converted with
//! every event, so that an era ends. Which columns, conditions and stretches of the past are whole is
//! known per kind: from there follows which aggregate is warming, and until when.

mod map;
mod footprints;
mod convert;
mod since;
mod former;
mod words;
#[cfg(test)]
mod tests;

pub(super) use convert::Moving;
use convert::{Converter, convert};
use footprints::FootprintMap;
use map::{Difference, KindMap};
use since::{Since, Whole};
pub use words::{BitsAre, PanesAre};

use crate::domain::{EntityKind, EventTime, FieldId};

use super::arena::Block;
use super::footprint::Footprint;
use super::keys::{Row, RowId};
use super::panes::PaneLayout;
use super::plan::{Aggregate, FeaturePlan, KindPlan};
use super::ring::Layout;
use super::state::FeatureState;

/// Most layouts of the past that rows of one kind may have at a time.
const ERAS_MAX: usize = 4;
/// Rows of a kind that are looked at with every event while an era ends.
const ROWS_AN_EVENT: u32 = 4;
/// Once so many observations were moved with an event, its own included, other rows wait: what bounds
/// its time.
const MOVED_AN_EVENT: usize = 256;

/// What changes of plans have left behind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Carried {
    kinds: [KindCarried; EntityKind::COUNT],
    /// The era of footprints that are made now.
    footprint_era: u8,
    /// What footprints of earlier eras mean now.
    footprints: Vec<(u8, FootprintMap)>,
    /// Aggregates that are warm from a moment on, the latest first. It follows from the rest.
    warm_from_ms: Vec<(i64, FieldId)>,
}

/// What changes of plans have left behind in one kind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct KindCarried {
    /// Layouts that rows may still have, the newest last, and what becomes of them.
    eras: Vec<(u8, KindMap)>,
    /// The next row to be looked at, and where the rows of the newest era begin.
    hand: u32,
    until: u32,
    since: Since,
}

/// Why the windows cannot be carried over now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CarryFault {
    /// Rows of too many layouts are waiting to be converted.
    StillCarrying,
}

impl Carried {
    fn map_of(&self, kind: usize, era: u8) -> Option<&KindMap> {
        let eras = &self.kinds[kind].eras;
        eras.iter().find(|(number, _)| *number == era).map(|(_, map)| map)
    }

    /// Whether rows of a kind may be of an era.
    pub(super) fn knows(&self, kind: usize, era: u8) -> bool {
        self.map_of(kind, era).is_some()
    }

    /// How a row's ring is laid out, and what its panes take: their words, and where they name
    /// tables of their samples.
    pub(super) fn layout_of<'a>(
        &'a self,
        kind: usize,
        row: &Row,
        plan: &'a FeaturePlan,
    ) -> (Layout, (usize, &'a [u32])) {
        match self.map_of(kind, row.era()) {
            Some(map) => (map.layout, (map.pane_words, &map.tables)),
            None => {
                let KindPlan { layout, panes, .. } = &plan.kinds[kind];
                (*layout, (panes.block_words(), panes.tables()))
            }
        }
    }

    /// From when on what panes say of an aggregate is whole in a row that had given up events
    /// before they began to be filled for it.
    pub(super) fn pane_since_ms(
        &self,
        kind: EntityKind,
        plan: &FeaturePlan,
        aggregate: &Aggregate,
    ) -> i64 {
        let accumulator = plan.kinds[kind.index()].panes.accumulator(aggregate);
        accumulator.map_or(i64::MIN, |at| self.kinds[kind.index()].since.pane(at))
    }

    fn reckon_warmth(&mut self, plan: &FeaturePlan) {
        self.warm_from_ms.clear();
        for (kind, kind_plan) in plan.kinds.iter().enumerate() {
            let since = &self.kinds[kind].since;
            let lookups = kind_plan.lookups.iter().flat_map(|(_, list)| list);
            for aggregate in kind_plan.own.iter().chain(lookups) {
                let since_ms = since.whole(kind_plan, aggregate);
                if since_ms > i64::MIN {
                    let reach_ms = kind_plan.windows[aggregate.window].reach_ms();
                    self.warm_from_ms.push((since_ms.saturating_add(reach_ms), aggregate.field));
                }
            }
        }
        self.warm_from_ms.sort_unstable_by(|a, b| b.cmp(a));
    }
}

/// Carrying windows over.
impl FeatureState {
    /// Whether the windows can be carried over to another plan now.
    pub fn check_carry(&self, old: &FeaturePlan, new: &FeaturePlan) -> Result<(), CarryFault> {
        let difference = Difference::between(old, new);
        let is_full = |kind: usize| {
            self.carried.kinds[kind].eras.len() >= ERAS_MAX && !difference.is_same(kind)
        };
        let footprints = self.carried.footprints.len() >= ERAS_MAX
            && !FootprintMap::between(old, new, &difference).is_same(old, new);
        if footprints || (0..EntityKind::COUNT).any(is_full) {
            return Err(CarryFault::StillCarrying);
        }
        Ok(())
    }

    /// From here on rows are of another plan. Nothing is converted yet: the time that it takes does
    /// not depend on how many entities there are. `received_at` is the arrival of the input that
    /// changes the plan.
    pub fn carry(&mut self, old: &FeaturePlan, new: &FeaturePlan, received_at: EventTime) {
        let difference = Difference::between(old, new);
        let moment = Whole {
            counted_until_ms: self.latest_ms,
            dropped_until_ms: received_at.as_ms() - self.lateness_ms,
        };
        for kind in 0..EntityKind::COUNT {
            let map = difference.map(kind);
            let carried = &mut self.carried.kinds[kind];
            carried.since = carried.since.after(&map, (old, new), kind, moment);
            for (_, earlier) in &mut carried.eras {
                *earlier = earlier.then(&map);
            }
            if difference.is_same(kind) {
                continue;
            }
            let table = &mut self.tables[kind];
            carried.eras.push((table.era, map));
            table.era = table.era.wrapping_add(1);
            (carried.hand, carried.until) = (0, table.live());
        }
        let map = FootprintMap::between(old, new, &difference);
        if !map.is_same(old, new) {
            for (_, earlier) in &mut self.carried.footprints {
                *earlier = earlier.then(&map);
            }
            self.carried.footprints.push((self.carried.footprint_era, map));
            self.carried.footprint_era = self.carried.footprint_era.wrapping_add(1);
        }
        self.carried.reckon_warmth(new);
    }

    /// Converts a row of an earlier era.
    #[cold]
    pub(super) fn bring(&mut self, plan: &FeaturePlan, kind: EntityKind, id: RowId) {
        let table = &mut self.tables[kind.index()];
        let row = *table.row(id);
        if let Some(map) = self.carried.map_of(kind.index(), row.era()) {
            let from = Converter { map, plan: &plan.kinds[kind.index()], words: &mut self.moving };
            let mut converted = convert(&mut self.arena, row, from);
            self.moving.moved += usize::from(row.len);
            converted.set_era(table.era);
            *table.row_mut(id) = converted;
        }
    }

    /// Converts a few rows that nothing has touched since; none after an event whose own rows were
    /// large.
    pub(super) fn bring_some(&mut self, plan: &FeaturePlan) {
        for kind in EntityKind::ALL {
            let carried = &self.carried.kinds[kind.index()];
            if carried.eras.is_empty() {
                continue;
            }
            let (mut hand, until) = (carried.hand, carried.until);
            for _ in 0..ROWS_AN_EVENT {
                if hand >= until || self.moving.moved >= MOVED_AN_EVENT {
                    break;
                }
                let table = &self.tables[kind.index()];
                let row = table.row(RowId(hand));
                if row.era() != table.era {
                    self.bring(plan, kind, RowId(hand));
                }
                hand += 1;
            }
            let carried = &mut self.carried.kinds[kind.index()];
            carried.hand = hand;
            if hand >= until {
                carried.eras.clear();
            }
        }
    }

    /// Whether rows of an earlier era may be about.
    pub(super) fn is_carrying(&self) -> bool {
        self.carried.kinds.iter().any(|kind| !kind.eras.is_empty())
    }

    /// For a state whose snapshot did not say so: no event that was counted is younger than this.
    pub const fn counted_until(&mut self, ms: i64) {
        self.latest_ms = ms;
    }

    /// For a state whose snapshot has no bits of which numbers are there: what is asked of them later
    /// holds of events after this moment.
    pub fn has_presence_from(&mut self, plan: &FeaturePlan, ms: i64) {
        for (kind, carried) in plan.kinds.iter().zip(&mut self.carried.kinds) {
            let since = |at| if at < kind.asked_bits { since::ALWAYS } else { ms };
            carried.since.bits_ms = (0..kind.leaf_bits.len()).map(since).collect();
        }
    }

    /// Gives a displaced row's memory back.
    pub(super) fn release(&mut self, plan: &FeaturePlan, kind: EntityKind, row: &Row) {
        let (layout, (pane_words, tables)) = self.carried.layout_of(kind.index(), row, plan);
        super::ring::release(&mut self.arena, row, layout);
        if row.panes != Block::NONE {
            PaneLayout::give_back(&mut self.arena, (row.panes, pane_words), tables);
        }
    }

    /// Makes a footprint one of the plan in force; whether it was of an earlier one.
    pub fn renew(&self, footprint: &mut Footprint) -> bool {
        let carried = &self.carried;
        let found = carried.footprints.iter().find(|(era, _)| *era == footprint.era);
        if let Some((_, map)) = found {
            map.apply(footprint);
            footprint.era = carried.footprint_era;
        }
        found.is_some()
    }

    /// Whether footprints of an earlier plan may be about.
    pub fn has_old_footprints(&self) -> bool {
        !self.carried.footprints.is_empty()
    }

    /// None of them is any more.
    pub fn forget_old_footprints(&mut self) {
        self.carried.footprints.clear();
    }

    /// The era of a footprint made now.
    pub(super) const fn footprint_era(&self) -> u8 {
        self.carried.footprint_era
    }

    /// Marks the aggregates that a change of plans has left warming at a moment.
    pub(super) fn warming_since_carry(&self, at: EventTime, words: &mut [u64]) {
        let late = self.carried.warm_from_ms.iter().take_while(|(from, _)| *from > at.as_ms());
        for (_, field) in late {
            words[field.index() / 64] |= 1 << (field.index() % 64);
        }
    }
}
