//! From one plan to another: where each column, condition and pane of a kind stood before.

use crate::domain::{EntityKind, FieldId, FieldType};

use crate::stages::features::filter::Filter;
use crate::stages::features::panes::{Spot, Total};
use crate::stages::features::plan::{Column, FeaturePlan, KindPlan, Leaf, Mark, Op, WideSource};
use crate::stages::features::ring::Layout;

/// What becomes of a row's blocks under the plan in force.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::stages::features) struct KindMap {
    /// The columns of its ring.
    pub(in crate::stages::features) layout: Layout,
    /// The words of its panes.
    pub(in crate::stages::features) pane_words: usize,
    /// Where its panes name the tables of samples.
    pub(in crate::stages::features) tables: Vec<u32>,
    /// Per wide column of the new ring after the time, the old column.
    pub(super) wide: Vec<Option<u16>>,
    /// Per narrow column after number and flags, the old column.
    pub(super) narrow: Vec<Option<u16>>,
    /// Bits in the flags, old and new: of conditions, and of marks that both plans make alike.
    pub(super) bits: Vec<(u32, u32)>,
    /// Totals that both panes keep.
    pub(super) panes: Vec<PaneCopy>,
}

/// One total of the new panes that the old ones keep as well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct PaneCopy {
    pub(super) from: Spot,
    pub(super) to: Spot,
    /// Its number among the new plan's.
    pub(super) accumulator: u16,
    pub(super) old_accumulator: u16,
}

impl KindMap {
    /// This, and then another one: rows that an era in between has not touched.
    pub(super) fn then(&self, next: &Self) -> Self {
        let through = |columns: &[Option<u16>], fixed: u16, from: Option<u16>| {
            from.and_then(|at| match at.checked_sub(fixed) {
                Some(at) => columns.get(usize::from(at)).copied().flatten(),
                None => Some(at),
            })
        };
        let bit = |(middle, new): &(u32, u32)| {
            let found = self.bits.iter().find(|(_, known)| known == middle);
            found.map(|(old, _)| (*old, *new))
        };
        let pane = |copy: &PaneCopy| {
            let found = self.panes.iter().find(|known| known.to == copy.from);
            found.map(|known| PaneCopy {
                from: known.from,
                old_accumulator: known.old_accumulator,
                ..*copy
            })
        };
        Self {
            layout: self.layout,
            pane_words: self.pane_words,
            tables: self.tables.clone(),
            wide: next.wide.iter().map(|from| through(&self.wide, 1, *from)).collect(),
            narrow: next.narrow.iter().map(|from| through(&self.narrow, 2, *from)).collect(),
            bits: next.bits.iter().filter_map(bit).collect(),
            panes: next.panes.iter().filter_map(pane).collect(),
        }
    }

    /// The old column of a wide column of the new ring, if it was kept. The time always is.
    pub(super) fn wide(&self, column: usize) -> Option<usize> {
        match column.checked_sub(1) {
            None => Some(0),
            Some(at) => self.wide.get(at).copied().flatten().map(usize::from),
        }
    }

    /// The same of a narrow column after number and flags.
    pub(super) fn narrow(&self, column: usize) -> Option<usize> {
        let at = column.checked_sub(2)?;
        self.narrow.get(at).copied().flatten().map(usize::from)
    }

    /// Whether the old ring has what a column holds.
    pub(super) fn keeps(&self, column: Column) -> bool {
        match column {
            Column::Wide(column) => self.wide(column).is_some(),
            Column::Narrow(column) => self.narrow(column).is_some(),
        }
    }

    /// A filter of the new plan over the old flags; `None` when a condition was not kept.
    fn before(&self, filter: &Filter) -> Option<Filter> {
        let back = |bit: u32| self.bits.iter().find(|(_, to)| *to == bit).map(|(from, _)| *from);
        filter.moved(back)
    }

    /// Whether a bit of the new flags follows from the old ones.
    pub(super) fn moves(&self, bit: u32) -> bool {
        self.bits.iter().any(|(_, to)| *to == bit)
    }
}

/// Two plans, held against each other.
#[derive(Debug)]
pub(in crate::stages::features) struct Difference<'p> {
    old: &'p FeaturePlan,
    new: &'p FeaturePlan,
    /// Per condition of the new plan, its place in the old one.
    leaves: Vec<Option<usize>>,
}

impl<'p> Difference<'p> {
    pub(in crate::stages::features) fn between(old: &'p FeaturePlan, new: &'p FeaturePlan) -> Self {
        let same_zone = old.zone.name() == new.zone.name();
        let place = |leaf: &Leaf| {
            // The hour of an event is another one in another zone.
            let can_be = same_zone || matches!(leaf, Leaf::Has(_));
            old.leaves.iter().position(|known| known.is_same(leaf)).filter(|_| can_be)
        };
        Self { old, new, leaves: new.leaves.iter().map(place).collect() }
    }

    pub(super) fn leaves(&self) -> &[Option<usize>] {
        &self.leaves
    }

