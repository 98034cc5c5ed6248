//! What is known of each event of a ring: 32 flags.
//!
//! A small ring keeps them as a column of 32-bit words. One of 64 slots and more keeps the same bits
//! turned over: a plane for each flag with a bit for each slot, so that who passes a filter is known
//! of 64 events at a time. Both take the same room.

use std::ops::Range;

use super::filter::Filter;
use super::runs::{bits, copy_runs, open_gap, within, words_of};

/// Fewest slots of a ring whose flags stand in planes: a word of each.
const PLANES_FROM: usize = 64;
/// Flags of an event.
const FLAGS: usize = 32;

/// Words of a ring's flags.
pub(super) const fn flag_words(capacity: usize) -> usize {
    capacity / 2
}

// A plane for each flag takes what a word for each slot does.
const _: () = assert!(FLAGS * PLANES_FROM / 64 == flag_words(PLANES_FROM));

/// The flags of a ring's slots, to be read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Flags<'a> {
    /// A word a slot.
    Column(&'a [u32]),
    /// A bit a slot, plane after plane.
    Planes(&'a [u64]),
}

impl<'a> Flags<'a> {
    /// The flags of a ring with so many slots.
    pub(super) fn of(words: &'a [u64], capacity: usize) -> Self {
        if capacity < PLANES_FROM {
            Self::Column(bytemuck::cast_slice(words))
        } else {
            Self::Planes(words)
        }
    }

    /// Words that a bit for each slot takes.
    pub(super) const fn mask_words(self) -> usize {
        match self {
            Self::Column(_) => 1,
            Self::Planes(words) => words.len() / FLAGS,
        }
    }

    /// The flags of one slot.
    pub(super) fn get(self, slot: usize) -> u32 {
        match self {
            Self::Column(column) => column[slot],
            Self::Planes(words) => {
                let planes = words.chunks_exact(words.len() / FLAGS);
                let bits = planes.map(|plane| (plane[slot / 64] >> (slot % 64)) as u32 & 1);
                bits.enumerate().fold(0, |flags, (bit, value)| flags | value << bit)
            }
        }
    }

    /// The flags of the slots in two runs, one after the other.
    pub(super) fn copy_to(self, runs: &[Range<usize>; 2], out: &mut [u32]) {
        let words = match self {
            Self::Column(column) => return copy_runs(column, runs, out),
            Self::Planes(words) => words,
        };
        out.fill(0);
        let (size, mut before) = (words.len() / FLAGS, 0);
        for run in runs {
            for at in words_of(run) {
                for (bit, plane) in words.chunks_exact(size).enumerate() {
                    for slot in bits(plane[at] & within(at, run)) {
                        out[before + at * 64 + slot - run.start] |= 1 << bit;
                    }
                }
            }
            before += run.len();
        }
    }

    /// Which slots of a word have a flag.
    pub(super) fn marked_word(self, bit: u32, at: usize) -> u64 {
        match self {
            Self::Column(column) => word(column, |flags| flags >> bit & 1 == 1),
            Self::Planes(_) => self.plane(bit)[at],
        }
    }

    /// Which slots have a flag: a bit a slot, of the words in `range`.
    pub(super) fn marked(self, bit: u32, range: Range<usize>, out: &mut [u64]) {
        match self {
            Self::Column(column) => out[0] = word(column, |flags| flags >> bit & 1 == 1),
            Self::Planes(_) => out[range.clone()].copy_from_slice(&self.plane(bit)[range]),
        }
    }

    /// Which slots pass a filter: a bit a slot, of the words in `range`. `spare` is as long.
    pub(super) fn passing(
        self,
        filter: &Filter,
        range: Range<usize>,
        out: &mut [u64],
        spare: &mut [u64],
    ) {
        match (self, filter.terms()) {
            (Self::Column(column), [(mask, value)]) => {
                out[0] = word(column, |flags| flags & mask == *value);
            }
            (Self::Column(column), _) => out[0] = word(column, |flags| filter.passes(flags)),
            (Self::Planes(_), [(mask, value)]) => self.term(*mask, *value, range, out),
            (Self::Planes(_), terms) => {
                out[range.clone()].fill(0);
                for (mask, value) in terms {
                    self.term(*mask, *value, range.clone(), spare);
                    let both = out[range.clone()].iter_mut().zip(&spare[range.clone()]);
                    both.for_each(|(word, term)| *word |= term);
                }
            }
        }
    }

    /// Which slots have these values of the flags in a mask.
    fn term(self, mask: u32, value: u32, range: Range<usize>, out: &mut [u64]) {
        let out = &mut out[range.clone()];
        out.fill(u64::MAX);
        let mut left = mask;
        while left != 0 {
            let bit = left.trailing_zeros();
            left &= left - 1;
            let flip = if value >> bit & 1 == 1 { 0 } else { u64::MAX };
            let plane = &self.plane(bit)[range.clone()];
            out.iter_mut().zip(plane).for_each(|(word, plane)| *word &= plane ^ flip);
        }
    }

    fn plane(self, bit: u32) -> &'a [u64] {
        match self {
            Self::Column(_) => &[],
            Self::Planes(words) => {
                let size = words.len() / FLAGS;
                &words[bit as usize * size..][..size]
            }
        }
    }
}

