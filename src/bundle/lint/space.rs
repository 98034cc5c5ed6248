//! Which values a column may have, as sets that can be met, compared and emptied.
//!
//! Numbers of every type become whole numbers in the same order, so that all sets of them are lists
//! of closed intervals: a float becomes its bits, ordered.

use std::collections::BTreeSet;

use crate::lang::Relation;

/// A set of values of one column, or its absence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Values {
    /// The column has no value.
    Absent,
    /// It has any value.
    Any,
    /// Its number is in one of these intervals: closed, ascending, disjoint.
    Numbers(Vec<(i128, i128)>),
    /// Its text is one of these.
    Among(BTreeSet<Box<str>>),
    /// Its text is none of these.
    Except(BTreeSet<Box<str>>),
}

/// All numbers: wider than 64 bits, so that every bound has a neighbour.
pub(super) const ALL: (i128, i128) = (i128::MIN / 4, i128::MAX / 4);

impl Values {
    /// The numbers that stand so to a bound.
    pub(super) fn numbers(relation: Relation, bound: i128) -> Self {
        let (low, high) = ALL;
        Self::Numbers(match relation {
            Relation::Equal => vec![(bound, bound)],
            Relation::NotEqual => vec![(low, bound - 1), (bound + 1, high)],
            Relation::Less => vec![(low, bound - 1)],
            Relation::LessOrEqual => vec![(low, bound)],
            Relation::Greater => vec![(bound + 1, high)],
            Relation::GreaterOrEqual => vec![(bound, high)],
        })
    }

    /// Some numbers, or all others.
    pub(super) fn points(points: impl IntoIterator<Item = i128>, wanted: bool) -> Self {
        let points: BTreeSet<i128> = points.into_iter().collect();
        if wanted {
            return Self::Numbers(joined(points.into_iter().map(|point| (point, point)).collect()));
        }
        let (mut low, high) = ALL;
        let mut rest = Vec::with_capacity(points.len() + 1);
        for point in points {
            if low < point {
                rest.push((low, point - 1));
            }
            low = point + 1;
        }
        rest.push((low, high));
        Self::Numbers(rest)
    }

    /// The values in both sets.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Absent, Self::Absent) => Self::Absent,
            (Self::Absent, _) | (_, Self::Absent) => Self::Numbers(Vec::new()),
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(met(left, right)),
            (Self::Among(left), Self::Among(right)) => {
                Self::Among(left.intersection(right).cloned().collect())
            }
            (Self::Except(left), Self::Except(right)) => {
                Self::Except(left.union(right).cloned().collect())
            }
            (Self::Among(some), Self::Except(none)) | (Self::Except(none), Self::Among(some)) => {
                Self::Among(some.difference(none).cloned().collect())
            }
            // One column has one type: a number never meets a text.
            _ => Self::Any,
        }
    }

    /// Whether no value is in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Absent | Self::Any | Self::Except(_) => false,
            Self::Numbers(intervals) => intervals.is_empty(),
            Self::Among(texts) => texts.is_empty(),
        }
    }

    /// Whether every value of it is in the other.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) => true,
            (Self::Absent, _) | (_, Self::Absent) => false,
            (_, Self::Any) => true,
            (Self::Numbers(left), Self::Numbers(right)) => left
                .iter()
                .all(|(low, high)| right.iter().any(|(from, to)| from <= low && high <= to)),
            (Self::Among(left), Self::Among(right)) => left.is_subset(right),
            (Self::Among(left), Self::Except(right)) => left.is_disjoint(right),
            (Self::Except(left), Self::Except(right)) => right.is_subset(left),
            _ => false,
        }
    }
}

/// Intervals that touch become one.
fn joined(intervals: Vec<(i128, i128)>) -> Vec<(i128, i128)> {
    let mut joined: Vec<(i128, i128)> = Vec::with_capacity(intervals.len());
    for (low, high) in intervals {
        match joined.last_mut() {
            Some((_, end)) if *end + 1 >= low => *end = (*end).max(high),
            _ => joined.push((low, high)),
        }
    }
    joined
}

/// What lies in both lists of intervals.
fn met(left: &[(i128, i128)], right: &[(i128, i128)]) -> Vec<(i128, i128)> {
    let mut met = Vec::new();
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some((l, l_end)), Some((r, r_end))) = (left.peek(), right.peek()) {
        let (low, high) = ((*l).max(*r), (*l_end).min(*r_end));
        if low <= high {
            met.push((low, high));
        }
        if l_end < r_end {
            left.next()
        } else {
            right.next()
        };
    }
    met
}

/// A double in the order of all doubles; both zeros are one.
pub(super) fn of_float(value: f64) -> i128 {
    let bits = i128::from((value + 0.0).abs().to_bits());
    if value < 0.0 { -bits } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets meet and lie within one another as sets of numbers do.
    #[test]
    fn sets_of_numbers() {
        let above = |bound| Values::numbers(Relation::Greater, bound);
        let below = |bound| Values::numbers(Relation::Less, bound);
        assert!(above(5).and(&below(6)).is_empty());
        assert!(!above(5).and(&below(7)).is_empty());
        assert!(above(10).is_within(&above(5)) && !above(5).is_within(&above(10)));
        let odd_one = Values::numbers(Relation::NotEqual, 3);
        assert!(above(3).is_within(&odd_one) && !above(2).is_within(&odd_one));
        assert!(Values::points([1, 2, 3], true).is_within(&below(4)));
        assert_eq!(Values::points([1, 2], true), Values::Numbers(vec![(1, 2)]));
        assert!(Values::points([1], true).and(&Values::points([1], false)).is_empty());
        assert!(Values::Absent.and(&Values::Any).is_empty());
        for pair in [-1e300, -1.5, -0.0, 1e-300, 0.1, 2.0].windows(2) {
            assert!(of_float(pair[0]) < of_float(pair[1]), "{pair:?}");
        }
        assert_eq!(of_float(0.0), of_float(-0.0));
    }
}
