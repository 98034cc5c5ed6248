//! The name that was probably meant.

/// Longest name that is compared: an attacker's megabyte is not worth a square of time.
const NAME_MAX: usize = 64;

/// The known name nearest to a wrong one, if it is near enough to be a slip: at most a third of
/// its letters differ. Of equally near names the first.
pub(super) fn nearest<'n>(
    wrong: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    if wrong.len() > NAME_MAX {
        return None;
    }
    let distances = known.into_iter().map(|name| (distance(wrong, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= wrong.len().div_ceil(3)).then_some(name)
}

/// Levenshtein distance, by character.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(NAME_MAX).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let cost = (left + 1).min(*above + 1).min(diagonal + usize::from(from != *to));
            diagonal = std::mem::replace(above, cost);
            left = cost;
        }
        // The row has at least one place.
        row[0] = i + 1;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip is answered with the name that was meant; nonsense is not answered with a guess.
    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        for (wrong, expected) in [
            ("amount_bsae", Some("amount_base")),
            ("kind", Some("kind")),
            ("follow_up", Some("follow_ups")),
            ("zzzz", None),
            ("", None),
        ] {
            let known = ["amount_base", "kind", "follow_ups"];
            assert_eq!(nearest(wrong, known), expected, "{wrong}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("行行", "行"), 1);
    }
}
