//! What does a cell say? Its text to a relation and values, or to what was probably meant.
//!
//! Whatever has no meaning here is refused: a cell that quietly means something else than it shows
//! is a limit that does not hold.

/// What a cell says of its column.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Said<'c> {
    /// `any`.
    Any,
    /// `-`, or nothing at all.
    Nothing,
    /// `missing`, or (`false`) `!missing`.
    Missing(bool),
    /// `>= a`.
    Relation(&'static str, &'c str),
    /// `a..b`: from the first, below the second.
    Range(&'c str, &'c str),
    /// `a | b`, or (`false`) `!(a | b)`.
    OneOf(Vec<&'c str>, bool),
}

/// Two letters before one, so that the first that fits is the longest.
const RELATIONS: [&str; 6] = [">=", "<=", "==", "!=", ">", "<"];

/// What is not written with the signs of the keyboard, or as other languages write it.
const MEANT: [(&str, &str); 25] = [
    ("≥", ">="),
    ("≧", ">="),
    ("⩾", ">="),
    ("≤", "<="),
    ("≦", "<="),
    ("⩽", "<="),
    ("≠", "!="),
    ("＞", ">"),
    ("＜", "<"),
    ("＝", "=="),
    ("！", "!"),
    ("¬", "!"),
    ("｜", "|"),
    ("¦", "|"),
    ("∨", "|"),
    ("，", "|"),
    ("、", "|"),
    ("；", "|"),
    ("‥", ".."),
    ("…", ".."),
    ("～", ".."),
    ("〜", ".."),
    ("||", "|"),
    ("=>", ">="),
    ("=<", "<="),
];

/// Words that mean something in other tables and nothing here.
const WORDS: [(&str, &str); 12] = [
    ("null", "`any` for any value, `missing` for none"),
    ("nil", "`any` for any value, `missing` for none"),
    ("~", "`any` for any value, `missing` for none"),
    ("none", "`any` for any value, `missing` for none"),
    ("n/a", "`any` for any value, `missing` for none"),
    ("na", "`any` for any value, `missing` for none"),
    ("empty", "`any` for any value, `missing` for none"),
    ("*", "`any`"),
    ("all", "`any`"),
    ("else", "`any`"),
    ("any", "`any`"),
    ("missing", "`missing`"),
];

/// Reads a cell. A value of a text column that has one of the signs in it stands in quotes.
pub(super) fn read(cell: &str) -> Result<Said<'_>, String> {
    let cell = cell.trim();
    match cell {
        "" | "-" => return Ok(Said::Nothing),
        "any" => return Ok(Said::Any),
        "missing" => return Ok(Said::Missing(true)),
        _ => {}
    }
    let bare = bare(cell)?;
    misread(cell, &bare)?;
    if let Some(relation) = RELATIONS.into_iter().find(|one| cell.starts_with(one)) {
        let rest = cell.get(relation.len()..).unwrap_or_default().trim();
        return relation_of(relation, rest, bare.get(relation.len()..).unwrap_or_default());
    }
    match cell.strip_prefix('!').map(str::trim_start) {
        Some("missing") => Ok(Said::Missing(false)),
        Some(rest) => none_of(rest),
        None => match range(cell, &bare)? {
            Some(range) => Ok(range),
            None => Ok(Said::OneOf(alternatives(cell)?, true)),
        },
    }
}

/// The cell with what stands in quotes or in brackets covered by blanks, byte for byte.
fn bare(cell: &str) -> Result<String, String> {
    let mut bare = String::with_capacity(cell.len());
    let (mut quote, mut depth, mut before) = (None, 0_u32, ' ');
    for letter in cell.chars() {
        let opens = letter == '"' || letter == '\'' && !before.is_alphanumeric();
        let covered = match quote {
            Some(open) => {
                quote = (letter != open || before == '\\').then_some(open);
                true
            }
            None if opens => {
                quote = Some(letter);
                true
            }
            None => {
                depth += u32::from(letter == '(');
                let covered = depth > 0;
                depth = depth.saturating_sub(u32::from(letter == ')'));
                covered
            }
        };
        before = letter;
        match covered {
            true => bare.extend(std::iter::repeat_n(' ', letter.len_utf8())),
            false => bare.push(letter),
        }
    }
    match (quote, depth) {
        (Some(quote), _) => Err(format!("a quote ({quote}) is opened and not closed")),
        (None, 1..) => Err("a bracket is opened and not closed".to_owned()),
        _ => Ok(bare),
    }
}