    /// Whether a kind's rings and panes are word for word what they were.
    pub(in crate::stages::features) fn is_same(&self, kind: usize) -> bool {
        let (old, new) = (&self.old.kinds[kind], &self.new.kinds[kind]);
        if old.windows.is_empty() {
            // Nothing was kept, so there is nothing to convert.
            return true;
        }
        let map = self.map(kind);
        let in_place = |columns: &[Option<u16>], fixed: u16| {
            (fixed..).zip(columns).all(|(at, from)| *from == Some(at))
        };
        let marks = |plan: &KindPlan| -> Vec<(Column, Filter, u32)> {
            let mark = |mark: &Mark| (mark.column, plan.filters[mark.filter].clone(), mark.bit);
            plan.marks.iter().map(mark).collect()
        };
        old.layout == new.layout
            && in_place(&map.wide, 1)
            && in_place(&map.narrow, 2)
            && old.leaf_bits.len() == new.leaf_bits.len()
            && map.bits.len() == new.leaf_bits.len() + new.marks.len()
            && map.bits.iter().all(|(from, to)| from == to)
            && marks(old) == marks(new)
            && new.class_max >= old.class_max
            && old.panes.block_words() == new.panes.block_words()
            && map.panes.len() == new.panes.accumulators()
            && map.panes.iter().all(|copy| copy.from == copy.to)
    }

    /// What becomes of a kind's rows.
    pub(super) fn map(&self, kind: usize) -> KindMap {
        let (old, new) = (&self.old.kinds[kind], &self.new.kinds[kind]);
        let number = |at: usize| u16::try_from(at).ok();
        let wide = |source: &WideSource| {
            let wanted = source_of(self.new, *source);
            let at = old.wide.iter().position(|known| source_of(self.old, *known) == wanted);
            at.and_then(|at| number(at + 1))
        };
        let narrow = |wanted: &EntityKind| {
            let at = old.narrow.iter().position(|known| known == wanted);
            at.and_then(|at| number(at + 2))
        };
        let bit = |(leaf, bit): &(usize, u32)| {
            let from = self.leaves[*leaf]?;
            let known = old.leaf_bits.iter().find(|(known, _)| *known == from);
            known.map(|(_, old)| (*old, *bit))
        };
        let mut map = KindMap {
            layout: old.layout,
            pane_words: old.panes.block_words(),
            tables: old.panes.tables().to_vec(),
            wide: new.wide.iter().map(wide).collect(),
            narrow: new.narrow.iter().map(narrow).collect(),
            bits: new.leaf_bits.iter().filter_map(bit).collect(),
            panes: Vec::new(),
        };
        let marks = self.marks(kind, &map);
        map.bits.extend(marks);
        map.panes = self.panes(kind, &map);
        map
    }

    /// Marks over the same column and filter: they stand on the same events, so they are copied.
    fn marks(&self, kind: usize, map: &KindMap) -> Vec<(u32, u32)> {
        let (old, new) = (&self.old.kinds[kind], &self.new.kinds[kind]);
        let copied = |mark: &Mark| {
            let column = moved_column(mark.column, map)?;
            let filter = map.before(&new.filters[mark.filter])?;
            let known = old
                .marks
                .iter()
                .find(|known| known.column == column && old.filters[known.filter] == filter);
            known.map(|known| (known.bit, mark.bit))
        };
        new.marks.iter().filter_map(copied).collect()
    }

    /// Totals of the same operation, over the same column, filter and window.
    fn panes(&self, kind: usize, map: &KindMap) -> Vec<PaneCopy> {
        let (old, new) = (&self.old.kinds[kind], &self.new.kinds[kind]);
        let before = |filter: usize| map.before(&new.filters[filter]);
        let mut copies = Vec::new();
        for (number, total) in (0..).zip(new.panes.totals()) {
            let Total { window, op, filter, spot: to, .. } = total;
            let (Some(op), Some(wanted)) = (moved(op, map), before(filter)) else { continue };
            let rate = match op {
                Op::Rate(hits) => match before(hits) {
                    Some(rate) => Some(rate),
                    None => continue,
                },
                _ => None,
            };
            let is_it = |known: &Total<'_>| {
                let same_op = match (known.op, &rate) {
                    (Op::Rate(hits), Some(rate)) => old.filters[hits] == *rate,
                    (Op::Distinct(column, _), _) => op == Op::Distinct(column, None),
                    (known, _) => known == op,
                };
                same_op
                    && old.windows[known.window] == new.windows[window]
                    && old.filters[known.filter] == wanted
                    && known.is_cut_like(&total)
            };
            let found = (0..).zip(old.panes.totals()).find(|(_, total)| is_it(total));
            if let Some((old_accumulator, Total { spot: from, .. })) = found {
                copies.push(PaneCopy { from, to, accumulator: number, old_accumulator });
            }
        }
        copies
    }
}

/// An operation with the columns of the old ring; `None` when it did not keep them.
fn moved(op: Op, map: &KindMap) -> Option<Op> {
    let wide = |column: usize| map.wide(column);
    Some(match op {
        Op::Count | Op::SinceLast | Op::Rate(_) => op,
        Op::Sum(column) => Op::Sum(wide(column)?),
        Op::Mean(column) => Op::Mean(wide(column)?),
        Op::Min(column) => Op::Min(wide(column)?),
        Op::Max(column) => Op::Max(wide(column)?),
        Op::Stddev(column) => Op::Stddev(wide(column)?),
        Op::First(column) => Op::First(wide(column)?),
        Op::Last(column) => Op::Last(wide(column)?),
        Op::Distinct(column, _) => Op::Distinct(moved_column(column, map)?, None),
    })
}

/// A column of the new ring in the old one, if it was kept.
fn moved_column(column: Column, map: &KindMap) -> Option<Column> {
    Some(match column {
        Column::Wide(column) => Column::Wide(map.wide(column)?),
        Column::Narrow(column) => Column::Narrow(map.narrow(column)?),
    })
}

/// What a wide column holds, whatever its plan numbers it.
fn source_of(plan: &FeaturePlan, source: WideSource) -> (FieldId, Option<FieldType>) {
    match source {
        WideSource::Number(at) => (plan.numbers[at], None),
        WideSource::Value(at) => (plan.values[at].0, Some(plan.values[at].1)),
    }
}