/// A bit for each of at most 64 slots.
fn word(column: &[u32], test: impl Fn(u32) -> bool) -> u64 {
    column.iter().rev().fold(0, |word, flags| word << 1 | u64::from(test(*flags)))
}

/// The flags of a ring's slots, to be changed.
#[derive(Debug)]
pub(super) enum FlagsMut<'a> {
    Column(&'a mut [u32]),
    Planes(&'a mut [u64]),
}

impl<'a> FlagsMut<'a> {
    /// The flags of a ring with so many slots.
    pub(super) fn of(words: &'a mut [u64], capacity: usize) -> Self {
        if capacity < PLANES_FROM {
            Self::Column(bytemuck::cast_slice_mut(words))
        } else {
            Self::Planes(words)
        }
    }

    /// The same, to be read.
    pub(super) fn view(&self) -> Flags<'_> {
        match self {
            Self::Column(column) => Flags::Column(column),
            Self::Planes(words) => Flags::Planes(words),
        }
    }

    /// Sets all flags of a slot.
    pub(super) fn set(&mut self, slot: usize, flags: u32) {
        match self {
            Self::Column(column) => column[slot] = flags,
            Self::Planes(words) => {
                let size = words.len() / FLAGS;
                for (bit, plane) in words.chunks_exact_mut(size).enumerate() {
                    let word = &mut plane[slot / 64];
                    *word =
                        *word & !(1 << (slot % 64)) | u64::from(flags >> bit & 1) << (slot % 64);
                }
            }
        }
    }

    /// Sets or takes away one flag of a slot.
    pub(super) fn put(&mut self, slot: usize, bit: u32, is_set: bool) {
        match self {
            Self::Column(column) => {
                column[slot] = column[slot] & !(1 << bit) | u32::from(is_set) << bit;
            }
            Self::Planes(words) => {
                let size = words.len() / FLAGS;
                let word = &mut words[bit as usize * size + slot / 64];
                *word = *word & !(1 << (slot % 64)) | u64::from(is_set) << (slot % 64);
            }
        }
    }

    /// Gives the first slots their flags, where no flag of any slot is set yet.
    pub(super) fn begin_with(&mut self, flags: &[u32]) {
        match self {
            Self::Column(column) => column[..flags.len()].copy_from_slice(flags),
            Self::Planes(words) => {
                let size = words.len() / FLAGS;
                for (slot, flags) in flags.iter().enumerate() {
                    for bit in bits(u64::from(*flags)) {
                        words[bit * size + slot / 64] |= 1 << (slot % 64);
                    }
                }
            }
        }
    }

    /// Moves what stands in so many slots from `slot` on one place up, round the ring's end.
    pub(super) fn open_gap(&mut self, slot: usize, count: usize) {
        match self {
            Self::Column(column) => open_gap(column, slot, count),
            Self::Planes(words) => {
                let size = words.len() / FLAGS;
                words.chunks_exact_mut(size).for_each(|plane| open_bit_gap(plane, slot, count));
            }
        }
    }
}

