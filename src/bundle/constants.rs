//! A constant's value, exchanged in the text of its file: what an analyst would type.

use std::collections::BTreeMap;

use super::fault::{At, Report};
use super::yaml::{self, Scalar, Shape};

/// Where the value of a constant stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConstantPlace {
    /// The file, by its name in the bundle.
    pub file: String,
    /// Line and column of its first character.
    pub at: At,
    /// The value as it is written.
    pub text: String,
}

/// Finds a constant as the rules of a file see it: among the file's own, else among those of
/// `bundle.yaml`. `None` when there is none, or when it is no plain value on one line.
pub fn find_constant(
    files: &BTreeMap<String, Vec<u8>>,
    rules_file: &str,
    name: &str,
) -> Option<ConstantPlace> {
    [rules_file, super::compile::MANIFEST].into_iter().find_map(|file| {
        let bytes = files.get(file)?;
        let (at, text) = value_of(bytes, name)?;
        let place = ConstantPlace { file: file.to_owned(), at, text };
        // Only what stands there letter by letter can be exchanged.
        let begins = offset(bytes, at)?;
        bytes.get(begins..)?.starts_with(place.text.as_bytes()).then_some(place)
    })
}

/// The names of the constants of a file.
pub fn constant_names(files: &BTreeMap<String, Vec<u8>>, file: &str) -> Vec<String> {
    let names = |bytes: &Vec<u8>| {
        let root = yaml::parse(bytes, &mut Report { file, faults: &mut Vec::new() })?;
        let Shape::Map(keys) = &root.shape else { return None };
        let (_, constants) = keys.iter().find(|(key, _)| key.text == "constants")?;
        let Shape::Map(constants) = &constants.shape else { return None };
        Some(constants.iter().map(|(key, _)| key.text.clone()).collect())
    };
    files.get(file).and_then(names).unwrap_or_default()
}

/// The same files with another value at a place that [`find_constant`] has found in them.
pub fn with_constant(
    files: &BTreeMap<String, Vec<u8>>,
    place: &ConstantPlace,
    value: &str,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = files.clone();
    if let Some(bytes) = files.get_mut(&place.file)
        && let Some(begins) = offset(bytes, place.at)
    {
        let ends = (begins + place.text.len()).min(bytes.len());
        bytes.splice(begins..ends, value.bytes());
    }
    files
}

fn value_of(bytes: &[u8], name: &str) -> Option<(At, String)> {
    let root = yaml::parse(bytes, &mut Report { file: "", faults: &mut Vec::new() })?;
    let Shape::Map(keys) = &root.shape else { return None };
    let (_, constants) = keys.iter().find(|(key, _)| key.text == "constants")?;
    let Shape::Map(constants) = &constants.shape else { return None };
    let (_, value) = constants.iter().find(|(key, _)| key.text == name)?;
    match &value.shape {
        Shape::Scalar(Scalar { text, plain: true }) => Some((value.at, text.clone())),
        _ => None,
    }
}

/// The byte at which a place begins; columns count characters.
fn offset(bytes: &[u8], at: At) -> Option<usize> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut before = 0;
    for _ in 1..at.line {
        before += text.get(before..)?.find('\n')? + 1;
    }
    let line = text.get(before..)?;
    let column = (at.column as usize).checked_sub(1)?;
    let (inside, _) = line.char_indices().nth(column)?;
    Some(before + inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value is found where it stands, also beside a comment and after characters of several
    /// bytes; what else is in the file stays as it is, and what is no plain value is left alone.
    #[test]
    fn a_value_is_exchanged_in_its_place() {
        let card = "# 卡\nconstants: # 常量\n  a: 10 # ten\n  b: money(\"5.00 CNY\")\n  c: [1, 2]\n  d: \
                    'x'\n  \"e\": 2.5\nrules: []\n";
        let mut files = BTreeMap::new();
        files.insert("card.yaml".to_owned(), card.as_bytes().to_vec());
        files.insert("bundle.yaml".to_owned(), b"constants: {near: 7}\n".to_vec());
        for (name, text, value, changed) in [
            ("a", "10", "12", card.replace("a: 10", "a: 12")),
            ("b", "money(\"5.00 CNY\")", "money(\"7.50 CNY\")", card.replace("5.00", "7.50")),
            ("e", "2.5", "3.0", card.replace("2.5", "3.0")),
        ] {
            let place = find_constant(&files, "card.yaml", name).unwrap();
            assert_eq!(place.text, text);
            let after = with_constant(&files, &place, value);
            assert_eq!(String::from_utf8(after["card.yaml"].clone()).unwrap(), changed);
        }
        let shared = find_constant(&files, "card.yaml", "near").unwrap();
        assert_eq!((&*shared.file, &*shared.text), ("bundle.yaml", "7"));
        for name in ["c", "d", "nobody"] {
            assert_eq!(find_constant(&files, "card.yaml", name), None, "{name}");
        }
        assert_eq!(constant_names(&files, "card.yaml"), ["a", "b", "c", "d", "e"]);
    }
}
