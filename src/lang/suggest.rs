//! Did you mean? The nearest name to a misspelt one.

/// The name nearest to `written`, when it is near enough to be meant: at most a third of its
/// letters differ. The first of equals wins, so the order of `names` decides and stays stable.
pub fn nearest<'n>(written: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let written: Vec<char> = written.chars().take(LETTERS_MAX + 1).collect();
    if written.is_empty() || written.len() > LETTERS_MAX {
        return None;
    }
    let far = (written.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for name in names {
        let least = best.map_or(far + 1, |(distance, _)| distance);
        if name.chars().count().abs_diff(written.len()) >= least {
            continue;
        }
        let distance = edit_distance(&written, &name.chars().collect::<Vec<_>>());
        if distance < least {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// Longer names are not worth a quadratic comparison.
const LETTERS_MAX: usize = 96;

/// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other
/// ("optimal string alignment").
fn edit_distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut table = vec![0; (left.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            let cost = if row == 0 || column == 0 {
                row + column
            } else {
                let (l, r) = (left[row - 1], right[column - 1]);
                let mut cost = (table[at(row - 1, column)] + 1)
                    .min(table[at(row, column - 1)] + 1)
                    .min(table[at(row - 1, column - 1)] + usize::from(l != r));
                let swapped = row > 1
                    && column > 1
                    && left[row - 2] == right[column - 1]
                    && left[row - 1] == right[column - 2];
                if swapped {
                    cost = cost.min(table[at(row - 2, column - 2)] + 1);
                }
                cost
            };
            table[at(row, column)] = cost;
        }
    }
    table[at(left.len(), right.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A typo finds its name, a different word finds none: a wrong suggestion costs more trust
    /// than a missing one.
    #[test]
    fn a_typo_finds_its_name() {
        let names = ["amount_base", "amount_minor", "ip_tor", "startsWith", "has"];
        for (written, expected) in [
            ("amout_base", Some("amount_base")),
            ("amount_abse", Some("amount_base")),
            ("ip_tro", Some("ip_tor")),
            ("startswith", Some("startsWith")),
            ("hass", Some("has")),
            ("card_velocity", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, names).as_deref(), expected, "{written}");
        }
        assert_eq!(nearest(&"x".repeat(100_000), names), None);
    }
}