/// As [`open_gap`], of bits.
fn open_bit_gap(plane: &mut [u64], slot: usize, count: usize) {
    let (end, capacity) = (slot + count, plane.len() * 64);
    if count == 0 {
        return;
    }
    if end < capacity {
        shift_up(plane, slot..end);
        return;
    }
    shift_up(plane, 0..end - capacity);
    plane[0] = plane[0] & !1 | plane[plane.len() - 1] >> 63;
    shift_up(plane, slot..capacity - 1);
}

/// Moves bits one place up; the one after them is lost. It lies within the plane.
fn shift_up(plane: &mut [u64], bits: Range<usize>) {
    if bits.is_empty() {
        return;
    }
    let target = bits.start + 1..bits.end + 1;
    for at in (target.start / 64..=bits.end / 64).rev() {
        let below = if at == 0 { 0 } else { plane[at - 1] >> 63 };
        let mask = within(at, &target);
        plane[at] = plane[at] & !mask | (plane[at] << 1 | below) & mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Flags in planes are the flags of the column, whatever is set, moved and asked: a bit in the
        /// wrong slot would count another event.
        #[test]
        fn planes_agree_with_a_column(
            size in 0_u32..3,
            sets in proptest::collection::vec((any::<u16>(), any::<u32>()), 1..100),
            gaps in proptest::collection::vec((any::<u16>(), any::<u16>()), 0..10),
            terms in proptest::collection::vec((any::<u32>(), any::<u32>()), 1..4),
        ) {
            let capacity = 64_usize << size;
            let mut words = vec![0; flag_words(capacity)];
            let mut column = vec![0_u32; capacity];
            let mut flags = FlagsMut::of(&mut words, capacity);
            for (slot, value) in sets {
                let slot = usize::from(slot) % capacity;
                flags.set(slot, value);
                column[slot] = value;
                flags.put(slot, value % 32, value % 3 == 0);
                column[slot] = column[slot] & !(1 << (value % 32)) | u32::from(value % 3 == 0) << (value % 32);
            }
            for (slot, count) in gaps {
                let (slot, count) = (usize::from(slot) % capacity, usize::from(count) % capacity);
                flags.open_gap(slot, count);
                open_gap(&mut column, slot, count);
                // What was moved away is left where it was; only the new places count.
            }
            let flags = flags.view();
            for (slot, expected) in column.iter().enumerate() {
                prop_assert_eq!(flags.get(slot), *expected);
            }
            let mut copied = vec![1; capacity - 13];
            flags.copy_to(&[20..capacity, 0..7], &mut copied);
            let expected = [&column[20..], &column[..7]].concat();
            prop_assert_eq!(&copied, &expected);
            let mut fresh = vec![0; flag_words(capacity)];
            FlagsMut::of(&mut fresh, capacity).begin_with(&copied);
            let fresh = Flags::of(&fresh, capacity);
            prop_assert!((0..capacity).all(|at| fresh.get(at) == copied.get(at).copied().unwrap_or(0)));
            // Few bits a term, or nothing would ever pass.
            let filter = terms.iter().map(|(mask, value)| {
                let mask = mask & mask >> 7 & mask >> 13;
                Filter::term(mask, value & mask)
            });
            let filter = filter.reduce(|a, b| a.or(&b).unwrap_or(a)).unwrap_or_else(Filter::all);
            let (mut out, mut spare) = (vec![0; capacity / 64], vec![0; capacity / 64]);
            flags.passing(&filter, 0..capacity / 64, &mut out, &mut spare);
            for (slot, flags) in column.iter().enumerate() {
                prop_assert_eq!(out[slot / 64] >> (slot % 64) & 1 == 1, filter.passes(*flags));
            }
        }
    }
}