/// What looks like a sign, a number or a word of this language and is none.
fn misread(cell: &str, bare: &str) -> Result<(), String> {
    if let Some((sign, meant)) = MEANT.iter().find(|(sign, _)| bare.contains(sign)) {
        return Err(format!("`{sign}` has no meaning here; did you mean `{meant}`?"));
    }
    if bare.starts_with('=') && !bare.starts_with("==") {
        return Err("`=` has no meaning here; write the value alone, or `==` before it".to_owned());
    }
    if bare.starts_with("<>") {
        return Err("`<>` has no meaning here; did you mean `!=`?".to_owned());
    }
    if bare.contains("&&") || bare.contains(';') {
        return Err("a cell asks one thing; write a range `a..b`, or another row".to_owned());
    }
    if let Some(at) = bare.find(',') {
        let is_digit = |text: &str, back: bool| {
            let letter = if back { text.chars().next_back() } else { text.chars().next() };
            letter.is_some_and(|letter| letter.is_ascii_digit())
        };
        let (left, right) = (&bare[..at], &bare[at + 1..]);
        let next = right.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        return Err(if is_digit(left, true) && next.len() == 3 {
            "`,` has no meaning here; thousands have no separator (`1000.00`), values are \
             separated by `|`"
                .to_owned()
        } else {
            "`,` has no meaning here; separate values by `|`, or quote a text that has one"
                .to_owned()
        });
    }
    for prefix in ["not ", "in ", "in[", "between ", "is "] {
        if cell.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            let hint = "values stand alone (`a | b`), `!(a | b)` is none of them, `a..b` a range";
            return Err(format!("`{}` has no meaning here; {hint}", prefix.trim_end_matches('[')));
        }
    }
    no_word(cell)
}

/// Refuses a value that is a word of other tables, or one of ours in another case.
fn no_word(value: &str) -> Result<(), String> {
    match WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(value.trim())) {
        Some((_, meant)) => {
            let value = value.trim();
            Err(format!("`{value}` is no value here; write {meant}, or quote the text"))
        }
        None => Ok(()),
    }
}

fn relation_of<'c>(relation: &'static str, value: &'c str, bare: &str) -> Result<Said<'c>, String> {
    if value.is_empty() {
        return Err(format!("a value is missing after `{relation}`"));
    }
    if bare.contains('|') {
        return Err(match relation {
            "!=" => "`!=` takes one value; `!(a | b)` is none of several".to_owned(),
            "==" => "`==` takes one value; write `a | b` without it".to_owned(),
            _ => format!("`{relation}` takes one value; give each its own row"),
        });
    }
    if bare.contains("..") || bare.trim_start().starts_with(['!', '=', '<', '>']) {
        return Err(format!("`{relation}` takes one value; a range is `a..b` alone"));
    }
    if bare.trim_start().contains(['<', '>']) {
        return Err("a cell asks one thing; write a range `a..b`, or another row".to_owned());
    }
    no_word(value)?;
    Ok(Said::Relation(relation, value))
}

/// What follows a `!`.
fn none_of(rest: &str) -> Result<Said<'_>, String> {
    if let Some(inner) = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        bare(inner)?;
        return Ok(Said::OneOf(alternatives(inner)?, false));
    }
    let bare = bare(rest)?;
    if bare.contains('|') {
        let inner: Vec<&str> =
            rest.split('|').map(|one| one.trim().trim_start_matches('!')).collect();
        let hint = inner.join(" | ");
        return Err(format!("`!` speaks of one value; write `!({hint})` for none of them"));
    }
    if bare.contains("..") {
        return Err("a range has no `!`; write `< a` and `>= b` in rows of their own".to_owned());
    }
    Ok(Said::OneOf(alternatives(rest)?, false))
}

fn range<'c>(cell: &'c str, bare: &str) -> Result<Option<Said<'c>>, String> {
    let Some(at) = bare.find("..") else { return Ok(None) };
    let (low, high) = (cell[..at].trim(), cell[at + 2..].trim());
    if bare.contains('|') {
        return Err("a range stands alone; give each its own row".to_owned());
    }
    if high.starts_with(['.', '=']) || high.contains("..") {
        return Err("a range is `a..b`: from a, below b".to_owned());
    }
    if low.is_empty() || high.is_empty() {
        return Err("a range has both ends; write `>= a` or `< b` for one".to_owned());
    }
    no_word(low)?;
    no_word(high)?;
    Ok(Some(Said::Range(low, high)))
}

