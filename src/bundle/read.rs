//! From the tree to values: every key asked for by name, every fault noted, unknown keys refused.

use super::fault::{At, Report, shown};
use super::yaml::{Key, Node, Scalar, Shape};
use crate::lang::parse_duration;

/// Text that stands in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    /// Where it begins.
    pub(super) at: At,
    /// The text.
    pub(super) text: &'a str,
}

/// The keys of a map while they are asked for.
pub(super) struct Fields<'a> {
    /// Where the map begins.
    pub(super) at: At,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
    /// What it is called, which is its title in the schemas.
    #[cfg(test)]
    what: String,
}

impl<'a> Fields<'a> {
    /// The keys of a map; a fault when it is something else.
    pub(super) fn of(node: &'a Node, what: &str, report: &mut Report<'_>) -> Option<Self> {
        match &node.shape {
            Shape::Map(entries) => Some(Self {
                at: node.at,
                entries,
                asked: Vec::new(),
                #[cfg(test)]
                what: what.to_owned(),
            }),
            Shape::Scalar(_) | Shape::List(_) => {
                report.fault(node.at, format!("{what} must be a map, this is {}", node.kind()));
                None
            }
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&mut self, name: &'static str) -> Option<&'a Node> {
        self.asked.push(name);
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, name: &'static str, report: &mut Report<'_>) -> Option<&'a Node> {
        let node = self.get(name);
        if node.is_none() {
            report.fault(self.at, format!("`{name}` is missing; add it"));
        }
        node
    }

    /// The text of a key, if it is there.
    pub(super) fn text(&mut self, name: &'static str, report: &mut Report<'_>) -> Option<Text<'a>> {
        self.get(name).and_then(|node| said_text(node, name, report))
    }

    /// The text of a key that must be there.
    pub(super) fn need_text(
        &mut self,
        name: &'static str,
        report: &mut Report<'_>,
    ) -> Option<Text<'a>> {
        self.need(name, report).and_then(|node| said_text(node, name, report))
    }

    /// The whole number of a key, within bounds, if it is there.
    pub(super) fn int(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<i64>,
        report: &mut Report<'_>,
    ) -> Option<i64> {
        self.get(name).and_then(|node| int(node, name, bounds, report))
    }

    /// The boolean of a key, if it is there.
    pub(super) fn bool(&mut self, name: &'static str, report: &mut Report<'_>) -> Option<bool> {
        match &self.get(name)?.shape {
            Shape::Scalar(Scalar { text, plain: true }) if text == "true" => Some(true),
            Shape::Scalar(Scalar { text, plain: true }) if text == "false" => Some(false),
            _ => {
                let at = self.get(name)?.at;
                report.fault(at, format!("`{name}` must be true or false"));
                None
            }
        }
    }

    /// The items of a key's list, if it is there; a single value counts as a list of one.
    pub(super) fn list(&mut self, name: &'static str) -> &'a [Node] {
        match self.get(name) {
            Some(Node { shape: Shape::List(items), .. }) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// The words of a key's list, each looked up by name; unknown ones are faults.
    pub(super) fn words<T>(
        &mut self,
        name: &'static str,
        known: &[(&'static str, T)],
        report: &mut Report<'_>,
    ) -> Vec<T>
    where
        T: Copy,
    {
        let items = self.list(name).iter();
        items.filter_map(|node| word(node, name, known, report)).collect()
    }

    /// The word of a key, looked up by name, if it is there.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        known: &[(&'static str, T)],
        report: &mut Report<'_>,
    ) -> Option<T> {
        self.get(name).and_then(|node| word(node, name, known, report))
    }

    /// Refuses every key that nobody asked for.
    pub(super) fn finish(self, report: &mut Report<'_>) {
        #[cfg(test)]
        super::schema::tests::note(&self.what, &self.asked);
        for (key, _) in self.entries {
            if !self.asked.contains(&key.text.as_str()) {
                report.unknown(key.at, "key", &key.text, self.asked.iter().copied());
            }
        }
    }
}

/// The text of a key. A key with nothing behind it, or with YAML's null, looks like one that is not
/// there and would be the text `null`, or none.
fn said_text<'a>(node: &'a Node, name: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
    if let Shape::Scalar(Scalar { text, plain: true }) = &node.shape
        && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    {
        report.misleads(node.at, format!("`{name}` has no value; give it one, or remove the key"));
    }
    text(node, report)
}

/// One text; numbers and booleans written plainly are text here.
pub(super) fn text<'a>(node: &'a Node, report: &mut Report<'_>) -> Option<Text<'a>> {
    match &node.shape {
        Shape::Scalar(scalar) => Some(Text { at: node.at, text: &scalar.text }),
        Shape::List(_) | Shape::Map(_) => {
            report.fault(node.at, format!("must be a text, this is {}", node.kind()));
            None
        }
    }
}

/// One whole number within bounds; `1_000` is taken.
pub(super) fn int(
    node: &Node,
    what: &str,
    bounds: std::ops::RangeInclusive<i64>,
    report: &mut Report<'_>,
) -> Option<i64> {
    let number = match &node.shape {
        Shape::Scalar(Scalar { text, plain: true }) => plain_int(text),
        _ => None,
    };
    match number {
        Some(number) if bounds.contains(&number) => Some(number),
        _ => {
            let (low, high) = (bounds.start(), bounds.end());
            report.fault(node.at, format!("`{what}` must be a whole number from {low} to {high}"));
            None
        }
    }
}

/// A whole number as people write it: `-5`, `1_000`.
pub(super) fn plain_int(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let shaped = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !shaped {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// A word of a closed vocabulary.
pub(super) fn word<T: Copy>(
    node: &Node,
    what: &str,
    known: &[(&'static str, T)],
    report: &mut Report<'_>,
) -> Option<T> {
    let text = text(node, report)?;
    let found = known.iter().find(|(name, _)| *name == text.text).map(|(_, value)| *value);
    if found.is_none() {
        let names = known.iter().map(|(name, _)| *name);
        report.unknown(text.at, &format!("`{what}`"), text.text, names);
    }
    found
}

/// `500ms`, `30s`, `10m`, `24h`, `7d`: milliseconds, at least one.
pub(super) fn duration(node: &Node, what: &str, report: &mut Report<'_>) -> Option<i64> {
    let text = text(node, report)?;
    let parsed = parse_duration(text.text).filter(|ms| *ms > 0);
    if parsed.is_none() {
        let shown = shown(text.text);
        let hint = "a number and one of ms, s, m, h, d, such as 10m or 30d";
        report.fault(text.at, format!("`{what}`: `{shown}` is not a duration; write {hint}"));
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers as people write them; what is nearly one is none, so that a slip cannot become a
    /// limit.
    #[test]
    fn whole_numbers() {
        for (text, expected) in [
            ("1_000", Some(1_000)),
            ("-5", Some(-5)),
            ("1.5", None),
            ("_1", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(plain_int(text), expected, "{text}");
        }
    }
}
