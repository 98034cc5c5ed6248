//! Panes of an earlier format of snapshots become those of now.

use super::since::ALWAYS;
use crate::domain::EntityKind;
use crate::stages::features::keys::RowId;
use crate::stages::features::panes::CoarseLayout;
use crate::stages::features::plan::{FeaturePlan, KindPlan, Op};
use crate::stages::features::ring::RingView;
use crate::stages::features::state::FeatureState;

impl FeatureState {
    /// Spreads what coarse panes hold over fine ones, once all is loaded. What they cannot tell
    /// (different values, delayed windows) begins with what rings hold, and is warming for these keys
    /// until its window has passed.
    pub fn renew_panes(&mut self, plan: &FeaturePlan) {
        for kind in EntityKind::ALL {
            let kind_plan = &plan.kinds[kind.index()];
            let coarse = CoarseLayout::of(kind_plan);
            self.renew_since(kind, kind_plan, &coarse);
            for id in (0..self.tables[kind.index()].live()).map(RowId) {
                let table = &self.tables[kind.index()];
                let row = table.row(id);
                if row.panes.is_none() {
                    continue;
                }
                if row.era() == table.era {
                    self.renew_row(kind, id, kind_plan, &coarse);
                } else {
                    self.bring(plan, kind, id);
                }
            }
        }
        self.carried.reckon_warmth(plan);
    }

    fn renew_since(&mut self, kind: EntityKind, plan: &KindPlan, coarse: &CoarseLayout) {
        let carried = &mut self.carried.kinds[kind.index()];
        let is_carrying = !carried.eras.is_empty();
        let since = &mut carried.since.panes_ms;
        let before = std::mem::take(since);
        since.extend(plan.panes.totals().map(|total| {
            let is_delayed = plan.windows[total.window].delay_ms > 0;
            let is_told = !matches!(total.op, Op::Distinct(..)) && !is_delayed && !is_carrying;
            let known = coarse.total(total.window, total.op, total.filter).filter(|_| is_told);
            known.map_or(self.latest_ms, |at| before.get(at).copied().unwrap_or(ALWAYS))
        }));
    }

    fn renew_row(&mut self, kind: EntityKind, id: RowId, plan: &KindPlan, coarse: &CoarseLayout) {
        let row = *self.tables[kind.index()].row(id);
        let (arena, size) = (&mut self.arena, plan.panes.block_words());
        let block = arena.take(size);
        let (before, words) = arena.pair((row.panes, coarse.block_words()), (block, size));
        coarse.spread(before, &plan.panes, words, self.latest_ms);
        let fresh = plan.panes.only(|_, op| matches!(op, Op::Distinct(..) | Op::SinceLast));
        if !row.ring.is_none() && !fresh.is_empty() {
            let ring = (row.ring, plan.layout.block_words(row.class()));
            let (ring, words) = arena.pair(ring, (block, size));
            let ring = RingView::over(ring, &row, plan.layout);
            let samples = fresh.fill(words, &ring, &plan.filters);
            plan.panes.put_samples(arena, block, &samples);
        }
        arena.give_back(row.panes, coarse.block_words());
        let row = self.tables[kind.index()].row_mut(id);
        row.panes = block;
        row.set_thin(true);
    }
}
