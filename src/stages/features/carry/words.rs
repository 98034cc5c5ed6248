//! What changes of plans have left behind, as the words of a snapshot.

use super::map::PaneCopy;
use super::{Carried, ERAS_MAX, FootprintMap, KindMap, Since};
use crate::stages::features::epoch::{Misfit, Words};
use crate::stages::features::panes::{HEADER_WORDS, Spot};
use crate::stages::features::plan::{FeaturePlan, KindPlan};
use crate::stages::features::ring::Layout;
use crate::stages::features::state::FeatureState;

/// How a snapshot keeps panes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PanesAre {
    /// As before format 8.
    Coarse,
    /// As here.
    Fine,
}

/// Which conditions a snapshot keeps with an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BitsAre {
    /// Those that features ask, as before format 4.
    Asked,
    /// Also whether each number is there.
    WithPresence,
}

/// Words of a place in coarse panes.
const COARSE_SPOT_WORDS: usize = 4;
/// Written for a column, bit or number that was not kept.
const NONE: u64 = u64::MAX;
/// Most conditions of a bundle.
const LEAVES_MAX: u64 = 64;
/// Most columns of a kind, most totals, most numbers of a bundle: what 16 bits count.
const MANY: u64 = 1 << 16;

impl FeatureState {
    /// Writes what follows from no row: what changes of plans have left behind.
    pub fn write_carried(&self, out: &mut Vec<u64>) {
        out.push(self.latest_ms.cast_unsigned());
        let carried = &self.carried;
        out.push(u64::from(carried.footprint_era));
        out.push(carried.footprints.len() as u64);
        for (era, map) in &carried.footprints {
            out.push(u64::from(*era));
            write_places(map.leaves.iter().map(|at| at.map(u64::from)), out);
            write_places(map.numbers.iter().map(|at| at.map(u64::from)), out);
        }
        for (table, kind) in self.tables.iter().zip(&carried.kinds) {
            out.extend([u64::from(table.era), u64::from(kind.hand), u64::from(kind.until)]);
            out.push(kind.eras.len() as u64);
            for (era, map) in &kind.eras {
                out.push(u64::from(*era));
                write_map(map, out);
            }
            let since = &kind.since;
            out.push(u64::from(since.kept_ms.is_some()));
            out.push(since.kept_ms.unwrap_or(0).cast_unsigned());
            for times in [&since.wide_ms, &since.narrow_ms, &since.bits_ms, &since.panes_ms] {
                out.push(times.len() as u64);
                out.extend(times.iter().map(|ms| ms.cast_unsigned()));
            }
        }
    }

    /// Reads it, before the rows are looked at. Every number is one that the plan can bear.
    pub fn read_carried(
        &mut self,
        plan: &FeaturePlan,
        words: &mut Words<'_>,
        panes: PanesAre,
    ) -> Result<(), Misfit> {
        self.latest_ms = words.one()?.cast_signed();
        let mut carried = Carried { footprint_era: era(words)?, ..Carried::default() };
        for _ in 0..words.at_most(ERAS_MAX as u64)? {
            let number = era(words)?;
            let map = FootprintMap {
                leaves: read_places(words, LEAVES_MAX)?.map(|at| at.map(|at| at as u8)).collect(),
                numbers: read_places(words, MANY)?.map(|at| at.map(|at| at as u16)).collect(),
            };
            if map.leaves.len() != plan.leaves.len() || map.numbers.len() != plan.numbers() {
                return Err(Misfit("what is remembered of events is of another plan"));
            }
            carried.footprints.push((number, map));
        }
        for (at, kind) in carried.kinds.iter_mut().enumerate() {
            let (table, plan) = (&mut self.tables[at], &plan.kinds[at]);
            table.era = era(words)?;
            let rows = u64::from(table.live());
            (kind.hand, kind.until) = (words.at_most(rows)? as u32, words.at_most(rows)? as u32);
            for _ in 0..words.at_most(ERAS_MAX as u64)? {
                kind.eras.push((era(words)?, read_map(words, plan, panes)?));
            }
            kind.since = read_since(words)?;
        }
        carried.reckon_warmth(plan);
        self.carried = carried;
        Ok(())
    }
}

fn era(words: &mut Words<'_>) -> Result<u8, Misfit> {
    Ok(words.at_most(u64::from(u8::MAX))? as u8)
}

fn write_places(places: impl ExactSizeIterator<Item = Option<u64>>, out: &mut Vec<u64>) {
    out.push(places.len() as u64);
    out.extend(places.map(|at| at.unwrap_or(NONE)));
}