/// The values between `|`.
fn alternatives(text: &str) -> Result<Vec<&str>, String> {
    let bare = bare(text)?;
    let (mut all, mut start) = (Vec::new(), 0);
    let ends = bare.match_indices('|').map(|(at, _)| at).chain([bare.len()]);
    for end in ends {
        let value = text[start..end].trim();
        start = end + 1;
        if value.is_empty() {
            return Err("a value is missing beside `|`".to_owned());
        }
        if value.starts_with('!') {
            return Err("`!` stands before all: `!(a | b)` is none of them".to_owned());
        }
        if RELATIONS.iter().any(|relation| value.starts_with(relation)) {
            return Err("`|` stands between values; give each relation its own row".to_owned());
        }
        no_word(value)?;
        all.push(value);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(cell: &str, expected: Said<'_>) {
        assert_eq!(read(cell), Ok(expected), "{cell}");
    }

    /// Every documented form, with and without blanks.
    #[test]
    fn every_form_has_one_meaning() {
        says(" ", Said::Nothing);
        says("-", Said::Nothing);
        says("any", Said::Any);
        says("missing", Said::Missing(true));
        says("! missing", Said::Missing(false));
        says(">=5", Said::Relation(">=", "5"));
        says("!= -5", Said::Relation("!=", "-5"));
        says("1000..2000", Said::Range("1000", "2000"));
        says("-5 .. 2.5", Said::Range("-5", "2.5"));
        says("5411|5412 |5499", Said::OneOf(vec!["5411", "5412", "5499"], true));
        says("!5411", Said::OneOf(vec!["5411"], false));
        says("!(5411|5412)", Said::OneOf(vec!["5411", "5412"], false));
        says("\"a|b\" | \"c..d, e\"", Said::OneOf(vec!["\"a|b\"", "\"c..d, e\""], true));
        says("L'Aquila", Said::OneOf(vec!["L'Aquila"], true));
        says("New York", Said::OneOf(vec!["New York"], true));
        says("> min(a, b)", Said::Relation(">", "min(a, b)"));
        says("\"none\"", Said::OneOf(vec!["\"none\""], true));
    }

    /// What other tables write, what looks alike, and what says two things: each a fault that names
    /// what was meant.
    #[test]
    fn what_means_something_else_is_refused() {
        for (cell, named) in [
            ("5411,5412", "separate values by `|`"),
            ("1,000.00", "thousands have no separator"),
            (">= 1,000.00", "thousands have no separator"),
            ("≥ 5", "`>=`"),
            ("＞ 5", "`>`"),
            ("1…5", "`..`"),
            ("5411、5412", "`|`"),
            ("=> 5", "`>=`"),
            ("= 5", "`==`"),
            ("<> 5", "`!=`"),
            (">= ", "missing after `>=`"),
            (">= 5 | <= 3", "its own row"),
            (">= 5 < 9", "one thing"),
            (">= 5 && x", "one thing"),
            ("> 5..9", "a range"),
            (">>5", "a range"),
            ("..5", "both ends"),
            ("5..", "both ends"),
            ("1...5", "from a, below b"),
            ("1..=5", "from a, below b"),
            ("1..2 | 5", "stands alone"),
            ("!5411 | 5412", "`!(5411 | 5412)`"),
            ("!5411|!5412", "`!(5411 | 5412)`"),
            ("5411 | !5412", "stands before all"),
            ("5411 || 5412", "`|`"),
            ("5411 |", "missing beside"),
            ("!", "missing beside"),
            ("null", "`missing` for none"),
            ("NULL", "`missing` for none"),
            ("~", "`missing` for none"),
            ("*", "`any`"),
            ("ANY", "`any`"),
            ("Missing", "`missing`"),
            ("5411 | any", "`any`"),
            ("!null", "`missing` for none"),
            (">= missing", "`missing`"),
            ("not 5", "no meaning"),
            ("IN (5, 6)", "no meaning"),
            ("\"5411", "not closed"),
            ("money(\"5\"", "not closed"),
        ] {
            let told = read(cell).expect_err(cell);
            assert!(told.contains(named), "{cell}: {told}");
        }
    }
}
