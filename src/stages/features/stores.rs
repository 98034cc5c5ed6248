//! The state as a snapshot sees it: its stores, in one order, and what ties them together.

use super::carry::PanesAre;
use super::epoch::{Granular, Misfit};
use super::keys::{KeyTable, Row};
use super::panes::{CoarseLayout, PaneLayout};
use super::plan::FeaturePlan;
use super::ring::{CLASS_MAX, Layout, turn_flags};
use super::state::FeatureState;
use super::supply::Demand;

use super::arena::Arena;

impl FeatureState {
    /// Everything that is copied granule by granule.
    pub fn stores(&mut self) -> impl Iterator<Item = &mut dyn Granular> {
        let arena: &mut dyn Granular = &mut self.arena;
        let tables = self.tables.iter_mut().map(|table| {
            let table: &mut dyn Granular = table;
            table
        });
        std::iter::once(arena).chain(tables).chain(std::iter::once(self.devices.granular()))
    }

    /// What the stores want to have ready when they grow.
    pub fn demands(&mut self) -> Vec<Demand> {
        let mut demands = vec![self.arena.demand()];
        demands.extend(self.devices.demands());
        demands.extend(self.tables.iter_mut().flat_map(KeyTable::demands));
        demands
    }

    /// When the first event happened, in Unix milliseconds: the state's only number outside its
    /// stores.
    pub const fn started_ms(&self) -> Option<i64> {
        self.started_ms
    }

    /// After every store is loaded: looks at what one store says of another, and makes the indexes,
    /// which follow from the rows.
    pub fn finish_load(
        &mut self,
        plan: &FeaturePlan,
        started_ms: Option<i64>,
        panes: PanesAre,
    ) -> Result<(), Misfit> {
        self.started_ms = started_ms;
        let Self { arena, tables, devices, carried, .. } = self;
        arena.check()?;
        for (at, table) in tables.iter_mut().enumerate() {
            let era = table.era;
            let coarse = CoarseLayout::of(&plan.kinds[at]).block_words();
            table.finish_load(|row| {
                let class_max = match row.era() == era {
                    true => plan.kinds[at].class_max,
                    false => CLASS_MAX,
                };
                if row.era() != era && !carried.knows(at, row.era()) {
                    return Err(Misfit("a row is of a plan that is not there"));
                }
                let (layout, of_panes) = match carried.layout_of(at, row, plan) {
                    (layout, _) if panes == PanesAre::Coarse && row.era() == era => {
                        (layout, (coarse, &[][..]))
                    }
                    known => known,
                };
                check(row, arena, (layout, of_panes), class_max)
            })?;
        }
        devices.finish_load();
        Ok(())
    }
}

impl FeatureState {
    /// Brings large rings of an earlier format of snapshots, whose flags are columns, into the form
    /// that they have here.
    pub fn turn_flags(&mut self, plan: &FeaturePlan) {
        let Self { arena, tables, carried, .. } = self;
        for (kind, table) in tables.iter().enumerate() {
            for row in table.rows().filter(|row| !row.ring.is_none()) {
                let (layout, _) = carried.layout_of(kind, row, plan);
                turn_flags(arena, row, layout);
            }
        }
    }
}

/// A row must name blocks that are there, or a later event would reach past them.
fn check(
    row: &Row,
    arena: &Arena,
    (layout, (pane_words, tables)): (Layout, (usize, &[u32])),
    class_max: u8,
) -> Result<(), Misfit> {
    if !row.ring.is_none() {
        let capacity = 2_u32 << row.class().min(class_max);
        let is_within = row.class() <= class_max
            && u32::from(row.head()) < capacity
            && u32::from(row.len) <= capacity
            && arena.holds(row.ring, layout.block_words(row.class()));
        if !is_within {
            return Err(Misfit("a row's ring is not where it says"));
        }
    } else if row.len > 0 {
        return Err(Misfit("a row without a ring has events"));
    }
    if row.panes.is_none() {
        return Ok(());
    }
    if !arena.holds(row.panes, pane_words) {
        return Err(Misfit("a row's panes are not where it says"));
    }
    PaneLayout::check_tables(arena, (row.panes, pane_words), tables)
}