/// Places below `most`, where there are any.
fn read_places<'a>(
    words: &mut Words<'a>,
    most: u64,
) -> Result<impl Iterator<Item = Option<u64>> + use<'a>, Misfit> {
    let count = words.at_most(MANY)? as usize;
    let places = words.take(count)?;
    if places.iter().any(|at| *at >= most && *at != NONE) {
        return Err(Misfit("a place is past what a plan can have"));
    }
    Ok(places.iter().map(|at| Some(*at).filter(|at| *at != NONE)))
}

fn write_map(map: &KindMap, out: &mut Vec<u64>) {
    out.extend([map.layout.wide, map.layout.narrow, map.pane_words].map(|size| size as u64));
    out.push(map.tables.len() as u64);
    out.extend(map.tables.iter().map(|at| u64::from(*at)));
    write_places(map.wide.iter().map(|at| at.map(u64::from)), out);
    write_places(map.narrow.iter().map(|at| at.map(u64::from)), out);
    out.push(map.bits.len() as u64);
    out.extend(map.bits.iter().map(|(from, to)| u64::from(*from) << 32 | u64::from(*to)));
    out.push(map.panes.len() as u64);
    for copy in &map.panes {
        let numbers = u64::from(copy.accumulator) << 16 | u64::from(copy.old_accumulator);
        out.push(numbers);
        for Spot { start, slots, stride, at, words, header } in [copy.from, copy.to] {
            out.extend([start, slots, stride, at, words, header].map(u64::from));
        }
    }
}

fn read_map(words: &mut Words<'_>, plan: &KindPlan, panes: PanesAre) -> Result<KindMap, Misfit> {
    let layout =
        Layout { wide: words.at_most(MANY)? as usize, narrow: words.at_most(MANY)? as usize };
    let pane_words = words.at_most(super::super::arena::BLOCK_WORDS_MAX as u64)? as usize;
    let tables = match panes {
        PanesAre::Coarse => Vec::new(),
        PanesAre::Fine => {
            let count = words.at_most(MANY)? as usize;
            let places = words.take(count)?;
            if places.iter().any(|at| at.saturating_add(HEADER_WORDS as u64) > pane_words as u64) {
                return Err(Misfit("a sample is past its block"));
            }
            places.iter().map(|at| *at as u32).collect()
        }
    };
    let mut columns = |most: usize| -> Result<Vec<Option<u16>>, Misfit> {
        Ok(read_places(words, (most as u64).min(MANY))?.map(|at| at.map(|at| at as u16)).collect())
    };
    let (wide, narrow) = (columns(layout.wide)?, columns(layout.narrow)?);
    let mut map = KindMap { layout, pane_words, tables, wide, narrow, ..KindMap::default() };
    let fits = layout.wide >= 1
        && layout.narrow >= 2
        && map.wide.len() + 1 == plan.layout.wide
        && map.narrow.len() + 2 == plan.layout.narrow;
    if !fits {
        return Err(Misfit("the columns of an earlier plan are not those of a ring"));
    }
    for _ in 0..words.at_most(32)? {
        let pair = words.one()?;
        let (from, to) = ((pair >> 32) as u32, pair as u32);
        if from >= 32 || to >= 32 {
            return Err(Misfit("a condition's bit is past the flags"));
        }
        map.bits.push((from, to));
    }
    for _ in 0..words.at_most(MANY)? {
        let numbers = words.at_most(u64::from(u32::MAX))?;
        if panes == PanesAre::Coarse {
            // Such totals are made anew from the ring: see `renew_panes`.
            words.take(2 * COARSE_SPOT_WORDS)?;
            continue;
        }
        let mut spot = |most: usize| -> Result<Spot, Misfit> {
            let mut one = || Ok(words.at_most(most as u64)? as u32);
            let (start, slots, stride) = (one()?, one()?, one()?);
            let spot = Spot { start, slots, stride, at: one()?, words: one()?, header: one()? };
            if spot.is_within(most) { Ok(spot) } else { Err(Misfit("a pane is past its block")) }
        };
        let (from, to) = (spot(pane_words)?, spot(plan.panes.block_words())?);
        if (from.words, from.slots) != (to.words, to.slots) {
            return Err(Misfit("a total of the panes changes its size"));
        }
        let (accumulator, old_accumulator) = ((numbers >> 16) as u16, numbers as u16);
        map.panes.push(PaneCopy { from, to, accumulator, old_accumulator });
    }
    Ok(map)
}

fn read_since(words: &mut Words<'_>) -> Result<Since, Misfit> {
    let is_kept = words.at_most(1)? == 1;
    let kept_ms = Some(words.one()?.cast_signed()).filter(|_| is_kept);
    let mut times = || -> Result<Vec<i64>, Misfit> {
        let count = words.at_most(MANY)? as usize;
        Ok(words.take(count)?.iter().map(|word| word.cast_signed()).collect())
    };
    Ok(Since {
        kept_ms,
        wide_ms: times()?,
        narrow_ms: times()?,
        bits_ms: times()?,
        panes_ms: times()?,
    })
}
