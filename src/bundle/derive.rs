//! In which order derived features are computed: each after those that it speaks of.

use std::collections::{BTreeMap, BTreeSet};

/// The order, as indexes, and the indexes of those that stand in a circle.
pub(super) struct Order {
    /// Computable, in this order.
    pub(super) sorted: Vec<usize>,
    /// In a circle: each speaks, through others or not, of itself.
    pub(super) circular: Vec<usize>,
}

/// Orders expressions by the names that they mention. Of several possible orders it is the one
/// nearest to the order of the file.
pub(super) fn order(named: &[(&str, &str)]) -> Order {
    let index: BTreeMap<&str, usize> =
        named.iter().enumerate().map(|(index, (name, _))| (*name, index)).collect();
    let mut needs: Vec<BTreeSet<usize>> = named
        .iter()
        .map(|(_, text)| names(text).filter_map(|name| index.get(name).copied()).collect())
        .collect();
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); named.len()];
    for (user, needs) in needs.iter().enumerate() {
        // Every number in `needs` is an index into `named`.
        needs.iter().for_each(|used| needed_by[*used].push(user));
    }
    let mut ready: BTreeSet<usize> =
        (0..named.len()).filter(|one| needs[*one].is_empty()).collect();
    let mut sorted = Vec::with_capacity(named.len());
    while let Some(next) = ready.pop_first() {
        sorted.push(next);
        for user in &needed_by[next] {
            needs[*user].remove(&next);
            if needs[*user].is_empty() {
                ready.insert(*user);
            }
        }
    }
    // What is left is in a circle or only waits for one: those that nobody left waits for, wait.
    let mut left: BTreeSet<usize> =
        (0..named.len()).filter(|one| !needs[*one].is_empty()).collect();
    loop {
        let waited_for: BTreeSet<usize> =
            left.iter().flat_map(|one| needs[*one].iter().copied()).collect();
        let kept: BTreeSet<usize> = left.intersection(&waited_for).copied().collect();
        if kept.len() == left.len() {
            return Order { sorted, circular: left.into_iter().collect() };
        }
        left = kept;
    }
}

/// The identifiers of an expression, those inside of quotes left out.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if first == '"' || first == '\'' {
                rest = after_quote(&rest[1..], first);
            } else if first.is_ascii_alphabetic() || first == '_' {
                let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let end = rest.find(|c| !part_of_name(c)).unwrap_or(rest.len());
                let (name, tail) = rest.split_at(end);
                rest = tail;
                return Some(name);
            } else {
                rest = &rest[first.len_utf8()..];
            }
        }
    })
}

/// What follows a quoted text.
fn after_quote(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(named: &[(&str, &str)], sorted: &[usize], circular: &[usize]) {
        let order = order(named);
        assert_eq!((order.sorted.as_slice(), order.circular.as_slice()), (sorted, circular));
    }

    /// What is used comes first; a circle is found whole, and what only waits for it is not blamed.
    #[test]
    fn what_is_used_comes_first_and_circles_are_found() {
        check(&[("a", "b + 1"), ("b", "c * b2"), ("c", "1"), ("d", "2")], &[2, 1, 0, 3], &[]);
        check(&[("a", "a")], &[], &[0]);
        check(&[("a", "b"), ("b", "a"), ("c", "a + 1"), ("d", "1")], &[3], &[0, 1]);
        check(&[("a", "x == 'a b' + \"\\\"b\" + ab"), ("b", "a")], &[0, 1], &[]);
        check(&[("a", "'unclosed b"), ("b", "行a")], &[0, 1], &[]);
    }
}
