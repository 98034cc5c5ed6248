//! What a value was computed from: the events in a window, asked after the event was counted.

use super::{Current, FeatureState, Frame, Today};
use crate::domain::{EntityKind, FieldId, Input, Token};
use crate::stages::features::footprint::Footprint;
use crate::stages::features::keys::{Row, RowId};
use crate::stages::features::plan::{Aggregate, FeaturePlan, KindPlan, Op};
use crate::stages::features::ring::RingView;

/// The events behind one aggregate of one event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Behind {
    /// Whose window it is.
    pub by: EntityKind,
    /// Who that is; `None` when the event has no such entity or nothing is known of it.
    pub entity: Option<Token>,
    /// The window is `(after_ms, until_ms]` of `occurred_at`.
    pub after_ms: i64,
    /// Its end.
    pub until_ms: i64,
    /// Older events of the window are in panes only and not listed.
    pub approximate: bool,
    /// The events that were counted, oldest first: when, and the low half of the number.
    pub events: Vec<(i64, u32)>,
}

impl FeatureState {
    /// The events behind an aggregate's column, for the event that was counted last: `input`, with
    /// its footprint. `None` when no aggregate fills the column.
    ///
    /// An outcome that was waiting for the event has been applied by then and is seen here, though
    /// the value was computed before it.
    pub fn behind(
        &self,
        plan: &FeaturePlan,
        field: FieldId,
        input: &Input,
        footprint: &Footprint,
    ) -> Option<Behind> {
        for by in EntityKind::ALL {
            let kind_plan = &plan.kinds[by.index()];
            let own = footprint.rows[by.index()].map(|(id, _)| RowId(id));
            if let Some(aggregate) = kind_plan.own.iter().find(|one| one.field == field) {
                let row = own.map(|id| (id, Current::Counted));
                return Some(self.list(plan, (by, kind_plan), aggregate, input, row));
            }
            for (at, list) in &kind_plan.lookups {
                let Some(aggregate) = list.iter().find(|one| one.field == field) else { continue };
                let token = input.tokens.get(*at);
                let id = token.and_then(|token| self.tables[by.index()].find(token));
                let is_own = id.is_some() && id == own;
                let current = if is_own { Current::Counted } else { Current::Elsewhere };
                let row = id.map(|id| (id, current));
                return Some(self.list(plan, (by, kind_plan), aggregate, input, row));
            }
        }
        None
    }

    /// The events of a row's ring that an aggregate takes: the same stretch and filter as
    /// `evaluate`.
    fn list(
        &self,
        plan: &FeaturePlan,
        (by, kind_plan): (EntityKind, &KindPlan),
        aggregate: &Aggregate,
        input: &Input,
        row: Option<(RowId, Current)>,
    ) -> Behind {
        let at = input.counted_at();
        let empty = Row::empty();
        let found = row.map(|(id, _)| self.tables[by.index()].row(id));
        let known = found.unwrap_or(&empty);
        let current = row.map_or(Current::Elsewhere, |(_, current)| current);
        let ring = RingView::of(&self.arena, known, kind_plan.layout);
        let bounds = Today::default().bounds(plan, kind_plan.windows[aggregate.window], at);
        let frame = Frame::of(ring, bounds, (at.as_ms(), current));
        let Frame { start_ms: after_ms, end_ms: until_ms, from, .. } = frame;
        let since_last = matches!(aggregate.op, Op::SinceLast);
        let excludes = aggregate.excluding_current || since_last;
        let to = if excludes { frame.before_current } else { frame.to };
        let filter = &kind_plan.filters[aggregate.filter];
        let taken = (from..to).filter(|place| filter.passes(ring.flags(*place)));
        let mut events: Vec<_> =
            taken.map(|place| (ring.time_ms(place), ring.number(place))).collect();
        if since_last {
            // Only the newest one was looked at.
            events.drain(..events.len().saturating_sub(1));
        }
        Behind {
            by,
            entity: found.map(|row| row.token),
            after_ms,
            until_ms,
            approximate: known.lost_until_ms() > after_ms && !known.panes.is_none(),
            events,
        }
    }
}
