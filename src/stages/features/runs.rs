//! Runs of slots: where a stretch of a ring lies, and how columns and masks are moved by it.

use std::ops::Range;

/// The slots of a stretch of events in a ring of `mask + 1` whose oldest stands at `head`: at most two
/// runs, older first.
pub(super) fn runs(head: usize, mask: usize, stretch: Range<usize>) -> [Range<usize>; 2] {
    if stretch.is_empty() {
        return [0..0, 0..0];
    }
    let (start, end) = ((head + stretch.start) & mask, ((head + stretch.end - 1) & mask) + 1);
    if start < end { [start..end, 0..0] } else { [start..mask + 1, 0..end] }
}

/// The bits of a word of slots that lie in a run.
pub(super) fn within(word: usize, run: &Range<usize>) -> u64 {
    let below = |end: usize| match end.saturating_sub(word * 64) {
        bits @ 0..64 => (1 << bits) - 1,
        _ => u64::MAX,
    };
    below(run.end) & !below(run.start)
}

/// The words of masks that a run of slots touches.
pub(super) const fn words_of(run: &Range<usize>) -> Range<usize> {
    run.start / 64..run.end.div_ceil(64)
}

/// The places of the bits that are set, lowest first.
pub(super) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}

/// Copies what stands in two runs of slots to the beginning.
pub(super) fn copy_runs<T: Copy>(from: &[T], [older, younger]: &[Range<usize>; 2], to: &mut [T]) {
    let (first, rest) = to.split_at_mut(older.len());
    first.copy_from_slice(&from[older.clone()]);
    rest[..younger.len()].copy_from_slice(&from[younger.clone()]);
}

/// Moves `count` items from `slot` on one place up, round the end.
pub(super) fn open_gap<T: Copy>(column: &mut [T], slot: usize, count: usize) {
    let (end, capacity) = (slot + count, column.len());
    if count == 0 {
        return;
    }
    if end < capacity {
        column.copy_within(slot..end, slot + 1);
        return;
    }
    column.copy_within(0..end - capacity, 1);
    column[0] = column[capacity - 1];
    column.copy_within(slot..capacity - 1, slot + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moving up by one against moving each: the last slot goes to the first one.
    #[test]
    fn a_gap_opens_round_the_end() {
        let mut column: Vec<u32> = (0..8).collect();
        open_gap(&mut column, 5, 5);
        assert_eq!(column, [7, 0, 1, 3, 4, 5, 5, 6]);
        open_gap(&mut column, 2, 0);
        assert_eq!(column, [7, 0, 1, 3, 4, 5, 5, 6]);
    }
}
